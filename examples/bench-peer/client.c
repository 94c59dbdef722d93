/* SPDX-License-Identifier: Apache-2.0 */
/* The client commands: a closed loop of calls, tells, one call that fails, calls to the own workload. */
#include "peer.h"

#include "bench.pb-c.h"
#include "echo.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const double *sorted, uint64_t count, double part)
{
    return count == 0 ? 0 : sorted[(uint64_t)((double)(count - 1) * part)];
}

static bool fail_report(const actr_error_t *error)
{
    (void)printf("{\"ok\": false, \"status\": \"%s\", \"error\": \"%s\"}\n", actr_status_name(error->status),
                 actr_error_message(error));
    return false;
}

static actr_status_t find(actr_ref_t *self, const load_t *load, actr_dest_t *dest, actr_error_t *error)
{
    actr_id_t id;
    size_t count = 1;
    actr_status_t status = actr_ref_discover(self, &load->target, 0, &id, &count, error);
    if (status == ACTR_OK) *dest = actr_dest_actor(&id);
    return status;
}

static actr_status_t echo(actr_ref_t *self, const actr_dest_t *dest, char *text, char *out, size_t size,
                          actr_error_t *error)
{
    uint8_t data[200];
    actr_buf_t *reply = NULL;
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    request.message = text;
    actr_bytes_t payload = {data, echo__echo_request__pack(&request, data)};
    actr_status_t status =
        actr_ctx_call(actr_ref_ctx(self), dest, "echo.EchoService.Echo", payload, NULL, &reply, error);
    if (status != ACTR_OK) return status;
    Echo__EchoResponse *response = echo__echo_response__unpack(NULL, actr_buf_size(reply), actr_buf_data(reply));
    (void)snprintf(out, size, "%s", response == NULL ? "(does not decode)" : response->reply);
    if (response != NULL) echo__echo_response__free_unpacked(response, NULL);
    actr_buf_release(reply);
    return ACTR_OK;
}

/* ---- a closed loop of calls ---- */

typedef struct loop {
    const load_t *load;
    actr_ctx_t *ctx;
    actr_dest_t dest;
    actr_call_options_t options;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    uint64_t next, done, good;
    double *micros;
    char first_error[200];
} loop_t;

typedef struct call {
    loop_t *loop;
    uint64_t sequence;
    double sent;
} call_t;

static void start(loop_t *loop, call_t *call);

static bool is_right(const loop_t *loop, const call_t *call, const actr_buf_t *reply)
{
    size_t size = loop->load->reply_size != 0 ? loop->load->reply_size : loop->load->size;
    Bench__BlobReply *blob = bench__blob_reply__unpack(NULL, actr_buf_size(reply), actr_buf_data(reply));
    if (blob == NULL) return false;
    bool right = blob->data.len == size;
    for (size_t i = 0; right && i < size; i++) right = blob->data.data[i] == (uint8_t)(i * 31 + call->sequence);
    bench__blob_reply__free_unpacked(blob, NULL);
    return right;
}

static bool take(loop_t *loop, call_t *call)
{
    call->sequence = loop->next;
    if (loop->next == loop->load->count) return false;
    loop->next++;
    return true;
}

/* Counts an ended call and takes the next; false: there is none, and the loop may be gone already. */
static bool count_end(loop_t *loop, call_t *call, bool good, const char *problem)
{
    pthread_mutex_lock(&loop->mutex);
    loop->micros[call->sequence] = (now() - call->sent) * 1e6;
    loop->good += good ? 1 : 0;
    if (!good && loop->first_error[0] == '\0')
        (void)snprintf(loop->first_error, sizeof loop->first_error, "%s", problem);
    if (++loop->done == loop->load->count) pthread_cond_signal(&loop->ended);
    bool more = take(loop, call);
    pthread_mutex_unlock(&loop->mutex);
    return more;
}

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    call_t *call = user;
    loop_t *loop = call->loop;
    bool good = status == ACTR_OK && is_right(loop, call, reply);
    actr_buf_release(reply);
    if (count_end(loop, call, good, status == ACTR_OK ? "a wrong reply" : actr_error_message(error))) start(loop, call);
}

