/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of the signaling session under a virtual clock. Tests named rule_N hold rule N of the list of
 * faults that the reference had (known-faults 1 to 16); others hold signaling 1, 4 and 5.
 */
#include "check.h"

#include "session_bench.h"

/* Loses the connection and comes back with the identity in the URL. */
static void come_back(bench_t *bench)
{
    bench_lose(bench);
    bench_pass(bench, ACTRI_SECOND);
    assert_true(bench->socket);
    bench_opened(bench);
}

/* How long it pauses after the next loss or failure. */
static int64_t pause_after_loss(bench_t *bench)
{
    int64_t since = bench->time.now_ns;
    bench_lose(bench);
    while (!bench->socket) {
        bench_pass(bench, actri_session_deadline(bench->session) - bench->time.now_ns);
    }
    return bench->time.now_ns - since;
}

static void registers_then_beats_at_once(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    assert_int_equal(ACTRI_SIGNALING_CONNECTING, bench.state);
    assert_int_equal(1, bench.connects);
    assert_string_equal("", bench.query); /* bare URL first */
    bench_nothing_sent(&bench);
    bench_opened(&bench);
    assert_int_equal(1, bench_expect_register(&bench));
    assert_int_equal(0, bench.started);
    bench_ok_t ok = {.serial = 0x2a, .token = "token-1", .psk = "psk-1", .interval = 30, .expires_s = 1797966113};
    bench_reply_ok(&bench, 1, &ok);
    assert_int_equal(1, bench.identities);
    assert_int_equal(0x2a, bench.identity.id.serial_number);
    assert_string_equal("token-1", bench.token);
    assert_string_equal("psk-1", bench.psk);
    assert_int_equal(5, bench.identity.token_key_id);
    assert_true(bench.identity.expires_at_ms == INT64_C(1797966113000));
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    assert_int_equal(1, bench.started);
    assert_int_equal(2, bench_expect_ping(&bench));
    bench_nothing_sent(&bench);
    bench_close(&bench);
}

static void beats_at_the_interval(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 29 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_live(&bench, 30 * ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_nothing_sent(&bench);
    bench_close(&bench);
}

static void interval_of(bench_t *bench, uint32_t interval)
{
    bench_open(bench);
    bench_start(bench);
    bench_opened(bench);
    bench_ok_t ok = {.serial = 1, .token = "t", .interval = interval};
    bench_reply_ok(bench, bench_expect_register(bench), &ok);
}

static void interval_zero_is_thirty_seconds(void **state)
{
    (void)state;
    bench_t bench;
    interval_of(&bench, 7); /* any other is obeyed */
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_live(&bench, 7 * ACTRI_SECOND - 1);
    bench_nothing_sent(&bench);
    bench_pass(&bench, 1);
    (void)bench_expect_ping(&bench);
    bench_close(&bench);
    interval_of(&bench, 0);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_live(&bench, 29 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND);
    (void)bench_expect_ping(&bench);
    bench_close(&bench);
}

static void an_answer_has_at_least_a_second(void **state)
{
    (void)state;
    bench_t bench;
    interval_of(&bench, 1); /* 0.4 s in the reference, which rounds it to nothing */
    unsigned first = bench_expect_ping(&bench);
    bench_pass(&bench, 999 * ACTRI_MS);
    assert_int_equal(0, actri_session_counters(bench.session)->beats_missed);
    bench_reply_pong(&bench, first, 0, true);
    (void)bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST); /* it was read */
    bench_close(&bench);
}

static void a_missed_pong_changes_nothing(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 30 * ACTRI_SECOND);
    unsigned late = bench_expect_ping(&bench);
    bench_live(&bench, 12 * ACTRI_SECOND - 1); /* 0.4 of the interval */
    assert_int_equal(0, actri_session_counters(bench.session)->beats_missed);
    bench_pass(&bench, 1);
    assert_int_equal(1, actri_session_counters(bench.session)->beats_missed);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    bench_reply_pong(&bench, late, 0, false);
    assert_int_equal(1, actri_session_counters(bench.session)->unasked);
    bench_live(&bench, 18 * ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_close(&bench);
}

