/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state path alone: the mailbox, the executor and the way out of the gate are stand-ins of state_stage.h (the
 * linker prefers them to the library's), the loop and the clock are those of tests/sim. A stored mail waits until the
 * test lets it be delivered; a posted task runs when the test says so.
 */
#include "state_stage.h"

/* The turn of the loop ends: what came is stored. */
static void end_turn(void)
{
    fake_loop_end_turn();
}

static void deliver_stored(void)
{
    if (!actri_list_empty(&stage.stored)) actri_state_path_deliver(stage.path, &stage.stored, false);
}

static void run_posted(void)
{
    actri_link_t *link;
    while ((link = actri_list_take(&stage.posted)) != NULL) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
    }
}

static actri_envelope_t request_of(const char *payload)
{
    actri_envelope_t e;
    memset(&e, 0, sizeof e);
    e.route_key = actri_span_text("a.B.C");
    e.request_id = actri_span_text("id-1");
    e.traceparent = actri_span_text("00-parent");
    e.tracestate = actri_span_text("s=1");
    e.has_payload = true;
    e.payload = actri_span_text(payload);
    e.timeout_ms = 5000;
    return e;
}

static void arrive(const actri_envelope_t *e, actr_payload_type_t lane)
{
    actri_session_t session = {.peer = PEER, .number = 42};
    actr_buf_t *message = actri_buf_new(NULL, actri_envelope_size(e));
    assert_non_null(message);
    actri_envelope_encode(e, message->data);
    static actri_envelope_t decoded;
    assert_int_equal(actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), &decoded, NULL), ACTR_OK);
    actri_state_path_request(stage.path, &session, lane, message, &decoded);
}

static void whole_way(const actri_envelope_t *e)
{
    arrive(e, ACTR_RPC_RELIABLE);
    end_turn();
    deliver_stored();
    run_posted();
}

static actr_status_t replied_error(char *text, size_t size)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_true(stage.e.has_error && !stage.e.has_payload);
    actr_status_t status = actri_envelope_get_error(&stage.e, &error);
    (void)snprintf(text, size, "%.*s", (int)stage.e.error_message.size, (const char *)stage.e.error_message.data);
    return status;
}

/* ---- requests of peers ---- */

static void a_request_is_stored_served_answered_and_acknowledged(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("question");
    e.metadata_count = 1;
    e.metadata[0] = (actri_meta_t){actri_span_text("k"), actri_span_text("v")};
    stage.reply = (actr_bytes_t){"answer", 6};
    whole_way(&e);
    assert_int_equal(stage.put_mails, 1);
    assert_int_equal(stage.served, 1);
    assert_string_equal(stage.route, "a.B.C");
    assert_string_equal(stage.seen_id, "id-1");
    assert_true(stage.had_caller && !stage.request.is_tell);
    assert_int_equal(stage.request.payload.size, 8);
    assert_int_equal(stage.request.metadata_count, 1);
    assert_true(stage.deadline_ns == actri_now_ns() + 5 * ACTRI_SECOND);
    assert_int_equal(stage.replies, 1);
    assert_true(actr_id_equal(&stage.to, &PEER) && stage.session == 42);
    assert_true(stage.e.has_payload && actri_span_equal(stage.e.payload, actri_span_text("answer")));
    assert_true(actri_span_equal(stage.e.request_id, e.request_id) && actri_span_equal(stage.e.route_key, e.route_key));
    assert_true(actri_span_equal(stage.e.traceparent, e.traceparent) &&
                actri_span_equal(stage.e.tracestate, e.tracestate));
    assert_int_equal(stage.e.timeout_ms, 30000);
    assert_int_equal(stage.acked, 1);
    assert_int_equal(stage.replies_at_end, 1); /* acknowledged behind it: a crash between them repeats the answer */
    char current[10];
    actri_state_path_current(stage.path, current, sizeof current);
    assert_string_equal(current, "");
}

static void an_empty_reply_is_a_reply(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("");
    whole_way(&e);
    assert_true(stage.e.has_payload && stage.e.payload.size == 0 && !stage.e.has_error);
}

