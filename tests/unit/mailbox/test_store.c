/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite file: what older and damaged ones become, what is refused and untouched, costs that depth does not raise.
 */
#include "box.h"
#include "oom.h"

#include <fcntl.h>

static void sql(const char *statements)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, statements, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", statements, why);
    (void)sqlite3_close(db);
}

static actr_status_t open_file(actr_mailbox_t **mailbox, actr_dlq_t **letters, actr_error_t *error)
{
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    options.path = path;
    return actr_sqlite_store_open(&options, mailbox, letters, error);
}

static actr_mailbox_t *open_good(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_mailbox_t *mailbox = NULL;
    assert_ok(open_file(&mailbox, NULL, &error), &error);
    return mailbox;
}

/* ---- files of the reference ---- */

static const char reference[] = "CREATE TABLE messages(id TEXT PRIMARY KEY, from_actr_id BLOB NOT NULL, payload BLOB "
                                "NOT NULL, priority INTEGER NOT "
                                "NULL, status INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL);";

static bool take_text(void *user, const actr_message_t *message)
{
    char *out = user;
    size_t used = strlen(out);
    (void)snprintf(out + used, 200 - used, "%.*s:%u ", (int)message->payload.size, (const char *)message->payload.data,
                   message->attempts);
    return true;
}

static void check_content(const char *expected)
{
    char all[200] = "";
    actr_mailbox_t *mailbox = open_good();
    assert_ok(actr_mailbox_dequeue(mailbox, 100, 1000, take_text, all, NULL, NULL), NULL);
    assert_string_equal(all, expected);
    actr_mailbox_close(mailbox);
}

/* Rule 53, mailbox.md 4: a row that can not be parsed is an error for that row. */
static void test_a_damaged_row_harms_only_itself(void **state)
{
    (void)state;
    sql(reference);
    sql("INSERT INTO messages VALUES('no uuid', x'01', CAST('a' AS BLOB), 0, 0, '2025-11-02T09:15:00+00:00');"
        "INSERT INTO messages VALUES('2', 'text', CAST('b' AS BLOB), 0, 0, '2025-11-02T09:15:01+00:00');"
        "INSERT INTO messages VALUES('3', x'01', 'text', 1, 1, '2025-11-02T09:15:02+00:00');"
        "INSERT INTO messages VALUES('4', x'01', CAST('c' AS BLOB), 0, 0, 'yesterday');");
    check_content("a:1 c:1 ");
    assert_int_equal(number("SELECT count(*) FROM dead_letter WHERE category = 'corrupted_row' AND length(id) = 36"),
                     2);
    assert_int_equal(number("SELECT priority FROM dead_letter WHERE trace_id = 'mailbox-3'"), 1);
}

static bool take_reason(void *user, const actr_dead_letter_t *letter)
{
    char *out = user;
    size_t used = strlen(out);
    (void)snprintf(out + used, 200 - used, "%s:%zu ", letter->reason, letter->payload.size);
    return true;
}

/* Rule 53: so is a dead letter, which the reference reads as UUID, time and text, or ends. */
static void test_a_damaged_letter_harms_only_itself(void **state)
{
    (void)state;
    char name[240], all[200] = "";
    sqlite3 *db = NULL;
    actr_mailbox_t *mailbox = NULL;
    actr_dlq_t *letters = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    copy_vector("mailbox.db", "");
    (void)snprintf(name, sizeof name, "%s.dlq", path);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "CREATE TABLE dead_letter_queue(id TEXT PRIMARY KEY, original_message_id TEXT, from_actr_id BLOB, "
            "to_actr_id "
            "BLOB, raw_bytes BLOB, error_message TEXT, error_category TEXT, trace_id TEXT, request_id TEXT, created_at "
            "TEXT, redrive_attempts INTEGER, last_redrive_at TEXT, context TEXT);"
            "INSERT INTO dead_letter_queue VALUES"
            "('1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
            "('no uuid', 'no uuid', 'text', 7, 'text', x'fe00ff', 'c', 't', x'ff', 'yesterday', 'often', 'never', '{'),"
            "('3', NULL, NULL, NULL, x'0102', 'sound', 'c', 't', NULL, '2025-11-02T09:15:00+00:00', 0, NULL, NULL)",
            NULL, NULL, NULL),
        SQLITE_OK);
    (void)sqlite3_close(db);
    assert_ok(open_file(&mailbox, &letters, &error), &error);
    assert_ok(actr_dlq_query(letters, NULL, NULL, take_reason, all, NULL, &error), &error);
    assert_non_null(strstr(all, "sound:2 "));
    assert_non_null(strstr(all, ":4 "));
    assert_ok(actr_dlq_remove(letters, "no uuid", &error), &error);
    actr_mailbox_close(mailbox);
    actr_dlq_close(letters);
}

