/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue in front of the store. In memory: put delivers at once. Durable: the storage thread takes whatever has
 * arrived and whatever was acknowledged, commits once, and delivers; acknowledgements alone wait a moment for company.
 * Rows of the last run are loaded page by page, before anything new of their priority.
 */
#include "mailbox/mailbox.h"

#include "mailbox/file_lock.h"
#include "mailbox/store.h"
#include "port/clock.h"
#include "port/thread.h"

#include <string.h>
#include <unistd.h>

#define AREA "mailbox"
#define MAX_MESSAGES 100000
#define MAX_BYTES (256u << 20)
#define LINGER_NS (2 * ACTRI_MS)  /* of acknowledgements, for a commit to ride in */
#define RETRY_NS (500 * ACTRI_MS) /* after a failed commit of acknowledgements */
#define PAGE 512                  /* rows of the last run in one go */

struct actri_mailbox {
    const actri_env_t *env;
    actri_mailbox_options_t o;
    actri_store_t *store; /* NULL: in memory */
    int lock_fd;
    actri_thread_t thread;
    bool running;

    actri_mutex_t mutex; /* guards everything below */
    actri_cond_t wake;
    actri_link_t arrived; /* to be stored */
    actri_link_t waiting; /* stored, behind the rows of the last run */
    actri_link_t ended;   /* acknowledged or dead, to be deleted */
    bool paused, closing, sleeping;
    bool delivering;          /* the storage thread is inside deliver */
    bool backlog[2];          /* [high]: rows of the last run are left */
    int64_t backlog_after[2]; /* the last one that was loaded */
    int64_t backlog_last;     /* the newest of the last run */
    uint64_t loaded;          /* of them, delivered and not ended */
    int64_t not_before_ns;    /* of the next try, after a failure */
    actri_mailbox_stats_t stats;
};

typedef struct grave { /* cause of a dead mail, until its commit */
    actr_error_t cause;
} grave_t;

/* ---- accounts, under the mutex ---- */

static size_t size_of(const actri_mail_t *mail)
{
    return actr_buf_size(mail->message);
}

