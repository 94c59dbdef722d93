/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says of its load in each heartbeat (lifecycle-and-rpc 16). */
#ifndef ACTRI_LOAD_H
#define ACTRI_LOAD_H

#include "signaling/signaling.h"

#include <stdint.h>

/* The availability that a power reserve of 0 to 5 and a backlog of 0 to 1 make. */
uint32_t actri_load_availability(float power_reserve, float backlog);

/* For actri_signaling_handlers_t, with the node as user. Runs on the signaling thread. */
void actri_node_load(void *node, actri_load_t *out);

#endif
