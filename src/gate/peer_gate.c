/* SPDX-License-Identifier: Apache-2.0 */
/* Calls are added by any thread under the mutex; they end on the loop. */
#include "gate/peer_gate.h"

#include "gate/error_code.h"
#include "port/often.h"
#include "port/random.h"
#include "port/thread.h"

#define AREA "gate"
#define MOST_REPEATS 8
#define KEPT_BYTES (64u << 20)       /* of the messages that may have to be sent again */
#define REPLY_NS (30 * ACTRI_SECOND) /* how long a reply may wait for room */

struct actri_peer_gate {
    const actri_env_t *env;
    actri_loop_t *loop;
    actri_outproc_t *outproc;
    actri_peer_gate_handlers_t handlers;
    void *user;
    actr_status_t (*relay)(void *user, const actri_relay_t *relay, actr_error_t *error);
    void *relay_user;
    actri_request_key_t key;
    uint64_t unique;       /* atomic */
    actri_often_t dropped; /* log lines */

    actri_mutex_t mutex; /* guards pending to kept_bytes */
    actri_pending_t pending;
    bool closed;
    size_t kept_bytes;

    actri_timer_t expiry; /* [loop], for the earliest deadline */
    actri_gate_stats_t stats;
    uint64_t replies_sent, replies_dropped; /* atomic */
    actri_envelope_t envelope;              /* [loop] room for the one that is being read */
};

typedef struct reply {
    actri_parcel_t parcel;
    actri_peer_gate_t *gate;
} reply_t;

static void count(uint64_t *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* ---- the end of a call ---- */

void actri_call_release(actri_call_t *call)
{
    if (call == NULL) return;
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_buf_release(call->parcel.message);
    actr_buf_release(call->reply);
    actr_buf_release(call->kept);
    actri_free(call->gate->env, call);
}

/* Takes the reference: the message of a call that has just been sent. Under the mutex. */
static void keep_message(actri_call_t *call, actr_buf_t *message)
{
    actri_peer_gate_t *gate = call->gate;
    bool wanted =
        call->retry == ACTR_RETRY_ALWAYS || (call->retry == ACTR_RETRY_SAFE && call->parcel.lane == ACTR_RPC_RELIABLE);
    size_t size = actr_buf_size(message);
    if (!wanted || call->repeats == MOST_REPEATS || gate->kept_bytes + size > KEPT_BYTES) {
        actr_buf_release(message);
        return;
    }
    gate->kept_bytes += size;
    call->kept = message;
}

/* The call gives its message up; the reference is the callee's. Under the mutex. */
static actr_buf_t *unkeep_message(actri_call_t *call)
{
    actr_buf_t *message = call->kept;
    if (message != NULL) call->gate->kept_bytes -= actr_buf_size(message);
    call->kept = NULL;
    return message;
}

static void end_call(actri_call_t *call, actr_status_t status, actr_buf_t *reply, const actr_error_t *error)
{
    actri_gate_stats_t *stats = &call->gate->stats;
    if (call->kept != NULL) {
        actri_lock(&call->gate->mutex);
        actr_buf_t *kept = unkeep_message(call);
        actri_unlock(&call->gate->mutex);
        actr_buf_release(kept);
    }
    call->status = status;
    call->reply = reply;
    if (error != NULL) call->error = *error;
    if (status == ACTR_STATUS_TIMEOUT)
        count(&stats->calls_timed_out);
    else if (status != ACTR_OK)
        count(&stats->calls_failed);
    else if (!call->is_tell)
        count(&stats->calls_answered);
    call->on_end(call);
    actri_call_release(call);
}

static void end_list(actri_link_t *calls, const actr_error_t *error)
{
    actri_link_t *link;
    while ((link = actri_list_take(calls)) != NULL) {
        actri_call_t *call = ACTRI_CONTAINER(link, actri_call_t, pending.link);
        end_call(call, error->status, NULL, error);
    }
}

static void arm_expiry(actri_peer_gate_t *gate, int64_t deadline_ns)
{
    if (gate->expiry.heap_index != 0 && gate->expiry.deadline_ns <= deadline_ns) return;
    actri_loop_timer_set(gate->loop, &gate->expiry, deadline_ns);
}

static void on_expiry(actri_timer_t *timer)
{
    actri_peer_gate_t *gate = ACTRI_CONTAINER(timer, actri_peer_gate_t, expiry);
    actri_link_t expired;
    actri_list_init(&expired);
    actri_lock(&gate->mutex);
    actri_pending_call_t *pending;
    while ((pending = actri_pending_take_expired(&gate->pending, actri_now_ns())) != NULL) {
        if (pending->session == 0) continue; /* its parcel still waits: the queue tells */
        actri_list_append(&expired, &pending->link);
    }
    int64_t next = actri_pending_next_deadline(&gate->pending);
    actri_unlock(&gate->mutex);
    if (next != ACTRI_NEVER) actri_loop_timer_set(gate->loop, timer, next);
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_TIMEOUT, "no reply in time");
    end_list(&expired, &error);
}

