/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes inside somebody else's buffer: what the borrowing codecs hand out. Not zero-terminated. */
#ifndef ACTRI_SPAN_H
#define ACTRI_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct actri_span {
    const uint8_t *data;
    size_t size;
} actri_span_t;

static inline actri_span_t actri_span(const void *data, size_t size)
{
    return (actri_span_t){(const uint8_t *)data, size};
}
static inline actri_span_t actri_span_text(const char *text)
{
    return text == NULL ? (actri_span_t){NULL, 0} : actri_span(text, strlen(text));
}
static inline bool actri_span_equal(actri_span_t a, actri_span_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
static inline bool actri_span_begins(actri_span_t span, const char *prefix)
{
    size_t size = strlen(prefix);
    return span.size >= size && memcmp(span.data, prefix, size) == 0;
}

#endif
