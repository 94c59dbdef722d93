/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of streams alone: the transport manager is a stand-in that keeps the parcels until the test says what
 * became of them; the clock is that of tests/sim, so a wait that nobody ends runs into its deadline.
 */
#include "check.h"
#include "fake_loop.h"
#include "gate/stream_gate.h"
#include "oom.h"
#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8192

static struct {
    actri_stream_gate_t *gate;
    actri_parcel_t *parcels[MOST];
    size_t count, told;
    actr_status_t last_told;
    actri_task_t finish;   /* ends the first parcel on the loop */
    actr_status_t outcome; /* so */
    uint64_t sent_on, given_up_session;
    unsigned given_up;
} stage;

void actri_outproc_send(actri_outproc_t *outproc, actri_parcel_t *parcel)
{
    (void)outproc;
    assert_true(stage.count < MOST);
    stage.parcels[stage.count++] = parcel;
}

void actri_outproc_give_up(actri_outproc_t *outproc, const actri_session_t *session, const char *why)
{
    (void)outproc;
    assert_true(why[0] != '\0');
    stage.given_up++;
    stage.given_up_session = session->number;
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    (void)serial;
    (void)high;
    task->run(task);
}

static void end_first(actr_status_t status, uint64_t session)
{
    assert_true(stage.count > 0);
    actri_parcel_t *parcel = stage.parcels[0];
    memmove(stage.parcels, stage.parcels + 1, --stage.count * sizeof stage.parcels[0]);
    actr_error_t error = ACTR_ERROR_INIT;
    if (status != ACTR_OK) (void)actri_fail(&error, status, "as the test says");
    parcel->done(parcel, status, session, status == ACTR_OK ? NULL : &error);
    fake_loop_end_turn();
}

static void run_finish(actri_task_t *task)
{
    (void)task;
    end_first(stage.outcome, stage.sent_on);
}

static void finish_on_loop(actr_status_t outcome, uint64_t session)
{
    stage.outcome = outcome;
    stage.sent_on = session;
    stage.finish.run = run_finish;
    actri_loop_post(fake_loop(), &stage.finish);
}

static void on_sent(actr_status_t status, const actr_error_t *error, void *user)
{
    (void)user;
    assert_true((status == ACTR_OK) == (error == NULL));
    stage.told++;
    stage.last_told = status;
}

static const actri_session_t session_1 = {.peer = {.serial_number = 7, .realm = 1, .type = {"acme", "taker"}},
                                          .number = 1};
static const actri_session_t session_2 = {.peer = {.serial_number = 7, .realm = 1, .type = {"acme", "taker"}},
                                          .number = 2};

static actr_status_t begin_with(const actri_env_t *env)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(&stage, 0, sizeof stage);
    fake_loop_reset();
    actr_status_t status = actri_stream_gate_new(env, fake_loop(), NULL, &stage.gate, &error);
    assert_int_equal(error.status, status);
    return status;
}

static void begin(void)
{
    assert_int_equal(begin_with(NULL), ACTR_OK);
}

static void end(void)
{
    actri_stream_gate_close(stage.gate);
    while (stage.count > 0) end_first(ACTR_STATUS_SHUTTING_DOWN, 0);
    actri_stream_gate_free(stage.gate);
}

static actr_status_t send_sized(const char *id, actr_payload_type_t lane, bool wait, bool tells, size_t size)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *message = actri_buf_new(NULL, size);
    assert_non_null(message);
    memset(message->data, 0, size);
    actri_stream_send_t spec = {.to = &session_1.peer,
                                .lane = lane,
                                .stream_id = id,
                                .deadline_ns = actri_now_ns() + ACTRI_SECOND,
                                .wait = wait};
    if (tells) spec.sent = (actri_sent_t){(actri_serial_t *)(void *)&stage, on_sent, NULL};
    actr_status_t status = actri_stream_gate_send(stage.gate, &spec, message, &error);
    assert_int_equal(error.status, status);
    actr_buf_release(message);
    return status;
}

static actr_status_t send(const char *id, bool wait)
{
    return send_sized(id, ACTR_STREAM_RELIABLE, wait, false, 100);
}

