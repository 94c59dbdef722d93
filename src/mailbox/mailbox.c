/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue in front of the store. An immediate store is used at once, on the caller's thread; for any other one the
 * storage thread (mailbox_storage.c) commits what has arrived and ended.
 */
#include "mailbox/mailbox.h"

#include "mailbox/mailbox_inside.h"
#include "port/clock.h"

#include <string.h>

#define AREA "mailbox"
#define MAX_MESSAGES 100000
#define MAX_BYTES (256u << 20)
#define MAX_ATTEMPTS 5

/* ---- mails ---- */

actri_mail_t *actri_mail_new(actri_mailbox_t *m)
{
    return actri_zalloc(m->env, sizeof(actri_mail_t));
}

void actri_mail_free(actri_mailbox_t *m, actri_mail_t *mail)
{
    if (mail == NULL) return;
    actri_mailbox_begin(m, mail, false);
    actr_buf_release(mail->message);
    actr_buf_release(mail->reply);
    actri_free(m->env, mail);
}

void actri_mailbox_begin(actri_mailbox_t *m, actri_mail_t *mail, bool begun)
{
    if (m->begun == NULL || begun == (mail->begun != 0)) return;
    if (begun) {
        mail->begun = actri_begun_mark(m->begun, mail->sequence);
    } else {
        actri_begun_clear(m->begun, mail->begun);
        mail->begun = 0;
    }
}

/* The user's own mailbox outlives the system, whose memory the buffers are: it gets no references. */
static actr_buf_t *lend(const actri_mailbox_t *m, actr_buf_t *buffer)
{
    return m->o.own != NULL ? NULL : buffer;
}

actr_message_t actri_mail_message(const actri_mailbox_t *m, const actri_mail_t *mail, bool leased)
{
    actr_message_t message = {.priority = mail->high ? ACTR_PRIORITY_HIGH : ACTR_PRIORITY_NORMAL,
                              .leased = leased,
                              .deadline_ms = mail->deadline_ms,
                              .sender = {mail->sender, mail->sender_size},
                              .payload = {actr_buf_data(mail->message), actr_buf_size(mail->message)},
                              .buffer = lend(m, mail->message)};
    memcpy(message.key, mail->key, ACTR_KEY_SIZE);
    return message;
}

actr_ack_t actri_mail_ack(const actri_mailbox_t *m, const actri_mail_t *mail)
{
    actr_ack_t ack = {.id = mail->sequence, .buffer = lend(m, mail->reply)};
    memcpy(ack.key, mail->key, ACTR_KEY_SIZE);
    if (mail->reply != NULL) ack.reply = (actr_bytes_t){actr_buf_data(mail->reply), actr_buf_size(mail->reply)};
    return ack;
}

actri_mail_t *actri_mail_from(actri_mailbox_t *m, const actr_message_t *row)
{
    actri_mail_t *mail = actri_mail_new(m);
    if (mail == NULL) return NULL;
    mail->message = actri_buf_copy(m->env, row->payload.data, row->payload.size);
    if (mail->message == NULL) {
        actri_mail_free(m, mail);
        return NULL;
    }
    if (row->sender.size > 0 && row->sender.size <= sizeof mail->sender) { /* else it is found to be none */
        memcpy(mail->sender, row->sender.data, row->sender.size);
        mail->sender_size = (uint8_t)row->sender.size;
    }
    memcpy(mail->key, row->key, ACTR_KEY_SIZE);
    mail->high = row->priority == ACTR_PRIORITY_HIGH;
    mail->redelivered = true;
    mail->attempts = row->attempts;
    mail->redrives = row->redrives;
    mail->deadline_ms = row->deadline_ms;
    mail->sequence = row->id;
    return mail;
}

void actri_mail_refuse(actri_mailbox_t *m, actri_mail_t *mail, const actr_error_t *why)
{
    m->o.refuse(m->o.user, mail, why);
    actri_mail_free(m, mail);
}

