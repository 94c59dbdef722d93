/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libactr nodes say to each other about the credit of reliable streams: a DataStream of the stream "actr-credit"
 * on STREAM_RELIABLE, only to peers whose description says "a=x-actr:1 credit". A stream begins on a connection with
 * the first credit below; the taker grants more as its callback takes. A node that knows nothing of it would drop such
 * a chunk as one of a stream that nobody has registered. Pure.
 */
#ifndef ACTRI_CREDIT_H
#define ACTRI_CREDIT_H

#include "base/buf.h"
#include "proto/span.h"

#define ACTRI_CREDIT_ID "actr-credit" /* no program's stream may be called so */
#define ACTRI_CREDIT_CHUNKS 32        /* a stream's first credit */
#define ACTRI_CREDIT_BYTES (256u << 10)

typedef enum actri_credit_kind {
    ACTRI_CREDIT_NONE = 0,   /* a chunk like any other; also a word that makes no sense: nobody has registered it */
    ACTRI_CREDIT_GRANT = 1,  /* so many more may be sent; on the wire */
    ACTRI_CREDIT_FORGET = 2, /* the sender has forgotten the stream, and begins anew with the first credit; as well */
} actri_credit_kind_t;

typedef struct actri_credit {
    actri_credit_kind_t kind;
    uint32_t chunks, bytes; /* of a grant: of encoded DataStreams */
    actri_span_t stream_id; /* 1 to 255 bytes */
} actri_credit_t;

/* Reads a message of STREAM_RELIABLE; fields point into it. */
actri_credit_kind_t actri_credit_decode(const void *data, size_t size, actri_credit_t *out);
/* The message; NULL when memory is out. */
actr_buf_t *actri_credit_encode(const actri_env_t *env, const actri_credit_t *credit);

#endif
