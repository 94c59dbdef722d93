/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of chunks: what a bench peer counts of them, and the client that sends one. */
#include "peer.h"

#include "bench.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 2000000
#define POLLS 15000

/* Callbacks of two streams may run at once, and handlers read meanwhile. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bench_chunks_t counters;
static uint64_t next_sequence;

bench_chunks_t bench_chunks(void)
{
    pthread_mutex_lock(&mutex);
    bench_chunks_t copy = counters;
    pthread_mutex_unlock(&mutex);
    return copy;
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)user;
    if (chunk->kind == ACTR_CHUNK_END) return;
    pthread_mutex_lock(&mutex);
    counters.chunks++;
    counters.bytes += chunk->payload.size;
    counters.out_of_order += chunk->sequence != next_sequence;
    next_sequence = chunk->sequence + 1;
    pthread_mutex_unlock(&mutex);
}

actr_status_t bench_open(actr_ctx_t *ctx, const actr_request_t *request)
{
    actr_error_t error = ACTR_ERROR_INIT;
    Bench__OpenRequest *in = bench__open_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not an OpenRequest");
    pthread_mutex_lock(&mutex);
    memset(&counters, 0, sizeof counters);
    next_sequence = 0;
    pthread_mutex_unlock(&mutex);
    actr_status_t status = ACTR_STATUS_NOT_SUPPORTED; /* media comes with the wire */
    if (!in->media) status = actr_ctx_register_stream(ctx, in->stream_id, on_chunk, NULL, NULL, &error);
    bench__open_request__free_unpacked(in, NULL);
    return status == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, status, "%s", actr_error_message(&error));
}

/* ---- the client ---- */

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static actr_status_t ask(actr_ref_t *self, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                         bench_chunks_t *out, actr_error_t *error)
{
    actr_buf_t *reply = NULL;
    actr_status_t status = actr_ctx_call(actr_ref_ctx(self), dest, route, payload, NULL, &reply, error);
    if (status != ACTR_OK) return status;
    Bench__StatsReply *stats = bench__stats_reply__unpack(NULL, actr_buf_size(reply), actr_buf_data(reply));
    memset(out, 0, sizeof *out);
    if (stats != NULL) *out = (bench_chunks_t){stats->chunks, stats->bytes, stats->out_of_order};
    if (stats != NULL) bench__stats_reply__free_unpacked(stats, NULL);
    actr_buf_release(reply);
    return ACTR_OK;
}

static actr_status_t open_stream(actr_ref_t *self, const actr_dest_t *dest, char *id, actr_error_t *error)
{
    uint8_t data[200];
    bench_chunks_t ignored;
    Bench__OpenRequest request = BENCH__OPEN_REQUEST__INIT;
    request.stream_id = id;
    actr_bytes_t payload = {data, bench__open_request__pack(&request, data)};
    return ask(self, dest, "bench.Bench.Open", payload, &ignored, error);
}

static actr_status_t send_chunks(actr_ref_t *self, const actr_dest_t *dest, const char *id, const load_t *load,
                                 actr_error_t *error)
{
    uint8_t *data = malloc(load->size);
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    bench_pattern(data, load->size, 0);
    actr_status_t status = ACTR_OK;
    for (uint64_t n = 0; status == ACTR_OK && n < load->count; n++) {
        actr_chunk_t chunk = ACTR_CHUNK_INIT;
        chunk.stream_id = id;
        chunk.sequence = n;
        chunk.payload = (actr_bytes_t){data, load->size};
        chunk.has_timestamp = true;
        chunk.timestamp_ms = (int64_t)n;
        status = actr_ctx_send_chunk(actr_ref_ctx(self), dest, &chunk, NULL, error);
    }
    free(data);
    return status;
}

static actr_status_t wait_arrived(actr_ref_t *self, const actr_dest_t *dest, uint64_t count, bench_chunks_t *out,
                                  actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (int tries = 0; status == ACTR_OK && tries < POLLS; tries++) {
        struct timespec pause = {0, POLL_NS};
        if (tries > 0) (void)nanosleep(&pause, NULL);
        status = ask(self, dest, "bench.Bench.Stats", (actr_bytes_t){NULL, 0}, out, error);
        if (out->chunks >= count) break;
    }
    return status;
}

bool bench_stream(actr_ref_t *self, const load_t *load)
{
    char id[40];
    actr_id_t found;
    size_t count = 1;
    actr_error_t error = ACTR_ERROR_INIT;
    bench_chunks_t arrived = {0};
    (void)snprintf(id, sizeof id, "stream-%d", (int)getpid());
    actr_status_t status = actr_ref_discover(self, &load->target, 0, &found, &count, &error);
    actr_dest_t dest = actr_dest_actor(&found);
    if (status == ACTR_OK) status = open_stream(self, &dest, id, &error);
    double begin = now();
    if (status == ACTR_OK) status = send_chunks(self, &dest, id, load, &error);
    if (status == ACTR_OK) status = wait_arrived(self, &dest, load->count, &arrived, &error);
    double seconds = now() - begin;
    bool ok = status == ACTR_OK && arrived.chunks == load->count && arrived.bytes == load->count * load->size;
    (void)printf("{\"ok\": %s, \"chunks\": %llu, \"arrived\": %llu, \"bytes\": %llu, \"out_of_order\": %llu, "
                 "\"size\": %zu, \"seconds\": %.3f, \"mb_per_second\": %.1f, \"error\": \"%s\"}\n",
                 ok ? "true" : "false", (unsigned long long)load->count, (unsigned long long)arrived.chunks,
                 (unsigned long long)arrived.bytes, (unsigned long long)arrived.out_of_order, load->size, seconds,
                 (double)arrived.bytes / seconds / 1e6, status == ACTR_OK ? "" : actr_error_message(&error));
    return ok;
}
