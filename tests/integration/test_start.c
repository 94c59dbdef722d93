/* SPDX-License-Identifier: Apache-2.0 */
/* What a start does, what may be done within it, and what of it comes later. */
#include "scene.h"

#include "lifecycle/node.h"
#include "signaling.pb-c.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

static actr_status_t serve_note(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    *reply = request->payload;
    scene_note(s, 'n');
    return ACTR_OK;
}

/* Tells its caller something before it answers: on the same lane, so that it is there first. */
static actr_status_t serve_poke(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    actr_dest_t caller = actr_dest_actor(actr_ctx_caller_id(ctx));
    *reply = request->payload;
    return actr_ctx_tell(ctx, &caller, "w.Note", request->payload, NULL, NULL);
}

static const scene_route_t routes[] = {{"w.Note", serve_note}, {"w.Poke", serve_poke}, {0}};

/* A peer is found, called and answers; the own workload is not ready to. */
static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    scene_t *s = user;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type = {"acme", "b"};
    actr_buf_t *reply = NULL;
    actr_status_t status = actr_ctx_call_type(ctx, &type, "w.Poke", (actr_bytes_t){"x", 1}, NULL, NULL, &reply, &error);
    actr_buf_release(reply);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    s->seen = actr_ctx_call(ctx, &local, "w.Note", (actr_bytes_t){"x", 1}, NULL, NULL, &error);
    scene_note(s, 's');
    return ACTR_OK;
}

/* lifecycle-and-rpc 2: calls to peers work in on_start (the reference's call to the own workload waits for 30 s there);
   what peers send meanwhile is stored and handled behind it. */
static void on_start_may_call_peers_and_is_followed_by_their_requests(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&b, &f, "b", routes, NULL);
    actr_config_t config = fixture_config(&f, "a");
    scene_init(&a, routes, NULL, &workload);
    workload.on_start = on_start;
    scene_attach(&a, &config, &workload);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    fixture_wait(&a.n, &a.count, 2);
    assert_string_equal(a.order, "sn");
    assert_status(ACTR_STATUS_WOULD_DEADLOCK, a.seen);
    scene_close(&a);
    scene_close(&b);
    fixture_close(&f);
}

static void a_system_has_one_workload(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_workload_t workload;
    actr_node_t *second = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    scene_init(&a, routes, NULL, &workload);
    scene_attach(&a, &config, &workload);
    assert_status(ACTR_STATUS_INVALID_STATE, actr_system_attach(a.n.system, &workload, &second, &error));
    assert_null(second);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error); /* the first one has not suffered */
    scene_close(&a);
    fixture_close(&f);
}

static actr_status_t panic(actr_ctx_t *ctx, void *user)
{
    scene_note(user, 's');
    return actr_ctx_panic(ctx, "no coffee");
}

/* It is the start's error, and the workload's end: no other hook follows. */
static void a_panic_in_on_start_fails_the_start(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    scene_init(&a, routes, NULL, &workload);
    workload.on_start = panic;
    scene_attach(&a, &config, &workload);
    assert_status(ACTR_STATUS_HANDLER_PANIC, actr_node_start(a.n.node, &a.n.ref, &error));
    assert_non_null(strstr(error.message, "no coffee"));
    assert_null(a.n.ref);
    assert_string_equal(a.order, "s");
    scene_close(&a);
    fixture_close(&f);
}