static void obeys_a_suggested_interval_within_reason(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 30 * ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 10, false);
    bench_live(&bench, 10 * ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 4000000000u, false); /* 300 s at most */
    bench_live(&bench, 299 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND);
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__Pong none = ACTR__PONG__INIT;
    none.has_suggest_interval_secs = 1; /* 0 is no suggestion */
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    body.pong = &none;
    bench_reply(&bench, bench_expect_ping(&bench), &body);
    bench_live(&bench, 299 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND);
    (void)bench_expect_ping(&bench);
    bench_close(&bench);
}

static void a_beat_can_be_asked_for(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench.load.availability = 3;
    actri_session_beat(bench.session, bench.time);
    Signaling__SignalingEnvelope *envelope = bench_next(&bench);
    assert_int_equal(3, envelope->actr_to_server->ping->availability);
    bench_free(envelope);
    bench_close(&bench);
}

static void rule_1_requests_fail_at_once_on_disconnect(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_ask(&bench, 10);
    bench_ask(&bench, 10);
    assert_int_equal(0, bench.answers);
    bench_lose(&bench);
    assert_int_equal(2, bench.answers);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, bench.answer);
    bench_ask(&bench, 10); /* and while offline */
    assert_int_equal(3, bench.answers);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, bench.answer);
    bench_close(&bench);
}

static void rule_1_requests_are_removed_when_their_time_ends(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_ask(&bench, 2);
    unsigned number = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST);
    bench_live(&bench, 2 * ACTRI_SECOND - 1);
    assert_int_equal(0, bench.answers);
    bench_pass(&bench, 1);
    assert_int_equal(1, bench.answers);
    assert_status(ACTR_STATUS_TIMEOUT, bench.answer);
    bench_reply_error(&bench, number, 500, "late"); /* nobody waits any more, and it is about no relay */
    assert_int_equal(1, bench.answers);
    assert_int_equal(0, bench.relays);
    bench_ask(&bench, 1000); /* 15 s at most */
    bench_live(&bench, 15 * ACTRI_SECOND - 1);
    assert_int_equal(1, bench.answers);
    bench_pass(&bench, 1);
    assert_int_equal(2, bench.answers);
    bench_close(&bench);
}

static void rule_2_connecting_and_registering_have_a_limit(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    actri_session_start(bench.session, bench.time, bench.time.now_ns + 100 * ACTRI_SECOND);
    bench_pass(&bench, 30 * ACTRI_SECOND - 1);
    assert_int_equal(0, bench.disconnects);
    bench_pass(&bench, 1);
    assert_int_equal(1, bench.disconnects);
    bench_pass(&bench, 2 * ACTRI_SECOND);
    assert_int_equal(2, bench.connects);
    bench_opened(&bench);
    (void)bench_expect_register(&bench);
    bench_live(&bench, 15 * ACTRI_SECOND - 1); /* the socket lives, the answer does not come */
    assert_int_equal(1, bench.disconnects);
    bench_pass(&bench, 1);
    assert_int_equal(2, bench.disconnects);
    assert_int_equal(0, bench.started);
    bench_close(&bench);
}

static void rule_3_one_attempt_at_a_time(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    come_back(&bench); /* the sink itself refuses a second socket */
    bench_lose(&bench);
    bench_pass(&bench, 20 * ACTRI_SECOND);
    assert_int_equal(3, bench.connects);
    bench_pass(&bench, 60 * ACTRI_SECOND);
    assert_int_equal(bench.disconnects + (bench.socket ? 1 : 0), bench.connects - 2);
    bench_close(&bench);
}

static void rule_4_a_dead_socket_is_torn_down_first(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_relay_t relay = {.kind = ACTRI_RELAY_OFFER, .target.type = bench_type, .text = "v=0"};
    uint8_t uuid[16] = {0};
    bench_pass(&bench, 10 * ACTRI_SECOND + 1); /* silence; bench_connect demands that the old one is gone */
    assert_int_equal(1, bench.disconnects);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE,
                  actri_session_relay(bench.session, bench.time, &relay, uuid, NULL));
    bench_pass(&bench, ACTRI_SECOND);
    assert_int_equal(2, bench.connects);
    bench_close(&bench);
}

