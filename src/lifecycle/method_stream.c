/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming calls: messages and the end as chunks of two data streams, named by an id that the caller has made. Whoever
 * ends one writes status and error, once, and posts a turn of the node that takes the registration away, tells the peer
 * and then the program; so on_end is behind every message.
 */
#include "lifecycle/method_stream.h"

#include "gate/error_code.h"
#include "lifecycle/cancel.h"
#include "lifecycle/kept.h"
#include "port/clock.h"
#include "port/random.h"

#include <errno.h>
#include <limits.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAYS_KEY ACTRI_STREAM_KEY /* of a chunk that is no message: open, hello, last, end */
#define STATUS_KEY "actr-status"
#define MESSAGE_KEY "actr-message"
#define ID_SIZE 64
#define GOODBYE_MS 1000

struct actr_method_stream {
    unsigned refs; /* atomic: the program's, the registration's, the call's, the handler's */
    actri_kept_t kept;
    const actr_method_t *method;
    actr_dest_t dest; /* the other side */
    bool is_caller;
    char take_id[ID_SIZE], send_id[ID_SIZE];
    actr_any_fn on_message;
    actr_method_events_t events;
    void *user;
    actri_link_t link; /* in the node's list, under its mutex */
    actri_deadline_t deadline;
    actri_cancel_watch_t watch;
    actri_task_t task; /* the end's */

    actri_mutex_t mutex; /* guards the rest */
    actri_cond_t changed;
    uint64_t sequence;
    bool starting; /* open has not returned: it posts the end */
    bool open, sent_last, seen_last, over, tells_peer;
    actr_status_t status;
    actr_error_t error;
};

static actr_node_t *node_of(const actr_method_stream_t *s)
{
    return s->kept.ctx.node;
}

actr_ctx_t *actr_method_stream_ctx(actr_method_stream_t *s)
{
    return s == NULL ? NULL : &s->kept.ctx;
}

actr_method_stream_t *actr_method_stream_retain(actr_method_stream_t *s)
{
    if (s != NULL) (void)__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void actr_method_stream_release(actr_method_stream_t *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
    actri_kept_free(&s->kept, s);
}

static bool is_open(actr_method_stream_t *s)
{
    actri_lock(&s->mutex);
    bool open = s->open;
    actri_unlock(&s->mutex);
    return open;
}

/* ---- the end ---- */

/* The first end counts. True: it is this one, and its turn will come. */
static bool finish_as(actr_method_stream_t *s, actr_status_t status, uint32_t remote_code, const char *text,
                      bool tells_peer)
{
    actri_lock(&s->mutex);
    bool first = !s->over;
    if (first) {
        s->over = true;
        s->status = status;
        s->tells_peer = tells_peer;
        if (status != ACTR_OK) (void)actri_fail(&s->error, status, "%s", text);
        s->error.remote_code = remote_code;
        actri_cond_broadcast(&s->changed);
    }
    bool posts = first && !s->starting;
    actri_unlock(&s->mutex);
    if (posts) actri_serial_post(node_of(s)->serial, &s->task, false);
    return first;
}

static bool finish(actr_method_stream_t *s, actr_status_t status, const char *text, bool tells_peer)
{
    return finish_as(s, status, 0, text, tells_peer);
}

/* A chunk that is no message. */
static actr_status_t say(actr_method_stream_t *s, actr_ctx_t *ctx, const char *what, actr_status_t status,
                         const char *text, const actr_send_options_t *options, actr_error_t *error)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%d", (int)status);
    const actr_metadata_t metadata[] = {{SAYS_KEY, what}, {STATUS_KEY, number}, {MESSAGE_KEY, text}};
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actri_lock(&s->mutex);
    chunk.sequence = s->sequence++;
    actri_unlock(&s->mutex);
    chunk.stream_id = s->send_id;
    chunk.metadata = metadata;
    chunk.metadata_count = 3;
    if (options != NULL && options->no_wait) {
        return actr_ctx_send_chunk_async(ctx, &s->dest, &chunk, options, NULL, NULL, error);
    }
    return actr_ctx_send_chunk(ctx, &s->dest, &chunk, options, error);
}

