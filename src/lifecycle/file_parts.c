/* SPDX-License-Identifier: Apache-2.0 */
/* How much a receiver's folder keeps of transfers that are not complete. */
#include "lifecycle/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct part {
    struct timespec changed;
    uint64_t size;
    bool busy;
    char name[ACTRI_FILE_PART_TEXT];
} part_t;

typedef struct parts {
    part_t *all;
    size_t count, room;
    uint64_t bytes, busy_bytes;
    size_t busy;
} parts_t;

static bool is_part(const char *name)
{
    return strlen(name) == ACTRI_FILE_PART_TEXT - 1 && name[0] == '.' &&
           strspn(name + 1, "0123456789abcdef") == ACTRI_FILE_SHA_TEXT - 1 &&
           strcmp(name + ACTRI_FILE_SHA_TEXT, ".part") == 0;
}

static bool append(const actri_file_room_t *room, parts_t *parts, const char *name)
{
    struct stat info;
    if (fstatat(room->folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return true;
    if (parts->count == parts->room) {
        size_t wanted = parts->room == 0 ? 16 : 2 * parts->room;
        part_t *more = actri_realloc(room->env, parts->all, wanted * sizeof *more);
        if (more == NULL) return false;
        parts->all = more;
        parts->room = wanted;
    }
    part_t *part = &parts->all[parts->count++];
    *part = (part_t){.changed = info.st_mtim, .size = (uint64_t)info.st_size};
    memcpy(part->name, name, sizeof part->name);
    uint64_t promised = 0;
    part->busy = room->under_way(room->user, name, &promised);
    if (promised > part->size) part->size = promised;
    parts->bytes += part->size;
    if (part->busy) {
        parts->busy++;
        parts->busy_bytes += part->size;
    }
    return true;
}

/* All parts but the one named. */
static actr_status_t look(const actri_file_room_t *room, const char *own, parts_t *parts, actr_error_t *error)
{
    int fd = openat(room->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        int number = errno;
        if (fd >= 0) (void)close(fd);
        return actri_fail_errno(error, ACTR_STATUS_IO, number, "the folder can not be looked through");
    }
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        if (is_part(entry->d_name) && strcmp(entry->d_name, own) != 0) good = append(room, parts, entry->d_name);
    }
    (void)closedir(folder);
    return good ? ACTR_OK : actri_no_memory(error);
}

static int older_first(const void *a, const void *b)
{
    const part_t *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec) return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
    if (x->changed.tv_nsec != y->changed.tv_nsec) return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Not one that another receiver writes. */
static bool remove_part(const actri_file_room_t *room, const part_t *part)
{
    int fd = openat(room->folder, part->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    bool gone = !locked && unlinkat(room->folder, part->name, 0) == 0;
    if (fd >= 0) (void)close(fd);
    if (gone) actri_info(room->env, "file", "%s is removed: newer parts need its room", part->name);
    return gone;
}

static bool fits(const actri_file_room_t *room, uint64_t bytes, size_t count, uint64_t size)
{
    return count < room->most_parts && bytes <= room->most_bytes && size <= room->most_bytes - bytes;
}

static actr_status_t full(const parts_t *parts, actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%zu parts of files take the room there is for them",
                      parts->count);
}

static actr_status_t remove_oldest(const actri_file_room_t *room, parts_t *parts, uint64_t size, uint64_t *removed,
                                   actr_error_t *error)
{
    uint64_t bytes = parts->bytes;
    size_t count = parts->count;
    if (!fits(room, parts->busy_bytes, parts->busy, size)) return full(parts, error);
    if (count > 1) qsort(parts->all, count, sizeof *parts->all, older_first);
    for (size_t i = 0; i < parts->count && !fits(room, bytes, count, size); i++) {
        if (parts->all[i].busy || !remove_part(room, &parts->all[i])) continue;
        bytes -= parts->all[i].size;
        count--;
        (*removed)++;
    }
    return fits(room, bytes, count, size) ? ACTR_OK : full(parts, error);
}

actr_status_t actri_file_make_room(const actri_file_room_t *room, const char *part, uint64_t size, uint64_t *removed,
                                   actr_error_t *error)
{
    parts_t parts = {0};
    actr_status_t status = look(room, part, &parts, error);
    if (status == ACTR_OK) status = remove_oldest(room, &parts, size, removed, error);
    actri_free(room->env, parts.all);
    return status;
}
