/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry. Its mutex guards the tables and the lists of senders; a stream's own mutex comes after it. What a turn
 * of the loop brings is handed to the streams at its end: one wake-up for a stream and batch.
 */
#include "dispatch/streams.h"

#include "dispatch/stream_credit.h"
#include "port/clock.h"
#include "proto/datastream.h"

#define AREA "stream"
#define MAX_STREAMS 4096
#define PAUSE_NS ACTRI_SECOND

/* A connection that streams come from. */
typedef struct peer {
    actri_session_t session;
    actri_link_t senders; /* by of_peer */
    actri_credit_accounts_t accounts;
    actri_link_t paused; /* in the registry's list while reading is paused */
    int64_t since_ns;
} peer_t;

struct actri_streams {
    actri_streams_options_t o;
    actri_stream_counters_t counters;
    actri_mutex_t mutex; /* guards the rest, but for what is the loop's */
    actri_cond_t changed;
    actri_map_t streams; /* by key */
    actri_map_t peers;   /* by session number; [loop] */
    actri_link_t dead;   /* streams that nobody refers to */
    actri_link_t paused; /* peers; [loop] */
    actri_link_t holed;  /* streams, each with a reference */
    bool room_posted;
    bool closed; /* atomic */
    bool ended;  /* the loop has let go */
    actri_task_t room_task, turn_end, end_task;
    actri_timer_t pause_timer;        /* [loop] */
    actri_link_t turn;                /* [loop] streams that got something */
    bool turn_waits;                  /* [loop] */
    uint64_t asked_session;           /* [loop] who was asked for last, and whether */
    bool asked_allowed;               /* [loop] it may */
    actri_credit_gathered_t back;     /* [loop] credit that goes back at the end of the turn */
    actri_datastream_t chunk;         /* [loop] room for the one that is being read */
    char key[ACTR_STREAM_ID_MAX + 2]; /* [loop] */
};

