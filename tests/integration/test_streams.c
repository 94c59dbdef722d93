/* SPDX-License-Identifier: Apache-2.0 */
/* Data streams over real connections and within one node: order, lanes, slow and absent takers, peers that go. */
#include "takers.h"

#include <unistd.h>

/* ---- between peers ---- */

static void test_chunk_and_all_it_says(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    listen_on(&b, "camera", &t, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    const actr_metadata_t metadata[] = {{"codec", "raw"}, {"n", "1"}};
    actr_chunk_t chunk = chunk_of("camera", 0, "hello", 5);
    chunk.metadata = metadata;
    chunk.metadata_count = 2;
    chunk.has_timestamp = true;
    chunk.timestamp_ms = -5;
    send_one(&a, &dest, &chunk);
    taker_wait(&t, &t.taken, 1);
    char self[ACTR_ID_TEXT_SIZE];
    assert_string_equal(t.text, "hello");
    assert_string_equal(t.meta, "codec=raw;n=1;");
    assert_string_equal(t.id, "camera");
    assert_string_equal(t.sender, actr_id_print(actr_ref_actor_id(a.ref), self));
    assert_int_equal(t.timestamp_ms, -5);
    chunk = chunk_of("camera", 1, NULL, 0); /* an empty one */
    chunk.payload_type = ACTR_STREAM_LATENCY_FIRST;
    send_one(&a, &dest, &chunk);
    taker_wait(&t, &t.taken, 2);
    assert_int_equal(t.timestamp_ms, -1);
    assert_int_equal(t.out_of_order, 0);
    fixture_stop(&a);
    taker_wait(&t, &t.ends, 1); /* the sender has gone */
    assert_int_equal(t.end_status, ACTR_STATUS_UNAVAILABLE);
    assert_int_equal(t.ends, 1);
    fixture_stop(&b);
    fixture_close(&f);
}

static void test_what_can_not_be_sent(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    taker_init(&t);
    listen_on(&a, "s", &t, NULL);
    actr_ctx_t *ctx = actr_ref_ctx(a.ref);
    actr_dest_t local = actr_dest_local();
    static char big[65536];
    actr_id_t nobody = *actr_ref_actor_id(a.ref);
    nobody.serial_number += 1000;
    actr_dest_t peer = actr_dest_actor(&nobody);
    for (int type = 0; type <= 5; type++) { /* RPC payload types carry no chunks, nor does media */
        if (type == ACTR_STREAM_RELIABLE || type == ACTR_STREAM_LATENCY_FIRST) continue;
        actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
        chunk.payload_type = (actr_payload_type_t)type;
        assert_int_equal(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, &error), ACTR_STATUS_INVALID_ARGUMENT);
        assert_int_equal(actr_ctx_send_chunk(ctx, &peer, &chunk, NULL, &error), ACTR_STATUS_INVALID_ARGUMENT);
    }
    actr_chunk_t chunk = chunk_of("", 0, "x", 1);
    assert_int_equal(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, &error), ACTR_STATUS_INVALID_ARGUMENT);
    memset(big, 'i', 300);
    chunk = chunk_of(big, 0, "x", 1);
    assert_int_equal(actr_ctx_send_chunk(ctx, &peer, &chunk, NULL, &error), ACTR_STATUS_INVALID_ARGUMENT);
    chunk = chunk_of("unheard-of", 0, "x", 1);
    assert_int_equal(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, &error), ACTR_STATUS_NOT_FOUND);
    chunk = chunk_of("s", 0, big, sizeof big);
    assert_int_equal(actr_ctx_send_chunk(ctx, &peer, &chunk, NULL, &error), ACTR_STATUS_TOO_LARGE);
    assert_int_equal(actr_ctx_register_stream(ctx, "s", take, &t, NULL, &error), ACTR_STATUS_INVALID_STATE);
    assert_int_equal(actr_ctx_unregister_stream(ctx, "t", &error), ACTR_STATUS_NOT_FOUND);
    actr_send_options_t soon = ACTR_SEND_OPTIONS_INIT;
    soon.timeout_ms = 300;
    chunk = chunk_of("s", 0, "x", 1); /* there is no such actor: the first chunk hears of it */
    actr_status_t status = actr_ctx_send_chunk(ctx, &peer, &chunk, &soon, &error);
    assert_true(status == ACTR_STATUS_TIMEOUT || status == ACTR_STATUS_UNAVAILABLE);
    fixture_stop(&a);
    fixture_close(&f);
}

enum { PEERS = 10, STREAMS = 100, CHUNKS = 20 };

