/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text, two blanks a level, to a function that takes the pieces. Escapes as the reference's writer does
 * (naming-and-compat 5.2). What goes beyond `limit` is dropped and latches `full`.
 */
#ifndef ACTRI_JSON_WRITER_H
#define ACTRI_JSON_WRITER_H

#include "compat/proto_tree.h"

#define ACTRI_JSON_DEPTH (2 * ACTRI_PROTO_DEPTH_MAX + 32)

typedef struct actri_json {
    void (*write)(void *user, const void *data, size_t size);
    void *user;
    size_t limit, written;
    bool full;
    unsigned depth;
    bool filled[ACTRI_JSON_DEPTH]; /* something stands in the container of that depth */
    size_t size;
    char buffer[1024];
} actri_json_t;

void actri_json_init(actri_json_t *json, size_t limit, void (*write)(void *user, const void *data, size_t size),
                     void *user);
/* Hands over what is left. */
void actri_json_flush(actri_json_t *json);

/* key NULL: an element of a list, or the outermost value. `bracket` is '{' or '['. */
void actri_json_open(actri_json_t *json, const char *key, char bracket);
void actri_json_close(actri_json_t *json, char bracket);
void actri_json_text(actri_json_t *json, const char *key, const char *value);
void actri_json_bytes(actri_json_t *json, const char *key, const actri_proto_text_t *value);
void actri_json_number(actri_json_t *json, const char *key, int64_t value);
void actri_json_bool(actri_json_t *json, const char *key, bool value);

#endif
