/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the link lives, when the network may have changed: known-faults 11, 13, 50. */
#include "check.h"

#include "unit/signaling/session_bench.h"

typedef struct outcome {
    unsigned ended;
    actr_status_t status;
    bool reconnected;
} outcome_t;

static void on_checked(void *user, actr_status_t status, bool reconnected, const actr_error_t *error)
{
    outcome_t *outcome = user;
    assert_true((status == ACTR_OK) == (error == NULL));
    outcome->ended++;
    outcome->status = status;
    outcome->reconnected = reconnected;
}

static void check(bench_t *bench, bool moved, outcome_t *outcome)
{
    actri_session_check(bench->session, bench->time, moved, on_checked, outcome);
    bench_sound(bench);
}

static void begin(bench_t *bench, outcome_t *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    bench_online(bench);
}

static void a_link_that_answers_stays(void **state)
{
    (void)state;
    bench_t bench;
    outcome_t outcome;
    begin(&bench, &outcome);
    check(&bench, true, &outcome);
    unsigned number = bench_expect_ping(&bench);
    bench_pass(&bench, 999 * ACTRI_MS);
    actri_session_alive(bench.session, bench.time); /* bytes that were on their way prove nothing */
    bench_reply_pong(&bench, number - 1, 0, false);
    assert_int_equal(outcome.ended, 0);
    bench_reply_pong(&bench, number, 0, false);
    assert_int_equal(outcome.ended, 1);
    assert_status(ACTR_OK, outcome.status);
    assert_false(outcome.reconnected);
    bench_pass(&bench, 5 * ACTRI_SECOND);
    assert_int_equal(bench.connects, 1);
    assert_int_equal(outcome.ended, 1);
    bench_close(&bench);
}

static void a_link_that_is_silent_for_a_second_is_made_anew_at_once(void **state)
{
    (void)state;
    bench_t bench;
    outcome_t outcome;
    begin(&bench, &outcome);
    check(&bench, false, &outcome);
    (void)bench_expect_ping(&bench);
    bench_pass(&bench, 999 * ACTRI_MS);
    assert_int_equal(bench.state, ACTRI_SIGNALING_REGISTERED);
    bench_pass(&bench, ACTRI_MS);
    assert_int_equal(bench.states[ACTRI_SIGNALING_DISCONNECTED], 1);
    bench_pass(&bench, 251 * ACTRI_MS);
    assert_int_equal(bench.connects, 2);
    assert_int_equal(outcome.ended, 0);
    bench_opened(&bench);
    assert_int_equal(outcome.ended, 1);
    assert_status(ACTR_OK, outcome.status);
    assert_true(outcome.reconnected);
    bench_close(&bench);
}

/* The longest pause is a minute: it is cut short, once; an attempt that fails ends the check, not the trying. */
static void a_pause_is_cut_short(void **state)
{
    (void)state;
    bench_t bench;
    outcome_t outcome;
    begin(&bench, &outcome);
    for (int i = 0; i < 9; i++) { /* to the longest pause */
        bench_lose(&bench);
        bench_pass(&bench, 61 * ACTRI_SECOND);
    }
    bench_lose(&bench);
    unsigned connects = bench.connects;
    check(&bench, false, &outcome);
    bench_pass(&bench, 0);
    assert_int_equal(bench.connects, connects + 1);
    bench_lose(&bench);
    assert_int_equal(outcome.ended, 1);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, outcome.status);
    bench_pass(&bench, ACTRI_SECOND); /* the pauses begin anew */
    assert_int_equal(bench.connects, connects + 2);
    bench_opened(&bench);
    assert_int_equal(outcome.ended, 1);
    bench_close(&bench);
}

/* One attempt at a time: it is joined, unless the path may be another one. */
static void an_attempt_is_joined_or_begun_anew(void **state)
{
    (void)state;
    for (int moved = 0; moved < 2; moved++) {
        bench_t bench;
        outcome_t outcome;
        begin(&bench, &outcome);
        bench_lose(&bench);
        bench_pass(&bench, 251 * ACTRI_MS);
        assert_int_equal(bench.connects, 2);
        check(&bench, moved == 1, &outcome);
        bench_pass(&bench, 0);
        assert_int_equal(bench.connects, 2 + moved);
        assert_int_equal(outcome.ended, 0);
        bench_opened(&bench);
        assert_int_equal(outcome.ended, 1);
        assert_status(ACTR_OK, outcome.status);
        assert_true(outcome.reconnected);
        bench_close(&bench);
    }
}

static void each_check_ends_once(void **state)
{
    (void)state;
    bench_t bench;
    outcome_t first, second = {0};
    begin(&bench, &first);
    check(&bench, false, &first);
    check(&bench, false, &second);
    assert_int_equal(second.ended, 1);
    assert_status(ACTR_STATUS_INVALID_STATE, second.status);
    actri_session_stop(bench.session, bench.time, bench.time.now_ns + ACTRI_SECOND);
    assert_int_equal(first.ended, 1);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, first.status);
    check(&bench, false, &second);
    assert_int_equal(second.ended, 2);
    bench_pass(&bench, 5 * ACTRI_SECOND);
    check(&bench, true, &second);
    assert_int_equal(second.ended, 3);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, second.status);
    assert_int_equal(first.ended, 1);
    bench_close(&bench);
}

static void a_server_that_forgot_us_is_registered_with_anew(void **state)
{
    (void)state;
    bench_t bench;
    outcome_t outcome;
    bench_ok_t ok = {.serial = 77, .token = "t2"};
    begin(&bench, &outcome);
    check(&bench, false, &outcome);
    bench_reply_error(&bench, bench_expect_ping(&bench), 401, "who?");
    assert_int_equal(outcome.ended, 0);
    bench_pass(&bench, 251 * ACTRI_MS);
    bench_opened(&bench);
    assert_int_equal(outcome.ended, 0);
    bench_reply_ok(&bench, bench_expect_register(&bench), &ok);
    assert_int_equal(outcome.ended, 1);
    assert_true(outcome.reconnected);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_answers_stays),
        cmocka_unit_test(a_link_that_is_silent_for_a_second_is_made_anew_at_once),
        cmocka_unit_test(a_pause_is_cut_short),
        cmocka_unit_test(an_attempt_is_joined_or_begun_anew),
        cmocka_unit_test(each_check_ends_once),
        cmocka_unit_test(a_server_that_forgot_us_is_registered_with_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
