/* SPDX-License-Identifier: Apache-2.0 */
#include "fault/disk.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512 /* what a disk writes whole */
#define REGIONS 64 /* of the write-ahead log's index, 32 KiB each */

typedef struct bytes {
    unsigned char *data;
    size_t size, room;
} bytes_t;

/* Since the last sync: data written at an offset, or (data NULL) a truncation to it. */
typedef struct change {
    unsigned long number; /* among all changes of the disk */
    size_t offset, size;
    unsigned char *data;
} change_t;

typedef struct file {
    struct file *next;
    char *name; /* NULL: temporary */
    bytes_t seen, synced;
    bool exists, exists_synced; /* its name: in the folder as seen, and after a cut */
    change_t *changes;
    size_t change_count, change_room;
    struct handle *handles;
    void *regions[REGIONS];
    int shm_shared[SQLITE_SHM_NLOCK];
    struct handle *shm_owner[SQLITE_SHM_NLOCK];
} file_t;

typedef struct handle {
    sqlite3_file base;
    file_t *file;
    struct handle *next;
    int lock;
    unsigned shm_shared; /* bit mask */
    bool delete_on_close, sync_folder;
} handle_t;

static struct {
    pthread_mutex_t mutex;
    file_t *files;
    sqlite3_vfs *below; /* time, randomness, names */
    unsigned long changes, cut_at, calls, fail_at, fail_count, failed;
    disk_fault_t fault;
    bool dead;
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER};

const char *const disk_cut_names[DISK_CUTS] = {"drop", "prefix", "some", "torn", "keep"};
const char *const disk_fault_names[DISK_FAULTS] = {"EIO", "ENOSPC", "short write", "lost sync"};

static void enter(void)
{
    (void)pthread_mutex_lock(&disk.mutex);
}

static int leave(int code)
{
    (void)pthread_mutex_unlock(&disk.mutex);
    return code;
}

/* ---- bytes and files ---- */

