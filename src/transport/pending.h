/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that wait for a reply from a peer: by request id, and by deadline. Pure: the time is given, locking
 * is the caller's. A call leaves the table by exactly one of take_reply, take_expired, take_session, take_call.
 */
#ifndef ACTRI_PENDING_H
#define ACTRI_PENDING_H

#include "base/list.h"
#include "base/map.h"
#include "transport/request_id.h"

typedef struct actri_pending_call {
    actri_link_t link; /* free for the owner once out of the table */
    char id[ACTRI_REQUEST_ID_SIZE + 1];
    actr_id_t target;
    uint64_t session; /* on which it was sent; 0: not yet */
    int64_t deadline_ns;
    size_t heap_index; /* 1-based; 0: not in the table */
} actri_pending_call_t;

typedef struct actri_pending {
    const actri_env_t *env;
    actri_map_t by_id;
    actri_pending_call_t **heap; /* earliest deadline first, from [1] */
    size_t heap_capacity, limit;
} actri_pending_t;

void actri_pending_init(actri_pending_t *pending, const actri_env_t *env, size_t limit);
/* Must be empty. */
void actri_pending_clear(actri_pending_t *pending);
size_t actri_pending_count(const actri_pending_t *pending);
/* LIMIT_REACHED or NO_MEMORY, with error. */
ACTR_MUST_CHECK actr_status_t actri_pending_add(actri_pending_t *pending, actri_pending_call_t *call,
                                                actr_error_t *error);
/* The call that this reply ends; NULL when nobody waits, or another peer was asked. */
actri_pending_call_t *actri_pending_take_reply(actri_pending_t *pending, actri_span_t id, const actr_id_t *from);
/* Takes it out; false when it was out already. */
bool actri_pending_take_call(actri_pending_t *pending, actri_pending_call_t *call);
/* The next one whose deadline has come; NULL when none. */
actri_pending_call_t *actri_pending_take_expired(actri_pending_t *pending, int64_t now_ns);
/* Moves all calls that were sent on session to `out`; session 0: all calls. */
void actri_pending_take_session(actri_pending_t *pending, uint64_t session, actri_link_t *out);
int64_t actri_pending_next_deadline(const actri_pending_t *pending); /* INT64_MAX: none */

#endif