typedef struct many {
    fixture_node_t *node;
    actr_dest_t dest;
    int number;
} many_t;

static void send_many(void *argument)
{
    const many_t *m = argument;
    char id[32], data[1200] = "";
    for (uint64_t n = 0; n < CHUNKS; n++) {
        for (int s = 0; s < STREAMS; s++) {
            (void)snprintf(id, sizeof id, "%d/%d", m->number, s);
            actr_chunk_t chunk = chunk_of(id, n, data, 200 + (size_t)(s * 7 % 1000));
            send_one(m->node, &m->dest, &chunk);
        }
    }
}

/* 1,000 streams at once from 10 peers, each in order, while RPC handlers sleep. */
static void test_thousand_streams_while_handlers_sleep(void **state)
{
    (void)state;
    fixture_t f;
    static fixture_node_t taker, senders[PEERS];
    static taker_t takers[PEERS * STREAMS];
    static many_t many[PEERS];
    actri_thread_t threads[PEERS];
    actr_error_t error = ACTR_ERROR_INIT;
    char id[32];
    fixture_open(&f);
    fixture_node(&taker, &f, "Taker");
    for (int i = 0; i < PEERS * STREAMS; i++) {
        (void)snprintf(id, sizeof id, "%d/%d", i / STREAMS, i % STREAMS);
        taker_init(&takers[i]);
        listen_on(&taker, id, &takers[i], NULL);
    }
    actr_bytes_t nothing = {NULL, 0};
    for (int i = 0; i < 8; i++) { /* one sleeps, the others wait for it: none of them holds up a stream */
        assert_ok(actr_ref_call_async(taker.ref, "x.Slow", nothing, NULL, NULL, NULL, &error), &error);
    }
    fixture_wait(&taker, &taker.slow_begun, 1);
    for (int i = 0; i < PEERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "Sender%d", i);
        fixture_node(&senders[i], &f, name);
        many[i] = (many_t){&senders[i], fixture_find(&senders[i], "Taker"), i};
        assert_ok(actri_thread_start(&threads[i], "sender", send_many, &many[i], &error), &error);
    }
    for (int i = 0; i < PEERS * STREAMS; i++) taker_wait(&takers[i], &takers[i].taken, CHUNKS);
    for (int i = 0; i < PEERS; i++) actri_thread_join(&threads[i]);
    assert_int_equal(taker.slow_ended, 0); /* it slept all the while */
    for (int i = 0; i < PEERS * STREAMS; i++) {
        assert_int_equal(takers[i].out_of_order, 0);
        assert_int_equal(takers[i].taken, CHUNKS);
        assert_int_equal(takers[i].wrong, 0);
    }
    WAIT_STAT(&taker, delivered, PEERS * STREAMS * CHUNKS);
    actr_stream_stats_t stats = stats_of(&taker);
    assert_int_equal(stats.dropped + stats.unknown + stats.refused + stats.undecodable + stats.failures, 0);
    fixture_open_gate(&taker);
    fixture_wait(&taker, &taker.slow_ended, 8);
    for (int i = 0; i < PEERS; i++) fixture_stop(&senders[i]);
    for (int i = 0; i < PEERS * STREAMS; i++) taker_wait(&takers[i], &takers[i].ends, 1);
    fixture_stop(&taker);
    fixture_close(&f);
}

