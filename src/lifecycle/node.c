/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node: attached, driven through its life by the table of node_fsm.c, released. A start runs on its caller's
 * thread, a shutdown on one of its own; handlers, hooks and events are turns of the serial executor.
 */
#include "lifecycle/node.h"

#include "lifecycle/timer.h"
#include "port/clock.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 30000
#define WORKERS 4

/* ---- identity ---- */

const actr_id_t *actri_node_id(const actr_node_t *node)
{
    static const actr_id_t none;
    const actri_identity_entry_t *entry = __atomic_load_n(&node->identity, __ATOMIC_ACQUIRE);
    return entry == NULL ? &none : &entry->id;
}

/* ---- the API from outside ---- */

actr_status_t actri_node_add_identity(actr_node_t *node, const actr_id_t *id, actr_error_t *error)
{
    if (node->identity != NULL && actr_id_equal(&node->identity->id, id)) return ACTR_OK; /* a renewal */
    actri_identity_entry_t *entry = actri_zalloc(&node->system->env, sizeof *entry);
    if (entry == NULL) return actri_no_memory(error);
    entry->id = *id;
    entry->older = node->identity;
    __atomic_store_n(&node->identity, entry, __ATOMIC_RELEASE);
    return ACTR_OK;
}

actr_status_t actri_node_enter(actr_node_t *node, actr_error_t *error)
{
    if ((__atomic_add_fetch(&node->door, 1, __ATOMIC_ACQ_REL) & ACTRI_DOOR_OPEN) != 0) return ACTR_OK;
    actri_node_leave(node);
    if (node->is_test) return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "a test context has no node that runs");
    return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node does not run");
}

void actri_node_leave(actr_node_t *node)
{
    if (__atomic_sub_fetch(&node->door, 1, __ATOMIC_ACQ_REL) != 0) return; /* open, or not the last */
    actri_lock(&node->mutex);
    actri_cond_broadcast(&node->changed);
    actri_unlock(&node->mutex);
}

void actri_node_set_door(actr_node_t *node)
{
    if (!node->gone && actri_node_is_open(node->state))
        (void)__atomic_or_fetch(&node->door, ACTRI_DOOR_OPEN, __ATOMIC_ACQ_REL);
    else
        (void)__atomic_and_fetch(&node->door, ~ACTRI_DOOR_OPEN, __ATOMIC_ACQ_REL);
}

/* ---- the machine ---- */

/* Under the mutex. */
static void note_shutdown(actr_node_t *node)
{
    uint64_t one = 1;
    node->shutdown_asked = true;
    if (write(node->wake_fd, &one, sizeof one) < 0) actri_debug(&node->system->env, "node", "no wake-up");
}

actri_node_step_t actri_node_step(actr_node_t *node, actri_node_event_t event)
{
    actri_lock(&node->mutex);
    actri_node_state_t before = node->state;
    actri_node_step_t step = actri_node_fsm_step(before, event);
    node->state = step.next;
    if (event == ACTRI_NODE_START && step.expected) node->gone = node->shutdown_asked = false;
    actri_node_set_door(node);
    if (step.action == ACTRI_NODE_DRAIN || step.action == ACTRI_NODE_REMEMBER) note_shutdown(node);
    actri_cond_broadcast(&node->changed);
    actri_unlock(&node->mutex);
    if (step.expected) {
        actri_debug(&node->system->env, "node", "%s, %s -> %s", actri_node_event_name(event),
                    actri_node_state_name(before), actri_node_state_name(step.next));
    } else {
        actri_debug(&node->system->env, "node", "%s makes no sense while %s", actri_node_event_name(event),
                    actri_node_state_name(before));
    }
    return step;
}

static actri_node_event_t outcome(const actri_drive_t *drive, actri_node_event_t good)
{
    return drive->status == ACTR_OK ? good : ACTRI_NODE_FAILED;
}

