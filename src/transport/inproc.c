/* SPDX-License-Identifier: Apache-2.0 */
/* The in-process manager: its channels, sending, receiving, life. All under the group's mutex. [any-thread] */
#include "transport/inproc.h"

#include "base/buf.h"
#include "port/clock.h"
#include "proto/meta.h"

#include <string.h>

#define ID_MAX 255

/* ---- channels ---- */

static actri_map_t *channels_of(actr_inproc_t *m, actr_payload_type_t type)
{
    bool stream = type == ACTR_STREAM_RELIABLE || type == ACTR_STREAM_LATENCY_FIRST;
    return stream ? &m->streams : type == ACTR_MEDIA_RTP ? &m->media : NULL;
}

static actr_status_t find_rpc_lane(const actr_inproc_t *m, actr_payload_type_t type, const char *id, actr_lane_t **lane,
                                   actr_error_t *error)
{
    *lane = type == ACTR_RPC_RELIABLE ? m->reliable : type == ACTR_RPC_SIGNAL ? m->signal : NULL;
    if (*lane == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "there is no payload type %d", (int)type);
    if (id != NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the lanes of requests have no id");
    return ACTR_OK;
}

/* The lane, with a reference. */
static actr_status_t find_lane_locked(actr_inproc_t *m, actr_payload_type_t type, const char *id, actr_lane_t **out,
                                      actr_error_t *error)
{
    const actri_map_t *channels = channels_of(m, type);
    actr_lane_t *lane = NULL;
    if (m->closed) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the manager is closed");
    if (channels == NULL) {
        actr_status_t status = find_rpc_lane(m, type, id, &lane, error);
        if (status != ACTR_OK) return status;
    } else if (id == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "streams and media need the id of a channel");
    } else {
        lane = actri_map_get(channels, id, strlen(id));
        if (lane == NULL) return actri_fail(error, ACTR_STATUS_NOT_FOUND, "no channel %s is open", id);
    }
    *out = actr_lane_retain(lane);
    return ACTR_OK;
}

/* *out is freed by the caller when this fails: without the mutex. */
static actr_status_t add_channel_locked(actr_inproc_t *m, actr_payload_type_t type, const char *id, actr_lane_t **out,
                                        actr_error_t *error)
{
    size_t size = strlen(id);
    if (m->streams.count + m->media.count >= m->max_channels) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%u channels are open already", m->max_channels);
    }
    actr_lane_t *lane = actri_lane_new(&m->group, ACTR_LANE_MPSC, type, m->lane_capacity, size + 1);
    if (lane == NULL) return actri_no_memory(error);
    lane->user = memcpy(lane + 1, id, size + 1);
    lane->drop = actri_received_drop;
    *out = lane;
    if (actri_map_put(channels_of(m, type), lane->user, size, lane) != ACTR_OK) return actri_no_memory(error);
    (void)actr_lane_retain(lane);
    return ACTR_OK;
}

actr_status_t actr_inproc_open_channel(actr_inproc_t *m, actr_payload_type_t type, const char *id, actr_lane_t **out,
                                       actr_error_t *error)
{
    if (m == NULL || channels_of(m, type) == NULL || id == NULL || id[0] == '\0' || strlen(id) > ID_MAX) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a channel needs a type of stream or media, and an id");
    }
    actr_lane_t *lane = NULL;
    actri_lock(&m->group.mutex);
    actr_status_t status = find_lane_locked(m, type, id, &lane, error);
    if (status == ACTR_STATUS_NOT_FOUND) status = add_channel_locked(m, type, id, &lane, error);
    actri_unlock(&m->group.mutex);
    if (status == ACTR_OK && out != NULL)
        *out = lane;
    else
        actr_lane_release(lane);
    return status;
}

bool actr_inproc_close_channel(actr_inproc_t *m, actr_payload_type_t type, const char *id)
{
    if (m == NULL || channels_of(m, type) == NULL || id == NULL) return false;
    actri_lock(&m->group.mutex);
    actr_lane_t *lane = actri_map_take(channels_of(m, type), id, strlen(id));
    if (lane != NULL) actri_lane_close_locked(lane);
    actri_unlock(&m->group.mutex);
    actr_lane_release(lane);
    return lane != NULL;
}

