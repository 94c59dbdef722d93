/* SPDX-License-Identifier: Apache-2.0 */
/* A list, newest last, under one mutex; the oldest makes room. */
#include "mailbox/memory_letters.h"

#include "base/list.h"
#include "mailbox/letter.h"
#include "port/clock.h"
#include "port/random.h"
#include "port/thread.h"

#include <stdio.h>
#include <string.h>

#define MOST 1000
#define PAGE 100

typedef struct held {
    actri_link_t link;
    actr_dead_letter_t letter; /* pointing into bytes */
    int64_t number;
    uint8_t bytes[];
} held_t;

typedef struct memory_letters {
    actr_dlq_t dlq;
    actri_env_t env;
    actri_mutex_t mutex;
    actri_link_t letters; /* by (created_ms, number) */
    uint64_t count, most;
    int64_t last_number;
} memory_letters_t;

static memory_letters_t *of(actr_dlq_t *dlq)
{
    return ACTRI_CONTAINER(dlq, memory_letters_t, dlq);
}

static held_t *held_of(actri_link_t *link)
{
    return ACTRI_CONTAINER(link, held_t, link);
}

/* ---- copies ---- */

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *keep_text(uint8_t **at, const char *text)
{
    if (text == NULL) return NULL;
    char *kept = (char *)*at;
    memcpy(kept, text, text_size(text));
    *at += text_size(text);
    return kept;
}

static actr_bytes_t keep_bytes(uint8_t **at, actr_bytes_t bytes)
{
    actr_bytes_t kept = {*at, bytes.size};
    if (bytes.size > 0) memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return kept;
}

static held_t *new_held(memory_letters_t *m, const actr_dead_letter_t *from)
{
    size_t size = from->sender.size + from->receiver.size + from->payload.size + text_size(from->reason) +
                  text_size(from->category) + text_size(from->trace_id) + text_size(from->request_id) +
                  text_size(from->context);
    held_t *held = actri_alloc(&m->env, sizeof *held + size);
    if (held == NULL) return NULL;
    uint8_t *at = held->bytes;
    held->letter = *from;
    held->letter.sender = keep_bytes(&at, from->sender);
    held->letter.receiver = keep_bytes(&at, from->receiver);
    held->letter.payload = keep_bytes(&at, from->payload);
    held->letter.reason = keep_text(&at, from->reason);
    held->letter.category = keep_text(&at, from->category);
    held->letter.trace_id = keep_text(&at, from->trace_id);
    held->letter.request_id = keep_text(&at, from->request_id);
    held->letter.context = keep_text(&at, from->context);
    if (held->letter.id[0] == '\0') actri_uuid_v4(held->letter.id);
    if (held->letter.created_ms == 0) held->letter.created_ms = actri_wall_ms();
    return held;
}

/* ---- under the mutex ---- */

static held_t *find(memory_letters_t *m, const char *id)
{
    for (actri_link_t *at = m->letters.next; at != &m->letters; at = at->next) {
        if (strcmp(held_of(at)->letter.id, id) == 0) return held_of(at);
    }
    return NULL;
}

static void drop(memory_letters_t *m, held_t *held)
{
    actri_list_remove(&held->link);
    m->count--;
    actri_free(&m->env, held);
}

static void add(memory_letters_t *m, held_t *held)
{
    actri_link_t *at = m->letters.prev;
    while (at != &m->letters && held_of(at)->letter.created_ms > held->letter.created_ms) at = at->prev;
    held->number = ++m->last_number;
    actri_list_append(at->next, &held->link);
    m->count++;
    while (m->count > m->most) { /* the first that came */
        held_t *oldest = held_of(m->letters.next);
        for (actri_link_t *i = m->letters.next; i != &m->letters; i = i->next) {
            if (held_of(i)->number < oldest->number) oldest = held_of(i);
        }
        drop(m, oldest);
    }
}

static bool text_is(const char *wanted, const char *text)
{
    return wanted == NULL || (text != NULL && strcmp(wanted, text) == 0);
}

static bool matches(const actr_dlq_filter_t *filter, const actr_dead_letter_t *letter)
{
    if (!text_is(filter->category, letter->category) || !text_is(filter->trace_id, letter->trace_id)) return false;
    if (!text_is(filter->request_id, letter->request_id)) return false;
    if (filter->created_after_ms != 0 && letter->created_ms <= filter->created_after_ms) return false;
    if (filter->created_before_ms != 0 && letter->created_ms >= filter->created_before_ms) return false;
    if (filter->sender.data == NULL) return true;
    return filter->sender.size == letter->sender.size &&
           (letter->sender.size == 0 || memcmp(filter->sender.data, letter->sender.data, letter->sender.size) == 0);
}

static bool is_beyond(const actr_dlq_page_t *page, const held_t *held)
{
    if (page->created_ms == 0 && page->number == 0) return true;
    if (held->letter.created_ms != page->created_ms) return held->letter.created_ms < page->created_ms;
    return held->number < page->number;
}

/* ---- operations ---- */

