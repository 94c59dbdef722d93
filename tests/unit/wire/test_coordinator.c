/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two coordinators over fake connections, a fake server and a virtual clock (tests/sim). A has the smaller id: it
 * offers. What each was told is kept as text: "up 1, silent 1, up 1, down 1, failed".
 */
#include "check.h"
#include "fake_loop.h"
#include "fake_rtc.h"
#include "oom.h"
#include "port/clock.h"
#include "port/random.h"
#include "router.h"
#include "wire/coordinator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS(n) ((n)*ACTRI_SECOND)

typedef struct side {
    actri_coordinator_t *coordinator;
    struct actri_certificate certificate;
    actr_id_t id;
    unsigned client;
    bool wanted;
    bool suspicious;     /* admits no certificate */
    bool connecting[64]; /* by the peer's serial number */
    unsigned sessions;   /* that began */
    uint64_t session;    /* the last one */
    unsigned messages, writable;
    char last[64];
    char told[300];
    actr_error_t why;
} side_t;

static side_t a, b;

static void tell(side_t *side, const char *word)
{
    size_t used = strlen(side->told);
    (void)snprintf(side->told + used, sizeof side->told - used, "%s%s", used == 0 ? "" : ", ", word);
}

static void tell_session(side_t *side, const char *word, const actri_session_t *session)
{
    char text[40];
    if (session->number != side->session && strcmp(word, "up") == 0) side->sessions++;
    if (strcmp(word, "up") == 0) side->session = session->number;
    if (session->number != side->session) fail_msg("%s for a session that is not the last", word);
    (void)snprintf(text, sizeof text, "%s %u", word, side->sessions);
    tell(side, text);
}

static actr_status_t on_relay(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    const side_t *side = user;
    assert_true(actr_id_equal(&relay->source, &side->id));
    return router_relay(side->client, relay, error);
}

/* Each attempt ends: up, or failed. */
static void on_connecting(void *user, const actr_id_t *peer)
{
    side_t *side = user;
    assert_false(actr_id_equal(peer, &side->id));
    assert_false(side->connecting[peer->serial_number % 64]);
    side->connecting[peer->serial_number % 64] = true;
}

static void on_up(void *user, const actri_session_t *session, const char *description)
{
    side_t *side = user;
    assert_true(description[0] != '\0');
    bool *connecting = &side->connecting[session->peer.serial_number % 64];
    assert_true(*connecting || session->number == side->session); /* or it came back */
    *connecting = false;
    tell_session(user, "up", session);
}

static void on_silent(void *user, const actri_session_t *session)
{
    tell_session(user, "silent", session);
}

static void on_down(void *user, const actri_session_t *session, const actr_error_t *why)
{
    side_t *side = user;
    assert_true(why->status < 0 && why->message[0] != '\0');
    side->why = *why;
    tell_session(side, "down", session);
}

static void on_failed(void *user, const actr_id_t *peer, const actr_error_t *why)
{
    side_t *side = user;
    assert_false(actr_id_equal(peer, &side->id));
    assert_true(why->status < 0 && why->message[0] != '\0');
    side->why = *why;
    assert_true(side->connecting[peer->serial_number % 64]);
    side->connecting[peer->serial_number % 64] = false;
    side->wanted = false; /* as the transport: what waited is failed */
    tell(side, "failed");
}

static void on_writable(void *user, const actri_session_t *session)
{
    side_t *side = user;
    assert_true(session->number == side->session);
    side->writable++;
}

static void on_message(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    side_t *side = user;
    assert_true(session->number == side->session && lane < ACTRI_RTC_LANES);
    side->messages++;
    (void)snprintf(side->last, sizeof side->last, "%.*s", (int)actr_buf_size(message),
                   (const char *)actr_buf_data(message));
    actr_buf_release(message);
}

static bool is_wanted(void *user, const actr_id_t *peer)
{
    const side_t *side = user;
    (void)peer;
    return side->wanted;
}

static void deliver(void *user, const actri_relay_t *relay)
{
    side_t *side = user;
    if (side->coordinator != NULL) actri_coordinator_relay(side->coordinator, relay);
}

