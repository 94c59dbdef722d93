/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the kernel: numbers in lines. */
#include "port/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIGITS_MAX 20

bool actri_machine_read(const char *root, const char *path, char text[ACTRI_MACHINE_TEXT])
{
    char whole[ACTRI_MACHINE_PATH];
    int length = snprintf(whole, sizeof whole, "%s/%s", root, path);
    if (length < 0 || (size_t)length >= sizeof whole) return false;
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    size_t used = 0;
    ssize_t got;
    while (used < ACTRI_MACHINE_TEXT - 1 && (got = read(fd, text + used, ACTRI_MACHINE_TEXT - 1 - used)) > 0) {
        used += (size_t)got;
    }
    (void)close(fd);
    text[used] = '\0';
    return used > 0;
}

bool actri_machine_number(const char **at, double *out)
{
    const char *p = *at + strspn(*at, " \t");
    double value = 0, unit = 1;
    int digits = 0;
    for (; *p >= '0' && *p <= '9' && digits < DIGITS_MAX; p++, digits++) value = value * 10 + (*p - '0');
    if (digits == 0) return false;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9' && digits < DIGITS_MAX; p++, digits++) value += (*p - '0') * (unit /= 10);
    }
    if (*p >= '0' && *p <= '9') return false;
    *at = p;
    *out = value;
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL ? NULL : end + 1;
}

bool actri_machine_value(const char *text, const char *key, unsigned index, double *out)
{
    size_t size = strlen(key);
    for (const char *line = text; line != NULL; line = next_line(line)) {
        if (strncmp(line, key, size) != 0) continue;
        const char *at = line + size;
        for (unsigned i = 0; i <= index; i++) {
            if (!actri_machine_number(&at, out)) return false;
        }
        return true;
    }
    return false;
}
