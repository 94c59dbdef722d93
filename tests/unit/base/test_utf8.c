/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "check.h"

#include <string.h>

static size_t length_of(const char *text)
{
    return actri_utf8_length((const uint8_t *)text, strlen(text));
}

/* The limits of each sequence length, the surrogates and the overlong forms (RFC 3629, section 3). */
static void limits_of_the_sequences(void **state)
{
    (void)state;
    assert_int_equal(length_of("\x7f"), 1);
    assert_int_equal(length_of("\xc2\x80"), 2);
    assert_int_equal(length_of("\xdf\xbf"), 2);
    assert_int_equal(length_of("\xe0\xa0\x80"), 3);
    assert_int_equal(length_of("\xef\xbf\xbf"), 3);
    assert_int_equal(length_of("\xf0\x90\x80\x80"), 4);
    assert_int_equal(length_of("\xf4\x8f\xbf\xbf"), 4);
    assert_int_equal(actri_utf8_length((const uint8_t *)"\0", 1), 1);
    static const char *const bad[] = {"",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3(",
                                      "\xe2\x82("};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(length_of(bad[i]), 0);
}

static void a_line_keeps_its_length_and_its_good_characters(void **state)
{
    (void)state;
    char text[] = "a\nb\xc3\xa9\xff\x1b[0m\xc2\x9b\xc2\xa0\xe2\x82";
    actri_utf8_line(text);
    assert_string_equal(text, "a b\xc3\xa9? [0m  \xc2\xa0??");
    actri_utf8_line(text);
    assert_string_equal(text, "a b\xc3\xa9? [0m  \xc2\xa0??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_the_sequences),
        cmocka_unit_test(a_line_keeps_its_length_and_its_good_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
