/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of blocks, bump-allocated. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE 4000
#define ALIGNMENT 16

struct actri_arena_block {
    actri_arena_block_t *older;
    size_t unused; /* keeps bytes[] 16-aligned */
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

void actri_arena_init(actri_arena_t *arena, const actri_env_t *env)
{
    memset(arena, 0, sizeof *arena);
    arena->env = env;
}

void *actri_arena_alloc(actri_arena_t *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->blocks == NULL || rounded > arena->capacity - arena->used) {
        size_t capacity = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        actri_arena_block_t *block = actri_alloc(arena->env, sizeof *block + capacity);
        if (block == NULL) {
            arena->failed = true;
            return NULL;
        }
        block->older = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
        arena->capacity = capacity;
    }
    void *result = arena->blocks->bytes + arena->used;
    arena->used += rounded;
    return result;
}

char *actri_arena_strndup(actri_arena_t *arena, const char *text, size_t size)
{
    char *copy = actri_arena_alloc(arena, size + 1);
    if (copy == NULL) return NULL;
    if (size > 0) memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void actri_arena_clear(actri_arena_t *arena)
{
    while (arena->blocks != NULL) {
        actri_arena_block_t *older = arena->blocks->older;
        actri_free(arena->env, arena->blocks);
        arena->blocks = older;
    }
    arena->used = arena->capacity = 0;
    arena->failed = false;
}