static void say_goodbye(actr_method_stream_t *s)
{
    actr_ctx_t ctx;
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    options.timeout_ms = GOODBYE_MS;
    actri_ctx_init(&ctx, node_of(s), &s->kept.in, s->kept.in.request_id, NULL, ACTRI_NEVER); /* time may be over */
    ctx.is_shell = s->kept.ctx.is_shell;
    options.no_wait = !is_open(s); /* the other side may not even be reachable */
    (void)say(s, &ctx, "end", s->status, s->error.message, &options, NULL);
}

static void take_off_list(actr_method_stream_t *s)
{
    actri_method_streams_t *set = &node_of(s)->method_streams;
    actri_lock(&set->mutex);
    actri_list_remove(&s->link);
    actri_unlock(&set->mutex);
}

/* It may be gone already: a node that shuts down ends all registrations. */
static void unregister(actr_method_stream_t *s)
{
    actr_status_t ignored = actr_ctx_unregister_stream(&s->kept.ctx, s->take_id, NULL);
    (void)ignored;
}

static void forget(actr_method_stream_t *s)
{
    actri_deadlines_remove(&node_of(s)->deadlines, &s->deadline);
    actri_cancel_unwatch(&s->watch);
    unregister(s);
    take_off_list(s);
}

static void run_end(actri_task_t *task)
{
    actr_method_stream_t *s = ACTRI_CONTAINER(task, actr_method_stream_t, task);
    forget(s);
    if (s->tells_peer) say_goodbye(s);
    if (s->events.on_end != NULL) s->events.on_end(s, s->status, &s->error, s->user);
    actr_method_stream_release(s);
}

static void pass(actri_deadline_t *deadline)
{
    (void)finish(ACTRI_CONTAINER(deadline, actr_method_stream_t, deadline), ACTR_STATUS_TIMEOUT,
                 "the time of the streaming call has passed", true);
}

static void cancelled(actri_cancel_watch_t *watch)
{
    (void)finish(ACTRI_CONTAINER(watch, actr_method_stream_t, watch), ACTR_STATUS_CANCELLED, "the caller cancelled it",
                 true);
}

void actri_method_streams_close(actr_node_t *node)
{
    actri_method_streams_t *set = &node->method_streams;
    actri_lock(&set->mutex);
    set->closed = true;
    for (actri_link_t *at = set->list.next; at != &set->list; at = at->next) {
        (void)finish(ACTRI_CONTAINER(at, actr_method_stream_t, link), ACTR_STATUS_SHUTTING_DOWN,
                     "the node is shutting down", true);
    }
    actri_unlock(&set->mutex);
}

/* ---- what comes in ---- */

static bool is_from_peer(const actr_method_stream_t *s, const actr_id_t *sender)
{
    if (s->dest.kind == ACTR_DEST_SHELL) return sender == NULL;
    const actr_id_t *expected = s->dest.kind == ACTR_DEST_ACTOR ? &s->dest.id : actri_node_id(node_of(s));
    return sender != NULL && actr_id_equal(sender, expected);
}

static const char *metadata_of(const actr_chunk_t *chunk, const char *key)
{
    for (size_t i = 0; i < chunk->metadata_count; i++) {
        if (strcmp(chunk->metadata[i].key, key) == 0) return chunk->metadata[i].value;
    }
    return NULL;
}

/* The callee is there. The answer makes this side known to it: it is told when this connection ends. */
static void on_opened(actr_method_stream_t *s)
{
    actr_send_options_t options = ACTR_SEND_OPTIONS_INIT;
    options.no_wait = true;
    (void)say(s, &s->kept.ctx, "hello", ACTR_OK, "", &options, NULL);
    actri_lock(&s->mutex);
    bool first = !s->open;
    s->open = true;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
    if (first && s->events.on_open != NULL) s->events.on_open(s, s->user);
}

static void on_last(actr_method_stream_t *s)
{
    actri_lock(&s->mutex);
    bool first = !s->seen_last;
    s->seen_last = true;
    actri_unlock(&s->mutex);
    if (first && s->events.on_last != NULL) s->events.on_last(s, s->user);
}

