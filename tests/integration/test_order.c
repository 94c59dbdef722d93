/* SPDX-License-Identifier: Apache-2.0 */
/* One actor, one message at a time: the Shell's and the peers' in one line, signals first, whatever came before. */
#include "fixture.h"

#define NOTES 5

typedef struct two {
    fixture_t f;
    fixture_node_t a, b;
    actr_dest_t to_b;
} two_t;

static void open_two(two_t *t)
{
    fixture_open(&t->f);
    fixture_node(&t->a, &t->f, "a");
    fixture_node(&t->b, &t->f, "b");
    t->to_b = actr_dest_actor(actr_ref_actor_id(t->b.ref));
}

static void close_two(two_t *t)
{
    fixture_stop(&t->a);
    fixture_stop(&t->b);
    fixture_close(&t->f);
}

static void ignore(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)status;
    (void)error;
    (void)user;
    actr_buf_release(reply);
}

/* b's handler holds its turn until the gate is opened. */
static void hold(two_t *t, actr_ref_t *by, const actr_dest_t *dest)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_ctx_call_async(actr_ref_ctx(by), dest, "x.Slow", (actr_bytes_t){"x", 1}, NULL, ignore, NULL, &error),
              &error);
    fixture_wait(&t->b, &t->b.slow_begun, 1);
}

static void tell(actr_ref_t *by, const actr_dest_t *dest, const char *words, actr_payload_type_t type)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.payload_type = type;
    assert_ok(actr_ctx_tell(actr_ref_ctx(by), dest, "x.Note", (actr_bytes_t){words, strlen(words)}, &options, &error),
              &error);
}

static void wait_for_queued(fixture_node_t *n, uint64_t least)
{
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    for (int64_t limit = actri_now_ns() + FIXTURE_LIMIT_NS; stats.tells_received < least && actri_now_ns() < limit;) {
        actr_ref_stats(n->ref, &stats);
    }
    assert_int_equal(stats.tells_received, least);
    /* Counted is not queued: that comes at the end of the wire thread's turn. Its second answer is of a later turn. */
    for (int i = 0; i < 2; i++) (void)actr_outproc_dest_count(actr_ref_outproc(n->ref));
}

static void expect_notes(two_t *t, const char *const *words, unsigned count)
{
    fixture_wait(&t->b, &t->b.notes, count);
    for (unsigned i = 0; i < count; i++) assert_string_equal(t->b.notes_seen[i], words[i]);
}

/* The reference handles the Shell on one loop and peers on another: two handlers at once in a "serial" actor. */
static void the_shell_waits_for_a_peers_request(void **state)
{
    (void)state;
    two_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    open_two(&t);
    hold(&t, t.a.ref, &t.to_b);
    assert_status(ACTR_STATUS_TIMEOUT, fixture_call(&t.b, &local, "x.Echo", "too early", 50, &error));
    assert_int_equal(t.b.echoes, 0);
    fixture_open_gate(&t.b);
    assert_ok(fixture_call(&t.b, &local, "x.Echo", "now", 0, &error), &error);
    assert_int_equal(t.b.echoes, 1); /* the one that was given up was not handled any more */
    close_two(&t);
}

static void a_peer_waits_for_the_shells_request(void **state)
{
    (void)state;
    two_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    open_two(&t);
    assert_ok(fixture_call(&t.a, &t.to_b, "x.Echo", "connects", 0, &error), &error);
    hold(&t, t.b.ref, &local);
    assert_status(ACTR_STATUS_TIMEOUT, fixture_call(&t.a, &t.to_b, "x.Echo", "too early", 50, &error));
    assert_int_equal(t.b.echoes, 1);
    fixture_open_gate(&t.b);
    assert_ok(fixture_call(&t.a, &t.to_b, "x.Echo", "now", 0, &error), &error);
    close_two(&t);
}

/* The reference takes 32 rows at a time: a signal waits for up to 31 handlers that were taken before it. */
static void a_signal_goes_before_all_that_waits(void **state)
{
    (void)state;
    static const char *const order[] = {"signal", "0", "1", "2", "3", "4"};
    two_t t;
    open_two(&t);
    hold(&t, t.a.ref, &t.to_b);
    for (int i = 0; i < NOTES; i++) tell(t.a.ref, &t.to_b, order[i + 1], ACTR_RPC_RELIABLE);
    wait_for_queued(&t.b, NOTES); /* the lanes keep no order between them */
    tell(t.a.ref, &t.to_b, "signal", ACTR_RPC_SIGNAL);
    wait_for_queued(&t.b, NOTES + 1);
    fixture_open_gate(&t.b);
    expect_notes(&t, order, NOTES + 1);
    close_two(&t);
}

/* The reference never takes a request within the process that is a signal: nobody reads that channel. */
static void the_shells_signals_are_taken_and_go_first(void **state)
{
    (void)state;
    static const char *const order[] = {"signal", "0", "1", "2", "3", "4"};
    two_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    open_two(&t);
    hold(&t, t.b.ref, &local);
    for (int i = 0; i < NOTES; i++) tell(t.b.ref, &local, order[i + 1], ACTR_RPC_RELIABLE);
    tell(t.b.ref, &local, "signal", ACTR_RPC_SIGNAL);
    fixture_open_gate(&t.b);
    expect_notes(&t, order, NOTES + 1);
    actr_buf_t *reply = NULL;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.payload_type = ACTR_RPC_SIGNAL;
    assert_ok(actr_ref_call(t.b.ref, "x.Echo", (actr_bytes_t){"s", 1}, &options, &reply, &error), &error);
    actr_buf_release(reply);
    close_two(&t);
}

static void traffic_within_the_process_is_counted(void **state)
{
    (void)state;
    two_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    open_two(&t);
    assert_ok(fixture_call(&t.b, &local, "x.Echo", "one", 0, &error), &error);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, fixture_call(&t.b, &local, "x.Fail", "two", 0, &error));
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, fixture_call(&t.b, &local, "x.None", "three", 0, &error));
    tell(t.b.ref, &local, "four", ACTR_RPC_RELIABLE);
    assert_ok(fixture_call(&t.b, &local, "x.Echo", "five", 0, &error), &error); /* behind it */
    assert_ok(fixture_call(&t.a, &t.to_b, "x.Echo", "a peer's", 0, &error), &error);
    actr_ref_stats(t.b.ref, &stats);
    assert_int_equal(stats.local_served, 5);
    assert_int_equal(stats.local_failed, 2);
    assert_int_equal(stats.local_timed_out, 0);
    assert_int_equal(stats.local_refused, 0);
    assert_int_equal(stats.requests_handled, 6); /* whoever asked */
    close_two(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shell_waits_for_a_peers_request),
        cmocka_unit_test(a_peer_waits_for_the_shells_request),
        cmocka_unit_test(a_signal_goes_before_all_that_waits),
        cmocka_unit_test(the_shells_signals_are_taken_and_go_first),
        cmocka_unit_test(traffic_within_the_process_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