static void a_batch_is_put_away_at_once(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    for (int i = 0; i < 10; i++) arrive(&e, i % 2 == 0 ? ACTR_RPC_RELIABLE : ACTR_RPC_SIGNAL);
    assert_int_equal(stage.puts, 0);
    end_turn();
    assert_int_equal(stage.puts, 1);
    assert_int_equal(stage.put_mails, 10);
    const actri_mail_t *first = ACTRI_CONTAINER(stage.stored.next, actri_mail_t, task.link);
    const actri_mail_t *second = ACTRI_CONTAINER(stage.stored.next->next, actri_mail_t, task.link);
    assert_true(!first->high && second->high);
    arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    assert_int_equal(stage.puts, 2);
    deliver_stored();
    run_posted();
    assert_int_equal(stage.served, 11);
}

static void a_tell_is_never_answered(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("told");
    e.timeout_ms = 0;
    stage.reply = (actr_bytes_t){"answer", 6};
    whole_way(&e);
    assert_true(stage.request.is_tell);
    assert_true(stage.deadline_ns == ACTRI_NEVER);
    stage.status = ACTR_STATUS_HANDLER_ERROR;
    stage.reason = "no";
    whole_way(&e);
    stage.config.has_acl = true;
    whole_way(&e);
    assert_int_equal(stage.served, 2);
    assert_int_equal(stage.replies, 0);
    assert_int_equal(actri_state_path_stats(stage.path)->tells, 3);
    assert_int_equal(actri_state_path_stats(stage.path)->refused, 1);
}

static void an_absent_or_odd_timeout_is_the_default(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    e.timeout_ms = -5;
    whole_way(&e);
    assert_true(stage.deadline_ns == actri_now_ns() + 30 * ACTRI_SECOND);
    e.timeout_ms = INT64_MAX;
    whole_way(&e);
    assert_true(stage.deadline_ns == actri_now_ns() + 24 * 3600 * ACTRI_SECOND);
    assert_int_equal(stage.served, 2);
}

static void the_refused_cost_no_disk(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    stage.config.has_acl = true;
    whole_way(&e);
    assert_status(ACTR_STATUS_PERMISSION_DENIED, replied_error(text, sizeof text));
    assert_string_equal(text, "ACL denied: 7@3:acme+caller is not allowed to call");
    stage.config.has_acl = false;
    stage.no_mail = true;
    whole_way(&e);
    assert_status(ACTR_STATUS_NO_MEMORY, replied_error(text, sizeof text));
    stage.no_mail = false;
    actri_state_path_drain(stage.path, actri_now_ns() + ACTRI_SECOND);
    whole_way(&e);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, replied_error(text, sizeof text));
    assert_int_equal(stage.puts, 0);
    assert_int_equal(stage.served, 0);
    assert_int_equal(actri_state_path_stats(stage.path)->refused, 3);
}

static void a_handlers_error_is_answered_with_its_words(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    stage.status = ACTR_STATUS_HANDLER_ERROR;
    stage.reason = "the kettle is empty";
    whole_way(&e);
    assert_status(ACTR_STATUS_HANDLER_ERROR, replied_error(text, sizeof text));
    assert_string_equal(text, "the kettle is empty");
    assert_int_equal(stage.acked, 1);
}

static void a_reply_that_is_too_large_is_an_error(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    stage.reply_from_arena = 70000;
    whole_way(&e);
    assert_status(ACTR_STATUS_TOO_LARGE, replied_error(text, sizeof text));
    stage.reply_from_arena = 65000;
    whole_way(&e);
    assert_int_equal(stage.e.payload.size, 65000);
    assert_int_equal(stage.acked, 2);
}

static void a_reply_without_bytes_is_an_error(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    stage.reply = (actr_bytes_t){NULL, 5};
    whole_way(&e);
    assert_status(ACTR_STATUS_INTERNAL, replied_error(text, sizeof text));
    assert_int_equal(stage.acked, 1);
}

static void a_failed_arena_is_answered_although_the_handler_was_content(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    stage.fail_arena = SIZE_MAX - 100;
    stage.reply = (actr_bytes_t){NULL, 5};
    whole_way(&e);
    assert_status(ACTR_STATUS_NO_MEMORY, replied_error(text, sizeof text));
}

static void what_is_over_its_time_is_not_served(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    fake_loop_run(6 * ACTRI_SECOND);
    deliver_stored();
    run_posted();
    assert_int_equal(stage.served, 0);
    assert_status(ACTR_STATUS_TIMEOUT, replied_error(text, sizeof text));
    assert_int_equal(stage.acked, 1);
    assert_int_equal(actri_state_path_stats(stage.path)->expired, 1);
}

/* ---- what counts as an attempt ---- */

static void one_is_begun(void)
{
    assert_int_equal(stage.begun, 1);
}