static void on_said_end(actr_method_stream_t *s, const actr_chunk_t *chunk)
{
    const char *number = metadata_of(chunk, STATUS_KEY), *text = metadata_of(chunk, MESSAGE_KEY);
    char *end = NULL;
    errno = 0;
    long status = number == NULL ? 1 : strtol(number, &end, 10);
    bool good = number != NULL && errno == 0 && end != number && *end == '\0' && status >= INT_MIN && status <= 0;
    if (!good || (!s->is_caller && status == ACTR_OK)) {
        (void)finish(s, ACTR_STATUS_DECODE, "the peer's end of the stream is none", false);
    } else {
        uint32_t code = status == ACTR_OK ? 0 : actri_error_code((actr_status_t)status);
        (void)finish_as(s, (actr_status_t)status, code, text == NULL ? "" : text, false);
    }
}

static void on_data(actr_method_stream_t *s, const actr_chunk_t *chunk)
{
    const actr_method_adapters_t *adapters = s->method->reserved;
    void *message = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    bool surplus = s->seen_last || (!s->is_caller && s->method->kind == ACTR_METHOD_SERVER_STREAM);
    if (surplus || s->on_message == NULL) return;
    if (actr_message_receive(s->is_caller ? s->method->response : s->method->request, chunk, &message, &error) !=
        ACTR_OK) {
        (void)finish(s, ACTR_STATUS_DECODE, error.message, true);
        return;
    }
    (s->is_caller ? adapters->to_caller : adapters->to_callee)(s->on_message, s, message, s->user);
    actr_message_free(message);
}

/* A callee that has not opened the call takes nothing. */
static bool takes(actr_method_stream_t *s)
{
    actri_lock(&s->mutex);
    bool takes = !s->over && (s->is_caller || s->open);
    actri_unlock(&s->mutex);
    return takes;
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    actr_method_stream_t *s = user;
    if (!is_from_peer(s, chunk->sender) || !takes(s)) return;
    if (chunk->kind == ACTR_CHUNK_END) {
        (void)finish(s, chunk->status != ACTR_OK ? chunk->status : ACTR_STATUS_UNAVAILABLE,
                     "the stream of the peer has ended", true);
        return;
    }
    const char *what = metadata_of(chunk, SAYS_KEY);
    if (what == NULL)
        on_data(s, chunk);
    else if (strcmp(what, "end") == 0)
        on_said_end(s, chunk);
    else if (strcmp(what, "open") == 0 && s->is_caller)
        on_opened(s);
    else if (strcmp(what, "last") == 0 && !s->is_caller)
        on_last(s);
}

/* ---- beginning ---- */

/* False: it is over, and nobody will be told. */
static bool set_events(actr_method_stream_t *s, actr_any_fn on_message, const actr_method_events_t *events, void *user)
{
    actri_lock(&s->mutex);
    bool good = !s->over;
    if (good) {
        s->on_message = on_message;
        s->user = user;
        if (events != NULL)
            memcpy(&s->events, events, events->struct_size < sizeof s->events ? events->struct_size : sizeof s->events);
    }
    actri_unlock(&s->mutex);
    return good;
}

/* With one reference, that of its end. */
static actr_status_t make(actr_ctx_t *ctx, const actr_method_t *method, const char *id, bool is_caller,
                          int64_t deadline_ns, actr_method_stream_t **out, actr_error_t *error)
{
    actr_method_stream_t *s = actri_zalloc(&ctx->node->system->env, sizeof *s);
    if (s == NULL) return actri_no_memory(error);
    actri_incoming_t in = {.request_id = ctx->request_id};
    if (ctx->in != NULL) in = *ctx->in;
    in.deadline_ns = deadline_ns;
    actr_status_t status = actri_kept_init(&s->kept, ctx->node, &in, error);
    if (status != ACTR_OK) {
        actri_kept_free(&s->kept, s);
        return status;
    }
    s->kept.ctx.is_shell = ctx->is_shell;
    s->refs = 1;
    s->method = method;
    s->is_caller = s->starting = is_caller;
    s->error = (actr_error_t)ACTR_ERROR_INIT;
    (void)snprintf(s->take_id, ID_SIZE, "actr-%s/%s", is_caller ? "down" : "up", id);
    (void)snprintf(s->send_id, ID_SIZE, "actr-%s/%s", is_caller ? "up" : "down", id);
    actri_list_init(&s->link);
    s->deadline.at_ns = deadline_ns;
    s->deadline.pass = pass;
    s->watch.fire = cancelled;
    s->task.run = run_end;
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    *out = s;
    return ACTR_OK;
}

