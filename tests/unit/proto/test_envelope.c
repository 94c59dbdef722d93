/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"
#include "proto/envelope.h"
#include "rng.h"

#include <stdio.h>

static void expect_envelope(const json_t *decoded, const actri_envelope_t *e)
{
    const json_t *timeout = json_object_get(decoded, "timeout_ms"), *error = json_object_get(decoded, "error");
    const json_t *metadata = json_object_get(decoded, "metadata");
    expect_text(decoded, "route_key", e->route_key);
    expect_text(decoded, "request_id", e->request_id);
    expect_text(decoded, "traceparent", e->traceparent);
    expect_text(decoded, "tracestate", e->tracestate);
    expect_bytes(decoded, "payload", e->has_payload, e->payload);
    assert_int_equal(e->has_timeout, timeout != NULL);
    assert_int_equal(e->timeout_ms, json_integer_value(timeout));
    assert_int_equal(e->has_error, error != NULL);
    assert_int_equal(e->error_code, json_integer_value(json_object_get(error, "code")));
    expect_text(error, "message", e->error_message);
    assert_int_equal(e->metadata_count, json_array_size(metadata));
    for (size_t i = 0; i < e->metadata_count; i++) {
        expect_text(json_array_get(metadata, i), "key", e->metadata[i].key);
        expect_text(json_array_get(metadata, i), "value", e->metadata[i].value);
    }
}

/* Fields that the writer always writes: only then can the bytes be the same again. */
static bool is_complete(const json_t *decoded)
{
    return json_object_get(decoded, "_unknown") == NULL && json_object_get(decoded, "request_id") != NULL &&
           json_object_get(decoded, "timeout_ms") != NULL;
}

static void expect_same_bytes(const actri_envelope_t *e, const uint8_t *bytes, size_t size)
{
    assert_int_equal(actri_envelope_size(e), size);
    uint8_t *again = malloc(size);
    assert_non_null(again);
    actri_envelope_encode(e, again);
    assert_memory_equal(again, bytes, size);
    free(again);
}

static void recorded_envelopes_decode_and_encode_to_the_same_bytes(void **state)
{
    (void)state;
    json_t *file = load_messages(), *message;
    size_t index, checked = 0, same = 0, refused = 0;
    json_array_foreach(json_object_get(file, "messages"), index, message)
    {
        if (strncmp(text_of(message, "lane"), "RPC", 3) != 0) continue;
        const json_t *decoded = json_object_get(message, "decoded");
        size_t size;
        uint8_t *bytes = hex_bytes(text_of(message, "hex"), &size);
        static actri_envelope_t e;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_envelope_decode(bytes, size, &e, &error);
        if (json_is_null(decoded)) {
            assert_status(ACTR_STATUS_DECODE, status);
            assert_non_null(strstr(error.message, "RpcEnvelope: "));
            refused++;
        } else {
            assert_ok(status, &error);
            expect_envelope(decoded, &e);
            checked++;
            if (is_complete(decoded)) {
                expect_same_bytes(&e, bytes, size);
                same++;
            }
        }
        free(bytes);
    }
    assert_int_equal(refused, 3);
    assert_true(checked >= 40 && same >= 35);
    json_decref(file);
}

static actr_status_t decode_hex(const char *hex, actri_envelope_t *e, actr_error_t *error)
{
    size_t size;
    uint8_t *bytes = hex_bytes(hex, &size);
    actr_status_t status = actri_envelope_decode(bytes, size, e, error);
    free(bytes); /* the spans in e point nowhere now: sizes and flags only */
    return status;
}

