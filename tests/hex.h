/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written as hexadecimal text. */
#ifndef ACTR_TESTS_HEX_H
#define ACTR_TESTS_HEX_H

#include "check.h"

#include <stdlib.h>
#include <string.h>

/* The caller frees. Exactly as large as the text says, so that a sanitizer sees every read behind the end. */
static inline uint8_t *hex_bytes(const char *text, size_t *size)
{
    *size = strlen(text) / 2;
    uint8_t *bytes = malloc(*size == 0 ? 1 : *size);
    assert_non_null(bytes);
    for (size_t i = 0; i < *size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return bytes;
}

#endif
