/* SPDX-License-Identifier: Apache-2.0 */
/* Takers of data streams for the integration tests: what they have seen, and a gate that makes them wait. */
#ifndef ACTR_TESTS_TAKERS_H
#define ACTR_TESTS_TAKERS_H

#include "fixture.h"

#include <unistd.h>

/* What the callback of a stream has seen. */
typedef struct taker {
    actri_mutex_t mutex;
    actri_cond_t changed;
    uint64_t taken, out_of_order, ends, bytes, wrong;
    uint64_t next;  /* the sequence that is expected */
    unsigned lanes; /* bits of those on which chunks came */
    bool any_order;
    actr_status_t end_status;
    bool gate_closed; /* the callback waits */
    unsigned inside;
    const void *data; /* of the last payload */
    char sender[ACTR_ID_TEXT_SIZE], text[64], meta[64], id[64];
    int64_t timestamp_ms;
} taker_t;

static inline void taker_init(taker_t *t)
{
    memset(t, 0, sizeof *t);
    actri_mutex_init(&t->mutex);
    actri_cond_init(&t->changed);
}

static inline void note(taker_t *t, const actr_chunk_t *chunk)
{
    t->out_of_order += !t->any_order && chunk->sequence != t->next;
    t->next = chunk->sequence + 1;
    t->taken++;
    t->lanes |= 1u << chunk->payload_type;
    t->bytes += chunk->payload.size;
    t->data = chunk->payload.data;
    t->timestamp_ms = chunk->has_timestamp ? chunk->timestamp_ms : -1;
    (void)snprintf(t->id, sizeof t->id, "%s", chunk->stream_id);
    (void)snprintf(t->text, sizeof t->text, "%.*s", (int)(chunk->payload.size < 60 ? chunk->payload.size : 60),
                   (const char *)chunk->payload.data);
    t->meta[0] = '\0';
    for (size_t i = 0; i < chunk->metadata_count; i++) {
        size_t used = strlen(t->meta);
        (void)snprintf(t->meta + used, sizeof t->meta - used, "%s=%s;", chunk->metadata[i].key,
                       chunk->metadata[i].value);
    }
    if (chunk->sender == NULL)
        (void)snprintf(t->sender, sizeof t->sender, "shell");
    else
        (void)actr_id_print(chunk->sender, t->sender);
}

static inline void take(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    taker_t *t = user;
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&t->mutex);
    t->inside++;
    t->wrong += t->inside != 1;
    bool in_time = true;
    actri_cond_broadcast(&t->changed);
    while (t->gate_closed && in_time) in_time = actri_cond_wait(&t->changed, &t->mutex, deadline);
    if (chunk->kind == ACTR_CHUNK_END) {
        t->ends++;
        t->end_status = chunk->status;
        t->next = 0;
    } else {
        note(t, chunk);
    }
    t->inside--;
    actri_cond_broadcast(&t->changed);
    actri_unlock(&t->mutex);
}

static inline void taker_wait(taker_t *t, const uint64_t *counter, uint64_t least)
{
    int64_t deadline = actri_now_ns() + 2 * FIXTURE_LIMIT_NS;
    actri_lock(&t->mutex);
    while (*counter < least) {
        if (!actri_cond_wait(&t->changed, &t->mutex, deadline)) {
            fail_msg("waited for %llu, have %llu", (unsigned long long)least, (unsigned long long)*counter);
        }
    }
    actri_unlock(&t->mutex);
}

static inline void taker_gate(taker_t *t, bool closed)
{
    actri_lock(&t->mutex);
    t->gate_closed = closed;
    actri_cond_broadcast(&t->changed);
    actri_unlock(&t->mutex);
}

static inline void listen_on(fixture_node_t *n, const char *id, taker_t *t, const actr_stream_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_ctx_register_stream(actr_ref_ctx(n->ref), id, take, t, options, &error), &error);
}

static inline actr_chunk_t chunk_of(const char *id, uint64_t sequence, const void *data, size_t size)
{
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    chunk.stream_id = id;
    chunk.sequence = sequence;
    chunk.payload = (actr_bytes_t){data, size};
    return chunk;
}

static inline void send_one(fixture_node_t *n, const actr_dest_t *dest, const actr_chunk_t *chunk)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_ctx_send_chunk(actr_ref_ctx(n->ref), dest, chunk, NULL, &error), &error);
}

static inline actr_stream_stats_t stats_of(fixture_node_t *n)
{
    actr_stream_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stream_stats(n->ref, &stats);
    return stats;
}

/* Waits until a counter of the node has come to `least`. */
#define WAIT_STAT(node, field, least)                                                                                  \
    do {                                                                                                               \
        int64_t until = actri_now_ns() + FIXTURE_LIMIT_NS;                                                             \
        while (stats_of(node).field < (least)) {                                                                       \
            if (actri_now_ns() > until) fail_msg("%s is %llu", #field, (unsigned long long)stats_of(node).field);      \
            (void)usleep(1000);                                                                                        \
        }                                                                                                              \
    } while (0)

#endif
