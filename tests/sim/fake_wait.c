/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting of src/port/thread.h where nobody else runs: to wait means to let the loop take a turn. */
#include "fake_loop.h"
#include "port/clock.h"
#include "port/thread.h"

#include <stdio.h>
#include <stdlib.h>

void actri_mutex_init(actri_mutex_t *mutex)
{
    (void)pthread_mutex_init(mutex, NULL);
}

void actri_mutex_destroy(actri_mutex_t *mutex)
{
    (void)pthread_mutex_destroy(mutex);
}

void actri_cond_init(actri_cond_t *cond)
{
    (void)pthread_cond_init(&cond->cond, NULL);
}

void actri_cond_destroy(actri_cond_t *cond)
{
    (void)pthread_cond_destroy(&cond->cond);
}

void actri_cond_signal(actri_cond_t *cond)
{
    (void)cond;
}

void actri_cond_broadcast(actri_cond_t *cond)
{
    (void)cond;
}

bool actri_cond_wait(actri_cond_t *cond, actri_mutex_t *mutex, int64_t deadline_ns)
{
    (void)cond;
    actri_unlock(mutex);
    bool more = fake_loop_turn(deadline_ns);
    actri_lock(mutex);
    if (!more && deadline_ns == ACTRI_NEVER) {
        (void)fprintf(stderr, "fake loop: somebody waits for ever\n");
        abort();
    }
    return more;
}
