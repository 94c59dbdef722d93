/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events are entered by any thread; the loop keeps the time and acts on the peers; the signaling client checks its link
 * and says so on its own thread, which ends the action. spec: known-faults 50.
 */
#include "lifecycle/network.h"

#include "lifecycle/node.h"
#include "port/clock.h"
#include "port/waiter.h"

#define AREA "network"
#define MOST_EVENTS 4096

typedef struct event {
    actri_link_t link;
    actri_task_t task;
    actr_node_t *node;
    actr_network_fn fn;
    void *user;
    actr_network_result_t result;
    actr_status_t status;
    actr_error_t error;
} event_t;

static const char *const action_names[] = {"nothing to do", "offline", "checked", "restored", "cleaned up"};

/* ---- telling ---- */

static void run_told(actri_task_t *task)
{
    event_t *event = ACTRI_CONTAINER(task, event_t, task);
    if (event->fn != NULL) {
        event->fn(event->status, &event->result, event->status == ACTR_OK ? NULL : &event->error, event->user);
    }
    actri_free(&event->node->system->env, event);
}

/* Each of the list becomes a turn; with the mutex, so that close has posted them all when it returns. */
static void tell_locked(actr_node_t *node, actri_link_t *events, actr_status_t status,
                        const actr_network_result_t *result, const actr_error_t *error)
{
    actri_link_t *link;
    while ((link = actri_list_take(events)) != NULL) {
        event_t *event = ACTRI_CONTAINER(link, event_t, link);
        node->networks.waiting--;
        event->result = *result;
        event->status = status;
        if (status != ACTR_OK) event->error = *error;
        actri_serial_post(node->serial, &event->task, false);
    }
}

/* ---- acting ---- */

static void post_locked(actr_node_t *node)
{
    actri_networks_t *n = &node->networks;
    if (n->posted) return;
    n->posted = true;
    actri_loop_post(node->loop, &n->task);
}

static void end_action(actr_node_t *node, actr_status_t status, bool reconnected, const actr_error_t *error)
{
    actri_networks_t *n = &node->networks;
    actri_lock(&n->mutex);
    n->result.reconnected = reconnected;
    actri_info(&node->system->env, AREA, "%s: %u events, %u peers%s%s%s", action_names[n->result.action],
               n->result.events, n->result.peers, reconnected ? ", signaling connected anew" : "",
               status == ACTR_OK ? "" : "; ", status == ACTR_OK ? "" : actr_error_message(error));
    tell_locked(node, &n->acted, status, &n->result, error);
    actri_network_done(&n->core);
    if (n->open && n->core.events > 0) post_locked(node);
    actri_unlock(&n->mutex);
}

static void on_checked(void *user, actr_status_t status, bool reconnected, const actr_error_t *error)
{
    end_action(user, status, reconnected, error);
}

static unsigned act_on_peers(actr_node_t *node, actr_network_action_t action)
{
    actr_error_t why = ACTR_ERROR_INIT;
    if (action == ACTR_NETWORK_RESTORED) return actri_outproc_moved(node->outproc);
    if (action != ACTR_NETWORK_CLEANED) return 0;
    (void)actri_fail(&why, ACTR_STATUS_UNAVAILABLE, "the program has asked to connect anew");
    return actri_outproc_close_all(node->outproc, &why);
}

/* [loop] */
static void act(actr_node_t *node, actr_network_action_t action)
{
    actri_networks_t *n = &node->networks;
    actr_error_t error = ACTR_ERROR_INIT;
    unsigned peers = act_on_peers(node, action);
    actri_lock(&n->mutex);
    n->result.peers = peers;
    actri_unlock(&n->mutex);
    actr_status_t status =
        actri_signaling_check(node->signaling, action != ACTR_NETWORK_CHECKED, on_checked, node, &error);
    if (status != ACTR_OK) end_action(node, status, false, &error);
}

/* The batch has settled. [loop], with the mutex before, without it after */
static void take_batch(actr_node_t *node)
{
    actri_networks_t *n = &node->networks;
    n->result = (actr_network_result_t){.events = n->core.events};
    n->result.action = actri_network_take(&n->core);
    actr_network_action_t action = n->result.action;
    actri_list_splice(&n->acted, &n->gathered);
    bool acts = n->core.acting;
    if (!acts) tell_locked(node, &n->acted, ACTR_OK, &n->result, NULL);
    actri_unlock(&n->mutex);
    if (acts) act(node, action);
}

/* Acts, or sets the timer. [loop] */
static void look(actr_node_t *node)
{
    actri_networks_t *n = &node->networks;
    actri_lock(&n->mutex);
    int64_t deadline = n->open ? actri_network_deadline(&n->core) : ACTRI_NEVER;
    if (deadline <= actri_now_ns()) {
        take_batch(node);
        return;
    }
    actri_unlock(&n->mutex);
    if (deadline == ACTRI_NEVER)
        actri_loop_timer_cancel(node->loop, &n->timer);
    else
        actri_loop_timer_set(node->loop, &n->timer, deadline);
}

/* ---- the machine's addresses; [loop] ---- */

static actr_node_t *node_of(actri_networks_t *networks)
{
    return ACTRI_CONTAINER(networks, actr_node_t, networks);
}

