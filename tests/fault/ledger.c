/* SPDX-License-Identifier: Apache-2.0 */
#include "fault/ledger.h"

#include "fault/disk.h"
#include "port/clock.h"

#include <stdarg.h>

#define LIMIT_NS (20 * ACTRI_SECOND)
#define LOOK_NS (2 * ACTRI_MS) /* a dead disk wakes nobody */

/* ---- what must not be ---- */

void ledger_wrong(ledger_t *l, const char *format, ...)
{
    va_list arguments;
    if (l->wrong[0] != '\0') return;
    va_start(arguments, format);
    (void)vsnprintf(l->wrong, sizeof l->wrong, format, arguments);
    va_end(arguments);
}

static void check_delivery(ledger_t *l, ledger_entry_t *entry, const actri_mail_t *mail)
{
    uint32_t n = entry->request.number, *last = &l->last[entry->request.sender][entry->request.high];
    uint8_t sender[ACTRI_ID_BYTES_MAX];
    size_t size = numbered_sender(&entry->request, sender);
    if (entry->came) ledger_wrong(l, "%u came twice in one life", n);
    if (entry->gone) ledger_wrong(l, "%u came after its acknowledgement was committed", n);
    if (n <= *last) ledger_wrong(l, "%u came after %u of the same sender and priority", n, *last);
    if (mail->high != (entry->request.high != 0)) ledger_wrong(l, "%u changed its priority", n);
    if (size != mail->sender_size || memcmp(sender, mail->sender, size) != 0)
        ledger_wrong(l, "%u changed its sender", n);
    /* the same one again only when the disk failed while the attempt was counted */
    if (mail->attempts < entry->attempts) {
        ledger_wrong(l, "attempt %u of %u came after attempt %u", mail->attempts, n, entry->attempts);
    }
    *last = n;
}

/* What ended in this life before this one was put is gone for good. */
static void note_gone(ledger_t *l, uint64_t put_step)
{
    for (uint32_t i = 1; i <= l->count; i++) {
        ledger_entry_t *entry = &l->entries[i];
        if (entry->ended && entry->end_step > l->life_step && entry->end_step < put_step) entry->gone = true;
    }
}

static void take_delivery(ledger_t *l, actri_mail_t *mail)
{
    numbered_t request;
    ledger_entry_t *entry;
    actri_list_append(&l->held, &mail->task.link);
    if (!numbered_read(actr_buf_data(mail->message), actr_buf_size(mail->message), &request) || request.number == 0 ||
        request.number > l->count) {
        ledger_wrong(l, "a damaged request came");
        return;
    }
    entry = &l->entries[request.number];
    if (memcmp(&request, &entry->request, sizeof request) != 0) ledger_wrong(l, "%u was changed", request.number);
    check_delivery(l, entry, mail);
    if (entry->refused) l->refused_came++;
    if (!mail->redelivered) note_gone(l, entry->put_step);
    entry->came = entry->accepted = true;
    entry->ended = entry->refused = false;
    entry->attempts = mail->attempts;
}

/* ---- the mailbox's other side ---- */

static void deliver(void *user, actri_link_t *mails, bool high)
{
    ledger_t *l = user;
    actri_link_t *link;
    (void)high;
    actri_lock(&l->mutex);
    while ((link = actri_list_take(mails)) != NULL) take_delivery(l, ACTRI_CONTAINER(link, actri_mail_t, task.link));
    actri_cond_broadcast(&l->changed);
    actri_unlock(&l->mutex);
}

static void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    ledger_t *l = user;
    numbered_t request;
    actri_lock(&l->mutex);
    if (numbered_read(actr_buf_data(mail->message), actr_buf_size(mail->message), &request)) {
        if (l->entries[request.number].accepted) ledger_wrong(l, "%u was accepted and refused", request.number);
        l->entries[request.number].refused = true;
    }
    l->refusals++;
    l->last_refusal = why->status;
    if (why->status >= 0 || why->message[0] == '\0') ledger_wrong(l, "a refusal without a reason");
    actri_cond_broadcast(&l->changed);
    actri_unlock(&l->mutex);
}

/* ---- a life ---- */

void ledger_init(ledger_t *l)
{
    memset(l, 0, sizeof *l);
    actri_mutex_init(&l->mutex);
    actri_cond_init(&l->changed);
    actri_list_init(&l->held);
}

void ledger_destroy(ledger_t *l)
{
    actri_cond_destroy(&l->changed);
    actri_mutex_destroy(&l->mutex);
}

actr_status_t ledger_open(ledger_t *l, const char *path, const actri_env_t *env, actr_error_t *error)
{
    actri_mailbox_options_t options = {
        .env = env, .path = path, .durability = l->durability, .deliver = deliver, .refuse = refuse, .user = l};
    memset(l->last, 0, sizeof l->last);
    for (uint32_t i = 1; i <= l->count; i++) l->entries[i].came = false;
    l->mailbox = NULL;
    l->env = env;
    l->life_step = ++l->step;
    actr_status_t status = actri_mailbox_open(&options, &l->mailbox, error);
    if (status == ACTR_OK) status = actri_mailbox_start(l->mailbox, error);
    if (status != ACTR_OK) ledger_close(l);
    return status;
}