static const actri_coordinator_handlers_t handlers = {on_relay,  on_connecting, on_up,      on_silent, on_down,
                                                      on_failed, on_writable,   on_message, is_wanted};

static bool admits(void *user, const actr_id_t *peer, const char *fingerprint)
{
    const side_t *side = user;
    assert_int_equal(strlen(fingerprint), 95);
    assert_int_equal(strtoul(fingerprint, NULL, 16), peer->serial_number); /* the host's */
    return !side->suspicious;
}

static void side_open(side_t *side, unsigned number, const actri_env_t *env, uint32_t max_peers)
{
    memset(side, 0, sizeof *side);
    side->id = (actr_id_t){.serial_number = number, .realm = 1, .type = {"acme", "a"}};
    if (number != 1) side->id.type.name[0] = 'b';
    side->certificate.host = number;
    side->client = router_add(&side->id, deliver, side);
    actri_coordinator_options_t options = {.loop = fake_loop(),
                                           .env = env,
                                           .certificate = &side->certificate,
                                           .max_peers = max_peers,
                                           .admits = admits,
                                           .admits_user = side};
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_coordinator_new(&options, &handlers, side, &side->coordinator, &error) == ACTR_OK) {
        actri_coordinator_set_identity(side->coordinator, &side->id);
    }
}

static void side_close(side_t *side)
{
    actri_coordinator_free(side->coordinator);
    side->coordinator = NULL;
}

static int begin(void **state)
{
    (void)state;
    fake_loop_reset();
    fake_net_reset(1);
    router_reset(1);
    actri_random_seed(1);
    side_open(&a, 1, NULL, 10);
    side_open(&b, 2, NULL, 10);
    return 0;
}

/* Whatever a test did: closing leaves neither connection nor timer. */
static int end(void **state)
{
    (void)state;
    side_close(&a);
    side_close(&b);
    fake_loop_run(SECONDS(100)); /* letters run out */
    actri_random_seed(0);
    return fake_rtc_alive() == 0 && fake_loop_timers() == 0 ? 0 : -1;
}

static void want(side_t *from, const side_t *to)
{
    actr_error_t error = ACTR_ERROR_INIT;
    from->wanted = true;
    assert_ok(actri_coordinator_want(from->coordinator, &to->id, &error), &error);
}

static actr_status_t send_text(side_t *from, const side_t *to, uint64_t session, actr_payload_type_t lane,
                               const char *text, uint64_t *sent_on)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *message = actri_buf_copy(NULL, text, strlen(text));
    actr_status_t status = actri_coordinator_send(from->coordinator, &to->id, session, lane, message, sent_on, &error);
    actr_buf_release(message);
    return status;
}

static void connect_both(side_t *starter, side_t *other)
{
    want(starter, other);
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "up 1");
    assert_string_equal(b.told, "up 1");
    starter->wanted = false;
}

/* ---- to connect ---- */

/* Whoever does not show a certificate that is admitted is told nothing, and nothing of it is heard. */
static void a_certificate_that_is_not_admitted_ends_the_connection(void **state)
{
    for (int starter = 0; starter < 2; starter++) {
        if (starter == 1) (void)begin(state);
        side_t *first = starter == 0 ? &a : &b, *second = starter == 0 ? &b : &a;
        b.suspicious = true;
        want(first, second);
        fake_loop_run(SECONDS(1));
        assert_null(strstr(b.told, "up"));
        assert_int_equal(strncmp(b.told, "failed", 6), 0); /* and again, as often as the other tries */
        assert_status(ACTR_STATUS_PERMISSION_DENIED, b.why.status);
        assert_int_equal(actri_coordinator_peer_count(b.coordinator), 0);
        a.wanted = b.wanted = false;
        fake_loop_run(SECONDS(100));
        assert_int_equal(actri_coordinator_peer_count(a.coordinator), 0);
        assert_int_equal(b.messages, 0);
        if (starter == 0) assert_int_equal(end(state), 0);
    }
}

