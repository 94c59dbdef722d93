/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs of fuzz targets that are scripts of chunks. A chunk: who sends it, in one byte; its sequence, in one;
 * metadata, key and value with a zero behind each, until an empty key; the payload's length in one byte, and the
 * payload. What is missing at the end of the input is zero.
 */
#ifndef ACTR_TESTS_FUZZ_SCRIPT_H
#define ACTR_TESTS_FUZZ_SCRIPT_H

#include "base/utf8.h"
#include "proto/meta.h"

#include <actr/stream.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_METADATA 8

typedef struct script {
    const uint8_t *at;
    size_t left;
} script_t;

/* Each text and the payload in a block of exactly its size, so that reading past its end shows. */
typedef struct script_chunk {
    actr_chunk_t chunk;
    actr_metadata_t metadata[SCRIPT_METADATA];
    uint8_t who;
} script_chunk_t;

static inline void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "broken: %s\n", what);
    abort();
}

static inline uint8_t script_byte(script_t *script)
{
    if (script->left == 0) return 0;
    script->left--;
    return *script->at++;
}

static inline char *script_copy(script_t *script, size_t size)
{
    char *copy = malloc(size + 1);
    demand(copy != NULL, "memory");
    if (size > 0) memcpy(copy, script->at, size);
    copy[size] = '\0';
    script->at += size;
    script->left -= size;
    return copy;
}

static inline char *script_text(script_t *script)
{
    char *text = script_copy(script, strnlen((const char *)script->at, script->left));
    (void)script_byte(script); /* the zero */
    return text;
}

static inline void script_chunk_free(script_chunk_t *chunk)
{
    for (size_t i = 0; i < chunk->chunk.metadata_count; i++) {
        free((void *)(uintptr_t)chunk->metadata[i].key);
        free((void *)(uintptr_t)chunk->metadata[i].value);
    }
    free((void *)(uintptr_t)chunk->chunk.payload.data);
}

/* False: no peer's chunk could be so, it would not have been decoded. To be freed in any case. */
static inline bool script_chunk(script_t *script, script_chunk_t *out)
{
    *out = (script_chunk_t){.chunk = ACTR_CHUNK_INIT, .who = script_byte(script)};
    out->chunk.stream_id = "stream";
    out->chunk.sequence = script_byte(script);
    out->chunk.metadata = out->metadata;
    while (out->chunk.metadata_count < SCRIPT_METADATA && script->left > 0) {
        actr_metadata_t *entry = &out->metadata[out->chunk.metadata_count];
        char *key = script_text(script);
        if (key[0] == '\0') {
            free(key);
            break;
        }
        *entry = (actr_metadata_t){key, script_text(script)};
        out->chunk.metadata_count++;
    }
    size_t size = script_byte(script);
    if (size > script->left) size = script->left;
    char *payload = malloc(size > 0 ? size : 1);
    demand(payload != NULL, "memory");
    if (size > 0) memcpy(payload, script->at, size);
    script->at += size;
    script->left -= size;
    out->chunk.payload = (actr_bytes_t){payload, size};
    return actri_meta_fault(out->metadata, out->chunk.metadata_count) == NULL;
}

/* One printable line, as programs may show and log it. */
static inline void demand_line(const char *text, const char *what)
{
    char line[1024];
    demand(text != NULL && strlen(text) < sizeof line, what);
    (void)snprintf(line, sizeof line, "%s", text);
    actri_utf8_line(line);
    demand(strcmp(line, text) == 0, what);
}

#endif