static actri_node_event_t act_connect(actri_drive_t *drive)
{
    actr_node_t *node = drive->node;
    uint32_t limit_ms = node->system->config.values.connect_timeout_ms;
    int64_t deadline = actri_now_ns() + (limit_ms != 0 ? limit_ms : CONNECT_TIMEOUT_MS) * ACTRI_MS;
    actri_node_quiet(node, false);
    drive->status = actri_node_make_parts(node, &drive->error);
    if (drive->status == ACTR_OK) drive->status = actri_signaling_start(node->signaling, deadline, &drive->error);
    return outcome(drive, ACTRI_NODE_REGISTERED);
}

static actri_node_event_t act_start(actri_drive_t *drive)
{
    drive->status = actri_node_hook(drive->node, "bootstrap", actri_hook_start, &drive->error);
    return outcome(drive, ACTRI_NODE_STARTED);
}

static actri_node_event_t act_open(actri_drive_t *drive)
{
    drive->status = actri_mailbox_start(drive->node->system->mailbox, &drive->error);
    if (drive->status == ACTR_OK) (void)actri_node_hook(drive->node, "ready", actri_hook_ready, NULL);
    return outcome(drive, ACTRI_NODE_OPENED);
}

static actri_node_event_t act_undo(actri_drive_t *drive)
{
    actri_node_dismantle(drive->node);
    return ACTRI_NODE_UNDONE;
}

static actri_node_event_t act_undo_started(actri_drive_t *drive)
{
    (void)actri_node_hook(drive->node, "stop", actri_hook_stop, NULL);
    return act_undo(drive);
}

void actri_node_carry_out(actri_drive_t *drive, actri_node_action_t action)
{
    static actri_node_event_t (*const actions[ACTRI_NODE_ACTIONS])(actri_drive_t *) = {
        [ACTRI_NODE_CONNECT] = act_connect,
        [ACTRI_NODE_RUN_START] = act_start,
        [ACTRI_NODE_OPEN] = act_open,
        [ACTRI_NODE_UNDO] = act_undo,
        [ACTRI_NODE_UNDO_STARTED] = act_undo_started,
        [ACTRI_NODE_DRAIN] = actri_act_drain,
        [ACTRI_NODE_RUN_STOP] = actri_act_stop,
        [ACTRI_NODE_CLOSE] = actri_act_close,
        [ACTRI_NODE_GIVE_UP] = actri_act_give_up,
    };
    while (actions[action] != NULL) action = actri_node_step(drive->node, actions[action](drive)).action;
}

/* ---- start ---- */

static actr_status_t new_ref(actr_node_t *node, actr_ref_t **out, actr_error_t *error)
{
    actr_ref_t *ref = actri_zalloc(&node->system->env, sizeof *ref);
    if (ref == NULL) return actri_no_memory(error);
    ref->refs = 1;
    ref->node = actri_node_retain(node);
    actri_ctx_init(&ref->ctx, node, NULL, "shell", NULL, ACTRI_NEVER);
    ref->ctx.is_shell = true;
    ref->outproc.node = node;
    *out = ref;
    return ACTR_OK;
}

static void free_ref(actr_ref_t *ref)
{
    actr_node_t *node = ref->node;
    actri_free(&node->system->env, ref);
    actr_node_release(node);
}

/* Somebody asked for it before there was anything to shut down. */
static bool shutdown_waits(actr_node_t *node)
{
    actri_lock(&node->mutex);
    bool waits = node->shutdown_asked && node->state == ACTRI_NODE_RUNNING;
    actri_unlock(&node->mutex);
    return waits;
}

actr_status_t actr_node_start(actr_node_t *node, actr_ref_t **out, actr_error_t *error)
{
    if (node == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "node or ref is NULL");
    actr_ref_t *ref = NULL;
    actr_status_t status = new_ref(node, &ref, error);
    if (status != ACTR_OK) return status;
    actri_node_step_t step = actri_node_step(node, ACTRI_NODE_START);
    if (!step.expected) {
        free_ref(ref);
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the node was started already");
    }
    actri_drive_t drive = {.node = node};
    if (actri_pool_is_loop(node->system->pool)) actri_pool_adopt(node->system->pool); /* hooks are turns */
    actri_node_carry_out(&drive, step.action);
    if (drive.status != ACTR_OK) {
        if (error != NULL) *error = drive.error;
        free_ref(ref);
        return drive.status;
    }
    if (shutdown_waits(node)) actri_node_shutdown(node);
    *out = ref;
    return ACTR_OK;
}