static bool key_is_asked(const actr_request_t *request, uint64_t *number, actr_bytes_t *key, void *user)
{
    (void)request;
    (void)key;
    (void)user;
    *number = 5;
    one_is_begun();
    return false;
}

/* From before anything looks into it until it has ended, or, deferred, until its answer. */
static void what_is_handled_is_begun_and_nothing_else(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    stage.on_serve = one_is_begun;
    for (int i = 0; i < 3; i++) arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    deliver_stored();
    assert_int_equal(stage.begins, 0);
    run_posted();
    assert_int_equal(stage.served, 3);
    assert_int_equal(stage.begins, 3);
    assert_int_equal(stage.begun, 0);
    arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    deliver_stored();
    actri_state_path_drain(stage.path, actri_now_ns() + ACTRI_SECOND);
    fake_loop_run(2 * ACTRI_SECOND);
    run_posted();
    assert_int_equal(stage.kept, 1);
    assert_int_equal(stage.begins, 3);
}

/* The function that gives the key is the workload's too. */
static void while_its_key_is_asked_it_is_begun(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    assert_int_equal(end(state), 0);
    assert_int_equal(open_keyed(NULL, key_is_asked), ACTR_OK);
    arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    deliver_stored();
    assert_int_equal(actri_state_path_key(stage.path, ACTRI_CONTAINER(stage.posted.next, actri_task_t, link)), 0);
    assert_int_equal(stage.begins, 1);
    assert_int_equal(stage.begun, 0);
    run_posted();
    assert_int_equal(stage.begins, 2);
}

/* ---- what the store gives back ---- */

static actri_mail_t *stored_mail(const void *data, size_t size, const actr_id_t *sender)
{
    actri_mail_t *mail = actri_mail_new(NULL);
    mail->message = actri_buf_copy(NULL, data, size);
    if (sender != NULL) mail->sender_size = (uint8_t)actri_id_encode(sender, mail->sender);
    actri_list_append(&stage.stored, &mail->task.link);
    return mail;
}

static actri_mail_t *stored_request(const actri_envelope_t *e)
{
    uint8_t bytes[1000];
    actri_envelope_encode(e, bytes);
    return stored_mail(bytes, actri_envelope_size(e), &PEER);
}

static void a_row_that_makes_no_sense_is_dead(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    (void)stored_mail("garbage!", 8, &PEER);
    stored_request(&e)->sender_size = 3;
    deliver_stored();
    run_posted();
    assert_int_equal(stage.dead, 2);
    assert_string_equal(stage.dead_reason, "the stored sender is no ActrId");
    assert_int_equal(stage.served + stage.replies, 0);
}

static void a_redelivered_request_meets_todays_acl(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    stage.config.has_acl = true;
    stored_request(&e)->redelivered = true;
    deliver_stored();
    run_posted();
    assert_int_equal(stage.served, 0);
    assert_int_equal(stage.acked, 1);
    stage.config.has_acl = false;
    stored_request(&e)->redelivered = true;
    deliver_stored();
    run_posted();
    assert_int_equal(stage.served, 1);
    assert_true(stage.session == 0); /* the session is gone: the gate drops and counts it */
}

/* A damaged row's deadline may be anything: before our time, and after the end of time. */
static void any_stored_deadline_is_survived(void **state)
{
    (void)state;
    static const int64_t deadlines[] = {1, -1, INT64_MIN, INT64_MIN + 1, INT64_MAX};
    actri_envelope_t e = request_of("x");
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
        stored_request(&e)->deadline_ms = deadlines[i];
        deliver_stored();
        run_posted();
    }
    assert_int_equal(stage.served, 1);
    assert_int_equal(stage.acked, 5);
    assert_true(stage.deadline_ns == actri_now_ns() + 24 * 3600 * ACTRI_SECOND);
}

static void what_is_left_after_the_drain_is_kept(void **state)
{
    (void)state;
    actri_envelope_t e = request_of("x");
    for (int i = 0; i < 2; i++) arrive(&e, ACTR_RPC_RELIABLE);
    end_turn();
    actri_state_path_drain(stage.path, actri_now_ns() + ACTRI_SECOND);
    deliver_stored();
    actri_link_t *link = actri_list_take(&stage.posted);
    actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
    task->run(task); /* in time: still runs */
    fake_loop_run(2 * ACTRI_SECOND);
    run_posted();
    assert_int_equal(stage.served, 1);
    assert_int_equal(stage.kept, 1);
}

