/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every I/O call of SQLite fails in turn: once, a few times, or until the disk is mended: an error, no space, half a
 * write, a sync that loses what it should have saved. What was accepted stays, what was not is refused with a name, and
 * the service resumes when the disk does.
 *   test_io [--full] [--seed S]
 */
#include "fault/ledger.h"
#include "fault/scratch.h"
#include "port/clock.h"

#define FOR_EVER 1000000 /* calls: until mended */
#define PATIENCE_NS (60 * ACTRI_MS)

static const unsigned long lengths[] = {1, 4, FOR_EVER};

static void mend(void)
{
    disk_fail_at(DISK_EIO, 0, 0);
}

static void open_sound(ledger_t *l)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (ledger_open(l, scratch_path, NULL, &error) == ACTR_OK) return;
    ledger_wrong(l, "not opened on a sound disk: %s", error.message);
}

static bool is_named(actr_status_t status)
{
    return status == ACTR_STATUS_MAILBOX_IO || status == ACTR_STATUS_MAILBOX_FULL ||
           status == ACTR_STATUS_MAILBOX_CORRUPT || status == ACTR_STATUS_MAILBOX_BUSY;
}

/* Opens while calls fail; if that can not be, mends the disk, and then it must. */
static void open_failing(ledger_t *l)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = ledger_open(l, scratch_path, NULL, &error);
    if (status == ACTR_OK) return;
    if (!is_named(status)) ledger_wrong(l, "%s: %s", actr_status_name(status), error.message);
    mend();
    open_sound(l);
}

/* Some life; what is put may be refused. */
static void suffer(ledger_t *l)
{
    (void)ledger_settles(l, PATIENCE_NS);
    ledger_put(l, 3, 40, false);
    (void)ledger_settles(l, PATIENCE_NS);
    ledger_end(l, 4);
    ledger_put(l, 4, 5000, true);
    (void)ledger_settles(l, PATIENCE_NS);
    ledger_end(l, 2);
    if (l->refusals > 0 && !is_named(l->last_refusal)) {
        ledger_wrong(l, "refused with %s", actr_status_name(l->last_refusal));
    }
}

static void resume(ledger_t *l)
{
    unsigned refusals = l->refusals;
    ledger_put(l, 3, 100, false);
    ledger_settle(l);
    if (l->refusals != refusals) ledger_wrong(l, "the disk is sound again, the service is not");
    ledger_end(l, 5);
}

static void last_life(ledger_t *l)
{
    open_sound(l);
    if (l->mailbox != NULL) ledger_settle(l);
    if (l->mailbox != NULL) ledger_end(l, LEDGER_MOST);
    ledger_close(l);
    scratch_check_sound();
    if (l->wrong[0] == '\0' && scratch_number("SELECT count(*) FROM message") != 0) {
        ledger_wrong(l, "rows stay behind");
    }
}

typedef struct totals {
    unsigned long runs, failed, refused, refused_came;
} totals_t;

/* One run: a sound life, one in which calls fail, power cut, a sound life. False when no call was left to fail. */
static bool fail_once(disk_fault_t fault, unsigned long at, unsigned long length, totals_t *totals)
{
    static ledger_t l;
    rng_t rng = {scratch_seed + at};
    disk_clear();
    ledger_init(&l);
    open_sound(&l);
    ledger_put(&l, 5, 200, false);
    ledger_settle(&l);
    ledger_close(&l);
    disk_fail_at(fault, at, length);
    open_failing(&l);
    if (l.mailbox != NULL) suffer(&l);
    unsigned long failed = disk_failed();
    bool mended = rng_chance(&rng, 70);
    if (mended) mend();
    if (mended && l.mailbox != NULL) resume(&l);
    disk_cut_at(1); /* the process ends with the disk, so that nothing is put right in its last moments */
    ledger_close(&l);
    disk_power_on(rng_chance(&rng, 50) ? DISK_CUT_DROP : DISK_CUT_KEEP, &rng);
    last_life(&l);
    if (l.wrong[0] != '\0') fail_msg("%s at call %lu, %lu times: %s", disk_fault_names[fault], at, length, l.wrong);
    totals->runs++;
    totals->failed += failed;
    totals->refused += l.refusals;
    totals->refused_came += l.refused_came;
    ledger_destroy(&l);
    return failed > 0;
}

static void fail_everywhere(disk_fault_t fault)
{
    rng_t rng = {scratch_seed};
    totals_t totals = {0, 0, 0, 0};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned long at = 1;
        while (fail_once(fault, at, lengths[i], &totals)) at += scratch_full ? 1 : 1 + rng_below(&rng, 12);
    }
    print_message("%s: %lu runs, %lu calls failed, %lu requests refused; %lu of them were stored all the same\n",
                  disk_fault_names[fault], totals.runs, totals.failed, totals.refused, totals.refused_came);
    assert_true(totals.runs > 5 && totals.refused > 0);
}

static void test_errors(void **state)
{
    (void)state;
    fail_everywhere(DISK_EIO);
}

static void test_no_space(void **state)
{
    (void)state;
    fail_everywhere(DISK_ENOSPC);
}

static void test_short_writes(void **state)
{
    (void)state;
    fail_everywhere(DISK_SHORT_WRITE);
}

static void test_lost_syncs(void **state)
{
    (void)state;
    fail_everywhere(DISK_LOST_SYNC);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    disk_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_short_writes),
        cmocka_unit_test(test_lost_syncs),
    };
    return scratch_end(cmocka_run_group_tests(tests, NULL, NULL));
}
