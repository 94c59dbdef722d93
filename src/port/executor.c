/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial executors. What is posted goes on a stack, newest first, with one compare-and-swap; whoever runs the executor
 * takes all of it at once, turns it around and sorts it by priority. The stack's top also says whether anybody runs it:
 * who puts something on the mark `idle` has to ask for a thread, nobody else: one wake-up for a batch. The mutex is
 * only for going idle, and for those who wait for that.
 *
 * A keyed executor is run by several threads: its queues are under its mutex, and which task may start is for turns.c
 * to say.
 */
#include "port/executor.h"

#include "port/clock.h"
#include "port/pool.h"
#include "port/turns.h"

#define LOOK_EVERY 8 /* tasks between two looks at a stack that says of nothing urgent */

typedef struct keyed {
    actri_keyed_options_t o;
    actri_turns_t turns;
    actri_link_t fresh; /* posted, its keys not known */
    bool reading;       /* a thread finds out keys */
    bool asked;         /* a thread has been asked for and has not come */
} keyed_t;

struct actri_serial {
    actri_runnable_t runnable;
    actri_pool_t *pool;
    actri_mutex_t mutex;
    actri_cond_t idle;
    unsigned waiters;
    uint64_t wakeups; /* atomic */
    const void *owner;
    keyed_t *keyed; /* NULL: one at a time */
    /* each on cache lines of its own: what posters write, what the runner does */
    char apart[64];
    actri_link_t *posted; /* atomic */
    bool urgent;          /* atomic: a high one may be among them */
    char apart2[64];
    actri_queue_t queue;
};

static actri_link_t idle_mark;
static _Thread_local const actri_serial_t *current;

static void ask(actri_serial_t *serial)
{
    (void)__atomic_add_fetch(&serial->wakeups, 1, __ATOMIC_RELAXED);
    actri_pool_ready(serial->pool, &serial->runnable);
}

static void run_as_current(actri_serial_t *serial, actri_task_t *task)
{
    const actri_serial_t *outer = current;
    current = serial;
    task->run(task);
    current = outer;
}

/* ---- one at a time ---- */

