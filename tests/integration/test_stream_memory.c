/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data streams, streaming calls and file transfers between two nodes, in which each allocation of one of them fails in
 * turn: no crash, nothing leaks, nobody waits for ever, a failure has a name, and what is said to be whole is whole.
 * Real server, real connections; only every n-th allocation is tried, --all tries each.
 */
#include "fixture.h"
#include "oom.h"

#include "streams.actr.h"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNKS 48 /* beyond the credit that a stream begins with */
#define NUMBERS 4
#define FILE_BYTES 40000
#define LIMIT_MS 4000

static unsigned long step = 3;

/* What one run has come to, of streams and of calls. */
typedef struct seen {
    actri_mutex_t mutex;
    actri_cond_t changed;
    uint64_t next; /* chunks, or messages, that came in order */
    unsigned holes, ends;
    bool ended;
    actr_status_t status;
} seen_t;

typedef struct scene {
    fixture_t f;
    fixture_node_t frail, strong;
    actr_dest_t to_frail, to_strong;
    codegen_streams_streams_handlers_t handlers;
    oom_t oom;
    seen_t in, served;
    const actr_method_stream_t *serving; /* under served's mutex: the present call; NULL: it has not come */
    unsigned runs, whole, timeouts;
} scene_t;

/* Who sends, or calls, and who takes. */
typedef struct way {
    actr_ctx_t *from, *taker;
    actr_dest_t to;
} way_t;

static void seen_reset(seen_t *seen)
{
    actri_lock(&seen->mutex);
    seen->next = 0;
    seen->holes = seen->ends = 0;
    seen->ended = false;
    seen->status = ACTR_OK;
    actri_unlock(&seen->mutex);
}

/* Does what comes belong to the present call? An earlier one may still be ending. */
static bool is_serving(scene_t *s, const actr_method_stream_t *stream)
{
    actri_lock(&s->served.mutex);
    bool is = s->serving == stream;
    actri_unlock(&s->served.mutex);
    return is;
}

static void seen_number(seen_t *seen, uint64_t number)
{
    actri_lock(&seen->mutex);
    seen->holes += number != seen->next;
    seen->next = number + 1;
    actri_cond_broadcast(&seen->changed);
    actri_unlock(&seen->mutex);
}

static void seen_end(seen_t *seen, actr_status_t status)
{
    actri_lock(&seen->mutex);
    seen->ended = true;
    seen->ends++;
    seen->status = status;
    actri_cond_broadcast(&seen->changed);
    actri_unlock(&seen->mutex);
}

/* Until so many have come, or the end. */
static void seen_wait(seen_t *seen, uint64_t count, const char *what)
{
    int64_t deadline = actri_now_ns() + 2 * LIMIT_MS * ACTRI_MS;
    bool in_time = true;
    actri_lock(&seen->mutex);
    while (seen->next < count && !seen->ended && in_time) {
        in_time = actri_cond_wait(&seen->changed, &seen->mutex, deadline);
    }
    actri_unlock(&seen->mutex);
    if (!in_time) fail_msg("%s: %lu of %lu came, and no end", what, (unsigned long)seen->next, (unsigned long)count);
}

static unsigned holes_in(seen_t *seen)
{
    actri_lock(&seen->mutex);
    unsigned holes = seen->holes;
    actri_unlock(&seen->mutex);
    return holes;
}

static void assert_named(actr_status_t status, const actr_error_t *error)
{
    assert_true(status < 0 && error->status == status && error->message[0] != '\0');
}

/* ---- a service that mirrors ---- */

static void mirror_one(actr_method_stream_t *stream, const Codegen__Streams__Number *number, void *user)
{
    scene_t *s = user;
    actr_error_t error = ACTR_ERROR_INIT;
    Codegen__Streams__Sum sum = CODEGEN__STREAMS__SUM__INIT;
    sum.total = number->value;
    if (is_serving(s, stream)) seen_number(&s->served, (uint64_t)number->value);
    actr_status_t status = codegen_streams_streams_reply_mirror(stream, &sum, &error);
    if (status != ACTR_OK) (void)!actr_method_stream_fail(stream, status, "%s", error.message);
}

static void mirror_last(actr_method_stream_t *stream, void *user)
{
    (void)user;
    actr_status_t ignored = actr_method_stream_end(stream, NULL); /* it ends the call in any case */
    (void)ignored;
}

