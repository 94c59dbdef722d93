/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time limits of asynchronous calls within the process: nobody waits for them, so the loop has to end them. One
 * timer for all; while limits rise, as they do when calls have one length, a new one costs a list entry.
 */
#ifndef ACTRI_DEADLINE_H
#define ACTRI_DEADLINE_H

#include "base/list.h"
#include "port/thread.h"
#include "wire/loop.h"

/* Embedded in its object; zero: stands nowhere. */
typedef struct actri_deadline {
    actri_link_t link;
    int64_t at_ns;
    bool passes_at_close;                          /* else what still stands when the set is closed never passes */
    void (*pass)(struct actri_deadline *deadline); /* on the loop, once, under the set's mutex */
} actri_deadline_t;

typedef struct actri_deadlines {
    actri_mutex_t mutex; /* guards the rest but the timer */
    actri_link_t list;
    int64_t armed_ns; /* ACTRI_NEVER: not armed */
    bool posted;
    actri_loop_t *loop;
    actri_task_t task;
    actri_timer_t timer; /* [loop] */
} actri_deadlines_t;

void actri_deadlines_init(actri_deadlines_t *set);
void actri_deadlines_destroy(actri_deadlines_t *set);
/* Before the first add. */
void actri_deadlines_open(actri_deadlines_t *set, actri_loop_t *loop);
/* Nothing passes any more once this has returned; nobody adds. Waits for the loop. */
void actri_deadlines_close(actri_deadlines_t *set);
void actri_deadlines_add(actri_deadlines_t *set, actri_deadline_t *deadline); /* [any-thread] */
/* Once this has returned it does not pass. One that never was added may be removed. [any-thread, not from pass] */
void actri_deadlines_remove(actri_deadlines_t *set, actri_deadline_t *deadline);

#endif
