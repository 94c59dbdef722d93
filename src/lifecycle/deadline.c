/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/deadline.h"

#include "port/clock.h"
#include "port/waiter.h"

#include <string.h>

/* Ends those whose time is up; when the next one's is. Under the mutex. */
static int64_t pass_due(actri_deadlines_t *set)
{
    int64_t now = actri_now_ns(), next = ACTRI_NEVER;
    for (actri_link_t *at = set->list.next, *following; at != &set->list; at = following) {
        following = at->next;
        actri_deadline_t *deadline = ACTRI_CONTAINER(at, actri_deadline_t, link);
        if (deadline->at_ns > now) {
            if (deadline->at_ns < next) next = deadline->at_ns;
            continue;
        }
        actri_list_remove(at);
        deadline->pass(deadline);
    }
    return next;
}

static void on_timer(actri_timer_t *timer)
{
    actri_deadlines_t *set = ACTRI_CONTAINER(timer, actri_deadlines_t, timer);
    actri_lock(&set->mutex);
    set->armed_ns = pass_due(set);
    int64_t next = set->armed_ns;
    actri_unlock(&set->mutex);
    if (next != ACTRI_NEVER) actri_loop_timer_set(set->loop, timer, next);
}

static void arm(actri_task_t *task)
{
    actri_deadlines_t *set = ACTRI_CONTAINER(task, actri_deadlines_t, task);
    actri_lock(&set->mutex);
    set->posted = false;
    int64_t next = set->armed_ns;
    actri_unlock(&set->mutex);
    if (next != ACTRI_NEVER) actri_loop_timer_set(set->loop, &set->timer, next);
}

void actri_deadlines_init(actri_deadlines_t *set)
{
    memset(set, 0, sizeof *set);
    actri_mutex_init(&set->mutex);
    actri_list_init(&set->list);
    set->armed_ns = ACTRI_NEVER;
    set->task.run = arm;
    set->timer.fire = on_timer;
}

void actri_deadlines_destroy(actri_deadlines_t *set)
{
    actri_mutex_destroy(&set->mutex);
}

void actri_deadlines_open(actri_deadlines_t *set, actri_loop_t *loop)
{
    set->loop = loop;
    set->armed_ns = ACTRI_NEVER;
}

typedef struct ending { /* [loop] part of close */
    actri_task_t task;
    actri_deadlines_t *set;
    actri_waiter_t waiter;
} ending_t;

static void disarm(actri_task_t *task)
{
    ending_t *ending = ACTRI_CONTAINER(task, ending_t, task);
    actri_loop_timer_cancel(ending->set->loop, &ending->set->timer);
    actri_waiter_wake(&ending->waiter);
}

static void pass_at_close(actri_deadlines_t *set)
{
    actri_lock(&set->mutex);
    for (actri_link_t *at = set->list.next, *following; at != &set->list; at = following) {
        following = at->next;
        actri_deadline_t *deadline = ACTRI_CONTAINER(at, actri_deadline_t, link);
        if (!deadline->passes_at_close) continue;
        actri_list_remove(at);
        deadline->pass(deadline);
    }
    actri_unlock(&set->mutex);
}

void actri_deadlines_close(actri_deadlines_t *set)
{
    if (set->loop == NULL) return;
    ending_t ending = {.task = {.run = disarm}, .set = set};
    actri_waiter_init(&ending.waiter);
    actri_loop_post(set->loop, &ending.task); /* behind what arms it */
    actri_waiter_wait(&ending.waiter);
    pass_at_close(set);
    set->loop = NULL;
}

void actri_deadlines_add(actri_deadlines_t *set, actri_deadline_t *deadline)
{
    actri_lock(&set->mutex);
    actri_list_append(&set->list, &deadline->link);
    bool post = deadline->at_ns < set->armed_ns && !set->posted;
    if (deadline->at_ns < set->armed_ns) set->armed_ns = deadline->at_ns;
    if (post) {
        set->posted = true;
        actri_loop_post(set->loop, &set->task);
    }
    actri_unlock(&set->mutex);
}

void actri_deadlines_remove(actri_deadlines_t *set, actri_deadline_t *deadline)
{
    if (deadline->at_ns == 0) return; /* its links are the neighbours' to write */
    actri_lock(&set->mutex);
    if (deadline->link.next != NULL) actri_list_remove(&deadline->link);
    actri_unlock(&set->mutex);
}
