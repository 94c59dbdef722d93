/* SPDX-License-Identifier: Apache-2.0 */
/* A generated service over real nodes: [methods] (key fields, priorities, rules that can not be kept), messages as
 * chunks. */
#include "check.h"

#include "harness.h"
#include "services.actr.h"

#include "port/clock.h"
#include "port/thread.h"

#include <string.h>

#define LIMIT_NS (60 * ACTRI_SECOND)
#define GET "codegen.services.Store.Get"
#define MIRROR "codegen.services.Store.Mirror"

typedef struct store {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned inside, met, answered;
    bool two_of_one, gate_open;
    char order[64];
    unsigned same; /* handlers of the one value, now */
} store_t;

static bool wait_until(store_t *store, const unsigned *value, unsigned least)
{
    int64_t deadline = actri_now_ns() + LIMIT_NS;
    bool in_time = true;
    while (*value < least && in_time) in_time = actri_cond_wait(&store->changed, &store->mutex, deadline);
    return in_time;
}

/* Lets others in for a while; nobody of the same value may come. */
static bool alone(store_t *store)
{
    if (store->same++ > 0) store->two_of_one = true;
    (void)actri_cond_wait(&store->changed, &store->mutex, actri_now_ns() + ACTRI_MS);
    store->same--;
    return true;
}

/* "m..." waits for another "m..." of another name to be inside as well. "g" waits for the gate. */
static actr_status_t handle(store_t *store, const char *name)
{
    bool in_time = true;
    actri_lock(&store->mutex);
    if (name[0] == 's') in_time = alone(store);
    store->inside++;
    if (name[0] == 'm') {
        store->met++;
        actri_cond_broadcast(&store->changed);
        in_time = wait_until(store, &store->met, 2);
    }
    if (name[0] == 'g') {
        actri_cond_broadcast(&store->changed);
        int64_t deadline = actri_now_ns() + LIMIT_NS;
        while (!store->gate_open && in_time) in_time = actri_cond_wait(&store->changed, &store->mutex, deadline);
    }
    if (strlen(store->order) < sizeof store->order - 2) strncat(store->order, name + strlen(name) - 1, 1);
    store->inside--;
    actri_unlock(&store->mutex);
    return in_time ? ACTR_OK : ACTR_STATUS_TIMEOUT;
}

static actr_status_t on_get(actr_ctx_t *ctx, const Codegen__Services__Key *request, Codegen__Services__Value *reply,
                            void *user)
{
    (void)ctx;
    (void)reply;
    return handle(user, request->name);
}

static actr_status_t on_mirror(actr_ctx_t *ctx, const Codegen__Services__Key *request, Codegen__Services__Key *reply,
                               void *user)
{
    (void)ctx;
    reply->name = request->name;
    return handle(user, request->name);
}

typedef struct scene {
    harness_server_t *server;
    store_t store;
    codegen_services_store_handlers_t handlers;
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *ref;
} scene_t;

static actr_status_t attach(scene_t *s, const actr_method_rule_t *rules, size_t count, actr_affinity_t affinity,
                            bool typed, actr_error_t *error)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    memset(s, 0, sizeof *s);
    s->server = harness_server_open();
    actri_mutex_init(&s->store.mutex);
    actri_cond_init(&s->store.changed);
    s->handlers.get = on_get;
    s->handlers.mirror = on_mirror;
    s->handlers.user = &s->store;
    config.signaling_url = harness_server_url(s->server);
    config.manufacturer = "acme";
    config.name = "store";
    config.realm = 1;
    config.methods = rules;
    config.method_count = count;
    config.affinity = affinity;
    actr_workload_t workload = codegen_services_store_workload(&s->handlers);
    if (!typed) workload.services = NULL, workload.service_count = 0;
    actr_status_t status = actr_system_new(&config, &s->system, error);
    return status == ACTR_OK ? actr_system_attach(s->system, &workload, &s->node, error) : status;
}

