/* SPDX-License-Identifier: Apache-2.0 */
/* Takers that are slower than their senders: with credit, without, and whoever else takes. */
#include "takers.h"

#include "proto/datastream.h"

#include <actr/transport.h>

/* As a sender does that knows nothing of credit: past the gate of streams. */
static void send_raw(fixture_node_t *n, const actr_dest_t *dest, const char *id, uint64_t sequence, actr_bytes_t data)
{
    static uint8_t bytes[2000];
    actr_error_t error = ACTR_ERROR_INIT;
    actri_datastream_t chunk;
    memset(&chunk, 0, sizeof chunk);
    chunk.stream_id = actri_span_text(id);
    chunk.sequence = sequence;
    chunk.payload = actri_span(data.data, data.size);
    size_t size = actri_datastream_size(&chunk);
    assert_true(size <= sizeof bytes);
    actri_datastream_encode(&chunk, bytes);
    assert_ok(
        actr_outproc_send(actr_ref_outproc(n->ref), dest, ACTR_STREAM_RELIABLE, (actr_bytes_t){bytes, size}, 0, &error),
        &error);
}

/* A taker that is slow, but takes: nothing is lost, the sender is held up all the way. */
static void test_slow_taker_holds_the_sender_up(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_chunks = 8;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    listen_on(&b, "s", &t, &small);
    actr_dest_t dest = fixture_find(&a, "Taker");
    static char data[16384];
    taker_gate(&t, true);
    actr_send_options_t now = ACTR_SEND_OPTIONS_INIT;
    now.no_wait = true;
    actr_chunk_t first = chunk_of("s", 0, data, sizeof data);
    send_one(&a, &dest, &first);
    uint64_t n = 1;
    actr_status_t status = ACTR_OK;
    while (status == ACTR_OK && n < 100000) { /* until everything between them is full */
        actr_chunk_t chunk = chunk_of("s", n, data, sizeof data);
        status = actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &now, &error);
        n += status == ACTR_OK;
    }
    assert_int_equal(status, ACTR_STATUS_WOULD_BLOCK);
    assert_true(stats_of(&a).full >= 1);
    taker_gate(&t, false);
    actr_chunk_t last = chunk_of("s", n, data, sizeof data); /* waits for room */
    send_one(&a, &dest, &last);
    taker_wait(&t, &t.taken, n + 1);
    assert_int_equal(t.out_of_order, 0);
    assert_true(stats_of(&a).held >= 1);
    actr_stream_stats_t stats = stats_of(&b);
    assert_int_equal(stats.pauses + stats.dropped + stats.failures, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* A taker that takes nothing of a sender that knows no credit: after a second its stream fails, and the rest of the
   connection goes on. */
static void test_stuck_taker_fails_alone(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t stuck, other;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_chunks = 4;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&stuck);
    taker_init(&other);
    listen_on(&b, "stuck", &stuck, &small);
    listen_on(&b, "other", &other, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    taker_gate(&stuck, true);
    for (uint64_t n = 0; n < 100; n++) send_raw(&a, &dest, "stuck", n, (actr_bytes_t){"x", 1});
    actr_chunk_t chunk = chunk_of("other", 0, "y", 1);
    send_one(&a, &dest, &chunk);
    taker_wait(&other, &other.taken, 1);
    assert_ok(fixture_call(&a, &dest, "x.Echo", "still there", 0, &error), &error);
    assert_int_equal(stats_of(&b).failures, 1);
    assert_int_equal(stats_of(&b).pauses, 1);
    taker_gate(&stuck, false);
    taker_wait(&stuck, &stuck.ends, 1);
    assert_int_equal(stuck.end_status, ACTR_STATUS_LIMIT_REACHED);
    assert_int_equal(stuck.out_of_order, 0);
    assert_true(stuck.taken >= 4 && stuck.taken < 100);
    assert_int_equal(stuck.taken + stats_of(&b).dropped, 100);
    fixture_stop(&a);
    WAIT_STAT(&b, streams, 2);
    fixture_stop(&b);
    assert_int_equal(stuck.ends, 1); /* not once more when the peer goes */
    assert_int_equal(other.ends, 1);
    fixture_close(&f);
}

enum { SLOW_CHUNKS = 3000 };

typedef struct slow {
    fixture_node_t *n;
    const actr_dest_t *dest;
    const char *id;
    uint64_t count;
    unsigned failed; /* under n's mutex */
} slow_t;

static void send_slow(void *argument)
{
    slow_t *slow = argument;
    actr_send_options_t patient = ACTR_SEND_OPTIONS_INIT;
    patient.timeout_ms = 60000;
    for (uint64_t n = 0; n < slow->count; n++) {
        actr_chunk_t chunk = chunk_of(slow->id, n, "slow", 4);
        actr_status_t status = actr_ctx_send_chunk(actr_ref_ctx(slow->n->ref), slow->dest, &chunk, &patient, NULL);
        if (status != ACTR_OK) fixture_changed(slow->n, &slow->failed);
    }
}

/* One taker that is behind: its sender waits, or is told, and nobody else notices: calls and other streams go on. */
static void test_a_taker_that_is_behind_holds_up_its_stream_alone(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t slow, others[3];
    actri_thread_t thread;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    static const char *const ids[] = {"one", "two", "three"};
    small.queue_chunks = 50;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&slow);
    taker_gate(&slow, true);
    listen_on(&b, "slow", &slow, &small);
    for (int i = 0; i < 3; i++) {
        taker_init(&others[i]);
        listen_on(&b, ids[i], &others[i], &small);
    }
    actr_dest_t dest = fixture_find(&a, "Taker");
    slow_t sending = {.n = &a, .dest = &dest, .id = "slow", .count = SLOW_CHUNKS};
    assert_ok(actri_thread_start(&thread, "sender", send_slow, &sending, &error), &error);
    WAIT_STAT(&a, held, 1);
    actr_chunk_t chunk = chunk_of("slow", 0, "x", 1);
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    options.no_wait = true;
    assert_status(ACTR_STATUS_WOULD_BLOCK, actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &options, &error));
    assert_non_null(strstr(error.message, "Taker has not taken enough of slow"));
    options = (actr_send_options_t)ACTR_SEND_OPTIONS_INIT;
    options.timeout_ms = 20;
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &options, &error));
    for (uint64_t n = 0; n < 500; n++) {
        for (int i = 0; i < 3; i++) {
            chunk = chunk_of(ids[i], n, "x", 1);
            send_one(&a, &dest, &chunk);
        }
        assert_ok(fixture_call(&a, &dest, "x.Echo", "meanwhile", 0, &error), &error);
    }
    for (int i = 0; i < 3; i++) {
        taker_wait(&others[i], &others[i].taken, 500);
        assert_int_equal(others[i].out_of_order, 0);
    }
    assert_int_equal(slow.taken, 0); /* behind all the while, and what is queued is bounded */
    actr_stream_stats_t stats = stats_of(&b);
    assert_true(stats.queued <= 50 + 32);
    assert_int_equal(stats.pauses + stats.failures, 0);
    taker_gate(&slow, false);
    taker_wait(&slow, &slow.taken, SLOW_CHUNKS);
    actri_thread_join(&thread);
    assert_int_equal(slow.out_of_order, 0);
    assert_int_equal(sending.failed, 0);
    assert_int_equal(stats_of(&b).pauses, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* Whoever takes, and whoever does not, gives credit back: far more goes than a stream has at first. */
static void test_credit_comes_back_from_whoever_takes(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t, rest;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_lane_t *lane = NULL;
    actr_buf_t *message = NULL;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    taker_init(&rest);
    t.any_order = rest.any_order = true; /* each round begins its numbers anew */
    actr_dest_t dest = fixture_find(&a, "Taker"), back = actr_dest_actor(actr_ref_actor_id(a.ref));
    slow_t sending = {.n = &a, .dest = &dest, .id = "s", .count = 300};
    send_slow(&sending); /* nobody registered it */
    WAIT_STAT(&b, unknown, 300);
    listen_on(&b, NULL, &rest, NULL);
    send_slow(&sending); /* the catch-all */
    taker_wait(&rest, &rest.taken, 300);
    listen_on(&b, "s", &t, NULL);
    for (int i = 0; i < 3; i++) { /* again and again */
        send_slow(&sending);
        taker_wait(&t, &t.taken, 300 * (uint64_t)(i + 1));
        assert_ok(actr_ctx_unregister_stream(actr_ref_ctx(b.ref), "s", &error), &error);
        listen_on(&b, "s", &t, NULL);
    }
    assert_ok(actr_outproc_lane(actr_ref_outproc(b.ref), &back, ACTR_STREAM_RELIABLE, true, &lane, &error), &error);
    for (int i = 0; i < 300; i++) { /* a lane of the program's */
        sending.count = 1;
        send_slow(&sending);
        assert_ok(actr_lane_recv(lane, 10000, &message, &error), &error);
        actr_buf_release(message);
    }
    actr_lane_release(lane);
    assert_int_equal(sending.failed, 0);
    assert_int_equal(stats_of(&b).pauses, 0);
    actr_chunk_t chunk = chunk_of("actr-credit", 0, "x", 1); /* nobody else says that */
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, NULL, &error));
    send_raw(&a, &dest, "actr-credit", 0, (actr_bytes_t){"\7 nonsense", 10});
    assert_ok(fixture_call(&a, &dest, "x.Echo", "still there", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* A sender that says again and again that it has forgotten its stream gets no more into the queue than one that knows
   no credit: then nothing more is read of it for a while. */
static void test_forgetting_gives_no_credit_without_end(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t stuck;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    static const uint8_t forget[] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 's'};
    small.queue_chunks = 40;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&stuck);
    listen_on(&b, "s", &stuck, &small);
    actr_dest_t dest = fixture_find(&a, "Taker");
    taker_gate(&stuck, true);
    for (uint64_t n = 0; n < 1000; n++) {
        if (n % 32 == 0) send_raw(&a, &dest, "actr-credit", 0, (actr_bytes_t){forget, sizeof forget});
        send_raw(&a, &dest, "s", n, (actr_bytes_t){"x", 1});
    }
    WAIT_STAT(&b, failures, 1);
    assert_true(stats_of(&b).queued <= 40 + 2 * 32 + 100); /* what was under way when the reading was paused */
    taker_gate(&stuck, false);
    taker_wait(&stuck, &stuck.ends, 1);
    assert_int_equal(stuck.end_status, ACTR_STATUS_LIMIT_REACHED);
    assert_int_equal(stuck.out_of_order, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* What goes beyond the credit is bounded in bytes as well. */
static void test_bytes_beyond_the_credit_are_bounded(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t stuck;
    static const char data[1900];
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_bytes = 65536; /* and 1024 chunks */
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&stuck);
    listen_on(&b, "s", &stuck, &small);
    actr_dest_t dest = fixture_find(&a, "Taker");
    taker_gate(&stuck, true);
    for (uint64_t n = 0; n < 700; n++) send_raw(&a, &dest, "s", n, (actr_bytes_t){data, sizeof data});
    WAIT_STAT(&b, failures, 1);
    taker_gate(&stuck, false);
    taker_wait(&stuck, &stuck.ends, 1);
    assert_true(stuck.bytes < 65536 + 3 * (256u << 10)); /* and what was under way */
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* Whoever registers a stream again and again gives its sender no more credit than the queue is long. */
static void test_registering_again_gives_no_credit_beyond_the_queue(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_chunks = 100;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    t.any_order = true;
    listen_on(&b, "s", &t, &small);
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
    for (uint64_t n = 1; n <= 10; n++) { /* each time a chunk is taken, and more credit granted */
        send_one(&a, &dest, &chunk);
        taker_wait(&t, &t.taken, n);
        assert_ok(actr_ctx_unregister_stream(actr_ref_ctx(b.ref), "s", &error), &error);
        listen_on(&b, "s", &t, &small);
    }
    taker_gate(&t, true);
    actr_send_options_t soon = ACTR_SEND_OPTIONS_INIT;
    soon.timeout_ms = 300;
    unsigned sent = 0;
    while (sent < 2000 && actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &soon, &error) == ACTR_OK) sent++;
    assert_true(sent >= 32 && sent <= 100 + 32);
    assert_int_equal(stats_of(&b).pauses, 0);
    taker_gate(&t, false);
    for (unsigned n = 0; n < 300; n++) send_one(&a, &dest, &chunk); /* and no less, from now on */
    taker_wait(&t, &t.taken, 10 + sent + 300);
    assert_int_equal(stats_of(&b).pauses + stats_of(&b).failures, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

typedef struct flipping {
    fixture_node_t *n;
    taker_t *taker;
    bool stop; /* atomic */
    actr_status_t status;
} flipping_t;

static void flip(void *argument)
{
    flipping_t *flipping = argument;
    actr_ctx_t *ctx = actr_ref_ctx(flipping->n->ref);
    while (!__atomic_load_n(&flipping->stop, __ATOMIC_RELAXED) && flipping->status == ACTR_OK) {
        flipping->status = actr_ctx_register_stream(ctx, "s", take, flipping->taker, NULL, NULL);
        if (flipping->status == ACTR_OK) flipping->status = actr_ctx_unregister_stream(ctx, "s", NULL);
    }
}

/* A chunk that meets the end of a registration takes no credit with it: 32 of them, and nothing would go any more. */
static void test_chunks_that_meet_the_end_of_a_registration(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    actri_thread_t thread;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    t.any_order = true;
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
    flipping_t flipping = {.n = &b, .taker = &t};
    assert_ok(actri_thread_start(&thread, "flip", flip, &flipping, &error), &error);
    int64_t deadline = actri_now_ns() + 5 * ACTRI_SECOND;
    while (stats_of(&b).dropped < 100 && actri_now_ns() < deadline) {
        for (int i = 0; i < 100; i++) send_one(&a, &dest, &chunk);
    }
    __atomic_store_n(&flipping.stop, true, __ATOMIC_RELAXED);
    actri_thread_join(&thread);
    assert_int_equal(flipping.status, ACTR_OK);
    listen_on(&b, "s", &t, NULL);
    for (int i = 0; i < 100; i++) send_one(&a, &dest, &chunk);
    assert_int_equal(stats_of(&b).pauses, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_taker_holds_the_sender_up),
        cmocka_unit_test(test_stuck_taker_fails_alone),
        cmocka_unit_test(test_a_taker_that_is_behind_holds_up_its_stream_alone),
        cmocka_unit_test(test_credit_comes_back_from_whoever_takes),
        cmocka_unit_test(test_forgetting_gives_no_credit_without_end),
        cmocka_unit_test(test_bytes_beyond_the_credit_are_bounded),
        cmocka_unit_test(test_registering_again_gives_no_credit_beyond_the_queue),
        cmocka_unit_test(test_chunks_that_meet_the_end_of_a_registration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