static bool admit(actri_mailbox_t *m, const actri_mail_t *mail, actr_error_t *why)
{
    uint64_t held = m->stats.queued + m->stats.in_flight;
    if (m->paused) {
        (void)actri_fail(why, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    } else if (held >= m->o.max_messages || m->stats.bytes + size_of(mail) > m->o.max_bytes) {
        (void)actri_fail(why, ACTR_STATUS_MAILBOX_FULL, "the mailbox is full (%llu requests, %llu bytes)",
                         (unsigned long long)held, (unsigned long long)m->stats.bytes);
    } else {
        m->stats.queued++;
        m->stats.queued_high += mail->high ? 1 : 0;
        m->stats.bytes += size_of(mail);
        return true;
    }
    m->stats.refused++;
    return false;
}

static void count_delivered(actri_mailbox_t *m, const actri_mail_t *mail)
{
    m->stats.queued--;
    m->stats.queued_high -= mail->high ? 1 : 0;
    m->stats.in_flight++;
}

/* ---- mails ---- */

actri_mail_t *actri_mail_new(actri_mailbox_t *m)
{
    return actri_zalloc(m->env, sizeof(actri_mail_t));
}

void actri_mail_free(actri_mailbox_t *m, actri_mail_t *mail)
{
    if (mail == NULL) return;
    actr_buf_release(mail->message);
    actri_free(m->env, mail);
}

static actri_mail_t *mail_of(actri_link_t *link)
{
    return ACTRI_CONTAINER(link, actri_mail_t, task.link);
}

static void refuse_all(actri_mailbox_t *m, actri_link_t *mails, const actr_error_t *why)
{
    actri_link_t *link;
    while ((link = actri_list_take(mails)) != NULL) {
        m->o.refuse(m->o.user, mail_of(link), why);
        actri_mail_free(m, mail_of(link));
    }
}

/* Hands mails on, the high ones first; the mutex is not held. */
static void deliver(actri_mailbox_t *m, actri_link_t *mails)
{
    actri_link_t high, normal, *link;
    actri_list_init(&high);
    actri_list_init(&normal);
    while ((link = actri_list_take(mails)) != NULL) {
        if (!mail_of(link)->redelivered) mail_of(link)->attempts = 1;
        actri_list_append(mail_of(link)->high ? &high : &normal, link);
    }
    if (!actri_list_empty(&high)) m->o.deliver(m->o.user, &high, true);
    if (!actri_list_empty(&normal)) m->o.deliver(m->o.user, &normal, false);
}

/* ---- in memory ---- */

void actri_mailbox_put(actri_mailbox_t *m, actri_link_t *mails)
{
    actri_link_t taken, refused, *link;
    actr_error_t why = ACTR_ERROR_INIT;
    actri_list_init(&taken);
    actri_list_init(&refused);
    actri_lock(&m->mutex);
    while ((link = actri_list_take(mails)) != NULL) {
        bool in = admit(m, mail_of(link), &why);
        if (in && m->store == NULL) {
            count_delivered(m, mail_of(link));
            m->stats.stored++;
        }
        actri_list_append(!in ? &refused : m->store == NULL ? &taken : &m->arrived, link);
    }
    bool wake = m->store != NULL && m->sleeping;
    actri_unlock(&m->mutex);
    if (wake) actri_cond_signal(&m->wake);
    if (!actri_list_empty(&taken)) deliver(m, &taken);
    refuse_all(m, &refused, &why);
}

void actri_mailbox_done(actri_mailbox_t *m, actri_mail_t *mail, actri_disposition_t disposition,
                        const actr_error_t *cause)
{
    bool keep_row = disposition == ACTRI_MAIL_KEEP && m->store != NULL;
    mail->user = NULL;
    if (disposition == ACTRI_MAIL_DEAD && cause != NULL) {
        grave_t *grave = actri_alloc(m->env, sizeof *grave); /* without: deleted, and only logged */
        if (grave != NULL) grave->cause = *cause;
        mail->user = grave;
    }
    actri_lock(&m->mutex);
    m->stats.in_flight--;
    m->stats.bytes -= size_of(mail);
    m->stats.acknowledged += disposition == ACTRI_MAIL_ACK ? 1 : 0;
    m->stats.dead += disposition == ACTRI_MAIL_DEAD ? 1 : 0;
    if (mail->redelivered) m->loaded--;
    bool stored = m->store != NULL && !keep_row;
    bool wake = stored && m->sleeping && actri_list_empty(&m->ended);
    if (stored) actri_list_append(&m->ended, &mail->task.link);
    actri_unlock(&m->mutex);
    if (wake) actri_cond_signal(&m->wake);
    if (stored) return;
    actri_free(m->env, mail->user);
    actri_mail_free(m, mail);
}

/* ---- the storage thread ---- */

static actr_status_t store_batch(actri_mailbox_t *m, actri_link_t *arrived, actri_link_t *ended, actr_error_t *error)
{
    actr_status_t status = actri_store_begin(m->store, error);
    if (status != ACTR_OK) return status;
    for (actri_link_t *at = ended->next; status == ACTR_OK && at != ended; at = at->next) {
        const actri_mail_t *mail = mail_of(at);
        const grave_t *grave = mail->user;
        status = grave != NULL ? actri_store_bury(m->store, mail, &grave->cause, error)
                               : actri_store_delete(m->store, mail->sequence, error);
    }
    for (actri_link_t *at = arrived->next; status == ACTR_OK && at != arrived; at = at->next) {
        status = actri_store_insert(m->store, mail_of(at), error);
    }
    if (status != ACTR_OK) {
        actri_store_rollback(m->store);
        return status;
    }
    return actri_store_commit(m->store, error);
}

static void free_ended(actri_mailbox_t *m, actri_link_t *ended)
{
    actri_link_t *link;
    while ((link = actri_list_take(ended)) != NULL) {
        actri_free(m->env, mail_of(link)->user);
        actri_mail_free(m, mail_of(link));
    }
}

/* Of what was stored, what may be delivered now goes to `out`; the rest waits behind the rows of the last run. */
static void sort_stored(actri_mailbox_t *m, actri_link_t *stored, actri_link_t *out)
{
    actri_link_t *link, waiting;
    actri_list_init(&waiting);
    actri_list_splice(&waiting, &m->waiting);
    actri_list_splice(&waiting, stored);
    while ((link = actri_list_take(&waiting)) != NULL) {
        bool behind = m->paused || m->backlog[mail_of(link)->high ? 1 : 0];
        if (!behind) count_delivered(m, mail_of(link));
        actri_list_append(behind ? &m->waiting : out, link);
    }
}

/* So that pause can wait until nothing is being delivered any more. NULL: none. */
static void unlock_and_deliver(actri_mailbox_t *m, actri_link_t *first, actri_link_t *second)
{
    m->delivering = true;
    actri_unlock(&m->mutex);
    deliver(m, first);
    if (second != NULL) deliver(m, second);
    actri_lock(&m->mutex);
    m->delivering = false;
    if (m->paused) actri_cond_broadcast(&m->wake);
    actri_unlock(&m->mutex);
}

/* A commit failed: what arrived is refused, what was acknowledged is tried again. */
static void on_failure(actri_mailbox_t *m, actri_link_t *arrived, actri_link_t *ended, const actr_error_t *why)
{
    actri_error(m->env, AREA, "%s", why->message);
    actri_lock(&m->mutex);
    for (actri_link_t *at = arrived->next; at != arrived; at = at->next) {
        m->stats.queued--;
        m->stats.queued_high -= mail_of(at)->high ? 1 : 0;
        m->stats.bytes -= size_of(mail_of(at));
        m->stats.refused++;
    }
    actri_list_splice(ended, &m->ended); /* the older ones first */
    actri_list_splice(&m->ended, ended);
    m->not_before_ns = actri_now_ns() + RETRY_NS;
    actri_unlock(&m->mutex);
    refuse_all(m, arrived, why);
}

static void commit_and_deliver(actri_mailbox_t *m, actri_link_t *arrived, actri_link_t *ended)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = store_batch(m, arrived, ended, &error);
    if (status != ACTR_OK && !actri_list_empty(ended) && !actri_list_empty(arrived)) {
        /* an acknowledgement frees room that a request may need: alone it may pass */
        actri_link_t none;
        actri_list_init(&none);
        if (store_batch(m, &none, ended, NULL) == ACTR_OK) free_ended(m, ended);
    }
    if (status != ACTR_OK) {
        on_failure(m, arrived, ended, &error);
        return;
    }
    actri_link_t out;
    uint64_t count = 0;
    actri_list_init(&out);
    for (actri_link_t *at = arrived->next; at != arrived; at = at->next) count++;
    actri_lock(&m->mutex);
    m->stats.commits++;
    m->stats.stored += count;
    sort_stored(m, arrived, &out);
    unlock_and_deliver(m, &out, NULL);
    free_ended(m, ended);
}