static void count(uint64_t *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void ref(actri_stream_t *stream)
{
    (void)__atomic_add_fetch(&stream->refs, 1, __ATOMIC_RELAXED);
}

void actri_stream_unref(actri_stream_t *stream)
{
    actri_streams_t *s = stream->owner;
    if (__atomic_sub_fetch(&stream->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_lock(&s->mutex);
    actri_list_append(&s->dead, &stream->dead);
    actri_unlock(&s->mutex);
}

/* Frees the dead whose executor has let go of its last turn; wait: all of them. */
static void bury(actri_streams_t *s, bool wait)
{
    actri_link_t dead, *link;
    actri_list_init(&dead);
    actri_lock(&s->mutex);
    actri_list_splice(&dead, &s->dead);
    actri_unlock(&s->mutex);
    while ((link = actri_list_take(&dead)) != NULL) {
        actri_stream_t *stream = ACTRI_CONTAINER(link, actri_stream_t, dead);
        if (actri_serial_wait_idle(stream->serial, wait ? ACTRI_NEVER : 0)) {
            actri_stream_destroy(stream);
            continue;
        }
        actri_lock(&s->mutex);
        actri_list_append(&s->dead, link);
        actri_unlock(&s->mutex);
    }
}

/* ---- the table ---- */

/* With a reference; NULL: there is none. With the mutex. */
static actri_stream_t *find_locked(actri_streams_t *s, char *key, size_t size, actri_stream_space_t space)
{
    key[0] = (char)space;
    actri_stream_t *stream = actri_map_get(&s->streams, key, size);
    if (stream != NULL) ref(stream);
    return stream;
}

/* Of the one space, else of the other; else their catch-alls. key has room for the space before the id. */
static actri_stream_t *find(actri_streams_t *s, char *key, size_t id_size, actri_stream_space_t first,
                            actri_stream_space_t second)
{
    actri_lock(&s->mutex);
    actri_stream_t *stream = find_locked(s, key, 1 + id_size, first);
    if (stream == NULL) stream = find_locked(s, key, 1 + id_size, second);
    if (stream == NULL && id_size > 0) stream = find_locked(s, key, 1, first);
    if (stream == NULL && id_size > 0) stream = find_locked(s, key, 1, second);
    actri_unlock(&s->mutex);
    return stream;
}

static actr_status_t enter(actri_streams_t *s, actri_stream_t *stream, actr_error_t *error)
{
    const char *id = stream->spec.id == NULL ? "(all others)" : stream->spec.id;
    if (__atomic_load_n(&s->closed, __ATOMIC_RELAXED))
        return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    if (actri_map_get(&s->streams, stream->key, stream->key_size) != NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "%s is registered already", id);
    }
    if (s->streams.count >= MAX_STREAMS) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d streams are registered already", MAX_STREAMS);
    }
    if (actri_map_put(&s->streams, stream->key, stream->key_size, stream) != ACTR_OK) return actri_no_memory(error);
    (void)__atomic_add_fetch(&s->counters.streams, 1, __ATOMIC_RELAXED);
    return ACTR_OK;
}

actr_status_t actri_streams_register(actri_streams_t *s, const actri_stream_spec_t *spec, actr_error_t *error)
{
    actri_stream_t *stream = NULL;
    bury(s, false);
    actr_status_t status = actri_stream_new(s, s->o.env, &s->counters, spec, &stream, error);
    if (status != ACTR_OK) return status;
    actri_lock(&s->mutex);
    status = enter(s, stream, error);
    actri_unlock(&s->mutex);
    if (status != ACTR_OK) {
        stream->spec.free_user = NULL; /* still the caller's */
        actri_stream_destroy(stream);
    }
    return status;
}

static void post_room_locked(actri_streams_t *s)
{
    if (s->room_posted || s->ended) return;
    s->room_posted = true;
    actri_loop_post(s->o.loop, &s->room_task);
}

/* Its senders are forgotten: the stream is over. With the mutex. */
static void forget_senders_locked(actri_streams_t *s, actri_stream_t *stream)
{
    size_t cursor = 0;
    actri_stream_sender_t *sender;
    actri_lock(&stream->mutex);
    if (stream->paused > 0) post_room_locked(s);
    while ((sender = actri_map_next(&stream->senders, &cursor)) != NULL) {
        sender->paused = false;
        actri_credit_leave_locked(stream, sender);
        actri_list_remove(&sender->of_peer);
        actri_stream_sender_unref_locked(sender);
    }
    actri_map_clear(&stream->senders);
    stream->paused = 0;
    stream->last = NULL;
    stream->closed = true;
    actri_cond_broadcast(&stream->changed); /* who waits for room need not */
    actri_unlock(&stream->mutex);
}

/* Out of the table; its queue is still worked off. */
static actri_stream_t *take_out(actri_streams_t *s, const char *key, size_t size)
{
    actri_lock(&s->mutex);
    actri_stream_t *stream = actri_map_take(&s->streams, key, size);
    if (stream != NULL) {
        (void)__atomic_sub_fetch(&s->counters.streams, 1, __ATOMIC_RELAXED);
        forget_senders_locked(s, stream);
    }
    actri_unlock(&s->mutex);
    return stream;
}

actr_status_t actri_streams_unregister(actri_streams_t *s, actri_stream_space_t space, const char *id,
                                       actr_error_t *error)
{
    char key[ACTR_STREAM_ID_MAX + 2];
    size_t size = id == NULL ? 0 : strlen(id);
    actri_stream_t *stream = NULL;
    if (size <= ACTR_STREAM_ID_MAX) {
        key[0] = (char)space;
        if (id != NULL) memcpy(key + 1, id, size);
        stream = take_out(s, key, 1 + size);
    }
    if (stream == NULL) {
        return actri_fail(error, ACTR_STATUS_NOT_FOUND, "%s is not registered", id == NULL ? "(all others)" : id);
    }
    if (actri_streams_in_callback()) {
        __atomic_store_n(&stream->dropping, true, __ATOMIC_RELEASE);
        actri_stream_kick(stream);
    } else {
        (void)actri_stream_wait_idle(stream, ACTRI_NEVER);
        actri_stream_free_user(stream);
    }
    actri_stream_unref(stream);
    bury(s, false);
    return ACTR_OK;
}

/* ---- pauses ---- */

/* Whether a paused sender goes on waiting. With both mutexes. */
static bool still_paused(actri_stream_sender_t *sender, bool in_time)
{
    actri_stream_t *stream = sender->stream;
    if (!sender->paused) return false;
    bool low = stream->count <= stream->spec.max_items / 2 && stream->bytes <= stream->spec.max_bytes / 2;
    if (!low && in_time) return true;
    sender->paused = false;
    stream->paused--;
    if (low || sender->took_some) return false;
    sender->failed = true;
    sender->status = ACTR_STATUS_LIMIT_REACHED;
    count(&stream->counters->failures);
    actri_stream_end_locked(sender);
    return false;
}

/* True when a stream of the peer is still full. With the mutex. */
static bool look_at_peer(actri_streams_t *s, peer_t *peer, int64_t now)
{
    bool paused = false, in_time = now < peer->since_ns + PAUSE_NS;
    for (actri_link_t *at = peer->senders.next; at != &peer->senders; at = at->next) {
        actri_stream_sender_t *sender = ACTRI_CONTAINER(at, actri_stream_sender_t, of_peer);
        actri_lock(&sender->stream->mutex);
        bool was_failed = sender->failed;
        paused = still_paused(sender, in_time) || paused;
        bool fails = sender->failed && !was_failed;
        actri_unlock(&sender->stream->mutex);
        if (!fails) continue;
        actri_warn(s->o.env, AREA, "%s: its callback took no chunk of %s for a second: no more of them are read",
                   sender->stream->spec.id == NULL ? "(all others)" : sender->stream->spec.id,
                   peer->session.peer.type.name);
        actri_stream_kick(sender->stream);
    }
    return paused;
}

/* Ends the connections of senders that have a hole. With the mutex. [loop] */
static void end_holed(actri_streams_t *s, actri_stream_t *stream)
{
    size_t cursor = 0;
    actri_stream_sender_t *sender;
    actri_lock(&stream->mutex);
    while ((sender = actri_map_next(&stream->senders, &cursor)) != NULL) {
        if (!sender->has_hole || sender->given_up) continue;
        sender->given_up = true;
        s->o.give_up(s->o.user, &sender->session);
    }
    actri_unlock(&stream->mutex);
}

static void look_at_holed(actri_streams_t *s)
{
    actri_link_t *link;
    do {
        actri_lock(&s->mutex);
        link = actri_list_take(&s->holed);
        if (link != NULL) end_holed(s, ACTRI_CONTAINER(link, actri_stream_t, of_holed));
        actri_unlock(&s->mutex);
        if (link != NULL) actri_stream_unref(ACTRI_CONTAINER(link, actri_stream_t, of_holed));
    } while (link != NULL);
}

void actri_streams_holed(actri_stream_t *stream)
{
    actri_streams_t *s = stream->owner;
    actri_lock(&s->mutex);
    if (actri_list_empty(&stream->of_holed)) {
        ref(stream);
        actri_list_append(&s->holed, &stream->of_holed);
        post_room_locked(s);
    }
    actri_unlock(&s->mutex);
}

/* Reads again from whom there is room for. [loop] */
static void look_at_paused(actri_streams_t *s)
{
    int64_t now = actri_now_ns(), next = ACTRI_NEVER;
    actri_lock(&s->mutex);
    for (actri_link_t *at = s->paused.next, *after; at != &s->paused; at = after) {
        after = at->next;
        peer_t *peer = ACTRI_CONTAINER(at, peer_t, paused);
        if (look_at_peer(s, peer, now)) {
            if (peer->since_ns + PAUSE_NS < next) next = peer->since_ns + PAUSE_NS;
            continue;
        }
        actri_list_remove(at);
        s->o.pause(s->o.user, &peer->session, false);
    }
    actri_unlock(&s->mutex);
    if (next != ACTRI_NEVER) actri_loop_timer_set(s->o.loop, &s->pause_timer, next);
}

static void on_room(actri_task_t *task)
{
    actri_streams_t *s = ACTRI_CONTAINER(task, actri_streams_t, room_task);
    actri_lock(&s->mutex);
    s->room_posted = false; /* here only: the timer comes at any time */
    actri_unlock(&s->mutex);
    look_at_paused(s);
    look_at_holed(s);
}

static void on_pause_timer(actri_timer_t *timer)
{
    look_at_paused(ACTRI_CONTAINER(timer, actri_streams_t, pause_timer));
}

void actri_streams_room(actri_streams_t *s)
{
    actri_lock(&s->mutex);
    post_room_locked(s);
    actri_unlock(&s->mutex);
}

/* [loop] */
static void pause_peer(actri_streams_t *s, peer_t *peer)
{
    if (peer == NULL || !actri_list_empty(&peer->paused)) return;
    count(&s->counters.pauses);
    peer->since_ns = actri_now_ns();
    actri_list_append(&s->paused, &peer->paused);
    if (s->pause_timer.heap_index == 0) {
        actri_loop_timer_set(s->o.loop, &s->pause_timer, peer->since_ns + PAUSE_NS);
    }
    s->o.pause(s->o.user, &peer->session, true);
}

/* ---- what arrives ---- */

static peer_t *get_peer(actri_streams_t *s, const actri_session_t *session)
{
    peer_t *peer = actri_map_get(&s->peers, &session->number, sizeof session->number);
    if (peer != NULL) return peer;
    peer = actri_zalloc(s->o.env, sizeof *peer);
    if (peer == NULL) return NULL;
    peer->session = *session;
    actri_list_init(&peer->senders);
    actri_list_init(&peer->accounts.list);
    actri_list_init(&peer->paused);
    if (actri_map_put(&s->peers, &peer->session.number, sizeof peer->session.number, peer) == ACTR_OK) return peer;
    actri_free(s->o.env, peer);
    return NULL;
}

/* Enters a session as a sender of the stream; NULL: out of memory, or the stream is over. */
static actri_stream_sender_t *new_sender(actri_streams_t *s, actri_stream_t *stream, const actri_session_t *session)
{
    peer_t *peer = get_peer(s, session);
    actri_stream_sender_t *sender = peer == NULL ? NULL : actri_zalloc(s->o.env, sizeof *sender);
    if (sender == NULL) return NULL;
    sender->refs = 1;
    sender->stream = stream;
    sender->session = peer->session;
    sender->accounts = &peer->accounts;
    actri_list_init(&sender->due);
    actri_list_init(&sender->of_peer);
    actri_lock(&s->mutex);
    actri_lock(&stream->mutex);
    bool entered = !stream->closed && actri_map_put(&stream->senders, &sender->session.number,
                                                    sizeof sender->session.number, sender) == ACTR_OK;
    if (entered) {
        actri_list_append(&peer->senders, &sender->of_peer);
        actri_credit_enter_locked(stream, sender);
    }
    actri_unlock(&stream->mutex);
    actri_unlock(&s->mutex);
    if (entered) return sender;
    actri_free(s->o.env, sender);
    return NULL;
}

/* With the stream's mutex. */
static actri_stream_sender_t *sender_locked(actri_stream_t *stream, uint64_t session)
{
    if (stream->last == NULL || stream->last->session.number != session) {
        stream->last = actri_map_get(&stream->senders, &session, sizeof session);
    }
    return stream->last;
}

/* After this item, its sender. Who keeps within its credit only for the sake of the whole node; there are a few chunks
   that need none. */
static bool has_to_wait(const actri_stream_t *stream, const actri_stream_item_t *item)
{
    if (item->credited) return actri_stream_node_is_full(stream->counters);
    bool few = item->sender->session.credit && stream->spec.id != NULL &&
               stream->count < (uint64_t)stream->spec.max_items + ACTRI_CREDIT_CHUNKS &&
               stream->bytes < (uint64_t)stream->spec.max_bytes + ACTRI_CREDIT_BYTES;
    return few ? actri_stream_node_is_full(stream->counters) : actri_stream_full_locked(stream);
}

/* The session as a sender of the stream, entered if it is new; NULL: it can not be. With the stream's mutex, which is
   let go for a while if it is new. */
static actri_stream_sender_t *enter_sender_locked(actri_streams_t *s, actri_stream_t *stream,
                                                  const actri_session_t *session)
{
    actri_stream_sender_t *sender = sender_locked(stream, session->number);
    if (sender != NULL) return sender;
    actri_unlock(&stream->mutex);
    if (new_sender(s, stream, session) == NULL) {
        actri_warn(s->o.env, AREA, "a chunk of %s is dropped: no memory, or its stream has just ended",
                   session->peer.type.name);
    }
    actri_lock(&stream->mutex);
    return sender_locked(stream, session->number);
}

static void want_turn_end(actri_streams_t *s)
{
    if (s->turn_waits) return;
    s->turn_waits = true;
    actri_loop_at_turn_end(s->o.loop, &s->turn_end);
}

/* A chunk that goes to no account brings its credit back. */
static void gather(actri_streams_t *s, const actri_session_t *session, actri_span_t stream_id, size_t size)
{
    if (!session->credit) return;
    actri_credit_gather(s, &s->back, session, stream_id, size);
    want_turn_end(s);
}

/* Queues it; true when its peer has to be paused. */
static bool put(actri_streams_t *s, actri_stream_t *stream, const actri_session_t *session, actri_stream_item_t *item)
{
    bool lossy = item->lane == ACTR_STREAM_LATENCY_FIRST, pauses = false, lost = false;
    actri_lock(&stream->mutex);
    actri_stream_sender_t *sender = enter_sender_locked(s, stream, session);
    item->sender = sender;
    if (sender != NULL && !sender->failed && !stream->closed && !lossy) {
        item->credited = actri_credit_arrive_locked(stream, sender, actr_buf_size(item->buf));
    }
    if (stream->closed || sender == NULL || sender->failed) {
        lost = !lossy && !stream->closed && sender == NULL;
        count(&stream->counters->dropped);
        if (!lossy && (sender == NULL || !sender->failed)) /* its registration has ended meanwhile */
            gather(s, session, s->chunk.stream_id, actr_buf_size(item->buf));
        actri_stream_item_release(stream->env, item);
    } else if (!actri_stream_put_locked(stream, item, lossy)) { /* out of memory: a stream with a hole is none */
        actri_stream_item_release(stream->env, item);
        lost = !sender->given_up;
        sender->failed = sender->given_up = true;
        sender->status = ACTR_STATUS_NO_MEMORY;
        count(&stream->counters->failures);
        actri_stream_end_locked(sender);
    } else if (!lossy && !sender->paused && has_to_wait(stream, item)) {
        sender->paused = pauses = true;
        sender->took_some = false;
        stream->paused++;
    }
    actri_unlock(&stream->mutex);
    if (lost) s->o.give_up(s->o.user, session);
    return pauses;
}

static void run_turn_end(actri_task_t *task)
{
    actri_streams_t *s = ACTRI_CONTAINER(task, actri_streams_t, turn_end);
    actri_link_t *link;
    s->turn_waits = false;
    actri_credit_flush(s, &s->back);
    while ((link = actri_list_take(&s->turn)) != NULL) {
        actri_stream_t *stream = ACTRI_CONTAINER(link, actri_stream_t, of_turn);
        actri_stream_kick(stream);
        actri_stream_unref(stream);
    }
}

/* Its turn is posted once the batch is in. Takes the reference. */
static void hand_on(actri_streams_t *s, actri_stream_t *stream)
{
    if (!actri_list_empty(&stream->of_turn)) {
        actri_stream_unref(stream);
        return;
    }
    actri_list_append(&s->turn, &stream->of_turn);
    want_turn_end(s);
}

void actri_streams_say(actri_streams_t *s, const actri_session_t *session, const actri_credit_t *credit)
{
    if (!__atomic_load_n(&s->closed, __ATOMIC_RELAXED)) s->o.say(s->o.user, session, credit);
}

static void arrive_at(actri_streams_t *s, actri_stream_t *stream, const actri_session_t *session,
                      actri_stream_item_t *item)
{
    if (put(s, stream, session, item)) pause_peer(s, get_peer(s, session));
    hand_on(s, stream);
}

static bool is_allowed(actri_streams_t *s, const actri_session_t *session)
{
    if (s->asked_session != session->number) {
        s->asked_session = session->number;
        s->asked_allowed = s->o.allows(s->o.user, session);
    }
    return s->asked_allowed;
}

/* Reads it; NULL when it is not for anybody. */
static actri_stream_t *stream_of(actri_streams_t *s, const actri_session_t *session, actr_payload_type_t lane,
                                 const actr_buf_t *message)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_datastream_t *chunk = &s->chunk;
    actr_status_t status = actri_datastream_decode(actr_buf_data(message), actr_buf_size(message), chunk, &error);
    if (status == ACTR_OK && (chunk->stream_id.size > ACTR_STREAM_ID_MAX || chunk->stream_id.size == 0 ||
                              memchr(chunk->stream_id.data, 0, chunk->stream_id.size) != NULL)) {
        status = actri_fail(&error, ACTR_STATUS_DECODE, "DataStream: a stream_id of %zu bytes", chunk->stream_id.size);
    }
    if (status != ACTR_OK) {
        count(&s->counters.undecodable);
        actri_debug(s->o.env, AREA, "a chunk of %s is dropped: %s", session->peer.type.name, error.message);
        return NULL;
    }
    memcpy(s->key + 1, chunk->stream_id.data, chunk->stream_id.size);
    actri_stream_t *stream = find(s, s->key, chunk->stream_id.size, ACTRI_SPACE_WORKLOAD, ACTRI_SPACE_SHELL);
    if (stream == NULL) {
        count(&s->counters.unknown);
        actri_debug(s->o.env, AREA, "a chunk of %s is dropped: nobody has registered %.*s", session->peer.type.name,
                    (int)chunk->stream_id.size, (const char *)chunk->stream_id.data);
        if (lane == ACTR_STREAM_RELIABLE) gather(s, session, chunk->stream_id, actr_buf_size(message));
    }
    return stream;
}

