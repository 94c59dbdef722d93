/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "oom.h"
#include "port/clock.h"
#include "port/executor.h"
#include "port/thread.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define MANY 2000

typedef struct fixture {
    actri_pool_t *pool;
    actri_serial_t *serial;
} fixture_t;

static fixture_t begin(unsigned threads)
{
    fixture_t f = {NULL, NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_pool_new(NULL, threads, ACTRI_POOL_SHARED, &f.pool, &error), &error);
    assert_ok(actri_serial_new(f.pool, &f.serial, &error), &error);
    return f;
}

static void end(fixture_t *f)
{
    assert_true(actri_serial_wait_idle(f->serial, ACTRI_NEVER));
    actri_serial_free(f->serial);
    actri_pool_free(f->pool);
}

/* A task that holds its executor until it is let go: what is posted meanwhile waits. */
typedef struct gate_task {
    actri_task_t task;
    actri_mutex_t mutex;
    actri_cond_t changed;
    bool entered, open;
} gate_task_t;

static void run_gate(actri_task_t *task)
{
    gate_task_t *gate = ACTRI_CONTAINER(task, gate_task_t, task);
    actri_lock(&gate->mutex);
    gate->entered = true;
    actri_cond_broadcast(&gate->changed);
    while (!gate->open) (void)actri_cond_wait(&gate->changed, &gate->mutex, ACTRI_NEVER);
    actri_unlock(&gate->mutex);
}

static void gate_hold(gate_task_t *gate, actri_serial_t *serial)
{
    memset(gate, 0, sizeof *gate);
    gate->task.run = run_gate;
    actri_mutex_init(&gate->mutex);
    actri_cond_init(&gate->changed);
    actri_serial_post(serial, &gate->task, false);
    actri_lock(&gate->mutex);
    while (!gate->entered) (void)actri_cond_wait(&gate->changed, &gate->mutex, ACTRI_NEVER);
    actri_unlock(&gate->mutex);
}

static void gate_open(gate_task_t *gate)
{
    actri_lock(&gate->mutex);
    gate->open = true;
    actri_cond_broadcast(&gate->changed);
    actri_unlock(&gate->mutex);
}

static void gate_free(gate_task_t *gate)
{
    actri_cond_destroy(&gate->changed);
    actri_mutex_destroy(&gate->mutex);
}

typedef struct numbered {
    actri_task_t task;
    int number;
    int *log, *log_count; /* touched by turns of one executor only: without lock */
} numbered_t;

static void run_numbered(actri_task_t *task)
{
    numbered_t *numbered = ACTRI_CONTAINER(task, numbered_t, task);
    numbered->log[(*numbered->log_count)++] = numbered->number;
}

static numbered_t *number_tasks(int count, int first, int *log, int *log_count)
{
    numbered_t *tasks = calloc((size_t)count, sizeof *tasks);
    assert_non_null(tasks);
    for (int i = 0; i < count; i++) {
        tasks[i] = (numbered_t){.number = first + i, .log = log, .log_count = log_count};
        tasks[i].task.run = run_numbered;
    }
    return tasks;
}

static void tasks_run_in_order(void **state)
{
    (void)state;
    fixture_t f = begin(3);
    static int log[MANY];
    int count = 0;
    numbered_t *tasks = number_tasks(MANY, 0, log, &count);
    for (int i = 0; i < MANY; i++) actri_serial_post(f.serial, &tasks[i].task, false);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_int_equal(count, MANY);
    for (int i = 0; i < MANY; i++) assert_int_equal(log[i], i);
    end(&f);
    free(tasks);
}

static void eight_high_tasks_then_a_normal_one(void **state)
{
    (void)state;
    fixture_t f = begin(1);
    gate_task_t gate;
    int log[40], count = 0;
    numbered_t *high = number_tasks(20, 100, log, &count), *normal = number_tasks(4, 0, log, &count);
    gate_hold(&gate, f.serial);
    for (int i = 0; i < 4; i++) actri_serial_post(f.serial, &normal[i].task, false);
    for (int i = 0; i < 20; i++) actri_serial_post(f.serial, &high[i].task, true);
    gate_open(&gate);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_int_equal(count, 24);
    int next_high = 100, next_normal = 0;
    for (int i = 0; i < 24; i++) {
        bool normals_turn = i == 8 || i == 17 || i >= 22; /* 8 high, 1, 8 high, 1, 4 high, the rest */
        assert_int_equal(log[i], normals_turn ? next_normal++ : next_high++);
    }
    end(&f);
    gate_free(&gate);
    free(high);
    free(normal);
}

