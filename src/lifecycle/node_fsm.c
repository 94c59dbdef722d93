/* SPDX-License-Identifier: Apache-2.0 */
/* The table. A row that is all zero is an unexpected event: the state stays, nothing is done. */
#include "lifecycle/node_fsm.h"

#define IN(state) [ACTRI_NODE_##state]
#define ON(event, next, action) [ACTRI_NODE_##event] = {ACTRI_NODE_##next, ACTRI_NODE_##action, true}

static const actri_node_step_t table[ACTRI_NODE_STATES][ACTRI_NODE_EVENTS] = {
    IN(NEW) = {ON(START, CONNECTING, CONNECT)},
    IN(CONNECTING) = {ON(REGISTERED, STARTING, RUN_START), ON(FAILED, UNDOING, UNDO),
                      ON(SHUTDOWN, CONNECTING, REMEMBER)},
    IN(STARTING) = {ON(STARTED, OPENING, OPEN), ON(FAILED, UNDOING, UNDO), ON(SHUTDOWN, STARTING, REMEMBER)},
    IN(OPENING) = {ON(OPENED, RUNNING, NOTHING), ON(FAILED, UNDOING, UNDO_STARTED), ON(SHUTDOWN, OPENING, REMEMBER)},
    IN(RUNNING) = {ON(SHUTDOWN, DRAINING, DRAIN)},
    IN(DRAINING) = {ON(DRAINED, STOPPING, RUN_STOP), ON(HELD, STUCK, GIVE_UP), ON(SHUTDOWN, DRAINING, NOTHING)},
    IN(STOPPING) = {ON(STOP_RAN, CLOSING, CLOSE), ON(SHUTDOWN, STOPPING, NOTHING)},
    IN(CLOSING) = {ON(CLOSED, STOPPED, NOTHING), ON(SHUTDOWN, CLOSING, NOTHING)},
    IN(STUCK) = {ON(CLOSED, STOPPED, NOTHING), ON(SHUTDOWN, STUCK, NOTHING)},
    IN(UNDOING) = {ON(UNDONE, NEW, NOTHING), ON(SHUTDOWN, UNDOING, NOTHING)},
    IN(STOPPED) = {ON(SHUTDOWN, STOPPED, NOTHING)},
};

actri_node_step_t actri_node_fsm_step(actri_node_state_t state, actri_node_event_t event)
{
    actri_node_step_t step = table[state][event];
    if (!step.expected) step.next = state;
    return step;
}

bool actri_node_is_open(actri_node_state_t state)
{
    return state != ACTRI_NODE_NEW && state != ACTRI_NODE_STOPPED;
}

const char *actri_node_state_name(actri_node_state_t state)
{
    static const char *const names[ACTRI_NODE_STATES] = {"new",     "connecting", "starting", "opening",
                                                         "running", "draining",   "stopping", "closing",
                                                         "stuck",   "undoing",    "stopped"};
    return names[state];
}

const char *actri_node_event_name(actri_node_event_t event)
{
    static const char *const names[ACTRI_NODE_EVENTS] = {"start",  "registered",  "started",  "opened",
                                                         "failed", "undone",      "shutdown", "drained",
                                                         "held",   "on_stop ran", "closed"};
    return names[event];
}
