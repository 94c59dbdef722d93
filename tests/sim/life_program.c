/* SPDX-License-Identifier: Apache-2.0 */
/* A program of a simulated life: nodes one after the other, each started, used and shut down in some way. */
#include "life.h"

#include "fake_thread.h"
#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static void *count_alloc(size_t size, void *user)
{
    ++*(long *)user;
    return malloc(size);
}

static void *count_resize(void *block, size_t size, void *user)
{
    if (block == NULL) ++*(long *)user;
    return realloc(block, size);
}

static void count_release(void *block, void *user)
{
    if (block != NULL) --*(long *)user;
    free(block);
}

static void log_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    const life_program_t *p = user;
    (void)level;
    if (life.verbose)
        (void)printf("%9.3f      [%u] %s: %s\n", (double)actri_now_ns() / 1e9 - 1000, p->number, area, line);
}

/* ---- a node ---- */

static void pause_a_little(uint32_t most_ms)
{
    fake_sleep((int64_t)rng_below(&life.rng, most_ms + 1) * ACTRI_MS);
}

static void make_system(life_program_t *p)
{
    char name[16];
    actr_allocator_t allocator = {count_alloc, count_resize, count_release, &p->blocks};
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_workload_t workload;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)snprintf(name, sizeof name, "life%u", p->number);
    config.allocator = &allocator;
    config.log = log_line;
    config.log_user = p;
    config.log_level = ACTR_LOG_TRACE;
    config.manufacturer = "acme";
    config.name = name;
    config.realm = 1;
    config.signaling_url = "ws://127.0.0.1:1/sim";
    config.connect_timeout_ms = 1000 + rng_below(&life.rng, 5000);
    config.drain_timeout_ms = 1 + rng_below(&life.rng, 2000);
    config.handler_limit_ms = rng_chance(&life.rng, 30) ? 200 : 0;
    config.max_deferred_replies = rng_chance(&life.rng, 30) ? 2 : 0;
    life_workload(p, &workload);
    if (actr_system_new(&config, &p->system, &error) != ACTR_OK) life_fail("no system: %s", error.message);
    if (actr_system_attach(p->system, &workload, &p->node, &error) != ACTR_OK) life_fail("no node: %s", error.message);
    if (rng_chance(&life.rng, 60) && actr_node_serve_shell(p->node, life_shell, p, &error) != ACTR_OK)
        life_fail("no shell");
}

static bool start_node(life_program_t *p)
{
    for (int i = 0; i < 3; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        p->fails_start = rng_chance(&life.rng, 15);
        life.starts++;
        actr_status_t status = actr_node_start(p->node, &p->ref, &error);
        life_note("%u: start: %s %s", p->number, actr_status_name(status), error.message);
        if (status == ACTR_OK) {
            if (p->hook == LIFE_FRESH) life_fail("program %u started without on_start", p->number);
            p->id = *actr_ref_actor_id(p->ref);
            return true;
        }
        if (p->hook != LIFE_FRESH || p->ref != NULL) life_fail("program %u: a failed start left something", p->number);
        memset(p->peers, 0, sizeof p->peers);
        p->signaling = 0;
        pause_a_little(500);
    }
    return false;
}

/* ---- its use ---- */

static void answer_one(life_program_t *p)
{
    if (p->held_count == 0) return;
    actr_reply_t *reply = p->held[--p->held_count];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = rng_chance(&life.rng, 70) ? actr_reply_send(reply, (actr_bytes_t){"d", 1}, &error) : ACTR_OK;
    if (status != ACTR_OK && status != ACTR_STATUS_INVALID_STATE && status != ACTR_STATUS_SHUTTING_DOWN)
        life_fail("a deferred answer: %s", error.message);
    actr_reply_release(reply);
}

static void on_timer(actr_ctx_t *ctx, void *user)
{
    life_program_t *p = user;
    if (p->inside != NULL) life_fail("program %u: a timer inside %s", p->number, p->inside);
    p->inside = "timer";
    life_note("%u: timer of %llu", p->number, (unsigned long long)actr_ctx_self_id(ctx)->serial_number);
    p->inside = NULL;
}

static void on_network(actr_status_t status, const actr_network_result_t *result, const actr_error_t *error, void *user)
{
    life_program_t *p = user;
    if (p->inside != NULL) life_fail("program %u: a change of the network inside %s", p->number, p->inside);
    if ((status == ACTR_OK) != (error == NULL)) life_fail("a change of the network: status and error differ");
    if (p->open_events-- == 0) life_fail("program %u: a change of the network was answered twice", p->number);
    life_note("%u: network: %s, action %d, %u events", p->number, actr_status_name(status), (int)result->action,
              result->events);
}

