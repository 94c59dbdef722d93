/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request ids: shaped as UUID v4, the second half a keyed tag over the first. An envelope with an id of ours is
 * a reply for ever, also when nobody waits for it any more (design 3). Pure.
 */
#ifndef ACTRI_REQUEST_ID_H
#define ACTRI_REQUEST_ID_H

#include "proto/span.h"

#define ACTRI_REQUEST_ID_SIZE 36 /* characters, without the final zero */

typedef struct actri_request_key {
    uint8_t bytes[16];
} actri_request_key_t;

/* Writes an id made of 64 bits that must not repeat under one key (60 of them count). */
void actri_request_id_make(const actri_request_key_t *key, uint64_t unique, char text[ACTRI_REQUEST_ID_SIZE + 1]);
/* Was it made under this key? */
bool actri_request_id_is_ours(const actri_request_key_t *key, actri_span_t text);

#endif
