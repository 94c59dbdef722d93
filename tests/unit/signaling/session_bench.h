/* SPDX-License-Identifier: Apache-2.0 */
/* A session on a bench: virtual time, a sink that writes everything down, and a server's answers. For tests only. */
#ifndef ACTR_TESTS_SESSION_BENCH_H
#define ACTR_TESTS_SESSION_BENCH_H

#include "port/clock.h"
#include "proto/idcodec.h"
#include "signaling.pb-c.h"
#include "signaling/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_SENT_MAX 700

typedef struct bench_sent {
    uint8_t *bytes;
    size_t size;
} bench_sent_t;

typedef struct bench {
    actri_session_t *session;
    actri_session_time_t time;
    actri_load_t load;
    bool fail_alloc_of_frames;

    bench_sent_t sent[BENCH_SENT_MAX];
    unsigned sent_count, sent_read;
    uint8_t *reserved;
    size_t reserved_size;
    unsigned connects, disconnects, polite, pings;
    bool socket; /* one is open or opening */
    char query[512];
    unsigned states[4];
    actri_signaling_state_t state;
    actr_error_t why;
    unsigned identities;
    actri_identity_t identity;
    char token[128], psk[128];
    unsigned relays;
    actri_relay_t relay;
    char relay_text[256];
    unsigned started, stopped;
    actr_status_t start_status, stop_status;
    actr_error_t start_error;
    unsigned answers;
    actr_status_t answer;
    size_t candidates;
    actr_id_t candidate[8]; /* the first ones */
    actr_error_t answer_error;
} bench_t;

static inline void bench_connect(void *user, const char *query)
{
    bench_t *bench = user;
    assert_false(bench->socket); /* known-faults 3, 4: one at a time, the old one goes first */
    bench->socket = true;
    bench->connects++;
    (void)snprintf(bench->query, sizeof bench->query, "%s", query);
}

static inline void bench_disconnect(void *user, bool polite)
{
    bench_t *bench = user;
    assert_true(bench->socket);
    bench->socket = false;
    bench->disconnects++;
    if (polite) bench->polite++;
}

static inline void bench_ping(void *user)
{
    bench_t *bench = user;
    assert_true(bench->socket);
    bench->pings++;
}

static inline uint8_t *bench_reserve(void *user, size_t size)
{
    bench_t *bench = user;
    assert_true(bench->socket);
    if (bench->fail_alloc_of_frames || bench->sent_count == BENCH_SENT_MAX) return NULL;
    bench->reserved = malloc(size + 1);
    bench->reserved_size = size;
    return bench->reserved;
}

static inline void bench_commit(void *user)
{
    bench_t *bench = user;
    bench->sent[bench->sent_count++] = (bench_sent_t){bench->reserved, bench->reserved_size};
    bench->reserved = NULL;
}

static inline void bench_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    bench_t *bench = user;
    bench->state = state;
    bench->states[state]++;
    if (why != NULL) bench->why = *why;
}

static inline void bench_identity(void *user, const actri_identity_t *identity)
{
    bench_t *bench = user;
    bench->identities++;
    bench->identity = *identity;
    (void)snprintf(bench->token, sizeof bench->token, "%.*s", (int)identity->token_size, (const char *)identity->token);
    (void)snprintf(bench->psk, sizeof bench->psk, "%.*s", (int)identity->psk_size, (const char *)identity->psk);
}

static inline void bench_relay(void *user, const actri_relay_t *relay)
{
    bench_t *bench = user;
    bench->relays++;
    bench->relay = *relay;
    (void)snprintf(bench->relay_text, sizeof bench->relay_text, "%s", relay->text == NULL ? "" : relay->text);
    bench->relay.text = bench->relay_text;
}

static inline void bench_load(void *user, actri_load_t *out)
{
    *out = ((bench_t *)user)->load;
}

static inline void bench_started(void *user, actr_status_t status, const actr_error_t *error)
{
    bench_t *bench = user;
    bench->started++;
    bench->start_status = status;
    if (error != NULL) bench->start_error = *error;
}

static inline void bench_stopped(void *user, actr_status_t status, const actr_error_t *error)
{
    bench_t *bench = user;
    (void)error;
    bench->stopped++;
    bench->stop_status = status;
}

static inline void bench_answer(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                                const actr_error_t *error)
{
    bench_t *bench = user;
    bench->answers++;
    bench->answer = status;
    bench->candidates = count;
    for (size_t i = 0; i < count && i < 8; i++) bench->candidate[i] = ids[i];
    if (error != NULL) bench->answer_error = *error;
}

