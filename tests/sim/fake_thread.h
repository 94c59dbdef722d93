/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of which one runs at a time, over the virtual clock: fake_thread.c implements src/port/thread.h on real
 * threads that hand on a baton where they wait. Who goes next is chosen by a seeded die among all that could, the
 * loop of fake_loop.h being one of them; when none could, the clock moves to the next deadline. So the code of a whole
 * node, with its pool, its hooks and its blocking calls, runs unchanged and replays exactly.
 */
#ifndef ACTR_TESTS_FAKE_THREAD_H
#define ACTR_TESTS_FAKE_THREAD_H

#include <stdint.h>

/* The calling thread becomes the first one and has the baton. After fake_loop_reset. */
void fake_threads_begin(uint64_t seed);
/* Waits until all others have ended; then the baton is gone. */
void fake_threads_end(void);
/* Lets others run for so long (0: one turn for whoever can). */
void fake_sleep(int64_t duration_ns);
/* How many times the baton was handed on, since begin. */
uint64_t fake_thread_switches(void);

#endif
