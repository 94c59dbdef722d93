/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes over real WebRTC: what a caller sees. */
#include "fixture.h"

static void open_two(fixture_t *f, fixture_node_t *a, fixture_node_t *b)
{
    fixture_open(f);
    fixture_node(a, f, "a");
    fixture_node(b, f, "b");
}

static void close_two(fixture_t *f, fixture_node_t *a, fixture_node_t *b)
{
    fixture_stop(a);
    fixture_stop(b);
    fixture_close(f);
}

static void test_echo_both_ways_and_call_back(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    actr_dest_t to_b = fixture_find(&a, "b"), to_a = fixture_find(&b, "a");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "to b", 0, &error), &error);
    assert_ok(fixture_call(&b, &to_a, "x.Echo", "to a", 0, &error), &error);
    assert_ok(fixture_call(&a, &to_b, "x.Back", "and back", 0, &error), &error);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.ref, &stats);
    assert_int_equal(stats.peers, 1);
    assert_int_equal(stats.calls_answered, 2);
    assert_int_equal(stats.requests_handled, 2);
    assert_int_equal(stats.pending_calls, 0);
    close_two(&f, &a, &b);
}

static void larger(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->larger_offers = true;
}

static void test_the_callee_may_be_the_offerer(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    actri_server_switch(f.server, larger, NULL); /* b offers; in the test above a did */
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "hello", 0, &error), &error);
    close_two(&f, &a, &b);
}

typedef struct glare {
    fixture_node_t *node;
    const actr_dest_t *dest;
    actr_status_t status;
    actr_error_t error;
    actri_thread_t thread;
} glare_t;

static void run_glare(void *argument)
{
    glare_t *g = argument;
    g->status = fixture_call(g->node, g->dest, "x.Echo", "glare", 0, &g->error);
}

static void test_both_call_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        fixture_t f;
        fixture_node_t a, b;
        actr_error_t error = ACTR_ERROR_INIT;
        open_two(&f, &a, &b);
        actr_dest_t to_b = fixture_find(&a, "b"), to_a = fixture_find(&b, "a");
        glare_t one = {.node = &a, .dest = &to_b}, two = {.node = &b, .dest = &to_a};
        assert_ok(actri_thread_start(&one.thread, "one", run_glare, &one, &error), &error);
        assert_ok(actri_thread_start(&two.thread, "two", run_glare, &two, &error), &error);
        actri_thread_join(&one.thread);
        actri_thread_join(&two.thread);
        assert_ok(one.status, &one.error);
        assert_ok(two.status, &two.error);
        close_two(&f, &a, &b);
    }
}

typedef struct burst {
    fixture_node_t *node;
    actr_dest_t dest;
    unsigned left, flying, good, bad;
    actri_mutex_t mutex;
    actri_cond_t ended;
} burst_t;

static void burst_next(burst_t *b);

static void on_burst_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)error;
    burst_t *b = user;
    bool good = status == ACTR_OK && actr_buf_size(reply) == 5;
    actr_buf_release(reply);
    burst_next(b);
    actri_lock(&b->mutex);
    b->flying--;
    if (good)
        b->good++;
    else
        b->bad++;
    actri_cond_signal(&b->ended);
    actri_unlock(&b->mutex);
}

static void burst_next(burst_t *b)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_lock(&b->mutex);
    bool more = b->left > 0;
    if (more) {
        b->left--;
        b->flying++;
    }
    actri_unlock(&b->mutex);
    if (!more) return;
    actr_status_t status = actr_ctx_call_async(actr_ref_ctx(b->node->ref), &b->dest, "x.Echo",
                                               (actr_bytes_t){"hello", 5}, NULL, on_burst_reply, b, &error);
    if (status == ACTR_OK) return;
    actri_lock(&b->mutex);
    b->flying--;
    b->bad++;
    actri_unlock(&b->mutex);
}

static void test_ten_thousand_calls_64_outstanding(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    open_two(&f, &a, &b);
    burst_t burst = {.node = &a, .dest = fixture_find(&a, "b"), .left = 10000};
    actri_mutex_init(&burst.mutex);
    actri_cond_init(&burst.ended);
    for (unsigned i = 0; i < 64; i++) burst_next(&burst);
    actri_lock(&burst.mutex);
    while (burst.left > 0 || burst.flying > 0) {
        assert_true(actri_cond_wait(&burst.ended, &burst.mutex, actri_now_ns() + 60 * ACTRI_SECOND));
    }
    actri_unlock(&burst.mutex);
    assert_int_equal(burst.bad, 0);
    assert_int_equal(burst.good, 10000);
    close_two(&f, &a, &b);
}

