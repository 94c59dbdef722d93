/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/inbox.h"

#include "dispatch/path.h"
#include "port/clock.h"

#include <string.h>

/* What a slot holds. */
typedef struct note {
    actri_local_call_t *call; /* a request with a block of its own; else this is a tell: */
    const actr_id_t *caller;
    actr_buf_t *buf; /* holds the payload, or NULL: it is at the beginning of room */
    uint32_t size;
    _Alignas(16) char room[]; /* the payload, then the route */
} note_t;

#define NOTE_ROOM (ACTRI_RING_ROOM - offsetof(note_t, room))

/* ---- makers ---- */

static void publish(actri_inbox_t *inbox, note_t *note)
{
    if (actri_ring_publish(note)) actri_serial_post(inbox->path->o.serial, &inbox->task, false);
}

/* NULL: the ring is full, and stays so until the time, or the node drains. */
static note_t *claim_later(actri_inbox_t *inbox, int64_t until_ns)
{
    note_t *note;
    bool in_time = true;
    actri_lock(&inbox->mutex);
    (void)__atomic_add_fetch(&inbox->waiters, 1, __ATOMIC_SEQ_CST);
    while ((note = actri_ring_claim(inbox->ring)) == NULL && in_time && actri_path_drain_deadline(inbox->path) == 0) {
        in_time = actri_cond_wait(&inbox->room, &inbox->mutex, until_ns);
    }
    (void)__atomic_sub_fetch(&inbox->waiters, 1, __ATOMIC_RELAXED);
    actri_unlock(&inbox->mutex);
    return note;
}

/* Nothing that costs memory or asks for an order of its own. */
static bool is_plain(const actri_inbox_t *inbox, const actri_local_spec_t *spec, size_t route_size)
{
    const actr_call_options_t *options = spec->options;
    size_t size = spec->buf != NULL ? 0 : spec->payload.size;
    if (size > NOTE_ROOM || route_size > NOTE_ROOM - size) return false;
    if (spec->deadline_ns != ACTRI_NEVER || spec->on_end != NULL) return false;
    if (spec->chain.size + spec->traceparent.size + spec->tracestate.size > 0) return false;
    if (options != NULL && (options->metadata_count > 0 || options->payload_type == ACTR_RPC_SIGNAL)) return false;
    return !actri_path_is_high(inbox->path, actri_span(spec->route, route_size - 1));
}

bool actri_inbox_tell(actri_inbox_t *inbox, const actri_local_spec_t *spec, bool *full)
{
    size_t route_size = inbox->ring == NULL ? 0 : strlen(spec->route) + 1;
    *full = false;
    if (inbox->ring == NULL || !is_plain(inbox, spec, route_size)) return false;
    note_t *note = actri_ring_claim(inbox->ring);
    if (note == NULL && spec->wait_until_ns != 0) note = claim_later(inbox, spec->wait_until_ns);
    *full = note == NULL;
    if (note == NULL) return false;
    note->call = NULL;
    note->caller = spec->caller;
    note->buf = NULL;
    note->size = 0;
    if (spec->buf != NULL) {
        note->buf = actr_buf_retain(spec->buf);
    } else if (spec->payload.size > 0) {
        note->size = (uint32_t)spec->payload.size;
        memcpy(note->room, spec->payload.data, spec->payload.size);
    }
    memcpy(note->room + note->size, spec->route, route_size);
    publish(inbox, note);
    return true;
}

/* False: there is room now. */
static bool keep(actri_inbox_t *inbox, actri_local_call_t *call)
{
    bool parked = false;
    actri_lock(&inbox->mutex);
    bool closed = actri_ring_close(inbox->ring, &parked);
    if (closed) actri_list_append(&inbox->kept, &call->task.link);
    actri_unlock(&inbox->mutex);
    if (parked) actri_serial_post(inbox->path->o.serial, &inbox->task, false);
    return closed;
}

