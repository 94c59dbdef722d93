/* SPDX-License-Identifier: Apache-2.0 */
/* Where turns run: on a thread of the node's own, inside a foreign loop. */
#include "scene.h"

#include <poll.h>

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL}, shell = {.kind = ACTR_DEST_SHELL};

/* The threads on which the workload ran; under the node's mutex. */
typedef struct where {
    pthread_t first, last;
    unsigned count;
    bool moved;
} where_t;

static void here(scene_t *s)
{
    where_t *where = s->more;
    pthread_t self = pthread_self();
    actri_lock(&s->n.mutex);
    if (where->count == 0)
        where->first = self;
    else if (!pthread_equal(where->first, self))
        where->moved = true;
    where->last = self;
    where->count++;
    actri_cond_broadcast(&s->n.changed);
    actri_unlock(&s->n.mutex);
}

static actr_status_t echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    here(s);
    *reply = request->payload;
    return ACTR_OK;
}

static void tick(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    scene_t *s = user;
    here(s);
    scene_note(s, 't');
}

static void on_answer(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)error;
    scene_t *s = user;
    here(s);
    actr_buf_release(reply);
    s->seen = status;
    scene_note(s, 'r');
}

/* From an answer the workload can not be waited for: it is its turn. */
static void call_from_answer(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)status;
    (void)error;
    scene_t *s = user;
    actr_buf_release(reply);
    s->seen = scene_call(s, &local, "w.Echo", "x", 0, NULL, NULL);
    scene_note(s, 'c');
}

static actr_status_t set_timer(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    here(s);
    return actr_ctx_after(ctx, 1, tick, s, NULL, NULL);
}

static actr_status_t ask_shell(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    here(s);
    return scene_forward(ctx, &shell, "s.Echo", request, reply);
}

static actr_status_t shell_echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    here(user);
    return ACTR_OK;
}

static void on_hook(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    here(user);
}

static void on_event(const actr_event_t *event, void *user)
{
    (void)event;
    here(user);
}

/* A payload and a reply by reference: the same pointers at both ends, queued or not. */
static actr_status_t by_reference(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_buf_t *buf = actr_ctx_request_buf(ctx);
    (void)reply;
    if (buf == NULL || actr_buf_data(buf) != request->payload.data || buf != s->kept) return ACTR_STATUS_INTERNAL;
    actr_ctx_reply_buf(ctx, actr_buf_retain(s->answer));
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"w.Echo", echo},          {"w.Timer", set_timer},
                                       {"w.AskShell", ask_shell}, {"w.ByReference", by_reference},
                                       {"w.Defer", scene_defer},  {0}};
static const scene_route_t shell_routes[] = {{"s.Echo", shell_echo}, {0}};

static void open_at(scene_t *s, where_t *where, const fixture_t *f, const char *name, actr_affinity_t affinity)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, name);
    config.affinity = affinity;
    memset(where, 0, sizeof *where);
    scene_init(s, routes, shell_routes, &workload);
    s->more = where;
    workload.on_start = on_start;
    workload.on_ready = on_hook;
    workload.on_stop = on_hook;
    workload.on_event = on_event;
    scene_attach(s, &config, &workload);
    assert_ok(actr_node_start(s->n.node, &s->n.ref, &error), &error);
}

static void start_call(scene_t *s, const char *route, actr_reply_fn on_reply)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(
        actr_ctx_call_async(actr_ref_ctx(s->n.ref), &local, route, (actr_bytes_t){"x", 1}, NULL, on_reply, s, &error),
        &error);
}

static void test_an_idle_node_answers_on_the_callers_thread(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    where_t where;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t before = {.struct_size = sizeof before}, after = before;
    fixture_open(&f);
    open_at(&a, &where, &f, "a", ACTR_AFFINITY_POOL);
    start_call(&a, "w.Echo", on_answer);
    fixture_wait(&a.n, &a.count, 1);
    do { /* until the answer's turn has quite ended */
        assert_ok(scene_call(&a, &local, "w.Echo", "x", 0, NULL, &error), &error);
    } while (!pthread_equal(where.last, pthread_self()));
    actr_ref_stats(a.n.ref, &before);
    for (int i = 0; i < 100; i++) {
        assert_ok(scene_call(&a, &local, "w.Echo", "x", 0, NULL, &error), &error);
        assert_true(pthread_equal(where.last, pthread_self()));
    }
    actr_ref_stats(a.n.ref, &after);
    assert_int_equal(after.turns_here - before.turns_here, 100);
    assert_int_equal(after.executor_wakeups, before.executor_wakeups);
    assert_ok(scene_call(&a, &local, "w.Echo", "x", 20000, NULL, &error), &error); /* a limit: it can be left */
    assert_false(pthread_equal(where.last, pthread_self()));
    start_call(&a, "w.Echo", call_from_answer);
    fixture_wait(&a.n, &a.count, 2);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, a.seen);
    scene_close(&a);
    fixture_close(&f);
}

