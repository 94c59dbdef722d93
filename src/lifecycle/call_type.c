/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by type: one after the other of the actors that discovery gives, within one time limit; blocking, with an
 * asynchronous twin whose every step is a turn of the node. [any-thread]
 */
#include "lifecycle/cancel.h"
#include "lifecycle/kept.h"

#include "port/clock.h"

#include <string.h>

#define DEFAULT_CANDIDATES 3
#define MOST_CANDIDATES 32

/* The candidate has certainly not handled it. */
static bool may_try_next(actr_status_t status)
{
    switch (status) {
    case ACTR_STATUS_UNAVAILABLE:
    case ACTR_STATUS_SHUTTING_DOWN:
    case ACTR_STATUS_MAILBOX_FULL:
    case ACTR_STATUS_MAILBOX_IO:
    case ACTR_STATUS_LIMIT_REACHED: return true;
    default: return false;
    }
}

static actr_status_t check(const actr_ctx_t *ctx, const actr_type_t *type, const actr_call_options_t *options,
                           actri_query_t *query, actr_error_t *error)
{
    if (ctx == NULL || type == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or type is NULL");
    if (options->max_candidates > MOST_CANDIDATES) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%u candidates, %d are the limit",
                          options->max_candidates, MOST_CANDIDATES);
    }
    size_t most = options->max_candidates != 0 ? options->max_candidates : DEFAULT_CANDIDATES;
    actr_status_t status = actri_query_make(type, options->criteria, most, query, error);
    return status == ACTR_OK ? actri_call_check(options, error) : status;
}

/* Until when the next of `left` candidates must be connected: its share of the time; the last one has it all. */
static int64_t send_by(size_t left, int64_t deadline_ns)
{
    int64_t now = actri_now_ns();
    return left == 1 ? 0 : now + (deadline_ns - now) / (int64_t)left;
}

actr_status_t actr_ctx_call_type(actr_ctx_t *ctx, const actr_type_t *type, const char *route, actr_bytes_t payload,
                                 const actr_call_options_t *given, actr_id_t *answered, actr_buf_t **reply,
                                 actr_error_t *error)
{
    actr_call_options_t options = actri_call_options(given);
    actri_query_t query;
    actr_id_t ids[MOST_CANDIDATES];
    if (reply != NULL) *reply = NULL;
    actr_status_t status = check(ctx, type, &options, &query, error);
    if (status != ACTR_OK) return status;
    int64_t deadline = actri_ctx_deadline(ctx, actri_call_limit_ms(ctx, &options));
    size_t count = query.max;
    status = actri_ctx_discover_until(ctx, type, options.criteria, deadline, ids, &count, error);
    if (status != ACTR_OK) return status;
    for (size_t i = 0; i < count; i++) {
        actr_dest_t dest = actr_dest_actor(&ids[i]);
        if (answered != NULL) *answered = ids[i];
        status = actri_ctx_call_until(ctx, &dest, route, payload, &options, deadline, send_by(count - i, deadline),
                                      reply, error);
        if (!may_try_next(status)) break;
    }
    return status;
}

/* ---- asynchronous ---- */

typedef struct type_call {
    unsigned refs;     /* atomic: that of the step under way, and the watch's */
    actri_kept_t kept; /* the caller's context may be gone; its arena has the copies of what the caller lent */
    actri_task_t begin, cancelled;
    actri_cancel_watch_t watch; /* all the time: it also keeps the token */
    bool fired;                 /* under the token's mutex, then turns */
    bool calling, ended;        /* turns only */
    actri_query_t query;
    const char *route;
    actr_bytes_t payload;
    actr_call_options_t options;
    int64_t deadline_ns;
    actr_type_reply_fn on_reply;
    void *user;
    actr_id_t *ids;
    size_t count, next;
} type_call_t;

static void release(type_call_t *call)
{
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_search_end(&call->kept.ctx.node->type_calls);
    actri_kept_free(&call->kept, call);
}

/* Its one end. The watch's reference is given back here, or in the turn that it has posted. */
static void finish(type_call_t *call, actr_status_t status, actr_buf_t *reply, const actr_error_t *error)
{
    call->ended = true;
    actri_cancel_unwatch(&call->watch);
    if (call->options.cancel != NULL && !call->fired) release(call);
    call->on_reply(status, call->next == 0 ? NULL : &call->ids[call->next - 1], reply, error, call->user);
}

static void on_candidate(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user);

/* The next candidate that can be started; if none can, the last one's failure is the outcome. Takes the reference. */
static void try_candidates(type_call_t *call)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status;
    call->calling = true;
    do {
        actr_dest_t dest = actr_dest_actor(&call->ids[call->next]);
        int64_t by = send_by(call->count - call->next, call->deadline_ns);
        call->next++;
        status = actri_ctx_start_until(&call->kept.ctx, &dest, call->route, call->payload, &call->options,
                                       call->deadline_ns, by, on_candidate, call, &error);
        if (status == ACTR_OK) return;
    } while (may_try_next(status) && call->next < call->count);
    finish(call, status, NULL, &error);
    release(call);
}

static void on_candidate(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    type_call_t *call = user;
    if (may_try_next(status) && call->next < call->count) {
        try_candidates(call);
        return;
    }
    finish(call, status, reply, error);
    release(call);
}

