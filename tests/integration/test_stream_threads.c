/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which thread the callbacks of streams, tracks, files and streaming methods run: with a thread of the node's own,
 * and in a foreign loop, on the same as everything else of it; and what may not wait there.
 */
#include "fixture.h"

#include "streams.actr.h"

#include <poll.h>
#include <unistd.h>

#define CHUNKS 300

typedef enum kind {
    START,
    HANDLER,
    EVENT,
    TIMER,
    STREAM,
    CATCH_ALL,
    END,
    MEDIA,
    SENT,
    FILE_PROGRESS,
    OPENED,
    MESSAGE,
    LAST,
    ENDED,
    KINDS
} kind_t;

/* What ran, and where. The node under test is n; `other` sends to it, and its handler sleeps. */
static struct place {
    fixture_t f;
    fixture_node_t n, other;
    codegen_streams_streams_handlers_t handlers;
    actr_affinity_t affinity;
    actr_dest_t to_n, to_other;
    pthread_t thread; /* under n's mutex, as all that follows */
    bool known, moved;
    unsigned counts[KINDS], wrong;
    uint64_t next[2];
    bool checks; /* the handler tries what may not wait */
    unsigned taken;
} place;

static void here(kind_t kind)
{
    actri_lock(&place.n.mutex);
    if (!place.known) place.thread = pthread_self();
    place.known = true;
    place.moved = place.moved || !pthread_equal(place.thread, pthread_self());
    place.counts[kind]++;
    actri_cond_broadcast(&place.n.changed);
    actri_unlock(&place.n.mutex);
}

static void check(bool right)
{
    actri_lock(&place.n.mutex);
    place.wrong += !right;
    actri_unlock(&place.n.mutex);
}

static unsigned count_of(const unsigned *counter)
{
    actri_lock(&place.n.mutex);
    unsigned count = *counter;
    actri_unlock(&place.n.mutex);
    return count;
}

/* Runs the loop meanwhile, if there is one. */
static void wait_for(const unsigned *counter, unsigned least)
{
    if (place.affinity == ACTR_AFFINITY_THREAD) {
        fixture_wait(&place.n, counter, least);
        return;
    }
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    while (count_of(counter) < least) {
        struct pollfd poller = {.fd = actr_system_fd(place.n.system), .events = POLLIN};
        if (actri_now_ns() > deadline) fail_msg("waited for %u, have %u", least, count_of(counter));
        if (poll(&poller, 1, 100) == 1) assert_true(actr_system_dispatch(place.n.system, 0, 0) >= 0);
    }
}

/* ---- callbacks ---- */

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    (void)user;
    here(START);
    return ACTR_OK;
}

static void on_event(const actr_event_t *event, void *user)
{
    (void)event;
    (void)user;
    here(EVENT);
}

static void on_timer(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    (void)user;
    here(TIMER);
}

/* user: the number of the stream; NULL: the catch-all. */
static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    actr_dest_t local = actr_dest_local();
    uint64_t *next = user;
    if (chunk->kind == ACTR_CHUNK_END) {
        here(END);
        return;
    }
    here(next == NULL ? CATCH_ALL : STREAM);
    if (next == NULL || (*next)++ != chunk->sequence) check(next == NULL);
    if (chunk->sequence > 0) return;
    actr_bytes_t nothing = {NULL, 0}; /* the thread can not wait for itself */
    check(actr_ctx_call(ctx, &local, "codegen.streams.Streams.Double", nothing, NULL, NULL, NULL) ==
          ACTR_STATUS_WOULD_DEADLOCK);
}

static void on_sample(actr_ctx_t *ctx, const actr_media_sample_t *sample, void *user)
{
    (void)ctx;
    (void)sample;
    (void)user;
    here(MEDIA);
}

static void on_sent(actr_status_t status, const actr_error_t *error, void *user)
{
    (void)error;
    (void)user;
    here(SENT);
    check(status == ACTR_OK);
}

static bool on_progress(const actr_file_progress_t *progress, void *user)
{
    (void)progress;
    (void)user;
    here(FILE_PROGRESS);
    return true;
}

static void on_opened(actr_method_stream_t *stream, void *user)
{
    (void)stream;
    (void)user;
    here(OPENED);
}

static void on_last(actr_method_stream_t *stream, void *user)
{
    (void)user;
    here(LAST);
    check(actr_method_stream_end(stream, NULL) == ACTR_OK);
}

