/* SPDX-License-Identifier: Apache-2.0 */
/* What a call carries and how it ends: kinds of errors, time limits, trace context, metadata. */
#include "scene.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

/* ---- the workloads ---- */

static actr_status_t serve_echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

/* Fails with the status whose number is the payload. */
static actr_status_t serve_fail(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    char text[16];
    (void)s;
    (void)reply;
    (void)snprintf(text, sizeof text, "%.*s", (int)request->payload.size, (const char *)request->payload.data);
    return actr_ctx_fail(ctx, (actr_status_t)atoi(text), "failed with %s", text);
}

static actr_status_t serve_fail_later(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_reply_t *handle = NULL;
    (void)s;
    (void)reply;
    if (actr_ctx_defer(ctx, &handle, NULL) != ACTR_OK) return ACTR_STATUS_INTERNAL;
    const char *number = actr_ctx_printf(ctx, "%.*s", (int)request->payload.size, (const char *)request->payload.data);
    actr_status_t status = actr_reply_fail(handle, (actr_status_t)atoi(number), "failed with %s", number);
    actr_reply_release(handle);
    return status == ACTR_OK ? ACTR_DEFERRED : status;
}

/* The reply says what came along: the trace, and the metadata in order. */
static actr_status_t serve_show(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    char text[300] = "";
    size_t size = 0;
    const char *parent = actr_ctx_traceparent(ctx), *trace_state = actr_ctx_tracestate(ctx);
    (void)s;
    size += (size_t)snprintf(text, sizeof text, "%s|%s|", parent != NULL ? parent : "-",
                             trace_state != NULL ? trace_state : "-");
    for (size_t i = 0; i < request->metadata_count; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s=%s ", request->metadata[i].key,
                                 request->metadata[i].value);
    }
    *reply = (actr_bytes_t){actr_ctx_printf(ctx, "%s", text), size};
    return ACTR_OK;
}

static actr_status_t serve_pass_on(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    return scene_forward(ctx, &s->peer, "w.Show", request, reply);
}

/* Waits for an answer that never comes, with the default limit of 30 s. */
static actr_status_t serve_wait(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_status_t status = scene_forward(ctx, &s->peer, "w.Never", request, reply);
    s->seen = status;
    scene_note(s, 'w');
    return status;
}

static const scene_route_t routes[] = {{"w.Echo", serve_echo},
                                       {"w.Fail", serve_fail},
                                       {"w.FailLater", serve_fail_later},
                                       {"w.Show", serve_show},
                                       {"w.PassOn", serve_pass_on},
                                       {"w.Never", scene_defer},
                                       {"w.Wait", serve_wait},
                                       {0}};

static void open_two(fixture_t *f, scene_t *a, scene_t *b)
{
    fixture_open(f);
    scene_open(a, f, "a", routes, NULL);
    scene_open(b, f, "b", routes, NULL);
    a->peer = fixture_find(&a->n, "b");
    b->peer = fixture_find(&b->n, "a");
}

static void close_two(fixture_t *f, scene_t *a, scene_t *b)
{
    scene_close(a);
    scene_close(b);
    fixture_close(f);
}

/* ---- errors ---- */

/* Each kind arrives as it was, from a peer as from the own workload; so do the words. */
static void kinds_of_errors_are_intact(void **state)
{
    (void)state;
    static const actr_status_t kinds[] = {
        ACTR_STATUS_NO_MEMORY,     ACTR_STATUS_INVALID_ARGUMENT,  ACTR_STATUS_INVALID_STATE,
        ACTR_STATUS_TIMEOUT,       ACTR_STATUS_CANCELLED,         ACTR_STATUS_SHUTTING_DOWN,
        ACTR_STATUS_LIMIT_REACHED, ACTR_STATUS_NOT_FOUND,         ACTR_STATUS_NOT_SUPPORTED,
        ACTR_STATUS_INTERNAL,      ACTR_STATUS_TARGET_NOT_FOUND,  ACTR_STATUS_UNAVAILABLE,
        ACTR_STATUS_UNKNOWN_ROUTE, ACTR_STATUS_PERMISSION_DENIED, ACTR_STATUS_DECODE,
        ACTR_STATUS_HANDLER_ERROR, ACTR_STATUS_HANDLER_PANIC,     ACTR_STATUS_WOULD_DEADLOCK,
        ACTR_STATUS_MAILBOX_FULL,  ACTR_STATUS_TOO_LARGE,         ACTR_STATUS_REMOTE};
    fixture_t f;
    scene_t a, b;
    char number[16], words[40];
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)snprintf(number, sizeof number, "%d", (int)kinds[i]);
        (void)snprintf(words, sizeof words, "failed with %s", number);
        assert_status(kinds[i], scene_call(&a, &a.peer, "w.Fail", number, 0, NULL, &error));
        assert_status(kinds[i], error.status);
        assert_non_null(strstr(error.message, words));
        assert_true(error.remote_code >= 400 && error.remote_code < 600);
        assert_status(kinds[i], scene_call(&a, &local, "w.Fail", number, 0, NULL, &error));
        assert_string_equal(error.message, words);
    }
    close_two(&f, &a, &b);
}