static void either_side_may_start(void **state)
{
    for (int starter = 0; starter < 2; starter++) {
        if (starter == 1) (void)begin(state);
        connect_both(starter == 0 ? &a : &b, starter == 0 ? &b : &a);
        assert_int_equal(actri_coordinator_peer_count(a.coordinator), 1);
        uint64_t sent_on = 0;
        assert_status(ACTR_OK, send_text(&a, &b, 0, ACTR_RPC_RELIABLE, "hello", &sent_on));
        assert_true(sent_on == a.session);
        assert_status(ACTR_OK, send_text(&b, &a, b.session, ACTR_STREAM_RELIABLE, "there", NULL));
        fake_loop_run(SECONDS(1));
        assert_string_equal(b.last, "hello");
        assert_string_equal(a.last, "there");
        assert_int_equal(fake_rtc_alive(), 2);
        if (starter == 0) (void)end(state);
    }
}

static void crossing_starts_make_one_connection(void **state)
{
    (void)state;
    for (int swallows = 0; swallows < 2; swallows++) {
        if (swallows == 1) (void)begin(state);
        router.swallows_crossing = swallows == 1;
        want(&a, &b);
        want(&b, &a);
        fake_loop_run(SECONDS(20));
        assert_string_equal(a.told, "up 1");
        assert_string_equal(b.told, "up 1");
        if (swallows == 0) (void)end(state);
    }
}

static unsigned to_lose; /* relays of this kind */
static actri_relay_kind_t kind_to_lose;
static bool lose_some(const actri_relay_t *relay)
{
    if (relay->kind != kind_to_lose || to_lose == 0) return true;
    to_lose--;
    return false;
}

static void a_lost_relay_is_made_anew(void **state)
{
    static const actri_relay_kind_t kinds[] = {ACTRI_RELAY_ROLE_NEGOTIATION, ACTRI_RELAY_OFFER, ACTRI_RELAY_ANSWER,
                                               ACTRI_RELAY_CANDIDATE};
    for (size_t i = 0; i < 4; i++) {
        for (unsigned count = 1; count <= 2; count++) {
            (void)end(state);
            (void)begin(state);
            kind_to_lose = kinds[i];
            to_lose = count;
            router.passes = lose_some;
            want(&b, &a);
            fake_loop_run(SECONDS(14));
            assert_int_equal(to_lose, 0);
            assert_string_equal(a.told, "up 1");
            assert_string_equal(b.told, "up 1");
        }
    }
}

static void without_signaling_it_tries_again(void **state)
{
    (void)state;
    router.clients[a.client].online = false;
    want(&a, &b);
    fake_loop_run(SECONDS(5));
    assert_string_equal(a.told, "");
    router.clients[a.client].online = true;
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "up 1");
}

static void a_refusal_fails_at_once(void **state)
{
    (void)state;
    router_remove(b.client);
    want(&a, &b);
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "failed");
    assert_status(ACTR_STATUS_UNAVAILABLE, a.why.status);
    assert_int_equal(a.why.remote_code, 404);
    want(&a, &b); /* and may be tried again */
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "failed, failed");
}

static void a_peer_that_says_nothing_fails_after_thirty_seconds(void **state)
{
    (void)state;
    router.clients[b.client].online = false;
    want(&a, &b);
    want(&a, &b);
    fake_loop_run(SECONDS(29));
    assert_string_equal(a.told, "");
    fake_loop_run(SECONDS(2));
    assert_string_equal(a.told, "failed");
    assert_status(ACTR_STATUS_UNAVAILABLE, a.why.status);
    assert_int_equal(fake_rtc_alive(), 0);
}

static void a_late_wish_gets_its_own_thirty_seconds(void **state)
{
    (void)state;
    router.clients[b.client].online = false;
    want(&a, &b);
    fake_loop_run(SECONDS(29));
    want(&a, &b);
    fake_loop_run(SECONDS(5));
    assert_string_equal(a.told, "");
    router.clients[b.client].online = true;
    fake_loop_run(SECONDS(20));
    assert_string_equal(a.told, "up 1");
}

static void the_reason_is_the_last_one(void **state)
{
    (void)state;
    router.clients[a.client].online = router.clients[b.client].online = false;
    want(&a, &b);
    fake_loop_run(SECONDS(1));
    router.clients[a.client].online = true; /* a's signaling is back; b's never */
    fake_loop_run(SECONDS(35));
    assert_string_equal(a.told, "failed");
    assert_status(ACTR_STATUS_UNAVAILABLE, a.why.status);
    assert_null(strstr(a.why.message, "signaling server is away"));
}

