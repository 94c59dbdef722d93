/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage thread: takes whatever has arrived and whatever has ended, commits once, and delivers; acknowledgements
 * alone wait a moment for company. As long as memory holds few mails, what comes is delivered from memory, and its row
 * is in flight from its commit on. Beyond that, and for what the last run left, the table is read page by page.
 */
#include "mailbox/mailbox_inside.h"
#include "port/clock.h"

#include <string.h>

#define AREA "mailbox"
#define LINGER_NS (2 * ACTRI_MS)  /* of acknowledgements, for a commit to ride in */
#define RETRY_NS (500 * ACTRI_MS) /* after a failure */
#define MEMORY_MAILS 4096         /* handed out and not ended; beyond, messages wait in the table */
#define MEMORY_BYTES (32u << 20)
#define PAGE 256       /* messages read from the table in one go */
#define PAGE_BELOW 256 /* mails handed out */
#define MOST_WAIT_NS (3600 * ACTRI_SECOND)

/* ---- a commit ---- */

typedef struct batch {
    actri_link_t arrived, ended;
    bool leased; /* what arrived is delivered from memory */
} batch_t;

static void fill_ends(actri_mailbox_t *m, actri_link_t *ended, actr_mailbox_group_t *group)
{
    actri_group_room_t *room = m->room;
    *group = (actr_mailbox_group_t){.acks = room->acks, .nacks = room->nacks, .burials = room->burials};
    for (actri_link_t *at = ended->next; at != ended; at = at->next) {
        const actri_mail_t *mail = actri_mail_of(at);
        if (mail->user != NULL) {
            room->burials[group->burial_count++] = actri_grave_burial(mail->user, mail);
        } else if (mail->end == ACTRI_MAIL_KEEP) {
            room->nacks[group->nack_count++] = (actr_nack_t){.id = mail->sequence, .untried = true};
        } else {
            room->acks[group->ack_count++] = actri_mail_ack(m, mail);
        }
    }
}

static actr_status_t commit_batch(actri_mailbox_t *m, batch_t *batch, actr_error_t *error)
{
    actr_mailbox_group_t group;
    fill_ends(m, &batch->ended, &group);
    group.messages = m->room->messages;
    for (actri_link_t *at = batch->arrived.next; at != &batch->arrived; at = at->next) {
        group.messages[group.message_count++] = actri_mail_message(m, actri_mail_of(at), batch->leased);
    }
    return actr_mailbox_commit(m->store, m->letters, &group, error);
}

static void free_ended(actri_mailbox_t *m, actri_link_t *ended)
{
    actri_link_t *link;
    while ((link = actri_list_take(ended)) != NULL) {
        actri_free(m->env, actri_mail_of(link)->user);
        actri_mail_free(m, actri_mail_of(link));
    }
}

/* ---- what became of what arrived ---- */

/* Under the mutex: not here any more. */
static void count_off(actri_mailbox_t *m, const actri_mail_t *mail)
{
    m->stats.queued--;
    if (mail->high && m->stats.queued_high > 0) m->stats.queued_high--;
    m->stats.bytes -= actri_mail_size(mail);
}

/* Under the mutex. The reply of the request that a duplicate waits for, when it has ended meanwhile; else NULL, and the
 * reply will go to the duplicate's session. */
static actr_buf_t *join(actri_mailbox_t *m, int64_t sequence, const actri_mail_t *duplicate)
{
    for (actri_link_t *at = m->ended.next; at != &m->ended; at = at->next) {
        const actri_mail_t *mail = actri_mail_of(at);
        if (mail->sequence != sequence) continue;
        return mail->reply == NULL ? NULL : actr_buf_retain(mail->reply);
    }
    actri_route_set(m, sequence, duplicate->origin);
    return NULL;
}

typedef struct sorted {
    actri_link_t out;      /* delivered from memory */
    actri_link_t forget;   /* in the table, or duplicates that wait */
    actri_link_t repeated; /* with the reply as user */
    actri_link_t full;
} sorted_t;

