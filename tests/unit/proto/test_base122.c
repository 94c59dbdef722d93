/* SPDX-License-Identifier: Apache-2.0 */
/* base122 against the reference's answers, both ways. */
#include "check.h"

#include "json_vectors.h"
#include "proto/base122.h"

static void every_recorded_text_is_written_and_read_back(void **state)
{
    (void)state;
    json_t *all = load_vectors("turn.json"), *row;
    size_t number;
    json_array_foreach(json_object_get(all, "base122_encode"), number, row)
    {
        size_t data_size, text_size, back_size;
        uint8_t *data = hex_member(row, "data_hex", &data_size), *text = hex_member(row, "text_hex", &text_size);
        uint8_t *made = malloc(ACTRI_BASE122_TEXT_MAX(data_size)), *back = malloc(ACTRI_BASE122_DATA_MAX(text_size));
        assert_int_equal(text_size, actri_base122_encode(data, data_size, made));
        assert_memory_equal(text, made, text_size);
        assert_true(actri_base122_decode(text, text_size, back, &back_size));
        assert_int_equal(data_size, back_size);
        assert_memory_equal(data, back, data_size);
        free(data);
        free(text);
        free(made);
        free(back);
    }
    assert_int_equal(319, number);
    print_message("base122: %zu written and read back\n", number);
    json_decref(all);
}

static void every_recorded_text_is_read_alike(void **state)
{
    (void)state;
    json_t *all = load_vectors("turn.json"), *row;
    size_t number, refused = 0;
    json_array_foreach(json_object_get(all, "base122_decode"), number, row)
    {
        size_t text_size, data_size = 0, got = 0;
        uint8_t *text = hex_member(row, "text_hex", &text_size), *made = malloc(ACTRI_BASE122_DATA_MAX(text_size));
        bool good = actri_base122_decode(text, text_size, made, &got);
        assert_int_equal(is_ok(row), good); /* where the reference aborts, an error */
        if (good) {
            uint8_t *data = hex_member(row, "data_hex", &data_size);
            assert_int_equal(data_size, got);
            assert_memory_equal(data, made, got);
            free(data);
        }
        refused += !good;
        free(text);
        free(made);
    }
    print_message("base122: %zu read, %zu of them refused where the reference aborts\n", number, refused);
    assert_int_equal(12, number);
    json_decref(all);
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    uint8_t room[16];
    size_t size;
    assert_false(actri_base122_decode((const uint8_t *)"a\xff", 2, room, &size));
    assert_false(actri_base122_decode((const uint8_t *)"\xc2", 1, room, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recorded_text_is_written_and_read_back),
                                       cmocka_unit_test(every_recorded_text_is_read_alike),
                                       cmocka_unit_test(what_is_not_utf8_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
