/* SPDX-License-Identifier: Apache-2.0 */
/* Files and environment of this machine, and paths as texts. [any-thread] */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static actr_status_t read_all(int fd, const actri_env_t *env, size_t size, char **data, size_t *got,
                              actr_error_t *error)
{
    char *room = actri_alloc(env, size + 1);
    size_t at = 0;
    if (room == NULL) return actri_no_memory(error);
    while (at < size) {
        ssize_t n = read(fd, room + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int number = errno;
            actri_free(env, room);
            return actri_fail_errno(error, ACTR_STATUS_IO, number, "can not be read");
        }
        if (n == 0) break; /* it became shorter meanwhile */
        at += (size_t)n;
    }
    room[at] = '\0';
    *data = room;
    *got = at;
    return ACTR_OK;
}

/* Only regular files: a pipe or a device could hold the caller, or never end. */
static actr_status_t read_file(void *user, const actri_env_t *env, const char *path, size_t limit, char **data,
                               size_t *size, actr_error_t *error)
{
    (void)user;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return actri_fail_errno(error, errno == ENOENT || errno == ENOTDIR ? ACTR_STATUS_NOT_FOUND : ACTR_STATUS_IO,
                                errno, "can not be opened");
    }
    actr_status_t status = ACTR_OK;
    if (fstat(fd, &about) != 0)
        status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "can not be read");
    else if (!S_ISREG(about.st_mode))
        status = actri_fail(error, ACTR_STATUS_IO, "is no regular file");
    else if ((uintmax_t)about.st_size > limit)
        status = actri_fail(error, ACTR_STATUS_IO, "is larger than %zu bytes", limit);
    else
        status = read_all(fd, env, (size_t)about.st_size, data, size, error);
    (void)close(fd);
    return status;
}

static bool real_path(void *user, const actri_env_t *env, const char *path, char **out)
{
    (void)user;
    char *found = realpath(path[0] == '\0' ? "." : path, NULL);
    bool memory = found != NULL || errno != ENOMEM;
    *out = actri_strdup(env, found);
    memory = memory && (found == NULL || *out != NULL);
    free(found);
    return memory;
}

actri_config_source_t actri_config_source_real(void)
{
    return (actri_config_source_t){
        .read = read_file, .real_path = real_path, .environment = (const char *const *)environ};
}

bool actri_path_ends(const char *path, const char *suffix)
{
    size_t size = strlen(path), tail = strlen(suffix);
    return size > tail && strcmp(path + size - tail, suffix) == 0;
}

bool actri_path_stays(const actri_config_source_t *source, const actri_env_t *env, const char *folder, const char *path,
                      const char *suffix, bool *stays)
{
    char *end = NULL, *home = NULL;
    *stays = true;
    if (source->real_path == NULL) return true;
    bool known =
        source->real_path(source->user, env, path, &end) && source->real_path(source->user, env, folder, &home);
    size_t size = home == NULL ? 0 : strlen(home);
    bool inside =
        end == NULL || (home != NULL && strncmp(end, home, size) == 0 && (end[size] == '/' || strcmp(home, "/") == 0));
    *stays = known && (inside || actri_path_ends(end, suffix));
    actri_free(env, end);
    actri_free(env, home);
    return known;
}

char *actri_path_join(const actri_env_t *env, const char *beside, const char *path)
{
    const char *slash = strrchr(beside, '/');
    if (path[0] == '/' || slash == NULL) return actri_strdup(env, path);
    return actri_asprintf(env, "%.*s/%s", (int)(slash - beside), beside, path);
}

/* One step of a path: [*at, *at + size); *at moves behind it and its slashes. */
static size_t next_part(const char **at, const char **part)
{
    *part = *at;
    size_t size = strcspn(*at, "/");
    *at += size;
    while (**at == '/') (*at)++;
    return size;
}

void actri_path_normalize(char *path)
{
    char *start = path + (path[0] == '/' ? 1 : 0), *out = start;
    char *floor = start; /* ".." can not take away what is before it */
    const char *at = start + strspn(start, "/"), *part;
    while (*at != '\0') {
        size_t size = next_part(&at, &part);
        bool up = size == 2 && memcmp(part, "..", 2) == 0;
        if (size == 1 && part[0] == '.') continue;
        if (up && out > floor) {
            while (out > floor && *--out != '/') {
            }
            continue;
        }
        if (up && start > path) continue; /* above the root */
        if (out > start) *out++ = '/';
        memmove(out, part, size);
        out += size;
        if (up) floor = out;
    }
    *out = '\0';
}

bool actri_path_climbs(const char *path)
{
    const char *at = path, *part;
    int depth = 0;
    if (path[0] == '/') return true;
    while (*at != '\0') {
        size_t size = next_part(&at, &part);
        if (size == 2 && memcmp(part, "..", 2) == 0)
            depth--;
        else if (size > 0 && !(size == 1 && part[0] == '.'))
            depth++;
        if (depth < 0) return true;
    }
    return false;
}
