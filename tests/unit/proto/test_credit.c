/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "proto/credit.h"
#include "proto/datastream.h"

#include <string.h>

static void words_come_back_as_they_were(void **state)
{
    (void)state;
    char longest[256];
    memset(longest, 'i', sizeof longest);
    const actri_credit_t words[] = {{ACTRI_CREDIT_GRANT, 1, 2, actri_span_text("s")},
                                    {ACTRI_CREDIT_GRANT, UINT32_MAX, 0x01020304, actri_span(longest, 255)},
                                    {ACTRI_CREDIT_FORGET, 0, 0, actri_span_text("s")}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        actri_credit_t again;
        actr_buf_t *message = actri_credit_encode(NULL, &words[i]);
        assert_non_null(message);
        assert_int_equal(actri_credit_decode(actr_buf_data(message), actr_buf_size(message), &again), words[i].kind);
        assert_int_equal(again.chunks, words[i].chunks);
        assert_int_equal(again.bytes, words[i].bytes);
        assert_true(actri_span_equal(again.stream_id, words[i].stream_id));
        actr_buf_release(message);
    }
}

/* A chunk of the stream `id` with that payload. */
static actri_credit_kind_t read_chunk(const char *id, const void *payload, size_t size)
{
    uint8_t bytes[600];
    actri_credit_t out;
    actri_datastream_t chunk;
    memset(&chunk, 0, sizeof chunk);
    chunk.stream_id = actri_span_text(id);
    chunk.payload = actri_span(payload, size);
    actri_datastream_encode(&chunk, bytes);
    return actri_credit_decode(bytes, actri_datastream_size(&chunk), &out);
}

static void other_chunks_are_no_words(void **state)
{
    (void)state;
    actri_credit_t out;
    char long_one[9 + 256] = "\1";
    memset(long_one + 9, 'i', 256);
    assert_int_equal(read_chunk("actr-credits", "\1\0\0\0\1\0\0\0\1s", 10), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credi", "\1\0\0\0\1\0\0\0\1s", 10), ACTRI_CREDIT_NONE);
    assert_int_equal(actri_credit_decode("", 0, &out), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", "\1\0\0\0\1\0\0\0\1s", 10), ACTRI_CREDIT_GRANT);
    assert_int_equal(read_chunk("actr-credit", "\1\0\0\0\1\0\0\0\1", 9), ACTRI_CREDIT_NONE); /* of no stream */
    assert_int_equal(read_chunk("actr-credit", "\3\0\0\0\1\0\0\0\1s", 10), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", "\0\0\0\0\1\0\0\0\1s", 10), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", "\1\0\0\0\1\0\0\0\1s\0", 11), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", "", 0), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", long_one, sizeof long_one), ACTRI_CREDIT_NONE);
    assert_int_equal(read_chunk("actr-credit", long_one, sizeof long_one - 1), ACTRI_CREDIT_GRANT);
    assert_int_equal(actri_credit_decode("\x0a\x0b" ACTRI_CREDIT_ID "\x1a\xff", 15, &out), ACTRI_CREDIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_back_as_they_were),
        cmocka_unit_test(other_chunks_are_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