actr_status_t actr_inproc_lane(actr_inproc_t *m, actr_payload_type_t type, const char *id, actr_lane_t **lane,
                               actr_error_t *error)
{
    if (m == NULL || lane == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or lane is NULL");
    }
    actri_lock(&m->group.mutex);
    actr_status_t status = find_lane_locked(m, type, id, lane, error);
    actri_unlock(&m->group.mutex);
    return status;
}

/* ---- sending ---- */

typedef struct sending {
    actr_inproc_t *m;
    actr_payload_type_t type;
    const char *id;
    actr_envelope_t envelope;
    int64_t deadline_ns;
    actr_received_t *r;
} sending_t;

static const char *fault_of(const actr_envelope_t *e)
{
    if (e->payload == NULL) return "the payload is NULL";
    if (e->request_id != NULL && strlen(e->request_id) != ACTRI_REQUEST_ID_SIZE)
        return "a request id has 36 characters";
    return actri_meta_fault(e->metadata, e->metadata_count);
}

static actr_status_t begin(sending_t *s, actr_inproc_t *m, actr_payload_type_t type, const char *id,
                           const actr_envelope_t *envelope, actr_error_t *error)
{
    if (m == NULL || envelope == NULL || envelope->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or envelope, or its struct_size, is missing");
    }
    *s = (sending_t){.m = m, .type = type, .id = id, .envelope = ACTR_ENVELOPE_INIT};
    size_t size = envelope->struct_size;
    memcpy(&s->envelope, envelope, size < sizeof s->envelope ? size : sizeof s->envelope);
    const char *fault = fault_of(&s->envelope);
    if (fault != NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s", fault);
    uint32_t ms = s->envelope.timeout_ms != 0 ? s->envelope.timeout_ms : m->default_timeout_ms;
    s->deadline_ns = actri_lane_deadline(ms);
    s->r = actri_received_new(m, &s->envelope, type, id);
    if (s->r == NULL) return actri_no_memory(error);
    s->r->pending.deadline_ns = s->deadline_ns;
    return ACTR_OK;
}

/* Into the table; the waiter gets a reference beside the lane's. There is room in the lane. */
static actr_status_t enter_request_locked(actr_inproc_t *m, actr_received_t *r, actr_error_t *error)
{
    if (actri_map_get(&m->pending.by_id, r->pending.id, ACTRI_REQUEST_ID_SIZE) != NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "request %s is pending already", r->pending.id);
    }
    actr_status_t status = actri_pending_add(&m->pending, &r->pending, error);
    if (status != ACTR_OK) return status;
    m->stats.requests++;
    r->is_request = true;
    r->refs = 2;
    return ACTR_OK;
}

/* Into the lane, and a request into the table. wait: for room. */
static actr_status_t put_locked(sending_t *s, actr_lane_t *lane, bool is_request, bool wait, actr_error_t *error)
{
    actr_inproc_t *m = s->m;
    actr_status_t status = actri_lane_room_locked(lane, wait ? s->deadline_ns : 0, error);
    if (status == ACTR_OK && is_request) status = enter_request_locked(m, s->r, error);
    if (status == ACTR_STATUS_LIMIT_REACHED) m->stats.full++;
    if (status != ACTR_OK) return status;
    if (!is_request) m->stats.messages++;
    actri_lane_put_locked(lane, (actri_lane_slot_t){actr_buf_retain(s->r->envelope.payload), s->r});
    return ACTR_OK;
}

static void wait_for_end_locked(actr_inproc_t *m, actr_received_t *r)
{
    bool in_time = true;
    while (r->pending.heap_index != 0 && in_time) {
        in_time = actri_cond_wait(&r->ended, &m->group.mutex, r->pending.deadline_ns);
    }
    if (actri_pending_take_call(&m->pending, &r->pending)) {
        actri_received_ended_locked(r, ACTR_STATUS_TIMEOUT, NULL, "no answer in time");
    }
}

