/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumer of the kill test: a process that owns a mailbox as a node does, takes requests from a socket, handles
 * them one at a time, and reports what happens. Its effects are lines of a file that outlives it. It dies by SIGKILL:
 * from outside, or by its own hand at a place in the life of a request.
 */
#ifndef ACTR_TESTS_CONSUMER_H
#define ACTR_TESTS_CONSUMER_H

#include "fault/numbered.h"

/* Where it kills itself, when `kill_at` requests have come there. */
typedef enum consumer_place {
    CONSUMER_NOWHERE,
    CONSUMER_DELIVERED, /* committed, not begun */
    CONSUMER_EFFECT,    /* the effect is there, nothing else */
    CONSUMER_REPLIED,
    CONSUMER_ENDED, /* acknowledged; the commit of that comes at some time */
    CONSUMER_PLACES
} consumer_place_t;

extern const char *const consumer_place_names[CONSUMER_PLACES];

typedef struct consumer_plan {
    int socket; /* SOCK_SEQPACKET: requests in, reports out */
    const char *path, *effects;
    uint32_t life;
    consumer_place_t place;
    uint32_t kill_at;
    uint32_t hold_modulo; /* requests whose number it divides are not ended in this life; 0: all are ended */
} consumer_plan_t;

typedef enum report_kind {
    REPORT_ACCEPTED = 1, /* committed and delivered: the attempt */
    REPORT_REPLY,        /* after the effect: its nonce */
    REPORT_ENDED,        /* acknowledged */
    REPORT_REFUSED,
    REPORT_REPEATED, /* the stored reply, sent again */
} report_kind_t;

typedef struct report {
    uint32_t kind, number, attempt;
    uint64_t nonce;
} report_t;

/* One line of the file of effects. */
typedef struct effect {
    uint32_t number, life, attempt, reserved;
    uint64_t nonce; /* another one for each effect; it is the reply */
} effect_t;

/* Number 0: shut down in order. */
typedef numbered_t consumer_request_t;

/* Runs in a process of its own and does not return. */
_Noreturn void consumer_run(const consumer_plan_t *plan);

#endif