/* It is known from now on, and ends by finish. */
static actr_status_t enter(actr_method_stream_t *s, actr_error_t *error)
{
    actr_node_t *node = node_of(s);
    actri_method_streams_t *set = &node->method_streams;
    actr_status_t status = actr_ctx_register_stream(&s->kept.ctx, s->take_id, on_chunk, s, NULL, error);
    if (status != ACTR_OK) return status;
    actri_lock(&set->mutex);
    bool closed = set->closed;
    if (!closed) actri_list_append(&set->list, &s->link);
    actri_unlock(&set->mutex);
    if (closed) {
        unregister(s);
        return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    }
    if (s->deadline.at_ns != ACTRI_NEVER) actri_deadlines_add(&node->deadlines, &s->deadline);
    return ACTR_OK;
}

/* ---- the caller ---- */

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    actr_method_stream_t *s = user;
    actr_buf_release(reply);
    bool may_run = status == ACTR_STATUS_TIMEOUT || status == ACTR_STATUS_CANCELLED; /* its handler */
    if (status != ACTR_OK) (void)finish_as(s, status, error->remote_code, error->message, may_run || is_open(s));
    actr_method_stream_release(s);
}

static actr_status_t start(actr_method_stream_t *s, actr_ctx_t *ctx, const void *request,
                           const actr_call_options_t *given, const char *id, actr_error_t *error)
{
    actr_call_options_t options = *given;
    const actri_env_t *env = &ctx->node->system->env;
    size_t size = request == NULL ? 0 : protobuf_c_message_get_packed_size(request);
    uint8_t *payload = actri_alloc(env, size + 1);
    actr_metadata_t *metadata = actri_alloc(env, (options.metadata_count + 1) * sizeof *metadata);
    actr_status_t status = payload == NULL || metadata == NULL ? actri_no_memory(error) : ACTR_OK;
    if (status == ACTR_OK) {
        if (request != NULL) (void)protobuf_c_message_pack(request, payload);
        metadata[0] = (actr_metadata_t){actri_stream_key, id};
        if (options.metadata_count > 0) {
            memcpy(metadata + 1, options.metadata, options.metadata_count * sizeof *metadata);
        }
        options.metadata = metadata;
        options.metadata_count++;
        options.retry = ACTR_RETRY_NEVER;
        (void)actr_method_stream_retain(s);
        status = actr_ctx_call_async(ctx, &s->dest, s->method->route, (actr_bytes_t){payload, size}, &options, on_reply,
                                     s, error);
        if (status != ACTR_OK) actr_method_stream_release(s);
    }
    actri_free(env, metadata);
    actri_free(env, payload);
    return status;
}

static actr_status_t check_open(const actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                                const void *request, actr_method_stream_t **stream, actr_error_t *error)
{
    if (ctx == NULL || dest == NULL || stream == NULL || method == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, dest, method or stream is NULL");
    }
    if (method->kind == ACTR_METHOD_UNARY || method->kind > ACTR_METHOD_BOTH_STREAM || method->reserved == NULL) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "%s is no streaming method", method->route);
    }
    if (ctx->script != NULL) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "a test context has no streams");
    }
    bool wanted = method->kind == ACTR_METHOD_SERVER_STREAM;
    bool good =
        request == NULL ? !wanted : wanted && ((const ProtobufCMessage *)request)->descriptor == method->request;
    if (good) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s begins with %s %s", method->route, wanted ? "one" : "no",
                      method->request->name);
}

/* Posts the end that has come meanwhile. A call that did not begin ends as well, but nobody is told. */
static void started(actr_method_stream_t *s, actr_status_t status)
{
    actri_lock(&s->mutex);
    s->starting = false;
    if (status != ACTR_OK) {
        memset(&s->events, 0, sizeof s->events);
        s->over = true;
        s->tells_peer = false;
    }
    bool posts = s->over;
    actri_unlock(&s->mutex);
    if (posts) actri_serial_post(node_of(s)->serial, &s->task, false);
}

static actr_status_t open_inside(actr_ctx_t *ctx, actr_method_stream_t *s, const void *request,
                                 const actr_call_options_t *options, const char *id, actr_error_t *error)
{
    actr_status_t status = enter(s, error);
    if (status != ACTR_OK) return status;
    (void)actr_method_stream_retain(s); /* the end's */
    actri_cancel_watch(options->cancel, &s->watch);
    status = start(s, ctx, request, options, id, error);
    started(s, status);
    return status;
}

