/* SPDX-License-Identifier: Apache-2.0 */
/* The signaling client against the development server, both in this process, over real sockets. */
#include "check.h"

#include "compat/service_spec.h"
#include "server/registry.h"
#include "server/server.h"
#include "unit/signaling/client_bench.h"

static actri_server_t *server_new(uint16_t port)
{
    char listen[32];
    actri_server_t *server = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    actri_server_options_t options = {.listen = listen};
    assert_ok(actri_server_new(&options, &server, &error), &error);
    return server;
}

/* A started client and its watch. */
typedef struct actor {
    watch_t watch;
    actri_signaling_t *client;
} actor_t;

static void actor_start(actor_t *actor, const actri_server_t *server)
{
    char url[64];
    watch_init(&actor->watch);
    actor->client = client_of(actri_server_url(server, url, sizeof url), NULL, &actor->watch);
    started(actor->client);
}

static void actor_end(actor_t *actor)
{
    actri_signaling_free(actor->client);
    watch_clear(&actor->watch);
}

static actr_id_t id_of(actor_t *actor)
{
    actri_lock(&actor->watch.mutex);
    actr_id_t id = actor->watch.id;
    actri_unlock(&actor->watch.mutex);
    return id;
}

static bool is_online(const actri_server_counts_t *counts, void *user)
{
    return counts->online == *(const size_t *)user;
}

static void wait_online(actri_server_t *server, size_t count)
{
    actri_server_counts_t counts;
    assert_true(actri_server_wait(server, is_online, &count, in_seconds(20), &counts));
}

static void set_switches(actri_core_switches_t *switches, void *user)
{
    *switches = *(const actri_core_switches_t *)user;
}

static void ask(actor_t *actor, uint32_t max)
{
    const actr_type_t type = {"acme", "fake"};
    actr_error_t error = ACTR_ERROR_INIT;
    unsigned before = actor->watch.answers;
    assert_ok(actri_signaling_candidates(actor->client, &(actri_query_t){.type = type, .max = max}, in_seconds(10),
                                         watch_candidates, &actor->watch, &error),
              &error);
    watch_wait(&actor->watch, &actor->watch.answers, before + 1);
}

static void send_relay(actor_t *actor, actri_relay_kind_t kind, actr_id_t target, const char *text)
{
    actri_relay_t relay = {.kind = kind, .target = target, .text = text};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_signaling_relay(actor->client, &relay, &error), &error);
}

static void registers_discovers_unregisters(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one, two;
    actor_start(&one, server);
    actor_start(&two, server);
    actr_id_t first = id_of(&one), second = id_of(&two);
    assert_int_not_equal(first.serial_number, second.serial_number);
    assert_int_equal(7, first.realm);
    ask(&two, 5);
    assert_status(ACTR_OK, two.watch.answer);
    assert_true(two.watch.count >= 1);
    ask(&two, 1);
    assert_int_equal(1, two.watch.count);
    stopped(one.client);
    wait_online(server, 1);
    actri_server_counts_t counts;
    size_t left = 1;
    assert_true(actri_server_wait(server, is_online, &left, in_seconds(1), &counts));
    assert_int_equal(1, counts.unregistrations); /* seen by the server before stop returned */
    stopped(two.client);
    assert_true(actri_server_wait(server, is_online, &(size_t){0}, in_seconds(20), &counts));
    assert_int_equal(2, counts.unregistrations);
    actor_end(&one);
    actor_end(&two);
    actri_server_free(server);
}

static void relays_pass_between_two_clients(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one, two;
    actor_start(&one, server);
    actor_start(&two, server);
    send_relay(&one, ACTRI_RELAY_ROLE_NEGOTIATION, id_of(&two), NULL);
    watch_wait(&one.watch, &one.watch.relays, 1); /* a role assignment to each */
    watch_wait(&two.watch, &two.watch.relays, 1);
    send_relay(&one, ACTRI_RELAY_OFFER, id_of(&two), "v=0 offer");
    watch_wait(&two.watch, &two.watch.relays, 2);
    assert_string_equal("v=0 offer", two.watch.text);
    for (unsigned i = 0; i < 200; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "candidate:%u", i);
        send_relay(&two, ACTRI_RELAY_CANDIDATE, id_of(&one), text);
    }
    watch_wait(&one.watch, &one.watch.relays, 201);
    assert_string_equal("candidate:199", one.watch.text); /* in order */
    actr_id_t nobody = id_of(&two);
    nobody.serial_number += 12345;
    send_relay(&one, ACTRI_RELAY_OFFER, nobody, "v=0");
    watch_wait(&one.watch, &one.watch.refused, 1);
    assert_int_equal(404, one.watch.code);
    stopped(one.client);
    stopped(two.client);
    actor_end(&one);
    actor_end(&two);
    actri_server_free(server);
}

