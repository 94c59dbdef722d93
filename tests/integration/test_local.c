/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic within the process: what it costs in memory, and what happens when there is too much of it. */
#include "scene.h"

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

static actr_status_t echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    fixture_changed(&s->n, &s->n.echoes);
    *reply = request->payload;
    return ACTR_OK;
}

static actr_status_t slow(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    return fixture_slow(&s->n);
}

/* In a handler nobody waits for room: as many as the process may hold, then an error. */
static actr_status_t flood(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_error_t error = ACTR_ERROR_INIT;
    (void)request;
    (void)reply;
    while ((s->seen = actr_ctx_tell(ctx, &local, "w.Echo", (actr_bytes_t){"x", 1}, NULL, &error)) == ACTR_OK)
        s->count2++;
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"w.Echo", echo}, {"w.Slow", slow}, {"w.Flood", flood}, {0}};

/* ---- memory ---- */

typedef struct counter {
    uint64_t allocations; /* atomic */
} counter_t;

static void *allocate(size_t size, void *user)
{
    (void)__atomic_add_fetch(&((counter_t *)user)->allocations, 1, __ATOMIC_RELAXED);
    return malloc(size);
}

static void *resize(void *block, size_t size, void *user)
{
    (void)__atomic_add_fetch(&((counter_t *)user)->allocations, 1, __ATOMIC_RELAXED);
    return realloc(block, size);
}

static void release(void *block, void *user)
{
    (void)user;
    free(block);
}

static void send_some(scene_t *s, actr_buf_t *payload)
{
    actr_ctx_t *ctx = actr_ref_ctx(s->n.ref);
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 0; i < 100; i++) {
        actr_buf_t *reply = NULL;
        assert_ok(actr_ctx_tell(ctx, &local, "w.Echo", (actr_bytes_t){"by value", 8}, NULL, &error), &error);
        assert_ok(actr_ctx_call_buf(ctx, &local, "w.Echo", payload, NULL, &reply, &error), &error);
        assert_ptr_equal(reply, payload);
        actr_buf_release(reply);
        assert_ok(actr_ctx_call_buf_async(ctx, &local, "w.Echo", payload, NULL, NULL, NULL, &error), &error);
    }
}

/* Once the pools have grown, messages allocate nothing. (Under AddressSanitizer each block is malloc's.) */
static void messages_allocate_nothing(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    counter_t counter = {0};
    actr_allocator_t allocator = {allocate, resize, release, &counter};
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.allocator = &allocator;
    scene_init(&a, routes, NULL, &workload);
    scene_attach(&a, &config, &workload);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    actr_buf_t *payload = actr_buf_copy((actr_bytes_t){"payload", 7});
    bool quiet = false;
    for (unsigned round = 1; round <= 50 && !quiet; round++) { /* heartbeats and their like allocate now and then */
        uint64_t before = __atomic_load_n(&counter.allocations, __ATOMIC_RELAXED);
        send_some(&a, payload);
        fixture_wait(&a.n, &a.n.echoes, round * 300);
        quiet = __atomic_load_n(&counter.allocations, __ATOMIC_RELAXED) == before;
    }
#ifndef __SANITIZE_ADDRESS__
    assert_true(quiet);
#endif
    actr_buf_release(payload);
    scene_close(&a);
    fixture_close(&f);
}

/* ---- too much ---- */

typedef struct teller {
    actri_thread_t thread;
    scene_t *scene;
    unsigned failed;
} teller_t;

static void tell_many(void *argument)
{
    teller_t *teller = argument;
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 0; i < 5000; i++) {
        actr_status_t status =
            actr_ctx_tell(actr_ref_ctx(teller->scene->n.ref), &local, "w.Echo", (actr_bytes_t){"x", 1}, NULL, &error);
        if (status != ACTR_OK) teller->failed++;
    }
}

static void tells_wait_for_room(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t brief = ACTR_CALL_OPTIONS_INIT;
    actr_status_t status = ACTR_OK;
    unsigned told = 0;
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    assert_ok(actr_ctx_tell(ctx, &local, "w.Slow", (actr_bytes_t){NULL, 0}, NULL, &error), &error);
    fixture_wait(&a.n, &a.n.slow_begun, 1);
    brief.timeout_ms = 1;
    while ((status = actr_ctx_tell(ctx, &local, "w.Echo", (actr_bytes_t){"x", 1}, &brief, &error)) == ACTR_OK) told++;
    assert_status(ACTR_STATUS_LIMIT_REACHED, status); /* the limit has passed, and nothing has been handled */
    assert_true(told > 1000 && told <= 4096 + 64);
    teller_t teller = {.scene = &a};
    assert_ok(actri_thread_start(&teller.thread, "teller", tell_many, &teller, &error), &error);
    fixture_open_gate(&a.n);
    actri_thread_join(&teller.thread);
    assert_int_equal(teller.failed, 0);
    fixture_wait(&a.n, &a.n.echoes, told + 5000);
    a.n.gate_open = false;
    assert_ok(actr_ctx_tell(ctx, &local, "w.Slow", (actr_bytes_t){NULL, 0}, NULL, &error), &error);
    fixture_wait(&a.n, &a.n.slow_begun, 2);
    actri_thread_t waiting; /* a shutdown lets go who waits */
    teller.failed = 0;
    assert_ok(actri_thread_start(&waiting, "teller", tell_many, &teller, &error), &error);
    actr_ref_shutdown(a.n.ref);
    actri_thread_join(&waiting);
    assert_true(teller.failed > 0);
    scene_close(&a);
    fixture_close(&f);
}

static void a_handler_that_floods_is_told(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    assert_ok(scene_call(&a, &local, "w.Flood", "", 0, NULL, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED, a.seen);
    assert_true(a.count2 > 60000);
    fixture_wait(&a.n, &a.n.echoes, a.count2);
    scene_close(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_allocate_nothing),
        cmocka_unit_test(tells_wait_for_room),
        cmocka_unit_test(a_handler_that_floods_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