actr_status_t actr_inproc_send_request(actr_inproc_t *m, actr_payload_type_t type, const char *id,
                                       const actr_envelope_t *envelope, actr_buf_t **reply, actr_error_t *error)
{
    sending_t s;
    actr_lane_t *lane = NULL;
    if (reply != NULL) *reply = NULL;
    actr_status_t status = begin(&s, m, type, id, envelope, error);
    if (status != ACTR_OK) return status;
    actri_lock(&m->group.mutex);
    status = find_lane_locked(m, type, id, &lane, error);
    if (status == ACTR_OK) status = put_locked(&s, lane, true, true, error);
    bool sent = status == ACTR_OK;
    if (sent) wait_for_end_locked(m, s.r);
    actri_unlock(&m->group.mutex);
    actr_lane_release(lane);
    if (sent) {
        status = s.r->status;
        if (status != ACTR_OK && error != NULL) *error = s.r->error;
        if (status == ACTR_OK && reply != NULL) *reply = actr_buf_retain(s.r->reply);
    }
    actri_received_unref(s.r);
    return status;
}

actr_status_t actr_inproc_send_request_async(actr_inproc_t *m, actr_payload_type_t type, const char *id,
                                             const actr_envelope_t *envelope, actr_reply_fn on_reply, void *user,
                                             actr_error_t *error)
{
    sending_t s;
    actr_lane_t *lane = NULL;
    if (on_reply == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "on_reply is NULL");
    actr_status_t status = begin(&s, m, type, id, envelope, error);
    if (status != ACTR_OK) return status;
    s.r->on_reply = on_reply;
    s.r->user = user;
    actri_lock(&m->group.mutex);
    status = find_lane_locked(m, type, id, &lane, error);
    if (status == ACTR_OK) status = actri_inproc_start_thread_locked(m, error);
    if (status == ACTR_OK) status = put_locked(&s, lane, true, false, error);
    if (status == ACTR_OK && s.deadline_ns < m->wakes_at_ns) actri_cond_signal(&m->work);
    actri_unlock(&m->group.mutex);
    actr_lane_release(lane);
    if (status != ACTR_OK) actri_received_unref(s.r); /* else the thread's, until the callback has returned */
    return status;
}

actr_status_t actr_inproc_send_message(actr_inproc_t *m, actr_payload_type_t type, const char *id,
                                       const actr_envelope_t *envelope, actr_error_t *error)
{
    sending_t s;
    actr_lane_t *lane = NULL;
    actr_status_t status = begin(&s, m, type, id, envelope, error);
    if (status != ACTR_OK) return status;
    actri_lock(&m->group.mutex);
    status = find_lane_locked(m, type, id, &lane, error);
    if (status == ACTR_OK) status = put_locked(&s, lane, false, true, error);
    actri_unlock(&m->group.mutex);
    actr_lane_release(lane);
    if (status != ACTR_OK) actri_received_unref(s.r);
    return status;
}

/* ---- receiving ---- */

/* The next that is worth taking; the slot of bare bytes has no item. */
static bool take_locked(actr_inproc_t *m, actri_lane_slot_t *slot, actr_lane_t **lane, actri_link_t *stale)
{
    while ((*lane = actri_lane_next_locked(&m->group)) != NULL) {
        (void)actri_lane_take_locked(*lane, slot);
        actr_received_t *r = slot->item;
        if (r == NULL || !r->is_request || r->pending.heap_index != 0) return true;
        m->stats.stale++;
        actr_buf_release(slot->payload); /* not the last reference */
        actri_list_append(stale, &r->taken);
    }
    return false;
}

static bool await_locked(actr_inproc_t *m, int64_t deadline_ns)
{
    m->group.readers++;
    bool in_time = actri_cond_wait(&m->group.readable, &m->group.mutex, deadline_ns);
    m->group.readers--;
    return in_time;
}

/* Bare bytes that came through the lane become an envelope. */
static actr_status_t as_received(actr_inproc_t *m, const actri_lane_slot_t *slot, actr_payload_type_t type,
                                 const char *channel, actr_received_t **out, actr_error_t *error)
{
    *out = slot->item;
    if (slot->item == NULL) {
        actr_envelope_t envelope = ACTR_ENVELOPE_INIT;
        envelope.payload = slot->payload;
        *out = actri_received_new(m, &envelope, type, channel);
    }
    actr_buf_release(slot->payload);
    return *out != NULL ? ACTR_OK : actri_no_memory(error);
}

