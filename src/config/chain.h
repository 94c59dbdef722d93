/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest and the files it inherits from, read and checked one by one, with the environment in front. */
#ifndef ACTRI_CONFIG_CHAIN_H
#define ACTRI_CONFIG_CHAIN_H

#include "config/check.h"
#include "config/source.h"

typedef struct actri_chain {
    const actri_toml_t *files[ACTRI_CONFIG_INHERIT_MAX]; /* the child first */
    size_t count;
    const actri_toml_t *overrides[ACTRI_KEYS_MAX]; /* by row; from the environment */
    const actri_config_source_t *source;
    actri_arena_t *arena;
    actri_diag_t *diag;
} actri_chain_t;

/* arena, diag and source are set. Errors are in diag. */
void actri_chain_load(actri_chain_t *chain, const char *path);
/* The value that counts for a row of a single value; NULL: none. */
const actri_toml_t *actri_chain_value(const actri_chain_t *chain, const actri_key_t *key);
/* The value at a path of one file; NULL. */
const actri_toml_t *actri_chain_at(const actri_toml_t *root, const char *path);

/*
 * Opens a path written in the file `at->file`: relative to that file's folder; when nothing is there, relative to the
 * first manifest's folder, where the reference looks (with a hint). NULL when not found or refused (reported): out of
 * that folder, as written or by a link, only relative paths to files that end in `suffix` lead. Room for the text and
 * the opened path are in the arena.
 */
const char *actri_chain_read(actri_chain_t *chain, const actri_toml_t *at, const char *what, const char *suffix,
                             size_t limit, const char **opened, size_t *size);

#endif