/* Both lanes at once, 5,000 chunks each, as fast as they go. */
static void test_order_under_load_on_both_lanes(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t reliable, lossy;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&reliable);
    taker_init(&lossy);
    lossy.any_order = true; /* the lane is unordered */
    listen_on(&b, "reliable", &reliable, NULL);
    listen_on(&b, "lossy", &lossy, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_error_t error = ACTR_ERROR_INIT;
    static char data[1200];
    for (uint64_t n = 0; n < 5000; n++) {
        actr_chunk_t chunk = chunk_of("reliable", n, data, sizeof data);
        send_one(&a, &dest, &chunk);
        chunk = chunk_of("lossy", n, data, sizeof data);
        chunk.payload_type = ACTR_STREAM_LATENCY_FIRST;
        send_one(&a, &dest, &chunk);
    }
    assert_ok(actr_ctx_flush_stream(actr_ref_ctx(a.ref), &dest, "reliable", 0, &error), &error);
    taker_wait(&reliable, &reliable.taken, 5000);
    assert_int_equal(reliable.out_of_order, 0);
    taker_wait(&lossy, &lossy.taken, 1);
    assert_int_equal(reliable.lanes, 1u << ACTR_STREAM_RELIABLE); /* each as it was asked for */
    assert_int_equal(lossy.lanes, 1u << ACTR_STREAM_LATENCY_FIRST);
    WAIT_STAT(&a, sent, 5001);
    assert_int_equal(stats_of(&b).dropped, 0);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void test_unknown_then_a_catch_all(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t, rest;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    taker_init(&rest);
    listen_on(&b, "known", &t, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = chunk_of("stray", 0, "x", 1);
    send_one(&a, &dest, &chunk);
    WAIT_STAT(&b, unknown, 1);
    listen_on(&b, NULL, &rest, NULL);
    send_one(&a, &dest, &chunk);
    chunk = chunk_of("known", 0, "y", 1);
    send_one(&a, &dest, &chunk);
    taker_wait(&t, &t.taken, 1);
    taker_wait(&rest, &rest.taken, 1);
    assert_string_equal(rest.id, "stray");
    assert_int_equal(rest.taken, 1);
    assert_int_equal(stats_of(&b).unknown, 1);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

static void test_access_is_checked_on_arrival(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    actr_config_t config = fixture_config(&f, "Taker");
    config.has_acl = true; /* and no rule: nobody may */
    fixture_start(&b, &config);
    taker_init(&t);
    listen_on(&b, "s", &t, NULL);
    listen_on(&b, NULL, &t, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker"), local = actr_dest_local();
    actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
    send_one(&a, &dest, &chunk);
    WAIT_STAT(&b, refused, 1);
    assert_int_equal(t.taken, 0);
    send_one(&b, &local, &chunk); /* the own program may */
    taker_wait(&t, &t.taken, 1);
    fixture_stop(&a);
    fixture_stop(&b);
    assert_int_equal(t.ends, 0); /* who was refused was no sender */
    fixture_close(&f);
}

static void count_refusals(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)level;
    if (strcmp(area, "acl") == 0 && strstr(line, "chunks of") != NULL) (void)__atomic_add_fetch((unsigned *)user, 1, 0);
}

/* Whoever goes on sending what is refused does not fill the log, also not two that take turns. */
static void test_a_refusal_is_logged_once_a_connection(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b, c;
    unsigned lines = 0;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&c, &f, "Sender");
    actr_config_t config = fixture_config(&f, "Taker");
    config.has_acl = true;
    config.log = count_refusals;
    config.log_user = &lines;
    fixture_start(&b, &config);
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
    for (unsigned n = 0; n < 20; n++) {
        send_one(&a, &dest, &chunk);
        WAIT_STAT(&b, refused, 2 * n + 1);
        send_one(&c, &dest, &chunk);
        WAIT_STAT(&b, refused, 2 * n + 2);
    }
    fixture_stop(&a);
    fixture_stop(&c);
    fixture_stop(&b);
    assert_int_equal(lines, 2);
    fixture_close(&f);
}

static void test_latency_first_drops_what_waits(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t oldest, newest;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_chunks = 4;
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    taker_init(&oldest);
    taker_init(&newest);
    oldest.any_order = newest.any_order = true;
    taker_gate(&oldest, true);
    taker_gate(&newest, true);
    listen_on(&a, "oldest", &oldest, &small);
    small.overflow = ACTR_STREAM_DROP_NEWEST;
    listen_on(&a, "newest", &newest, &small);
    actr_dest_t local = actr_dest_local();
    const char *ids[] = {"oldest", "newest"};
    taker_t *takers[] = {&oldest, &newest};
    for (int i = 0; i < 2; i++) {
        actr_chunk_t chunk = chunk_of(ids[i], 0, "x", 1);
        chunk.payload_type = ACTR_STREAM_LATENCY_FIRST;
        send_one(&a, &local, &chunk);
        int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
        actri_lock(&takers[i]->mutex);
        bool in_time = true;
        while (takers[i]->inside == 0 && in_time) {
            in_time = actri_cond_wait(&takers[i]->changed, &takers[i]->mutex, deadline);
        }
        actri_unlock(&takers[i]->mutex);
        for (uint64_t n = 1; n <= 20; n++) {
            chunk.sequence = n;
            send_one(&a, &local, &chunk);
        }
        taker_gate(takers[i], false);
        taker_wait(takers[i], &takers[i]->taken, 5);
    }
    assert_int_equal(oldest.next, 21); /* the newest came through */
    assert_int_equal(newest.next, 5);
    assert_int_equal(stats_of(&a).dropped, 32);
    fixture_stop(&a);
    fixture_close(&f);
}

/* ---- within the process ---- */

static void on_sent(actr_status_t status, const actr_error_t *error, void *user)
{
    (void)error;
    taker_t *t = user;
    actri_lock(&t->mutex);
    t->wrong += status != ACTR_OK;
    t->taken++;
    actri_cond_broadcast(&t->changed);
    actri_unlock(&t->mutex);
}

static void test_within_the_process_by_reference(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t t, sent;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    taker_init(&t);
    taker_init(&sent);
    listen_on(&a, "s", &t, NULL);
    actr_buf_t *buffer = actr_buf_copy((actr_bytes_t){"by reference", 12});
    actr_dest_t dests[] = {actr_dest_local(), actr_dest_shell(), actr_dest_actor(actr_ref_actor_id(a.ref))};
    for (uint64_t n = 0; n < 3; n++) {
        actr_chunk_t chunk = chunk_of("s", n, NULL, 0);
        chunk.buffer = buffer;
        send_one(&a, &dests[n], &chunk);
        taker_wait(&t, &t.taken, n + 1);
        assert_ptr_equal(t.data, actr_buf_data(buffer));
        assert_string_equal(t.sender, "shell");
    }
    actr_chunk_t chunk = chunk_of("s", 3, "a copy", 6);
    assert_ok(actr_ctx_send_chunk_async(actr_ref_ctx(a.ref), &dests[0], &chunk, NULL, on_sent, &sent, &error), &error);
    taker_wait(&t, &t.taken, 4);
    taker_wait(&sent, &sent.taken, 1);
    assert_int_equal(sent.wrong, 0);
    assert_int_equal(t.out_of_order, 0);
    actr_buf_release(buffer);
    fixture_stop(&a);
    fixture_close(&f);
}

typedef struct flood {
    fixture_node_t *node;
    const char *id;
    bool stop; /* atomic */
    uint64_t sent;
} flood_t;

static void run_flood(void *argument)
{
    flood_t *flood = argument;
    actr_dest_t local = actr_dest_local();
    while (!__atomic_load_n(&flood->stop, __ATOMIC_RELAXED)) {
        actr_chunk_t chunk = chunk_of(flood->id, 0, "x", 1);
        flood->sent +=
            actr_ctx_send_chunk(actr_ref_ctx(flood->node->ref), &local, &chunk, NULL, NULL) == ACTR_OK ? 1 : 0;
    }
}

/* No callback runs once unregister has returned, whatever comes in meanwhile. */
static void test_unregister_under_load(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t t;
    actri_thread_t thread;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    flood_t flood = {.node = &a, .id = "s"};
    assert_ok(actri_thread_start(&thread, "flood", run_flood, &flood, &error), &error);
    uint64_t taken = 0;
    for (int i = 0; i < 50; i++) {
        taker_init(&t);
        t.any_order = true;
        listen_on(&a, "s", &t, NULL);
        taker_wait(&t, &t.taken, 20);
        assert_ok(actr_ctx_unregister_stream(actr_ref_ctx(a.ref), "s", &error), &error);
        assert_int_equal(t.inside, 0);
        taken += t.taken;
        memset(&t, 0xee, sizeof t); /* whoever came later would fall over it */
    }
    __atomic_store_n(&flood.stop, true, __ATOMIC_RELAXED);
    actri_thread_join(&thread);
    assert_int_equal(flood.sent, taken); /* what was queued was delivered */
    fixture_stop(&a);
    fixture_close(&f);
}

static void take_and_leave(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    taker_t *t = user;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_ctx_unregister_stream(ctx, chunk->stream_id, &error), &error);
    actri_lock(&t->mutex);
    t->taken++;
    actri_cond_broadcast(&t->changed);
    actri_unlock(&t->mutex);
}

static void test_unregister_from_inside(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    for (uint64_t round = 1; round <= 5; round++) {
        taker_init(&t);
        assert_ok(actr_ctx_register_stream(actr_ref_ctx(a.ref), "once", take_and_leave, &t, NULL, &error), &error);
        actr_chunk_t chunk = chunk_of("once", 0, "x", 1);
        actr_status_t status = ACTR_OK;
        while (status == ACTR_OK) status = actr_ctx_send_chunk(actr_ref_ctx(a.ref), &local, &chunk, NULL, &error);
        assert_int_equal(status, ACTR_STATUS_NOT_FOUND);
        taker_wait(&t, &t.taken, 1);
        WAIT_STAT(&a, delivered, round);
        assert_int_equal(t.taken, 1);
    }
    fixture_stop(&a);
    assert_int_equal(t.taken, 1);
    fixture_close(&f);
}

/* A stream keeps to its connection: the end of that is told by the send that follows. */
static void test_fate_of_chunks_when_the_peer_goes(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Sender");
    fixture_node(&b, &f, "Taker");
    taker_init(&t);
    listen_on(&b, "s", &t, NULL);
    actr_dest_t dest = fixture_find(&a, "Taker");
    actr_chunk_t chunk = chunk_of("s", 0, "x", 1);
    send_one(&a, &dest, &chunk);
    taker_wait(&t, &t.taken, 1);
    fixture_stop(&b);
    fixture_wait(&a, &a.peers_closed, 1);
    actr_send_options_t soon = ACTR_SEND_OPTIONS_INIT;
    soon.timeout_ms = 500;
    assert_int_equal(actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &soon, &error),
                     ACTR_STATUS_DELIVERY_UNCERTAIN);
    actr_status_t status = actr_ctx_send_chunk(actr_ref_ctx(a.ref), &dest, &chunk, &soon, &error);
    assert_true(status == ACTR_STATUS_TIMEOUT || status == ACTR_STATUS_UNAVAILABLE); /* on a new connection */
    fixture_stop(&a);
    fixture_close(&f);
}

