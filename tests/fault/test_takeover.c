/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the reference made, opened by us: what was queued, what was in flight and the dead letters, compared with
 * what the reference itself recorded (vectors/mailbox/expected.json); also when power fails at any change of the
 * take-over.
 *   test_takeover [--full] [--seed S]
 */
#include "fault/scratch.h"
#include "vectors.h"

#include <actr/mailbox.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <time.h>

#define MOST 64

typedef struct row {
    uint8_t sender[128], sha256[32];
    size_t sender_size, size;
    int priority, attempts;
    int64_t received_ms;
} row_t;

typedef struct rows {
    row_t row[2][MOST];
    size_t count[2]; /* of each priority */
} rows_t;

typedef struct source {
    const char *name; /* in expected.json */
    const char *files[2], *suffixes[2];
    bool letters;
} source_t;

static const source_t clean = {"clean", {"mailbox/mailbox.db", "mailbox/mailbox.db.dlq"}, {"", ".dlq"}, true};
static const source_t crashed = {
    "crashed", {"mailbox/crashed/mailbox.db", "mailbox/crashed/mailbox.db-wal"}, {"", "-wal"}, false};

static json_t *expected;

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void load(const source_t *source)
{
    char path[1024], name[200];
    disk_clear();
    for (int i = 0; i < 2; i++) {
        static char data[1 << 20];
        (void)snprintf(path, sizeof path, "%s/%s", ACTR_VECTORS, source->files[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(data, 1, sizeof data, file);
        (void)fclose(file);
        (void)snprintf(name, sizeof name, "%s%s", scratch_path, source->suffixes[i]);
        disk_load(name, data, size);
    }
    /* whether there is a file of dead letters is asked of the real folder */
    (void)snprintf(name, sizeof name, "%s.dlq", scratch_path);
    if (source->letters) (void)close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* "2026-11-22T18:57:13.677065341+00:00" */
static int64_t milliseconds(const char *text)
{
    struct tm parts = {.tm_isdst = 0};
    char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    assert_non_null(rest);
    double fraction = *rest == '.' ? strtod(rest, NULL) : 0;
    return (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000);
}

static bool near(int64_t a, int64_t b) /* rounded one way or the other */
{
    return a - b <= 1 && b - a <= 1;
}

static void close_both(actr_mailbox_t *mailbox, actr_dlq_t *letters)
{
    actr_dlq_close(letters);
    actr_mailbox_close(mailbox);
}

static actr_status_t open_both(actr_mailbox_t **mailbox, actr_dlq_t **letters, actr_error_t *error)
{
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    options.path = scratch_path;
    *mailbox = NULL;
    *letters = NULL;
    return actr_sqlite_store_open(&options, mailbox, letters, error);
}

/* ---- messages ---- */

static bool take(void *user, const actr_message_t *message)
{
    rows_t *rows = user;
    int priority = message->priority == ACTR_PRIORITY_HIGH;
    assert_true(rows->count[priority] < MOST);
    row_t *row = &rows->row[priority][rows->count[priority]++];
    assert_true(message->sender.size <= sizeof row->sender);
    if (message->sender.size > 0) memcpy(row->sender, message->sender.data, message->sender.size);
    row->sender_size = message->sender.size;
    row->size = message->payload.size;
    (void)SHA256(message->payload.size == 0 ? (const void *)"" : message->payload.data, row->size, row->sha256);
    row->attempts = (int)message->attempts;
    row->received_ms = message->received_ms;
    return true;
}

static void compare_row(const row_t *row, const json_t *want)
{
    uint8_t sender[128], digest[32];
    size_t size = vector_hex(text_of(want, "from_hex"), sender, sizeof sender);
    assert_int_equal(row->sender_size, size);
    assert_memory_equal(row->sender, sender, size);
    assert_int_equal(row->size, json_integer_value(json_object_get(want, "payload_len")));
    assert_int_equal(vector_hex(text_of(want, "payload_sha256"), digest, sizeof digest), sizeof digest);
    assert_memory_equal(row->sha256, digest, sizeof digest);
    /* in flight: handed out once by the reference, and now again */
    assert_int_equal(row->attempts, 1 + json_integer_value(json_object_get(want, "status")));
    assert_true(near(row->received_ms, milliseconds(text_of(want, "created_at"))));
}

/* All that was queued or in flight comes, in the order in which it was enqueued, for each priority. */
static void check_messages(actr_mailbox_t *mailbox, const source_t *source)
{
    static rows_t rows;
    const json_t *want = json_object_get(json_object_get(expected, source->name), "rows_by_rowid");
    size_t at[2] = {0, 0}, taken;
    actr_error_t error = ACTR_ERROR_INIT;
    memset(&rows, 0, sizeof rows);
    do {
        assert_ok(actr_mailbox_dequeue(mailbox, MOST, 60000, take, &rows, &taken, &error), &error);
    } while (taken > 0);
    assert_int_equal(rows.count[0] + rows.count[1], json_array_size(want));
    assert_true(json_array_size(want) > 20);
    for (size_t i = 0; i < json_array_size(want); i++) {
        const json_t *row = json_array_get(want, i);
        int priority = json_integer_value(json_object_get(row, "priority")) == 1;
        compare_row(&rows.row[priority][at[priority]++], row);
    }
}

/* ---- dead letters ---- */

typedef struct letters {
    const json_t *want;
    size_t count;
} letters_t;

static void compare_bytes(actr_bytes_t bytes, const char *hex)
{
    uint8_t want[256];
    size_t size = hex == NULL ? 0 : vector_hex(hex, want, sizeof want);
    assert_int_equal(bytes.size, size);
    if (size > 0) assert_memory_equal(bytes.data, want, size);
}

static void compare_text(const char *text, const char *want)
{
    assert_string_equal(text == NULL ? "(none)" : text, want == NULL ? "(none)" : want);
}

static bool take_letter(void *user, const actr_dead_letter_t *letter)
{
    letters_t *letters = user;
    const json_t *want = json_array_get(letters->want, letters->count++);
    const char *redriven = text_of(want, "last_redrive_at");
    assert_non_null(want);
    compare_text(letter->id, text_of(want, "id"));
    compare_bytes(letter->sender, text_of(want, "from_hex"));
    compare_bytes(letter->receiver, text_of(want, "to_hex"));
    compare_bytes(letter->payload, text_of(want, "raw_hex"));
    compare_text(letter->reason, text_of(want, "error_message"));
    compare_text(letter->category, text_of(want, "error_category"));
    compare_text(letter->trace_id, text_of(want, "trace_id"));
    compare_text(letter->request_id, text_of(want, "request_id"));
    compare_text(letter->context, text_of(want, "context"));
    assert_int_equal(letter->redrives, json_integer_value(json_object_get(want, "redrive_attempts")));
    assert_true(near(letter->created_ms, milliseconds(text_of(want, "created_at"))));
    assert_true(near(letter->redriven_ms, redriven == NULL ? 0 : milliseconds(redriven)));
    return true;
}

static void check_letters(actr_dlq_t *dlq, const source_t *source)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dlq_page_t page = {0, 0};
    size_t taken;
    letters_t letters = {json_object_get(json_object_get(expected, "dlq"), "records_newest_first"), 0};
    assert_ok(actr_dlq_query(dlq, NULL, &page, take_letter, &letters, &taken, &error), &error);
    assert_int_equal(letters.count, source->letters ? json_array_size(letters.want) : 0);
}

/* ---- the cases ---- */

static void check_all(const source_t *source)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_mailbox_t *mailbox;
    actr_dlq_t *letters;
    assert_ok(open_both(&mailbox, &letters, &error), &error);
    check_letters(letters, source);
    check_messages(mailbox, source);
    close_both(mailbox, letters);
    scratch_check_sound();
    scratch_remove();
}

static void test_taken_over(void **state)
{
    load(*state);
    check_all(*state);
}

static void test_power_fails_meanwhile(void **state)
{
    const source_t *source = *state;
    rng_t rng = {scratch_seed};
    bool cut = true;
    unsigned long cuts = 0;
    for (unsigned long at = 1; cut; at += scratch_full ? 1 : 1 + rng_below(&rng, 5)) {
        for (int how = 0; how < DISK_CUTS; how++) {
            actr_error_t error = ACTR_ERROR_INIT;
            actr_mailbox_t *mailbox;
            actr_dlq_t *letters;
            load(source);
            disk_cut_at(at);
            if (open_both(&mailbox, &letters, &error) == ACTR_OK) close_both(mailbox, letters);
            cut = disk_is_dead();
            cuts += cut;
            disk_power_on((disk_cut_t)how, &rng);
            check_all(source);
        }
    }
    assert_true(cuts > 20);
}

int main(int argc, char **argv)
{
    if (!scratch_begin(argc, argv)) return 2;
    disk_install();
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/mailbox/expected.json", ACTR_VECTORS);
    expected = json_load_file(path, 0, NULL);
    if (expected == NULL) return 2;
    const struct CMUnitTest tests[] = {
        {"test_clean_taken_over", test_taken_over, NULL, NULL, (void *)(uintptr_t)&clean},
        {"test_crashed_taken_over", test_taken_over, NULL, NULL, (void *)(uintptr_t)&crashed},
        {"test_power_fails_in_clean", test_power_fails_meanwhile, NULL, NULL, (void *)(uintptr_t)&clean},
        {"test_power_fails_in_crashed", test_power_fails_meanwhile, NULL, NULL, (void *)(uintptr_t)&crashed},
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(expected);
    return scratch_end(result);
}
