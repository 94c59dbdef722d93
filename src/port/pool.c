/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex for the list of what is ready and that of the threads that sleep, of which the one that went to sleep last
 * is woken first: its cache is warm. In a loop's pool an eventfd, readable as long as the list is not empty. A turn
 * takes up to TURN_TASKS tasks before it goes to the end of the list, so that many nodes share few threads fairly.
 */
#include "port/pool.h"

#include "port/clock.h"
#include "port/waiter.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURN_TASKS 64
#define MAX_THREADS 64

static _Thread_local const actri_pool_t *inside; /* whose turn runs on this thread */

struct actri_pool {
    const actri_env_t *env;
    unsigned kind;
    bool loop;
    actri_mutex_t mutex;
    actri_link_t ready;  /* of actri_runnable_t.link */
    actri_link_t asleep; /* threads */
    bool stopping;
    int fd;           /* a loop's, else -1 */
    bool signalled;   /* fd is readable */
    bool poked;       /* also with an empty list */
    bool dispatching; /* some thread is inside dispatch */
    bool owned;
    pthread_t owner;       /* the loop's thread */
    unsigned thread_count; /* atomic */
    actri_thread_t threads[MAX_THREADS];
};

/* A thread that sleeps, on its stack. */
typedef struct sleeper {
    actri_link_t link;
    actri_waiter_t waiter;
} sleeper_t;

const actri_env_t *actri_pool_env(const actri_pool_t *pool)
{
    return pool->env;
}

bool actri_pool_is_shared(const actri_pool_t *pool)
{
    return pool->kind == ACTRI_POOL_SHARED;
}

/* Under the mutex. */
static void signal_loop(actri_pool_t *pool)
{
    uint64_t one = 1;
    if (pool->signalled) return;
    pool->signalled = write(pool->fd, &one, sizeof one) == (ssize_t)sizeof one;
}

static void unsignal_loop(actri_pool_t *pool)
{
    uint64_t count;
    if (pool->signalled && read(pool->fd, &count, sizeof count) < 0 && errno != EAGAIN) return;
    pool->signalled = false;
}

void actri_pool_ready(actri_pool_t *pool, actri_runnable_t *runnable)
{
    actri_lock(&pool->mutex);
    actri_list_append(&pool->ready, &runnable->link);
    actri_link_t *link = actri_list_take(&pool->asleep);
    if (pool->loop) signal_loop(pool);
    actri_unlock(&pool->mutex);
    if (link != NULL) actri_waiter_wake(&ACTRI_CONTAINER(link, sleeper_t, link)->waiter);
}

/* ---- threads ---- */

/* Until something is ready, or the pool stops. With the mutex, which is let go meanwhile. */
static void fall_asleep(actri_pool_t *pool)
{
    sleeper_t me;
    actri_list_init(&me.link);
    actri_waiter_init(&me.waiter);
    actri_list_append(pool->asleep.next, &me.link); /* before the first */
    actri_unlock(&pool->mutex);
    actri_waiter_wait(&me.waiter); /* who wakes it has taken it out of the list */
    actri_lock(&pool->mutex);
}

static void run_thread(void *argument)
{
    actri_pool_t *pool = argument;
    inside = pool;
    actri_lock(&pool->mutex);
    for (;;) {
        actri_link_t *link = actri_list_take(&pool->ready);
        if (link == NULL) {
            if (pool->stopping) break;
            fall_asleep(pool);
            continue;
        }
        actri_unlock(&pool->mutex);
        actri_runnable_t *runnable = ACTRI_CONTAINER(link, actri_runnable_t, link);
        unsigned budget = TURN_TASKS;
        bool more = runnable->run(runnable, &budget);
        actri_lock(&pool->mutex);
        if (more) actri_list_append(&pool->ready, &runnable->link);
    }
    actri_unlock(&pool->mutex);
}

