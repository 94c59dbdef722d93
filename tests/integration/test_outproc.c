/* SPDX-License-Identifier: Apache-2.0 */
/* The out-of-process manager and lanes to a peer, over real connections: send by destination and payload type. */
#include "fixture.h"
#include "outcome.h"

#define SOON_MS 600000 /* longer than a test program may run: what should have been woken and was not fails */

static fixture_t f;
static fixture_node_t a, b;
static actr_outproc_t *from_a, *from_b;
static actr_dest_t to_a, to_b;

static int begin(void **state)
{
    (void)state;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    from_a = actr_ref_outproc(a.ref);
    from_b = actr_ref_outproc(b.ref);
    to_a = actr_dest_actor(actr_ref_actor_id(a.ref));
    to_b = actr_dest_actor(actr_ref_actor_id(b.ref));
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
    return 0;
}

static actr_bytes_t text(const char *words)
{
    return (actr_bytes_t){words, strlen(words)};
}

static actr_buf_t *text_buf(const char *words)
{
    actr_buf_t *buf = actr_buf_copy(text(words));
    assert_non_null(buf);
    return buf;
}

static actr_lane_t *open_lane(actr_outproc_t *from, const actr_dest_t *to, actr_payload_type_t type, bool receives)
{
    actr_lane_t *lane = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_outproc_lane(from, to, type, receives, &lane, &error), &error);
    assert_int_equal(actr_lane_kind(lane), ACTR_LANE_WEBRTC_DATA_CHANNEL);
    assert_int_equal(actr_lane_payload_type(lane), type);
    return lane;
}

static void expect_text(actr_lane_t *lane, const char *words)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *got = NULL;
    assert_ok(actr_lane_recv(lane, SOON_MS, &got, &error), &error);
    assert_int_equal(actr_buf_size(got), strlen(words));
    assert_memory_equal(actr_buf_data(got), words, strlen(words));
    actr_buf_release(got);
}

static void connect_them(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    assert_ok(actr_ctx_call(actr_ref_ctx(a.ref), &to_b, "x.Echo", text("hi"), NULL, &reply, &error), &error);
    actr_buf_release(reply);
}

static void bytes_go_both_ways_on_a_lane(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    static const actr_payload_type_t types[] = {ACTR_STREAM_RELIABLE, ACTR_STREAM_LATENCY_FIRST};
    for (int i = 0; i < 2; i++) {
        actr_lane_t *la = open_lane(from_a, &to_b, types[i], true), *lb = open_lane(from_b, &to_a, types[i], true);
        actr_buf_t *ping = text_buf("ping"), *pong = text_buf("pong");
        assert_ok(actr_lane_send(la, ping, SOON_MS, &error), &error); /* connects */
        expect_text(lb, "ping");
        assert_ok(actr_lane_try_send(lb, pong, &error), &error);
        expect_text(la, "pong");
        actr_lane_stats_t stats = {.struct_size = sizeof stats};
        actr_lane_get_stats(la, &stats);
        assert_int_equal(stats.sent, 1);
        assert_int_equal(stats.sent_bytes, 4);
        assert_int_equal(stats.received, 1);
        actr_buf_release(ping);
        actr_buf_release(pong);
        actr_lane_release(la);
        actr_lane_release(lb);
    }
}

static void order_is_kept_on_a_reliable_lane(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lb = open_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true);
    char words[16];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(words, sizeof words, "%d", i);
        assert_ok(actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, text(words), SOON_MS, &error), &error);
    }
    for (int i = 0; i < 500; i++) {
        (void)snprintf(words, sizeof words, "%d", i);
        expect_text(lb, words);
    }
    actr_lane_release(lb);
}

/* A lane receives instead of the registries, one at a time, and only as long as it lives. */
static void one_lane_receives_and_gives_it_back(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *got = NULL;
    actr_lane_t *first = open_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true), *second = NULL;
    assert_status(ACTR_STATUS_INVALID_STATE,
                  actr_outproc_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true, &second, &error));
    actr_lane_t *other = open_lane(from_b, &to_a, ACTR_STREAM_LATENCY_FIRST, true);
    actr_lane_release(first);
    second = open_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true);
    assert_ok(actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, text("x"), SOON_MS, &error), &error);
    expect_text(second, "x");
    assert_status(ACTR_STATUS_WOULD_BLOCK, actr_lane_try_recv(other, &got, &error));
    actr_lane_t *sender = open_lane(from_a, &to_b, ACTR_STREAM_RELIABLE, false);
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_lane_try_recv(sender, &got, &error));
    actr_lane_release(sender);
    actr_lane_release(second);
    actr_lane_release(other);
}