/* What it means to the caller that the parcel did not leave. */
static actr_status_t unsent_status(const actri_call_t *call, actr_status_t status, const actr_error_t *error,
                                   actr_error_t *out)
{
    *out = *error;
    if (status == ACTR_STATUS_TIMEOUT && call->has_send_by) out->status = ACTR_STATUS_UNAVAILABLE;
    if (call->repeats == 0 || status == ACTR_STATUS_TIMEOUT) return out->status;
    return actri_fail(out, ACTR_STATUS_DELIVERY_UNCERTAIN, "the peer went before it answered: %.300s", error->message);
}

/* A tell, or a call that was cancelled meanwhile. */
static void end_parcel(actri_call_t *call, bool over, actr_status_t status, const actr_error_t *error)
{
    actr_error_t why = ACTR_ERROR_INIT;
    if (over) {
        actri_call_release(call);
        return;
    }
    if (status != ACTR_OK) status = unsent_status(call, status, error, &why);
    end_call(call, status, NULL, status != ACTR_OK ? &why : NULL);
}

/* The parcel of a call has reached SCTP, or never will. */
static void on_call_sent(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    actri_call_t *call = ACTRI_CONTAINER(parcel, actri_call_t, parcel);
    actri_peer_gate_t *gate = call->gate;
    actr_buf_t *message = parcel->message;
    parcel->message = NULL;
    actri_lock(&gate->mutex);
    bool over = call->over;
    if (over || call->is_tell) {
        call->over = true;
        actri_unlock(&gate->mutex);
        actr_buf_release(message);
        end_parcel(call, over, status, error);
        return;
    }
    bool waiting = call->pending.heap_index != 0;
    bool ends = !waiting || status != ACTR_OK;
    if (status == ACTR_OK) call->pending.session = sent_on;
    if (waiting && ends) (void)actri_pending_take_call(&gate->pending, &call->pending);
    if (ends) call->over = true;
    int64_t deadline = call->pending.deadline_ns;
    if (ends)
        actr_buf_release(message);
    else
        keep_message(call, message);
    actri_unlock(&gate->mutex);
    if (!ends) { /* from here on the call may be gone: a cancellation */
        arm_expiry(gate, deadline);
        return;
    }
    actr_error_t why = ACTR_ERROR_INIT;
    if (status == ACTR_OK) { /* its deadline passed between the queue and here */
        status = actri_fail(&why, ACTR_STATUS_TIMEOUT, "no reply in time");
    } else {
        status = unsent_status(call, status, error, &why);
    }
    end_call(call, status, NULL, &why);
}

void actri_peer_gate_cancel(actri_call_t *call)
{
    actri_peer_gate_t *gate = call->gate;
    actri_lock(&gate->mutex);
    bool waiting = !call->over && actri_pending_take_call(&gate->pending, &call->pending);
    bool unsent = call->pending.session == 0; /* on_call_sent is still to come; it gives the gate's reference back */
    bool ends = waiting || (unsent && !call->over);
    if (ends) call->over = true;
    actri_unlock(&gate->mutex);
    if (!ends) return;
    if (unsent) (void)__atomic_add_fetch(&call->refs, 1, __ATOMIC_RELAXED);
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_CANCELLED, "the caller cancelled it");
    end_call(call, ACTR_STATUS_CANCELLED, NULL, &error);
}

/* ---- out ---- */