/* The server gets the rules as they are written: it decides by them who finds whom (lifecycle-and-rpc 9). */
static void the_server_is_told_the_rules(void **state)
{
    (void)state;
    static const actr_acl_principal_t both[] = {{true, 7, "acme", "friend"}, {0}};
    static const actr_acl_rule_t rules[] = {{.allow = false, .principals = both, .principal_count = 1},
                                            {.allow = true, .principals = both, .principal_count = 2}};
    fixture_t f = {.url = "ws://127.0.0.1:1/signaling/ws"};
    actr_system_t *system = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(&f, "a");
    config.has_acl = true;
    config.acl_rules = rules;
    config.acl_rule_count = 2;
    assert_ok(actr_system_new(&config, &system, &error), &error);
    Actr__Acl *acl = actr__acl__unpack(NULL, system->acl_size, system->acl);
    assert_non_null(acl);
    assert_int_equal(acl->n_rules, 2);
    assert_int_equal(acl->rules[0]->permission, 0);
    assert_int_equal(acl->rules[0]->n_principals, 1);
    assert_int_equal(acl->rules[0]->principals[0]->realm->realm_id, 7);
    assert_string_equal(acl->rules[0]->principals[0]->actr_type->manufacturer, "acme");
    assert_string_equal(acl->rules[0]->principals[0]->actr_type->name, "friend");
    assert_int_equal(acl->rules[1]->permission, 1);
    assert_int_equal(acl->rules[1]->n_principals, 2);
    assert_true(acl->rules[1]->principals[1]->realm == NULL && acl->rules[1]->principals[1]->actr_type == NULL);
    actr__acl__free_unpacked(acl, NULL);
    actr_system_release(system);
}

static void keep_warning(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)area;
    if (level == ACTR_LOG_WARN && strstr(line, "TURN") != NULL) ++*(unsigned *)user;
}

/* Who may not show its addresses to peers must not do it for want of relays; servers that are not asked are told of. */
static void relays_only_is_refused_while_there_are_none(void **state)
{
    (void)state;
    static const char *const urls[] = {"turn:127.0.0.1:3478"};
    fixture_t f = {.url = "ws://127.0.0.1:1/signaling/ws"};
    actr_system_t *system = NULL;
    unsigned warnings = 0;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(&f, "a");
    config.log = keep_warning;
    config.log_user = &warnings;
    config.turn_urls = urls;
    config.turn_url_count = 1;
    assert_ok(actr_system_new(&config, &system, &error), &error);
    actr_system_release(system);
    assert_int_equal(warnings, 1);
    config.force_relay = true;
    system = NULL;
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_system_new(&config, &system, &error));
    assert_non_null(strstr(error.message, "force_relay"));
    assert_null(system);
}

static void obey_rules(actri_core_switches_t *switches, void *user)
{
    (void)user;
    switches->strict_acl = true;
}

/* And it obeys them, if it is one that does: who may not call does not find. */
static void the_rules_decide_who_finds_whom(void **state)
{
    (void)state;
    static const actr_acl_principal_t friend = {.manufacturer = "acme", .name = "friend"};
    static const actr_acl_rule_t rule = {.allow = true, .principals = &friend, .principal_count = 1};
    fixture_t f;
    fixture_node_t guarded, known, stranger;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type = {"acme", "guarded"};
    actr_id_t id;
    size_t count = 1;
    fixture_open(&f);
    actri_server_switch(f.server, obey_rules, NULL);
    actr_config_t config = fixture_config(&f, "guarded");
    config.has_acl = true;
    config.acl_rules = &rule;
    config.acl_rule_count = 1;
    fixture_start(&guarded, &config);
    fixture_node(&known, &f, "friend");
    fixture_node(&stranger, &f, "stranger");
    (void)fixture_find(&known, "guarded");
    assert_status(ACTR_STATUS_TARGET_NOT_FOUND, actr_ref_discover(stranger.ref, &type, 0, &id, &count, &error));
    fixture_stop(&stranger);
    fixture_stop(&known);
    fixture_stop(&guarded);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_start_may_call_peers_and_is_followed_by_their_requests),
        cmocka_unit_test(a_system_has_one_workload),
        cmocka_unit_test(a_panic_in_on_start_fails_the_start),
        cmocka_unit_test(the_server_is_told_the_rules),
        cmocka_unit_test(relays_only_is_refused_while_there_are_none),
        cmocka_unit_test(the_rules_decide_who_finds_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
