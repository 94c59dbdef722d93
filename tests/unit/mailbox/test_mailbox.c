/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of requests, in memory and in a file: what goes in comes out once, in order, also after a restart. */
#include "check.h"
#include "vectors.h"

#include "mailbox/mailbox.h"
#include "port/clock.h"
#include "port/thread.h"

#include <jansson.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_NS (20 * ACTRI_SECOND)

typedef struct box {
    actri_mailbox_t *mailbox;
    actri_mutex_t mutex;
    actri_cond_t changed;
    actri_link_t delivered; /* not ended */
    unsigned deliveries, refusals, calls;
    actr_status_t last_refusal;
    bool hold; /* keep what is delivered; else acknowledged at once */
    char seen[256][24];
    unsigned attempts[256];
} box_t;

static char folder[] = "/tmp/actr-mailbox.XXXXXX";
static char path[200];

static void deliver(void *user, actri_link_t *mails, bool high)
{
    box_t *box = user;
    actri_link_t now, *link;
    (void)high;
    actri_list_init(&now);
    actri_lock(&box->mutex);
    box->calls++;
    while ((link = actri_list_take(mails)) != NULL) {
        actri_mail_t *mail = ACTRI_CONTAINER(link, actri_mail_t, task.link);
        unsigned at = box->deliveries++ % 256;
        (void)snprintf(box->seen[at], 24, "%.*s", (int)actr_buf_size(mail->message),
                       (const char *)actr_buf_data(mail->message));
        box->attempts[at] = mail->attempts;
        actri_list_append(box->hold ? &box->delivered : &now, link);
    }
    actri_cond_broadcast(&box->changed);
    actri_unlock(&box->mutex);
    while ((link = actri_list_take(&now)) != NULL) {
        actri_mailbox_done(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), ACTRI_MAIL_ACK, NULL);
    }
}

static void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    box_t *box = user;
    (void)mail;
    actri_lock(&box->mutex);
    box->refusals++;
    box->last_refusal = why->status;
    actri_cond_broadcast(&box->changed);
    actri_unlock(&box->mutex);
}

static actr_status_t open_box(box_t *box, const char *file, uint64_t most, actr_error_t *error)
{
    memset(box, 0, sizeof *box);
    actri_mutex_init(&box->mutex);
    actri_cond_init(&box->changed);
    actri_list_init(&box->delivered);
    actri_mailbox_options_t options = {
        .path = file, .max_messages = most, .deliver = deliver, .refuse = refuse, .user = box};
    return actri_mailbox_open(&options, &box->mailbox, error);
}

static void start_box(box_t *box, const char *file, uint64_t most)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(open_box(box, file, most, &error), &error);
    assert_ok(actri_mailbox_start(box->mailbox, &error), &error);
}

static void put(box_t *box, const char *text, bool high)
{
    actri_link_t list;
    actri_mail_t *mail = actri_mail_new(box->mailbox);
    assert_non_null(mail);
    mail->message = actri_buf_copy(NULL, text, strlen(text));
    mail->high = high;
    mail->sender_size = 1;
    actri_list_init(&list);
    actri_list_append(&list, &mail->task.link);
    actri_mailbox_put(box->mailbox, &list);
}

static void wait_for(box_t *box, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + LIMIT_NS;
    actri_lock(&box->mutex);
    while (*counter < least) {
        if (!actri_cond_wait(&box->changed, &box->mutex, deadline)) fail_msg("waited for %u, have %u", least, *counter);
    }
    actri_unlock(&box->mutex);
}

/* Ends what is held. keep: as at a shutdown. */
static void end_held(box_t *box, actri_disposition_t how, const actr_error_t *cause)
{
    actri_link_t *link;
    for (;;) {
        actri_lock(&box->mutex);
        link = actri_list_take(&box->delivered);
        actri_unlock(&box->mutex);
        if (link == NULL) return;
        actri_mailbox_done(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), how, cause);
    }
}

static void close_box(box_t *box)
{
    actri_mailbox_pause(box->mailbox);
    end_held(box, ACTRI_MAIL_KEEP, NULL);
    actri_mailbox_close(box->mailbox);
    actri_cond_destroy(&box->changed);
    actri_mutex_destroy(&box->mutex);
}

static long long number(const char *query)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    long long result = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return result;
}

static int fresh_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/actr-mailbox.XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/mailbox.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".dlq", ".dlq-wal", ".dlq-shm"};
    (void)state;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[240];
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

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
    start_box(&box, path, 0);
    box.hold = true;
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
    start_box(&box, path, 0);
    box.hold = true;
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
    start_box(&box, path, 10);
    box.hold = true;
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
    start_box(&box, path, 0);
    box.hold = true;
    put(&box, "poison", false);
    wait_for(&box, &box.deliveries, 1);
    end_held(&box, ACTRI_MAIL_DEAD, &cause);
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
    assert_int_equal(number("SELECT count(*) FROM dead_letter WHERE category = 'protobuf_decode' AND "
                            "reason = 'no envelope' AND payload = CAST('poison' AS BLOB)"),
                     1);
}

static void copy_vector(const char *name, const char *suffix)
{
    char from[600], to[260], command[900];
    (void)snprintf(from, sizeof from, "%s/mailbox/%s", ACTR_VECTORS, name);
    (void)snprintf(to, sizeof to, "%s%s", path, suffix);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
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