static void no_socket_now_means_a_later_try(void **state)
{
    (void)state;
    fake_net.refuse_percent = 100;
    want(&a, &b);
    fake_loop_run(SECONDS(2));
    assert_string_equal(a.told, "");
    fake_net.refuse_percent = 0;
    fake_loop_run(SECONDS(10));
    assert_string_equal(a.told, "up 1");
    assert_string_equal(b.told, "up 1");
}

static void nonsense_from_a_peer_is_survived(void **state)
{
    (void)state;
    for (actri_relay_kind_t kind = ACTRI_RELAY_ROLE_NEGOTIATION; kind <= ACTRI_RELAY_REFUSED;
         kind = (actri_relay_kind_t)(kind + 1)) {
        static const char *const texts[] = {NULL, "", "nonsense", "candidate:"};
        for (size_t i = 0; i < 4; i++) {
            actri_relay_t relay = {.kind = kind, .source = b.id, .target = a.id, .text = texts[i]};
            actri_coordinator_relay(a.coordinator, &relay);
            relay.source.serial_number = 77; /* a stranger */
            actri_coordinator_relay(a.coordinator, &relay);
        }
    }
    fake_loop_run(SECONDS(60));
    a.told[0] = b.told[0] = '\0';
    a.sessions = b.sessions = 0;
    connect_both(&b, &a);
}

static void candidates_alone_are_forgotten(void **state)
{
    (void)state;
    actri_relay_t relay = {.kind = ACTRI_RELAY_CANDIDATE, .source = b.id, .target = a.id, .text = "candidate:1"};
    for (int i = 0; i < 100; i++) actri_coordinator_relay(a.coordinator, &relay);
    assert_int_equal(fake_loop_timers(), 1);
    fake_loop_run(SECONDS(16));
    assert_int_equal(fake_loop_timers(), 0);
    assert_string_equal(a.told, "");
}

static void the_number_of_peers_is_limited(void **state)
{
    (void)state;
    side_close(&a);
    router_remove(a.client);
    side_open(&a, 1, NULL, 2);
    actr_id_t other = b.id;
    actr_error_t error = ACTR_ERROR_INIT;
    for (other.serial_number = 5; other.serial_number < 7; other.serial_number++) {
        assert_ok(actri_coordinator_want(a.coordinator, &other, &error), &error);
    }
    assert_status(ACTR_STATUS_LIMIT_REACHED, actri_coordinator_want(a.coordinator, &other, &error));
    assert_status(ACTR_STATUS_LIMIT_REACHED, actri_coordinator_want(a.coordinator, &other, NULL));
    fake_loop_run(SECONDS(1)); /* both are refused by the server and gone */
    assert_ok(actri_coordinator_want(a.coordinator, &other, &error), &error);
    fake_loop_run(SECONDS(1));
}

/* ---- roles ---- */

static void a_repeated_role_changes_nothing(void **state)
{
    (void)state;
    connect_both(&a, &b);
    actri_relay_t role = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .source = a.id, .target = b.id, .is_offerer = true};
    actri_coordinator_relay(a.coordinator, &role);
    role.is_offerer = false;
    actri_coordinator_relay(b.coordinator, &role);
    fake_loop_run(SECONDS(5));
    assert_string_equal(a.told, "up 1");
    assert_string_equal(b.told, "up 1");
}

static void an_offerers_role_for_an_old_connection_starts_afresh(void **state)
{
    (void)state;
    connect_both(&a, &b);
    fake_loop_run(SECONDS(11));
    actri_relay_t role = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .source = b.id, .target = a.id, .is_offerer = true};
    actri_coordinator_relay(a.coordinator, &role);
    assert_string_equal(a.told, "up 1, down 1");
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "up 1, down 1, up 2");
    assert_string_equal(b.told, "up 1, down 1, up 2");
    assert_int_equal(fake_rtc_alive(), 2);
}

/* The peer's process lost its connection without a word and asks for roles: the young connection is not given up at
   once (webrtc 2.6), but the peer's repeated questions are answered in the end. */