static void rule_5_stop_reports_its_state(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_session_stop(bench.session, bench.time, bench.time.now_ns + ACTRI_SECOND);
    assert_int_equal(0, bench.stopped);
    unsigned number = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST);
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__EmptyResponse response = ACTR__EMPTY_RESPONSE__INIT;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_UNREGISTER_RESPONSE;
    body.unregister_response = &response;
    bench_reply(&bench, number, &body);
    assert_int_equal(1, bench.stopped);
    assert_int_equal(ACTR_OK, bench.stop_status);
    assert_int_equal(ACTRI_SIGNALING_STOPPED, bench.state);
    assert_int_equal(1, bench.polite);
    bench_pass(&bench, 1000 * ACTRI_SECOND); /* and it stays so */
    assert_int_equal(1, bench.connects);
    bench_close(&bench);
}

static void rule_6_it_comes_back_after_every_loss_for_ever(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    for (unsigned i = 0; i < 200; i++) (void)pause_after_loss(&bench);
    assert_int_equal(201, bench.connects);
    bench_opened(&bench);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    bench_close(&bench);
}

static void forget_and_register_anew(bench_t *bench, uint32_t code)
{
    bench_live(bench, 30 * ACTRI_SECOND);
    bench_reply_error(bench, bench_expect_ping(bench), code, "unknown token");
    assert_int_equal(ACTRI_SIGNALING_DISCONNECTED, bench->state);
    assert_int_equal(code, bench->why.remote_code);
    assert_int_equal(1, bench->disconnects); /* a fresh socket */
    bench_pass(bench, ACTRI_SECOND);
    assert_int_equal(2, bench->connects);
    assert_string_equal("", bench->query); /* without the identity that nobody knows */
    bench_opened(bench);
    bench_ok_t ok = {.serial = 0x2b, .token = "token-2", .psk = "psk-2", .interval = 30};
    bench_reply_ok(bench, bench_expect_register(bench), &ok);
}

static void rule_7_a_heartbeat_401_leads_to_registration(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        bench_t bench;
        bench_online(&bench);
        forget_and_register_anew(&bench, i == 0 ? 401 : 404);
        assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
        (void)bench_expect_ping(&bench);
        bench_close(&bench);
    }
}

static void rule_7_other_heartbeat_errors_change_nothing(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 30 * ACTRI_SECOND);
    bench_reply_error(&bench, bench_expect_ping(&bench), 503, "busy");
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    assert_int_equal(0, bench.disconnects);
    bench_close(&bench);
}

static void rule_8_the_new_identity_is_told_and_used(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    forget_and_register_anew(&bench, 401);
    assert_int_equal(2, bench.identities);
    assert_int_equal(0x2b, bench.identity.id.serial_number);
    assert_string_equal("token-2", bench.token);
    Signaling__SignalingEnvelope *ping = bench_next(&bench);
    assert_int_equal(0x2b, ping->actr_to_server->source->serial_number);
    assert_memory_equal("token-2", ping->actr_to_server->credential->encrypted_token.data, 7);
    bench_free(ping);
    bench_close(&bench);
}

static void rule_8_unknown_right_after_registration_does_not_spin(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    bench_opened(&bench);
    for (unsigned i = 0; i < 50; i++) {
        bench_ok_t ok = {.serial = 1, .token = "t", .interval = 30};
        bench_reply_ok(&bench, bench_expect_register(&bench), &ok);
        bench_reply_error(&bench, bench_expect_ping(&bench), 401, "who?");
        int64_t lost = bench.time.now_ns;
        while (!bench.socket) bench_pass(&bench, 100 * ACTRI_MS);
        if (i > 10) assert_true(bench.time.now_ns - lost >= 30 * ACTRI_SECOND);
        bench_opened(&bench);
    }
    bench_close(&bench);
}

