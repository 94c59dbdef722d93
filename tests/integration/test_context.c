/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls go, who must not wait for whom, answers that come later, cancellation. */
#include "scene.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL}, shell = {.kind = ACTR_DEST_SHELL};

/* ---- the Shell ---- */

static actr_status_t ask_shell(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    return scene_forward(ctx, &shell, "s.Ask", request, reply);
}

static actr_status_t shell_ask(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    const actr_id_t *caller = actr_ctx_caller_id(ctx);
    bool own = caller != NULL && actr_id_equal(caller, actr_ctx_self_id(ctx));
    *reply = (actr_bytes_t){actr_ctx_printf(ctx, "%s:%.*s", own ? "own" : "?", (int)request->payload.size,
                                            (const char *)request->payload.data),
                            request->payload.size + (own ? 4 : 2)};
    return ACTR_OK;
}

static actr_status_t ask_shell_back(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    return scene_forward(ctx, &shell, "s.Back", request, reply);
}

static actr_status_t shell_back(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    return scene_forward(ctx, &local, "w.Echo", request, reply);
}

static actr_status_t shell_self(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    return scene_forward(ctx, &shell, "s.Ask", request, reply);
}

static actr_status_t shell_note(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)reply;
    scene_note(s, request->is_tell ? 't' : 'c');
    return ACTR_OK;
}

static actr_status_t tell_shell(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)reply;
    return actr_ctx_tell(ctx, &shell, "s.Note", request->payload, NULL, NULL);
}

static actr_status_t echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

static const scene_route_t workload_routes[] = {
    {"w.Echo", echo}, {"w.AskShell", ask_shell}, {"w.AskBack", ask_shell_back}, {"w.TellShell", tell_shell}, {0}};
static const scene_route_t shell_routes[] = {
    {"s.Ask", shell_ask}, {"s.Back", shell_back}, {"s.Self", shell_self}, {"s.Note", shell_note}, {0}};

static void test_the_shell_answers_its_workload(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    char text[64];
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", workload_routes, shell_routes);
    assert_ok(scene_call(&a, &local, "w.AskShell", "who", 0, text, &error), &error);
    assert_string_equal(text, "own:who");
    assert_ok(scene_call(&a, &local, "w.TellShell", "x", 0, text, &error), &error);
    fixture_wait(&a.n, &a.count, 1);
    assert_string_equal(a.order, "t");
    assert_ok(scene_call(&a, &shell, "s.Note", "", 0, text, &error), &error); /* the Shell to itself, from its thread */
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, scene_call(&a, &shell, "s.Nothing", "", 0, text, &error));
    scene_close(&a);
    fixture_close(&f);
}

static void test_a_shell_without_handler_says_so(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", workload_routes, NULL);
    assert_status(ACTR_STATUS_NOT_SUPPORTED, scene_call(&a, &local, "w.AskShell", "x", 0, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_STATE, actr_node_serve_shell(a.n.node, scene_shell, &a, &error));
    scene_close(&a);
    fixture_close(&f);
}

/* ---- who waits for whom ---- */

static void test_workload_and_shell_can_not_wait_for_each_other(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", workload_routes, shell_routes);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, scene_call(&a, &local, "w.AskBack", "x", 0, NULL, &error));
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, scene_call(&a, &shell, "s.Self", "x", 0, NULL, &error));
    assert_ok(scene_call(&a, &shell, "s.Back", "fine", 0, NULL, &error), &error); /* one way is no cycle */
    scene_close(&a);
    fixture_close(&f);
}

static actr_status_t pass_on(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    for (size_t i = 0; i < request->metadata_count; i++) {
        if (strncmp(request->metadata[i].key, "actr-", 5) == 0) return ACTR_STATUS_INVALID_STATE; /* not shown */
    }
    return scene_forward(ctx, &s->peer, "w.PassOn", request, reply);
}

static actr_status_t pass_later(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)reply;
    return actr_ctx_call_async(ctx, &s->peer, "w.Echo", request->payload, NULL, NULL, NULL, NULL);
}

static const scene_route_t chain_routes[] = {{"w.Echo", echo}, {"w.PassOn", pass_on}, {"w.PassLater", pass_later}, {0}};