void actri_mail_repeat(actri_mailbox_t *m, actri_mail_t *mail, actr_buf_t *reply)
{
    if (m->o.repeat != NULL) m->o.repeat(m->o.user, mail, reply);
    actr_buf_release(reply);
    actri_mail_free(m, mail);
}

void actri_mailbox_deliver(actri_mailbox_t *m, actri_link_t *mails)
{
    actri_link_t high, normal, *link;
    actri_list_init(&high);
    actri_list_init(&normal);
    while ((link = actri_list_take(mails)) != NULL) {
        actri_list_append(actri_mail_of(link)->high ? &high : &normal, link);
    }
    if (!actri_list_empty(&high)) m->o.deliver(m->o.user, &high, true);
    if (!actri_list_empty(&normal)) m->o.deliver(m->o.user, &normal, false);
}

/* ---- accounts, under the mutex ---- */

static bool admit(actri_mailbox_t *m, const actri_mail_t *mail, actr_error_t *why)
{
    uint64_t held = m->stats.queued + m->stats.in_flight;
    if (m->paused) {
        (void)actri_fail(why, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    } else if (held >= m->o.max_messages || m->stats.bytes + actri_mail_size(mail) > m->o.max_bytes) {
        (void)actri_fail(why, ACTR_STATUS_MAILBOX_FULL, "the mailbox is full (%llu requests, %llu bytes)",
                         (unsigned long long)held, (unsigned long long)m->stats.bytes);
    } else {
        m->stats.queued++;
        m->stats.queued_high += mail->high ? 1 : 0;
        m->stats.bytes += actri_mail_size(mail);
        return true;
    }
    m->stats.refused++;
    return false;
}

static bool reaches(uint64_t held, uint64_t most, uint64_t quarters)
{
    return held > 0 && held >= most / 4 * quarters + most % 4 * quarters / 4;
}

/* Does what is held reach this many quarters of a limit? */
static bool filled(const actri_mailbox_t *m, uint64_t quarters)
{
    return reaches(m->stats.queued + m->stats.in_flight, m->o.max_messages, quarters) ||
           reaches(m->stats.bytes, m->o.max_bytes, quarters);
}

/* True once, when it has filled. */
static bool begin_pressure(actri_mailbox_t *m)
{
    if (m->pressed || m->o.pressure == NULL || !filled(m, 3)) return false;
    m->pressed = true;
    return true;
}

void actri_mailbox_count_out(actri_mailbox_t *m, const actri_mail_t *mail)
{
    m->stats.queued--;
    if (mail->high && m->stats.queued_high > 0) m->stats.queued_high--;
    m->stats.in_flight++;
    m->flight_bytes += actri_mail_size(mail);
}

/* ---- an immediate store ---- */

static void uncount(actri_mailbox_t *m, const actri_mail_t *mail)
{
    m->stats.queued--;
    if (mail->high && m->stats.queued_high > 0) m->stats.queued_high--;
    m->stats.bytes -= actri_mail_size(mail);
}

/* The request is being handled: its reply goes here instead. False: it has ended meanwhile, look again. */
static bool join(actri_mailbox_t *m, actri_mail_t *mail, actr_message_t *message)
{
    int64_t sequence = message->id;
    actri_lock(&m->mutex);
    actri_route_set(m, sequence, mail->origin);
    actri_unlock(&m->mutex);
    if (actr_mailbox_enqueue(m->store, message, 1, NULL) != ACTR_OK) return true;
    if (message->outcome == ACTR_ENQUEUE_PENDING && message->id == sequence) return true;
    actri_lock(&m->mutex);
    (void)actri_route_take(m, sequence);
    actri_unlock(&m->mutex);
    return false;
}

static void take_in(actri_mailbox_t *m, actri_mail_t *mail, actri_link_t *stored)
{
    actr_error_t why = ACTR_ERROR_INIT;
    actr_message_t message = actri_mail_message(m, mail, true);
    actr_status_t status = actr_mailbox_enqueue(m->store, &message, 1, &why);
    bool joined = status == ACTR_OK && message.outcome == ACTR_ENQUEUE_PENDING && join(m, mail, &message);
    bool in = status == ACTR_OK && message.outcome == ACTR_ENQUEUE_STORED;
    actri_lock(&m->mutex);
    if (in) {
        actri_mailbox_count_out(m, mail);
        m->stats.stored++;
    } else {
        uncount(m, mail);
        m->stats.duplicates += status == ACTR_OK;
        m->stats.refused += status != ACTR_OK;
    }
    actri_unlock(&m->mutex);
    if (in) {
        mail->sequence = message.id;
        mail->attempts = message.attempts;
        actri_list_append(stored, &mail->task.link);
    } else if (status != ACTR_OK) {
        actri_mail_refuse(m, mail, &why);
    } else if (joined) {
        actri_mail_free(m, mail);
    } else {
        actri_mail_repeat(m, mail, message.reply);
    }
}

static void end_now(actri_mailbox_t *m, actri_mail_t *mail, actri_grave_t *grave)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ack_t ack = actri_mail_ack(m, mail);
    actr_burial_t burial;
    actr_mailbox_group_t group = {.acks = &ack, .ack_count = 1};
    if (grave != NULL) {
        burial = actri_grave_burial(grave, mail);
        group = (actr_mailbox_group_t){.burials = &burial, .burial_count = 1};
    } else if (mail->end != ACTRI_MAIL_ACK) {
        memset(ack.key, 0, sizeof ack.key); /* it was not handled */
    }
    if (actr_mailbox_commit(m->store, m->letters, &group, &error) != ACTR_OK) {
        actri_error(m->env, AREA, "%s", error.message);
    }
    actri_free(m->env, grave);
}

