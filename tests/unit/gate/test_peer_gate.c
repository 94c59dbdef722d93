/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer gates of two nodes over fake connections, a fake server and a virtual clock (tests/sim). B answers as
 * `b.answer` says; odd envelopes are sent from B's transport directly.
 */
#include "check.h"
#include "fake_loop.h"
#include "fake_rtc.h"
#include "gate/error_code.h"
#include "gate/peer_gate.h"
#include "oom.h"
#include "port/clock.h"
#include "port/random.h"
#include "router.h"

#include <stdio.h>
#include <string.h>

#define SECONDS(n) ((n)*ACTRI_SECOND)

typedef enum { ECHO, FAIL, SILENT, TWICE, BOTH, NEITHER } answer_t;

typedef struct side {
    actri_peer_gate_t *gate;
    struct actri_certificate certificate;
    actr_id_t id;
    unsigned client, requests, streams, events[16];
    answer_t answer;
    actri_session_t session; /* of the last request */
    actri_envelope_t last;   /* copied: texts below */
    char request_id[64], text[64], all[200];
    actr_payload_type_t lane;
} side_t;

static side_t a, b;

static void reply_with(side_t *side, actri_envelope_t *e)
{
    e->request_id = actri_span_text(side->request_id);
    e->route_key = actri_span_text("a.B.C");
    e->timeout_ms = 30000;
    actr_buf_t *message = actri_buf_new(NULL, actri_envelope_size(e));
    assert_non_null(message);
    actri_envelope_encode(e, message->data);
    actri_peer_gate_reply(side->gate, &side->session.peer, side->session.number, message);
}

static void echo(side_t *side)
{
    static actri_envelope_t e;
    memset(&e, 0, sizeof e);
    e.has_payload = true;
    e.payload = actri_span_text(side->text);
    reply_with(side, &e);
}

static void answer_oddly(side_t *side)
{
    static actri_envelope_t e;
    memset(&e, 0, sizeof e);
    if (side->answer == FAIL) actri_envelope_set_error(&e, ACTR_STATUS_PERMISSION_DENIED, "not you");
    e.has_error = side->answer == BOTH || side->answer == FAIL;
    e.has_payload = side->answer == BOTH;
    reply_with(side, &e);
}

static void on_request(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message,
                       const actri_envelope_t *e)
{
    side_t *side = user;
    side->requests++;
    side->session = *session;
    side->lane = lane;
    side->last = *e;
    (void)snprintf(side->request_id, sizeof side->request_id, "%.*s", (int)e->request_id.size,
                   (const char *)e->request_id.data);
    (void)snprintf(side->text, sizeof side->text, "%.*s", (int)(e->payload.size > 40 ? 40 : e->payload.size),
                   e->payload.size == 0 ? "" : (const char *)e->payload.data);
    (void)snprintf(side->all + strlen(side->all), sizeof side->all - strlen(side->all), "%s ", side->text);
    actr_buf_release(message);
    if (side->answer == FAIL || side->answer == BOTH || side->answer == NEITHER) answer_oddly(side);
    if (side->answer == ECHO || side->answer == TWICE) echo(side);
    if (side->answer == TWICE) echo(side);
}

static void on_stream(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    side_t *side = user;
    (void)session;
    side->streams++;
    side->lane = lane;
    actr_buf_release(message);
}

static void on_peer(void *user, const actri_session_t *session, const actr_event_t *event)
{
    side_t *side = user;
    assert_true(event->peer == &session->peer && event->detail != NULL);
    side->events[event->kind]++;
}

static actr_status_t on_relay(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    const side_t *side = user;
    return router_relay(side->client, relay, error);
}

static void deliver(void *user, const actri_relay_t *relay)
{
    const side_t *side = user;
    if (side->gate != NULL) actri_outproc_relay(actri_peer_gate_outproc(side->gate), relay);
}

static void side_open(side_t *side, unsigned number, const actri_env_t *env)
{
    static const actri_peer_gate_handlers_t handlers = {on_request, on_stream, on_peer, NULL};
    memset(side, 0, sizeof *side);
    side->id = (actr_id_t){.serial_number = number, .realm = 1, .type = {"acme", "x"}};
    side->certificate.host = number;
    side->client = router_add(&side->id, deliver, side);
    actri_coordinator_options_t coordinator = {
        .loop = fake_loop(), .env = env, .certificate = &side->certificate, .max_peers = 3};
    actri_peer_gate_options_t options = {
        .coordinator = &coordinator, .relay = on_relay, .relay_user = side, .max_pending = 5};
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_peer_gate_new(&options, &handlers, side, &side->gate, &error) != ACTR_OK) return;
    actri_outproc_set_identity(actri_peer_gate_outproc(side->gate), &side->id);
}

