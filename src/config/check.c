/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through the tree with the pattern of the place we are at ("acl.rules[].types") as the key into the table. */
#include "config/check.h"

#include "config/suggest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATTERN_SIZE 160

static void walk_table(actri_diag_t *diag, const actri_toml_t *table, const char *pattern);

static const char *advice(const actri_key_t *key, const actri_toml_t *value)
{
    bool string = value->kind == ACTRI_TOML_STRING;
    switch (key->type) {
    case ACTRI_KEY_UINT:
    case ACTRI_KEY_BOOL: return string ? "; write it without quotes" : "";
    case ACTRI_KEY_STRINGS:
    case ACTRI_KEY_PATHS: return string ? "; put it in brackets: [\"...\"]" : "";
    case ACTRI_KEY_TABLE: return string ? "; write { actr_type = \"manufacturer+name\" }" : "";
    case ACTRI_KEY_TABLES: return value->kind == ACTRI_TOML_TABLE ? "; write its header in double brackets" : "";
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_NAME:
    case ACTRI_KEY_URL:
    case ACTRI_KEY_WORD:
    case ACTRI_KEY_PATH:
    case ACTRI_KEY_TYPE: break;
    }
    return value->kind == ACTRI_TOML_INTEGER ? "; write it in quotes" : "";
}

static bool wrong_type(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value)
{
    char room[64];
    actri_diag_fail(diag, value, "%s must be %s, not %s%s", key->path, actri_key_type_text(key, room, sizeof room),
                    actri_toml_kind_name(value->kind), advice(key, value));
    return false;
}

static bool check_uint(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value)
{
    char room[64];
    if (value->kind != ACTRI_TOML_INTEGER) return wrong_type(diag, key, value);
    if (value->integer >= 0 && (uint64_t)value->integer <= key->most) return true;
    actri_diag_fail(diag, value, "%s must be %s, not %" PRId64, key->path, actri_key_type_text(key, room, sizeof room),
                    value->integer);
    return false;
}

static bool check_list(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value, actri_toml_kind_t kind)
{
    if (value->kind != ACTRI_TOML_ARRAY) return wrong_type(diag, key, value);
    size_t number = 1;
    for (const actri_toml_t *item = value->first; item != NULL; item = item->next, number++) {
        if (item->kind == kind) continue;
        actri_diag_fail(diag, item, "item %zu of %s must be %s, not %s", number, key->path, actri_toml_kind_name(kind),
                        actri_toml_kind_name(item->kind));
        return false;
    }
    return true;
}

static bool check_word(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value)
{
    char room[32];
    size_t size = strlen(value->text);
    for (const char *word = key->words; word != NULL; word = strchr(word, '|')) {
        if (*word == '|') word++;
        if (strncmp(word, value->text, size) == 0 && (word[size] == '|' || word[size] == '\0') && size > 0) return true;
    }
    const char *near = actri_suggest_word(value->text, key->words, room, sizeof room);
    actri_diag_fail(diag, value, "%s can not be \"%.40s\"; choose one of %s%s%s%s", key->path, value->text, key->words,
                    near == NULL ? "" : " (did you mean \"", near == NULL ? "" : near, near == NULL ? "" : "\"?)");
    return false;
}

bool actri_check_value(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value)
{
    switch (key->type) {
    case ACTRI_KEY_UINT: return check_uint(diag, key, value);
    case ACTRI_KEY_BOOL: return value->kind == ACTRI_TOML_BOOL || wrong_type(diag, key, value);
    case ACTRI_KEY_STRINGS:
    case ACTRI_KEY_PATHS: return check_list(diag, key, value, ACTRI_TOML_STRING);
    case ACTRI_KEY_TABLES: return check_list(diag, key, value, ACTRI_TOML_TABLE);
    case ACTRI_KEY_TABLE: return value->kind == ACTRI_TOML_TABLE || wrong_type(diag, key, value);
    case ACTRI_KEY_TYPE: /* in ACL principals also a table */
        if (value->kind == ACTRI_TOML_TABLE && actri_key_has_below(key->path, ".")) return true;
        break;
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_NAME:
    case ACTRI_KEY_URL:
    case ACTRI_KEY_WORD:
    case ACTRI_KEY_PATH: break;
    }
    if (value->kind != ACTRI_TOML_STRING) return wrong_type(diag, key, value);
    return key->type != ACTRI_KEY_WORD || check_word(diag, key, value);
}