static void a_field_of_the_wrong_kind_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *word;
    } cases[] = {
        {"", "no bytes"},
        {"0801", "route_key"},
        {"1001", "payload"},
        {"1801", "ErrorResponse"},
        {"1a020a00", "ErrorResponse"}, /* code as bytes */
        {"1a021000", "ErrorResponse"}, /* message as number */
        {"1a03120180", "ErrorResponse"},
        {"a00601", "traceparent"},
        {"a80601", "tracestate"},
        {"b00601", "request_id"},
        {"b80601", "metadata"},
        {"ba06020801", "metadata"},
        {"ba06030a01ff", "metadata"},
        {"ba0603120180", "metadata"},
        {"c2060100", "timeout_ms"},
        {"0a01ff", "route_key"},     /* not UTF-8 */
        {"0a02c080", "route_key"},   /* overlong zero */
        {"0a03eda080", "route_key"}, /* a surrogate */
        {"b20601ff", "request_id"},
        {"0a05616263", "protobuf"}, /* truncated */
        {"0b", "protobuf"},         /* a group */
        {"0a", "protobuf"},
        {"0affffffffffffffffff01", "protobuf"}, /* a length of 2^64 - 1 */
        {"0a80", "protobuf"},
        {"c006ffffffffffffffffff02", "protobuf"}, /* a varint above 64 bits */
        {"0001", "protobuf"},                     /* field number 0 */
        {"f8ffffff8f0101", "protobuf"},           /* field number above 2^29 - 1 */
    };
    static actri_envelope_t e;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_DECODE, decode_hex(cases[i].hex, &e, &error));
        if (strstr(error.message, cases[i].word) == NULL) fail_msg("%s: \"%s\"", cases[i].hex, error.message);
        assert_status(ACTR_STATUS_DECODE, decode_hex(cases[i].hex, &e, NULL));
    }
}

static void no_bytes_at_all_may_be_null(void **state)
{
    (void)state;
    static actri_envelope_t e;
    assert_status(ACTR_STATUS_DECODE, actri_envelope_decode(NULL, 0, &e, NULL));
}

static void an_absent_timeout_is_not_a_tell(void **state)
{
    (void)state;
    static actri_envelope_t e;
    assert_int_equal(decode_hex("0a0161", &e, NULL), ACTR_OK);
    assert_false(e.has_timeout);
    assert_int_equal(decode_hex("0a0161c00600", &e, NULL), ACTR_OK);
    assert_true(e.has_timeout);
    assert_int_equal(e.timeout_ms, 0);
    assert_int_equal(decode_hex("0a0161c006ffffffffffffffffff01", &e, NULL), ACTR_OK);
    assert_int_equal(e.timeout_ms, -1);
}

static void unknown_fields_of_every_kind_are_skipped(void **state)
{
    (void)state;
    static actri_envelope_t e;
    assert_int_equal(decode_hex("2001"               /* 4: varint */
                                "290102030405060708" /* 5: 64 bits */
                                "320178"             /* 6: bytes */
                                "3d01020304"         /* 7: 32 bits */
                                "f8ffffff0f01"       /* 2^29 - 1: varint */
                                "0a0161",
                                &e, NULL),
                     ACTR_OK);
    assert_int_equal(e.route_key.size, 1);
    assert_int_equal(decode_hex("1a060801120178"
                                "1a042001120a",
                                &e, NULL),
                     ACTR_STATUS_DECODE); /* also inside error, but not broken ones */
}

/* protobuf: the last value of a field counts; a message field that comes twice is merged. */
static void a_repeated_field_counts_the_last_time(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x0a, 1, 'a', 0x0a, 1, 'b', 0x1a, 2, 0x08, 7, 0x1a, 3, 0x12, 1, 'm'};
    static actri_envelope_t e;
    assert_int_equal(actri_envelope_decode(bytes, sizeof bytes, &e, NULL), ACTR_OK);
    assert_true(actri_span_equal(e.route_key, actri_span_text("b")));
    assert_int_equal(e.error_code, 7);
    assert_true(actri_span_equal(e.error_message, actri_span_text("m")));
}

