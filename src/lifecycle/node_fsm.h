/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a node as a table: state x event -> state, action. Pure: the driver in node.c does the action, whose
 * outcome is the next event. A system has no states but "has its workload or not", a reference none but its count.
 * spec: lifecycle-and-rpc 1 to 3; design 4.
 */
#ifndef ACTRI_NODE_FSM_H
#define ACTRI_NODE_FSM_H

#include <stdbool.h>

typedef enum actri_node_state {
    ACTRI_NODE_NEW = 0,
    ACTRI_NODE_CONNECTING, /* parts are made, signaling connects and registers */
    ACTRI_NODE_STARTING,   /* on_start */
    ACTRI_NODE_OPENING,    /* the mailbox opens, on_ready */
    ACTRI_NODE_RUNNING,
    ACTRI_NODE_DRAINING, /* new work is refused, what is queued is handled, for a while */
    ACTRI_NODE_STOPPING, /* on_stop */
    ACTRI_NODE_CLOSING,  /* replies leave, peers are told, unregistered */
    ACTRI_NODE_STUCK,    /* given up waiting for a handler; the rest when it returns */
    ACTRI_NODE_UNDOING,  /* a start that failed is taken back */
    ACTRI_NODE_STOPPED,
    ACTRI_NODE_STATES
} actri_node_state_t;

typedef enum actri_node_event {
    ACTRI_NODE_START = 0,  /* the program starts it */
    ACTRI_NODE_REGISTERED, /* outcomes of actions: */
    ACTRI_NODE_STARTED,    /* on_start said yes */
    ACTRI_NODE_OPENED,     /* the mailbox is open, on_ready has run */
    ACTRI_NODE_FAILED,     /* one of them did not work */
    ACTRI_NODE_UNDONE,
    ACTRI_NODE_SHUTDOWN, /* asked for: by the program, by the last reference, by supervision */
    ACTRI_NODE_DRAINED,
    ACTRI_NODE_HELD, /* a handler does not return */
    ACTRI_NODE_STOP_RAN,
    ACTRI_NODE_CLOSED,
    ACTRI_NODE_EVENTS
} actri_node_event_t;

typedef enum actri_node_action {
    ACTRI_NODE_NOTHING = 0,
    ACTRI_NODE_CONNECT,
    ACTRI_NODE_RUN_START,
    ACTRI_NODE_OPEN,
    ACTRI_NODE_UNDO,
    ACTRI_NODE_UNDO_STARTED, /* the same, on_stop first: on_start had said yes */
    ACTRI_NODE_REMEMBER,     /* a shutdown that was asked for while it starts: done once it runs */
    ACTRI_NODE_DRAIN,
    ACTRI_NODE_RUN_STOP,
    ACTRI_NODE_CLOSE,
    ACTRI_NODE_GIVE_UP, /* say which handler holds the node, and wait for it */
    ACTRI_NODE_ACTIONS
} actri_node_action_t;

typedef struct actri_node_step {
    actri_node_state_t next;
    actri_node_action_t action;
    bool expected; /* false: the event makes no sense here; the state stays */
} actri_node_step_t;

actri_node_step_t actri_node_fsm_step(actri_node_state_t state, actri_node_event_t event);
/* Calls of the API may come in. */
bool actri_node_is_open(actri_node_state_t state);

const char *actri_node_state_name(actri_node_state_t state);
const char *actri_node_event_name(actri_node_event_t event);

#endif