static void resize(bytes_t *bytes, size_t size)
{
    if (size > bytes->room) {
        bytes->room = size < 4096 ? 4096 : size + size / 2;
        bytes->data = realloc(bytes->data, bytes->room);
        assert(bytes->data != NULL);
    }
    if (size > bytes->size) memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static void put_bytes(bytes_t *bytes, size_t offset, const void *data, size_t size)
{
    if (size == 0) return;
    if (offset + size > bytes->size) resize(bytes, offset + size);
    memcpy(bytes->data + offset, data, size);
}

static void copy_bytes(bytes_t *to, const bytes_t *from)
{
    to->size = 0;
    put_bytes(to, 0, from->data, from->size);
}

static void drop_changes(file_t *file)
{
    for (size_t i = 0; i < file->change_count; i++) free(file->changes[i].data);
    file->change_count = 0;
}

static void apply(bytes_t *bytes, const change_t *change)
{
    if (change->data != NULL) {
        put_bytes(bytes, change->offset, change->data, change->size);
    } else {
        resize(bytes, change->offset);
    }
}

static void note(file_t *file, size_t offset, const void *data, size_t size)
{
    if (file->change_count == file->change_room) {
        file->change_room = file->change_room * 2 + 16;
        file->changes = realloc(file->changes, file->change_room * sizeof *file->changes);
        assert(file->changes != NULL);
    }
    change_t *change = &file->changes[file->change_count++];
    *change = (change_t){disk.changes, offset, size, NULL};
    if (data != NULL) {
        change->data = malloc(size + 1);
        assert(change->data != NULL);
        memcpy(change->data, data, size);
    }
    apply(&file->seen, change);
}

static void confirm(file_t *file)
{
    for (size_t i = 0; i < file->change_count; i++) apply(&file->synced, &file->changes[i]);
    drop_changes(file);
}

/* Names that were made or removed. */
static void confirm_folder(void)
{
    for (file_t *file = disk.files; file != NULL; file = file->next) file->exists_synced = file->exists;
}

static file_t *find(const char *name)
{
    for (file_t *file = disk.files; file != NULL; file = file->next) {
        if (file->name != NULL && strcmp(file->name, name) == 0) return file;
    }
    return NULL;
}

static file_t *make(const char *name)
{
    file_t *file = calloc(1, sizeof *file);
    assert(file != NULL);
    file->name = name == NULL ? NULL : strdup(name);
    file->next = disk.files;
    disk.files = file;
    return file;
}

static void free_regions(file_t *file)
{
    for (int i = 0; i < REGIONS; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
}

static void forget(file_t *file)
{
    file_t **at = &disk.files;
    assert(file->handles == NULL);
    while (*at != file) at = &(*at)->next;
    *at = file->next;
    drop_changes(file);
    free_regions(file);
    free(file->changes);
    free(file->seen.data);
    free(file->synced.data);
    free(file->name);
    free(file);
}

/* ---- faults ---- */

/* Is this call, which `fault` can hit, to fail? */
static bool fails(disk_fault_t fault)
{
    if (disk.fail_at == 0 || disk.fault != fault) return false;
    disk.calls++;
    bool failing = disk.calls >= disk.fail_at && disk.calls - disk.fail_at < disk.fail_count;
    disk.failed += failing ? 1 : 0;
    return failing;
}

static bool errs(void)
{
    return disk.dead || fails(DISK_EIO);
}

/* Counts a change; the one at which power fails is still tried. */
static void count_change(void)
{
    disk.changes++;
    if (disk.changes == disk.cut_at) disk.dead = true;
}

/* ---- calls on a file ---- */

static file_t *file_of(sqlite3_file *base)
{
    return ((handle_t *)base)->file;
}

static int disk_read(sqlite3_file *base, void *data, int amount, sqlite3_int64 offset)
{
    enter();
    const bytes_t *seen = &file_of(base)->seen;
    size_t size = (size_t)amount, at = (size_t)offset;
    if (errs()) return leave(SQLITE_IOERR_READ);
    size_t have = at >= seen->size ? 0 : seen->size - at < size ? seen->size - at : size;
    if (have > 0) memcpy(data, seen->data + at, have);
    memset((char *)data + have, 0, size - have);
    return leave(have == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

static int disk_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset)
{
    enter();
    size_t size = (size_t)amount, at = (size_t)offset;
    int code = SQLITE_OK;
    if (errs()) return leave(SQLITE_IOERR_WRITE);
    if (fails(DISK_ENOSPC)) return leave(SQLITE_FULL);
    if (fails(DISK_SHORT_WRITE)) {
        size /= 2;
        code = SQLITE_FULL;
    }
    count_change();
    note(file_of(base), at, data, size);
    return leave(disk.dead ? SQLITE_IOERR_WRITE : code);
}

static int disk_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    enter();
    if (errs()) return leave(SQLITE_IOERR_TRUNCATE);
    count_change();
    note(file_of(base), (size_t)size, NULL, 0);
    return leave(disk.dead ? SQLITE_IOERR_TRUNCATE : SQLITE_OK);
}

static int disk_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    enter();
    if (errs()) return leave(SQLITE_IOERR_FSYNC);
    if (fails(DISK_LOST_SYNC)) {
        drop_changes(file_of(base));
        return leave(SQLITE_IOERR_FSYNC);
    }
    count_change();
    if (disk.dead) return leave(SQLITE_IOERR_FSYNC);
    confirm(file_of(base));
    if (((handle_t *)base)->sync_folder) confirm_folder(); /* so does SQLite's own for a new journal or log */
    ((handle_t *)base)->sync_folder = false;
    return leave(SQLITE_OK);
}

static int disk_size(sqlite3_file *base, sqlite3_int64 *size)
{
    enter();
    if (errs()) return leave(SQLITE_IOERR_FSTAT);
    *size = (sqlite3_int64)file_of(base)->seen.size;
    return leave(SQLITE_OK);
}

static int disk_close(sqlite3_file *base)
{
    enter();
    handle_t *handle = (handle_t *)base, **at = &handle->file->handles;
    while (*at != handle) at = &(*at)->next;
    *at = handle->next;
    if (handle->delete_on_close || handle->file->name == NULL) {
        if (handle->file->handles == NULL) forget(handle->file);
    } else if (handle->file->handles == NULL && !handle->file->exists && !handle->file->exists_synced) {
        forget(handle->file);
    }
    return leave(SQLITE_OK);
}

/* ---- locks among this process's connections ---- */

static bool others_at_least(const handle_t *self, int level)
{
    for (const handle_t *h = self->file->handles; h != NULL; h = h->next) {
        if (h != self && h->lock >= level) return true;
    }
    return false;
}

static int disk_lock(sqlite3_file *base, int level)
{
    enter();
    handle_t *handle = (handle_t *)base;
    if (level <= handle->lock) return leave(SQLITE_OK);
    int forbidden = level == SQLITE_LOCK_SHARED     ? SQLITE_LOCK_PENDING
                    : level == SQLITE_LOCK_RESERVED ? SQLITE_LOCK_RESERVED
                                                    : SQLITE_LOCK_SHARED;
    if (others_at_least(handle, forbidden)) return leave(SQLITE_BUSY);
    handle->lock = level;
    return leave(SQLITE_OK);
}

static int disk_unlock(sqlite3_file *base, int level)
{
    enter();
    ((handle_t *)base)->lock = level;
    return leave(SQLITE_OK);
}

static int disk_check_reserved(sqlite3_file *base, int *out)
{
    enter();
    *out = others_at_least((handle_t *)base, SQLITE_LOCK_RESERVED) || ((handle_t *)base)->lock >= SQLITE_LOCK_RESERVED;
    return leave(SQLITE_OK);
}

static int disk_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *base)
{
    (void)base;
    return 4096; /* what SQLite says of a file in a folder, too */
}

