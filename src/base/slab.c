/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of free blocks, by number: its top and a tag that every change increments are one word, so that a top seen
 * again is known not to be the same. Chunks are never moved or freed while the slab lives, so reading a block that
 * somebody else has just taken does no harm.
 */
#include "base/slab.h"

#include "port/thread.h"

#define CHUNK_BLOCKS 64
#define MAX_CHUNKS (ACTRI_SLAB_MOST / CHUNK_BLOCKS)
#define BATCH 32
#ifdef __SANITIZE_ADDRESS__
#define EACH_ALLOCATED true
#else
#define EACH_ALLOCATED false
#endif

typedef struct block {
    uint32_t next;   /* atomic; of the free one below, +1 */
    uint32_t number; /* +1 */
    uint64_t unused; /* keeps bytes[] 16-aligned */
    _Alignas(16) uint8_t bytes[];
} block_t;

struct actri_slab {
    const actri_env_t *env;
    size_t stride;
    actri_mutex_t mutex; /* guards the growth */
    uint32_t made;       /* atomic */
    uint8_t *chunks[MAX_CHUNKS];
    char apart[64];
    uint64_t top; /* atomic: tag << 32 | number + 1 */
};

static block_t *block_of(void *bytes)
{
    return (block_t *)(void *)((uint8_t *)bytes - offsetof(block_t, bytes));
}

static block_t *at(const actri_slab_t *slab, uint32_t number)
{
    number--;
    return (block_t *)(void *)(slab->chunks[number / CHUNK_BLOCKS] + number % CHUNK_BLOCKS * slab->stride);
}

static void push(actri_slab_t *slab, uint32_t first, block_t *last)
{
    uint64_t top = __atomic_load_n(&slab->top, __ATOMIC_RELAXED), next;
    do {
        __atomic_store_n(&last->next, (uint32_t)top, __ATOMIC_RELAXED);
        next = ((top >> 32) + 1) << 32 | first;
    } while (!__atomic_compare_exchange_n(&slab->top, &top, next, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

static block_t *pop(actri_slab_t *slab)
{
    uint64_t top = __atomic_load_n(&slab->top, __ATOMIC_ACQUIRE), next;
    block_t *block;
    do {
        if ((uint32_t)top == 0) return NULL;
        block = at(slab, (uint32_t)top);
        next = ((top >> 32) + 1) << 32 | __atomic_load_n(&block->next, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&slab->top, &top, next, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return block;
}

/* False: nothing is free and nothing more can be had. */
static bool grow(actri_slab_t *slab, uint32_t most, bool *full)
{
    actri_lock(&slab->mutex);
    bool filled = (uint32_t)__atomic_load_n(&slab->top, __ATOMIC_RELAXED) != 0; /* by somebody else meanwhile */
    *full = !filled && slab->made >= most;
    uint8_t *chunk = filled || *full ? NULL : actri_alloc(slab->env, CHUNK_BLOCKS * slab->stride);
    if (chunk != NULL) {
        uint32_t first = slab->made + 1;
        slab->chunks[slab->made / CHUNK_BLOCKS] = chunk;
        slab->made += CHUNK_BLOCKS;
        for (uint32_t i = 0; i < CHUNK_BLOCKS; i++) {
            block_t *block = at(slab, first + i);
            block->number = first + i;
            __atomic_store_n(&block->next, first + i + 1, __ATOMIC_RELAXED);
        }
        push(slab, first, at(slab, first + CHUNK_BLOCKS - 1));
    }
    actri_unlock(&slab->mutex);
    return filled || chunk != NULL;
}

static void *take_allocated(actri_slab_t *slab, uint32_t most, bool *full)
{
    *full = __atomic_add_fetch(&slab->made, 1, __ATOMIC_RELAXED) > most;
    block_t *block = *full ? NULL : actri_alloc(slab->env, slab->stride);
    if (block != NULL) return block->bytes;
    (void)__atomic_sub_fetch(&slab->made, 1, __ATOMIC_RELAXED);
    return NULL;
}

void *actri_slab_take(actri_slab_t *slab, uint32_t most, bool *full)
{
    if (most > ACTRI_SLAB_MOST) most = ACTRI_SLAB_MOST;
    if (EACH_ALLOCATED) return take_allocated(slab, most, full);
    block_t *block;
    while ((block = pop(slab)) == NULL) {
        if (!grow(slab, most, full)) return NULL;
    }
    return block->bytes;
}

void actri_slab_give(actri_slab_t *slab, void *bytes)
{
    block_t *block = block_of(bytes);
    if (EACH_ALLOCATED) {
        (void)__atomic_sub_fetch(&slab->made, 1, __ATOMIC_RELAXED);
        actri_free(slab->env, block);
    } else {
        push(slab, block->number, block);
    }
}

bool actri_slab_batch_add(actri_slab_t *slab, actri_slab_batch_t *batch, void *bytes)
{
    block_t *block = block_of(bytes);
    if (EACH_ALLOCATED) {
        actri_slab_give(slab, bytes);
        return true;
    }
    __atomic_store_n(&block->next, batch->first, __ATOMIC_RELAXED);
    if (batch->count++ == 0) batch->last = block->number;
    batch->first = block->number;
    if (batch->count < BATCH) return false;
    actri_slab_batch_give(slab, batch);
    return true;
}

void actri_slab_batch_give(actri_slab_t *slab, actri_slab_batch_t *batch)
{
    if (batch->count > 0) push(slab, batch->first, at(slab, batch->last));
    *batch = (actri_slab_batch_t){0, 0, 0};
}

actr_status_t actri_slab_new(const actri_env_t *env, size_t size, actri_slab_t **out, actr_error_t *error)
{
    actri_slab_t *slab = actri_zalloc(env, sizeof *slab);
    if (slab == NULL) return actri_no_memory(error);
    slab->env = env;
    slab->stride = (sizeof(block_t) + size + 15) & ~(size_t)15;
    actri_mutex_init(&slab->mutex);
    *out = slab;
    return ACTR_OK;
}

void actri_slab_free(actri_slab_t *slab)
{
    if (slab == NULL) return;
    for (uint32_t i = 0; i < MAX_CHUNKS && slab->chunks[i] != NULL; i++) actri_free(slab->env, slab->chunks[i]);
    actri_mutex_destroy(&slab->mutex);
    actri_free(slab->env, slab);
}