static void test_a_payload_is_never_copied(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    where_t where, where_b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    fixture_open(&f);
    open_at(&a, &where, &f, "a", ACTR_AFFINITY_POOL);
    open_at(&b, &where_b, &f, "b", ACTR_AFFINITY_POOL);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    a.kept = actr_buf_copy((actr_bytes_t){"payload", 7});
    a.answer = actr_buf_copy((actr_bytes_t){"answer", 6});
    for (uint32_t limit = 0; limit <= 20000; limit += 20000) { /* here, and queued */
        actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
        options.timeout_ms = limit;
        assert_ok(actr_ctx_call_buf(ctx, &local, "w.ByReference", a.kept, &options, &reply, &error), &error);
        assert_ptr_equal(reply, a.answer);
        actr_buf_release(reply);
        assert_ok(actr_ctx_call_buf(ctx, &local, "w.Echo", a.kept, &options, &reply, &error), &error);
        assert_ptr_equal(reply, a.kept); /* a handler that says it again */
        actr_buf_release(reply);
    }
    assert_ok(actr_ctx_call_buf_async(ctx, &local, "w.ByReference", a.kept, NULL, on_answer, &a, &error), &error);
    fixture_wait(&a.n, &a.count, 1);
    assert_status(ACTR_OK, a.seen);
    assert_ok(actr_ctx_tell_buf(ctx, &local, "w.ByReference", a.kept, NULL, &error), &error);
    actr_dest_t to_b = fixture_find(&a.n, "b"); /* over the network it is bytes */
    b.kept = NULL;
    assert_ok(actr_ctx_call_buf(ctx, &to_b, "w.Echo", a.kept, NULL, &reply, &error), &error);
    assert_memory_equal(actr_buf_data(reply), "payload", 7);
    actr_buf_release(reply);
    assert_status(ACTR_STATUS_INTERNAL, actr_ctx_call_buf(ctx, &to_b, "w.ByReference", a.kept, NULL, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_call_buf(ctx, &to_b, "w.Echo", NULL, NULL, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_tell_buf(ctx, &local, "w.Echo", NULL, NULL, &error));
    scene_close(&a);
    scene_close(&b);
    actr_buf_release(a.kept);
    actr_buf_release(a.answer);
    fixture_close(&f);
}

static void keep_answer(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)error;
    scene_t *s = user;
    s->seen = status;
    s->kept = reply;
    scene_note(s, 'r');
}

/* A handle answers with a buffer: the caller within the process gets this very one, a peer its bytes. */
static void test_a_deferred_reply_goes_by_reference(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    where_t where, where_b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_at(&a, &where, &f, "a", ACTR_AFFINITY_POOL);
    open_at(&b, &where_b, &f, "b", ACTR_AFFINITY_POOL);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    actr_buf_t *answer = actr_buf_copy((actr_bytes_t){"answer", 6});
    const actr_dest_t *to[] = {&local, &to_b};
    scene_t *callee[] = {&a, &b};
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(actr_ctx_call_async(actr_ref_ctx(a.n.ref), to[i], "w.Defer", (actr_bytes_t){"", 0}, NULL, keep_answer,
                                      &a, &error),
                  &error);
        fixture_wait(&callee[i]->n, &callee[i]->count, 1);
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_reply_send_buf(callee[i]->held, NULL, &error));
        assert_ok(actr_reply_send_buf(callee[i]->held, answer, &error), &error);
        assert_status(ACTR_STATUS_INVALID_STATE, actr_reply_send_buf(callee[i]->held, answer, &error));
        actr_reply_release(callee[i]->held);
        fixture_wait(&a.n, &a.count, 2 + i);
        assert_status(ACTR_OK, a.seen);
        assert_true((a.kept == answer) == (i == 0));
        assert_memory_equal(actr_buf_data(a.kept), "answer", 6);
        actr_buf_release(a.kept);
    }
    scene_close(&a);
    scene_close(&b);
    actr_buf_release(answer);
    fixture_close(&f);
}

/* Everything of the node on one thread, which is nobody else's. */
static void test_a_node_may_have_a_thread_of_its_own(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    where_t where, where_b;
    char text[64];
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_at(&a, &where, &f, "a", ACTR_AFFINITY_THREAD);
    open_at(&b, &where_b, &f, "b", ACTR_AFFINITY_POOL);
    actr_dest_t to_a = fixture_find(&b.n, "a");
    assert_ok(scene_call(&b, &to_a, "w.Echo", "remote", 0, text, &error), &error);
    for (int i = 0; i < 50; i++) assert_ok(scene_call(&a, &local, "w.Echo", "x", 0, NULL, &error), &error);
    assert_ok(scene_call(&a, &local, "w.AskShell", "ask", 0, text, &error), &error);
    assert_string_equal(text, "ask");
    assert_ok(scene_call(&a, &local, "w.Timer", "", 0, NULL, &error), &error);
    start_call(&a, "w.Echo", on_answer);
    fixture_wait(&a.n, &a.count, 2);
    assert_status(ACTR_OK, a.seen);
    scene_close(&b);
    scene_close(&a);
    assert_true(where.count > 55);
    assert_false(where.moved);
    assert_false(pthread_equal(where.first, pthread_self()));
    fixture_close(&f);
}

