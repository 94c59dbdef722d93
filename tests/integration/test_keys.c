/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with keys: in order for a key, in parallel for different ones, alone without; Shell and remote alike. */
#include "scene.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

#define CALLERS 4
#define EACH 300

/* What the handlers have seen; under the node's mutex. */
typedef struct seen {
    unsigned inside, most, of_key[128], last[128], done;
    bool wrong;
} seen_t;

static seen_t *seen_of(scene_t *s)
{
    return s->more;
}

static void enter(scene_t *s, unsigned key, unsigned number)
{
    seen_t *seen = seen_of(s);
    actri_lock(&s->n.mutex);
    if (seen->of_key[key]++ > 0) seen->wrong = true;
    if (key == 0 ? seen->inside > 0 : seen->of_key[0] > 0) seen->wrong = true;
    if (number != 0 && number <= seen->last[key]) seen->wrong = true;
    if (number != 0) seen->last[key] = number;
    seen->inside++;
    if (seen->inside > seen->most) seen->most = seen->inside;
    actri_cond_broadcast(&s->n.changed);
    actri_unlock(&s->n.mutex);
}

static void leave(scene_t *s, unsigned key)
{
    seen_t *seen = seen_of(s);
    actri_lock(&s->n.mutex);
    seen->inside--;
    seen->of_key[key]--;
    seen->done++;
    actri_cond_broadcast(&s->n.changed);
    actri_unlock(&s->n.mutex);
}

static bool key_of(const actr_request_t *request, actr_bytes_t *key, void *user)
{
    (void)user;
    if (request->payload.size == 0 || strcmp(request->route, "w.Alone") == 0) return false;
    *key = (actr_bytes_t){request->payload.data, 1};
    return true;
}

static unsigned number_in(const actr_request_t *request)
{
    char text[16] = "";
    size_t size = request->payload.size < 1 ? 0 : request->payload.size - 1;
    memcpy(text, (const char *)request->payload.data + 1, size < 15 ? size : 15);
    return (unsigned)strtoul(text, NULL, 10);
}

static actr_status_t work(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    unsigned key = *(const unsigned char *)request->payload.data;
    enter(s, key, number_in(request));
    leave(s, key);
    *reply = request->payload;
    return ACTR_OK;
}

static actr_status_t alone(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    enter(s, 0, 0);
    leave(s, 0);
    return ACTR_OK;
}

/* Waits until as many are inside as the payload's second character says. */
static actr_status_t meet(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)reply;
    const char *text = request->payload.data;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    bool in_time = true;
    enter(s, (unsigned char)text[0], 0);
    actri_lock(&s->n.mutex);
    while (seen_of(s)->most < (unsigned)(text[1] - '0') && in_time)
        in_time = actri_cond_wait(&s->n.changed, &s->n.mutex, deadline);
    actri_unlock(&s->n.mutex);
    leave(s, (unsigned char)text[0]);
    return in_time ? ACTR_OK : ACTR_STATUS_TIMEOUT;
}

static actr_status_t slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)reply;
    (void)request;
    return fixture_slow(&s->n);
}

static actr_status_t note(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)reply;
    scene_note(s, ((const char *)request->payload.data)[1]);
    return ACTR_OK;
}

static actr_status_t panic(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    scene_note(s, 'p');
    return actr_ctx_panic(ctx, "as asked");
}

static actr_status_t defer(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    actr_reply_t *held = NULL;
    actr_status_t status = actr_ctx_defer(ctx, &held, NULL);
    if (status != ACTR_OK) return status;
    actri_lock(&s->n.mutex);
    s->held = held;
    s->count2++;
    actri_cond_broadcast(&s->n.changed);
    actri_unlock(&s->n.mutex);
    return ACTR_DEFERRED;
}

static actr_status_t ask_self(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    return scene_forward(ctx, &local, "w.Work", request, reply);
}

static const scene_route_t routes[] = {{"w.Work", work},   {"w.Alone", alone},   {"w.Meet", meet},
                                       {"w.Slow", slow},   {"w.Note", note},     {"w.Panic", panic},
                                       {"w.Defer", defer}, {"w.Self", ask_self}, {0}};

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    scene_t *s = user;
    (void)ctx;
    enter(s, 0, 0); /* a hook runs alone */
    leave(s, 0);
    scene_note(s, 'a');
    return ACTR_OK;
}

