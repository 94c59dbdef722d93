/* SPDX-License-Identifier: Apache-2.0 */
/* The recorded peer-to-peer messages of the reference (vectors/webrtc/messages.json). */
#ifndef ACTR_TESTS_MESSAGES_H
#define ACTR_TESTS_MESSAGES_H

#include "check.h"
#include "hex.h"
#include "proto/meta.h"

#include <jansson.h>

static inline json_t *load_messages(void)
{
    json_error_t error;
    json_t *file = json_load_file(ACTR_VECTORS "/webrtc/messages.json", 0, &error);
    if (file == NULL) fail_msg("messages.json: %s", error.text);
    return file;
}

static inline const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static inline void expect_text(const json_t *object, const char *key, actri_span_t actual)
{
    const char *expected = text_of(object, key);
    assert_int_equal(actual.size, strlen(expected));
    if (actual.size > 0) assert_memory_equal(actual.data, expected, actual.size);
}

/* "payload": {"hex": ...} or absent. */
static inline void expect_bytes(const json_t *object, const char *key, bool has, actri_span_t actual)
{
    const json_t *holder = json_object_get(object, key);
    assert_int_equal(has, holder != NULL);
    size_t size;
    uint8_t *expected = hex_bytes(text_of(holder, "hex"), &size);
    assert_int_equal(actual.size, size);
    if (size > 0) assert_memory_equal(actual.data, expected, size);
    free(expected);
}

#endif
