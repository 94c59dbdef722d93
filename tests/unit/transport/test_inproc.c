/* SPDX-License-Identifier: Apache-2.0 */
/* The in-process manager by itself: envelopes by reference, requests that end once, all lanes taken, bounds. */
#include "check.h"
#include "oom.h"
#include "outcome.h"
#include "port/clock.h"
#include "port/thread.h"
#include "transport/inproc.h"

#include <stdio.h>
#include <string.h>

#define SOON_MS 600000 /* longer than a test program may run: what should have been woken and was not fails */

static actr_inproc_t *open_manager(uint32_t lane_capacity, uint32_t max_pending)
{
    actr_inproc_options_t options = ACTR_INPROC_OPTIONS_INIT;
    actr_inproc_t *m = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    options.lane_capacity = lane_capacity;
    options.max_pending = max_pending;
    options.max_channels = 3;
    assert_ok(actr_inproc_new(&options, &m, &error), &error);
    return m;
}

static actr_buf_t *text_buf(const char *text)
{
    actr_buf_t *buf = actr_buf_copy((actr_bytes_t){text, strlen(text)});
    assert_non_null(buf);
    return buf;
}

static actr_envelope_t envelope_of(const char *route, actr_buf_t *payload, uint32_t timeout_ms)
{
    actr_envelope_t e = ACTR_ENVELOPE_INIT;
    e.route = route;
    e.payload = payload;
    e.timeout_ms = timeout_ms;
    return e;
}

static actr_inproc_stats_t stats_of(actr_inproc_t *m)
{
    actr_inproc_stats_t stats = {.struct_size = sizeof stats};
    actr_inproc_get_stats(m, &stats);
    assert_int_equal(stats.requests, stats.answered + stats.failed + stats.timed_out + stats.pending);
    return stats;
}

static actr_received_t *take(actr_inproc_t *m)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_received_t *r = NULL;
    assert_ok(actr_inproc_recv(m, SOON_MS, &r, &error), &error);
    return r;
}

static void expect_taken(actr_inproc_t *m, const char *route)
{
    actr_received_t *r = take(m);
    assert_string_equal(actr_received_envelope(r)->route, route);
    actr_received_release(r);
}

static void send_message(actr_inproc_t *m, actr_payload_type_t type, const char *id, const char *route)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *buf = text_buf(route);
    actr_envelope_t e = envelope_of(route, buf, 0);
    assert_ok(actr_inproc_send_message(m, type, id, &e, &error), &error);
    actr_buf_release(buf);
}

/* ---- a thread that answers ---- */

typedef struct server {
    actri_thread_t thread;
    actr_inproc_t *m;
    unsigned taken;
    actr_status_t answer, end;
} server_t;

/* "echo" gives the payload itself back, "fail" fails, "drop" is dropped; the rest is dropped. */
static void run_server(void *argument)
{
    server_t *s = argument;
    actr_received_t *r;
    while ((s->end = actr_inproc_recv(s->m, SOON_MS, &r, NULL)) == ACTR_OK) {
        const actr_envelope_t *e = actr_received_envelope(r);
        s->taken++;
        if (strcmp(e->route, "echo") == 0) s->answer = actr_received_reply(r, e->payload, NULL);
        if (strcmp(e->route, "fail") == 0)
            s->answer = actr_received_fail(r, ACTR_STATUS_PERMISSION_DENIED, "not %s", "you");
        actr_received_release(r);
    }
}

static void start_server(server_t *s, actr_inproc_t *m)
{
    *s = (server_t){.m = m};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_thread_start(&s->thread, "server", run_server, s, &error), &error);
}

static void stop_server(server_t *s)
{
    actr_inproc_close(s->m);
    actri_thread_join(&s->thread);
    assert_status(ACTR_STATUS_UNAVAILABLE, s->end);
    actr_inproc_release(s->m);
}