/* ---- in and out ---- */

void actri_mailbox_put(actri_mailbox_t *m, actri_link_t *mails)
{
    actri_link_t taken, refused, *link;
    actr_error_t why = ACTR_ERROR_INIT;
    actri_list_init(&taken);
    actri_list_init(&refused);
    actri_lock(&m->mutex);
    while ((link = actri_list_take(mails)) != NULL) {
        bool in = admit(m, actri_mail_of(link), &why);
        actri_list_append(!in ? &refused : m->immediate ? &taken : &m->arrived, link);
    }
    bool wake = !m->immediate && m->sleeping, pressed = begin_pressure(m);
    uint64_t messages = m->stats.queued + m->stats.in_flight, bytes = m->stats.bytes;
    actri_unlock(&m->mutex);
    if (wake) actri_cond_signal(&m->wake);
    if (pressed) m->o.pressure(m->o.user, messages, bytes);
    actri_link_t stored;
    actri_list_init(&stored);
    while ((link = actri_list_take(&taken)) != NULL) take_in(m, actri_mail_of(link), &stored);
    if (!actri_list_empty(&stored)) actri_mailbox_deliver(m, &stored);
    while ((link = actri_list_take(&refused)) != NULL) actri_mail_refuse(m, actri_mail_of(link), &why);
}

/* Under the mutex. The session of a duplicate that came after the reply had left, or 0. */
static uint64_t take_late(actri_mailbox_t *m, const actri_mail_t *mail)
{
    uint64_t origin = actri_route_take(m, mail->sequence);
    return origin != mail->answered_on && mail->reply != NULL && m->o.repeat != NULL ? origin : 0;
}

static void count_end(actri_mailbox_t *m, const actri_mail_t *mail)
{
    bool stays = mail->end == ACTRI_MAIL_KEEP && !m->immediate;
    m->stats.in_flight--;
    m->flight_bytes -= actri_mail_size(mail);
    m->stats.acknowledged += mail->end == ACTRI_MAIL_ACK ? 1 : 0;
    m->stats.dead += mail->end == ACTRI_MAIL_DEAD ? 1 : 0;
    if (stays) {
        m->stats.queued++;
        m->table_count++;
    } else {
        m->stats.bytes -= actri_mail_size(mail);
    }
    if (m->pressed && !filled(m, 2)) m->pressed = false;
}