/* A number of the handler's own invention, and what only says something about a caller's own node, are the handler's
 * error for every caller, at once and later. */
static void a_status_of_no_meaning_for_callers_is_a_handler_error_for_all(void **state)
{
    (void)state;
    static const actr_status_t statuses[] = {(actr_status_t)-999, ACTR_STATUS_IO, ACTR_STATUS_CONFIG_INVALID};
    static const char *const failing[] = {"w.Fail", "w.FailLater"};
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    const actr_dest_t *const dests[] = {&local, &a.peer};
    for (size_t i = 0; i < 12; i++) {
        char number[16], words[40];
        (void)snprintf(number, sizeof number, "%d", (int)statuses[i / 4]);
        (void)snprintf(words, sizeof words, "failed with %s", number);
        assert_status(ACTR_STATUS_HANDLER_ERROR,
                      scene_call(&a, dests[i % 2], failing[i / 2 % 2], number, 0, NULL, &error));
        assert_status(ACTR_STATUS_HANDLER_ERROR, error.status);
        assert_non_null(strstr(error.message, words));
    }
    close_two(&f, &a, &b);
}

/* ---- time ---- */

static void a_handler_s_call_has_what_is_left_of_its_time(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    assert_ok(scene_call(&a, &a.peer, "w.Echo", "warm", 0, NULL, &error), &error);
    int64_t begin = actri_now_ns();
    assert_status(ACTR_STATUS_TIMEOUT, scene_call(&a, &local, "w.Wait", "", 300, NULL, &error));
    fixture_wait(&a.n, &a.count, 1);
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND); /* its own are 30 */
    assert_status(ACTR_STATUS_TIMEOUT, a.seen);
    assert_ok(scene_call(&a, &local, "w.Echo", "free", 10000, NULL, &error), &error);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.n.ref, &stats);
    assert_int_equal(stats.pending_calls, 0);
    fixture_wait(&b.n, &b.count, 1);
    actr_reply_release(b.held);
    close_two(&f, &a, &b);
}

static void the_caller_s_limit_counts_on_each_path(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    open_two(&f, &a, &b);
    int64_t begin = actri_now_ns();
    assert_status(ACTR_STATUS_TIMEOUT, scene_call(&a, &local, "w.Never", "", 200, NULL, &error));
    fixture_wait(&a.n, &a.count, 1);
    actr_reply_release(a.held);
    assert_status(ACTR_STATUS_TIMEOUT, scene_call(&a, &a.peer, "w.Never", "", 1500, NULL, &error));
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND); /* not the reference's 30 on any of them */
    fixture_wait(&b.n, &b.count, 1);
    actr_reply_release(b.held);
    actr_dest_t nowhere = a.peer;
    nowhere.id.serial_number += 1000;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 20000;
    actr_status_t status = actr_ctx_tell(actr_ref_ctx(a.n.ref), &nowhere, "w.Echo", (actr_bytes_t){"", 0}, &options,
                                         &error); /* a tell is bounded as well */
    assert_status(ACTR_STATUS_UNAVAILABLE, status);
    close_two(&f, &a, &b);
}

static void note_end(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    scene_t *s = user;
    (void)error;
    actr_buf_release(reply);
    s->seen = status;
    fixture_changed(&s->n, &s->count2);
}

