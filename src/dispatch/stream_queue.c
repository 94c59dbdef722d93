/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream: a ring that grows up to its bound, emptied in batches by turns of the stream's serial executor. The end
 * of a sender is told after the last of its items.
 */
#include "dispatch/stream_credit.h"

#include "port/clock.h"

#include <string.h>

#define FIRST_SLOTS 16
#define BATCH 32
#define ROUNDS 8                        /* batches of one turn: streams share the threads */
#define MOST_BYTES (UINT64_C(64) << 20) /* of all queues of a node */

static _Thread_local actri_stream_t *current;

bool actri_streams_in_callback(void)
{
    return current != NULL;
}

static void add(uint64_t *counter, uint64_t n)
{
    (void)__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

actri_stream_texts_t *actri_stream_texts_new(const actri_env_t *env, const char *name, const actr_metadata_t *metadata,
                                             size_t count)
{
    size_t size = sizeof(actri_stream_texts_t) + count * sizeof *metadata + strlen(name) + 1;
    for (size_t i = 0; i < count; i++) size += strlen(metadata[i].key) + strlen(metadata[i].value) + 2;
    actri_stream_texts_t *texts = actri_alloc(env, size);
    if (texts == NULL) return NULL;
    char *at = (char *)&texts->metadata[count];
    texts->count = count;
    texts->name = at;
    at = stpcpy(at, name) + 1;
    for (size_t i = 0; i < count; i++) {
        texts->metadata[i].key = at;
        at = stpcpy(at, metadata[i].key) + 1;
        texts->metadata[i].value = at;
        at = stpcpy(at, metadata[i].value) + 1;
    }
    return texts;
}

void actri_stream_item_release(const actri_env_t *env, const actri_stream_item_t *item)
{
    actr_buf_release(item->buf);
    actri_free(env, item->more);
}

const actri_stream_spec_t *actri_stream_spec(const actri_stream_t *stream)
{
    return &stream->spec;
}

/* ---- in ---- */

bool actri_stream_node_is_full(const actri_stream_counters_t *counters)
{
    return __atomic_load_n(&counters->queued_bytes, __ATOMIC_RELAXED) >= MOST_BYTES;
}

bool actri_stream_full_locked(const actri_stream_t *s)
{
    return s->count >= s->spec.max_items || s->bytes >= s->spec.max_bytes ||
           (s->count > 0 && actri_stream_node_is_full(s->counters));
}

static bool grow(actri_stream_t *s)
{
    uint32_t wanted = s->allocated == 0 ? FIRST_SLOTS : 2 * s->allocated;
    actri_stream_item_t *slots = actri_alloc(s->env, wanted * sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t i = 0; i < s->count; i++) slots[i] = s->slots[(s->first + i) & (s->allocated - 1)];
    actri_free(s->env, s->slots);
    s->slots = slots;
    s->allocated = wanted;
    s->first = 0;
    return true;
}

static actri_stream_item_t take_locked(actri_stream_t *s)
{
    actri_stream_item_t item = s->slots[s->first];
    s->first = (s->first + 1) & (s->allocated - 1);
    s->count--;
    size_t size = actr_buf_size(item.buf);
    s->bytes -= size;
    (void)__atomic_sub_fetch(&s->counters->queued_bytes, size, __ATOMIC_RELAXED);
    (void)__atomic_sub_fetch(&s->counters->queued, 1, __ATOMIC_RELAXED);
    return item;
}

void actri_stream_sender_unref_locked(actri_stream_sender_t *sender)
{
    if (--sender->refs == 0) actri_free(sender->stream->env, sender);
}

void actri_stream_end_locked(actri_stream_sender_t *sender)
{
    if (sender->pending > 0 || sender->told) return; /* then settle_locked comes here */
    sender->told = true;
    sender->refs++;
    actri_list_append(&sender->stream->ends, &sender->due);
}

/* One of its items is out of the way. */
static void settle_locked(actri_stream_sender_t *sender)
{
    if (sender == NULL) return;
    sender->pending--;
    if (sender->failed || sender->gone) actri_stream_end_locked(sender);
    actri_stream_sender_unref_locked(sender);
}

static void drop_locked(actri_stream_t *s, const actri_stream_item_t *item)
{
    add(&s->counters->dropped, 1);
    actri_credit_taken_locked(s, item);
    settle_locked(item->sender);
    actri_stream_item_release(s->env, item);
}

bool actri_stream_put_locked(actri_stream_t *s, const actri_stream_item_t *item, bool lossy)
{
    bool full = lossy && actri_stream_full_locked(s);
    if (full && !s->spec.drop_newest && s->count > 0 && s->slots[s->first].lane == item->lane) {
        actri_stream_item_t oldest = take_locked(s);
        drop_locked(s, &oldest);
        full = false;
    }
    if (full) { /* as the policy says */
        add(&s->counters->dropped, 1);
        actri_stream_item_release(s->env, item);
        return true;
    }
    if (s->count == s->allocated && !grow(s)) return false;
    s->slots[(s->first + s->count++) & (s->allocated - 1)] = *item;
    size_t size = actr_buf_size(item->buf);
    s->bytes += size;
    (void)__atomic_add_fetch(&s->counters->queued_bytes, size, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&s->counters->queued, 1, __ATOMIC_RELAXED);
    if (item->sender != NULL) {
        item->sender->pending++;
        item->sender->refs++;
    }
    return true;
}

void actri_stream_kick(actri_stream_t *s)
{
    actri_lock(&s->mutex);
    bool post = !s->scheduled && (s->count > 0 || !actri_list_empty(&s->ends));
    if (post) {
        s->scheduled = true;
        (void)__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    }
    actri_unlock(&s->mutex);
    if (post) actri_serial_post(s->serial, &s->task, false);
}

/* ---- out ---- */

static bool low(const actri_stream_t *s)
{
    return s->count <= s->spec.max_items / 2 && s->bytes <= s->spec.max_bytes / 2;
}

/* Something else is due first: the end of a sender, or, behind the last of its items, that of the one before. */
static bool end_comes_first(const actri_stream_t *s, const actri_stream_item_t *before)
{
    if (!actri_list_empty(&s->ends)) return true;
    const actri_stream_sender_t *sender = before == NULL ? NULL : before->sender;
    return sender != NULL && sender->gone && s->slots[s->first].sender != sender;
}

/* Takes a batch; *room: paused senders may go on. */
static unsigned take_batch(actri_stream_t *s, actri_stream_item_t batch[BATCH], bool *room)
{
    unsigned n = 0;
    actri_lock(&s->mutex);
    while (n < BATCH && s->count > 0 && !end_comes_first(s, n > 0 ? &batch[n - 1] : NULL)) {
        batch[n] = take_locked(s);
        if (batch[n].sender != NULL) batch[n].sender->took_some = true;
        n++;
    }
    *room = s->paused > 0 && low(s);
    if (s->waiters > 0 && !actri_stream_full_locked(s)) actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
    return n;
}

/* A reliable stream ends where a chunk is missing: what follows is dropped, and the end told behind it. */
static void note_hole(actri_stream_t *s, const actri_stream_item_t *item)
{
    actri_stream_sender_t *sender = item->sender;
    if (sender == NULL || item->lane != ACTR_STREAM_RELIABLE) return;
    actri_lock(&s->mutex);
    sender->has_hole = sender->failed = true;
    sender->status = ACTR_STATUS_NO_MEMORY;
    actri_unlock(&s->mutex);
    add(&s->counters->failures, 1);
    actri_streams_holed(s);
}

static void deliver(actri_stream_t *s, const actri_stream_item_t *item)
{
    bool behind_hole = item->buf != NULL && item->sender != NULL && item->sender->has_hole;
    bool dropped = behind_hole || __atomic_load_n(&s->dropping, __ATOMIC_ACQUIRE);
    if (!dropped) {
        current = s;
        dropped = !s->spec.deliver(s, item);
        current = NULL;
        if (dropped) note_hole(s, item);
    }
    if (item->buf != NULL) add(dropped ? &s->counters->dropped : &s->counters->delivered, 1);
}

/* True when the turn is over for good: nothing is left to do. */
static bool finish_locked(actri_stream_t *s)
{
    bool over = s->count == 0 && actri_list_empty(&s->ends);
    if (over) s->scheduled = false;
    return over;
}

/* True when the turn is over for good. */
static bool settle_batch(actri_stream_t *s, const actri_stream_item_t *batch, unsigned n)
{
    if (s->spec.id == NULL) actri_credit_give_back(s, batch, n);
    actri_lock(&s->mutex);
    for (unsigned i = 0; i < n; i++) {
        actri_credit_taken_locked(s, &batch[i]);
        settle_locked(batch[i].sender);
    }
    bool over = finish_locked(s);
    actri_unlock(&s->mutex);
    for (unsigned i = 0; i < n; i++) actri_stream_item_release(s->env, &batch[i]);
    return over;
}

/* Tells the ends that are due; true when there was one. */
static bool tell_end(actri_stream_t *s)
{
    actri_lock(&s->mutex);
    actri_link_t *link = actri_list_take(&s->ends);
    actri_unlock(&s->mutex);
    if (link == NULL) return false;
    actri_stream_sender_t *sender = ACTRI_CONTAINER(link, actri_stream_sender_t, due);
    actri_stream_item_t end = {.sender = sender, .status = sender->status};
    deliver(s, &end);
    actri_lock(&s->mutex);
    actri_stream_sender_unref_locked(sender);
    actri_unlock(&s->mutex);
    return true;
}

/* True when the turn is over for good. */
static bool tell_ends(actri_stream_t *s)
{
    while (tell_end(s)) {
    }
    actri_lock(&s->mutex);
    bool over = finish_locked(s);
    actri_unlock(&s->mutex);
    return over;
}

static void run_task(actri_task_t *task)
{
    actri_stream_t *s = ACTRI_CONTAINER(task, actri_stream_t, task);
    actri_stream_item_t batch[BATCH];
    for (int round = 0; round < ROUNDS; round++) {
        bool room = false;
        unsigned n = take_batch(s, batch, &room);
        if (room) actri_streams_room(s->owner);
        for (unsigned i = 0; i < n; i++) deliver(s, &batch[i]);
        if ((n > 0 && settle_batch(s, batch, n)) || tell_ends(s)) {
            actri_stream_unref(s);
            return;
        }
    }
    actri_serial_post(s->serial, &s->task, false);
}

static void run_turn(actri_task_t *task)
{
    actri_stream_turn_t *turn = ACTRI_CONTAINER(task, actri_stream_turn_t, task);
    actri_stream_t *s = turn->stream;
    current = s;
    turn->run(turn);
    current = NULL;
    actri_stream_unref(s);
}

void actri_streams_turn(actri_stream_turn_t *turn)
{
    turn->stream = current;
    turn->task.run = run_turn;
    (void)__atomic_add_fetch(&current->refs, 1, __ATOMIC_RELAXED);
    actri_serial_post(current->serial, &turn->task, false);
}

bool actri_streams_drops(const actri_stream_turn_t *turn)
{
    return __atomic_load_n(&turn->stream->dropping, __ATOMIC_ACQUIRE);
}

bool actri_stream_wait_idle(actri_stream_t *s, int64_t deadline_ns)
{
    actri_stream_kick(s);
    return actri_serial_wait_idle(s->serial, deadline_ns);
}

/* ---- life ---- */

actr_status_t actri_stream_new(actri_streams_t *owner, const actri_env_t *env, actri_stream_counters_t *counters,
                               const actri_stream_spec_t *spec, actri_stream_t **out, actr_error_t *error)
{
    size_t id_size = spec->id == NULL ? 0 : strlen(spec->id) + 1;
    actri_stream_t *s = actri_zalloc(env, sizeof *s + 1 + id_size);
    if (s == NULL) return actri_no_memory(error);
    actr_status_t status = actri_serial_new(spec->pool, &s->serial, error);
    if (status != ACTR_OK) {
        actri_free(env, s);
        return status;
    }
    s->spec = *spec;
    s->owner = owner;
    s->env = env;
    s->counters = counters;
    s->refs = 1;
    s->task.run = run_task;
    s->key[0] = (char)spec->space;
    if (id_size > 0) memcpy(s->key + 1, spec->id, id_size);
    s->key_size = id_size == 0 ? 1 : id_size; /* without the final zero */
    s->spec.id = id_size == 0 ? NULL : s->key + 1;
    actri_list_init(&s->dead);
    actri_list_init(&s->of_turn);
    actri_list_init(&s->of_holed);
    actri_list_init(&s->ends);
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    actri_map_init(&s->senders, env);
    *out = s;
    return ACTR_OK;
}

void actri_stream_free_user(actri_stream_t *s)
{
    void (*free_user)(void *) = __atomic_exchange_n(&s->spec.free_user, NULL, __ATOMIC_ACQ_REL);
    if (free_user != NULL) free_user(s->spec.user);
}

void actri_stream_destroy(actri_stream_t *s)
{
    actri_stream_free_user(s);
    while (s->count > 0) {
        actri_stream_item_t item = take_locked(s);
        drop_locked(s, &item);
    }
    actri_serial_free(s->serial);
    actri_map_clear(&s->senders);
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
    actri_free(s->env, s->slots);
    actri_free(s->env, s);
}
