/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "lifecycle/supervisor.h"
#include "port/clock.h"

#include <string.h>

static actri_supervisor_t make(actr_supervision_t policy)
{
    actri_supervisor_t s;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_supervisor_init(&s, &policy, &error), &error);
    return s;
}

static void without_policy_nothing_happens(void **state)
{
    (void)state;
    actri_supervisor_t s = make((actr_supervision_t){0});
    for (int i = 0; i < 100; i++) assert_int_equal(actri_supervisor_failed(&s, i), ACTR_ON_FAILURE_NOTHING);
}

static void failures_count_within_the_window_only(void **state)
{
    (void)state;
    actri_supervisor_t s = make((actr_supervision_t){.action = ACTR_ON_FAILURE_STOP, .failures = 3, .within_ms = 100});
    assert_int_equal(actri_supervisor_failed(&s, 0), ACTR_ON_FAILURE_NOTHING);
    assert_int_equal(actri_supervisor_failed(&s, 90 * ACTRI_MS), ACTR_ON_FAILURE_NOTHING);
    assert_int_equal(actri_supervisor_failed(&s, 101 * ACTRI_MS), ACTR_ON_FAILURE_NOTHING); /* the first is old */
    assert_int_equal(actri_supervisor_failed(&s, 102 * ACTRI_MS), ACTR_ON_FAILURE_STOP);
    assert_int_equal(actri_supervisor_failed(&s, 103 * ACTRI_MS), ACTR_ON_FAILURE_NOTHING); /* it stops already */
}

static void too_many_restarts_escalate(void **state)
{
    (void)state;
    actri_supervisor_t s =
        make((actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART, .restarts = 2, .restarts_within_ms = 1000});
    assert_int_equal(actri_supervisor_failed(&s, 0), ACTR_ON_FAILURE_RESTART);
    assert_int_equal(actri_supervisor_failed(&s, 500 * ACTRI_MS), ACTR_ON_FAILURE_RESTART);
    assert_int_equal(actri_supervisor_failed(&s, 1200 * ACTRI_MS), ACTR_ON_FAILURE_RESTART);
    assert_int_equal(actri_supervisor_failed(&s, 1300 * ACTRI_MS), ACTR_ON_FAILURE_ESCALATE);
    assert_int_equal(actri_supervisor_failed(&s, 1400 * ACTRI_MS), ACTR_ON_FAILURE_NOTHING);
}

static void the_most_that_can_be_counted_is_counted(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_supervision_t policy = {.action = ACTR_ON_FAILURE_RESTART, .restarts = ACTRI_SUPERVISOR_MOST};
    actri_supervisor_t s = make(policy);
    for (int i = 0; i < ACTRI_SUPERVISOR_MOST; i++)
        assert_int_equal(actri_supervisor_failed(&s, i), ACTR_ON_FAILURE_RESTART);
    assert_int_equal(actri_supervisor_failed(&s, 100), ACTR_ON_FAILURE_ESCALATE);
    policy.restarts++;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actri_supervisor_init(&s, &policy, &error));
    assert_non_null(strstr(error.message, "restarts"));
}

static void an_answer_is_no_failure(void **state)
{
    (void)state;
    assert_true(actri_supervisor_is_failure(ACTR_STATUS_HANDLER_PANIC));
    assert_true(actri_supervisor_is_failure(ACTR_STATUS_INTERNAL));
    assert_false(actri_supervisor_is_failure(ACTR_STATUS_PERMISSION_DENIED));
    assert_false(actri_supervisor_is_failure(ACTR_STATUS_UNKNOWN_ROUTE));
    assert_false(actri_supervisor_is_failure(ACTR_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_policy_nothing_happens), cmocka_unit_test(failures_count_within_the_window_only),
        cmocka_unit_test(too_many_restarts_escalate),     cmocka_unit_test(the_most_that_can_be_counted_is_counted),
        cmocka_unit_test(an_answer_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
