/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests within the process that wait for a serial executor, in the order in which each maker made them. A small tell
 * lies in the ring itself; anything else there is a pointer to its block. One task of the executor reads the ring: one
 * request a run, what was there when its round began before anything else that waits, and urgent ones in between. When
 * the ring is full, makers that may wait do so; what others make is kept in a list until the ring has been read.
 */
#ifndef ACTRI_INBOX_H
#define ACTRI_INBOX_H

#include "dispatch/state_path.h"
#include "port/ring.h"
#include "port/thread.h"

#define ACTRI_INBOX_SLOTS 4096 /* requests; they stay in the processor's caches */

typedef struct actri_inbox {
    actri_state_path_t *path;
    actri_ring_t *ring; /* NULL: the path has keys, and its executor an order of its own */
    actri_mutex_t mutex;
    actri_cond_t room;
    uint32_t waiters;  /* atomic: for room */
    actri_link_t kept; /* of calls, under the mutex; while the ring is closed */
    char apart[64];    /* the rest is the reader's */
    actri_task_t task;
    bool in_round;
    uint64_t until;    /* where its round ends */
    actri_link_t next; /* what was kept */
} actri_inbox_t;

ACTR_MUST_CHECK actr_status_t actri_inbox_init(actri_inbox_t *inbox, actri_state_path_t *path, actr_error_t *error);
void actri_inbox_destroy(actri_inbox_t *inbox);

/* The tell lies in the ring alone. False: it does not fit, or wants more than its turn; *full: it would have fitted. */
ACTR_MUST_CHECK bool actri_inbox_tell(actri_inbox_t *inbox, const actri_local_spec_t *spec, bool *full);
/* The call is the inbox's until it runs. */
void actri_inbox_call(actri_inbox_t *inbox, actri_local_call_t *call);
/* Wakes all makers that wait for room. */
void actri_inbox_wake(actri_inbox_t *inbox);

#endif
