/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the words about credit: ids inside the input, and the same reading after a round trip. */
#include "proto/credit.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_credit: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_credit_t first, second;
    actri_credit_kind_t kind = actri_credit_decode(data, size, &first);
    demand(kind == first.kind, "two kinds");
    if (kind != ACTRI_CREDIT_GRANT && kind != ACTRI_CREDIT_FORGET) return 0;
    const uint8_t *id = first.stream_id.data;
    demand(id > data && first.stream_id.size > 0 && id + first.stream_id.size <= data + size, "an id outside");
    actr_buf_t *again = actri_credit_encode(NULL, &first);
    if (again == NULL) return 0;
    demand(actri_credit_decode(actr_buf_data(again), actr_buf_size(again), &second) == kind, "another kind");
    demand(first.chunks == second.chunks && first.bytes == second.bytes, "other numbers");
    demand(actri_span_equal(first.stream_id, second.stream_id), "another stream");
    actr_buf_release(again);
    return 0;
}