static actr_buf_t *encode(actri_peer_gate_t *gate, const actri_call_spec_t *spec, const char *id)
{
    actri_envelope_t *e = actri_alloc(gate->env, sizeof *e);
    if (e == NULL) return NULL;
    memset(e, 0, offsetof(actri_envelope_t, metadata));
    e->route_key = actri_span_text(spec->route);
    e->has_payload = true;
    e->payload = actri_span(spec->payload.data, spec->payload.size);
    e->traceparent = spec->traceparent;
    e->tracestate = spec->tracestate;
    e->request_id = actri_span(id, ACTRI_REQUEST_ID_SIZE);
    e->timeout_ms = spec->is_tell ? 0 : spec->timeout_ms;
    e->metadata_count = spec->metadata_count;
    for (size_t i = 0; i < spec->metadata_count; i++) {
        e->metadata[i].key = actri_span_text(spec->metadata[i].key);
        e->metadata[i].value = actri_span_text(spec->metadata[i].value);
    }
    if (spec->chain.size > 0) {
        e->metadata[e->metadata_count].key = actri_span_text(ACTRI_CHAIN_KEY);
        e->metadata[e->metadata_count++].value = spec->chain;
    }
    actr_buf_t *message = actri_buf_new(gate->env, actri_envelope_size(e));
    if (message != NULL) actri_envelope_encode(e, message->data);
    actri_free(gate->env, e);
    return message;
}

static actr_status_t check_spec(const actri_call_spec_t *spec, actr_error_t *error)
{
    if (spec->route == NULL || spec->route[0] == '\0') {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the route is empty");
    }
    if (spec->payload.size > 0 && spec->payload.data == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the payload is NULL");
    }
    if (spec->metadata_count >= ACTRI_METADATA_MAX) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d metadata entries are the limit",
                          ACTRI_METADATA_MAX - 1);
    }
    if (spec->lane != ACTR_RPC_RELIABLE && spec->lane != ACTR_RPC_SIGNAL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "payload type %d carries no calls", (int)spec->lane);
    }
    if (!actri_utf8_valid(actri_span_text(spec->route)) || !actri_utf8_valid(spec->traceparent) ||
        !actri_utf8_valid(spec->tracestate)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the route or the trace context is not UTF-8");
    }
    return ACTR_OK;
}

uint64_t actri_peer_gate_new_id(actri_peer_gate_t *gate, char id[ACTRI_REQUEST_ID_SIZE + 1])
{
    uint64_t number = __atomic_add_fetch(&gate->unique, 1, __ATOMIC_RELAXED);
    actri_request_id_make(&gate->key, number, id);
    return number;
}

bool actri_peer_gate_is_own_id(const actri_peer_gate_t *gate, actri_span_t id)
{
    return actri_request_id_is_ours(&gate->key, id);
}

static actr_status_t new_call(actri_peer_gate_t *gate, const actri_call_spec_t *spec, actri_call_t **out,
                              actr_error_t *error)
{
    actr_status_t status = check_spec(spec, error);
    if (status != ACTR_OK) return status;
    actri_call_t *call = actri_zalloc(gate->env, sizeof *call);
    if (call == NULL) return actri_no_memory(error);
    call->gate = gate;
    call->refs = 1;
    call->is_tell = spec->is_tell;
    call->retry = spec->retry;
    call->has_send_by = spec->send_by_ns != 0;
    call->number = actri_peer_gate_new_id(gate, call->pending.id);
    call->pending.target = *spec->to;
    call->pending.deadline_ns = spec->deadline_ns;
    call->parcel.to = *spec->to;
    call->parcel.lane = spec->lane;
    call->parcel.deadline_ns = spec->send_by_ns != 0 ? spec->send_by_ns : spec->deadline_ns;
    call->parcel.done = on_call_sent;
    call->parcel.message = encode(gate, spec, call->pending.id);
    if (call->parcel.message == NULL) {
        status = actri_no_memory(error);
    } else if (actr_buf_size(call->parcel.message) > ACTRI_RTC_MESSAGE_MAX) {
        status = actri_fail(error, ACTR_STATUS_TOO_LARGE, "the request takes %zu bytes, %d are the limit",
                            actr_buf_size(call->parcel.message), ACTRI_RTC_MESSAGE_MAX);
    }
    if (status != ACTR_OK) {
        actri_call_release(call);
        return status;
    }
    *out = call;
    return ACTR_OK;
}

