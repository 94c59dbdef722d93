/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DataStream (package.proto): one chunk of a stream, borrowing codec. Decoded fields point into the input. Pure.
 * spec: signaling 2.6, lifecycle-and-rpc 13.1.
 */
#ifndef ACTRI_DATASTREAM_H
#define ACTRI_DATASTREAM_H

#include "base/env.h"
#include "proto/meta.h"

typedef struct actri_datastream {
    actri_span_t stream_id;
    uint64_t sequence;
    actri_span_t payload;
    bool has_timestamp;
    int64_t timestamp_ms; /* the sender's clock; no meaning of its own */
    size_t metadata_count;
    actri_meta_t metadata[ACTRI_METADATA_MAX];
} actri_datastream_t;

/*
 * ACTR_STATUS_DECODE names the field. An empty stream id, a missing sequence (0) or payload (empty) are accepted,
 * as the reference does.
 */
ACTR_MUST_CHECK actr_status_t actri_datastream_decode(const void *data, size_t size, actri_datastream_t *out,
                                                      actr_error_t *error);
/* What actri_datastream_encode will write. */
size_t actri_datastream_size(const actri_datastream_t *chunk);
/* Writes exactly that many bytes; fields in the reference's order. */
void actri_datastream_encode(const actri_datastream_t *chunk, uint8_t *out);

#endif