static void on_found(actr_status_t status, const actr_id_t *ids, size_t count, const actr_error_t *error, void *user)
{
    type_call_t *call = user;
    actr_error_t failure = ACTR_ERROR_INIT;
    if (status != ACTR_OK) failure = *error;
    if (status == ACTR_OK && !call->ended) {
        call->count = count;
        call->ids = actri_arena_alloc(&call->kept.arena, count * sizeof *ids);
        if (call->ids == NULL) status = actri_no_memory(&failure);
    }
    if (status == ACTR_OK && !call->ended) {
        memcpy(call->ids, ids, count * sizeof *ids);
        try_candidates(call);
        return;
    }
    if (!call->ended) finish(call, status, NULL, &failure);
    release(call);
}

static void run_begin(actri_task_t *task)
{
    type_call_t *call = ACTRI_CONTAINER(task, type_call_t, begin);
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = ACTR_STATUS_CANCELLED;
    if (!call->ended) {
        status = actri_ctx_find_until(&call->kept.ctx, &call->query, call->deadline_ns, on_found, call, &error);
        if (status != ACTR_OK) finish(call, status, NULL, &error);
    }
    if (status != ACTR_OK) release(call);
}

/* While a candidate is called it is that call which ends by the token, and so this one. */
static void run_cancelled(actri_task_t *task)
{
    type_call_t *call = ACTRI_CONTAINER(task, type_call_t, cancelled);
    actr_error_t error = ACTR_ERROR_INIT;
    if (!call->ended && !call->calling) finish(call, actri_cancel_check(call->options.cancel, &error), NULL, &error);
    release(call);
}

static void cancel_fired(actri_cancel_watch_t *watch)
{
    type_call_t *call = ACTRI_CONTAINER(watch, type_call_t, watch);
    call->fired = true;
    actri_serial_post(call->kept.ctx.node->serial, &call->cancelled, false);
}

static const char *keep_text(actri_arena_t *arena, const char *text)
{
    return text == NULL ? NULL : actri_arena_strndup(arena, text, strlen(text));
}

/* Copies what options and payload borrow. */
static actr_status_t keep_all(type_call_t *call, const char *route, actr_bytes_t payload,
                              const actr_call_options_t *options, actr_error_t *error)
{
    actri_arena_t *arena = &call->kept.arena;
    size_t count = options->metadata_count;
    actr_metadata_t *metadata = actri_arena_alloc(arena, (count + 1) * sizeof *metadata);
    for (size_t i = 0; i < count && metadata != NULL; i++) {
        metadata[i].key = keep_text(arena, options->metadata[i].key);
        metadata[i].value = keep_text(arena, options->metadata[i].value);
    }
    call->route = keep_text(arena, route);
    call->payload = (actr_bytes_t){actri_arena_strndup(arena, payload.data, payload.size), payload.size};
    call->options = *options;
    call->options.metadata = metadata;
    call->options.traceparent = keep_text(arena, options->traceparent);
    call->options.tracestate = keep_text(arena, options->tracestate);
    call->options.criteria = NULL; /* the query has them */
    return arena->failed ? actri_no_memory(error) : ACTR_OK;
}

/* With one reference, the first step's. */
static actr_status_t new_type_call(actr_ctx_t *ctx, type_call_t **out, actr_error_t *error)
{
    actr_node_t *node = ctx->node;
    if (!actri_search_begin(&node->type_calls)) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d asynchronous calls by type wait already",
                          ACTRI_SEARCHES);
    }
    type_call_t *call = actri_zalloc(&node->system->env, sizeof *call);
    if (call == NULL) {
        actri_search_end(&node->type_calls);
        return actri_no_memory(error);
    }
    actri_incoming_t in = {.request_id = ctx->request_id, .deadline_ns = ctx->deadline_ns};
    if (ctx->in != NULL) in = *ctx->in;
    call->refs = 1;
    call->begin.run = run_begin;
    call->cancelled.run = run_cancelled;
    call->watch.fire = cancel_fired;
    actr_status_t status = actri_kept_init(&call->kept, node, &in, error);
    call->kept.ctx.is_shell = ctx->is_shell;
    if (status == ACTR_OK)
        *out = call;
    else
        release(call);
    return status;
}

/* Inside the node. */
static actr_status_t start(const type_call_t *like, actr_ctx_t *ctx, actr_error_t *error)
{
    type_call_t *call = NULL;
    actr_status_t status = new_type_call(ctx, &call, error);
    if (status != ACTR_OK) return status;
    status = keep_all(call, like->route, like->payload, &like->options, error);
    if (status != ACTR_OK) {
        release(call);
        return status;
    }
    call->query = like->query;
    call->deadline_ns = like->deadline_ns;
    call->on_reply = like->on_reply;
    call->user = like->user;
    if (call->options.cancel != NULL) call->refs++;
    actri_cancel_watch(call->options.cancel, &call->watch);
    actri_serial_post(ctx->node->serial, &call->begin, false);
    return ACTR_OK;
}

actr_status_t actr_ctx_call_type_async(actr_ctx_t *ctx, const actr_type_t *type, const char *route,
                                       actr_bytes_t payload, const actr_call_options_t *given,
                                       actr_type_reply_fn on_reply, void *user, actr_error_t *error)
{
    type_call_t like = {.route = route, .payload = payload, .on_reply = on_reply, .user = user};
    like.options = actri_call_options(given);
    actr_status_t status = check(ctx, type, &like.options, &like.query, error);
    if (status != ACTR_OK) return status;
    if (route == NULL || on_reply == NULL || (payload.data == NULL && payload.size > 0)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "route, on_reply or the payload is NULL");
    }
    status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    like.deadline_ns = actri_ctx_deadline(ctx, actri_call_limit_ms(ctx, &like.options));
    status = start(&like, ctx, error);
    actri_node_leave(ctx->node);
    return status;
}
