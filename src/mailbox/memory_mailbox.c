/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox in memory: two lists of ready messages, one of hidden ones by time, all under one mutex. Nothing waits for
 * anything, so the node uses it on whatever thread a request comes.
 */
#include "mailbox/known.h"
#include "mailbox/memory_letters.h"
#include "mailbox/operations.h"
#include "mailbox/share.h"
#include "port/clock.h"
#include "port/thread.h"

#include "base/buf.h"

#include <string.h>

#define MAX_MESSAGES 100000
#define MAX_BYTES (256u << 20)
#define SUSPECT 2 /* a message that was handed out so often without an end comes alone */
#define MOST_DELAY_MS (7 * 24 * 3600 * INT64_C(1000))

typedef struct held {
    actri_link_t link;      /* in ready, or in hidden; alone while in flight for ever */
    actr_message_t message; /* its bytes: in buffer, and behind this struct */
    int64_t available_ms;   /* 0: ready; INT64_MAX: in flight for ever; else hidden */
    uint8_t bytes[];        /* the sender's, the payload's unless in buffer */
} held_t;

typedef struct memory_mailbox {
    actr_mailbox_t mailbox;
    actri_env_t env;
    actri_mutex_t mutex;
    actri_map_t by_id;
    actri_link_t ready[2], hidden;
    actri_known_t known;
    actri_share_t share;
    uint64_t ready_count[2], bytes;
    uint64_t max_messages, max_bytes;
    int64_t last_id, last_answer;
} memory_mailbox_t;

static memory_mailbox_t *of(actr_mailbox_t *mailbox)
{
    return ACTRI_CONTAINER(mailbox, memory_mailbox_t, mailbox);
}

static held_t *held_of(actri_link_t *link)
{
    return ACTRI_CONTAINER(link, held_t, link);
}

static held_t *find(const memory_mailbox_t *m, int64_t id)
{
    return actri_map_get(&m->by_id, &id, sizeof id);
}

static int high(const held_t *held)
{
    return held->message.priority == ACTR_PRIORITY_HIGH ? 1 : 0;
}

static size_t size_of(const actr_message_t *message)
{
    return message->sender.size + message->payload.size;
}

/* ---- states ---- */

static void take_out(memory_mailbox_t *m, held_t *held)
{
    actri_list_remove(&held->link);
    if (held->available_ms == 0) m->ready_count[high(held)]--;
}

/* Ready again in its old place: what comes back is old, so the place is near the head. */
static void make_ready(memory_mailbox_t *m, held_t *held)
{
    actri_link_t *list = &m->ready[high(held)], *at = list->next;
    if (!actri_list_empty(list) && held_of(list->prev)->message.id < held->message.id) at = list;
    while (at != list && held_of(at)->message.id < held->message.id) at = at->next;
    held->available_ms = 0;
    held->message.leased = false;
    actri_list_append(at, &held->link); /* before it */
    m->ready_count[high(held)]++;
}

/* Later ones come later, mostly. */
static void hide(memory_mailbox_t *m, held_t *held, int64_t until_ms)
{
    held->available_ms = until_ms;
    actri_link_t *at = m->hidden.prev;
    if (until_ms == INT64_MAX) return;
    while (at != &m->hidden && held_of(at)->available_ms > until_ms) at = at->prev;
    actri_list_append(at->next, &held->link);
}

static void wake(memory_mailbox_t *m, int64_t now_ms)
{
    while (!actri_list_empty(&m->hidden) && held_of(m->hidden.next)->available_ms <= now_ms) {
        held_t *held = held_of(m->hidden.next);
        actri_list_remove(&held->link);
        make_ready(m, held);
    }
}

static int64_t later(int64_t now_ms, int64_t by_ms)
{
    return now_ms + (by_ms < MOST_DELAY_MS ? by_ms : MOST_DELAY_MS);
}

/* ---- enqueue ---- */