/* ---- a foreign loop ---- */

static bool is_readable(const actr_system_t *system, int timeout_ms)
{
    struct pollfd poller = {.fd = actr_system_fd(system), .events = POLLIN};
    return poll(&poller, 1, timeout_ms) == 1;
}

static bool has_come(scene_t *s, const unsigned *counter, unsigned least)
{
    actri_lock(&s->n.mutex);
    bool come = *counter >= least;
    actri_unlock(&s->n.mutex);
    return come;
}

/* Polls and dispatches until *counter of `of` is at least `least`. */
static void loop_until(scene_t *s, scene_t *of, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    while (!has_come(of, counter, least)) {
        assert_true(actri_now_ns() < deadline);
        if (is_readable(s->n.system, 100)) assert_true(actr_system_dispatch(s->n.system, 0, 0) >= 0);
    }
}

typedef struct other_thread {
    actri_thread_t thread;
    scene_t *scene;
    actr_status_t status;
    unsigned done; /* under the node's mutex */
} other_thread_t;

static void call_from_elsewhere(void *argument)
{
    other_thread_t *other = argument;
    other->status = scene_call(other->scene, &local, "w.Echo", "x", 20000, NULL, NULL);
    fixture_changed(&other->scene->n, &other->done);
}

static void test_a_foreign_loop_runs_the_turns(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    where_t where, where_b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_at(&a, &where, &f, "a", ACTR_AFFINITY_LOOP); /* its hooks ran here, inside start */
    assert_true(where.count >= 2);
    open_at(&b, &where_b, &f, "b", ACTR_AFFINITY_POOL);
    assert_int_equal(actr_system_fd(b.n.system), -1);
    assert_int_equal(actr_system_dispatch(b.n.system, 1, 0), ACTR_STATUS_INVALID_STATE);
    while (actr_system_dispatch(a.n.system, 0, 0) > 0) continue; /* events of the start */
    assert_false(is_readable(a.n.system, 0));
    start_call(&a, "w.Echo", on_answer);
    assert_true(is_readable(a.n.system, 0));
    assert_int_equal(a.count, 0);                                /* not before dispatch */
    assert_int_equal(actr_system_dispatch(a.n.system, 1, 0), 1); /* the handler */
    assert_int_equal(a.count, 0);
    loop_until(&a, &a, &a.count, 1);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, scene_call(&a, &local, "w.Echo", "x", 0, NULL, &error));
    assert_non_null(strstr(error.message, "loop"));
    other_thread_t other = {.scene = &a};
    assert_ok(actri_thread_start(&other.thread, "other", call_from_elsewhere, &other, &error), &error);
    loop_until(&a, &a, &other.done, 1);
    actri_thread_join(&other.thread);
    assert_status(ACTR_OK, other.status);
    actr_dest_t to_a = fixture_find(&b.n, "a"), to_b = fixture_find(&a.n, "b");
    assert_ok(actr_ctx_call_async(actr_ref_ctx(b.n.ref), &to_a, "w.Echo", (actr_bytes_t){"x", 1}, NULL, on_answer, &b,
                                  &error),
              &error);
    loop_until(&a, &b, &b.count, 1); /* a peer's request is a turn as well */
    assert_status(ACTR_OK, b.seen);
    assert_ok(scene_call(&a, &to_b, "w.Echo", "x", 0, NULL, &error), &error); /* holds the loop, does not hang */
    start_call(&a, "w.AskShell", on_answer);
    loop_until(&a, &a, &a.count, 2);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, a.seen); /* the Shell's turns are the loop's, too */
    assert_ok(actr_ctx_after(actr_ref_ctx(a.n.ref), 1, tick, &a, NULL, &error), &error);
    loop_until(&a, &a, &a.count, 3);
    scene_close(&a); /* runs the last turns itself */
    scene_close(&b);
    assert_false(where.moved);
    assert_true(pthread_equal(where.first, pthread_self()));
    fixture_close(&f);
}

static void test_a_start_that_fails_in_a_loop_undoes_itself(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_t f;
    fixture_node_t n;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.affinity = ACTR_AFFINITY_LOOP;
    fixture_attach(&n, &config);
    n.start_result = ACTR_STATUS_INVALID_STATE;
    assert_status(ACTR_STATUS_INVALID_STATE, actr_node_start(n.node, &n.ref, &error));
    n.start_result = ACTR_OK;
    assert_ok(actr_node_start(n.node, &n.ref, &error), &error);
    fixture_stop(&n);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_idle_node_answers_on_the_callers_thread),
        cmocka_unit_test(test_a_payload_is_never_copied),
        cmocka_unit_test(test_a_deferred_reply_goes_by_reference),
        cmocka_unit_test(test_a_node_may_have_a_thread_of_its_own),
        cmocka_unit_test(test_a_foreign_loop_runs_the_turns),
        cmocka_unit_test(test_a_start_that_fails_in_a_loop_undoes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