static void side_close(side_t *side)
{
    if (side->gate == NULL) return;
    actri_peer_gate_close(side->gate);
    assert_int_equal(actri_peer_gate_pending(side->gate), 0);
    actri_peer_gate_free(side->gate);
    side->gate = NULL;
}

static int begin(void **state)
{
    (void)state;
    fake_loop_reset();
    fake_net_reset(1);
    router_reset(1);
    actri_random_seed(1);
    side_open(&a, 1, NULL);
    side_open(&b, 2, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    side_close(&a);
    side_close(&b);
    fake_loop_run(SECONDS(100));
    actri_random_seed(0);
    return fake_rtc_alive() == 0 && fake_loop_timers() == 0 ? 0 : -1;
}

typedef struct outcome {
    unsigned ended;
    actr_status_t status;
    char reply[64];
    actr_error_t error;
    int64_t when_ns;
} outcome_t;

static void on_end(actri_call_t *call)
{
    outcome_t *outcome = call->user;
    assert_int_equal(++outcome->ended, 1);
    outcome->status = call->status;
    outcome->error = call->error;
    outcome->when_ns = actri_now_ns();
    assert_true((call->reply != NULL) == (call->status == ACTR_OK && !call->is_tell));
    if (call->reply != NULL) {
        (void)snprintf(outcome->reply, sizeof outcome->reply, "%.*s", (int)actr_buf_size(call->reply),
                       (const char *)actr_buf_data(call->reply));
    }
}

static actri_call_spec_t spec_to(const side_t *to, const char *text)
{
    return (actri_call_spec_t){.to = &to->id,
                               .route = "a.B.C",
                               .payload = {text, strlen(text)},
                               .lane = ACTR_RPC_RELIABLE,
                               .timeout_ms = 10000,
                               .deadline_ns = actri_now_ns() + SECONDS(10)};
}

static actr_status_t start(outcome_t *outcome, side_t *from, const actri_call_spec_t *spec, actr_error_t *error)
{
    memset(outcome, 0, sizeof *outcome);
    actri_call_t *call = NULL;
    actr_status_t status = actri_peer_gate_start(from->gate, spec, on_end, outcome, &call, error);
    assert_int_equal(outcome->ended, 0); /* never from inside */
    assert_true((call != NULL) == (status == ACTR_OK));
    actri_call_release(call);
    return status;
}

static void call(outcome_t *outcome, const char *text)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = spec_to(&b, text);
    assert_ok(start(outcome, &a, &spec, &error), &error);
}

static void a_call_is_answered(void **state)
{
    (void)state;
    outcome_t outcome;
    call(&outcome, "hello");
    assert_int_equal(actri_peer_gate_pending(a.gate), 1);
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, outcome.status);
    assert_string_equal(outcome.reply, "hello");
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
    const actri_gate_stats_t *stats = actri_peer_gate_stats(a.gate);
    assert_int_equal(stats->calls_started, 1);
    assert_int_equal(stats->calls_answered, 1);
    assert_int_equal(stats->calls_failed + stats->calls_timed_out + stats->late_replies, 0);
    assert_int_equal(a.events[ACTR_EVENT_PEER_CONNECTED], 1);
}

static void the_envelope_says_all_that_was_asked(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_metadata_t metadata[2] = {{"k1", "v1"}, {"k2", ""}};
    actri_call_spec_t spec = spec_to(&b, "");
    spec.metadata = metadata;
    spec.metadata_count = 2;
    spec.lane = ACTR_RPC_SIGNAL;
    spec.timeout_ms = 1234;
    spec.traceparent = actri_span_text("00-trace");
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, outcome.status);
    assert_string_equal(outcome.reply, "");
    assert_int_equal(b.lane, ACTR_RPC_SIGNAL);
    assert_true(b.last.has_payload && b.last.payload.size == 0 && !b.last.has_error);
    assert_true(b.last.has_timeout && b.last.timeout_ms == 1234);
    assert_int_equal(b.last.metadata_count, 2);
    assert_int_equal(b.last.traceparent.size, 8);
    assert_int_equal(strlen(b.request_id), 36);
    assert_int_equal(b.request_id[14], '4');
}

