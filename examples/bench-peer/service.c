/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench peer answers. Handlers run one at a time, so the counters need no lock. */
#include "peer.h"

#include "bench.pb-c.h"
#include "echo.pb-c.h"

#include <string.h>
#include <time.h>

static struct {
    uint64_t calls, tells;
} counters;

void bench_pattern(uint8_t *data, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i * 31 + seed);
}

static actr_status_t answer(actr_ctx_t *ctx, const ProtobufCMessage *message, actr_bytes_t *reply)
{
    uint8_t *data = actr_ctx_alloc(ctx, protobuf_c_message_get_packed_size(message));
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    *reply = (actr_bytes_t){data, protobuf_c_message_pack(message, data)};
    return ACTR_OK;
}

static actr_status_t on_echo(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    Echo__EchoRequest *in = echo__echo_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not an EchoRequest");
    Echo__EchoResponse out = ECHO__ECHO_RESPONSE__INIT;
    char *text = actr_ctx_printf(ctx, "Echo: %s", in->message);
    echo__echo_request__free_unpacked(in, NULL);
    if (text != NULL) out.reply = text;
    out.timestamp = (uint64_t)time(NULL);
    return answer(ctx, &out.base, reply);
}

static actr_status_t call_back(actr_ctx_t *ctx, uint64_t sequence)
{
    const actr_id_t *caller = actr_ctx_caller_id(ctx);
    if (caller == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_TARGET_NOT_FOUND, "the caller is not known");
    actr_dest_t dest = actr_dest_actor(caller);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    uint8_t data[64];
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    request.message = actr_ctx_printf(ctx, "back %llu", (unsigned long long)sequence);
    if (request.message == NULL) return ACTR_STATUS_NO_MEMORY;
    actr_bytes_t payload = {data, echo__echo_request__pack(&request, data)};
    actr_status_t status = actr_ctx_call(ctx, &dest, "echo.EchoService.Echo", payload, NULL, &reply, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "calling back: %s", actr_error_message(&error));
    actr_buf_release(reply);
    return ACTR_OK;
}

static actr_status_t on_blob(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    Bench__BlobRequest *in = bench__blob_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not a BlobRequest");
    counters.calls++;
    struct timespec pause = {(time_t)(in->sleep_ms / 1000), (long)(in->sleep_ms % 1000) * 1000000};
    if (in->sleep_ms > 0) (void)nanosleep(&pause, NULL);
    actr_status_t status = in->call_back ? call_back(ctx, in->sequence) : ACTR_OK;
    Bench__BlobReply out = BENCH__BLOB_REPLY__INIT;
    out.data = in->data;
    if (in->reply_size > 0) {
        out.data.len = in->reply_size;
        out.data.data = actr_ctx_alloc(ctx, in->reply_size);
        if (out.data.data != NULL)
            bench_pattern(out.data.data, in->reply_size, in->sequence);
        else
            status = ACTR_STATUS_NO_MEMORY;
    }
    if (status == ACTR_OK) status = answer(ctx, &out.base, reply);
    bench__blob_request__free_unpacked(in, NULL);
    return status;
}

static actr_status_t on_note(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    Bench__NoteRequest *in = bench__note_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not a NoteRequest");
    bench__note_request__free_unpacked(in, NULL);
    counters.tells++;
    Bench__BlobReply out = BENCH__BLOB_REPLY__INIT;
    return answer(ctx, &out.base, reply);
}

static actr_status_t on_stats(actr_ctx_t *ctx, actr_bytes_t *reply)
{
    Bench__StatsReply out = BENCH__STATS_REPLY__INIT;
    out.calls = counters.calls;
    out.tells = counters.tells;
    bench_chunks_t chunks = bench_chunks();
    out.chunks = chunks.chunks;
    out.bytes = chunks.bytes;
    out.out_of_order = chunks.out_of_order;
    return answer(ctx, &out.base, reply);
}

actr_status_t bench_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)user;
    const char *route = request->route;
    if (strcmp(route, "bench.Bench.Blob") == 0) return on_blob(ctx, request, reply);
    if (strcmp(route, "bench.Bench.Note") == 0) return on_note(ctx, request, reply);
    if (strcmp(route, "echo.EchoService.Echo") == 0) return on_echo(ctx, request, reply);
    if (strcmp(route, "bench.Bench.Stats") == 0) return on_stats(ctx, reply);
    if (strcmp(route, "bench.Bench.Open") == 0) {
        actr_status_t status = bench_open(ctx, request);
        return status == ACTR_OK ? on_stats(ctx, reply) : status;
    }
    if (strcmp(route, "bench.Bench.Fail") == 0) return actr_ctx_fail(ctx, ACTR_STATUS_PERMISSION_DENIED, "as asked");
    if (strcmp(route, "bench.Bench.Panic") == 0) return actr_ctx_panic(ctx, "as asked");
    return ACTR_STATUS_UNKNOWN_ROUTE;
}