static void mirror_end(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    (void)error;
    if (is_serving(user, stream)) seen_end(&((scene_t *)user)->served, status);
}

static actr_status_t serve_mirror(actr_ctx_t *ctx, actr_method_stream_t *stream, void *user)
{
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    scene_t *s = user;
    events.on_last = mirror_last;
    events.on_end = mirror_end;
    seen_reset(&s->served);
    actri_lock(&s->served.mutex);
    s->serving = stream;
    actri_unlock(&s->served.mutex);
    actr_status_t status = codegen_streams_streams_listen_mirror(stream, mirror_one, &events, user, &error);
    return status == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, status, "%s", error.message);
}

/* ---- the scene ---- */

static void start(scene_t *s, fixture_node_t *n, const char *name, const actr_allocator_t *allocator)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = fixture_config(&s->f, name);
    actr_workload_t workload = codegen_streams_streams_workload(&s->handlers);
    config.allocator = allocator;
    memset(n, 0, sizeof *n);
    actri_mutex_init(&n->mutex);
    actri_cond_init(&n->changed);
    assert_ok(actr_system_new(&config, &n->system, &error), &error);
    assert_ok(actr_system_attach(n->system, &workload, &n->node, &error), &error);
    assert_ok(actr_node_start(n->node, &n->ref, &error), &error);
}

static void open_scene(scene_t *s)
{
    memset(s, 0, sizeof *s);
    actri_mutex_init(&s->in.mutex);
    actri_cond_init(&s->in.changed);
    actri_mutex_init(&s->served.mutex);
    actri_cond_init(&s->served.changed);
    s->handlers.mirror = serve_mirror;
    s->handlers.user = s;
    oom_init(&s->oom, 0);
    fixture_open(&s->f);
    start(s, &s->frail, "Frail", &s->oom.env.allocator);
    start(s, &s->strong, "Strong", NULL);
    s->to_frail = actr_dest_actor(actr_ref_actor_id(s->frail.ref));
    s->to_strong = actr_dest_actor(actr_ref_actor_id(s->strong.ref));
}

/* The last thread of a node may still be on its way out. */
static void close_scene(scene_t *s, const char *what)
{
    fixture_stop(&s->frail);
    fixture_stop(&s->strong);
    fixture_close(&s->f);
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    while (__atomic_load_n(&s->oom.alive, __ATOMIC_ACQUIRE) != 0 && actri_now_ns() < deadline) (void)sched_yield();
    assert_int_equal(s->oom.alive, 0);
    actri_cond_destroy(&s->in.changed);
    actri_mutex_destroy(&s->in.mutex);
    actri_cond_destroy(&s->served.changed);
    actri_mutex_destroy(&s->served.mutex);
    print_message("%s: %u runs, %u whole, %u timed out\n", what, s->runs, s->whole, s->timeouts);
    assert_true(s->runs > 3 && s->whole > 0);
}

/* The sweeps are about what goes over a connection, not about how one is made: test_memory.c. */
static void connect_both(scene_t *s)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 2 * LIMIT_MS;
    actr_status_t status = actr_ctx_call(actr_ref_ctx(s->strong.ref), &s->to_frail, "no.Such.Method",
                                         (actr_bytes_t){"", 0}, &options, NULL, &error);
    assert_status(ACTR_STATUS_UNKNOWN_ROUTE, status);
}

/* Runs it with each n-th allocation failing, until one needs fewer. */
static void sweep(scene_t *s, void (*run)(scene_t *s, const way_t *way), const way_t *way)
{
    bool failed = true;
    run(s, way); /* the connection, and what is kept */
    for (unsigned long k = 1; failed; k += step) {
        connect_both(s);
        oom_arm(&s->oom, k);
        run(s, way);
        failed = oom_disarm(&s->oom);
        s->runs++;
        if (k > OOM_MOST_RUNS) fail_msg("no end after %d allocations", OOM_MOST_RUNS);
    }
}

/* ---- data streams ---- */

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    if (chunk->kind == ACTR_CHUNK_END)
        seen_end(user, chunk->status);
    else
        seen_number(user, chunk->sequence);
}

