/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded ring of slots that hold their messages themselves: many writers, one reader at a time. Messages lie one
 * behind the other, so that both sides walk through memory in order. Nobody waits for anybody: a reader that finds
 * nothing parks at the slot that comes next, and whoever publishes that slot is told to call it. A writer that finds
 * the ring full may close it, keeps what it has elsewhere, and so does everybody until the reader opens it again:
 * that way one writer's messages stay in order.
 */
#ifndef ACTRI_RING_H
#define ACTRI_RING_H

#include "base/env.h"

typedef struct actri_ring actri_ring_t;

#define ACTRI_RING_ROOM 176 /* bytes of a slot, 16-aligned */

/* slots: a power of two. The reader is parked. Memory is touched as the ring is used. */
ACTR_MUST_CHECK actr_status_t actri_ring_new(const actri_env_t *env, uint32_t slots, actri_ring_t **out,
                                             actr_error_t *error);
/* Nothing is claimed or unread. NULL is a no-op. */
void actri_ring_free(actri_ring_t *ring);

/* A slot to fill and publish, soon; NULL: the ring is full or closed. [any-thread] */
void *actri_ring_claim(actri_ring_t *ring);
/* True: the reader is parked, and this caller's to call. */
ACTR_MUST_CHECK bool actri_ring_publish(void *slot);
/* At most half of it is in use. */
bool actri_ring_has_room(const actri_ring_t *ring);

/* Closes a full ring. False: it has room now. *parked: the reader is this caller's to call, once what it keeps
 * elsewhere is there. One at a time, not with open. */
ACTR_MUST_CHECK bool actri_ring_close(actri_ring_t *ring, bool *parked);

typedef enum actri_ring_next {
    ACTRI_RING_SLOT,   /* *slot is the oldest, until actri_ring_read */
    ACTRI_RING_PARKED, /* there is none; the reader is called when there is one */
    ACTRI_RING_END,    /* there is none, and the ring is closed: what is kept elsewhere comes next */
} actri_ring_next_t;

/* The rest is the reader's. */
actri_ring_next_t actri_ring_peek(actri_ring_t *ring, void **slot);
/* The slot has been read. True, now and then: those that wait for room should look. */
bool actri_ring_read(actri_ring_t *ring);
/* After ACTRI_RING_END. */
void actri_ring_open(actri_ring_t *ring);
/* Where the writers are; and the reader. */
uint64_t actri_ring_written(const actri_ring_t *ring);
uint64_t actri_ring_position(const actri_ring_t *ring);

#endif
