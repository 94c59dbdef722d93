/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inbox that any thread fills under a mutex (one posted task for a batch), and destinations that only the
 * loop touches. A destination has a queue for each lane: a lane that is blocked, or not open yet, holds up no other.
 */
#include "transport/outproc.h"

#include "base/map.h"
#include "port/clock.h"
#include "port/thread.h"
#include "proto/idcodec.h"

#include <string.h>

#define QUEUE_PARCELS 16384
#define QUEUE_BYTES (16u << 20)
#define EXPIRY_NS (50 * ACTRI_MS) /* how late a queued parcel may notice its deadline */

typedef struct destination {
    actri_outproc_t *owner;
    actri_id_key_t key;
    actr_id_t id;
    actri_link_t queues[ACTRI_RTC_LANES];
    size_t count, bytes; /* of all queues */
    size_t bound;        /* parcels that may go on one session only: no reason to connect */
    actri_timer_t expiry;
    bool armed;
} destination_t;

typedef struct note { /* a relay that has arrived */
    actri_link_t link;
    actri_relay_t relay;
    char text[];
} note_t;

struct actri_outproc {
    const actri_env_t *env;
    actri_loop_t *loop;
    actri_coordinator_t *coordinator; /* NULL once closed */
    actri_outproc_handlers_t handlers;
    void *user;
    actri_map_t destinations;
    uint32_t peers; /* atomic */

    actri_mutex_t mutex; /* guards the inbox */
    actri_link_t parcels, notes;
    actri_link_t identity; /* among the notes when it has changed: needs no memory, so it is never lost */
    actr_id_t self;
    bool posted;
    actri_task_t drain;

    actri_cond_t changed; /* with mutex: flush and close wait for the loop */
    actri_task_t barrier;
    bool barrier_done, closing;

    actri_taps_t *taps;
    actri_outproc_totals_t totals;
};

static void count(uint64_t *counter, uint64_t more)
{
    (void)__atomic_add_fetch(counter, more, __ATOMIC_RELAXED);
}

static void fail_parcel(actri_outproc_t *o, actri_parcel_t *parcel, const actr_error_t *error)
{
    count(&o->totals.failed, 1);
    parcel->done(parcel, error->status, 0, error);
}

/* Of what is queued; more may be negative, as unsigned numbers are. */
static void count_queued(actri_outproc_t *o, uint32_t more, uint64_t bytes)
{
    (void)__atomic_add_fetch(&o->totals.queued, more, __ATOMIC_RELAXED);
    count(&o->totals.queued_bytes, bytes);
}

static void free_destination(destination_t *d)
{
    (void)actri_map_take(&d->owner->destinations, &d->key, sizeof d->key);
    actri_loop_timer_cancel(d->owner->loop, &d->expiry);
    actri_free(d->owner->env, d);
}

static void unqueue(destination_t *d, actri_parcel_t *parcel)
{
    actri_list_remove(&parcel->link);
    d->count--;
    d->bytes -= actr_buf_size(parcel->message);
    count_queued(d->owner, UINT32_MAX, UINT64_C(0) - actr_buf_size(parcel->message));
    if (parcel->session != 0) d->bound--;
}

static void expire(destination_t *d, actri_link_t *queue, int64_t now)
{
    for (actri_link_t *at = queue->next, *next; at != queue; at = next) {
        next = at->next;
        actri_parcel_t *parcel = ACTRI_CONTAINER(at, actri_parcel_t, link);
        if (parcel->deadline_ns > now) continue;
        unqueue(d, parcel);
        actr_error_t error = ACTR_ERROR_INIT;
        (void)actri_fail(&error, ACTR_STATUS_TIMEOUT, "no connection to %s in time", d->id.type.name);
        fail_parcel(d->owner, parcel, &error);
    }
}

static void on_expiry(actri_timer_t *timer)
{
    destination_t *d = ACTRI_CONTAINER(timer, destination_t, expiry);
    int64_t now = actri_now_ns();
    d->armed = false;
    for (int i = 0; i < ACTRI_RTC_LANES; i++) expire(d, &d->queues[i], now);
    if (d->count == 0) {
        free_destination(d);
        return;
    }
    d->armed = true;
    actri_loop_timer_set(d->owner->loop, timer, now + EXPIRY_NS);
}

