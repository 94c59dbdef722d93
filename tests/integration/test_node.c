/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a node: start and its failures, hooks, loss of server and peer, shutdown. */
#include "fixture.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static bool all_gone(const actri_server_counts_t *counts, void *user)
{
    return counts->unregistrations >= *(const uint64_t *)user && counts->online == 0;
}

static bool some_online(const actri_server_counts_t *counts, void *user)
{
    return counts->online >= *(const uint64_t *)user;
}

static void wait_server(fixture_t *f, bool (*check)(const actri_server_counts_t *, void *), uint64_t number)
{
    actri_server_counts_t counts;
    if (actri_server_wait(f->server, check, &number, actri_now_ns() + FIXTURE_LIMIT_NS, &counts)) return;
    fail_msg("online %zu, registered %llu, unregistered %llu", counts.online, (unsigned long long)counts.registrations,
             (unsigned long long)counts.unregistrations);
}

static void test_hooks_come_in_order_and_once(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    assert_int_equal(a.started, 1);
    assert_int_equal(a.ready, 1);
    assert_int_equal(a.stopped, 0);
    actr_ref_t *second = actr_ref_retain(a.ref);
    actr_ref_shutdown(a.ref);
    actr_ref_shutdown(second); /* harmless */
    assert_true(actr_ref_is_shutting_down(a.ref));
    assert_ok(actr_ref_wait_for_shutdown(a.ref, 20000, &error), &error);
    assert_ok(actr_ref_wait_for_shutdown(second, 20000, &error), &error);
    assert_int_equal(a.stopped, 1);
    wait_server(&f, all_gone, 1); /* it has unregistered */
    actr_dest_t local = actr_dest_local();
    assert_status(ACTR_STATUS_SHUTTING_DOWN, fixture_call(&a, &local, "x.Echo", "late", 0, &error));
    actr_ref_release(second);
    fixture_stop(&a);
    fixture_close(&f);
}

static void test_last_reference_dropped_is_a_shutdown(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_stop(&a);
    assert_int_equal(a.stopped, 1);
    wait_server(&f, all_gone, 1);
    fixture_close(&f);
}

static void test_failed_on_start_undoes_the_start(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    fixture_attach(&a, &config);
    a.start_result = ACTR_STATUS_INVALID_STATE;
    assert_status(ACTR_STATUS_INVALID_STATE, actr_node_start(a.node, &a.ref, &error));
    assert_non_null(strstr(error.message, "the test said so"));
    wait_server(&f, all_gone, 1); /* registered, and taken back */
    a.start_result = ACTR_OK;     /* and may be tried again */
    assert_ok(actr_node_start(a.node, &a.ref, &error), &error);
    assert_int_equal(a.ready, 1);
    fixture_stop(&a);
    fixture_close(&f);
}

static void refuse_next(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->refuse_registration = 403;
}

static void test_refused_registration(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actri_server_switch(f.server, refuse_next, NULL);
    actr_config_t config = fixture_config(&f, "a");
    fixture_attach(&a, &config);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, actr_node_start(a.node, &a.ref, &error));
    assert_non_null(strstr(error.message, "403"));
    fixture_stop(&a);
    fixture_close(&f);
}

static void test_configurations_that_can_not_be(void **state)
{
    (void)state;
    fixture_t f = {.url = "ws://127.0.0.1:1/signaling/ws"};
    actr_system_t *system = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(&f, "a");
    config.signaling_url = NULL;
    assert_status(ACTR_STATUS_CONFIG_INVALID, actr_system_new(&config, &system, &error));
    assert_non_null(strstr(error.message, "signaling_url"));
    config = fixture_config(&f, "a");
    config.signaling_url = "http://x/";
    assert_status(ACTR_STATUS_CONFIG_INVALID, actr_system_new(&config, &system, &error));
    config = fixture_config(&f, "0bad name");
    config.mailbox_path = "/nowhere/at/all/mailbox.db";
    config.name = "good";
    assert_status(ACTR_STATUS_MAILBOX_IO, actr_system_new(&config, &system, &error));
    assert_non_null(strstr(error.message, "/nowhere"));
    actr_acl_principal_t acme = {.manufacturer = "acme"}; /* all of them? it would be everybody */
    actr_acl_rule_t rule = {.allow = true, .principals = &acme, .principal_count = 1};
    config = fixture_config(&f, "a");
    config.acl_rules = &rule;
    config.acl_rule_count = 1;
    config.has_acl = true;
    assert_status(ACTR_STATUS_CONFIG_INVALID, actr_system_new(&config, &system, &error));
    assert_non_null(strstr(error.message, "manufacturer without a name"));
    acme.name = "b";
    config.has_acl = false; /* forgotten, so the rules would count for nothing */
    assert_status(ACTR_STATUS_CONFIG_INVALID, actr_system_new(&config, &system, &error));
    assert_non_null(strstr(error.message, "has_acl"));
    assert_null(system);
}

static void test_local_calls(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    assert_ok(actr_ref_call(a.ref, "x.Echo", (actr_bytes_t){"here", 4}, NULL, &reply, &error), &error);
    assert_int_equal(actr_buf_size(reply), 4);
    actr_buf_release(reply);
    assert_ok(actr_ref_tell(a.ref, "x.Note", (actr_bytes_t){"note", 4}, NULL, &error), &error);
    fixture_wait(&a, &a.notes, 1);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE,
                  actr_ref_call(a.ref, "x.None", (actr_bytes_t){"", 0}, NULL, &reply, &error));
    assert_status(ACTR_STATUS_WOULD_DEADLOCK,
                  actr_ref_call(a.ref, "x.Self", (actr_bytes_t){"", 0}, NULL, &reply, &error));
    assert_null(reply);
    fixture_stop(&a);
    fixture_close(&f);
}