/* Under the mutex. */
static void sort_one(actri_mailbox_t *m, actri_mail_t *mail, const actr_message_t *message, bool leased, sorted_t *to)
{
    mail->sequence = message->id;
    if (message->outcome == ACTR_ENQUEUE_STORED) {
        m->stats.stored++;
        mail->attempts = message->attempts;
        if (leased) {
            actri_mailbox_count_out(m, mail);
        } else {
            m->table_count++;
            if (mail->high && m->stats.queued_high > 0) m->stats.queued_high--;
            actri_route_set(m, message->id, mail->origin);
        }
        actri_list_append(leased ? &to->out : &to->forget, &mail->task.link);
        return;
    }
    count_off(m, mail);
    if (message->outcome == ACTR_ENQUEUE_FULL) {
        m->stats.refused++;
        actri_list_append(&to->full, &mail->task.link);
        return;
    }
    m->stats.duplicates++;
    bool pending = message->outcome == ACTR_ENQUEUE_PENDING;
    mail->user = pending ? join(m, message->id, mail) : message->reply;
    actri_list_append(mail->user != NULL ? &to->repeated : &to->forget, &mail->task.link);
}

static void finish_sorted(actri_mailbox_t *m, sorted_t *sorted)
{
    actri_link_t *link;
    actr_error_t full = ACTR_ERROR_INIT;
    (void)actri_fail(&full, ACTR_STATUS_MAILBOX_FULL, "the mailbox is full");
    while ((link = actri_list_take(&sorted->forget)) != NULL) actri_mail_free(m, actri_mail_of(link));
    while ((link = actri_list_take(&sorted->full)) != NULL) actri_mail_refuse(m, actri_mail_of(link), &full);
    while ((link = actri_list_take(&sorted->repeated)) != NULL) {
        actr_buf_t *reply = actri_mail_of(link)->user;
        actri_mail_of(link)->user = NULL;
        actri_mail_repeat(m, actri_mail_of(link), reply);
    }
}

/* So that pause can wait until nothing is being delivered any more. Takes the mutex off. */
static void unlock_and_deliver(actri_mailbox_t *m, actri_link_t *mails)
{
    m->delivering = true;
    actri_unlock(&m->mutex);
    actri_mailbox_deliver(m, mails);
    actri_lock(&m->mutex);
    m->delivering = false;
    if (m->paused) actri_cond_broadcast(&m->wake);
    actri_unlock(&m->mutex);
}

/* A commit failed: what arrived is refused, what has ended is tried again. */
static void on_failure(actri_mailbox_t *m, batch_t *batch, const actr_error_t *why)
{
    actri_link_t *link;
    actri_error(m->env, AREA, "%s", why->message);
    actri_lock(&m->mutex);
    for (actri_link_t *at = batch->arrived.next; at != &batch->arrived; at = at->next) {
        count_off(m, actri_mail_of(at));
        m->stats.refused++;
    }
    actri_list_splice(&batch->ended, &m->ended); /* the older ones first */
    actri_list_splice(&m->ended, &batch->ended);
    m->not_before_ns = actri_now_ns() + RETRY_NS;
    actri_unlock(&m->mutex);
    while ((link = actri_list_take(&batch->arrived)) != NULL) actri_mail_refuse(m, actri_mail_of(link), why);
}

static void commit_and_deliver(actri_mailbox_t *m, batch_t *batch)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = commit_batch(m, batch, &error);
    if (status != ACTR_OK && !actri_list_empty(&batch->ended) && !actri_list_empty(&batch->arrived)) {
        /* an acknowledgement frees room that a request may need: alone it may pass */
        actr_mailbox_group_t ends;
        fill_ends(m, &batch->ended, &ends);
        if (actr_mailbox_commit(m->store, m->letters, &ends, NULL) == ACTR_OK) free_ended(m, &batch->ended);
    }
    if (status != ACTR_OK) {
        on_failure(m, batch, &error);
        return;
    }
    sorted_t sorted;
    actri_list_init(&sorted.out);
    actri_list_init(&sorted.forget);
    actri_list_init(&sorted.repeated);
    actri_list_init(&sorted.full);
    actri_link_t *link;
    const actr_message_t *message = m->room->messages;
    actri_lock(&m->mutex);
    m->stats.commits++;
    while ((link = actri_list_take(&batch->arrived)) != NULL) {
        sort_one(m, actri_mail_of(link), message++, batch->leased, &sorted);
    }
    unlock_and_deliver(m, &sorted.out);
    finish_sorted(m, &sorted);
    free_ended(m, &batch->ended);
}

/* ---- pages ---- */

typedef struct page {
    actri_mailbox_t *mailbox;
    actri_link_t mails;
    int64_t lost; /* memory was out for this one; 0: for none */
    bool suspect; /* it was handed out before, and comes alone */
} page_t;

