/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "hex.h"
#include "proto/pbwire.h"

#include <string.h>

static void varints_of_every_length_survive(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++) {
        uint64_t values[2] = {bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1,
                              bits == 64 ? 1 : UINT64_C(1) << bits};
        for (int i = 0; i < 2; i++) {
            uint8_t bytes[12];
            size_t size = (size_t)(actri_pb_put_uint(bytes, 1, values[i]) - bytes);
            assert_int_equal(size, actri_pb_uint_size(1, values[i]));
            assert_int_equal(size, 1 + actri_pb_varint_size(values[i]));
            actri_pb_reader_t reader = {bytes, bytes + size};
            actri_pb_field_t field;
            assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_FIELD);
            assert_true(field.number == 1 && field.wire == 0 && field.value == values[i]);
            assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_END);
            assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_END);
        }
    }
    assert_int_equal(actri_pb_varint_size(127), 1);
    assert_int_equal(actri_pb_varint_size(128), 2);
    assert_int_equal(actri_pb_varint_size(UINT64_MAX), 10);
}

static actri_pb_next_t read_hex(const char *hex, actri_pb_field_t *field)
{
    size_t size;
    uint8_t *bytes = hex_bytes(hex, &size);
    actri_pb_reader_t reader = {bytes, bytes + size};
    actri_pb_next_t next = actri_pb_read(&reader, field);
    free(bytes);
    return next;
}

static void fixed_fields_are_little_endian(void **state)
{
    (void)state;
    actri_pb_field_t field;
    assert_int_equal(read_hex("090102030405060780", &field), ACTRI_PB_FIELD);
    assert_true(field.wire == 1 && field.value == UINT64_C(0x8007060504030201));
    assert_int_equal(read_hex("0d010203ff", &field), ACTRI_PB_FIELD);
    assert_true(field.wire == 5 && field.value == 0xff030201);
}

static void the_largest_field_number_and_no_larger(void **state)
{
    (void)state;
    actri_pb_field_t field;
    assert_int_equal(read_hex("f8ffffff0f00", &field), ACTRI_PB_FIELD);
    assert_int_equal(field.number, 0x1fffffff);
    assert_int_equal(read_hex("808080801000", &field), ACTRI_PB_BAD);
    assert_int_equal(read_hex("0000", &field), ACTRI_PB_BAD);
}

static void what_is_cut_or_too_long_is_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "08",                       /* no value */
        "0880",                     /* cut varint */
        "08ffffffffffffffffff02",   /* 65 bits */
        "08ffffffffffffffffff8001", /* eleven bytes */
        "0901020304050607",         /* seven of eight bytes */
        "0d010203",                 /* three of four */
        "0a0161620a",               /* good field first */
        "0a0261",                   /* one of two bytes */
        "0affffffffffffffffff01",   /* 2^64 - 1 bytes */
        "0affffffffffffffff7f",     /* 2^63 - 1 bytes */
        "0b",                       /* group */
        "0c",
        "0e", /* wire types that do not exist */
        "0f",
        "ffffffffffffffffffff01", /* tag of eleven bytes */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t size;
        uint8_t *bytes = hex_bytes(bad[i], &size);
        actri_pb_reader_t reader = {bytes, bytes + size};
        actri_pb_field_t field;
        actri_pb_next_t next;
        while ((next = actri_pb_read(&reader, &field)) == ACTRI_PB_FIELD) {
        }
        if (next != ACTRI_PB_BAD) fail_msg("%s was accepted", bad[i]);
        assert_true(reader.at <= reader.end);
        free(bytes);
    }
}

static void bytes_are_borrowed_and_may_be_empty(void **state)
{
    (void)state;
    uint8_t bytes[20];
    uint8_t *end = actri_pb_put_bytes(bytes, 200, actri_span_text("abc"));
    end = actri_pb_put_bytes(end, 1, actri_span(NULL, 0));
    assert_int_equal(end - bytes, actri_pb_bytes_size(200, 3) + actri_pb_bytes_size(1, 0));
    actri_pb_reader_t reader = {bytes, end};
    actri_pb_field_t field;
    assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_FIELD);
    assert_int_equal(field.number, 200);
    assert_true(field.bytes.data > bytes && field.bytes.data < end);
    assert_true(actri_span_equal(field.bytes, actri_span_text("abc")));
    assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_FIELD);
    assert_int_equal(field.bytes.size, 0);
    assert_int_equal(actri_pb_read(&reader, &field), ACTRI_PB_END);
}

static void spans_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(actri_span_equal(actri_span(NULL, 0), actri_span("x", 0)));
    assert_true(actri_span_equal(actri_span_text(NULL), actri_span_text("")));
    assert_false(actri_span_equal(actri_span_text("a"), actri_span_text("ab")));
    assert_false(actri_span_equal(actri_span_text("aa"), actri_span_text("ab")));
    assert_true(actri_utf8_valid(actri_span(NULL, 0)));
    assert_true(actri_utf8_valid(actri_span("a\0\xc3\xa9", 4)));
    assert_false(actri_utf8_valid(actri_span("a\xc3", 2)));
}

/* ASCII is taken in steps of eight: whatever is no text has to be found at each place of each length. */
static void what_is_no_text_is_found_at_each_place(void **state)
{
    (void)state;
    uint8_t text[27];
    for (size_t size = 1; size <= sizeof text; size++) {
        for (size_t at = 0; at < size; at++) {
            memset(text, 'a', sizeof text);
            assert_true(actri_utf8_valid(actri_span(text, size)));
            text[at] = 0x80;
            assert_false(actri_utf8_valid(actri_span(text, size)));
            text[at] = 0xc3; /* the first of two bytes */
            assert_false(actri_utf8_valid(actri_span(text, size)));
            if (at + 1 == size) continue;
            text[at + 1] = 0xa9;
            assert_true(actri_utf8_valid(actri_span(text, size)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_of_every_length_survive),        cmocka_unit_test(fixed_fields_are_little_endian),
        cmocka_unit_test(the_largest_field_number_and_no_larger), cmocka_unit_test(what_is_cut_or_too_long_is_bad),
        cmocka_unit_test(bytes_are_borrowed_and_may_be_empty),    cmocka_unit_test(spans_compare_by_bytes),
        cmocka_unit_test(what_is_no_text_is_found_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
