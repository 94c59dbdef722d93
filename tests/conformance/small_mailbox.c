/* SPDX-License-Identifier: Apache-2.0 */
/* Neither keys nor groups: the library does without. Each operation looks at every slot. */
#include "small_mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 1024

typedef struct slot {
    actr_message_t message; /* id 0: free */
    int64_t hidden_until;   /* 0: ready */
    void *bytes;            /* sender and payload */
} slot_t;

typedef struct small_mailbox {
    actr_mailbox_t mailbox; /* first: this is how the library sees it */
    pthread_mutex_t mutex;
    uint64_t max_messages, max_bytes;
    uint32_t high_per_normal, high_run;
    int64_t last_id;
    slot_t slots[SLOTS];
} small_mailbox_t;

static small_mailbox_t *of(actr_mailbox_t *mailbox)
{
    return (small_mailbox_t *)(void *)mailbox;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t until(int64_t now, int64_t by_ms)
{
    return by_ms == ACTR_LEASE_FOR_EVER ? INT64_MAX : now + by_ms;
}

static slot_t *find(small_mailbox_t *m, int64_t id)
{
    for (size_t i = 0; id > 0 && i < SLOTS; i++) {
        if (m->slots[i].message.id == id) return &m->slots[i];
    }
    return NULL;
}

static void count(const small_mailbox_t *m, int64_t now, actr_mailbox_stats_t *out)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const slot_t *slot = &m->slots[i];
        if (slot->message.id == 0) continue;
        bool ready = slot->hidden_until <= now;
        out->ready += ready;
        out->ready_high += ready && slot->message.priority == ACTR_PRIORITY_HIGH;
        out->hidden += !ready;
        out->bytes += slot->message.sender.size + slot->message.payload.size;
        bool sooner = out->next_ms == 0 || slot->hidden_until < out->next_ms;
        if (!ready && slot->hidden_until != INT64_MAX && sooner) out->next_ms = slot->hidden_until;
    }
}

static bool keep(slot_t *slot, const actr_message_t *message)
{
    size_t sender = message->sender.size, payload = message->payload.size;
    char *bytes = malloc(sender + payload + 1);
    if (bytes == NULL) return false;
    if (sender > 0) memcpy(bytes, message->sender.data, sender);
    if (payload > 0) memcpy(bytes + sender, message->payload.data, payload);
    *slot = (slot_t){.message = *message, .bytes = bytes};
    slot->message.sender.data = bytes;
    slot->message.payload.data = bytes + sender;
    return true;
}

static actr_status_t enqueue(actr_mailbox_t *mailbox, actr_message_t *messages, size_t number, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; i < number; i++) {
        actr_message_t *message = &messages[i];
        actr_mailbox_stats_t held = {0};
        size_t at = 0;
        count(m, 0, &held);
        while (at < SLOTS && m->slots[at].message.id != 0) at++;
        message->id = m->last_id + 1;
        message->reply = NULL;
        message->outcome = ACTR_ENQUEUE_FULL;
        if (held.ready + held.hidden >= m->max_messages || at == SLOTS) continue;
        if (held.bytes + message->sender.size + message->payload.size > m->max_bytes) continue;
        if (message->leased) message->attempts++;
        if (!keep(&m->slots[at], message)) continue;
        if (message->leased) m->slots[at].hidden_until = INT64_MAX;
        message->outcome = ACTR_ENQUEUE_STORED;
        m->last_id++;
    }
    (void)pthread_mutex_unlock(&m->mutex);
    return ACTR_OK;
}

/* The ready one that came first; priority -1: any. */
static slot_t *first_ready(small_mailbox_t *m, int64_t now, int priority)
{
    slot_t *first = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        slot_t *slot = &m->slots[i];
        if (slot->message.id == 0 || slot->hidden_until > now) continue;
        if ((int)slot->message.priority != priority) continue;
        if (first == NULL || slot->message.id < first->message.id) first = slot;
    }
    return first;
}