static void change_network(life_program_t *p)
{
    actr_error_t error = ACTR_ERROR_INIT;
    unsigned count = rng_chance(&life.rng, 20) ? 20 : 1 + rng_below(&life.rng, 3);
    for (unsigned i = 0; i < count; i++) {
        actr_network_event_t event = (actr_network_event_t)(1 + rng_below(&life.rng, ACTR_NETWORK_CLEANUP));
        if (actr_ref_network_event(p->ref, event, on_network, p, &error) == ACTR_OK)
            p->open_events++;
        else if (error.status != ACTR_STATUS_SHUTTING_DOWN)
            life_fail("a change of the network: %s", error.message);
    }
}

static void use_node(life_program_t *p)
{
    actr_ctx_t *ctx = actr_ref_ctx(p->ref);
    unsigned count = 5 + rng_below(&life.rng, 40);
    for (unsigned i = 0; i < count; i++) {
        if (rng_chance(&life.rng, 80)) life_call_something(p, ctx);
        if (rng_chance(&life.rng, 30)) answer_one(p);
        if (rng_chance(&life.rng, 5)) change_network(p);
        if (rng_chance(&life.rng, 10)) (void)!actr_ctx_after(ctx, rng_below(&life.rng, 1000), on_timer, p, NULL, NULL);
        p->id = actr_ref_is_shutting_down(p->ref) ? (actr_id_t){0} : *actr_ref_actor_id(p->ref);
        pause_a_little(rng_chance(&life.rng, 10) ? 3000 : 50);
    }
}

/* When all has been quiet for long enough nothing may be pending. */
static void check_quiet(life_program_t *p)
{
    while (p->held_count > 0) answer_one(p);
    for (int i = 0; i < 200 && p->open_async + p->open_events > 0; i++) {
        fake_sleep(ACTRI_SECOND / 5);
        while (p->held_count > 0) answer_one(p);
    }
    if (p->open_async > 0) life_fail("program %u: %u answers have not come", p->number, p->open_async);
    if (p->open_events > 0) life_fail("program %u: %u changes have not ended", p->number, p->open_events);
}

static void run_second_stop(void *argument)
{
    life_program_t *p = argument;
    actr_ref_shutdown(p->ref);
}

static void stop_node(life_program_t *p)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_thread_t second;
    bool twice = rng_chance(&life.rng, 40), waits = rng_chance(&life.rng, 60);
    p->id = (actr_id_t){0};
    if (rng_chance(&life.rng, 50)) check_quiet(p); /* else in the middle of everything */
    if (twice && actri_thread_start(&second, "second", run_second_stop, p, NULL) != ACTR_OK) abort();
    if (waits) {
        actr_ref_shutdown(p->ref);
        actr_ref_shutdown(p->ref);
        actr_status_t status = actr_ref_wait_for_shutdown(p->ref, 60000, &error);
        bool known = status == ACTR_OK || status == ACTR_STATUS_TIMEOUT || status == ACTR_STATUS_HANDLER_PANIC;
        if (!known) life_fail("program %u: shutdown: %s", p->number, error.message);
    }
    if (twice) actri_thread_join(&second);
    life_note("%u: release", p->number);
    actr_ref_release(p->ref);
    p->ref = NULL;
    if (p->hook != LIFE_STOPPED && p->inside == NULL) life_fail("program %u went without on_stop", p->number);
}

static void one_node(life_program_t *p)
{
    p->hook = LIFE_FRESH;
    p->signaling = 0;
    memset(p->peers, 0, sizeof p->peers);
    make_system(p);
    if (start_node(p)) {
        use_node(p);
        stop_node(p);
    }
    actr_node_release(p->node);
    actr_system_release(p->system);
    while (p->held_count > 0) answer_one(p);                                  /* handles may outlive their node */
    for (int i = 0; i < 100 && p->blocks != 0; i++) fake_sleep(ACTRI_SECOND); /* a handler that was left behind */
    if (p->blocks != 0) life_fail("program %u leaks %ld blocks", p->number, p->blocks);
    if (p->inside != NULL) life_fail("program %u is gone and still inside %s", p->number, p->inside);
    if (p->open_async != 0) life_fail("program %u: %u answers never came", p->number, p->open_async);
    if (p->open_events != 0) life_fail("program %u: %u changes never ended", p->number, p->open_events);
}

void life_program(void *argument)
{
    life_program_t *p = argument;
    unsigned nodes = 1 + rng_below(&life.rng, 2);
    for (unsigned i = 0; i < nodes; i++) {
        pause_a_little(2000);
        one_node(p);
    }
    life.programs_running--;
}

void life_check_end(void)
{
    for (uint32_t i = 0; i < life.call_count; i++) {
        if (!life.calls[i].ended) life_fail("call %u never ended", i);
    }
}