static int disk_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int disk_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    enter();
    file_t *file = file_of(base);
    *out = NULL;
    if (errs()) return leave(SQLITE_IOERR_SHMMAP);
    if (region >= REGIONS) return leave(SQLITE_NOMEM);
    if (file->regions[region] == NULL && extend) file->regions[region] = calloc(1, (size_t)size);
    *out = file->regions[region];
    return leave(SQLITE_OK);
}

static int disk_shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    enter();
    handle_t *handle = (handle_t *)base;
    file_t *file = handle->file;
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0, take = (flags & SQLITE_SHM_LOCK) != 0;
    for (int i = first; take && i < first + count; i++) {
        int others = file->shm_shared[i] - ((handle->shm_shared >> i & 1) != 0);
        if ((file->shm_owner[i] != NULL && file->shm_owner[i] != handle) || (exclusive && others > 0)) {
            return leave(SQLITE_BUSY);
        }
    }
    for (int i = first; i < first + count; i++) {
        unsigned bit = 1u << i;
        if (exclusive) {
            file->shm_owner[i] = take ? handle : NULL;
        } else if (take != ((handle->shm_shared & bit) != 0)) {
            file->shm_shared[i] += take ? 1 : -1;
            handle->shm_shared ^= bit;
        }
    }
    return leave(SQLITE_OK);
}

static void disk_shm_barrier(sqlite3_file *base)
{
    (void)base;
    enter();
    (void)leave(SQLITE_OK);
}

static int disk_shm_unmap(sqlite3_file *base, int remove)
{
    (void)remove;
    enter();
    const handle_t *handle = (handle_t *)base;
    if (handle->file->handles == handle && handle->next == NULL) free_regions(handle->file);
    return leave(SQLITE_OK);
}

/* ---- calls on the disk ---- */

static const sqlite3_io_methods methods = {
    2,           disk_close,   disk_read,     disk_write,          disk_truncate,  disk_sync,
    disk_size,   disk_lock,    disk_unlock,   disk_check_reserved, disk_control,   disk_sector,
    disk_traits, disk_shm_map, disk_shm_lock, disk_shm_barrier,    disk_shm_unmap, NULL,
    NULL,
};

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    (void)vfs;
    enter();
    handle_t *handle = (handle_t *)base;
    memset(handle, 0, sizeof *handle);
    file_t *file = name == NULL ? NULL : find(name);
    bool there = file != NULL && file->exists;
    if (errs() || (!there && (flags & SQLITE_OPEN_CREATE) == 0)) return leave(SQLITE_CANTOPEN);
    if (file == NULL) file = make(name);
    handle->sync_folder =
        (flags & SQLITE_OPEN_CREATE) != 0 && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    if (!there) {
        /* made anew: of a removed one nothing comes back */
        drop_changes(file);
        file->seen.size = file->synced.size = 0;
        file->exists_synced = false;
        file->exists = true;
    }
    handle->base.pMethods = &methods;
    handle->file = file;
    handle->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->next = file->handles;
    file->handles = handle;
    if (out_flags != NULL) *out_flags = flags;
    return leave(SQLITE_OK);
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    enter();
    file_t *file = find(name);
    if (errs()) return leave(SQLITE_IOERR_DELETE);
    if (file == NULL || !file->exists) return leave(SQLITE_IOERR_DELETE_NOENT);
    count_change();
    if (disk.dead) return leave(SQLITE_IOERR_DELETE);
    file->exists = false;
    if (sync_folder) file->exists_synced = false;
    if (!file->exists_synced && file->handles == NULL) forget(file);
    return leave(SQLITE_OK);
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    (void)flags;
    enter();
    const file_t *file = find(name);
    if (errs()) return leave(SQLITE_IOERR_ACCESS);
    *out = file != NULL && file->exists && file->seen.size > 0;
    return leave(SQLITE_OK);
}

static int disk_full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    return disk.below->xFullPathname(disk.below, name, room, out);
}

static int disk_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return disk.below->xRandomness(disk.below, size, out);
}

static int disk_sleep(sqlite3_vfs *vfs, int micros)
{
    (void)vfs;
    return disk.below->xSleep(disk.below, micros);
}

static int disk_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return disk.below->xCurrentTime(disk.below, out);
}

static int disk_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    return disk.below->xCurrentTimeInt64(disk.below, out);
}

static int disk_last_error(sqlite3_vfs *vfs, int room, char *out)
{
    (void)vfs;
    if (room > 0) out[0] = '\0';
    return 0;
}

