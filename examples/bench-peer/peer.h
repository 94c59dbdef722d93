/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of bench-peer: what it answers (service.c), what it does as a client (client.c), streams (stream.c). */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <actr/actr.h>

typedef struct load {
    actr_type_t target;
    uint64_t count;
    unsigned outstanding;
    size_t size;
    uint32_t reply_size, sleep_ms, timeout_ms;
    bool call_back;
    const char *route;
} load_t;

/* The workload: echo.EchoService.Echo and bench.Bench.*. */
actr_status_t bench_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user);

/* Each prints one JSON object on standard output; true when all of its checks held. */
bool bench_calls(actr_ref_t *self, const load_t *load);
bool bench_tells(actr_ref_t *self, const load_t *load);
bool bench_failure(actr_ref_t *self, const load_t *load);
bool bench_local(actr_ref_t *self, const load_t *load);

bool bench_stream(actr_ref_t *self, const load_t *load);

/* What has arrived of the stream that was opened last; stream.c. */
typedef struct bench_chunks {
    uint64_t chunks, bytes, out_of_order;
} bench_chunks_t;
bench_chunks_t bench_chunks(void);
/* bench.Bench.Open: begins to count a stream. */
actr_status_t bench_open(actr_ctx_t *ctx, const actr_request_t *request);

/* What both sides put into a message of this size. */
void bench_pattern(uint8_t *data, size_t size, uint64_t seed);

#endif