static void test_peer_gone_and_back(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "one", 0, &error), &error);
    fixture_stop(&b);
    fixture_wait(&a, &a.peers_closed, 1);
    assert_status(ACTR_STATUS_UNAVAILABLE, fixture_call(&a, &to_b, "x.Echo", "gone", 0, &error));
    fixture_node(&b, &f, "b");
    to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "two", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void test_call_in_flight_when_the_peer_goes(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    actr_config_t config = fixture_config(&f, "b");
    config.drain_timeout_ms = 50;
    fixture_start(&b, &config);
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(actr_ctx_tell(actr_ref_ctx(a.ref), &to_b, "x.Slow", (actr_bytes_t){"", 0}, NULL, &error), &error);
    fixture_wait(&b, &b.slow_begun, 1); /* b's only turn is taken: the next call waits behind it */
    actr_ref_shutdown(b.ref);
    actr_status_t status = fixture_call(&a, &to_b, "x.Echo", "too late", 20000, &error);
    if (status != ACTR_STATUS_SHUTTING_DOWN && status != ACTR_STATUS_DELIVERY_UNCERTAIN &&
        status != ACTR_STATUS_UNAVAILABLE) {
        fail_msg("%s: %s", actr_status_name(status), error.message);
    }
    /* the handler still waits for the gate: the shutdown says so, and ends once it returns */
    assert_status(ACTR_STATUS_TIMEOUT, actr_ref_wait_for_shutdown(b.ref, 20000, &error));
    assert_non_null(strstr(error.message, "x.Slow"));
    fixture_stop(&b);
    fixture_stop(&a);
    fixture_close(&f);
}

static void test_server_gone_and_back(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    char listen[64];
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "one", 0, &error), &error);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", actri_server_port(f.server));
    actri_server_free(f.server);
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "without a server", 0, &error), &error); /* peers need none */
    actri_server_options_t options = {.listen = listen};
    assert_ok(actri_server_new(&options, &f.server, &error), &error);
    wait_server(&f, some_online, 2); /* it forgot them: they registered anew */
    fixture_wait(&a, &a.signaling_connected, 2);
    fixture_wait(&b, &b.signaling_connected, 2);
    to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "two", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void test_acl(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b, c;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_acl_principal_t friend = {.manufacturer = "acme", .name = "a"};
    actr_acl_rule_t rule = {.allow = true, .principals = &friend, .principal_count = 1};
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&c, &f, "c");
    actr_config_t config = fixture_config(&f, "b");
    config.has_acl = true;
    config.acl_rules = &rule;
    config.acl_rule_count = 1;
    fixture_start(&b, &config);
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "may", 0, &error), &error);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, fixture_call(&c, &to_b, "x.Echo", "may not", 0, &error));
    assert_int_equal(b.echoes, 1);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_stop(&c);
    fixture_close(&f);
}

static void ignore_signal(int number)
{
    (void)number;
}

typedef struct waiting {
    fixture_node_t *node;
    actr_status_t status;
    actr_error_t error;
    actri_thread_t thread;
} waiting_t;

static void wait_ctrl_c(void *argument)
{
    waiting_t *w = argument;
    w->status = actr_ref_wait_for_ctrl_c_and_shutdown(w->node->ref, &w->error);
}

static bool handler_is_ours(const struct sigaction *action)
{
    return action->sa_handler == ignore_signal;
}

static void test_ctrl_c_restores_the_handlers(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    struct sigaction mine = {.sa_handler = ignore_signal}, old, now;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    assert_int_equal(sigaction(SIGTERM, &mine, &old), 0);
    waiting_t w = {.node = &a};
    assert_ok(actri_thread_start(&w.thread, "waits", wait_ctrl_c, &w, &error), &error);
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    do {
        assert_true(actri_now_ns() < deadline);
        assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    } while (handler_is_ours(&now)); /* until it is installed */
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    actri_thread_join(&w.thread);
    assert_ok(w.status, &w.error);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_true(handler_is_ours(&now));
    assert_int_equal(sigaction(SIGTERM, &old, NULL), 0);
    assert_int_equal(a.stopped, 1);
    fixture_stop(&a);
    fixture_close(&f);
}

static void test_server_that_is_not_there(void **state)
{
    (void)state;
    fixture_t f = {.url = ""};
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound and not listening: refused */
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(f.url, sizeof f.url, "ws://127.0.0.1:%u/signaling/ws", ntohs(address.sin_port));
    actr_config_t config = fixture_config(&f, "a");
    config.connect_timeout_ms = 500;
    fixture_attach(&a, &config);
    int64_t begin = actri_now_ns();
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actr_node_start(a.node, &a.ref, &error));
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND); /* without a configured limit they are 30 */
    (void)close(fd);
    fixture_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hooks_come_in_order_and_once),
        cmocka_unit_test(test_last_reference_dropped_is_a_shutdown),
        cmocka_unit_test(test_failed_on_start_undoes_the_start),
        cmocka_unit_test(test_refused_registration),
        cmocka_unit_test(test_configurations_that_can_not_be),
        cmocka_unit_test(test_local_calls),
        cmocka_unit_test(test_peer_gone_and_back),
        cmocka_unit_test(test_call_in_flight_when_the_peer_goes),
        cmocka_unit_test(test_server_gone_and_back),
        cmocka_unit_test(test_acl),
        cmocka_unit_test(test_ctrl_c_restores_the_handlers),
        cmocka_unit_test(test_server_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
