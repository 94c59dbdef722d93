/* SPDX-License-Identifier: Apache-2.0 */
/* A TOML file flattened: every value with its path ("system.signaling.url", "acl.rules[0].types[1]") and place. */
#ifndef ACTRI_TOML_H
#define ACTRI_TOML_H

#include "base/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum actri_toml_kind {
    ACTRI_TOML_STRING = 1,
    ACTRI_TOML_INTEGER,
    ACTRI_TOML_BOOLEAN,
    ACTRI_TOML_ARRAY, /* elements follow as path[0], path[1], ... */
    ACTRI_TOML_TABLE, /* members follow */
    ACTRI_TOML_OTHER, /* float, date, time */
} actri_toml_kind_t;

typedef struct actri_toml_entry {
    const char *path;
    actri_toml_kind_t kind;
    const char *string;
    int64_t integer;
    bool boolean;
    size_t count; /* of an array */
    unsigned line, column;
} actri_toml_entry_t;

typedef struct actri_toml {
    actri_toml_entry_t *entries;
    size_t count;
} actri_toml_t;

/* Everything lives in the arena. CONFIG_SYNTAX says "name:line:column: ...". At most 64 levels and 10,000 values. */
ACTR_MUST_CHECK actr_status_t actri_toml_parse(actri_arena_t *arena, const char *name, const char *text, size_t size,
                                               actri_toml_t *out, actr_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
