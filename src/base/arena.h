/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: a request's. A failed allocation latches `failed`. One thread at a time.
 */
#ifndef ACTRI_ARENA_H
#define ACTRI_ARENA_H

#include "base/env.h"

typedef struct actri_arena_block actri_arena_block_t;

typedef struct actri_arena {
    const actri_env_t *env;
    actri_arena_block_t *blocks; /* newest first */
    size_t used, capacity;       /* of the newest */
    bool failed;
} actri_arena_t;

void actri_arena_init(actri_arena_t *arena, const actri_env_t *env);
/* Aligned for any type; NULL when memory is out (and failed is set). */
void *actri_arena_alloc(actri_arena_t *arena, size_t size);
char *actri_arena_strndup(actri_arena_t *arena, const char *text, size_t size);
/* Frees everything; the arena may be used again. */
void actri_arena_clear(actri_arena_t *arena);

#endif