/* mailbox.md 3, 4: equal times, clock steps, other offsets and priorities do not change the order of arrival. */
static void test_order_is_that_of_rows_not_of_clocks(void **state)
{
    (void)state;
    sql(reference);
    sql("INSERT INTO messages VALUES('1', x'01', CAST('a' AS BLOB), 0, 0, '2025-11-02T09:15:05+00:00');"
        "INSERT INTO messages VALUES('2', x'01', CAST('b' AS BLOB), 0, 1, '2025-11-02T09:15:05+00:00');"
        "INSERT INTO messages VALUES('3', x'01', CAST('c' AS BLOB), 0, 0, '2025-11-02T09:15:01+00:00');"
        "INSERT INTO messages VALUES('4', x'01', CAST('d' AS BLOB), -3, 0, '2025-11-02T11:15:02+02:00');"
        "INSERT INTO messages VALUES('5', x'01', CAST('e' AS BLOB), 5, 0, '2025-11-02T09:15:02Z');"
        "INSERT INTO messages VALUES('6', x'01', CAST('h' AS BLOB), 1, 0, '2025-11-02T09:15:09+00:00');");
    check_content("h:1 a:1 b:2 c:1 d:1 e:1 "); /* b was in flight: its second attempt */
}

/* All of it, or nothing: compared with what was recorded. */
static void test_take_over_matches_the_recording(void **state)
{
    (void)state;
    copy_vector("mailbox.db", "");
    copy_vector("mailbox.db.dlq", ".dlq");
    long long rows = number("SELECT count(*) FROM messages"),
              bytes = number("SELECT sum(length(payload)) FROM messages");
    actr_mailbox_t *mailbox = open_good();
    actr_mailbox_stats_t stats = {.struct_size = sizeof stats};
    assert_ok(actr_mailbox_get_stats(mailbox, &stats, NULL), NULL);
    assert_int_equal(stats.ready, rows);
    actr_mailbox_close(mailbox);
    assert_int_equal(number("SELECT sum(length(payload)) FROM message"), bytes);
    assert_int_equal(number("SELECT count(*) FROM message WHERE attempts = 1"), 12); /* in flight */
    assert_int_equal(number("SELECT count(*) FROM dead_letter"), 6);
    assert_int_equal(number("SELECT count(*) FROM sqlite_master WHERE name = 'messages'"), 0);
    assert_int_equal(number("PRAGMA user_version"), 2);
}

/* A file of dead letters that can not be read is not passed over in silence; nothing is changed. */
static void test_unreadable_dead_letters_stop_the_take_over(void **state)
{
    (void)state;
    char name[240];
    actr_mailbox_t *mailbox = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    copy_vector("mailbox.db", "");
    (void)snprintf(name, sizeof name, "%s.dlq", path);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    for (int i = 0; i < 500; i++) (void)fputs("this is no database\n", file);
    (void)fclose(file);
    assert_status(ACTR_STATUS_MAILBOX_CORRUPT, open_file(&mailbox, NULL, &error));
    assert_true(number("SELECT count(*) FROM messages") > 0);
}

static void test_version_1_is_moved(void **state)
{
    (void)state;
    sql("CREATE TABLE message(sequence INTEGER PRIMARY KEY AUTOINCREMENT, priority INTEGER NOT NULL, attempts INTEGER "
        "NOT NULL DEFAULT 0, received_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, sender BLOB NOT NULL, payload "
        "BLOB NOT NULL);"
        "CREATE INDEX message_high ON message(sequence) WHERE priority = 1;"
        "CREATE TABLE dead_letter(id TEXT PRIMARY KEY, original_message_id TEXT, sender BLOB, receiver BLOB, payload "
        "BLOB NOT NULL, error_message TEXT NOT NULL, error_category TEXT NOT NULL, trace_id TEXT NOT NULL, request_id "
        "TEXT, created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, redrive_attempts INTEGER NOT NULL "
        "DEFAULT 0, last_redrive_ms INTEGER, context TEXT);"
        "CREATE INDEX dead_letter_created ON dead_letter(created_ms);"
        "INSERT INTO message VALUES(7, 0, 1, 5, 0, x'01', CAST('a' AS BLOB)), (8, 1, 0, 5, 0, x'01', CAST('b' AS "
        "BLOB));"
        "INSERT INTO dead_letter(id, payload, error_message, error_category, trace_id, created_ms) VALUES('x', x'00', "
        "'r', 'c', 't', 9); PRAGMA user_version=1;");
    check_content("b:1 a:2 ");
    assert_int_equal(number("SELECT count(*) FROM dead_letter WHERE id = 'x' AND created_ms = 9"), 1);
}