typedef struct page {
    actri_mailbox_t *mailbox;
    actri_link_t mails;
    int64_t last;
    bool failed; /* memory was out */
} page_t;

static bool take_row(void *user, const actri_mail_t *row, const void *payload, size_t size)
{
    page_t *page = user;
    actri_mail_t *mail = actri_mail_new(page->mailbox);
    actr_buf_t *message = actri_buf_copy(page->mailbox->env, payload, size);
    page->failed = mail == NULL || message == NULL;
    if (page->failed) {
        actri_mail_free(page->mailbox, mail);
        actr_buf_release(message);
        return false;
    }
    *mail = *row;
    mail->message = message;
    page->last = row->sequence;
    actri_list_append(&page->mails, &mail->task.link);
    return true;
}

/* Delivers the next page of the last run's rows of one priority. */
static void load_page(actri_mailbox_t *m, bool high)
{
    actr_error_t error = ACTR_ERROR_INIT;
    page_t page = {.mailbox = m, .last = m->backlog_after[high]};
    actri_list_init(&page.mails);
    int count =
        actri_store_load(m->store, high, m->backlog_after[high], m->backlog_last, PAGE, take_row, &page, &error);
    if (count < 0) actri_error(m->env, AREA, "%s", error.message);
    actri_link_t out;
    actri_list_init(&out);
    actri_lock(&m->mutex);
    m->backlog_after[high] = page.last;
    bool failed = count < 0 || page.failed;
    if (failed) m->not_before_ns = actri_now_ns() + RETRY_NS;
    for (actri_link_t *at = page.mails.next; at != &page.mails; at = at->next) {
        count_delivered(m, mail_of(at));
        m->loaded++;
        m->stats.redelivered++;
    }
    if (!failed && count < PAGE) {
        m->backlog[high] = false;
        actri_link_t none;
        actri_list_init(&none);
        sort_stored(m, &none, &out); /* what came meanwhile */
    }
    unlock_and_deliver(m, &page.mails, &out);
}

static bool has_room_for_page(const actri_mailbox_t *m)
{
    return !m->paused && (m->backlog[0] || m->backlog[1]) && m->loaded < PAGE;
}

static bool wants_page(const actri_mailbox_t *m)
{
    return has_room_for_page(m) && actri_now_ns() >= m->not_before_ns;
}

/* Waits for work under the mutex; false at the end. */
static bool wait_for_work(actri_mailbox_t *m)
{
    int64_t linger = ACTRI_NEVER;
    for (;;) {
        bool arrived = !actri_list_empty(&m->arrived), ended = !actri_list_empty(&m->ended);
        int64_t now = actri_now_ns();
        if (arrived || (m->closing && !ended) || wants_page(m)) return arrived || !m->closing;
        if (ended && linger == ACTRI_NEVER) {
            linger = now + LINGER_NS;
            if (linger < m->not_before_ns) linger = m->not_before_ns;
        }
        if (ended && (now >= linger || m->closing)) return true;
        int64_t until = linger;
        if (has_room_for_page(m) && m->not_before_ns < until) until = m->not_before_ns; /* a page failed: again then */
        m->sleeping = true;
        (void)actri_cond_wait(&m->wake, &m->mutex, until);
        m->sleeping = false;
    }
}

