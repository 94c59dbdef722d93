/* SPDX-License-Identifier: Apache-2.0 */
#include "port/waiter.h"

#include "port/clock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 0, SLEEPS = 1, DONE = 2 };

void actri_waiter_init(actri_waiter_t *waiter)
{
    __atomic_store_n(&waiter->state, NOBODY, __ATOMIC_RELAXED);
}

/* The waiter's memory may be gone by the time of the call into the kernel, which looks at the address only. */
void actri_waiter_wake(actri_waiter_t *waiter)
{
    if (__atomic_exchange_n(&waiter->state, DONE, __ATOMIC_ACQ_REL) != SLEEPS) return;
    (void)syscall(SYS_futex, &waiter->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static bool is_done(const actri_waiter_t *waiter)
{
    return __atomic_load_n(&waiter->state, __ATOMIC_ACQUIRE) == DONE;
}

/* False when the deadline has passed. */
static bool sleep_once(actri_waiter_t *waiter, int64_t deadline_ns)
{
    struct timespec until = actri_timespec(deadline_ns);
    long result = syscall(SYS_futex, &waiter->state, FUTEX_WAIT_BITSET_PRIVATE, SLEEPS,
                          deadline_ns == ACTRI_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return result == 0 || errno != ETIMEDOUT;
}

bool actri_waiter_wait_until(actri_waiter_t *waiter, int64_t deadline_ns)
{
    uint32_t nobody = NOBODY;
    if (is_done(waiter)) return true;
    (void)__atomic_compare_exchange_n(&waiter->state, &nobody, SLEEPS, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    bool in_time = true;
    while (!is_done(waiter) && in_time) in_time = sleep_once(waiter, deadline_ns);
    return is_done(waiter);
}

void actri_waiter_wait(actri_waiter_t *waiter)
{
    (void)actri_waiter_wait_until(waiter, ACTRI_NEVER);
}
