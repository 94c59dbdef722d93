/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a node, in order: advertise UNAVAILABLE, refuse new work, drain (bounded), on_stop, let replies out,
 * close_notify, unregister, close the socket, storage last (with the system). Done by a thread of its own, so
 * that actr_ref_shutdown returns at once and nobody has to wait.
 */
#include "lifecycle/method_stream.h"

#include "lifecycle/timer.h"
#include "port/clock.h"

#include <pthread.h>

#define DRAIN_MS 2000
#define STUCK_NS (3 * ACTRI_SECOND) /* for a handler whose remote calls were ended, to return */

static int64_t drain_ns(const actr_node_t *node)
{
    uint32_t ms = node->system->config.values.drain_timeout_ms;
    return (ms != 0 ? ms : DRAIN_MS) * ACTRI_MS;
}

/* Whoever waits need not wait any longer. */
static void announce(actr_node_t *node, actr_status_t status, const actr_error_t *error)
{
    actri_lock(&node->mutex);
    node->ended = true;
    node->shutdown_status = node->given_up ? node->shutdown_error.status : status;
    if (error != NULL && !node->given_up) node->shutdown_error = *error;
    actri_cond_broadcast(&node->changed);
    actri_unlock(&node->mutex);
    actri_pool_poke(node->system->pool);
}

/* The workload's turns and the Shell's. */
static bool wait_turns(actr_node_t *node, int64_t deadline_ns)
{
    if (!actri_serial_wait_idle(node->serial, deadline_ns)) return false;
    return node->shell_serial == NULL || actri_serial_wait_idle(node->shell_serial, deadline_ns);
}

static void drain(actr_node_t *node, int64_t deadline_ns)
{
    actri_state_path_drain(node->path, deadline_ns);
    if (node->shell != NULL) actri_state_path_drain(node->shell, deadline_ns);
}

static void current_route(actr_node_t *node, char *route, size_t size)
{
    actri_state_path_current(node->path, route, size);
    if (route[0] == '\0') actri_streams_current(node->streams, route, size);
    if (route[0] == '\0' && node->shell != NULL) actri_state_path_current(node->shell, route, size);
}

/* True when nothing runs any more: what is queued is handled within its time, then no longer. */
static bool drain_turns(actr_node_t *node)
{
    int64_t deadline = actri_now_ns() + drain_ns(node);
    actri_method_streams_close(node);
    actri_networks_close(node);
    drain(node, deadline);
    bool idle = wait_turns(node, deadline);
    if (idle && actri_state_path_wait_deferred(node->path, deadline)) {
        idle = wait_turns(node, deadline); /* what those answers have set off */
    }
    if (idle && node->shell != NULL && actri_state_path_wait_deferred(node->shell, deadline)) {
        idle = wait_turns(node, deadline);
    }
    idle = idle && actri_streams_close(node->streams, deadline);
    if (!idle) { /* a handler that waits for a peer gets an error, so that it can return */
        actri_stream_gate_close(node->stream_gate);
        actri_mailbox_pause(node->system->mailbox);
        actri_peer_gate_close(node->gate);
        idle = wait_turns(node, actri_now_ns() + STUCK_NS);
        idle = actri_streams_close(node->streams, actri_now_ns() + STUCK_NS) && idle;
    }
    actri_timers_close(node);
    if (!idle) return false;
    actri_mailbox_pause(node->system->mailbox); /* what a commit delivered meanwhile comes before on_stop */
    return wait_turns(node, actri_now_ns() + STUCK_NS);
}

actri_node_event_t actri_act_drain(actri_drive_t *drive)
{
    actr_node_t *node = drive->node;
    __atomic_store_n(&node->unavailable, 1, __ATOMIC_RELAXED);
    actri_signaling_beat(node->signaling);
    return drain_turns(node) ? ACTRI_NODE_DRAINED : ACTRI_NODE_HELD;
}

actri_node_event_t actri_act_stop(actri_drive_t *drive)
{
    (void)actri_node_hook(drive->node, "stop", actri_hook_stop, NULL);
    return ACTRI_NODE_STOP_RAN;
}

actri_node_event_t actri_act_close(actri_drive_t *drive)
{
    actri_outproc_flush(drive->node->outproc);
    actri_node_dismantle(drive->node);
    announce(drive->node, ACTR_OK, NULL);
    return ACTRI_NODE_CLOSED;
}

/* The workload's memory may go once the end is announced: nothing of it is called after the handler. */
actri_node_event_t actri_act_give_up(actri_drive_t *drive)
{
    actr_node_t *node = drive->node;
    char route[160];
    actr_error_t ignored = ACTR_ERROR_INIT;
    current_route(node, route, sizeof route);
    actri_node_quiet(node, true);
    (void)actri_signaling_stop(node->signaling, actri_now_ns() + 5 * ACTRI_SECOND, &ignored);
    (void)actri_fail(&drive->error, ACTR_STATUS_TIMEOUT, "the handler of %s has not returned", route);
    announce(node, ACTR_STATUS_TIMEOUT, &drive->error);
    actri_node_dismantle(node); /* once it returns */
    return ACTRI_NODE_CLOSED;
}