void actri_streams_arrive(actri_streams_t *s, const actri_session_t *session, actr_payload_type_t lane,
                          actr_buf_t *message)
{
    actri_stream_t *stream = NULL;
    count(&s->counters.received);
    (void)__atomic_add_fetch(&s->counters.bytes, actr_buf_size(message), __ATOMIC_RELAXED);
    if (!is_allowed(s, session)) {
        count(&s->counters.refused);
        actri_debug(s->o.env, AREA, "a chunk of %s is refused", session->peer.type.name);
    } else {
        stream = stream_of(s, session, lane, message);
    }
    if (stream == NULL) {
        actr_buf_release(message);
        return;
    }
    actri_stream_item_t item = {.buf = message, .lane = lane};
    arrive_at(s, stream, session, &item);
}

void actri_streams_passed_by(actri_streams_t *s, const actri_session_t *session, const actr_buf_t *message)
{
    actri_datastream_t *chunk = &s->chunk;
    if (actri_datastream_decode(actr_buf_data(message), actr_buf_size(message), chunk, NULL) != ACTR_OK) return;
    gather(s, session, chunk->stream_id, actr_buf_size(message));
}

void actri_streams_sender_forgot(actri_streams_t *s, const actri_session_t *session, actri_span_t stream_id)
{
    peer_t *peer = actri_map_get(&s->peers, &session->number, sizeof session->number);
    if (peer == NULL) return;
    actri_lock(&s->mutex);
    actri_credit_forget_locked(s->o.env, &peer->accounts, stream_id);
    actri_unlock(&s->mutex);
    memcpy(s->key + 1, stream_id.data, stream_id.size);
    actri_stream_t *stream = find(s, s->key, stream_id.size, ACTRI_SPACE_WORKLOAD, ACTRI_SPACE_SHELL);
    if (stream == NULL) return;
    actri_lock(&stream->mutex);
    actri_stream_sender_t *sender = sender_locked(stream, session->number);
    if (sender != NULL) actri_credit_begin(sender);
    actri_unlock(&stream->mutex);
    actri_stream_unref(stream);
}