/* How many were taken. */
static uint64_t send_chunks(actr_ctx_t *ctx, const actr_dest_t *dest, const char *id)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    static const actr_metadata_t metadata[] = {{"key", "value"}, {"another", "value"}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    options.timeout_ms = LIMIT_MS;
    chunk.stream_id = id;
    chunk.payload = (actr_bytes_t){"payload", 7};
    chunk.metadata = metadata;
    chunk.metadata_count = 2;
    for (; chunk.sequence < CHUNKS; chunk.sequence++) {
        actr_status_t status = actr_ctx_send_chunk(ctx, dest, &chunk, &options, &error);
        if (status == ACTR_OK) continue;
        assert_named(status, &error);
        if (status == ACTR_STATUS_LIMIT_REACHED) fail_msg("chunk %lu waits: %s", chunk.sequence, error.message);
        return chunk.sequence;
    }
    return CHUNKS;
}

static void stream(scene_t *s, const way_t *way)
{
    char id[32];
    static unsigned number;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_stream_options_t options = ACTR_STREAM_OPTIONS_INIT;
    options.queue_chunks = 8;
    (void)snprintf(id, sizeof id, "s%u", number++);
    seen_reset(&s->in);
    actr_status_t status = actr_ctx_register_stream(way->taker, id, on_chunk, &s->in, &options, &error);
    if (status != ACTR_OK) {
        assert_named(status, &error);
        return;
    }
    uint64_t sent = send_chunks(way->from, &way->to, id);
    if (sent == CHUNKS) seen_wait(&s->in, sent, id);
    assert_ok(actr_ctx_unregister_stream(way->taker, id, &error), &error);
    if (s->in.holes > 0) fail_msg("%s: %u holes, and %lu came", id, s->in.holes, (unsigned long)s->in.next);
    assert_true(!s->in.ended || s->in.status < 0);
    s->whole += s->in.next == CHUNKS;
}

/* ---- streaming calls ---- */

static void on_sum(actr_method_stream_t *stream, const Codegen__Streams__Sum *sum, void *user)
{
    (void)stream;
    seen_number(user, (uint64_t)sum->total);
}

static void on_end(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    (void)stream;
    if (status != ACTR_OK) assert_named(status, error);
    seen_end(user, status);
}

static void send_numbers(actr_method_stream_t *stream)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = ACTR_OK;
    for (int64_t i = 0; i < NUMBERS && status == ACTR_OK; i++) {
        Codegen__Streams__Number number = CODEGEN__STREAMS__NUMBER__INIT;
        number.value = i;
        status = codegen_streams_streams_send_mirror(stream, &number, &error);
    }
    if (status == ACTR_OK) status = actr_method_stream_end(stream, &error);
    if (status == ACTR_OK) return;
    assert_named(status, &error);
    (void)!actr_method_stream_fail(stream, status, "%s", error.message);
}

static void call(scene_t *s, const way_t *way)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    actr_method_stream_t *stream = NULL;
    options.timeout_ms = LIMIT_MS;
    events.on_end = on_end;
    seen_reset(&s->in);
    actri_lock(&s->served.mutex);
    s->serving = NULL;
    actri_unlock(&s->served.mutex);
    actr_status_t status =
        codegen_streams_streams_open_mirror(way->from, &way->to, &options, on_sum, &events, &s->in, &stream, &error);
    if (status != ACTR_OK) {
        assert_named(status, &error);
        return;
    }
    send_numbers(stream);
    seen_wait(&s->in, UINT64_MAX, "call");
    actr_method_stream_release(stream);
    assert_int_equal(holes_in(&s->in) + holes_in(&s->served), 0);
    if (s->in.status == ACTR_STATUS_TIMEOUT) { /* only if the request itself was lost */
        assert_true(is_serving(s, NULL));
        s->timeouts++;
    }
    if (s->in.status != ACTR_OK) return;
    assert_int_equal(s->in.next, NUMBERS);
    s->whole++;
}

/* ---- files ---- */

static char folder[] = "/tmp/actr-memory-XXXXXX", from[64], to[64];

static bool is_whole(void)
{
    char path[100], block[1000];
    (void)snprintf(path, sizeof path, "%s/file", to);
    FILE *file = fopen(path, "rb");
    size_t got, size = 0;
    bool good = file != NULL;
    while (file != NULL && (got = fread(block, 1, sizeof block, file)) > 0) {
        for (size_t i = 0; i < got; i++, size++) good = good && block[i] == (char)(size / 7);
    }
    if (file != NULL) (void)fclose(file);
    return good && size == FILE_BYTES;
}

