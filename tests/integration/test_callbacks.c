/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of timers, streams and media: their memory goes once, when nothing calls them any more; who fails is told
 * of and counted. The memory is really freed, so a sanitizer sees what would still use it. */
#include "scene.h"

#include <actr/media.h>
#include <actr/stream.h>

#include <stdlib.h>

static actr_status_t drop(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply);
static const scene_route_t routes[] = {{"w.Drop", drop}, {0}};

/* What a callback is given: on the heap, freed by free_user. */
typedef struct probe {
    scene_t *scene;
    const char *unregister; /* from inside the callback */
    actr_status_t fails;
} probe_t;

static probe_t *probe(scene_t *scene)
{
    probe_t *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->scene = scene;
    return p;
}

static void gone(void *user)
{
    probe_t *p = user;
    scene_t *scene = p->scene;
    free(p);
    actri_lock(&scene->n.mutex);
    scene->count2++;
    actri_cond_broadcast(&scene->n.changed);
    actri_unlock(&scene->n.mutex);
}

static unsigned gone_by_now(scene_t *scene)
{
    actri_lock(&scene->n.mutex);
    unsigned count = scene->count2;
    actri_unlock(&scene->n.mutex);
    return count;
}

static void run(actr_ctx_t *ctx, probe_t *p, char what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (p->unregister != NULL) assert_ok(actr_ctx_unregister_stream(ctx, p->unregister, &error), &error);
    if (p->fails == ACTR_STATUS_HANDLER_PANIC)
        (void)actr_ctx_panic(ctx, "as asked");
    else if (p->fails != ACTR_OK)
        (void)actr_ctx_fail(ctx, p->fails, "as asked");
    scene_note(p->scene, what); /* the test may go on */
}

static void on_timer(actr_ctx_t *ctx, void *user)
{
    run(ctx, user, 't');
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)chunk;
    run(ctx, user, 'c');
}

static void on_sample(actr_ctx_t *ctx, const actr_media_sample_t *sample, void *user)
{
    (void)sample;
    run(ctx, user, 'm');
}

static void on_event(const actr_event_t *event, void *user)
{
    if (event->kind == ACTR_EVENT_ERROR) {
        assert_non_null(strstr(event->detail, "as asked"));
        scene_note(user, event->status == ACTR_STATUS_HANDLER_PANIC ? 'E' : 'e');
    }
    if (event->kind == ACTR_EVENT_WORKLOAD_RESTARTED) scene_note(user, 'R');
}

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    scene_t *s = user;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t options = ACTR_STREAM_OPTIONS_INIT;
    if (s->more == NULL) return ACTR_OK; /* a restart */
    options.free_user = gone;
    assert_ok(actr_ctx_register_stream(ctx, "of the workload", on_chunk, s->more, &options, &error), &error);
    s->more = NULL;
    return ACTR_OK;
}

static void on_stop(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    scene_note(user, 'z');
}

static void open_supervised(scene_t *s, const fixture_t *f, actr_supervision_t supervision, probe_t *of_workload)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, "a");
    scene_init(s, routes, NULL, &workload);
    workload.on_event = on_event;
    workload.on_start = on_start;
    workload.on_stop = on_stop;
    workload.supervision = supervision;
    if (of_workload != NULL) of_workload->scene = s;
    s->more = of_workload;
    scene_attach(s, &config, &workload);
    assert_ok(actr_node_start(s->n.node, &s->n.ref, &error), &error);
}

static void set(scene_t *s, uint64_t delay_ms, uint64_t period_ms, actr_timer_t **timer)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_timer_spec_t spec = ACTR_TIMER_SPEC_INIT;
    spec.delay_ms = delay_ms;
    spec.period_ms = period_ms;
    spec.fn = on_timer;
    spec.user = probe(s);
    spec.free_user = gone;
    assert_ok(actr_ctx_set_timer(actr_ref_ctx(s->n.ref), &spec, timer, &error), &error);
}