/* a -> b -> c -> a: c's call is refused at once, and the error comes all the way back. */
static void test_a_cycle_of_three_actors_is_named(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b, c;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", chain_routes, NULL);
    scene_open(&b, &f, "b", chain_routes, NULL);
    scene_open(&c, &f, "c", chain_routes, NULL);
    a.peer = fixture_find(&a.n, "b");
    b.peer = fixture_find(&b.n, "c");
    c.peer = fixture_find(&c.n, "a");
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, scene_call(&a, &local, "w.PassOn", "x", 60000, NULL, &error));
    assert_non_null(strstr(error.message, "waits for this request itself"));
    assert_ok(scene_call(&a, &b.peer, "w.PassLater", "x", 0, NULL, &error), &error); /* holds no turn: no cycle */
    scene_close(&a);
    scene_close(&b);
    scene_close(&c);
    fixture_close(&f);
}

static void test_own_metadata_keys_are_refused(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_metadata_t metadata[] = {{"actr-chain", "x"}};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.metadata = metadata;
    options.metadata_count = 1;
    fixture_open(&f);
    scene_open(&a, &f, "a", chain_routes, NULL);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ref_call(a.n.ref, "w.Echo", (actr_bytes_t){"x", 1}, &options, NULL, &error));
    assert_non_null(strstr(error.message, "actr-chain"));
    scene_close(&a);
    fixture_close(&f);
}

/* ---- deferred ---- */

static actr_status_t hold(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    actr_reply_t *held = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actr_ctx_defer(ctx, &held, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    assert_status(ACTR_STATUS_INVALID_STATE, actr_ctx_defer(ctx, &held, &error)); /* once */
    s->held = held;
    scene_note(s, 'h');
    return ACTR_DEFERRED;
}

static actr_status_t hold_nothing(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    (void)request;
    (void)reply;
    return ACTR_DEFERRED;
}

static actr_status_t answer_inside(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)reply;
    actr_reply_t *held = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actr_ctx_defer(ctx, &held, &error) != ACTR_OK) return ACTR_STATUS_INTERNAL;
    actr_status_t status = actr_reply_send(held, request->payload, &error);
    actr_reply_release(held);
    return status == ACTR_OK ? ACTR_DEFERRED : status;
}

static actr_status_t drop_inside(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)reply;
    (void)request;
    actr_reply_t *held = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actr_ctx_defer(ctx, &held, &error) != ACTR_OK) return ACTR_STATUS_INVALID_STATE;
    actr_reply_release(held);
    return ACTR_DEFERRED;
}

static const scene_route_t defer_routes[] = {{"w.Echo", echo},
                                             {"w.Hold", hold},
                                             {"w.HoldNothing", hold_nothing},
                                             {"w.AnswerInside", answer_inside},
                                             {"w.DropInside", drop_inside},
                                             {0}};

typedef struct outcome {
    scene_t *scene;
    unsigned ended;
    actr_status_t status;
    char text[200];
} outcome_t;

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    outcome_t *o = user;
    o->status = status;
    (void)snprintf(o->text, sizeof o->text, "%.*s", reply == NULL ? 190 : (int)actr_buf_size(reply),
                   reply == NULL ? actr_error_message(error) : (const char *)actr_buf_data(reply));
    actr_buf_release(reply);
    fixture_changed(&o->scene->n, &o->ended);
}

static void start_call(outcome_t *o, scene_t *scene, const actr_dest_t *dest, const char *route, actr_cancel_t *cancel)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.cancel = cancel;
    *o = (outcome_t){.scene = scene};
    assert_ok(actr_ctx_call_async(actr_ref_ctx(scene->n.ref), dest, route, (actr_bytes_t){"x", 1}, &options, on_reply,
                                  o, &error),
              &error);
}