void actri_inbox_call(actri_inbox_t *inbox, actri_local_call_t *call)
{
    note_t *note;
    if (inbox->ring == NULL) {
        actri_serial_post(inbox->path->o.serial, &call->task, false);
        return;
    }
    while ((note = actri_ring_claim(inbox->ring)) == NULL) {
        if (keep(inbox, call)) return;
    }
    note->call = call;
    publish(inbox, note);
}

/* ---- the reader ---- */

static void read_note(actri_state_path_t *path, note_t *note)
{
    if (note->call != NULL) {
        note->call->task.run(&note->call->task);
        return;
    }
    actri_incoming_t in = {.caller = note->caller, .buf = note->buf};
    in.request.route = note->room + note->size;
    in.request.payload = (actr_bytes_t){note->room, note->size};
    if (note->buf != NULL) in.request.payload = (actr_bytes_t){actr_buf_data(note->buf), actr_buf_size(note->buf)};
    actri_local_tell_run(path, &in);
    actr_buf_release(note->buf);
}

void actri_inbox_wake(actri_inbox_t *inbox)
{
    actri_lock(&inbox->mutex);
    actri_cond_broadcast(&inbox->room);
    actri_unlock(&inbox->mutex);
}

/* An addition of nothing is a full fence: either a maker sees the room, or is seen here to wait. */
static void wake_makers(actri_inbox_t *inbox)
{
    if (__atomic_fetch_add(&inbox->waiters, 0, __ATOMIC_SEQ_CST) != 0 && actri_ring_has_room(inbox->ring))
        actri_inbox_wake(inbox);
}

static void take_kept(actri_inbox_t *inbox)
{
    actri_lock(&inbox->mutex);
    actri_list_splice(&inbox->next, &inbox->kept);
    actri_ring_open(inbox->ring);
    actri_unlock(&inbox->mutex);
    wake_makers(inbox);
}

/* False: the reader is parked. */
static bool read_one(actri_inbox_t *inbox)
{
    void *slot;
    switch (actri_ring_peek(inbox->ring, &slot)) {
    case ACTRI_RING_SLOT:
        read_note(inbox->path, slot);
        if (actri_ring_read(inbox->ring)) wake_makers(inbox);
        return true;
    case ACTRI_RING_END: take_kept(inbox); return true;
    default: wake_makers(inbox); return false;
    }
}

static void run_inbox(actri_task_t *task)
{
    actri_inbox_t *inbox = ACTRI_CONTAINER(task, actri_inbox_t, task);
    actri_serial_t *serial = inbox->path->o.serial;
    if (!inbox->in_round) inbox->until = actri_ring_written(inbox->ring);
    actri_link_t *kept = actri_list_take(&inbox->next);
    inbox->in_round = false;
    if (kept != NULL) {
        actri_task_t *call = ACTRI_CONTAINER(kept, actri_task_t, link);
        call->run(call);
    } else if (!read_one(inbox)) {
        return;
    }
    inbox->in_round = !actri_list_empty(&inbox->next) || actri_ring_position(inbox->ring) < inbox->until;
    if (inbox->in_round)
        actri_serial_again(serial, task);
    else
        actri_serial_post(serial, task, false);
}

/* ---- life ---- */

actr_status_t actri_inbox_init(actri_inbox_t *inbox, actri_state_path_t *path, actr_error_t *error)
{
    inbox->path = path;
    inbox->task.run = run_inbox;
    actri_mutex_init(&inbox->mutex);
    actri_cond_init(&inbox->room);
    actri_list_init(&inbox->kept);
    actri_list_init(&inbox->next);
    if (path->o.key_of != NULL) return ACTR_OK;
    return actri_ring_new(path->o.env, ACTRI_INBOX_SLOTS, &inbox->ring, error);
}

void actri_inbox_destroy(actri_inbox_t *inbox)
{
    actri_ring_free(inbox->ring);
    actri_cond_destroy(&inbox->room);
    actri_mutex_destroy(&inbox->mutex);
}
