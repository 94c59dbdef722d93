/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire thread: epoll, one eventfd for the tasks that other threads post, a binary heap of timers. One for the
 * process; everything else runs on it.
 */
#include "wire/loop.h"

#include "port/clock.h"
#include "port/thread.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64
#define LONGEST_WAIT_MS 60000

struct actri_loop {
    actri_thread_t thread;
    unsigned refs; /* under global_mutex */

    actri_mutex_t mutex; /* guards posted and signalled */
    actri_link_t posted;
    bool signalled; /* the eventfd was written for what is in posted */
    bool stopping;
    int epoll_fd, wake_fd;

    struct epoll_event events[EVENTS]; /* [loop] of this turn */
    int event_count;
    actri_link_t turn_end; /* [loop] */
    actri_timer_t **heap;  /* [loop] from [1] */
    size_t timers, heap_capacity;
};

static pthread_mutex_t global_mutex = PTHREAD_MUTEX_INITIALIZER;
static actri_loop_t *the_loop;

/* ---- sockets ---- */

actr_status_t actri_loop_watch(actri_loop_t *loop, actri_watch_t *watch, actr_error_t *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0) return ACTR_OK;
    return actri_fail_errno(error, ACTR_STATUS_IO, errno, "a socket can not be watched");
}

void actri_loop_unwatch(actri_loop_t *loop, actri_watch_t *watch)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < loop->event_count; i++) { /* what this turn would still bring for it */
        if (loop->events[i].data.ptr == watch) loop->events[i].data.ptr = NULL;
    }
}

/* ---- timers ---- */

static void place(actri_loop_t *loop, actri_timer_t *timer, size_t index)
{
    loop->heap[index] = timer;
    timer->heap_index = index;
}

static void sift_up(actri_loop_t *loop, actri_timer_t *timer, size_t index)
{
    while (index > 1 && loop->heap[index / 2]->deadline_ns > timer->deadline_ns) {
        place(loop, loop->heap[index / 2], index);
        index /= 2;
    }
    place(loop, timer, index);
}

static void sift_down(actri_loop_t *loop, actri_timer_t *timer, size_t index)
{
    for (size_t child; (child = index * 2) <= loop->timers; index = child) {
        if (child < loop->timers && loop->heap[child + 1]->deadline_ns < loop->heap[child]->deadline_ns) child++;
        if (loop->heap[child]->deadline_ns >= timer->deadline_ns) break;
        place(loop, loop->heap[child], index);
    }
    place(loop, timer, index);
}

void actri_loop_timer_cancel(actri_loop_t *loop, actri_timer_t *timer)
{
    size_t index = timer->heap_index;
    if (index == 0) return;
    timer->heap_index = 0;
    actri_timer_t *last = loop->heap[loop->timers--];
    if (last != timer) {
        sift_down(loop, last, index);
        sift_up(loop, last, last->heap_index);
    }
}

static bool grow(actri_loop_t *loop)
{
    size_t capacity = loop->heap_capacity == 0 ? 64 : loop->heap_capacity * 2;
    actri_timer_t **heap = actri_realloc(NULL, loop->heap, capacity * sizeof(actri_timer_t *));
    if (heap == NULL) return false; /* the timer does not fire: whoever waits has a longer one */
    loop->heap = heap;
    loop->heap_capacity = capacity;
    return true;
}

void actri_loop_timer_set(actri_loop_t *loop, actri_timer_t *timer, int64_t deadline_ns)
{
    if (timer->heap_index != 0) actri_loop_timer_cancel(loop, timer);
    if (loop->timers + 1 >= loop->heap_capacity && !grow(loop)) return;
    timer->deadline_ns = deadline_ns;
    sift_up(loop, timer, ++loop->timers);
}

static void run_timers(actri_loop_t *loop)
{
    int64_t now = actri_now_ns();
    while (loop->timers > 0 && loop->heap[1]->deadline_ns <= now) {
        actri_timer_t *timer = loop->heap[1];
        actri_loop_timer_cancel(loop, timer);
        timer->fire(timer);
    }
}

/* Until the next timer, in whole milliseconds rounded up. */
static int wait_ms(const actri_loop_t *loop)
{
    if (loop->timers == 0) return LONGEST_WAIT_MS;
    int64_t left = loop->heap[1]->deadline_ns - actri_now_ns();
    if (left <= 0) return 0;
    int64_t ms = (left + ACTRI_MS - 1) / ACTRI_MS;
    return ms < LONGEST_WAIT_MS ? (int)ms : LONGEST_WAIT_MS;
}

