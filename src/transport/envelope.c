/* SPDX-License-Identifier: Apache-2.0 */
/* The public envelope as it travels between processes. [any-thread] */
#include "proto/envelope.h"

#include "base/buf.h"

#include <actr/transport.h>
#include <string.h>

static bool is_text(const char *text)
{
    return text == NULL || actri_utf8_valid(actri_span_text(text));
}

static const char *fault_of(const actr_envelope_t *e)
{
    if (e->route == NULL || e->route[0] == '\0') return "the route is empty";
    if (e->request_id == NULL) return "there is no request id";
    if (e->payload == NULL) return "the payload is NULL";
    if (e->metadata_count > ACTRI_METADATA_MAX) return "there are more than 64 metadata entries";
    if (!is_text(e->route) || !is_text(e->request_id) || !is_text(e->traceparent) || !is_text(e->tracestate))
        return "the route, the request id or the trace context is not UTF-8";
    const char *fault = actri_meta_fault(e->metadata, e->metadata_count);
    if (fault != NULL) return fault;
    for (size_t i = 0; i < e->metadata_count; i++) {
        const actr_metadata_t *meta = &e->metadata[i];
        if (strncmp(meta->key, ACTRI_OWN_PREFIX, sizeof ACTRI_OWN_PREFIX - 1) == 0) return "a key is libactr's own";
    }
    return NULL;
}

static void fill(const actr_envelope_t *from, actri_envelope_t *to)
{
    to->route_key = actri_span_text(from->route);
    to->has_payload = true;
    to->payload = actri_span(actr_buf_data(from->payload), actr_buf_size(from->payload));
    if (from->traceparent != NULL) to->traceparent = actri_span_text(from->traceparent);
    if (from->tracestate != NULL) to->tracestate = actri_span_text(from->tracestate);
    to->request_id = actri_span_text(from->request_id);
    to->timeout_ms = from->timeout_ms;
    to->metadata_count = from->metadata_count;
    for (size_t i = 0; i < from->metadata_count; i++) {
        to->metadata[i].key = actri_span_text(from->metadata[i].key);
        to->metadata[i].value = actri_span_text(from->metadata[i].value);
    }
}

actr_status_t actr_envelope_encode(const actr_envelope_t *given, actr_buf_t **bytes, actr_error_t *error)
{
    actr_envelope_t envelope = ACTR_ENVELOPE_INIT;
    if (given == NULL || bytes == NULL || given->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "envelope, its struct_size, or bytes is missing");
    }
    memcpy(&envelope, given, given->struct_size < sizeof envelope ? given->struct_size : sizeof envelope);
    const char *fault = fault_of(&envelope);
    if (fault != NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s", fault);
    actri_envelope_t wire = {.has_payload = false};
    fill(&envelope, &wire);
    *bytes = actri_buf_new(NULL, actri_envelope_size(&wire));
    if (*bytes == NULL) return actri_no_memory(error);
    actri_envelope_encode(&wire, (*bytes)->data);
    return ACTR_OK;
}
