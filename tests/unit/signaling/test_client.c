/* SPDX-License-Identifier: Apache-2.0 */
/* The signaling client over real sockets: what it says when a server is missing, silent, rude, or gone. */
#include "check.h"

#include "client_bench.h"
#include "oom.h"

#include <signal.h>

static void registers_and_unregisters(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    assert_int_equal(1, watch.identities);
    assert_int_equal(1, watch.id.serial_number);
    assert_string_equal("secret-token", watch.token);
    assert_string_equal("/signaling/ws", server.last_path);
    fake_wait(&server, &server.messages, 2); /* the first heartbeat leaves at once */
    stopped(client);
    fake_wait(&server, &server.closes, 1); /* a Close frame after the answer */
    assert_int_equal(3, server.messages);
    assert_int_equal(ACTRI_SIGNALING_STOPPED, watch.state);
    stopped(client); /* idempotent */
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static void fails_to_start(unsigned port, const char *host, int64_t seconds, const char *words, uint32_t code)
{
    watch_t watch;
    watch_init(&watch);
    actri_signaling_t *client = client_new(port, host, &watch);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actri_signaling_start(client, in_seconds(seconds), &error));
    if (strstr(error.message, words) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    assert_int_equal(code, error.remote_code);
    assert_int_equal(ACTRI_SIGNALING_STOPPED, watch.state);
    actri_signaling_free(client);
    watch_clear(&watch);
}

static void start_against_nothing_gives_the_reason(void **state)
{
    (void)state;
    fake_server_t server;
    fake_start(&server);
    fake_stop(&server); /* its port is free now */
    fails_to_start(server.port, "127.0.0.1", 1, "refused", 0);
}

static void start_with_manner(fake_manner_t manner, int64_t seconds, const char *words, uint32_t code)
{
    fake_server_t server;
    fake_start(&server);
    server.manner = manner;
    fails_to_start(server.port, "127.0.0.1", seconds, words, code);
    fake_stop(&server);
}

static void start_against_a_silent_server_is_bounded(void **state)
{
    (void)state;
    start_with_manner(FAKE_SILENT, 1, "did not open the WebSocket in time", 0);
}

static void start_against_an_http_server_says_so(void **state)
{
    (void)state;
    start_with_manner(FAKE_HTTP_404, 600, "HTTP 404", 404); /* at once, whatever the deadline */
    start_with_manner(FAKE_HTTP_200, 1, "HTTP 200", 200);
    start_with_manner(FAKE_HTTP_503, 1, "HTTP 503", 503);
    start_with_manner(FAKE_HANG_UP, 1, "can not be connected", 0);
}

static void start_with_a_name_that_is_none_fails(void **state)
{
    (void)state;
    fails_to_start(1, "no-such-host.invalid", 3, "resolve", 0);
}

static void a_name_is_resolved_and_each_address_tried(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server); /* on 127.0.0.1 only; localhost may be ::1 first */
    actri_signaling_t *client = client_new(server.port, "localhost", &watch);
    started(client);
    stopped(client);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static void reconnects_with_its_identity(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    fake_wait(&server, &server.messages, 2);
    fake_kick(&server);
    watch_wait(&watch, &watch.states[ACTRI_SIGNALING_DISCONNECTED], 1);
    watch_wait(&watch, &watch.states[ACTRI_SIGNALING_REGISTERED], 2);
    fake_wait(&server, &server.messages, 3); /* a heartbeat, and no registration */
    assert_string_equal("/signaling/ws?actor_id=1%407%3Aacme%2Bfake&token=c2VjcmV0LXRva2Vu&token_key_id=3",
                        server.last_path);
    assert_int_equal(1, watch.identities);
    stopped(client);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static void sigpipe_is_left_alone(void **state)
{
    (void)state;
    struct sigaction before, after;
    assert_int_equal(0, sigaction(SIGPIPE, NULL, &before));
    registers_and_unregisters(state);
    assert_int_equal(0, sigaction(SIGPIPE, NULL, &after));
    assert_true(before.sa_handler == after.sa_handler);
    assert_true(before.sa_handler == SIG_DFL);
}

static void free_without_stop_ends_the_thread(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    actri_signaling_free(client);
    assert_int_equal(ACTRI_SIGNALING_STOPPED, watch.state);
    actri_signaling_free(NULL);
    fake_stop(&server);
    watch_clear(&watch);
}

/* ---- a server that says no ---- */

static void refuse_registration(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    fake_reply_error(server, envelope, 403, "Realm validation failed: no such realm");
}

static void a_refused_registration_tells_code_and_words(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    server.answer = refuse_registration;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, actri_signaling_start(client, in_seconds(600), &error));
    assert_int_equal(403, error.remote_code);
    assert_non_null(strstr(error.message, "no such realm"));
    actri_lock(&server.mutex);
    server.answer = NULL;
    actri_unlock(&server.mutex);
    started(client); /* may be started anew */
    assert_status(ACTR_STATUS_INVALID_STATE, actri_signaling_start(client, in_seconds(1), &error));
    stopped(client);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static bool is_request(const Signaling__SignalingEnvelope *envelope, Signaling__ActrToSignaling__PayloadCase kind)
{
    return envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER &&
           envelope->actr_to_server->payload_case == kind;
}

/* Knows nobody until the client has registered twice. */
static void forget_once(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    if (is_request(envelope, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING) && server->serial == 1) {
        fake_reply_error(server, envelope, 401, "Credential validation failed");
    } else {
        fake_answer(server, envelope);
    }
}

static void rule_8_a_401_brings_a_new_identity(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    server.answer = forget_once;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    watch_wait(&watch, &watch.identities, 2);
    watch_wait(&watch, &watch.states[ACTRI_SIGNALING_REGISTERED], 2);
    assert_int_equal(2, watch.id.serial_number);
    assert_string_equal("/signaling/ws", server.last_path);
    stopped(client);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static void warn_always(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__Pong pong = ACTR__PONG__INIT;
    Actr__CredentialWarning warning = ACTR__CREDENTIAL_WARNING__INIT;
    if (!is_request(envelope, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING)) {
        fake_answer(server, envelope);
        return;
    }
    pong.credential_warning = &warning;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    body.pong = &pong;
    fake_reply(server, envelope, &body);
}

static void a_credential_warning_renews_it(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    watch_init(&watch);
    fake_start(&server);
    server.answer = warn_always;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    watch_wait(&watch, &watch.identities, 2);
    assert_string_equal("newer-token", watch.token);
    assert_int_equal(1, watch.id.serial_number);
    stopped(client);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

static void say_nothing_to_the_last(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    if (!is_request(envelope, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST)) fake_answer(server, envelope);
}

static void stop_is_bounded(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    actr_error_t error = ACTR_ERROR_INIT;
    watch_init(&watch);
    fake_start(&server);
    server.answer = say_nothing_to_the_last;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    assert_status(ACTR_STATUS_TIMEOUT, actri_signaling_stop(client, actri_now_ns() + 100 * ACTRI_MS, &error));
    assert_non_null(strstr(error.message, "unregistration"));
    fake_wait(&server, &server.closes, 1); /* it leaves politely all the same */
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

/* ---- several threads ---- */

static void stop_it(void *argument)
{
    (void)!actri_signaling_stop(argument, in_seconds(5), NULL);
}

static void stop_cuts_a_start_short(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    actri_thread_t stopper;
    actr_error_t error = ACTR_ERROR_INIT;
    watch_init(&watch);
    fake_start(&server);
    server.manner = FAKE_SILENT;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    /* Whether stop comes before or within start is not known: repeat until it was within. */
    actr_status_t status = ACTR_STATUS_SIGNALING_UNAVAILABLE;
    for (unsigned i = 0; i < 100 && status == ACTR_STATUS_SIGNALING_UNAVAILABLE; i++) {
        assert_ok(actri_thread_start(&stopper, "stopper", stop_it, client, &error), &error);
        status = actri_signaling_start(client, actri_now_ns() + 200 * ACTRI_MS, &error);
        actri_thread_join(&stopper);
    }
    assert_status(ACTR_STATUS_CANCELLED, status);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

typedef struct crowd {
    actri_signaling_t *client;
    watch_t *watch;
    unsigned taken; /* atomic: questions that will be answered */
    unsigned sent;  /* atomic */
} crowd_t;

static void ask_and_send(void *argument)
{
    crowd_t *crowd = argument;
    const actr_type_t type = {"acme", "wanted"};
    actri_relay_t relay = {.kind = ACTRI_RELAY_CANDIDATE,
                           .target = {.serial_number = 5, .realm = 7, .type = {"a", "b"}}};
    relay.text = "candidate:1";
    for (unsigned i = 0; i < 200; i++) {
        if (actri_signaling_candidates(crowd->client, &(actri_query_t){.type = type, .max = 2}, in_seconds(1),
                                       watch_candidates, crowd->watch, NULL) == ACTR_OK) {
            (void)__atomic_add_fetch(&crowd->taken, 1, __ATOMIC_RELAXED);
        }
        if (actri_signaling_relay(crowd->client, &relay, NULL) == ACTR_OK) {
            (void)__atomic_add_fetch(&crowd->sent, 1, __ATOMIC_RELAXED);
        }
        actri_signaling_beat(crowd->client);
    }
}

static void every_question_is_answered_once(void **state)
{
    (void)state;
    fake_server_t server; /* answers no question: they end by time, by loss, or by stop */
    watch_t watch;
    actri_thread_t threads[4];
    actr_error_t error = ACTR_ERROR_INIT;
    actri_signaling_counters_t counters;
    watch_init(&watch);
    fake_start(&server);
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    crowd_t crowd = {.client = client, .watch = &watch};
    for (unsigned i = 0; i < 4; i++)
        assert_ok(actri_thread_start(&threads[i], "crowd", ask_and_send, &crowd, &error), &error);
    fake_kick(&server);
    for (unsigned i = 0; i < 4; i++) actri_thread_join(&threads[i]);
    watch_wait(&watch, &watch.states[ACTRI_SIGNALING_REGISTERED], 2);
    ask_and_send(&crowd);
    stopped(client);
    assert_int_equal(crowd.taken, watch.answers);
    actri_signaling_counters(client, &counters);
    assert_true(counters.relays_sent <= crowd.sent); /* those not sent were dropped and counted */
    assert_true(counters.relays_sent + counters.relays_dropped >= crowd.sent);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

/* ---- memory ---- */

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    fake_server_t server;
    fake_start(&server);
    OOM_EACH(oom)
    {
        watch_t watch;
        char url[64];
        actri_signaling_t *client = NULL;
        watch_init(&watch);
        (void)snprintf(url, sizeof url, "ws://127.0.0.1:%u/", server.port);
        actri_signaling_options_t options = {.env = &oom.env, .url = url, .type = {"acme", "fake"}, .realm = 7};
        if (actri_signaling_new(&options, &watch_handlers, &watch, &client, NULL) == ACTR_OK) {
            const actr_type_t type = {"acme", "wanted"};
            unsigned taken = 0;
            if (actri_signaling_start(client, actri_now_ns() + 100 * ACTRI_MS, NULL) == ACTR_OK) {
                taken = actri_signaling_candidates(client, &(actri_query_t){.type = type, .max = 2}, in_seconds(9),
                                                   watch_candidates, &watch, NULL) == ACTR_OK;
            }
            (void)!actri_signaling_stop(client, actri_now_ns() + 100 * ACTRI_MS, NULL); /* its answer may be lost */
            assert_int_equal(taken, watch.answers);
            assert_int_equal(ACTRI_SIGNALING_STOPPED, watch.state);
        }
        actri_signaling_free(client);
        watch_clear(&watch);
    }
    fake_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_and_unregisters),
        cmocka_unit_test(start_against_nothing_gives_the_reason),
        cmocka_unit_test(start_against_a_silent_server_is_bounded),
        cmocka_unit_test(start_against_an_http_server_says_so),
        cmocka_unit_test(start_with_a_name_that_is_none_fails),
        cmocka_unit_test(a_name_is_resolved_and_each_address_tried),
        cmocka_unit_test(reconnects_with_its_identity),
        cmocka_unit_test(sigpipe_is_left_alone),
        cmocka_unit_test(free_without_stop_ends_the_thread),
        cmocka_unit_test(a_refused_registration_tells_code_and_words),
        cmocka_unit_test(rule_8_a_401_brings_a_new_identity),
        cmocka_unit_test(a_credential_warning_renews_it),
        cmocka_unit_test(stop_is_bounded),
        cmocka_unit_test(stop_cuts_a_start_short),
        cmocka_unit_test(every_question_is_answered_once),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