static held_t *new_held(memory_mailbox_t *m, const actr_message_t *message)
{
    size_t payload = message->buffer != NULL ? 0 : message->payload.size;
    held_t *held = actri_alloc(&m->env, sizeof *held + message->sender.size + payload);
    if (held == NULL) return NULL;
    held->message = *message;
    actri_list_init(&held->link);
    if (message->sender.size > 0) memcpy(held->bytes, message->sender.data, message->sender.size);
    held->message.sender.data = held->bytes;
    if (message->buffer != NULL) {
        (void)actr_buf_retain(message->buffer);
    } else {
        if (payload > 0) memcpy(held->bytes + message->sender.size, message->payload.data, payload);
        held->message.payload.data = held->bytes + message->sender.size;
    }
    return held;
}

static void free_held(memory_mailbox_t *m, held_t *held)
{
    actr_buf_release(held->message.buffer);
    actri_free(&m->env, held);
}

static bool look_up(const memory_mailbox_t *m, actr_message_t *message, int64_t now_ms)
{
    if (!actri_key_is_set(message->key)) return false;
    const actri_known_entry_t *entry = actri_known_find(&m->known, message->key, now_ms);
    if (entry == NULL) return false;
    message->id = entry->id;
    message->outcome = entry->number == 0 ? ACTR_ENQUEUE_PENDING : ACTR_ENQUEUE_ANSWERED;
    if (entry->reply != NULL) message->reply = actr_buf_retain(entry->reply);
    return true;
}

static actri_known_entry_t *waiting_entry(const memory_mailbox_t *m, const uint8_t key[ACTR_KEY_SIZE], int64_t id)
{
    if (!actri_key_is_set(key)) return NULL;
    actri_known_entry_t *entry = actri_known_find(&m->known, key, INT64_MIN);
    return entry != NULL && entry->id == id && entry->number == 0 ? entry : NULL;
}

static void drop(memory_mailbox_t *m, held_t *held)
{
    take_out(m, held);
    (void)actri_map_take(&m->by_id, &held->message.id, sizeof held->message.id);
    m->bytes -= size_of(&held->message);
    free_held(m, held);
}

static bool store(memory_mailbox_t *m, actr_message_t *message, int64_t now_ms)
{
    message->id = m->last_id + 1;
    held_t *held = new_held(m, message);
    if (held == NULL) return false;
    held->message.received_ms = message->received_ms != 0 ? message->received_ms : now_ms;
    if (actri_map_put(&m->by_id, &held->message.id, sizeof held->message.id, held) != ACTR_OK) {
        free_held(m, held);
        return false;
    }
    m->bytes += size_of(message);
    if (message->leased) {
        held->message.attempts = ++message->attempts;
        held->available_ms = INT64_MAX;
    } else {
        make_ready(m, held);
    }
    if (actri_key_is_set(message->key) && actri_known_wait(&m->known, message->key, message->id) == NULL) {
        drop(m, held);
        if (message->leased) message->attempts--;
        return false;
    }
    m->last_id = message->id;
    return true;
}

static void undo_messages(memory_mailbox_t *m, actr_message_t *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        actr_buf_release(messages[i].reply);
        messages[i].reply = NULL;
        held_t *held = messages[i].outcome == ACTR_ENQUEUE_STORED ? find(m, messages[i].id) : NULL;
        if (held == NULL) continue;
        actri_known_entry_t *entry = waiting_entry(m, messages[i].key, messages[i].id);
        if (entry != NULL) actri_known_forget(&m->known, entry);
        if (messages[i].leased) messages[i].attempts--;
        drop(m, held);
    }
}

static actr_status_t enqueue(actr_mailbox_t *mailbox, actr_message_t *messages, size_t count, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    int64_t now_ms = actri_wall_ms();
    size_t i = 0;
    bool good = true;
    actri_lock(&m->mutex);
    for (; good && i < count; i++) {
        actr_message_t *message = &messages[i];
        message->reply = NULL;
        message->outcome = ACTR_ENQUEUE_STORED;
        if (look_up(m, message, now_ms)) continue;
        if (m->by_id.count >= m->max_messages || m->bytes + size_of(message) > m->max_bytes) {
            message->outcome = ACTR_ENQUEUE_FULL;
        } else {
            good = store(m, message, now_ms);
        }
    }
    if (!good) undo_messages(m, messages, i - 1); /* the last one was not stored */
    actri_unlock(&m->mutex);
    return good ? ACTR_OK : actri_no_memory(error);
}