static void transfer(scene_t *s, const way_t *way)
{
    char path[100];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_file_receiver_t *receiver = NULL;
    options.timeout_ms = LIMIT_MS / 4;
    options.attempts = 3;
    options.chunk_bytes = 8000;
    actr_status_t status = actr_file_receive(way->taker, "files", to, &options, &receiver, &error);
    if (status != ACTR_OK) {
        assert_named(status, &error);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/file", from);
    status = actr_file_send(way->from, &way->to, "files", path, &options, &error);
    actr_file_receiver_free(way->taker, receiver);
    if (status != ACTR_OK) assert_named(status, &error);
    if (status == ACTR_OK && !is_whole()) fail_msg("it is said to be there, and is not");
    s->whole += status == ACTR_OK;
    s->timeouts += status == ACTR_STATUS_TIMEOUT;
    (void)snprintf(path, sizeof path, "%s/file", to);
    (void)unlink(path);
}

static int make_files(void **state)
{
    char path[100];
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(from, sizeof from, "%s/from", folder);
    (void)snprintf(to, sizeof to, "%s/to", folder);
    if (mkdir(from, 0700) != 0 || mkdir(to, 0700) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/file", from);
    FILE *file = fopen(path, "wb");
    for (int i = 0; file != NULL && i < FILE_BYTES; i++) (void)fputc(i / 7, file);
    return file != NULL && fclose(file) == 0 ? 0 : -1;
}

static int remove_files(void **state)
{
    char command[100];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- the ways ---- */

typedef void (*run_fn)(scene_t *s, const way_t *way);

static void to_the_frail(run_fn run, const char *what)
{
    scene_t s;
    open_scene(&s);
    sweep(&s, run, &(way_t){actr_ref_ctx(s.strong.ref), actr_ref_ctx(s.frail.ref), s.to_frail});
    close_scene(&s, what);
}

static void of_the_frail(run_fn run, const char *what)
{
    scene_t s;
    open_scene(&s);
    sweep(&s, run, &(way_t){actr_ref_ctx(s.frail.ref), actr_ref_ctx(s.strong.ref), s.to_strong});
    close_scene(&s, what);
}

static void within_the_frail(run_fn run, const char *what)
{
    scene_t s;
    open_scene(&s);
    sweep(&s, run, &(way_t){actr_ref_ctx(s.frail.ref), actr_ref_ctx(s.frail.ref), actr_dest_local()});
    close_scene(&s, what);
}

static void test_streams_to_the_frail(void **state)
{
    (void)state;
    to_the_frail(stream, "streams to the frail");
}

static void test_streams_of_the_frail(void **state)
{
    (void)state;
    of_the_frail(stream, "streams of the frail");
}

static void test_streams_within_the_frail(void **state)
{
    (void)state;
    within_the_frail(stream, "streams within the frail");
}

static void test_calls_to_the_frail(void **state)
{
    (void)state;
    to_the_frail(call, "calls to the frail");
}

static void test_calls_of_the_frail(void **state)
{
    (void)state;
    of_the_frail(call, "calls of the frail");
}

static void test_calls_within_the_frail(void **state)
{
    (void)state;
    within_the_frail(call, "calls within the frail");
}

static void test_files_to_the_frail(void **state)
{
    (void)state;
    to_the_frail(transfer, "files to the frail");
}

static void test_files_of_the_frail(void **state)
{
    (void)state;
    of_the_frail(transfer, "files of the frail");
}

static void test_files_within_the_frail(void **state)
{
    (void)state;
    within_the_frail(transfer, "files within the frail");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--all") == 0) step = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_to_the_frail),     cmocka_unit_test(test_streams_of_the_frail),
        cmocka_unit_test(test_streams_within_the_frail), cmocka_unit_test(test_calls_to_the_frail),
        cmocka_unit_test(test_calls_of_the_frail),       cmocka_unit_test(test_calls_within_the_frail),
        cmocka_unit_test(test_files_to_the_frail),       cmocka_unit_test(test_files_of_the_frail),
        cmocka_unit_test(test_files_within_the_frail),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