static void test_first_chunk_waits_for_its_connection(void **state)
{
    (void)state;
    begin();
    finish_on_loop(ACTR_OK, 1);
    assert_int_equal(send("s", true), ACTR_OK); /* the loop ended it meanwhile */
    assert_int_equal(send("s", true), ACTR_OK); /* does not wait any more */
    assert_int_equal(stage.count, 1);
    assert_int_equal(stage.parcels[0]->session, 1); /* and is bound to that connection */
    assert_true(stage.parcels[0]->deadline_ns == ACTRI_NEVER);
    finish_on_loop(ACTR_STATUS_UNAVAILABLE, 0);
    fake_loop_run(ACTRI_MS);
    assert_int_equal(send("s", true), ACTR_STATUS_DELIVERY_UNCERTAIN);
    finish_on_loop(ACTR_STATUS_TIMEOUT, 0);
    assert_int_equal(send("s", true), ACTR_STATUS_TIMEOUT); /* a new one, which did not come to be */
    finish_on_loop(ACTR_OK, 2);
    assert_int_equal(send("s", true), ACTR_OK); /* told once */
    end();
}

static void test_streams_keep_to_the_connection_that_is_up(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &session_1);
    assert_int_equal(send("a", true), ACTR_OK); /* known to be up: nothing to wait for */
    assert_int_equal(send("b", true), ACTR_OK);
    end_first(ACTR_OK, 1);
    actri_stream_gate_down(stage.gate, &session_1);
    end_first(ACTR_STATUS_UNAVAILABLE, 0); /* b's never left */
    actri_stream_gate_up(stage.gate, &session_2);
    assert_int_equal(send("a", true), ACTR_STATUS_DELIVERY_UNCERTAIN);
    assert_int_equal(send("b", true), ACTR_STATUS_UNAVAILABLE);
    assert_int_equal(send("c", true), ACTR_OK); /* not concerned */
    assert_int_equal(send("a", true), ACTR_OK);
    assert_int_equal(stage.parcels[1]->session, 2);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_int_equal(actri_stream_gate_flush(stage.gate, &session_1.peer, "a", actri_now_ns() + ACTRI_MS, &error),
                     ACTR_STATUS_TIMEOUT);
    end_first(ACTR_OK, 2);
    end_first(ACTR_OK, 2);
    assert_ok(actri_stream_gate_flush(stage.gate, &session_1.peer, "a", actri_now_ns() + ACTRI_MS, &error), &error);
    end();
}

static void test_window_is_bounded_and_says_so(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &session_1);
    actr_status_t status = ACTR_OK;
    while (status == ACTR_OK) status = send("s", false);
    assert_int_equal(status, ACTR_STATUS_WOULD_BLOCK);
    assert_int_equal(stage.count, 4096);
    assert_int_equal(send("s", true), ACTR_STATUS_LIMIT_REACHED); /* after its second */
    assert_int_equal(send("t", false), ACTR_STATUS_WOULD_BLOCK);  /* the window is the peer's */
    while (stage.count > 2048) end_first(ACTR_OK, 1);
    assert_int_equal(send("s", true), ACTR_OK);
    while (stage.count > 0) end_first(ACTR_OK, 1);
    while ((status = send_sized("s", ACTR_STREAM_RELIABLE, false, false, 60000)) == ACTR_OK) {
    }
    assert_int_equal(status, ACTR_STATUS_WOULD_BLOCK);
    assert_int_equal(stage.count, (4u << 20) / 60000);
    status = ACTR_OK;
    size_t before = stage.count; /* latency first has a window of its own, an eighth of it */
    while (status == ACTR_OK) status = send_sized("s", ACTR_STREAM_LATENCY_FIRST, false, false, 10);
    assert_int_equal(status, ACTR_STATUS_WOULD_BLOCK);
    assert_int_equal(stage.count - before, 512);
    actri_stream_gate_counters_t counters;
    actri_stream_gate_counts(stage.gate, &counters);
    assert_int_equal(counters.sent, 4097);
    assert_int_equal(counters.full, 5);
    end();
}

static void test_each_chunk_told_once(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &session_1);
    for (int n = 0; n < 10; n++) {
        assert_int_equal(send_sized("s", ACTR_STREAM_RELIABLE, false, true, 10), ACTR_OK);
    }
    for (size_t n = 1; n <= 9; n++) {
        end_first(ACTR_OK, 1);
        assert_int_equal(stage.told, n);
    }
    assert_int_equal(stage.last_told, ACTR_OK);
    end_first(ACTR_STATUS_UNAVAILABLE, 0);
    assert_int_equal(stage.told, 10);
    assert_int_equal(stage.last_told, ACTR_STATUS_UNAVAILABLE);
    end();
    assert_int_equal(stage.told, 10);
}

