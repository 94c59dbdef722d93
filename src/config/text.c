/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text, and strings quoted for TOML and JSON. */
#include "config/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(actri_text_t *text, size_t more)
{
    size_t needed = text->size + more + 1;
    if (text->failed || needed < more) return false;
    if (needed <= text->capacity) return true;
    size_t capacity = text->capacity == 0 ? 256 : text->capacity;
    while (capacity < needed) capacity *= 2;
    char *grown = actri_realloc(text->env, text->data, capacity);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->data = grown;
    text->capacity = capacity;
    return true;
}

void actri_text_add_bytes(actri_text_t *text, const void *data, size_t size)
{
    if (!reserve(text, size)) return;
    if (size > 0) memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void actri_text_add(actri_text_t *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (size < 0 || !reserve(text, (size_t)size)) return;
    va_start(list, format);
    (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, list);
    va_end(list);
    text->size += (size_t)size;
}

/* Backslash, quote and control characters; what both TOML and JSON understand. */
static void add_escaped(actri_text_t *text, const char *string, const char *plain)
{
    while (*string != '\0') {
        size_t run = 0;
        while ((unsigned char)string[run] >= 0x20 && string[run] != 0x7f && string[run] != '"' && string[run] != '\\')
            run++;
        actri_text_add_bytes(text, string, run);
        string += run;
        if (*string == '\0') return;
        if (strchr(plain, *string) != NULL)
            actri_text_add_bytes(text, string, 1);
        else if (*string == '"' || *string == '\\')
            actri_text_add(text, "\\%c", *string);
        else if (*string == '\n' || *string == '\t' || *string == '\r')
            actri_text_add(text, "\\%c", *string == '\n' ? 'n' : *string == '\t' ? 't' : 'r');
        else
            actri_text_add(text, "\\u%04x", (unsigned)(unsigned char)*string);
        string++;
    }
}

void actri_text_add_json(actri_text_t *text, const char *string)
{
    actri_text_add(text, "\"");
    add_escaped(text, string, "");
    actri_text_add(text, "\"");
}

void actri_text_add_toml(actri_text_t *text, const char *string)
{
    if (strchr(string, '\n') == NULL) {
        actri_text_add_json(text, string);
        return;
    }
    size_t size = strlen(string);
    bool quotes = strstr(string, "\"\"") != NULL || string[size - 1] == '"'; /* could look like the end */
    actri_text_add(text, "\"\"\"\n");
    add_escaped(text, string, quotes ? "\n\t" : "\"\n\t");
    actri_text_add(text, "\"\"\"");
}
