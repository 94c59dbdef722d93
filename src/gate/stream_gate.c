/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex guards everything. A peer has a window for each class of chunks: what has joined the manager's queue and
 * has not been accepted by SCTP. Senders that find it full wait on the peer, and are woken once half of it is free: one
 * wake-up for a batch. Chunks that SCTP has taken are settled together at the end of the loop's turn, so that the loop
 * and the senders seldom meet at the mutex. An out stream is what is known of a reliable stream to a peer; the one that
 * was idle for longest makes room for new ones. Its credit never exceeds what the peer believes it to be by less than
 * what is on its way here (so nobody waits for what will not come): who forgets a stream tells the peer, on the same
 * lane.
 */
#include "gate/stream_gate.h"

#include "base/map.h"
#include "port/clock.h"
#include "port/thread.h"
#include "proto/idcodec.h"

#define WINDOW_BYTES (4u << 20)
#define WINDOW_CHUNKS 4096
#define LOSSY_SHARE 8 /* the latency-first window is so many times smaller */
#define LOSSY_NS (500 * ACTRI_MS)
#define MAX_STREAMS 16384
#define MAX_SPARE 1024 /* chunks that are kept for reuse */
#define MOST_CREDIT (INT64_C(1) << 40)

typedef struct window {
    uint32_t chunks;
    size_t bytes;
} window_t;

typedef struct out_peer {
    actri_id_key_t key;
    actr_id_t id;
    uint64_t session; /* that is up; 0: none */
    bool credit;      /* it grants some */
    bool poor;        /* a word about credit was lost on that session: it is to end */
    window_t reliable, lossy;
    unsigned users, waiters, streams; /* users: sends inside, and chunks on their way */
    actri_cond_t changed;
} out_peer_t;

typedef enum out_state {
    OUT_NEW = 0, /* bound to no connection */
    OUT_OPENING, /* its first chunk is on its way to whichever connection comes */
    OUT_OPEN,    /* bound to `session` */
} out_state_t;

typedef struct out_stream {
    actri_link_t lru;
    out_peer_t *peer;
    out_state_t state;
    uint64_t session;
    uint32_t queued;       /* chunks that SCTP has not accepted yet */
    uint32_t users;        /* sends inside */
    uint32_t binding;      /* counts how often it has been let go of */
    int64_t chunks, bytes; /* credit that is left */
    uint64_t credit_on;    /* on this connection, which may outlive the stream's */
    bool accepted;         /* at least one chunk was, on this connection */
    actr_status_t broken;  /* what the next send is told; ACTR_OK: nothing */
    char *why;             /* may be NULL */
    size_t key_size;
    uint8_t key[]; /* actri_id_key_t, then the id */
} out_stream_t;

typedef struct out_chunk {
    actri_parcel_t parcel;
    actri_stream_gate_t *gate;
    out_peer_t *peer;
    out_stream_t *stream; /* NULL: latency first */
    size_t size;
    uint32_t binding; /* the stream's when it was sent */
    bool paid;        /* it took credit */
    uint64_t sent_on; /* while it waits to be settled */
    actri_sent_t sent;
    struct told *told;     /* NULL: nobody is told */
    struct opener *opener; /* of a stream's first chunk: who waits for it; NULL: nobody */
} out_chunk_t;

/* On the stack of the sender of a first chunk. */
typedef struct opener {
    bool done;
    actr_status_t status;
    actr_error_t error;
} opener_t;

/* What on_sent is told, once it is known. */
typedef struct told {
    actri_task_t task;
    const actri_env_t *env;
    actr_sent_fn fn;
    void *user;
    actr_status_t status;
    actr_error_t error;
} told_t;

struct actri_stream_gate {
    const actri_env_t *env;
    actri_loop_t *loop;
    actri_outproc_t *outproc;
    actri_link_t taken; /* [loop] chunks that SCTP has taken in this turn, by parcel.link */
    actri_task_t turn_end;
    bool turn_waits; /* [loop]; once it is over, under the mutex as well */
    actri_task_t poor_task;
    bool poor_waits; /* it is posted; under the mutex */
    actri_cond_t quiet;
    actri_mutex_t mutex; /* guards the rest */
    actri_map_t peers, streams;
    actri_link_t lru;   /* streams, the one used longest ago first */
    actri_link_t spare; /* chunks, by parcel.link */
    unsigned spare_count;
    bool closed;
    actri_stream_gate_counters_t counters;
};