static void run(void *argument)
{
    actri_mailbox_t *m = argument;
    actri_link_t arrived, ended;
    actri_list_init(&arrived);
    actri_list_init(&ended);
    int last_tries = 0;
    actri_lock(&m->mutex);
    while (wait_for_work(m)) {
        bool page = wants_page(m), high = m->backlog[1];
        bool closing = m->closing;
        actri_list_splice(&arrived, &m->arrived);
        actri_list_splice(&ended, &m->ended);
        actri_unlock(&m->mutex);
        if (!actri_list_empty(&arrived) || !actri_list_empty(&ended)) commit_and_deliver(m, &arrived, &ended);
        if (page) load_page(m, high);
        actri_lock(&m->mutex);
        if (closing && ++last_tries > 3) break; /* the disk does not take them: the rows stay */
    }
    actri_unlock(&m->mutex);
}

/* ---- life ---- */

static bool in_memory(const char *path)
{
    return path == NULL || path[0] == '\0' || strcmp(path, ":memory:") == 0;
}

static actr_status_t open_store(actri_mailbox_t *m, actr_error_t *error)
{
    actri_store_contents_t contents;
    actr_status_t status = actri_file_lock(m->env, m->o.path, &m->lock_fd, error);
    if (status == ACTR_OK) status = actri_store_open(m->env, m->o.path, m->o.durability, &m->store, error);
    if (status == ACTR_OK) status = actri_store_contents(m->store, &contents, error);
    if (status != ACTR_OK) return status;
    m->backlog_last = contents.last_sequence;
    m->backlog[0] = m->backlog[1] = contents.rows > 0;
    m->stats.queued = contents.rows;
    m->stats.queued_high = contents.rows_high;
    m->stats.bytes = contents.bytes;
    if (contents.rows > 0) {
        actri_info(m->env, AREA, "%s holds %llu requests of the last run", m->o.path,
                   (unsigned long long)contents.rows);
    }
    return ACTR_OK;
}

actr_status_t actri_mailbox_open(const actri_mailbox_options_t *options, actri_mailbox_t **out, actr_error_t *error)
{
    actri_mailbox_t *m = actri_zalloc(options->env, sizeof *m);
    if (m == NULL) return actri_no_memory(error);
    m->env = options->env;
    m->o = *options;
    if (m->o.max_messages == 0) m->o.max_messages = MAX_MESSAGES;
    if (m->o.max_bytes == 0) m->o.max_bytes = MAX_BYTES;
    m->lock_fd = -1;
    actri_mutex_init(&m->mutex);
    actri_cond_init(&m->wake);
    actri_list_init(&m->arrived);
    actri_list_init(&m->waiting);
    actri_list_init(&m->ended);
    actr_status_t status = in_memory(options->path) ? ACTR_OK : open_store(m, error);
    if (status != ACTR_OK) {
        actri_mailbox_close(m);
        return status;
    }
    *out = m;
    return ACTR_OK;
}

actr_status_t actri_mailbox_start(actri_mailbox_t *m, actr_error_t *error)
{
    if (m->store == NULL) return ACTR_OK;
    actr_status_t status = actri_thread_start(&m->thread, "actr-storage", run, m, error);
    m->running = status == ACTR_OK;
    return status;
}

void actri_mailbox_pause(actri_mailbox_t *m)
{
    actri_lock(&m->mutex);
    m->paused = true;
    while (m->delivering) (void)actri_cond_wait(&m->wake, &m->mutex, ACTRI_NEVER);
    actri_unlock(&m->mutex);
}

static void free_list(actri_mailbox_t *m, actri_link_t *list)
{
    actri_link_t *link;
    while ((link = actri_list_take(list)) != NULL) actri_mail_free(m, mail_of(link));
}

void actri_mailbox_close(actri_mailbox_t *m)
{
    if (m == NULL) return;
    if (m->running) {
        actri_lock(&m->mutex);
        m->paused = m->closing = true;
        actri_cond_signal(&m->wake);
        actri_unlock(&m->mutex);
        actri_thread_join(&m->thread);
    }
    free_ended(m, &m->ended);
    free_list(m, &m->arrived);
    free_list(m, &m->waiting);
    actri_store_close(m->store);
    if (m->lock_fd >= 0) (void)close(m->lock_fd);
    actri_cond_destroy(&m->wake);
    actri_mutex_destroy(&m->mutex);
    actri_free(m->env, m);
}

void actri_mailbox_stats(actri_mailbox_t *m, actri_mailbox_stats_t *out)
{
    actri_lock(&m->mutex);
    *out = m->stats;
    actri_unlock(&m->mutex);
}
