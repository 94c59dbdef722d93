/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face of a node's connections: bytes by destination and payload type, lanes to a peer, what is connected.
 * The work is done in src/transport; this keeps the node open meanwhile. [any-thread]
 */
#include "port/waiter.h"

#include "base/buf.h"
#include "dispatch/acl.h"
#include "lifecycle/node.h"
#include "port/clock.h"
#include "transport/lane.h"

#include <string.h>

actr_outproc_t *actr_ref_outproc(actr_ref_t *ref)
{
    return ref == NULL ? NULL : &ref->outproc;
}

/* ---- what may be sent ---- */

static actr_status_t check_dest(const actr_node_t *node, const actr_dest_t *dest, actr_error_t *error)
{
    if (dest == NULL || dest->kind != ACTR_DEST_ACTOR) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "only actors have connections");
    }
    if (actr_id_equal(&dest->id, actri_node_id(node))) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "that is this node itself");
    }
    return ACTR_OK;
}

static actr_status_t check_type(actr_payload_type_t type, actr_error_t *error)
{
    if (type == ACTR_MEDIA_RTP) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "no lane to a peer carries media");
    }
    if ((unsigned)type < ACTRI_RTC_LANES) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "there is no payload type %d", (int)type);
}

/* An answer must be known as one, and a chain of waiting actors can not be forged. */
static actr_status_t check_envelope(const actr_node_t *node, const actr_buf_t *message, actr_error_t *error)
{
    actri_envelope_t *e = actri_alloc(&node->system->env, sizeof *e);
    if (e == NULL) return actri_no_memory(error);
    actr_status_t status = actri_envelope_decode(actr_buf_data(message), actr_buf_size(message), e, error);
    if (status == ACTR_OK && !actri_peer_gate_is_own_id(node->gate, e->request_id)) {
        status = actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the request id is not from actr_outproc_request_id");
    }
    for (size_t i = 0; status == ACTR_OK && i < e->metadata_count; i++) {
        if (!actri_span_begins(e->metadata[i].key, ACTRI_OWN_PREFIX)) continue;
        status =
            actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "metadata keys that begin with actr- are libactr's own");
    }
    actri_free(&node->system->env, e);
    return status;
}

static actr_status_t check_message(const actr_node_t *node, actr_payload_type_t type, const actr_buf_t *message,
                                   actr_error_t *error)
{
    size_t size = actr_buf_size(message);
    if (size == 0) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "an empty message can not be sent");
    if (size > ACTRI_RTC_MESSAGE_MAX) {
        return actri_fail(error, ACTR_STATUS_TOO_LARGE, "%zu bytes, %d are the limit", size, ACTRI_RTC_MESSAGE_MAX);
    }
    bool rpc = type == ACTR_RPC_RELIABLE || type == ACTR_RPC_SIGNAL;
    return rpc ? check_envelope(node, message, error) : ACTR_OK;
}

/* ---- sending ---- */

typedef struct outgoing {
    actri_parcel_t parcel;
    actr_node_t *node;
    actri_waiter_t waiter; /* blocking: on the caller's stack, done comes at the deadline at the latest */
    actri_task_t task;     /* asynchronous: a block of memory */
    actr_reply_fn on_sent; /* NULL: nobody wants to know */
    void *user;
    actr_status_t status;
    actr_error_t error;
} outgoing_t;

static void note_outcome(outgoing_t *out, actr_status_t status, const actr_error_t *error)
{
    out->status = status;
    if (error != NULL) out->error = *error;
    actr_buf_release(out->parcel.message);
}

static void wake_sender(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    outgoing_t *out = ACTRI_CONTAINER(parcel, outgoing_t, parcel);
    (void)sent_on;
    note_outcome(out, status, error);
    actri_waiter_wake(&out->waiter);
}

static void run_sent(actri_task_t *task)
{
    outgoing_t *out = ACTRI_CONTAINER(task, outgoing_t, task);
    out->on_sent(out->status, NULL, &out->error, out->user);
    actri_free(&out->node->system->env, out);
}