static actri_mail_t *new_mail(ledger_t *l, const numbered_t *request)
{
    actri_mail_t *mail = actri_mail_new(l->mailbox);
    actr_buf_t *message = numbered_message(l->env, request);
    if (mail == NULL || message == NULL) {
        actri_mail_free(l->mailbox, mail);
        actr_buf_release(message);
        return NULL;
    }
    mail->message = message;
    mail->sender_size = (uint8_t)numbered_sender(request, mail->sender);
    mail->high = request->high != 0;
    numbered_key(request, mail->key);
    return mail;
}

void ledger_put(ledger_t *l, unsigned count, uint32_t size, bool high)
{
    actri_link_t mails;
    actri_list_init(&mails);
    actri_lock(&l->mutex);
    for (unsigned i = 0; i < count && l->count < LEDGER_MOST; i++) {
        uint32_t number = ++l->count;
        ledger_entry_t *entry = &l->entries[number];
        entry->request = (numbered_t){number, number % NUMBERED_SENDERS, high ? 1 : 0, size};
        entry->put_step = ++l->step;
        entry->came = false;
        actri_mail_t *mail = new_mail(l, &entry->request);
        entry->refused = mail == NULL; /* memory was out */
        if (mail != NULL) actri_list_append(&mails, &mail->task.link);
    }
    actri_unlock(&l->mutex);
    actri_mailbox_put(l->mailbox, &mails);
}

/* The first request that has yet to come, or 0. */
static uint32_t outstanding(const ledger_t *l)
{
    for (uint32_t i = 1; i <= l->count; i++) {
        const ledger_entry_t *entry = &l->entries[i];
        bool put_now = !entry->accepted && !entry->refused && entry->put_step > l->life_step;
        if (!entry->came && !entry->ended && (entry->accepted || put_now)) return i;
    }
    return 0;
}

unsigned ledger_held(ledger_t *l)
{
    unsigned count = 0;
    actri_lock(&l->mutex);
    for (const actri_link_t *at = l->held.next; at != &l->held; at = at->next) count++;
    actri_unlock(&l->mutex);
    return count;
}

/* Nothing is on its way any more: neither what must come nor what may. */
static bool is_settled(ledger_t *l)
{
    actri_mailbox_stats_t stats;
    actri_lock(&l->mutex);
    bool settled = outstanding(l) == 0;
    actri_unlock(&l->mutex);
    if (!settled) return false;
    actri_mailbox_stats(l->mailbox, &stats);
    return stats.queued == 0 && stats.in_flight == ledger_held(l); /* those in between are about to come */
}

bool ledger_settles(ledger_t *l, int64_t within_ns)
{
    int64_t limit = actri_now_ns() + within_ns;
    bool settled;
    while (!(settled = is_settled(l) || disk_is_dead()) && actri_now_ns() < limit) {
        actri_lock(&l->mutex);
        (void)actri_cond_wait(&l->changed, &l->mutex, actri_now_ns() + LOOK_NS);
        actri_unlock(&l->mutex);
    }
    return settled;
}

void ledger_settle(ledger_t *l)
{
    if (ledger_settles(l, l->patience_ns != 0 ? l->patience_ns : LIMIT_NS)) return;
    actri_lock(&l->mutex);
    ledger_wrong(l, "%u does not come", outstanding(l));
    actri_unlock(&l->mutex);
}

/* The entry of a held mail that takes its leave; NULL when none is held. */
static actri_mail_t *take_held(ledger_t *l, ledger_entry_t **entry)
{
    numbered_t request;
    actri_lock(&l->mutex);
    actri_link_t *link = actri_list_take(&l->held);
    actri_mail_t *mail = link == NULL ? NULL : ACTRI_CONTAINER(link, actri_mail_t, task.link);
    if (mail != NULL && numbered_read(actr_buf_data(mail->message), actr_buf_size(mail->message), &request)) {
        *entry = &l->entries[request.number];
    }
    actri_unlock(&l->mutex);
    return mail;
}

void ledger_end(ledger_t *l, unsigned count)
{
    while (count-- > 0) {
        ledger_entry_t *entry = NULL;
        actri_mail_t *mail = take_held(l, &entry);
        if (mail == NULL) return;
        actri_lock(&l->mutex);
        if (entry != NULL) {
            entry->ended = true;
            entry->end_step = UINT64_MAX; /* known only once it has been said */
        }
        actri_unlock(&l->mutex);
        actri_mailbox_done(l->mailbox, mail, ACTRI_MAIL_ACK, NULL);
        actri_lock(&l->mutex);
        if (entry != NULL) entry->end_step = ++l->step;
        actri_unlock(&l->mutex);
    }
}

void ledger_close(ledger_t *l)
{
    ledger_entry_t *entry;
    actri_mail_t *mail;
    if (l->mailbox == NULL) return;
    actri_mailbox_pause(l->mailbox);
    while ((mail = take_held(l, &entry)) != NULL) actri_mailbox_done(l->mailbox, mail, ACTRI_MAIL_KEEP, NULL);
    actri_mailbox_close(l->mailbox);
    l->mailbox = NULL;
}

void ledger_all_gone(ledger_t *l)
{
    actri_lock(&l->mutex);
    note_gone(l, ++l->step);
    actri_unlock(&l->mutex);
}