/* ---- peers and streams; all with the mutex ---- */

static out_peer_t *get_peer(actri_stream_gate_t *g, const actr_id_t *id)
{
    actri_id_key_t key = actri_id_key(id);
    out_peer_t *peer = actri_map_get(&g->peers, &key, sizeof key);
    if (peer != NULL) return peer;
    peer = actri_zalloc(g->env, sizeof *peer);
    if (peer == NULL) return NULL;
    peer->key = key;
    peer->id = *id;
    actri_cond_init(&peer->changed);
    if (actri_map_put(&g->peers, &peer->key, sizeof peer->key, peer) == ACTR_OK) return peer;
    actri_cond_destroy(&peer->changed);
    actri_free(g->env, peer);
    return NULL;
}

static void free_peer(actri_stream_gate_t *g, out_peer_t *peer)
{
    (void)actri_map_take(&g->peers, &peer->key, sizeof peer->key);
    actri_cond_destroy(&peer->changed);
    actri_free(g->env, peer);
}

static void leave_peer(actri_stream_gate_t *g, out_peer_t *peer)
{
    peer->users--;
    if (peer->users == 0 && peer->streams == 0 && peer->session == 0) free_peer(g, peer);
}

static void free_stream(actri_stream_gate_t *g, out_stream_t *stream)
{
    (void)actri_map_take(&g->streams, stream->key, stream->key_size);
    actri_list_remove(&stream->lru);
    stream->peer->streams--;
    actri_free(g->env, stream->why);
    actri_free(g->env, stream);
}

/* ---- words about credit ---- */

typedef struct word {
    actri_parcel_t parcel;
    const actri_env_t *env;
} word_t;

static void on_word_done(actri_parcel_t *parcel, actr_status_t status, uint64_t session, const actr_error_t *error)
{
    word_t *word = ACTRI_CONTAINER(parcel, word_t, parcel);
    (void)session;
    if (status != ACTR_OK) actri_debug(word->env, "stream", "a word about credit did not leave: %s", error->message);
    actr_buf_release(parcel->message);
    actri_free(word->env, word);
}

/* False when memory is out. */
static bool say(actri_stream_gate_t *g, const actr_id_t *to, uint64_t session, const actri_credit_t *credit)
{
    word_t *word = actri_zalloc(g->env, sizeof *word);
    actr_buf_t *message = word == NULL ? NULL : actri_credit_encode(g->env, credit);
    if (message == NULL) {
        actri_free(g->env, word);
        return false;
    }
    actri_list_init(&word->parcel.link);
    word->env = g->env;
    word->parcel.to = *to;
    word->parcel.session = session;
    word->parcel.lane = ACTR_STREAM_RELIABLE;
    word->parcel.message = message;
    word->parcel.deadline_ns = ACTRI_NEVER;
    word->parcel.is_credit = true;
    word->parcel.done = on_word_done;
    actri_outproc_send(g->outproc, &word->parcel);
    return true;
}

void actri_stream_gate_say(actri_stream_gate_t *g, const actri_session_t *session, const actri_credit_t *credit)
{
    if (say(g, &session->peer, session->number, credit)) return;
    actri_warn(g->env, "stream", "out of memory: credit for %s is lost", session->peer.type.name);
    actri_id_key_t key = actri_id_key(&session->peer);
    actri_lock(&g->mutex);
    out_peer_t *peer = actri_map_get(&g->peers, &key, sizeof key);
    bool posts = peer != NULL && peer->session == session->number && !g->closed && !g->poor_waits;
    if (peer != NULL && peer->session == session->number) peer->poor = true;
    if (posts) g->poor_waits = true;
    actri_unlock(&g->mutex);
    if (posts) actri_loop_post(g->loop, &g->poor_task);
}