static void a_refusal_of_the_store_is_answered(void **state)
{
    (void)state;
    char text[200];
    actri_envelope_t e = request_of("x");
    actri_mail_t *mail = stored_request(&e);
    mail->origin = 42;
    actr_error_t why = ACTR_ERROR_INIT;
    (void)actri_fail(&why, ACTR_STATUS_MAILBOX_FULL, "full");
    actri_list_remove(&mail->task.link);
    actri_state_path_refuse(stage.path, mail, &why);
    assert_status(ACTR_STATUS_MAILBOX_FULL, replied_error(text, sizeof text));
    assert_int_equal(stage.session, 42);
    free_mail(mail);
    mail = stored_mail("garbage!", 8, &PEER);
    actri_list_remove(&mail->task.link);
    actri_state_path_refuse(stage.path, mail, &why);
    assert_int_equal(stage.replies, 1);
    free_mail(mail);
}

/* ---- the Shell ---- */

typedef struct outcome {
    unsigned ended;
    actr_status_t status;
    char reply[50], message[200];
} outcome_t;

static void on_end(actri_local_call_t *call)
{
    outcome_t *outcome = call->user;
    outcome->ended++;
    outcome->status = call->status;
    (void)snprintf(outcome->message, sizeof outcome->message, "%.190s", actri_local_call_error(call)->message);
    assert_true((call->reply != NULL) == (call->status == ACTR_OK && !call->is_tell));
    if (call->reply == NULL) return;
    (void)snprintf(outcome->reply, sizeof outcome->reply, "%.*s", (int)actr_buf_size(call->reply),
                   (const char *)actr_buf_data(call->reply));
}

static actr_status_t local(outcome_t *outcome, const char *route, actr_bytes_t payload, bool tell, actr_error_t *error)
{
    actr_metadata_t metadata[2] = {{"k", "v"}, {"k2", "v2"}};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.metadata = metadata;
    options.metadata_count = 2;
    actri_local_call_t *call = NULL;
    memset(outcome, 0, sizeof *outcome);
    actri_local_spec_t spec = {.route = route,
                               .payload = payload,
                               .options = &options,
                               .is_tell = tell,
                               .deadline_ns = actri_now_ns() + ACTRI_SECOND,
                               .on_end = on_end,
                               .user = outcome};
    actr_status_t status = actri_state_path_local(stage.path, &spec, &call, error);
    memset(metadata, 0, sizeof metadata); /* they were copied */
    actri_local_call_release(call);
    assert_int_equal(outcome->ended, 0);
    return status;
}

static void the_shell_calls_without_encoding(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    stage.config.has_acl = true; /* does not concern the Shell */
    stage.reply = (actr_bytes_t){"answer", 6};
    assert_ok(local(&outcome, "a.B.C", (actr_bytes_t){"x", 1}, false, &error), &error);
    run_posted();
    assert_status(ACTR_OK, outcome.status);
    assert_string_equal(outcome.reply, "answer");
    assert_true(!stage.had_caller && !stage.request.is_tell);
    assert_int_equal(stage.request.metadata_count, 2);
    assert_ok(local(&outcome, "a.B.C", (actr_bytes_t){NULL, 0}, true, &error), &error);
    run_posted();
    assert_status(ACTR_OK, outcome.status);
    assert_true(stage.request.is_tell);
    assert_int_equal(stage.puts + stage.replies, 0);
}

static void local_calls_fail_by_name(void **state)
{
    (void)state;
    outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t none = {NULL, 0}, null = {NULL, 5};
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, local(&outcome, "", none, false, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, local(&outcome, NULL, none, false, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, local(&outcome, "a.B.C", null, false, &error));
    stage.status = ACTR_STATUS_UNKNOWN_ROUTE;
    stage.reason = "Unknown route: a.B.C";
    assert_ok(local(&outcome, "a.B.C", none, false, &error), &error);
    run_posted();
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, outcome.status);
    assert_string_equal(outcome.message, "Unknown route: a.B.C");
    stage.status = ACTR_OK;
    stage.reply = null;
    assert_ok(local(&outcome, "a.B.C", none, false, &error), &error);
    run_posted();
    assert_status(ACTR_STATUS_INTERNAL, outcome.status);
    assert_ok(local(&outcome, "a.B.C", none, false, &error), &error);
    fake_loop_run(2 * ACTRI_SECOND);
    run_posted();
    assert_status(ACTR_STATUS_TIMEOUT, outcome.status);
    assert_ok(local(&outcome, "a.B.C", none, false, &error), &error);
    actri_state_path_drain(stage.path, actri_now_ns());
    fake_loop_run(ACTRI_MS);
    run_posted();
    assert_status(ACTR_STATUS_SHUTTING_DOWN, outcome.status);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, local(&outcome, "a.B.C", none, false, &error));
    assert_int_equal(stage.served, 2);
}