static void post_sent(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    outgoing_t *out = ACTRI_CONTAINER(parcel, outgoing_t, parcel);
    (void)sent_on;
    note_outcome(out, status, error);
    if (out->on_sent != NULL)
        actri_serial_post(out->node->serial, &out->task, false);
    else
        actri_free(&out->node->system->env, out);
}

static void fill_parcel(outgoing_t *out, actr_node_t *node, const actr_id_t *to, actr_payload_type_t type,
                        actr_buf_t *message, uint32_t timeout_ms)
{
    memset(out, 0, offsetof(outgoing_t, error));
    out->error = (actr_error_t)ACTR_ERROR_INIT;
    out->node = node;
    out->parcel.to = *to;
    out->parcel.lane = type;
    out->parcel.deadline_ns = actri_lane_deadline(timeout_ms);
    out->parcel.message = actr_buf_retain(message);
}

/* Inside the node. */
static actr_status_t send_and_wait(actr_node_t *node, const actr_id_t *to, actr_payload_type_t type,
                                   actr_buf_t *message, uint32_t timeout_ms, actr_error_t *error)
{
    outgoing_t out;
    fill_parcel(&out, node, to, type, message, timeout_ms);
    actri_waiter_init(&out.waiter);
    out.parcel.done = wake_sender;
    actri_outproc_send(node->outproc, &out.parcel);
    actri_waiter_wait(&out.waiter);
    if (out.status != ACTR_OK && error != NULL) *error = out.error;
    return out.status;
}

static actr_status_t send_and_go(actr_node_t *node, const actr_id_t *to, actr_payload_type_t type, actr_buf_t *message,
                                 uint32_t timeout_ms, actr_reply_fn on_sent, void *user, actr_error_t *error)
{
    outgoing_t *out = actri_alloc(&node->system->env, sizeof *out);
    if (out == NULL) return actri_no_memory(error);
    fill_parcel(out, node, to, type, message, timeout_ms);
    out->parcel.done = post_sent;
    out->task.run = run_sent;
    out->on_sent = on_sent;
    out->user = user;
    actri_outproc_send(node->outproc, &out->parcel);
    return ACTR_OK;
}

typedef struct how { /* blocking, or not and whom to tell */
    bool wait;
    uint32_t timeout_ms;
    actr_reply_fn on_sent;
    void *user;
} how_t;

static actr_status_t send_message(actr_node_t *node, const actr_id_t *to, actr_payload_type_t type, actr_buf_t *message,
                                  const how_t *how, actr_error_t *error)
{
    actr_status_t status = actri_node_enter(node, error);
    if (status != ACTR_OK) return status;
    status = check_message(node, type, message, error);
    if (status == ACTR_OK && how->wait) {
        status = send_and_wait(node, to, type, message, how->timeout_ms, error);
    } else if (status == ACTR_OK) {
        status = send_and_go(node, to, type, message, how->timeout_ms, how->on_sent, how->user, error);
    }
    actri_node_leave(node);
    return status;
}

static actr_status_t send_bytes(actr_outproc_t *o, const actr_dest_t *dest, actr_payload_type_t type,
                                actr_bytes_t bytes, const how_t *how, actr_error_t *error)
{
    if (o == NULL || (bytes.size > 0 && bytes.data == NULL)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or bytes is NULL");
    }
    actr_status_t status = check_dest(o->node, dest, error);
    if (status == ACTR_OK) status = check_type(type, error);
    if (status != ACTR_OK) return status;
    actr_buf_t *message = actri_buf_copy(&o->node->system->env, bytes.data, bytes.size);
    if (message == NULL) return actri_no_memory(error);
    status = send_message(o->node, &dest->id, type, message, how, error);
    actr_buf_release(message);
    return status;
}

actr_status_t actr_outproc_send(actr_outproc_t *o, const actr_dest_t *dest, actr_payload_type_t type,
                                actr_bytes_t bytes, uint32_t timeout_ms, actr_error_t *error)
{
    how_t how = {.wait = true, .timeout_ms = timeout_ms};
    return send_bytes(o, dest, type, bytes, &how, error);
}