/* Who was not told of its credit would wait for it for ever. [loop] */
static void end_poor(actri_task_t *task)
{
    actri_stream_gate_t *g = ACTRI_CONTAINER(task, actri_stream_gate_t, poor_task);
    size_t cursor = 0;
    out_peer_t *peer;
    actri_lock(&g->mutex);
    while ((peer = actri_map_next(&g->peers, &cursor)) != NULL) {
        if (!peer->poor) continue;
        actri_session_t session = {.peer = peer->id, .number = peer->session};
        peer->poor = false;
        if (session.number != 0) actri_outproc_give_up(g->outproc, &session, "out of memory: credit is lost");
    }
    g->poor_waits = false;
    actri_cond_broadcast(&g->quiet);
    actri_unlock(&g->mutex);
}

static int64_t more(int64_t credit, uint32_t granted)
{
    return credit + granted < MOST_CREDIT ? credit + granted : MOST_CREDIT;
}

static bool counts_credit(const out_peer_t *peer, const out_stream_t *stream)
{
    return peer->credit && peer->session != 0 && stream->credit_on == peer->session;
}

static bool has_credit(const out_peer_t *peer, const out_stream_t *stream, const actri_stream_send_t *send)
{
    if (stream == NULL || send->beyond || !counts_credit(peer, stream)) return true;
    return stream->chunks > 0 && stream->bytes > 0;
}

/* The peer is told that the stream begins anew, should it come again; false: it can not be. */
static bool give_up_credit(actri_stream_gate_t *g, const out_stream_t *stream)
{
    const out_peer_t *peer = stream->peer;
    if (!counts_credit(peer, stream)) return true;
    actri_credit_t word = {
        .kind = ACTRI_CREDIT_FORGET,
        .stream_id = actri_span(stream->key + sizeof(actri_id_key_t), stream->key_size - sizeof(actri_id_key_t))};
    return say(g, &peer->id, stream->credit_on, &word);
}

/* Makes room for one more; false: all of them are busy. */
static bool evict(actri_stream_gate_t *g)
{
    for (actri_link_t *at = g->lru.next; at != &g->lru; at = at->next) {
        out_stream_t *stream = ACTRI_CONTAINER(at, out_stream_t, lru);
        if (stream->queued > 0 || stream->users > 0 || !give_up_credit(g, stream)) continue;
        out_peer_t *peer = stream->peer;
        free_stream(g, stream);
        peer->users++;
        leave_peer(g, peer);
        return true;
    }
    return false;
}

static size_t make_key(const actr_id_t *to, const char *id, uint8_t key[sizeof(actri_id_key_t) + ACTR_STREAM_ID_MAX])
{
    actri_id_key_t head = actri_id_key(to);
    size_t size = strlen(id);
    memcpy(key, &head, sizeof head);
    memcpy(key + sizeof head, id, size);
    return sizeof head + size;
}

static actr_status_t get_stream(actri_stream_gate_t *g, out_peer_t *peer, const char *id, out_stream_t **out,
                                actr_error_t *error)
{
    uint8_t key[sizeof(actri_id_key_t) + ACTR_STREAM_ID_MAX];
    size_t size = make_key(&peer->id, id, key);
    out_stream_t *stream = actri_map_get(&g->streams, key, size);
    if (stream == NULL) {
        if (g->streams.count >= MAX_STREAMS && !evict(g)) {
            return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d streams are being sent already", MAX_STREAMS);
        }
        stream = actri_zalloc(g->env, sizeof *stream + size);
        if (stream == NULL) return actri_no_memory(error);
        stream->peer = peer;
        stream->key_size = size;
        memcpy(stream->key, key, size);
        actri_list_init(&stream->lru);
        if (actri_map_put(&g->streams, stream->key, size, stream) != ACTR_OK) {
            actri_free(g->env, stream);
            return actri_no_memory(error);
        }
        peer->streams++;
    }
    actri_list_remove(&stream->lru);
    actri_list_append(&g->lru, &stream->lru);
    *out = stream;
    return ACTR_OK;
}

/* ---- what ends a stream's connection ---- */

