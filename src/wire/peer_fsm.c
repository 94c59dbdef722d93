/* SPDX-License-Identifier: Apache-2.0 */
/* The table. A row that is all zero is an unexpected event: the state stays, nothing is done. */
#include "wire/peer_fsm.h"

#define STEP(state, does)                                                                                              \
    {                                                                                                                  \
        ACTRI_PEER_##state, (does), true                                                                               \
    }
#define DROP ACTRI_PEER_DROP
#define DOWN ACTRI_PEER_TELL_DOWN
#define FAILED ACTRI_PEER_TELL_FAILED
#define NEGOTIATE ACTRI_PEER_NEGOTIATE
#define OFFER ACTRI_PEER_MAKE_OFFER
#define ANSWER ACTRI_PEER_MAKE_ANSWER

static const actri_peer_step_t table[ACTRI_PEER_STATES][ACTRI_PEER_EVENTS] =
    {
        [ACTRI_PEER_IDLE] =
            {
                [ACTRI_PEER_WANT] = STEP(NEGOTIATING, NEGOTIATE),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, OFFER), /* the peer wants us to */
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(WAITING_OFFER, 0),
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, ANSWER),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, FAILED),
            },
        [ACTRI_PEER_NEGOTIATING] =
            {
                [ACTRI_PEER_WANT] = STEP(NEGOTIATING, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, OFFER),
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(WAITING_OFFER, 0),
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, ANSWER),
                [ACTRI_PEER_TIMER] = STEP(NEGOTIATING, NEGOTIATE),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, FAILED),
            },
        [ACTRI_PEER_OFFERING] =
            {
                [ACTRI_PEER_WANT] = STEP(OFFERING, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, DROP | OFFER), /* the peer starts afresh */
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(WAITING_OFFER, DROP),
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, DROP | ANSWER),
                [ACTRI_PEER_ANSWER] = STEP(OFFERING, ACTRI_PEER_TAKE_ANSWER),
                [ACTRI_PEER_UP] = STEP(CONNECTED, ACTRI_PEER_TELL_UP),
                [ACTRI_PEER_SILENT] = STEP(OFFERING, 0), /* never connected: no restart, the timer rebuilds (rule 27) */
                [ACTRI_PEER_ENDED] = STEP(NEGOTIATING, DROP | NEGOTIATE),
                [ACTRI_PEER_ENDED_UNWANTED] = STEP(IDLE, DROP | FAILED),
                [ACTRI_PEER_TIMER] = STEP(OFFERING, DROP | OFFER), /* the OFFER met a dying connection and was lost */
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, DROP | FAILED),
            },
        [ACTRI_PEER_WAITING_OFFER] =
            {
                [ACTRI_PEER_WANT] = STEP(WAITING_OFFER, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, OFFER),
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(WAITING_OFFER, 0),
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, ANSWER),
                [ACTRI_PEER_TIMER] = STEP(NEGOTIATING, NEGOTIATE),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, FAILED),
            },
        [ACTRI_PEER_ANSWERING] =
            {
                [ACTRI_PEER_WANT] = STEP(ANSWERING, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, DROP | OFFER),
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(ANSWERING, 0), /* its new OFFER follows and replaces */
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, DROP | ANSWER),
                [ACTRI_PEER_UP] = STEP(CONNECTED, ACTRI_PEER_TELL_UP),
                [ACTRI_PEER_SILENT] = STEP(ANSWERING, 0),
                [ACTRI_PEER_ENDED] = STEP(NEGOTIATING, DROP | NEGOTIATE),
                [ACTRI_PEER_ENDED_UNWANTED] = STEP(IDLE, DROP | FAILED),
                [ACTRI_PEER_TIMER] = STEP(NEGOTIATING, DROP | NEGOTIATE),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, DROP | FAILED),
            },
        [ACTRI_PEER_CONNECTED] =
            {
                [ACTRI_PEER_WANT] = STEP(CONNECTED, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, DROP | OFFER | DOWN),
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(CONNECTED, 0), /* its OFFER follows */
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, DROP | ANSWER | DOWN),
                [ACTRI_PEER_ANSWER] = STEP(CONNECTED, ACTRI_PEER_TAKE_ANSWER), /* to a restart; ICE came back before */
                [ACTRI_PEER_RESTART_OFFER] = STEP(CONNECTED, ACTRI_PEER_ANSWER_RESTART),
                [ACTRI_PEER_MOVED] = STEP(CONNECTED, ACTRI_PEER_MOVE),
                [ACTRI_PEER_TIMER] = STEP(CONNECTED, ACTRI_PEER_MOVE), /* its relay could not be sent */
                [ACTRI_PEER_UP] = STEP(CONNECTED, 0),
                [ACTRI_PEER_SILENT] = STEP(RECOVERING, ACTRI_PEER_TELL_SILENT | ACTRI_PEER_RESTART),
                [ACTRI_PEER_ENDED] = STEP(NEGOTIATING, DROP | NEGOTIATE | DOWN),
                [ACTRI_PEER_ENDED_UNWANTED] = STEP(IDLE, DROP | DOWN),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, DROP | DOWN),
            },
        [ACTRI_PEER_RECOVERING] =
            {
                [ACTRI_PEER_WANT] = STEP(RECOVERING, 0),
                [ACTRI_PEER_ROLE_OFFERER] = STEP(OFFERING, DROP | OFFER | DOWN),
                [ACTRI_PEER_ROLE_ANSWERER] = STEP(RECOVERING, 0),
                [ACTRI_PEER_OFFER] = STEP(ANSWERING, DROP | ANSWER | DOWN),
                [ACTRI_PEER_ANSWER] = STEP(RECOVERING, ACTRI_PEER_TAKE_ANSWER),
                [ACTRI_PEER_RESTART_OFFER] = STEP(RECOVERING, ACTRI_PEER_ANSWER_RESTART),
                [ACTRI_PEER_MOVED] = STEP(RECOVERING, ACTRI_PEER_MOVE),
                [ACTRI_PEER_UP] = STEP(CONNECTED, ACTRI_PEER_TELL_UP),
                [ACTRI_PEER_SILENT] = STEP(RECOVERING, 0),
                [ACTRI_PEER_ENDED] = STEP(NEGOTIATING, DROP | NEGOTIATE | DOWN),
                [ACTRI_PEER_ENDED_UNWANTED] = STEP(IDLE, DROP | DOWN),
                [ACTRI_PEER_TIMER] = STEP(RECOVERING, ACTRI_PEER_RESTART),
                [ACTRI_PEER_GIVE_UP] = STEP(IDLE, DROP | DOWN),
            },
};

actri_peer_step_t actri_peer_step(actri_peer_state_t state, actri_peer_event_t event)
{
    actri_peer_step_t step = table[state][event];
    if (!step.expected) step.next = state;
    return step;
}

const char *actri_peer_state_name(actri_peer_state_t state)
{
    static const char *const names[] = {"idle",      "negotiating", "offering",  "waiting for an offer",
                                        "answering", "connected",   "recovering"};
    return names[state];
}

const char *actri_peer_event_name(actri_peer_event_t event)
{
    static const char *const names[] = {
        "wanted", "offerer's role", "answerer's role", "offer",          "answer", "restart offer", "moved",
        "up",     "silent",         "ended",           "ended unwanted", "timer",  "give up"};
    return names[event];
}