static void a_refused_reconnect_leads_to_registration(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_lose(&bench);
    bench_pass(&bench, ACTRI_SECOND);
    assert_string_not_equal("", bench.query);
    bench.socket = false;
    actri_session_closed(bench.session, bench.time, 401, "refused");
    bench_pass(&bench, 2 * ACTRI_SECOND);
    assert_string_equal("", bench.query);
    bench_opened(&bench);
    (void)bench_expect_register(&bench);
    bench_close(&bench);
}

static void a_socket_that_twice_dies_on_our_identity_leads_to_registration(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    come_back(&bench);
    (void)bench_expect_ping(&bench);
    come_back(&bench);
    (void)bench_expect_ping(&bench);
    assert_string_not_equal("", bench.query);
    bench_lose(&bench);
    bench_pass(&bench, 4 * ACTRI_SECOND);
    assert_string_equal("", bench.query);
    bench_close(&bench);
}

static void rule_9_the_psk_is_renewed_with_the_credential(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_live(&bench, 30 * ACTRI_SECOND);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
    unsigned number = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_ok_t ok = {.serial = 0x99, .token = "token-2", .psk = "psk-2", .interval = 5};
    bench_reply_ok(&bench, number, &ok);
    assert_int_equal(2, bench.identities);
    assert_string_equal("token-2", bench.token);
    assert_string_equal("psk-2", bench.psk);
    assert_int_equal(0x2a, bench.identity.id.serial_number); /* id and interval of the answer do not count */
    bench_live(&bench, 29 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_close(&bench);
}

static void rule_9_without_a_new_psk_the_old_one_stays(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_session_beat(bench.session, bench.time);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
    bench_ok_t ok = {.serial = 0x2a, .token = "token-2"};
    bench_reply_ok(&bench, bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST), &ok);
    assert_string_equal("token-2", bench.token);
    assert_string_equal("psk-1", bench.psk);
    bench_lose(&bench);
    bench_pass(&bench, ACTRI_SECOND);
    assert_non_null(strstr(bench.query, "token=dG9rZW4tMg%3D%3D")); /* the renewed token reconnects */
    bench_close(&bench);
}

static void one_renewal_at_a_time_and_again_after_a_failure(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_session_beat(bench.session, bench.time);
    actri_session_beat(bench.session, bench.time);
    unsigned first = bench_expect_ping(&bench), second = bench_expect_ping(&bench);
    bench_reply_pong(&bench, first, 0, true);
    bench_reply_pong(&bench, second, 0, true);
    unsigned update = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_nothing_sent(&bench);
    bench_reply_error(&bench, update, 503, "no issuer");
    assert_int_equal(1, bench.identities);
    actri_session_beat(bench.session, bench.time);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
    (void)bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_close(&bench);
}

/* A server that drops the old token at once refuses what was under way; that is no reason to register anew. */
static void a_401_to_the_old_token_is_no_forgetting(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        bench_t bench;
        bench_online(&bench);
        actri_session_beat(bench.session, bench.time);
        bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
        unsigned update = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
        actri_session_beat(bench.session, bench.time);
        unsigned old = bench_expect_ping(&bench);
        bench_ok_t ok = {.serial = 0x2a, .token = "token-2"};
        if (order == 0) bench_reply_error(&bench, old, 401, "wrong token");
        bench_reply_ok(&bench, update, &ok);
        if (order == 1) bench_reply_error(&bench, old, 401, "wrong token");
        assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
        unsigned again = bench_expect_ping(&bench); /* with the new one */
        bench_nothing_sent(&bench);
        bench_reply_error(&bench, again, 401, "really");
        assert_int_equal(ACTRI_SIGNALING_DISCONNECTED, bench.state);
        bench_close(&bench);
    }
}

static void a_question_with_the_old_token_is_asked_again(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_session_beat(bench.session, bench.time);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
    unsigned update = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_ask(&bench, 5);
    unsigned old = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST);
    bench_ok_t ok = {.serial = 0x2a, .token = "token-2"};
    bench_reply_ok(&bench, update, &ok);
    bench_reply_error(&bench, old, 401, "wrong token");
    assert_int_equal(0, bench.answers);
    Signaling__SignalingEnvelope *sent = bench_next(&bench);
    assert_memory_equal("token-2", sent->actr_to_server->credential->encrypted_token.data, 7);
    bench_free(sent);
    bench.sent_read--;
    unsigned again = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST);
    bench_reply_error(&bench, again, 401, "really");
    assert_int_equal(1, bench.answers);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, bench.answer);
    bench_close(&bench);
}

