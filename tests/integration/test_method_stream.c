/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming methods, generated, between two nodes and within one: order, each end, and that it is told once. */
#include "fixture.h"

#include "streams.actr.h"

#include <unistd.h>

#define MESSAGES 1000

static char text_failed[] = "half way";

/* One side's view of one call. */
typedef struct side {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned opened, messages, wrong, lasts, ends, late;
    int64_t total;
    actr_status_t status;
    uint32_t remote_code;
    char text[ACTR_ERROR_MESSAGE_SIZE];
    actr_method_stream_t *stream;
    unsigned handled, fail_after; /* the callee: fails the call after so many messages */
    unsigned own_ends, own_wrong, let;
    bool talks;
    bool holds; /* the callee of Count sends one, and does not end */
} side_t;

static void side_init(side_t *side)
{
    memset(side, 0, sizeof *side);
    actri_mutex_init(&side->mutex);
    actri_cond_init(&side->changed);
}

static void side_destroy(side_t *side)
{
    actr_method_stream_release(side->stream);
    actri_cond_destroy(&side->changed);
    actri_mutex_destroy(&side->mutex);
}

static void side_count(side_t *side, unsigned *counter)
{
    actri_lock(&side->mutex);
    ++*counter;
    side->late += side->ends > 0 && counter != &side->ends;
    actri_cond_broadcast(&side->changed);
    actri_unlock(&side->mutex);
}

static void side_wait(side_t *side, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&side->mutex);
    while (*counter < least) {
        if (!actri_cond_wait(&side->changed, &side->mutex, deadline)) fail_msg("waited for %u of %u", least, *counter);
    }
    actri_unlock(&side->mutex);
}

static void on_open(actr_method_stream_t *stream, void *user)
{
    (void)stream;
    side_count(user, &((side_t *)user)->opened);
}

static void on_end(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    side_t *side = user;
    (void)stream;
    side->status = status;
    side->remote_code = error->remote_code;
    (void)snprintf(side->text, sizeof side->text, "%s", error->message);
    side_count(side, &side->ends);
}

/* ---- the callee ---- */

static void take_number(side_t *side, int64_t value)
{
    side->wrong += value != (int64_t)side->messages;
    side->total += value;
    side_count(side, &side->messages);
}

static void add_one(actr_method_stream_t *stream, const Codegen__Streams__Number *number, void *user)
{
    side_t *side = user;
    take_number(side, number->value);
    if (side->fail_after == 0 || side->messages != side->fail_after) return;
    actr_status_t status = actr_method_stream_fail(stream, ACTR_STATUS_TARGET_NOT_FOUND, "%s", text_failed);
    side->wrong += status != ACTR_OK;
}

static void add_last(actr_method_stream_t *stream, void *user)
{
    side_t *side = user;
    Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    sum.total = side->total;
    side->wrong += codegen_streams_streams_reply_add(stream, &sum, &error) != ACTR_OK;
    side->wrong += codegen_streams_streams_reply_add(stream, &sum, &error) != ACTR_STATUS_INVALID_STATE; /* only one */
    side_count(side, &side->lasts);
}

static actr_status_t serve_add(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    side_t *side = user;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_last = add_last;
    events.on_end = on_end;
    side_count(side, &side->handled);
    if (side->holds) return actr_ctx_fail(ctx, ACTR_STATUS_PERMISSION_DENIED, "not today");
    return codegen_streams_streams_listen_add(stream, add_one, &events, side, &error);
}

static actr_status_t serve_count(actr_ctx_t *ctx, const Codegen__Streams__Number *request, actr_method_stream_t *stream,
                                 void *user)
{
    side_t *side = user;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_end = on_end;
    side_count(side, &side->handled);
    actr_status_t status = codegen_streams_streams_listen_count(stream, &events, side, &error);
    for (int64_t i = 0; status == ACTR_OK && i < request->value; i++) {
        Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
        sum.total = i;
        if (side->fail_after != 0 && i == side->fail_after) {
            return actr_ctx_fail(ctx, ACTR_STATUS_TARGET_NOT_FOUND, "%s", text_failed);
        }
        status = codegen_streams_streams_reply_count(stream, &sum, &error);
    }
    if (status == ACTR_OK && !side->holds) status = actr_method_stream_end(stream, &error);
    return status;
}

