/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"
#include "check.h"
#include "oom.h"
#include "port/thread.h"

#include <stdint.h>
#include <string.h>

#define SIZE 100

static void blocks_are_apart_and_come_again(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    actri_slab_t *slab = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    void *blocks[COUNT];
    bool full = false;
    assert_ok(actri_slab_new(NULL, SIZE, &slab, &error), &error);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = actri_slab_take(slab, 1000, &full);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], i, SIZE);
    }
    for (int i = 0; i < COUNT; i++) {
        uint8_t expected[SIZE];
        memset(expected, i, SIZE);
        assert_memory_equal(blocks[i], expected, SIZE);
    }
    actri_slab_batch_t batch = {0};
    for (int i = 0; i < COUNT; i++) {
        if (i % 2 == 0)
            actri_slab_give(slab, blocks[i]);
        else
            (void)actri_slab_batch_add(slab, &batch, blocks[i]);
    }
    actri_slab_batch_give(slab, &batch);
    actri_slab_batch_give(slab, &batch); /* nothing is left in it */
    for (int i = 0; i < COUNT; i++)
        assert_non_null(blocks[i] = actri_slab_take(slab, COUNT, &full)); /* no more memory */
    for (int i = 0; i < COUNT; i++) actri_slab_give(slab, blocks[i]);
    actri_slab_free(slab);
    actri_slab_free(NULL);
}

static void the_limit_is_kept(void **state)
{
    (void)state;
    actri_slab_t *slab = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    void *blocks[128];
    bool full = false;
    assert_ok(actri_slab_new(NULL, SIZE, &slab, &error), &error);
    for (int i = 0; i < 128; i++) assert_non_null(blocks[i] = actri_slab_take(slab, 128, &full));
    assert_null(actri_slab_take(slab, 128, &full));
    assert_true(full);
    actri_slab_give(slab, blocks[0]);
    assert_non_null(blocks[0] = actri_slab_take(slab, 128, &full));
    for (int i = 0; i < 128; i++) actri_slab_give(slab, blocks[i]);
    actri_slab_free(slab);
}

typedef struct worker {
    actri_thread_t thread;
    actri_slab_t *slab;
    bool shared;
} worker_t;

/* Whoever has a block has it alone. */
static void take_and_give(void *argument)
{
    worker_t *worker = argument;
    bool full;
    for (int i = 0; i < 20000; i++) {
        unsigned *block = actri_slab_take(worker->slab, 1000, &full);
        if (block == NULL) continue;
        *block = (unsigned)i;
        if (*(volatile unsigned *)block != (unsigned)i) worker->shared = true;
        actri_slab_give(worker->slab, block);
    }
}

static void threads_share_no_block(void **state)
{
    (void)state;
    worker_t workers[4];
    actri_slab_t *slab = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_slab_new(NULL, SIZE, &slab, &error), &error);
    for (int i = 0; i < 4; i++) {
        workers[i] = (worker_t){.slab = slab};
        assert_ok(actri_thread_start(&workers[i].thread, "slab", take_and_give, &workers[i], &error), &error);
    }
    for (int i = 0; i < 4; i++) actri_thread_join(&workers[i].thread);
    for (int i = 0; i < 4; i++) assert_false(workers[i].shared);
    actri_slab_free(slab);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_slab_t *slab = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        bool full = false;
        actr_status_t status = actri_slab_new(&oom.env, SIZE, &slab, &error);
        void *block = status == ACTR_OK ? actri_slab_take(slab, 10, &full) : NULL;
        assert_int_equal(block == NULL, oom.failed);
        assert_false(full);
        if (block != NULL) actri_slab_give(slab, block);
        actri_slab_free(slab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_apart_and_come_again),
        cmocka_unit_test(the_limit_is_kept),
        cmocka_unit_test(threads_share_no_block),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