static void an_error_reply_keeps_its_kind_and_code(void **state)
{
    (void)state;
    outcome_t outcome;
    b.answer = FAIL;
    call(&outcome, "x");
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_STATUS_PERMISSION_DENIED, outcome.status);
    assert_int_equal(outcome.error.remote_code, 400);
    assert_non_null(strstr(outcome.error.message, "not you"));
}

static void a_reply_with_both_or_neither_is_a_decode_error(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        outcome_t outcome;
        b.answer = i == 0 ? BOTH : NEITHER;
        call(&outcome, "x");
        fake_loop_run(SECONDS(1));
        assert_status(ACTR_STATUS_DECODE, outcome.status);
    }
}

static void without_answer_the_time_runs_out(void **state)
{
    (void)state;
    outcome_t outcome;
    b.answer = SILENT;
    call(&outcome, "x");
    fake_loop_run(SECONDS(9));
    assert_int_equal(outcome.ended, 0);
    fake_loop_run(SECONDS(2));
    assert_status(ACTR_STATUS_TIMEOUT, outcome.status);
    assert_int_equal(actri_peer_gate_stats(a.gate)->calls_timed_out, 1);
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
}

/* lifecycle-and-rpc 6.2, quirks: the reference takes these for new requests. */
static void late_and_second_replies_are_counted_and_dropped(void **state)
{
    (void)state;
    outcome_t outcome;
    b.answer = TWICE;
    call(&outcome, "x");
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, outcome.status);
    assert_int_equal(actri_peer_gate_stats(a.gate)->late_replies, 1);
    b.answer = SILENT;
    call(&outcome, "x");
    fake_loop_run(SECONDS(11));
    assert_status(ACTR_STATUS_TIMEOUT, outcome.status);
    echo(&b);
    fake_loop_run(SECONDS(1));
    assert_int_equal(actri_peer_gate_stats(a.gate)->late_replies, 2);
    assert_int_equal(a.requests, 0);
}

static void a_tell_ends_when_it_is_sent_and_its_reply_is_dropped(void **state)
{
    (void)state;
    outcome_t outcome;
    actri_call_spec_t spec = spec_to(&b, "told");
    spec.is_tell = true;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
    fake_loop_run(SECONDS(1)); /* b answers, as the reference does */
    assert_status(ACTR_OK, outcome.status);
    assert_true(b.last.has_timeout && b.last.timeout_ms == 0);
    assert_string_equal(b.text, "told");
    assert_int_equal(a.requests, 0);
    assert_int_equal(actri_peer_gate_stats(a.gate)->late_replies, 1);
    assert_int_equal(actri_peer_gate_stats(a.gate)->calls_started, 0);
}

/* levels 2.4: the reference's nodes of every level look for the reply there. */
static void a_reply_goes_on_the_reliable_lane_whatever_its_request_took(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = spec_to(&b, "x");
    spec.lane = ACTR_RPC_SIGNAL;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, outcome.status);
    assert_int_equal(fake_net.sent_on[ACTR_RPC_SIGNAL], 1);
    assert_int_equal(fake_net.sent_on[ACTR_RPC_RELIABLE], 1);
}

static void a_tell_is_bounded(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = spec_to(&b, "told");
    spec.is_tell = true;
    router.clients[b.client].online = false; /* it is there, and never says anything */
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(9));
    assert_int_equal(outcome.ended, 0);
    fake_loop_run(SECONDS(2));
    assert_status(ACTR_STATUS_TIMEOUT, outcome.status);
}

static void a_tell_to_nobody_fails(void **state)
{
    (void)state;
    outcome_t outcome;
    router_remove(b.client);
    actri_call_spec_t spec = spec_to(&b, "told");
    spec.is_tell = true;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_STATUS_UNAVAILABLE, outcome.status);
}

