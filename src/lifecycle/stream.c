/* SPDX-License-Identifier: Apache-2.0 */
/* Data streams for the program: registering, sending, what the callback sees. [any-thread] */
#include "lifecycle/stream.h"

#include "lifecycle/supervise.h"
#include "port/clock.h"
#include "proto/datastream.h"

#define QUEUE_CHUNKS 1024
#define QUEUE_BYTES (4u << 20)
#define SEND_MS 15000

/* ---- what the callback sees ---- */

/* What is shown of a chunk of a peer, as texts with a final zero. */
typedef struct shown {
    actri_datastream_t chunk;
    actr_metadata_t metadata[ACTRI_METADATA_MAX];
    char id[ACTR_STREAM_ID_MAX + 1];
} shown_t;

static bool show_metadata(shown_t *shown, actri_arena_t *arena)
{
    for (size_t i = 0; i < shown->chunk.metadata_count; i++) {
        const actri_meta_t *meta = &shown->chunk.metadata[i];
        shown->metadata[i].key = actri_arena_strndup(arena, (const char *)meta->key.data, meta->key.size);
        shown->metadata[i].value = actri_arena_strndup(arena, (const char *)meta->value.data, meta->value.size);
    }
    return !arena->failed;
}

/* The message decoded when it came in, so it does now. */
static bool show(const actri_stream_item_t *item, shown_t *shown, actr_chunk_t *out, actri_arena_t *arena)
{
    if (actri_datastream_decode(actr_buf_data(item->buf), actr_buf_size(item->buf), &shown->chunk, NULL) != ACTR_OK) {
        return false;
    }
    const actri_datastream_t *chunk = &shown->chunk;
    if (!show_metadata(shown, arena)) return false;
    memcpy(shown->id, chunk->stream_id.data, chunk->stream_id.size);
    shown->id[chunk->stream_id.size] = '\0';
    out->stream_id = shown->id;
    out->sequence = chunk->sequence;
    out->payload = (actr_bytes_t){chunk->payload.data, chunk->payload.size};
    out->metadata = shown->metadata;
    out->metadata_count = chunk->metadata_count;
    out->has_timestamp = chunk->has_timestamp;
    out->timestamp_ms = chunk->timestamp_ms;
    return true;
}

static void show_own(const actri_stream_spec_t *spec, const actri_stream_item_t *item, actr_chunk_t *out)
{
    out->stream_id = item->more != NULL ? item->more->name : spec->id;
    out->sequence = item->number;
    out->payload = (actr_bytes_t){actr_buf_data(item->buf), actr_buf_size(item->buf)};
    out->metadata = item->more != NULL ? item->more->metadata : NULL;
    out->metadata_count = item->more != NULL ? item->more->count : 0;
    out->has_timestamp = item->has_timestamp;
    out->timestamp_ms = item->timestamp_ms;
}

static bool fill(actr_node_t *node, const actri_stream_spec_t *spec, const actri_stream_item_t *item, shown_t *shown,
                 actr_chunk_t *out, actri_arena_t *arena)
{
    out->payload_type = item->lane;
    out->buffer = item->buf;
    out->sender = item->sender != NULL ? &item->sender->session.peer : item->from_shell ? NULL : actri_node_id(node);
    if (item->buf == NULL) {
        out->kind = ACTR_CHUNK_END;
        out->stream_id = spec->id == NULL ? "" : spec->id;
        out->status = item->status;
        return true;
    }
    if (item->sender != NULL) return show(item, shown, out, arena);
    show_own(spec, item, out);
    return true;
}

static bool deliver(const actri_stream_t *stream, const actri_stream_item_t *item)
{
    const actri_stream_spec_t *spec = actri_stream_spec(stream);
    actr_node_t *node = spec->owner;
    actri_arena_t arena;
    actr_ctx_t ctx;
    shown_t shown;
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actri_arena_init(&arena, &node->system->env);
    bool good = fill(node, spec, item, &shown, &chunk, &arena);
    if (good) {
        actri_ctx_init(&ctx, node, NULL, "stream", &arena, ACTRI_NEVER);
        ctx.is_shell = spec->space == ACTRI_SPACE_SHELL;
        const actr_node_t *outer = actri_node_inside(node);
        ((actr_stream_fn)spec->fn)(&ctx, &chunk, spec->user);
        (void)actri_node_inside(outer);
        actri_node_supervise_stream(node, &ctx);
    } else {
        actri_error(&node->system->env, "stream", "out of memory: a chunk is not delivered");
    }
    actri_arena_clear(&arena);
    return good;
}