static const actri_session_sink_t bench_sink = {
    .connect = bench_connect,
    .disconnect = bench_disconnect,
    .ping = bench_ping,
    .reserve = bench_reserve,
    .commit = bench_commit,
    .state = bench_state,
    .identity = bench_identity,
    .relay = bench_relay,
    .load = bench_load,
    .started = bench_started,
    .stopped = bench_stopped,
};

static const actr_type_t bench_type = {"acme", "bench"};

static inline void bench_sound(const bench_t *bench)
{
    const char *broken = actri_session_broken(bench->session);
    if (broken != NULL) fail_msg("broken invariant: %s", broken);
}

static inline void bench_open_with(bench_t *bench, const actri_signaling_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(bench, 0, sizeof *bench);
    bench->time = (actri_session_time_t){1000 * ACTRI_SECOND, INT64_C(1795374113000)};
    assert_ok(actri_session_new(options, &bench_sink, bench, 42, &bench->session, &error), &error);
}

static inline void bench_open(bench_t *bench)
{
    actri_signaling_options_t options = {.type = bench_type, .realm = 7, .form = 'A'};
    bench_open_with(bench, &options);
}

static inline void bench_close(bench_t *bench)
{
    actri_session_free(bench->session);
    for (unsigned i = 0; i < bench->sent_count; i++) free(bench->sent[i].bytes);
}

/* Lets time pass, calling tick whenever the session asked for it. */
static inline void bench_pass(bench_t *bench, int64_t ns)
{
    int64_t end = bench->time.now_ns + ns;
    for (;;) {
        int64_t next = actri_session_deadline(bench->session);
        bool due = next <= end;
        if (!due) next = end;
        if (next < bench->time.now_ns) next = bench->time.now_ns;
        bench->time.wall_ms += (next - bench->time.now_ns) / ACTRI_MS;
        bench->time.now_ns = next;
        if (!due) return;
        actri_session_tick(bench->session, bench->time);
        bench_sound(bench);
    }
}

/* The same with a server that answers every WebSocket Ping. */
static inline void bench_live(bench_t *bench, int64_t ns)
{
    for (int64_t end = bench->time.now_ns + ns; bench->time.now_ns < end;) {
        int64_t left = end - bench->time.now_ns;
        bench_pass(bench, left < ACTRI_SECOND ? left : ACTRI_SECOND);
        actri_session_alive(bench->session, bench->time);
    }
}

/* The next message that was sent, decoded; for signaling__signaling_envelope__free_unpacked. */
static inline Signaling__SignalingEnvelope *bench_next(bench_t *bench)
{
    assert_true(bench->sent_read < bench->sent_count);
    bench_sent_t *sent = &bench->sent[bench->sent_read++];
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, sent->size, sent->bytes);
    assert_non_null(envelope);
    return envelope;
}

static inline void bench_free(Signaling__SignalingEnvelope *envelope)
{
    signaling__signaling_envelope__free_unpacked(envelope, NULL);
}

/* Reads the next message, which must be of that kind, and returns its number N of "env-N". */
static inline unsigned bench_expect(bench_t *bench, Signaling__ActrToSignaling__PayloadCase kind)
{
    unsigned number = 0;
    Signaling__SignalingEnvelope *envelope = bench_next(bench);
    assert_int_equal(1, sscanf(envelope->envelope_id, "env-%u", &number));
    assert_int_equal(1, envelope->envelope_version);
    assert_non_null(envelope->timestamp);
    assert_int_equal(SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER, envelope->flow_case);
    assert_int_equal(kind, envelope->actr_to_server->payload_case);
    bench_free(envelope);
    return number;
}

static inline unsigned bench_expect_register(bench_t *bench)
{
    unsigned number = 0;
    Signaling__SignalingEnvelope *envelope = bench_next(bench);
    assert_int_equal(1, sscanf(envelope->envelope_id, "env-%u", &number));
    assert_int_equal(SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER, envelope->flow_case);
    bench_free(envelope);
    return number;
}

static inline unsigned bench_expect_ping(bench_t *bench)
{
    return bench_expect(bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING);
}

static inline void bench_nothing_sent(const bench_t *bench)
{
    assert_int_equal(bench->sent_count, bench->sent_read);
}

static inline void bench_give(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    size_t size = signaling__signaling_envelope__get_packed_size(envelope);
    uint8_t *bytes = malloc(size + 1);
    (void)signaling__signaling_envelope__pack(envelope, bytes);
    actri_session_received(bench->session, bench->time, bytes, size);
    free(bytes);
    bench_sound(bench);
}