static actr_status_t receive(actr_inproc_t *m, int64_t deadline_ns, actr_received_t **out, actr_error_t *error)
{
    actri_lane_slot_t slot = {NULL, NULL};
    actr_lane_t *lane = NULL;
    actri_link_t stale, *link;
    bool in_time = true, found;
    char channel[ID_MAX + 1] = "";
    actr_payload_type_t type = ACTR_RPC_RELIABLE;
    actri_list_init(&stale);
    actri_lock(&m->group.mutex);
    while (!(found = take_locked(m, &slot, &lane, &stale)) && !m->closed && in_time) {
        in_time = await_locked(m, deadline_ns);
    }
    bool closed = m->closed;
    if (found) {
        type = lane->type;
        if (lane->user != NULL) memcpy(channel, lane->user, strlen(lane->user) + 1);
    }
    actri_unlock(&m->group.mutex);
    while ((link = actri_list_take(&stale)) != NULL) {
        actri_received_unref(ACTRI_CONTAINER(link, actr_received_t, taken));
    }
    if (found) return as_received(m, &slot, type, channel[0] == '\0' ? NULL : channel, out, error);
    if (closed) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the manager is closed");
    return actri_fail(error, ACTR_STATUS_TIMEOUT, "nothing came in time");
}

actr_status_t actr_inproc_recv(actr_inproc_t *m, uint32_t timeout_ms, actr_received_t **received, actr_error_t *error)
{
    if (m == NULL || received == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or received is NULL");
    }
    return receive(m, actri_lane_deadline(timeout_ms), received, error);
}

actr_status_t actr_inproc_try_recv(actr_inproc_t *m, actr_received_t **received, actr_error_t *error)
{
    if (m == NULL || received == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or received is NULL");
    }
    actr_status_t status = receive(m, 0, received, error);
    return status != ACTR_STATUS_TIMEOUT ? status : actri_fail(error, ACTR_STATUS_WOULD_BLOCK, "nothing is there");
}

/* ---- answers by id ---- */

static actr_status_t complete(actr_inproc_t *m, const char *id, actr_status_t status, actr_buf_t *payload,
                              const char *message, actr_error_t *error)
{
    actri_lock(&m->group.mutex);
    actri_pending_call_t *call = actri_map_get(&m->pending.by_id, id, strlen(id));
    if (call != NULL) {
        (void)actri_pending_take_call(&m->pending, call);
        actri_received_ended_locked(ACTRI_CONTAINER(call, actr_received_t, pending), status, payload, message);
    } else {
        m->stats.late_answers++;
    }
    actri_unlock(&m->group.mutex);
    return call != NULL ? ACTR_OK : actri_fail(error, ACTR_STATUS_NOT_FOUND, "no request %s is pending", id);
}

actr_status_t actr_inproc_complete_response(actr_inproc_t *m, const char *request_id, actr_buf_t *payload,
                                            actr_error_t *error)
{
    if (m == NULL || request_id == NULL || payload == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager, request_id or payload is NULL");
    }
    return complete(m, request_id, ACTR_OK, payload, NULL, error);
}

actr_status_t actr_inproc_complete_error(actr_inproc_t *m, const char *request_id, actr_status_t status,
                                         const char *message, actr_error_t *error)
{
    if (m == NULL || request_id == NULL || message == NULL || status >= 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "an error needs an id, a negative status and a message");
    }
    return complete(m, request_id, status, NULL, message, error);
}

void actr_inproc_get_stats(actr_inproc_t *m, actr_inproc_stats_t *stats)
{
    size_t size = stats->struct_size;
    actr_inproc_stats_t now = {0};
    if (m != NULL) {
        actri_lock(&m->group.mutex);
        now = m->stats;
        now.pending = (uint32_t)actri_pending_count(&m->pending);
        now.channels = (uint32_t)(m->streams.count + m->media.count);
        actri_unlock(&m->group.mutex);
    }
    now.struct_size = size;
    memcpy(stats, &now, size < sizeof now ? size : sizeof now);
}
