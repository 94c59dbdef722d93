/* SPDX-License-Identifier: Apache-2.0 */
/* What a workload hears from start to stop, in order and once each; starts that fail; the order of a shutdown. */
#include "scene.h"

#include "proto/idcodec.h"

#include <dirent.h>
#include <unistd.h>

/* ---- a node that writes down all it hears ---- */

typedef struct witness {
    scene_t s;
    char heard[2000]; /* "event, event", repeated connecting attempts of signaling written once */
    actr_status_t last_status;
    actr_status_t start_result;
    bool relayed;
    char log[6000]; /* lines of the node's machine */
} witness_t;

static void hear(witness_t *w, const char *word)
{
    actri_lock(&w->s.n.mutex);
    size_t size = strlen(w->heard), word_size = strlen(word);
    bool again = size >= word_size && strcmp(w->heard + size - word_size, word) == 0;
    if (!again || strcmp(word, "signaling connecting") != 0) {
        (void)snprintf(w->heard + size, sizeof w->heard - size, "%s%s", size == 0 ? "" : ", ", word);
    }
    actri_cond_broadcast(&w->s.n.changed);
    actri_unlock(&w->s.n.mutex);
}

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    witness_t *w = user;
    assert_string_equal(actr_ctx_request_id(ctx), "bootstrap");
    assert_null(actr_ctx_caller_id(ctx));
    assert_true(actr_ctx_self_id(ctx)->serial_number != 0); /* it is registered */
    hear(w, "on_start");
    return w->start_result == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, w->start_result, "not today");
}

static void on_ready(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    hear(user, "on_ready");
}

static void on_stop(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    hear(user, "on_stop");
}

static void on_event(const actr_event_t *event, void *user)
{
    witness_t *w = user;
    w->last_status = event->status;
    w->relayed = w->relayed || event->relayed;
    assert_true((event->peer != NULL) == (strncmp(actr_event_name(event->kind), "peer", 4) == 0));
    if (event->kind == ACTR_EVENT_ERROR) {
        actri_lock(&w->s.n.mutex);
        size_t size = strlen(w->s.text);
        (void)snprintf(w->s.text + size, sizeof w->s.text - size, "%s: %s; ", actr_status_name(event->status),
                       event->detail);
        actri_unlock(&w->s.n.mutex);
        fixture_changed(&w->s.n, &w->s.count2);
    }
    hear(w, actr_event_name(event->kind));
}

static void on_log(actr_log_level_t level, const char *area, const char *line, void *user)
{
    witness_t *w = user;
    (void)level;
    if (strcmp(area, "node") != 0) return;
    actri_lock(&w->s.n.mutex);
    size_t size = strlen(w->log);
    (void)snprintf(w->log + size, sizeof w->log - size, "%s; ", line);
    actri_unlock(&w->s.n.mutex);
}

static actr_status_t serve_slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    *reply = request->payload;
    return fixture_slow(&s->n);
}

static actr_status_t serve_echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

static actr_status_t serve_panic(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)request;
    (void)reply;
    return actr_ctx_panic(ctx, "as asked");
}

static const scene_route_t routes[] = {{"w.Echo", serve_echo}, {"w.Slow", serve_slow}, {"w.Panic", serve_panic}, {0}};

static void witness_attach(witness_t *w, const fixture_t *f, const char *name)
{
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, name);
    memset(w, 0, sizeof *w);
    scene_init(&w->s, routes, NULL, &workload);
    workload.on_start = on_start;
    workload.on_ready = on_ready;
    workload.on_stop = on_stop;
    workload.on_event = on_event;
    config.log = on_log;
    config.log_user = w;
    config.log_level = ACTR_LOG_DEBUG;
    config.drain_timeout_ms = 20000;
    scene_attach(&w->s, &config, &workload);
}

static void witness_open(witness_t *w, const fixture_t *f, const char *name)
{
    actr_error_t error = ACTR_ERROR_INIT;
    witness_attach(w, f, name);
    assert_ok(actr_node_start(w->s.n.node, &w->s.n.ref, &error), &error);
}