/* A tell that is small: it has no block of its own. */
static actr_status_t note(const char *route, actr_bytes_t payload, bool modest, actr_error_t *error)
{
    actri_local_spec_t spec = {
        .route = route, .payload = payload, .is_tell = true, .modest = modest, .deadline_ns = ACTRI_NEVER};
    return actri_state_path_local(stage.path, &spec, NULL, error);
}

static void a_small_tell_is_served_from_its_copy(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    char text[] = "small", route[] = "a.B.C";
    actr_buf_t *buf = actri_buf_copy(NULL, "by reference", 12);
    actri_local_spec_t spec = {.route = route, .buf = buf, .is_tell = true, .deadline_ns = ACTRI_NEVER};
    assert_ok(note(route, (actr_bytes_t){text, 5}, false, &error), &error);
    memset(text, 0, sizeof text);
    memset(route, 0, 1);
    run_posted();
    assert_string_equal(stage.route, "a.B.C");
    assert_int_equal(stage.request.payload.size, 5);
    assert_true(stage.request.is_tell && !stage.had_caller && stage.deadline_ns == ACTRI_NEVER);
    route[0] = 'a';
    assert_ok(actri_state_path_local(stage.path, &spec, NULL, &error), &error);
    const void *data = actr_buf_data(buf);
    actr_buf_release(buf);
    run_posted();
    assert_ptr_equal(stage.request.payload.data, data);
    stage.status = ACTR_STATUS_UNKNOWN_ROUTE;
    stage.reason = "no";
    assert_ok(note(route, (actr_bytes_t){NULL, 0}, false, &error), &error);
    run_posted();
    assert_int_equal(actri_state_path_stats(stage.path)->local_failed, 1);
    assert_ok(note(route, (actr_bytes_t){NULL, 0}, false, &error), &error);
    actri_state_path_drain(stage.path, actri_now_ns());
    fake_loop_run(ACTRI_MS);
    run_posted();
    assert_int_equal(actri_state_path_stats(stage.path)->local_failed, 2);
    assert_int_equal(stage.served, 3);
}

static void a_small_tell_may_be_deferred(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t none = {NULL, 0};
    stage.defer = true;
    for (int way = 0; way < 3; way++) { /* answered, failed, dropped */
        assert_ok(note("a.B.C", (actr_bytes_t){"x", 1}, false, &error), &error);
        run_posted();
        assert_int_equal(actri_state_path_deferred(stage.path), 1);
        if (way == 0) assert_ok(actri_deferred_answer(stage.deferred, ACTR_OK, none, "", &error), &error);
        if (way == 1) assert_ok(actri_deferred_answer(stage.deferred, ACTR_STATUS_INTERNAL, none, "", &error), &error);
        actri_deferred_release(stage.deferred);
        assert_int_equal(actri_state_path_deferred(stage.path), 0);
        assert_int_equal(actri_state_path_stats(stage.path)->local_failed, way);
    }
    assert_ok(note("a.B.C", (actr_bytes_t){"x", 1}, false, &error), &error);
    run_posted();
    actri_state_path_close(stage.path);
    actri_deferred_release(stage.deferred);
}

/* Also what is answered later is acknowledged behind its answer, however that comes about. */
static void a_deferred_request_ends_behind_its_answer(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t answer = {"later", 5}, none = {NULL, 0};
    actri_envelope_t e = request_of("x");
    stage.defer = true;
    for (unsigned way = 0; way < 3; way++) { /* answered, failed, dropped */
        whole_way(&e);
        assert_int_equal(stage.replies, way);
        assert_int_equal(stage.acked, way);
        if (way == 0) assert_ok(actri_deferred_answer(stage.deferred, ACTR_OK, answer, "", &error), &error);
        if (way == 1) assert_ok(actri_deferred_answer(stage.deferred, ACTR_STATUS_INTERNAL, none, "", &error), &error);
        actri_deferred_release(stage.deferred);
        assert_int_equal(stage.replies, way + 1);
        assert_int_equal(stage.acked, way + 1);
        assert_int_equal(stage.replies_at_end, way + 1);
        assert_int_equal(stage.e.has_payload, way == 0);
    }
}

