/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock file (config.md 13): which contract each dependency was written for. Two forms, which do not read each
 * other: A holds the .proto texts (files = package, fingerprint, content), B names files (path, fingerprint). One
 * thread at a time.
 */
#ifndef ACTRI_CONFIG_LOCK_H
#define ACTRI_CONFIG_LOCK_H

#include "config/manifest.h"
#include "config/text.h"

typedef struct actri_lock_file {
    const char *package, *content; /* form A */
    const char *path;              /* form B */
    const char *fingerprint;
} actri_lock_file_t;

typedef struct actri_lock_entry {
    const char *name, *actr_type, *description /* or NULL */, *fingerprint, *cached_at;
    bool has_published_at;
    int64_t published_at;
    actri_strings_t tags;
    const actri_lock_file_t *files;
    size_t file_count;
} actri_lock_entry_t;

typedef struct actri_lock {
    char form; /* 'A' or 'B' */
    bool has_metadata;
    uint32_t version;
    const char *generated_at; /* RFC 3339 */
    actri_lock_entry_t *entries;
    size_t count, capacity;
    actri_arena_t arena;
} actri_lock_t;

/* An empty one, version 1, of this time. NO_MEMORY. */
ACTR_MUST_CHECK actr_status_t actri_lock_new(const actri_env_t *env, char form, const char *now, actri_lock_t *out,
                                             actr_error_t *error);
/* IO, CONFIG_SYNTAX, CONFIG_INVALID with "file:line:column: ". */
ACTR_MUST_CHECK actr_status_t actri_lock_load(const actri_env_t *env, const actri_config_source_t *source, char form,
                                              const char *path, actri_lock_t *out, actr_error_t *error);
void actri_lock_clear(actri_lock_t *lock);

/* The first entry of that name; NULL. */
const actri_lock_entry_t *actri_lock_get(const actri_lock_t *lock, const char *name);
/* The fingerprint for a type, looked up as the reference does (levels 3); NULL. */
const char *actri_lock_fingerprint(const actri_lock_t *lock, const char *manufacturer, const char *name);
/* Copies entry in, in place of one of the same name, and sorts by name. */
ACTR_MUST_CHECK actr_status_t actri_lock_add(actri_lock_t *lock, const actri_lock_entry_t *entry, actr_error_t *error);
/* Whether there was one. */
bool actri_lock_remove(actri_lock_t *lock, const char *name);
ACTR_MUST_CHECK actr_status_t actri_lock_touch(actri_lock_t *lock, const char *now, actr_error_t *error);

/* As the reference writes it. */
void actri_lock_print(const actri_lock_t *lock, actri_text_t *out);
/* The same into a file, in one step: a reader sees the old or the new one. IO. */
ACTR_MUST_CHECK actr_status_t actri_lock_save(const actri_lock_t *lock, const char *path, actr_error_t *error);

#endif