static slot_t *choose(small_mailbox_t *m, int64_t now)
{
    slot_t *high = first_ready(m, now, ACTR_PRIORITY_HIGH), *normal = first_ready(m, now, ACTR_PRIORITY_NORMAL);
    if (normal == NULL || (high != NULL && m->high_run < m->high_per_normal)) return high;
    return normal;
}

static actr_status_t dequeue(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms, actr_take_fn take, void *user,
                             size_t *taken, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    int64_t now = now_ms();
    slot_t *slot;
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    for (bool more = true; more && *taken < most && (slot = choose(m, now)) != NULL; ++*taken) {
        bool suspect = slot->message.attempts >= 2;
        if (suspect && *taken > 0) break;
        m->high_run = slot->message.priority == ACTR_PRIORITY_HIGH ? m->high_run + 1 : 0;
        slot->hidden_until = until(now, lease_ms);
        slot->message.attempts++;
        slot->message.leased = true;
        more = take(user, &slot->message) && !suspect;
    }
    (void)pthread_mutex_unlock(&m->mutex);
    return ACTR_OK;
}

static void drop(slot_t *slot)
{
    if (slot == NULL) return;
    free(slot->bytes);
    *slot = (slot_t){.hidden_until = 0};
}

static actr_status_t ack(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t number, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; i < number; i++) drop(find(m, acks[i].id));
    (void)pthread_mutex_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t nack(actr_mailbox_t *mailbox, const actr_nack_t *nacks, size_t number, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; i < number; i++) {
        slot_t *slot = find(m, nacks[i].id);
        if (slot == NULL) continue;
        slot->hidden_until = nacks[i].delay_ms > 0 ? now_ms() + nacks[i].delay_ms : 0;
        slot->message.leased = false;
        if (nacks[i].untried && slot->message.attempts > 0) slot->message.attempts--;
    }
    (void)pthread_mutex_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t extend(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    int64_t now = now_ms();
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    slot_t *slot = find(m, id);
    bool holds = slot != NULL && slot->message.leased && slot->hidden_until > now;
    if (holds) slot->hidden_until = until(now, lease_ms);
    (void)pthread_mutex_unlock(&m->mutex);
    return holds ? ACTR_OK : ACTR_STATUS_NOT_FOUND;
}

static actr_status_t stats(actr_mailbox_t *mailbox, actr_mailbox_stats_t *out, actr_error_t *error)
{
    small_mailbox_t *m = of(mailbox);
    (void)error;
    (void)pthread_mutex_lock(&m->mutex);
    count(m, now_ms(), out);
    (void)pthread_mutex_unlock(&m->mutex);
    return ACTR_OK;
}

static void close_mailbox(actr_mailbox_t *mailbox)
{
    small_mailbox_t *m = of(mailbox);
    for (size_t i = 0; i < SLOTS; i++) drop(&m->slots[i]);
    (void)pthread_mutex_destroy(&m->mutex);
    free(m);
}

static const actr_mailbox_ops_t ops = {.struct_size = sizeof(actr_mailbox_ops_t),
                                       .enqueue = enqueue,
                                       .dequeue = dequeue,
                                       .ack = ack,
                                       .nack = nack,
                                       .extend = extend,
                                       .stats = stats,
                                       .close = close_mailbox};

actr_mailbox_t *small_mailbox_new(const actr_store_options_t *options)
{
    small_mailbox_t *m = calloc(1, sizeof *m);
    if (m == NULL) return NULL;
    m->mailbox.ops = &ops;
    m->max_messages = options->max_messages != 0 ? options->max_messages : SLOTS;
    m->max_bytes = options->max_bytes != 0 ? options->max_bytes : UINT64_MAX;
    m->high_per_normal = options->high_per_normal != 0 ? options->high_per_normal : 8;
    (void)pthread_mutex_init(&m->mutex, NULL);
    return &m->mailbox;
}