static void mirror_one(actr_method_stream_t *stream, const Codegen__Streams__Number *number, void *user)
{
    Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
    sum.total = number->value;
    ((side_t *)user)->wrong += codegen_streams_streams_reply_mirror(stream, &sum, NULL) != ACTR_OK;
    take_number(user, number->value);
}

static void mirror_last(actr_method_stream_t *stream, void *user)
{
    ((side_t *)user)->wrong += actr_method_stream_end(stream, NULL) != ACTR_OK;
    side_count(user, &((side_t *)user)->lasts);
}

static actr_status_t serve_mirror(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    side_t *side = user;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    (void)ctx;
    events.on_last = mirror_last;
    events.on_end = on_end;
    side_count(side, &side->handled);
    return codegen_streams_streams_listen_mirror(stream, mirror_one, &events, side, NULL);
}

static void on_own_sum(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    side_t *side = user;
    side->own_wrong += sum->total != 0;
    side->own_wrong += actr_method_stream_end(stream, NULL) != ACTR_OK;
}

static void on_own_open(actr_method_stream_t *stream, void *user)
{
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    ((side_t *)user)->own_wrong += codegen_streams_streams_send_mirror(stream, &number, NULL) != ACTR_OK;
}

static void on_own_end(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    side_t *side = user;
    (void)stream;
    (void)error;
    side->own_wrong += status != ACTR_OK;
    actri_lock(&side->mutex);
    side->own_ends++;
    actri_cond_broadcast(&side->changed);
    actri_unlock(&side->mutex);
}

/* A handler that calls its own workload: it can not wait for the opening, but is told of it. */
static actr_status_t talk_to_itself(actr_ctx_t *ctx, side_t *side)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t self = actr_dest_actor(actr_ctx_self_id(ctx));
    actr_method_stream_t *stream = NULL;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_open = on_own_open;
    events.on_end = on_own_end;
    actr_status_t status =
        codegen_streams_streams_open_mirror(ctx, &self, NULL, on_own_sum, &events, side, &stream, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    side->own_wrong += codegen_streams_streams_send_mirror(stream, &number, &error) != ACTR_STATUS_WOULD_BLOCK;
    actr_method_stream_release(stream);
    return ACTR_OK;
}

static actr_status_t serve_double(actr_ctx_t *ctx, const Codegen__Streams__Number *request,
                                  Codegen__Streams__Sum *reply, void *user)
{
    side_t *side = user;
    reply->total = 2 * request->value;
    return side->talks ? talk_to_itself(ctx, side) : ACTR_OK;
}

static actr_status_t serve_latest(actr_ctx_t *ctx, const Codegen__Streams__Number *request,
                                  actr_method_stream_t *stream, void *user)
{
    Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
    (void)ctx;
    (void)request;
    ((side_t *)user)->wrong += codegen_streams_streams_reply_latest(stream, &sum, NULL) != ACTR_OK;
    return ACTR_OK; /* goes on: the caller ends it */
}

/* ---- two nodes ---- */

typedef struct pair {
    fixture_t f;
    fixture_node_t a, b;
    codegen_streams_streams_handlers_t handlers;
    side_t caller, callee;
    actr_dest_t dest;
} pair_t;

static void attach_callee(fixture_node_t *n, const actr_config_t *config, codegen_streams_streams_handlers_t *handlers)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload = codegen_streams_streams_workload(handlers);
    memset(n, 0, sizeof *n);
    actri_mutex_init(&n->mutex);
    actri_cond_init(&n->changed);
    assert_ok(actr_system_new(config, &n->system, &error), &error);
    assert_ok(actr_system_attach(n->system, &workload, &n->node, &error), &error);
    assert_ok(actr_node_start(n->node, &n->ref, &error), &error);
}

static void open_one(pair_t *p, bool refuses)
{
    memset(p, 0, sizeof *p);
    side_init(&p->caller);
    side_init(&p->callee);
    p->handlers = (codegen_streams_streams_handlers_t){.add = serve_add,
                                                       .count = serve_count,
                                                       .mirror = serve_mirror,
                                                       .double_ = serve_double,
                                                       .latest = serve_latest,
                                                       .user = &p->callee};
    fixture_open(&p->f);
    actr_config_t config = fixture_config(&p->f, "Callee");
    config.has_acl = refuses; /* and no rule: nobody may */
    attach_callee(&p->b, &config, &p->handlers);
    p->dest = actr_dest_local();
}