void actri_mailbox_done(actri_mailbox_t *m, actri_mail_t *mail, actri_disposition_t disposition,
                        const actr_error_t *cause)
{
    uint64_t late;
    actri_grave_t *grave = NULL;
    mail->end = disposition;
    if (disposition == ACTRI_MAIL_DEAD && cause != NULL) {
        grave = actri_grave_new(m, mail, cause);
        if (grave == NULL) actri_error(m->env, AREA, "out of memory: no dead letter for %s", cause->message);
        if (m->o.dead != NULL) m->o.dead(m->o.user, mail, cause);
    }
    mail->user = grave;
    if (m->immediate) end_now(m, mail, grave);
    actri_lock(&m->mutex);
    while ((late = take_late(m, mail)) != 0) {
        actri_unlock(&m->mutex);
        mail->origin = mail->answered_on = late;
        m->o.repeat(m->o.user, mail, mail->reply);
        actri_lock(&m->mutex);
    }
    count_end(m, mail);
    bool wake = !m->immediate && m->sleeping && (actri_list_empty(&m->ended) || m->table);
    if (!m->immediate) actri_list_append(&m->ended, &mail->task.link);
    actri_unlock(&m->mutex);
    if (wake) actri_cond_signal(&m->wake);
    if (m->immediate) actri_mail_free(m, mail);
}

void actri_mailbox_look(actri_mailbox_t *m)
{
    actri_lock(&m->mutex);
    m->table = true;
    m->not_before_ns = 0;
    actri_unlock(&m->mutex);
    actri_cond_signal(&m->wake);
    if (m->immediate) actri_mailbox_load_all(m);
}

void actri_mailbox_pause(actri_mailbox_t *m)
{
    actri_lock(&m->mutex);
    m->paused = true;
    while (m->delivering) (void)actri_cond_wait(&m->wake, &m->mutex, ACTRI_NEVER);
    actri_unlock(&m->mutex);
}

void actri_mailbox_stats(actri_mailbox_t *m, actri_mailbox_stats_t *out)
{
    actri_lock(&m->mutex);
    *out = m->stats;
    actri_unlock(&m->mutex);
}

void actri_mailbox_set_receiver(actri_mailbox_t *m, const uint8_t *id, size_t size)
{
    actri_lock(&m->mutex);
    m->receiver_size = size < sizeof m->receiver ? size : 0;
    memcpy(m->receiver, id, m->receiver_size);
    actri_unlock(&m->mutex);
}

actr_mailbox_t *actri_mailbox_store(actri_mailbox_t *m)
{
    return m->store;
}

actr_dlq_t *actri_mailbox_letters(actri_mailbox_t *m)
{
    return m->letters;
}

/* ---- life ---- */

bool actri_mailbox_is_file(const char *path)
{
    return path != NULL && path[0] != '\0' && strcmp(path, ":memory:") != 0;
}

static actr_status_t open_store(actri_mailbox_t *m, actr_error_t *error)
{
    const actri_mailbox_options_t *o = &m->o;
    if (o->own != NULL) {
        m->store = o->own;
        m->letters = o->own_letters;
        return ACTR_OK;
    }
    actr_store_options_t options = {.struct_size = sizeof options,
                                    .path = o->path,
                                    .durability = o->durability,
                                    .max_messages = o->max_messages,
                                    .max_bytes = o->max_bytes,
                                    .duplicate_window_ms = o->duplicate_window_ms,
                                    .duplicate_entries = o->duplicate_entries,
                                    .high_per_normal = o->high_per_normal};
    if (m->env != NULL) {
        options.allocator = m->env->allocator.allocate != NULL ? &m->env->allocator : NULL;
        options.log = m->env->log;
        options.log_user = m->env->log_user;
    }
    return actri_mailbox_is_file(o->path) ? actr_sqlite_store_open(&options, &m->store, &m->letters, error)
                                          : actr_memory_store_open(&options, &m->store, &m->letters, error);
}