static void finish(scene_t *s)
{
    actr_ref_release(s->ref);
    actr_node_release(s->node);
    actr_system_release(s->system);
    harness_server_close(s->server);
    actri_cond_destroy(&s->store.changed);
    actri_mutex_destroy(&s->store.mutex);
}

static void open_scene(scene_t *s, const actr_method_rule_t *rules, size_t count)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(attach(s, rules, count, ACTR_AFFINITY_POOL, true, &error), &error);
    assert_ok(actr_node_start(s->node, &s->ref, &error), &error);
}

static void on_value(actr_status_t status, Codegen__Services__Value *value, const actr_error_t *error, void *user)
{
    store_t *store = user;
    (void)error;
    actr_message_free(value);
    actri_lock(&store->mutex);
    store->answered += status == ACTR_OK ? 1 : 1000;
    actri_cond_broadcast(&store->changed);
    actri_unlock(&store->mutex);
}

static void on_key(actr_status_t status, Codegen__Services__Key *key, const actr_error_t *error, void *user)
{
    Codegen__Services__Value *none = NULL;
    actr_message_free(key);
    on_value(status, none, error, user);
}

static void get(scene_t *s, const char *name)
{
    Codegen__Services__Key request = CODEGEN__SERVICES__KEY__INIT;
    actr_dest_t dest = actr_dest_local();
    actr_error_t error = ACTR_ERROR_INIT;
    request.name = (char *)(uintptr_t)name;
    assert_ok(
        codegen_services_store_start_get(actr_ref_ctx(s->ref), &dest, &request, NULL, on_value, &s->store, &error),
        &error);
}

static void mirror(scene_t *s, const char *name)
{
    Codegen__Services__Key request = CODEGEN__SERVICES__KEY__INIT;
    actr_dest_t dest = actr_dest_local();
    actr_error_t error = ACTR_ERROR_INIT;
    request.name = (char *)(uintptr_t)name;
    assert_ok(
        codegen_services_store_start_mirror(actr_ref_ctx(s->ref), &dest, &request, NULL, on_key, &s->store, &error),
        &error);
}

static void all_answered(scene_t *s, unsigned count)
{
    actri_lock(&s->store.mutex);
    assert_true(wait_until(&s->store, &s->store.answered, count));
    assert_int_equal(count, s->store.answered);
    actri_unlock(&s->store.mutex);
}

static void values_of_a_key_field_run_in_parallel(void **state)
{
    static const actr_method_rule_t rules[] = {{GET, "name", false}, {MIRROR, "name", false}};
    scene_t s;
    (void)state;
    open_scene(&s, rules, 2);
    get(&s, "m1"); /* each waits for the other */
    mirror(&s, "m2");
    all_answered(&s, 2);
    finish(&s);
}

static void one_value_is_handled_in_order(void **state)
{
    static const actr_method_rule_t rules[] = {{GET, "name", false}, {MIRROR, "name", false}};
    scene_t s;
    (void)state;
    open_scene(&s, rules, 2);
    for (unsigned i = 0; i < 40; i++) { /* also across methods */
        if (i % 2 == 0)
            get(&s, "same");
        else
            mirror(&s, "same");
    }
    all_answered(&s, 40);
    assert_false(s.store.two_of_one);
    finish(&s);
}

