/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the queue promises beyond order: duplicates are answered and not delivered, what kills its process becomes a
 * dead letter alone, too much for memory waits in the table, what is put back comes again. A crash is a copy of the
 * file that is taken while requests are in flight.
 */
#include "box.h"

#include "mailbox/mailbox_admin.h"

/* ---- duplicates ---- */

static void put_keyed(box_t *box, const char *id, uint64_t origin)
{
    actri_mail_t *mail = new_mail(box, id, false);
    actr_message_key((actr_bytes_t){mail->sender, mail->sender_size}, (actr_bytes_t){id, strlen(id)}, mail->key);
    mail->origin = origin;
    put_mail(box, mail);
}

static actri_mail_t *first_held(box_t *box)
{
    actri_lock(&box->mutex);
    assert_false(actri_list_empty(&box->delivered));
    actri_mail_t *mail = ACTRI_CONTAINER(box->delivered.next, actri_mail_t, task.link);
    actri_unlock(&box->mutex);
    return mail;
}

static void answer_first(box_t *box, const char *reply)
{
    actri_mail_t *mail = first_held(box);
    mail->reply = actri_buf_copy(NULL, reply, strlen(reply));
    (void)actri_mailbox_origin(box->mailbox, mail);
    end_held(box, ACTRI_MAIL_ACK, NULL);
}

static void check_duplicates(const char *file)
{
    box_t box;
    start_holding(&box, file, 0);
    put_keyed(&box, "r1", 11);
    wait_for(&box, &box.deliveries, 1);
    assert_int_equal(actri_mailbox_origin(box.mailbox, first_held(&box)), 11);
    put_keyed(&box, "r1", 12); /* while it is being handled: the reply goes here instead */
    wait_for_duplicates(&box, 1);
    assert_int_equal(actri_mailbox_origin(box.mailbox, first_held(&box)), 12);
    assert_int_equal(box.deliveries, 1);
    answer_first(&box, "the reply");
    put_keyed(&box, "r1", 13); /* afterwards: the same reply */
    wait_for(&box, &box.repeats, 1);
    assert_string_equal(box.last_reply, "the reply");
    assert_int_equal(box.last_origin, 13);
    put_keyed(&box, "r2", 14);
    wait_for(&box, &box.deliveries, 2);
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(box.mailbox, &stats);
    assert_int_equal(stats.duplicates, 2);
    close_box(&box);
}

static void test_duplicates_are_answered(void **state)
{
    (void)state;
    check_duplicates(path);
}

static void test_duplicates_in_memory(void **state)
{
    (void)state;
    check_duplicates(NULL);
}

/* It comes after the reply has left, before the request has ended: nobody but the mailbox can answer it. */
static void test_a_late_duplicate_is_answered(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    put_keyed(&box, "r1", 11);
    wait_for(&box, &box.deliveries, 1);
    actri_mail_t *mail = first_held(&box);
    mail->reply = actri_buf_copy(NULL, "sent", 4);
    assert_int_equal(actri_mailbox_origin(box.mailbox, mail), 11);
    put_keyed(&box, "r1", 12);
    wait_for_duplicates(&box, 1);
    assert_int_equal(box.repeats, 0);
    end_held(&box, ACTRI_MAIL_ACK, NULL);
    assert_int_equal(box.repeats, 1);
    assert_int_equal(box.last_origin, 12);
    close_box(&box);
}

static void test_replies_survive_a_restart(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    put_keyed(&box, "r1", 11);
    wait_for(&box, &box.deliveries, 1);
    answer_first(&box, "kept");
    close_box(&box);
    start_box(&box, path, 0);
    put_keyed(&box, "r1", 3);
    wait_for(&box, &box.repeats, 1);
    assert_string_equal(box.last_reply, "kept");
    assert_int_equal(box.deliveries, 0);
    close_box(&box);
}

/* Asked before the restart, handled after it, asked again meanwhile: executed once, and answered. */
static void test_a_redelivered_request_answers_who_asks_again(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    put_keyed(&box, "r1", 11);
    wait_for(&box, &box.deliveries, 1);
    begin_first(&box);
    crash_box(&box);
    start_holding(&box, path, 0);
    wait_for(&box, &box.deliveries, 1);
    assert_int_equal(box.attempts[0], 2);
    assert_int_equal(actri_mailbox_origin(box.mailbox, first_held(&box)), 0); /* its session is gone */
    put_keyed(&box, "r1", 5);
    wait_for_duplicates(&box, 1);
    assert_int_equal(actri_mailbox_origin(box.mailbox, first_held(&box)), 5);
    assert_int_equal(box.deliveries, 1);
    close_box(&box);
}

/* ---- poison ---- */

static int access_begun(void)
{
    char name[240];
    (void)snprintf(name, sizeof name, "%s.begun", path);
    return access(name, F_OK);
}

