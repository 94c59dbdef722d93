/* SPDX-License-Identifier: Apache-2.0 */
/* All state is touched by the thread that has the baton only; its mutex guards nothing but the handing over. */
#include "fake_thread.h"

#include "base/list.h"
#include "fake_loop.h"
#include "port/clock.h"
#include "port/thread.h"
#include "port/waiter.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 256

typedef enum state { UNUSED, READY, WAITING, ENDED } state_t;

typedef struct fake {
    state_t state;
    bool is_loop;
    const void *key; /* what it waits for: a condition, or a thread's end; NULL: only for the time */
    int64_t deadline_ns;
    bool timed_out;
    const actri_thread_t *owner;
    void (*run)(void *);
    void *argument;
    pthread_t id;
    pthread_cond_t turn;
} fake_t;

static struct {
    fake_t threads[MOST_THREADS];
    fake_t *running;
    pthread_mutex_t mutex;
    rng_t rng;
    bool quitting; /* the loop's thread is to end */
    uint64_t switches;
} baton = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local fake_t *self;

uint64_t fake_thread_switches(void)
{
    return baton.switches;
}

/* ---- who is next ---- */

static bool could_run(const fake_t *thread)
{
    bool loop_is_due = thread->is_loop && thread->state == WAITING && (fake_loop_is_due() || baton.quitting);
    return thread->state == READY || loop_is_due;
}

/* Moves the clock to the next deadline and wakes whose it is. */
static void pass_time(void)
{
    int64_t next = fake_loop_next();
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->state == WAITING && !thread->is_loop && thread->deadline_ns < next) next = thread->deadline_ns;
    }
    if (next == ACTRI_NEVER) {
        (void)fprintf(stderr, "fake threads: all wait for ever\n");
        abort();
    }
    fake_loop_set_now(next);
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->state != WAITING || thread->is_loop || thread->deadline_ns > next) continue;
        thread->state = READY;
        thread->timed_out = true;
    }
}

static fake_t *choose(void)
{
    for (;;) {
        fake_t *could[MOST_THREADS];
        uint32_t count = 0;
        for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
            if (could_run(thread)) could[count++] = thread;
        }
        if (count > 0) return could[rng_below(&baton.rng, count)];
        pass_time();
    }
}

/* Gives the baton away and waits for it; an ended thread only gives. */
static void hand_on(void)
{
    fake_t *next = choose(), *me = self;
    baton.switches++;
    if (next == me) return;
    (void)pthread_mutex_lock(&baton.mutex);
    baton.running = next;
    (void)pthread_cond_signal(&next->turn);
    while (me->state != ENDED && baton.running != me) (void)pthread_cond_wait(&me->turn, &baton.mutex);
    (void)pthread_mutex_unlock(&baton.mutex);
}

/* False when the deadline passed first. */
static bool wait_for(const void *key, int64_t deadline_ns)
{
    self->key = key;
    self->deadline_ns = deadline_ns;
    self->timed_out = false;
    self->state = WAITING;
    hand_on();
    self->state = READY;
    return !self->timed_out;
}

static void wake(const void *key, bool all)
{
    fake_t *found[MOST_THREADS];
    uint32_t count = 0;
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->state == WAITING && !thread->is_loop && thread->key == key) found[count++] = thread;
    }
    if (count == 0) return;
    if (!all) {
        found[rng_below(&baton.rng, count)]->state = READY;
        return;
    }
    for (uint32_t i = 0; i < count; i++) found[i]->state = READY;
}

void fake_sleep(int64_t duration_ns)
{
    (void)wait_for(NULL, actri_now_ns() + duration_ns);
}

/* ---- life ---- */

static void *trampoline(void *argument)
{
    self = argument;
    (void)pthread_mutex_lock(&baton.mutex);
    while (baton.running != self) (void)pthread_cond_wait(&self->turn, &baton.mutex);
    (void)pthread_mutex_unlock(&baton.mutex);
    self->run(self->argument);
    self->state = ENDED;
    wake(self, true);
    hand_on();
    return NULL;
}

