/* SPDX-License-Identifier: Apache-2.0 */
/* Requests come on the loop, are gathered for the turn, stored, and run as turns of the node's serial executor. */
#include "dispatch/state_path.h"

#include "dispatch/acl.h"
#include "gate/error_code.h"
#include "port/clock.h"
#include "port/thread.h"
#include "proto/idcodec.h"

#include <stdio.h>

#define AREA "dispatch"
#define DEFAULT_TIMEOUT_MS 30000
#define MOST_TIMEOUT_MS (24 * 3600 * 1000)
#define LOCAL_QUEUE 65536

struct actri_state_path {
    actri_state_path_options_t o;
    actri_peer_gate_t *gate;
    actri_loop_t *loop;
    actri_link_t arrived; /* [loop] of this turn */
    bool batch_waits;
    actri_task_t batch;
    uint32_t locals;        /* atomic */
    int64_t drain_until_ns; /* atomic; 0: not draining */
    actri_mutex_t mutex;    /* guards current */
    char current[160];
    actri_state_path_stats_t stats;
};

static void count(uint64_t *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static int64_t drain_deadline(const actri_state_path_t *path)
{
    return __atomic_load_n(&path->drain_until_ns, __ATOMIC_ACQUIRE);
}

/* ---- replies ---- */

/* Writes the reply to `request`: payload, or error when status is negative. NULL when memory is out. */
static actr_buf_t *encode_reply(const actri_env_t *env, const actri_envelope_t *request, actr_status_t status,
                                actr_bytes_t payload, const char *message)
{
    actri_envelope_t e;
    memset(&e, 0, offsetof(actri_envelope_t, metadata));
    e.route_key = request->route_key;
    e.request_id = request->request_id;
    e.traceparent = request->traceparent;
    e.tracestate = request->tracestate;
    e.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (status < 0) {
        actri_envelope_set_error(&e, status, message);
    } else {
        e.has_payload = true;
        e.payload = actri_span(payload.data, payload.size);
    }
    actr_buf_t *reply = actri_buf_new(env, actri_envelope_size(&e));
    if (reply != NULL) actri_envelope_encode(&e, reply->data);
    return reply;
}

static bool is_tell(const actri_envelope_t *e)
{
    return e->has_timeout && e->timeout_ms == 0;
}

static void send_reply(actri_state_path_t *path, const actr_id_t *to, uint64_t session, const actri_envelope_t *request,
                       actr_status_t status, actr_bytes_t payload, const char *message)
{
    if (is_tell(request)) return;
    actr_buf_t *reply = encode_reply(path->o.env, request, status, payload, message);
    if (reply != NULL && actr_buf_size(reply) > ACTRI_RTC_MESSAGE_MAX) {
        char text[120];
        (void)snprintf(text, sizeof text, "the reply takes %zu bytes, %d are the limit", actr_buf_size(reply),
                       ACTRI_RTC_MESSAGE_MAX);
        actri_warn(path->o.env, AREA, "%.*s: %s", (int)request->route_key.size, (const char *)request->route_key.data,
                   text);
        actr_buf_release(reply);
        reply = encode_reply(path->o.env, request, ACTR_STATUS_TOO_LARGE, payload, text);
    }
    if (reply == NULL) {
        actri_error(path->o.env, AREA, "out of memory: a reply is lost");
        return;
    }
    actri_peer_gate_reply(path->gate, to, session, reply);
}

static void refuse_request(actri_state_path_t *path, const actr_id_t *to, uint64_t session,
                           const actri_envelope_t *request, actr_status_t status, const char *message)
{
    count(&path->stats.refused);
    actri_info(path->o.env, AREA, "%.*s from %s refused: %s", (int)request->route_key.size,
               (const char *)request->route_key.data, to->type.name, message);
    send_reply(path, to, session, request, status, (actr_bytes_t){NULL, 0}, message);
}

/* ---- arrival ---- */

static int64_t timeout_of(const actri_envelope_t *e)
{
    if (!e->has_timeout || e->timeout_ms < 0) return DEFAULT_TIMEOUT_MS;
    return e->timeout_ms < MOST_TIMEOUT_MS ? e->timeout_ms : MOST_TIMEOUT_MS;
}

static void put_batch(actri_task_t *task)
{
    actri_state_path_t *path = ACTRI_CONTAINER(task, actri_state_path_t, batch);
    path->batch_waits = false;
    actri_mailbox_put(path->o.mailbox, &path->arrived);
}

static void gather(actri_state_path_t *path, actri_mail_t *mail)
{
    actri_list_append(&path->arrived, &mail->task.link);
    if (path->batch_waits) return;
    path->batch_waits = true;
    actri_loop_at_turn_end(path->loop, &path->batch);
}

void actri_state_path_request(actri_state_path_t *path, const actri_session_t *session, actr_payload_type_t lane,
                              actr_buf_t *message, const actri_envelope_t *e)
{
    count(&path->stats.received);
    if (is_tell(e)) count(&path->stats.tells);
    actri_mail_t *mail = NULL;
    if (drain_deadline(path) != 0) {
        refuse_request(path, &session->peer, session->number, e, ACTR_STATUS_SHUTTING_DOWN,
                       "the node is shutting down");
    } else if (!actri_acl_allows(path->o.config, &session->peer)) {
        char id[ACTR_ID_TEXT_SIZE], text[ACTR_ID_TEXT_SIZE + 80];
        (void)snprintf(text, sizeof text, "ACL denied: %s is not allowed to call", actr_id_print(&session->peer, id));
        refuse_request(path, &session->peer, session->number, e, ACTR_STATUS_PERMISSION_DENIED, text);
    } else if ((mail = actri_mail_new(path->o.mailbox)) == NULL) {
        refuse_request(path, &session->peer, session->number, e, ACTR_STATUS_NO_MEMORY, "out of memory");
    }
    if (mail == NULL) {
        actr_buf_release(message);
        return;
    }
    mail->message = message;
    mail->sender_size = (uint8_t)actri_id_encode(&session->peer, mail->sender);
    mail->high = lane == ACTR_RPC_SIGNAL;
    mail->origin = session->number;
    mail->deadline_ms = is_tell(e) ? 0 : actri_wall_ms() + timeout_of(e);
    gather(path, mail);
}

/* ---- the turn ---- */

static void set_current(actri_state_path_t *path, const char *route)
{
    actri_lock(&path->mutex);
    (void)snprintf(path->current, sizeof path->current, "%s", route);
    actri_unlock(&path->mutex);
}

void actri_state_path_current(actri_state_path_t *path, char *text, size_t size)
{
    actri_lock(&path->mutex);
    (void)snprintf(text, size, "%s", path->current);
    actri_unlock(&path->mutex);
}

static actr_metadata_t *copy_metadata(actri_arena_t *arena, const actri_envelope_t *e)
{
    if (e->metadata_count == 0) return NULL;
    actr_metadata_t *out = actri_arena_alloc(arena, e->metadata_count * sizeof *out);
    for (size_t i = 0; out != NULL && i < e->metadata_count; i++) {
        const actri_meta_t *meta = &e->metadata[i];
        out[i].key = actri_arena_strndup(arena, (const char *)meta->key.data, meta->key.size);
        out[i].value = actri_arena_strndup(arena, (const char *)meta->value.data, meta->value.size);
    }
    return out;
}

static int64_t monotonic_deadline(int64_t wall_ms)
{
    if (wall_ms == 0) return ACTRI_NEVER;
    int64_t now_ms = actri_wall_ms();
    if (wall_ms < now_ms) wall_ms = now_ms; /* over, or a damaged row: no overflow below */
    int64_t left_ms = wall_ms - now_ms;
    if (left_ms > MOST_TIMEOUT_MS) left_ms = MOST_TIMEOUT_MS; /* the clock was set back */
    return actri_now_ns() + left_ms * ACTRI_MS;
}

/* A handler may not have noticed that its memory had failed. */
static actr_status_t check_reply(actr_status_t status, const actri_arena_t *arena, const actr_bytes_t *reply,
                                 actr_error_t *error)
{
    if (status < 0) return status;
    if (arena->failed) return actri_no_memory(error);
    if (reply->size > 0 && reply->data == NULL) {
        return actri_fail(error, ACTR_STATUS_INTERNAL, "the handler's reply has %zu bytes at NULL", reply->size);
    }
    return status;
}

/* Runs the handler for a decoded request; the reply is in the arena. */
static actr_status_t serve(actri_state_path_t *path, const actri_envelope_t *e, const actr_id_t *caller,
                           int64_t deadline_ns, actri_arena_t *arena, actr_bytes_t *reply, actr_error_t *error)
{
    actri_incoming_t in = {.caller = caller, .deadline_ns = deadline_ns, .arena = arena};
    in.request.route = actri_arena_strndup(arena, (const char *)e->route_key.data, e->route_key.size);
    in.request_id = actri_arena_strndup(arena, (const char *)e->request_id.data, e->request_id.size);
    in.request.payload = (actr_bytes_t){e->payload.data, e->payload.size};
    in.request.is_tell = is_tell(e);
    in.request.metadata = copy_metadata(arena, e);
    in.request.metadata_count = e->metadata_count;
    in.traceparent = e->traceparent;
    in.tracestate = e->tracestate;
    if (arena->failed) return actri_no_memory(error);
    set_current(path, in.request.route);
    actr_status_t status = path->o.serve(path->o.user, &in, reply, error);
    set_current(path, "");
    return check_reply(status, arena, reply, error);
}

static void run_request(actri_state_path_t *path, const actri_mail_t *mail, const actri_envelope_t *e,
                        const actr_id_t *caller)
{
    int64_t deadline = monotonic_deadline(mail->deadline_ms);
    if (deadline <= actri_now_ns()) {
        count(&path->stats.expired);
        send_reply(path, caller, mail->origin, e, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0},
                   "the request's time was up before its turn came");
        return;
    }
    actri_arena_t arena;
    actri_arena_init(&arena, path->o.env);
    actr_bytes_t reply = {NULL, 0};
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = serve(path, e, caller, deadline, &arena, &reply, &error);
    count(&path->stats.handled);
    if (status < 0) {
        actri_info(path->o.env, AREA, "%.*s from %s failed: %s", (int)e->route_key.size,
                   (const char *)e->route_key.data, caller->type.name, actr_error_message(&error));
    }
    send_reply(path, caller, mail->origin, e, status, reply, actr_error_message(&error));
    actri_arena_clear(&arena);
}

