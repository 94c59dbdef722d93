/* SPDX-License-Identifier: Apache-2.0 */
/* A lock file as text: the members in the order in which the reference's two forms write them. */
#include "config/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void add_string(actri_text_t *out, const char *key, const char *value)
{
    if (value == NULL) return;
    actri_text_add(out, "%s = ", key);
    actri_text_add_toml(out, value);
    actri_text_add(out, "\n");
}

static void add_tags(actri_text_t *out, const actri_strings_t *tags)
{
    if (tags->count == 0) return;
    actri_text_add(out, "tags = [");
    for (size_t i = 0; i < tags->count; i++) {
        if (i > 0) actri_text_add(out, ", ");
        actri_text_add_json(out, tags->items[i]);
    }
    actri_text_add(out, "]\n");
}

static void add_entry(actri_text_t *out, const actri_lock_entry_t *entry, char form)
{
    actri_text_add(out, "[[dependency]]\n");
    add_string(out, "name", entry->name);
    add_string(out, "actr_type", entry->actr_type);
    add_string(out, "description", entry->description);
    add_string(out, "fingerprint", entry->fingerprint);
    if (form == 'A' && entry->file_count == 0) actri_text_add(out, "files = []\n");
    if (entry->has_published_at) actri_text_add(out, "published_at = %" PRId64 "\n", entry->published_at);
    add_tags(out, &entry->tags);
    add_string(out, "cached_at", entry->cached_at);
    if (form == 'B' && entry->file_count == 0) actri_text_add(out, "files = []\n");
    for (size_t i = 0; i < entry->file_count; i++) {
        const actri_lock_file_t *file = &entry->files[i];
        actri_text_add(out, "\n[[dependency.files]]\n");
        add_string(out, form == 'A' ? "package" : "path", form == 'A' ? file->package : file->path);
        add_string(out, "fingerprint", file->fingerprint);
        if (form == 'A') add_string(out, "content", file->content);
    }
}

void actri_lock_print(const actri_lock_t *lock, actri_text_t *out)
{
    bool empty_list = lock->form == 'A' && lock->count == 0; /* form B leaves it out */
    if (empty_list) actri_text_add(out, "dependency = []\n");
    if (lock->has_metadata) {
        actri_text_add(out, "%s[metadata]\nversion = %" PRIu32 "\n", empty_list ? "\n" : "", lock->version);
        add_string(out, "generated_at", lock->generated_at);
    }
    for (size_t i = 0; i < lock->count; i++) {
        if (out->size > 0) actri_text_add(out, "\n");
        add_entry(out, &lock->entries[i], lock->form);
    }
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        data += n;
        size -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static actr_status_t save(const char *beside, const char *path, const actri_text_t *text, actr_error_t *error)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return actri_fail_errno(error, ACTR_STATUS_IO, errno, "%s can not be written", beside);
    bool good = write_all(fd, text->data, text->size);
    int number = errno;
    if (close(fd) != 0 && good) {
        number = errno;
        good = false;
    }
    if (good && rename(beside, path) != 0) {
        number = errno;
        good = false;
    }
    if (good) return ACTR_OK;
    (void)unlink(beside);
    return actri_fail_errno(error, ACTR_STATUS_IO, number, "%s can not be written", path);
}

actr_status_t actri_lock_save(const actri_lock_t *lock, const char *path, actr_error_t *error)
{
    actri_text_t text = {.env = lock->arena.env};
    actri_lock_print(lock, &text);
    char *beside = actri_asprintf(text.env, "%s.new", path);
    actr_status_t status = text.failed || beside == NULL ? actri_no_memory(error) : save(beside, path, &text, error);
    actri_free(text.env, beside);
    actri_free(text.env, text.data);
    return status;
}
