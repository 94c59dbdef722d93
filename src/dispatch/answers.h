/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers that are still owed: requests whose handler runs (turns), and those whose handler has returned
 * ACTR_DEFERRED and answers later through a handle. One answer counts, whoever gives it first: the handler, the
 * handle, or the watch over handlers that run too long. spec: design 4.
 *
 * Owned by the state path and by every handle; a handle may outlive the path. [any-thread]
 */
#ifndef ACTRI_ANSWERS_H
#define ACTRI_ANSWERS_H

#include "dispatch/state_path.h"

typedef struct actri_answers actri_answers_t;

/* A handler that runs. On the stack of its runner. */
typedef struct actri_turn {
    actri_link_t link; /* in the list of turns */
    actri_answers_t *answers;
    const char *route;
    int64_t started_ns;
    actri_mail_t *mail; /* a peer's request, or */
    actri_local_call_t *call;
    bool answered, overtime;
    actri_deferred_t *deferred; /* the handler has taken its reply away */
} actri_turn_t;

typedef enum actri_turn_end {
    ACTRI_TURN_ANSWER,   /* send the handler's answer, then the request has ended */
    ACTRI_TURN_ANSWERED, /* somebody else has answered; the request has ended */
    ACTRI_TURN_DEFERRED, /* the request belongs to its handle now */
} actri_turn_end_t;

ACTR_MUST_CHECK actr_status_t actri_answers_new(actri_state_path_t *path, actri_answers_t **out, actr_error_t *error);
/* Ends what is deferred: a peer's request is kept for the next start, a local call fails with SHUTTING_DOWN. */
void actri_answers_close(actri_answers_t *answers);
void actri_answers_release(actri_answers_t *answers);
/* Waits until nothing is deferred; false when the deadline passed first. */
bool actri_answers_wait(actri_answers_t *answers, int64_t deadline_ns);

void actri_turn_begin(actri_answers_t *answers, actri_turn_t *turn);
/* After the handler. May change *status, when DEFERRED makes no sense. */
actri_turn_end_t actri_turn_end(actri_turn_t *turn, actr_status_t *status, actr_error_t *error);

/* The route of the oldest turn, "" when none runs. */
void actri_answers_current(actri_answers_t *answers, char *text, size_t size);
/* Answers, once, for the handlers that have run for limit_ns or more; returns how many were found now. */
unsigned actri_answers_overtime(actri_answers_t *answers, int64_t now_ns, int64_t limit_ns);
uint32_t actri_answers_deferred(actri_answers_t *answers);

#endif
