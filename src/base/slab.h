/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of one size for what comes and goes with every message: taken and given back without a lock, by any thread.
 * Memory comes in chunks, as it is needed, and goes with the slab. Under AddressSanitizer each block is malloc's.
 * [any-thread]
 */
#ifndef ACTRI_SLAB_H
#define ACTRI_SLAB_H

#include "base/env.h"

typedef struct actri_slab actri_slab_t;

/* Blocks of `size` bytes, 16-aligned. */
ACTR_MUST_CHECK actr_status_t actri_slab_new(const actri_env_t *env, size_t size, actri_slab_t **out,
                                             actr_error_t *error);
#define ACTRI_SLAB_MOST 131072 /* blocks that one can have */
/* Every block has been given back. NULL is a no-op. */
void actri_slab_free(actri_slab_t *slab);
/* Not cleared; NULL when memory is out, or all are taken (*full). No more memory is asked for beyond `most` blocks. */
void *actri_slab_take(actri_slab_t *slab, uint32_t most, bool *full);
void actri_slab_give(actri_slab_t *slab, void *block);

/* Given back later, together: a list that one thread at a time adds to. Zeroed is empty. */
typedef struct actri_slab_batch {
    uint32_t first, last, count;
} actri_slab_batch_t;
/* True: many were given back now. */
bool actri_slab_batch_add(actri_slab_t *slab, actri_slab_batch_t *batch, void *block);
void actri_slab_batch_give(actri_slab_t *slab, actri_slab_batch_t *batch);

#endif