static void a_posted_list_keeps_its_order(void **state)
{
    (void)state;
    fixture_t f = begin(2);
    int log[10], count = 0;
    numbered_t *tasks = number_tasks(10, 0, log, &count);
    actri_link_t list;
    actri_list_init(&list);
    actri_serial_post_list(f.serial, &list, false); /* nothing */
    for (int i = 0; i < 10; i++) actri_list_append(&list, &tasks[i].task.link);
    actri_serial_post_list(f.serial, &list, true);
    assert_true(actri_list_empty(&list));
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    for (int i = 0; i < 10; i++) assert_int_equal(log[i], i);
    end(&f);
    free(tasks);
}

typedef struct producer {
    actri_thread_t thread;
    actri_serial_t *serial;
    numbered_t *tasks;
} producer_t;

static void produce(void *argument)
{
    producer_t *producer = argument;
    for (int i = 0; i < MANY; i++) actri_serial_post(producer->serial, &producer->tasks[i].task, i % 10 == 0);
}

/* Nothing is lost, nothing runs twice, no two at once (the log has no lock: TSan would see), each producer's tasks of
   one priority stay in order. */
static void many_producers_lose_nothing(void **state)
{
    (void)state;
    enum { PRODUCERS = 4 };
    fixture_t f = begin(3);
    static int log[PRODUCERS * MANY];
    int count = 0;
    producer_t producers[PRODUCERS];
    actr_error_t error = ACTR_ERROR_INIT;
    for (int p = 0; p < PRODUCERS; p++) {
        producers[p] = (producer_t){.serial = f.serial, .tasks = number_tasks(MANY, p * MANY, log, &count)};
        assert_ok(actri_thread_start(&producers[p].thread, "producer", produce, &producers[p], &error), &error);
    }
    for (int p = 0; p < PRODUCERS; p++) actri_thread_join(&producers[p].thread);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_int_equal(count, PRODUCERS * MANY);
    int last[PRODUCERS][2];
    memset(last, -1, sizeof last);
    for (int i = 0; i < count; i++) {
        int producer = log[i] / MANY, number = log[i] % MANY, high = number % 10 == 0;
        assert_true(number > last[producer][high]);
        last[producer][high] = number;
    }
    end(&f);
    for (int p = 0; p < PRODUCERS; p++) free(producers[p].tasks);
}

/* A task that posts itself anew, until told to stop. */
typedef struct busy {
    actri_task_t task;
    actri_serial_t *serial;
    unsigned turns; /* atomic */
    bool *stop;     /* atomic */
} busy_t;

static void run_busy(actri_task_t *task)
{
    busy_t *busy = ACTRI_CONTAINER(task, busy_t, task);
    (void)__atomic_add_fetch(&busy->turns, 1, __ATOMIC_RELAXED);
    if (!__atomic_load_n(busy->stop, __ATOMIC_RELAXED)) actri_serial_post(busy->serial, &busy->task, false);
}

/* Executors that never run dry share one thread: each must get turns while the others are busy. */
static void busy_executors_share_one_thread(void **state)
{
    (void)state;
    enum { SERIALS = 5 };
    fixture_t f = begin(1);
    busy_t busy[SERIALS];
    bool stop = false;
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 0; i < SERIALS; i++) {
        busy[i] = (busy_t){.task.run = run_busy, .stop = &stop};
        assert_ok(actri_serial_new(f.pool, &busy[i].serial, &error), &error);
        actri_serial_post(busy[i].serial, &busy[i].task, false);
    }
    for (int i = 0; i < SERIALS;) { /* the test runner's limit ends this if one starves */
        if (__atomic_load_n(&busy[i].turns, __ATOMIC_RELAXED) > 1000) i++;
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < SERIALS; i++) {
        assert_true(actri_serial_wait_idle(busy[i].serial, ACTRI_NEVER));
        actri_serial_free(busy[i].serial);
    }
    end(&f);
}

typedef struct asker {
    actri_task_t task;
    actri_serial_t *own, *other;
    bool own_is_current, other_is_current;
} asker_t;