actr_status_t actri_peer_gate_start(actri_peer_gate_t *gate, const actri_call_spec_t *spec,
                                    void (*on_end)(actri_call_t *call), void *user, actri_call_t **out,
                                    actr_error_t *error)
{
    actri_call_t *call = NULL;
    actr_status_t status = new_call(gate, spec, &call, error);
    if (status != ACTR_OK) return status;
    call->on_end = on_end;
    call->user = user;
    actri_lock(&gate->mutex);
    if (gate->closed) {
        status = actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    } else if (!call->is_tell) {
        status = actri_pending_add(&gate->pending, &call->pending, error);
    }
    if (status == ACTR_OK) { /* under the mutex: what was not refused is in the inbox before close begins */
        (void)__atomic_add_fetch(&call->refs, 1, __ATOMIC_RELAXED);
        *out = call;
        actri_outproc_send(gate->outproc, &call->parcel);
    }
    actri_unlock(&gate->mutex);
    if (status != ACTR_OK) {
        actri_call_release(call);
        return status;
    }
    if (!spec->is_tell) count(&gate->stats.calls_started);
    return ACTR_OK;
}

static void on_reply_sent(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    (void)sent_on;
    reply_t *reply = ACTRI_CONTAINER(parcel, reply_t, parcel);
    actri_peer_gate_t *gate = reply->gate;
    if (status == ACTR_OK) {
        count(&gate->replies_sent);
    } else {
        count(&gate->replies_dropped);
        actri_info(gate->env, AREA, "a reply to %s was dropped: %s", parcel->to.type.name, actr_error_message(error));
    }
    actr_buf_release(parcel->message);
    actri_free(gate->env, reply);
}

void actri_peer_gate_reply(actri_peer_gate_t *gate, const actr_id_t *to, uint64_t session, actr_buf_t *message)
{
    reply_t *reply = session == 0 ? NULL : actri_alloc(gate->env, sizeof *reply);
    if (reply == NULL) {
        count(&gate->replies_dropped);
        actr_buf_release(message);
        return;
    }
    memset(&reply->parcel, 0, sizeof reply->parcel);
    reply->gate = gate;
    reply->parcel.to = *to;
    reply->parcel.session = session;
    reply->parcel.lane = ACTR_RPC_RELIABLE; /* whatever lane the request took (levels 2.4) */
    reply->parcel.message = message;
    reply->parcel.deadline_ns = actri_now_ns() + REPLY_NS;
    reply->parcel.done = on_reply_sent;
    actri_outproc_send(gate->outproc, &reply->parcel);
}

/* ---- in ---- */

static void take_reply(actri_peer_gate_t *gate, const actri_session_t *session, actr_buf_t *message,
                       const actri_envelope_t *e)
{
    actri_lock(&gate->mutex);
    actri_pending_call_t *pending = actri_pending_take_reply(&gate->pending, e->request_id, &session->peer);
    actri_call_t *call = pending == NULL ? NULL : ACTRI_CONTAINER(pending, actri_call_t, pending);
    if (call != NULL && pending->session == 0) { /* a repetition whose parcel still waits, and will find it over */
        call->over = true;
        (void)__atomic_add_fetch(&call->refs, 1, __ATOMIC_RELAXED);
    }
    actri_unlock(&gate->mutex);
    if (call == NULL) {
        count(&gate->stats.late_replies);
        actri_debug(gate->env, AREA, "a reply that nobody waits for, from %s", session->peer.type.name);
        actr_buf_release(message);
        return;
    }
    actr_error_t error = ACTR_ERROR_INIT;
    if (e->has_payload && !e->has_error) {
        actri_buf_window(message, e->payload.data, e->payload.size);
        end_call(call, ACTR_OK, message, NULL);
        return;
    }
    actr_status_t status;
    if (e->has_error && !e->has_payload) {
        status = actri_envelope_get_error(e, &error);
    } else {
        status = actri_fail(&error, ACTR_STATUS_DECODE, "the reply has %s",
                            e->has_error ? "both payload and error" : "neither payload nor error");
    }
    actr_buf_release(message);
    end_call(call, status, NULL, &error);
}

static void on_rpc(actri_peer_gate_t *gate, const actri_session_t *session, actr_payload_type_t lane,
                   actr_buf_t *message)
{
    actri_envelope_t *e = &gate->envelope;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), e, &error);
    if (status == ACTR_OK && actri_request_id_is_ours(&gate->key, e->request_id)) {
        take_reply(gate, session, message, e);
        return;
    }
    if (status == ACTR_OK && (e->has_error || !e->has_payload)) {
        status = actri_fail(&error, ACTR_STATUS_DECODE, "an envelope that is neither a request nor a reply of ours");
    }
    if (status == ACTR_OK) {
        gate->handlers.on_request(gate->user, session, lane, message, e);
        return;
    }
    count(&gate->stats.bad_messages);
    actri_warn_often(gate->env, &gate->dropped, AREA, "%zu bytes from %s dropped: %s", actr_buf_size(message),
                     session->peer.type.name, error.message);
    actr_buf_release(message);
}

