/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the DataStream codec: spans inside the input, and the same reading after a round trip. */
#include "proto/datastream.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_datastream: %s\n", what);
    abort();
}

static bool same(const actri_datastream_t *a, const actri_datastream_t *b)
{
    bool good = actri_span_equal(a->stream_id, b->stream_id) && a->sequence == b->sequence &&
                actri_span_equal(a->payload, b->payload) && a->has_timestamp == b->has_timestamp &&
                a->timestamp_ms == b->timestamp_ms && a->metadata_count == b->metadata_count;
    for (size_t i = 0; good && i < a->metadata_count; i++) {
        good = actri_span_equal(a->metadata[i].key, b->metadata[i].key) &&
               actri_span_equal(a->metadata[i].value, b->metadata[i].value);
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static actri_datastream_t first, second;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_datastream_decode(data, size, &first, &error) != ACTR_OK) {
        demand(error.status == ACTR_STATUS_DECODE && error.message[0] != '\0', "an error without words");
        return 0;
    }
    demand(first.payload.size == 0 ||
               (first.payload.data > data && first.payload.data + first.payload.size <= data + size),
           "a payload outside");
    size_t again = actri_datastream_size(&first);
    uint8_t *bytes = malloc(again);
    if (bytes == NULL) return 0;
    actri_datastream_encode(&first, bytes);
    demand(actri_datastream_decode(bytes, again, &second, NULL) == ACTR_OK, "what was encoded does not decode");
    demand(same(&first, &second), "the second reading differs");
    free(bytes);
    return 0;
}