static actr_status_t enqueue(actr_dlq_t *dlq, const actr_dead_letter_t *letter, char *id, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    held_t *held = new_held(m, letter);
    if (held == NULL) return actri_no_memory(error);
    actri_lock(&m->mutex);
    bool there = letter->id[0] != '\0' && find(m, letter->id) != NULL;
    if (!there && id != NULL) (void)snprintf(id, sizeof held->letter.id, "%s", held->letter.id);
    if (!there) add(m, held);
    actri_unlock(&m->mutex);
    if (!there) return ACTR_OK;
    actri_free(&m->env, held);
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "dead letters: %s is there already", letter->id);
}

static actr_status_t query(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, actr_dlq_page_t *page,
                           actr_take_letter_fn take, void *user, size_t *taken, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    size_t limit = filter->limit != 0 ? filter->limit : PAGE;
    actr_dlq_page_t begin = *page;
    bool more = true;
    (void)error;
    actri_lock(&m->mutex);
    for (actri_link_t *at = m->letters.prev; more && *taken < limit && at != &m->letters; at = at->prev) {
        const held_t *held = held_of(at);
        if (!is_beyond(&begin, held) || !matches(filter, &held->letter)) continue;
        more = take(user, &held->letter);
        *page = (actr_dlq_page_t){held->letter.created_ms, held->number};
        ++*taken;
    }
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t not_found(const char *id, actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_NOT_FOUND, "dead letters: there is no %s", id);
}

static actr_status_t get(actr_dlq_t *dlq, const char *id, actr_take_letter_fn take, void *user, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    actri_lock(&m->mutex);
    const held_t *held = find(m, id);
    if (held != NULL) (void)take(user, &held->letter);
    actri_unlock(&m->mutex);
    return held != NULL ? ACTR_OK : not_found(id, error);
}

/* Under the mutex all the while: the second of two finds nothing. */
static actr_status_t redrive(actr_dlq_t *dlq, const char *id, actr_mailbox_t *into, int64_t *message_id,
                             actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    actri_lock(&m->mutex);
    held_t *held = find(m, id);
    actr_status_t status = held != NULL ? ACTR_OK : not_found(id, error);
    if (held != NULL) {
        actr_message_t message = actri_message_of(&held->letter);
        status = actr_mailbox_enqueue(into, &message, 1, error);
        if (status == ACTR_OK && message_id != NULL) *message_id = message.id;
        if (status == ACTR_OK) drop(m, held);
    }
    actri_unlock(&m->mutex);
    return status;
}

static actr_status_t remove_letter(actr_dlq_t *dlq, const char *id, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    (void)error;
    actri_lock(&m->mutex);
    held_t *held = find(m, id);
    if (held != NULL) drop(m, held);
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

static actr_status_t purge(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    (void)error;
    actri_lock(&m->mutex);
    for (actri_link_t *at = m->letters.next, *next; at != &m->letters; at = next) {
        next = at->next;
        if (!matches(filter, &held_of(at)->letter)) continue;
        drop(m, held_of(at));
        ++*count;
    }
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

static void count_category(actr_dlq_stats_t *out, const char *name)
{
    size_t i = 0;
    while (i < out->category_count && strncmp(out->categories[i].name, name, sizeof out->categories[i].name - 1) != 0) {
        i++;
    }
    if (i == ACTR_DLQ_CATEGORIES) return;
    if (i == out->category_count) {
        (void)snprintf(out->categories[out->category_count++].name, sizeof out->categories[0].name, "%s", name);
    }
    out->categories[i].count++;
}

static actr_status_t stats(actr_dlq_t *dlq, actr_dlq_stats_t *out, actr_error_t *error)
{
    memory_letters_t *m = of(dlq);
    (void)error;
    actri_lock(&m->mutex);
    for (actri_link_t *at = m->letters.next; at != &m->letters; at = at->next) {
        const actr_dead_letter_t *letter = &held_of(at)->letter;
        out->total++;
        out->redriven += letter->redrives > 0;
        out->bytes += letter->payload.size;
        if (out->oldest_ms == 0) out->oldest_ms = letter->created_ms;
        count_category(out, letter->category);
    }
    actri_unlock(&m->mutex);
    return ACTR_OK;
}

/* ---- life ---- */

static void close_letters(actr_dlq_t *dlq)
{
    memory_letters_t *m = of(dlq);
    while (!actri_list_empty(&m->letters)) drop(m, held_of(m->letters.next));
    actri_mutex_destroy(&m->mutex);
    actri_env_t env = m->env;
    actri_free(&env, m);
}

static const actr_dlq_ops_t ops = {.struct_size = sizeof(actr_dlq_ops_t),
                                   .enqueue = enqueue,
                                   .query = query,
                                   .get = get,
                                   .redrive = redrive,
                                   .remove = remove_letter,
                                   .purge = purge,
                                   .stats = stats,
                                   .close = close_letters};

actr_status_t actri_memory_letters_new(const actri_env_t *env, uint32_t most, actr_dlq_t **out, actr_error_t *error)
{
    memory_letters_t *m = actri_zalloc(env, sizeof *m);
    if (m == NULL) return actri_no_memory(error);
    m->dlq.ops = &ops;
    m->env = *env;
    m->most = most != 0 ? most : MOST;
    actri_mutex_init(&m->mutex);
    actri_list_init(&m->letters);
    *out = &m->dlq;
    return ACTR_OK;
}
