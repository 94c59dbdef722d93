/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the RpcEnvelope codec: every span lies inside the input, what was decoded encodes to what decodes to the same
 * again, and an error has words. Then what a caller makes of an error reply.
 */
#include "gate/error_code.h"
#include "proto/envelope.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_envelope: %s\n", what);
    abort();
}

static void inside(actri_span_t span, const uint8_t *data, size_t size)
{
    if (span.size == 0) return;
    demand(span.data >= data && span.size <= size && (size_t)(span.data - data) <= size - span.size, "a span outside");
}

static bool same(const actri_envelope_t *a, const actri_envelope_t *b)
{
    bool good = actri_span_equal(a->route_key, b->route_key) && actri_span_equal(a->payload, b->payload) &&
                actri_span_equal(a->error_message, b->error_message) &&
                actri_span_equal(a->traceparent, b->traceparent) && actri_span_equal(a->tracestate, b->tracestate) &&
                actri_span_equal(a->request_id, b->request_id) && a->has_payload == b->has_payload &&
                a->has_error == b->has_error && a->error_code == b->error_code && a->timeout_ms == b->timeout_ms &&
                a->metadata_count == b->metadata_count;
    for (size_t i = 0; good && i < a->metadata_count; i++) {
        good = actri_span_equal(a->metadata[i].key, b->metadata[i].key) &&
               actri_span_equal(a->metadata[i].value, b->metadata[i].value);
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static actri_envelope_t first, second;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_envelope_decode(data, size, &first, &error) != ACTR_OK) {
        demand(error.status == ACTR_STATUS_DECODE && error.message[0] != '\0', "an error without words");
        return 0;
    }
    inside(first.route_key, data, size);
    inside(first.payload, data, size);
    inside(first.request_id, data, size);
    for (size_t i = 0; i < first.metadata_count; i++) {
        inside(first.metadata[i].key, data, size);
        inside(first.metadata[i].value, data, size);
    }
    size_t again = actri_envelope_size(&first);
    uint8_t *bytes = malloc(again);
    if (bytes == NULL) return 0;
    actri_envelope_encode(&first, bytes);
    demand(actri_envelope_decode(bytes, again, &second, NULL) == ACTR_OK, "what was encoded does not decode");
    demand(same(&first, &second), "the second reading differs");
    if (first.has_error) {
        demand(actri_envelope_get_error(&first, &error) < 0, "an error reply that is success");
        demand(actri_utf8_valid(actri_span_text(error.message)), "a message that is not UTF-8");
    }
    free(bytes);
    return 0;
}
