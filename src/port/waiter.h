/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for one thing that another thread ends exactly once: one futex. Zeroed is ready. wake's last touch of the
 * waiter is what lets the waiting thread go, so that it may stand on that thread's stack.
 */
#ifndef ACTRI_WAITER_H
#define ACTRI_WAITER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct actri_waiter {
    uint32_t state; /* atomic */
} actri_waiter_t;

void actri_waiter_init(actri_waiter_t *waiter);
void actri_waiter_wake(actri_waiter_t *waiter);
/* For ever: somebody else keeps the limit. */
void actri_waiter_wait(actri_waiter_t *waiter);
/* False when the monotonic deadline passed first. */
bool actri_waiter_wait_until(actri_waiter_t *waiter, int64_t deadline_ns);

#endif