static actr_buf_t *envelope_with(const char *id, const char *route, const char *payload)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_envelope_t e = ACTR_ENVELOPE_INIT;
    actr_buf_t *bytes = NULL;
    e.request_id = id;
    e.route = route;
    e.payload = text_buf(payload);
    assert_ok(actr_envelope_encode(&e, &bytes, &error), &error);
    actr_buf_release(e.payload);
    return bytes;
}

static actr_status_t send_buf(const actr_buf_t *buf, actr_payload_type_t type, actr_error_t *error)
{
    return actr_outproc_send(from_a, &to_b, type, (actr_bytes_t){actr_buf_data(buf), actr_buf_size(buf)}, SOON_MS,
                             error);
}

/* An envelope by hand reaches the handler; one whose answer would come back as a request is refused. */
static void an_envelope_needs_an_id_of_ours(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    char id[ACTR_REQUEST_ID_SIZE];
    assert_ok(actr_outproc_request_id(from_a, id, &error), &error);
    actr_buf_t *mine = envelope_with(id, "x.Note", "by hand");
    actr_buf_t *foreign = envelope_with("0f8fad5b-d9cb-469f-a165-70867728950e", "x.Note", "no");
    assert_ok(send_buf(mine, ACTR_RPC_RELIABLE, &error), &error);
    fixture_wait(&b, &b.notes, 1);
    assert_string_equal(b.notes_seen[0], "by hand");
    assert_ok(send_buf(mine, ACTR_RPC_SIGNAL, &error), &error);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, send_buf(foreign, ACTR_RPC_RELIABLE, &error));
    assert_non_null(strstr(error.message, "actr_outproc_request_id"));
    assert_status(ACTR_STATUS_DECODE,
                  actr_outproc_send(from_a, &to_b, ACTR_RPC_RELIABLE, text("\xff\xff"), SOON_MS, &error));
    actr_buf_release(mine);
    actr_buf_release(foreign);
}

/* A caller that repeats itself, for whatever reason: the reference handles each copy. */
static void a_request_sent_twice_is_handled_once(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    char id[ACTR_REQUEST_ID_SIZE];
    actr_envelope_t e = ACTR_ENVELOPE_INIT;
    actr_buf_t *twice = NULL;
    assert_ok(actr_outproc_request_id(from_a, id, &error), &error);
    e.request_id = id;
    e.route = "x.Note";
    e.payload = text_buf("once");
    e.timeout_ms = 20000; /* a call: its answer is kept for repetitions */
    assert_ok(actr_envelope_encode(&e, &twice, &error), &error);
    for (int i = 0; i < 3; i++) assert_ok(send_buf(twice, ACTR_RPC_RELIABLE, &error), &error);
    assert_ok(actr_ctx_tell(actr_ref_ctx(a.ref), &to_b, "x.Note", text("after"), NULL, &error), &error);
    fixture_wait(&b, &b.notes, 2);
    assert_string_equal(b.notes_seen[0], "once");
    assert_string_equal(b.notes_seen[1], "after"); /* it came behind all three */
    actr_buf_release(e.payload);
    actr_buf_release(twice);
}

