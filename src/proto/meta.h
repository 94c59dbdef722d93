/* SPDX-License-Identifier: Apache-2.0 */
/* MetadataEntry {1 key, 2 value} as both hot messages carry it: borrowing codec. spec: signaling 2.6. */
#ifndef ACTRI_META_H
#define ACTRI_META_H

#include "proto/pbwire.h"

#include <actr/context.h>

#define ACTRI_METADATA_MAX 64          /* entries that are read; more is a decode error */
#define ACTRI_OWN_PREFIX "actr-"       /* of keys that are the library's own */
#define ACTRI_STREAM_KEY "actr-stream" /* of a request: the id of the streaming call that it begins */

typedef struct actri_meta {
    actri_span_t key, value;
} actri_meta_t;

/* Text of a field; false when it is of another wire type or not UTF-8. */
bool actri_pb_take_text(const actri_pb_field_t *field, actri_span_t *out);
/* Appends the entry in `field` to entries[*count]; NULL, or what is wrong. */
const char *actri_meta_take(const actri_pb_field_t *field, actri_meta_t entries[ACTRI_METADATA_MAX], size_t *count);
/* What is wrong with the entries that a program gives, NULL: nothing. A text that is no UTF-8 no peer could decode. */
const char *actri_meta_fault(const actr_metadata_t *entries, size_t count);
/* All entries as field `number`. */
size_t actri_meta_size(uint32_t number, const actri_meta_t *entries, size_t count);
uint8_t *actri_meta_put(uint8_t *at, uint32_t number, const actri_meta_t *entries, size_t count);

#endif