/* ---- registering ---- */

actr_status_t actri_ctx_check_id(const char *id, actr_error_t *error)
{
    size_t size = id == NULL ? 0 : strnlen(id, ACTR_STREAM_ID_MAX + 1);
    if (size < 1 || size > ACTR_STREAM_ID_MAX) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the id is empty, or longer than %d bytes",
                          ACTR_STREAM_ID_MAX);
    }
    if (strcmp(id, ACTRI_CREDIT_ID) == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the id " ACTRI_CREDIT_ID " is the library's own");
    }
    if (actri_utf8_valid(actri_span(id, size))) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the id is not UTF-8");
}

actr_status_t actri_ctx_register(actr_ctx_t *ctx, actri_stream_spec_t *spec, const actr_stream_options_t *options,
                                 actr_error_t *error)
{
    actr_stream_options_t o = ACTR_STREAM_OPTIONS_INIT;
    if (ctx == NULL || spec->fn == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or fn is NULL");
    actr_status_t status = spec->id == NULL ? ACTR_OK : actri_ctx_check_id(spec->id, error);
    if (status != ACTR_OK) return status;
    if (options != NULL) {
        memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
    }
    spec->owner = ctx->node;
    spec->max_items = o.queue_chunks != 0 ? o.queue_chunks : QUEUE_CHUNKS;
    spec->max_bytes = o.queue_bytes != 0 ? o.queue_bytes : QUEUE_BYTES;
    spec->drop_newest = o.overflow == ACTR_STREAM_DROP_NEWEST;
    spec->free_user = o.free_user;
    status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    status = actri_node_stream_pool(ctx->node, &spec->pool, error);
    const actr_node_t *outer = actri_node_inside(ctx->node); /* others' memory may be freed by the way */
    if (status == ACTR_OK) status = actri_streams_register(ctx->node->streams, spec, error);
    (void)actri_node_inside(outer);
    actri_node_leave(ctx->node);
    return status;
}

actr_status_t actri_ctx_unregister(actr_ctx_t *ctx, actri_stream_space_t space, const char *id, actr_error_t *error)
{
    if (ctx == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx is NULL");
    actr_status_t status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    const actr_node_t *outer = actri_node_inside(ctx->node);
    status = actri_streams_unregister(ctx->node->streams, space, id, error);
    (void)actri_node_inside(outer);
    actri_node_leave(ctx->node);
    return status;
}

static actri_stream_space_t space_of(const actr_ctx_t *ctx)
{
    return ctx != NULL && ctx->is_shell ? ACTRI_SPACE_SHELL : ACTRI_SPACE_WORKLOAD;
}

actr_status_t actr_ctx_register_stream(actr_ctx_t *ctx, const char *stream_id, actr_stream_fn fn, void *user,
                                       const actr_stream_options_t *options, actr_error_t *error)
{
    actri_stream_spec_t spec = {
        .space = space_of(ctx), .id = stream_id, .deliver = deliver, .fn = (void (*)(void))fn, .user = user};
    return actri_ctx_register(ctx, &spec, options, error);
}

actr_status_t actr_ctx_unregister_stream(actr_ctx_t *ctx, const char *stream_id, actr_error_t *error)
{
    return actri_ctx_unregister(ctx, space_of(ctx), stream_id, error);
}

/* ---- sending ---- */

typedef struct plan {
    actr_ctx_t *ctx;
    const actr_dest_t *dest;
    actr_chunk_t chunk;
    actr_send_options_t options;
    int64_t deadline_ns;
    actri_sent_t sent;
} plan_t;

static actr_status_t check_chunk(const actr_chunk_t *chunk, actr_error_t *error)
{
    actr_status_t status = actri_ctx_check_id(chunk->stream_id, error);
    if (status != ACTR_OK) return status;
    if (chunk->payload_type != ACTR_STREAM_RELIABLE && chunk->payload_type != ACTR_STREAM_LATENCY_FIRST) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "payload type %d carries no chunks",
                          (int)chunk->payload_type);
    }
    if (chunk->buffer == NULL && chunk->payload.size > 0 && chunk->payload.data == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the payload is NULL");
    }
    if (chunk->metadata_count >= ACTRI_METADATA_MAX) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d metadata entries are the limit",
                          ACTRI_METADATA_MAX - 1);
    }
    const char *fault = actri_meta_fault(chunk->metadata, chunk->metadata_count);
    return fault == NULL ? ACTR_OK : actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s", fault);
}

