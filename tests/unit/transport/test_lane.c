/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes within the process: by reference, in order, bounded, woken, closed. */
#include "check.h"
#include "oom.h"
#include "port/clock.h"
#include "port/thread.h"
#include "transport/lane.h"

#include <stdio.h>
#include <string.h>

#define SOON_MS 600000 /* longer than a test program may run: what should have been woken and was not fails */

static actr_lane_t *open_lane(uint32_t capacity)
{
    actr_lane_options_t options = ACTR_LANE_OPTIONS_INIT;
    actr_lane_t *lane = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    options.capacity = capacity;
    assert_ok(actr_lane_new(&options, &lane, &error), &error);
    return lane;
}

static actr_buf_t *text_buf(const char *text)
{
    actr_buf_t *buf = actr_buf_copy((actr_bytes_t){text, strlen(text)});
    assert_non_null(buf);
    return buf;
}

/* Sends a text and gives the reference back, as any sender does. */
static void send_text(actr_lane_t *lane, const char *text)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *buf = text_buf(text);
    assert_ok(actr_lane_send(lane, buf, SOON_MS, &error), &error);
    actr_buf_release(buf);
}

static void expect_text(actr_lane_t *lane, const char *text)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *buf = NULL;
    assert_ok(actr_lane_recv(lane, SOON_MS, &buf, &error), &error);
    assert_int_equal(actr_buf_size(buf), strlen(text));
    assert_memory_equal(actr_buf_data(buf), text, strlen(text));
    actr_buf_release(buf);
}

static void the_buffer_itself_arrives(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *sent = text_buf("the same"), *got = NULL;
    assert_int_equal(actr_lane_kind(lane), ACTR_LANE_MPSC);
    assert_ok(actr_lane_send(lane, sent, 0, &error), &error);
    assert_ok(actr_lane_try_recv(lane, &got, &error), &error);
    assert_ptr_equal(got, sent);
    assert_ptr_equal(actr_buf_data(got), actr_buf_data(sent));
    actr_buf_release(got);
    actr_buf_release(sent);
    actr_lane_release(lane);
}

static void order_is_kept_while_the_ring_grows_and_wraps(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(100);
    char text[16];
    unsigned in = 0, out = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 7 && in - out < 100; i++) {
            (void)snprintf(text, sizeof text, "%u", in++);
            send_text(lane, text);
        }
        for (int i = 0; i < (round < 20 ? 3 : 9) && out < in; i++) {
            (void)snprintf(text, sizeof text, "%u", out++);
            expect_text(lane, text);
        }
    }
    while (out < in) {
        (void)snprintf(text, sizeof text, "%u", out++);
        expect_text(lane, text);
    }
    actr_lane_stats_t stats = {.struct_size = sizeof stats};
    actr_lane_get_stats(lane, &stats);
    assert_int_equal(stats.sent, in);
    assert_int_equal(stats.received, in);
    assert_int_equal(stats.sent_bytes, stats.received_bytes);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.capacity, 100);
    actr_lane_release(lane);
}

/* The reference waits for ever; here a full lane is an error, at once or at the limit, and is counted. */
static void a_full_lane_is_an_error_and_not_for_ever(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(2);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *third = text_buf("c");
    send_text(lane, "a");
    send_text(lane, "b");
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_lane_try_send(lane, third, &error));
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_lane_send(lane, third, 1, &error));
    assert_non_null(strstr(error.message, "full"));
    expect_text(lane, "a");
    assert_ok(actr_lane_try_send(lane, third, &error), &error);
    actr_buf_release(third); /* it was the caller's after the failures, and is after success */
    expect_text(lane, "b");
    expect_text(lane, "c");
    actr_lane_stats_t stats = {.struct_size = sizeof stats};
    actr_lane_get_stats(lane, &stats);
    assert_int_equal(stats.full, 2);
    assert_int_equal(stats.sent, 3);
    actr_lane_release(lane);
}

static void a_lane_holds_1024_unless_told_otherwise(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *buf = text_buf("x");
    for (int i = 0; i < 1024; i++) assert_ok(actr_lane_try_send(lane, buf, &error), &error);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_lane_try_send(lane, buf, &error));
    actr_buf_release(buf);
    actr_lane_release(lane);
}

static void an_empty_lane_says_so(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *got = (actr_buf_t *)&error;
    assert_status(ACTR_STATUS_WOULD_BLOCK, actr_lane_try_recv(lane, &got, &error));
    assert_null(got);
    assert_status(ACTR_STATUS_TIMEOUT, actr_lane_recv(lane, 1, &got, &error));
    assert_null(got);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_lane_recv(NULL, 1, &got, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_lane_recv(lane, 1, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_lane_try_recv(NULL, &got, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_lane_send(lane, NULL, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_lane_new(NULL, NULL, &error));
    actr_lane_release(lane);
    actr_lane_release(NULL);
}

static void a_closed_lane_gives_what_it_has_and_takes_nothing(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(0);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *more = text_buf("more"), *got = NULL;
    send_text(lane, "kept");
    assert_false(actr_lane_is_closed(lane));
    actr_lane_close(lane);
    actr_lane_close(lane);
    assert_true(actr_lane_is_closed(lane));
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_send(lane, more, SOON_MS, &error));
    expect_text(lane, "kept");
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_recv(lane, SOON_MS, &got, &error));
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_try_recv(lane, &got, &error));
    actr_buf_release(more);
    actr_lane_release(lane);
}

/* ---- with threads ---- */

typedef struct worker {
    actri_thread_t thread;
    actr_lane_t *lane;
    unsigned number, count;
    actr_status_t status;
    uint64_t sum;
} worker_t;