static void on_message(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    actri_peer_gate_t *gate = user;
    if (lane == ACTR_RPC_RELIABLE || lane == ACTR_RPC_SIGNAL) {
        on_rpc(gate, session, lane, message);
    } else {
        gate->handlers.on_stream(gate->user, session, lane, message);
    }
}

static bool on_credit(void *user, const actri_session_t *session, actr_buf_t *message, bool tapped)
{
    actri_peer_gate_t *gate = user;
    return gate->handlers.on_credit != NULL && gate->handlers.on_credit(gate->user, session, message, tapped);
}

/* ---- peers ---- */

static void tell_peer(actri_peer_gate_t *gate, const actri_session_t *session, actr_event_kind_t kind,
                      actr_status_t status, const char *detail)
{
    actr_event_t event = {
        .kind = kind, .peer = &session->peer, .detail = detail, .relayed = session->relayed, .status = status};
    gate->handlers.on_peer(gate->user, session, &event);
}

static void on_connecting(void *user, const actr_id_t *peer)
{
    actri_session_t none = {.peer = *peer};
    tell_peer(user, &none, ACTR_EVENT_PEER_CONNECTING, ACTR_OK, "");
}

static void on_failed(void *user, const actr_id_t *peer, const actr_error_t *why)
{
    actri_session_t none = {.peer = *peer};
    tell_peer(user, &none, ACTR_EVENT_PEER_CLOSED, why->status, why->message);
}

static void on_up(void *user, const actri_session_t *session, const char *description)
{
    actri_peer_gate_t *gate = user;
    count(&gate->stats.peers_connected);
    tell_peer(gate, session, ACTR_EVENT_PEER_CONNECTED, ACTR_OK, description);
}

static void on_silent(void *user, const actri_session_t *session)
{
    actri_peer_gate_t *gate = user;
    tell_peer(gate, session, ACTR_EVENT_PEER_RECOVERING, ACTR_OK, "nothing is heard from the peer");
}

static bool started_before(const actri_link_t *a, const actri_link_t *b)
{
    return ACTRI_CONTAINER(a, const actri_call_t, pending.link)->number <
           ACTRI_CONTAINER(b, const actri_call_t, pending.link)->number;
}

/* Puts it back into the table, its parcel ready to go again; false when it has to end. Under the mutex. */
static bool prepare_repeat(actri_peer_gate_t *gate, actri_call_t *call, bool is_actr)
{
    actr_error_t ignored;
    bool safe = is_actr || call->retry == ACTR_RETRY_ALWAYS;
    if (call->kept == NULL || !safe || gate->closed || call->pending.deadline_ns <= actri_now_ns()) return false;
    if (actri_pending_add(&gate->pending, &call->pending, &ignored) != ACTR_OK) return false;
    call->pending.session = 0;
    call->parcel.message = unkeep_message(call);
    call->parcel.deadline_ns = call->pending.deadline_ns;
    call->parcel.session = 0;
    call->has_send_by = false; /* it was sent: from now on a time-out is one */
    call->repeats++;
    return true;
}

/* The calls that were sent on a session which has ended: those that may be sent again go to `repeats`, as parcels. */
static void take_lost(actri_peer_gate_t *gate, const actri_session_t *session, bool may_repeat, actri_link_t *lost,
                      actri_link_t *repeats)
{
    actri_link_t calls, *link;
    actri_list_init(&calls);
    actri_pending_take_session(&gate->pending, session->number, &calls);
    actri_list_sort(&calls, started_before);
    while ((link = actri_list_take(&calls)) != NULL) {
        actri_call_t *call = ACTRI_CONTAINER(link, actri_call_t, pending.link);
        if (may_repeat && prepare_repeat(gate, call, session->is_actr))
            actri_list_append(repeats, &call->parcel.link);
        else
            actri_list_append(lost, link);
    }
}