static void a_high_method_goes_first(void **state)
{
    static const actr_method_rule_t rules[] = {{MIRROR, NULL, true}};
    scene_t s;
    (void)state;
    open_scene(&s, rules, 1);
    get(&s, "gate0");
    actri_lock(&s.store.mutex);
    assert_true(wait_until(&s.store, &s.store.inside, 1));
    actri_unlock(&s.store.mutex);
    get(&s, "a1");
    get(&s, "a2");
    mirror(&s, "b3");
    actri_lock(&s.store.mutex);
    s.store.gate_open = true;
    actri_cond_broadcast(&s.store.changed);
    actri_unlock(&s.store.mutex);
    all_answered(&s, 4);
    assert_string_equal("0312", s.store.order);
    finish(&s);
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    store_t *store = user;
    void *message = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)ctx;
    actr_status_t status = actr_message_receive(&codegen__services__key__descriptor, chunk, &message, &error);
    actri_lock(&store->mutex);
    if (chunk->kind == ACTR_CHUNK_DATA) {
        bool bad = status == ACTR_STATUS_DECODE && strstr(error.message, "codegen.services.Key: a chunk of 2") != NULL;
        const char *name = status == ACTR_OK ? ((Codegen__Services__Key *)message)->name : bad ? "x" : "?";
        strncat(store->order, name, 8);
        store->answered++;
        actri_cond_broadcast(&store->changed);
    }
    actri_unlock(&store->mutex);
    actr_message_free(message);
}

static void messages_travel_as_chunks(void **state)
{
    Codegen__Services__Key one = CODEGEN__SERVICES__KEY__INIT;
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_dest_t dest = actr_dest_shell();
    actr_error_t error = ACTR_ERROR_INIT;
    scene_t s;
    (void)state;
    open_scene(&s, NULL, 0);
    actr_ctx_t *ctx = actr_ref_ctx(s.ref);
    assert_ok(actr_ctx_register_stream(ctx, "keys", on_chunk, &s.store, NULL, &error), &error);
    chunk.stream_id = "keys";
    for (unsigned i = 0; i < 3; i++) {
        one.name = (char *)(uintptr_t)(i == 0 ? "a" : i == 1 ? "" : "c");
        chunk.sequence++;
        assert_ok(actr_message_send(ctx, &dest, &one, &chunk, NULL, &error), &error);
    }
    chunk.payload = (actr_bytes_t){"\xff\xff", 2};
    assert_ok(actr_ctx_send_chunk(ctx, &dest, &chunk, NULL, &error), &error);
    all_answered(&s, 4);
    assert_string_equal("acx", s.store.order);
    chunk.stream_id = "nobody's";
    assert_status(ACTR_STATUS_NOT_FOUND, actr_message_send(ctx, &dest, &one, &chunk, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_message_send(ctx, &dest, NULL, &chunk, NULL, &error));
    finish(&s);
}

static void rules_that_can_not_be_kept_are_refused(void **state)
{
    static const struct {
        actr_method_rule_t rules[2];
        size_t count;
        actr_affinity_t affinity;
        bool typed;
        const char *words;
    } rows[] = {
        {{{GET, "nothing", false}}, 1, ACTR_AFFINITY_POOL, true, "codegen.services.Key has no field \"nothing\""},
        {{{"a.B.C", "name", false}}, 1, ACTR_AFFINITY_POOL, true, "no typed method of that route"},
        {{{GET, "name", false}}, 1, ACTR_AFFINITY_POOL, false, "no typed method of that route"},
        {{{GET, "name", false}}, 1, ACTR_AFFINITY_THREAD, true, "affinity = \"pool\""},
        {{{GET, "name", false}, {GET, NULL, true}}, 2, ACTR_AFFINITY_POOL, true, "a route is there twice"},
        {{{NULL, "name", false}}, 1, ACTR_AFFINITY_POOL, true, "a route is NULL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scene_t s;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_true(attach(&s, rows[i].rules, rows[i].count, rows[i].affinity, rows[i].typed, &error) < 0);
        if (strstr(error.message, rows[i].words) == NULL) fail_msg("%s, not %s", error.message, rows[i].words);
        finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_a_key_field_run_in_parallel),
        cmocka_unit_test(one_value_is_handled_in_order),
        cmocka_unit_test(a_high_method_goes_first),
        cmocka_unit_test(messages_travel_as_chunks),
        cmocka_unit_test(rules_that_can_not_be_kept_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