static void run_receiver(void *argument)
{
    worker_t *w = argument;
    actr_buf_t *got = NULL;
    while ((w->status = actr_lane_recv(w->lane, SOON_MS, &got, NULL)) == ACTR_OK) {
        uint32_t value;
        memcpy(&value, actr_buf_data(got), sizeof value);
        w->sum += value;
        w->count++;
        actr_buf_release(got);
    }
}

static void run_sender(void *argument)
{
    worker_t *w = argument;
    for (uint32_t i = 1; i <= 2000 && w->status == ACTR_OK; i++) {
        actr_buf_t *buf = actr_buf_copy((actr_bytes_t){&i, sizeof i});
        w->status = buf == NULL ? ACTR_STATUS_NO_MEMORY : actr_lane_send(w->lane, buf, SOON_MS, NULL);
        actr_buf_release(buf);
    }
}

static void start(worker_t *w, actr_lane_t *lane, void (*run)(void *))
{
    *w = (worker_t){.lane = lane};
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_thread_start(&w->thread, "worker", run, w, &error), &error);
}

/* A small lane, so that both sides wait for each other; each message reaches exactly one receiver. */
static void senders_and_receivers_compete(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(3);
    worker_t senders[4], receivers[3];
    for (int i = 0; i < 3; i++) start(&receivers[i], lane, run_receiver);
    for (int i = 0; i < 4; i++) start(&senders[i], lane, run_sender);
    for (int i = 0; i < 4; i++) {
        actri_thread_join(&senders[i].thread);
        assert_status(ACTR_OK, senders[i].status);
    }
    actr_lane_close(lane);
    uint64_t sum = 0;
    unsigned count = 0;
    for (int i = 0; i < 3; i++) {
        actri_thread_join(&receivers[i].thread);
        assert_status(ACTR_STATUS_UNAVAILABLE, receivers[i].status);
        sum += receivers[i].sum;
        count += receivers[i].count;
    }
    assert_int_equal(count, 4 * 2000);
    assert_int_equal(sum, UINT64_C(4) * 2000 * 2001 / 2);
    actr_lane_release(lane);
}

static void a_close_wakes_who_waits_for_room(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(1);
    worker_t sender;
    send_text(lane, "full");
    start(&sender, lane, run_sender);
    for (bool waits = false; !waits;) { /* until it is inside */
        actri_lock(&lane->group->mutex);
        waits = lane->writers == 1;
        actri_unlock(&lane->group->mutex);
    }
    actr_lane_close(lane);
    actri_thread_join(&sender.thread);
    assert_status(ACTR_STATUS_UNAVAILABLE, sender.status);
    actr_lane_release(lane); /* with "full" still inside */
}

/* ---- what comes from a peer can not be made to wait ---- */

static void a_loss_is_told_once_where_it_was(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(2);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *got = NULL;
    for (const char *p = "abcd"; *p != '\0'; p++) actri_lane_arrived(lane, actr_buf_copy((actr_bytes_t){p, 1}));
    expect_text(lane, "a");
    actri_lane_arrived(lane, text_buf("e")); /* there is room, but it would hide the gap */
    expect_text(lane, "b");
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_lane_recv(lane, SOON_MS, &got, &error));
    assert_non_null(strstr(error.message, "lost"));
    actri_lane_arrived(lane, text_buf("f"));
    expect_text(lane, "f");
    actr_lane_close(lane);
    actri_lane_arrived(lane, text_buf("g"));
    actr_lane_stats_t stats = {.struct_size = sizeof stats};
    actr_lane_get_stats(lane, &stats);
    assert_int_equal(stats.lost, 4);
    assert_int_equal(stats.sent, 3);
    actr_lane_release(lane);
}

static void statistics_respect_an_older_struct(void **state)
{
    (void)state;
    actr_lane_t *lane = open_lane(0);
    actr_lane_stats_t stats;
    memset(&stats, 0x5a, sizeof stats);
    stats.struct_size = offsetof(actr_lane_stats_t, received);
    send_text(lane, "x");
    actr_lane_get_stats(lane, &stats);
    assert_int_equal(stats.sent, 1);
    assert_int_equal(stats.received, UINT64_C(0x5a5a5a5a5a5a5a5a));
    actr_lane_release(lane);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actr_lane_options_t options = ACTR_LANE_OPTIONS_INIT;
        options.allocator = &oom.env.allocator;
        options.capacity = 40;
        actr_lane_t *lane = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_buf_t *buf = text_buf("x");
        if (actr_lane_new(&options, &lane, &error) == ACTR_OK) {
            for (int i = 0; i < 40; i++) {
                actr_status_t status = actr_lane_try_send(lane, buf, &error);
                assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
            }
            actr_lane_release(lane);
        } else {
            assert_status(ACTR_STATUS_NO_MEMORY, error.status);
        }
        actr_buf_release(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_buffer_itself_arrives),
        cmocka_unit_test(order_is_kept_while_the_ring_grows_and_wraps),
        cmocka_unit_test(a_full_lane_is_an_error_and_not_for_ever),
        cmocka_unit_test(a_lane_holds_1024_unless_told_otherwise),
        cmocka_unit_test(an_empty_lane_says_so),
        cmocka_unit_test(a_closed_lane_gives_what_it_has_and_takes_nothing),
        cmocka_unit_test(senders_and_receivers_compete),
        cmocka_unit_test(a_close_wakes_who_waits_for_room),
        cmocka_unit_test(a_loss_is_told_once_where_it_was),
        cmocka_unit_test(statistics_respect_an_older_struct),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