static void open_keyed(scene_t *s, seen_t *seen, const fixture_t *f, const char *name, uint32_t workers,
                       actr_supervision_t supervision, uint32_t handler_limit_ms)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, name);
    memset(seen, 0, sizeof *seen);
    config.handler_limit_ms = handler_limit_ms;
    scene_init(s, routes, NULL, &workload);
    s->more = seen;
    workload.key_of = key_of;
    workload.workers = workers;
    workload.on_start = on_start;
    workload.supervision = supervision;
    scene_attach(s, &config, &workload);
    assert_ok(actr_node_start(s->n.node, &s->n.ref, &error), &error);
    s->count = 0;
    memset(s->order, 0, sizeof s->order);
}

/* ---- in order, in parallel ---- */

typedef struct caller {
    actri_thread_t thread;
    scene_t *scene;
    const actr_dest_t *dest;
    unsigned number;
} caller_t;

static void call_in_order(void *argument)
{
    caller_t *caller = argument;
    for (unsigned i = 1; i <= EACH; i++) {
        char text[32];
        actr_error_t error = ACTR_ERROR_INIT;
        bool keyed = i % 25 != 0;
        (void)snprintf(text, sizeof text, "%c%u", 'A' + (int)caller->number, i);
        actr_status_t status =
            scene_call(caller->scene, caller->dest, keyed ? "w.Work" : "w.Alone", text, 0, NULL, &error);
        if (status != ACTR_OK) seen_of(caller->scene)->wrong = true;
    }
}

static void order_case(scene_t *callee, scene_t *caller, const actr_dest_t *dest)
{
    caller_t callers[CALLERS];
    actr_error_t error = ACTR_ERROR_INIT;
    memset(seen_of(callee), 0, sizeof(seen_t));
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (caller_t){.scene = caller, .dest = dest, .number = i};
        assert_ok(actri_thread_start(&callers[i].thread, "caller", call_in_order, &callers[i], &error), &error);
    }
    for (unsigned i = 0; i < CALLERS; i++) actri_thread_join(&callers[i].thread);
    assert_false(seen_of(callee)->wrong);
    assert_int_equal(seen_of(callee)->done, CALLERS * EACH);
    assert_true(seen_of(callee)->most <= 3);
}

/* Three keys at once: each handler waits for the others. */
static void parallel_case(scene_t *callee, scene_t *caller, const actr_dest_t *dest)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(seen_of(callee), 0, sizeof(seen_t));
    for (int i = 0; i < 2; i++) {
        char text[3] = {(char)('A' + i), '3', '\0'};
        assert_ok(actr_ctx_tell(actr_ref_ctx(caller->n.ref), dest, "w.Meet", (actr_bytes_t){text, 2}, NULL, &error),
                  &error);
    }
    assert_ok(scene_call(caller, dest, "w.Meet", "C3", 20000, NULL, &error), &error);
    fixture_wait(&callee->n, &seen_of(callee)->done, 3);
    assert_false(seen_of(callee)->wrong);
}

static void test_keys_from_shell_and_peer(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    seen_t seen_a, seen_b;
    fixture_open(&f);
    open_keyed(&a, &seen_a, &f, "a", 3, (actr_supervision_t){0}, 0);
    open_keyed(&b, &seen_b, &f, "b", 3, (actr_supervision_t){0}, 0);
    actr_dest_t to_b = fixture_find(&a.n, "b");
    order_case(&a, &a, &local);
    order_case(&b, &a, &to_b);
    parallel_case(&a, &a, &local);
    parallel_case(&b, &a, &to_b);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

/* ---- priority, limits, failures, the end ---- */

static void note_later(scene_t *s, const actr_dest_t *dest, const char *text, actr_payload_type_t type)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.payload_type = type;
    assert_ok(actr_ctx_tell(actr_ref_ctx(s->n.ref), dest, "w.Note", (actr_bytes_t){text, 2}, &options, &error), &error);
}

/* While a key's turn is held: its high message goes first, others' go on. */
static void test_priorities_inside_a_key(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    seen_t seen;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_keyed(&a, &seen, &f, "a", 2, (actr_supervision_t){0}, 0);
    assert_ok(actr_ctx_tell(actr_ref_ctx(a.n.ref), &local, "w.Slow", (actr_bytes_t){"A", 1}, NULL, &error), &error);
    fixture_wait(&a.n, &a.n.slow_begun, 1);
    note_later(&a, &local, "A1", ACTR_RPC_RELIABLE);
    note_later(&a, &local, "A2", ACTR_RPC_RELIABLE);
    note_later(&a, &local, "A!", ACTR_RPC_SIGNAL);
    note_later(&a, &local, "B3", ACTR_RPC_RELIABLE);
    fixture_wait(&a.n, &a.count, 1);
    assert_string_equal(a.order, "3");
    fixture_open_gate(&a.n);
    fixture_wait(&a.n, &a.count, 4);
    assert_string_equal(a.order, "3!12");
    scene_close(&a);
    fixture_close(&f);
}