static void run_asker(actri_task_t *task)
{
    asker_t *asker = ACTRI_CONTAINER(task, asker_t, task);
    asker->own_is_current = actri_serial_is_current(asker->own);
    asker->other_is_current = actri_serial_is_current(asker->other);
}

static void a_turn_knows_its_executor(void **state)
{
    (void)state;
    fixture_t f = begin(1);
    actri_serial_t *other = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_serial_new(f.pool, &other, &error), &error);
    asker_t asker = {.task.run = run_asker, .own = f.serial, .other = other, .other_is_current = true};
    actri_serial_post(f.serial, &asker.task, false);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_true(asker.own_is_current);
    assert_false(asker.other_is_current);
    assert_false(actri_serial_is_current(f.serial));
    actri_serial_free(other);
    end(&f);
}

typedef struct waiter {
    actri_thread_t thread;
    actri_serial_t *serial;
    bool idle;
} waiter_t;

static void wait_for_ever(void *argument)
{
    waiter_t *waiter = argument;
    waiter->idle = actri_serial_wait_idle(waiter->serial, ACTRI_NEVER);
}

static void waiting_ends_at_the_deadline_or_when_idle(void **state)
{
    (void)state;
    fixture_t f = begin(1);
    gate_task_t gate;
    assert_true(actri_serial_wait_idle(f.serial, 0)); /* idle from the beginning */
    gate_hold(&gate, f.serial);
    assert_false(actri_serial_wait_idle(f.serial, 0));
    assert_false(actri_serial_wait_idle(f.serial, actri_now_ns() + ACTRI_MS));
    waiter_t waiter = {.serial = f.serial};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_thread_start(&waiter.thread, "waiter", wait_for_ever, &waiter, &error), &error);
    /* a second waiter that gives up must not take the wake-up from the first */
    for (int i = 0; i < 20; i++) assert_false(actri_serial_wait_idle(f.serial, actri_now_ns() + ACTRI_MS));
    gate_open(&gate);
    actri_thread_join(&waiter.thread);
    assert_true(waiter.idle);
    end(&f);
    gate_free(&gate);
}

/* ---- on the caller's thread ---- */

typedef struct here {
    actri_task_t task;
    pthread_t thread;
    bool ran;
} here_t;

static void run_in_place(actri_task_t *task)
{
    here_t *here = ACTRI_CONTAINER(task, here_t, task);
    here->thread = pthread_self();
    here->ran = true;
}

static void an_idle_executor_runs_on_the_callers_thread(void **state)
{
    (void)state;
    fixture_t f = begin(1);
    gate_task_t gate;
    here_t here = {.task.run = run_in_place};
    assert_true(actri_serial_run_here(f.serial, &here.task));
    assert_true(here.ran && pthread_equal(here.thread, pthread_self()));
    assert_int_equal(actri_serial_wakeups(f.serial), 0);
    gate_hold(&gate, f.serial);
    here.ran = false;
    assert_false(actri_serial_run_here(f.serial, &here.task));
    assert_false(here.ran);
    gate_open(&gate);
    end(&f);
    gate_free(&gate);
}

/* Runs several times in a row. */
typedef struct again {
    actri_task_t task;
    actri_serial_t *serial;
    int *log, *count, left;
} again_t;

static void run_again(actri_task_t *task)
{
    again_t *again = ACTRI_CONTAINER(task, again_t, task);
    again->log[(*again->count)++] = -again->left;
    if (--again->left > 0) actri_serial_again(again->serial, task);
}

static void once_more_is_before_all_that_waits_but_the_urgent(void **state)
{
    (void)state;
    fixture_t f = begin(1);
    gate_task_t gate;
    int log[5], count = 0;
    numbered_t *tasks = number_tasks(2, 0, log, &count);
    again_t again = {.serial = f.serial, .log = log, .count = &count, .left = 3};
    again.task.run = run_again;
    gate_hold(&gate, f.serial);
    actri_serial_post(f.serial, &again.task, false);
    actri_serial_post(f.serial, &tasks[0].task, false);
    actri_serial_post(f.serial, &tasks[1].task, true);
    gate_open(&gate);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    const int expected[5] = {1, -3, -2, -1, 0};
    assert_int_equal(count, 5);
    assert_memory_equal(log, expected, sizeof expected);
    end(&f);
    gate_free(&gate);
    free(tasks);
}

