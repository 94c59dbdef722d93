/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for one thing that another thread ends exactly once. */
#ifndef ACTRI_WAITER_H
#define ACTRI_WAITER_H

#include "port/thread.h"

typedef struct actri_waiter {
    actri_mutex_t mutex;
    actri_cond_t ended;
    bool done;
} actri_waiter_t;

void actri_waiter_init(actri_waiter_t *waiter);
void actri_waiter_destroy(actri_waiter_t *waiter);
void actri_waiter_wake(actri_waiter_t *waiter);
/* For ever: somebody else keeps the limit. */
void actri_waiter_wait(actri_waiter_t *waiter);
/* False when the deadline passed first. */
bool actri_waiter_wait_until(actri_waiter_t *waiter, int64_t deadline_ns);

#endif
