/* SPDX-License-Identifier: Apache-2.0 */
/* Inheritance (config.md 9) with an end: no cycle, at most ACTRI_CONFIG_INHERIT_MAX files. */
#include "config/chain.h"

#include "config/environment.h"

#include <inttypes.h>
#include <string.h>

/* Reads path into the arena; the status of the seam, with its words in *error. */
static actr_status_t read_into_arena(actri_chain_t *chain, const char *path, size_t limit, const char **data,
                                     size_t *size, actr_error_t *error)
{
    char *text = NULL;
    actr_status_t status = chain->source->read(chain->source->user, chain->diag->env, path, limit, &text, size, error);
    if (status != ACTR_OK) return status;
    *data = actri_arena_strndup(chain->arena, text, *size);
    actri_free(chain->diag->env, text);
    return *data == NULL ? actri_no_memory(error) : ACTR_OK;
}

/* The path in the arena; NULL when memory is out. */
static const char *join(actri_chain_t *chain, const char *beside, const char *path)
{
    char *text = actri_path_join(chain->diag->env, beside, path);
    const char *kept = text == NULL ? NULL : actri_arena_strndup(chain->arena, text, strlen(text));
    actri_free(chain->diag->env, text);
    if (kept == NULL) chain->arena->failed = true;
    return kept;
}

/* So that a manifest from somebody else can not have just any file read. */
static bool may_open(actri_chain_t *chain, const actri_toml_t *at, const char *what, const char *suffix,
                     const char *beside, const char *path)
{
    const char *folder = join(chain, beside, "");
    bool climbs = at->text[0] == '/' || (actri_path_climbs(at->text) && !actri_path_ends(at->text, suffix));
    bool stays = !climbs;
    if (folder == NULL) return false;
    if (!climbs && !actri_path_stays(chain->source, chain->diag->env, folder, path, suffix, &stays)) {
        chain->arena->failed = true;
        return false;
    }
    if (stays) return true;
    actri_diag_fail(chain->diag, at, "%s: %s is outside this file's folder; only relative paths to %s files may be",
                    what, at->text, suffix);
    return false;
}

const char *actri_chain_read(actri_chain_t *chain, const actri_toml_t *at, const char *what, const char *suffix,
                             size_t limit, const char **opened, size_t *size)
{
    actr_error_t error = ACTR_ERROR_INIT;
    const char *data = NULL, *first = chain->files[0]->file;
    const char *near = join(chain, at->file, at->text), *far = join(chain, first, at->text);
    if (near == NULL || far == NULL || !may_open(chain, at, what, suffix, at->file, near)) return NULL;
    *opened = near;
    actr_status_t status = read_into_arena(chain, near, limit, &data, size, &error);
    if (status == ACTR_STATUS_NOT_FOUND && strcmp(near, far) != 0) {
        actr_error_t again = ACTR_ERROR_INIT;
        if (!may_open(chain, at, what, suffix, first, far)) return NULL;
        if (read_into_arena(chain, far, limit, &data, size, &again) == ACTR_OK) {
            *opened = far;
            actri_diag_hint(chain->diag, at, "%s is not beside this file but beside %s, where it was taken from", what,
                            first);
            return data;
        }
    }
    if (status == ACTR_OK) return data;
    if (status == ACTR_STATUS_NO_MEMORY)
        chain->arena->failed = true;
    else
        actri_diag_fail_status(chain->diag, ACTR_STATUS_IO, at, "%s: %s %s", what, near, error.message);
    return NULL;
}

static const actri_toml_t *parse(actri_chain_t *chain, const char *path, const char *text, size_t size)
{
    actri_toml_t *root = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_toml_parse(chain->arena, path, text, size, &root, &error) != ACTR_OK) {
        actri_diag_fail_ready(chain->diag, &error);
        return NULL;
    }
    chain->files[chain->count++] = root;
    actri_check_file(chain->diag, root);
    return root;
}