static actr_status_t new_pool(const actri_env_t *env, actri_pool_t **out, actr_error_t *error)
{
    actri_pool_t *pool = actri_zalloc(env, sizeof *pool);
    if (pool == NULL) return actri_no_memory(error);
    pool->env = env;
    pool->fd = -1;
    actri_mutex_init(&pool->mutex);
    actri_list_init(&pool->ready);
    actri_list_init(&pool->asleep);
    *out = pool;
    return ACTR_OK;
}

actr_status_t actri_pool_new(const actri_env_t *env, unsigned threads, unsigned kind, actri_pool_t **out,
                             actr_error_t *error)
{
    actri_pool_t *pool = NULL;
    actr_status_t status = new_pool(env, &pool, error);
    if (status != ACTR_OK) return status;
    pool->kind = kind;
    status = actri_pool_grow(pool, threads, error);
    if (status != ACTR_OK) {
        actri_pool_free(pool);
        return status;
    }
    *out = pool;
    return ACTR_OK;
}

actr_status_t actri_pool_grow(actri_pool_t *pool, unsigned threads, actr_error_t *error)
{
    if (pool->loop) return actri_fail(error, ACTR_STATUS_INVALID_STATE, "a foreign loop's executor has no threads");
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    while (pool->thread_count < threads) {
        actri_thread_t *thread = &pool->threads[pool->thread_count];
        actr_status_t status = actri_thread_start(thread, "actr-exec", run_thread, pool, error);
        if (status != ACTR_OK) return status;
        __atomic_store_n(&pool->thread_count, pool->thread_count + 1, __ATOMIC_RELAXED);
    }
    return ACTR_OK;
}

void actri_pool_free(actri_pool_t *pool)
{
    if (pool == NULL) return;
    actri_lock(&pool->mutex);
    pool->stopping = true;
    actri_link_t *link;
    while ((link = actri_list_take(&pool->asleep)) != NULL) {
        actri_waiter_wake(&ACTRI_CONTAINER(link, sleeper_t, link)->waiter);
    }
    actri_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) actri_thread_join(&pool->threads[i]);
    if (pool->fd >= 0) (void)close(pool->fd);
    actri_mutex_destroy(&pool->mutex);
    actri_free(pool->env, pool);
}

/* ---- a foreign loop ---- */

actr_status_t actri_pool_new_for_loop(const actri_env_t *env, actri_pool_t **out, actr_error_t *error)
{
    actri_pool_t *pool = NULL;
    actr_status_t status = new_pool(env, &pool, error);
    if (status != ACTR_OK) return status;
    pool->kind = ACTRI_POOL_PINNED;
    pool->loop = true;
    pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool->fd < 0) {
        status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "no file descriptor for the loop");
        actri_pool_free(pool);
        return status;
    }
    *out = pool;
    return ACTR_OK;
}

bool actri_pool_is_loop(const actri_pool_t *pool)
{
    return pool->loop;
}

int actri_pool_fd(const actri_pool_t *pool)
{
    return pool->fd;
}

void actri_pool_adopt(actri_pool_t *pool)
{
    actri_lock(&pool->mutex);
    pool->owner = pthread_self();
    pool->owned = true;
    actri_unlock(&pool->mutex);
}

bool actri_pool_is_mine(const actri_pool_t *pool)
{
    actri_mutex_t *mutex = (actri_mutex_t *)(uintptr_t)&pool->mutex;
    if (!pool->loop) return false;
    actri_lock(mutex);
    bool mine = pool->owned && pthread_equal(pool->owner, pthread_self()) != 0;
    actri_unlock(mutex);
    return mine;
}

static bool begin_dispatch(actri_pool_t *pool)
{
    actri_lock(&pool->mutex);
    bool begun = pool->loop && !pool->dispatching;
    if (begun) {
        pool->dispatching = pool->owned = true;
        pool->owner = pthread_self();
        pool->poked = false;
    }
    actri_unlock(&pool->mutex);
    return begun;
}

