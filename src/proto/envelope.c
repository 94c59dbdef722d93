/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/envelope.h"

enum {
    ROUTE_KEY = 1,
    PAYLOAD = 2,
    ERROR = 3,
    TRACEPARENT = 100,
    TRACESTATE = 101,
    REQUEST_ID = 102,
    METADATA = 103,
    TIMEOUT_MS = 104
};

static actr_status_t bad(actr_error_t *error, const char *what)
{
    return actri_fail(error, ACTR_STATUS_DECODE, "RpcEnvelope: %s", what);
}

static bool decode_error(actri_span_t bytes, actri_envelope_t *out)
{
    actri_pb_reader_t reader = {bytes.data, bytes.data + bytes.size};
    actri_pb_field_t field;
    actri_pb_next_t next;
    while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        if (field.number == 1) {
            if (field.wire != 0) return false;
            out->error_code = (uint32_t)field.value;
        } else if (field.number == 2 && !actri_pb_take_text(&field, &out->error_message)) {
            return false;
        }
    }
    return next == ACTRI_PB_END;
}

/* NULL when the field was understood or is unknown; else what is wrong with it. */
static const char *take_field(const actri_pb_field_t *field, actri_envelope_t *out)
{
    switch (field->number) {
    case ROUTE_KEY: return actri_pb_take_text(field, &out->route_key) ? NULL : "route_key is not text";
    case PAYLOAD:
        if (field->wire != 2) return "payload is not bytes";
        out->has_payload = true;
        out->payload = field->bytes;
        return NULL;
    case ERROR:
        if (field->wire != 2 || !decode_error(field->bytes, out)) return "error is not an ErrorResponse";
        out->has_error = true;
        return NULL;
    case TRACEPARENT: return actri_pb_take_text(field, &out->traceparent) ? NULL : "traceparent is not text";
    case TRACESTATE: return actri_pb_take_text(field, &out->tracestate) ? NULL : "tracestate is not text";
    case REQUEST_ID: return actri_pb_take_text(field, &out->request_id) ? NULL : "request_id is not text";
    case METADATA: return actri_meta_take(field, out->metadata, &out->metadata_count);
    case TIMEOUT_MS:
        if (field->wire != 0) return "timeout_ms is not a number";
        out->has_timeout = true;
        out->timeout_ms = (int64_t)field->value;
        return NULL;
    default: return NULL;
    }
}

static void clear(actri_envelope_t *out)
{
    memset(out, 0, offsetof(actri_envelope_t, metadata));
}

actr_status_t actri_envelope_decode(const void *data, size_t size, actri_envelope_t *out, actr_error_t *error)
{
    clear(out);
    if (size == 0) return bad(error, "no bytes"); /* data may be NULL then */
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

static size_t error_size(const actri_envelope_t *e)
{
    return actri_pb_uint_size(1, e->error_code) + actri_pb_bytes_size(2, e->error_message.size);
}

size_t actri_envelope_size(const actri_envelope_t *e)
{
    size_t size = actri_pb_bytes_size(ROUTE_KEY, e->route_key.size);
    if (e->has_payload) size += actri_pb_bytes_size(PAYLOAD, e->payload.size);
    if (e->has_error) size += actri_pb_bytes_size(ERROR, error_size(e));
    if (e->traceparent.size > 0) size += actri_pb_bytes_size(TRACEPARENT, e->traceparent.size);
    if (e->tracestate.size > 0) size += actri_pb_bytes_size(TRACESTATE, e->tracestate.size);
    size += actri_pb_bytes_size(REQUEST_ID, e->request_id.size);
    size += actri_meta_size(METADATA, e->metadata, e->metadata_count);
    return size + actri_pb_uint_size(TIMEOUT_MS, (uint64_t)e->timeout_ms);
}

void actri_envelope_encode(const actri_envelope_t *e, uint8_t *at)
{
    at = actri_pb_put_bytes(at, ROUTE_KEY, e->route_key);
    if (e->has_payload) at = actri_pb_put_bytes(at, PAYLOAD, e->payload);
    if (e->has_error) {
        at = actri_pb_put_header(at, ERROR, error_size(e));
        at = actri_pb_put_uint(at, 1, e->error_code);
        at = actri_pb_put_bytes(at, 2, e->error_message);
    }
    if (e->traceparent.size > 0) at = actri_pb_put_bytes(at, TRACEPARENT, e->traceparent);
    if (e->tracestate.size > 0) at = actri_pb_put_bytes(at, TRACESTATE, e->tracestate);
    at = actri_pb_put_bytes(at, REQUEST_ID, e->request_id);
    at = actri_meta_put(at, METADATA, e->metadata, e->metadata_count);
    (void)actri_pb_put_uint(at, TIMEOUT_MS, (uint64_t)e->timeout_ms);
}