/* After ACTR_OK the caller is inside the node and must leave it. */
static actr_status_t make_plan(plan_t *plan, actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                               const actr_send_options_t *options, actr_error_t *error)
{
    if (ctx == NULL || dest == NULL || chunk == NULL || chunk->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, dest, chunk or its struct_size is missing");
    }
    memset(plan, 0, sizeof *plan);
    plan->ctx = ctx;
    plan->dest = dest;
    memcpy(&plan->chunk, chunk, chunk->struct_size < sizeof plan->chunk ? chunk->struct_size : sizeof plan->chunk);
    if (options != NULL) {
        size_t size = options->struct_size < sizeof plan->options ? options->struct_size : sizeof plan->options;
        memcpy(&plan->options, options, size);
    }
    actr_status_t status = check_chunk(&plan->chunk, error);
    if (status == ACTR_OK) status = actri_dest_check(dest, error);
    if (status != ACTR_OK) return status;
    plan->deadline_ns = actri_ctx_deadline(ctx, plan->options.timeout_ms != 0 ? plan->options.timeout_ms : SEND_MS);
    return actri_node_enter(ctx->node, error);
}

static actr_buf_t *encode(const plan_t *plan)
{
    actri_datastream_t chunk;
    const actr_chunk_t *c = &plan->chunk;
    chunk.stream_id = actri_span_text(c->stream_id);
    chunk.sequence = c->sequence;
    chunk.payload = c->buffer != NULL ? actri_span(actr_buf_data(c->buffer), actr_buf_size(c->buffer))
                                      : actri_span(c->payload.data, c->payload.size);
    chunk.has_timestamp = c->has_timestamp;
    chunk.timestamp_ms = c->timestamp_ms;
    chunk.metadata_count = c->metadata_count;
    for (size_t i = 0; i < c->metadata_count; i++) {
        chunk.metadata[i].key = actri_span_text(c->metadata[i].key);
        chunk.metadata[i].value = actri_span_text(c->metadata[i].value);
    }
    actr_buf_t *message = actri_buf_new(&plan->ctx->node->system->env, actri_datastream_size(&chunk));
    if (message != NULL) actri_datastream_encode(&chunk, message->data);
    return message;
}

/* Of a streaming call: what it says between messages. */
static bool is_word(const actr_chunk_t *chunk)
{
    return chunk->metadata_count > 0 && strcmp(chunk->metadata[0].key, ACTRI_STREAM_KEY) == 0;
}

static actr_status_t send_to_peer(const plan_t *plan, actr_error_t *error)
{
    actr_buf_t *message = encode(plan);
    if (message == NULL) return actri_no_memory(error);
    actr_status_t status;
    if (actr_buf_size(message) > ACTRI_RTC_MESSAGE_MAX) {
        status = actri_fail(error, ACTR_STATUS_TOO_LARGE, "the chunk takes %zu bytes, %d are the limit",
                            actr_buf_size(message), ACTRI_RTC_MESSAGE_MAX);
    } else {
        actri_stream_send_t send = {.to = &plan->dest->id,
                                    .lane = plan->chunk.payload_type,
                                    .stream_id = plan->chunk.stream_id,
                                    .deadline_ns = plan->deadline_ns,
                                    .wait = !plan->options.no_wait,
                                    .beyond = is_word(&plan->chunk),
                                    .sent = plan->sent};
        status = actri_stream_gate_send(plan->ctx->node->stream_gate, &send, message, error);
    }
    actr_buf_release(message);
    return status;
}

