/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire thread on a GLib main context, because libnice lives in one. Tasks come in through a list under a
 * mutex and one eventfd; timers are a binary heap behind one GSource.
 */
#include "wire/loop.h"

#include "port/clock.h"
#include "port/thread.h"

#include "wire/loop_context.h"

#include <sys/eventfd.h>
#include <unistd.h>

struct actri_loop {
    GMainContext *context;
    actri_thread_t thread;
    unsigned refs; /* under global_mutex */

    actri_mutex_t mutex; /* guards posted and signalled */
    actri_link_t posted;
    bool signalled; /* the eventfd was written for what is in posted */
    bool stopping;
    int wake_fd;
    GSource *wake_source, *timer_source;

    actri_link_t turn_end; /* [loop] */
    actri_timer_t **heap;  /* [loop] from [1] */
    size_t timers, heap_capacity;
};

typedef struct loop_source {
    GSource source;
    actri_loop_t *loop;
} loop_source_t;

static pthread_mutex_t global_mutex = PTHREAD_MUTEX_INITIALIZER;
static actri_loop_t *the_loop;

GMainContext *actri_loop_context(actri_loop_t *loop)
{
    return loop->context;
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

static void set_ready_time(actri_loop_t *loop)
{
    /* g_get_monotonic_time and actri_now_ns read the same clock; rounded up to a microsecond */
    int64_t ready = loop->timers == 0 ? -1 : loop->heap[1]->deadline_ns / 1000 + 1;
    g_source_set_ready_time(loop->timer_source, ready);
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
    if (index == 1) set_ready_time(loop);
}

void actri_loop_timer_set(actri_loop_t *loop, actri_timer_t *timer, int64_t deadline_ns)
{
    if (timer->heap_index != 0) actri_loop_timer_cancel(loop, timer);
    if (loop->timers + 1 >= loop->heap_capacity) {
        loop->heap_capacity = loop->heap_capacity == 0 ? 64 : loop->heap_capacity * 2;
        loop->heap = g_renew(actri_timer_t *, loop->heap, loop->heap_capacity);
    }
    timer->deadline_ns = deadline_ns;
    sift_up(loop, timer, ++loop->timers);
    if (timer->heap_index == 1) set_ready_time(loop);
}

static gboolean on_timers(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    actri_loop_t *loop = ((loop_source_t *)source)->loop;
    int64_t now = actri_now_ns();
    while (loop->timers > 0 && loop->heap[1]->deadline_ns <= now) {
        actri_timer_t *timer = loop->heap[1];
        actri_loop_timer_cancel(loop, timer);
        timer->fire(timer);
    }
    set_ready_time(loop);
    return G_SOURCE_CONTINUE;
}

/* ---- tasks ---- */

static gboolean on_wake(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    actri_loop_t *loop = ((loop_source_t *)source)->loop;
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
    return G_SOURCE_CONTINUE;
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

static void run_loop(void *argument)
{
    actri_loop_t *loop = argument;
    g_main_context_push_thread_default(loop->context);
    while (!__atomic_load_n(&loop->stopping, __ATOMIC_ACQUIRE)) {
        (void)g_main_context_iteration(loop->context, TRUE);
        run_turn_end(loop);
    }
    while (g_main_context_iteration(loop->context, FALSE)) run_turn_end(loop); /* what libnice still closes */
    g_main_context_pop_thread_default(loop->context);
}

static GSource *new_source(actri_loop_t *loop, GSourceFuncs *funcs, int fd, int priority)
{
    GSource *source = g_source_new(funcs, sizeof(loop_source_t));
    ((loop_source_t *)source)->loop = loop;
    g_source_set_priority(source, priority);
    if (fd >= 0) (void)g_source_add_unix_fd(source, fd, G_IO_IN);
    (void)g_source_attach(source, loop->context);
    return source;
}

static gboolean fd_is_ready(GSource *source)
{
    actri_loop_t *loop = ((loop_source_t *)source)->loop;
    actri_lock(&loop->mutex);
    bool ready = loop->signalled;
    actri_unlock(&loop->mutex);
    return ready;
}

static GSourceFuncs wake_funcs = {NULL, fd_is_ready, on_wake, NULL, NULL, NULL};
static GSourceFuncs timer_funcs = {NULL, NULL, on_timers, NULL, NULL, NULL};

static void free_loop(actri_loop_t *loop)
{
    if (loop->wake_source != NULL) {
        g_source_destroy(loop->wake_source);
        g_source_unref(loop->wake_source);
        g_source_destroy(loop->timer_source);
        g_source_unref(loop->timer_source);
    }
    if (loop->context != NULL) g_main_context_unref(loop->context);
    if (loop->wake_fd >= 0) (void)close(loop->wake_fd);
    g_free(loop->heap);
    actri_mutex_destroy(&loop->mutex);
    actri_free(NULL, loop);
}

static actr_status_t new_loop(actri_loop_t **out, actr_error_t *error)
{
    actri_loop_t *loop = actri_zalloc(NULL, sizeof *loop); /* of the process, so of no system's allocator */
    if (loop == NULL) return actri_no_memory(error);
    actri_mutex_init(&loop->mutex);
    actri_list_init(&loop->posted);
    actri_list_init(&loop->turn_end);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        free_loop(loop);
        return actri_fail(error, ACTR_STATUS_IO, "no file descriptor for the wire thread");
    }
    loop->context = g_main_context_new();
    loop->wake_source = new_source(loop, &wake_funcs, loop->wake_fd, G_PRIORITY_DEFAULT);
    loop->timer_source = new_source(loop, &timer_funcs, -1, G_PRIORITY_DEFAULT);
    loop->refs = 1;
    actr_status_t status = actri_thread_start(&loop->thread, "actr-wire", run_loop, loop, error);
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