static void unknown(actri_diag_t *diag, const actri_toml_t *value, const char *pattern)
{
    char room[PATTERN_SIZE];
    const char *near = NULL;
    if (diag->lines < ACTRI_DIAG_MOST) near = actri_key_suggest(pattern, room, sizeof room); /* it costs time */
    if (near == NULL)
        actri_diag_warn_key(diag, value, "unknown key %s is ignored", pattern);
    else if (strchr(near, '.') == NULL && strchr(pattern, '.') != NULL)
        actri_diag_warn_key(diag, value, "unknown key %s is ignored; %s must stand before the first [table]", pattern,
                            near);
    else
        actri_diag_warn_key(diag, value, "unknown key %s is ignored; did you mean %s?", pattern, near);
}

static void walk_value(actri_diag_t *diag, const actri_toml_t *value, const char *pattern)
{
    const actri_key_t *key = actri_key_find(pattern);
    char below[PATTERN_SIZE];
    if (key != NULL && !actri_check_value(diag, key, value)) return;
    if (value->kind == ACTRI_TOML_TABLE && actri_key_has_below(pattern, ".")) {
        walk_table(diag, value, pattern);
    } else if (value->kind == ACTRI_TOML_ARRAY && actri_key_has_below(pattern, "[]")) {
        (void)snprintf(below, sizeof below, "%s[]", pattern);
        for (const actri_toml_t *item = value->first; item != NULL; item = item->next) walk_table(diag, item, below);
    } else if (key == NULL) {
        actri_diag_fail(diag, value, "%s must be a table, not %s", pattern, actri_toml_kind_name(value->kind));
    }
}

static void required_keys(actri_diag_t *diag, const actri_toml_t *table, const char *pattern)
{
    size_t size = strlen(pattern);
    for (size_t i = 0; size > 0 && i < actri_key_count; i++) {
        const actri_key_t *key = &actri_keys[i];
        if (!key->required || strncmp(key->path, pattern, size) != 0 || key->path[size] != '.') continue;
        if (strchr(key->path + size + 1, '.') != NULL || key->merge != ACTRI_MERGE_NEAREST || key->offset >= 0)
            continue; /* of a table below, or checked when all files are there */
        if (actri_toml_get(table, key->path + size + 1) == NULL) {
            actri_diag_fail(diag, table, "%s is missing", key->path);
            return;
        }
    }
}

/* A key of the file that holds what patterns are made of would be taken for a path. */
static bool is_plain(const char *key)
{
    return key[0] != '\0' && strpbrk(key, ".[]*") == NULL;
}

static void walk_table(actri_diag_t *diag, const actri_toml_t *table, const char *pattern)
{
    const char *dot = pattern[0] == '\0' ? "" : ".";
    char next[PATTERN_SIZE], any[PATTERN_SIZE];
    (void)snprintf(any, sizeof any, "%s%s*", pattern, dot);
    bool has_any = actri_key_find(any) != NULL;
    for (const actri_toml_t *child = table->first; child != NULL; child = child->next) {
        (void)snprintf(next, sizeof next, "%s%s%.60s", pattern, dot, child->key);
        bool known = is_plain(child->key) && (actri_key_find(next) != NULL || actri_key_has_below(next, "."));
        if (known)
            walk_value(diag, child, next);
        else if (has_any)
            walk_value(diag, child, any);
        else
            unknown(diag, child, next);
    }
    required_keys(diag, table, pattern);
}

/* What the reference's file format can not be without; parents too. */
static void require(actri_diag_t *diag, const actri_toml_t *root, const char *table, const char *inner,
                    const char *const *names)
{
    const actri_toml_t *at = actri_toml_get(root, table);
    const char *dot = inner == NULL ? "" : ".";
    if (inner != NULL && at != NULL) at = actri_toml_get(at, inner);
    if (at == NULL) {
        actri_diag_fail(diag, root, "the table [%s%s%s] is missing", table, dot, inner == NULL ? "" : inner);
        return;
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        if (actri_toml_get(at, names[i]) != NULL || at->kind != ACTRI_TOML_TABLE) continue;
        actri_diag_fail(diag, at, "%s%s%s.%s is missing", table, dot, inner == NULL ? "" : inner, names[i]);
    }
}

void actri_check_file(actri_diag_t *diag, const actri_toml_t *root)
{
    static const char *const package[] = {"name", NULL}, *const type[] = {"manufacturer", "name", NULL};
    walk_table(diag, root, "");
    require(diag, root, "package", NULL, package);
    if (actri_toml_get(root, "package") != NULL) require(diag, root, "package", "actr_type", type);
}
