/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of a dequeue and an acknowledgement does not grow with what is queued or leased, told from SQLite's own
 * counters (./dev bench mailbox has the times); at a limit, memory stays as it is.
 *   test_depth [--full]     1,000,000 queued, else 20,000
 */
#include "fault/memory.h"
#include "fault/scratch.h"

#include <actr/mailbox.h>

#define BATCH 32
#define ROUNDS 40
#define FILL 500

typedef struct work {
    long scans, sorts, indexes, steps; /* rows of full scans, sorts, indexes made on the way, steps of the machine */
} work_t;

static work_t work;

static int on_statement(unsigned type, void *user, void *statement, void *nanoseconds)
{
    (void)type;
    (void)user;
    (void)nanoseconds;
    work.scans += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    work.sorts += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 1);
    work.indexes += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_AUTOINDEX, 1);
    work.steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    return 0;
}

/* An extension of every connection of this program: the mailbox's own among them. */
static int on_connection(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, on_statement, NULL);
}

static actr_mailbox_t *open_mailbox(uint64_t most, uint64_t most_bytes)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    actr_mailbox_t *mailbox = NULL;
    scratch_remove();
    options.path = scratch_path;
    options.allocator = &memory_env.allocator;
    options.durability = ACTR_DURABILITY_OFF;
    options.max_messages = most;
    options.max_bytes = most_bytes;
    assert_ok(actr_sqlite_store_open(&options, &mailbox, NULL, &error), &error);
    return mailbox;
}

/* Returns how many were stored; the rest were refused. */
static size_t enqueue(actr_mailbox_t *mailbox, size_t count, size_t size)
{
    static actr_message_t messages[FILL];
    static const uint8_t bytes[4096];
    actr_error_t error = ACTR_ERROR_INIT;
    size_t stored = 0;
    memset(messages, 0, sizeof messages);
    for (size_t i = 0; i < count; i++) {
        messages[i].priority = i % 5 == 0 ? ACTR_PRIORITY_HIGH : ACTR_PRIORITY_NORMAL;
        messages[i].payload = (actr_bytes_t){bytes, size};
    }
    actr_status_t status = actr_mailbox_enqueue(mailbox, messages, count, &error);
    for (size_t i = 0; i < count; i++) {
        stored += messages[i].outcome == ACTR_ENQUEUE_STORED;
        assert_true(messages[i].outcome == ACTR_ENQUEUE_STORED || messages[i].outcome == ACTR_ENQUEUE_FULL);
    }
    assert_status(stored == count ? ACTR_OK : ACTR_STATUS_MAILBOX_FULL, status);
    return stored;
}

typedef struct batch {
    actr_ack_t acks[BATCH];
    size_t count;
} batch_t;

static bool take(void *user, const actr_message_t *message)
{
    batch_t *batch = user;
    batch->acks[batch->count++] = (actr_ack_t){.id = message->id};
    return true;
}

static size_t dequeue(actr_mailbox_t *mailbox, batch_t *batch)
{
    actr_error_t error = ACTR_ERROR_INIT;
    size_t taken;
    batch->count = 0;
    assert_ok(actr_mailbox_dequeue(mailbox, BATCH, 3600000, take, batch, &taken, &error), &error);
    return taken;
}

static void fill(actr_mailbox_t *mailbox, size_t count)
{
    for (size_t i = 0; i < count; i += FILL) assert_int_equal(enqueue(mailbox, FILL, 100), FILL);
}

static work_t drain_some(actr_mailbox_t *mailbox)
{
    actr_error_t error = ACTR_ERROR_INIT;
    batch_t batch;
    work = (work_t){0, 0, 0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(dequeue(mailbox, &batch), BATCH);
        assert_ok(actr_mailbox_ack(mailbox, batch.acks, batch.count, &error), &error);
    }
    return work;
}

static void test_queued(void **state)
{
    (void)state;
    actr_mailbox_t *mailbox = open_mailbox(2000000, UINT64_C(1) << 40);
    fill(mailbox, 2000);
    work_t shallow = drain_some(mailbox);
    fill(mailbox, scratch_full ? 1000000 : 20000);
    work_t deep = drain_some(mailbox);
    actr_mailbox_close(mailbox);
    assert_true(shallow.steps > 1000);
    assert_int_equal(deep.scans + deep.sorts + deep.indexes, 0);
    if (deep.steps > shallow.steps * 11 / 10) fail_msg("%ld steps deep, %ld shallow", deep.steps, shallow.steps);
}

static work_t poll_empty(size_t leased)
{
    batch_t batch;
    actr_mailbox_t *mailbox = open_mailbox(2000000, UINT64_C(1) << 40);
    fill(mailbox, leased);
    while (dequeue(mailbox, &batch) > 0) continue;
    work = (work_t){0, 0, 0, 0};
    for (int i = 0; i < ROUNDS; i++) assert_int_equal(dequeue(mailbox, &batch), 0);
    work_t polls = work;
    actr_mailbox_close(mailbox);
    return polls;
}

static void test_empty_beside_leased(void **state)
{
    (void)state;
    work_t few = poll_empty(500), many = poll_empty(scratch_full ? 100000 : 20000);
    assert_int_equal(many.scans + many.sorts + many.indexes, 0);
    if (many.steps > few.steps * 11 / 10 + ROUNDS)
        fail_msg("%ld steps beside many, %ld beside few", many.steps, few.steps);
}

static void refuse_many(actr_mailbox_t *mailbox, size_t stored, size_t size)
{
    size_t in = 0, before;
    while ((before = in) < stored + FILL) {
        in += enqueue(mailbox, FILL, size);
        if (in == before) break; /* nothing more goes in */
    }
    assert_int_equal(in, stored);
    long alive = memory_alive();
    sqlite3_int64 used = sqlite3_memory_used();
    for (int i = 0; i < (scratch_full ? 2000 : 40); i++) assert_int_equal(enqueue(mailbox, FILL, size), 0);
    assert_int_equal(memory_alive(), alive);
    assert_int_equal(sqlite3_memory_used(), used);
    batch_t batch;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_int_equal(dequeue(mailbox, &batch), BATCH);
    assert_ok(actr_mailbox_ack(mailbox, batch.acks, batch.count, &error), &error);
    assert_int_equal(enqueue(mailbox, FILL, size), BATCH); /* just the room that was made */
}

static void test_limits(void **state)
{
    (void)state;
    actr_mailbox_t *mailbox = open_mailbox(1200, UINT64_C(1) << 40);
    refuse_many(mailbox, 1200, 100);
    actr_mailbox_close(mailbox);
    mailbox = open_mailbox(1000000, 4096 * 1000);
    refuse_many(mailbox, 1000, 4096);
    actr_mailbox_close(mailbox);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    memory_install();
    if (sqlite3_auto_extension((void (*)(void))on_connection) != SQLITE_OK) return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queued),
        cmocka_unit_test(test_empty_beside_leased),
        cmocka_unit_test(test_limits),
    };
    return scratch_end(cmocka_run_group_tests(tests, NULL, NULL));
}
