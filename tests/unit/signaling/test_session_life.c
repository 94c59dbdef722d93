/* SPDX-License-Identifier: Apache-2.0 */
/* How the session starts and stops: refusals, deadlines, silence, bounds. Virtual clock. */
#include "check.h"

#include "session_bench.h"

static void start_refused(const bench_ok_t *ok, actr_status_t expected, uint32_t code)
{
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    bench_opened(&bench);
    unsigned number = bench_expect_register(&bench);
    if (ok != NULL) {
        bench_reply_ok(&bench, number, ok);
    } else {
        bench_reply_error(&bench, number, code, "no such\nrealm");
    }
    assert_int_equal(1, bench.started);
    assert_status(expected, bench.start_status);
    assert_int_equal(code, bench.start_error.remote_code);
    assert_null(strchr(bench.start_error.message, '\n'));
    if (ok == NULL) assert_non_null(strstr(bench.start_error.message, "no such"));
    assert_int_equal(ACTRI_SIGNALING_STOPPED, bench.state);
    assert_false(bench.socket);
    bench_pass(&bench, 100 * ACTRI_SECOND);
    assert_int_equal(1, bench.connects);
    bench_start(&bench); /* may be started anew */
    assert_int_equal(2, bench.connects);
    bench_close(&bench);
}

static void a_refused_registration_fails_the_start_at_once(void **state)
{
    (void)state;
    bench_ok_t no_token = {.serial = 1}, no_id = {.token = "t"}, neither = {.no_result = true};
    start_refused(NULL, ACTR_STATUS_SIGNALING_REJECTED, 403);
    start_refused(&no_token, ACTR_STATUS_SIGNALING_PROTOCOL, 0);
    start_refused(&no_id, ACTR_STATUS_SIGNALING_PROTOCOL, 0);
    start_refused(&neither, ACTR_STATUS_SIGNALING_PROTOCOL, 0);
}

static void an_error_to_nobody_while_registering_is_the_refusal(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    bench_opened(&bench);
    bench_reply_error(&bench, 0, 429, "Too many messages");
    assert_int_equal(1, bench.started);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, bench.start_status);
    assert_int_equal(0, bench.relays);
    bench_close(&bench);
}

static void a_refusal_later_is_tried_again(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 30 * ACTRI_SECOND);
    bench_reply_error(&bench, bench_expect_ping(&bench), 401, "unknown");
    bench_pass(&bench, ACTRI_SECOND);
    bench_opened(&bench);
    bench_reply_error(&bench, bench_expect_register(&bench), 409, "Already registered");
    assert_false(bench.socket); /* 409 sticks to a socket */
    bench_pass(&bench, 2 * ACTRI_SECOND);
    assert_true(bench.socket);
    bench_close(&bench);
}

static void start_gives_up_at_its_deadline_with_the_last_reason(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    actri_session_start(bench.session, bench.time, bench.time.now_ns + 5 * ACTRI_SECOND);
    while (bench.started == 0) {
        bench.socket = false;
        actri_session_closed(bench.session, bench.time, 0, "connection refused");
        bench_pass(&bench, actri_session_deadline(bench.session) - bench.time.now_ns);
    }
    assert_true(bench.connects >= 3);
    assert_true(bench.time.now_ns == 1005 * ACTRI_SECOND);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, bench.start_status);
    assert_string_equal("connection refused", bench.start_error.message);
    bench_close(&bench);
}

/* An attempt that the deadline cuts short has nothing to say yet: why the one before failed is told. */
static void start_keeps_the_reason_of_the_last_whole_attempt(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    actri_session_start(bench.session, bench.time, bench.time.now_ns + 2 * ACTRI_SECOND);
    bench.socket = false;
    actri_session_closed(bench.session, bench.time, 0, "hostname mismatch");
    bench_pass(&bench, ACTRI_SECOND);
    assert_true(bench.socket);
    bench_pass(&bench, ACTRI_SECOND);
    assert_int_equal(1, bench.started);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, bench.start_status);
    assert_string_equal("hostname mismatch", bench.start_error.message);
    bench_close(&bench);
}

static void start_gives_up_in_any_silence(void **state)
{
    (void)state;
    for (unsigned open = 0; open < 2; open++) {
        bench_t bench;
        bench_open(&bench);
        actri_session_start(bench.session, bench.time, bench.time.now_ns + 2 * ACTRI_SECOND);
        if (open) bench_opened(&bench);
        bench_pass(&bench, 2 * ACTRI_SECOND);
        assert_int_equal(1, bench.started);
        assert_non_null(strstr(bench.start_error.message, open ? "registration" : "WebSocket"));
        assert_false(bench.socket);
        bench_close(&bench);
    }
}

static void stop_is_bounded_and_possible_in_every_state(void **state)
{
    (void)state;
    for (unsigned where = 0; where < 5; where++) {
        bench_t bench;
        bench_open(&bench);
        bench_start(&bench);
        if (where >= 1) bench_opened(&bench);
        if (where >= 2) {
            bench_ok_t ok = {.serial = 1, .token = "t"};
            bench_reply_ok(&bench, bench_expect_register(&bench), &ok);
        }
        if (where >= 3) bench_lose(&bench);
        if (where >= 4) bench_pass(&bench, ACTRI_SECOND);
        actri_session_stop(bench.session, bench.time, bench.time.now_ns + ACTRI_SECOND);
        bench_pass(&bench, ACTRI_SECOND);
        assert_int_equal(1, bench.stopped);
        assert_status(where == 2 ? ACTR_STATUS_TIMEOUT : ACTR_OK, bench.stop_status);
        assert_int_equal(1, bench.started);
        assert_false(bench.socket);
        assert_int_equal(ACTRI_SIGNALING_STOPPED, bench.state);
        bench_pass(&bench, 100 * ACTRI_SECOND);
        assert_false(bench.socket);
        bench_close(&bench);
    }
}

static void a_second_stop_only_shortens_the_first(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    int64_t begin = bench.time.now_ns;
    actri_session_stop(bench.session, bench.time, begin + 3 * ACTRI_SECOND);
    actri_session_stop(bench.session, bench.time, begin + 9 * ACTRI_SECOND);
    bench_pass(&bench, 3 * ACTRI_SECOND - 1);
    assert_int_equal(0, bench.stopped);
    assert_true(actri_session_deadline(bench.session) == begin + 3 * ACTRI_SECOND);
    actri_session_stop(bench.session, bench.time, 0);
    bench_pass(&bench, 0);
    assert_int_equal(1, bench.stopped);
    bench_close(&bench);
}

static void stop_without_time_does_not_ask_the_server(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_session_stop(bench.session, bench.time, 0);
    assert_int_equal(1, bench.stopped);
    bench_nothing_sent(&bench);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_registration_fails_the_start_at_once),
        cmocka_unit_test(an_error_to_nobody_while_registering_is_the_refusal),
        cmocka_unit_test(a_refusal_later_is_tried_again),
        cmocka_unit_test(start_gives_up_at_its_deadline_with_the_last_reason),
        cmocka_unit_test(start_keeps_the_reason_of_the_last_whole_attempt),
        cmocka_unit_test(start_gives_up_in_any_silence),
        cmocka_unit_test(stop_is_bounded_and_possible_in_every_state),
        cmocka_unit_test(a_second_stop_only_shortens_the_first),
        cmocka_unit_test(stop_without_time_does_not_ask_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
