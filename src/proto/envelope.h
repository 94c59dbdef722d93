/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RpcEnvelope (package.proto): borrowing codec. Decoded fields point into the input.
 * spec: lifecycle-and-rpc 6, signaling 2.6.
 */
#ifndef ACTRI_ENVELOPE_H
#define ACTRI_ENVELOPE_H

#include "base/env.h"
#include "proto/meta.h"

typedef struct actri_envelope {
    actri_span_t route_key;
    bool has_payload, has_error;
    actri_span_t payload;
    uint32_t error_code;
    actri_span_t error_message;
    actri_span_t traceparent, tracestate; /* size 0: absent */
    actri_span_t request_id;
    bool has_timeout;   /* decoded ones only; absent counts as a call's default */
    int64_t timeout_ms; /* 0: a tell */
    size_t metadata_count;
    actri_meta_t metadata[ACTRI_METADATA_MAX];
} actri_envelope_t;

/* ACTR_STATUS_DECODE names the field. An empty request id is accepted, as the reference does. */
ACTR_MUST_CHECK actr_status_t actri_envelope_decode(const void *data, size_t size, actri_envelope_t *out,
                                                    actr_error_t *error);
/* What actri_envelope_encode will write. */
size_t actri_envelope_size(const actri_envelope_t *envelope);
/* Writes exactly that many bytes; fields in the reference's order. */
void actri_envelope_encode(const actri_envelope_t *envelope, uint8_t *out);

#endif
