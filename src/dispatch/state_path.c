/* SPDX-License-Identifier: Apache-2.0 */
/* Requests come on the loop, are gathered for the turn, stored, and run as turns of the node's serial executor. */
#include "dispatch/state_path.h"

#include "base/map.h"
#include "base/utf8.h"
#include "dispatch/acl.h"
#include "dispatch/path.h"
#include "gate/error_code.h"
#include "port/clock.h"
#include "port/random.h"
#include "proto/idcodec.h"

#include <stdio.h>

#define AREA "dispatch"
#define DEFAULT_TIMEOUT_MS 30000
#define MOST_TIMEOUT_MS (24 * 3600 * 1000)

/* ---- replies ---- */

/* Writes the reply to `request`: payload, or error when status is negative. NULL when memory is out. */
static actr_buf_t *encode_reply(const actri_env_t *env, const actri_envelope_t *request, actr_status_t status,
                                actr_bytes_t payload, const char *message)
{
    actri_envelope_t e;
    char line[ACTR_ERROR_MESSAGE_SIZE]; /* whatever the message is: the caller could not decode what is no UTF-8 */
    memset(&e, 0, offsetof(actri_envelope_t, metadata));
    e.route_key = request->route_key;
    e.request_id = request->request_id;
    e.traceparent = request->traceparent;
    e.tracestate = request->tracestate;
    e.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (status < 0) {
        (void)snprintf(line, sizeof line, "%s", message);
        actri_utf8_line(line);
        actri_envelope_set_error(&e, status, line);
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

/* NULL: out of memory. */
static actr_buf_t *make_reply(actri_state_path_t *path, const actri_envelope_t *request, actr_status_t status,
                              actr_bytes_t payload, const char *message)
{
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
    if (reply == NULL) actri_error(path->o.env, AREA, "out of memory: a reply is lost");
    return reply;
}

/* To what was not stored. */
static void send_reply(actri_state_path_t *path, const actr_id_t *to, uint64_t session, const actri_envelope_t *request,
                       actr_status_t status, const char *message)
{
    if (is_tell(request)) return;
    actr_buf_t *reply = make_reply(path, request, status, (actr_bytes_t){NULL, 0}, message);
    if (reply != NULL) actri_peer_gate_reply(path->gate, to, session, reply);
}

/* To a delivered mail; kept for its duplicates. */
static void answer_mail(actri_state_path_t *path, const actr_id_t *to, actri_mail_t *mail,
                        const actri_envelope_t *request, actr_status_t status, actr_bytes_t payload,
                        const char *message)
{
    if (is_tell(request)) return;
    actr_buf_t *reply = make_reply(path, request, status, payload, message);
    if (reply == NULL) return;
    actr_buf_release(mail->reply);
    mail->reply = actr_buf_retain(reply);
    actri_peer_gate_reply(path->gate, to, actri_mailbox_origin(path->o.mailbox, mail), reply);
}

static void refuse_request(actri_state_path_t *path, const actr_id_t *to, uint64_t session,
                           const actri_envelope_t *request, actr_status_t status, const char *message)
{
    actri_path_count(&path->stats.refused);
    actri_log_often(path->o.env, &path->refused, ACTR_LOG_INFO, AREA, "%.*s from %s refused: %s",
                    (int)request->route_key.size, (const char *)request->route_key.data, to->type.name, message);
    send_reply(path, to, session, request, status, message);
}

/* The log says why; the caller only learns that. */
static void deny(actri_state_path_t *path, const actr_id_t *to, uint64_t session, const actri_envelope_t *request,
                 const char *reason)
{
    char id[ACTR_ID_TEXT_SIZE], text[ACTR_ID_TEXT_SIZE + 80];
    (void)actr_id_print(to, id);
    actri_warn_often(path->o.env, &path->denied, AREA, "acl_denied: %s to %.*s: %s", id, (int)request->route_key.size,
                     (const char *)request->route_key.data, reason);
    (void)snprintf(text, sizeof text, "ACL denied: %s is not allowed to call", id);
    refuse_request(path, to, session, request, ACTR_STATUS_PERMISSION_DENIED, text);
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
    actri_path_count(&path->stats.received);
    if (is_tell(e)) actri_path_count(&path->stats.tells);
    char reason[ACTRI_ACL_REASON];
    actri_mail_t *mail = NULL;
    if (actri_path_drain_deadline(path) != 0) {
        refuse_request(path, &session->peer, session->number, e, ACTR_STATUS_SHUTTING_DOWN,
                       "the node is shutting down");
    } else if (!actri_acl_allows(path->o.config, &session->peer, reason)) {
        deny(path, &session->peer, session->number, e, reason);
    } else if ((mail = actri_mail_new(path->o.mailbox)) == NULL) {
        refuse_request(path, &session->peer, session->number, e, ACTR_STATUS_NO_MEMORY, "out of memory");
    }
    if (mail == NULL) {
        actr_buf_release(message);
        return;
    }
    mail->message = message;
    mail->sender_size = (uint8_t)actri_id_encode(&session->peer, mail->sender);
    mail->high = lane == ACTR_RPC_SIGNAL || actri_path_is_high(path, e->route_key);
    mail->origin = session->number;
    mail->deadline_ms = is_tell(e) ? 0 : actri_wall_ms() + timeout_of(e);
    actr_message_key((actr_bytes_t){mail->sender, mail->sender_size},
                     (actr_bytes_t){e->request_id.data, e->request_id.size}, mail->key);
    gather(path, mail);
}

/* ---- the turn ---- */

void actri_state_path_current(actri_state_path_t *path, char *text, size_t size)
{
    actri_answers_current(path->answers, text, size);
}

/* What the handler sees; the library's own entries are not the user's to read or to pass on. */
static void copy_metadata(actri_incoming_t *in, const actri_envelope_t *e)
{
    if (e->metadata_count == 0) return;
    actr_metadata_t *out = actri_arena_alloc(in->arena, e->metadata_count * sizeof *out);
    size_t count = 0;
    for (size_t i = 0; out != NULL && i < e->metadata_count; i++) {
        const actri_meta_t *meta = &e->metadata[i];
        if (actri_span_equal(meta->key, actri_span_text(ACTRI_CHAIN_KEY))) in->chain = meta->value;
        if (actri_span_equal(meta->key, actri_span_text(ACTRI_STREAM_KEY))) {
            in->stream = actri_arena_strndup(in->arena, (const char *)meta->value.data, meta->value.size);
        }
        if (actri_span_begins(meta->key, ACTRI_OWN_PREFIX)) continue;
        out[count].key = actri_arena_strndup(in->arena, (const char *)meta->key.data, meta->key.size);
        out[count].value = actri_arena_strndup(in->arena, (const char *)meta->value.data, meta->value.size);
        count++;
    }
    in->request.metadata = out;
    in->request.metadata_count = count;
}

static void fill_request(actri_incoming_t *in, const actri_envelope_t *e)
{
    in->request.route = actri_arena_strndup(in->arena, (const char *)e->route_key.data, e->route_key.size);
    in->request.payload = (actr_bytes_t){e->payload.data, e->payload.size};
    in->request.is_tell = is_tell(e);
    copy_metadata(in, e);
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

actr_status_t actri_path_serve(actri_state_path_t *path, actri_incoming_t *in, actri_turn_t *turn, actr_bytes_t *reply,
                               actr_error_t *error)
{
    turn->route = in->request.route;
    in->turn = turn;
    actri_turn_begin(path->answers, turn);
    actr_status_t status = path->o.serve(path->o.user, in, reply, error);
    actri_path_count(&path->stats.handled);
    return check_reply(status, in->arena, reply, error);
}

/* Runs the handler for a decoded request; the reply is in the arena. */
static actri_turn_end_t serve(actri_state_path_t *path, actri_mail_t *mail, const actri_envelope_t *e,
                              actri_incoming_t *in, actr_bytes_t *reply, actr_status_t *status, actr_error_t *error)
{
    actri_turn_t turn = {.mail = mail};
    in->request_id = actri_arena_strndup(in->arena, (const char *)e->request_id.data, e->request_id.size);
    in->traceparent = e->traceparent;
    in->tracestate = e->tracestate;
    fill_request(in, e);
    if (in->arena->failed) {
        *status = actri_no_memory(error);
        return ACTRI_TURN_ANSWER;
    }
    *status = actri_path_serve(path, in, &turn, reply, error);
    actri_path_count(&path->stats.from_peers);
    return actri_turn_end(&turn, status, error);
}

/* False when the request lives on, deferred. */
static bool run_request(actri_state_path_t *path, actri_mail_t *mail, const actri_envelope_t *e,
                        const actr_id_t *caller)
{
    int64_t deadline = monotonic_deadline(mail->deadline_ms);
    if (deadline <= actri_now_ns()) {
        actri_path_count(&path->stats.expired);
        answer_mail(path, caller, mail, e, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0},
                    "the request's time was up before its turn came");
        return true;
    }
    actri_arena_t arena;
    actri_arena_init(&arena, path->o.env);
    actri_incoming_t in = {.caller = caller, .deadline_ns = deadline, .arena = &arena};
    actr_bytes_t reply = {NULL, 0};
    actr_buf_t *by_reference = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status;
    in.reply = &by_reference;
    actri_turn_end_t end = serve(path, mail, e, &in, &reply, &status, &error);
    if (by_reference != NULL) reply = (actr_bytes_t){actr_buf_data(by_reference), actr_buf_size(by_reference)};
    if (status < 0) {
        actri_info(path->o.env, AREA, "%.*s from %s failed: %s", (int)e->route_key.size,
                   (const char *)e->route_key.data, caller->type.name, actr_error_message(&error));
    }
    if (end == ACTRI_TURN_ANSWER) {
        answer_mail(path, caller, mail, e, status, reply, actr_error_message(&error));
    }
    actr_buf_release(by_reference);
    actri_arena_clear(&arena);
    return end != ACTRI_TURN_DEFERRED;
}

void actri_state_path_answer(actri_state_path_t *path, actri_mail_t *mail, actr_status_t status, actr_bytes_t payload,
                             const char *message)
{
    actri_envelope_t e;
    actr_id_t caller;
    if (actri_envelope_decode(actr_buf_data(mail->message), actr_buf_size(mail->message), &e, NULL) != ACTR_OK) return;
    if (!actri_id_decode(mail->sender, mail->sender_size, &caller)) return;
    answer_mail(path, &caller, mail, &e, status, payload, message);
}

static void run_mail(actri_task_t *task)
{
    actri_mail_t *mail = ACTRI_CONTAINER(task, actri_mail_t, task);
    actri_state_path_t *path = mail->user;
    if (actri_path_is_drained(path)) {
        actri_mailbox_done(path->o.mailbox, mail, ACTRI_MAIL_KEEP, NULL);
        return;
    }
    actri_envelope_t e;
    actr_id_t caller;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_mailbox_begin(path->o.mailbox, mail, true);
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
    char reason[ACTRI_ACL_REASON];
    if (mail->redelivered && !actri_acl_allows(path->o.config, &caller, reason)) {
        deny(path, &caller, actri_mailbox_origin(path->o.mailbox, mail), &e, reason);
    } else if (!run_request(path, mail, &e, &caller)) {
        return;
    }
    actri_mailbox_done(path->o.mailbox, mail, ACTRI_MAIL_ACK, NULL);
}

/* ---- keys ---- */

static uint64_t ask_key(const actri_state_path_t *path, const actr_request_t *request)
{
    actr_bytes_t key = {NULL, 0};
    uint64_t number = 0;
    if (!path->o.key_of(request, &number, &key, path->o.key_user)) return 0;
    uint64_t hash = actri_siphash(path->key_seed, key.data, key.size);
    return hash != 0 ? hash : 1; /* two keys of one hash only wait for each other */
}

static uint64_t mail_key(actri_state_path_t *path, const actri_mail_t *mail)
{
    actri_envelope_t e;
    actri_arena_t arena;
    if (actri_envelope_decode(actr_buf_data(mail->message), actr_buf_size(mail->message), &e, NULL) != ACTR_OK)
        return 0;
    actri_arena_init(&arena, path->o.env);
    actri_incoming_t in = {.arena = &arena};
    fill_request(&in, &e);
    uint64_t key = arena.failed ? 0 : ask_key(path, &in.request);
    actri_arena_clear(&arena);
    return key;
}

uint64_t actri_state_path_key(actri_state_path_t *path, actri_task_t *task)
{
    if (path->o.key_of == NULL) return 0;
    if (task->run == run_mail) {
        actri_mail_t *mail = ACTRI_CONTAINER(task, actri_mail_t, task);
        actri_mailbox_begin(path->o.mailbox, mail, true); /* the workload's function looks into it */
        uint64_t key = mail_key(path, mail);
        actri_mailbox_begin(path->o.mailbox, mail, false);
        return key;
    }
    if (!actri_local_call_is(task)) return 0;
    actr_request_t request = {0};
    actri_local_call_request(ACTRI_CONTAINER(task, actri_local_call_t, task), &request);
    return ask_key(path, &request);
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

void actri_state_path_repeat(actri_state_path_t *path, const actri_mail_t *mail, actr_buf_t *reply)
{
    actr_id_t caller;
    actri_path_count(&path->stats.repeated);
    if (reply == NULL || !actri_id_decode(mail->sender, mail->sender_size, &caller)) return;
    actri_peer_gate_reply(path->gate, &caller, mail->origin, actr_buf_retain(reply));
}

void actri_state_path_dead(actri_state_path_t *path, const actri_mail_t *mail, const actr_error_t *cause)
{
    actr_error_t why = ACTR_ERROR_INIT;
    if (path->o.on_dead == NULL) return;
    (void)actri_fail(&why, cause->status, "stored request %lld has become a dead letter: %s", (long long)mail->sequence,
                     cause->message);
    path->o.on_dead(path->o.user, &why);
}

void actri_state_path_pressure(actri_state_path_t *path, uint64_t messages, uint64_t bytes)
{
    if (path->o.on_pressure != NULL) path->o.on_pressure(path->o.user, messages, bytes);
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
    actri_mutex_init(&path->room_mutex);
    actri_cond_init(&path->room);
    actri_random(path->key_seed, sizeof path->key_seed);
    actr_status_t status = actri_inbox_init(&path->inbox, path, error);
    if (status == ACTR_OK) status = actri_answers_new(path, &path->answers, error);
    if (status == ACTR_OK) {
        status = actri_slab_new(options->env, sizeof(actri_local_call_t), &path->calls, error);
    }
    if (status != ACTR_OK) {
        actri_state_path_free(path);
        return status;
    }
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
    actri_local_wake_makers(path);
    actri_inbox_wake(&path->inbox);
}

const actri_state_path_stats_t *actri_state_path_stats(const actri_state_path_t *path)
{
    return &path->stats;
}

void actri_state_path_close(actri_state_path_t *path)
{
    actri_answers_close(path->answers);
}

bool actri_state_path_wait_deferred(actri_state_path_t *path, int64_t deadline_ns)
{
    return actri_answers_wait(path->answers, deadline_ns);
}

uint32_t actri_state_path_deferred(actri_state_path_t *path)
{
    return actri_answers_deferred(path->answers);
}

unsigned actri_state_path_overtime(actri_state_path_t *path, int64_t now_ns, int64_t limit_ns)
{
    return actri_answers_overtime(path->answers, now_ns, limit_ns);
}

void actri_state_path_free(actri_state_path_t *path)
{
    if (path == NULL) return;
    if (path->answers != NULL) {
        actri_answers_close(path->answers);
        actri_answers_release(path->answers);
    }
    actri_inbox_destroy(&path->inbox);
    actri_slab_free(path->calls);
    actri_cond_destroy(&path->room);
    actri_mutex_destroy(&path->room_mutex);
    actri_free(path->o.env, path);
}