static void run_mail(actri_task_t *task)
{
    actri_mail_t *mail = ACTRI_CONTAINER(task, actri_mail_t, task);
    actri_state_path_t *path = mail->user;
    int64_t drain_until = drain_deadline(path);
    if (drain_until != 0 && actri_now_ns() > drain_until) {
        actri_mailbox_done(path->o.mailbox, mail, ACTRI_MAIL_KEEP, NULL);
        return;
    }
    actri_envelope_t e;
    actr_id_t caller;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status =
        actri_envelope_decode(actr_buf_data(mail->message), actr_buf_size(mail->message), &e, &error);
    if (status == ACTR_OK && !actri_id_decode(mail->sender, mail->sender_size, &caller)) {
        status = actri_fail(&error, ACTR_STATUS_DECODE, "the stored sender is no ActrId");
    }
    if (status != ACTR_OK) {
        actri_error(path->o.env, AREA, "a stored request is dead: %s", error.message);
        actri_mailbox_done(path->o.mailbox, mail, ACTRI_MAIL_DEAD, &error);
        return;
    }
    if (mail->redelivered && !actri_acl_allows(path->o.config, &caller)) {
        refuse_request(path, &caller, mail->origin, &e, ACTR_STATUS_PERMISSION_DENIED, "ACL denied");
    } else {
        run_request(path, mail, &e, &caller);
    }
    actri_mailbox_done(path->o.mailbox, mail, ACTRI_MAIL_ACK, NULL);
}