actr_status_t actr_method_open(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                               const void *request, const actr_call_options_t *options, actr_any_fn on_message,
                               const actr_method_events_t *events, void *user, actr_method_stream_t **stream,
                               actr_error_t *error)
{
    char id[ACTRI_UUID_SIZE];
    actr_method_stream_t *s = NULL;
    actr_status_t status = check_open(ctx, dest, method, request, stream, error);
    if (status == ACTR_OK) status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    actri_uuid_v4(id);
    actr_call_options_t full = actri_call_options(options);
    int64_t deadline_ns = actri_ctx_deadline(ctx, actri_call_limit_ms(ctx, &full));
    status = make(ctx, method, id, true, deadline_ns, &s, error);
    if (status == ACTR_OK) {
        s->dest = *dest;
        (void)set_events(s, on_message, events, user);
        status = open_inside(ctx, s, request, &full, id, error);
        if (status == ACTR_OK)
            *stream = s;
        else
            actr_method_stream_release(s);
    }
    actri_node_leave(ctx->node);
    return status;
}

/* ---- the callee ---- */

/* Tells the caller, once, that its messages are taken from now on. A caller that can not be told is gone,
   unless it is for want of memory. */
static void let_in(actr_method_stream_t *s)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_lock(&s->mutex);
    bool first = !s->open && !s->over;
    s->open = true;
    actri_unlock(&s->mutex);
    if (!first) return;
    actr_status_t status = say(s, &s->kept.ctx, "open", ACTR_OK, "", NULL, &error);
    if (status != ACTR_OK) (void)finish(s, status, error.message, status == ACTR_STATUS_NO_MEMORY);
}

actr_status_t actr_method_stream_listen(actr_method_stream_t *s, actr_any_fn on_message,
                                        const actr_method_events_t *events, void *user, actr_error_t *error)
{
    if (s == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "stream is NULL");
    if (s->is_caller || is_open(s)) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "only a handler listens, once, before it sends");
    }
    if (!set_events(s, on_message, events, user)) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the call is over: %s", s->error.message);
    }
    let_in(s);
    return ACTR_OK;
}

static actr_status_t run_handler(actr_method_stream_t *s, const void *handlers, actr_ctx_t *ctx, const void *in)
{
    actr_status_t status = s->method->serve(ctx, in, s, handlers);
    if (status >= 0) {
        let_in(s);
        return ACTR_OK;
    }
    if (is_open(s)) {
        (void)finish(s, status, ctx->message, true);
        return ACTR_OK;
    }
    (void)finish(s, status, "", false);
    return status;
}

actr_status_t actri_method_stream_serve(const actr_method_t *method, const void *handlers, actr_ctx_t *ctx,
                                        const actr_request_t *request, const void *in)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_method_stream_t *s = NULL;
    const char *id = ctx->in == NULL ? NULL : ctx->in->stream;
    if (ctx->node == NULL || id == NULL || request->is_tell || strlen(id) != ACTRI_UUID_SIZE - 1 ||
        method->reserved == NULL) {
        return actr_ctx_fail(ctx, ACTR_STATUS_INVALID_ARGUMENT, "%s is a streaming method: a plain call has no stream",
                             method->route);
    }
    actr_status_t status = make(ctx, method, id, false, ctx->in->deadline_ns, &s, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    s->dest = ctx->in->caller == NULL ? actr_dest_shell() : actr_dest_actor(ctx->in->caller);
    status = enter(s, &error);
    if (status == ACTR_OK) {
        (void)actr_method_stream_retain(s);
        status = run_handler(s, handlers, ctx, in);
    } else {
        (void)actr_ctx_fail(ctx, status, "%s", error.message);
    }
    actr_method_stream_release(s);
    return status;
}

/* ---- sending ---- */

/* Where nothing may wait for the callee's opening: the answer to it needs this thread, or one like it. */
static bool may_wait(const actr_method_stream_t *s)
{
    const actr_node_t *node = node_of(s);
    return !actri_serial_is_current(node->serial) && !actri_streams_in_callback() &&
           !actri_pool_needs_me(actri_serial_pool(node->serial));
}

