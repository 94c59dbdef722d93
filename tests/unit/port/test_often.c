/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "port/often.h"

static unsigned say(actri_often_t *often, unsigned times, int64_t now_ns, uint32_t *left_out)
{
    unsigned said = 0;
    for (unsigned i = 0; i < times; i++) {
        uint32_t some = 0;
        said += actri_often_say(often, now_ns, &some);
        *left_out += some;
    }
    return said;
}

static void so_many_a_second_and_the_others_counted(void **state)
{
    (void)state;
    actri_often_t often = {0};
    uint32_t left_out = 0;
    assert_int_equal(say(&often, 3, 0, &left_out), 3); /* also in the clock's first second */
    assert_int_equal(say(&often, 1000, ACTRI_SECOND - 1, &left_out), ACTRI_OFTEN_MOST - 3);
    assert_int_equal(left_out, 0);
    assert_int_equal(say(&often, 1, ACTRI_SECOND, &left_out), 1);
    assert_int_equal(left_out, 1000 - (ACTRI_OFTEN_MOST - 3));
    left_out = 0;
    assert_int_equal(say(&often, 5, 100 * ACTRI_SECOND, &left_out), 5);
    assert_int_equal(left_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(so_many_a_second_and_the_others_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
