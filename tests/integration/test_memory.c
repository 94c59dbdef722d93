/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole life of a node in which one allocation fails: no crash, nothing leaks, every call ends, an error says what
 * it is, and the peer is unharmed. Real server, real connections. Some failures cost a time-out (a message that could
 * not be read is as good as lost), so only every n-th allocation is tried; --all tries each (about eight minutes).
 */
#include "fixture.h"
#include "oom.h"

#include <sched.h>
#include <stdio.h>

#define STEP 11

static unsigned long step = STEP;

static void call_both_ways(actr_ref_t *ref, const actr_dest_t *other)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 5000;
    const actr_dest_t local = actr_dest_local(), *to[] = {other, &local};
    for (int i = 0; i < 2; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        actr_buf_t *reply = NULL;
        actr_status_t status =
            actr_ctx_call(actr_ref_ctx(ref), to[i], "x.Echo", (actr_bytes_t){"hello", 5}, &options, &reply, &error);
        assert_true((reply != NULL) == (status == ACTR_OK));
        assert_true(status == ACTR_OK || (error.status == status && error.message[0] != '\0'));
        actr_buf_release(reply);
    }
}

/* True when it got as far as to start. */
static bool live(const fixture_t *f, const oom_t *oom, const actr_dest_t *other)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(f, "frail");
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *ref = NULL;
    fixture_node_t seen;
    memset(&seen, 0, sizeof seen);
    actri_mutex_init(&seen.mutex);
    actri_cond_init(&seen.changed);
    workload.dispatch = fixture_dispatch;
    workload.on_event = fixture_on_event;
    workload.user = &seen;
    config.allocator = &oom->env.allocator;
    actr_status_t status = actr_system_new(&config, &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &ref, &error);
    if (status == ACTR_OK)
        call_both_ways(ref, other);
    else
        assert_true(error.status == status && error.message[0] != '\0');
    actr_ref_release(ref);
    actr_node_release(node);
    actr_system_release(system);
    actri_cond_destroy(&seen.changed);
    actri_mutex_destroy(&seen.mutex);
    return status == ACTR_OK;
}

/* The last thread of a node may still be on its way out. */
static void wait_for_release(const oom_t *oom)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    while (__atomic_load_n(&oom->alive, __ATOMIC_ACQUIRE) != 0 && actri_now_ns() < deadline) (void)sched_yield();
}

static void any_allocation_of_a_life_may_fail(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t strong, last;
    fixture_open(&f);
    fixture_node(&strong, &f, "strong");
    actr_dest_t other = actr_dest_actor(actr_ref_actor_id(strong.ref));
    unsigned lives = 0, starts = 0;
    OOM_EVERY(oom, step)
    {
        starts += live(&f, &oom, &other);
        lives++;
        wait_for_release(&oom);
    }
    assert_true(lives > 10 && starts > 1);
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_node(&last, &f, "last");
    assert_ok(fixture_call(&last, &other, "x.Echo", "still well", 0, &error), &error);
    fixture_stop(&last);
    fixture_stop(&strong);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--all") == 0) step = 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_of_a_life_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