static void expect_number(void)
{
    uint32_t number;
    memcpy(&number, stage.request.payload.data, sizeof number);
    assert_int_equal(number, stage.next_number++);
}

/* Small ones lie in the ring, large ones and calls in blocks, and what does not fit is kept: one order for all. */
static void a_maker_keeps_its_order_beyond_the_ring(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static outcome_t outcome;
    actr_error_t error = ACTR_ERROR_INIT;
    rng_t rng = {.state = 7};
    uint32_t made = 0;
    uint8_t payload[1000] = {0};
    stage.on_serve = expect_number;
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++, made++) {
            memcpy(payload, &made, sizeof made);
            actr_bytes_t bytes = {payload, rng_chance(&rng, 70) ? 4 : 1 + 3 + rng_below(&rng, 900)};
            bool call = rng_chance(&rng, 20);
            assert_ok(call ? local(&outcome, "a.B.C", bytes, false, &error) : note("a.B.C", bytes, false, &error),
                      &error);
        }
        run_posted();
        assert_int_equal(stage.next_number, made);
    }
}

static void who_may_wait_is_refused_sooner(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t small = {"x", 1};
    unsigned made = 0;
    while (note("a.B.C", small, true, &error) == ACTR_OK) made++;
    assert_int_equal(made, 4096);
    assert_int_equal(actri_state_path_stats(stage.path)->local_refused, 1);
    assert_ok(note("a.B.C", small, false, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED, note("a.B.C", small, true, &error));
    run_posted();
    assert_int_equal(stage.served, made + 1);
    assert_ok(note("a.B.C", small, true, &error), &error);
    run_posted();
}

/* ---- memory ---- */

static void each_failed_allocation_is_survived(void **state)
{
    OOM_EACH(oom)
    {
        (void)end(state);
        if (open_path(&oom.env) == ACTR_OK) {
            outcome_t outcome;
            actr_error_t error = ACTR_ERROR_INIT;
            actri_envelope_t e = request_of("x");
            e.metadata_count = 2;
            e.metadata[0] = e.metadata[1] = (actri_meta_t){actri_span_text("k"), actri_span_text("v")};
            stage.reply_from_arena = 5000;
            whole_way(&e);
            assert_int_equal(stage.acked, 1);
            assert_true(stage.replies == 1 || oom.failed == 1);
            actr_status_t status = local(&outcome, "a.B.C", (actr_bytes_t){"x", 1}, false, &error);
            run_posted();
            assert_int_equal(outcome.ended, status == ACTR_OK);
            assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
            assert_true(outcome.status == ACTR_OK || outcome.status == ACTR_STATUS_NO_MEMORY);
            actr_buf_release(stage.message);
            stage.message = NULL;
            actri_state_path_free(stage.path);
        }
        stage.path = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_stored_served_answered_and_acknowledged),
        TEST(an_empty_reply_is_a_reply),
        TEST(a_batch_is_put_away_at_once),
        TEST(a_tell_is_never_answered),
        TEST(an_absent_or_odd_timeout_is_the_default),
        TEST(the_refused_cost_no_disk),
        TEST(what_is_handled_is_begun_and_nothing_else),
        TEST(while_its_key_is_asked_it_is_begun),
        TEST(a_handlers_error_is_answered_with_its_words),
        TEST(a_reply_that_is_too_large_is_an_error),
        TEST(a_reply_without_bytes_is_an_error),
        TEST(a_failed_arena_is_answered_although_the_handler_was_content),
        TEST(what_is_over_its_time_is_not_served),
        TEST(a_row_that_makes_no_sense_is_dead),
        TEST(a_redelivered_request_meets_todays_acl),
        TEST(any_stored_deadline_is_survived),
        TEST(what_is_left_after_the_drain_is_kept),
        TEST(a_refusal_of_the_store_is_answered),
        TEST(the_shell_calls_without_encoding),
        TEST(local_calls_fail_by_name),
        TEST(a_small_tell_is_served_from_its_copy),
        TEST(a_small_tell_may_be_deferred),
        TEST(a_deferred_request_ends_behind_its_answer),
        TEST(a_maker_keeps_its_order_beyond_the_ring),
        TEST(who_may_wait_is_refused_sooner),
        TEST(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