void actri_streams_session_down(actri_streams_t *s, const actri_session_t *session)
{
    peer_t *peer = actri_map_take(&s->peers, &session->number, sizeof session->number);
    if (peer == NULL) return;
    actri_link_t *link;
    actri_lock(&s->mutex);
    actri_list_remove(&peer->paused);
    while ((link = actri_list_take(&peer->senders)) != NULL) {
        actri_stream_sender_t *sender = ACTRI_CONTAINER(link, actri_stream_sender_t, of_peer);
        actri_stream_t *stream = sender->stream;
        ref(stream);
        actri_lock(&stream->mutex);
        (void)actri_map_take(&stream->senders, &sender->session.number, sizeof sender->session.number);
        stream->last = NULL;
        if (sender->paused) stream->paused--;
        sender->gone = true;
        if (!sender->failed) sender->status = ACTR_STATUS_UNAVAILABLE;
        actri_stream_end_locked(sender);
        actri_stream_sender_unref_locked(sender);
        actri_unlock(&stream->mutex);
        hand_on(s, stream);
    }
    actri_credit_forget_all(s->o.env, &peer->accounts);
    actri_unlock(&s->mutex);
    actri_free(s->o.env, peer);
}

/* ---- within the process ---- */

static actr_status_t no_room(actri_stream_t *stream, int64_t deadline_ns, actr_error_t *error)
{
    count(&stream->counters->full);
    if (deadline_ns == 0) return actri_fail(error, ACTR_STATUS_WOULD_BLOCK, "the stream's queue is full");
    return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "the stream's queue was full for all of the time");
}