static actr_status_t start_call(const loop_t *loop, call_t *call, actr_error_t *error)
{
    size_t size = loop->load->size;
    uint8_t *data = malloc(2 * size + 64);
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    bench_pattern(data, size, call->sequence);
    Bench__BlobRequest request = BENCH__BLOB_REQUEST__INIT;
    request.data = (ProtobufCBinaryData){size, data};
    request.reply_size = loop->load->reply_size;
    request.sleep_ms = loop->load->sleep_ms;
    request.call_back = loop->load->call_back;
    request.sequence = call->sequence;
    actr_bytes_t payload = {data + size, bench__blob_request__pack(&request, data + size)};
    call->sent = now();
    actr_status_t status =
        actr_ctx_call_async(loop->ctx, &loop->dest, "bench.Bench.Blob", payload, &loop->options, on_reply, call, error);
    free(data);
    return status;
}

static void start(loop_t *loop, call_t *call)
{
    actr_error_t error = ACTR_ERROR_INIT;
    while (start_call(loop, call, &error) != ACTR_OK) {
        if (!count_end(loop, call, false, actr_error_message(&error))) return;
    }
}

static bool run_loop(loop_t *loop, double *seconds)
{
    unsigned outstanding = loop->load->outstanding;
    call_t *calls = calloc(outstanding, sizeof *calls);
    loop->micros = calloc((size_t)loop->load->count, sizeof *loop->micros);
    if (calls == NULL || loop->micros == NULL) return false;
    double begin = now();
    for (unsigned i = 0; i < outstanding; i++) {
        calls[i].loop = loop;
        pthread_mutex_lock(&loop->mutex);
        bool more = take(loop, &calls[i]);
        pthread_mutex_unlock(&loop->mutex);
        if (more) start(loop, &calls[i]);
    }
    pthread_mutex_lock(&loop->mutex);
    while (loop->done < loop->load->count)
        pthread_cond_wait(&loop->ended, &loop->mutex); /* every call has a deadline */
    pthread_mutex_unlock(&loop->mutex);
    *seconds = now() - begin;
    free(calls);
    qsort(loop->micros, (size_t)loop->load->count, sizeof *loop->micros, compare);
    return true;
}

static void init_loop(loop_t *loop, actr_ref_t *self, const load_t *load)
{
    memset(loop, 0, sizeof *loop);
    loop->load = load;
    loop->ctx = actr_ref_ctx(self);
    loop->options.struct_size = sizeof loop->options;
    loop->options.timeout_ms = load->timeout_ms;
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_cond_init(&loop->ended, NULL);
}

bool bench_calls(actr_ref_t *self, const load_t *load)
{
    loop_t loop;
    actr_error_t error = ACTR_ERROR_INIT;
    char reply[200];
    static char hello[] = "hello";
    init_loop(&loop, self, load);
    double begin = now(), seconds = 0;
    if (find(self, load, &loop.dest, &error) != ACTR_OK) return fail_report(&error);
    double found = now() - begin;
    if (echo(self, &loop.dest, hello, reply, sizeof reply, &error) != ACTR_OK) return fail_report(&error);
    double set_up = now() - begin, cpu = cpu_seconds();
    if (!run_loop(&loop, &seconds)) return false;
    cpu = cpu_seconds() - cpu;
    (void)printf(
        "{\"ok\": %s, \"reply\": \"%s\", \"calls\": %llu, \"good\": %llu, \"outstanding\": %u, \"size\": %zu, "
        "\"seconds\": %.3f, \"calls_per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
        "\"discover_ms\": %.2f, \"first_reply_ms\": %.2f, \"cpu_us_per_call\": %.2f, \"rss_mb\": %.2f%s%s%s}\n",
        loop.good == load->count ? "true" : "false", reply, (unsigned long long)load->count,
        (unsigned long long)loop.good, load->outstanding, load->size, seconds, (double)load->count / seconds,
        percentile(loop.micros, load->count, 0.5), percentile(loop.micros, load->count, 0.99), found * 1e3,
        set_up * 1e3, cpu * 1e6 / (double)load->count, resident_mb(),
        loop.first_error[0] != '\0' ? ", \"error\": \"" : "", loop.first_error,
        loop.first_error[0] != '\0' ? "\"" : "");
    free(loop.micros);
    return loop.good == load->count;
}

