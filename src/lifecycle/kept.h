/* SPDX-License-Identifier: Apache-2.0 */
/* A context that outlives a handler, with all that it says: what a reply handle has, and what the factory makes. */
#ifndef ACTRI_KEPT_H
#define ACTRI_KEPT_H

#include "lifecycle/node.h"

/* Embedded in its object. */
typedef struct actri_kept {
    actr_ctx_t ctx;
    actri_incoming_t in;
    actri_arena_t arena; /* of the texts */
    actr_id_t caller;
} actri_kept_t;

/* Copies what `in` says, but for its payload and metadata; retains node. NO_MEMORY: to be freed all the same. */
ACTR_MUST_CHECK actr_status_t actri_kept_init(actri_kept_t *kept, actr_node_t *node, const actri_incoming_t *in,
                                              actr_error_t *error);
/* Ends it, frees the block that it is in, releases the node: in this order, for the memory may be the node's. */
void actri_kept_free(actri_kept_t *kept, void *block);

#endif
