/* SPDX-License-Identifier: Apache-2.0 */
/* Between the pool and its serial executors; for these sources only. */
#ifndef ACTRI_POOL_H
#define ACTRI_POOL_H

#include "port/executor.h"
#include "port/thread.h"

/* What a pool runs: in its ready list at most once, under the pool's mutex. */
typedef struct actri_runnable {
    actri_link_t link;
    /* Runs up to *budget tasks, takes what it ran off *budget; true: there is more, put me at the end of the list.
       After false it is not touched any more. */
    bool (*run)(struct actri_runnable *runnable, unsigned *budget);
} actri_runnable_t;

void actri_pool_ready(actri_pool_t *pool, actri_runnable_t *runnable);
const actri_env_t *actri_pool_env(const actri_pool_t *pool);
bool actri_pool_is_shared(const actri_pool_t *pool);
/* Inside a turn, on the only thread that runs the pool's turns. */
bool actri_pool_is_alone(const actri_pool_t *pool);
/* Inside a turn on the pool's only thread: runs what waits of runnable, here, until it has nothing more to do (true),
   or the deadline has passed, or it is what this thread runs already (false). */
bool actri_pool_run_out(actri_pool_t *pool, actri_runnable_t *runnable, int64_t deadline_ns);

#endif