static void a_peer_that_lost_its_connection_comes_back(void **state)
{
    (void)state;
    connect_both(&a, &b);
    fake_net.cut[1][2] = true; /* its goodbye is lost */
    side_close(&b);
    router_remove(b.client);
    fake_loop_run(SECONDS(1));
    fake_net.cut[1][2] = false;
    side_open(&b, 2, NULL, 10);
    want(&b, &a);
    fake_loop_run(SECONDS(25));
    assert_string_equal(b.told, "up 1");
    assert_non_null(strstr(a.told, "down 1, up 2"));
}

/* ---- the end ---- */

static void an_end_is_told_and_what_waits_connects_anew(void **state)
{
    (void)state;
    connect_both(&a, &b);
    side_close(&b);
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "up 1, down 1");
    assert_int_equal(actri_coordinator_peer_count(a.coordinator), 0);
    assert_status(ACTR_STATUS_UNAVAILABLE, send_text(&a, &b, 0, ACTR_RPC_RELIABLE, "x", NULL));
    router_remove(b.client);
    side_open(&b, 2, NULL, 10);
    want(&b, &a);
    fake_loop_run(SECONDS(1));
    assert_string_equal(a.told, "up 1, down 1, up 2");
}

static void a_lost_connection_is_made_anew_only_when_wanted(void **state)
{
    (void)state;
    connect_both(&a, &b);
    a.wanted = true;
    actri_relay_t role = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .source = b.id, .target = a.id, .is_offerer = true};
    fake_loop_run(SECONDS(11));
    fake_net.refuse_percent = 100; /* b can not answer */
    actri_coordinator_relay(a.coordinator, &role);
    fake_loop_run(SECONDS(5));
    fake_net.refuse_percent = 0;
    fake_loop_run(SECONDS(20));
    assert_non_null(strstr(a.told, "up 1, down 1, up 2"));
}

static void a_session_of_the_past_takes_nothing(void **state)
{
    (void)state;
    connect_both(&a, &b);
    uint64_t old = a.session;
    fake_loop_run(SECONDS(11));
    actri_relay_t role = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .source = b.id, .target = a.id, .is_offerer = true};
    actri_coordinator_relay(a.coordinator, &role);
    fake_loop_run(SECONDS(1));
    assert_true(a.session != old);
    assert_status(ACTR_STATUS_UNAVAILABLE, send_text(&a, &b, old, ACTR_RPC_RELIABLE, "x", NULL));
    assert_status(ACTR_OK, send_text(&a, &b, a.session, ACTR_RPC_RELIABLE, "x", NULL));
}

/* ---- silence ---- */

static void a_short_silence_is_survived_by_a_restart(void **state)
{
    (void)state;
    connect_both(&a, &b);
    fake_net.cut[1][2] = true;
    assert_status(ACTR_OK, send_text(&a, &b, 0, ACTR_RPC_RELIABLE, "under way", NULL));
    fake_loop_run(SECONDS(8));
    assert_string_equal(a.told, "up 1, silent 1");
    assert_string_equal(b.told, "up 1, silent 1");
    fake_net.cut[1][2] = false;
    fake_loop_run(SECONDS(10));
    assert_string_equal(a.told, "up 1, silent 1, up 1");
    assert_string_equal(b.told, "up 1, silent 1, up 1");
    assert_string_equal(b.last, "under way");
    fake_loop_run(SECONDS(100)); /* and it stays */
    assert_string_equal(a.told, "up 1, silent 1, up 1");
}

static unsigned restart_offers, restart_wishes;
static bool count_restarts(const actri_relay_t *relay)
{
    restart_offers += relay->kind == ACTRI_RELAY_ICE_RESTART_OFFER;
    restart_wishes += relay->kind == ACTRI_RELAY_ICE_RESTART_REQUEST;
    return true;
}