static actr_status_t count_old(actri_mailbox_t *m, actr_error_t *error)
{
    actr_mailbox_stats_t there = {.struct_size = sizeof there};
    actr_status_t status = actr_mailbox_get_stats(m->store, &there, error);
    if (status != ACTR_OK) return status;
    m->immediate = (m->store->ops->flags & ACTR_MAILBOX_IMMEDIATE) != 0;
    m->old_left = m->table_count = m->stats.queued = there.ready + there.hidden;
    m->stats.queued_high = there.ready_high;
    m->stats.bytes = there.bytes;
    m->table = m->stats.queued > 0;
    if (m->stats.queued > 0) {
        actri_info(m->env, AREA, "%s holds %llu requests of the last run",
                   !actri_mailbox_is_file(m->o.path) ? "the mailbox" : m->o.path, (unsigned long long)m->stats.queued);
    }
    if (m->immediate) return ACTR_OK;
    m->room = actri_alloc(m->env, sizeof *m->room);
    return m->room != NULL ? ACTR_OK : actri_no_memory(error);
}

/* Without that file it works too, less exactly. */
static void note_begun(actri_mailbox_t *m)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (m->o.own != NULL || !actri_mailbox_is_file(m->o.path)) return;
    if (actri_begun_new(m->env, m->o.path, &m->begun, &error) != ACTR_OK) {
        actri_warn(m->env, AREA, "%s: after a crash all that was handed out counts as tried", error.message);
    }
}

actr_status_t actri_mailbox_open(const actri_mailbox_options_t *options, actri_mailbox_t **out, actr_error_t *error)
{
    actri_mailbox_t *m = actri_zalloc(options->env, sizeof *m);
    if (m == NULL) return actri_no_memory(error);
    m->env = options->env;
    m->o = *options;
    if (m->o.max_messages == 0) m->o.max_messages = MAX_MESSAGES;
    if (m->o.max_bytes == 0) m->o.max_bytes = MAX_BYTES;
    if (m->o.max_attempts == 0) m->o.max_attempts = MAX_ATTEMPTS;
    m->poll_ns = ACTRI_NEVER;
    actri_mutex_init(&m->mutex);
    actri_cond_init(&m->wake);
    actri_list_init(&m->arrived);
    actri_list_init(&m->ended);
    actri_map_init(&m->routes, m->env);
    actr_status_t status = open_store(m, error);
    if (status == ACTR_OK) status = count_old(m, error);
    if (status == ACTR_OK) note_begun(m);
    if (status != ACTR_OK) {
        actri_mailbox_close(m);
        return status;
    }
    *out = m;
    return ACTR_OK;
}

actr_status_t actri_mailbox_start(actri_mailbox_t *m, actr_error_t *error)
{
    actri_lock(&m->mutex);
    m->paused = false;
    m->table = m->table_count > 0;
    actri_unlock(&m->mutex);
    if (m->immediate) actri_mailbox_load_all(m);
    if (m->immediate || m->running) return ACTR_OK;
    actr_status_t status = actri_thread_start(&m->thread, "actr-storage", actri_mailbox_run, m, error);
    m->running = status == ACTR_OK;
    return status;
}

static void free_list(actri_mailbox_t *m, actri_link_t *list)
{
    actri_link_t *link;
    while ((link = actri_list_take(list)) != NULL) {
        actri_free(m->env, actri_mail_of(link)->user); /* a grave */
        actri_mail_free(m, actri_mail_of(link));
    }
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
    actri_begun_free(m->begun, !actri_list_empty(&m->ended)); /* what the disk has not taken is in flight still */
    m->begun = NULL;
    free_list(m, &m->ended);
    free_list(m, &m->arrived);
    actri_routes_clear(m);
    if (m->o.own == NULL) {
        actr_dlq_close(m->letters);
        actr_mailbox_close(m->store);
    }
    actri_free(m->env, m->room);
    actri_cond_destroy(&m->wake);
    actri_mutex_destroy(&m->mutex);
    actri_free(m->env, m);
}