static void what_can_not_be_sent_is_named(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lane = NULL;
    actr_dest_t local = actr_dest_local(), shell = actr_dest_shell();
    static uint8_t large[65536];
    actr_bytes_t too_much = {large, sizeof large}, none = {NULL, 0}, x = text("x");
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_outproc_send(from_a, &local, ACTR_STREAM_RELIABLE, x, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_outproc_send(from_a, &shell, ACTR_STREAM_RELIABLE, x, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_outproc_send(from_a, &to_a, ACTR_STREAM_RELIABLE, x, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, none, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_outproc_send(from_a, &to_b, (actr_payload_type_t)7, x, 1, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_outproc_send(from_a, &to_b, ACTR_MEDIA_RTP, x, 1, &error));
    assert_status(ACTR_STATUS_TOO_LARGE, actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, too_much, 1, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_outproc_lane(from_a, &to_b, ACTR_RPC_RELIABLE, true, &lane, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_outproc_lane(from_a, &to_b, ACTR_MEDIA_RTP, false, &lane, &error));
    assert_null(lane);
    assert_int_equal(actr_outproc_dest_count(from_a), 0); /* none of that has connected */
}

/* Nobody has that id: the send ends at its own limit, and does not wait for a change that never comes. */
static void a_destination_that_is_not_there_ends_in_time(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t nobody = to_b;
    nobody.id.serial_number += 1000;
    actr_status_t status = actr_outproc_send(from_a, &nobody, ACTR_STREAM_RELIABLE, text("x"), 300, &error);
    assert_true(status == ACTR_STATUS_UNAVAILABLE || status == ACTR_STATUS_TIMEOUT);
    actr_lane_t *lane = open_lane(from_a, &nobody, ACTR_STREAM_RELIABLE, false);
    actr_buf_t *buf = text_buf("x");
    status = actr_lane_send(lane, buf, 300, &error);
    assert_true(status == ACTR_STATUS_UNAVAILABLE || status == ACTR_STATUS_TIMEOUT);
    actr_buf_release(buf);
    actr_lane_release(lane);
}

static void destinations_are_listed_and_closed(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_outproc_dest_t list[2];
    size_t count = 2;
    assert_false(actr_outproc_has_dest(from_a, &to_b));
    assert_status(ACTR_STATUS_NOT_FOUND, actr_outproc_close_dest(from_a, &to_b, &error));
    connect_them();
    actr_outproc_list_dests(from_a, list, &count);
    assert_int_equal(count, 1);
    assert_true(actr_id_equal(&list[0].id, &to_b.id));
    assert_int_equal(list[0].state, ACTR_DEST_CONNECTED);
    assert_int_equal(list[0].queued, 0);
    assert_true(actr_outproc_has_dest(from_a, &to_b));
    assert_false(actr_outproc_has_dest(from_a, &to_a));
    assert_int_equal(actr_outproc_dest_count(from_b), 1);
    assert_ok(actr_outproc_close_dest(from_a, &to_b, &error), &error);
    assert_false(actr_outproc_has_dest(from_a, &to_b));
    fixture_wait(&a, &a.peers_closed, 1);
    fixture_wait(&b, &b.peers_closed, 1); /* it was told, and not left to find out */
    connect_them();
    actr_outproc_close_all(from_a);
    assert_int_equal(actr_outproc_dest_count(from_a), 0);
    actr_outproc_close_all(from_a);
}

/* A call that waits ends when its peer's connection is closed, and leaves nothing behind. */
static void closing_ends_the_calls_that_wait(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t slow;
    connect_them();
    outcome_open(&slow);
    assert_ok(actr_ctx_call_async(actr_ref_ctx(a.ref), &to_b, "x.Slow", text("x"), NULL, on_outcome, &slow, &error),
              &error);
    fixture_wait(&b, &b.slow_begun, 1);
    assert_ok(actr_outproc_close_dest(from_a, &to_b, &error), &error);
    outcome_wait(&slow, ACTR_STATUS_DELIVERY_UNCERTAIN);
    fixture_open_gate(&b);
    fixture_wait(&b, &b.slow_ended, 1);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(a.ref, &stats);
    assert_int_equal(stats.pending_calls, 0);
    outcome_close(&slow);
}

static void an_asynchronous_send_ends_once(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    outcome_t result;
    actr_lane_t *lb = open_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true);
    outcome_open(&result);
    assert_ok(actr_outproc_send_async(from_a, &to_b, ACTR_STREAM_RELIABLE, text("later"), SOON_MS, on_outcome, &result,
                                      &error),
              &error);
    expect_text(lb, "later");
    outcome_wait(&result, ACTR_OK);
    assert_null(result.reply);
    assert_ok(actr_outproc_send_async(from_a, &to_b, ACTR_STREAM_RELIABLE, text("untold"), 0, NULL, NULL, &error),
              &error);
    expect_text(lb, "untold");
    actr_lane_release(lb);
    outcome_close(&result);
}

static void all_of_it_is_counted(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lb = open_lane(from_b, &to_a, ACTR_STREAM_RELIABLE, true);
    for (int i = 0; i < 3; i++) {
        assert_ok(actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, text("four"), SOON_MS, &error), &error);
        expect_text(lb, "four");
    }
    actr_outproc_stats_t sent = {.struct_size = sizeof sent}, got = {.struct_size = sizeof got};
    actr_outproc_get_stats(from_a, &sent);
    actr_outproc_get_stats(from_b, &got);
    assert_int_equal(sent.sent, 3);
    assert_int_equal(sent.sent_bytes, 12);
    assert_int_equal(sent.queued, 0);
    assert_int_equal(sent.queued_bytes, 0);
    assert_int_equal(got.received, 3);
    assert_int_equal(got.received_bytes, 12);
    actr_lane_release(lb);
}

/* The reference's senders wait for ever on a pool that is closed. */
static void after_the_shutdown_everything_says_so(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *buf = text_buf("x"), *got = NULL;
    char id[ACTR_REQUEST_ID_SIZE];
    actr_lane_t *lane = open_lane(from_a, &to_b, ACTR_STREAM_RELIABLE, true), *late = NULL;
    connect_them();
    actr_ref_shutdown(a.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.ref, SOON_MS, &error), &error);
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_recv(lane, SOON_MS, &got, &error)); /* at once */
    assert_status(ACTR_STATUS_UNAVAILABLE, actr_lane_send(lane, buf, SOON_MS, &error));
    actr_lane_release(lane);
    lane = open_lane(from_a, &to_b, ACTR_STREAM_RELIABLE, false);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, actr_lane_send(lane, buf, SOON_MS, &error));
    assert_status(ACTR_STATUS_SHUTTING_DOWN, actr_lane_try_send(lane, buf, &error));
    assert_status(ACTR_STATUS_SHUTTING_DOWN,
                  actr_outproc_send(from_a, &to_b, ACTR_STREAM_RELIABLE, text("x"), SOON_MS, &error));
    assert_status(ACTR_STATUS_SHUTTING_DOWN,
                  actr_outproc_lane(from_a, &to_b, ACTR_STREAM_RELIABLE, true, &late, &error));
    assert_status(ACTR_STATUS_SHUTTING_DOWN, actr_outproc_request_id(from_a, id, &error));
    assert_status(ACTR_STATUS_SHUTTING_DOWN, actr_outproc_close_dest(from_a, &to_b, &error));
    assert_int_equal(actr_outproc_dest_count(from_a), 0);
    assert_false(actr_outproc_has_dest(from_a, &to_b));
    actr_outproc_close_all(from_a);
    actr_outproc_stats_t stats = {.struct_size = sizeof stats};
    actr_outproc_get_stats(from_a, &stats);
    assert_int_equal(stats.sent, 0);
    actr_buf_release(buf);
    actr_lane_release(lane);
}

