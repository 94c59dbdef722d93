/* SPDX-License-Identifier: Apache-2.0 */
/* The payload: kind, chunks, bytes (32 bits each, most significant byte first), the stream's id to the end. */
#include "proto/credit.h"

#include "proto/datastream.h"

#include <string.h>

#define HEAD 9 /* bytes before the id */
#define ID_MAX 255

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Every chunk is looked at, so this has to be quick: our encoder writes the id first. */
static bool begins_so(const uint8_t *data, size_t size)
{
    static const char start[] = "\x0a\x0b" ACTRI_CREDIT_ID; /* field 1, its length */
    return size >= sizeof start - 1 && memcmp(data, start, sizeof start - 1) == 0;
}

actri_credit_kind_t actri_credit_decode(const void *data, size_t size, actri_credit_t *out)
{
    actri_datastream_t chunk;
    memset(out, 0, sizeof *out);
    if (!begins_so(data, size)) return ACTRI_CREDIT_NONE;
    if (actri_datastream_decode(data, size, &chunk, NULL) != ACTR_OK) return out->kind;
    const uint8_t *at = chunk.payload.data;
    if (chunk.payload.size <= HEAD || chunk.payload.size > HEAD + ID_MAX) return out->kind;
    if (memchr(at + HEAD, 0, chunk.payload.size - HEAD) != NULL) return out->kind;
    if (at[0] != ACTRI_CREDIT_GRANT && at[0] != ACTRI_CREDIT_FORGET) return out->kind;
    out->kind = (actri_credit_kind_t)at[0];
    out->chunks = get_u32(at + 1);
    out->bytes = get_u32(at + 5);
    out->stream_id = actri_span(at + HEAD, chunk.payload.size - HEAD);
    return out->kind;
}

actr_buf_t *actri_credit_encode(const actri_env_t *env, const actri_credit_t *credit)
{
    uint8_t payload[HEAD + ID_MAX];
    actri_datastream_t chunk;
    memset(&chunk, 0, offsetof(actri_datastream_t, metadata));
    payload[0] = (uint8_t)credit->kind;
    put_u32(payload + 1, credit->chunks);
    put_u32(payload + 5, credit->bytes);
    memcpy(payload + HEAD, credit->stream_id.data, credit->stream_id.size);
    chunk.stream_id = actri_span_text(ACTRI_CREDIT_ID);
    chunk.payload = actri_span(payload, HEAD + credit->stream_id.size);
    actr_buf_t *message = actri_buf_new(env, actri_datastream_size(&chunk));
    if (message != NULL) actri_datastream_encode(&chunk, message->data);
    return message;
}