static void a_refused_registration_is_told(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actri_core_switches_t switches = {.refuse_registration = 403};
    actri_server_switch(server, set_switches, &switches);
    watch_t watch;
    char url[64];
    actr_error_t error = ACTR_ERROR_INIT;
    watch_init(&watch);
    actri_signaling_t *client = client_of(actri_server_url(server, url, sizeof url), NULL, &watch);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, actri_signaling_start(client, in_seconds(20), &error));
    assert_int_equal(403, error.remote_code);
    actri_signaling_free(client);
    watch_clear(&watch);
    actri_server_free(server);
}

static void a_forced_401_registers_anew(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one;
    actor_start(&one, server);
    actri_core_switches_t switches = {.unauthorized = 1};
    actri_server_switch(server, set_switches, &switches);
    actri_signaling_beat(one.client);
    watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_DISCONNECTED], 1);
    watch_wait(&one.watch, &one.watch.identities, 2);
    watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_REGISTERED], 2);
    ask(&one, 1); /* with the new identity */
    assert_status(ACTR_OK, one.watch.answer);
    stopped(one.client);
    actor_end(&one);
    actri_server_free(server);
}

static void a_warning_renews_the_credential(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one;
    actor_start(&one, server);
    actr_id_t before = id_of(&one);
    actri_core_switches_t switches = {.warnings = 1};
    actri_server_switch(server, set_switches, &switches);
    actri_signaling_beat(one.client);
    watch_wait(&one.watch, &one.watch.identities, 2);
    actr_id_t after = id_of(&one);
    assert_true(actr_id_equal(&before, &after));
    ask(&one, 1); /* with the new credential */
    assert_status(ACTR_OK, one.watch.answer);
    switches.warnings = 50; /* and none of what is under way meanwhile is refused */
    actri_server_switch(server, set_switches, &switches);
    for (unsigned i = 0; i < 50; i++) {
        actri_signaling_beat(one.client);
        send_relay(&one, ACTRI_RELAY_CANDIDATE, after, "candidate:0"); /* to itself */
        ask(&one, 1);
        assert_status(ACTR_OK, one.watch.answer);
    }
    watch_wait(&one.watch, &one.watch.relays, 50);
    assert_int_equal(0, one.watch.refused);
    assert_int_equal(1, one.watch.states[ACTRI_SIGNALING_REGISTERED]);
    stopped(one.client);
    actor_end(&one);
    actri_server_free(server);
}

/* Many times, since a token may hold any byte and must survive the URL. */
static void a_killed_socket_comes_back_with_its_identity(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    for (unsigned i = 0; i < 12; i++) {
        actor_t one, two;
        actor_start(&one, server);
        actr_id_t id = id_of(&one);
        assert_true(actri_server_kick(server, &id, false));
        watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_REGISTERED], 2);
        wait_online(server, 1);
        actor_start(&two, server);
        send_relay(&two, ACTRI_RELAY_OFFER, id, "v=0 still there");
        watch_wait(&one.watch, &one.watch.relays, 1);
        assert_int_equal(1, one.watch.identities);
        stopped(two.client);
        stopped(one.client);
        actor_end(&one);
        actor_end(&two);
    }
    actri_server_free(server);
}

static void a_server_that_forgot_us_registers_us_anew(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one;
    actor_start(&one, server);
    actr_id_t id = id_of(&one);
    assert_true(actri_server_kick(server, &id, true));
    watch_wait(&one.watch, &one.watch.identities, 2);
    actr_id_t after = id_of(&one);
    assert_int_not_equal(id.serial_number, after.serial_number);
    wait_online(server, 1);
    stopped(one.client);
    actor_end(&one);
    actri_server_free(server);
}