/* ---- life ---- */

static actr_status_t check_workers(actr_node_t *node, actr_error_t *error)
{
    actr_workload_t *workload = &node->workload;
    if (!node->keyed) return ACTR_OK;
    if (node->system->config.values.affinity != ACTR_AFFINITY_POOL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "messages with keys need affinity = \"pool\"");
    }
    if (workload->workers == 0) workload->workers = WORKERS;
    if (workload->workers <= ACTRI_WORKERS_MAX) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "workers is %u, at most %d can be had", workload->workers,
                      ACTRI_WORKERS_MAX);
}

actr_status_t actr_system_attach(actr_system_t *system, const actr_workload_t *workload, actr_node_t **out,
                                 actr_error_t *error)
{
    if (system == NULL || workload == NULL || out == NULL || workload->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "system, workload, its struct_size, or node is missing");
    }
    if (__atomic_exchange_n(&system->attached, true, __ATOMIC_ACQ_REL)) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "a workload is attached already, one to a system");
    }
    actr_node_t *node = actri_zalloc(&system->env, sizeof *node);
    if (node != NULL) node->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (node == NULL || node->wake_fd < 0) {
        actri_free(&system->env, node);
        __atomic_store_n(&system->attached, false, __ATOMIC_RELEASE);
        return node == NULL ? actri_no_memory(error)
                            : actri_fail(error, ACTR_STATUS_IO, "no file descriptor for the node");
    }
    node->refs = 1;
    node->system = actri_system_retain(system);
    size_t size = workload->struct_size < sizeof *workload ? workload->struct_size : sizeof *workload;
    memcpy(&node->workload, workload, size);
    actri_mutex_init(&node->mutex);
    actri_cond_init(&node->changed);
    actri_timers_init(&node->timers);
    actri_networks_init(&node->networks);
    actri_deadlines_init(&node->deadlines);
    actri_mutex_init(&node->method_streams.mutex);
    actri_list_init(&node->method_streams.list);
    actr_status_t status = actri_supervisor_init(&node->supervisor, &node->workload.supervision, error);
    if (status == ACTR_OK) status = actri_node_find_keys(node, error);
    if (status == ACTR_OK) status = check_workers(node, error);
    if (status != ACTR_OK) {
        __atomic_store_n(&system->attached, false, __ATOMIC_RELEASE);
        node->workload.free_user = NULL; /* still the caller's */
        actr_node_release(node);
        return status;
    }
    *out = node;
    return ACTR_OK;
}

actr_status_t actr_node_serve_shell(actr_node_t *node, actr_dispatch_fn dispatch, void *user, actr_error_t *error)
{
    if (node == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "node is NULL");
    actri_lock(&node->mutex);
    bool fresh = node->state == ACTRI_NODE_NEW;
    if (fresh) {
        node->shell_dispatch = dispatch;
        node->shell_user = user;
    }
    actri_unlock(&node->mutex);
    return fresh ? ACTR_OK : actri_fail(error, ACTR_STATUS_INVALID_STATE, "the node was started already");
}

actr_node_t *actri_node_retain(actr_node_t *node)
{
    (void)__atomic_add_fetch(&node->refs, 1, __ATOMIC_RELAXED);
    return node;
}

void actr_node_release(actr_node_t *node)
{
    if (node == NULL || __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_system_t *system = node->system;
    if (node->workload.free_user != NULL) node->workload.free_user(node->workload.user);
    while (node->identity != NULL) {
        actri_identity_entry_t *older = node->identity->older;
        actri_free(&system->env, node->identity);
        node->identity = older;
    }
    (void)close(node->wake_fd);
    actri_mutex_destroy(&node->method_streams.mutex);
    actri_deadlines_destroy(&node->deadlines);
    actri_timers_destroy(&node->timers);
    actri_networks_destroy(&node->networks);
    actri_cond_destroy(&node->changed);
    actri_mutex_destroy(&node->mutex);
    actri_free(&system->env, node->key_fields);
    actri_free(&system->env, node);
    actr_system_release(system);
}