static void open_pair(pair_t *p, bool refuses)
{
    open_one(p, refuses);
    fixture_node(&p->a, &p->f, "Caller");
    p->dest = fixture_find(&p->a, "Callee");
}

static void close_pair(pair_t *p)
{
    if (p->a.ref != NULL) fixture_stop(&p->a);
    if (p->b.ref != NULL) fixture_stop(&p->b);
    fixture_close(&p->f);
    assert_int_equal(p->caller.wrong + p->caller.late, 0);
    assert_int_equal(p->callee.wrong + p->callee.late, 0);
    assert_true(p->caller.ends <= 1 && p->callee.ends <= 1);
    side_destroy(&p->caller);
    side_destroy(&p->callee);
}

static actr_ctx_t *caller_ctx(pair_t *p)
{
    return actr_ref_ctx(p->a.ref != NULL ? p->a.ref : p->b.ref);
}

static void on_sum(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    (void)stream;
    take_number(user, sum->total);
}

static void on_total(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    side_t *side = user;
    (void)stream;
    side->total = sum->total;
    side_count(side, &side->messages);
}

static actr_method_events_t caller_events(void)
{
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    events.on_open = on_open;
    events.on_end = on_end;
    return events;
}

static void begin_add(pair_t *p, const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_method_events_t events = caller_events();
    assert_ok(codegen_streams_streams_open_add(caller_ctx(p), &p->dest, options, on_total, &events, &p->caller,
                                               &p->caller.stream, &error),
              &error);
}

static void begin_count(pair_t *p, int64_t up_to, const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    actr_method_events_t events = caller_events();
    number.value = up_to;
    assert_ok(codegen_streams_streams_open_count(caller_ctx(p), &p->dest, &number, options, on_sum, &events, &p->caller,
                                                 &p->caller.stream, &error),
              &error);
}

static void begin_mirror(pair_t *p, const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_method_events_t events = caller_events();
    assert_ok(codegen_streams_streams_open_mirror(caller_ctx(p), &p->dest, options, on_sum, &events, &p->caller,
                                                  &p->caller.stream, &error),
              &error);
}

static void send_number(pair_t *p, int64_t value, bool mirrors)
{
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    number.value = value;
    assert_ok(mirrors ? codegen_streams_streams_send_mirror(p->caller.stream, &number, &error)
                      : codegen_streams_streams_send_add(p->caller.stream, &number, &error),
              &error);
}

static void end_caller(pair_t *p)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_method_stream_end(p->caller.stream, &error), &error);
}

static void expect_ends(pair_t *p, actr_status_t caller, actr_status_t callee)
{
    side_wait(&p->caller, &p->caller.ends, 1);
    assert_status(caller, p->caller.status);
    if (p->callee.handled == 0) return;
    side_wait(&p->callee, &p->callee.ends, 1);
    assert_status(callee, p->callee.status);
}

/* ---- the three kinds ---- */

static void client_streams(pair_t *p)
{
    begin_add(p, NULL);
    for (int i = 0; i < MESSAGES; i++) send_number(p, i, false);
    end_caller(p);
    expect_ends(p, ACTR_OK, ACTR_OK);
    assert_int_equal(p->callee.messages, MESSAGES);
    assert_int_equal(p->caller.messages, 1);
    assert_int_equal(p->caller.total, MESSAGES * (MESSAGES - 1) / 2);
    close_pair(p);
}

static void server_streams(pair_t *p)
{
    begin_count(p, MESSAGES, NULL);
    expect_ends(p, ACTR_OK, ACTR_OK);
    assert_int_equal(p->caller.messages, MESSAGES);
    close_pair(p);
}

static void both_stream(pair_t *p)
{
    begin_mirror(p, NULL);
    for (int i = 0; i < MESSAGES; i++) send_number(p, i, true);
    end_caller(p);
    expect_ends(p, ACTR_OK, ACTR_OK);
    assert_int_equal(p->callee.messages, MESSAGES);
    assert_int_equal(p->caller.messages, MESSAGES);
    close_pair(p);
}

