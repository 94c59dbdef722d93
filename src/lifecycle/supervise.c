/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out what the supervisor decides: a restart of the workload is a turn of the node (on_stop, on_start,
 * on_ready), nothing is handled meanwhile; stopping and giving up are shutdowns.
 */
#include "lifecycle/supervise.h"

#include "port/clock.h"

static actr_status_t run_hooks(actr_node_t *node, actr_ctx_t *ctx)
{
    const actr_workload_t *workload = &node->workload;
    if (workload->on_stop != NULL) workload->on_stop(ctx, workload->user);
    actr_status_t status = workload->on_start == NULL ? ACTR_OK : workload->on_start(ctx, workload->user);
    if (status >= 0 && workload->on_ready != NULL) workload->on_ready(ctx, workload->user);
    return status;
}

static void give_up(actr_node_t *node, const char *what)
{
    actri_error(&node->system->env, "node", "the workload is given up: %s", what);
    actri_lock(&node->mutex);
    (void)actri_fail(&node->shutdown_error, ACTR_STATUS_HANDLER_PANIC, "the workload was given up: %s", what);
    node->given_up = true;
    actri_unlock(&node->mutex);
    actri_node_event(node, ACTR_EVENT_WORKLOAD_GIVEN_UP, NULL, what);
    actri_node_shutdown(node);
}

static void restart(actr_node_t *node)
{
    actri_arena_t arena;
    actr_ctx_t ctx;
    actri_warn(&node->system->env, "node", "handlers have failed: the workload is restarted");
    (void)__atomic_add_fetch(&node->restarts, 1, __ATOMIC_RELAXED);
    actri_arena_init(&arena, &node->system->env);
    actri_ctx_init(&ctx, node, NULL, "restart", &arena, ACTRI_NEVER);
    const actr_ctx_t *outer = actri_ctx_enter(&ctx);
    actr_status_t status = run_hooks(node, &ctx);
    actri_ctx_leave(outer);
    if (status < 0) {
        give_up(node, ctx.failure == status ? ctx.message : "its on_start failed");
    } else {
        actri_node_event(node, ACTR_EVENT_WORKLOAD_RESTARTED, NULL, "handlers have failed");
    }
    actri_arena_clear(&arena);
}

static void run_restart(actri_task_t *task)
{
    actr_node_t *node = ACTRI_CONTAINER(task, actr_node_t, restart_turn);
    __atomic_store_n(&node->restart_waits, false, __ATOMIC_RELEASE);
    restart(node);
}

/* Where handlers run beside the caller it waits for those that do; faults meanwhile are the same one. */
static void restart_alone(actr_node_t *node, bool in_turn)
{
    if (in_turn && !node->keyed) {
        restart(node);
    } else if (!__atomic_exchange_n(&node->restart_waits, true, __ATOMIC_ACQ_REL)) {
        node->restart_turn.run = run_restart;
        actri_serial_post(node->serial, &node->restart_turn, true);
    }
}

static void act(actr_node_t *node, actr_failure_action_t action, bool in_turn)
{
    switch (action) {
    case ACTR_ON_FAILURE_NOTHING: break;
    case ACTR_ON_FAILURE_RESTART: restart_alone(node, in_turn); break;
    case ACTR_ON_FAILURE_STOP:
        actri_warn(&node->system->env, "node", "handlers have failed: the node stops");
        actri_node_shutdown(node);
        break;
    case ACTR_ON_FAILURE_ESCALATE: give_up(node, "its handlers failed too often"); break;
    }
}

static void tell_error(actr_node_t *node, actr_status_t status, const char *detail)
{
    actr_event_t event = {.kind = ACTR_EVENT_ERROR, .status = status, .detail = detail};
    actri_node_tell(node, &event);
}

static void count_failure(actr_node_t *node, bool in_turn)
{
    actri_lock(&node->mutex);
    actr_failure_action_t action = actri_supervisor_failed(&node->supervisor, actri_now_ns());
    actri_unlock(&node->mutex);
    act(node, action, in_turn);
}

void actri_node_supervise(actr_node_t *node, actr_status_t status, bool overtime, const actr_error_t *error)
{
    if (!overtime && !actri_supervisor_is_failure(status)) return;
    tell_error(node, overtime ? ACTR_STATUS_TIMEOUT : status,
               overtime ? "a handler ran longer than its limit" : error->message);
    count_failure(node, true);
}

/* Nobody else hears of it: any failure is told. */
static void supervise_callback(actr_node_t *node, const actr_ctx_t *ctx, bool in_turn)
{
    if (ctx->failure >= 0) return;
    actri_error(&node->system->env, "node", "a callback (%s) failed: %s", ctx->request_id, ctx->message);
    tell_error(node, ctx->failure, ctx->message);
    if (!ctx->is_shell && actri_supervisor_is_failure(ctx->failure)) count_failure(node, in_turn);
}

void actri_node_supervise_timer(actr_node_t *node, const actr_ctx_t *ctx)
{
    supervise_callback(node, ctx, true);
}

void actri_node_supervise_stream(actr_node_t *node, const actr_ctx_t *ctx)
{
    supervise_callback(node, ctx, false);
}
