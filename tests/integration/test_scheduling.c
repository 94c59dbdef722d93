/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, handlers that run too long, supervision. */
#include "scene.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

static actr_status_t echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

static actr_status_t slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    return fixture_slow(&s->n);
}

static actr_status_t panic(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    scene_note(s, 'p');
    return actr_ctx_panic(ctx, "as asked");
}

static void tick(actr_ctx_t *ctx, void *user)
{
    scene_t *s = user;
    assert_string_equal(actr_ctx_request_id(ctx), "timer");
    assert_non_null(actr_ctx_alloc(ctx, 10));
    scene_note(s, 't');
}

static actr_status_t set_timer(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    return actr_ctx_after(ctx, 0, tick, s, NULL, NULL);
}

static const scene_route_t routes[] = {
    {"w.Echo", echo}, {"w.Slow", slow}, {"w.Panic", panic}, {"w.Timer", set_timer}, {0}};

static void on_event(const actr_event_t *event, void *user)
{
    if (event->kind == ACTR_EVENT_HANDLER_OVERTIME) scene_note(user, 'O');
    if (event->kind == ACTR_EVENT_WORKLOAD_RESTARTED) scene_note(user, 'R');
    if (event->kind == ACTR_EVENT_WORKLOAD_GIVEN_UP) scene_note(user, 'G');
}

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    scene_t *s = user;
    scene_note(s, 'a');
    return s->seen == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, s->seen, "not again");
}

static void on_ready(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    scene_note(user, 'y');
}

static void on_stop(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    scene_note(user, 'z');
}

static void open_scene(scene_t *s, const fixture_t *f, const char *name, actr_supervision_t supervision,
                       uint32_t handler_limit_ms)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, name);
    config.handler_limit_ms = handler_limit_ms;
    scene_init(s, routes, NULL, &workload);
    workload.on_event = on_event;
    workload.on_start = on_start;
    workload.on_ready = on_ready;
    workload.on_stop = on_stop;
    workload.supervision = supervision;
    scene_attach(s, &config, &workload);
    assert_ok(actr_node_start(s->n.node, &s->n.ref, &error), &error);
    s->count = 0;
    memset(s->order, 0, sizeof s->order);
}

/* ---- timers ---- */

static void test_timers_run_as_turns(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_timer_t *never = NULL, *periodic = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){0}, 0);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    assert_ok(actr_ctx_after(ctx, 1, tick, &a, NULL, &error), &error);
    fixture_wait(&a.n, &a.count, 1);
    assert_ok(scene_call(&a, &local, "w.Timer", "", 0, NULL, &error), &error); /* from a handler */
    fixture_wait(&a.n, &a.count, 2);
    assert_ok(actr_ctx_after(ctx, 3600000, tick, &a, &never, &error), &error);
    actr_timer_cancel(never);
    actr_timer_cancel(never); /* harmless */
    actr_timer_release(never);
    assert_ok(actr_ctx_every(ctx, 1, tick, &a, &periodic, &error), &error);
    fixture_wait(&a.n, &a.count, 6);
    actr_timer_cancel(periodic);
    actr_ref_stats(a.n.ref, &stats);
    assert_true(stats.timers <= 2); /* what was cancelled goes with the loop's next turn */
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_every(ctx, 0, tick, &a, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_after(ctx, 1, NULL, &a, NULL, &error));
    assert_ok(actr_ctx_every(ctx, 3600000, tick, &a, NULL, &error), &error); /* ends with the node */
    scene_close(&a);
    actr_timer_cancel(periodic); /* outlives it */
    actr_timer_release(periodic);
    fixture_close(&f);
}

/* While the turn is held, periods do not pile up. */
static void test_a_late_timer_does_not_pile_up(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_timer_t *periodic = NULL;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){0}, 0);
    assert_ok(actr_ctx_call_async(actr_ref_ctx(a.n.ref), &local, "w.Slow", (actr_bytes_t){0}, NULL, NULL, NULL, &error),
              &error);
    fixture_wait(&a.n, &a.n.slow_begun, 1);
    assert_ok(actr_ctx_every(actr_ref_ctx(a.n.ref), 1, tick, &a, &periodic, &error), &error);
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    do {
        actr_ref_stats(a.n.ref, &stats);
    } while (stats.timer_turns_skipped < 5 && actri_now_ns() < deadline);
    assert_true(stats.timer_turns_skipped >= 5);
    assert_int_equal(a.count, 0); /* one message at a time */
    actr_timer_cancel(periodic);
    fixture_open_gate(&a.n);
    assert_ok(scene_call(&a, &local, "w.Echo", "", 0, NULL, &error), &error);
    assert_int_equal(a.count, 0); /* cancelled while its turn waited */
    actr_timer_release(periodic);
    scene_close(&a);
    fixture_close(&f);
}

