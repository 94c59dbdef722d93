/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/begun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES 8192 /* more than a mailbox hands out */
#define AT_ONCE 512 /* of them are read or written */

typedef struct head {
    char magic[16];
    char boot[48]; /* which start of the machine; empty: not known */
} head_t;

/* The whole file. The places hold sequence numbers; 0: free. */
typedef struct image {
    head_t head;
    int64_t places[PLACES];
} image_t;

struct actri_begun {
    const actri_env_t *env;
    char *name;
    image_t *image;
};

static void fill_head(head_t *head)
{
    memset(head, 0, sizeof *head);
    (void)snprintf(head->magic, sizeof head->magic, "actr begun 1");
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (read(fd, head->boot, sizeof head->boot - 1) < 0) head->boot[0] = '\0';
    (void)close(fd);
}

/* Written, not only made longer: a full disk must say so here and not when a place is used. */
static bool fill_file(int fd)
{
    static const int64_t zeros[AT_ONCE];
    head_t head;
    fill_head(&head);
    bool good = write(fd, &head, sizeof head) == sizeof head;
    for (size_t i = 0; good && i < PLACES / AT_ONCE; i++) good = write(fd, zeros, sizeof zeros) == sizeof zeros;
    return good;
}

static actr_status_t make(actri_begun_t *begun, actr_error_t *error)
{
    void *at = MAP_FAILED;
    (void)unlink(begun->name); /* who had mapped the old one keeps that */
    int fd = open(begun->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && fill_file(fd)) at = mmap(NULL, sizeof(image_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int number = errno;
    if (fd >= 0) (void)close(fd);
    if (at == MAP_FAILED) {
        return actri_fail_errno(error, ACTR_STATUS_MAILBOX_IO, number, "%s can not be made", begun->name);
    }
    begun->image = at;
    return ACTR_OK;
}

actr_status_t actri_begun_new(const actri_env_t *env, const char *path, actri_begun_t **out, actr_error_t *error)
{
    actri_begun_t *begun = actri_zalloc(env, sizeof *begun);
    if (begun == NULL) return actri_no_memory(error);
    begun->env = env;
    begun->name = actri_asprintf(env, "%s.begun", path);
    actr_status_t status = begun->name == NULL ? actri_no_memory(error) : make(begun, error);
    if (status == ACTR_OK)
        *out = begun;
    else
        actri_begun_free(begun, false);
    return status;
}

void actri_begun_free(actri_begun_t *begun, bool keep)
{
    if (begun == NULL) return;
    if (begun->image != NULL) (void)munmap(begun->image, sizeof *begun->image);
    if (!keep && begun->name != NULL) (void)unlink(begun->name);
    actri_free(begun->env, begun->name);
    actri_free(begun->env, begun);
}

uint16_t actri_begun_mark(actri_begun_t *begun, int64_t sequence)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        uint64_t place = ((uint64_t)sequence + i) % PLACES;
        int64_t none = 0;
        if (__atomic_compare_exchange_n(&begun->image->places[place], &none, sequence, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
            return (uint16_t)(place + 1);
        }
    }
    return 0;
}

void actri_begun_clear(actri_begun_t *begun, uint16_t place)
{
    __atomic_store_n(&begun->image->places[place - 1], 0, __ATOMIC_RELEASE);
}

/* ---- of the last process ---- */

static bool is_of_this_boot(int fd)
{
    head_t there, now;
    fill_head(&now);
    return now.boot[0] != '\0' && read(fd, &there, sizeof there) == sizeof there &&
           memcmp(&there, &now, sizeof now) == 0;
}

static bool read_places(int fd, bool (*each)(void *user, int64_t sequence), void *user)
{
    int64_t some[AT_ONCE];
    for (size_t i = 0; i < PLACES / AT_ONCE; i++) {
        if (read(fd, some, sizeof some) != sizeof some) return false;
        for (size_t j = 0; j < AT_ONCE; j++) {
            if (some[j] != 0 && !each(user, some[j])) return false;
        }
    }
    return true;
}

bool actri_begun_each(const actri_env_t *env, const char *path, bool (*each)(void *user, int64_t sequence), void *user)
{
    char *name = actri_asprintf(env, "%s.begun", path);
    if (name == NULL) return false;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool known = fd >= 0 && is_of_this_boot(fd) && read_places(fd, each, user);
    if (fd >= 0) (void)close(fd);
    actri_free(env, name);
    return known;
}

void actri_begun_forget(const actri_env_t *env, const char *path)
{
    char *name = actri_asprintf(env, "%s.begun", path);
    if (name != NULL) (void)unlink(name);
    actri_free(env, name);
}