static void the_payload_is_never_copied(void **state)
{
    (void)state;
    server_t server;
    actr_error_t error = ACTR_ERROR_INIT;
    start_server(&server, open_manager(0, 0));
    actr_buf_t *payload = text_buf("as it is"), *reply = NULL;
    actr_envelope_t e = envelope_of("echo", payload, SOON_MS);
    for (int lane = ACTR_RPC_RELIABLE; lane <= ACTR_RPC_SIGNAL; lane++) {
        assert_ok(actr_inproc_send_request(server.m, (actr_payload_type_t)lane, NULL, &e, &reply, &error), &error);
        assert_ptr_equal(reply, payload);
        actr_buf_release(reply);
    }
    actr_buf_release(payload);
    assert_int_equal(stats_of(server.m).answered, 2);
    stop_server(&server);
}

static void errors_keep_their_kind(void **state)
{
    (void)state;
    server_t server;
    actr_error_t error = ACTR_ERROR_INIT;
    start_server(&server, open_manager(0, 0));
    actr_buf_t *payload = text_buf("x"), *reply = payload;
    actr_envelope_t e = envelope_of("fail", payload, SOON_MS);
    assert_status(ACTR_STATUS_PERMISSION_DENIED,
                  actr_inproc_send_request(server.m, ACTR_RPC_RELIABLE, NULL, &e, &reply, &error));
    assert_null(reply);
    assert_string_equal(error.message, "not you");
    e.route = "drop";
    assert_status(ACTR_STATUS_INTERNAL,
                  actr_inproc_send_request(server.m, ACTR_RPC_RELIABLE, NULL, &e, &reply, &error));
    assert_non_null(strstr(error.message, "dropped"));
    actr_buf_release(payload);
    assert_int_equal(stats_of(server.m).failed, 2);
    stop_server(&server);
}

/* The reference: always 30 s, whatever the envelope says, and the entry stays in the table. */
static void the_time_limit_is_the_callers_and_leaves_nothing(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 1);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *payload = text_buf("x"), *reply = NULL;
    actr_envelope_t e = envelope_of("nobody", payload, 5);
    int64_t begin = actri_now_ns();
    for (int i = 0; i < 3; i++) { /* a table of one: a leak would be LIMIT_REACHED */
        assert_status(ACTR_STATUS_TIMEOUT, actr_inproc_send_request(m, ACTR_RPC_RELIABLE, NULL, &e, &reply, &error));
    }
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND); /* the reference waits for 30, whatever it is told */
    actr_inproc_stats_t stats = stats_of(m);
    assert_int_equal(stats.timed_out, 3);
    assert_int_equal(stats.pending, 0);
    actr_received_t *r = NULL; /* who comes late finds none of them: nobody waits */
    assert_status(ACTR_STATUS_WOULD_BLOCK, actr_inproc_try_recv(m, &r, &error));
    assert_int_equal(stats_of(m).stale, 3);
    actr_buf_release(payload);
    actr_inproc_release(m);
}

static void every_failure_cleans_the_table(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(1, 2);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *payload = text_buf("x"), *reply = NULL;
    actr_envelope_t e = envelope_of("r", payload, 1);
    assert_status(ACTR_STATUS_NOT_FOUND, actr_inproc_send_request(m, ACTR_STREAM_RELIABLE, "none", &e, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_inproc_send_request(m, ACTR_STREAM_RELIABLE, NULL, &e, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_inproc_send_request(m, ACTR_RPC_RELIABLE, "an id", &e, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_inproc_send_request(m, (actr_payload_type_t)9, NULL, &e, &reply, &error));
    send_message(m, ACTR_RPC_RELIABLE, NULL, "in the way");
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_inproc_send_request(m, ACTR_RPC_RELIABLE, NULL, &e, &reply, &error));
    e.payload = NULL;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_inproc_send_request(m, ACTR_RPC_RELIABLE, NULL, &e, &reply, &error));
    e = envelope_of("r", payload, 1);
    e.request_id = "short";
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_send_message(m, ACTR_RPC_SIGNAL, NULL, &e, &error));
    e = envelope_of("r", payload, 1);
    actr_metadata_t half = {"key", NULL};
    e.metadata = &half;
    e.metadata_count = 1;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_send_message(m, ACTR_RPC_SIGNAL, NULL, &e, &error));
    e = envelope_of("r", payload, 1);
    e.struct_size = 0;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_send_message(m, ACTR_RPC_SIGNAL, NULL, &e, &error));
    actr_inproc_stats_t stats = stats_of(m);
    assert_int_equal(stats.pending, 0);
    assert_int_equal(stats.requests, 0);
    assert_int_equal(stats.full, 1);
    actr_buf_release(payload);
    actr_inproc_release(m);
}