bool bench_local(actr_ref_t *self, const load_t *load)
{
    loop_t loop;
    double seconds = 0;
    init_loop(&loop, self, load);
    loop.dest = actr_dest_local();
    if (!run_loop(&loop, &seconds)) return false;
    (void)printf("{\"ok\": %s, \"calls\": %llu, \"outstanding\": %u, \"calls_per_second\": %.1f, \"p50_us\": %.2f, "
                 "\"p99_us\": %.2f}\n",
                 loop.good == load->count ? "true" : "false", (unsigned long long)loop.good, load->outstanding,
                 (double)load->count / seconds, percentile(loop.micros, load->count, 0.5),
                 percentile(loop.micros, load->count, 0.99));
    free(loop.micros);
    return loop.good == load->count;
}

/* ---- tells ---- */

static actr_status_t tells_arrived(actr_ref_t *self, const actr_dest_t *dest, uint64_t *out, actr_error_t *error)
{
    actr_buf_t *reply = NULL;
    actr_status_t status =
        actr_ctx_call(actr_ref_ctx(self), dest, "bench.Bench.Stats", (actr_bytes_t){NULL, 0}, NULL, &reply, error);
    if (status != ACTR_OK) return status;
    Bench__StatsReply *stats = bench__stats_reply__unpack(NULL, actr_buf_size(reply), actr_buf_data(reply));
    *out = stats == NULL ? 0 : stats->tells;
    if (stats != NULL) bench__stats_reply__free_unpacked(stats, NULL);
    actr_buf_release(reply);
    return ACTR_OK;
}

static actr_status_t tell(actr_ref_t *self, const actr_dest_t *dest, const load_t *load, uint64_t sequence,
                          actr_error_t *error)
{
    uint8_t *data = malloc(2 * load->size + 64);
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    bench_pattern(data, load->size, sequence);
    Bench__NoteRequest note = BENCH__NOTE_REQUEST__INIT;
    note.data = (ProtobufCBinaryData){load->size, data};
    note.sequence = sequence;
    actr_bytes_t payload = {data + load->size, bench__note_request__pack(&note, data + load->size)};
    actr_status_t status = actr_ctx_tell(actr_ref_ctx(self), dest, "bench.Bench.Note", payload, NULL, error);
    free(data);
    return status;
}

bool bench_tells(actr_ref_t *self, const load_t *load)
{
    actr_dest_t dest;
    actr_error_t error = ACTR_ERROR_INIT;
    uint64_t before = 0, arrived = 0;
    actr_status_t status = find(self, load, &dest, &error);
    if (status == ACTR_OK) status = tells_arrived(self, &dest, &before, &error);
    double begin = now();
    for (uint64_t n = 0; status == ACTR_OK && n < load->count; n++) status = tell(self, &dest, load, n, &error);
    for (int tries = 0; status == ACTR_OK && arrived < load->count && tries < 200; tries++) {
        struct timespec pause = {0, 50000000};
        if (tries > 0) (void)nanosleep(&pause, NULL);
        status = tells_arrived(self, &dest, &arrived, &error);
        arrived -= before;
    }
    if (status != ACTR_OK) return fail_report(&error);
    (void)printf("{\"ok\": %s, \"tells\": %llu, \"arrived\": %llu, \"seconds\": %.3f}\n",
                 arrived == load->count ? "true" : "false", (unsigned long long)load->count,
                 (unsigned long long)arrived, now() - begin);
    return arrived == load->count;
}

/* ---- one call that fails ---- */

bool bench_failure(actr_ref_t *self, const load_t *load)
{
    actr_dest_t dest;
    actr_error_t error = ACTR_ERROR_INIT, outcome = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    char alive[200];
    static char still_there[] = "still there";
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = load->timeout_ms;
    if (find(self, load, &dest, &error) != ACTR_OK) return fail_report(&error);
    double begin = now();
    actr_status_t status =
        actr_ctx_call(actr_ref_ctx(self), &dest, load->route, (actr_bytes_t){NULL, 0}, &options, &reply, &outcome);
    double seconds = now() - begin;
    actr_buf_release(reply);
    if (echo(self, &dest, still_there, alive, sizeof alive, &error) != ACTR_OK) return fail_report(&error);
    (void)printf("{\"ok\": %s, \"status\": \"%s\", \"error\": \"%s\", \"seconds\": %.3f, \"alive\": \"%s\"}\n",
                 status != ACTR_OK ? "true" : "false", actr_status_name(status), actr_error_message(&outcome), seconds,
                 alive);
    return status != ACTR_OK;
}
