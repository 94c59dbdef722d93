/* SPDX-License-Identifier: Apache-2.0 */
/* A lock file read into plain structs, and looked up in. */
#include "config/lock.h"

#include "config/diag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    actri_diag_t *diag;
    actri_arena_t *arena;
    char form;
} reader_t;

/* A member of that kind; NULL when it is not there or wrong (and was needed: reported). */
static const actri_toml_t *take(reader_t *reader, const actri_toml_t *table, const char *key, actri_toml_kind_t kind,
                                bool needed)
{
    const actri_toml_t *value = actri_toml_get(table, key);
    if (value == NULL) {
        if (needed) actri_diag_fail(reader->diag, table, "%s is missing", key);
        return NULL;
    }
    if (value->kind == kind) return value;
    actri_diag_fail(reader->diag, value, "%s must be %s, not %s", key, actri_toml_kind_name(kind),
                    actri_toml_kind_name(value->kind));
    return NULL;
}

static const char *take_text(reader_t *reader, const actri_toml_t *table, const char *key, bool needed)
{
    const actri_toml_t *value = take(reader, table, key, ACTRI_TOML_STRING, needed);
    return value == NULL ? NULL : value->text;
}

/* A list whose items are all of one kind; NULL. */
static const actri_toml_t *take_list(reader_t *reader, const actri_toml_t *table, const char *key,
                                     actri_toml_kind_t kind, bool needed)
{
    const actri_toml_t *list = take(reader, table, key, ACTRI_TOML_ARRAY, needed);
    for (const actri_toml_t *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        if (item->kind == kind) continue;
        actri_diag_fail(reader->diag, item, "each item of %s must be %s, not %s", key, actri_toml_kind_name(kind),
                        actri_toml_kind_name(item->kind));
        return NULL;
    }
    return list;
}

static void read_metadata(reader_t *reader, const actri_toml_t *root, actri_lock_t *out)
{
    const actri_toml_t *at = take(reader, root, "metadata", ACTRI_TOML_TABLE, false);
    if (at == NULL) return;
    const actri_toml_t *version = take(reader, at, "version", ACTRI_TOML_INTEGER, true);
    out->has_metadata = true;
    out->generated_at = take_text(reader, at, "generated_at", true);
    if (version == NULL) return;
    if (version->integer < 0 || version->integer > UINT32_MAX)
        actri_diag_fail(reader->diag, version, "version must be from 0 to 4294967295");
    out->version = (uint32_t)version->integer;
}

static void read_tags(reader_t *reader, const actri_toml_t *table, actri_strings_t *out)
{
    const actri_toml_t *list = take_list(reader, table, "tags", ACTRI_TOML_STRING, false);
    const char **items = list == NULL ? NULL : actri_arena_alloc(reader->arena, list->count * sizeof *items);
    if (items == NULL) return;
    out->items = items;
    for (const actri_toml_t *item = list->first; item != NULL; item = item->next) items[out->count++] = item->text;
}

static void read_files(reader_t *reader, const actri_toml_t *table, actri_lock_entry_t *out)
{
    const actri_toml_t *list = take_list(reader, table, "files", ACTRI_TOML_TABLE, true);
    actri_lock_file_t *files = list == NULL ? NULL : actri_arena_alloc(reader->arena, list->count * sizeof *files);
    if (files == NULL) return;
    out->files = files;
    for (const actri_toml_t *at = list->first; at != NULL; at = at->next) {
        actri_lock_file_t *file = &files[out->file_count++];
        memset(file, 0, sizeof *file);
        if (reader->form == 'A') {
            file->package = take_text(reader, at, "package", true);
            file->content = take_text(reader, at, "content", true);
        } else {
            file->path = take_text(reader, at, "path", true);
        }
        file->fingerprint = take_text(reader, at, "fingerprint", true);
    }
}