static void begin_some(box_t *box, bool only_high)
{
    actri_lock(&box->mutex);
    for (actri_link_t *at = box->delivered.next; at != &box->delivered; at = at->next) {
        actri_mail_t *mail = ACTRI_CONTAINER(at, actri_mail_t, task.link);
        if (mail->high || !only_high) actri_mailbox_begin(box->mailbox, mail, true);
    }
    actri_unlock(&box->mutex);
}

static void test_what_kills_its_process_becomes_a_dead_letter(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    put(&box, "poison", false);
    put(&box, "innocent", false);
    wait_for(&box, &box.deliveries, 2);
    for (unsigned attempt = 2; attempt <= 5; attempt++) {
        begin_first(&box);
        crash_box(&box);
        start_holding(&box, path, 0);
        wait_for(&box, &box.deliveries, 1);
        assert_string_equal(box.seen[0], "poison");
        assert_int_equal(box.attempts[0], attempt);
        if (attempt == 2) wait_for(&box, &box.deliveries, 2);
        if (attempt > 2) assert_int_equal(box.deliveries, 1); /* alone: it takes nobody along */
    }
    begin_first(&box);
    crash_box(&box);
    start_box(&box, path, 0);
    wait_for(&box, &box.deliveries, 1);
    assert_string_equal(box.seen[0], "innocent");
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), 0);
    assert_int_equal(number("SELECT attempts FROM dead_letter WHERE category = 'attempts_exhausted' AND payload = "
                            "CAST('poison' AS BLOB) AND trace_id LIKE 'mailbox-%' AND context LIKE '%normal%'"),
                     5);
}

/* Nobody had come to it: neither a crash nor the next one is its fault, however many there are. */
static void test_what_nobody_began_is_never_dead(void **state)
{
    (void)state;
    box_t box;
    start_holding(&box, path, 0);
    put(&box, "first", false);
    put(&box, "waits", false);
    wait_for(&box, &box.deliveries, 2);
    for (int crash = 0; crash < 12; crash++) {
        crash_box(&box);
        start_holding(&box, path, 0);
        wait_for(&box, &box.deliveries, 2); /* both at once: neither is suspect */
        assert_string_equal(box.seen[0], "first");
        assert_int_equal(box.attempts[0], 1);
        assert_int_equal(box.attempts[1], 1);
    }
    begin_first(&box);
    actri_mailbox_begin(box.mailbox, first_held(&box), false); /* only looked at */
    crash_box(&box);
    start_holding(&box, path, 0);
    wait_for(&box, &box.deliveries, 2);
    assert_int_equal(box.attempts[0], 1);
    end_held(&box, ACTRI_MAIL_ACK, NULL);
    close_box(&box);
    assert_int_equal(access_begun(), -1); /* an orderly end leaves no such file */
}

/* Marks are taken away with what they stand for, and as many as there are requests can stand at once. */
static void test_what_had_begun_is_known_among_many(void **state)
{
    enum { LIVES = 3, EACH = 3000 };
    (void)state;
    box_t box;
    start_box(&box, path, 0);
    for (int life = 0; life < LIVES; life++) { /* more marks in all than the file has places */
        box.hold = true;
        box.deliveries = 0;
        for (int i = 0; i < EACH; i++) put(&box, "gone", false);
        wait_for(&box, &box.deliveries, EACH);
        begin_some(&box, false);
        end_held(&box, ACTRI_MAIL_ACK, NULL);
        wait_for_empty(&box);
    }
    box.deliveries = 0;
    for (int i = 0; i < EACH; i++) put(&box, i % 2 == 0 ? "begun" : "waits", i % 2 == 0);
    wait_for(&box, &box.deliveries, EACH);
    begin_some(&box, true);
    crash_box(&box);
    assert_int_equal(number("SELECT count(*) FROM message"), EACH);
    actri_mailbox_t *mailbox = NULL;
    actri_mailbox_options_t options = box.options;
    assert_ok(actri_mailbox_open(&options, &mailbox, NULL), NULL);
    assert_int_equal(number("SELECT count(*) FROM message WHERE attempts = 1 AND priority = 1"), EACH / 2);
    assert_int_equal(number("SELECT count(*) FROM message WHERE attempts = 0 AND priority = 0"), EACH / 2);
    actri_mailbox_close(mailbox);
}