static void break_stream(actri_stream_gate_t *g, out_stream_t *stream, actr_status_t status, const char *why)
{
    if (stream->broken == ACTR_OK) {
        stream->broken = stream->accepted ? ACTR_STATUS_DELIVERY_UNCERTAIN : status;
        stream->why = actri_strdup(g->env, why);
    }
    stream->state = OUT_NEW;
    stream->accepted = false;
    stream->session = 0;
    stream->binding++;
}

/* What the send is told instead of being done. */
static actr_status_t tell_broken(actri_stream_gate_t *g, out_stream_t *stream, actr_error_t *error)
{
    actr_status_t status = stream->broken;
    const char *why = stream->why == NULL ? actr_status_str(status) : stream->why;
    if (status == ACTR_STATUS_DELIVERY_UNCERTAIN) {
        (void)actri_fail(error, status,
                         "the connection that the stream was sent on has ended; its last chunks may not "
                         "have arrived: %s",
                         why);
    } else {
        (void)actri_fail(error, status, "%s", why);
    }
    stream->broken = ACTR_OK;
    actri_free(g->env, stream->why);
    stream->why = NULL;
    return status;
}

/* ---- a chunk's way ---- */

static bool has_room(const window_t *window, size_t size, unsigned share)
{
    return window->chunks < WINDOW_CHUNKS / share &&
           (window->bytes == 0 || window->bytes + size <= WINDOW_BYTES / share);
}

static bool half_free(const out_peer_t *peer)
{
    return peer->reliable.chunks <= WINDOW_CHUNKS / 2 && peer->reliable.bytes <= WINDOW_BYTES / 2 &&
           peer->lossy.chunks <= WINDOW_CHUNKS / LOSSY_SHARE / 2 && peer->lossy.bytes <= WINDOW_BYTES / LOSSY_SHARE / 2;
}

static void run_told(actri_task_t *task)
{
    told_t *told = ACTRI_CONTAINER(task, told_t, task);
    told->fn(told->status, told->status == ACTR_OK ? NULL : &told->error, told->user);
    actri_free(told->env, told);
}

static void keep_or_free(actri_stream_gate_t *g, out_chunk_t *chunk)
{
    if (g->spare_count >= MAX_SPARE) {
        actri_free(g->env, chunk);
        return;
    }
    g->spare_count++;
    actri_list_append(&g->spare, &chunk->parcel.link);
}

/* A chunk that did not go: the peer has not reckoned with it. */
static void give_back(const out_chunk_t *chunk)
{
    out_stream_t *stream = chunk->stream;
    if (!chunk->paid || chunk->parcel.session != stream->credit_on) return;
    stream->chunks++;
    stream->bytes += (int64_t)chunk->size;
}

/* The stream's side of a chunk's end. */
static void settle(const out_chunk_t *chunk, actr_status_t status, uint64_t session, const actr_error_t *error)
{
    out_stream_t *stream = chunk->stream;
    bool current = chunk->binding == stream->binding; /* else it has been let go of meanwhile, and that was said */
    stream->queued--;
    if (status != ACTR_OK && current && stream->state == OUT_OPENING &&
        (chunk->opener != NULL || chunk->told != NULL)) {
        stream->state = OUT_NEW; /* whoever began it is told */
    } else if (status != ACTR_OK) {
        give_back(chunk);
        if (current) break_stream(chunk->gate, stream, status, actr_error_message(error));
    } else if (current && stream->state == OUT_OPENING) {
        stream->state = OUT_OPEN;
        stream->session = stream->credit_on = session;
        stream->accepted = true;
    } else if (stream->session == session) {
        stream->accepted = true;
    }
    if (chunk->opener == NULL) return;
    chunk->opener->done = true;
    chunk->opener->status = status;
    if (status != ACTR_OK) chunk->opener->error = *error;
}

/* What a chunk's end sets free; true when it is more than room. With the mutex. */
static bool end_chunk(out_chunk_t *chunk, actr_status_t status, uint64_t session, const actr_error_t *error)
{
    actri_stream_gate_t *g = chunk->gate;
    out_stream_t *stream = chunk->stream;
    window_t *window = stream != NULL ? &chunk->peer->reliable : &chunk->peer->lossy;
    window->chunks--;
    window->bytes -= chunk->size;
    *(status == ACTR_OK ? &g->counters.sent : &g->counters.unsent) += 1;
    bool changes = chunk->opener != NULL || (stream != NULL && (stream->state == OUT_OPENING || status != ACTR_OK));
    if (stream == NULL) return changes;
    settle(chunk, status, session, error);
    return changes || stream->queued == 0;
}