actr_status_t actr_outproc_send_async(actr_outproc_t *o, const actr_dest_t *dest, actr_payload_type_t type,
                                      actr_bytes_t bytes, uint32_t timeout_ms, actr_reply_fn on_sent, void *user,
                                      actr_error_t *error)
{
    how_t how = {.timeout_ms = timeout_ms, .on_sent = on_sent, .user = user};
    return send_bytes(o, dest, type, bytes, &how, error);
}

actr_status_t actr_outproc_request_id(actr_outproc_t *o, char text[ACTR_REQUEST_ID_SIZE], actr_error_t *error)
{
    if (o == NULL || text == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or text is NULL");
    actr_status_t status = actri_node_enter(o->node, error);
    if (status != ACTR_OK) return status;
    (void)actri_peer_gate_new_id(o->node->gate, text);
    actri_node_leave(o->node);
    return ACTR_OK;
}

/* ---- lanes to a peer ---- */

typedef struct peer_lane { /* behind the lane's own struct */
    actr_node_t *node;
    actri_taps_t *taps; /* NULL: it does not receive */
    actr_id_t peer;
} peer_lane_t;

static peer_lane_t *peer_of(actr_lane_t *lane)
{
    return lane->user;
}

static void count_sent(actr_lane_t *lane, size_t size, actr_status_t status)
{
    actri_lock(&lane->group->mutex);
    if (status == ACTR_OK) {
        lane->sent++;
        lane->sent_bytes += size;
    } else if (status == ACTR_STATUS_LIMIT_REACHED || status == ACTR_STATUS_TIMEOUT) {
        lane->full++;
    }
    actri_unlock(&lane->group->mutex);
}

static actr_status_t send_on_lane(actr_lane_t *lane, actr_buf_t *message, uint32_t timeout_ms, bool wait,
                                  actr_error_t *error)
{
    const peer_lane_t *to = peer_of(lane);
    how_t how = {.wait = wait, .timeout_ms = timeout_ms};
    if (actr_lane_is_closed(lane)) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the lane is closed");
    actr_status_t status = send_message(to->node, &to->peer, lane->type, message, &how, error);
    count_sent(lane, actr_buf_size(message), status);
    return status;
}

static void leave_peer(actr_lane_t *lane)
{
    peer_lane_t *to = peer_of(lane);
    if (to->taps != NULL) actri_taps_remove(to->taps, &to->peer, lane);
    actri_taps_release(to->taps);
    actr_node_release(to->node);
}

static actr_status_t new_peer_lane(actr_node_t *node, const actr_id_t *peer, actr_payload_type_t type,
                                   actr_lane_t **out, actr_error_t *error)
{
    actri_lane_group_t *group = actri_lane_group_new(&node->system->env);
    if (group == NULL) return actri_no_memory(error);
    actr_lane_t *lane = actri_lane_new(group, ACTR_LANE_WEBRTC_DATA_CHANNEL, type, 0, sizeof(peer_lane_t));
    actri_lane_group_release(group);
    if (lane == NULL) return actri_no_memory(error);
    peer_lane_t *to = lane->user = lane + 1;
    to->node = actri_node_retain(node);
    to->peer = *peer;
    lane->send = send_on_lane;
    lane->gone = leave_peer;
    lane->receives = false;
    *out = lane;
    return ACTR_OK;
}

static actr_status_t start_receiving(actr_lane_t *lane, actr_error_t *error)
{
    char reason[ACTRI_ACL_REASON];
    peer_lane_t *to = peer_of(lane);
    if (lane->type != ACTR_STREAM_RELIABLE && lane->type != ACTR_STREAM_LATENCY_FIRST) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "requests come to the handlers, not out of a lane");
    }
    if (!actri_acl_allows(&to->node->system->config.values, &to->peer,
                          reason)) { /* it stays as it is, and so do they */
        return actri_fail(error, ACTR_STATUS_PERMISSION_DENIED, "the ACL refuses what %s sends: %s", to->peer.type.name,
                          reason);
    }
    actr_status_t status = actri_node_enter(to->node, error);
    if (status != ACTR_OK) return status;
    actri_taps_t *taps = actri_outproc_taps(to->node->outproc);
    lane->receives = true;
    status = actri_taps_add(taps, &to->peer, lane, error);
    if (status == ACTR_OK) to->taps = actri_taps_retain(taps);
    actri_node_leave(to->node);
    return status;
}