static void test_limit_deferral_and_self_call_of_parallel_turns(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    seen_t seen;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    open_keyed(&a, &seen, &f, "a", 2, (actr_supervision_t){0}, 200);
    assert_status(ACTR_STATUS_TIMEOUT, scene_call(&a, &local, "w.Slow", "A", 60000, NULL, &error));
    assert_non_null(strstr(error.message, "longer than its limit"));
    assert_ok(scene_call(&a, &local, "w.Work", "B", 0, NULL, &error), &error); /* beside the one that is stuck */
    fixture_open_gate(&a.n);
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, scene_call(&a, &local, "w.Self", "A", 0, NULL, &error));
    assert_ok(
        actr_ctx_call_async(actr_ref_ctx(a.n.ref), &local, "w.Defer", (actr_bytes_t){"A", 1}, NULL, NULL, NULL, &error),
        &error);
    fixture_wait(&a.n, &a.count2, 1);
    assert_ok(scene_call(&a, &local, "w.Work", "A9", 0, NULL, &error), &error); /* deferred is not running */
    actr_ref_stats(a.n.ref, &stats);
    assert_int_equal(stats.deferred_replies, 1);
    assert_ok(actr_reply_send(a.held, (actr_bytes_t){"x", 1}, &error), &error);
    actr_reply_release(a.held);
    scene_close(&a);
    assert_false(seen.wrong);
    fixture_close(&f);
}

static void test_a_restart_waits_for_the_turns_beside_it(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    seen_t seen;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_keyed(&a, &seen, &f, "a", 2, (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART}, 0);
    assert_ok(actr_ctx_tell(actr_ref_ctx(a.n.ref), &local, "w.Slow", (actr_bytes_t){"A", 1}, NULL, &error), &error);
    fixture_wait(&a.n, &a.n.slow_begun, 1);
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a, &local, "w.Panic", "B", 0, NULL, &error));
    note_later(&a, &local, "C1", ACTR_RPC_RELIABLE); /* behind the restart */
    assert_int_equal(a.count, 1);
    fixture_open_gate(&a.n);
    fixture_wait(&a.n, &a.count, 3);
    assert_string_equal(a.order, "pa1");
    scene_close(&a);
    assert_false(seen.wrong);
    fixture_close(&f);
}

static void test_shutdown_waits_for_parallel_turns(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    seen_t seen;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_keyed(&a, &seen, &f, "a", 3, (actr_supervision_t){0}, 0);
    for (int i = 0; i < 2; i++) {
        char key = (char)('A' + i);
        assert_ok(actr_ctx_tell(actr_ref_ctx(a.n.ref), &local, "w.Slow", (actr_bytes_t){&key, 1}, NULL, &error),
                  &error);
    }
    fixture_wait(&a.n, &a.n.slow_begun, 2);
    actr_ref_shutdown(a.n.ref);
    assert_status(ACTR_STATUS_TIMEOUT, actr_ref_wait_for_shutdown(a.n.ref, 1, &error));
    assert_int_equal(a.n.slow_ended, 0);
    fixture_open_gate(&a.n);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
    assert_int_equal(a.n.slow_ended, 2);
    scene_close(&a);
    fixture_close(&f);
}

static void test_what_can_not_be_had_is_refused(void **state)
{
    (void)state;
    fixture_t f;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    workload.key_of = key_of;
    workload.workers = 33;
    assert_ok(actr_system_new(&config, &system, &error), &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_system_attach(system, &workload, &node, &error));
    actr_system_release(system);
    config.affinity = ACTR_AFFINITY_THREAD;
    workload.workers = 2;
    assert_ok(actr_system_new(&config, &system, &error), &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_system_attach(system, &workload, &node, &error));
    assert_non_null(strstr(error.message, "affinity"));
    actr_system_release(system);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_from_shell_and_peer),
        cmocka_unit_test(test_priorities_inside_a_key),
        cmocka_unit_test(test_limit_deferral_and_self_call_of_parallel_turns),
        cmocka_unit_test(test_a_restart_waits_for_the_turns_beside_it),
        cmocka_unit_test(test_shutdown_waits_for_parallel_turns),
        cmocka_unit_test(test_what_can_not_be_had_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
