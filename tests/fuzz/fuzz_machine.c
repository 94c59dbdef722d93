/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the files of /proc and /sys that the meter of load reads. The input is a row of sections that end with
 * the byte 0xff: one byte that names the file and what is in it, or, from 0x80 on, a reading so many seconds later.
 * What is left of the machine is between 0 and 5, and of its battery between 0 and 1.
 */
#include "port/clock.h"
#include "port/machine.h"
#include "port/meter.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUPPLY "sys/class/power_supply/"
#define FILES (sizeof files / sizeof files[0])
#define SECTION_END 0xff
#define READ_LATER 0x80

static const char *const files[] = {
    "proc/stat",
    "proc/loadavg",
    "proc/meminfo",
    "proc/pressure/memory",
    "proc/diskstats",
    "proc/net/dev",
    "proc/sys/fs/file-nr",
    SUPPLY "BAT0/type",
    SUPPLY "BAT0/status",
    SUPPLY "BAT0/scope",
    SUPPLY "BAT0/capacity",
    SUPPLY "BAT0/energy_now",
    SUPPLY "BAT0/energy_full",
    SUPPLY "BAT0/charge_now",
    SUPPLY "BAT0/charge_full",
    SUPPLY "AC/type",
    SUPPLY "AC/online",
};

static char folder[64];
static int fds[FILES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_machine: %s\n", what);
    abort();
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static void clean_up(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int create(const char *path)
{
    char whole[256];
    (void)snprintf(whole, sizeof whole, "%s/%s", folder, path);
    for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    return open(whole, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Once a process: an empty file reads as none. */
static void open_machine(void)
{
    if (folder[0] != '\0') return;
    (void)snprintf(folder, sizeof folder, "%s/actr-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    demand(mkdtemp(folder) != NULL && atexit(clean_up) == 0, "no folder");
    for (size_t i = 0; i < FILES; i++) {
        fds[i] = create(files[i]);
        demand(fds[i] >= 0, "no file");
    }
    actri_meter_root(folder);
}

static void look(actri_meter_t *meter, int64_t now_ns)
{
    double left = 0;
    float reserve = actri_meter_read(meter, now_ns);
    demand(reserve >= 0 && reserve <= ACTRI_METER_FULL, "a reserve out of its range");
    if (actri_machine_battery(folder, &left)) demand(left >= 0 && left <= 1, "a charge out of its range");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_meter_t meter;
    int64_t now_ns = ACTRI_SECOND;
    open_machine();
    for (size_t i = 0; i < FILES; i++) demand(ftruncate(fds[i], 0) == 0, "a file can not be emptied");
    actri_meter_init(&meter);
    while (size > 0) {
        const uint8_t *end = memchr(data, SECTION_END, size);
        size_t length = end == NULL ? size : (size_t)(end - data);
        if (length > 0 && data[0] >= READ_LATER) {
            now_ns += (data[0] - READ_LATER) * ACTRI_SECOND;
            look(&meter, now_ns);
        } else if (length > 0) {
            int fd = fds[data[0] % FILES];
            demand(ftruncate(fd, 0) == 0, "a file can not be emptied");
            demand(pwrite(fd, data + 1, length - 1, 0) == (ssize_t)length - 1, "a file can not be written");
        }
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    look(&meter, now_ns + ACTRI_SECOND);
    return 0;
}
