/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight threads of a Shell call one workload: 200,000 times, or as often as ACTR_SHELL_CALLS says (./dev soak: ten
 * million). Each caller's messages, calls and tells alike, are handled in its order, each handler runs alone (what it
 * writes has no lock: TSan would see), and every payload and reply is one and the same buffer at both ends.
 */
#include "scene.h"

#define CALLERS 8

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL};

typedef struct message {
    uint32_t caller, number;
} message_t;

/* The workload's: touched by handlers only, until the threads are joined. */
typedef struct seen {
    uint32_t last[CALLERS];
    uint64_t handled;
    bool out_of_order, copied;
} seen_t;

typedef struct caller {
    actri_thread_t thread;
    scene_t *scene;
    uint32_t index, count;
    unsigned failed, copied;
} caller_t;

static actr_status_t take(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    seen_t *seen = s->more;
    message_t message;
    actr_buf_t *buf = actr_ctx_request_buf(ctx);
    if (request->payload.size != sizeof message) return ACTR_STATUS_INVALID_ARGUMENT;
    memcpy(&message, request->payload.data, sizeof message);
    if (buf == NULL || actr_buf_data(buf) != request->payload.data) seen->copied = true;
    if (message.number != seen->last[message.caller] + 1) seen->out_of_order = true;
    seen->last[message.caller] = message.number;
    seen->handled++;
    *reply = request->payload;
    return ACTR_OK;
}

static const scene_route_t routes[] = {{"w.Take", take}, {0}};

static actr_status_t send_one(caller_t *caller, actr_ctx_t *ctx, actr_buf_t *payload, uint32_t number)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_buf_t *reply = NULL;
    if (number % 8 == 0) return actr_ctx_tell_buf(ctx, &local, "w.Take", payload, NULL, &error);
    if (number % 8 == 1) options.timeout_ms = 60000; /* never on this thread */
    actr_status_t status = actr_ctx_call_buf(ctx, &local, "w.Take", payload, &options, &reply, &error);
    if (reply != payload) caller->copied++;
    actr_buf_release(reply);
    return status;
}

static void call_on(void *argument)
{
    caller_t *caller = argument;
    actr_ctx_t *ctx = actr_ref_ctx(caller->scene->n.ref);
    for (uint32_t i = 1; i <= caller->count; i++) {
        message_t message = {caller->index, i};
        actr_buf_t *payload = actr_buf_copy((actr_bytes_t){&message, sizeof message});
        if (payload == NULL || send_one(caller, ctx, payload, i) != ACTR_OK) caller->failed++;
        actr_buf_release(payload);
    }
}

static uint32_t calls_each(void)
{
    const char *asked = getenv("ACTR_SHELL_CALLS");
    unsigned long all = asked == NULL ? 200000 : strtoul(asked, NULL, 10);
    return (uint32_t)(all / CALLERS);
}

static void test_eight_threads_call_one_workload(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a;
    seen_t seen = {0};
    static caller_t callers[CALLERS];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    fixture_open(&f);
    scene_open(&a, &f, "a", routes, NULL);
    a.more = &seen;
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller_t){.scene = &a, .index = i, .count = calls_each()};
        assert_ok(actri_thread_start(&callers[i].thread, "caller", call_on, &callers[i], &error), &error);
    }
    for (uint32_t i = 0; i < CALLERS; i++) {
        actri_thread_join(&callers[i].thread);
        assert_int_equal(callers[i].failed, 0);
        assert_int_equal(callers[i].copied, 0);
    }
    actr_ref_stats(a.n.ref, &stats);
    assert_true(stats.turns_here > 0);
    scene_close(&a); /* the last tells have been handled */
    for (uint32_t i = 0; i < CALLERS; i++) assert_int_equal(seen.last[i], callers[i].count);
    assert_int_equal(seen.handled, (uint64_t)calls_each() * CALLERS);
    assert_false(seen.out_of_order);
    assert_false(seen.copied);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eight_threads_call_one_workload)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