static void test_a_timers_memory(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_timer_t *kept = NULL, *never = NULL;
    actr_timer_spec_t spec = ACTR_TIMER_SPEC_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_supervised(&a, &f, (actr_supervision_t){0}, NULL);
    set(&a, 0, 0, NULL);
    fixture_wait(&a.n, &a.count2, 1); /* it ran, so it goes */
    assert_int_equal(a.count, 1);
    set(&a, 0, 1, &kept);
    fixture_wait(&a.n, &a.count, 4);
    actr_timer_cancel(kept);
    set(&a, 3600000, 0, &never);
    actr_timer_cancel(never);
    actr_timer_release(never);
    fixture_wait(&a.n, &a.count2, 2);
    actr_timer_release(kept); /* a handle keeps it: it was the last */
    fixture_wait(&a.n, &a.count2, 3);
    set(&a, 3600000, 0, NULL);
    set(&a, 3600000, 1, &kept);
    probe_t *own = probe(&a);
    spec.user = own;
    spec.free_user = gone;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_set_timer(actr_ref_ctx(a.n.ref), &spec, NULL, &error));
    spec.fn = on_timer;
    actr_ref_shutdown(a.n.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, -1, &error), &error);
    assert_int_equal(gone_by_now(&a), 4);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, actr_ctx_set_timer(actr_ref_ctx(a.n.ref), &spec, NULL, &error));
    actr_timer_release(kept);
    assert_int_equal(gone_by_now(&a), 5);
    free(own); /* what was refused is still the caller's */
    scene_close(&a);
    assert_int_equal(a.count2, 5);
    fixture_close(&f);
}

static actr_status_t listen_on(scene_t *s, const char *id, probe_t *p)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t options = ACTR_STREAM_OPTIONS_INIT;
    options.free_user = gone;
    return actr_ctx_register_stream(actr_ref_ctx(s->n.ref), id, on_chunk, p, &options, &error);
}

static void send_to(scene_t *s, const char *id)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_dest_t local = actr_dest_local();
    chunk.stream_id = id;
    assert_ok(actr_ctx_send_chunk(actr_ref_ctx(s->n.ref), &local, &chunk, NULL, &error), &error);
}

static void test_a_streams_memory(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    open_supervised(&a, &f, (actr_supervision_t){0}, NULL);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    assert_status(ACTR_OK, listen_on(&a, "s", probe(&a)));
    probe_t *second = probe(&a);
    assert_status(ACTR_STATUS_INVALID_STATE, listen_on(&a, "s", second));
    assert_int_equal(gone_by_now(&a), 0);
    for (int i = 0; i < 100; i++) send_to(&a, "s");
    assert_ok(actr_ctx_unregister_stream(ctx, "s", &error), &error);
    assert_int_equal(a.count, 100); /* delivered first */
    assert_int_equal(gone_by_now(&a), 1);

    second->unregister = "s"; /* from inside: it runs, so it can not go at once */
    assert_status(ACTR_OK, listen_on(&a, "s", second));
    send_to(&a, "s");
    fixture_wait(&a.n, &a.count, 101);
    for (int i = 0; gone_by_now(&a) < 2 && i < 10000; i++) { /* registering buries the dead */
        assert_status(ACTR_OK, listen_on(&a, "s", probe(&a)));
        assert_ok(actr_ctx_unregister_stream(ctx, "s", &error), &error);
    }
    assert_true(gone_by_now(&a) >= 3);
    unsigned before = gone_by_now(&a);
    second = probe(&a);
    second->unregister = "t";
    assert_status(ACTR_OK, listen_on(&a, "t", second)); /* this one the node's end has to bury */
    assert_status(ACTR_OK, listen_on(&a, "u", probe(&a)));
    assert_status(ACTR_OK, listen_on(&a, NULL, probe(&a)));
    actr_stream_options_t options = ACTR_STREAM_OPTIONS_INIT;
    options.free_user = gone;
    assert_ok(actr_ctx_register_media_track(ctx, "t", on_sample, probe(&a), &options, &error), &error);
    send_to(&a, "t");
    fixture_wait(&a.n, &a.count, 102);
    actr_ref_shutdown(a.n.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.n.ref, -1, &error), &error);
    scene_close(&a);
    assert_true(a.count2 >= before + 4);
    fixture_close(&f);
}

