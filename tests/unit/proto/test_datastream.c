/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"
#include "proto/datastream.h"

static void expect_same_bytes(const actri_datastream_t *chunk, const uint8_t *bytes, size_t size)
{
    assert_int_equal(actri_datastream_size(chunk), size);
    uint8_t *again = malloc(size);
    assert_non_null(again);
    actri_datastream_encode(chunk, again);
    assert_memory_equal(again, bytes, size);
    free(again);
}

static void recorded_chunks_decode_and_encode_to_the_same_bytes(void **state)
{
    (void)state;
    json_t *file = load_messages(), *message;
    size_t index, checked = 0, refused = 0;
    json_array_foreach(json_object_get(file, "messages"), index, message)
    {
        if (strncmp(text_of(message, "lane"), "STREAM", 6) != 0) continue;
        const json_t *decoded = json_object_get(message, "decoded");
        size_t size;
        uint8_t *bytes = hex_bytes(text_of(message, "hex"), &size);
        static actri_datastream_t chunk;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_datastream_decode(bytes, size, &chunk, &error);
        if (json_is_null(decoded)) {
            assert_status(ACTR_STATUS_DECODE, status);
            assert_non_null(strstr(error.message, "DataStream: "));
            refused++;
        } else {
            const json_t *timestamp = json_object_get(decoded, "timestamp_ms");
            assert_ok(status, &error);
            expect_text(decoded, "stream_id", chunk.stream_id);
            expect_bytes(decoded, "payload", true, chunk.payload);
            assert_int_equal(chunk.sequence, json_integer_value(json_object_get(decoded, "sequence")));
            assert_int_equal(chunk.has_timestamp, timestamp != NULL);
            assert_int_equal(chunk.timestamp_ms, json_integer_value(timestamp));
            expect_same_bytes(&chunk, bytes, size);
            checked++;
        }
        free(bytes);
    }
    assert_int_equal(refused, 2);
    assert_int_equal(checked, 5);
    json_decref(file);
}

static void all_fields_survive_the_round_trip(void **state)
{
    (void)state;
    static actri_datastream_t in, out;
    in.stream_id = actri_span_text("video/\xc3\xa9");
    in.sequence = UINT64_MAX;
    in.payload = actri_span("\0\xff", 2);
    in.has_timestamp = true;
    in.timestamp_ms = -5;
    in.metadata_count = ACTRI_METADATA_MAX;
    for (size_t i = 0; i < in.metadata_count; i++) in.metadata[i].key = in.metadata[i].value = actri_span_text("k");
    size_t size = actri_datastream_size(&in);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    actri_datastream_encode(&in, bytes);
    assert_int_equal(actri_datastream_decode(bytes, size, &out, NULL), ACTR_OK);
    assert_true(actri_span_equal(in.stream_id, out.stream_id) && actri_span_equal(in.payload, out.payload));
    assert_true(out.sequence == UINT64_MAX && out.has_timestamp && out.timestamp_ms == -5);
    assert_int_equal(out.metadata_count, ACTRI_METADATA_MAX);
    assert_true(actri_span_equal(out.metadata[63].value, actri_span_text("k")));
    expect_same_bytes(&out, bytes, size);
    for (size_t cut = 0; cut < size; cut++) { /* a piece of exactly that size: ASan sees a read behind it */
        uint8_t *piece = malloc(cut == 0 ? 1 : cut);
        memcpy(piece, bytes, cut);
        (void)!actri_datastream_decode(piece, cut, &out, NULL);
        free(piece);
    }
    free(bytes);
}

static void a_field_of_the_wrong_kind_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *word;
    } cases[] = {
        {"", "no bytes"},       {"0801", "stream_id"}, {"0a01ff", "stream_id"},  {"1201aa", "sequence"},
        {"1801", "payload"},    {"2001", "metadata"},  {"22020801", "metadata"}, {"2a0101", "timestamp_ms"},
        {"0a0561", "protobuf"}, {"0b", "protobuf"},
    };
    static actri_datastream_t chunk;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size;
        uint8_t *bytes = hex_bytes(cases[i].hex, &size);
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_DECODE, actri_datastream_decode(bytes, size, &chunk, &error));
        if (strstr(error.message, cases[i].word) == NULL) fail_msg("%s: \"%s\"", cases[i].hex, error.message);
        free(bytes);
    }
}

static void the_sixty_fifth_metadata_entry_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[65 * 4];
    static const uint8_t entry[] = {0x22, 2, 0x0a, 0};
    static actri_datastream_t chunk;
    for (size_t i = 0; i < 65; i++) memcpy(bytes + 4 * i, entry, 4);
    assert_int_equal(actri_datastream_decode(bytes, sizeof bytes - 4, &chunk, NULL), ACTR_OK);
    assert_int_equal(chunk.metadata_count, 64);
    assert_status(ACTR_STATUS_DECODE, actri_datastream_decode(bytes, sizeof bytes, &chunk, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_chunks_decode_and_encode_to_the_same_bytes),
        cmocka_unit_test(all_fields_survive_the_round_trip),
        cmocka_unit_test(a_field_of_the_wrong_kind_is_named),
        cmocka_unit_test(the_sixty_fifth_metadata_entry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