/* known-faults 25, 26, 50: one restart offer for however many changes, whoever of the two sees them; all goes on. */
static void a_change_of_the_network_gives_one_restart(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        if (who == 1) {
            assert_int_equal(end(state), 0);
            (void)begin(state);
        }
        connect_both(&a, &b);
        restart_offers = restart_wishes = 0;
        router.passes = count_restarts;
        actri_coordinator_t *sees = who == 0 ? a.coordinator : b.coordinator;
        for (int i = 0; i < 5; i++) {
            assert_int_equal(actri_coordinator_moved(sees), 1);
            fake_loop_run(ACTRI_SECOND / 10);
        }
        fake_loop_run(SECONDS(1));
        assert_int_equal(restart_offers, 1);
        assert_int_equal(restart_wishes, who == 0 ? 0 : 5);
        assert_string_equal(a.told, "up 1");
        assert_string_equal(b.told, "up 1");
        fake_loop_run(SECONDS(1)); /* two seconds after the offer one more goes, for the changes since */
        assert_int_equal(restart_offers, 2);
        fake_loop_run(SECONDS(10));
        assert_int_equal(restart_offers, 2);
        assert_int_equal(actri_coordinator_moved(sees), 1);
        fake_loop_run(SECONDS(1));
        assert_int_equal(restart_offers, 3);
        assert_status(ACTR_OK, send_text(&a, &b, 0, ACTR_RPC_RELIABLE, "still there", NULL));
        fake_loop_run(SECONDS(1));
        assert_string_equal(b.last, "still there");
    }
}

/* The wish is kept until signaling is back. */
static void a_change_without_signaling_is_not_forgotten(void **state)
{
    (void)state;
    connect_both(&a, &b);
    restart_offers = 0;
    router.passes = count_restarts;
    router.clients[a.client].online = false;
    assert_int_equal(actri_coordinator_moved(a.coordinator), 1);
    fake_loop_run(SECONDS(3));
    assert_int_equal(restart_offers, 0);
    router.clients[a.client].online = true;
    fake_loop_run(SECONDS(1));
    assert_int_equal(restart_offers, 1);
    assert_string_equal(a.told, "up 1");
}

static void a_lost_answer_to_a_restart_is_survived(void **state)
{
    (void)state;
    connect_both(&b, &a);
    router.passes = lose_some;
    kind_to_lose = ACTRI_RELAY_ANSWER;
    to_lose = 1;
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(7));
    fake_net.cut[1][2] = false;
    fake_loop_run(SECONDS(20));
    assert_int_equal(to_lose, 0);
    assert_string_equal(a.told, "up 1, silent 1, up 1");
}

static void a_long_silence_ends_the_session(void **state)
{
    (void)state;
    connect_both(&a, &b);
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(40));
    assert_string_equal(a.told, "up 1, silent 1, down 1");
    assert_string_equal(b.told, "up 1, silent 1, down 1");
    assert_int_equal(fake_rtc_alive(), 0);
    assert_int_equal(fake_loop_timers(), 0);
}

/* ICE that never fails by itself: our own limit ends the session, and what waits gets a new connection. */
static void after_a_minute_of_recovery_what_waits_connects_anew(void **state)
{
    (void)state;
    fake_net.failed_ns = SECONDS(100000);
    connect_both(&a, &b);
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(30));
    a.wanted = true;
    fake_loop_run(SECONDS(40));
    assert_non_null(strstr(a.told, "up 1, silent 1, down 1"));
    fake_net.cut[1][2] = false;
    fake_loop_run(SECONDS(25));
    assert_non_null(strstr(a.told, "down 1, up 2"));
    assert_non_null(strstr(b.told, "down 1, up 2"));
}

/* A new OFFER at the end of a recovery begins an attempt with time of its own. */
static void an_offer_during_recovery_gets_its_time(void **state)
{
    (void)state;
    fake_net.failed_ns = SECONDS(100000);
    connect_both(&a, &b);
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(64)); /* silent since 5 s: a second is left to b's recovery */
    assert_string_equal(b.told, "up 1, silent 1");
    actri_relay_t offer = {.kind = ACTRI_RELAY_OFFER, .source = a.id, .target = b.id, .text = "fake offer 999 1"};
    actri_coordinator_relay(b.coordinator, &offer);
    assert_string_equal(b.told, "up 1, silent 1, down 1");
    fake_loop_run(SECONDS(5));
    assert_string_equal(b.told, "up 1, silent 1, down 1");
}

/* ---- lanes ---- */

