/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction's answer against the polynomial, bit by bit. */
#include "check.h"

#include "wire/crc32c.h"

static uint32_t slowly(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void test_known_answer(void **state)
{
    (void)state;
    assert_int_equal(slowly((const uint8_t *)"123456789", 9), 0xe3069283u); /* the reference itself */
    if (actri_crc32c_available()) assert_int_equal(actri_crc32c("123456789", 9), 0xe3069283u);
}

static void test_all_sizes_and_alignments(void **state)
{
    (void)state;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i + 3 * i);
    for (size_t at = 0; at < 9 && actri_crc32c_available(); at++) {
        for (size_t size = 0; size + at <= sizeof data; size++) {
            assert_int_equal(actri_crc32c(data + at, size), slowly(data + at, size));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_all_sizes_and_alignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