/* ---- dequeue ---- */

typedef struct batch {
    actr_take_fn take;
    void *user;
    int64_t until_ms;
    size_t taken;
    bool over;
} batch_t;

static void hand_out(memory_mailbox_t *m, int which, uint64_t most, batch_t *batch)
{
    uint64_t count = 0;
    while (count < most && !batch->over && !actri_list_empty(&m->ready[which])) {
        held_t *held = held_of(m->ready[which].next);
        bool suspect = held->message.attempts >= SUSPECT;
        batch->over = suspect;
        if (suspect && batch->taken > 0) break;
        take_out(m, held);
        held->message.attempts++;
        held->message.leased = true;
        hide(m, held, batch->until_ms);
        if (!batch->take(batch->user, &held->message)) batch->over = true;
        batch->taken++;
        count++;
    }
    actri_share_took(&m->share, which ? count : 0, which ? 0 : count);
}

static actr_status_t dequeue(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms, actr_take_fn take, void *user,
                             size_t *taken, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    int64_t now_ms = actri_wall_ms();
    (void)error;
    batch_t batch = {.take = take, .user = user};
    batch.until_ms = lease_ms == ACTR_LEASE_FOR_EVER ? INT64_MAX : later(now_ms, lease_ms);
    actri_lock(&m->mutex);
    wake(m, now_ms);
    uint64_t from_high = actri_share_high(&m->share, most, m->ready_count[1], m->ready_count[0]);
    hand_out(m, 1, from_high, &batch);
    hand_out(m, 0, most - from_high, &batch);
    actri_unlock(&m->mutex);
    *taken = batch.taken;
    return ACTR_OK;
}

/* ---- the end of messages ---- */

static actr_buf_t *reply_of(memory_mailbox_t *m, const actr_ack_t *ack)
{
    if (ack->reply.size == 0) return NULL;
    bool whole = ack->buffer != NULL && actr_buf_data(ack->buffer) == ack->reply.data &&
                 actr_buf_size(ack->buffer) == ack->reply.size;
    if (whole) return actr_buf_retain(ack->buffer);
    (void)m;
    return actri_buf_copy(NULL, ack->reply.data, ack->reply.size); /* may outlive the mailbox */
}

static void remember(memory_mailbox_t *m, const actr_ack_t *ack, int64_t now_ms)
{
    actri_known_entry_t *entry = actri_known_find(&m->known, ack->key, now_ms);
    if (entry != NULL && (entry->number != 0 || entry->id != ack->id)) return; /* acknowledged before */
    if (entry == NULL) entry = actri_known_wait(&m->known, ack->key, ack->id);
    if (entry == NULL) return; /* out of memory: a duplicate will be executed */
    entry->reply = reply_of(m, ack);
    actri_known_answer(&m->known, entry, ++m->last_answer, now_ms + m->known.window_ms, now_ms,
                       entry->reply == NULL ? 0 : ack->reply.size);
}