/* ---- what is refused ---- */

static void test_damage_is_found_at_open(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_mailbox_t *mailbox = open_good();
    for (int i = 0; i < 200; i++) {
        char block[500] = "x";
        actr_message_t message = {.payload = {block, sizeof block}};
        assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, NULL), NULL);
    }
    actr_mailbox_close(mailbox);
    int fd = open(path, O_WRONLY);
    static const char rubbish[4096] = "rubbish";
    for (off_t page = 3; page < 12; page++) assert_int_equal(pwrite(fd, rubbish, 4096, page * 4096), 4096);
    (void)close(fd);
    assert_status(ACTR_STATUS_MAILBOX_CORRUPT, open_file(&mailbox, NULL, &error));
    assert_non_null(strstr(error.message, path));
}

/* mailbox.md 7: the reference calls all of them QueryError. */
static void test_each_failure_has_its_name(void **state)
{
    (void)state;
    actr_mailbox_t *mailbox = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    options.path = "/nowhere/at/all/m.db";
    assert_status(ACTR_STATUS_MAILBOX_IO, actr_sqlite_store_open(&options, &mailbox, NULL, &error));
    assert_non_null(strstr(error.message, "No such file"));
    options.path = folder;
    assert_status(ACTR_STATUS_MAILBOX_IO, actr_sqlite_store_open(&options, &mailbox, NULL, &error));
    options.path = "";
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_sqlite_store_open(&options, &mailbox, NULL, &error));
    options.path = NULL;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_sqlite_store_open(&options, &mailbox, NULL, &error));
    sql("CREATE TABLE messages(id, other)");
    assert_status(ACTR_STATUS_MAILBOX_IO, open_file(&mailbox, NULL, &error)); /* other columns */
    assert_non_null(strstr(error.message, path));
    assert_int_equal(number("SELECT count(*) FROM sqlite_master"), 1);
    char lock[260];
    (void)snprintf(lock, sizeof lock, "%s.lock", folder);
    (void)unlink(lock);
}

static void test_a_file_of_zero_bytes_is_new(void **state)
{
    (void)state;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    check_content("");
}

/* mailbox.md 2: another writer holds SQLite's lock. Readers never wait. */
static void test_a_foreign_writer_is_waited_for(void **state)
{
    (void)state;
    sqlite3 *reader = NULL;
    actr_mailbox_t *mailbox = open_good();
    assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM message", NULL, NULL, NULL), SQLITE_OK);
    actr_message_t message = {.payload = {"x", 1}};
    assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, NULL), NULL); /* beside a reader that stays */
    (void)sqlite3_close(reader);
    actr_mailbox_close(mailbox);
}

/* ---- costs ---- */

static void check_plan(const char *query, const char *index)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    char text[400];
    (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", query);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    const char *plan = (const char *)sqlite3_column_text(s, 3);
    if (strstr(plan, index) == NULL || strstr(plan, "SEARCH") == NULL) fail_msg("%s: %s", query, plan);
    assert_int_equal(sqlite3_step(s), SQLITE_DONE); /* no temporary tree for the order */
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
}

/* mailbox.md 4, 12: the reference walks all rows and sorts. */
static void test_every_look_is_a_search(void **state)
{
    (void)state;
    actr_mailbox_close(open_good());
    check_plan("SELECT payload FROM message WHERE available_ms = 0 AND priority = 0 ORDER BY sequence LIMIT 32",
               "message_ready");
    check_plan("UPDATE message SET available_ms = 0 WHERE available_ms > 0 AND available_ms <= 5 AND available_ms < "
               "9223372036854775807",
               "message_hidden");
    check_plan("SELECT min(available_ms) FROM message WHERE available_ms > 0 AND available_ms < 9223372036854775807",
               "message_hidden");
    check_plan("DELETE FROM message WHERE sequence = 1", "PRIMARY KEY");
}

