/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "check.h"
#include "oom.h"
#include "rng.h"

#include <string.h>

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    enum { BLOCKS = 500 };
    static struct {
        uint8_t *data;
        size_t size;
    } blocks[BLOCKS];
    oom_t oom;
    oom_init(&oom, 0);
    actri_arena_t arena;
    actri_arena_init(&arena, &oom.env);
    rng_t rng = {7};
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = rng_chance(&rng, 5) ? rng_below(&rng, 20000) : rng_below(&rng, 200);
        blocks[i].size = size;
        blocks[i].data = actri_arena_alloc(&arena, size);
        assert_non_null(blocks[i].data);
        assert_int_equal((uintptr_t)blocks[i].data % 16, 0);
        memset(blocks[i].data, (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t at = 0; at < blocks[i].size; at++) assert_int_equal(blocks[i].data[at], i & 0xff);
    }
    assert_false(arena.failed);
    actri_arena_clear(&arena);
    assert_int_equal(oom.alive, 0);
}

static void small_blocks_share_an_allocation(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 0);
    actri_arena_t arena;
    actri_arena_init(&arena, &oom.env);
    for (int i = 0; i < 100; i++) assert_non_null(actri_arena_alloc(&arena, 30));
    assert_int_equal(oom.made, 1);
    actri_arena_clear(&arena);
}

static void a_failure_latches_until_cleared(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 2);
    actri_arena_t arena;
    actri_arena_init(&arena, &oom.env);
    assert_non_null(actri_arena_alloc(&arena, 10));
    assert_null(actri_arena_alloc(&arena, 100000));
    assert_true(arena.failed);
    assert_non_null(actri_arena_alloc(&arena, 10)); /* there is room, but the request is lost */
    assert_true(arena.failed);
    actri_arena_clear(&arena);
    assert_false(arena.failed);
    assert_string_equal(actri_arena_strndup(&arena, "again", 3), "aga");
    actri_arena_clear(&arena);
    assert_int_equal(oom.alive, 0);
}

static void an_absurd_size_fails(void **state)
{
    (void)state;
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    assert_null(actri_arena_alloc(&arena, SIZE_MAX - 3));
    assert_true(arena.failed);
    actri_arena_clear(&arena);
}

static void each_failed_allocation_is_survived(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_arena_t arena;
        actri_arena_init(&arena, &oom.env);
        for (int i = 0; i < 10; i++) (void)actri_arena_alloc(&arena, 1000);
        (void)actri_arena_strndup(&arena, "text", 4);
        assert_int_equal(arena.failed, oom.failed != 0);
        actri_arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap), cmocka_unit_test(small_blocks_share_an_allocation),
        cmocka_unit_test(a_failure_latches_until_cleared),       cmocka_unit_test(an_absurd_size_fails),
        cmocka_unit_test(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
