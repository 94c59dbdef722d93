/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executors: pools of threads (or a foreign loop instead of them), and serial executors on top. A serial executor runs
 * its tasks one at a time, in order of priority and then of arrival, on whichever thread of its pool is free. A keyed
 * one runs tasks of different keys in parallel, tasks of one key in order, and tasks without a key alone.
 */
#ifndef ACTRI_EXECUTOR_H
#define ACTRI_EXECUTOR_H

#include "base/env.h"
#include "base/list.h"

typedef struct actri_pool actri_pool_t;
typedef struct actri_serial actri_serial_t;

/* A piece of work, embedded in its object. Not touched any more once run has been called. */
typedef struct actri_task {
    actri_link_t link;
    void (*run)(struct actri_task *task);
    uint64_t key; /* the executor's; as is `high` */
    bool high;
} actri_task_t;

#define ACTRI_POOL_SHARED 0u /* a blocking caller may run its task itself (actri_serial_run_here) */
#define ACTRI_POOL_PINNED 1u /* every task runs on a thread of the pool */

ACTR_MUST_CHECK actr_status_t actri_pool_new(const actri_env_t *env, unsigned threads, unsigned kind,
                                             actri_pool_t **out, actr_error_t *error);
/* More threads, up to `threads` in all (64 at most). Not for a loop's. One caller at a time. */
ACTR_MUST_CHECK actr_status_t actri_pool_grow(actri_pool_t *pool, unsigned threads, actr_error_t *error);
/* Waits for the turns that run, then ends the threads. No serial executor may have work left. */
void actri_pool_free(actri_pool_t *pool);

/* A pool without threads: its turns run inside dispatch, on the thread that calls it. */
ACTR_MUST_CHECK actr_status_t actri_pool_new_for_loop(const actri_env_t *env, actri_pool_t **out, actr_error_t *error);
bool actri_pool_is_loop(const actri_pool_t *pool);
/* Readable while there are tasks; -1 for a pool with threads. */
int actri_pool_fd(const actri_pool_t *pool);
/* Runs up to `most` tasks, until the monotonic time; returns how many. One thread at a time, not from a task: then 0.
 */
unsigned actri_pool_dispatch(actri_pool_t *pool, unsigned most, int64_t until_ns);
/* This thread is the one that dispatches: the last that did, or that called actri_pool_adopt. */
bool actri_pool_is_mine(const actri_pool_t *pool);
void actri_pool_adopt(actri_pool_t *pool);
/* No other thread runs the pool's turns: it is mine, or has one thread and this is a turn on it. Whoever waits here for
   a turn waits for ever. */
bool actri_pool_needs_me(const actri_pool_t *pool);
/* Dispatches until done(argument); whoever changes what done reads calls actri_pool_poke. False at the deadline. */
bool actri_pool_dispatch_until(actri_pool_t *pool, bool (*done)(void *argument), void *argument, int64_t deadline_ns);
/* NULL, and a pool with threads, are no-ops. [any-thread] */
void actri_pool_poke(actri_pool_t *pool);

ACTR_MUST_CHECK actr_status_t actri_serial_new(actri_pool_t *pool, actri_serial_t **out, actr_error_t *error);

#define ACTRI_WORKERS_MAX 32

typedef struct actri_keyed_options {
    unsigned workers; /* 2 to ACTRI_WORKERS_MAX tasks at once; the pool grows to have as many threads */
    /* The task's key, 0: none. On a thread of the pool, in order of arrival, once a task. */
    uint64_t (*key_of)(actri_task_t *task, void *user);
    void *user;
} actri_keyed_options_t;
ACTR_MUST_CHECK actr_status_t actri_serial_new_keyed(actri_pool_t *pool, const actri_keyed_options_t *options,
                                                     actri_serial_t **out, actr_error_t *error);

/* High tasks in a row, while normal ones wait, before one normal: 0 is the default, 8. Before the first task. */
void actri_serial_set_weight(actri_serial_t *serial, uint32_t high_in_a_row);
/* Runs task as a turn. high: before all normal ones, but see the weight. [any-thread] */
void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high);
/* Posts a whole list of tasks (their links) with one wake-up; leaves it empty. [any-thread] */
void actri_serial_post_list(actri_serial_t *serial, actri_link_t *tasks, bool high);
/* From task->run: it runs once more, before all other normal ones. Not for a keyed executor. [in the turn] */
void actri_serial_again(actri_serial_t *serial, actri_task_t *task);
/* Runs task now, on this thread, if the executor is idle and its pool shared; false: nothing was done. [any-thread] */
bool actri_serial_run_here(actri_serial_t *serial, actri_task_t *task);
/* True when called from inside one of its turns. [any-thread] */
bool actri_serial_is_current(const actri_serial_t *serial);
/* Whose it is; before the first task. The owner of the turn that this thread is in; NULL: none. */
void actri_serial_set_owner(actri_serial_t *serial, const void *owner);
const void *actri_serial_current_owner(void);
/* Waits until it has nothing to do; false when the monotonic deadline passed first. On a loop's thread it dispatches
 * meanwhile; inside a turn on the pool's only thread its tasks are run here. [not from a turn of it] */
bool actri_serial_wait_idle(actri_serial_t *serial, int64_t deadline_ns);
actri_pool_t *actri_serial_pool(const actri_serial_t *serial);
/* How often a thread was asked to run it: once for all that is posted until it is idle again. [any-thread] */
uint64_t actri_serial_wakeups(const actri_serial_t *serial);
/* Must be idle, and nobody may post any more. NULL is a no-op. */
void actri_serial_free(actri_serial_t *serial);

#endif