static void a_batch_wakes_once(void **state)
{
    (void)state;
    fixture_t f = begin(2);
    gate_task_t gate;
    static int log[MANY];
    int count = 0;
    numbered_t *tasks = number_tasks(MANY, 0, log, &count);
    gate_hold(&gate, f.serial);
    for (int i = 0; i < MANY; i++) actri_serial_post(f.serial, &tasks[i].task, i % 2 == 0);
    assert_int_equal(actri_serial_wakeups(f.serial), 1);
    gate_open(&gate);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_int_equal(count, MANY);
    assert_int_equal(actri_serial_wakeups(f.serial), 1);
    end(&f);
    gate_free(&gate);
    free(tasks);
}

static void a_pinned_pool_runs_all_on_its_thread(void **state)
{
    (void)state;
    fixture_t f = {NULL, NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    here_t first = {.task.run = run_in_place}, second = {.task.run = run_in_place};
    assert_ok(actri_pool_new(NULL, 1, ACTRI_POOL_PINNED, &f.pool, &error), &error);
    assert_ok(actri_serial_new(f.pool, &f.serial, &error), &error);
    assert_false(actri_serial_run_here(f.serial, &first.task));
    actri_serial_post(f.serial, &first.task, false);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    actri_serial_post(f.serial, &second.task, false);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_true(pthread_equal(first.thread, second.thread));
    assert_false(pthread_equal(first.thread, pthread_self()));
    end(&f);
}

/* What one task finds out about waiting on its pool. */
typedef struct waiting {
    actri_task_t task;
    fixture_t *f;
    actri_serial_t *other;
    numbered_t *tasks; /* for other */
    int *count;
    bool needed, ended, own_ended;
    int ran; /* of tasks, by the time that the wait was over */
} waiting_t;

static void run_waiting(actri_task_t *task)
{
    waiting_t *waiting = ACTRI_CONTAINER(task, waiting_t, task);
    waiting->needed = actri_pool_needs_me(waiting->f->pool);
    for (int i = 0; i < 100; i++) actri_serial_post(waiting->other, &waiting->tasks[i].task, false);
    waiting->ended = actri_serial_wait_idle(waiting->other, ACTRI_NEVER);
    waiting->ran = *waiting->count;
    waiting->own_ended = actri_serial_wait_idle(waiting->f->serial, actri_now_ns() + ACTRI_MS);
}

/* The only thread of a pool runs what it would else wait for in vain; several threads wait for each other. */
static void a_wait_on_the_only_thread_runs_what_it_waits_for(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        fixture_t f = begin(threads);
        actr_error_t error = ACTR_ERROR_INIT;
        int log[100], count = 0;
        numbered_t *tasks = number_tasks(100, 0, log, &count);
        waiting_t waiting = {.task.run = run_waiting, .f = &f, .tasks = tasks, .count = &count};
        assert_ok(actri_serial_new(f.pool, &waiting.other, &error), &error);
        assert_false(actri_pool_needs_me(f.pool));
        actri_serial_post(f.serial, &waiting.task, false);
        assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
        assert_int_equal(waiting.needed, threads == 1);
        assert_true(waiting.ended);
        assert_int_equal(waiting.ran, 100);
        assert_false(waiting.own_ended); /* it runs, and so is not idle: no wait helps */
        for (int i = 0; i < 100; i++) assert_int_equal(log[i], i);
        actri_serial_free(waiting.other);
        free(tasks);
        end(&f);
    }
}

/* ---- keys ---- */

typedef struct keyed_item {
    actri_task_t task;
    uint64_t name; /* what key_of says */
    int number;
} keyed_item_t;

typedef struct keyed_log {
    actri_mutex_t mutex;
    int last[8]; /* of each key */
    unsigned done, inside, most, inside_key[8];
    bool wrong;
} keyed_log_t;

static keyed_log_t keyed_log;

static uint64_t key_of(actri_task_t *task, void *user)
{
    assert_ptr_equal(user, &keyed_log);
    return ACTRI_CONTAINER(task, keyed_item_t, task)->name;
}

