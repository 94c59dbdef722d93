/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of requests, in memory and in a file: what goes in comes out once, in order, also after a restart. */
#include "box.h"

#include <jansson.h>

static void test_in_memory(void **state)
{
    (void)state;
    box_t box;
    start_box(&box, NULL, 0);
    for (int i = 0; i < 100; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "m%d", i);
        put(&box, text, false);
    }
    assert_int_equal(box.deliveries, 100); /* at once, on the giver's thread */
    assert_string_equal(box.seen[99], "m99");
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(box.mailbox, &stats);
    assert_int_equal(stats.acknowledged, 100);
    assert_int_equal(stats.queued + stats.in_flight + stats.bytes, 0);
    close_box(&box);
}

static void test_stored_delivered_acknowledged(void **state)
{
    (void)state;
    box_t box;
    struct stat info;
    start_holding(&box, path, 0);
    for (int i = 0; i < 50; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "m%d", i);
        put(&box, text, false);
    }
    wait_for(&box, &box.deliveries, 50);
    for (int i = 0; i < 50; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "m%d", i);
        assert_string_equal(box.seen[i], text);
    }
    assert_int_equal(number("SELECT count(*) FROM message"), 50); /* delivered, not acknowledged */
    end_held(&box, ACTRI_MAIL_ACK, NULL);
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_what_was_in_flight_comes_again(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    for (int i = 0; i < 2000; i++) put(&box, i % 7 == 0 ? "high" : "normal", i % 7 == 0);
    wait_for(&box, &box.deliveries, 2000);
    close_box(&box); /* nothing was acknowledged */
    assert_int_equal(number("SELECT count(*) FROM message"), 2000);
    start_box(&box, path, 0); /* now everything is, as it comes, page by page */
    put(&box, "new", false);
    wait_for(&box, &box.deliveries, 2001);
    assert_string_equal(box.seen[2000 % 256], "new"); /* behind the old ones */
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(box.mailbox, &stats);
    assert_int_equal(stats.redelivered, 2000);
    assert_int_equal(box.attempts[100], 1); /* at the shutdown nobody had begun with it */
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
}

static void test_full(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 10);
    for (int i = 0; i < 15; i++) put(&box, "x", false);
    wait_for(&box, &box.deliveries, 10);
    assert_int_equal(box.refusals, 5);
    assert_status(ACTR_STATUS_MAILBOX_FULL, box.last_refusal);
    end_held(&box, ACTRI_MAIL_ACK, NULL);
    put(&box, "room again", false);
    wait_for(&box, &box.deliveries, 11);
    close_box(&box);
}

static void test_one_owner(void **state)
{
    (void)state;
    box_t first, second;
    actr_error_t error = ACTR_ERROR_INIT;
    start_box(&first, path, 0);
    assert_status(ACTR_STATUS_MAILBOX_BUSY, open_box(&second, path, 0, &error));
    assert_non_null(strstr(error.message, "process"));
    close_box(&first);
    start_box(&second, path, 0);
    close_box(&second);
}

static void test_dead_letter(void **state)
{
    (void)state;
    box_t box;
    actr_error_t cause = ACTR_ERROR_INIT;
    cause.status = ACTR_STATUS_DECODE;
    (void)snprintf(cause.message, sizeof cause.message, "no envelope");
    start_holding(&box, path, 0);
    put(&box, "poison", false);
    wait_for(&box, &box.deliveries, 1);
    end_held(&box, ACTRI_MAIL_DEAD, &cause);
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
    assert_int_equal(number("SELECT count(*) FROM dead_letter WHERE category = 'protobuf_decode' AND "
                            "reason = 'no envelope' AND payload = CAST('poison' AS BLOB)"),
                     1);
}

static void test_files_of_the_reference_are_taken_over(void **state)
{
    (void)state;
    box_t box;
    copy_vector("mailbox.db", "");
    copy_vector("mailbox.db.dlq", ".dlq");
    start_box(&box, path, 0);
    wait_for(&box, &box.deliveries, 30); /* 18 queued and 12 in flight */
    assert_int_equal(number("SELECT count(*) FROM dead_letter"), 6);
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
}

static void test_a_crashed_file_of_the_reference(void **state)
{
    (void)state;
    box_t box;
    copy_vector("crashed/mailbox.db", "");
    copy_vector("crashed/mailbox.db-wal", "-wal");
    char *text = vector_text("mailbox/expected.json");
    json_t *root = json_loads(text, 0, NULL);
    size_t rows = json_array_size(json_object_get(json_object_get(root, "crashed"), "rows_by_rowid"));
    assert_true(rows > 0);
    start_box(&box, path, 0);
    wait_for(&box, &box.deliveries, (unsigned)rows);
    close_box(&box);
    json_decref(root);
    free(text);
}

static void test_a_newer_file_is_left_alone(void **state)
{
    (void)state;
    box_t box;
    sqlite3 *db = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE future(x); PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_status(ACTR_STATUS_MAILBOX_VERSION, open_box(&box, path, 0, &error));
    assert_int_equal(number("SELECT count(*) FROM sqlite_master"), 1);
}

static void test_no_database(void **state)
{
    (void)state;
    box_t box;
    actr_error_t error = ACTR_ERROR_INIT;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) (void)fputs("this is no database\n", file);
    (void)fclose(file);
    assert_status(ACTR_STATUS_MAILBOX_CORRUPT, open_box(&box, path, 0, &error));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(test_in_memory),
        CASE(test_stored_delivered_acknowledged),
        CASE(test_what_was_in_flight_comes_again),
        CASE(test_full),
        CASE(test_one_owner),
        CASE(test_dead_letter),
        CASE(test_files_of_the_reference_are_taken_over),
        CASE(test_a_crashed_file_of_the_reference),
        CASE(test_a_newer_file_is_left_alone),
        CASE(test_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
