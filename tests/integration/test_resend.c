/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call whose connection is lost is sent again: known by the callee's mailbox, a file, as one that is being handled,
 * one that was answered, or one that was answered by the process before. known-faults 45.
 */
#include "scene.h"

#include <sched.h>
#include <unistd.h>

#define LONG_MS 30000

static fixture_t f;
static scene_t a, b;
static actr_dest_t to_b;
static char folder[64], path[100];

static actr_status_t serve_once(scene_t *scene, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    *reply = (actr_bytes_t){
        actr_ctx_printf(ctx, "done %.*s", (int)request->payload.size, (const char *)request->payload.data),
        5 + request->payload.size};
    scene_note(scene, 'o');
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"x.Defer", scene_defer}, {"x.Once", serve_once}, {0}};

static void open_b(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(&f, "b");
    config.mailbox_path = path;
    scene_init(&b, routes, NULL, &workload);
    scene_attach(&b, &config, &workload);
    assert_ok(actr_node_start(b.n.node, &b.n.ref, &error), &error);
    to_b = actr_dest_actor(actr_ref_actor_id(b.n.ref));
}

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/actr-resend.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/mailbox.db", folder);
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    open_b();
    return 0;
}

static int end(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".begun", ".sock"};
    char name[140];
    (void)state;
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    scene_t *scene = user;
    actri_lock(&scene->n.mutex);
    scene->seen = status;
    (void)snprintf(scene->text, sizeof scene->text, "%.*s", status == ACTR_OK ? (int)actr_buf_size(reply) : 200,
                   status == ACTR_OK ? (const char *)actr_buf_data(reply) : error->message);
    actri_unlock(&scene->n.mutex);
    actr_buf_release(reply);
    scene_note(scene, 'r');
}

static void start_call(actr_retry_t retry)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = LONG_MS;
    options.retry = retry;
    assert_ok(actr_ctx_call_async(actr_ref_ctx(a.n.ref), &to_b, "x.Defer", (actr_bytes_t){"x", 1}, &options, on_reply,
                                  &a, &error),
              &error);
    fixture_wait(&b.n, &b.count, 1);
}

static actr_node_stats_t stats_of(const scene_t *scene)
{
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(scene->n.ref, &stats);
    return stats;
}

#define WAIT_FOR(scene, condition)                                                                                     \
    do {                                                                                                               \
        int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;                                                          \
        for (actr_node_stats_t s = stats_of(scene); !(condition); s = stats_of(scene)) {                               \
            if (actri_now_ns() > deadline) fail_msg("never: %s", #condition);                                          \
            (void)sched_yield();                                                                                       \
        }                                                                                                              \
    } while (0)

static void cut(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t to_a = actr_dest_actor(actr_ref_actor_id(a.n.ref));
    assert_ok(actr_outproc_close_dest(actr_ref_outproc(b.n.ref), &to_a, &error), &error);
}

static void answer(const char *text)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_reply_send(b.held, (actr_bytes_t){text, strlen(text)}, &error), &error);
    actr_reply_release(b.held);
}

static void expect_answer(const char *text)
{
    fixture_wait(&a.n, &a.count, 1);
    assert_status(ACTR_OK, a.seen);
    assert_string_equal(a.text, text);
    assert_int_equal(b.count, 1); /* its handler ran once */
    assert_int_equal(stats_of(&b).mailbox_duplicates, 1);
    assert_int_equal(stats_of(&a).calls_repeated, 1);
}

/* The connection goes while the request is being handled: the answer finds the new one. */
static void one_that_is_being_handled_is_answered_where_it_was_asked_last(void **state)
{
    (void)state;
    start_call(ACTR_RETRY_SAFE);
    cut();
    WAIT_FOR(&b, s.mailbox_duplicates == 1); /* it has come again */
    answer("late, but once");
    expect_answer("late, but once");
}

/* The connection goes, and the caller can not come back before it was answered: the answer comes from the store. */
static void one_that_was_answered_gets_the_kept_reply(void **state)
{
    (void)state;
    start_call(ACTR_RETRY_SAFE);
    actri_server_refuse_connections(f.server, true);
    assert_true(actri_server_kick(f.server, actr_ref_actor_id(a.n.ref), false));
    cut();
    answer("kept");
    WAIT_FOR(&b, s.mailbox_in_flight == 0 && s.mailbox_queued == 0);
    assert_int_equal(a.count, 0);
    actri_server_refuse_connections(f.server, false);
    expect_answer("kept");
    assert_int_equal(stats_of(&b).requests_repeated, 1);
}

/* Whoever does not want that learns that nobody knows whether it was handled. */
static void one_that_may_not_be_sent_again_is_uncertain(void **state)
{
    (void)state;
    start_call(ACTR_RETRY_NEVER);
    cut();
    fixture_wait(&a.n, &a.count, 1);
    assert_status(ACTR_STATUS_DELIVERY_UNCERTAIN, a.seen);
    answer("to nobody");
    assert_int_equal(stats_of(&a).calls_repeated, 0);
    assert_int_equal(stats_of(&b).mailbox_duplicates, 0);
}

static actr_buf_t *envelope(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    char id[ACTR_REQUEST_ID_SIZE];
    actr_envelope_t e = ACTR_ENVELOPE_INIT;
    actr_buf_t *bytes = NULL;
    assert_ok(actr_outproc_request_id(actr_ref_outproc(a.n.ref), id, &error), &error);
    e.request_id = id;
    e.route = "x.Once";
    e.payload = actr_buf_copy((actr_bytes_t){"x", 1});
    e.timeout_ms = LONG_MS;
    assert_ok(actr_envelope_encode(&e, &bytes, &error), &error);
    actr_buf_release(e.payload);
    return bytes;
}

static void send_envelope(const actr_buf_t *bytes)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_outproc_send(actr_ref_outproc(a.n.ref), &to_b, ACTR_RPC_RELIABLE,
                                (actr_bytes_t){actr_buf_data(bytes), actr_buf_size(bytes)}, LONG_MS, &error),
              &error);
}

/* The callee's next process knows it too. It has a new id, so that only who looks it up anew can ask again. */
static void one_that_the_process_before_answered_gets_the_kept_reply(void **state)
{
    (void)state;
    actr_buf_t *bytes = envelope();
    send_envelope(bytes);
    fixture_wait(&b.n, &b.count, 1);
    WAIT_FOR(&b, s.mailbox_in_flight == 0 && s.mailbox_queued == 0);
    scene_close(&b);
    open_b();
    send_envelope(bytes);
    WAIT_FOR(&b, s.requests_repeated == 1);
    assert_int_equal(b.count, 0); /* not handled anew */
    actr_buf_release(bytes);
    bytes = envelope(); /* another one is */
    send_envelope(bytes);
    fixture_wait(&b.n, &b.count, 1);
    actr_buf_release(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_being_handled_is_answered_where_it_was_asked_last, begin, end),
        cmocka_unit_test_setup_teardown(one_that_was_answered_gets_the_kept_reply, begin, end),
        cmocka_unit_test_setup_teardown(one_that_may_not_be_sent_again_is_uncertain, begin, end),
        cmocka_unit_test_setup_teardown(one_that_the_process_before_answered_gets_the_kept_reply, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
