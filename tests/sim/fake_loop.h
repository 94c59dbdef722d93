/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire loop without thread, socket and time: fake_loop.c implements src/wire/loop.h and src/port/clock.h over a
 * virtual clock, so that what runs above it replays exactly. One loop for all nodes, as in production. Who waits, as
 * src/port/thread.h has it, is fake_wait.c's matter (all on one thread) or fake_thread.c's (threads, one at a time).
 */
#ifndef ACTR_TESTS_FAKE_LOOP_H
#define ACTR_TESTS_FAKE_LOOP_H

#include "wire/loop.h"

/* Empties the loop and sets the clock to its start. */
void fake_loop_reset(void);
actri_loop_t *fake_loop(void);
/* One turn: posted tasks, due timers, turn-end tasks; when nothing was due, first moves the clock to the next
   timer. False when nothing is left, or nothing before `until_ns`: then the clock stands there. */
bool fake_loop_turn(int64_t until_ns);
/* Only the turn-end tasks. */
void fake_loop_end_turn(void);
/* Turns for so long. */
void fake_loop_run(int64_t duration_ns);
/* Is something posted, or a timer due? */
bool fake_loop_is_due(void);
/* The next timer; ACTRI_NEVER when none is armed. */
int64_t fake_loop_next(void);
/* Moves the clock forward, past no timer. */
void fake_loop_set_now(int64_t now_ns);
/* How many timers are armed. */
size_t fake_loop_timers(void);

#endif