static void test_a_timer_that_fails_counts(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_timer_spec_t spec = ACTR_TIMER_SPEC_INIT;
    fixture_open(&f);
    open_supervised(&a, &f, (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART, .failures = 2}, NULL);
    spec.fn = on_timer;
    spec.free_user = gone;
    for (unsigned i = 0; i < 3; i++) {
        probe_t *p = probe(&a);
        p->fails = i == 1 ? ACTR_STATUS_NOT_FOUND : ACTR_STATUS_HANDLER_PANIC; /* that one is told, and no failure */
        spec.user = p;
        assert_ok(actr_ctx_set_timer(actr_ref_ctx(a.n.ref), &spec, NULL, &error), &error);
        fixture_wait(&a.n, &a.count, 2 * (i + 1));
    }
    fixture_wait(&a.n, &a.count, 8);
    scene_close(&a);
    assert_string_equal(a.order, "tEtetzERz"); /* events are turns, behind what caused them */
    fixture_close(&f);
}

static void failing_stream_case(const fixture_t *f, bool of_workload, const char *expected)
{
    scene_t a;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    probe_t *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->fails = ACTR_STATUS_HANDLER_PANIC;
    open_supervised(&a, f, (actr_supervision_t){.action = ACTR_ON_FAILURE_RESTART}, of_workload ? p : NULL);
    p->scene = &a;
    if (!of_workload) assert_status(ACTR_OK, listen_on(&a, "of the workload", p));
    send_to(&a, "of the workload");
    fixture_wait(&a.n, &a.count, of_workload ? 4 : 2);
    actr_ref_stats(a.n.ref, &stats);
    assert_int_equal(stats.workload_restarts, of_workload ? 1 : 0);
    scene_close(&a);
    if (of_workload && strcmp(a.order, "czERz") == 0) expected = a.order; /* the restart may overtake the event */
    assert_string_equal(a.order, expected);
    assert_int_equal(a.count2, 1);
}

/* The failure is told, and the restart is a turn, though the callback ran beside the turns. */
static void test_a_stream_that_fails_counts(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f);
    failing_stream_case(&f, true, "cEzRz");
    failing_stream_case(&f, false, "cEz"); /* the Shell's is nobody's to restart */
    fixture_close(&f);
}

/* ---- the last reference goes where waiting for the shutdown would be waiting for oneself ---- */

static actr_ref_t *last; /* of the scene's node; whoever drops it is the last */

static void drop_last(scene_t *s)
{
    (void)fixture_slow(&s->n); /* until the test has let go of its own */
    actr_ref_release(last);
    scene_note(s, 'd');
}

static actr_status_t drop(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
    drop_last(s);
    return ACTR_OK;
}

static void drop_in_timer(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    drop_last(user);
}

static void wait_in_timer(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    (void)fixture_slow(user); /* a scene begins with its node */
}

static void drop_in_stream(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    drop_last(user);
}

static void free_reference(void *user)
{
    actr_ref_release(last);
    scene_note(user, 'd');
}

static bool key_of(const actr_request_t *request, actr_bytes_t *key, void *user)
{
    (void)user;
    *key = (actr_bytes_t){request->route, 1};
    return true;
}

static void workload_gone(void *user)
{
    scene_note(user, 'g');
}

typedef enum place { IN_HANDLER, IN_TIMER, IN_STREAM, TIMER_MEMORY, STREAM_MEMORY, PLACES } place_t;