/* With the stream's mutex; waits for room. */
static actr_status_t push_locked(actri_stream_t *stream, const actri_stream_item_t *item, bool lossy,
                                 int64_t deadline_ns, actr_error_t *error)
{
    bool in_time = deadline_ns != 0 && !actri_pool_needs_me(stream->spec.pool);
    stream->waiters++;
    while (!lossy && !stream->closed && actri_stream_full_locked(stream) && in_time) {
        in_time = actri_cond_wait(&stream->changed, &stream->mutex, deadline_ns);
    }
    stream->waiters--;
    if (stream->closed) return actri_fail(error, ACTR_STATUS_NOT_FOUND, "the stream's registration has ended");
    if (!lossy && actri_stream_full_locked(stream)) return no_room(stream, deadline_ns, error);
    if (actri_stream_put_locked(stream, item, lossy)) return ACTR_OK;
    return actri_no_memory(error);
}

actr_status_t actri_streams_push(actri_streams_t *s, actri_stream_space_t first, actri_stream_space_t second,
                                 const char *id, const actri_stream_item_t *item, bool lossy, int64_t deadline_ns,
                                 actr_error_t *error)
{
    char key[ACTR_STREAM_ID_MAX + 2];
    size_t size = strlen(id);
    memcpy(key + 1, id, size);
    count(&s->counters.received);
    (void)__atomic_add_fetch(&s->counters.bytes, actr_buf_size(item->buf), __ATOMIC_RELAXED);
    actri_stream_t *stream = find(s, key, size, first, second);
    if (stream == NULL) {
        count(&s->counters.unknown);
        return actri_fail(error, ACTR_STATUS_NOT_FOUND, "nobody has registered %s", id);
    }
    actri_lock(&stream->mutex);
    actr_status_t status = push_locked(stream, item, lossy, deadline_ns, error);
    actri_unlock(&stream->mutex);
    actri_stream_kick(stream);
    actri_stream_unref(stream);
    return status;
}

