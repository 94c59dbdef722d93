/* SPDX-License-Identifier: Apache-2.0 */
/* Timers in an array that is searched: a simulation has a few dozen, and equal deadlines keep their order. */
#include "fake_loop.h"

#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_NS (1000 * ACTRI_SECOND)
#define MOST_TIMERS 4096

struct actri_loop {
    int64_t now_ns;
    actri_link_t posted, turn_end;
    actri_timer_t *timers[MOST_TIMERS + 1]; /* from [1]; a timer knows its index */
    uint64_t order[MOST_TIMERS + 1];        /* of arming */
    size_t timer_count;
    uint64_t armed;
};

static actri_loop_t loop = {.now_ns = START_NS};

void fake_loop_reset(void)
{
    memset(&loop, 0, sizeof loop);
    loop.now_ns = START_NS;
    actri_list_init(&loop.posted);
    actri_list_init(&loop.turn_end);
}

actri_loop_t *fake_loop(void)
{
    return &loop;
}

int64_t actri_now_ns(void)
{
    return loop.now_ns;
}

int64_t actri_wall_ms(void)
{
    return INT64_C(1700000000000) + loop.now_ns / ACTRI_MS;
}

/* ---- loop.h ---- */

actr_status_t actri_loop_acquire(actri_loop_t **out, actr_error_t *error)
{
    (void)error;
    *out = &loop;
    return ACTR_OK;
}

void actri_loop_release(actri_loop_t *l)
{
    (void)l;
}

void actri_loop_post(actri_loop_t *l, actri_task_t *task)
{
    for (const actri_link_t *at = l->posted.next; at != &l->posted; at = at->next) {
        if (at != &task->link) continue;
        (void)fprintf(stderr, "fake loop: a task is posted again before it ran\n");
        abort();
    }
    actri_list_append(&l->posted, &task->link);
}

void actri_loop_at_turn_end(actri_loop_t *l, actri_task_t *task)
{
    actri_list_append(&l->turn_end, &task->link);
}

bool actri_loop_is_current(const actri_loop_t *l)
{
    return l == &loop;
}

void actri_loop_timer_set(actri_loop_t *l, actri_timer_t *timer, int64_t deadline_ns)
{
    if (timer->heap_index == 0) {
        if (l->timer_count == MOST_TIMERS) {
            (void)fprintf(stderr, "fake loop: too many timers\n");
            abort();
        }
        timer->heap_index = ++l->timer_count;
        l->timers[timer->heap_index] = timer;
    }
    timer->deadline_ns = deadline_ns;
    l->order[timer->heap_index] = ++l->armed;
}

void actri_loop_timer_cancel(actri_loop_t *l, actri_timer_t *timer)
{
    size_t index = timer->heap_index;
    if (index == 0) return;
    l->timers[index] = l->timers[l->timer_count];
    l->order[index] = l->order[l->timer_count];
    l->timers[index]->heap_index = index;
    l->timer_count--;
    timer->heap_index = 0;
}

static size_t next_timer(const actri_loop_t *l)
{
    size_t best = 0;
    for (size_t i = 1; i <= l->timer_count; i++) {
        int64_t a = l->timers[i]->deadline_ns;
        if (best == 0 || a < l->timers[best]->deadline_ns ||
            (a == l->timers[best]->deadline_ns && l->order[i] < l->order[best])) {
            best = i;
        }
    }
    return best;
}

bool fake_loop_is_due(void)
{
    size_t next = next_timer(&loop);
    return !actri_list_empty(&loop.posted) || (next != 0 && loop.timers[next]->deadline_ns <= loop.now_ns);
}

int64_t fake_loop_next(void)
{
    size_t next = next_timer(&loop);
    return next == 0 ? ACTRI_NEVER : loop.timers[next]->deadline_ns;
}

void fake_loop_set_now(int64_t now_ns)
{
    if (loop.now_ns < now_ns) loop.now_ns = now_ns;
}

size_t fake_loop_timers(void)
{
    return loop.timer_count;
}

/* ---- turns ---- */

static bool run_tasks(actri_link_t *list)
{
    actri_link_t batch, *link;
    actri_list_init(&batch);
    actri_list_splice(&batch, list);
    bool any = false;
    while ((link = actri_list_take(&batch)) != NULL) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
        any = true;
    }
    return any;
}

static bool run_due(void)
{
    bool any = false;
    size_t due;
    while ((due = next_timer(&loop)) != 0 && loop.timers[due]->deadline_ns <= loop.now_ns) {
        actri_timer_t *timer = loop.timers[due];
        actri_loop_timer_cancel(&loop, timer);
        timer->fire(timer);
        any = true;
    }
    return any;
}

bool fake_loop_turn(int64_t until_ns)
{
    if (actri_list_empty(&loop.posted)) {
        size_t next = next_timer(&loop);
        if (next == 0 || loop.timers[next]->deadline_ns > until_ns) {
            if (loop.now_ns < until_ns) loop.now_ns = until_ns;
            return false;
        }
        if (loop.timers[next]->deadline_ns > loop.now_ns) loop.now_ns = loop.timers[next]->deadline_ns;
    }
    (void)run_tasks(&loop.posted);
    (void)run_due();
    (void)run_tasks(&loop.turn_end);
    return true;
}

void fake_loop_end_turn(void)
{
    (void)run_tasks(&loop.turn_end);
}

void fake_loop_run(int64_t duration_ns)
{
    int64_t until = loop.now_ns + duration_ns;
    while (fake_loop_turn(until)) {
    }
}