void disk_install(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(handle_t),
        .mxPathname = 1024,
        .zName = "disk",
        .xOpen = disk_open,
        .xDelete = disk_delete,
        .xAccess = disk_access,
        .xFullPathname = disk_full_name,
        .xRandomness = disk_randomness,
        .xSleep = disk_sleep,
        .xCurrentTime = disk_time,
        .xCurrentTimeInt64 = disk_time_ms,
        .xGetLastError = disk_last_error,
    };
    disk.below = sqlite3_vfs_find(NULL);
    assert(disk.below != NULL && disk.below != &vfs);
    int code = sqlite3_vfs_register(&vfs, 1);
    assert(code == SQLITE_OK);
    (void)code;
}

/* ---- what tests do to it ---- */

void disk_clear(void)
{
    enter();
    while (disk.files != NULL) forget(disk.files);
    disk.changes = disk.cut_at = disk.calls = disk.fail_at = disk.fail_count = disk.failed = 0;
    disk.dead = false;
    (void)leave(0);
}

void disk_load(const char *name, const void *data, size_t size)
{
    enter();
    file_t *file = make(name);
    put_bytes(&file->seen, 0, data, size);
    put_bytes(&file->synced, 0, data, size);
    file->exists = file->exists_synced = true;
    (void)leave(0);
}

void disk_cut_at(unsigned long at)
{
    enter();
    disk.changes = 0;
    disk.cut_at = at;
    (void)leave(0);
}

unsigned long disk_changes(void)
{
    enter();
    unsigned long changes = disk.changes;
    (void)leave(0);
    return changes;
}

void disk_fail_at(disk_fault_t fault, unsigned long at, unsigned long count)
{
    enter();
    disk.fault = fault;
    disk.calls = 0;
    disk.fail_at = at;
    disk.fail_count = count;
    (void)leave(0);
}

unsigned long disk_failed(void)
{
    enter();
    unsigned long failed = disk.failed;
    (void)leave(0);
    return failed;
}

bool disk_is_dead(void)
{
    enter();
    bool dead = disk.dead;
    (void)leave(0);
    return dead;
}

static void tear(bytes_t *bytes, const change_t *change, rng_t *rng)
{
    if (change->data == NULL) {
        if (rng_chance(rng, 50)) apply(bytes, change);
        return;
    }
    for (size_t at = 0; at < change->size;) {
        size_t end = ((change->offset + at) / SECTOR + 1) * SECTOR - change->offset;
        if (end > change->size) end = change->size;
        if (rng_chance(rng, 50)) put_bytes(bytes, change->offset + at, change->data + at, end - at);
        at = end;
    }
}

/* The first changes of the whole disk, up to the one numbered last, which is torn. */
static void keep_prefix(file_t *file, unsigned long last, rng_t *rng)
{
    for (size_t i = 0; i < file->change_count && file->changes[i].number <= last; i++) {
        const change_t *change = &file->changes[i];
        if (change->number == last) {
            tear(&file->synced, change, rng);
        } else {
            apply(&file->synced, change);
        }
    }
}

static unsigned long first_unsynced(void)
{
    unsigned long first = disk.changes;
    for (const file_t *file = disk.files; file != NULL; file = file->next) {
        if (file->change_count > 0 && file->changes[0].number < first) first = file->changes[0].number;
    }
    return first;
}

static void lose(file_t *file, disk_cut_t cut, unsigned long last, rng_t *rng)
{
    for (size_t i = 0; i < file->change_count; i++) {
        const change_t *change = &file->changes[i];
        if (cut == DISK_CUT_KEEP || (cut == DISK_CUT_SOME && rng_chance(rng, 50))) apply(&file->synced, change);
        if (cut == DISK_CUT_TORN) tear(&file->synced, change, rng);
    }
    if (cut == DISK_CUT_PREFIX) keep_prefix(file, last, rng);
    drop_changes(file);
    bool name_survives = cut == DISK_CUT_KEEP || (cut != DISK_CUT_DROP && rng_chance(rng, 50));
    if (file->exists != file->exists_synced && name_survives) file->exists_synced = file->exists;
    file->exists = file->exists_synced;
    copy_bytes(&file->seen, &file->synced);
    free_regions(file);
    memset(file->shm_shared, 0, sizeof file->shm_shared);
    memset(file->shm_owner, 0, sizeof file->shm_owner);
}

void disk_power_on(disk_cut_t cut, rng_t *rng)
{
    enter();
    unsigned long first = first_unsynced();
    unsigned long last = first + (unsigned long)(rng_u64(rng) % (disk.changes - first + 1));
    for (file_t *file = disk.files, *next; file != NULL; file = next) {
        next = file->next;
        assert(file->handles == NULL);
        lose(file, cut, last, rng);
        if (!file->exists) forget(file);
    }
    disk.dead = false;
    disk.cut_at = disk.fail_at = 0;
    (void)leave(0);
}