static void wake_waiters(out_peer_t *peer, bool changes)
{
    if (peer->waiters > 0 && (changes || half_free(peer))) actri_cond_broadcast(&peer->changed);
}

/* Settles what SCTP has taken in this turn. [loop], with the mutex */
static void settle_taken(actri_stream_gate_t *g)
{
    actri_link_t *link = actri_list_take(&g->taken);
    if (link == NULL) return;
    out_peer_t *peer = ACTRI_CONTAINER(link, out_chunk_t, parcel.link)->peer;
    bool changes = false;
    peer->users++;
    for (; link != NULL; link = actri_list_take(&g->taken)) {
        out_chunk_t *chunk = ACTRI_CONTAINER(link, out_chunk_t, parcel.link);
        if (peer != chunk->peer) {
            wake_waiters(peer, changes);
            changes = false;
            leave_peer(g, peer);
            peer = chunk->peer;
            peer->users++;
        }
        changes = end_chunk(chunk, ACTR_OK, chunk->sent_on, NULL) || changes;
        leave_peer(g, peer);
        keep_or_free(g, chunk);
    }
    wake_waiters(peer, changes);
    leave_peer(g, peer);
}

static void run_turn_end(actri_task_t *task)
{
    actri_stream_gate_t *g = ACTRI_CONTAINER(task, actri_stream_gate_t, turn_end);
    actri_lock(&g->mutex);
    settle_taken(g);
    g->turn_waits = false;
    actri_cond_broadcast(&g->quiet);
    actri_unlock(&g->mutex);
}

static void on_done(actri_parcel_t *parcel, actr_status_t status, uint64_t session, const actr_error_t *error)
{
    out_chunk_t *chunk = ACTRI_CONTAINER(parcel, out_chunk_t, parcel);
    actri_stream_gate_t *g = chunk->gate;
    out_peer_t *peer = chunk->peer;
    told_t *told = chunk->told;
    actri_serial_t *serial = chunk->sent.serial;
    actr_buf_release(parcel->message);
    if (status == ACTR_OK && told == NULL && chunk->opener == NULL) {
        chunk->sent_on = session;
        actri_list_append(&g->taken, &parcel->link);
        if (g->turn_waits) return;
        g->turn_waits = true;
        actri_loop_at_turn_end(g->loop, &g->turn_end);
        return;
    }
    if (told != NULL) {
        told->status = status;
        if (status != ACTR_OK) told->error = *error;
    }
    actri_lock(&g->mutex);
    settle_taken(g); /* a stream's chunks end in their order */
    wake_waiters(peer, end_chunk(chunk, status, session, error));
    leave_peer(g, peer);
    keep_or_free(g, chunk);
    actri_unlock(&g->mutex);
    if (told != NULL) actri_serial_post(serial, &told->task, false);
}

static out_chunk_t *new_chunk(actri_stream_gate_t *g, const actri_sent_t *sent)
{
    actri_link_t *link = actri_list_take(&g->spare);
    if (link != NULL) g->spare_count--;
    out_chunk_t *chunk =
        link != NULL ? ACTRI_CONTAINER(link, out_chunk_t, parcel.link) : actri_alloc(g->env, sizeof *chunk);
    if (chunk == NULL) return NULL;
    memset(chunk, 0, sizeof *chunk);
    actri_list_init(&chunk->parcel.link);
    chunk->gate = g;
    if (sent->serial == NULL || sent->fn == NULL) return chunk;
    chunk->sent = *sent;
    chunk->told = actri_zalloc(g->env, sizeof *chunk->told);
    if (chunk->told == NULL) {
        actri_free(g->env, chunk);
        return NULL;
    }
    *chunk->told = (told_t){.task = {.run = run_told}, .env = g->env, .fn = sent->fn, .user = sent->user};
    return chunk;
}

