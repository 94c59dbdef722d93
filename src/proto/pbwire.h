/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protobuf wire format by hand, for the two hot messages. The reader never runs past its end and
 * skips what it does not know; the writer is told beforehand how much room there is.
 */
#ifndef ACTRI_PBWIRE_H
#define ACTRI_PBWIRE_H

#include "proto/span.h"

typedef struct actri_pb_reader {
    const uint8_t *at, *end;
} actri_pb_reader_t;

typedef struct actri_pb_field {
    uint32_t number;
    uint32_t wire;      /* 0 varint, 1 fixed 64, 2 bytes, 5 fixed 32 */
    uint64_t value;     /* of wire 0, 1, 5 */
    actri_span_t bytes; /* of wire 2 */
} actri_pb_field_t;

typedef enum actri_pb_next { ACTRI_PB_END = 0, ACTRI_PB_FIELD = 1, ACTRI_PB_BAD = -1 } actri_pb_next_t;

/* Takes the next field. Groups, field number 0 and truncation are BAD. */
actri_pb_next_t actri_pb_read(actri_pb_reader_t *reader, actri_pb_field_t *field);

size_t actri_pb_varint_size(uint64_t value);
uint8_t *actri_pb_put_varint(uint8_t *at, uint64_t value);
/* Tag and length before `size` bytes, and all three together. */
size_t actri_pb_bytes_size(uint32_t number, size_t size);
uint8_t *actri_pb_put_header(uint8_t *at, uint32_t number, size_t size);
uint8_t *actri_pb_put_bytes(uint8_t *at, uint32_t number, actri_span_t bytes);
size_t actri_pb_uint_size(uint32_t number, uint64_t value);
uint8_t *actri_pb_put_uint(uint8_t *at, uint32_t number, uint64_t value);

/* True when the bytes are valid UTF-8 (RFC 3629). */
bool actri_utf8_valid(actri_span_t text);

#endif
