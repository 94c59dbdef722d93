/* SPDX-License-Identifier: Apache-2.0 */
/* Entries added and removed; what is added is copied into the lock's arena. */
#include "config/lock.h"

#include <string.h>

static const char *copy(actri_arena_t *arena, const char *text)
{
    return text == NULL ? NULL : actri_arena_strndup(arena, text, strlen(text));
}

static actri_strings_t copy_tags(actri_arena_t *arena, const actri_strings_t *from)
{
    const char **items = actri_arena_alloc(arena, from->count * sizeof *items);
    for (size_t i = 0; items != NULL && i < from->count; i++) items[i] = copy(arena, from->items[i]);
    return (actri_strings_t){items, items == NULL ? 0 : from->count};
}

static const actri_lock_file_t *copy_files(actri_arena_t *arena, const actri_lock_file_t *from, size_t count)
{
    actri_lock_file_t *files = actri_arena_alloc(arena, count * sizeof *files);
    for (size_t i = 0; files != NULL && i < count; i++)
        files[i] = (actri_lock_file_t){copy(arena, from[i].package), copy(arena, from[i].content),
                                       copy(arena, from[i].path), copy(arena, from[i].fingerprint)};
    return files;
}

static actri_lock_entry_t copy_entry(actri_arena_t *arena, const actri_lock_entry_t *from)
{
    actri_lock_entry_t to = *from;
    to.name = copy(arena, from->name);
    to.actr_type = copy(arena, from->actr_type);
    to.description = copy(arena, from->description);
    to.fingerprint = copy(arena, from->fingerprint);
    to.cached_at = copy(arena, from->cached_at);
    to.tags = copy_tags(arena, &from->tags);
    to.files = copy_files(arena, from->files, from->file_count);
    return to;
}

static bool grow(actri_lock_t *lock)
{
    size_t capacity = lock->capacity < 8 ? 16 : 2 * lock->capacity;
    actri_lock_entry_t *entries = actri_arena_alloc(&lock->arena, capacity * sizeof *entries);
    if (entries == NULL) return false;
    if (lock->count > 0) memcpy(entries, lock->entries, lock->count * sizeof *entries);
    lock->entries = entries;
    lock->capacity = capacity;
    return true;
}

actr_status_t actri_lock_add(actri_lock_t *lock, const actri_lock_entry_t *entry, actr_error_t *error)
{
    if (lock->count == lock->capacity && !grow(lock)) {
        lock->arena.failed = false;
        return actri_no_memory(error);
    }
    actri_lock_entry_t made = copy_entry(&lock->arena, entry);
    if (made.name == NULL || lock->arena.failed) { /* what was copied stays until the lock is cleared */
        lock->arena.failed = false;
        return actri_no_memory(error);
    }
    (void)actri_lock_remove(lock, made.name);
    size_t at = lock->count++;
    while (at > 0 && strcmp(lock->entries[at - 1].name, made.name) > 0) {
        lock->entries[at] = lock->entries[at - 1];
        at--;
    }
    lock->entries[at] = made;
    return ACTR_OK;
}

bool actri_lock_remove(actri_lock_t *lock, const char *name)
{
    const actri_lock_entry_t *entry = actri_lock_get(lock, name);
    if (entry == NULL) return false;
    size_t at = (size_t)(entry - lock->entries);
    lock->count--;
    memmove(&lock->entries[at], &lock->entries[at + 1], (lock->count - at) * sizeof *lock->entries);
    return true;
}

actr_status_t actri_lock_touch(actri_lock_t *lock, const char *now, actr_error_t *error)
{
    const char *text = copy(&lock->arena, now);
    if (text == NULL) {
        lock->arena.failed = false;
        return actri_no_memory(error);
    }
    lock->generated_at = text;
    return ACTR_OK;
}