static void read_entry(reader_t *reader, const actri_toml_t *at, actri_lock_entry_t *out)
{
    const actri_toml_t *published = take(reader, at, "published_at", ACTRI_TOML_INTEGER, false);
    memset(out, 0, sizeof *out);
    out->name = take_text(reader, at, "name", true);
    out->actr_type = take_text(reader, at, "actr_type", true);
    out->description = take_text(reader, at, "description", false);
    out->fingerprint = take_text(reader, at, "fingerprint", true);
    out->cached_at = take_text(reader, at, "cached_at", true);
    out->has_published_at = published != NULL;
    out->published_at = published == NULL ? 0 : published->integer;
    read_tags(reader, at, &out->tags);
    read_files(reader, at, out);
}

static void read_lock(reader_t *reader, const actri_toml_t *root, actri_lock_t *out)
{
    const actri_toml_t *list = take_list(reader, root, "dependency", ACTRI_TOML_TABLE, reader->form == 'A');
    read_metadata(reader, root, out);
    out->capacity = list == NULL ? 0 : list->count;
    out->entries = actri_arena_alloc(reader->arena, out->capacity * sizeof *out->entries);
    if (out->entries == NULL || list == NULL) return;
    for (const actri_toml_t *at = list->first; at != NULL; at = at->next)
        read_entry(reader, at, &out->entries[out->count++]);
}

static void start(const actri_env_t *env, char form, actri_lock_t *out)
{
    memset(out, 0, sizeof *out);
    out->form = form;
    actri_arena_init(&out->arena, env);
}

actr_status_t actri_lock_new(const actri_env_t *env, char form, const char *now, actri_lock_t *out, actr_error_t *error)
{
    start(env, form, out);
    out->has_metadata = true;
    out->version = 1;
    actr_status_t status = actri_lock_touch(out, now, error);
    if (status != ACTR_OK) actri_lock_clear(out);
    return status;
}

actr_status_t actri_lock_load(const actri_env_t *env, const actri_config_source_t *source, char form, const char *path,
                              actri_lock_t *out, actr_error_t *error)
{
    actr_error_t first = ACTR_ERROR_INIT;
    actri_diag_t diag = {.env = env, .error = &first};
    reader_t reader = {&diag, &out->arena, form};
    actri_toml_t *root = NULL;
    char *text = NULL;
    size_t size = 0;
    start(env, form, out);
    actr_status_t status = source->read(source->user, env, path, ACTRI_CONFIG_FILE_MAX, &text, &size, &first);
    if (status != ACTR_OK)
        actri_error_prefix(&first, "%s", path);
    else
        status = actri_toml_parse(&out->arena, path, text, size, &root, &first);
    actri_free(env, text);
    if (status == ACTR_OK) {
        read_lock(&reader, root, out);
        status = diag.status;
    }
    if (out->arena.failed) status = actri_no_memory(&first);
    if (status == ACTR_OK) return ACTR_OK;
    if (error != NULL) *error = first;
    actri_lock_clear(out);
    return status;
}

void actri_lock_clear(actri_lock_t *lock)
{
    actri_arena_clear(&lock->arena);
    lock->entries = NULL;
    lock->count = lock->capacity = 0;
}

const actri_lock_entry_t *actri_lock_get(const actri_lock_t *lock, const char *name)
{
    for (size_t i = 0; i < lock->count; i++) {
        if (strcmp(lock->entries[i].name, name) == 0) return &lock->entries[i];
    }
    return NULL;
}

const char *actri_lock_fingerprint(const actri_lock_t *lock, const char *manufacturer, const char *name)
{
    char slash[2 * ACTR_NAME_MAX + 2], plus[2 * ACTR_NAME_MAX + 2];
    (void)snprintf(slash, sizeof slash, "%s/%s", manufacturer, name);
    (void)snprintf(plus, sizeof plus, "%s+%s", manufacturer, name);
    const char *const names[] = {slash, plus, name};
    for (size_t i = 0; i < 3; i++) {
        const actri_lock_entry_t *entry = actri_lock_get(lock, names[i]);
        if (entry != NULL) return entry->fingerprint;
    }
    for (size_t i = 0; i < lock->count; i++) {
        const char *type = lock->entries[i].actr_type;
        if (strcmp(type, plus) == 0 || strcmp(type, name) == 0) return lock->entries[i].fingerprint;
    }
    return NULL;
}
