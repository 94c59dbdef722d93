/* SPDX-License-Identifier: Apache-2.0 */
#include "port/thread.h"

#include "base/env.h"
#include "port/clock.h"

#include <signal.h>
#include <time.h>

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
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&cond->cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void actri_cond_destroy(actri_cond_t *cond)
{
    (void)pthread_cond_destroy(&cond->cond);
}

void actri_cond_signal(actri_cond_t *cond)
{
    (void)pthread_cond_signal(&cond->cond);
}

void actri_cond_broadcast(actri_cond_t *cond)
{
    (void)pthread_cond_broadcast(&cond->cond);
}

bool actri_cond_wait(actri_cond_t *cond, actri_mutex_t *mutex, int64_t deadline_ns)
{
    if (deadline_ns == ACTRI_NEVER) return pthread_cond_wait(&cond->cond, mutex) == 0;
    struct timespec until = actri_timespec(deadline_ns);
    return pthread_cond_timedwait(&cond->cond, mutex, &until) == 0;
}

static void *trampoline(void *argument)
{
    actri_thread_t *thread = argument;
    thread->run(thread->argument);
    return NULL;
}

actr_status_t actri_thread_start(actri_thread_t *thread, const char *name, void (*run)(void *), void *argument,
                                 actr_error_t *error)
{
    thread->run = run;
    thread->argument = argument;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&thread->id, NULL, trampoline, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        return actri_fail_errno(error, ACTR_STATUS_INTERNAL, result, "thread %s can not be started", name);
    }
    (void)pthread_setname_np(thread->id, name);
    return ACTR_OK;
}

void actri_thread_join(actri_thread_t *thread)
{
    (void)pthread_join(thread->id, NULL);
}

void actri_thread_detach(actri_thread_t *thread)
{
    (void)pthread_detach(thread->id);
}

bool actri_thread_is_self(const actri_thread_t *thread)
{
    return pthread_equal(thread->id, pthread_self()) != 0;
}
