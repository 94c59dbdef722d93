/* SPDX-License-Identifier: Apache-2.0 */
/* Reads contracts for `actr fingerprint` and `actr compat`. Only regular files, none above 1 MiB. */
#include "protos.h"

#include "config/lock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX ACTRI_CONFIG_EXPORTS_MAX

void protos_init(protos_t *contract)
{
    memset(contract, 0, sizeof *contract);
    actri_arena_init(&contract->arena, NULL);
}

void protos_clear(protos_t *contract)
{
    free(contract->files);
    free(contract->sources);
    actri_arena_clear(&contract->arena);
}

void protos_write(void *user, const void *data, size_t size)
{
    (void)fwrite(data, 1, size, user);
}

static bool grow(protos_t *contract)
{
    if (contract->count < contract->capacity) return true;
    size_t capacity = contract->capacity == 0 ? 16 : 2 * contract->capacity;
    actri_compat_file_t *files = realloc(contract->files, capacity * sizeof *files);
    if (files != NULL) contract->files = files;
    actri_proto_source_t *sources = realloc(contract->sources, capacity * sizeof *sources);
    if (sources != NULL) contract->sources = sources;
    if (files == NULL || sources == NULL) return false;
    contract->capacity = capacity;
    return true;
}

/* "a/user.v1.proto": "user.v1.proto" and "user.v1". The text is in the arena already. */
static actr_status_t take(protos_t *contract, const char *path, const char *text, size_t size, actr_error_t *error)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1, *dot = strrchr(name, '.');
    char *whole = actri_arena_strndup(&contract->arena, path, strlen(path));
    char *package =
        actri_arena_strndup(&contract->arena, name, dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name));
    if (whole == NULL || package == NULL || text == NULL || !grow(contract)) return actri_no_memory(error);
    if (contract->count == FILES_MAX)
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "more than %d .proto files", FILES_MAX);
    contract->files[contract->count] = (actri_compat_file_t){package, whole, text, size};
    contract->sources[contract->count++] = (actri_proto_source_t){whole + (name - path), text, size};
    return ACTR_OK;
}

static actr_status_t add_proto(protos_t *contract, const char *path, actr_error_t *error)
{
    actri_config_source_t source = actri_config_source_real();
    char *data;
    size_t size;
    actr_status_t status = source.read(source.user, NULL, path, ACTRI_PROTO_TEXT_MAX, &data, &size, error);
    if (status != ACTR_OK) {
        actri_error_prefix(error, "%s", path);
        return status;
    }
    status = take(contract, path, actri_arena_strndup(&contract->arena, data, size), size, error);
    actri_free(NULL, data);
    return status;
}

static int is_proto(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && actri_path_ends(entry->d_name, ".proto");
}

static actr_status_t add_folder(protos_t *contract, const char *path, actr_error_t *error)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_proto, alphasort);
    if (count < 0) return actri_fail(error, ACTR_STATUS_IO, "%s: can not be read", path);
    actr_status_t status = ACTR_OK;
    if (count == 0) status = actri_fail(error, ACTR_STATUS_NOT_FOUND, "%s: there is no .proto file in it", path);
    for (int i = 0; i < count; i++) {
        char *name = status == ACTR_OK ? actri_asprintf(NULL, "%s/%s", path, entries[i]->d_name) : NULL;
        if (status == ACTR_OK) status = name == NULL ? actri_no_memory(error) : add_proto(contract, name, error);
        actri_free(NULL, name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static actr_status_t add_manifest(protos_t *contract, const char *path, actr_error_t *error)
{
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    actr_status_t status = actri_manifest_load(NULL, &source, path, &manifest, error);
    if (status != ACTR_OK) return status;
    if (manifest.export_count == 0)
        status = actri_fail(error, ACTR_STATUS_NOT_FOUND, "%s: it exports no .proto file", path);
    for (size_t i = 0; i < manifest.export_count && status == ACTR_OK; i++) {
        const actri_manifest_export_t *from = &manifest.exports[i];
        status = take(contract, from->path, actri_arena_strndup(&contract->arena, from->content, from->size),
                      from->size, error);
    }
    actri_manifest_clear(&manifest);
    return status;
}

static actr_status_t add_entry(protos_t *contract, const actri_lock_entry_t *entry, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (size_t i = 0; i < entry->file_count && status == ACTR_OK; i++) {
        char *name = actri_asprintf(NULL, "%s.proto", entry->files[i].package);
        const char *text = entry->files[i].content;
        status = name == NULL ? actri_no_memory(error)
                              : take(contract, name, actri_arena_strndup(&contract->arena, text, strlen(text)),
                                     strlen(text), error);
        actri_free(NULL, name);
    }
    contract->fingerprint = actri_arena_strndup(&contract->arena, entry->fingerprint, strlen(entry->fingerprint));
    return status;
}

/* "actr.lock.toml#pay" */
static actr_status_t add_locked(protos_t *contract, const char *what, const char *hash, actr_error_t *error)
{
    actri_config_source_t source = actri_config_source_real();
    actri_lock_t lock;
    char *path = actri_strndup(NULL, what, (size_t)(hash - what));
    if (path == NULL) return actri_no_memory(error);
    actr_status_t status = actri_lock_load(NULL, &source, 'A', path, &lock, error);
    if (status == ACTR_OK) {
        const actri_lock_entry_t *entry = actri_lock_get(&lock, hash + 1);
        if (entry == NULL)
            status = actri_fail(error, ACTR_STATUS_NOT_FOUND, "%s: there is no dependency %s", path, hash + 1);
        else
            status = add_entry(contract, entry, error);
        actri_lock_clear(&lock);
    }
    actri_free(NULL, path);
    return status;
}

actr_status_t protos_add(protos_t *contract, const char *what, actr_error_t *error)
{
    struct stat about;
    const char *hash = strrchr(what, '#');
    bool exists = stat(what, &about) == 0;
    contract->single = contract->count == 0 && actri_path_ends(what, ".proto");
    if (exists && S_ISDIR(about.st_mode)) return add_folder(contract, what, error);
    if (!exists && hash != NULL) return add_locked(contract, what, hash, error);
    return actri_path_ends(what, ".toml") ? add_manifest(contract, what, error) : add_proto(contract, what, error);
}