/* ---- media ---- */

static void take_sample(actr_ctx_t *ctx, const actr_media_sample_t *sample, void *user)
{
    (void)ctx;
    taker_t *t = user;
    actri_lock(&t->mutex);
    t->out_of_order += sample->timestamp != 3000 * t->taken;
    t->taken++;
    t->data = sample->data.data;
    (void)snprintf(t->text, sizeof t->text, "%s %d %s", sample->codec == NULL ? "-" : sample->codec, (int)sample->type,
                   sample->track_id);
    actri_cond_broadcast(&t->changed);
    actri_unlock(&t->mutex);
}

static void test_media_within_the_process(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    taker_t t;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "Both");
    taker_init(&t);
    actr_ctx_t *ctx = actr_ref_ctx(a.ref);
    actr_dest_t local = actr_dest_local(), shell = actr_dest_shell();
    actr_media_sample_t sample = ACTR_MEDIA_SAMPLE_INIT;
    sample.buffer = actr_buf_copy((actr_bytes_t){"frame", 5});
    sample.type = ACTR_MEDIA_VIDEO;
    sample.codec = "VP8";
    assert_int_equal(actr_ctx_send_media_sample(ctx, &local, "video-track-1", &sample, &error), ACTR_STATUS_NOT_FOUND);
    assert_ok(actr_ctx_register_media_track(ctx, "video-track-1", take_sample, &t, NULL, &error), &error);
    listen_on(&a, "video-track-1", &t, NULL); /* a stream may have the same id */
    for (uint32_t n = 0; n < 50; n++) {
        sample.timestamp = 3000 * n;
        assert_ok(actr_ctx_send_media_sample(ctx, n % 2 ? &local : &shell, "video-track-1", &sample, &error), &error);
        taker_wait(&t, &t.taken, n + 1);
    }
    assert_int_equal(t.out_of_order, 0);
    assert_ptr_equal(t.data, actr_buf_data(sample.buffer));
    assert_string_equal(t.text, "VP8 1 video-track-1");
    actr_id_t other = *actr_ref_actor_id(a.ref);
    other.serial_number++;
    actr_dest_t peer = actr_dest_actor(&other);
    assert_int_equal(actr_ctx_send_media_sample(ctx, &peer, "video-track-1", &sample, &error),
                     ACTR_STATUS_NOT_SUPPORTED);
    assert_ok(actr_ctx_unregister_media_track(ctx, "video-track-1", &error), &error);
    assert_int_equal(actr_ctx_send_media_sample(ctx, &local, "video-track-1", &sample, &error), ACTR_STATUS_NOT_FOUND);
    actr_buf_release(sample.buffer);
    fixture_stop(&a);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_and_all_it_says),
        cmocka_unit_test(test_what_can_not_be_sent),
        cmocka_unit_test(test_thousand_streams_while_handlers_sleep),
        cmocka_unit_test(test_order_under_load_on_both_lanes),
        cmocka_unit_test(test_unknown_then_a_catch_all),
        cmocka_unit_test(test_access_is_checked_on_arrival),
        cmocka_unit_test(test_a_refusal_is_logged_once_a_connection),
        cmocka_unit_test(test_latency_first_drops_what_waits),
        cmocka_unit_test(test_within_the_process_by_reference),
        cmocka_unit_test(test_unregister_under_load),
        cmocka_unit_test(test_unregister_from_inside),
        cmocka_unit_test(test_fate_of_chunks_when_the_peer_goes),
        cmocka_unit_test(test_media_within_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