static void deferred_cases(scene_t *callee, scene_t *caller, const actr_dest_t *dest)
{
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t o;
    char text[64];
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    callee->count = 0;
    start_call(&o, caller, dest, "w.Hold", NULL);
    fixture_wait(&callee->n, &callee->count, 1);
    assert_ok(scene_call(caller, dest, "w.Echo", "meanwhile", 0, text, &error), &error); /* the turn is free */
    actr_ref_stats(callee->n.ref, &stats);
    assert_int_equal(stats.deferred_replies, 1);
    assert_int_equal(o.ended, 0);
    assert_ok(actr_reply_send(callee->held, (actr_bytes_t){"later", 5}, &error), &error);
    fixture_wait(&caller->n, &o.ended, 1);
    assert_string_equal(o.text, "later");
    assert_status(ACTR_STATUS_INVALID_STATE, actr_reply_send(callee->held, (actr_bytes_t){"twice", 5}, &error));
    assert_status(ACTR_STATUS_INVALID_STATE, actr_reply_fail(callee->held, ACTR_STATUS_INTERNAL, "twice"));
    actr_reply_release(callee->held);
    actr_ref_stats(callee->n.ref, &stats);
    assert_int_equal(stats.deferred_replies, 0);

    start_call(&o, caller, dest, "w.Hold", NULL);
    fixture_wait(&callee->n, &callee->count, 2);
    uint64_t dropped = stats.dropped_replies;
    actr_reply_release(callee->held); /* without an answer */
    fixture_wait(&caller->n, &o.ended, 1);
    assert_status(ACTR_STATUS_INTERNAL, o.status);
    assert_non_null(strstr(o.text, "dropped"));
    actr_ref_stats(callee->n.ref, &stats);
    assert_int_equal(stats.dropped_replies, dropped + 1);

    start_call(&o, caller, dest, "w.Hold", NULL);
    fixture_wait(&callee->n, &callee->count, 3);
    assert_int_equal(actr_reply_fail(callee->held, ACTR_STATUS_PERMISSION_DENIED, "no %d", 7), ACTR_OK);
    actr_reply_release(callee->held);
    fixture_wait(&caller->n, &o.ended, 1);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, o.status);
    assert_non_null(strstr(o.text, "no 7"));

    assert_status(ACTR_STATUS_INTERNAL, scene_call(caller, dest, "w.HoldNothing", "x", 0, text, &error));
    assert_status(ACTR_STATUS_INTERNAL, scene_call(caller, dest, "w.DropInside", "x", 0, text, &error));
    assert_ok(scene_call(caller, dest, "w.AnswerInside", "in", 0, text, &error), &error);
    assert_string_equal(text, "in");
}

static void test_deferred_replies_here_and_there(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    fixture_open(&f);
    scene_open(&a, &f, "a", defer_routes, NULL);
    scene_open(&b, &f, "b", defer_routes, NULL);
    deferred_cases(&a, &a, &local);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    deferred_cases(&b, &a, &to_b);
    actr_node_stats_t stats = {.struct_size = sizeof stats, .mailbox_in_flight = 1};
    for (int64_t limit = actri_now_ns() + FIXTURE_LIMIT_NS; stats.mailbox_in_flight > 0 && actri_now_ns() < limit;) {
        actr_ref_stats(b.n.ref, &stats); /* the last acknowledgement follows its answer */
    }
    assert_int_equal(stats.mailbox_in_flight, 0); /* every answer was one */
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

static void test_deferred_replies_are_bounded_and_end_with_the_node(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    outcome_t one, two;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.max_deferred_replies = 1;
    config.drain_timeout_ms = 50;
    scene_init(&a, defer_routes, NULL, &workload);
    scene_attach(&a, &config, &workload);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    start_call(&one, &a, &local, "w.Hold", NULL);
    fixture_wait(&a.n, &a.count, 1);
    start_call(&two, &a, &local, "w.Hold", NULL);
    fixture_wait(&a.n, &two.ended, 1);
    assert_status(ACTR_STATUS_LIMIT_REACHED, two.status);
    actr_reply_t *held = a.held;
    actr_ref_shutdown(a.n.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
    assert_int_equal(one.ended, 1);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, one.status);
    assert_true(actr_reply_send(held, (actr_bytes_t){"late", 4}, &error) != ACTR_OK);
    scene_close(&a);
    actr_reply_release(held); /* outlives the node */
    fixture_close(&f);
}

/* The workload's and the Shell's alike: what they owe when the shutdown begins is waited for, within its time. */
static void test_a_shutdown_waits_for_deferred_replies_of_both(void **state)
{
    (void)state;
    const actr_dest_t *const dests[] = {&local, &shell};
    for (int i = 0; i < 4; i++) {
        fixture_t f;
        scene_t a;
        outcome_t o;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_workload_t workload;
        bool in_time = i < 2;
        fixture_open(&f);
        actr_config_t config = fixture_config(&f, "a");
        config.drain_timeout_ms = in_time ? 20000 : 50;
        scene_init(&a, defer_routes, defer_routes, &workload);
        scene_attach(&a, &config, &workload);
        assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
        start_call(&o, &a, dests[i % 2], "w.Hold", NULL);
        fixture_wait(&a.n, &a.count, 1);
        actr_ref_shutdown(a.n.ref);
        if (in_time) {
            assert_status(ACTR_STATUS_TIMEOUT, actr_ref_wait_for_shutdown(a.n.ref, 300, &error)); /* it waits */
            assert_ok(actr_reply_send(a.held, (actr_bytes_t){"later", 5}, &error), &error);
        }
        assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
        assert_int_equal(o.ended, 1);
        assert_status(in_time ? ACTR_OK : ACTR_STATUS_SHUTTING_DOWN, o.status);
        if (in_time) assert_string_equal(o.text, "later");
        actr_reply_release(a.held);
        scene_close(&a);
        fixture_close(&f);
    }
}

/* ---- cancellation ---- */

static actr_status_t slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    scene_note(s, 's');
    return fixture_slow(&s->n);
}