/* Nobody waits for it: the loop ends it, though its handler keeps the reply. */
static void an_asynchronous_local_call_ends_in_time(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 200;
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    int64_t begin = actri_now_ns();
    assert_ok(actr_ctx_call_async(ctx, &local, "w.Never", (actr_bytes_t){"", 0}, &options, note_end, &a, &error),
              &error);
    fixture_wait(&a.n, &a.count2, 1);
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND);
    assert_status(ACTR_STATUS_TIMEOUT, a.seen);
    assert_int_equal(a.count, 1);
    actr_reply_release(a.held);
    /* a tell has ended for its caller once it is in the queue, whatever its handler does */
    assert_ok(actr_ctx_tell_async(ctx, &local, "w.Never", (actr_bytes_t){"", 0}, &options, note_end, &a, &error),
              &error);
    fixture_wait(&a.n, &a.count2, 2);
    assert_status(ACTR_OK, a.seen);
    fixture_wait(&a.n, &a.count, 2);
    actr_reply_release(a.held);
    scene_close(&a);
    fixture_close(&f);
}

/* ---- what a call carries ---- */

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void trace_and_metadata_travel(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    char text[300];
    actr_error_t error = ACTR_ERROR_INIT;
    const actr_metadata_t metadata[] = {{"color", "blue"}, {"empty", ""}};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.metadata = metadata;
    options.metadata_count = 2;
    options.traceparent = TRACE;
    options.tracestate = "vendor=1";
    open_two(&f, &a, &b);
    const actr_dest_t dests[] = {a.peer, local};
    for (int i = 0; i < 2; i++) {
        actr_buf_t *reply = NULL;
        assert_ok(
            actr_ctx_call(actr_ref_ctx(a.n.ref), &dests[i], "w.Show", (actr_bytes_t){"", 0}, &options, &reply, &error),
            &error);
        (void)snprintf(text, sizeof text, "%.*s", (int)actr_buf_size(reply), (const char *)actr_buf_data(reply));
        assert_string_equal(text, TRACE "|vendor=1|color=blue empty= ");
        actr_buf_release(reply);
        /* carried on into what the handler calls; metadata is not */
        assert_ok(actr_ctx_call(actr_ref_ctx(a.n.ref), &dests[i], "w.PassOn", (actr_bytes_t){"", 0}, &options, &reply,
                                &error),
                  &error);
        (void)snprintf(text, sizeof text, "%.*s", (int)actr_buf_size(reply), (const char *)actr_buf_data(reply));
        assert_string_equal(text, TRACE "|vendor=1|");
        actr_buf_release(reply);
    }
    assert_ok(scene_call(&a, &a.peer, "w.Show", "", 0, text, &error), &error); /* absent stays absent */
    assert_string_equal(text, "-|-|");
    char long_trace[600];
    memset(long_trace, 'x', sizeof long_trace - 1);
    long_trace[sizeof long_trace - 1] = '\0';
    options.traceparent = long_trace;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_tell(actr_ref_ctx(a.n.ref), &local, "w.Show", (actr_bytes_t){"", 0}, &options, &error));
    close_two(&f, &a, &b);
}

static void raw_names(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    actr_bytes_t payload = {"raw", 3};
    open_two(&f, &a, &b);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    assert_ok(actr_ctx_call_raw(ctx, &a.peer, "w.Echo", ACTR_RPC_SIGNAL, payload, 5000, &reply, &error), &error);
    assert_int_equal(actr_buf_size(reply), 3);
    actr_buf_release(reply);
    assert_ok(actr_ctx_tell_raw(ctx, &a.peer, "w.Never", ACTR_RPC_RELIABLE, payload, &error), &error);
    fixture_wait(&b.n, &b.count, 1);
    actr_reply_release(b.held);
    int64_t begin = actri_now_ns();
    assert_status(ACTR_STATUS_TIMEOUT,
                  actr_ctx_call_raw(ctx, &a.peer, "w.Never", ACTR_RPC_RELIABLE, payload, 1000, &reply, &error));
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND); /* the limit that was named, not the default */
    fixture_wait(&b.n, &b.count, 2);
    actr_reply_release(b.held);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ctx_call_raw(ctx, &a.peer, "w.Echo", ACTR_STREAM_RELIABLE, payload, 5000, &reply, &error));
    close_two(&f, &a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_errors_are_intact),
        cmocka_unit_test(a_status_of_no_meaning_for_callers_is_a_handler_error_for_all),
        cmocka_unit_test(a_handler_s_call_has_what_is_left_of_its_time),
        cmocka_unit_test(the_caller_s_limit_counts_on_each_path),
        cmocka_unit_test(an_asynchronous_local_call_ends_in_time),
        cmocka_unit_test(trace_and_metadata_travel),
        cmocka_unit_test(raw_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