static void what_can_not_be_a_request_is_refused(void **state)
{
    (void)state;
    static char large[70000];
    memset(large, 'x', sizeof large - 1);
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_metadata_t metadata[ACTRI_METADATA_MAX] = {{"k", "v"}};
    actri_call_spec_t spec = spec_to(&b, "");
    spec.route = "";
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, start(&outcome, &a, &spec, &error));
    spec.route = NULL;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, start(&outcome, &a, &spec, &error));
    spec = spec_to(&b, "");
    spec.payload.size = 3;
    spec.payload.data = NULL;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, start(&outcome, &a, &spec, &error));
    spec = spec_to(&b, "");
    spec.lane = ACTR_STREAM_RELIABLE;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, start(&outcome, &a, &spec, &error));
    spec = spec_to(&b, "");
    spec.metadata = metadata;
    spec.metadata_count = ACTRI_METADATA_MAX;
    assert_status(ACTR_STATUS_LIMIT_REACHED, start(&outcome, &a, &spec, &error));
    spec = spec_to(&b, large);
    assert_status(ACTR_STATUS_TOO_LARGE, start(&outcome, &a, &spec, &error));
    assert_non_null(strstr(error.message, "65535"));
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
    assert_int_equal(actri_peer_gate_stats(a.gate)->calls_started, 0);
}

static void the_number_of_pending_calls_is_limited(void **state)
{
    (void)state;
    outcome_t outcomes[6];
    b.answer = SILENT;
    for (int i = 0; i < 5; i++) call(&outcomes[i], "x");
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = spec_to(&b, "x");
    assert_status(ACTR_STATUS_LIMIT_REACHED, start(&outcomes[5], &a, &spec, &error));
    spec.is_tell = true; /* tells wait for nothing */
    assert_status(ACTR_OK, start(&outcomes[5], &a, &spec, &error));
    fake_loop_run(SECONDS(11));
    for (int i = 0; i < 5; i++) assert_status(ACTR_STATUS_TIMEOUT, outcomes[i].status);
    call(&outcomes[0], "x");
    fake_loop_run(SECONDS(11));
}

/* What may not be sent again: a signal, what the caller said so of, anything to a peer that would do it twice. */
static void the_end_of_a_session_ends_what_was_sent_on_it(void **state)
{
    (void)state;
    static const struct {
        actr_payload_type_t lane;
        actr_retry_t retry;
        bool plain;
    } cases[] = {{ACTR_RPC_SIGNAL, ACTR_RETRY_SAFE, false},
                 {ACTR_RPC_RELIABLE, ACTR_RETRY_NEVER, false},
                 {ACTR_RPC_RELIABLE, ACTR_RETRY_SAFE, true}};
    outcome_t outcomes[3];
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 0; i < 3; i++) {
        fake_net.plain_peers = cases[i].plain;
        actri_call_spec_t spec = spec_to(&b, "x");
        spec.lane = cases[i].lane;
        spec.retry = cases[i].retry;
        b.answer = SILENT;
        assert_ok(start(&outcomes[i], &a, &spec, &error), &error);
        fake_loop_run(SECONDS(1));
        side_close(&b);
        fake_loop_run(SECONDS(1));
        assert_status(ACTR_STATUS_DELIVERY_UNCERTAIN, outcomes[i].status);
        assert_int_equal(a.events[ACTR_EVENT_PEER_CLOSED], i + 1);
        assert_int_equal(actri_peer_gate_pending(a.gate), 0);
        router_remove(b.client);
        side_open(&b, 2, NULL);
    }
    assert_int_equal(actri_peer_gate_stats(a.gate)->calls_repeated, 0);
}

static void cut_until_closed(void)
{
    fake_net.cut[1][2] = true;
    for (int i = 0; i < 120 && a.events[ACTR_EVENT_PEER_CLOSED] == 0; i++) fake_loop_run(SECONDS(1));
    assert_int_equal(a.events[ACTR_EVENT_PEER_CLOSED], 1);
}

static void heal(void)
{
    fake_net.cut[1][2] = false;
    fake_loop_run(SECONDS(60));
}

static actri_call_spec_t long_spec(const char *text)
{
    actri_call_spec_t spec = spec_to(&b, text);
    spec.deadline_ns = actri_now_ns() + SECONDS(600);
    return spec;
}

