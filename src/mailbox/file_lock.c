/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static actr_status_t say_busy(int fd, const char *path, actr_error_t *error)
{
    char holder[100] = "";
    ssize_t size = pread(fd, holder, sizeof holder - 1, 0);
    if (size < 0) size = 0;
    holder[size] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return actri_fail(error, ACTR_STATUS_MAILBOX_BUSY, "%s is owned by another node (%s)", path,
                      holder[0] != '\0' ? holder : "it has not said who it is");
}

static void sign(int fd)
{
    char text[100], since[40];
    time_t now = time(NULL);
    struct tm parts;
    (void)strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", gmtime_r(&now, &parts));
    int size = snprintf(text, sizeof text, "process %ld, since %s UTC\n", (long)getpid(), since);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) return; /* the lock counts, not its text */
}

actr_status_t actri_file_lock(const actri_env_t *env, const char *path, int *out, actr_error_t *error)
{
    char *name = actri_asprintf(env, "%s.lock", path);
    if (name == NULL) return actri_no_memory(error);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int number = errno;
    actr_status_t status = ACTR_OK;
    if (fd < 0) {
        status = actri_fail_errno(error, ACTR_STATUS_MAILBOX_IO, number, "%s can not be opened", name);
    } else {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_OFD_SETLK, &lock) != 0) status = say_busy(fd, path, error);
    }
    actri_free(env, name);
    if (status != ACTR_OK) {
        if (fd >= 0) (void)close(fd);
        return status;
    }
    sign(fd);
    *out = fd;
    return ACTR_OK;
}
