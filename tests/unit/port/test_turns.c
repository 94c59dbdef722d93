/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "port/turns.h"
#include "rng.h"

#include <string.h>

#define MOST 400

typedef struct item {
    actri_task_t task;
    unsigned number;
} item_t;

static item_t items[MOST];

static item_t *add(actri_turns_t *turns, unsigned number, uint64_t key, bool high)
{
    items[number] = (item_t){.task = {.key = key, .high = high}, .number = number};
    actri_list_init(&items[number].task.link);
    actri_turns_add(turns, &items[number].task);
    return &items[number];
}

static int next(actri_turns_t *turns)
{
    actri_task_t *task = actri_turns_next(turns);
    return task == NULL ? -1 : (int)ACTRI_CONTAINER(task, item_t, task)->number;
}

static void keys_are_kept_apart_and_in_order(void **state)
{
    (void)state;
    actri_turns_t t;
    actri_turns_init(&t, 3);
    assert_true(actri_turns_empty(&t));
    add(&t, 0, 7, false);
    add(&t, 1, 7, false);
    add(&t, 2, 8, false);
    add(&t, 3, 9, false);
    add(&t, 4, 10, false);
    assert_true(actri_turns_may_start(&t));
    assert_int_equal(next(&t), 0);
    assert_int_equal(next(&t), 2); /* passes the second of key 7 */
    assert_int_equal(next(&t), 3);
    assert_int_equal(next(&t), -1); /* three workers */
    assert_false(actri_turns_may_start(&t));
    actri_turns_end(&t, 7);
    assert_int_equal(next(&t), 1); /* before the later key 10 */
    actri_turns_end(&t, 9);
    assert_int_equal(next(&t), 4);
    actri_turns_end(&t, 7);
    actri_turns_end(&t, 8);
    actri_turns_end(&t, 10);
    assert_true(actri_turns_empty(&t));
}

static void a_task_without_key_runs_alone(void **state)
{
    (void)state;
    actri_turns_t t;
    actri_turns_init(&t, 4);
    add(&t, 0, 1, false);
    add(&t, 1, 1, false);
    add(&t, 2, 0, false);
    add(&t, 3, 2, false);
    assert_int_equal(next(&t), 0);
    assert_int_equal(next(&t), -1); /* 1 is parked, 2 waits for it, 3 waits behind 2 */
    actri_turns_end(&t, 1);
    assert_int_equal(next(&t), 1);
    assert_int_equal(next(&t), -1);
    actri_turns_end(&t, 1);
    assert_int_equal(next(&t), 2);
    assert_int_equal(next(&t), -1);
    assert_false(actri_turns_may_start(&t));
    actri_turns_end(&t, 0);
    assert_int_equal(next(&t), 3);
    actri_turns_end(&t, 2);
    assert_true(actri_turns_empty(&t));
}

static void high_goes_first_and_starves_nobody(void **state)
{
    (void)state;
    actri_turns_t t;
    actri_turns_init(&t, 2);
    add(&t, 0, 1, false);
    add(&t, 1, 1, false);
    assert_int_equal(next(&t), 0);
    assert_int_equal(next(&t), -1); /* 1 parked */
    add(&t, 2, 1, true);
    assert_int_equal(next(&t), -1); /* 2 parked */
    add(&t, 3, 0, true);
    assert_int_equal(next(&t), -1);
    actri_turns_end(&t, 1);
    assert_int_equal(next(&t), 2); /* the high one of the key first */
    assert_int_equal(next(&t), -1);
    actri_turns_end(&t, 1);
    assert_int_equal(next(&t), 3); /* waits for what runs and for older high ones, not for the normal one */
    actri_turns_end(&t, 0);
    assert_int_equal(next(&t), 1);
    actri_turns_end(&t, 1);
    for (unsigned i = 10; i < 40; i++) add(&t, i, i, true);
    add(&t, 50, 0, false); /* needs the executor to itself */
    bool ran = false;
    unsigned before = 0;
    int number, running = -1;
    while (!ran && before < 40) {
        number = next(&t);
        if (number == 50) ran = true;
        if (number >= 0 && number != 50) before++;
        if (number < 0 || running >= 0) actri_turns_end(&t, items[running].task.key);
        running = number;
    }
    assert_true(ran);
    assert_in_range(before, 8, 9);
}

/* ---- any order of events ---- */

typedef struct model {
    bool ran[MOST];
    int running[ACTRI_WORKERS_MAX];
    unsigned count, added, alone;
} model_t;

static void check_start(const model_t *m, unsigned workers, unsigned number)
{
    const actri_task_t *task = &items[number].task;
    assert_true(m->count < workers);
    assert_false(m->ran[number]);
    for (unsigned i = 0; i < m->count; i++) {
        const actri_task_t *other = &items[m->running[i]].task;
        assert_true(task->key != 0 && other->key != 0 && task->key != other->key);
    }
    for (unsigned i = 0; i < number; i++) { /* what must have come before */
        const actri_task_t *older = &items[i].task;
        if (m->ran[i] || older->high != task->high) continue;
        assert_false(older->key == task->key);           /* of one key, in order */
        assert_false(older->key == 0 || task->key == 0); /* nothing passes one that runs alone */
    }
}

static void end_one(actri_turns_t *t, model_t *m, unsigned which)
{
    actri_turns_end(t, items[m->running[which]].task.key);
    m->running[which] = m->running[--m->count];
}

static void random_life(uint64_t seed)
{
    rng_t rng = {seed};
    model_t m = {.added = 0};
    actri_turns_t t;
    unsigned workers = 2 + (unsigned)rng_below(&rng, 6);
    actri_turns_init(&t, workers);
    while (m.added < MOST || !actri_turns_empty(&t)) {
        unsigned what = (unsigned)rng_below(&rng, 3);
        if (what == 0 && m.added < MOST) {
            uint64_t key = rng_below(&rng, 8);
            (void)add(&t, m.added, key, rng_below(&rng, 4) == 0);
            m.added++;
        } else if (what == 1 && m.count > 0) {
            end_one(&t, &m, (unsigned)rng_below(&rng, m.count));
        } else {
            int number = next(&t);
            if (number < 0) {
                if (m.count == 0) assert_true(actri_turns_empty(&t)); /* never stuck */
                continue;
            }
            check_start(&m, workers, (unsigned)number);
            m.ran[number] = true;
            m.running[m.count++] = number;
        }
    }
    for (unsigned i = 0; i < MOST; i++) assert_true(m.ran[i]);
}

static void any_order_keeps_the_promises(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) random_life(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_kept_apart_and_in_order),
        cmocka_unit_test(a_task_without_key_runs_alone),
        cmocka_unit_test(high_goes_first_and_starves_nobody),
        cmocka_unit_test(any_order_keeps_the_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
