/* SPDX-License-Identifier: Apache-2.0 */
/* The key table as a JSON schema: the paths are a tree, walked part by part. */
#include "config/describe.h"
#include "config/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 160

typedef struct writer {
    actri_text_t *out;
    int depth;
    bool first; /* no member in this object yet */
} writer_t;

static void line(writer_t *to)
{
    actri_text_add(to->out, "\n%*s", 2 * to->depth, "");
}

static void open_object(writer_t *to, const char *name)
{
    if (!to->first) actri_text_add(to->out, ",");
    if (to->depth > 0) line(to);
    if (name != NULL) {
        actri_text_add_json(to->out, name);
        actri_text_add(to->out, ": ");
    }
    actri_text_add(to->out, "{");
    to->depth++;
    to->first = true;
}

static void close_object(writer_t *to)
{
    to->depth--;
    line(to);
    actri_text_add(to->out, "}");
    to->first = false;
}

static void begin_member(writer_t *to, const char *name)
{
    if (!to->first) actri_text_add(to->out, ",");
    line(to);
    actri_text_add_json(to->out, name);
    actri_text_add(to->out, ": ");
    to->first = false;
}

static void add_string(writer_t *to, const char *name, const char *value)
{
    begin_member(to, name);
    actri_text_add_json(to->out, value);
}

static void add_raw(writer_t *to, const char *name, const char *json)
{
    begin_member(to, name);
    actri_text_add(to->out, "%s", json);
}

static void add_object(writer_t *to, const char *name, const char *prefix, const actri_key_t *row);

static void add_description(writer_t *to, const actri_key_t *row)
{
    char text[600];
    (void)snprintf(text, sizeof text, "%s%s%s%s", row->what,
                   row->check == NULL ? "" : " Checked: ", row->check == NULL ? "" : row->check,
                   row->check == NULL ? "" : ".");
    add_string(to, "description", text);
    const char *fallback = row->fallback;
    if (fallback != NULL && (strchr("\"[0123456789", fallback[0]) != NULL || strcmp(fallback, "true") == 0 ||
                             strcmp(fallback, "false") == 0))
        add_raw(to, "default", fallback); /* as TOML writes it, JSON writes it too */
}

static void add_words(writer_t *to, const char *words)
{
    begin_member(to, "enum");
    actri_text_add(to->out, "[\"");
    for (const char *c = words; *c != '\0'; c++) actri_text_add(to->out, *c == '|' ? "\", \"" : "%c", *c);
    actri_text_add(to->out, "\"]");
}

static void add_type(writer_t *to, const actri_key_t *row)
{
    char number[32];
    switch (row->type) {
    case ACTRI_KEY_UINT:
        add_string(to, "type", "integer");
        add_raw(to, "minimum", "0");
        (void)snprintf(number, sizeof number, "%" PRIu64, row->most);
        add_raw(to, "maximum", number);
        break;
    case ACTRI_KEY_BOOL: add_string(to, "type", "boolean"); break;
    case ACTRI_KEY_STRINGS:
    case ACTRI_KEY_PATHS:
        add_string(to, "type", "array");
        add_raw(to, "items", "{ \"type\": \"string\" }");
        break;
    case ACTRI_KEY_TABLE: add_string(to, "type", "object"); break;
    case ACTRI_KEY_TABLES: add_string(to, "type", "array"); break;
    case ACTRI_KEY_NAME:
        add_string(to, "type", "string");
        add_raw(to, "maxLength", "32");
        break;
    case ACTRI_KEY_URL:
        add_string(to, "type", "string");
        add_string(to, "pattern", "^\\s*[wW][sS]{1,2}:");
        break;
    case ACTRI_KEY_WORD: add_words(to, row->words); break;
    case ACTRI_KEY_TYPE:
        if (actri_key_has_below(row->path, "."))
            add_raw(to, "type", "[\"string\", \"object\"]");
        else
            add_string(to, "type", "string");
        break;
    case ACTRI_KEY_STRING:
    case ACTRI_KEY_PATH: add_string(to, "type", "string"); break;
    }
    if (row->pattern != NULL) add_string(to, "pattern", row->pattern);
}