actr_buf_t *actri_ctx_payload(const actr_ctx_t *ctx, actr_buf_t *buffer, actr_bytes_t bytes)
{
    if (buffer != NULL) return actr_buf_retain(buffer);
    return actri_buf_copy(&ctx->node->system->env, bytes.data, bytes.size);
}

/* Says what became of a chunk that went to this process: it is queued. */
typedef struct told {
    actri_task_t task;
    const actri_env_t *env;
    actri_sent_t sent;
} told_t;

static void run_told(actri_task_t *task)
{
    told_t *told = ACTRI_CONTAINER(task, told_t, task);
    told->sent.fn(ACTR_OK, NULL, told->sent.user);
    actri_free(told->env, told);
}

static actr_status_t push(const plan_t *plan, bool to_shell, actr_error_t *error)
{
    const actr_chunk_t *chunk = &plan->chunk;
    const actri_env_t *env = &plan->ctx->node->system->env;
    actri_stream_item_t item = {
        .buf = actri_ctx_payload(plan->ctx, chunk->buffer, chunk->payload),
        .more = actri_stream_texts_new(env, chunk->stream_id, chunk->metadata, chunk->metadata_count),
        .number = chunk->sequence,
        .timestamp_ms = chunk->timestamp_ms,
        .has_timestamp = chunk->has_timestamp,
        .from_shell = plan->ctx->is_shell,
        .lane = chunk->payload_type};
    actr_status_t status = item.buf == NULL || item.more == NULL ? actri_no_memory(error) : ACTR_OK;
    actri_stream_space_t first = to_shell ? ACTRI_SPACE_SHELL : ACTRI_SPACE_WORKLOAD;
    actri_stream_space_t second = to_shell ? ACTRI_SPACE_WORKLOAD : ACTRI_SPACE_SHELL;
    if (status == ACTR_OK) {
        status = actri_streams_push(plan->ctx->node->streams, first, second, chunk->stream_id, &item,
                                    chunk->payload_type == ACTR_STREAM_LATENCY_FIRST,
                                    plan->options.no_wait ? 0 : plan->deadline_ns, error);
    }
    if (status != ACTR_OK) actri_stream_item_release(env, &item);
    return status;
}

static actr_status_t send_within(const plan_t *plan, bool to_shell, actr_error_t *error)
{
    told_t *told = NULL;
    const actri_env_t *env = &plan->ctx->node->system->env;
    if (plan->sent.fn != NULL) {
        told = actri_alloc(env, sizeof *told);
        if (told == NULL) return actri_no_memory(error);
        *told = (told_t){.task = {.run = run_told}, .env = env, .sent = plan->sent};
    }
    actr_status_t status = push(plan, to_shell, error);
    if (status == ACTR_OK && told != NULL)
        actri_serial_post(plan->sent.serial, &told->task, false);
    else
        actri_free(env, told);
    return status;
}

static actr_status_t send(const plan_t *plan, actr_error_t *error)
{
    const actr_dest_t *dest = plan->dest;
    bool remote = dest->kind == ACTR_DEST_ACTOR && !actr_id_equal(&dest->id, actri_node_id(plan->ctx->node));
    return remote ? send_to_peer(plan, error) : send_within(plan, dest->kind == ACTR_DEST_SHELL, error);
}

actr_status_t actr_ctx_send_chunk(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                  const actr_send_options_t *options, actr_error_t *error)
{
    plan_t plan;
    actr_status_t status = make_plan(&plan, ctx, dest, chunk, options, error);
    if (status != ACTR_OK) return status;
    status = send(&plan, error);
    actri_node_leave(ctx->node);
    return status;
}

