/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executors: a small pool of threads, and serial executors on top of it. A serial executor runs its tasks
 * one at a time, in order of priority and then of arrival, on whichever pool thread is free. A node is one.
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
} actri_task_t;

ACTR_MUST_CHECK actr_status_t actri_pool_new(const actri_env_t *env, unsigned threads, actri_pool_t **out,
                                             actr_error_t *error);
/* Waits for the turns that run, then ends the threads. No serial executor may have work left. */
void actri_pool_free(actri_pool_t *pool);

ACTR_MUST_CHECK actr_status_t actri_serial_new(actri_pool_t *pool, actri_serial_t **out, actr_error_t *error);
/* Runs task as a turn. high: before all normal ones (8 in a row, then one normal). [any-thread] */
void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high);
/* Posts a whole list of tasks (their links) with one wake-up; leaves it empty. [any-thread] */
void actri_serial_post_list(actri_serial_t *serial, actri_link_t *tasks, bool high);
/* True when called from inside one of its turns. [any-thread] */
bool actri_serial_is_current(const actri_serial_t *serial);
/* Waits until it has nothing to do; false when the monotonic deadline passed first. [not from a turn of it] */
bool actri_serial_wait_idle(actri_serial_t *serial, int64_t deadline_ns);
/* Must be idle, and nobody may post any more. NULL is a no-op. */
void actri_serial_free(actri_serial_t *serial);

#endif
