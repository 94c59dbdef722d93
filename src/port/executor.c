/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex and one condition for the pool; each serial executor has its own two queues under its own
 * mutex, and is in the pool's ready list at most once. A turn takes up to TURN_TASKS tasks before it goes
 * to the end of the ready list, so that many nodes share few threads fairly.
 */
#include "port/executor.h"

#include "port/clock.h"
#include "port/thread.h"

#define TURN_TASKS 64
#define HIGH_IN_A_ROW 8
#define MAX_THREADS 64

struct actri_pool {
    const actri_env_t *env;
    actri_mutex_t mutex;
    actri_cond_t wake;
    actri_link_t ready; /* of actri_serial_t.link */
    unsigned idle;      /* threads that wait */
    bool stopping;
    unsigned thread_count;
    actri_thread_t threads[MAX_THREADS];
};

struct actri_serial {
    actri_link_t link; /* in the pool's ready list, under the pool's mutex */
    actri_pool_t *pool;
    actri_mutex_t mutex;
    actri_cond_t idle;
    actri_link_t high, normal;
    unsigned high_run; /* high tasks since the last normal one */
    bool scheduled;    /* in the ready list, or running */
    unsigned waiters;
};

static _Thread_local actri_serial_t *current;

static actri_task_t *next_task(actri_serial_t *serial)
{
    bool prefer_normal = serial->high_run >= HIGH_IN_A_ROW && !actri_list_empty(&serial->normal);
    actri_link_t *link = prefer_normal ? NULL : actri_list_take(&serial->high);
    if (link != NULL) {
        serial->high_run++;
    } else {
        serial->high_run = 0;
        link = actri_list_take(&serial->normal);
    }
    return link == NULL ? NULL : ACTRI_CONTAINER(link, actri_task_t, link);
}

static void make_ready(actri_serial_t *serial)
{
    actri_pool_t *pool = serial->pool;
    actri_lock(&pool->mutex);
    actri_list_append(&pool->ready, &serial->link);
    bool wake = pool->idle > 0;
    actri_unlock(&pool->mutex);
    if (wake) actri_cond_signal(&pool->wake);
}

/* Runs a turn; true when the executor has more to do. */
static bool run_turn(actri_serial_t *serial)
{
    current = serial;
    for (int i = 0; i < TURN_TASKS; i++) {
        actri_lock(&serial->mutex);
        actri_task_t *task = next_task(serial);
        if (task == NULL) {
            serial->scheduled = false;
            if (serial->waiters > 0) actri_cond_broadcast(&serial->idle);
            actri_unlock(&serial->mutex);
            current = NULL;
            return false;
        }
        actri_unlock(&serial->mutex);
        task->run(task);
    }
    current = NULL;
    return true;
}

static void run_thread(void *argument)
{
    actri_pool_t *pool = argument;
    actri_lock(&pool->mutex);
    for (;;) {
        actri_link_t *link = actri_list_take(&pool->ready);
        if (link == NULL) {
            if (pool->stopping) break;
            pool->idle++;
            (void)actri_cond_wait(&pool->wake, &pool->mutex, ACTRI_NEVER);
            pool->idle--;
            continue;
        }
        actri_unlock(&pool->mutex);
        actri_serial_t *serial = ACTRI_CONTAINER(link, actri_serial_t, link);
        bool more = run_turn(serial);
        actri_lock(&pool->mutex);
        if (more) actri_list_append(&pool->ready, &serial->link);
    }
    actri_unlock(&pool->mutex);
}

actr_status_t actri_pool_new(const actri_env_t *env, unsigned threads, actri_pool_t **out, actr_error_t *error)
{
    actri_pool_t *pool = actri_zalloc(env, sizeof *pool);
    if (pool == NULL) return actri_no_memory(error);
    pool->env = env;
    actri_mutex_init(&pool->mutex);
    actri_cond_init(&pool->wake);
    actri_list_init(&pool->ready);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    for (unsigned i = 0; i < threads; i++) {
        actr_status_t status = actri_thread_start(&pool->threads[i], "actr-exec", run_thread, pool, error);
        if (status != ACTR_OK) {
            actri_pool_free(pool);
            return status;
        }
        pool->thread_count++;
    }
    *out = pool;
    return ACTR_OK;
}

void actri_pool_free(actri_pool_t *pool)
{
    if (pool == NULL) return;
    actri_lock(&pool->mutex);
    pool->stopping = true;
    actri_cond_broadcast(&pool->wake);
    actri_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) actri_thread_join(&pool->threads[i]);
    actri_cond_destroy(&pool->wake);
    actri_mutex_destroy(&pool->mutex);
    actri_free(pool->env, pool);
}

actr_status_t actri_serial_new(actri_pool_t *pool, actri_serial_t **out, actr_error_t *error)
{
    actri_serial_t *serial = actri_zalloc(pool->env, sizeof *serial);
    if (serial == NULL) return actri_no_memory(error);
    serial->pool = pool;
    actri_list_init(&serial->link);
    actri_mutex_init(&serial->mutex);
    actri_cond_init(&serial->idle);
    actri_list_init(&serial->high);
    actri_list_init(&serial->normal);
    *out = serial;
    return ACTR_OK;
}

void actri_serial_post_list(actri_serial_t *serial, actri_link_t *tasks, bool high)
{
    if (actri_list_empty(tasks)) return;
    actri_lock(&serial->mutex);
    actri_list_splice(high ? &serial->high : &serial->normal, tasks);
    bool start = !serial->scheduled;
    serial->scheduled = true;
    actri_unlock(&serial->mutex);
    if (start) make_ready(serial);
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    actri_link_t one;
    actri_list_init(&one);
    actri_list_append(&one, &task->link);
    actri_serial_post_list(serial, &one, high);
}

bool actri_serial_is_current(const actri_serial_t *serial)
{
    return current == serial;
}

bool actri_serial_wait_idle(actri_serial_t *serial, int64_t deadline_ns)
{
    bool in_time = true;
    actri_lock(&serial->mutex);
    serial->waiters++;
    while (serial->scheduled && in_time) in_time = actri_cond_wait(&serial->idle, &serial->mutex, deadline_ns);
    bool idle = !serial->scheduled;
    serial->waiters--;
    actri_unlock(&serial->mutex);
    return idle;
}

void actri_serial_free(actri_serial_t *serial)
{
    if (serial == NULL) return;
    actri_cond_destroy(&serial->idle);
    actri_mutex_destroy(&serial->mutex);
    actri_free(serial->pool->env, serial);
}