/* Which connection it may go on, and until when it may wait for that. */
static void bind(out_chunk_t *chunk, const actri_stream_send_t *send, opener_t *opener)
{
    out_stream_t *stream = chunk->stream;
    const out_peer_t *peer = chunk->peer;
    chunk->parcel.deadline_ns = send->deadline_ns;
    if (stream == NULL) {
        if (peer->session != 0) chunk->parcel.deadline_ns = actri_now_ns() + LOSSY_NS;
        return;
    }
    chunk->binding = stream->binding;
    if (stream->state == OUT_NEW && (peer->session == 0 || stream->credit_on != peer->session)) {
        stream->chunks = ACTRI_CREDIT_CHUNKS;
        stream->bytes = ACTRI_CREDIT_BYTES;
        stream->credit_on = peer->session; /* 0: that which accepts it */
    }
    chunk->paid = stream->chunks > 0 && stream->bytes > 0;
    if (chunk->paid) { /* as the peer reckons: proto/credit.h */
        stream->chunks--;
        stream->bytes -= (int64_t)chunk->size;
    }
    if (stream->state == OUT_NEW && peer->session != 0) {
        stream->state = OUT_OPEN;
        stream->session = peer->session;
    }
    if (stream->state == OUT_OPEN) {
        chunk->parcel.session = stream->session;
        chunk->parcel.deadline_ns = ACTRI_NEVER; /* its connection ends it: a hole would be worse */
    } else {
        stream->state = OUT_OPENING;
        chunk->opener = opener;
    }
}

/* Into the manager's queue, under the mutex: so chunks of a stream keep the order of their sends. */
static actr_status_t launch(actri_stream_gate_t *g, out_peer_t *peer, out_stream_t *stream,
                            const actri_stream_send_t *send, actr_buf_t *message, opener_t *opener, actr_error_t *error)
{
    out_chunk_t *chunk = new_chunk(g, &send->sent);
    if (chunk == NULL) return actri_no_memory(error);
    chunk->peer = peer;
    chunk->stream = stream;
    chunk->size = actr_buf_size(message);
    chunk->parcel.to = *send->to;
    chunk->parcel.lane = send->lane;
    chunk->parcel.message = actr_buf_retain(message);
    chunk->parcel.done = on_done;
    bind(chunk, send, send->wait ? opener : NULL);
    window_t *window = stream != NULL ? &peer->reliable : &peer->lossy;
    window->chunks++;
    window->bytes += chunk->size;
    peer->users++;
    if (stream != NULL) stream->queued++;
    opener->done = chunk->opener == NULL;
    actri_outproc_send(g->outproc, &chunk->parcel);
    return ACTR_OK;
}

static actr_status_t wait_on(out_peer_t *peer, actri_stream_gate_t *g, int64_t deadline_ns)
{
    peer->waiters++;
    bool in_time = actri_cond_wait(&peer->changed, &g->mutex, deadline_ns);
    peer->waiters--;
    return in_time ? ACTR_OK : ACTR_STATUS_TIMEOUT;
}

/* Is it the stream's turn to send, as far as the stream goes and the window? */
static bool may_go(const out_peer_t *peer, const out_stream_t *stream, const actri_stream_send_t *send, size_t size)
{
    if (stream == NULL) return has_room(&peer->lossy, size, LOSSY_SHARE);
    return stream->state != OUT_OPENING && has_credit(peer, stream, send) && has_room(&peer->reliable, size, 1);
}

static actr_status_t no_room(actri_stream_gate_t *g, const actri_stream_send_t *send, bool behind, actr_error_t *error)
{
    const char *name = send->to->type.name;
    actr_status_t status = send->wait ? ACTR_STATUS_LIMIT_REACHED : ACTR_STATUS_WOULD_BLOCK;
    g->counters.full++;
    if (behind) return actri_fail(error, status, "%s has not taken enough of %s", name, send->stream_id);
    if (!send->wait) return actri_fail(error, status, "the path to %s is full", name);
    return actri_fail(error, status, "the path to %s was full for all of the time", name);
}