static void a_lost_call_is_sent_again_before_newer_ones(void **state)
{
    (void)state;
    outcome_t outcomes[4];
    actr_error_t error = ACTR_ERROR_INIT;
    b.answer = SILENT;
    actri_call_spec_t one = long_spec("one"), two = long_spec("two"), three = long_spec("three");
    two.deadline_ns -= SECONDS(100); /* the table is in another order than the calls */
    assert_ok(start(&outcomes[0], &a, &one, &error), &error);
    assert_ok(start(&outcomes[1], &a, &two, &error), &error);
    fake_loop_run(SECONDS(1));
    assert_string_equal(b.all, "one two ");
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(10)); /* silent, not given up: this one is taken by the connection, and lost with it */
    assert_ok(start(&outcomes[2], &a, &three, &error), &error);
    b.answer = ECHO;
    cut_until_closed();
    actri_call_spec_t four = long_spec("four"); /* newer: it waits for the same connection */
    assert_ok(start(&outcomes[3], &a, &four, &error), &error);
    heal();
    assert_string_equal(b.all, "one two one two three four ");
    for (int i = 0; i < 4; i++) assert_status(ACTR_OK, outcomes[i].status);
    assert_string_equal(outcomes[1].reply, "two");
    assert_int_equal(actri_peer_gate_stats(a.gate)->calls_repeated, 3);
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
}

static void a_repetition_has_the_same_request_id(void **state)
{
    (void)state;
    outcome_t outcome;
    char id[64];
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = long_spec("x");
    fake_net.plain_peers = true;
    spec.retry = ACTR_RETRY_ALWAYS; /* also to a peer that may do it twice */
    b.answer = SILENT;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    (void)snprintf(id, sizeof id, "%s", b.request_id);
    b.answer = ECHO;
    cut_until_closed();
    heal();
    assert_int_equal(b.requests, 2);
    assert_string_equal(id, b.request_id);
    assert_status(ACTR_OK, outcome.status);
}

static void a_tell_is_never_sent_again(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = long_spec("x");
    spec.is_tell = true;
    spec.retry = ACTR_RETRY_ALWAYS;
    assert_ok(start(&outcome, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, outcome.status);
    cut_until_closed();
    heal();
    assert_int_equal(b.requests, 1);
}

/* Sent once, and never again to be reached: nobody knows. */
static void a_repetition_that_can_not_leave_is_uncertain(void **state)
{
    (void)state;
    outcome_t gone, late;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = long_spec("x"), brief = long_spec("y");
    brief.deadline_ns = actri_now_ns() + SECONDS(2);
    b.answer = SILENT;
    assert_ok(start(&gone, &a, &spec, &error), &error);
    assert_ok(start(&late, &a, &brief, &error), &error);
    fake_loop_run(SECONDS(1));
    router.refuses_dead = true;
    router_remove(b.client);
    side_close(&b);
    fake_loop_run(SECONDS(5));
    assert_status(ACTR_STATUS_DELIVERY_UNCERTAIN, gone.status);
    assert_true(late.status == ACTR_STATUS_DELIVERY_UNCERTAIN || late.status == ACTR_STATUS_TIMEOUT);
    assert_int_equal(actri_peer_gate_pending(a.gate), 0);
}

static void what_can_not_leave_in_its_share_of_the_time_is_unavailable(void **state)
{
    (void)state;
    outcome_t never, once;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = long_spec("x");
    spec.send_by_ns = actri_now_ns() + SECONDS(3);
    spec.deadline_ns = actri_now_ns() + SECONDS(40);
    assert_ok(start(&once, &a, &spec, &error), &error);
    b.answer = SILENT;
    fake_loop_run(SECONDS(1));
    cut_until_closed();
    spec.send_by_ns = actri_now_ns() + SECONDS(3);
    assert_ok(start(&never, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(10));
    assert_true(never.status == ACTR_STATUS_UNAVAILABLE && never.error.status == never.status);
    assert_status(ACTR_STATUS_TIMEOUT, once.status); /* it was sent, and waited to be sent again */
}

static void closing_ends_every_call(void **state)
{
    (void)state;
    outcome_t sent, queued, inbox;
    b.answer = SILENT;
    call(&sent, "x");
    fake_loop_run(SECONDS(1));
    actr_id_t nobody = {.serial_number = 9, .realm = 1, .type = {"acme", "nobody"}};
    router.clients[a.client].online = false;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_call_spec_t spec = spec_to(&b, "x");
    spec.to = &nobody;
    assert_ok(start(&queued, &a, &spec, &error), &error);
    fake_loop_run(SECONDS(1));
    call(&inbox, "x");
    actri_peer_gate_close(a.gate);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, sent.status);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, queued.status);
    assert_int_equal(inbox.ended, 1);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, inbox.status);
    spec = spec_to(&b, "x");
    assert_status(ACTR_STATUS_SHUTTING_DOWN, start(&queued, &a, &spec, &error));
    actri_peer_gate_close(a.gate);
}