/* Where on_sent is told: where the callbacks of streams are. */
static actr_status_t sent_serial(actr_node_t *node, actri_serial_t **out, actr_error_t *error)
{
    actri_pool_t *pool = NULL;
    *out = __atomic_load_n(&node->sent_serial, __ATOMIC_ACQUIRE);
    if (*out != NULL) return ACTR_OK;
    actr_status_t status = actri_node_stream_pool(node, &pool, error);
    if (status != ACTR_OK) return status;
    actri_lock(&node->mutex);
    if (node->sent_serial == NULL) {
        status = actri_serial_new(pool, out, error);
        if (status == ACTR_OK) actri_serial_set_owner(*out, node);
        if (status == ACTR_OK) __atomic_store_n(&node->sent_serial, *out, __ATOMIC_RELEASE);
    }
    *out = node->sent_serial;
    actri_unlock(&node->mutex);
    return status;
}

actr_status_t actr_ctx_send_chunk_async(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                        const actr_send_options_t *options, actr_sent_fn on_sent, void *user,
                                        actr_error_t *error)
{
    plan_t plan;
    actr_status_t status = make_plan(&plan, ctx, dest, chunk, options, error);
    if (status != ACTR_OK) return status;
    plan.options.no_wait = true;
    plan.sent = (actri_sent_t){.fn = on_sent, .user = user};
    if (on_sent != NULL) status = sent_serial(ctx->node, &plan.sent.serial, error);
    if (status == ACTR_OK) status = send(&plan, error);
    actri_node_leave(ctx->node);
    return status;
}

actr_status_t actr_ctx_flush_stream(actr_ctx_t *ctx, const actr_dest_t *dest, const char *stream_id,
                                    uint32_t timeout_ms, actr_error_t *error)
{
    if (ctx == NULL || dest == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or dest is NULL");
    actr_status_t status = actri_ctx_check_id(stream_id, error);
    if (status == ACTR_OK) status = actri_dest_check(dest, error);
    if (status == ACTR_OK) status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    int64_t deadline = actri_ctx_deadline(ctx, timeout_ms != 0 ? timeout_ms : SEND_MS);
    if (dest->kind == ACTR_DEST_ACTOR) {
        status = actri_stream_gate_flush(ctx->node->stream_gate, &dest->id, stream_id, deadline, error);
    }
    actri_node_leave(ctx->node);
    return status;
}

/* ---- counters ---- */

void actr_ref_stream_stats(actr_ref_t *ref, actr_stream_stats_t *out)
{
    actr_stream_stats_t stats = {.struct_size = out->struct_size};
    actr_node_t *node = ref == NULL ? NULL : ref->node;
    if (node != NULL && actri_node_enter(node, NULL) == ACTR_OK) {
        const actri_stream_counters_t *c = actri_streams_counters(node->streams);
        actri_stream_gate_counters_t gate;
        actri_stream_gate_counts(node->stream_gate, &gate);
        stats.streams = __atomic_load_n(&c->streams, __ATOMIC_RELAXED);
        stats.queued = __atomic_load_n(&c->queued, __ATOMIC_RELAXED);
        stats.chunks_received = __atomic_load_n(&c->received, __ATOMIC_RELAXED);
        stats.bytes_received = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
        stats.delivered = __atomic_load_n(&c->delivered, __ATOMIC_RELAXED);
        stats.dropped = __atomic_load_n(&c->dropped, __ATOMIC_RELAXED);
        stats.unknown = __atomic_load_n(&c->unknown, __ATOMIC_RELAXED);
        stats.undecodable = __atomic_load_n(&c->undecodable, __ATOMIC_RELAXED);
        stats.refused = __atomic_load_n(&c->refused, __ATOMIC_RELAXED);
        stats.pauses = __atomic_load_n(&c->pauses, __ATOMIC_RELAXED);
        stats.failures = __atomic_load_n(&c->failures, __ATOMIC_RELAXED);
        stats.sent = gate.sent;
        stats.unsent = gate.unsent;
        stats.full = gate.full + __atomic_load_n(&c->full, __ATOMIC_RELAXED);
        stats.held = gate.held;
        actri_node_leave(node);
    }
    memcpy(out, &stats, out->struct_size < sizeof stats ? out->struct_size : sizeof stats);
}
