/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorded envelopes, read without a JSON library: both files have one member a line, so that the indentation tells
 * the members of a message from what lies deeper. For tests only.
 */
#ifndef ACTR_TESTS_SIGNALING_VECTORS_H
#define ACTR_TESTS_SIGNALING_VECTORS_H

#include "signaling.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct vector {
    unsigned connection; /* of actrix.json */
    char name[64];       /* "name" or "kind" */
    bool from_node;
    uint8_t *bytes;
    size_t size;
    Signaling__SignalingEnvelope *envelope;
} vector_t;

#define VECTORS_MAX 128
typedef struct vectors {
    vector_t list[VECTORS_MAX];
    unsigned count;
} vectors_t;

static inline void vector_hex(vector_t *vector, const char *hex)
{
    vector->size = strcspn(hex, "\"") / 2;
    vector->bytes = malloc(vector->size + 1);
    for (size_t i = 0; i < vector->size; i++) {
        unsigned byte = 0;
        assert_int_equal(1, sscanf(hex + 2 * i, "%2x", &byte));
        vector->bytes[i] = (uint8_t)byte;
    }
    vector->envelope = signaling__signaling_envelope__unpack(NULL, vector->size, vector->bytes);
    assert_non_null(vector->envelope);
}

/* Members stand behind three spaces; hex is the last one that counts. */
static inline void vectors_load(vectors_t *vectors, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    vector_t now = {0};
    memset(vectors, 0, sizeof *vectors);
    assert_non_null(file);
    while (getline(&line, &room, file) > 0) {
        if (strncmp(line, "   \"", 4) != 0) continue;
        const char *value = strchr(line, ':');
        if (value == NULL) continue;
        if (strncmp(line, "   \"connection\"", 15) == 0) now.connection = (unsigned)atoi(value + 1);
        if (strncmp(line, "   \"name\"", 9) == 0 || strncmp(line, "   \"kind\"", 9) == 0) {
            (void)sscanf(value, ": \"%63[^\"]", now.name);
        }
        if (strncmp(line, "   \"direction\"", 14) == 0) {
            now.from_node = strstr(value, "\"node>") != NULL || strstr(value, "\"reference->") != NULL;
        }
        if (strncmp(line, "   \"hex\"", 8) == 0) {
            assert_true(vectors->count < VECTORS_MAX);
            vector_hex(&now, value + 3);
            vectors->list[vectors->count++] = now;
        }
    }
    free(line);
    (void)fclose(file);
}

static inline void vectors_clear(vectors_t *vectors)
{
    for (unsigned i = 0; i < vectors->count; i++) {
        free(vectors->list[i].bytes);
        signaling__signaling_envelope__free_unpacked(vectors->list[i].envelope, NULL);
    }
}

#endif