/* ---- what peers may send ---- */

static void on_raw_done(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    (void)sent_on;
    (void)error;
    assert_status(ACTR_OK, status);
    actr_buf_release(parcel->message);
}

static void send_raw(side_t *from, const side_t *to, actr_payload_type_t lane, const void *data, size_t size)
{
    actri_parcel_t parcel = {.to = to->id,
                             .lane = lane,
                             .deadline_ns = actri_now_ns() + SECONDS(10),
                             .done = on_raw_done,
                             .message = actri_buf_copy(NULL, data, size)};
    actri_outproc_send(actri_peer_gate_outproc(from->gate), &parcel);
    fake_loop_run(SECONDS(2));
}

static void send_envelope(side_t *from, const side_t *to, actri_envelope_t *e)
{
    uint8_t bytes[500];
    assert_true(actri_envelope_size(e) <= sizeof bytes);
    actri_envelope_encode(e, bytes);
    send_raw(from, to, ACTR_RPC_RELIABLE, bytes, actri_envelope_size(e));
}

/* The peer knows the id since the first time: its answer may come while the repetition still waits for its turn. */
static void a_reply_before_the_repetition_has_left_ends_the_call_once(void **state)
{
    (void)state;
    static actri_envelope_t e;
    outcome_t outcomes[5];
    actr_error_t error = ACTR_ERROR_INIT;
    b.answer = SILENT;
    for (int i = 0; i < 5; i++) {
        actri_call_spec_t spec = long_spec("x");
        assert_ok(start(&outcomes[i], &a, &spec, &error), &error);
    }
    fake_loop_run(SECONDS(1));
    cut_until_closed();
    fake_loop_run(SECONDS(10)); /* b knows it as well */
    fake_net.send_buffer = 1;   /* the repetitions leave one by one */
    e = (actri_envelope_t){.has_payload = true, .payload = actri_span_text("early")};
    e.request_id = actri_span_text(b.request_id); /* the last one's */
    actri_parcel_t parcel = {.to = a.id, .deadline_ns = actri_now_ns() + SECONDS(100), .done = on_raw_done};
    parcel.message = actri_buf_new(NULL, actri_envelope_size(&e));
    actri_envelope_encode(&e, parcel.message->data);
    actri_outproc_send(actri_peer_gate_outproc(b.gate), &parcel);
    heal();
    assert_int_equal(b.requests, 10);
    assert_string_equal(outcomes[4].reply, "early");
    side_close(&a); /* ends the others */
}

static void bad_messages_are_counted_and_harm_nobody(void **state)
{
    (void)state;
    static actri_envelope_t e;
    a.answer = b.answer = SILENT;
    send_raw(&b, &a, ACTR_RPC_RELIABLE, "garbage!", 8);
    send_raw(&b, &a, ACTR_RPC_SIGNAL, "\0", 1);
    memset(&e, 0, sizeof e);
    e.route_key = actri_span_text("a.B.C");
    e.request_id = actri_span_text("4dbbaf25-4aa0-4007-b884-77fe23ac5dbd");
    send_envelope(&b, &a, &e); /* without payload: never dispatched, never answered */
    e.has_error = true;
    send_envelope(&b, &a, &e);
    e.has_payload = true;
    send_envelope(&b, &a, &e);
    assert_int_equal(actri_peer_gate_stats(a.gate)->bad_messages, 5);
    assert_int_equal(a.requests, 0);
    e.has_error = false;
    send_envelope(&b, &a, &e);
    assert_int_equal(a.requests, 1);
    e.request_id = actri_span(NULL, 0); /* the reference accepts that too */
    send_envelope(&b, &a, &e);
    assert_int_equal(a.requests, 2);
    send_raw(&b, &a, ACTR_STREAM_RELIABLE, "anything", 8);
    assert_int_equal(a.streams, 1);
    assert_int_equal(a.lane, ACTR_STREAM_RELIABLE);
    assert_int_equal(a.events[ACTR_EVENT_PEER_CLOSED], 0);
}

