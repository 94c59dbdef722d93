/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "port/clock.h"

static void the_monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    int64_t before = actri_now_ns();
    assert_true(before > 0);
    for (int i = 0; i < 100000; i++) {
        int64_t now = actri_now_ns();
        assert_true(now >= before);
        before = now;
    }
}

static void the_wall_clock_counts_milliseconds_of_this_century(void **state)
{
    (void)state;
    assert_true(actri_wall_ms() > INT64_C(1700000000000)); /* 2023 */
    assert_true(actri_wall_ms() < INT64_C(4102444800000)); /* 2100 */
}

static void a_deadline_is_what_the_system_can_say(void **state)
{
    (void)state;
    struct timespec some = actri_timespec(3 * ACTRI_SECOND + 7), past = actri_timespec(-1),
                    last = actri_timespec(ACTRI_NEVER);
    assert_int_equal(some.tv_sec, 3);
    assert_int_equal(some.tv_nsec, 7);
    assert_int_equal(past.tv_sec, 0);
    assert_int_equal(past.tv_nsec, 0);
    assert_true(last.tv_sec >= INT32_MAX && last.tv_nsec < ACTRI_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(the_wall_clock_counts_milliseconds_of_this_century),
        cmocka_unit_test(a_deadline_is_what_the_system_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