/* Waits until exactly these have been heard, in this order. */
static void expect(witness_t *w, const char *heard)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&w->s.n.mutex);
    while (strcmp(w->heard, heard) != 0) {
        if (!actri_cond_wait(&w->s.n.changed, &w->s.n.mutex, deadline)) fail_msg("heard: %s", w->heard);
    }
    actri_unlock(&w->s.n.mutex);
}

#define BORN "signaling connecting, signaling connected, on_start, on_ready"

static void heart_beats_each_second(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->interval_secs = 1;
}

static void one_warning(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->warnings = 1;
}

/* ---- what is heard ---- */

static void all_is_heard_in_order_and_once(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    scene_t b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actri_server_switch(f.server, heart_beats_each_second, NULL);
    witness_open(&a, &f, "a");
    expect(&a, BORN);
    scene_open(&b, &f, "b", routes, NULL);
    actr_dest_t to_a = fixture_find(&b.n, "a");
    assert_ok(scene_call(&b, &to_a, "w.Echo", "hello", 0, NULL, &error), &error);
    expect(&a, BORN ", peer connecting, peer connected");
    assert_false(a.relayed);
    scene_close(&b);
    expect(&a, BORN ", peer connecting, peer connected, peer closed");
    actri_server_switch(f.server, one_warning, NULL);
    expect(&a, BORN ", peer connecting, peer connected, peer closed, credential expiring, credential renewed");
    assert_true(actri_server_kick(f.server, actr_ref_actor_id(a.s.n.ref), false));
    expect(&a, BORN ", peer connecting, peer connected, peer closed, credential expiring, credential renewed, "
                    "signaling disconnected, signaling connecting, signaling connected");
    scene_close(&a.s); /* and nothing after on_stop */
    assert_string_equal(a.heard,
                        BORN ", peer connecting, peer connected, peer closed, credential expiring, credential renewed, "
                             "signaling disconnected, signaling connecting, signaling connected, on_stop");
    fixture_close(&f);
}

static void an_attempt_that_fails_is_told(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    witness_open(&a, &f, "a");
    actr_dest_t gone = actr_dest_actor(actr_ref_actor_id(a.s.n.ref));
    gone.id.serial_number += 77;
    assert_status(ACTR_STATUS_UNAVAILABLE, scene_call(&a.s, &gone, "w.Echo", "", 0, NULL, &error));
    expect(&a, BORN ", peer connecting, peer closed");
    assert_status(ACTR_STATUS_UNAVAILABLE, a.last_status);
    scene_close(&a.s);
    fixture_close(&f);
}

static void a_failing_handler_is_an_error_that_is_heard(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    witness_open(&a, &f, "a");
    actr_dest_t local = actr_dest_local();
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, scene_call(&a.s, &local, "w.None", "", 0, NULL, &error)); /* an answer */
    assert_status(ACTR_STATUS_HANDLER_PANIC, scene_call(&a.s, &local, "w.Panic", "", 0, NULL, &error));
    expect(&a, BORN ", error");
    assert_status(ACTR_STATUS_HANDLER_PANIC, a.last_status);
    scene_close(&a.s);
    fixture_close(&f);
}

/* ---- starts that fail ---- */

static unsigned entries(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir) != NULL) count++;
    (void)closedir(dir);
    return count;
}

/* No more than these, once the server has closed its ends, and the kernel has let go of threads that were joined. */
static void expect_entries(const char *folder, unsigned most)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    while (entries(folder) > most) {
        if (actri_now_ns() > deadline) fail_msg("%s: %u, not %u", folder, entries(folder), most);
    }
}

static void a_failed_start_leaves_nothing_behind(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    witness_attach(&a, &f, "a");
    a.start_result = ACTR_STATUS_IO;
    assert_status(ACTR_STATUS_IO, actr_node_start(a.s.n.node, &a.s.n.ref, &error)); /* libraries warm up */
    unsigned threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
    for (int i = 0; i < 5; i++) {
        assert_status(ACTR_STATUS_IO, actr_node_start(a.s.n.node, &a.s.n.ref, &error));
        assert_string_equal(error.message, "bootstrap failed: not today");
    }
    expect_entries("/proc/self/task", threads);
    expect_entries("/proc/self/fd", files);
    assert_null(strstr(a.heard, "on_stop")); /* on_start said no: there is nothing to stop */
    assert_null(strstr(a.heard, "on_ready"));
    a.heard[0] = '\0';
    a.start_result = ACTR_OK;
    assert_ok(actr_node_start(a.s.n.node, &a.s.n.ref, &error), &error);
    expect(&a, BORN);
    assert_status(ACTR_STATUS_INVALID_STATE, actr_node_start(a.s.n.node, &a.s.n.ref, &error)); /* it runs already */
    scene_close(&a.s);
    fixture_close(&f);
}