static bool may_be_reused(const fake_t *thread)
{
    return thread->state == ENDED && thread->owner == NULL; /* joined */
}

static void bury(fake_t *thread)
{
    if (thread->run != NULL) (void)pthread_join(thread->id, NULL);
    (void)pthread_cond_destroy(&thread->turn);
    thread->state = UNUSED;
}

static fake_t *start(void (*run)(void *), void *argument, const actri_thread_t *owner)
{
    fake_t *thread = baton.threads;
    while (thread < baton.threads + MOST_THREADS && thread->state != UNUSED && !may_be_reused(thread)) thread++;
    if (thread == baton.threads + MOST_THREADS) abort();
    if (thread->state == ENDED) bury(thread);
    *thread = (fake_t){.state = READY, .run = run, .argument = argument, .owner = owner};
    (void)pthread_cond_init(&thread->turn, NULL);
    if (run != NULL && pthread_create(&thread->id, NULL, trampoline, thread) != 0) abort();
    return thread;
}

static void run_loop(void *argument)
{
    (void)argument;
    while (!baton.quitting) {
        while (fake_loop_is_due()) (void)fake_loop_turn(actri_now_ns());
        self->state = WAITING;
        hand_on();
    }
}

void fake_threads_begin(uint64_t seed)
{
    memset(baton.threads, 0, sizeof baton.threads);
    baton.rng.state = seed;
    baton.quitting = false;
    baton.switches = 0;
    self = baton.running = start(NULL, NULL, NULL);
    start(run_loop, NULL, NULL)->is_loop = true;
}

static bool others_run(void)
{
    for (const fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread != self && !thread->is_loop && (thread->state == READY || thread->state == WAITING)) return true;
    }
    return false;
}

void fake_threads_end(void)
{
    while (others_run()) fake_sleep(ACTRI_MS);
    baton.quitting = true;
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (!thread->is_loop) continue;
        while (thread->state != ENDED) fake_sleep(0);
    }
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->state != UNUSED) bury(thread);
    }
    self = NULL;
}

/* ---- thread.h ---- */

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
    wake(cond, false);
}

void actri_cond_broadcast(actri_cond_t *cond)
{
    wake(cond, true);
}

bool actri_cond_wait(actri_cond_t *cond, actri_mutex_t *mutex, int64_t deadline_ns)
{
    actri_unlock(mutex);
    bool in_time = wait_for(cond, deadline_ns);
    actri_lock(mutex);
    return in_time;
}

actr_status_t actri_thread_start(actri_thread_t *thread, const char *name, void (*run)(void *), void *argument,
                                 actr_error_t *error)
{
    (void)name;
    (void)error;
    (void)start(run, argument, thread);
    return ACTR_OK;
}

void actri_thread_join(actri_thread_t *owner)
{
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->owner != owner) continue;
        while (thread->state != ENDED) (void)wait_for(thread, ACTRI_NEVER);
        thread->owner = NULL;
    }
}

void actri_thread_detach(actri_thread_t *owner)
{
    for (fake_t *thread = baton.threads; thread < baton.threads + MOST_THREADS; thread++) {
        if (thread->owner == owner) thread->owner = NULL;
    }
}

bool actri_thread_is_self(const actri_thread_t *thread)
{
    return self->owner == thread;
}

/* ---- waiter.h ---- */

void actri_waiter_init(actri_waiter_t *waiter)
{
    waiter->state = 0;
}

void actri_waiter_wake(actri_waiter_t *waiter)
{
    waiter->state = 1;
    wake(waiter, true);
}

bool actri_waiter_wait_until(actri_waiter_t *waiter, int64_t deadline_ns)
{
    while (waiter->state == 0 && wait_for(waiter, deadline_ns)) {
    }
    return waiter->state != 0;
}

void actri_waiter_wait(actri_waiter_t *waiter)
{
    (void)actri_waiter_wait_until(waiter, ACTRI_NEVER);
}