static const actri_session_t granting = {
    .peer = {.serial_number = 7, .realm = 1, .type = {"acme", "taker"}}, .number = 3, .credit = true};

static void grant(const actri_session_t *session, const char *id, uint32_t chunks, uint32_t bytes)
{
    actri_credit_t credit = {
        .kind = ACTRI_CREDIT_GRANT, .chunks = chunks, .bytes = bytes, .stream_id = actri_span_text(id)};
    actri_stream_gate_granted(stage.gate, session, &credit);
}

static unsigned send_until_held(const char *id)
{
    unsigned count = 0;
    actr_status_t status;
    while ((status = send(id, false)) == ACTR_OK) count++;
    assert_int_equal(status, ACTR_STATUS_WOULD_BLOCK);
    return count;
}

static actri_task_t later;

static void grant_later(actri_task_t *task)
{
    (void)task;
    grant(&granting, "s", 1, 1000);
}

static void test_a_stream_goes_as_far_as_its_credit(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &granting);
    assert_int_equal(send_until_held("s"), ACTRI_CREDIT_CHUNKS);
    assert_int_equal(send_until_held("t"), ACTRI_CREDIT_CHUNKS); /* each has its own */
    assert_int_equal(send_sized("s", ACTR_STREAM_LATENCY_FIRST, false, false, 10), ACTR_OK);
    assert_int_equal(send("s", true), ACTR_STATUS_LIMIT_REACHED); /* after its second */
    grant(&session_1, "s", 5, 1000);                              /* of another connection */
    assert_int_equal(send_until_held("s"), 0);
    grant(&granting, "s", 5, 1000000);
    assert_int_equal(send_until_held("s"), 5);
    later.run = grant_later;
    actri_loop_post(fake_loop(), &later);
    assert_int_equal(send("s", true), ACTR_OK); /* was woken */
    for (int i = 0; i < 100; i++) grant(&granting, "s", UINT32_MAX, UINT32_MAX);
    assert_int_equal(send("s", false), ACTR_OK);
    grant(&granting, "unheard of", 1, 1);
    actri_stream_gate_counters_t counters;
    actri_stream_gate_counts(stage.gate, &counters);
    assert_int_equal(counters.held, 6);
    actri_stream_gate_down(stage.gate, &granting);
    actri_stream_gate_up(stage.gate, &session_2); /* grants none: present bounds only */
    assert_int_equal(send("t", false), ACTR_STATUS_UNAVAILABLE);
    for (int i = 0; i < 100; i++) assert_int_equal(send("t", false), ACTR_OK);
    end();
}

/* By bytes as well; one chunk may go beyond. */
static void test_credit_counts_bytes(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &granting);
    unsigned count = 0;
    while (send_sized("s", ACTR_STREAM_RELIABLE, false, false, 60000) == ACTR_OK) count++;
    assert_int_equal(count, ACTRI_CREDIT_BYTES / 60000 + 1);
    end();
}

/* Who makes room for another stream is forgotten with notice, so that both sides reckon anew. */
static void test_a_forgotten_stream_is_told(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &granting);
    char id[16];
    actri_credit_t word;
    for (int i = 0; i < 16385; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        assert_int_equal(send(id, false), ACTR_OK);
        if (i == 16384) break;
        end_first(ACTR_OK, 3);
    }
    assert_int_equal(stage.count, 2);
    const actr_buf_t *message = stage.parcels[0]->message;
    assert_int_equal(actri_credit_decode(actr_buf_data(message), actr_buf_size(message), &word), ACTRI_CREDIT_FORGET);
    assert_true(actri_span_equal(word.stream_id, actri_span_text("0")));
    assert_int_equal(stage.parcels[0]->session, 3);
    assert_int_equal(stage.parcels[0]->lane, ACTR_STREAM_RELIABLE);
    end_first(ACTR_OK, 3);
    actri_credit_t credit = {.kind = ACTRI_CREDIT_GRANT, .chunks = 7, .bytes = 9, .stream_id = actri_span_text("x")};
    actri_stream_gate_say(stage.gate, &granting, &credit);
    message = stage.parcels[1]->message;
    assert_int_equal(actri_credit_decode(actr_buf_data(message), actr_buf_size(message), &word), ACTRI_CREDIT_GRANT);
    assert_true(word.chunks == 7 && word.bytes == 9 && actri_span_equal(word.stream_id, actri_span_text("x")));
    end();
}