static void on_change(void *user, actri_net_change_t change)
{
    static const actr_network_event_t events[] = {
        [ACTRI_NET_AVAILABLE] = ACTR_NETWORK_AVAILABLE,
        [ACTRI_NET_LOST] = ACTR_NETWORK_LOST,
        [ACTRI_NET_CHANGED] = ACTR_NETWORK_CHANGED,
    };
    actr_node_t *node = user;
    actr_error_t error = ACTR_ERROR_INIT;
    if (change == ACTRI_NET_SAME) return;
    if (actri_node_network_event(node, events[change], NULL, NULL, &error) == ACTR_OK) return;
    actri_warn(&node->system->env, AREA, "a change of the addresses is passed over: %s", error.message);
}

static void begin_watch(actr_node_t *node)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_net_watch_start(&node->networks.watch, node->loop, on_change, node, &error) == ACTR_OK) return;
    actri_warn(&node->system->env, AREA, "%s", error.message);
}

static void run_task(actri_task_t *task)
{
    actri_networks_t *n = ACTRI_CONTAINER(task, actri_networks_t, task);
    actr_node_t *node = node_of(n);
    actri_lock(&n->mutex);
    n->posted = false;
    bool begins = n->begins;
    n->begins = false;
    actri_unlock(&n->mutex);
    if (begins) begin_watch(node);
    look(node);
}

static void on_timer(actri_timer_t *timer)
{
    look(node_of(ACTRI_CONTAINER(timer, actri_networks_t, timer)));
}

/* ---- from outside ---- */

static actr_status_t enter_locked(actr_node_t *node, event_t *event, actr_network_event_t kind, actr_error_t *error)
{
    actri_networks_t *n = &node->networks;
    if (!n->open) return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    if (n->waiting >= MOST_EVENTS) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d changes of the network wait already", MOST_EVENTS);
    }
    n->waiting++;
    actri_list_append(&n->gathered, &event->link);
    actri_network_add(&n->core, kind, actri_now_ns());
    post_locked(node);
    return ACTR_OK;
}

actr_status_t actri_node_network_event(actr_node_t *node, actr_network_event_t kind, actr_network_fn fn, void *user,
                                       actr_error_t *error)
{
    event_t *event = actri_zalloc(&node->system->env, sizeof *event);
    if (event == NULL) return actri_no_memory(error);
    *event = (event_t){.task = {.run = run_told}, .node = node, .fn = fn, .user = user};
    actri_lock(&node->networks.mutex);
    actr_status_t status = enter_locked(node, event, kind, error);
    actri_unlock(&node->networks.mutex);
    if (status != ACTR_OK) actri_free(&node->system->env, event);
    return status;
}

actr_status_t actr_ref_network_event(actr_ref_t *ref, actr_network_event_t event, actr_network_fn fn, void *user,
                                     actr_error_t *error)
{
    if (ref == NULL || event < ACTR_NETWORK_AVAILABLE || event > ACTR_NETWORK_CLEANUP) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ref is NULL, or %d is no event of the network",
                          (int)event);
    }
    actr_status_t status = actri_node_enter(ref->node, error);
    if (status != ACTR_OK) return status;
    status = actri_node_network_event(ref->node, event, fn, user, error);
    actri_node_leave(ref->node);
    return status;
}

/* ---- life ---- */

void actri_networks_init(actri_networks_t *n)
{
    actri_mutex_init(&n->mutex);
    actri_list_init(&n->gathered);
    actri_list_init(&n->acted);
    n->task.run = run_task;
    n->timer.fire = on_timer;
}

void actri_networks_destroy(actri_networks_t *n)
{
    actri_mutex_destroy(&n->mutex);
}

void actri_networks_open(actr_node_t *node, bool watches)
{
    actri_networks_t *n = &node->networks;
    actri_lock(&n->mutex);
    n->core = (actri_network_t){0};
    n->open = true;
    n->begins = watches;
    if (watches) post_locked(node);
    actri_unlock(&n->mutex);
}

typedef struct farewell { /* on the stack of who closes */
    actri_task_t task;
    actr_node_t *node;
    actri_waiter_t waiter;
} farewell_t;

static void run_farewell(actri_task_t *task)
{
    farewell_t *farewell = ACTRI_CONTAINER(task, farewell_t, task);
    actri_networks_t *n = &farewell->node->networks;
    actri_loop_timer_cancel(farewell->node->loop, &n->timer);
    actri_net_watch_stop(&n->watch);
    actri_waiter_wake(&farewell->waiter);
}

/* An action that is under way ends with the signaling client, and finds nobody to tell. */
void actri_networks_close(actr_node_t *node)
{
    actri_networks_t *n = &node->networks;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    actri_lock(&n->mutex);
    bool was_open = n->open;
    n->open = false;
    actr_network_result_t none = {.action = ACTR_NETWORK_NONE};
    tell_locked(node, &n->gathered, error.status, &none, &error);
    tell_locked(node, &n->acted, error.status, &none, &error);
    actri_unlock(&n->mutex);
    if (!was_open) return;
    farewell_t farewell = {.task = {.run = run_farewell}, .node = node};
    actri_waiter_init(&farewell.waiter);
    actri_loop_post(node->loop, &farewell.task); /* behind the task, if that is posted */
    actri_waiter_wait(&farewell.waiter);
}