/* ---- life ---- */

actr_status_t actri_streams_new(const actri_streams_options_t *options, actri_streams_t **out, actr_error_t *error)
{
    actri_streams_t *s = actri_zalloc(options->env, sizeof *s);
    if (s == NULL) return actri_no_memory(error);
    s->o = *options;
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    actri_map_init(&s->streams, options->env);
    actri_map_init(&s->peers, options->env);
    actri_list_init(&s->dead);
    actri_list_init(&s->paused);
    actri_list_init(&s->holed);
    actri_list_init(&s->turn);
    s->room_task.run = on_room;
    s->turn_end.run = run_turn_end;
    s->pause_timer.fire = on_pause_timer;
    *out = s;
    return ACTR_OK;
}

/* Any stream that is registered, with a reference; NULL: none. */
static actri_stream_t *any_stream(actri_streams_t *s)
{
    size_t cursor = 0;
    actri_lock(&s->mutex);
    __atomic_store_n(&s->closed, true, __ATOMIC_RELAXED);
    actri_stream_t *stream = actri_map_next(&s->streams, &cursor);
    if (stream != NULL) ref(stream);
    actri_unlock(&s->mutex);
    return stream;
}

bool actri_streams_close(actri_streams_t *s, int64_t deadline_ns)
{
    actri_stream_t *stream;
    bool idle = true;
    while (idle && (stream = any_stream(s)) != NULL) {
        actri_lock(&s->mutex);
        forget_senders_locked(s, stream);
        actri_unlock(&s->mutex);
        if (!actri_stream_wait_idle(stream, deadline_ns)) __atomic_store_n(&stream->dropping, true, __ATOMIC_RELEASE);
        idle = actri_stream_wait_idle(stream, deadline_ns + PAUSE_NS);
        if (idle) actri_stream_free_user(stream);
        if (idle && take_out(s, stream->key, stream->key_size) != NULL) actri_stream_unref(stream); /* the table's */
        actri_stream_unref(stream);
    }
    return idle;
}

