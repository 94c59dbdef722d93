/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every I/O call of SQLite fails in turn: once, a few times, or until the disk is mended: an error, no space, half a
 * write, a sync that loses what it should have saved. So does every allocation, SQLite's and ours. What was accepted
 * stays, what was not is refused with a name, and the service resumes when the disk or the memory does.
 *   test_io [--full] [--seed S]
 */
#include "fault/ledger.h"
#include "fault/memory.h"
#include "fault/scratch.h"
#include "port/clock.h"

#define FOR_EVER 1000000 /* calls: until mended */
#define PATIENCE_NS (60 * ACTRI_MS)

static const unsigned long lengths[] = {1, 4, FOR_EVER};

/* A way to fail, and the calls that can fail so counted. */
typedef struct fault {
    const char *name;
    disk_fault_t kind; /* of the disk */
    void (*arm)(const struct fault *fault, unsigned long at, unsigned long length);
    unsigned long (*failed)(void);
    unsigned stride; /* of a sample, at most; memory has many more calls than the disk */
} fault_t;

static void arm_disk(const fault_t *fault, unsigned long at, unsigned long length)
{
    disk_fail_at(fault->kind, at, length);
}

static void arm_sqlite(const fault_t *fault, unsigned long at, unsigned long length)
{
    (void)fault;
    memory_fail_at(MEMORY_SQLITE, at, length);
}

static void arm_ours(const fault_t *fault, unsigned long at, unsigned long length)
{
    (void)fault;
    memory_fail_at(MEMORY_OURS, at, length);
}

static void mend(void)
{
    disk_fail_at(DISK_EIO, 0, 0);
    memory_fail_at(MEMORY_OURS, 0, 0);
}

static void open_sound(ledger_t *l)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (ledger_open(l, scratch_path, &memory_env, &error) == ACTR_OK) return;
    ledger_wrong(l, "not opened on a sound disk: %s", error.message);
}

static bool is_named(actr_status_t status)
{
    return status == ACTR_STATUS_MAILBOX_IO || status == ACTR_STATUS_MAILBOX_FULL ||
           status == ACTR_STATUS_MAILBOX_CORRUPT || status == ACTR_STATUS_MAILBOX_BUSY ||
           status == ACTR_STATUS_NO_MEMORY;
}

/* Opens while calls fail; if that can not be, mends the disk, and then it must. */
static void open_failing(ledger_t *l)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = ledger_open(l, scratch_path, &memory_env, &error);
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
    if (l->refusals != refusals) ledger_wrong(l, "all is sound again, the service is not");
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
static bool fail_once(const fault_t *fault, unsigned long at, unsigned long length, totals_t *totals)
{
    static ledger_t l;
    rng_t rng = {scratch_seed + at};
    disk_clear();
    ledger_init(&l);
    open_sound(&l);
    ledger_put(&l, 5, 200, false);
    ledger_settle(&l);
    ledger_close(&l);
    fault->arm(fault, at, length);
    open_failing(&l);
    if (l.mailbox != NULL) suffer(&l);
    unsigned long failed = fault->failed();
    bool mended = rng_chance(&rng, 70);
    if (mended) mend();
    if (mended && l.mailbox != NULL) resume(&l);
    disk_cut_at(1); /* the process ends with the disk, so that nothing is put right in its last moments */
    ledger_close(&l);
    mend();
    disk_power_on(rng_chance(&rng, 50) ? DISK_CUT_DROP : DISK_CUT_KEEP, &rng);
    last_life(&l);
    if (l.wrong[0] != '\0') fail_msg("%s at call %lu, %lu times: %s", fault->name, at, length, l.wrong);
    totals->runs++;
    totals->failed += failed;
    totals->refused += l.refusals;
    totals->refused_came += l.refused_came;
    ledger_destroy(&l);
    return failed > 0;
}

static void fail_everywhere(const fault_t *fault)
{
    rng_t rng = {scratch_seed};
    totals_t totals = {0, 0, 0, 0};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        /* every single one; of the longer rows, which take longer too, a sample */
        uint32_t stride = scratch_full ? (i == 0 ? 1 : 1 + fault->stride / 12) : fault->stride;
        unsigned long at = 1;
        while (fail_once(fault, at, lengths[i], &totals)) at += 1 + rng_below(&rng, stride);
    }
    print_message("%s: %lu runs, %lu calls failed, %lu requests refused; %lu of them were stored all the same\n",
                  fault->name, totals.runs, totals.failed, totals.refused, totals.refused_came);
    assert_true(totals.runs > 5 && totals.refused > 0);
}

static void test_fault(void **state)
{
    fail_everywhere(*state);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    memory_install();
    disk_install();
    static fault_t faults[] = {
        {"EIO", DISK_EIO, arm_disk, disk_failed, 12},
        {"ENOSPC", DISK_ENOSPC, arm_disk, disk_failed, 12},
        {"short write", DISK_SHORT_WRITE, arm_disk, disk_failed, 12},
        {"lost sync", DISK_LOST_SYNC, arm_disk, disk_failed, 12},
        {"SQLite's allocation", DISK_EIO, arm_sqlite, memory_failed, 100},
        {"our allocation", DISK_EIO, arm_ours, memory_failed, 12},
    };
    const struct CMUnitTest tests[] = {
        {"test_errors", test_fault, NULL, NULL, &faults[0]},
        {"test_no_space", test_fault, NULL, NULL, &faults[1]},
        {"test_short_writes", test_fault, NULL, NULL, &faults[2]},
        {"test_lost_syncs", test_fault, NULL, NULL, &faults[3]},
        {"test_memory_of_sqlite", test_fault, NULL, NULL, &faults[4]},
        {"test_memory_of_ours", test_fault, NULL, NULL, &faults[5]},
    };
    return scratch_end(cmocka_run_group_tests(tests, NULL, NULL));
}
