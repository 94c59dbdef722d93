/* SPDX-License-Identifier: Apache-2.0 */
/* The node's timers: opened when it starts, closed before it stops. */
#ifndef ACTRI_NODE_TIMER_H
#define ACTRI_NODE_TIMER_H

#include "lifecycle/node.h"

void actri_timers_init(actri_timers_t *set);
void actri_timers_destroy(actri_timers_t *set);
/* The node has a loop and an executor. */
void actri_timers_open(actri_timers_t *set);
/* Cancels all; none is armed when this returns, no more can be set. Again: nothing. Not from the loop. */
void actri_timers_close(actr_node_t *node);
/* Calls on_loop every period_ms, on the loop, until close. */
ACTR_MUST_CHECK actr_status_t actri_timers_on_loop(actr_node_t *node, uint64_t period_ms,
                                                   void (*on_loop)(actr_node_t *node), actr_error_t *error);

#endif