/* The reference's socket, loops and peers live on after a shutdown, until the process ends. */
static void a_life_leaves_nothing_behind(void **state)
{
    (void)state;
    unsigned threads = 0, files = 0;
    fixture_t f;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    for (int i = 0; i < 8; i++) {
        scene_t a, b;
        scene_open(&a, &f, "a", routes, NULL);
        scene_open(&b, &f, "b", routes, NULL);
        actr_dest_t to_b = fixture_find(&a.n, "b");
        assert_ok(scene_call(&a, &to_b, "w.Echo", "x", 0, NULL, &error), &error);
        scene_close(&a);
        scene_close(&b);
        if (i == 0) { /* libraries are warm */
            threads = entries("/proc/self/task");
            files = entries("/proc/self/fd");
        }
    }
    expect_entries("/proc/self/task", threads);
    expect_entries("/proc/self/fd", files);
    fixture_close(&f);
}

/* ---- shutdown ---- */

typedef struct slow_call {
    scene_t *from;
    const actr_dest_t *to;
    actr_status_t status;
    char reply[64];
    actr_error_t error;
    actri_thread_t thread;
} slow_call_t;

static void run_slow_call(void *argument)
{
    slow_call_t *call = argument;
    call->status = scene_call(call->from, call->to, "w.Slow", "late", 20000, call->reply, &call->error);
}

/* The order of design 4: new work is refused while what runs ends, its reply leaves, on_stop comes behind it, the peer
   is told, and all is unregistered. */
static void a_shutdown_goes_in_order(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    scene_t b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    witness_open(&a, &f, "a");
    scene_open(&b, &f, "b", routes, NULL);
    actr_dest_t to_a = fixture_find(&b.n, "a");
    slow_call_t call = {.from = &b, .to = &to_a};
    assert_ok(actri_thread_start(&call.thread, "slow", run_slow_call, &call, &error), &error);
    fixture_wait(&a.s.n, &a.s.n.slow_begun, 1);
    actr_ref_shutdown(a.s.n.ref);
    actr_status_t refused;
    do { /* until the refusal has begun: earlier ones join the queue and time out behind the slow one */
        refused = scene_call(&b, &to_a, "w.Echo", "too late", 100, NULL, &error);
    } while (refused == ACTR_STATUS_TIMEOUT);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, refused);
    actri_lock(&a.s.n.mutex);
    assert_null(strstr(a.heard, "on_stop"));
    actri_unlock(&a.s.n.mutex);
    fixture_open_gate(&a.s.n);
    actri_thread_join(&call.thread);
    assert_ok(call.status, &call.error); /* its reply left before the connection went */
    assert_string_equal(call.reply, "late");
    assert_ok(actr_ref_wait_for_shutdown(a.s.n.ref, 20000, &error), &error);
    assert_status(ACTR_STATUS_UNAVAILABLE, scene_call(&b, &to_a, "w.Echo", "gone", 5000, NULL, &error));
    scene_close(&a.s);
    const char *order[] = {"shutdown, running -> draining", "drained, draining -> stopping",
                           "on_stop ran, stopping -> closing", "closed, closing -> stopped"};
    const char *at = a.log;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (at == NULL) fail_msg("no \"%s\" in: %s", order[i], a.log);
    }
    scene_close(&b);
    fixture_close(&f);
}

typedef struct stopper {
    fixture_t *f;
    witness_t *witness;
    actr_ref_t *ref;
    bool ended; /* when its wait returned, on_stop had run and the server knew */
    actr_status_t status;
    actr_error_t error;
    actri_thread_t thread;
} stopper_t;