/* Length of the part of path behind prefix; 0 when path does not lie below. */
static size_t part_below(const char *path, const char *prefix)
{
    size_t size = strlen(prefix);
    if (size > 0 && (strncmp(path, prefix, size) != 0 || path[size] != '.')) return 0;
    return strcspn(path + size + (size > 0 ? 1 : 0), ".[");
}

static bool seen_before(size_t row, const char *prefix, size_t size)
{
    for (size_t i = 0; i < row; i++) {
        if (strncmp(actri_keys[i].path, actri_keys[row].path, size) == 0 &&
            strchr(".[", actri_keys[i].path[size]) != NULL && part_below(actri_keys[i].path, prefix) > 0)
            return true;
    }
    return false;
}

/* Each distinct name below prefix. */
static void add_members(writer_t *to, const char *prefix)
{
    size_t skip = strlen(prefix) + (prefix[0] == '\0' ? 0 : 1);
    for (size_t i = 0; i < actri_key_count; i++) {
        const char *path = actri_keys[i].path;
        size_t part = part_below(path, prefix);
        char full[PATH_SIZE], name[64];
        if (part == 0 || path[skip] == '*' || seen_before(i, prefix, skip + part)) continue;
        (void)snprintf(full, sizeof full, "%.*s", (int)(skip + part), path);
        (void)snprintf(name, sizeof name, "%.*s", (int)part, path + skip);
        add_object(to, name, full, actri_key_find(full));
    }
}

static void add_required(writer_t *to, const char *prefix)
{
    size_t skip = strlen(prefix) + 1;
    bool any = false;
    for (size_t i = 0; prefix[0] != '\0' && i < actri_key_count; i++) {
        const actri_key_t *row = &actri_keys[i];
        bool here = part_below(row->path, prefix) > 0 && strchr(row->path + skip, '.') == NULL;
        if (!here || !row->required || (row->merge == ACTRI_MERGE_NEAREST && row->offset >= 0))
            continue; /* inherited */
        if (!any) begin_member(to, "required");
        actri_text_add(to->out, any ? ", \"%s\"" : "[\"%s\"", row->path + skip);
        any = true;
    }
    if (any) actri_text_add(to->out, "]");
}

static void add_table(writer_t *to, const char *prefix)
{
    char any[PATH_SIZE];
    (void)snprintf(any, sizeof any, "%s.*", prefix);
    const actri_key_t *row = actri_key_find(any);
    open_object(to, "properties");
    add_members(to, prefix);
    close_object(to);
    add_required(to, prefix);
    if (row != NULL)
        add_object(to, "additionalProperties", any, row);
    else
        add_raw(to, "additionalProperties", "false");
}

static void add_object(writer_t *to, const char *name, const char *prefix, const actri_key_t *row)
{
    char items[PATH_SIZE];
    open_object(to, name);
    if (row != NULL) {
        add_type(to, row);
        add_description(to, row);
    } else {
        add_string(to, "type", "object");
    }
    if (row != NULL && actri_key_has_below(prefix, "[]")) {
        (void)snprintf(items, sizeof items, "%s[]", prefix);
        add_object(to, "items", items, NULL);
    } else if (row == NULL || actri_key_has_below(prefix, ".")) {
        add_table(to, prefix);
    }
    close_object(to);
}

void actri_describe_schema(actri_text_t *out)
{
    writer_t to = {.out = out, .first = true};
    open_object(&to, NULL);
    add_string(&to, "$schema", "http://json-schema.org/draft-07/schema#");
    add_string(&to, "title", "Actr.toml");
    add_string(&to, "type", "object");
    add_table(&to, "");
    add_raw(&to, "required", "[\"package\"]");
    close_object(&to);
    actri_text_add(out, "\n");
}