static void test_client_streams(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    client_streams(&p);
    open_one(&p, false);
    client_streams(&p);
}

static void test_server_streams(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    server_streams(&p);
    open_one(&p, false);
    server_streams(&p);
}

static void test_both_stream(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    both_stream(&p);
    open_one(&p, false);
    both_stream(&p);
}

/* ---- ends ---- */

static void test_an_error_keeps_its_kind_and_its_place(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    p.callee.fail_after = 7;
    begin_count(&p, MESSAGES, NULL);
    expect_ends(&p, ACTR_STATUS_TARGET_NOT_FOUND, ACTR_STATUS_TARGET_NOT_FOUND);
    assert_string_equal(p.caller.text, text_failed);
    assert_int_equal(p.caller.remote_code, 404); /* the callee's, as of a call */
    assert_int_equal(p.callee.remote_code, 0);
    assert_int_equal(p.caller.messages, 7); /* what was sent before came before */
    close_pair(&p);

    open_pair(&p, false);
    p.callee.fail_after = 3;
    begin_add(&p, NULL);
    for (int i = 0; i < 3; i++) send_number(&p, i, false);
    expect_ends(&p, ACTR_STATUS_TARGET_NOT_FOUND, ACTR_STATUS_TARGET_NOT_FOUND);
    assert_string_equal(p.caller.text, text_failed);
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_TARGET_NOT_FOUND, codegen_streams_streams_send_add(p.caller.stream, &number, &error));
    close_pair(&p);
}

static void test_the_caller_fails_it(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    begin_mirror(&p, NULL);
    send_number(&p, 0, true);
    side_wait(&p.caller, &p.caller.messages, 1);
    assert_status(ACTR_OK, actr_method_stream_fail(p.caller.stream, ACTR_STATUS_IO, "enough"));
    assert_status(ACTR_STATUS_INVALID_STATE, actr_method_stream_fail(p.caller.stream, ACTR_STATUS_IO, "again"));
    expect_ends(&p, ACTR_STATUS_IO, ACTR_STATUS_IO);
    assert_string_equal(p.callee.text, "enough");
    assert_int_equal(p.caller.remote_code, 0);
    assert_int_not_equal(p.callee.remote_code, 0);
    close_pair(&p);
}

static void test_cancelled(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    for (int local = 0; local < 2; local++) {
        if (local)
            open_one(&p, false);
        else
            open_pair(&p, false);
        assert_ok(actr_cancel_new(caller_ctx(&p), &options.cancel, &error), &error);
        p.callee.holds = true;
        begin_count(&p, 1, &options);
        side_wait(&p.caller, &p.caller.messages, 1);
        actr_cancel_all(options.cancel);
        expect_ends(&p, ACTR_STATUS_CANCELLED, ACTR_STATUS_CANCELLED);
        actr_method_stream_t *stream = NULL;
        Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
        assert_status(ACTR_STATUS_CANCELLED, /* one that was asked already */
                      codegen_streams_streams_open_count(caller_ctx(&p), &p.dest, &number, &options, on_sum, NULL, NULL,
                                                         &stream, &error));
        assert_null(stream);
        actr_cancel_release(options.cancel);
        close_pair(&p);
    }
}

static void test_time_passes(void **state)
{
    (void)state;
    pair_t p;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 1500;
    open_pair(&p, false);
    p.callee.holds = true;
    begin_count(&p, 1, &options);
    side_wait(&p.caller, &p.caller.messages, 1);
    expect_ends(&p, ACTR_STATUS_TIMEOUT, ACTR_STATUS_TIMEOUT);
    close_pair(&p);
}

static void test_the_peer_goes(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false); /* the callee shuts down */
    p.callee.holds = true;
    begin_count(&p, 1, NULL);
    side_wait(&p.caller, &p.caller.messages, 1);
    fixture_stop(&p.b);
    p.b.ref = NULL;
    expect_ends(&p, ACTR_STATUS_SHUTTING_DOWN, ACTR_STATUS_SHUTTING_DOWN);
    close_pair(&p);

    open_pair(&p, false); /* the caller does */
    begin_mirror(&p, NULL);
    send_number(&p, 0, true);
    side_wait(&p.caller, &p.caller.messages, 1);
    fixture_stop(&p.a);
    p.a.ref = NULL;
    expect_ends(&p, ACTR_STATUS_SHUTTING_DOWN, ACTR_STATUS_SHUTTING_DOWN);
    close_pair(&p);
}