static actr_status_t wait_for_room(actri_stream_gate_t *g, out_peer_t *peer, out_stream_t *stream,
                                   const actri_stream_send_t *send, size_t size, actr_error_t *error)
{
    bool held = false; /* for want of credit */
    for (;;) {
        if (g->closed) return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
        if (stream != NULL && stream->broken != ACTR_OK) return tell_broken(g, stream, error);
        if (may_go(peer, stream, send, size)) return ACTR_OK;
        bool behind = !has_credit(peer, stream, send);
        g->counters.held += behind && !held;
        held = held || behind;
        if (!send->wait || wait_on(peer, g, send->deadline_ns) != ACTR_OK) return no_room(g, send, behind, error);
    }
}

static actr_status_t send_locked(actri_stream_gate_t *g, out_peer_t *peer, const actri_stream_send_t *send,
                                 actr_buf_t *message, actr_error_t *error)
{
    out_stream_t *stream = NULL;
    opener_t opener = {.status = ACTR_OK};
    actr_status_t status = ACTR_OK;
    if (send->lane == ACTR_STREAM_RELIABLE) status = get_stream(g, peer, send->stream_id, &stream, error);
    if (status != ACTR_OK) return status;
    if (stream != NULL) stream->users++;
    status = wait_for_room(g, peer, stream, send, actr_buf_size(message), error);
    if (status == ACTR_OK) {
        status = launch(g, peer, stream, send, message, &opener, error);
        /* The first chunk waits for its connection, so that the sender hears when there is none. It has a deadline. */
        while (status == ACTR_OK && !opener.done) (void)wait_on(peer, g, ACTRI_NEVER);
        if (opener.status != ACTR_OK) {
            status = opener.status;
            if (error != NULL) *error = opener.error;
        }
    }
    if (stream != NULL) stream->users--;
    return status;
}

actr_status_t actri_stream_gate_send(actri_stream_gate_t *g, const actri_stream_send_t *send, actr_buf_t *message,
                                     actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    actri_lock(&g->mutex);
    out_peer_t *peer = get_peer(g, send->to);
    if (peer == NULL) {
        status = actri_no_memory(error);
    } else {
        peer->users++;
        status = send_locked(g, peer, send, message, error);
        leave_peer(g, peer);
    }
    actri_unlock(&g->mutex);
    return status;
}

actr_status_t actri_stream_gate_flush(actri_stream_gate_t *g, const actr_id_t *to, const char *id, int64_t deadline_ns,
                                      actr_error_t *error)
{
    uint8_t key[sizeof(actri_id_key_t) + ACTR_STREAM_ID_MAX];
    size_t size = make_key(to, id, key);
    actr_status_t status = ACTR_OK;
    actri_lock(&g->mutex);
    out_stream_t *stream = actri_map_get(&g->streams, key, size);
    if (stream != NULL) {
        stream->users++;
        while (stream->queued > 0 && !g->closed && status == ACTR_OK) {
            status = wait_on(stream->peer, g, deadline_ns);
        }
        if (stream->broken != ACTR_OK)
            status = tell_broken(g, stream, error);
        else if (stream->queued > 0)
            status = actri_fail(error, g->closed ? ACTR_STATUS_SHUTTING_DOWN : ACTR_STATUS_TIMEOUT,
                                "%u chunks of %s have not left", stream->queued, id);
        else
            status = ACTR_OK;
        stream->users--;
    }
    actri_unlock(&g->mutex);
    return status;
}

/* ---- connections ---- */

void actri_stream_gate_up(actri_stream_gate_t *g, const actri_session_t *session)
{
    actri_lock(&g->mutex);
    out_peer_t *peer = get_peer(g, &session->peer);
    if (peer != NULL) { /* else each stream's first chunk finds it */
        peer->session = session->number;
        peer->credit = session->credit;
        peer->poor = false;
    }
    actri_unlock(&g->mutex);
}