static void on_ended(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
    here(ENDED);
    check(status == ACTR_OK);
}

static void on_number(actr_method_stream_t *stream, const Codegen__Streams__Number *number, void *user)
{
    Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
    (void)user;
    here(MESSAGE);
    sum.total = number->value;
    check(codegen_streams_streams_reply_mirror(stream, &sum, NULL) == ACTR_OK);
}

static void on_sum(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    (void)stream;
    (void)sum;
    (void)user;
    here(MESSAGE);
}

/* ---- handlers ---- */

static actr_status_t serve_mirror(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    (void)ctx;
    (void)user;
    here(HANDLER);
    events.on_last = on_last;
    events.on_end = on_ended;
    return codegen_streams_streams_listen_mirror(stream, on_number, &events, NULL, NULL);
}

static void count_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    (void)user;
    actri_lock(&place.n.mutex);
    place.taken++;
    actri_unlock(&place.n.mutex);
}

/* In a handler: a stream whose queue is full is not waited for; what is queued is delivered by the unregistering. */
static void try_own_stream(actr_ctx_t *ctx)
{
    actr_dest_t local = actr_dest_local();
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_stream_options_t small = ACTR_STREAM_OPTIONS_INIT;
    small.queue_chunks = 2;
    chunk.stream_id = "own";
    check(actr_ctx_register_stream(ctx, "own", count_chunk, NULL, &small, NULL) == ACTR_OK);
    check(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, NULL) == ACTR_OK);
    check(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, NULL) == ACTR_OK);
    check(actr_ctx_send_chunk(ctx, &local, &chunk, NULL, NULL) == ACTR_STATUS_LIMIT_REACHED);
    check(count_of(&place.taken) == 0);
    check(actr_ctx_unregister_stream(ctx, "own", NULL) == ACTR_OK);
    check(count_of(&place.taken) == 2);
    check(actr_file_send(ctx, &place.to_other, "files", "/proc/self/maps", NULL, NULL) == ACTR_STATUS_WOULD_DEADLOCK);
}

static actr_status_t serve_double(actr_ctx_t *ctx, const Codegen__Streams__Number *request,
                                  Codegen__Streams__Sum *reply, void *user)
{
    (void)user;
    here(HANDLER);
    reply->total = 2 * request->value;
    if (place.checks) try_own_stream(ctx);
    return actr_ctx_after(ctx, 1, on_timer, NULL, NULL, NULL);
}

/* The other's: its chunks go nowhere. */
static void ignore_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    (void)user;
}

/* ---- the test ---- */

static void open_place(actr_affinity_t affinity)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(&place, 0, sizeof place);
    place.affinity = affinity;
    place.handlers = (codegen_streams_streams_handlers_t){.mirror = serve_mirror, .double_ = serve_double};
    fixture_open(&place.f);
    actr_config_t config = fixture_config(&place.f, "Taker");
    config.affinity = affinity;
    actr_workload_t workload = codegen_streams_streams_workload(&place.handlers);
    workload.on_start = on_start;
    workload.on_event = on_event;
    actri_mutex_init(&place.n.mutex);
    actri_cond_init(&place.n.changed);
    assert_ok(actr_system_new(&config, &place.n.system, &error), &error);
    assert_ok(actr_system_attach(place.n.system, &workload, &place.n.node, &error), &error);
    assert_ok(actr_node_start(place.n.node, &place.n.ref, &error), &error);
    fixture_node(&place.other, &place.f, "Other");
    place.to_n = fixture_find(&place.other, "Taker");
    place.to_other = actr_dest_actor(actr_ref_actor_id(place.other.ref));
    assert_ok(actr_ctx_register_stream(actr_ref_ctx(place.other.ref), NULL, ignore_chunk, NULL, NULL, &error), &error);
    assert_ok(actr_ref_call_async(place.other.ref, "x.Slow", (actr_bytes_t){NULL, 0}, NULL, NULL, NULL, &error),
              &error);
    fixture_wait(&place.other, &place.other.slow_begun, 1); /* elsewhere a handler sleeps all the while */
}

static const char *const ids[] = {"first", "second", "any"};