/* The connection is lost, and nobody could say goodbye. */
static void test_the_connection_is_lost(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    p.callee.holds = true;
    begin_mirror(&p, NULL);
    send_number(&p, 0, true);
    side_wait(&p.caller, &p.caller.messages, 1);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_outproc_close_dest(actr_ref_outproc(p.a.ref), &p.dest, &error), &error);
    expect_ends(&p, ACTR_STATUS_UNAVAILABLE, ACTR_STATUS_UNAVAILABLE);
    close_pair(&p);
}

static void test_refused(void **state)
{
    (void)state;
    pair_t p;
    open_pair(&p, false);
    p.callee.holds = true;
    begin_add(&p, NULL);
    side_wait(&p.caller, &p.caller.ends, 1); /* by the handler, before it was opened */
    assert_status(ACTR_STATUS_PERMISSION_DENIED, p.caller.status);
    assert_non_null(strstr(p.caller.text, "not today"));
    assert_int_equal(p.caller.opened, 0);
    close_pair(&p);

    open_pair(&p, true); /* by the ACL */
    begin_count(&p, 1, NULL);
    side_wait(&p.caller, &p.caller.ends, 1);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, p.caller.status);
    assert_int_equal(p.callee.handled, 0);
    close_pair(&p);

    open_pair(&p, false); /* no such handler */
    p.handlers.mirror = NULL;
    begin_mirror(&p, NULL);
    side_wait(&p.caller, &p.caller.ends, 1);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, p.caller.status);
    close_pair(&p);
}

/* Neither begins a stream, ends one, nor is told to anybody. */
static void test_plain_calls_and_strange_chunks(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    open_pair(&p, false);
    const actr_bytes_t nothing = {NULL, 0};
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_call(caller_ctx(&p), &p.dest, "codegen.streams.Streams.Mirror",
                                                              nothing, NULL, &reply, &error));
    const actr_metadata_t own = {"actr-stream", "00000000-0000-4000-8000-000000000000"};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.metadata = &own;
    options.metadata_count = 1;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_call(caller_ctx(&p), &p.dest, "codegen.streams.Streams.Mirror",
                                                              nothing, &options, &reply, &error));
    actr_method_stream_t *stream = NULL;
    assert_status(
        ACTR_STATUS_NOT_SUPPORTED, /* a plain method */
        actr_method_open(caller_ctx(&p), &p.dest,
                         actr_service_find(&codegen_streams_streams_descriptor, "codegen.streams.Streams.Double"), NULL,
                         NULL, NULL, NULL, NULL, &stream, &error));
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    chunk.stream_id = "actr-up/00000000-0000-4000-8000-000000000000";
    assert_ok(actr_ctx_send_chunk(caller_ctx(&p), &p.dest, &chunk, NULL, &error), &error); /* nobody has it */
    begin_mirror(&p, NULL);
    for (int i = 0; i < 3; i++) send_number(&p, i, true);
    end_caller(&p);
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    assert_status(ACTR_STATUS_INVALID_STATE,
                  codegen_streams_streams_send_mirror(p.caller.stream, &number, &error)); /* the end */
    expect_ends(&p, ACTR_OK, ACTR_OK);
    actr_stream_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stream_stats(p.b.ref, &stats);
    assert_int_equal(stats.unknown, 1);
    assert_int_equal(p.callee.handled, 1);
    close_pair(&p);
}

static void test_a_handler_calls_its_own_workload(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    Codegen__Streams__Sum *sum = NULL;
    open_pair(&p, false);
    p.callee.talks = true;
    assert_ok(codegen_streams_streams_call_double(caller_ctx(&p), &p.dest, &number, NULL, &sum, &error), &error);
    actr_message_free(sum);
    side_wait(&p.callee, &p.callee.own_ends, 1);
    side_wait(&p.callee, &p.callee.ends, 1);
    assert_int_equal(p.callee.own_wrong, 0);
    close_pair(&p);
}