/* ---- handlers that run too long ---- */

static void overtime_case(scene_t *callee, scene_t *caller, const actr_dest_t *dest, uint64_t number)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    callee->n.gate_open = false;
    assert_status(ACTR_STATUS_TIMEOUT, scene_call(caller, dest, "w.Slow", "", 60000, NULL, &error));
    assert_non_null(strstr(error.message, "longer than its limit of 300 ms"));
    actr_ref_stats(callee->n.ref, &stats);
    assert_int_equal(stats.handlers_overtime, number);
    assert_int_equal(callee->n.slow_ended, number - 1); /* the turn is still held */
    fixture_open_gate(&callee->n);
    assert_ok(scene_call(caller, dest, "w.Echo", "", 0, NULL, &error), &error);
    fixture_wait(&callee->n, &callee->count, (unsigned)number);
    actr_ref_stats(caller->n.ref, &stats);
    assert_int_equal(stats.late_replies, 0); /* one answer only */
}

static void test_a_handler_over_its_limit_is_answered_for(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){0}, 300);
    open_scene(&b, &f, "b", (actr_supervision_t){0}, 300);
    overtime_case(&a, &a, &local, 1);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    overtime_case(&b, &a, &to_b, 1);
    assert_string_equal(b.order, "O");
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

/* ---- supervision ---- */

static void test_failures_restart_the_workload(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART, .failures = 2}, 0);
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    fixture_wait(&a.n, &a.count, 6);
    assert_string_equal(a.order, "ppzayR");
    actr_ref_stats(a.n.ref, &stats);
    assert_int_equal(stats.workload_restarts, 1);
    assert_ok(scene_call(&a, &local, "w.Echo", "", 0, NULL, &error), &error);
    scene_close(&a);
    fixture_close(&f);
}

static void test_a_peers_failures_restart_as_well(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){0}, 0);
    open_scene(&b, &f, "b", (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART, .failures = 2}, 0);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &to_b, "w.Panic", "", 0, NULL, &error));
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&b, &local, "w.Panic", "", 0, NULL, &error)); /* one count */
    fixture_wait(&b.n, &b.count, 6);
    assert_string_equal(b.order, "ppzayR");
    assert_ok(scene_call(&a, &to_b, "w.Echo", "", 0, NULL, &error), &error);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

static void test_too_many_restarts_give_the_workload_up(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART, .restarts = 1}, 0);
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    assert_status(ACTR_STATUS_HANDLER_PANIC, actr_ref_wait_for_shutdown(a.n.ref, 20000, &error));
    assert_non_null(strstr(error.message, "given up"));
    assert_string_equal(a.order, "pzayRpGz");
    scene_close(&a);
    fixture_close(&f);
}

static void test_a_restart_that_fails_gives_the_workload_up(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART}, 0);
    a.seen = ACTR_STATUS_INVALID_STATE;
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    assert_status(ACTR_STATUS_HANDLER_PANIC, actr_ref_wait_for_shutdown(a.n.ref, 20000, &error));
    assert_non_null(strstr(error.message, "not again"));
    scene_close(&a);
    fixture_close(&f);
}

static void test_a_failure_may_stop_the_node(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    fixture_open(&f);
    open_scene(&a, &f, "a", (actr_supervision_t){.action = ACTR_ON_FAILURE_STOP}, 0);
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "", 0, NULL, &error));
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
    assert_string_equal(a.order, "pz");
    scene_close(&a);
    actr_config_t config = fixture_config(&f, "a");
    scene_init(&a, routes, NULL, &workload);
    workload.supervision.failures = 1000;
    assert_ok(actr_system_new(&config, &a.n.system, &error), &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_system_attach(a.n.system, &workload, &a.n.node, &error));
    workload.supervision.failures = 1;
    assert_ok(actr_system_attach(a.n.system, &workload, &a.n.node, &error), &error);
    actr_node_release(a.n.node);
    actr_system_release(a.n.system);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_run_as_turns),
        cmocka_unit_test(test_a_late_timer_does_not_pile_up),
        cmocka_unit_test(test_a_handler_over_its_limit_is_answered_for),
        cmocka_unit_test(test_failures_restart_the_workload),
        cmocka_unit_test(test_a_peers_failures_restart_as_well),
        cmocka_unit_test(test_too_many_restarts_give_the_workload_up),
        cmocka_unit_test(test_a_restart_that_fails_gives_the_workload_up),
        cmocka_unit_test(test_a_failure_may_stop_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