void actri_state_path_deliver(actri_state_path_t *path, actri_link_t *mails, bool high)
{
    for (actri_link_t *at = mails->next; at != mails; at = at->next) {
        actri_mail_t *mail = ACTRI_CONTAINER(at, actri_mail_t, task.link);
        mail->user = path;
        mail->task.run = run_mail;
    }
    actri_serial_post_list(path->o.serial, mails, high);
}

void actri_state_path_refuse(actri_state_path_t *path, const actri_mail_t *mail, const actr_error_t *why)
{
    actri_envelope_t e;
    actr_id_t caller;
    if (actri_envelope_decode(actr_buf_data(mail->message), actr_buf_size(mail->message), &e, NULL) != ACTR_OK) return;
    if (!actri_id_decode(mail->sender, mail->sender_size, &caller)) return;
    refuse_request(path, &caller, mail->origin, &e, why->status, why->message);
}

/* ---- requests of the Shell ---- */

void actri_local_call_release(actri_local_call_t *call)
{
    if (call == NULL) return;
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    const actri_env_t *env = call->path->o.env;
    for (size_t i = 0; i < call->metadata_count; i++) {
        actri_free(env, (void *)(uintptr_t)call->metadata[i].key);
        actri_free(env, (void *)(uintptr_t)call->metadata[i].value);
    }
    actri_free(env, call->metadata);
    actri_free(env, call->route);
    actr_buf_release(call->payload);
    actr_buf_release(call->reply);
    actri_free(env, call);
}

static actr_status_t serve_local(actri_local_call_t *call)
{
    actri_state_path_t *path = call->path;
    if (call->deadline_ns <= actri_now_ns()) {
        count(&path->stats.expired);
        return actri_fail(&call->error, ACTR_STATUS_TIMEOUT, "the request's time was up before its turn came");
    }
    actri_arena_t arena;
    actri_arena_init(&arena, path->o.env);
    actri_incoming_t in = {.request_id = "shell", .deadline_ns = call->deadline_ns, .arena = &arena};
    in.request.route = call->route;
    in.request.payload = (actr_bytes_t){actr_buf_data(call->payload), actr_buf_size(call->payload)};
    in.request.is_tell = call->is_tell;
    in.request.metadata = call->metadata;
    in.request.metadata_count = call->metadata_count;
    actr_bytes_t reply = {NULL, 0};
    set_current(path, call->route);
    actr_status_t status = path->o.serve(path->o.user, &in, &reply, &call->error);
    set_current(path, "");
    count(&path->stats.handled);
    status = check_reply(status, &arena, &reply, &call->error);
    if (status >= 0 && !call->is_tell) {
        call->reply = actri_buf_copy(path->o.env, reply.data, reply.size);
        if (call->reply == NULL) status = actri_no_memory(&call->error);
    }
    actri_arena_clear(&arena);
    return status < 0 ? status : ACTR_OK;
}