static actr_status_t ack(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t count, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    int64_t now_ms = actri_wall_ms();
    (void)error;
    actri_lock(&m->mutex);
    for (size_t i = 0; i < count; i++) {
        held_t *held = find(m, acks[i].id);
        bool forgets = held != NULL && !actri_key_is_set(acks[i].key);
        actri_known_entry_t *entry = forgets ? waiting_entry(m, held->message.key, acks[i].id) : NULL;
        if (entry != NULL) actri_known_forget(&m->known, entry);
        if (held != NULL) drop(m, held);
        if (actri_key_is_set(acks[i].key)) remember(m, &acks[i], now_ms);
    }
    (void)actri_known_trim(&m->known, now_ms);
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t nack(actr_mailbox_t *mailbox, const actr_nack_t *nacks, size_t count, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    int64_t now_ms = actri_wall_ms();
    (void)error;
    actri_lock(&m->mutex);
    for (size_t i = 0; i < count; i++) {
        held_t *held = find(m, nacks[i].id);
        if (held == NULL) continue;
        take_out(m, held);
        if (nacks[i].untried && held->message.attempts > 0) held->message.attempts--;
        held->message.leased = false;
        if (nacks[i].delay_ms > 0) {
            hide(m, held, later(now_ms, nacks[i].delay_ms));
        } else {
            make_ready(m, held);
        }
    }
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t extend(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    int64_t now_ms = actri_wall_ms();
    actri_lock(&m->mutex);
    held_t *held = find(m, id);
    bool holds = held != NULL && held->message.leased && held->available_ms > now_ms;
    if (holds) {
        take_out(m, held);
        hide(m, held, lease_ms == ACTR_LEASE_FOR_EVER ? INT64_MAX : later(now_ms, lease_ms));
    }
    actri_unlock(&m->mutex);
    if (holds) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_NOT_FOUND, "mailbox: nobody holds message %lld", (long long)id);
}

static actr_status_t stats(actr_mailbox_t *mailbox, actr_mailbox_stats_t *out, actr_error_t *error)
{
    memory_mailbox_t *m = of(mailbox);
    (void)error;
    actri_lock(&m->mutex);
    out->ready_high = m->ready_count[1];
    out->ready = m->ready_count[0] + m->ready_count[1];
    out->hidden = m->by_id.count - out->ready;
    out->bytes = m->bytes;
    out->remembered = m->known.answered_count;
    out->next_ms = actri_list_empty(&m->hidden) ? 0 : held_of(m->hidden.next)->available_ms;
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

/* ---- life ---- */

static void close_mailbox(actr_mailbox_t *mailbox)
{
    memory_mailbox_t *m = of(mailbox);
    size_t cursor = 0;
    held_t *held;
    while ((held = actri_map_next(&m->by_id, &cursor)) != NULL) free_held(m, held);
    actri_map_clear(&m->by_id);
    actri_known_clear(&m->known);
    actri_mutex_destroy(&m->mutex);
    actri_env_t env = m->env;
    actri_free(&env, m);
}

static const actr_mailbox_ops_t ops = {.struct_size = sizeof(actr_mailbox_ops_t),
                                       .flags = ACTR_MAILBOX_IMMEDIATE,
                                       .enqueue = enqueue,
                                       .dequeue = dequeue,
                                       .ack = ack,
                                       .nack = nack,
                                       .extend = extend,
                                       .stats = stats,
                                       .close = close_mailbox};

actr_status_t actr_memory_store_open(const actr_store_options_t *given, actr_mailbox_t **mailbox, actr_dlq_t **letters,
                                     actr_error_t *error)
{
    actr_store_options_t options;
    actr_status_t status = actri_store_options(given, mailbox, &options, error);
    if (status != ACTR_OK) return status;
    actri_env_t env = {.log = options.log, .log_user = options.log_user, .log_level = ACTR_LOG_INFO};
    if (options.allocator != NULL) env.allocator = *options.allocator;
    memory_mailbox_t *m = actri_zalloc(&env, sizeof *m);
    if (m == NULL) return actri_no_memory(error);
    m->mailbox.ops = &ops;
    m->env = env;
    m->max_messages = options.max_messages != 0 ? options.max_messages : MAX_MESSAGES;
    m->max_bytes = options.max_bytes != 0 ? options.max_bytes : MAX_BYTES;
    m->share.high_per_normal = options.high_per_normal != 0 ? options.high_per_normal : ACTRI_HIGH_PER_NORMAL;
    actri_mutex_init(&m->mutex);
    actri_map_init(&m->by_id, &m->env);
    actri_list_init(&m->ready[0]);
    actri_list_init(&m->ready[1]);
    actri_list_init(&m->hidden);
    actri_known_init(&m->known, &m->env, options.duplicate_window_ms, options.duplicate_entries);
    if (letters != NULL) status = actri_memory_letters_new(&env, options.max_dead_letters, letters, error);
    if (status != ACTR_OK) {
        close_mailbox(&m->mailbox);
        return status;
    }
    *mailbox = &m->mailbox;
    return ACTR_OK;
}