static bool take_row(void *user, const actr_message_t *row)
{
    page_t *page = user;
    actri_mail_t *mail = actri_mail_from(page->mailbox, row);
    if (mail == NULL) {
        page->lost = row->id;
        return false;
    }
    page->suspect = row->attempts > 2;
    actri_list_append(&page->mails, &mail->task.link);
    return true;
}

/* Of those that were handed out too often, the mails go to the dead letters; somebody may wait for an answer. */
static void bury_exhausted(actri_mailbox_t *m, actri_link_t *mails)
{
    actri_link_t keep, *link;
    actri_list_init(&keep);
    while ((link = actri_list_take(mails)) != NULL) {
        actri_mail_t *mail = actri_mail_of(link);
        uint64_t most = (uint64_t)m->o.max_attempts * ((uint64_t)mail->redrives + 1);
        if (mail->attempts <= most) {
            actri_list_append(&keep, link);
            continue;
        }
        actr_error_t cause = ACTR_ERROR_INIT;
        mail->attempts--; /* this time nobody tries */
        (void)actri_fail(&cause, ACTR_STATUS_LIMIT_REACHED, "tried %u times, and its handling never ended",
                         mail->attempts);
        actri_error(m->env, AREA, "message %lld is dead: %s", (long long)mail->sequence, cause.message);
        mail->origin = actri_mailbox_origin(m, mail);
        if (mail->origin != 0) m->o.refuse(m->o.user, mail, &cause);
        actri_mailbox_done(m, mail, ACTRI_MAIL_DEAD, &cause);
    }
    actri_list_splice(mails, &keep);
}

/* Is the table empty? Under no lock. */
static void look_at_rest(actri_mailbox_t *m, bool *table, int64_t *poll_ns)
{
    actr_mailbox_stats_t there = {.struct_size = sizeof there};
    *table = true;
    *poll_ns = ACTRI_NEVER;
    if (actr_mailbox_get_stats(m->store, &there, NULL) != ACTR_OK) return;
    *table = there.ready > 0;
    if (there.next_ms == 0) return;
    int64_t wait = (there.next_ms - actri_wall_ms()) * ACTRI_MS;
    *poll_ns = actri_now_ns() + (wait < 0 ? 0 : wait < MOST_WAIT_NS ? wait : MOST_WAIT_NS);
}

static void give_back(actri_mailbox_t *m, int64_t id)
{
    actr_nack_t nack = {.id = id, .untried = true};
    actr_error_t error = ACTR_ERROR_INIT;
    actri_error(m->env, AREA, "out of memory: message %lld waits", (long long)id);
    if (actr_mailbox_nack(m->store, &nack, 1, &error) != ACTR_OK) actri_error(m->env, AREA, "%s", error.message);
}

/* Under the mutex: the mails of a page come to the accounts. */
static void count_page(actri_mailbox_t *m, actri_link_t *mails)
{
    for (actri_link_t *at = mails->next; at != mails; at = at->next) {
        if (m->table_count == 0) { /* somebody else has put it there */
            m->stats.queued++;
            m->stats.bytes += actri_mail_size(actri_mail_of(at));
        } else {
            m->table_count--;
        }
        if (m->old_left > 0) {
            m->old_left--;
            m->stats.redelivered++;
        }
        actri_mailbox_count_out(m, actri_mail_of(at));
    }
}

/* Reads and delivers the next page; how many came, or -1. */
static long load_page(actri_mailbox_t *m)
{
    actr_error_t error = ACTR_ERROR_INIT;
    page_t page = {.mailbox = m};
    size_t count = 0;
    bool table;
    int64_t poll_ns;
    actri_list_init(&page.mails);
    actr_status_t status = actr_mailbox_dequeue(m->store, PAGE, ACTR_LEASE_FOR_EVER, take_row, &page, &count, &error);
    if (status != ACTR_OK) {
        actri_link_t *link;
        actri_error(m->env, AREA, "%s", error.message);
        while ((link = actri_list_take(&page.mails)) != NULL) actri_mail_free(m, actri_mail_of(link));
    } else if (page.lost != 0) {
        give_back(m, page.lost);
    }
    look_at_rest(m, &table, &poll_ns);
    actri_lock(&m->mutex);
    if (status != ACTR_OK || page.lost != 0) m->not_before_ns = actri_now_ns() + RETRY_NS;
    m->table = table || status != ACTR_OK;
    m->poll_ns = poll_ns;
    m->alone = page.suspect && !actri_list_empty(&page.mails);
    count_page(m, &page.mails);
    actri_unlock(&m->mutex);
    bury_exhausted(m, &page.mails);
    actri_lock(&m->mutex);
    unlock_and_deliver(m, &page.mails);
    return status == ACTR_OK ? (long)count : -1;
}