static void a_reply_from_another_peer_does_not_count(void **state)
{
    (void)state;
    static side_t c;
    static actri_envelope_t e;
    outcome_t outcome;
    side_open(&c, 3, NULL);
    b.answer = SILENT;
    call(&outcome, "x");
    fake_loop_run(SECONDS(1));
    memset(&e, 0, sizeof e);
    e.request_id = actri_span_text(b.request_id); /* c has learned the id */
    e.has_payload = true;
    e.payload = actri_span_text("forged");
    send_envelope(&c, &a, &e);
    assert_int_equal(outcome.ended, 0);
    assert_int_equal(actri_peer_gate_stats(a.gate)->late_replies, 1);
    assert_int_equal(a.requests, 0);
    echo(&b);
    fake_loop_run(SECONDS(1));
    assert_string_equal(outcome.reply, "x");
    side_close(&c);
}

static void replies_without_their_session_are_dropped_and_counted(void **state)
{
    (void)state;
    outcome_t outcome;
    b.answer = SILENT;
    call(&outcome, "x");
    fake_loop_run(SECONDS(1));
    uint64_t sent, dropped, session = b.session.number;
    b.session.number = 0; /* as of a request that was redelivered */
    echo(&b);
    b.session.number = session + 1;
    echo(&b);
    fake_loop_run(SECONDS(1));
    actri_peer_gate_reply_counts(b.gate, &sent, &dropped);
    assert_true(sent == 0 && dropped == 2);
    b.session.number = session;
    echo(&b);
    fake_loop_run(SECONDS(1));
    actri_peer_gate_reply_counts(b.gate, &sent, &dropped);
    assert_true(sent == 1 && dropped == 2);
    assert_status(ACTR_OK, outcome.status);
}

/* ---- memory ---- */

static void each_failed_allocation_is_survived(void **state)
{
    OOM_EACH(oom)
    {
        outcome_t outcomes[2], last;
        (void)end(state);
        (void)begin(state);
        side_close(&a);
        router_remove(a.client);
        side_open(&a, 1, &oom.env);
        if (a.gate != NULL) {
            actr_error_t error = ACTR_ERROR_INIT;
            actri_call_spec_t spec = spec_to(&b, "x");
            bool started[2];
            for (int i = 0; i < 2; i++) {
                spec.is_tell = i == 1;
                actr_status_t status = start(&outcomes[i], &a, &spec, &error);
                started[i] = status == ACTR_OK;
                assert_true(started[i] || status == ACTR_STATUS_NO_MEMORY);
            }
            fake_loop_run(SECONDS(12));
            for (int i = 0; i < 2; i++) assert_int_equal(outcomes[i].ended, started[i]);
            if (oom.failed != 0) { /* the memory is back: so is everything */
                call(&last, "again");
                fake_loop_run(SECONDS(12));
                assert_status(ACTR_OK, last.status);
            }
            side_close(&a);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered),
        TEST(the_envelope_says_all_that_was_asked),
        TEST(an_error_reply_keeps_its_kind_and_code),
        TEST(a_reply_with_both_or_neither_is_a_decode_error),
        TEST(without_answer_the_time_runs_out),
        TEST(late_and_second_replies_are_counted_and_dropped),
        TEST(a_tell_ends_when_it_is_sent_and_its_reply_is_dropped),
        TEST(a_reply_goes_on_the_reliable_lane_whatever_its_request_took),
        TEST(a_tell_is_bounded),
        TEST(a_tell_to_nobody_fails),
        TEST(what_can_not_be_a_request_is_refused),
        TEST(the_number_of_pending_calls_is_limited),
        TEST(the_end_of_a_session_ends_what_was_sent_on_it),
        TEST(a_reply_before_the_repetition_has_left_ends_the_call_once),
        TEST(a_lost_call_is_sent_again_before_newer_ones),
        TEST(a_repetition_has_the_same_request_id),
        TEST(a_tell_is_never_sent_again),
        TEST(a_repetition_that_can_not_leave_is_uncertain),
        TEST(what_can_not_leave_in_its_share_of_the_time_is_unavailable),
        TEST(closing_ends_every_call),
        TEST(bad_messages_are_counted_and_harm_nobody),
        TEST(a_reply_from_another_peer_does_not_count),
        TEST(replies_without_their_session_are_dropped_and_counted),
        TEST(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