/* ---- tasks ---- */

static void run_tasks(actri_loop_t *loop)
{
    uint64_t count;
    actri_link_t tasks, *link;
    actri_list_init(&tasks);
    if (read(loop->wake_fd, &count, sizeof count) < 0) count = 0;
    actri_lock(&loop->mutex);
    actri_list_splice(&tasks, &loop->posted);
    loop->signalled = false;
    actri_unlock(&loop->mutex);
    while ((link = actri_list_take(&tasks)) != NULL) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
    }
}

void actri_loop_post(actri_loop_t *loop, actri_task_t *task)
{
    actri_lock(&loop->mutex);
    actri_list_append(&loop->posted, &task->link);
    bool wake = !loop->signalled;
    loop->signalled = true;
    actri_unlock(&loop->mutex);
    uint64_t one = 1;
    if (wake && write(loop->wake_fd, &one, sizeof one) < 0) {
    } /* full counts as readable */
}

void actri_loop_at_turn_end(actri_loop_t *loop, actri_task_t *task)
{
    actri_list_append(&loop->turn_end, &task->link);
}

bool actri_loop_is_current(const actri_loop_t *loop)
{
    return actri_thread_is_self(&loop->thread);
}

/* ---- the thread ---- */

static void run_turn_end(actri_loop_t *loop)
{
    actri_link_t *link;
    while ((link = actri_list_take(&loop->turn_end)) != NULL) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
    }
}

static void run_events(actri_loop_t *loop)
{
    for (int i = 0; i < loop->event_count; i++) {
        actri_watch_t *watch = loop->events[i].data.ptr;
        if (watch != NULL) watch->ready(watch);
    }
    loop->event_count = 0;
}

/* The eventfd's watch is the loop itself, told from the others by its address. */
static bool take_wake_up(actri_loop_t *loop)
{
    bool woken = false;
    for (int i = 0; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr != loop) continue;
        loop->events[i].data.ptr = NULL;
        woken = true;
    }
    return woken;
}

static void run_loop(void *argument)
{
    actri_loop_t *loop = argument;
    while (!__atomic_load_n(&loop->stopping, __ATOMIC_ACQUIRE)) {
        int count = epoll_wait(loop->epoll_fd, loop->events, EVENTS, wait_ms(loop));
        loop->event_count = count > 0 ? count : 0;
        bool woken = take_wake_up(loop);
        run_events(loop);
        if (woken) run_tasks(loop);
        run_timers(loop);
        run_turn_end(loop);
    }
}

static void free_loop(actri_loop_t *loop)
{
    if (loop->wake_fd >= 0) (void)close(loop->wake_fd);
    if (loop->epoll_fd >= 0) (void)close(loop->epoll_fd);
    actri_free(NULL, loop->heap);
    actri_mutex_destroy(&loop->mutex);
    actri_free(NULL, loop);
}

static actr_status_t new_loop(actri_loop_t **out, actr_error_t *error)
{
    actri_loop_t *loop = actri_zalloc(NULL, sizeof *loop); /* of the process, so of no system's allocator */
    if (loop == NULL) return actri_no_memory(error);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};
    actri_mutex_init(&loop->mutex);
    actri_list_init(&loop->posted);
    actri_list_init(&loop->turn_end);
    loop->refs = 1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    actr_status_t status = ACTR_OK;
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
        status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "no file descriptor for the wire thread");
    }
    if (status == ACTR_OK) status = actri_thread_start(&loop->thread, "actr-wire", run_loop, loop, error);
    if (status != ACTR_OK) {
        free_loop(loop);
        return status;
    }
    *out = loop;
    return ACTR_OK;
}

actr_status_t actri_loop_acquire(actri_loop_t **out, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    actri_lock(&global_mutex);
    if (the_loop != NULL) {
        the_loop->refs++;
    } else {
        status = new_loop(&the_loop, error);
    }
    *out = the_loop;
    actri_unlock(&global_mutex);
    return status;
}

static void stop(actri_task_t *task)
{
    (void)task;
    __atomic_store_n(&the_loop->stopping, true, __ATOMIC_RELEASE); /* its last release holds global_mutex */
}

void actri_loop_release(actri_loop_t *loop)
{
    if (loop == NULL) return;
    actri_lock(&global_mutex);
    if (--loop->refs == 0) {
        actri_task_t task = {.run = stop};
        actri_loop_post(loop, &task);
        actri_thread_join(&loop->thread);
        the_loop = NULL;
        free_loop(loop);
    }
    actri_unlock(&global_mutex);
}
