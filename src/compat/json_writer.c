/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, piece by piece. Pure. */
#include "compat/json_writer.h"

#include <stdio.h>
#include <string.h>

void actri_json_init(actri_json_t *json, size_t limit, void (*write)(void *user, const void *data, size_t size),
                     void *user)
{
    memset(json, 0, sizeof *json);
    json->limit = limit;
    json->write = write;
    json->user = user;
}

void actri_json_flush(actri_json_t *json)
{
    if (json->size > 0) json->write(json->user, json->buffer, json->size);
    json->size = 0;
}

static void put(actri_json_t *json, const char *data, size_t size)
{
    if (json->full || size > json->limit - json->written) {
        json->full = true;
        return;
    }
    json->written += size;
    while (size > 0) {
        size_t room = sizeof json->buffer - json->size, part = size < room ? size : room;
        memcpy(json->buffer + json->size, data, part);
        json->size += part;
        data += part;
        size -= part;
        if (json->size == sizeof json->buffer) actri_json_flush(json);
    }
}

static void put_string(actri_json_t *json, const char *data, size_t size)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t plain = 0;
    put(json, "\"", 1);
    for (size_t i = 0; i <= size; i++) {
        unsigned char c = i < size ? (unsigned char)data[i] : '"';
        const char *found = c == '\0' ? NULL : strchr(special, (char)c);
        if (found == NULL && c >= 0x20) continue;
        put(json, data + plain, i - plain);
        plain = i + 1;
        char escape[8] = {'\\', found == NULL ? '\0' : letters[found - special], '\0'};
        if (found == NULL) (void)snprintf(escape, sizeof escape, "\\u%04x", c);
        if (i < size) put(json, escape, strlen(escape));
    }
    put(json, "\"", 1);
}

static void new_line(actri_json_t *json)
{
    static const char blanks[] = "                                                                ";
    size_t left = 2 * (size_t)json->depth;
    put(json, "\n", 1);
    while (left > 0) {
        size_t part = left < sizeof blanks - 1 ? left : sizeof blanks - 1;
        put(json, blanks, part);
        left -= part;
    }
}

static void begin(actri_json_t *json, const char *key)
{
    if (json->depth > 0) {
        if (json->filled[json->depth - 1]) put(json, ",", 1);
        json->filled[json->depth - 1] = true;
        new_line(json);
    }
    if (key == NULL) return;
    put_string(json, key, strlen(key));
    put(json, ": ", 2);
}

void actri_json_open(actri_json_t *json, const char *key, char bracket)
{
    begin(json, key);
    put(json, &bracket, 1);
    if (json->depth == ACTRI_JSON_DEPTH) { /* deeper than anything that is written */
        json->full = true;
        return;
    }
    json->filled[json->depth++] = false;
}

void actri_json_close(actri_json_t *json, char bracket)
{
    char closing = bracket == '{' ? '}' : ']';
    if (json->depth == 0) return;
    json->depth--;
    if (json->filled[json->depth]) new_line(json);
    put(json, &closing, 1);
}

void actri_json_bytes(actri_json_t *json, const char *key, const actri_proto_text_t *value)
{
    begin(json, key);
    put_string(json, value->data, value->size);
}

void actri_json_text(actri_json_t *json, const char *key, const char *value)
{
    const actri_proto_text_t text = {value, strlen(value)};
    actri_json_bytes(json, key, &text);
}

void actri_json_number(actri_json_t *json, const char *key, int64_t value)
{
    char text[24];
    begin(json, key);
    put(json, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

void actri_json_bool(actri_json_t *json, const char *key, bool value)
{
    begin(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}