/* A chunk of the connection before, which is ended late, does nothing to the stream on the next one. */
static void test_a_late_end_is_not_the_next_connections(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &session_1);
    assert_int_equal(send("s", true), ACTR_OK);
    actri_stream_gate_down(stage.gate, &session_1);
    assert_int_equal(send("s", true), ACTR_STATUS_UNAVAILABLE);
    assert_int_equal(send("s", false), ACTR_OK); /* opens it anew */
    end_first(ACTR_STATUS_UNAVAILABLE, 0);       /* of the first */
    actri_stream_gate_up(stage.gate, &granting);
    end_first(ACTR_OK, 3);
    for (int i = 1; i < 32; i++) assert_int_equal(send("s", true), ACTR_OK);
    assert_int_equal(send("s", false), ACTR_STATUS_WOULD_BLOCK); /* and has that connection's credit */
    grant(&granting, "s", 1, 1);
    assert_int_equal(send("s", false), ACTR_OK);
    end();
}

/* A stream that breaks while its connection lives goes on with the credit that it has there, as the peer reckons. */
static void test_a_stream_that_breaks_keeps_its_credit(void **state)
{
    (void)state;
    begin();
    actri_stream_gate_up(stage.gate, &granting);
    for (int i = 0; i < 11; i++) assert_int_equal(send("s", true), ACTR_OK);
    for (int i = 0; i < 10; i++) end_first(ACTR_OK, 3);
    end_first(ACTR_STATUS_LIMIT_REACHED, 0); /* it did not go, and brings its credit back */
    grant(&granting, "s", 5, 1000);
    assert_int_equal(send("s", true), ACTR_STATUS_DELIVERY_UNCERTAIN);
    for (int i = 0; i < 32 - 10 + 5; i++) assert_int_equal(send("s", true), ACTR_OK);
    assert_int_equal(send("s", false), ACTR_STATUS_WOULD_BLOCK);
    while (stage.count > 1) end_first(ACTR_OK, 3);
    end_first(ACTR_STATUS_LIMIT_REACHED, 0);
    assert_int_equal(send("s", true), ACTR_STATUS_DELIVERY_UNCERTAIN);
    assert_int_equal(send("s", false), ACTR_OK);
    assert_int_equal(send("s", false), ACTR_STATUS_WOULD_BLOCK);
    end();
}

/* Each allocation fails in turn: a send says so, and credit that can not be granted ends the connection, for the peer
   would wait for it for ever. */
static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    unsigned whole = 0, given_up = 0;
    actri_credit_t credit = {.kind = ACTRI_CREDIT_GRANT, .chunks = 7, .bytes = 9, .stream_id = actri_span_text("x")};
    OOM_EACH(oom)
    {
        if (begin_with(&oom.env) != ACTR_OK) continue;
        actri_stream_gate_up(stage.gate, &granting);
        bool full = true;
        for (int n = 0; n < 3; n++) {
            actr_status_t status = send_sized(n < 2 ? "a" : "b", ACTR_STREAM_RELIABLE, false, n == 1, 100);
            full = full && status == ACTR_OK;
            assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY || status == ACTR_STATUS_WOULD_BLOCK);
        }
        size_t before = stage.count;
        actri_stream_gate_say(stage.gate, &granting, &credit);
        fake_loop_run(ACTRI_MS);
        assert_int_equal(stage.count - before + stage.given_up, 1);
        assert_true(stage.given_up == 0 || stage.given_up_session == granting.number);
        given_up += stage.given_up;
        whole += full && stage.given_up == 0;
        while (stage.count > 0) end_first(ACTR_OK, granting.number);
        actri_stream_gate_down(stage.gate, &granting);
        end();
    }
    assert_true(whole > 0 && given_up >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_chunk_waits_for_its_connection),
        cmocka_unit_test(test_streams_keep_to_the_connection_that_is_up),
        cmocka_unit_test(test_window_is_bounded_and_says_so),
        cmocka_unit_test(test_each_chunk_told_once),
        cmocka_unit_test(test_a_stream_goes_as_far_as_its_credit),
        cmocka_unit_test(test_credit_counts_bytes),
        cmocka_unit_test(test_a_forgotten_stream_is_told),
        cmocka_unit_test(test_a_late_end_is_not_the_next_connections),
        cmocka_unit_test(test_a_stream_that_breaks_keeps_its_credit),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
