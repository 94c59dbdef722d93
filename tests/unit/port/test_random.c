/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "port/random.h"

#include <string.h>

static void a_seed_gives_the_same_sequence(void **state)
{
    (void)state;
    uint8_t first[1000], second[1000], other[1000];
    actri_random_seed(99);
    actri_random(first, sizeof first);
    actri_random_seed(99);
    actri_random(second, sizeof second);
    actri_random_seed(100);
    actri_random(other, sizeof other);
    actri_random_seed(0);
    assert_memory_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

static void without_seed_nothing_repeats(void **state)
{
    (void)state;
    uint8_t first[1000] = {0}, second[1000] = {0};
    actri_random_seed(0);
    actri_random(first, sizeof first);
    actri_random(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    for (size_t at = 0; at + 40 <= sizeof first; at += 40) { /* every part was filled */
        static const uint8_t zero[40];
        assert_memory_not_equal(first + at, zero, sizeof zero);
    }
    assert_true(actri_random_u64() != actri_random_u64());
}

static void only_as_many_bytes_as_asked_are_written(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        uint8_t room[21];
        memset(room, 0xee, sizeof room);
        actri_random_seed(1);
        actri_random(room, size);
        actri_random_seed(0);
        for (size_t at = size; at < sizeof room; at++) assert_int_equal(room[at], 0xee);
    }
}

static void a_uuid_has_version_and_variant(void **state)
{
    (void)state;
    uint8_t bytes[16];
    char text[ACTRI_UUID_SIZE];
    memset(bytes, 0xff, sizeof bytes);
    actri_uuid_print(bytes, text);
    assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    memset(bytes, 0, sizeof bytes);
    actri_uuid_print(bytes, text);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
    for (uint8_t i = 0; i < 16; i++) bytes[i] = (uint8_t)(i * 17);
    actri_uuid_print(bytes, text);
    assert_string_equal(text, "00112233-4455-4677-8899-aabbccddeeff");
    for (int i = 0; i < 1000; i++) {
        actri_uuid_v4(text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_sequence),
        cmocka_unit_test(without_seed_nothing_repeats),
        cmocka_unit_test(only_as_many_bytes_as_asked_are_written),
        cmocka_unit_test(a_uuid_has_version_and_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