/* newest to oldest are linked by next. */
static void push(actri_serial_t *serial, actri_link_t *newest, actri_link_t *oldest, bool high)
{
    if (high) __atomic_store_n(&serial->urgent, true, __ATOMIC_RELAXED);
    actri_link_t *top = __atomic_load_n(&serial->posted, __ATOMIC_RELAXED);
    do {
        oldest->next = top == &idle_mark ? NULL : top;
    } while (!__atomic_compare_exchange_n(&serial->posted, &top, newest, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (top == &idle_mark) ask(serial);
}

/* Takes what was posted; the runner's. */
static void take_posted(actri_serial_t *serial)
{
    actri_link_t *newest = __atomic_exchange_n(&serial->posted, NULL, __ATOMIC_ACQ_REL), *oldest_first = NULL;
    while (newest != NULL) {
        actri_link_t *older = newest->next;
        newest->next = oldest_first;
        oldest_first = newest;
        newest = older;
    }
    while (oldest_first != NULL) {
        actri_link_t *next = oldest_first->next;
        actri_queue_add(&serial->queue, ACTRI_CONTAINER(oldest_first, actri_task_t, link));
        oldest_first = next;
    }
}

static bool has_posted(const actri_serial_t *serial)
{
    return __atomic_load_n(&serial->posted, __ATOMIC_RELAXED) != NULL;
}

/* True: the executor is idle, and not this thread's any more. */
static bool go_idle(actri_serial_t *serial)
{
    actri_link_t *nothing = NULL;
    actri_lock(&serial->mutex);
    bool done =
        __atomic_compare_exchange_n(&serial->posted, &nothing, &idle_mark, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (done && serial->waiters > 0) actri_cond_broadcast(&serial->idle);
    actri_unlock(&serial->mutex);
    return done;
}

/* What comes next was written by another thread, and is likely to be far away. */
static void fetch_ahead(const actri_link_t *link)
{
    __builtin_prefetch(link);
    __builtin_prefetch((const char *)link + 64);
    __builtin_prefetch((const char *)link + 128);
    __builtin_prefetch((const char *)link + 192);
}

static bool run_serial(actri_runnable_t *runnable, unsigned *budget)
{
    actri_serial_t *serial = ACTRI_CONTAINER(runnable, actri_serial_t, runnable);
    const actri_serial_t *outer = current;
    current = serial;
    bool more = true;
    while (*budget > 0 && more) {
        bool look = *budget % LOOK_EVERY == 0 && has_posted(serial);
        if (__atomic_load_n(&serial->urgent, __ATOMIC_RELAXED)) {
            __atomic_store_n(&serial->urgent, false, __ATOMIC_RELAXED);
            look = true;
        }
        if (look) take_posted(serial);
        actri_task_t *task = actri_queue_take(&serial->queue);
        if (task == NULL && has_posted(serial)) {
            take_posted(serial);
            task = actri_queue_take(&serial->queue);
        }
        if (task != NULL) {
            (*budget)--;
            fetch_ahead(serial->queue.normal.next);
            task->run(task);
        } else {
            more = !go_idle(serial);
        }
    }
    current = outer;
    return more;
}

/* ---- keyed ---- */

static bool fresh_waits(const keyed_t *keyed)
{
    return !keyed->reading && !actri_list_empty(&keyed->fresh);
}

/* Asks for one more thread, when it may find something to do. Under the mutex. */
static bool want_thread(keyed_t *keyed)
{
    if (keyed->asked || keyed->turns.alone || keyed->turns.running >= keyed->turns.workers) return false;
    if (!fresh_waits(keyed) && !actri_turns_may_start(&keyed->turns)) return false;
    keyed->asked = true;
    return true;
}

static bool keyed_is_idle(const keyed_t *keyed)
{
    return !keyed->asked && !keyed->reading && actri_list_empty(&keyed->fresh) && actri_turns_empty(&keyed->turns);
}

/* Finds out the keys of what is fresh, outside the mutex: it is the user's code. */
static void read_keys(actri_serial_t *serial)
{
    keyed_t *keyed = serial->keyed;
    actri_link_t batch, *link;
    if (keyed->reading || actri_list_empty(&keyed->fresh)) return;
    actri_list_init(&batch);
    actri_list_splice(&batch, &keyed->fresh);
    keyed->reading = true;
    actri_unlock(&serial->mutex);
    for (link = batch.next; link != &batch; link = link->next) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->key = keyed->o.key_of(task, keyed->o.user);
    }
    actri_lock(&serial->mutex);
    while ((link = actri_list_take(&batch)) != NULL) {
        actri_turns_add(&keyed->turns, ACTRI_CONTAINER(link, actri_task_t, link));
    }
    keyed->reading = false;
}

static void post_keyed(actri_serial_t *serial, actri_link_t *tasks)
{
    actri_lock(&serial->mutex);
    actri_list_splice(&serial->keyed->fresh, tasks);
    bool wanted = want_thread(serial->keyed);
    actri_unlock(&serial->mutex);
    if (wanted) ask(serial);
}

/* Under the mutex before and after. */
static void run_keyed_task(actri_serial_t *serial, actri_task_t *task)
{
    uint64_t key = task->key;
    bool wanted = want_thread(serial->keyed);
    actri_unlock(&serial->mutex);
    if (wanted) ask(serial);
    run_as_current(serial, task);
    actri_lock(&serial->mutex);
    actri_turns_end(&serial->keyed->turns, key);
}

/* Another thread is asked for whenever this one leaves something behind that may start. */
static bool run_keyed(actri_runnable_t *runnable, unsigned *budget)
{
    actri_serial_t *serial = ACTRI_CONTAINER(runnable, actri_serial_t, runnable);
    keyed_t *keyed = serial->keyed;
    actri_lock(&serial->mutex);
    keyed->asked = false;
    while (*budget > 0) {
        read_keys(serial);
        actri_task_t *task = actri_turns_next(&keyed->turns);
        if (task != NULL) {
            (*budget)--;
            run_keyed_task(serial, task);
        } else if (!fresh_waits(keyed)) {
            break; /* what waits is for those that run to look for */
        }
    }
    bool more = *budget == 0 && want_thread(keyed);
    if (keyed_is_idle(keyed) && serial->waiters > 0) actri_cond_broadcast(&serial->idle);
    actri_unlock(&serial->mutex);
    return more;
}

static bool run_keyed_here(actri_serial_t *serial, actri_task_t *task)
{
    keyed_t *keyed = serial->keyed;
    actri_lock(&serial->mutex);
    bool idle = keyed_is_idle(keyed);
    if (idle) {
        task->high = false;
        actri_link_t one;
        actri_list_init(&one);
        actri_list_append(&one, &task->link);
        actri_list_splice(&keyed->fresh, &one);
        read_keys(serial);
        bool first = actri_turns_next(&keyed->turns) == task;
        (void)first; /* the executor was idle, and what came since stands behind it */
        run_keyed_task(serial, task);
    }
    bool wanted = idle && want_thread(keyed);
    if (keyed_is_idle(keyed) && serial->waiters > 0) actri_cond_broadcast(&serial->idle);
    actri_unlock(&serial->mutex);
    if (wanted) ask(serial);
    return idle;
}

/* ---- for everybody ---- */

void actri_serial_post_list(actri_serial_t *serial, actri_link_t *tasks, bool high)
{
    if (actri_list_empty(tasks)) return;
    for (actri_link_t *at = tasks->next; at != tasks; at = at->next)
        ACTRI_CONTAINER(at, actri_task_t, link)->high = high;
    if (serial->keyed != NULL) {
        post_keyed(serial, tasks);
        return;
    }
    actri_link_t *newest = tasks->prev, *oldest = tasks->next;
    for (actri_link_t *at = newest; at != oldest; at = at->next) at->next = at->prev;
    actri_list_init(tasks);
    push(serial, newest, oldest, high);
}

void actri_serial_set_weight(actri_serial_t *serial, uint32_t high_in_a_row)
{
    uint32_t weight = high_in_a_row != 0 ? high_in_a_row : ACTRI_HIGH_IN_A_ROW;
    serial->queue.high_in_a_row = weight;
    if (serial->keyed != NULL) serial->keyed->turns.queue.high_in_a_row = weight;
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    task->high = high;
    if (serial->keyed == NULL) {
        push(serial, &task->link, &task->link, high);
        return;
    }
    actri_link_t one;
    actri_list_init(&one);
    actri_list_append(&one, &task->link);
    post_keyed(serial, &one);
}

void actri_serial_again(actri_serial_t *serial, actri_task_t *task)
{
    task->high = false;
    actri_list_append(serial->queue.normal.next, &task->link); /* before the first */
}

bool actri_serial_run_here(actri_serial_t *serial, actri_task_t *task)
{
    if (!actri_pool_is_shared(serial->pool)) return false;
    if (serial->keyed != NULL) return run_keyed_here(serial, task);
    actri_link_t *mark = &idle_mark;
    if (!__atomic_compare_exchange_n(&serial->posted, &mark, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        return false;
    }
    run_as_current(serial, task);
    if (has_posted(serial) || !go_idle(serial)) ask(serial);
    return true;
}

bool actri_serial_is_current(const actri_serial_t *serial)
{
    return current == serial;
}

void actri_serial_set_owner(actri_serial_t *serial, const void *owner)
{
    serial->owner = owner;
}

const void *actri_serial_current_owner(void)
{
    return current == NULL ? NULL : current->owner;
}

actri_pool_t *actri_serial_pool(const actri_serial_t *serial)
{
    return serial->pool;
}

uint64_t actri_serial_wakeups(const actri_serial_t *serial)
{
    return __atomic_load_n(&serial->wakeups, __ATOMIC_RELAXED);
}

static bool is_idle(const actri_serial_t *serial)
{
    if (serial->keyed != NULL) return keyed_is_idle(serial->keyed);
    return __atomic_load_n(&serial->posted, __ATOMIC_ACQUIRE) == &idle_mark;
}

static bool dispatched_idle(void *argument)
{
    actri_serial_t *serial = argument;
    actri_lock(&serial->mutex);
    bool idle = is_idle(serial);
    actri_unlock(&serial->mutex);
    return idle;
}

bool actri_serial_wait_idle(actri_serial_t *serial, int64_t deadline_ns)
{
    bool in_time = true;
    if (dispatched_idle(serial)) return true;
    if (actri_pool_is_alone(serial->pool)) return actri_pool_run_out(serial->pool, &serial->runnable, deadline_ns);
    if (actri_pool_is_mine(serial->pool)) {
        return actri_pool_dispatch_until(serial->pool, dispatched_idle, serial, deadline_ns);
    }
    actri_lock(&serial->mutex);
    serial->waiters++;
    while (!is_idle(serial) && in_time) in_time = actri_cond_wait(&serial->idle, &serial->mutex, deadline_ns);
    bool idle = is_idle(serial);
    serial->waiters--;
    actri_unlock(&serial->mutex);
    return idle;
}

actr_status_t actri_serial_new(actri_pool_t *pool, actri_serial_t **out, actr_error_t *error)
{
    actri_serial_t *serial = actri_zalloc(actri_pool_env(pool), sizeof *serial);
    if (serial == NULL) return actri_no_memory(error);
    serial->pool = pool;
    serial->runnable.run = run_serial;
    serial->posted = &idle_mark;
    actri_mutex_init(&serial->mutex);
    actri_cond_init(&serial->idle);
    actri_queue_init(&serial->queue);
    *out = serial;
    return ACTR_OK;
}

actr_status_t actri_serial_new_keyed(actri_pool_t *pool, const actri_keyed_options_t *options, actri_serial_t **out,
                                     actr_error_t *error)
{
    actri_serial_t *serial = NULL;
    actr_status_t status = actri_serial_new(pool, &serial, error);
    if (status != ACTR_OK) return status;
    serial->keyed = actri_zalloc(actri_pool_env(pool), sizeof *serial->keyed);
    status = serial->keyed == NULL ? actri_no_memory(error) : actri_pool_grow(pool, options->workers, error);
    if (status != ACTR_OK) {
        actri_serial_free(serial);
        return status;
    }
    serial->runnable.run = run_keyed;
    serial->keyed->o = *options;
    actri_turns_init(&serial->keyed->turns, options->workers);
    actri_list_init(&serial->keyed->fresh);
    *out = serial;
    return ACTR_OK;
}

void actri_serial_free(actri_serial_t *serial)
{
    if (serial == NULL) return;
    const actri_env_t *env = actri_pool_env(serial->pool);
    actri_free(env, serial->keyed);
    actri_cond_destroy(&serial->idle);
    actri_mutex_destroy(&serial->mutex);
    actri_free(env, serial);
}