/* mailbox.md 2: an idle node takes no lock and writes nothing. */
static void test_an_empty_poll_writes_nothing(void **state)
{
    (void)state;
    char none[200] = "";
    actr_mailbox_t *mailbox = open_good();
    actr_message_t message = {.payload = {"x", 1}, .leased = true};
    assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, NULL), NULL);
    sqlite3 *writer = NULL;
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK); /* polls do not notice */
    for (int i = 0; i < 1000; i++) {
        assert_ok(actr_mailbox_dequeue(mailbox, 32, 1000, take_text, none, NULL, NULL), NULL);
    }
    (void)sqlite3_close(writer);
    assert_string_equal(none, "");
    actr_mailbox_close(mailbox);
}

/* A clock that was set back must not hide a message for years. */
static void test_delays_are_clamped_at_open(void **state)
{
    (void)state;
    actr_mailbox_t *mailbox = open_good();
    actr_message_t message = {.payload = {"x", 1}};
    assert_ok(actr_mailbox_enqueue(mailbox, &message, 1, NULL), NULL);
    actr_mailbox_close(mailbox);
    sql("UPDATE message SET available_ms = 99999999999999");
    actr_mailbox_close(open_good());
    assert_true(number("SELECT available_ms FROM message") < 99999999999999);
}

/* ---- memory runs out ---- */

static void use_store(const actri_env_t *env, bool sqlite)
{
    actr_mailbox_t *mailbox = NULL;
    actr_dlq_t *letters = NULL;
    actr_store_options_t options = {
        .struct_size = sizeof options, .allocator = &env->allocator, .path = path, .durability = ACTR_DURABILITY_OFF};
    actr_message_t messages[3] = {{.payload = {"a", 1}}, {.payload = {"b", 1}}, {.payload = {"c", 1}, .leased = true}};
    actr_dead_letter_t letter = {.reason = "r", .category = "c", .trace_id = "t"};
    char seen[200] = "";
    actr_status_t status = sqlite ? actr_sqlite_store_open(&options, &mailbox, &letters, NULL)
                                  : actr_memory_store_open(&options, &mailbox, &letters, NULL);
    if (status != ACTR_OK) {
        assert_status(ACTR_STATUS_NO_MEMORY, status);
        return;
    }
    for (int i = 0; i < 3; i++) messages[i].key[0] = (uint8_t)(i + 1);
    status = actr_mailbox_enqueue(mailbox, messages, 3, NULL);
    if (status == ACTR_OK) {
        actr_ack_t ack = {.id = messages[2].id, .key = {3}, .reply = {"reply", 5}};
        status = actr_mailbox_ack(mailbox, &ack, 1, NULL);
        assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
        status = actr_mailbox_enqueue(mailbox, &messages[2], 1, NULL);
        if (status == ACTR_OK) actr_buf_release(messages[2].reply);
        assert_ok(actr_mailbox_dequeue(mailbox, 9, 1000, take_text, seen, NULL, NULL), NULL);
    } else { /* nothing of it is there */
        actr_mailbox_stats_t stats = {.struct_size = sizeof stats};
        assert_ok(actr_mailbox_get_stats(mailbox, &stats, NULL), NULL);
        assert_int_equal(stats.ready + stats.hidden + stats.bytes, 0);
    }
    status = actr_dlq_enqueue(letters, &letter, NULL, NULL);
    assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
    actr_mailbox_close(mailbox);
    actr_dlq_close(letters);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        use_store(&oom.env, false);
    }
    OOM_EACH(oom)
    {
        (void)unlink(path);
        use_store(&oom.env, true);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(test_a_damaged_row_harms_only_itself),
        CASE(test_a_damaged_letter_harms_only_itself),
        CASE(test_order_is_that_of_rows_not_of_clocks),
        CASE(test_take_over_matches_the_recording),
        CASE(test_unreadable_dead_letters_stop_the_take_over),
        CASE(test_version_1_is_moved),
        CASE(test_damage_is_found_at_open),
        CASE(test_each_failure_has_its_name),
        CASE(test_a_file_of_zero_bytes_is_new),
        CASE(test_a_foreign_writer_is_waited_for),
        CASE(test_every_look_is_a_search),
        CASE(test_an_empty_poll_writes_nothing),
        CASE(test_delays_are_clamped_at_open),
        CASE(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
