/* SPDX-License-Identifier: Apache-2.0 */
/* The signaling client over real sockets: what it says when a server is missing, silent, rude, or gone. */
#include "check.h"

#include "fake_server.h"

#include "signaling/signaling.h"

#include <signal.h>

/* What the client told us, and a way to wait for it. */
typedef struct watch {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned states[4], identities, relays, refused, answers;
    actri_signaling_state_t state;
    actr_id_t id;
    char token[64], why[ACTR_ERROR_MESSAGE_SIZE], text[256];
    uint32_t code;
    actr_status_t answer;
    size_t count;
} watch_t;

static void on_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    watch->state = state;
    watch->states[state]++;
    if (why != NULL) (void)snprintf(watch->why, sizeof watch->why, "%s", why->message);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static void on_identity(void *user, const actri_identity_t *identity)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    watch->identities++;
    watch->id = identity->id;
    (void)snprintf(watch->token, sizeof watch->token, "%.*s", (int)identity->token_size, (const char *)identity->token);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static void on_relay(void *user, const actri_relay_t *relay)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    if (relay->kind == ACTRI_RELAY_REFUSED) {
        watch->refused++;
        watch->code = relay->code;
    } else {
        watch->relays++;
    }
    (void)snprintf(watch->text, sizeof watch->text, "%s", relay->text == NULL ? "" : relay->text);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

__attribute__((unused)) static void on_candidates(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                                                  const actr_error_t *error)
{
    watch_t *watch = user;
    (void)error;
    actri_lock(&watch->mutex);
    watch->answers++;
    watch->answer = status;
    watch->count = count;
    if (count > 0) watch->id = ids[0];
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static const actri_signaling_handlers_t handlers = {
    .on_state = on_state, .on_identity = on_identity, .on_relay = on_relay};

static void watch_init(watch_t *watch)
{
    memset(watch, 0, sizeof *watch);
    actri_mutex_init(&watch->mutex);
    actri_cond_init(&watch->changed);
}

static void watch_clear(watch_t *watch)
{
    actri_cond_destroy(&watch->changed);
    actri_mutex_destroy(&watch->mutex);
}

static void watch_wait(watch_t *watch, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + 20 * ACTRI_SECOND;
    bool good = true;
    actri_lock(&watch->mutex);
    while (good && *counter < least) good = actri_cond_wait(&watch->changed, &watch->mutex, deadline);
    actri_unlock(&watch->mutex);
    assert_true(good);
}

static actri_signaling_t *client_new(unsigned port, const char *host, watch_t *watch)
{
    char url[128];
    actri_signaling_t *client = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)snprintf(url, sizeof url, "ws://%s:%u/signaling/ws", host, port);
    actri_signaling_options_t options = {.url = url, .type = {"acme", "fake"}, .realm = 7, .form = 'A'};
    assert_ok(actri_signaling_new(&options, &handlers, watch, &client, &error), &error);
    return client;
}

static int64_t in_seconds(int64_t seconds)
{
    return actri_now_ns() + seconds * ACTRI_SECOND;
}

static void started(actri_signaling_t *client)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_signaling_start(client, in_seconds(20), &error), &error);
}

static void stopped(actri_signaling_t *client)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_signaling_stop(client, in_seconds(20), &error), &error);
}

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