/* body as the answer to request env-number; 0: to none. */
static inline void bench_reply(bench_t *bench, unsigned number, Signaling__SignalingToActr *body)
{
    char reply_for[32];
    char id[] = "from-the-server";
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    (void)snprintf(reply_for, sizeof reply_for, "env-%u", number);
    envelope.envelope_id = id;
    if (number != 0) envelope.reply_for = reply_for;
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR;
    envelope.server_to_actr = body;
    bench_give(bench, &envelope);
}

static inline void bench_reply_error(bench_t *bench, unsigned number, uint32_t code, const char *message)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    error.has_code = 1;
    error.code = code;
    error.message = (char *)(uintptr_t)message;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ERROR;
    body.error = &error;
    bench_reply(bench, number, &body);
}

/* A RegisterResponse; what is NULL or 0 is left out. */
typedef struct bench_ok {
    uint64_t serial;
    const char *token, *psk;
    uint32_t interval;
    int64_t expires_s;
    bool no_realm_and_type, no_result;
} bench_ok_t;

static inline void bench_reply_ok(bench_t *bench, unsigned number, const bench_ok_t *what)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RegisterResponse response = ACTR__REGISTER_RESPONSE__INIT;
    Actr__RegisterOk ok = ACTR__REGISTER_OK__INIT;
    Actr__AIdCredential credential = ACTR__AID_CREDENTIAL__INIT;
    Actr__Timestamp expires = ACTR__TIMESTAMP__INIT;
    actr_id_t id = {.serial_number = what->serial, .realm = 7, .type = bench_type};
    actri_id_message_t room;
    if (what->serial != 0) ok.actr_id = actri_id_to_message(&id, &room);
    if (what->no_realm_and_type) {
        room.id.realm = NULL;
        room.id.type = NULL;
    }
    if (what->token != NULL) {
        credential.has_encrypted_token = 1;
        credential.encrypted_token.data = (uint8_t *)(uintptr_t)what->token;
        credential.encrypted_token.len = strlen(what->token);
        credential.has_token_key_id = 1;
        credential.token_key_id = 5;
        ok.credential = &credential;
    }
    if (what->psk != NULL) {
        ok.has_psk = 1;
        ok.psk.data = (uint8_t *)(uintptr_t)what->psk;
        ok.psk.len = strlen(what->psk);
    }
    if (what->expires_s != 0) {
        expires.has_seconds = 1;
        expires.seconds = what->expires_s;
        ok.credential_expires_at = &expires;
    }
    ok.has_signaling_heartbeat_interval_secs = 1;
    ok.signaling_heartbeat_interval_secs = what->interval;
    response.result_case = ACTR__REGISTER_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    if (what->no_result) response.result_case = ACTR__REGISTER_RESPONSE__RESULT__NOT_SET;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    body.register_response = &response;
    bench_reply(bench, number, &body);
}

static inline void bench_reply_pong(bench_t *bench, unsigned number, uint32_t suggest_s, bool warning)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__Pong pong = ACTR__PONG__INIT;
    Actr__CredentialWarning words = ACTR__CREDENTIAL_WARNING__INIT;
    pong.has_suggest_interval_secs = suggest_s != 0;
    pong.suggest_interval_secs = suggest_s;
    if (warning) pong.credential_warning = &words;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    body.pong = &pong;
    bench_reply(bench, number, &body);
}

static inline void bench_start(bench_t *bench)
{
    actri_session_start(bench->session, bench->time, bench->time.now_ns + 60 * ACTRI_SECOND);
    bench_sound(bench);
}

static inline void bench_opened(bench_t *bench)
{
    actri_session_opened(bench->session, bench->time);
    bench_sound(bench);
}

/* The socket ends by itself. */
static inline void bench_lose(bench_t *bench)
{
    bench->socket = false;
    actri_session_closed(bench->session, bench->time, 0, "the connection ended");
    bench_sound(bench);
}

/* Registered as 0x2a with token "token-1", psk "psk-1", and the first heartbeat answered. */
static inline void bench_online(bench_t *bench)
{
    bench_open(bench);
    bench_start(bench);
    bench_opened(bench);
    bench_ok_t ok = {.serial = 0x2a, .token = "token-1", .psk = "psk-1", .interval = 30};
    bench_reply_ok(bench, bench_expect_register(bench), &ok);
    bench_reply_pong(bench, bench_expect_ping(bench), 0, false);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench->state);
    assert_int_equal(1, bench->started);
    assert_int_equal(ACTR_OK, bench->start_status);
}

static inline void bench_ask(bench_t *bench, int64_t seconds)
{
    static const actr_type_t type = {"acme", "wanted"};
    actri_session_candidates(bench->session, bench->time, &(actri_query_t){.type = type, .max = 3},
                             bench->time.now_ns + seconds * ACTRI_SECOND, bench_answer, bench);
    bench_sound(bench);
}

#endif
