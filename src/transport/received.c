/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels in an in-process manager: an envelope, its texts copied, its payload by reference; and how a request
 * ends. A request ends when it leaves the table of those that wait, which happens once. [any-thread]
 */
#include "transport/inproc.h"

#include "port/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the end of a request ---- */

void actri_received_unref(actr_received_t *r)
{
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_lane_group_t *group = &r->manager->group;
    actr_buf_release(r->envelope.payload);
    actr_buf_release(r->reply);
    actri_cond_destroy(&r->ended);
    actri_free(&group->env, r);
    actri_lane_group_release(group);
}

static void count_end(actr_inproc_stats_t *stats, actr_status_t status)
{
    if (status == ACTR_OK)
        stats->answered++;
    else if (status == ACTR_STATUS_TIMEOUT)
        stats->timed_out++;
    else
        stats->failed++;
}

void actri_received_ended_locked(actr_received_t *r, actr_status_t status, actr_buf_t *reply, const char *message)
{
    r->status = status;
    if (status == ACTR_OK)
        r->reply = actr_buf_retain(reply);
    else
        (void)actri_fail(&r->error, status, "%s", message);
    count_end(&r->manager->stats, status);
    if (r->on_reply == NULL) {
        actri_cond_signal(&r->ended);
        return;
    }
    actri_list_append(&r->manager->answers, &r->pending.link);
    actri_cond_signal(&r->manager->work);
}

bool actri_received_end(actr_received_t *r, actr_status_t status, actr_buf_t *reply, const char *message)
{
    actr_inproc_t *m = r->manager;
    actri_lock(&m->group.mutex);
    bool mine = actri_pending_take_call(&m->pending, &r->pending);
    if (mine) actri_received_ended_locked(r, status, reply, message);
    actri_unlock(&m->group.mutex);
    return mine;
}

void actri_received_drop(void *item)
{
    actr_received_t *r = item;
    (void)actri_received_end(r, ACTR_STATUS_NOT_SUPPORTED, NULL, "nobody took it whole: its lane was read or closed");
    actri_received_unref(r);
}

/* ---- making one ---- */

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *keep(char **at, const char *text)
{
    size_t size = text_size(text);
    if (size == 0) return NULL;
    char *kept = *at;
    memcpy(kept, text, size);
    *at += size;
    return kept;
}

static size_t room_for(const actr_envelope_t *e, const char *channel)
{
    size_t size = text_size(e->route) + text_size(e->traceparent) + text_size(e->tracestate) + text_size(channel);
    for (size_t i = 0; i < e->metadata_count; i++) {
        size += sizeof(actr_metadata_t) + text_size(e->metadata[i].key) + text_size(e->metadata[i].value);
    }
    return size;
}

static void copy_envelope(actr_received_t *r, const actr_envelope_t *e, const char *channel)
{
    char *at = (char *)(r->metadata + e->metadata_count);
    for (size_t i = 0; i < e->metadata_count; i++) {
        r->metadata[i].key = keep(&at, e->metadata[i].key);
        r->metadata[i].value = keep(&at, e->metadata[i].value);
    }
    r->channel = keep(&at, channel);
    r->envelope = *e;
    r->envelope.route = keep(&at, e->route);
    r->envelope.traceparent = keep(&at, e->traceparent);
    r->envelope.tracestate = keep(&at, e->tracestate);
    r->envelope.metadata = r->metadata;
    r->envelope.payload = actr_buf_retain(e->payload);
}

actr_received_t *actri_received_new(actr_inproc_t *m, const actr_envelope_t *e, actr_payload_type_t type,
                                    const char *channel)
{
    actr_received_t *r = actri_alloc(&m->group.env, sizeof *r + room_for(e, channel));
    if (r == NULL) return NULL;
    memset(r, 0, sizeof *r);
    r->refs = 1;
    r->manager = m;
    actri_lane_group_retain(&m->group);
    actri_cond_init(&r->ended);
    r->type = type;
    copy_envelope(r, e, channel);
    if (e->request_id != NULL)
        memcpy(r->pending.id, e->request_id, ACTRI_REQUEST_ID_SIZE);
    else
        actri_uuid_v4(r->pending.id);
    r->envelope.request_id = r->pending.id;
    return r;
}

/* ---- for who took it ---- */

const actr_envelope_t *actr_received_envelope(const actr_received_t *r)
{
    return r == NULL ? NULL : &r->envelope;
}

actr_payload_type_t actr_received_type(const actr_received_t *r)
{
    return r == NULL ? ACTR_RPC_RELIABLE : r->type;
}

const char *actr_received_channel(const actr_received_t *r)
{
    return r == NULL ? NULL : r->channel;
}

bool actr_received_is_request(const actr_received_t *r)
{
    return r != NULL && r->is_request;
}

static actr_status_t answer(actr_received_t *r, actr_status_t status, actr_buf_t *payload, const char *message,
                            actr_error_t *error)
{
    if (!r->is_request) return actri_fail(error, ACTR_STATUS_INVALID_STATE, "nobody asked for an answer");
    if (actri_received_end(r, status, payload, message)) return ACTR_OK;
    actri_lock(&r->manager->group.mutex);
    r->manager->stats.late_answers++;
    actri_unlock(&r->manager->group.mutex);
    return actri_fail(error, ACTR_STATUS_INVALID_STATE, "nobody waits for the answer any more");
}

actr_status_t actr_received_reply(actr_received_t *r, actr_buf_t *payload, actr_error_t *error)
{
    if (r == NULL || payload == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "received or payload is NULL");
    }
    return answer(r, ACTR_OK, payload, NULL, error);
}

actr_status_t actr_received_fail(actr_received_t *r, actr_status_t status, const char *format, ...)
{
    char message[ACTR_ERROR_MESSAGE_SIZE];
    if (r == NULL || status >= 0) return ACTR_STATUS_INVALID_ARGUMENT;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return answer(r, status, NULL, message, NULL);
}

void actr_received_release(actr_received_t *r)
{
    if (r == NULL) return;
    if (r->is_request) (void)actri_received_end(r, ACTR_STATUS_INTERNAL, NULL, "whoever took the request dropped it");
    actri_received_unref(r);
}