static void test_sizes(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    static char text[70001];
    open_two(&f, &a, &b);
    actr_dest_t to_b = fixture_find(&a, "b");
    memset(text, 'x', 70000);
    static const size_t good[] = {1, 1000, 16384, 60000};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        text[good[i]] = '\0';
        assert_ok(fixture_call(&a, &to_b, "x.Echo", text, 0, &error), &error);
        text[good[i]] = 'x';
    }
    assert_status(ACTR_STATUS_TOO_LARGE, fixture_call(&a, &to_b, "x.Echo", text, 0, &error));
    assert_non_null(strstr(error.message, "65535"));
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "still there", 0, &error), &error);
    close_two(&f, &a, &b);
}

static void test_errors_keep_their_kind(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, fixture_call(&a, &to_b, "x.Nothing", "", 0, &error));
    assert_int_equal(error.remote_code, 404);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, fixture_call(&a, &to_b, "x.Fail", "", 0, &error));
    assert_non_null(strstr(error.message, "as asked"));
    assert_status(ACTR_STATUS_HANDLER_PANIC, fixture_call(&a, &to_b, "x.Panic", "", 0, &error));
    assert_int_equal(error.remote_code, 400);
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "alive", 0, &error), &error);
    close_two(&f, &a, &b);
}

static void test_slow_handler_and_late_reply(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "first", 0, &error), &error);
    assert_status(ACTR_STATUS_TIMEOUT, fixture_call(&a, &to_b, "x.Slow", "", 200, &error));
    fixture_wait(&b, &b.slow_begun, 1);
    fixture_open_gate(&b); /* its reply comes too late: counted, not dispatched */
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "next", 0, &error), &error);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.ref, &stats);
    assert_int_equal(stats.late_replies, 1);
    assert_int_equal(stats.requests_received, 0);
    assert_int_equal(stats.calls_timed_out, 1);
    close_two(&f, &a, &b);
}

static void test_tells_arrive_in_order_and_are_not_answered(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    char text[32];
    open_two(&f, &a, &b);
    actr_dest_t to_b = fixture_find(&a, "b");
    for (int i = 0; i < 50; i++) {
        int size = snprintf(text, sizeof text, "note %d", i);
        actr_bytes_t payload = {text, (size_t)size};
        assert_ok(actr_ctx_tell(actr_ref_ctx(a.ref), &to_b, "x.Note", payload, NULL, &error), &error);
    }
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "behind them", 0, &error), &error);
    fixture_wait(&b, &b.notes, 50);
    for (int i = 0; i < 50; i++) {
        (void)snprintf(text, sizeof text, "note %d", i);
        assert_string_equal(b.notes_seen[i], text);
    }
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(b.ref, &stats);
    assert_int_equal(stats.tells_received, 50);
    assert_int_equal(stats.replies_sent, 1);
    close_two(&f, &a, &b);
}

static void test_nobody_there(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type = {"acme", "nobody"};
    actr_id_t id;
    size_t count = 1;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    assert_status(ACTR_STATUS_TARGET_NOT_FOUND, actr_ref_discover(a.ref, &type, 0, &id, &count, &error));
    actr_dest_t gone = actr_dest_actor(actr_ref_actor_id(a.ref));
    gone.id.serial_number += 77; /* an actor that never was */
    assert_status(ACTR_STATUS_UNAVAILABLE, fixture_call(&a, &gone, "x.Echo", "hello", 0, &error));
    fixture_stop(&a);
    fixture_close(&f);
}

/* No network, no peer; and a handler that waits for its own actor is told so at once. */
static void test_the_own_id_is_local(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    actr_dest_t self = actr_dest_actor(actr_ref_actor_id(a.ref));
    assert_ok(fixture_call(&a, &self, "x.Echo", "to myself", 0, &error), &error);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, fixture_call(&a, &self, "x.OwnId", "", 0, &error));
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.ref, &stats);
    assert_int_equal(stats.peers + stats.calls_started, 0);
    fixture_stop(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_both_ways_and_call_back),
        cmocka_unit_test(test_the_callee_may_be_the_offerer),
        cmocka_unit_test(test_both_call_at_once),
        cmocka_unit_test(test_ten_thousand_calls_64_outstanding),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_errors_keep_their_kind),
        cmocka_unit_test(test_slow_handler_and_late_reply),
        cmocka_unit_test(test_tells_arrive_in_order_and_are_not_answered),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_the_own_id_is_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
