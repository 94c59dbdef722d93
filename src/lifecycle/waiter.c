/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/waiter.h"

#include "port/clock.h"

void actri_waiter_init(actri_waiter_t *waiter)
{
    actri_mutex_init(&waiter->mutex);
    actri_cond_init(&waiter->ended);
    waiter->done = false;
}

void actri_waiter_destroy(actri_waiter_t *waiter)
{
    actri_cond_destroy(&waiter->ended);
    actri_mutex_destroy(&waiter->mutex);
}

void actri_waiter_wake(actri_waiter_t *waiter)
{
    actri_lock(&waiter->mutex);
    waiter->done = true;
    actri_cond_signal(&waiter->ended);
    actri_unlock(&waiter->mutex);
}

bool actri_waiter_wait_until(actri_waiter_t *waiter, int64_t deadline_ns)
{
    bool in_time = true;
    actri_lock(&waiter->mutex);
    while (!waiter->done && in_time) in_time = actri_cond_wait(&waiter->ended, &waiter->mutex, deadline_ns);
    bool done = waiter->done;
    actri_unlock(&waiter->mutex);
    return done;
}

void actri_waiter_wait(actri_waiter_t *waiter)
{
    (void)actri_waiter_wait_until(waiter, ACTRI_NEVER);
}