/* ---- all lanes ---- */

/* The reference reads the reliable lane only: a request as RPC_SIGNAL, a stream, media are never taken. */
static void all_lanes_are_taken_signals_first(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "s", NULL, &error), &error);
    assert_ok(actr_inproc_open_channel(m, ACTR_MEDIA_RTP, "track", NULL, &error), &error);
    send_message(m, ACTR_RPC_RELIABLE, NULL, "reliable");
    send_message(m, ACTR_STREAM_RELIABLE, "s", "stream");
    send_message(m, ACTR_MEDIA_RTP, "track", "media");
    send_message(m, ACTR_RPC_SIGNAL, NULL, "signal");
    static const char *const order[] = {"signal", "reliable", "stream", "media"};
    static const char *const channels[] = {NULL, NULL, "s", "track"};
    for (int i = 0; i < 4; i++) {
        actr_received_t *r = take(m);
        assert_string_equal(actr_received_envelope(r)->route, order[i]);
        assert_false(actr_received_is_request(r));
        assert_int_equal(actr_received_channel(r) == NULL, channels[i] == NULL);
        if (channels[i] != NULL) assert_string_equal(actr_received_channel(r), channels[i]);
        assert_status(ACTR_STATUS_INVALID_STATE, actr_received_reply(r, actr_received_envelope(r)->payload, &error));
        actr_received_release(r);
    }
    actr_inproc_release(m);
}

static void signals_do_not_starve_the_rest(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    for (int i = 0; i < 20; i++) send_message(m, ACTR_RPC_SIGNAL, NULL, "signal");
    send_message(m, ACTR_RPC_RELIABLE, NULL, "reliable");
    for (int i = 0; i < ACTRI_LANE_TURNS; i++) expect_taken(m, "signal");
    expect_taken(m, "reliable");
    for (int i = ACTRI_LANE_TURNS; i < 20; i++) expect_taken(m, "signal");
    actr_inproc_release(m);
}

static void lanes_take_turns(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_LATENCY_FIRST, "s", NULL, &error), &error);
    for (int i = 0; i < 3; i++) send_message(m, ACTR_RPC_RELIABLE, NULL, "rpc");
    for (int i = 0; i < 3; i++) send_message(m, ACTR_STREAM_LATENCY_FIRST, "s", "chunk");
    for (int i = 0; i < 3; i++) {
        expect_taken(m, "rpc");
        expect_taken(m, "chunk");
    }
    actr_inproc_release(m);
}

static void channels_open_close_and_are_bounded(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lane = NULL, *again = NULL;
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "s", &lane, &error), &error);
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_LATENCY_FIRST, "s", &again, &error), &error);
    assert_ptr_equal(again, lane); /* streams share one space of ids, media have their own */
    actr_lane_release(again);
    assert_ok(actr_inproc_open_channel(m, ACTR_MEDIA_RTP, "s", &again, &error), &error);
    assert_ptr_not_equal(again, lane);
    actr_lane_release(again);
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "t", NULL, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "u", NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_open_channel(m, ACTR_RPC_SIGNAL, "u", NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_open_channel(m, ACTR_MEDIA_RTP, "", NULL, &error));
    send_message(m, ACTR_STREAM_RELIABLE, "s", "left");
    assert_true(actr_inproc_close_channel(m, ACTR_STREAM_RELIABLE, "s"));
    assert_false(actr_inproc_close_channel(m, ACTR_STREAM_RELIABLE, "s"));
    assert_false(actr_inproc_close_channel(m, ACTR_RPC_RELIABLE, "s"));
    assert_status(ACTR_STATUS_NOT_FOUND, actr_inproc_lane(m, ACTR_STREAM_RELIABLE, "s", &again, &error));
    actr_buf_t *got = NULL; /* who has the lane reads on */
    assert_ok(actr_lane_recv(lane, SOON_MS, &got, &error), &error);
    assert_memory_equal(actr_buf_data(got), "left", 4);
    actr_buf_release(got);
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_recv(lane, SOON_MS, &got, &error));
    actr_lane_release(lane);
    assert_int_equal(stats_of(m).channels, 2);
    actr_inproc_release(m);
}