/* Without knowledge all counts, lest something kill its machine for ever. */
static void test_after_another_boot_all_that_was_handed_out_counts(void **state)
{
    static const char *const commands[] = {"rm '%s.begun'",
                                           "dd if=/dev/zero of='%s.begun' bs=4 count=1 seek=5 conv=notrunc "
                                           "status=none",
                                           "truncate -s 5000 '%s.begun'"};
    (void)state;
    box_t box;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[400];
        start_holding(&box, path, 0);
        put(&box, "handed out", false);
        wait_for(&box, &box.deliveries, 1);
        crash_box(&box);
        (void)snprintf(command, sizeof command, commands[i], path);
        assert_int_equal(system(command), 0);
        start_holding(&box, path, 0);
        wait_for(&box, &box.deliveries, 1);
        assert_int_equal(box.attempts[0], 2);
        end_held(&box, ACTRI_MAIL_ACK, NULL);
        close_box(&box);
    }
}

static void test_a_letter_names_its_request_and_trace(void **state)
{
    (void)state;
    box_t box;
    actr_error_t cause = ACTR_ERROR_INIT;
    actri_envelope_t e;
    memset(&e, 0, sizeof e);
    e.route_key = actri_span_text("x.Y");
    e.request_id = actri_span_text("req-1");
    e.traceparent = actri_span_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    e.has_payload = true;
    (void)actri_fail(&cause, ACTR_STATUS_DECODE, "its sender is no ActrId");
    start_holding(&box, path, 0);
    actri_mailbox_set_receiver(box.mailbox, (const uint8_t *)"me", 2);
    actri_mail_t *mail = new_mail(&box, "", true);
    actr_buf_release(mail->message);
    mail->message = actri_buf_new(NULL, actri_envelope_size(&e));
    actri_envelope_encode(&e, mail->message->data);
    put_mail(&box, mail);
    wait_for(&box, &box.deliveries, 1);
    end_held(&box, ACTRI_MAIL_DEAD, &cause);
    close_box(&box);
    assert_int_equal(number("SELECT count(*) FROM dead_letter WHERE request_id = 'req-1' AND priority = 1 AND "
                            "trace_id = '0af7651916cd43dd8448eb211c80319c' AND category = 'protobuf_decode' AND "
                            "receiver = CAST('me' AS BLOB) AND context = '{\"source\":\"mailbox\",\"priority\":"
                            "\"high\"}' AND attempts = 1"),
                     1);
}

/* ---- the table ---- */

#define MANY 6000 /* more than memory takes */

static void test_too_much_for_memory_waits_in_the_table(void **state)
{
    (void)state;
    box_t box;
    unsigned expected = 0;
    start_holding(&box, path, 0);
    for (unsigned i = 0; i < MANY; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "m%u", i);
        actri_mail_t *mail = new_mail(&box, text, false);
        mail->origin = i + 1;
        put_mail(&box, mail);
    }
    wait_for_stored(&box, MANY);
    assert_true(box.deliveries < 5000);
    while (expected < MANY) {
        wait_for(&box, &box.deliveries, expected + 1);
        actri_mail_t *mail = first_held(&box);
        assert_int_equal(actri_mailbox_origin(box.mailbox, mail), expected + 1); /* order, and where it came from */
        end_first(&box);
        expected++;
    }
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(box.mailbox, &stats);
    assert_int_equal(stats.queued + stats.in_flight + stats.bytes, 0);
    close_box(&box);
}

static bool take_id(void *user, const actr_dead_letter_t *letter)
{
    (void)snprintf(user, 40, "%s", letter->id);
    return true;
}

static void check_redrive(const char *file)
{
    box_t box;
    char id[40] = "";
    size_t taken = 0;
    actr_error_t cause = ACTR_ERROR_INIT;
    (void)actri_fail(&cause, ACTR_STATUS_DECODE, "no envelope");
    start_holding(&box, file, 0);
    put(&box, "again", true);
    wait_for(&box, &box.deliveries, 1);
    end_held(&box, ACTRI_MAIL_DEAD, &cause);
    wait_for_empty(&box);
    actr_dlq_t *letters = actri_mailbox_letters(box.mailbox);
    while (taken == 0) { /* it is written with the next commit */
        assert_ok(actr_dlq_query(letters, NULL, NULL, take_id, id, &taken, NULL), NULL);
    }
    assert_ok(actr_dlq_redrive(letters, id, actri_mailbox_store(box.mailbox), NULL, NULL), NULL);
    actri_mailbox_look(box.mailbox);
    wait_for(&box, &box.deliveries, 2);
    assert_string_equal(box.seen[1], "again");
    assert_int_equal(box.attempts[1], 2); /* carried */
    assert_int_equal(first_held(&box)->redrives, 1);
    end_held(&box, ACTRI_MAIL_ACK, NULL);
    close_box(&box);
}

static void test_redrive_comes_to_the_running_node(void **state)
{
    (void)state;
    check_redrive(path);
}

static void test_redrive_in_memory(void **state)
{
    (void)state;
    check_redrive(NULL);
}

