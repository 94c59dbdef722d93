/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power is cut at every change of the disk in turn, and what no sync had confirmed is dropped, reordered or torn. Then
 * the mailbox is opened again: the file is sound, nothing that was accepted is missing, nothing comes whose
 * acknowledgement was committed, and the order is kept.
 *   test_power [--full] [--seed S]
 */
#include "fault/ledger.h"
#include "fault/scratch.h"
#include "port/clock.h"

#define ROUNDS 10 /* with --full */

static actr_durability_t durability;

/* ---- what is going on when power fails ---- */

static void first_life(ledger_t *l)
{
    ledger_put(l, 3, 40, false);
    ledger_settle(l);
    ledger_end(l, 2);
    ledger_put(l, 4, 100, true);
    ledger_put(l, 4, 10, false);
    ledger_settle(l);
    ledger_end(l, 4);
    ledger_put(l, 1, 20000, false);
    ledger_settle(l);
    ledger_end(l, 3);
    ledger_put(l, 2, 0, true);
    ledger_settle(l);
}

static void second_life(ledger_t *l)
{
    ledger_settle(l);
    ledger_end(l, 2);
    ledger_put(l, 6, 300, false);
    ledger_settle(l);
    ledger_end(l, 5);
    ledger_put(l, 1, 0, false);
    ledger_settle(l);
}

/* So much that the log is brought into the file and begun anew meanwhile. */
static void large_life(ledger_t *l)
{
    for (int i = 0; i < 12 && !disk_is_dead(); i++) {
        ledger_put(l, 8, 60000, i % 3 == 0);
        ledger_settle(l);
        ledger_end(l, i % 2 == 0 ? 8 : 5);
    }
}

static void last_life(ledger_t *l)
{
    ledger_settle(l);
    ledger_put(l, 3, 50, false); /* it works on */
    ledger_settle(l);
    ledger_end(l, LEDGER_MOST);
}

static void live(ledger_t *l, void (*life)(ledger_t *))
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (disk_is_dead()) return;
    l->durability = durability;
    actr_status_t status = ledger_open(l, scratch_path, NULL, &error);
    if (status != ACTR_OK && !disk_is_dead()) {
        ledger_wrong(l, "not opened: %s", error.message);
    }
    if (status != ACTR_OK) return;
    life(l);
    ledger_close(l);
    if (!disk_is_dead()) ledger_all_gone(l);
}

/* ---- the cuts ---- */

typedef struct run {
    bool cut; /* it came to the cut */
    char wrong[500];
} run_t;

static void look_behind(ledger_t *l)
{
    if (l->wrong[0] != '\0') return;
    scratch_check_sound();
    if (scratch_number("SELECT count(*) FROM message") != 0) {
        ledger_wrong(l, "rows stay behind");
    }
}

/* One run of lives with a cut at change `at`, and the life after it. */
static run_t cut_once(unsigned long at, disk_cut_t cut, rng_t *rng, void (*const lives[2])(ledger_t *))
{
    static ledger_t l;
    run_t run;
    disk_clear();
    ledger_init(&l);
    if (durability == ACTR_DURABILITY_OFF) l.patience_ns = 50 * ACTRI_MS; /* in vain */
    disk_cut_at(at);
    live(&l, lives[0]);
    live(&l, lives[1]);
    run.cut = disk_is_dead();
    disk_power_on(cut, rng);
    live(&l, last_life);
    look_behind(&l);
    memcpy(run.wrong, l.wrong, sizeof run.wrong);
    ledger_destroy(&l);
    return run;
}

static void check(unsigned long at, disk_cut_t cut, const run_t *run)
{
    if (run->wrong[0] != '\0') fail_msg("cut at change %lu, %s: %s", at, disk_cut_names[cut], run->wrong);
}

static unsigned long cut_everywhere(rng_t *rng)
{
    static void (*const lives[2])(ledger_t *) = {first_life, second_life};
    unsigned long at = 1;
    for (bool again = true; again; at += scratch_full ? 1 : 1 + rng_below(rng, 8)) {
        for (int cut = 0; cut < DISK_CUTS; cut++) {
            run_t run = cut_once(at, (disk_cut_t)cut, rng, lives);
            check(at, (disk_cut_t)cut, &run);
            again = run.cut;
        }
    }
    return at;
}

static void test_cut_at_every_change(void **state)
{
    (void)state;
    rng_t rng = {scratch_seed};
    for (int round = 0; round < (scratch_full ? ROUNDS : 1); round++) assert_true(cut_everywhere(&rng) > 50);
}

static void test_cut_around_checkpoints(void **state)
{
    static void (*const lives[2])(ledger_t *) = {large_life, large_life};
    (void)state;
    rng_t rng = {scratch_seed};
    unsigned long changes = 6000, runs = scratch_full ? 1000 : 12, cuts = 0;
    for (unsigned long i = 0; i < runs; i++) {
        unsigned long at = 1 + rng_below(&rng, (uint32_t)changes);
        disk_cut_t cut = (disk_cut_t)rng_below(&rng, DISK_CUTS);
        run_t run = cut_once(at, cut, &rng, lives);
        check(at, cut, &run);
        cuts += run.cut ? 1 : 0;
        if (!run.cut && at <= changes) changes = at; /* it takes fewer */
    }
    assert_true(cuts > runs / 2);
}

/* What these tests would see if commits did not reach the disk. */
static void test_losses_are_seen(void **state)
{
    static void (*const lives[2])(ledger_t *) = {first_life, second_life};
    (void)state;
    rng_t rng = {scratch_seed};
    unsigned seen = 0;
    durability = ACTR_DURABILITY_OFF;
    for (unsigned long at = 30; at < 60; at += 3) {
        run_t run = cut_once(at, DISK_CUT_DROP, &rng, lives);
        seen += run.wrong[0] != '\0' ? 1 : 0;
    }
    durability = ACTR_DURABILITY_DEFAULT;
    assert_true(seen > 5);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    disk_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_change),
        cmocka_unit_test(test_cut_around_checkpoints),
        cmocka_unit_test(test_losses_are_seen),
    };
    return scratch_end(cmocka_run_group_tests(tests, NULL, NULL));
}