static const scene_route_t slow_routes[] = {{"w.Echo", echo}, {"w.Slow", slow}, {0}};

typedef struct blocked {
    scene_t *scene;
    const actr_dest_t *dest;
    actr_cancel_t *cancel;
    actr_status_t status;
    actri_thread_t thread;
} blocked_t;

static void run_blocked(void *argument)
{
    blocked_t *b = argument;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    options.cancel = b->cancel;
    b->status =
        actr_ctx_call(actr_ref_ctx(b->scene->n.ref), b->dest, "w.Slow", (actr_bytes_t){"x", 1}, &options, NULL, &error);
}

static void cancel_cases(scene_t *callee, scene_t *caller, const actr_dest_t *dest)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_cancel_t *cancel = NULL;
    outcome_t waiting, late;
    assert_ok(actr_cancel_new(actr_ref_ctx(caller->n.ref), &cancel, &error), &error);
    assert_false(actr_cancel_asked(cancel));
    callee->count = 0;
    blocked_t blocked = {.scene = caller, .dest = dest, .cancel = cancel};
    assert_ok(actri_thread_start(&blocked.thread, "blocked", run_blocked, &blocked, &error), &error);
    fixture_wait(&callee->n, &callee->count, 1);
    start_call(&waiting, caller, dest, "w.Slow", cancel);
    actr_cancel_all(cancel);
    assert_true(actr_cancel_asked(cancel));
    actri_thread_join(&blocked.thread);
    assert_status(ACTR_STATUS_CANCELLED, blocked.status);
    if (callee != caller) { /* else the answer's turn waits for the handler's */
        fixture_wait(&caller->n, &waiting.ended, 1);
        assert_status(ACTR_STATUS_CANCELLED, waiting.status);
    }
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.cancel = cancel;
    assert_status(ACTR_STATUS_CANCELLED, actr_ctx_call(actr_ref_ctx(caller->n.ref), dest, "w.Echo",
                                                       (actr_bytes_t){"x", 1}, &options, NULL, &error));
    fixture_open_gate(&callee->n);
    start_call(&late, caller, dest, "w.Echo", NULL);
    fixture_wait(&caller->n, &late.ended, 1);
    assert_status(ACTR_OK, late.status);
    assert_status(ACTR_STATUS_CANCELLED, waiting.status);
    assert_int_equal(waiting.ended, 1);
    actr_cancel_release(cancel);
}

static void test_a_cancelled_call_ends_at_once(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    fixture_open(&f);
    scene_open(&a, &f, "a", slow_routes, NULL);
    scene_open(&b, &f, "b", slow_routes, NULL);
    cancel_cases(&a, &a, &local);
    assert_int_equal(a.count, 1); /* what waited in the queue was not handled */
    actr_dest_t to_b = fixture_find(&a.n, "b");
    cancel_cases(&b, &a, &to_b);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.n.ref, &stats);
    assert_int_equal(stats.pending_calls, 0);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

/* While the connection is still being made. */
static void test_a_call_is_cancelled_before_it_left(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    outcome_t o;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_cancel_t *cancel = NULL;
    fixture_open(&f);
    scene_open(&a, &f, "a", slow_routes, NULL);
    scene_open(&b, &f, "b", slow_routes, NULL);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    assert_ok(actr_cancel_new(actr_ref_ctx(a.n.ref), &cancel, &error), &error);
    start_call(&o, &a, &to_b, "w.Echo", cancel);
    actr_cancel_all(cancel);
    fixture_wait(&a.n, &o.ended, 1);
    assert_true(o.status == ACTR_STATUS_CANCELLED || o.status == ACTR_OK);
    assert_ok(scene_call(&a, &to_b, "w.Echo", "next", 0, NULL, &error), &error);
    actr_cancel_release(cancel);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_shell_answers_its_workload),
        cmocka_unit_test(test_a_shell_without_handler_says_so),
        cmocka_unit_test(test_workload_and_shell_can_not_wait_for_each_other),
        cmocka_unit_test(test_a_cycle_of_three_actors_is_named),
        cmocka_unit_test(test_own_metadata_keys_are_refused),
        cmocka_unit_test(test_deferred_replies_here_and_there),
        cmocka_unit_test(test_deferred_replies_are_bounded_and_end_with_the_node),
        cmocka_unit_test(test_a_shutdown_waits_for_deferred_replies_of_both),
        cmocka_unit_test(test_a_cancelled_call_ends_at_once),
        cmocka_unit_test(test_a_call_is_cancelled_before_it_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