static void a_lane_outlives_its_manager(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lane = NULL;
    actr_buf_t *buf = text_buf("x"), *got = NULL;
    assert_ok(actr_inproc_lane(m, ACTR_RPC_SIGNAL, NULL, &lane, &error), &error);
    actr_inproc_release(m);
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_send(lane, buf, 1, &error));
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_recv(lane, 1, &got, &error));
    actr_lane_release(lane);
    actr_buf_release(buf);
}

static void bare_bytes_of_a_lane_come_as_an_envelope(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lane = NULL;
    actr_buf_t *buf = text_buf("bare");
    assert_ok(actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "s", &lane, &error), &error);
    assert_ok(actr_lane_send(lane, buf, 0, &error), &error);
    actr_received_t *r = take(m);
    assert_ptr_equal(actr_received_envelope(r)->payload, buf);
    assert_null(actr_received_envelope(r)->route);
    assert_int_equal(actr_received_type(r), ACTR_STREAM_RELIABLE);
    assert_string_equal(actr_received_channel(r), "s");
    actr_received_release(r);
    actr_buf_release(buf);
    actr_lane_release(lane);
    actr_inproc_release(m);
}

static void what_is_said_about_a_message_travels(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_metadata_t metadata[] = {{"who", "me"}, {"empty", ""}};
    char route[] = "a.B.C", trace[] = "00-trace";
    actr_buf_t *buf = text_buf("");
    actr_envelope_t e = envelope_of(route, buf, 77);
    e.request_id = "0123456789abcdef0123456789abcdef0123";
    e.metadata = metadata;
    e.metadata_count = 2;
    e.traceparent = trace;
    assert_ok(actr_inproc_send_message(m, ACTR_RPC_RELIABLE, NULL, &e, &error), &error);
    route[0] = trace[0] = '?'; /* it was copied */
    metadata[0].value = NULL;
    actr_received_t *r = take(m);
    const actr_envelope_t *got = actr_received_envelope(r);
    assert_string_equal(got->route, "a.B.C");
    assert_string_equal(got->request_id, e.request_id);
    assert_string_equal(got->traceparent, "00-trace");
    assert_null(got->tracestate);
    assert_int_equal(got->metadata_count, 2);
    assert_string_equal(got->metadata[0].key, "who");
    assert_string_equal(got->metadata[0].value, "me");
    assert_string_equal(got->metadata[1].value, "");
    assert_int_equal(got->timeout_ms, 77);
    actr_received_release(r);
    actr_buf_release(buf);
    actr_inproc_release(m);
}

/* ---- asynchronous ---- */

static void start_async(actr_inproc_t *m, outcome_t *o, const char *route, actr_buf_t *payload, uint32_t ms)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_envelope_t e = envelope_of(route, payload, ms);
    outcome_open(o);
    assert_ok(actr_inproc_send_request_async(m, ACTR_RPC_RELIABLE, NULL, &e, on_outcome, o, &error), &error);
}

