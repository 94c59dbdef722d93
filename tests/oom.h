/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation failures on purpose: an actri_env_t that counts what is alive and fails the k-th allocation. Usage:
 *
 *     OOM_EACH(oom) { run one operation with &oom.env; it must survive a failure; free everything }
 *
 * runs the body with k = 1, 2, ... until a run needed fewer allocations than k, and fails when one leaks.
 * OOM_EVERY(oom, n) takes only every n-th k, for operations that last. For objects that outlive a run there are oom_arm
 * and oom_disarm.
 */
#ifndef ACTR_TESTS_OOM_H
#define ACTR_TESTS_OOM_H

#include "base/env.h"
#include "check.h"

#include <stdlib.h>

#define OOM_MOST_RUNS 10000 /* a body that allocates for ever is a defect of its own */

typedef struct oom {
    actri_env_t env;
    unsigned long fail_at; /* 0: never; atomic */
    unsigned long step;    /* to the next run's fail_at */
    unsigned long made;    /* allocations asked for; atomic */
    unsigned long failed;  /* atomic */
    long alive;            /* atomic */
} oom_t;

static inline bool oom_denies(oom_t *oom)
{
    unsigned long number = __atomic_add_fetch(&oom->made, 1, __ATOMIC_RELAXED);
    if (number != __atomic_load_n(&oom->fail_at, __ATOMIC_RELAXED)) return false;
    (void)__atomic_add_fetch(&oom->failed, 1, __ATOMIC_RELAXED);
    return true;
}

static inline void *oom_allocate(size_t size, void *user)
{
    oom_t *oom = user;
    if (oom_denies(oom)) return NULL;
    void *block = malloc(size);
    if (block != NULL) (void)__atomic_add_fetch(&oom->alive, 1, __ATOMIC_RELAXED);
    return block;
}

static inline void *oom_resize(void *block, size_t size, void *user)
{
    oom_t *oom = user;
    if (block == NULL) return oom_allocate(size, user);
    return oom_denies(oom) ? NULL : realloc(block, size);
}

static inline void oom_release(void *block, void *user)
{
    oom_t *oom = user;
    (void)__atomic_sub_fetch(&oom->alive, 1, __ATOMIC_RELAXED);
    free(block);
}

static inline void oom_init(oom_t *oom, unsigned long fail_at)
{
    *oom = (oom_t){.fail_at = fail_at};
    oom->env.allocator = (actr_allocator_t){oom_allocate, oom_resize, oom_release, oom};
}

/* From now on the k-th allocation fails, 1 the next. */
static inline void oom_arm(oom_t *oom, unsigned long k)
{
    __atomic_store_n(&oom->fail_at, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&oom->made, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&oom->failed, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&oom->fail_at, k, __ATOMIC_RELAXED);
}

/* From now on none fails; true: one did. */
static inline bool oom_disarm(oom_t *oom)
{
    __atomic_store_n(&oom->fail_at, 0, __ATOMIC_RELAXED);
    return __atomic_load_n(&oom->failed, __ATOMIC_RELAXED) != 0;
}

/* After a run: did it leave something, and is another one due? */
static inline bool oom_again(oom_t *oom)
{
    if (oom->made == 0 && oom->fail_at == 0) { /* before the first run */
        unsigned long step = oom->step;
        oom_init(oom, 1);
        oom->step = step;
        return true;
    }
    if (oom->alive != 0) fail_msg("%ld blocks leak when allocation %lu fails", oom->alive, oom->fail_at);
    if (oom->failed == 0) return false;
    if (oom->fail_at >= OOM_MOST_RUNS) fail_msg("no end after %d allocations", OOM_MOST_RUNS);
    unsigned long step = oom->step;
    oom_init(oom, oom->fail_at + step);
    oom->step = step;
    return true;
}

#define OOM_EVERY(oom, n) for (oom_t oom = {.step = (n)}; oom_again(&oom);)
#define OOM_EACH(oom) OOM_EVERY(oom, 1)

#endif