static void on_down(void *user, const actri_session_t *session, const actr_error_t *why)
{
    actri_peer_gate_t *gate = user;
    actri_link_t lost, repeats;
    count(&gate->stats.peers_closed);
    actri_list_init(&lost);
    actri_list_init(&repeats);
    actri_lock(&gate->mutex);
    take_lost(gate, session, why->status != ACTR_STATUS_CANCELLED, &lost, &repeats); /* the program closed it */
    actri_unlock(&gate->mutex);
    tell_peer(gate, session, ACTR_EVENT_PEER_CLOSED, why->status, why->message);
    while (!actri_list_empty(&repeats)) { /* before what is newer: the last one first */
        actri_parcel_t *parcel = ACTRI_CONTAINER(repeats.prev, actri_parcel_t, link);
        actri_list_remove(&parcel->link);
        count(&gate->stats.calls_repeated);
        actri_outproc_send_first(gate->outproc, parcel);
    }
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_DELIVERY_UNCERTAIN, "the peer went before it answered: %s", why->message);
    end_list(&lost, &error);
}

static actr_status_t relay_out(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    actri_peer_gate_t *gate = user;
    return gate->relay(gate->relay_user, relay, error);
}

/* ---- life ---- */

actr_status_t actri_peer_gate_new(const actri_peer_gate_options_t *options, const actri_peer_gate_handlers_t *handlers,
                                  void *user, actri_peer_gate_t **out, actr_error_t *error)
{
    static const actri_outproc_handlers_t events = {relay_out, on_connecting, on_up,      on_silent,
                                                    on_down,   on_failed,     on_message, on_credit};
    const actri_env_t *env = options->coordinator->env;
    actri_peer_gate_t *gate = actri_zalloc(env, sizeof *gate);
    if (gate == NULL) return actri_no_memory(error);
    gate->env = env;
    gate->loop = options->coordinator->loop;
    gate->handlers = *handlers;
    gate->user = user;
    gate->relay = options->relay;
    gate->relay_user = options->relay_user;
    gate->expiry.fire = on_expiry;
    actri_random(&gate->key, sizeof gate->key);
    gate->unique = actri_random_u64() >> 16;
    actri_mutex_init(&gate->mutex);
    actri_pending_init(&gate->pending, env, options->max_pending);
    actr_status_t status = actri_outproc_new(options->coordinator, &events, gate, &gate->outproc, error);
    if (status != ACTR_OK) {
        actri_peer_gate_free(gate);
        return status;
    }
    *out = gate;
    return ACTR_OK;
}

typedef struct closing { /* [loop] part of actri_peer_gate_close */
    actri_task_t task;
    actri_peer_gate_t *gate;
} closing_t;

static void end_all(actri_task_t *task)
{
    actri_peer_gate_t *gate = ACTRI_CONTAINER(task, closing_t, task)->gate;
    actri_link_t calls;
    actri_list_init(&calls);
    actri_lock(&gate->mutex);
    actri_pending_take_session(&gate->pending, 0, &calls);
    actri_unlock(&gate->mutex);
    actri_loop_timer_cancel(gate->loop, &gate->expiry);
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    end_list(&calls, &error);
}

void actri_peer_gate_close(actri_peer_gate_t *gate)
{
    actri_lock(&gate->mutex);
    gate->closed = true;
    actri_unlock(&gate->mutex);
    actri_outproc_close(gate->outproc); /* parcels fail, sent calls end by on_down */
    closing_t closing = {.task = {.run = end_all}, .gate = gate};
    actri_loop_post(gate->loop, &closing.task);
    actri_outproc_flush(gate->outproc); /* runs after it */
}

void actri_peer_gate_free(actri_peer_gate_t *gate)
{
    if (gate == NULL) return;
    actri_outproc_free(gate->outproc);
    actri_pending_clear(&gate->pending);
    actri_mutex_destroy(&gate->mutex);
    actri_free(gate->env, gate);
}

actri_outproc_t *actri_peer_gate_outproc(actri_peer_gate_t *gate)
{
    return gate->outproc;
}

const actri_gate_stats_t *actri_peer_gate_stats(const actri_peer_gate_t *gate)
{
    return &gate->stats;
}

void actri_peer_gate_reply_counts(const actri_peer_gate_t *gate, uint64_t *sent, uint64_t *dropped)
{
    *sent = __atomic_load_n(&gate->replies_sent, __ATOMIC_RELAXED);
    *dropped = __atomic_load_n(&gate->replies_dropped, __ATOMIC_RELAXED);
}

size_t actri_peer_gate_pending(actri_peer_gate_t *gate)
{
    actri_lock(&gate->mutex);
    size_t result = actri_pending_count(&gate->pending);
    actri_unlock(&gate->mutex);
    return result;
}