/* Handles may go in any order: a lane, with messages inside, is the last of its node's. */
static void a_lane_may_be_the_last_to_go(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_node_t c;
    fixture_node(&c, &f, "c");
    actr_lane_t *lane = open_lane(actr_ref_outproc(c.ref), &to_a, ACTR_STREAM_RELIABLE, true);
    actr_dest_t to_c = actr_dest_actor(actr_ref_actor_id(c.ref));
    assert_ok(actr_outproc_send(from_a, &to_c, ACTR_STREAM_RELIABLE, text("one"), SOON_MS, &error), &error);
    assert_ok(actr_outproc_send(from_a, &to_c, ACTR_STREAM_RELIABLE, text("two"), SOON_MS, &error), &error);
    expect_text(lane, "one");
    fixture_stop(&c);
    actr_lane_release(lane);
}

/* A lane is no way around the ACL: whom it refuses nobody receives from. Sending to it is another matter. */
static void a_lane_receives_from_whom_the_acl_allows(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_node_t c;
    actr_lane_t *lane = NULL;
    actr_config_t config = fixture_config(&f, "c");
    actr_acl_principal_t type_b = {.manufacturer = "acme", .name = "b"};
    actr_acl_rule_t rule = {.allow = true, .principals = &type_b, .principal_count = 1};
    config.has_acl = true;
    config.acl_rules = &rule;
    config.acl_rule_count = 1;
    fixture_start(&c, &config);
    actr_outproc_t *from_c = actr_ref_outproc(c.ref);
    assert_status(ACTR_STATUS_PERMISSION_DENIED,
                  actr_outproc_lane(from_c, &to_a, ACTR_STREAM_RELIABLE, true, &lane, &error));
    assert_non_null(strstr(error.message, "no rule speaks of it"));
    lane = open_lane(from_c, &to_a, ACTR_STREAM_RELIABLE, false);
    actr_lane_release(lane);
    lane = open_lane(from_c, &to_b, ACTR_STREAM_RELIABLE, true);
    actr_lane_release(lane);
    fixture_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways_on_a_lane, begin, end),
        cmocka_unit_test_setup_teardown(order_is_kept_on_a_reliable_lane, begin, end),
        cmocka_unit_test_setup_teardown(one_lane_receives_and_gives_it_back, begin, end),
        cmocka_unit_test_setup_teardown(an_envelope_needs_an_id_of_ours, begin, end),
        cmocka_unit_test_setup_teardown(a_request_sent_twice_is_handled_once, begin, end),
        cmocka_unit_test_setup_teardown(what_can_not_be_sent_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_destination_that_is_not_there_ends_in_time, begin, end),
        cmocka_unit_test_setup_teardown(destinations_are_listed_and_closed, begin, end),
        cmocka_unit_test_setup_teardown(closing_ends_the_calls_that_wait, begin, end),
        cmocka_unit_test_setup_teardown(an_asynchronous_send_ends_once, begin, end),
        cmocka_unit_test_setup_teardown(all_of_it_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(after_the_shutdown_everything_says_so, begin, end),
        cmocka_unit_test_setup_teardown(a_lane_may_be_the_last_to_go, begin, end),
        cmocka_unit_test_setup_teardown(a_lane_receives_from_whom_the_acl_allows, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