static void run_sender(void *argument)
{
    (void)argument;
    actr_error_t error = ACTR_ERROR_INIT;
    for (uint64_t n = 0; n < CHUNKS; n++) {
        for (int i = 0; i < 3; i++) {
            actr_chunk_t chunk = ACTR_CHUNK_INIT;
            chunk.stream_id = ids[i];
            chunk.sequence = n;
            check(actr_ctx_send_chunk(actr_ref_ctx(place.other.ref), &place.to_n, &chunk, NULL, &error) == ACTR_OK);
        }
    }
}

static void send_chunks(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *ctx = actr_ref_ctx(place.n.ref);
    actri_thread_t sender;
    for (int i = 0; i < 2; i++) {
        assert_ok(actr_ctx_register_stream(ctx, ids[i], on_chunk, &place.next[i], NULL, &error), &error);
    }
    assert_ok(actr_ctx_register_stream(ctx, NULL, on_chunk, NULL, NULL, &error), &error);
    assert_ok(actri_thread_start(&sender, "sender", run_sender, NULL, &error), &error);
    wait_for(&place.counts[STREAM], 2 * CHUNKS);
    wait_for(&place.counts[CATCH_ALL], CHUNKS);
    actri_thread_join(&sender);
}

static void send_samples_and_own_chunks(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *ctx = actr_ref_ctx(place.n.ref);
    actr_dest_t local = actr_dest_local();
    actr_media_sample_t sample = ACTR_MEDIA_SAMPLE_INIT;
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    assert_ok(actr_ctx_register_media_track(ctx, "track", on_sample, NULL, NULL, &error), &error);
    assert_ok(actr_ctx_send_media_sample(ctx, &local, "track", &sample, &error), &error);
    chunk.stream_id = "to the other";
    assert_ok(actr_ctx_send_chunk_async(ctx, &place.to_other, &chunk, NULL, on_sent, NULL, &error), &error);
    chunk.stream_id = "second";
    chunk.sequence = CHUNKS;
    assert_ok(actr_ctx_send_chunk_async(ctx, &local, &chunk, NULL, on_sent, NULL, &error), &error);
    wait_for(&place.counts[SENT], 2);
    wait_for(&place.counts[STREAM], 2 * CHUNKS + 1);
    wait_for(&place.counts[MEDIA], 1);
}

typedef struct sending {
    actri_thread_t thread;
    char folder[40], path[60];
    unsigned done; /* under n's mutex */
    actr_status_t status;
} sending_t;

static void send_file(void *argument)
{
    sending_t *s = argument;
    s->status = actr_file_send(actr_ref_ctx(place.other.ref), &place.to_n, "files", s->path, NULL, NULL);
    fixture_changed(&place.n, &s->done);
}

static void receive_file(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    sending_t s = {.folder = "/tmp/actr-threads-XXXXXX"};
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_file_receiver_t *receiver = NULL;
    options.on_progress = on_progress;
    assert_non_null(mkdtemp(s.folder));
    (void)snprintf(s.path, sizeof s.path, "%s/sent", s.folder);
    FILE *file = fopen(s.path, "w");
    assert_non_null(file);
    assert_int_equal(fputs("what is in the file", file) >= 0 && fclose(file) == 0, 1);
    options.overwrite = true;
    assert_ok(actr_file_receive(actr_ref_ctx(place.n.ref), "files", s.folder, &options, &receiver, &error), &error);
    options = (actr_file_options_t)ACTR_FILE_OPTIONS_INIT;
    assert_ok(actri_thread_start(&s.thread, "sender", send_file, &s, &error), &error);
    wait_for(&s.done, 1);
    actri_thread_join(&s.thread);
    assert_status(ACTR_OK, s.status);
    wait_for(&place.counts[FILE_PROGRESS], 1); /* the sender may hear of the end first */
    actr_file_receiver_free(actr_ref_ctx(place.n.ref), receiver);
    assert_int_equal(unlink(s.path), 0);
    assert_int_equal(rmdir(s.folder), 0);
}

/* The node calls its own workload: both ends of the streaming call are on its thread. */
static void stream_a_method(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t local = actr_dest_local();
    actr_method_stream_t *stream = NULL;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
    events.on_open = on_opened;
    events.on_end = on_ended;
    assert_ok(codegen_streams_streams_open_mirror(actr_ref_ctx(place.n.ref), &local, NULL, on_sum, &events, NULL,
                                                  &stream, &error),
              &error);
    wait_for(&place.counts[OPENED], 1);
    for (int i = 0; i < 10; i++) assert_ok(codegen_streams_streams_send_mirror(stream, &number, &error), &error);
    assert_ok(actr_method_stream_end(stream, &error), &error);
    wait_for(&place.counts[ENDED], 2);
    assert_int_equal(count_of(&place.counts[MESSAGE]), 20);
    assert_int_equal(count_of(&place.counts[LAST]), 1);
    actr_method_stream_release(stream);
}

