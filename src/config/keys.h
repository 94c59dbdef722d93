/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of keys: the parser, the environment, `actr config show`, the JSON schema and the reference in
 * docs/configuration.md are made from it. A path has "*" for a name that the user chooses and "[]" for the elements of
 * a list of tables.
 */
#ifndef ACTRI_CONFIG_KEYS_H
#define ACTRI_CONFIG_KEYS_H

#include "config/manifest.h"

typedef enum actri_key_type {
    ACTRI_KEY_STRING,
    ACTRI_KEY_NAME, /* a string by the name rule */
    ACTRI_KEY_URL,  /* a ws:// or wss:// URL */
    ACTRI_KEY_WORD, /* one of row.words */
    ACTRI_KEY_PATH,
    ACTRI_KEY_UINT, /* 0 to row.most */
    ACTRI_KEY_BOOL,
    ACTRI_KEY_STRINGS,
    ACTRI_KEY_PATHS,
    ACTRI_KEY_TABLE,
    ACTRI_KEY_TABLES, /* a list of tables */
    ACTRI_KEY_TYPE,   /* an actor type: text, or (in ACL principals) a table */
} actri_key_type_t;

/* What a child makes of its parent's value (config.md 9). */
typedef enum actri_key_merge {
    ACTRI_MERGE_OWN,       /* never inherited */
    ACTRI_MERGE_NEAREST,   /* the child's if it has one */
    ACTRI_MERGE_NOT_EMPTY, /* the child's list unless it is empty */
    ACTRI_MERGE_EITHER,    /* true if one of them says so */
    ACTRI_MERGE_JOIN,      /* the parent's, then the child's */
    ACTRI_MERGE_UNION,     /* by name; the child wins */
} actri_key_merge_t;

typedef struct actri_key {
    const char *path;
    actri_key_type_t type;
    actri_key_merge_t merge;
    const char *form; /* "A", "B", "A, B": of the reference's manifest; "-": libactr's own */
    bool required;
    const char *fallback; /* TOML text of the default, or what counts instead; NULL: none */
    const char *words;    /* "full|normal|off" */
    const char *pattern;  /* of the text, for the schema only; NULL: any */
    uint64_t most;
    int offset;  /* in actri_manifest_t; negative: a reader of its own, or a part of another row */
    size_t size; /* of the member there */
    const char *what;
    const char *check; /* beyond the type; NULL: nothing */
} actri_key_t;

extern const actri_key_t actri_keys[];
extern const size_t actri_key_count;

/* The row with exactly this path; NULL. */
const actri_key_t *actri_key_find(const char *path);
/* Whether some row lies below: path plus "." or "[]". */
bool actri_key_has_below(const char *path, const char *joint);
/* The row or table that is most like path, in room; NULL when nothing is. */
const char *actri_key_suggest(const char *path, char *room, size_t size);
/* "a string", "a list of strings", "an integer from 0 to 65535" ... */
const char *actri_key_type_text(const actri_key_t *key, char *room, size_t size);
/* ACTR_SYSTEM__SIGNALING__URL, or "" for rows that the environment can not set. */
const char *actri_key_variable(const actri_key_t *key, char *room, size_t size);

#endif