static bool same_place(actri_chain_t *chain, const char *a, const char *b)
{
    char *one = actri_strdup(chain->diag->env, a), *two = actri_strdup(chain->diag->env, b);
    bool same = false;
    if (one == NULL || two == NULL) {
        chain->arena->failed = true;
    } else {
        actri_path_normalize(one);
        actri_path_normalize(two);
        same = strcmp(one, two) == 0;
    }
    actri_free(chain->diag->env, one);
    actri_free(chain->diag->env, two);
    return same;
}

static int64_t edition_of(const actri_toml_t *root)
{
    const actri_toml_t *edition = actri_toml_get(root, "edition");
    return edition != NULL && edition->kind == ACTRI_TOML_INTEGER ? edition->integer : 1;
}

/* The parent of the last file, read; NULL when there is none or it was refused. */
static const actri_toml_t *next_parent(actri_chain_t *chain)
{
    const actri_toml_t *child = chain->files[chain->count - 1], *at = actri_toml_get(child, "inherit");
    const char *path = NULL;
    size_t size = 0;
    if (at == NULL || at->kind != ACTRI_TOML_STRING) return NULL;
    if (chain->count == ACTRI_CONFIG_INHERIT_MAX) {
        actri_diag_fail(chain->diag, at, "more than %d files inherit from each other", ACTRI_CONFIG_INHERIT_MAX);
        return NULL;
    }
    const char *text = actri_chain_read(chain, at, "inherit", ".toml", ACTRI_CONFIG_FILE_MAX, &path, &size);
    if (text == NULL) return NULL;
    for (size_t i = 0; i < chain->count; i++) {
        if (!same_place(chain, chain->files[i]->file, path)) continue;
        actri_diag_fail(chain->diag, at, "a cycle: %s inherits from itself", path);
        return NULL;
    }
    const actri_toml_t *parent = parse(chain, path, text, size);
    if (parent != NULL && edition_of(parent) != edition_of(child))
        actri_diag_fail(chain->diag, at, "edition %" PRId64 " can not inherit from edition %" PRId64 " in %s",
                        edition_of(child), edition_of(parent), path);
    return parent;
}

void actri_chain_load(actri_chain_t *chain, const char *path)
{
    actr_error_t error = ACTR_ERROR_INIT;
    const char *text = NULL;
    size_t size = 0;
    actr_status_t status = read_into_arena(chain, path, ACTRI_CONFIG_FILE_MAX, &text, &size, &error);
    if (status != ACTR_OK) {
        actri_error_prefix(&error, "%s", path);
        if (status == ACTR_STATUS_NOT_FOUND) error.status = ACTR_STATUS_IO;
        actri_diag_fail_ready(chain->diag, &error);
        return;
    }
    if (parse(chain, path, text, size) == NULL) return;
    while (chain->diag->errors == 0 && next_parent(chain) != NULL) {
    }
    actri_environment_read(chain);
}

const actri_toml_t *actri_chain_at(const actri_toml_t *root, const char *path)
{
    char part[64];
    while (root != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        if (size >= sizeof part) return NULL;
        memcpy(part, path, size);
        part[size] = '\0';
        root = actri_toml_get(root, part);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return root;
}

static bool counts(const actri_key_t *key, const actri_toml_t *value)
{
    if (key->merge == ACTRI_MERGE_NOT_EMPTY) return value->count > 0;
    return key->merge != ACTRI_MERGE_EITHER || value->truth;
}

const actri_toml_t *actri_chain_value(const actri_chain_t *chain, const actri_key_t *key)
{
    const actri_toml_t *last = NULL;
    if (chain->overrides[key - actri_keys] != NULL) return chain->overrides[key - actri_keys];
    for (size_t i = 0; i < (key->merge == ACTRI_MERGE_OWN ? 1 : chain->count); i++) {
        const actri_toml_t *value = actri_chain_at(chain->files[i], key->path);
        if (value != NULL && counts(key, value)) return value;
        if (value != NULL && last == NULL) last = value; /* an empty list of its own, if no parent has more */
    }
    return last;
}