static void run_local(actri_task_t *task)
{
    actri_local_call_t *call = ACTRI_CONTAINER(task, actri_local_call_t, task);
    int64_t drain_until = drain_deadline(call->path);
    if (drain_until != 0 && actri_now_ns() > drain_until) {
        call->status = actri_fail(&call->error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    } else {
        call->status = serve_local(call);
    }
    (void)__atomic_sub_fetch(&call->path->locals, 1, __ATOMIC_RELAXED);
    call->on_end(call);
    actri_local_call_release(call);
}

static bool copy_options(const actri_env_t *env, const actr_call_options_t *options, actri_local_call_t *call)
{
    if (options == NULL || options->metadata_count == 0) return true;
    call->metadata = actri_zalloc(env, options->metadata_count * sizeof *call->metadata);
    if (call->metadata == NULL) return false;
    call->metadata_count = options->metadata_count;
    for (size_t i = 0; i < options->metadata_count; i++) {
        call->metadata[i].key = actri_strdup(env, options->metadata[i].key);
        call->metadata[i].value = actri_strdup(env, options->metadata[i].value);
        if (call->metadata[i].key == NULL || call->metadata[i].value == NULL) return false;
    }
    return true;
}

actr_status_t actri_state_path_local(actri_state_path_t *path, const char *route, actr_bytes_t payload,
                                     const actr_call_options_t *options, bool tell, int64_t deadline_ns,
                                     void (*on_end)(actri_local_call_t *), void *user, actri_local_call_t **out,
                                     actr_error_t *error)
{
    const actri_env_t *env = path->o.env;
    if (route == NULL || route[0] == '\0') {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the route is empty");
    }
    if (payload.size > 0 && payload.data == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the payload is NULL");
    }
    if (drain_deadline(path) != 0) {
        return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    }
    actri_local_call_t *call = actri_zalloc(env, sizeof *call);
    if (call == NULL) return actri_no_memory(error);
    call->path = path;
    call->refs = 1;
    call->route = actri_strdup(env, route);
    call->payload = actri_buf_copy(env, payload.data, payload.size);
    call->is_tell = tell;
    call->deadline_ns = deadline_ns;
    call->on_end = on_end;
    call->user = user;
    call->task.run = run_local;
    if (call->route == NULL || call->payload == NULL || !copy_options(env, options, call)) {
        actri_local_call_release(call);
        return actri_no_memory(error);
    }
    if (__atomic_add_fetch(&path->locals, 1, __ATOMIC_RELAXED) > LOCAL_QUEUE) {
        (void)__atomic_sub_fetch(&path->locals, 1, __ATOMIC_RELAXED);
        actri_local_call_release(call);
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d local requests wait already", LOCAL_QUEUE);
    }
    call->refs = 2;
    *out = call;
    actri_serial_post(path->o.serial, &call->task, options != NULL && options->payload_type == ACTR_RPC_SIGNAL);
    return ACTR_OK;
}

/* ---- life ---- */

actr_status_t actri_state_path_new(const actri_state_path_options_t *options, actri_state_path_t **out,
                                   actr_error_t *error)
{
    actri_state_path_t *path = actri_zalloc(options->env, sizeof *path);
    if (path == NULL) return actri_no_memory(error);
    path->o = *options;
    actri_list_init(&path->arrived);
    path->batch.run = put_batch;
    actri_mutex_init(&path->mutex);
    *out = path;
    return ACTR_OK;
}

void actri_state_path_connect(actri_state_path_t *path, actri_peer_gate_t *gate, actri_loop_t *loop)
{
    path->gate = gate;
    path->loop = loop;
}

void actri_state_path_drain(actri_state_path_t *path, int64_t deadline_ns)
{
    __atomic_store_n(&path->drain_until_ns, deadline_ns, __ATOMIC_RELEASE);
}

const actri_state_path_stats_t *actri_state_path_stats(const actri_state_path_t *path)
{
    return &path->stats;
}

void actri_state_path_free(actri_state_path_t *path)
{
    if (path == NULL) return;
    actri_mutex_destroy(&path->mutex);
    actri_free(path->o.env, path);
}