void actri_stream_gate_down(actri_stream_gate_t *g, const actri_session_t *session)
{
    size_t cursor = 0;
    out_stream_t *stream;
    actri_lock(&g->mutex);
    settle_taken(g);
    while ((stream = actri_map_next(&g->streams, &cursor)) != NULL) {
        if (stream->session != session->number) continue;
        break_stream(g, stream, ACTR_STATUS_UNAVAILABLE, "the peer went");
        if (stream->peer->waiters > 0) actri_cond_broadcast(&stream->peer->changed);
    }
    out_peer_t *peer = get_peer(g, &session->peer);
    if (peer != NULL) {
        if (peer->session == session->number) peer->session = 0;
        peer->users++;
        leave_peer(g, peer);
    }
    actri_unlock(&g->mutex);
}

void actri_stream_gate_granted(actri_stream_gate_t *g, const actri_session_t *session, const actri_credit_t *credit)
{
    actri_id_key_t head = actri_id_key(&session->peer);
    uint8_t key[sizeof head + ACTR_STREAM_ID_MAX];
    memcpy(key, &head, sizeof head);
    memcpy(key + sizeof head, credit->stream_id.data, credit->stream_id.size);
    actri_lock(&g->mutex);
    out_stream_t *stream = actri_map_get(&g->streams, key, sizeof head + credit->stream_id.size);
    if (stream != NULL && stream->credit_on == session->number) {
        stream->chunks = more(stream->chunks, credit->chunks);
        stream->bytes = more(stream->bytes, credit->bytes);
        if (stream->peer->waiters > 0) actri_cond_broadcast(&stream->peer->changed);
    }
    actri_unlock(&g->mutex);
}

/* ---- life ---- */

actr_status_t actri_stream_gate_new(const actri_env_t *env, actri_loop_t *loop, actri_outproc_t *outproc,
                                    actri_stream_gate_t **out, actr_error_t *error)
{
    actri_stream_gate_t *g = actri_zalloc(env, sizeof *g);
    if (g == NULL) return actri_no_memory(error);
    g->env = env;
    g->loop = loop;
    g->outproc = outproc;
    g->turn_end.run = run_turn_end;
    g->poor_task.run = end_poor;
    actri_list_init(&g->taken);
    actri_mutex_init(&g->mutex);
    actri_cond_init(&g->quiet);
    actri_map_init(&g->peers, env);
    actri_map_init(&g->streams, env);
    actri_list_init(&g->lru);
    actri_list_init(&g->spare);
    *out = g;
    return ACTR_OK;
}

void actri_stream_gate_close(actri_stream_gate_t *g)
{
    size_t cursor = 0;
    out_peer_t *peer;
    actri_lock(&g->mutex);
    g->closed = true;
    while ((peer = actri_map_next(&g->peers, &cursor)) != NULL) actri_cond_broadcast(&peer->changed);
    actri_unlock(&g->mutex);
}

void actri_stream_gate_free(actri_stream_gate_t *g)
{
    if (g == NULL) return;
    size_t cursor = 0;
    out_stream_t *stream;
    out_peer_t *peer;
    actri_link_t *link;
    actri_lock(&g->mutex);
    while (g->turn_waits || g->poor_waits) { /* the loop's turn ends by itself */
        (void)actri_cond_wait(&g->quiet, &g->mutex, ACTRI_NEVER);
    }
    actri_unlock(&g->mutex);
    while ((stream = actri_map_next(&g->streams, &cursor)) != NULL) {
        actri_free(g->env, stream->why);
        actri_free(g->env, stream);
    }
    cursor = 0;
    while ((peer = actri_map_next(&g->peers, &cursor)) != NULL) {
        actri_cond_destroy(&peer->changed);
        actri_free(g->env, peer);
    }
    while ((link = actri_list_take(&g->spare)) != NULL) {
        actri_free(g->env, ACTRI_CONTAINER(link, out_chunk_t, parcel.link));
    }
    actri_map_clear(&g->streams);
    actri_map_clear(&g->peers);
    actri_cond_destroy(&g->quiet);
    actri_mutex_destroy(&g->mutex);
    actri_free(g->env, g);
}

void actri_stream_gate_counts(actri_stream_gate_t *g, actri_stream_gate_counters_t *out)
{
    actri_lock(&g->mutex);
    *out = g->counters;
    actri_unlock(&g->mutex);
}