void actri_mailbox_load_all(actri_mailbox_t *m)
{
    long count;
    do {
        count = load_page(m);
    } while (count == PAGE || (count > 0 && m->table));
}

/* ---- the thread ---- */

/* A page is due, but for the time. */
static bool has_room_for_page(const actri_mailbox_t *m)
{
    if (m->paused || (m->alone && m->stats.in_flight > 0)) return false;
    if (m->alone && !actri_list_empty(&m->ended)) return false; /* its end comes first to the disk */
    return m->stats.in_flight < PAGE_BELOW;
}

static int64_t page_time(const actri_mailbox_t *m)
{
    int64_t due = m->table ? 0 : m->poll_ns;
    if (due == ACTRI_NEVER || !has_room_for_page(m)) return ACTRI_NEVER;
    return due > m->not_before_ns ? due : m->not_before_ns;
}

/* Waits for work under the mutex; false at the end. */
static bool wait_for_work(actri_mailbox_t *m)
{
    int64_t linger = ACTRI_NEVER;
    for (;;) {
        bool arrived = !actri_list_empty(&m->arrived), ended = !actri_list_empty(&m->ended);
        int64_t now = actri_now_ns(), until = page_time(m);
        if (arrived || (m->closing && !ended) || until <= now) return arrived || !m->closing;
        if (ended && linger == ACTRI_NEVER) {
            linger = m->alone ? now : now + LINGER_NS;
            if (linger < m->not_before_ns) linger = m->not_before_ns;
        }
        if (ended && (now >= linger || m->closing)) return true;
        if (linger < until) until = linger;
        m->sleeping = true;
        (void)actri_cond_wait(&m->wake, &m->mutex, until);
        m->sleeping = false;
    }
}

static void take_some(actri_link_t *from, actri_link_t *to, size_t most)
{
    actri_link_t *link;
    for (size_t i = 0; i < most && (link = actri_list_take(from)) != NULL; i++) actri_list_append(to, link);
}

/* At most ACTRI_BATCH, and ACTRI_BURIALS dead ones. */
static void take_ended(actri_mailbox_t *m, actri_link_t *to)
{
    size_t burials = 0;
    for (size_t i = 0; i < ACTRI_BATCH && !actri_list_empty(&m->ended); i++) {
        actri_link_t *first = m->ended.next;
        if (actri_mail_of(first)->user != NULL && ++burials > ACTRI_BURIALS) return;
        actri_list_remove(first);
        actri_list_append(to, first);
    }
}

/* Under the mutex. */
static void take_batch(actri_mailbox_t *m, batch_t *batch)
{
    actri_list_init(&batch->arrived);
    actri_list_init(&batch->ended);
    take_some(&m->arrived, &batch->arrived, ACTRI_BATCH);
    take_ended(m, &batch->ended);
    if (!m->table && (m->stats.in_flight + ACTRI_BATCH > MEMORY_MAILS || m->flight_bytes > MEMORY_BYTES)) {
        m->table = !actri_list_empty(&batch->arrived);
    }
    batch->leased = !m->table && !m->paused;
}

void actri_mailbox_run(void *argument)
{
    actri_mailbox_t *m = argument;
    batch_t batch;
    int last_tries = 0;
    actri_lock(&m->mutex);
    while (wait_for_work(m)) {
        bool page = page_time(m) <= actri_now_ns();
        bool closing = m->closing;
        take_batch(m, &batch);
        actri_unlock(&m->mutex);
        if (!actri_list_empty(&batch.arrived) || !actri_list_empty(&batch.ended)) commit_and_deliver(m, &batch);
        if (page) (void)load_page(m);
        actri_lock(&m->mutex);
        if (closing && !actri_list_empty(&m->ended) && m->not_before_ns > actri_now_ns() && ++last_tries > 3) {
            break; /* the disk does not take them: the rows stay */
        }
    }
    actri_unlock(&m->mutex);
}