static void on_answer(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    (void)user;
    (void)error;
    actr_buf_release(reply);
    here(HANDLER);
    check(status == ACTR_OK);
}

static void call_a_handler(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    unsigned before = count_of(&place.counts[HANDLER]);
    place.checks = true;
    assert_ok(actr_ref_call_async(place.n.ref, "codegen.streams.Streams.Double", (actr_bytes_t){NULL, 0}, NULL,
                                  on_answer, NULL, &error),
              &error);
    wait_for(&place.counts[HANDLER], before + 2);
    wait_for(&place.counts[TIMER], 1);
}

static void all_on_one_thread(actr_affinity_t affinity)
{
    open_place(affinity);
    send_chunks();
    send_samples_and_own_chunks();
    receive_file();
    stream_a_method();
    call_a_handler();
    assert_int_equal(place.other.slow_ended, 0);
    fixture_stop(&place.other);
    wait_for(&place.counts[END], 3); /* of both streams and of the catch-all */
    for (int kind = 0; kind < KINDS; kind++) {
        if (count_of(&place.counts[kind]) == 0) fail_msg("callbacks of kind %d have not run", kind);
    }
    fixture_stop(&place.n);
    assert_false(place.moved);
    assert_int_equal(place.wrong, 0);
    bool is_ours = pthread_equal(place.thread, pthread_self()) != 0;
    assert_int_equal(is_ours, affinity == ACTR_AFFINITY_LOOP);
    fixture_close(&place.f);
}

static void test_all_callbacks_on_the_nodes_own_thread(void **state)
{
    (void)state;
    all_on_one_thread(ACTR_AFFINITY_THREAD);
}

static void test_all_callbacks_in_a_foreign_loop(void **state)
{
    (void)state;
    all_on_one_thread(ACTR_AFFINITY_LOOP);
}

/* ---- how many threads ---- */

typedef struct meeting {
    fixture_node_t *n;
    unsigned wanted, inside, most; /* under n's mutex */
    unsigned ended;
} meeting_t;

/* Waits for the others, as long as there may still be some that come. */
static void meet(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    meeting_t *m = user;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&m->n->mutex);
    if (++m->inside > m->most) m->most = m->inside;
    actri_cond_broadcast(&m->n->changed);
    bool in_time = true;
    while (m->most < m->wanted && in_time) in_time = actri_cond_wait(&m->n->changed, &m->n->mutex, deadline);
    m->inside--;
    m->ended++;
    actri_cond_broadcast(&m->n->changed);
    actri_unlock(&m->n->mutex);
}

/* As many callbacks of streams at a time as there are threads, never more. */
static void test_stream_threads_are_as_many_as_asked_for(void **state)
{
    (void)state;
    static const unsigned asked[] = {0, 1, 5}, got[] = {2, 1, 5};
    fixture_t f;
    fixture_open(&f);
    for (int round = 0; round < 3; round++) {
        actr_error_t error = ACTR_ERROR_INIT;
        fixture_node_t n;
        actr_config_t config = fixture_config(&f, "Taker");
        config.stream_threads = asked[round];
        fixture_start(&n, &config);
        meeting_t m = {.n = &n, .wanted = got[round]};
        actr_dest_t local = actr_dest_local();
        char id[16];
        for (unsigned i = 0; i < 20; i++) {
            (void)snprintf(id, sizeof id, "%u", i % 10);
            actr_chunk_t chunk = ACTR_CHUNK_INIT;
            chunk.stream_id = id;
            if (i < 10) {
                assert_ok(actr_ctx_register_stream(actr_ref_ctx(n.ref), id, meet, &m, NULL, &error), &error);
            }
            assert_ok(actr_ctx_send_chunk(actr_ref_ctx(n.ref), &local, &chunk, NULL, &error), &error);
        }
        fixture_wait(&n, &m.ended, 20);
        assert_int_equal(m.most, got[round]);
        fixture_stop(&n);
    }
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_callbacks_on_the_nodes_own_thread),
        cmocka_unit_test(test_all_callbacks_in_a_foreign_loop),
        cmocka_unit_test(test_stream_threads_are_as_many_as_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