static void renews_before_expiry(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    bench_opened(&bench);
    bench_ok_t ok = {.serial = 1, .token = "t", .interval = 300, .expires_s = bench.time.wall_ms / 1000 + 100};
    bench_reply_ok(&bench, bench_expect_register(&bench), &ok);
    bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false);
    bench_live(&bench, 79 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND); /* a fifth of its life is left */
    unsigned update = bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_ok_t renewed = {.serial = 1, .token = "u", .expires_s = bench.time.wall_ms / 1000 + 100};
    bench_reply_ok(&bench, update, &renewed);
    bench_live(&bench, 79 * ACTRI_SECOND);
    bench_nothing_sent(&bench);
    bench_live(&bench, ACTRI_SECOND);
    (void)bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_live(&bench, 15 * ACTRI_SECOND); /* no answer: tried again */
    (void)bench_expect(&bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST);
    bench_close(&bench);
}

static void rule_11_silence_of_more_than_ten_seconds_is_death(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_pass(&bench, 5 * ACTRI_SECOND);
    assert_int_equal(1, bench.pings);
    bench_pass(&bench, 5 * ACTRI_SECOND);
    assert_int_equal(2, bench.pings);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state); /* ten seconds are not more than ten */
    actri_session_alive(bench.session, bench.time);
    bench_pass(&bench, 10 * ACTRI_SECOND);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    bench_pass(&bench, 1);
    assert_int_equal(ACTRI_SIGNALING_DISCONNECTED, bench.state);
    assert_non_null(strstr(bench.why.message, "silent"));
    bench_close(&bench);
}

static void rule_12_no_heartbeat_while_disconnected(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    bench_lose(&bench);
    actri_session_beat(bench.session, bench.time);
    for (unsigned i = 0; i < 10; i++) {
        bench_pass(&bench, 60 * ACTRI_SECOND);
        actri_session_beat(bench.session, bench.time);
        if (bench.socket) bench_lose(&bench);
    }
    bench_nothing_sent(&bench);
    assert_int_equal(0, bench.pings);
    bench_close(&bench);
}

static void rule_13_the_pause_doubles_and_success_resets_it(void **state)
{
    (void)state;
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60};
    bench_t bench;
    bench_online(&bench);
    bool jitter = false;
    for (unsigned round = 0; round < 2; round++) {
        assert_true(pause_after_loss(&bench) <= 251 * ACTRI_MS); /* a good link was lost: at once, nearly */
        for (unsigned i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
            int64_t pause = pause_after_loss(&bench);
            assert_true(pause >= seconds[i] * ACTRI_SECOND / 2 && pause <= seconds[i] * ACTRI_SECOND);
            if (pause != seconds[i] * ACTRI_SECOND) jitter = true;
        }
        bench_opened(&bench);
        bench_reply_pong(&bench, bench_expect_ping(&bench), 0, false); /* proven */
    }
    assert_true(jitter);
    bench_close(&bench);
}

static void rule_16_what_a_server_leaves_out_is_survived(void **state)
{
    (void)state;
    bench_t bench;
    bench_open(&bench);
    bench_start(&bench);
    bench_opened(&bench);
    bench_ok_t ok = {.serial = 9, .token = "t", .no_realm_and_type = true}; /* no psk, no interval either */
    bench_reply_ok(&bench, bench_expect_register(&bench), &ok);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    assert_int_equal(0, bench.identity.psk_size);
    assert_int_equal(7, bench.identity.id.realm);
    assert_string_equal("bench", bench.identity.id.type.name);
    bench_close(&bench);
}

static void count_check(void *user, actr_status_t status, bool reconnected, const actr_error_t *error)
{
    (void)reconnected;
    assert_true((status == ACTR_OK) == (error == NULL));
    --*(int *)user;
}