static destination_t *find_destination(actri_outproc_t *o, const actr_id_t *id)
{
    if (o->destinations.count == 0) return NULL;
    actri_id_key_t key = actri_id_key(id);
    return actri_map_get(&o->destinations, &key, sizeof key);
}

static destination_t *get_destination(actri_outproc_t *o, const actr_id_t *id)
{
    destination_t *d = find_destination(o, id);
    if (d != NULL) return d;
    d = actri_zalloc(o->env, sizeof *d);
    if (d == NULL) return NULL;
    d->owner = o;
    d->id = *id;
    d->key = actri_id_key(id);
    d->expiry.fire = on_expiry;
    for (int i = 0; i < ACTRI_RTC_LANES; i++) actri_list_init(&d->queues[i]);
    if (actri_map_put(&o->destinations, &d->key, sizeof d->key, d) == ACTR_OK) return d;
    actri_free(o->env, d);
    return NULL;
}

/* Tries to hand the parcel to SCTP; false when it has to wait. */
static bool try_send(actri_outproc_t *o, actri_parcel_t *parcel)
{
    actr_error_t error = ACTR_ERROR_INIT;
    uint64_t sent_on = 0;
    actr_status_t status = actri_coordinator_send(o->coordinator, &parcel->to, parcel->session, parcel->lane,
                                                  parcel->message, &sent_on, &error);
    if (status == ACTR_STATUS_WOULD_BLOCK) return false;
    if (status == ACTR_STATUS_UNAVAILABLE && parcel->session == 0) return false;
    if (status == ACTR_OK) {
        count(&o->totals.sent, 1);
        count(&o->totals.sent_bytes, actr_buf_size(parcel->message));
    } else {
        count(&o->totals.failed, 1);
    }
    parcel->done(parcel, status, sent_on, status == ACTR_OK ? NULL : &error);
    return true;
}

static void count_in(destination_t *d, const actri_parcel_t *parcel)
{
    d->count++;
    d->bytes += actr_buf_size(parcel->message);
    count_queued(d->owner, 1, actr_buf_size(parcel->message));
    if (parcel->session != 0) d->bound++;
}

static void arm(destination_t *d)
{
    if (d->armed) return;
    d->armed = true;
    actri_loop_timer_set(d->owner->loop, &d->expiry, actri_now_ns() + EXPIRY_NS);
}

static bool has_room(const destination_t *d, const actri_parcel_t *parcel)
{
    size_t times = parcel->is_credit ? 2 : 1;
    return d->count < times * QUEUE_PARCELS && d->bytes + actr_buf_size(parcel->message) <= times * QUEUE_BYTES;
}

static void enqueue(actri_outproc_t *o, actri_parcel_t *parcel, bool first)
{
    actr_error_t error = ACTR_ERROR_INIT;
    destination_t *d = get_destination(o, &parcel->to);
    if (d == NULL) {
        (void)actri_no_memory(&error);
    } else if (!has_room(d, parcel)) {
        (void)actri_fail(&error, ACTR_STATUS_LIMIT_REACHED, "%zu messages wait for %s already", d->count,
                         parcel->to.type.name);
    } else {
        actri_link_t *queue = &d->queues[parcel->lane];
        actri_list_append(first ? queue->next : queue, &parcel->link); /* before the first, or to the end */
        count_in(d, parcel);
        arm(d);
        if (parcel->session != 0) return;
        if (actri_coordinator_want(o->coordinator, &parcel->to, &error) == ACTR_OK) return;
        unqueue(d, parcel);
    }
    fail_parcel(o, parcel, &error);
}