static void run_keyed_item(actri_task_t *task)
{
    keyed_item_t *item = ACTRI_CONTAINER(task, keyed_item_t, task);
    keyed_log_t *l = &keyed_log;
    actri_lock(&l->mutex);
    if (l->inside_key[item->name]++ > 0 || item->number <= l->last[item->name]) l->wrong = true;
    if (item->name == 0 ? l->inside > 0 : l->inside_key[0] > 0) l->wrong = true;
    l->last[item->name] = item->number;
    l->inside++;
    if (l->inside > l->most) l->most = l->inside;
    actri_unlock(&l->mutex);
    actri_lock(&l->mutex);
    l->inside--;
    l->inside_key[item->name]--;
    l->done++;
    actri_unlock(&l->mutex);
}

static fixture_t begin_keyed(unsigned threads, unsigned workers)
{
    fixture_t f = {NULL, NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    actri_keyed_options_t options = {.workers = workers, .key_of = key_of, .user = &keyed_log};
    memset(&keyed_log, 0, sizeof keyed_log);
    memset(keyed_log.last, -1, sizeof keyed_log.last);
    actri_mutex_init(&keyed_log.mutex);
    assert_ok(actri_pool_new(NULL, threads, ACTRI_POOL_SHARED, &f.pool, &error), &error);
    assert_ok(actri_serial_new_keyed(f.pool, &options, &f.serial, &error), &error);
    return f;
}

typedef struct keyed_producer {
    actri_thread_t thread;
    actri_serial_t *serial;
    keyed_item_t items[MANY];
} keyed_producer_t;

static void produce_keyed(void *argument)
{
    keyed_producer_t *producer = argument;
    for (int i = 0; i < MANY; i++) {
        if (!actri_serial_run_here(producer->serial, &producer->items[i].task))
            actri_serial_post(producer->serial, &producer->items[i].task, false);
    }
}

/* One producer for each key, and one without. */
static void keys_run_in_parallel_and_in_order(void **state)
{
    (void)state;
    enum { PRODUCERS = 5 };
    fixture_t f = begin_keyed(2, 3);
    static keyed_producer_t producers[PRODUCERS];
    actr_error_t error = ACTR_ERROR_INIT;
    for (int p = 0; p < PRODUCERS; p++) {
        producers[p].serial = f.serial;
        for (int i = 0; i < MANY; i++) producers[p].items[i] = (keyed_item_t){{.run = run_keyed_item}, (uint64_t)p, i};
        assert_ok(actri_thread_start(&producers[p].thread, "producer", produce_keyed, &producers[p], &error), &error);
    }
    for (int p = 0; p < PRODUCERS; p++) actri_thread_join(&producers[p].thread);
    assert_true(actri_serial_wait_idle(f.serial, ACTRI_NEVER));
    assert_int_equal(keyed_log.done, PRODUCERS * MANY);
    assert_false(keyed_log.wrong);
    assert_true(keyed_log.most <= 3);
    end(&f);
    actri_mutex_destroy(&keyed_log.mutex);
}

typedef struct keyed_gate {
    gate_task_t gate;
    uint64_t key;
} keyed_gate_t;

static uint64_t gate_key(actri_task_t *task, void *user)
{
    (void)user;
    return ACTRI_CONTAINER(ACTRI_CONTAINER(task, gate_task_t, task), keyed_gate_t, gate)->key;
}

/* A key that waits holds up no other: three are inside at once. */
static void a_key_that_waits_holds_up_no_other(void **state)
{
    (void)state;
    fixture_t f = {NULL, NULL};
    keyed_gate_t gates[3];
    actr_error_t error = ACTR_ERROR_INIT;
    actri_keyed_options_t options = {.workers = 3, .key_of = gate_key};
    assert_ok(actri_pool_new(NULL, 1, ACTRI_POOL_SHARED, &f.pool, &error), &error);
    assert_ok(actri_serial_new_keyed(f.pool, &options, &f.serial, &error), &error);
    for (unsigned i = 0; i < 3; i++) {
        gates[i].key = i + 1;
        gate_hold(&gates[i].gate, f.serial); /* returns once it is inside */
    }
    assert_false(actri_serial_wait_idle(f.serial, 0));
    for (unsigned i = 0; i < 3; i++) gate_open(&gates[i].gate);
    end(&f);
    for (unsigned i = 0; i < 3; i++) gate_free(&gates[i].gate);
}

/* ---- a foreign loop ---- */

static bool is_readable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static bool ten_are_done(void *count)
{
    return *(int *)count == 10;
}

static void a_loops_turns_run_inside_dispatch(void **state)
{
    (void)state;
    fixture_t f = {NULL, NULL};
    actr_error_t error = ACTR_ERROR_INIT;
    int log[10], count = 0;
    numbered_t *tasks = number_tasks(10, 0, log, &count);
    assert_ok(actri_pool_new_for_loop(NULL, &f.pool, &error), &error);
    assert_ok(actri_serial_new(f.pool, &f.serial, &error), &error);
    assert_true(actri_pool_is_loop(f.pool));
    assert_status(ACTR_STATUS_INVALID_STATE, actri_pool_grow(f.pool, 1, &error));
    int fd = actri_pool_fd(f.pool);
    assert_false(is_readable(fd));
    assert_int_equal(actri_pool_dispatch(f.pool, 5, ACTRI_NEVER), 0);
    for (int i = 0; i < 8; i++) actri_serial_post(f.serial, &tasks[i].task, false);
    assert_true(is_readable(fd));
    assert_int_equal(count, 0);
    assert_int_equal(actri_pool_dispatch(f.pool, 3, ACTRI_NEVER), 3);
    assert_int_equal(count, 3);
    assert_true(is_readable(fd));
    assert_int_equal(actri_pool_dispatch(f.pool, 100, 0), 1); /* its time was up before it began: one all the same */
    assert_true(is_readable(fd));
    assert_int_equal(actri_pool_dispatch(f.pool, 100, ACTRI_NEVER), 4);
    assert_false(is_readable(fd));
    assert_true(actri_pool_is_mine(f.pool));
    assert_false(actri_pool_dispatch_until(f.pool, ten_are_done, &count, actri_now_ns() + ACTRI_MS));
    for (int i = 8; i < 10; i++) actri_serial_post(f.serial, &tasks[i].task, false);
    assert_true(actri_pool_dispatch_until(f.pool, ten_are_done, &count, ACTRI_NEVER));
    actri_pool_poke(f.pool);
    assert_true(is_readable(fd));
    assert_int_equal(actri_pool_dispatch(f.pool, 1, ACTRI_NEVER), 0);
    assert_false(is_readable(fd));
    end(&f);
    free(tasks);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    actri_pool_free(NULL);
    actri_serial_free(NULL);
    OOM_EACH(oom)
    {
        actri_pool_t *pool = NULL;
        actri_serial_t *serial = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_pool_new(&oom.env, 2, ACTRI_POOL_SHARED, &pool, &error);
        if (status == ACTR_OK) status = actri_serial_new(pool, &serial, &error);
        assert_status(oom.failed ? ACTR_STATUS_NO_MEMORY : ACTR_OK, status);
        actri_serial_free(serial);
        actri_pool_free(pool);
    }
    OOM_EACH(oom)
    {
        actri_pool_t *pool = NULL;
        actri_serial_t *serial = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        actri_keyed_options_t options = {.workers = 4, .key_of = key_of};
        actr_status_t status = actri_pool_new(&oom.env, 1, ACTRI_POOL_SHARED, &pool, &error);
        if (status == ACTR_OK) status = actri_serial_new_keyed(pool, &options, &serial, &error);
        assert_status(oom.failed ? ACTR_STATUS_NO_MEMORY : ACTR_OK, status);
        actri_serial_free(serial);
        actri_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_order),
        cmocka_unit_test(eight_high_tasks_then_a_normal_one),
        cmocka_unit_test(a_posted_list_keeps_its_order),
        cmocka_unit_test(many_producers_lose_nothing),
        cmocka_unit_test(busy_executors_share_one_thread),
        cmocka_unit_test(a_turn_knows_its_executor),
        cmocka_unit_test(waiting_ends_at_the_deadline_or_when_idle),
        cmocka_unit_test(an_idle_executor_runs_on_the_callers_thread),
        cmocka_unit_test(a_batch_wakes_once),
        cmocka_unit_test(once_more_is_before_all_that_waits_but_the_urgent),
        cmocka_unit_test(a_pinned_pool_runs_all_on_its_thread),
        cmocka_unit_test(a_wait_on_the_only_thread_runs_what_it_waits_for),
        cmocka_unit_test(keys_run_in_parallel_and_in_order),
        cmocka_unit_test(a_key_that_waits_holds_up_no_other),
        cmocka_unit_test(a_loops_turns_run_inside_dispatch),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