/* Any order of events keeps the invariants, and time alone never makes it spin. */
static void random_events_keep_the_invariants(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned round = 0; round < 300; round++) {
        bench_t bench;
        int open = 0; /* checks */
        bench_open(&bench);
        for (unsigned i = 0; i < 60; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned number = (unsigned)(seed >> 20) % 12;
            bench_ok_t ok = {.serial = 1 + (seed >> 50), .token = "t", .interval = 1 + (uint32_t)(seed >> 60)};
            switch ((seed >> 40) % 11) {
            case 10:
                actri_session_check(bench.session, bench.time, seed >> 63, count_check, &open);
                open++;
                break;
            case 0:
                if (bench.started == bench.stopped || bench.state == ACTRI_SIGNALING_STOPPED) bench_start(&bench);
                break;
            case 1:
                if (bench.socket) bench_opened(&bench);
                break;
            case 2:
                if (bench.socket) bench_lose(&bench);
                break;
            case 3: bench_pass(&bench, (int64_t)(seed >> 58) * ACTRI_SECOND); break;
            case 4: bench_live(&bench, (int64_t)(seed >> 58) * ACTRI_SECOND); break;
            case 5:
            case 6: bench_reply_ok(&bench, number, &ok); break;
            case 7: bench_reply_pong(&bench, number, 3, true); break;
            case 8: bench_reply_error(&bench, number, 401, "no"); break;
            default:
                bench_ask(&bench, 3);
                if (seed >> 63) actri_session_stop(bench.session, bench.time, bench.time.now_ns + ACTRI_SECOND);
                break;
            }
            bench_sound(&bench);
            assert_in_range(open, 0, 1);
        }
        actri_session_stop(bench.session, bench.time, 0);
        assert_int_equal(open, 0);
        bench_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_then_beats_at_once),
        cmocka_unit_test(beats_at_the_interval),
        cmocka_unit_test(interval_zero_is_thirty_seconds),
        cmocka_unit_test(an_answer_has_at_least_a_second),
        cmocka_unit_test(a_missed_pong_changes_nothing),
        cmocka_unit_test(obeys_a_suggested_interval_within_reason),
        cmocka_unit_test(a_beat_can_be_asked_for),
        cmocka_unit_test(rule_1_requests_fail_at_once_on_disconnect),
        cmocka_unit_test(rule_1_requests_are_removed_when_their_time_ends),
        cmocka_unit_test(rule_2_connecting_and_registering_have_a_limit),
        cmocka_unit_test(rule_3_one_attempt_at_a_time),
        cmocka_unit_test(rule_4_a_dead_socket_is_torn_down_first),
        cmocka_unit_test(rule_5_stop_reports_its_state),
        cmocka_unit_test(rule_6_it_comes_back_after_every_loss_for_ever),
        cmocka_unit_test(rule_7_a_heartbeat_401_leads_to_registration),
        cmocka_unit_test(rule_7_other_heartbeat_errors_change_nothing),
        cmocka_unit_test(rule_8_the_new_identity_is_told_and_used),
        cmocka_unit_test(rule_8_unknown_right_after_registration_does_not_spin),
        cmocka_unit_test(a_refused_reconnect_leads_to_registration),
        cmocka_unit_test(a_socket_that_twice_dies_on_our_identity_leads_to_registration),
        cmocka_unit_test(rule_9_the_psk_is_renewed_with_the_credential),
        cmocka_unit_test(rule_9_without_a_new_psk_the_old_one_stays),
        cmocka_unit_test(one_renewal_at_a_time_and_again_after_a_failure),
        cmocka_unit_test(a_401_to_the_old_token_is_no_forgetting),
        cmocka_unit_test(a_question_with_the_old_token_is_asked_again),
        cmocka_unit_test(renews_before_expiry),
        cmocka_unit_test(rule_11_silence_of_more_than_ten_seconds_is_death),
        cmocka_unit_test(rule_12_no_heartbeat_while_disconnected),
        cmocka_unit_test(rule_13_the_pause_doubles_and_success_resets_it),
        cmocka_unit_test(rule_16_what_a_server_leaves_out_is_survived),
        cmocka_unit_test(random_events_keep_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