static actr_status_t check_locked(const actr_method_stream_t *s, actr_error_t *error)
{
    if (s->over && s->status != ACTR_OK) {
        if (error != NULL) *error = s->error;
        return s->status;
    }
    if (!s->over && !s->sent_last) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_STATE, "%s: the last message was sent", s->method->route);
}

/* After ACTR_OK this side may send; last: nothing more follows. */
static actr_status_t claim(actr_method_stream_t *s, bool last, uint64_t *sequence, actr_error_t *error)
{
    if (!s->is_caller) let_in(s);
    bool waits = may_wait(s), in_time = true;
    actri_lock(&s->mutex);
    while (!s->open && !s->over && waits && in_time) {
        in_time = actri_cond_wait(&s->changed, &s->mutex, s->deadline.at_ns);
    }
    actr_status_t status = check_locked(s, error);
    if (status == ACTR_OK && !s->open) {
        status = in_time ? actri_fail(error, ACTR_STATUS_WOULD_BLOCK, "the callee has not opened the call yet")
                         : actri_fail(error, ACTR_STATUS_TIMEOUT, "the callee has not opened the call in time");
    }
    if (status == ACTR_OK) {
        s->sent_last = last;
        if (sequence != NULL) *sequence = s->sequence++;
    }
    actri_unlock(&s->mutex);
    return status;
}

/* Says the last of this side. */
static actr_status_t conclude(actr_method_stream_t *s, actr_error_t *error)
{
    actr_status_t status = say(s, &s->kept.ctx, s->is_caller ? "last" : "end", ACTR_OK, "", NULL, error);
    if (!s->is_caller || status != ACTR_OK) {
        (void)finish(s, status, error == NULL ? actr_status_str(status) : error->message, status != ACTR_OK);
    }
    return status;
}

static actr_status_t check_message(const actr_method_stream_t *s, const void *message, actr_error_t *error)
{
    if (s == NULL || message == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "stream or message is NULL");
    }
    if (s->is_caller && s->method->kind == ACTR_METHOD_SERVER_STREAM) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the request of %s went with its opening",
                          s->method->route);
    }
    const ProtobufCMessageDescriptor *type = s->is_caller ? s->method->request : s->method->response;
    if (((const ProtobufCMessage *)message)->descriptor == type) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s takes a %s that was initialised", s->method->route,
                      type->name);
}

actr_status_t actr_method_stream_send(actr_method_stream_t *s, const void *message, actr_error_t *error)
{
    actr_chunk_t chunk = ACTR_CHUNK_INIT;
    actr_status_t status = check_message(s, message, error);
    if (status != ACTR_OK) return status;
    bool only_one = !s->is_caller && s->method->kind == ACTR_METHOD_CLIENT_STREAM;
    status = claim(s, only_one, &chunk.sequence, error);
    if (status != ACTR_OK) return status;
    chunk.stream_id = s->send_id;
    chunk.payload_type = only_one ? ACTR_STREAM_RELIABLE : s->method->payload_type;
    status = actr_message_send(&s->kept.ctx, &s->dest, message, &chunk, NULL, error);
    if (!only_one) return status;
    if (status == ACTR_OK) return conclude(s, error);
    (void)finish(s, status, error == NULL ? actr_status_str(status) : error->message, true);
    return status;
}

actr_status_t actr_method_stream_end(actr_method_stream_t *s, actr_error_t *error)
{
    if (s == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "stream is NULL");
    uint32_t kind = s->method->kind;
    if (s->is_caller ? kind == ACTR_METHOD_SERVER_STREAM : kind == ACTR_METHOD_CLIENT_STREAM) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "%s: this side sends one message, which is its end",
                          s->method->route);
    }
    actr_status_t status = claim(s, true, NULL, error);
    return status == ACTR_OK ? conclude(s, error) : status;
}

actr_status_t actr_method_stream_fail(actr_method_stream_t *s, actr_status_t status, const char *format, ...)
{
    char text[ACTR_ERROR_MESSAGE_SIZE];
    if (s == NULL || status >= 0) return ACTR_STATUS_INVALID_ARGUMENT;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return finish(s, status, text, true) ? ACTR_OK : ACTR_STATUS_INVALID_STATE;
}