static bool unregistered(const actri_server_counts_t *counts, void *user)
{
    (void)user;
    return counts->unregistrations == 1;
}

static void run_stopper(void *argument)
{
    stopper_t *stopper = argument;
    actr_ref_shutdown(stopper->ref);
    stopper->status = actr_ref_wait_for_shutdown(stopper->ref, 20000, &stopper->error);
    actri_server_counts_t counts;
    stopper->ended = actri_server_wait(stopper->f->server, unregistered, NULL, actri_now_ns(), &counts);
    actri_lock(&stopper->witness->s.n.mutex);
    stopper->ended = stopper->ended && strstr(stopper->witness->heard, "on_stop") != NULL;
    actri_unlock(&stopper->witness->s.n.mutex);
    actr_ref_release(stopper->ref);
}

/* The reference's second waiter finds nothing to wait for, and returns while the node still goes down. */
static void many_may_shut_down_at_once(void **state)
{
    (void)state;
    fixture_t f;
    witness_t a;
    stopper_t stoppers[6];
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    witness_open(&a, &f, "a");
    for (size_t i = 0; i < 6; i++) {
        stoppers[i] = (stopper_t){.f = &f, .witness = &a, .ref = actr_ref_retain(a.s.n.ref)};
        assert_ok(actri_thread_start(&stoppers[i].thread, "stopper", run_stopper, &stoppers[i], &error), &error);
    }
    for (size_t i = 0; i < 6; i++) {
        actri_thread_join(&stoppers[i].thread);
        assert_ok(stoppers[i].status, &stoppers[i].error);
        assert_true(stoppers[i].ended);
    }
    scene_close(&a.s);
    assert_string_equal(a.heard, BORN ", on_stop");
    fixture_close(&f);
}

/* Each with its own system; they call each other, and go in any order. */
static void many_nodes_in_one_process(void **state)
{
    (void)state;
    enum { NODES = 6 };
    fixture_t f;
    static scene_t nodes[NODES];
    char name[NODES][8], text[64];
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    for (int i = 0; i < NODES; i++) {
        (void)snprintf(name[i], sizeof name[i], "n%d", i);
        scene_open(&nodes[i], &f, name[i], routes, NULL);
    }
    for (int i = 0; i < NODES; i++) {
        actr_dest_t next = fixture_find(&nodes[i].n, name[(i + 1) % NODES]);
        assert_ok(scene_call(&nodes[i], &next, "w.Echo", name[i], 0, text, &error), &error);
        assert_string_equal(text, name[i]);
    }
    static const int order[NODES] = {3, 0, 5, 1, 4, 2};
    for (int i = 0; i < NODES; i++) {
        scene_close(&nodes[order[i]]);
        if (i + 1 == NODES) continue;
        scene_t *left = &nodes[order[NODES - 1]];
        actr_dest_t local = actr_dest_local();
        assert_ok(scene_call(left, &local, "w.Echo", "still here", 0, text, &error), &error);
    }
    fixture_close(&f);
}

static bool show_nothing(void *user, const actr_message_t *message)
{
    *(int64_t *)user = message->id;
    return true;
}

static bool show_receiver(void *user, const actr_dead_letter_t *letter)
{
    assert_true(actri_id_decode(letter->receiver.data, letter->receiver.size, user));
    return true;
}

/* One that nobody can read, and one whose handling has never ended: each is heard of once, and is no handler's failure.
 */
