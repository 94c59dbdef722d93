/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the recorded vectors. */
#ifndef ACTR_TESTS_VECTORS_H
#define ACTR_TESTS_VECTORS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole file, zero-terminated, malloced; fails the test when it is not there. */
static inline char *vector_text(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", ACTR_VECTORS, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s can not be read", path);
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

/* "0a1b" to bytes; returns how many. */
static inline size_t vector_hex(const char *hex, uint8_t *out, size_t room)
{
    size_t size = strlen(hex) / 2;
    assert_true(size <= room);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return size;
}

#endif