actr_status_t actr_outproc_lane(actr_outproc_t *o, const actr_dest_t *dest, actr_payload_type_t type, bool receives,
                                actr_lane_t **out, actr_error_t *error)
{
    if (o == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager or lane is NULL");
    actr_lane_t *lane = NULL;
    actr_status_t status = check_dest(o->node, dest, error);
    if (status == ACTR_OK) status = check_type(type, error);
    if (status == ACTR_OK) status = new_peer_lane(o->node, &dest->id, type, &lane, error);
    if (status == ACTR_OK && receives) status = start_receiving(lane, error);
    if (status != ACTR_OK) {
        actr_lane_release(lane);
        return status;
    }
    *out = lane;
    return ACTR_OK;
}

/* ---- what is connected ---- */

void actr_outproc_list_dests(actr_outproc_t *o, actr_outproc_dest_t *list, size_t *count)
{
    size_t room = *count;
    *count = 0;
    if (o == NULL || actri_node_enter(o->node, NULL) != ACTR_OK) return;
    actri_outproc_list(o->node->outproc, list, &room);
    actri_node_leave(o->node);
    *count = room;
}

size_t actr_outproc_dest_count(actr_outproc_t *o)
{
    size_t count = 0;
    actr_outproc_list_dests(o, NULL, &count);
    return count;
}

bool actr_outproc_has_dest(actr_outproc_t *o, const actr_dest_t *dest)
{
    if (o == NULL || check_dest(o->node, dest, NULL) != ACTR_OK || actri_node_enter(o->node, NULL) != ACTR_OK)
        return false;
    bool has = actri_outproc_has_peer(o->node->outproc, &dest->id);
    actri_node_leave(o->node);
    return has;
}

/* peer NULL: all. */
static bool close_peers(actr_node_t *node, const actr_id_t *peer)
{
    actr_error_t why = ACTR_ERROR_INIT;
    (void)actri_fail(&why, ACTR_STATUS_CANCELLED, "the program closed the connection"); /* nothing is repeated */
    return actri_outproc_close_peer(node->outproc, peer, &why);
}

actr_status_t actr_outproc_close_dest(actr_outproc_t *o, const actr_dest_t *dest, actr_error_t *error)
{
    if (o == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager is NULL");
    actr_status_t status = check_dest(o->node, dest, error);
    if (status == ACTR_OK) status = actri_node_enter(o->node, error);
    if (status != ACTR_OK) return status;
    bool closed = close_peers(o->node, &dest->id);
    actri_node_leave(o->node);
    return closed ? ACTR_OK : actri_fail(error, ACTR_STATUS_NOT_FOUND, "there is no connection to it");
}

void actr_outproc_close_all(actr_outproc_t *o)
{
    if (o == NULL || actri_node_enter(o->node, NULL) != ACTR_OK) return;
    (void)close_peers(o->node, NULL);
    actri_node_leave(o->node);
}

void actr_outproc_get_stats(actr_outproc_t *o, actr_outproc_stats_t *stats)
{
    actr_outproc_stats_t now = {.struct_size = stats->struct_size};
    if (o != NULL && actri_node_enter(o->node, NULL) == ACTR_OK) {
        actri_outproc_totals_t totals;
        actri_outproc_totals(o->node->outproc, &totals);
        actri_node_leave(o->node);
        now.sent = totals.sent;
        now.sent_bytes = totals.sent_bytes;
        now.failed = totals.failed;
        now.received = totals.received;
        now.received_bytes = totals.received_bytes;
        now.queued = totals.queued;
        now.queued_bytes = totals.queued_bytes;
    }
    memcpy(stats, &now, now.struct_size < sizeof now ? now.struct_size : sizeof now);
}