static void a_dead_letter_is_heard_of(void **state)
{
    (void)state;
    fixture_t f;
    witness_t w;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_mailbox_t *mailbox = NULL;
    actr_dlq_t *letters = NULL;
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    actr_message_t message = {.payload = {"\xff no envelope", 14}};
    int64_t id = 0;
    size_t taken = 0;
    fixture_open(&f);
    assert_ok(actr_memory_store_open(&options, &mailbox, &letters, &error), &error);
    assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, &error), &error);
    assert_ok(actr_mailbox_dequeue(mailbox, 1, ACTR_LEASE_FOR_EVER, show_nothing, &id, &taken, &error), &error);
    assert_ok(actr_mailbox_nack(mailbox, &(actr_nack_t){.id = id}, 1, &error), &error); /* one attempt */
    assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, &error), &error);
    memset(&w, 0, sizeof w);
    scene_init(&w.s, routes, NULL, &workload);
    workload.on_event = on_event;
    actr_config_t config = fixture_config(&f, "dead");
    config.mailbox = mailbox;
    config.dead_letters = letters;
    config.mailbox_max_attempts = 1;
    scene_attach(&w.s, &config, &workload);
    assert_ok(actr_node_start(w.s.n.node, &w.s.n.ref, &error), &error);
    fixture_wait(&w.s.n, &w.s.count2, 2);
    actr_id_t self = *actr_ref_actor_id(w.s.n.ref), receiver = {0};
    fixture_stop(&w.s.n);
    actr_dlq_filter_t filter = ACTR_DLQ_FILTER_INIT;
    filter.category = "protobuf_decode";
    assert_ok(actr_dlq_query(letters, &filter, NULL, show_receiver, &receiver, &taken, &error), &error);
    assert_int_equal(taken, 1);
    assert_true(actr_id_equal(&receiver, &self));
    assert_int_equal(w.s.count2, 2);
    assert_non_null(strstr(w.s.text, "LIMIT_REACHED: stored request 1 has become a dead letter: tried 1 times"));
    assert_non_null(strstr(w.s.text, "DECODE: stored request 2 has become a dead letter"));
    actr_mailbox_close(mailbox);
    actr_dlq_close(letters);
    fixture_close(&f);
}

/* ---- what must not hold a shutdown up ---- */

static actr_status_t serve_ask(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    s->seen = scene_forward(ctx, &s->peer, "w.Slow", request, reply);
    scene_note(s, 'r');
    return s->seen;
}

static void note_stop(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    scene_note(user, 'z');
}

/* The reference's pending calls wait for their timers: half a minute (lifecycle-and-rpc 3). */
static void a_handler_that_waits_for_a_peer_is_let_go(void **state)
{
    (void)state;
    static const scene_route_t asking[] = {{"w.Ask", serve_ask}, {0}};
    fixture_t f;
    scene_t a, b;
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&b, &f, "b", routes, NULL);
    actr_config_t config = fixture_config(&f, "a");
    config.drain_timeout_ms = 50;
    scene_init(&a, asking, NULL, &workload);
    workload.on_stop = note_stop;
    scene_attach(&a, &config, &workload);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    a.peer = fixture_find(&a.n, "b");
    assert_ok(actr_ref_tell(a.n.ref, "w.Ask", (actr_bytes_t){"x", 1}, NULL, &error), &error);
    fixture_wait(&b.n, &b.n.slow_begun, 1);
    actr_ref_shutdown(a.n.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
    assert_string_equal(a.order, "rz");
    assert_status(ACTR_STATUS_SHUTTING_DOWN, a.seen);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

static void one_farewell_is_not_answered(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->drop_farewells = 1;
}

/* It is waited for, five seconds. */
static void a_server_that_does_not_answer_the_last_request_is_left(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    actri_server_switch(f.server, one_farewell_is_not_answered, NULL);
    actr_ref_shutdown(a.n.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, 20000, &error), &error);
    actri_server_counts_t counts;
    assert_true(actri_server_wait(f.server, unregistered, NULL, actri_now_ns(), &counts)); /* it was asked */
    scene_close(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_heard_in_order_and_once),
        cmocka_unit_test(an_attempt_that_fails_is_told),
        cmocka_unit_test(a_failing_handler_is_an_error_that_is_heard),
        cmocka_unit_test(a_failed_start_leaves_nothing_behind),
        cmocka_unit_test(a_life_leaves_nothing_behind),
        cmocka_unit_test(a_shutdown_goes_in_order),
        cmocka_unit_test(many_may_shut_down_at_once),
        cmocka_unit_test(a_dead_letter_is_heard_of),
        cmocka_unit_test(a_handler_that_waits_for_a_peer_is_let_go),
        cmocka_unit_test(a_server_that_does_not_answer_the_last_request_is_left),
        cmocka_unit_test(many_nodes_in_one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