static void a_lane_that_opens_later_says_so(void **state)
{
    (void)state;
    fake_net.lanes_open_late = true;
    want(&a, &b);
    while (a.told[0] == '\0') assert_true(fake_loop_turn(ACTRI_NEVER));
    assert_status(ACTR_STATUS_WOULD_BLOCK, send_text(&a, &b, 0, ACTR_RPC_SIGNAL, "x", NULL));
    assert_status(ACTR_OK, send_text(&a, &b, 0, ACTR_RPC_RELIABLE, "x", NULL));
    unsigned before = a.writable;
    fake_loop_run(SECONDS(2));
    assert_true(a.writable > before);
    assert_status(ACTR_OK, send_text(&a, &b, 0, ACTR_RPC_SIGNAL, "x", NULL));
}

static void a_full_connection_says_when_there_is_room(void **state)
{
    (void)state;
    static char text[1001];
    memset(text, 'x', sizeof text - 1);
    fake_net.send_buffer = 5000;
    connect_both(&a, &b);
    actr_status_t status = ACTR_OK;
    unsigned sent = 0;
    while (status == ACTR_OK) {
        status = send_text(&a, &b, 0, ACTR_RPC_RELIABLE, text, NULL);
        sent += status == ACTR_OK;
    }
    assert_status(ACTR_STATUS_WOULD_BLOCK, status);
    assert_int_equal(sent, 5);
    unsigned before = a.writable;
    fake_loop_run(SECONDS(1));
    assert_int_equal(a.writable, before + 1);
    assert_int_equal(b.messages, sent);
}

/* ---- memory ---- */

/* a's k-th allocation fails, wherever that is in the life of a connection: no crash, no leak, b is well. */
static void each_failed_allocation_is_survived(void **state)
{
    OOM_EACH(oom)
    {
        side_close(&a);
        (void)end(state);
        (void)begin(state);
        side_close(&a);
        router_remove(a.client);
        side_open(&a, 1, &oom.env, 10);
        if (a.coordinator != NULL) {
            actr_error_t error = ACTR_ERROR_INIT;
            actr_status_t status = actri_coordinator_want(a.coordinator, &b.id, &error);
            assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
            b.wanted = true;
            assert_int_equal(actri_coordinator_want(b.coordinator, &a.id, &error), ACTR_OK);
            fake_loop_run(SECONDS(15));
            fake_net.cut[1][2] = true;
            fake_loop_run(SECONDS(8));
            fake_net.cut[1][2] = false;
            fake_loop_run(SECONDS(20));
            assert_non_null(strstr(b.told, "up"));
        }
        side_close(&a);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_that_is_not_admitted_ends_the_connection),
        TEST(either_side_may_start),
        TEST(crossing_starts_make_one_connection),
        TEST(a_lost_relay_is_made_anew),
        TEST(without_signaling_it_tries_again),
        TEST(a_refusal_fails_at_once),
        TEST(a_peer_that_says_nothing_fails_after_thirty_seconds),
        TEST(a_late_wish_gets_its_own_thirty_seconds),
        TEST(the_reason_is_the_last_one),
        TEST(no_socket_now_means_a_later_try),
        TEST(nonsense_from_a_peer_is_survived),
        TEST(candidates_alone_are_forgotten),
        TEST(the_number_of_peers_is_limited),
        TEST(a_repeated_role_changes_nothing),
        TEST(an_offerers_role_for_an_old_connection_starts_afresh),
        TEST(a_peer_that_lost_its_connection_comes_back),
        TEST(an_end_is_told_and_what_waits_connects_anew),
        TEST(a_lost_connection_is_made_anew_only_when_wanted),
        TEST(a_session_of_the_past_takes_nothing),
        TEST(a_short_silence_is_survived_by_a_restart),
        TEST(a_change_of_the_network_gives_one_restart),
        TEST(a_change_without_signaling_is_not_forgotten),
        TEST(a_lost_answer_to_a_restart_is_survived),
        TEST(a_long_silence_ends_the_session),
        TEST(after_a_minute_of_recovery_what_waits_connects_anew),
        TEST(an_offer_during_recovery_gets_its_time),
        TEST(a_lane_that_opens_later_says_so),
        TEST(a_full_connection_says_when_there_is_room),
        TEST(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