/* The next of the list; NULL when it is empty: then the descriptor is not readable any more. Ends the dispatch when
   `last`. */
static actri_runnable_t *take_ready(actri_pool_t *pool, bool last)
{
    actri_lock(&pool->mutex);
    actri_link_t *link = last ? NULL : actri_list_take(&pool->ready);
    if (link == NULL) {
        pool->dispatching = false;
        if (actri_list_empty(&pool->ready) && !pool->poked) unsignal_loop(pool);
    }
    actri_unlock(&pool->mutex);
    return link == NULL ? NULL : ACTRI_CONTAINER(link, actri_runnable_t, link);
}

unsigned actri_pool_dispatch(actri_pool_t *pool, unsigned most, int64_t until_ns)
{
    if (!begin_dispatch(pool)) return 0;
    const actri_pool_t *outer = inside;
    inside = pool;
    unsigned left = most;
    actri_runnable_t *runnable;
    bool last = most == 0;
    while ((runnable = take_ready(pool, last)) != NULL) {
        unsigned turn = until_ns == ACTRI_NEVER && left > TURN_TASKS ? TURN_TASKS : until_ns == ACTRI_NEVER ? left : 1;
        unsigned budget = turn;
        bool more = runnable->run(runnable, &budget);
        left -= turn - budget;
        if (more) actri_pool_ready(pool, runnable);
        last = left == 0 || (until_ns != ACTRI_NEVER && actri_now_ns() >= until_ns);
    }
    inside = outer;
    return most - left;
}

bool actri_pool_is_alone(const actri_pool_t *pool)
{
    return inside == pool && (pool->loop || __atomic_load_n(&pool->thread_count, __ATOMIC_RELAXED) == 1);
}

bool actri_pool_needs_me(const actri_pool_t *pool)
{
    return actri_pool_is_alone(pool) || actri_pool_is_mine(pool);
}

/* Out of the list of what is ready; false: it is not there. */
static bool take_from_ready(actri_pool_t *pool, const actri_runnable_t *runnable)
{
    actri_lock(&pool->mutex);
    actri_link_t *at = pool->ready.next;
    while (at != &pool->ready && at != &runnable->link) at = at->next;
    bool found = at != &pool->ready;
    if (found) actri_list_remove(at);
    actri_unlock(&pool->mutex);
    return found;
}

bool actri_pool_run_out(actri_pool_t *pool, actri_runnable_t *runnable, int64_t deadline_ns)
{
    bool more = true;
    while (more && actri_now_ns() < deadline_ns) {
        unsigned budget = TURN_TASKS;
        if (!take_from_ready(pool, runnable)) return false;
        more = runnable->run(runnable, &budget);
        if (more) actri_pool_ready(pool, runnable);
    }
    return !more;
}

void actri_pool_poke(actri_pool_t *pool)
{
    if (pool == NULL || !pool->loop) return;
    actri_lock(&pool->mutex);
    pool->poked = true;
    signal_loop(pool);
    actri_unlock(&pool->mutex);
}

static int poll_ms(int64_t deadline_ns)
{
    if (deadline_ns == ACTRI_NEVER) return -1;
    int64_t left = deadline_ns - actri_now_ns();
    if (left <= 0) return 0;
    left = (left + ACTRI_MS - 1) / ACTRI_MS;
    return left > 60000 ? 60000 : (int)left;
}

bool actri_pool_dispatch_until(actri_pool_t *pool, bool (*done)(void *), void *argument, int64_t deadline_ns)
{
    for (;;) {
        unsigned ran = actri_pool_dispatch(pool, TURN_TASKS, ACTRI_NEVER);
        if (done(argument)) return true;
        if (actri_now_ns() >= deadline_ns) return false;
        struct pollfd readable = {.fd = pool->fd, .events = POLLIN};
        if (ran == 0) (void)poll(&readable, 1, poll_ms(deadline_ns));
    }
}