static void sixty_four_metadata_entries_and_no_more(void **state)
{
    (void)state;
    uint8_t bytes[65 * 5 + 3] = {0x0a, 1, 'a'};
    size_t size = 3;
    static actri_envelope_t e;
    for (size_t count = 1; count <= 65; count++) {
        static const uint8_t entry[] = {0xba, 0x06, 2, 0x0a, 0};
        memcpy(bytes + size, entry, sizeof entry);
        size += sizeof entry;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_envelope_decode(bytes, size, &e, &error);
        assert_int_equal(e.metadata_count, count <= 64 ? count : 64);
        assert_int_equal(status, count <= ACTRI_METADATA_MAX ? ACTR_OK : ACTR_STATUS_DECODE);
    }
}

static actri_span_t random_text(rng_t *rng, char *room, size_t most)
{
    static const char *const letters[] = {"a", "Z", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t size = 0, wanted = rng_below(rng, (uint32_t)most - 4);
    while (size < wanted) {
        const char *letter = letters[rng_below(rng, 5)];
        memcpy(room + size, letter, strlen(letter));
        size += strlen(letter);
    }
    return actri_span(room, size);
}

static void random_envelopes_survive_the_round_trip(void **state)
{
    (void)state;
    static char room[6][200], meta_room[2][64][40];
    static actri_envelope_t in, out;
    rng_t rng = {11};
    for (int round = 0; round < 2000; round++) {
        memset(&in, 0, sizeof in);
        in.route_key = random_text(&rng, room[0], 200);
        in.has_payload = rng_chance(&rng, 70);
        if (in.has_payload) in.payload = random_text(&rng, room[1], 200);
        in.has_error = rng_chance(&rng, 30);
        if (in.has_error) in.error_code = (uint32_t)rng_u64(&rng);
        if (in.has_error) in.error_message = random_text(&rng, room[2], 200);
        in.traceparent = random_text(&rng, room[3], 60);
        in.tracestate = random_text(&rng, room[4], 60);
        in.request_id = random_text(&rng, room[5], 40);
        in.timeout_ms = (int64_t)(rng_u64(&rng) >> rng_below(&rng, 64));
        in.metadata_count = rng_chance(&rng, 20) ? rng_below(&rng, 65) : 0;
        for (size_t i = 0; i < in.metadata_count; i++) {
            in.metadata[i].key = random_text(&rng, meta_room[0][i], 40);
            in.metadata[i].value = random_text(&rng, meta_room[1][i], 40);
        }
        size_t size = actri_envelope_size(&in);
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        actri_envelope_encode(&in, bytes);
        assert_int_equal(actri_envelope_decode(bytes, size, &out, NULL), ACTR_OK);
        assert_true(out.has_timeout && out.timeout_ms == in.timeout_ms);
        assert_true(out.has_payload == in.has_payload && out.has_error == in.has_error);
        assert_true(actri_span_equal(out.payload, in.payload) && actri_span_equal(out.route_key, in.route_key));
        assert_int_equal(out.metadata_count, in.metadata_count);
        expect_same_bytes(&out, bytes, size);
        /* every shorter piece is refused or is a smaller envelope; nothing reads behind it (ASan) */
        uint8_t *cut = malloc(size);
        size_t length = rng_below(&rng, (uint32_t)size);
        memcpy(cut, bytes, length);
        cut = realloc(cut, length == 0 ? 1 : length);
        (void)!actri_envelope_decode(cut, length, &out, NULL);
        free(cut);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_envelopes_decode_and_encode_to_the_same_bytes),
        cmocka_unit_test(a_field_of_the_wrong_kind_is_named),
        cmocka_unit_test(no_bytes_at_all_may_be_null),
        cmocka_unit_test(an_absent_timeout_is_not_a_tell),
        cmocka_unit_test(unknown_fields_of_every_kind_are_skipped),
        cmocka_unit_test(a_repeated_field_counts_the_last_time),
        cmocka_unit_test(sixty_four_metadata_entries_and_no_more),
        cmocka_unit_test(random_envelopes_survive_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