static void test_latency_first(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    actr_method_events_t events = caller_events();
    open_pair(&p, false);
    assert_ok(codegen_streams_streams_open_latest(caller_ctx(&p), &p.dest, &number, NULL, on_sum, &events, &p.caller,
                                                  &p.caller.stream, &error),
              &error);
    side_wait(&p.caller, &p.caller.messages, 1);
    assert_status(ACTR_STATUS_INVALID_STATE, actr_method_stream_end(p.caller.stream, &error)); /* sends nothing */
    assert_status(ACTR_OK, actr_method_stream_fail(p.caller.stream, ACTR_STATUS_CANCELLED, "seen"));
    side_wait(&p.caller, &p.caller.ends, 1);
    assert_status(ACTR_STATUS_CANCELLED, p.caller.status);
    close_pair(&p);
}

/* Cancelled at any moment, many at a time: each end comes once, nothing stays behind. */
static void test_cancelled_at_any_moment(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    open_pair(&p, false);
    p.callee.holds = true;
    enum { CALLS = 200 };
    static side_t sides[CALLS];
    actr_method_events_t events = caller_events();
    for (int i = 0; i < CALLS; i++) {
        Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
        actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
        side_init(&sides[i]);
        number.value = 3;
        assert_ok(actr_cancel_new(caller_ctx(&p), &options.cancel, &error), &error);
        assert_ok(codegen_streams_streams_open_count(caller_ctx(&p), &p.dest, &number, &options, on_sum, &events,
                                                     &sides[i], &sides[i].stream, &error),
                  &error);
        if (i % 3 == 0) side_wait(&sides[i], &sides[i].messages, 1);
        actr_cancel_all(options.cancel);
        actr_cancel_release(options.cancel);
    }
    for (int i = 0; i < CALLS; i++) side_wait(&sides[i], &sides[i].ends, 1);
    fixture_stop(&p.a);
    p.a.ref = NULL;
    fixture_stop(&p.b);
    p.b.ref = NULL;
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(sides[i].ends, 1);
        assert_int_equal(sides[i].wrong + sides[i].late, 0);
        assert_status(ACTR_STATUS_CANCELLED, sides[i].status);
        side_destroy(&sides[i]);
    }
    assert_int_equal(p.callee.ends, p.callee.handled);
    p.callee.ends = p.callee.late = 0; /* of many calls */
    close_pair(&p);
}

static void on_sum_when_let(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    side_t *side = user;
    side_wait(side, &side->let, 1);
    on_sum(stream, sum, user);
}

/* A caller that takes nothing: the callee is held up, nobody's reading is, and the time limit ends the call for both.
 */
static void test_a_taker_that_hangs(void **state)
{
    (void)state;
    pair_t p;
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    actr_method_events_t events = caller_events();
    open_pair(&p, false);
    number.value = 1000000;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 1500;
    assert_ok(codegen_streams_streams_open_count(caller_ctx(&p), &p.dest, &number, &options, on_sum_when_let, &events,
                                                 &p.caller, &p.caller.stream, &error),
              &error);
    side_wait(&p.callee, &p.callee.ends, 1);
    assert_true(p.callee.status == ACTR_STATUS_TIMEOUT || p.callee.status == ACTR_STATUS_LIMIT_REACHED);
    actr_stream_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stream_stats(p.b.ref, &stats);
    assert_true(stats.held >= 1);
    actr_ref_stream_stats(p.a.ref, &stats);
    assert_int_equal(stats.failures + stats.pauses, 0);
    side_count(&p.caller, &p.caller.let);
    side_wait(&p.caller, &p.caller.ends, 1);
    assert_true(p.caller.status == p.callee.status || p.caller.status == ACTR_STATUS_TIMEOUT);
    assert_true(p.caller.messages < number.value);
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_streams),
        cmocka_unit_test(test_server_streams),
        cmocka_unit_test(test_both_stream),
        cmocka_unit_test(test_an_error_keeps_its_kind_and_its_place),
        cmocka_unit_test(test_the_caller_fails_it),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_time_passes),
        cmocka_unit_test(test_the_peer_goes),
        cmocka_unit_test(test_the_connection_is_lost),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_plain_calls_and_strange_chunks),
        cmocka_unit_test(test_a_handler_calls_its_own_workload),
        cmocka_unit_test(test_latency_first),
        cmocka_unit_test(test_cancelled_at_any_moment),
        cmocka_unit_test(test_a_taker_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
