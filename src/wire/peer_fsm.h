/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one peer as a table: state x event -> state, actions. Pure: no time, socket or memory; the
 * coordinator does the actions and arms the timer that a state asks for. spec: webrtc 2, 5, 7.
 */
#ifndef ACTRI_PEER_FSM_H
#define ACTRI_PEER_FSM_H

#include <stdbool.h>
#include <stdint.h>

typedef enum actri_peer_state {
    ACTRI_PEER_IDLE = 0,      /* nothing is under way */
    ACTRI_PEER_NEGOTIATING,   /* asked the server who offers */
    ACTRI_PEER_OFFERING,      /* our OFFER is out, or its connection is being made */
    ACTRI_PEER_WAITING_OFFER, /* the peer is to offer */
    ACTRI_PEER_ANSWERING,     /* our ANSWER is out */
    ACTRI_PEER_CONNECTED,
    ACTRI_PEER_RECOVERING, /* was connected, ICE is silent */
    ACTRI_PEER_STATES
} actri_peer_state_t;

typedef enum actri_peer_event {
    ACTRI_PEER_WANT = 0,      /* somebody has something to send */
    ACTRI_PEER_ROLE_OFFERER,  /* the server's assignment, not a repetition for a young attempt */
    ACTRI_PEER_ROLE_ANSWERER, /* likewise */
    ACTRI_PEER_OFFER,
    ACTRI_PEER_ANSWER,
    ACTRI_PEER_RESTART_OFFER,
    ACTRI_PEER_MOVED,          /* our addresses may have changed, or the answerer's */
    ACTRI_PEER_UP,             /* the connection can carry requests */
    ACTRI_PEER_SILENT,         /* ICE hears nothing */
    ACTRI_PEER_ENDED,          /* the connection closed or failed, something waits to be sent */
    ACTRI_PEER_ENDED_UNWANTED, /* the same, nothing waits */
    ACTRI_PEER_TIMER,          /* the state's time is up */
    ACTRI_PEER_GIVE_UP,        /* the whole attempt's time is up, or the peer is known to be gone */
    ACTRI_PEER_EVENTS
} actri_peer_event_t;

/* Actions, a set. In the order in which they are done. */
enum {
    ACTRI_PEER_DROP = 1,         /* close and forget the present connection */
    ACTRI_PEER_NEGOTIATE = 2,    /* ask the server for roles */
    ACTRI_PEER_MAKE_OFFER = 4,   /* new connection as offerer, send OFFER */
    ACTRI_PEER_MAKE_ANSWER = 8,  /* new connection as answerer, send ANSWER */
    ACTRI_PEER_TAKE_ANSWER = 16, /* apply the peer's ANSWER */
    ACTRI_PEER_RESTART = 32,     /* offerer: send an ICE_RESTART_OFFER */
    ACTRI_PEER_ANSWER_RESTART = 64,
    ACTRI_PEER_MOVE = 2048,   /* offerer: send an ICE_RESTART_OFFER; answerer: ask for one */
    ACTRI_PEER_TELL_UP = 128, /* tell above that messages can go */
    ACTRI_PEER_TELL_SILENT = 256,
    ACTRI_PEER_TELL_DOWN = 512,    /* tell above that a connection that was up is gone */
    ACTRI_PEER_TELL_FAILED = 1024, /* tell above that none could be made */
};

typedef struct actri_peer_step {
    actri_peer_state_t next;
    uint16_t actions;
    bool expected; /* false: the event makes no sense here; nothing is done but a log line */
} actri_peer_step_t;

actri_peer_step_t actri_peer_step(actri_peer_state_t state, actri_peer_event_t event);

const char *actri_peer_state_name(actri_peer_state_t state);
const char *actri_peer_event_name(actri_peer_event_t event);

#endif
