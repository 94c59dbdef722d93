/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/datastream.h"

enum { STREAM_ID = 1, SEQUENCE = 2, PAYLOAD = 3, METADATA = 4, TIMESTAMP_MS = 5 };

static actr_status_t bad(actr_error_t *error, const char *what)
{
    return actri_fail(error, ACTR_STATUS_DECODE, "DataStream: %s", what);
}

/* NULL when the field was understood or is unknown; else what is wrong with it. */
static const char *take_field(const actri_pb_field_t *field, actri_datastream_t *out)
{
    switch (field->number) {
    case STREAM_ID: return actri_pb_take_text(field, &out->stream_id) ? NULL : "stream_id is not text";
    case SEQUENCE:
        if (field->wire != 0) return "sequence is not a number";
        out->sequence = field->value;
        return NULL;
    case PAYLOAD:
        if (field->wire != 2) return "payload is not bytes";
        out->payload = field->bytes;
        return NULL;
    case METADATA: return actri_meta_take(field, out->metadata, &out->metadata_count);
    case TIMESTAMP_MS:
        if (field->wire != 0) return "timestamp_ms is not a number";
        out->has_timestamp = true;
        out->timestamp_ms = (int64_t)field->value;
        return NULL;
    default: return NULL;
    }
}

actr_status_t actri_datastream_decode(const void *data, size_t size, actri_datastream_t *out, actr_error_t *error)
{
    memset(out, 0, offsetof(actri_datastream_t, metadata));
    if (size == 0) return bad(error, "no bytes");
    actri_pb_reader_t reader = {data, (const uint8_t *)data + size};
    actri_pb_field_t field;
    actri_pb_next_t next;
    while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        const char *wrong = take_field(&field, out);
        if (wrong != NULL) return bad(error, wrong);
    }
    if (next == ACTRI_PB_BAD) return bad(error, "not protobuf");
    return ACTR_OK;
}

size_t actri_datastream_size(const actri_datastream_t *chunk)
{
    size_t size = actri_pb_bytes_size(STREAM_ID, chunk->stream_id.size) +
                  actri_pb_uint_size(SEQUENCE, chunk->sequence) + actri_pb_bytes_size(PAYLOAD, chunk->payload.size) +
                  actri_meta_size(METADATA, chunk->metadata, chunk->metadata_count);
    if (chunk->has_timestamp) size += actri_pb_uint_size(TIMESTAMP_MS, (uint64_t)chunk->timestamp_ms);
    return size;
}

void actri_datastream_encode(const actri_datastream_t *chunk, uint8_t *at)
{
    at = actri_pb_put_bytes(at, STREAM_ID, chunk->stream_id);
    at = actri_pb_put_uint(at, SEQUENCE, chunk->sequence);
    at = actri_pb_put_bytes(at, PAYLOAD, chunk->payload);
    at = actri_meta_put(at, METADATA, chunk->metadata, chunk->metadata_count);
    if (chunk->has_timestamp) (void)actri_pb_put_uint(at, TIMESTAMP_MS, (uint64_t)chunk->timestamp_ms);
}
