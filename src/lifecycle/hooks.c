/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workload is told: hooks that start and shutdown wait for, and events. Both are turns of the node's serial
 * executor, so they come in the order of their causes, one at a time, from one queue; none after on_stop. Any thread
 * may tell an event; the user's code runs on the executor.
 */
#include "lifecycle/node.h"
#include "port/waiter.h"

#include "port/clock.h"

#include <stdio.h>
#include <string.h>

#define MOST_EVENTS 4096 /* that wait; more are dropped and counted */

/* ---- events ---- */

typedef struct event {
    actri_task_t task;
    actr_node_t *node;
    actr_event_t told;
    actr_id_t peer;
    char detail[];
} event_t;

static bool is_quiet(const actr_node_t *node)
{
    return __atomic_load_n(&node->quiet, __ATOMIC_ACQUIRE);
}

void actri_node_quiet(actr_node_t *node, bool quiet)
{
    __atomic_store_n(&node->quiet, quiet, __ATOMIC_RELEASE);
}

static void run_event(actri_task_t *task)
{
    event_t *event = ACTRI_CONTAINER(task, event_t, task);
    actr_node_t *node = event->node;
    (void)__atomic_sub_fetch(&node->events_waiting, 1, __ATOMIC_RELAXED);
    if (!is_quiet(node)) node->workload.on_event(&event->told, node->workload.user);
    actri_free(&node->system->env, event);
}

static void drop_event(actr_node_t *node, const actr_event_t *event)
{
    (void)__atomic_add_fetch(&node->events_dropped, 1, __ATOMIC_RELAXED);
    actri_error(&node->system->env, "node", "the workload is not told of \"%s\": %s", actr_event_name(event->kind),
                event->detail);
}

void actri_node_tell(actr_node_t *node, const actr_event_t *told)
{
    if (node->workload.on_event == NULL || is_quiet(node)) return;
    size_t size = strlen(told->detail) + 1;
    bool room = __atomic_add_fetch(&node->events_waiting, 1, __ATOMIC_RELAXED) <= MOST_EVENTS;
    event_t *event = room ? actri_alloc(&node->system->env, sizeof *event + size) : NULL;
    if (event == NULL) {
        (void)__atomic_sub_fetch(&node->events_waiting, 1, __ATOMIC_RELAXED);
        drop_event(node, told);
        return;
    }
    event->task.run = run_event;
    event->node = node;
    event->told = *told;
    memcpy(event->detail, told->detail, size);
    event->told.detail = event->detail;
    if (told->peer != NULL) {
        event->peer = *told->peer;
        event->told.peer = &event->peer;
    }
    actri_serial_post(node->serial, &event->task, false);
}

void actri_node_event(actr_node_t *node, actr_event_kind_t kind, const actr_id_t *peer, const char *detail)
{
    actr_event_t event = {.kind = kind, .peer = peer, .detail = detail};
    actri_node_tell(node, &event);
}

/* ---- hooks ---- */

typedef struct hook_turn {
    actri_task_t task;
    actr_node_t *node;
    actri_hook_fn hook;
    const char *name;
    actr_status_t status;
    actr_error_t error;
    actri_waiter_t waiter;
} hook_turn_t;

static void run_hook(actri_task_t *task)
{
    hook_turn_t *turn = ACTRI_CONTAINER(task, hook_turn_t, task);
    actri_arena_t arena;
    actri_arena_init(&arena, &turn->node->system->env);
    actr_ctx_t ctx;
    actri_ctx_init(&ctx, turn->node, NULL, turn->name, &arena, ACTRI_NEVER);
    const actr_ctx_t *outer = actri_ctx_enter(&ctx);
    actr_status_t status = turn->hook(turn->node, &ctx);
    actri_ctx_leave(outer);
    if (status < 0) {
        (void)actri_fail(&turn->error, status, "%s failed: %s", turn->name,
                         ctx.failure == status ? ctx.message : actr_status_str(status));
    }
    actri_arena_clear(&arena);
    turn->status = status < 0 ? status : ACTR_OK;
    actri_waiter_wake(&turn->waiter);
}

static bool hook_has_run(void *argument)
{
    hook_turn_t *turn = argument;
    return actri_waiter_wait_until(&turn->waiter, 0);
}

actr_status_t actri_node_hook(actr_node_t *node, const char *name, actri_hook_fn hook, actr_error_t *error)
{
    hook_turn_t turn = {.task = {.run = run_hook}, .node = node, .hook = hook, .name = name};
    actri_waiter_init(&turn.waiter);
    actri_serial_post(node->serial, &turn.task, false);
    if (actri_pool_is_mine(actri_node_pool(node))) {
        (void)actri_pool_dispatch_until(actri_node_pool(node), hook_has_run, &turn, ACTRI_NEVER);
    }
    actri_waiter_wait(&turn.waiter); /* the user's code: its own bounds */
    if (turn.status != ACTR_OK && error != NULL) *error = turn.error;
    return turn.status;
}

actr_status_t actri_hook_start(actr_node_t *node, actr_ctx_t *ctx)
{
    return node->workload.on_start == NULL ? ACTR_OK : node->workload.on_start(ctx, node->workload.user);
}

actr_status_t actri_hook_ready(actr_node_t *node, actr_ctx_t *ctx)
{
    if (node->workload.on_ready != NULL) node->workload.on_ready(ctx, node->workload.user);
    return ACTR_OK;
}

/* The last that the workload hears. */
actr_status_t actri_hook_stop(actr_node_t *node, actr_ctx_t *ctx)
{
    if (node->workload.on_stop != NULL) node->workload.on_stop(ctx, node->workload.user);
    actri_node_quiet(node, true);
    return ACTR_OK;
}