static void test_delayed_messages_come_when_it_is_time(void **state)
{
    (void)state;
    box_t box;
    start_box(&box, path, 0);
    actr_message_t message = {.payload = {"later", 5}};
    actr_mailbox_t *store = actri_mailbox_store(box.mailbox);
    assert_ok(actr_mailbox_enqueue(store, &message, 1, NULL), NULL);
    actr_nack_t nack = {.id = message.id, .delay_ms = 1};
    assert_ok(actr_mailbox_nack(store, &nack, 1, NULL), NULL);
    actri_mailbox_look(box.mailbox);
    wait_for(&box, &box.deliveries, 1);
    assert_string_equal(box.seen[0], "later");
    close_box(&box);
}

/* ---- one's own ---- */

static void test_ones_own_mailbox(void **state)
{
    (void)state;
    box_t box;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_store_options_t limits = ACTR_STORE_OPTIONS_INIT;
    actr_mailbox_t *own = small_mailbox_new(&limits);
    actr_dlq_t *letters = NULL;
    actr_mailbox_t *unused = NULL;
    assert_non_null(own);
    assert_ok(actr_memory_store_open(&limits, &unused, &letters, &error), &error); /* the letters of another one */
    init_box(&box);
    box.options.own = own;
    box.options.own_letters = letters;
    assert_ok(actri_mailbox_open(&box.options, &box.mailbox, &error), &error);
    assert_ok(actri_mailbox_start(box.mailbox, &error), &error);
    box.hold = true;
    for (int i = 0; i < 3; i++) put(&box, "x", false);
    wait_for(&box, &box.deliveries, 3);
    end_first(&box);
    (void)actri_fail(&error, ACTR_STATUS_DECODE, "no");
    end_held(&box, ACTRI_MAIL_DEAD, &error);
    close_box(&box);
    actr_mailbox_stats_t left = {.struct_size = sizeof left};
    actr_dlq_stats_t dead = {.struct_size = sizeof dead};
    assert_ok(actr_mailbox_get_stats(own, &left, NULL), NULL);
    assert_ok(actr_dlq_get_stats(letters, &dead, NULL), NULL);
    assert_int_equal(left.ready + left.hidden, 0);
    assert_int_equal(dead.total, 2);
    actr_mailbox_close(own); /* it is still ours */
    actr_mailbox_close(unused);
    actr_dlq_close(letters);
}

/* ---- the tools' commands ---- */

static actr_status_t command(box_t *box, const char *name, const char *argument, char *members)
{
    const actri_admin_command_t *at = actri_mailbox_commands;
    while (strcmp(at->name, name) != 0) at++;
    return at->run(box->mailbox, argument != NULL ? 1 : 0, &argument, members, 400, NULL);
}

static void test_commands(void **state)
{
    (void)state;
    box_t box;
    char members[400] = "";
    start_holding(&box, NULL, 0);
    put(&box, "x", false);
    assert_ok(command(&box, "mailbox.stat", NULL, members), NULL);
    assert_non_null(strstr(members, "\"queued\":0,\"in_flight\":1"));
    assert_ok(command(&box, "who", NULL, members), NULL);
    assert_non_null(strstr(members, "\"process\":"));
    assert_status(ACTR_STATUS_NOT_FOUND, command(&box, "dlq.redrive", "nobody", members));
    assert_ok(command(&box, "dlq.remove", "nobody", members), NULL);
    assert_ok(command(&box, "dlq.purge", "category=x", members), NULL);
    assert_string_equal(members, "\"count\":0");
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, command(&box, "dlq.purge", "colour=x", members));
    const char *no_times[] = {"before=yesterday",           "before=", "after=0", "before=12x", "before=-1", "after= 5",
                              "before=99999999999999999999"}; /* else they would mean all letters */
    for (size_t i = 0; i < sizeof no_times / sizeof no_times[0]; i++) {
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, command(&box, "dlq.purge", no_times[i], members));
    }
    assert_ok(command(&box, "dlq.purge", "before=1767225600000", members), NULL);
    close_box(&box);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(test_duplicates_are_answered),
        CASE(test_duplicates_in_memory),
        CASE(test_a_late_duplicate_is_answered),
        CASE(test_replies_survive_a_restart),
        CASE(test_a_redelivered_request_answers_who_asks_again),
        CASE(test_what_kills_its_process_becomes_a_dead_letter),
        CASE(test_what_nobody_began_is_never_dead),
        CASE(test_what_had_begun_is_known_among_many),
        CASE(test_after_another_boot_all_that_was_handed_out_counts),
        CASE(test_a_letter_names_its_request_and_trace),
        CASE(test_too_much_for_memory_waits_in_the_table),
        CASE(test_redrive_comes_to_the_running_node),
        CASE(test_redrive_in_memory),
        CASE(test_delayed_messages_come_when_it_is_time),
        CASE(test_ones_own_mailbox),
        CASE(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