static void send_parcel(actri_outproc_t *o, actri_parcel_t *parcel)
{
    if (o->coordinator == NULL) {
        actr_error_t error = ACTR_ERROR_INIT;
        (void)actri_fail(&error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
        fail_parcel(o, parcel, &error);
        return;
    }
    if ((unsigned)parcel->lane >= ACTRI_RTC_LANES) {
        actr_error_t error = ACTR_ERROR_INIT;
        (void)actri_fail(&error, ACTR_STATUS_INVALID_ARGUMENT, "payload type %d has no lane", (int)parcel->lane);
        fail_parcel(o, parcel, &error);
        return;
    }
    const destination_t *d = find_destination(o, &parcel->to);
    bool overtakes = d != NULL && !actri_list_empty(&d->queues[parcel->lane]); /* order is kept per lane */
    if (overtakes || !try_send(o, parcel)) enqueue(o, parcel, false);
}

static void flush_lane(actri_outproc_t *o, destination_t *d, actr_payload_type_t lane)
{
    while (!actri_list_empty(&d->queues[lane])) {
        actri_parcel_t *parcel = ACTRI_CONTAINER(d->queues[lane].next, actri_parcel_t, link);
        unqueue(d, parcel);
        if (try_send(o, parcel)) continue;
        actri_list_append(d->queues[lane].next, &parcel->link); /* as the first again */
        count_in(d, parcel);
        return;
    }
}

/* Sends what waits for id until it would block; signals first, all lanes share one window. */
static void flush_destination(actri_outproc_t *o, const actr_id_t *id)
{
    destination_t *d = find_destination(o, id);
    if (d == NULL || d->count == 0) return;
    flush_lane(o, d, ACTR_RPC_SIGNAL);
    flush_lane(o, d, ACTR_RPC_RELIABLE);
    flush_lane(o, d, ACTR_STREAM_LATENCY_FIRST);
    flush_lane(o, d, ACTR_STREAM_RELIABLE);
}

/* ---- the coordinator's events ---- */

static void on_connecting(void *user, const actr_id_t *peer)
{
    actri_outproc_t *o = user;
    o->handlers.on_connecting(o->user, peer);
}

static void on_up(void *user, const actri_session_t *session, const char *description)
{
    actri_outproc_t *o = user;
    __atomic_store_n(&o->peers, actri_coordinator_peer_count(o->coordinator), __ATOMIC_RELAXED);
    o->handlers.on_up(o->user, session, description);
    flush_destination(o, &session->peer);
}

static void on_silent(void *user, const actri_session_t *session)
{
    actri_outproc_t *o = user;
    o->handlers.on_silent(o->user, session);
}

/* Fails what is queued: all of it, or what was bound to the session that ended. */
static void fail_queued(destination_t *d, uint64_t session, const actr_error_t *why)
{
    for (int i = 0; i < ACTRI_RTC_LANES; i++) {
        for (actri_link_t *at = d->queues[i].next, *next; at != &d->queues[i]; at = next) {
            next = at->next;
            actri_parcel_t *parcel = ACTRI_CONTAINER(at, actri_parcel_t, link);
            if (session != 0 && parcel->session != session) continue;
            unqueue(d, parcel);
            fail_parcel(d->owner, parcel, why);
        }
    }
}

static void on_down(void *user, const actri_session_t *session, const actr_error_t *why)
{
    actri_outproc_t *o = user;
    __atomic_store_n(&o->peers, actri_coordinator_peer_count(o->coordinator), __ATOMIC_RELAXED);
    destination_t *d = find_destination(o, &session->peer);
    if (d != NULL) fail_queued(d, session->number, why);
    o->handlers.on_down(o->user, session, why);
}

static void fail_destination(actri_outproc_t *o, const actr_id_t *peer, const actr_error_t *why)
{
    destination_t *d = find_destination(o, peer);
    if (d != NULL) fail_queued(d, 0, why);
}

static void on_failed(void *user, const actr_id_t *peer, const actr_error_t *why)
{
    actri_outproc_t *o = user;
    fail_destination(o, peer, why);
    o->handlers.on_failed(o->user, peer, why);
}

static void on_writable(void *user, const actri_session_t *session)
{
    flush_destination(user, &session->peer);
}

static void on_message(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    actri_outproc_t *o = user;
    bool counts = session->credit && lane == ACTR_STREAM_RELIABLE && o->handlers.on_credit != NULL;
    count(&o->totals.received, 1);
    count(&o->totals.received_bytes, actr_buf_size(message));
    if (counts && o->handlers.on_credit(o->user, session, message, false)) return;
    if (counts) (void)actr_buf_retain(message);
    bool tapped = actri_taps_take(o->taps, &session->peer, lane, message);
    if (counts && tapped) (void)o->handlers.on_credit(o->user, session, message, true);
    if (counts) actr_buf_release(message);
    if (!tapped) o->handlers.on_message(o->user, session, lane, message);
}

static bool is_wanted(void *user, const actr_id_t *peer)
{
    const destination_t *d = find_destination(user, peer);
    return d != NULL && d->count > d->bound;
}

static actr_status_t relay_out(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    actri_outproc_t *o = user;
    return o->handlers.relay(o->user, relay, error);
}

/* ---- the inbox ---- */

static void take_note(actri_outproc_t *o, actri_link_t *link)
{
    if (link == &o->identity) {
        actri_lock(&o->mutex);
        actr_id_t self = o->self;
        actri_unlock(&o->mutex);
        if (o->coordinator != NULL) actri_coordinator_set_identity(o->coordinator, &self);
        return;
    }
    note_t *note = ACTRI_CONTAINER(link, note_t, link);
    if (o->coordinator != NULL) actri_coordinator_relay(o->coordinator, &note->relay);
    actri_free(o->env, note);
}

/* The identity may be set anew meanwhile, so links leave the list under the mutex. */
static actri_link_t *next_note(actri_outproc_t *o, actri_link_t *notes)
{
    actri_lock(&o->mutex);
    actri_link_t *link = actri_list_take(notes);
    actri_unlock(&o->mutex);
    return link;
}

static void run_drain(actri_task_t *task)
{
    actri_outproc_t *o = ACTRI_CONTAINER(task, actri_outproc_t, drain);
    actri_link_t parcels, notes, *link;
    actri_list_init(&parcels);
    actri_list_init(&notes);
    actri_lock(&o->mutex);
    actri_list_splice(&parcels, &o->parcels);
    actri_list_splice(&notes, &o->notes);
    o->posted = false;
    actri_unlock(&o->mutex);
    while ((link = next_note(o, &notes)) != NULL) take_note(o, link);
    while ((link = actri_list_take(&parcels)) != NULL) send_parcel(o, ACTRI_CONTAINER(link, actri_parcel_t, link));
}

/* With the mutex held; true when the drain has to be posted afterwards. */
static bool put_in_locked(actri_outproc_t *o, actri_link_t *list, actri_link_t *link)
{
    actri_list_append(list, link);
    bool post = !o->posted;
    o->posted = true;
    return post;
}

static void put_in(actri_outproc_t *o, actri_link_t *list, actri_link_t *link)
{
    actri_lock(&o->mutex);
    bool post = put_in_locked(o, list, link);
    actri_unlock(&o->mutex);
    if (post) actri_loop_post(o->loop, &o->drain);
}

void actri_outproc_send(actri_outproc_t *o, actri_parcel_t *parcel)
{
    put_in(o, &o->parcels, &parcel->link);
}

void actri_outproc_send_first(actri_outproc_t *o, actri_parcel_t *parcel)
{
    enqueue(o, parcel, true);
}

void actri_outproc_pause(actri_outproc_t *o, const actri_session_t *session, bool paused)
{
    if (o->coordinator != NULL) actri_coordinator_pause(o->coordinator, session, paused);
}

void actri_outproc_give_up(actri_outproc_t *o, const actri_session_t *session, const char *why)
{
    if (o->coordinator != NULL) actri_coordinator_give_up(o->coordinator, session, why);
}

void actri_outproc_relay(actri_outproc_t *o, const actri_relay_t *relay)
{
    size_t size = relay->text == NULL ? 0 : strlen(relay->text) + 1;
    note_t *note = actri_zalloc(o->env, sizeof *note + size);
    if (note == NULL) {
        actri_error(o->env, "peer", "out of memory: a relay is lost");
        return;
    }
    note->relay = *relay;
    if (size > 0) {
        memcpy(note->text, relay->text, size);
        note->relay.text = note->text;
    }
    put_in(o, &o->notes, &note->link);
}

void actri_outproc_set_identity(actri_outproc_t *o, const actr_id_t *self)
{
    actri_lock(&o->mutex);
    o->self = *self;
    actri_list_remove(&o->identity); /* to the end, behind the relays that came before */
    bool post = put_in_locked(o, &o->notes, &o->identity);
    actri_unlock(&o->mutex);
    if (post) actri_loop_post(o->loop, &o->drain);
}

uint32_t actri_outproc_peer_count(const actri_outproc_t *o)
{
    return __atomic_load_n(&o->peers, __ATOMIC_RELAXED);
}

/* ---- life ---- */

actr_status_t actri_outproc_new(const actri_coordinator_options_t *options, const actri_outproc_handlers_t *handlers,
                                void *user, actri_outproc_t **out, actr_error_t *error)
{
    static const actri_coordinator_handlers_t events = {relay_out, on_connecting, on_up,      on_silent, on_down,
                                                        on_failed, on_writable,   on_message, is_wanted};
    actri_outproc_t *o = actri_zalloc(options->env, sizeof *o);
    if (o == NULL) return actri_no_memory(error);
    o->env = options->env;
    o->loop = options->loop;
    o->handlers = *handlers;
    o->user = user;
    actri_map_init(&o->destinations, options->env);
    actri_list_init(&o->parcels);
    actri_list_init(&o->notes);
    actri_list_init(&o->identity);
    o->drain.run = run_drain;
    o->taps = actri_taps_new(options->env);
    actr_status_t status =
        o->taps == NULL ? actri_no_memory(error) : actri_coordinator_new(options, &events, o, &o->coordinator, error);
    if (status != ACTR_OK) {
        actri_taps_release(o->taps);
        actri_free(options->env, o);
        return status;
    }
    actri_mutex_init(&o->mutex);
    actri_cond_init(&o->changed);
    *out = o;
    return ACTR_OK;
}

static void close_on_loop(actri_outproc_t *o)
{
    actri_coordinator_free(o->coordinator);
    o->coordinator = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    for (;;) { /* free_destination changes the map: begin anew each time */
        size_t cursor = 0;
        destination_t *d = actri_map_next(&o->destinations, &cursor);
        if (d == NULL) break;
        fail_destination(o, &d->id, &error);
        free_destination(d);
    }
    actri_map_clear(&o->destinations);
    __atomic_store_n(&o->peers, 0, __ATOMIC_RELAXED);
}

static void run_barrier(actri_task_t *task)
{
    actri_outproc_t *o = ACTRI_CONTAINER(task, actri_outproc_t, barrier);
    if (o->closing && o->coordinator != NULL) close_on_loop(o);
    actri_lock(&o->mutex);
    o->barrier_done = true;
    actri_cond_broadcast(&o->changed);
    actri_unlock(&o->mutex);
}

/* Posted tasks run in order, so once the barrier has run everything before it has too. */
static void wait_barrier(actri_outproc_t *o)
{
    o->barrier_done = false;
    o->barrier.run = run_barrier;
    actri_loop_post(o->loop, &o->barrier);
    actri_lock(&o->mutex);
    while (!o->barrier_done) (void)actri_cond_wait(&o->changed, &o->mutex, ACTRI_NEVER);
    actri_unlock(&o->mutex);
}

void actri_outproc_flush(actri_outproc_t *o)
{
    wait_barrier(o);
}

void actri_outproc_close(actri_outproc_t *o)
{
    o->closing = true;
    wait_barrier(o);
    actri_taps_close(o->taps);
}

void actri_outproc_free(actri_outproc_t *o)
{
    if (o == NULL) return;
    actri_outproc_close(o);
    actri_taps_release(o->taps);
    actri_cond_destroy(&o->changed);
    actri_mutex_destroy(&o->mutex);
    actri_free(o->env, o);
}

/* ---- questions from outside ---- */

typedef struct question { /* on the asker's stack */
    actri_task_t task;
    actri_outproc_t *o;
    void (*answer)(struct question *question); /* on the loop */
    bool answered;                             /* under the mutex */
    const actr_id_t *peer;                     /* NULL: all */
    const actr_error_t *why;
    actr_outproc_dest_t *list;
    size_t room, count;
    bool found;
} question_t;

static void run_question(actri_task_t *task)
{
    question_t *q = ACTRI_CONTAINER(task, question_t, task);
    actri_outproc_t *o = q->o;
    if (o->coordinator != NULL) q->answer(q);
    actri_lock(&o->mutex);
    q->answered = true;
    actri_cond_broadcast(&o->changed);
    actri_unlock(&o->mutex);
}

static void ask(actri_outproc_t *o, question_t *q)
{
    q->task.run = run_question;
    q->o = o;
    actri_loop_post(o->loop, &q->task);
    actri_lock(&o->mutex);
    while (!q->answered) (void)actri_cond_wait(&o->changed, &o->mutex, ACTRI_NEVER);
    actri_unlock(&o->mutex);
}

static void answer_list(question_t *q)
{
    size_t cursor = 0;
    actr_dest_state_t state;
    const actr_id_t *id;
    while ((id = actri_coordinator_next_peer(q->o->coordinator, &cursor, &state)) != NULL) {
        const destination_t *d = find_destination(q->o, id);
        if (q->count < q->room) {
            q->list[q->count] = (actr_outproc_dest_t){.id = *id, .state = state};
            if (d != NULL) q->list[q->count].queued = (uint32_t)d->count;
        }
        q->count++;
    }
}

void actri_outproc_list(actri_outproc_t *o, actr_outproc_dest_t *list, size_t *count)
{
    question_t q = {.answer = answer_list, .list = list, .room = *count};
    ask(o, &q);
    *count = q.count;
}

static void answer_has(question_t *q)
{
    q->found = actri_coordinator_find_peer(q->o->coordinator, q->peer);
}

bool actri_outproc_has_peer(actri_outproc_t *o, const actr_id_t *peer)
{
    question_t q = {.answer = answer_has, .peer = peer};
    ask(o, &q);
    return q.found;
}

/* What waits fails first, else the coordinator would connect anew for it. */
static void close_peer(actri_outproc_t *o, const actr_id_t *peer, const actr_error_t *why)
{
    destination_t *d = find_destination(o, peer);
    if (d != NULL) fail_queued(d, 0, why);
    actri_coordinator_close_peer(o->coordinator, peer, why);
}

unsigned actri_outproc_close_all(actri_outproc_t *o, const actr_error_t *why)
{
    actr_dest_state_t state;
    const actr_id_t *id;
    unsigned count = 0;
    if (o->coordinator == NULL) return 0;
    for (size_t cursor = 0; (id = actri_coordinator_next_peer(o->coordinator, &cursor, &state)) != NULL; cursor = 0) {
        actr_id_t peer = *id; /* the map changes: begin anew each time */
        close_peer(o, &peer, why);
        count++;
    }
    return count;
}

unsigned actri_outproc_moved(actri_outproc_t *o)
{
    return o->coordinator == NULL ? 0 : actri_coordinator_moved(o->coordinator);
}

static void answer_close(question_t *q)
{
    if (q->peer == NULL) {
        q->found = actri_outproc_close_all(q->o, q->why) > 0;
        return;
    }
    q->found = actri_coordinator_find_peer(q->o->coordinator, q->peer);
    if (q->found) close_peer(q->o, q->peer, q->why);
}

bool actri_outproc_close_peer(actri_outproc_t *o, const actr_id_t *peer, const actr_error_t *why)
{
    question_t q = {.answer = answer_close, .peer = peer, .why = why};
    ask(o, &q);
    return q.found;
}

actri_taps_t *actri_outproc_taps(actri_outproc_t *o)
{
    return o->taps;
}

void actri_outproc_totals(actri_outproc_t *o, actri_outproc_totals_t *out)
{
    out->sent = __atomic_load_n(&o->totals.sent, __ATOMIC_RELAXED);
    out->sent_bytes = __atomic_load_n(&o->totals.sent_bytes, __ATOMIC_RELAXED);
    out->failed = __atomic_load_n(&o->totals.failed, __ATOMIC_RELAXED);
    out->received = __atomic_load_n(&o->totals.received, __ATOMIC_RELAXED);
    out->received_bytes = __atomic_load_n(&o->totals.received_bytes, __ATOMIC_RELAXED);
    out->queued = __atomic_load_n(&o->totals.queued, __ATOMIC_RELAXED);
    out->queued_bytes = __atomic_load_n(&o->totals.queued_bytes, __ATOMIC_RELAXED);
}