static void an_asynchronous_request_is_answered_once_elsewhere(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t answered, expired, closed;
    actr_buf_t *payload = text_buf("x");
    start_async(m, &closed, "closed", payload, SOON_MS);
    start_async(m, &answered, "answered", payload, SOON_MS);
    start_async(m, &expired, "expired", payload, 1); /* earlier than what the thread waits for */
    outcome_wait(&expired, ACTR_STATUS_TIMEOUT);
    actr_received_t *first = take(m), *second = take(m);
    assert_ok(actr_received_reply(second, payload, &error), &error);
    assert_status(ACTR_STATUS_INVALID_STATE, actr_received_reply(second, payload, &error));
    outcome_wait(&answered, ACTR_OK);
    assert_ptr_equal(answered.reply, payload);
    actr_received_release(second);
    actr_inproc_close(m);
    outcome_wait(&closed, ACTR_STATUS_SHUTTING_DOWN);
    actr_received_release(first); /* of a request that has ended */
    actr_inproc_stats_t stats = stats_of(m);
    assert_int_equal(stats.late_answers, 1);
    assert_int_equal(stats.pending, 0);
    actr_inproc_release(m);
    actr_buf_release(payload);
    outcome_close(&answered);
    outcome_close(&expired);
    outcome_close(&closed);
}

static void an_answer_by_id(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t good, bad;
    char id[2][40];
    actr_buf_t *payload = text_buf("x");
    start_async(m, &good, "good", payload, SOON_MS);
    start_async(m, &bad, "bad", payload, SOON_MS);
    actr_received_t *r[2] = {take(m), take(m)};
    for (int i = 0; i < 2; i++) (void)snprintf(id[i], sizeof id[i], "%s", actr_received_envelope(r[i])->request_id);
    assert_ok(actr_inproc_complete_response(m, id[0], payload, &error), &error);
    assert_ok(actr_inproc_complete_error(m, id[1], ACTR_STATUS_DECODE, "bad bytes", &error), &error);
    assert_status(ACTR_STATUS_NOT_FOUND, actr_inproc_complete_response(m, id[0], payload, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_inproc_complete_error(m, id[1], ACTR_OK, "fine?", &error));
    outcome_wait(&good, ACTR_OK);
    outcome_wait(&bad, ACTR_STATUS_DECODE);
    for (int i = 0; i < 2; i++) actr_received_release(r[i]);
    actr_inproc_release(m);
    actr_buf_release(payload);
    outcome_close(&good);
    outcome_close(&bad);
}

static void an_id_is_used_once_at_a_time_and_the_table_is_bounded(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 2);
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t one, two, three;
    actr_buf_t *payload = text_buf("x");
    actr_envelope_t e = envelope_of("r", payload, SOON_MS);
    e.request_id = "0123456789abcdef0123456789abcdef0123";
    outcome_open(&one);
    outcome_open(&two);
    outcome_open(&three);
    assert_ok(actr_inproc_send_request_async(m, ACTR_RPC_SIGNAL, NULL, &e, on_outcome, &one, &error), &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_inproc_send_request_async(m, ACTR_RPC_SIGNAL, NULL, &e, on_outcome, &two, &error));
    e.request_id = NULL;
    assert_ok(actr_inproc_send_request_async(m, ACTR_RPC_SIGNAL, NULL, &e, on_outcome, &two, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED,
                  actr_inproc_send_request_async(m, ACTR_RPC_SIGNAL, NULL, &e, on_outcome, &three, &error));
    assert_int_equal(stats_of(m).pending, 2);
    actr_inproc_release(m);
    outcome_close(&one);
    outcome_close(&two);
    assert_int_equal(three.ended, 0);
    actr_buf_release(payload);
}

static void a_request_read_from_the_bare_lane_ends(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(0, 0);
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t o;
    actr_lane_t *lane = NULL;
    actr_buf_t *payload = text_buf("x"), *got = NULL;
    start_async(m, &o, "r", payload, SOON_MS);
    assert_ok(actr_inproc_lane(m, ACTR_RPC_RELIABLE, NULL, &lane, &error), &error);
    assert_ok(actr_lane_try_recv(lane, &got, &error), &error);
    assert_ptr_equal(got, payload);
    outcome_wait(&o, ACTR_STATUS_NOT_SUPPORTED);
    actr_buf_release(got);
    actr_lane_release(lane);
    actr_inproc_release(m);
    actr_buf_release(payload);
    outcome_close(&o);
}

/* ---- many ---- */

typedef struct caller {
    actri_thread_t thread;
    actr_inproc_t *m;
    unsigned wrong;
} caller_t;

static void run_caller(void *argument)
{
    caller_t *c = argument;
    for (uint32_t i = 0; i < 500; i++) {
        actr_buf_t *payload = actr_buf_copy((actr_bytes_t){&i, sizeof i}), *reply = NULL;
        actr_envelope_t e = envelope_of("echo", payload, SOON_MS);
        actr_status_t status =
            actr_inproc_send_request(c->m, i % 2 == 0 ? ACTR_RPC_RELIABLE : ACTR_RPC_SIGNAL, NULL, &e, &reply, NULL);
        if (status != ACTR_OK || reply != payload) c->wrong++;
        actr_buf_release(reply);
        actr_buf_release(payload);
    }
}

static void callers_and_servers_compete(void **state)
{
    (void)state;
    actr_inproc_t *m = open_manager(2, 0);
    server_t servers[2];
    caller_t callers[4];
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 0; i < 2; i++) start_server(&servers[i], actr_inproc_retain(m));
    for (int i = 0; i < 4; i++) {
        callers[i] = (caller_t){.m = m};
        assert_ok(actri_thread_start(&callers[i].thread, "caller", run_caller, &callers[i], &error), &error);
    }
    for (int i = 0; i < 4; i++) {
        actri_thread_join(&callers[i].thread);
        assert_int_equal(callers[i].wrong, 0);
    }
    assert_int_equal(stats_of(m).answered, 4 * 500);
    for (int i = 0; i < 2; i++) stop_server(&servers[i]);
    assert_int_equal(servers[0].taken + servers[1].taken, 4 * 500);
    actr_inproc_release(m);
}

