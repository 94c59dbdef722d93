/* SPDX-License-Identifier: Apache-2.0 */
/* The signaling client over real sockets: what it says when a server is missing, silent, rude, or gone. */
#include "check.h"

#include "client_bench.h"

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