/* The node whose work this thread does, beside its turns: no reference's release may wait for its end here. */
static _Thread_local const actr_node_t *inside;

const actr_node_t *actri_node_inside(const actr_node_t *node)
{
    const actr_node_t *outer = inside;
    inside = node;
    return outer;
}

static void run_shutdown(void *argument)
{
    actri_drive_t drive = {.node = argument};
    const actr_node_t *outer = actri_node_inside(drive.node);
    actri_node_carry_out(&drive, ACTRI_NODE_DRAIN);
    (void)actri_node_inside(outer);
}

static void run_shutdown_thread(void *argument)
{
    actr_node_t *node = argument;
    run_shutdown(node);
    actri_lock(&node->mutex);
    node->shutdown_done = true;
    if (node->abandoned) (void)pthread_detach(pthread_self());
    actri_unlock(&node->mutex);
    actr_node_release(node);
}

void actri_node_shutdown(actr_node_t *node)
{
    if (actri_node_step(node, ACTRI_NODE_SHUTDOWN).action != ACTRI_NODE_DRAIN) return;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_node_retain(node); /* the thread's */
    node->has_shutdown_thread =
        actri_thread_start(&node->shutdown_thread, "actr-shutdown", run_shutdown_thread, node, &error) == ACTR_OK;
    if (node->has_shutdown_thread) return;
    run_shutdown(node); /* no thread to be had: here, then */
    actr_node_release(node);
}

/* ---- the reference ---- */

void actr_ref_shutdown(actr_ref_t *ref)
{
    if (ref != NULL) actri_node_shutdown(ref->node);
}

bool actr_ref_is_shutting_down(const actr_ref_t *ref)
{
    if (ref == NULL) return true;
    actr_node_t *node = ref->node;
    actri_lock(&node->mutex);
    bool result = node->shutdown_asked;
    actri_unlock(&node->mutex);
    return result;
}

static bool has_ended(void *argument)
{
    actr_node_t *node = argument;
    actri_lock(&node->mutex);
    bool ended = node->ended;
    actri_unlock(&node->mutex);
    return ended;
}

actr_status_t actr_ref_wait_for_shutdown(actr_ref_t *ref, int64_t timeout_ms, actr_error_t *error)
{
    if (ref == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ref is NULL");
    actr_node_t *node = ref->node;
    bool for_ever = timeout_ms < 0 || timeout_ms > INT64_MAX / ACTRI_MS / 2;
    int64_t deadline = for_ever ? ACTRI_NEVER : actri_now_ns() + timeout_ms * ACTRI_MS;
    bool in_time = true;
    if (actri_pool_is_mine(node->system->pool)) {
        in_time = actri_pool_dispatch_until(node->system->pool, has_ended, node, deadline);
    }
    actri_lock(&node->mutex);
    while (!node->ended && in_time) in_time = actri_cond_wait(&node->changed, &node->mutex, deadline);
    bool stopped = node->ended;
    bool asked = node->shutdown_asked;
    actr_status_t status = node->shutdown_status;
    actr_error_t reason = node->shutdown_error;
    actri_unlock(&node->mutex);
    if (!stopped) {
        return actri_fail(error, ACTR_STATUS_TIMEOUT,
                          asked ? "the shutdown is still under way" : "nobody has asked for a shutdown");
    }
    if (status != ACTR_OK && error != NULL) *error = reason;
    return status;
}

actr_ref_t *actr_ref_retain(actr_ref_t *ref)
{
    if (ref != NULL) (void)__atomic_add_fetch(&ref->refs, 1, __ATOMIC_RELAXED);
    return ref;
}

/* Waiting for the shutdown here would be waiting for oneself: it goes on alone. */
static void abandon(actr_node_t *node)
{
    actri_lock(&node->mutex);
    node->abandoned = true;
    bool done = node->shutdown_done;
    actri_unlock(&node->mutex);
    if (done && node->has_shutdown_thread) actri_thread_detach(&node->shutdown_thread);
}

void actr_ref_release(actr_ref_t *ref)
{
    if (ref == NULL || __atomic_sub_fetch(&ref->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_node_t *node = ref->node;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_node_shutdown(node);
    if (inside == node || actri_serial_current_owner() == node) {
        abandon(node);
        actri_free(&node->system->env, ref);
        actr_node_release(node);
        return;
    }
    bool ended = actr_ref_wait_for_shutdown(ref, -1, &error) == ACTR_OK;
    if (!ended) actri_warn(&node->system->env, "node", "shutdown: %s", error.message);
    /* Joined, so that nothing of ours runs on behind the last release; a stuck handler's is left behind. */
    if (node->has_shutdown_thread && ended)
        actri_thread_join(&node->shutdown_thread);
    else if (node->has_shutdown_thread)
        actri_thread_detach(&node->shutdown_thread);
    actri_free(&node->system->env, ref);
    actr_node_release(node);
}

const actr_id_t *actr_ref_actor_id(const actr_ref_t *ref)
{
    return ref == NULL ? NULL : actri_node_id(ref->node);
}

actr_ctx_t *actr_ref_ctx(actr_ref_t *ref)
{
    return ref == NULL ? NULL : &ref->ctx;
}
