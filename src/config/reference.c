/* SPDX-License-Identifier: Apache-2.0 */
/* The key table as Markdown. */
#include "config/describe.h"
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

/* The table that a row stands in: up to its last dot; "" at the top. */
static size_t table_size(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? 0 : (size_t)(dot - path);
}

static void add_heading(actri_text_t *out, const char *path, size_t size)
{
    if (size == 0) {
        actri_text_add(out, "### Top level\n\nThese stand before the first `[table]`.\n\n");
    } else if (path[size - 1] == ']') {
        actri_text_add(out, "### `%.*s`\n\n", (int)size, path);
    } else {
        actri_text_add(out, "### `[%.*s]`\n\n", (int)size, path);
    }
    actri_text_add(out, "| key | type | default | form | meaning |\n|---|---|---|---|---|\n");
}

static void add_type(actri_text_t *out, const actri_key_t *row)
{
    char room[64];
    if (row->type != ACTRI_KEY_WORD) {
        actri_text_add(out, "%s", actri_key_type_text(row, room, sizeof room));
        return;
    }
    actri_text_add(out, "`\"");
    for (const char *c = row->words; *c != '\0'; c++) actri_text_add(out, *c == '|' ? "\"`, `\"" : "%c", *c);
    actri_text_add(out, "\"`");
}

static void add_row(actri_text_t *out, const actri_key_t *row)
{
    char variable[96];
    size_t size = table_size(row->path);
    const char *fallback = row->required ? "required" : row->fallback == NULL ? "none" : row->fallback;
    bool literal = !row->required && row->fallback != NULL && strchr("\"[0123456789", fallback[0]) != NULL;
    actri_text_add(out, "| `%s` | ", row->path + size + (size > 0 ? 1 : 0));
    add_type(out, row);
    actri_text_add(out, " | %s%s%s | %s | %s", literal ? "`" : "", fallback, literal ? "`" : "", row->form, row->what);
    if (row->check != NULL) actri_text_add(out, " *Checked:* %s.", row->check);
    if (actri_key_variable(row, variable, sizeof variable)[0] != '\0') actri_text_add(out, " `%s`", variable);
    actri_text_add(out, " |\n");
}

void actri_describe_reference(actri_text_t *out)
{
    const char *table = NULL;
    size_t size = 0;
    for (size_t i = 0; i < actri_key_count; i++) {
        const char *path = actri_keys[i].path;
        if (table == NULL || table_size(path) != size || strncmp(table, path, size) != 0) {
            if (table != NULL) actri_text_add(out, "\n");
            table = path;
            size = table_size(path);
            add_heading(out, path, size);
        }
        add_row(out, &actri_keys[i]);
    }
}
