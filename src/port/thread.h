/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, mutexes and conditions on the monotonic clock. Library threads block all signals, so the host
 * program's handlers run on its own threads.
 */
#ifndef ACTRI_THREAD_H
#define ACTRI_THREAD_H

#include <actr/status.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef pthread_mutex_t actri_mutex_t;
typedef struct actri_cond {
    pthread_cond_t cond;
} actri_cond_t;

/* Lives as long as the thread; joined before it goes. */
typedef struct actri_thread {
    pthread_t id;
    void (*run)(void *);
    void *argument;
} actri_thread_t;

void actri_mutex_init(actri_mutex_t *mutex);
void actri_mutex_destroy(actri_mutex_t *mutex);
static inline void actri_lock(actri_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex);
}
static inline void actri_unlock(actri_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}

void actri_cond_init(actri_cond_t *cond);
void actri_cond_destroy(actri_cond_t *cond);
void actri_cond_signal(actri_cond_t *cond);
void actri_cond_broadcast(actri_cond_t *cond);
/* Waits until signalled or until the monotonic deadline (ACTRI_NEVER: no limit); false when it passed. */
bool actri_cond_wait(actri_cond_t *cond, actri_mutex_t *mutex, int64_t deadline_ns);

/* name: at most 15 characters. */
ACTR_MUST_CHECK actr_status_t actri_thread_start(actri_thread_t *thread, const char *name, void (*run)(void *),
                                                 void *argument, actr_error_t *error);
void actri_thread_join(actri_thread_t *thread);
/* Instead of joining it; its actri_thread_t must live as long as it runs all the same. */
void actri_thread_detach(actri_thread_t *thread);
/* True when called on that thread. */
bool actri_thread_is_self(const actri_thread_t *thread);

#endif
