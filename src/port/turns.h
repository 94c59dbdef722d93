/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which task may run next. Pure; locking is the caller's. Tasks of one key run in order, one at a time; different keys
 * in parallel, at most `workers`; a task without key (0) runs alone: what came before it has ended, what comes after it
 * waits. A high one goes before all normal ones, high_in_a_row of them, then one normal; a high one without key waits
 * only for what runs and for high ones before it.
 */
#ifndef ACTRI_TURNS_H
#define ACTRI_TURNS_H

#include "port/executor.h"

#define ACTRI_TURNS_SLOTS (2 * ACTRI_WORKERS_MAX)
#define ACTRI_TURNS_PARKED 256 /* tasks that have been passed over: so far ahead of a waiting one others may start */

typedef struct actri_queue {
    actri_link_t high, normal;
    uint32_t high_run; /* high tasks since the last normal one */
    uint32_t high_in_a_row;
} actri_queue_t;

/* A key in use: a task of it runs, or waits for the one that ran. */
typedef struct actri_key_slot {
    uint64_t key; /* 0: free */
    bool running;
    actri_link_t high, normal;
} actri_key_slot_t;

typedef struct actri_turns {
    actri_queue_t queue;
    unsigned workers, running, parked, parked_high;
    bool alone; /* a task without key runs */
    actri_key_slot_t slots[ACTRI_TURNS_SLOTS];
} actri_turns_t;

#define ACTRI_HIGH_IN_A_ROW 8 /* the default */

static inline void actri_queue_init(actri_queue_t *queue)
{
    actri_list_init(&queue->high);
    actri_list_init(&queue->normal);
    queue->high_run = 0;
    queue->high_in_a_row = ACTRI_HIGH_IN_A_ROW;
}

static inline void actri_queue_add(actri_queue_t *queue, actri_task_t *task)
{
    actri_list_append(task->high ? &queue->high : &queue->normal, &task->link);
}

/* One at a time: the next, or NULL. */
static inline actri_task_t *actri_queue_take(actri_queue_t *queue)
{
    bool prefer_normal = queue->high_run >= queue->high_in_a_row && !actri_list_empty(&queue->normal);
    actri_link_t *link = prefer_normal ? NULL : actri_list_take(&queue->high);
    if (link != NULL) {
        queue->high_run++;
    } else {
        queue->high_run = 0;
        link = actri_list_take(&queue->normal);
    }
    return link == NULL ? NULL : ACTRI_CONTAINER(link, actri_task_t, link);
}

void actri_turns_init(actri_turns_t *turns, unsigned workers);
/* task->key and task->high are set. */
void actri_turns_add(actri_turns_t *turns, actri_task_t *task);
/* The next that may run now, or NULL; it counts as running until actri_turns_end with its key. */
actri_task_t *actri_turns_next(actri_turns_t *turns);
void actri_turns_end(actri_turns_t *turns, uint64_t key);
/* Might actri_turns_next have one more at this moment? May say yes in vain. */
bool actri_turns_may_start(const actri_turns_t *turns);
/* Nothing runs, nothing waits. */
bool actri_turns_empty(const actri_turns_t *turns);

#endif