static void begin_drop(scene_t *s, place_t place)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *ctx = actr_ref_ctx(s->n.ref);
    actr_timer_spec_t timer = ACTR_TIMER_SPEC_INIT;
    actr_stream_options_t stream = ACTR_STREAM_OPTIONS_INIT;
    timer.fn = wait_in_timer;
    timer.user = s;
    timer.free_user = stream.free_user = free_reference;
    switch (place) {
    case IN_HANDLER: assert_ok(actr_ref_tell(s->n.ref, "w.Drop", (actr_bytes_t){0}, NULL, &error), &error); break;
    case IN_TIMER: assert_ok(actr_ctx_after(ctx, 0, drop_in_timer, s, NULL, &error), &error); break;
    case IN_STREAM:
        assert_ok(actr_ctx_register_stream(ctx, "s", drop_in_stream, s, NULL, &error), &error);
        send_to(s, "s");
        break;
    case TIMER_MEMORY: assert_ok(actr_ctx_set_timer(ctx, &timer, NULL, &error), &error); break;
    case STREAM_MEMORY:
        assert_ok(actr_ctx_register_stream(ctx, "s", drop_in_stream, s, &stream, &error), &error);
        actr_ref_shutdown(s->n.ref);
        break;
    case PLACES: break;
    }
    if (place != STREAM_MEMORY) fixture_wait(&s->n, &s->n.slow_begun, 1);
}

static void drop_case(const fixture_t *f, place_t place, actr_affinity_t affinity, bool keyed)
{
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, "a");
    config.affinity = affinity;
    scene_init(&a, routes, NULL, &workload);
    workload.on_stop = on_stop;
    workload.free_user = workload_gone;
    if (keyed) workload.key_of = key_of;
    scene_attach(&a, &config, &workload);
    actr_node_t *second = NULL;
    assert_status(ACTR_STATUS_INVALID_STATE, actr_system_attach(a.n.system, &workload, &second, &error));
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    last = actr_ref_retain(a.n.ref);
    actr_node_release(a.n.node);
    a.n.node = NULL;
    begin_drop(&a, place);
    actr_ref_release(a.n.ref);
    a.n.ref = NULL;
    fixture_open_gate(&a.n);
    fixture_wait(&a.n, &a.count, 3);
    actri_lock(&a.n.mutex);
    assert_string_equal(a.order, "dzg"); /* let go, stopped in order, and nothing holds the workload's memory */
    actri_unlock(&a.n.mutex);
    scene_close(&a);
}

static void test_the_last_reference_goes_inside(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f);
    for (place_t place = 0; place < PLACES; place++) {
        drop_case(&f, place, ACTR_AFFINITY_POOL, false);
        drop_case(&f, place, ACTR_AFFINITY_POOL, true);
        drop_case(&f, place, ACTR_AFFINITY_THREAD, false);
    }
    fixture_close(&f);
}

/* The same inside actr_system_dispatch: whoever goes on dispatching sees the shutdown through. */
static void test_the_last_reference_goes_in_a_foreign_loop(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "a");
    config.affinity = ACTR_AFFINITY_LOOP;
    scene_init(&a, routes, NULL, &workload);
    workload.on_stop = on_stop;
    workload.free_user = workload_gone;
    a.n.gate_open = true;
    scene_attach(&a, &config, &workload);
    assert_ok(actr_node_start(a.n.node, &a.n.ref, &error), &error);
    assert_ok(actr_ctx_after(actr_ref_ctx(a.n.ref), 0, drop_in_timer, &a, NULL, &error), &error);
    last = a.n.ref;
    a.n.ref = NULL;
    actr_node_release(a.n.node);
    a.n.node = NULL;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    for (unsigned count = 0; count < 3 && actri_now_ns() < deadline;) {
        assert_true(actr_system_dispatch(a.n.system, 0, 0) >= 0);
        actri_lock(&a.n.mutex);
        count = a.count;
        actri_unlock(&a.n.mutex);
    }
    scene_close(&a);
    assert_string_equal(a.order, "dzg");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timers_memory),
        cmocka_unit_test(test_a_streams_memory),
        cmocka_unit_test(test_a_timer_that_fails_counts),
        cmocka_unit_test(test_a_stream_that_fails_counts),
        cmocka_unit_test(test_the_last_reference_goes_inside),
        cmocka_unit_test(test_the_last_reference_goes_in_a_foreign_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