/* ---- memory ---- */

static void memory_may_run_out(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actr_inproc_options_t options = ACTR_INPROC_OPTIONS_INIT;
        options.allocator = &oom.env.allocator;
        actr_inproc_t *m = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_buf_t *payload = text_buf("x");
        actr_envelope_t e = envelope_of("r", payload, 1);
        actr_lane_t *lane = NULL;
        actr_received_t *r = NULL;
        if (actr_inproc_new(&options, &m, &error) == ACTR_OK) {
            (void)!actr_inproc_open_channel(m, ACTR_STREAM_RELIABLE, "s", &lane, &error);
            if (lane != NULL) (void)!actr_lane_try_send(lane, payload, &error);
            (void)!actr_inproc_send_message(m, ACTR_RPC_SIGNAL, NULL, &e, &error);
            (void)!actr_inproc_send_request(m, ACTR_RPC_RELIABLE, NULL, &e, NULL, &error);
            for (int i = 0; i < 4 && actr_inproc_try_recv(m, &r, &error) == ACTR_OK; i++) actr_received_release(r);
            assert_int_equal(stats_of(m).pending, 0);
            actr_lane_release(lane);
            actr_inproc_release(m);
        }
        actr_buf_release(payload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_payload_is_never_copied),
        cmocka_unit_test(errors_keep_their_kind),
        cmocka_unit_test(the_time_limit_is_the_callers_and_leaves_nothing),
        cmocka_unit_test(every_failure_cleans_the_table),
        cmocka_unit_test(all_lanes_are_taken_signals_first),
        cmocka_unit_test(signals_do_not_starve_the_rest),
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(channels_open_close_and_are_bounded),
        cmocka_unit_test(a_lane_outlives_its_manager),
        cmocka_unit_test(bare_bytes_of_a_lane_come_as_an_envelope),
        cmocka_unit_test(what_is_said_about_a_message_travels),
        cmocka_unit_test(an_asynchronous_request_is_answered_once_elsewhere),
        cmocka_unit_test(an_answer_by_id),
        cmocka_unit_test(an_id_is_used_once_at_a_time_and_the_table_is_bounded),
        cmocka_unit_test(a_request_read_from_the_bare_lane_ends),
        cmocka_unit_test(callers_and_servers_compete),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