void actri_streams_current(actri_streams_t *s, char *text, size_t size)
{
    size_t cursor = 0;
    actri_stream_t *stream = NULL;
    if (size == 0) return;
    text[0] = '\0';
    actri_lock(&s->mutex);
    while (text[0] == '\0' && (stream = actri_map_next(&s->streams, &cursor)) != NULL) {
        actri_lock(&stream->mutex);
        bool runs = stream->scheduled;
        actri_unlock(&stream->mutex);
        if (!runs) continue;
        const char *id = stream->spec.id == NULL ? "(all others)" : stream->spec.id;
        size_t length = strlen(id) < size ? strlen(id) : size - 1;
        memcpy(text, id, length);
        text[length] = '\0';
    }
    actri_unlock(&s->mutex);
}

static void on_end(actri_task_t *task)
{
    actri_streams_t *s = ACTRI_CONTAINER(task, actri_streams_t, end_task);
    size_t cursor = 0;
    peer_t *peer;
    actri_loop_timer_cancel(s->o.loop, &s->pause_timer);
    while ((peer = actri_map_next(&s->peers, &cursor)) != NULL) {
        actri_credit_forget_all(s->o.env, &peer->accounts);
        actri_free(s->o.env, peer);
    }
    actri_map_clear(&s->peers);
    actri_lock(&s->mutex);
    s->ended = true;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
}

void actri_streams_free(actri_streams_t *s)
{
    if (s == NULL) return;
    (void)actri_streams_close(s, ACTRI_NEVER - PAUSE_NS);
    s->end_task.run = on_end;
    actri_loop_post(s->o.loop, &s->end_task); /* behind the last of on_room */
    actri_lock(&s->mutex);
    while (!s->ended) (void)actri_cond_wait(&s->changed, &s->mutex, ACTRI_NEVER);
    actri_unlock(&s->mutex);
    bury(s, true);
    actri_map_clear(&s->streams);
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
    actri_free(s->o.env, s);
}

const actri_stream_counters_t *actri_streams_counters(const actri_streams_t *s)
{
    return &s->counters;
}