static void a_server_that_goes_and_comes_back(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    uint16_t port = actri_server_port(server);
    actor_t one;
    actor_start(&one, server);
    actri_server_free(server);
    watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_DISCONNECTED], 1);
    actri_relay_t relay = {.kind = ACTRI_RELAY_OFFER, .target = id_of(&one), .text = "v=0"};
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actri_signaling_relay(one.client, &relay, NULL));
    server = server_new(port); /* it knows nobody */
    watch_wait(&one.watch, &one.watch.identities, 2);
    wait_online(server, 1);
    watch_wait_online(&one.watch); /* the identity comes first */
    ask(&one, 3);
    assert_int_equal(1, one.watch.count);
    stopped(one.client);
    actor_end(&one);
    actri_server_free(server);
}

static void refused_connections_are_tried_again(void **state)
{
    (void)state;
    actri_server_t *server = server_new(0);
    actor_t one;
    actor_start(&one, server);
    actr_id_t id = id_of(&one);
    actri_signaling_counters_t counters = {0};
    actri_server_refuse_connections(server, true);
    assert_true(actri_server_kick(server, &id, false));
    watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_DISCONNECTED], 1);
    actri_server_refuse_connections(server, false);
    watch_wait(&one.watch, &one.watch.states[ACTRI_SIGNALING_REGISTERED], 2);
    actri_signaling_counters(one.client, &counters);
    assert_int_equal(1, counters.losses);
    stopped(one.client);
    actor_end(&one);
    actri_server_free(server);
}

/* ---- the form of answers ---- */

static void on_spec(void *user, actr_status_t status, const actr_bytes_t *answers, size_t count,
                    const actr_error_t *error)
{
    watch_t *watch = user;
    (void)error;
    actri_lock(&watch->mutex);
    watch->code = status == ACTR_OK && count == 1 ? (uint32_t)actri_spec_form(answers[0].data, answers[0].size) : 0;
    watch->answers++;
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

/* A route request carries the field of form B always; who registered in form A is still answered in form A. */
static void a_client_is_answered_in_its_form(void **state)
{
    (void)state;
    static const actr_export_t file = {"echo.proto", "syntax = \"proto3\"; package echo; message M { string a = 1; }"};
    for (const char *form = "AB"; *form != '\0'; form++) {
        actri_server_t *server = server_new(0);
        actr_error_t error = ACTR_ERROR_INIT;
        actr_config_t config = ACTR_CONFIG_INIT;
        uint8_t *spec = NULL;
        size_t size = 0;
        char url[64];
        actor_t actor;
        config.exports = &file;
        config.export_count = 1;
        config.name = config.package_name = "fake";
        assert_ok(actri_service_spec_encode(NULL, &config, *form, 1, &spec, &size, &error), &error);
        actri_signaling_options_t options = {.url = actri_server_url(server, url, sizeof url),
                                             .type = {"acme", "fake"},
                                             .realm = 7,
                                             .form = *form,
                                             .service_spec = spec,
                                             .service_spec_size = size};
        watch_init(&actor.watch);
        assert_ok(actri_signaling_new(&options, &watch_handlers, &actor.watch, &actor.client, &error), &error);
        started(actor.client);
        ask(&actor, 1);
        const actri_question_t question = {.kind = ACTRI_QUESTION_SPEC, .name = "fake"};
        unsigned before = actor.watch.answers;
        assert_ok(actri_signaling_ask(actor.client, &question, in_seconds(10), on_spec, &actor.watch, &error), &error);
        watch_wait(&actor.watch, &actor.watch.answers, before + 1);
        assert_int_equal(actor.watch.code, *form);
        stopped(actor.client);
        actor_end(&actor);
        actri_free(NULL, spec);
        actri_server_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_discovers_unregisters),
        cmocka_unit_test(relays_pass_between_two_clients),
        cmocka_unit_test(a_refused_registration_is_told),
        cmocka_unit_test(a_forced_401_registers_anew),
        cmocka_unit_test(a_warning_renews_the_credential),
        cmocka_unit_test(a_killed_socket_comes_back_with_its_identity),
        cmocka_unit_test(a_server_that_forgot_us_registers_us_anew),
        cmocka_unit_test(a_server_that_goes_and_comes_back),
        cmocka_unit_test(refused_connections_are_tried_again),
        cmocka_unit_test(a_client_is_answered_in_its_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
