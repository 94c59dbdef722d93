/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACTRI_SUPERVISE_H
#define ACTRI_SUPERVISE_H

#include "lifecycle/node.h"

/* A handler has returned; in its turn. error: of a failure. */
void actri_node_supervise(actr_node_t *node, actr_status_t status, bool overtime, const actr_error_t *error);
/* A timer's turn has ended: ctx says whether it failed. */
void actri_node_supervise_timer(actr_node_t *node, const actr_ctx_t *ctx);
/* The callback of a stream or track has returned, beside the turns: it is told, and counts if it is the workload's. */
void actri_node_supervise_stream(actr_node_t *node, const actr_ctx_t *ctx);

#endif
