/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 as a plain tree: the C face of toml++ (toml.cpp). Every value knows its file, line and column. The tree
 * lives in the arena it was parsed into and is never changed. [any-thread]
 *
 * Bounded: the nesting of tables, arrays and dotted keys is checked before the parser sees the text, because its
 * own recursion knows no limit for dotted keys. Strings with a zero character are refused: ours end there.
 */
#ifndef ACTRI_CONFIG_TOML_H
#define ACTRI_CONFIG_TOML_H

#include "base/arena.h"

#define ACTRI_TOML_NESTING 32 /* brackets inside brackets, and parts of one dotted key */

typedef enum actri_toml_kind {
    ACTRI_TOML_TABLE,
    ACTRI_TOML_ARRAY,
    ACTRI_TOML_STRING,
    ACTRI_TOML_INTEGER,
    ACTRI_TOML_FLOAT,
    ACTRI_TOML_BOOL,
    ACTRI_TOML_DATE, /* dates and times: only that it is one */
} actri_toml_kind_t;

typedef struct actri_toml {
    actri_toml_kind_t kind;
    const char *file; /* as given to the parser; shared by all nodes */
    unsigned line, column;
    const char *key; /* its name in the table around it; NULL for the root and in arrays */
    unsigned key_line, key_column;
    struct actri_toml *next;  /* sibling, in the order of the file */
    struct actri_toml *first; /* of a table or an array */
    size_t count;             /* of children */
    const char *text;         /* string, zero-terminated UTF-8 */
    int64_t integer;
    double real;
    bool truth;
} actri_toml_t;

/* text is size bytes of UTF-8. CONFIG_SYNTAX with "file:line:column: ..."; NO_MEMORY. */
ACTR_MUST_CHECK actr_status_t actri_toml_parse(actri_arena_t *arena, const char *file, const char *text, size_t size,
                                               actri_toml_t **out, actr_error_t *error);
/* The child of that name; NULL when there is none, or table is NULL or no table. */
const actri_toml_t *actri_toml_get(const actri_toml_t *table, const char *key);
/* "a table", "a string", ... */
const char *actri_toml_kind_name(actri_toml_kind_t kind);

#endif
