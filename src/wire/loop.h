/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire thread: one per process, refcounted, shared by all systems (the SCTP stack is global). It owns
 * sockets, ICE, DTLS and SCTP of every peer connection, without locks: whatever is marked [loop] runs on it.
 * It never runs user code, touches a disk, resolves a name or blocks.
 *
 * One turn: poll once; read all that has arrived; run posted tasks; run due timers; run the turn-end tasks;
 * flush what is to be sent in batches. The only way in from another thread is actri_loop_post.
 */
#ifndef ACTRI_LOOP_H
#define ACTRI_LOOP_H

#include "base/env.h"
#include "port/executor.h" /* actri_task_t */

typedef struct actri_loop actri_loop_t;

/* Starts the thread on first use. */
ACTR_MUST_CHECK actr_status_t actri_loop_acquire(actri_loop_t **out, actr_error_t *error);
/* The last release ends the thread, and waits for that. Not from the loop. NULL is a no-op. */
void actri_loop_release(actri_loop_t *loop);

/* Runs task on the loop, in order of posting; wakes it at most once for a batch. A task must not be posted again
   before it ran. [any-thread] */
void actri_loop_post(actri_loop_t *loop, actri_task_t *task);
bool actri_loop_is_current(const actri_loop_t *loop);
/* Runs task once at the end of this turn: what a batch of arrivals has gathered is handed on here. Posting a task
   that already waits is not allowed. [loop] */
void actri_loop_at_turn_end(actri_loop_t *loop, actri_task_t *task);

/* A socket that is watched for input, embedded in its object. ready is called once a turn while there is some. */
typedef struct actri_watch {
    int fd;
    void (*ready)(struct actri_watch *watch);
} actri_watch_t;
ACTR_MUST_CHECK actr_status_t actri_loop_watch(actri_loop_t *loop, actri_watch_t *watch,
                                               actr_error_t *error); /* [loop] */
/* Before the socket is closed. [loop] */
void actri_loop_unwatch(actri_loop_t *loop, actri_watch_t *watch);

/* A timer, embedded in its object, zero-initialised before first use. [loop] */
typedef struct actri_timer {
    void (*fire)(struct actri_timer *timer);
    int64_t deadline_ns;
    size_t heap_index; /* 1-based; 0: not armed */
} actri_timer_t;
/* Arms or re-arms; deadline on actri_now_ns()'s clock. Fires once, at most 1 ms early and a few ms late. */
void actri_loop_timer_set(actri_loop_t *loop, actri_timer_t *timer, int64_t deadline_ns);
void actri_loop_timer_cancel(actri_loop_t *loop, actri_timer_t *timer);

#endif
