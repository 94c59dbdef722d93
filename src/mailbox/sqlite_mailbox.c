/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox and dead letters over one SQLite file: the public tables; each operation is a job of commits.c. */
#include "mailbox/commits.h"
#include "mailbox/letter.h"
#include "mailbox/operations.h"
#include "port/clock.h"

#define TRIM_EVERY 256 /* answers */

typedef struct sqlite_file {
    actr_mailbox_t mailbox;
    actr_dlq_t dlq;
    actri_store_t *store;
    actri_commits_t commits;
    unsigned refs; /* atomic: one a handle */
} sqlite_file_t;

static sqlite_file_t *of_mailbox(actr_mailbox_t *mailbox)
{
    return ACTRI_CONTAINER(mailbox, sqlite_file_t, mailbox);
}

static sqlite_file_t *of_dlq(actr_dlq_t *dlq)
{
    return ACTRI_CONTAINER(dlq, sqlite_file_t, dlq);
}

/* ---- a group: what changes messages ---- */

typedef struct group_job {
    actri_job_t job;
    actr_mailbox_group_t group;
    int64_t now_ms;
} group_job_t;

/* The entry of this message, while it waits or is answered by it; NULL. */
static actri_known_entry_t *entry_of(actri_store_t *store, const uint8_t key[ACTR_KEY_SIZE], int64_t id, int64_t now_ms)
{
    if (!actri_key_is_set(key)) return NULL;
    actri_known_entry_t *entry = actri_known_find(&store->known, key, now_ms);
    return entry != NULL && entry->id == id ? entry : NULL;
}

/* Not put back when the transaction fails: then a duplicate of a message that was about to go is stored once more. */
static void forget(actri_store_t *store, const uint8_t key[ACTR_KEY_SIZE], int64_t id, int64_t now_ms)
{
    actri_known_entry_t *entry = entry_of(store, key, id, now_ms);
    if (entry != NULL && entry->number == 0) actri_known_forget(&store->known, entry);
}

static actr_status_t do_acks(actri_store_t *store, group_job_t *g, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (size_t i = 0; status == ACTR_OK && i < g->group.ack_count; i++) {
        const actr_ack_t *ack = &g->group.acks[i];
        uint8_t key[ACTR_KEY_SIZE];
        status = actri_store_delete(store, ack->id, key, error);
        if (status != ACTR_OK) break;
        if (!actri_key_is_set(ack->key)) {
            forget(store, key, ack->id, g->now_ms);
            continue;
        }
        actri_known_entry_t *entry = actri_known_find(&store->known, ack->key, g->now_ms);
        if (entry != NULL && (entry->number != 0 || entry->id != ack->id)) continue; /* acknowledged before */
        if (entry == NULL) {
            entry = actri_known_wait(&store->known, ack->key, ack->id);
            if (entry == NULL) return actri_no_memory(error);
            entry->fresh = true;
        }
        int64_t until = g->now_ms + store->known.window_ms;
        actri_known_answer(&store->known, entry, ++store->counts.last_answer, until, g->now_ms, ack->reply.size);
        status = actri_store_answer(store, ack, entry->number, until, error);
    }
    return status;
}

/* Has this key been seen? Fills outcome, id and reply. */
static actr_status_t look_up(actri_store_t *store, actr_message_t *message, int64_t now_ms, actr_error_t *error)
{
    message->outcome = ACTR_ENQUEUE_STORED;
    if (!actri_key_is_set(message->key)) return ACTR_OK;
    const actri_known_entry_t *entry = actri_known_find(&store->known, message->key, now_ms);
    if (entry == NULL) return ACTR_OK;
    message->id = entry->id;
    message->outcome = entry->number == 0 ? ACTR_ENQUEUE_PENDING : ACTR_ENQUEUE_ANSWERED;
    return entry->number == 0 ? ACTR_OK : actri_store_reply(store, entry->number, &message->reply, error);
}

static actr_status_t do_message(actri_store_t *store, actr_message_t *message, int64_t now_ms, actr_error_t *error)
{
    message->reply = NULL;
    message->id = 0;
    actr_status_t status = look_up(store, message, now_ms, error);
    if (status != ACTR_OK || message->outcome != ACTR_ENQUEUE_STORED) return status;
    if (!actri_store_has_room(store, message, 0, 0)) {
        message->outcome = ACTR_ENQUEUE_FULL;
        return ACTR_OK;
    }
    int64_t id = ++store->counts.last_sequence;
    if (actri_key_is_set(message->key) && actri_known_wait(&store->known, message->key, id) == NULL) {
        return actri_no_memory(error);
    }
    message->id = id;
    if (message->leased) message->attempts++;
    return actri_store_insert(store, message, now_ms, error);
}

static actr_status_t do_burials(actri_store_t *store, group_job_t *g, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (size_t i = 0; status == ACTR_OK && i < g->group.burial_count; i++) {
        status = actri_store_bury(store, &g->group.burials[i], error);
    }
    return status;
}

/* In memory at once; in the file now and then, for it costs a statement. */
static actr_status_t do_trim(actri_store_t *store, group_job_t *g, actr_error_t *error)
{
    int64_t last = actri_known_trim(&store->known, g->now_ms);
    if (last > store->forgotten) store->forgotten = last;
    if (store->forgotten - store->trimmed < TRIM_EVERY) return ACTR_OK;
    actr_status_t status = actri_store_trim(store, store->forgotten, error);
    if (status == ACTR_OK)
        store->trimmed = store->forgotten; /* when this is rolled back, the next ones take them too */
    return status;
}

static actr_status_t run_group(actri_store_t *store, actri_job_t *job)
{
    group_job_t *g = ACTRI_CONTAINER(job, group_job_t, job);
    actr_error_t *error = job->error;
    g->now_ms = actri_wall_ms();
    for (size_t i = 0; i < g->group.message_count; i++) {
        g->group.messages[i].id = 0;
        g->group.messages[i].reply = NULL;
        g->group.messages[i].outcome = ACTR_ENQUEUE_STORED;
    }
    actr_status_t status = do_burials(store, g, error);
    if (status == ACTR_OK) status = do_acks(store, g, error);
    for (size_t i = 0; status == ACTR_OK && i < g->group.nack_count; i++) {
        status = actri_store_nack(store, &g->group.nacks[i], g->now_ms, error);
    }
    for (size_t i = 0; status == ACTR_OK && i < g->group.message_count; i++) {
        status = do_message(store, &g->group.messages[i], g->now_ms, error);
    }
    return status == ACTR_OK ? do_trim(store, g, error) : status;
}

static void undo_group(actri_store_t *store, actri_job_t *job)
{
    const group_job_t *g = ACTRI_CONTAINER(job, group_job_t, job);
    for (size_t i = 0; i < g->group.message_count; i++) {
        actr_message_t *message = &g->group.messages[i];
        actr_buf_release(message->reply);
        message->reply = NULL;
        if (message->outcome != ACTR_ENQUEUE_STORED || message->id == 0) continue;
        actri_known_entry_t *entry = entry_of(store, message->key, message->id, g->now_ms);
        if (entry != NULL) actri_known_forget(&store->known, entry);
        if (message->leased) message->attempts--;
        message->id = 0;
    }
    for (size_t i = 0; i < g->group.ack_count; i++) {
        actri_known_entry_t *entry = entry_of(store, g->group.acks[i].key, g->group.acks[i].id, g->now_ms);
        if (entry == NULL || entry->number <= store->counts.last_answer) continue; /* counts are restored */
        if (entry->fresh) {
            actri_known_forget(&store->known, entry);
        } else {
            actri_known_unanswer(&store->known, entry);
        }
    }
}

static void after_group(actri_store_t *store, actri_job_t *job)
{
    const group_job_t *g = ACTRI_CONTAINER(job, group_job_t, job);
    for (size_t i = 0; i < g->group.ack_count; i++) {
        actri_known_entry_t *entry = entry_of(store, g->group.acks[i].key, g->group.acks[i].id, g->now_ms);
        if (entry != NULL) entry->fresh = false;
    }
    for (size_t i = 0; i < g->group.burial_count; i++) {
        forget(store, g->group.burials[i].key, g->group.burials[i].message_id, g->now_ms);
    }
}

static actr_status_t group(actr_mailbox_t *mailbox, const actr_mailbox_group_t *what, actr_error_t *error)
{
    group_job_t g = {.job = {.run = run_group, .undo = undo_group, .done = after_group, .error = error},
                     .group = *what};
    return actri_commits_do(&of_mailbox(mailbox)->commits, &g.job);
}

static actr_status_t enqueue(actr_mailbox_t *mailbox, actr_message_t *messages, size_t count, actr_error_t *error)
{
    actr_mailbox_group_t what = {.messages = messages, .message_count = count};
    return group(mailbox, &what, error);
}

static actr_status_t ack(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t count, actr_error_t *error)
{
    actr_mailbox_group_t what = {.acks = acks, .ack_count = count};
    return group(mailbox, &what, error);
}

static actr_status_t nack(actr_mailbox_t *mailbox, const actr_nack_t *nacks, size_t count, actr_error_t *error)
{
    actr_mailbox_group_t what = {.nacks = nacks, .nack_count = count};
    return group(mailbox, &what, error);
}

/* ---- the other operations of the mailbox ---- */

typedef struct mailbox_job {
    actri_job_t job;
    size_t most;
    int64_t id, lease_ms;
    actr_take_fn take;
    void *user;
    size_t *taken;
    actr_mailbox_stats_t *stats;
} mailbox_job_t;

static mailbox_job_t *mailbox_job(actri_job_t *job)
{
    return ACTRI_CONTAINER(job, mailbox_job_t, job);
}

static actr_status_t run_dequeue(actri_store_t *store, actri_job_t *job)
{
    const mailbox_job_t *j = mailbox_job(job);
    return actri_store_dequeue(store, j->most, j->lease_ms, j->take, j->user, j->taken, job->error);
}

static actr_status_t run_extend(actri_store_t *store, actri_job_t *job)
{
    return actri_store_extend(store, mailbox_job(job)->id, mailbox_job(job)->lease_ms, job->error);
}

static actr_status_t run_stats(actri_store_t *store, actri_job_t *job)
{
    const actri_store_counts_t *counts = &store->counts;
    *mailbox_job(job)->stats =
        (actr_mailbox_stats_t){.struct_size = sizeof(actr_mailbox_stats_t),
                               .ready = counts->ready,
                               .ready_high = counts->ready_high,
                               .hidden = counts->hidden + counts->in_flight,
                               .bytes = counts->bytes,
                               .remembered = store->known.answered_count,
                               .next_ms = counts->next_hidden_ms == INT64_MAX ? 0 : counts->next_hidden_ms};
    return ACTR_OK;
}

/* Nothing ready, nothing about to be: no transaction. Under the leader's turn like all. */
static actr_status_t run_look(actri_store_t *store, actri_job_t *job)
{
    mailbox_job_t *j = mailbox_job(job);
    *j->taken = store->counts.ready > 0 || store->counts.next_hidden_ms <= actri_wall_ms();
    return ACTR_OK;
}

static actr_status_t dequeue(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms, actr_take_fn take, void *user,
                             size_t *taken, actr_error_t *error)
{
    actri_commits_t *commits = &of_mailbox(mailbox)->commits;
    size_t there = 0;
    mailbox_job_t look = {.job = {.run = run_look, .reads = true, .error = error}, .taken = &there};
    mailbox_job_t j = {.job = {.run = run_dequeue, .error = error},
                       .most = most,
                       .lease_ms = lease_ms,
                       .take = take,
                       .user = user,
                       .taken = taken};
    *taken = 0;
    actr_status_t status = actri_commits_do(commits, &look.job);
    if (status != ACTR_OK || there == 0) return status;
    return actri_commits_do(commits, &j.job);
}

static actr_status_t extend(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms, actr_error_t *error)
{
    mailbox_job_t j = {.job = {.run = run_extend, .error = error}, .id = id, .lease_ms = lease_ms};
    return actri_commits_do(&of_mailbox(mailbox)->commits, &j.job);
}

static actr_status_t stats(actr_mailbox_t *mailbox, actr_mailbox_stats_t *out, actr_error_t *error)
{
    mailbox_job_t j = {.job = {.run = run_stats, .reads = true, .error = error}, .stats = out};
    return actri_commits_do(&of_mailbox(mailbox)->commits, &j.job);
}

static void release(sqlite_file_t *file)
{
    if (__atomic_sub_fetch(&file->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_env_t env = file->store->env;
    actri_store_close(file->store);
    actri_commits_destroy(&file->commits);
    actri_free(&env, file);
}

static void close_mailbox(actr_mailbox_t *mailbox)
{
    release(of_mailbox(mailbox));
}

static const actr_mailbox_ops_t mailbox_ops = {.struct_size = sizeof(actr_mailbox_ops_t),
                                               .enqueue = enqueue,
                                               .dequeue = dequeue,
                                               .ack = ack,
                                               .nack = nack,
                                               .extend = extend,
                                               .stats = stats,
                                               .close = close_mailbox,
                                               .group = group};

/* ---- dead letters ---- */

typedef struct dlq_job {
    actri_job_t job;
    const actr_dead_letter_t *letter;
    const char *id;
    char *made;
    actr_dlq_filter_t filter;
    actr_dlq_page_t *page;
    actr_take_letter_fn take;
    void *user;
    size_t *taken;
    uint64_t *count;
    actr_dlq_stats_t *stats;
    int64_t message_id;
} dlq_job_t;

static dlq_job_t *dlq_job(actri_job_t *job)
{
    return ACTRI_CONTAINER(job, dlq_job_t, job);
}

static actr_status_t run_letter_add(actri_store_t *store, actri_job_t *job)
{
    return actri_store_letter_add(store, dlq_job(job)->letter, dlq_job(job)->made, job->error);
}

static actr_status_t dlq_enqueue(actr_dlq_t *dlq, const actr_dead_letter_t *letter, char *id, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_letter_add, .error = error}, .letter = letter, .made = id};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

static actr_status_t run_query(actri_store_t *store, actri_job_t *job)
{
    dlq_job_t *j = dlq_job(job);
    return actri_store_letters(store, &j->filter, j->page, j->take, j->user, j->taken, job->error);
}

static actr_status_t dlq_query(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, actr_dlq_page_t *page,
                               actr_take_letter_fn take, void *user, size_t *taken, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_query, .reads = true, .error = error},
                   .filter = *filter,
                   .page = page,
                   .take = take,
                   .user = user,
                   .taken = taken};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

static actr_status_t run_get(actri_store_t *store, actri_job_t *job)
{
    const dlq_job_t *j = dlq_job(job);
    return actri_store_letter_get(store, j->id, j->take, j->user, job->error);
}

static actr_status_t dlq_get(actr_dlq_t *dlq, const char *id, actr_take_letter_fn take, void *user, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_get, .reads = true, .error = error}, .id = id, .take = take, .user = user};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

static actr_status_t run_remove(actri_store_t *store, actri_job_t *job)
{
    return actri_store_letter_remove(store, dlq_job(job)->id, job->error);
}

static actr_status_t dlq_remove(actr_dlq_t *dlq, const char *id, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_remove, .error = error}, .id = id};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

static actr_status_t run_purge(actri_store_t *store, actri_job_t *job)
{
    return actri_store_letters_purge(store, &dlq_job(job)->filter, dlq_job(job)->count, job->error);
}

static actr_status_t dlq_purge(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_purge, .error = error}, .filter = *filter, .count = count};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

static actr_status_t run_letter_stats(actri_store_t *store, actri_job_t *job)
{
    return actri_store_letters_stats(store, dlq_job(job)->stats, job->error);
}

static actr_status_t dlq_stats(actr_dlq_t *dlq, actr_dlq_stats_t *out, actr_error_t *error)
{
    dlq_job_t j = {.job = {.run = run_letter_stats, .reads = true, .error = error}, .stats = out};
    return actri_commits_do(&of_dlq(dlq)->commits, &j.job);
}

/* ---- redrive ---- */

typedef struct redrive {
    actri_store_t *store;
    dlq_job_t *job;
    actr_status_t status;
    actr_mailbox_t *into; /* another mailbox; NULL: the same file */
} redrive_t;

static bool put_back(void *user, const actr_dead_letter_t *letter)
{
    redrive_t *r = user;
    actr_message_t message = actri_message_of(letter);
    if (r->into != NULL) {
        r->status = actr_mailbox_enqueue(r->into, &message, 1, r->job->job.error);
    } else {
        r->status = do_message(r->store, &message, actri_wall_ms(), r->job->job.error);
    }
    if (r->status == ACTR_OK && message.outcome == ACTR_ENQUEUE_FULL) {
        r->status = actri_fail(r->job->job.error, ACTR_STATUS_MAILBOX_FULL, "the mailbox is full: the letter stays");
    }
    r->job->message_id = message.id;
    return true;
}

static actr_status_t run_redrive(actri_store_t *store, actri_job_t *job)
{
    redrive_t r = {.store = store, .job = dlq_job(job)};
    actr_status_t status = actri_store_letter_get(store, dlq_job(job)->id, put_back, &r, job->error);
    if (status == ACTR_OK) status = r.status;
    return status == ACTR_OK ? actri_store_letter_remove(store, dlq_job(job)->id, job->error) : status;
}

static actr_status_t dlq_redrive(actr_dlq_t *dlq, const char *id, actr_mailbox_t *into, int64_t *message_id,
                                 actr_error_t *error)
{
    sqlite_file_t *file = of_dlq(dlq);
    dlq_job_t j = {.job = {.run = run_redrive, .error = error}, .id = id};
    actr_status_t status;
    if (into == &file->mailbox) {
        status = actri_commits_do(&file->commits, &j.job);
    } else { /* two stores: the message first, so that a crash between doubles it and does not lose it */
        redrive_t r = {.job = &j, .into = into};
        status = dlq_get(dlq, id, put_back, &r, error);
        if (status == ACTR_OK) status = r.status;
        if (status == ACTR_OK) status = dlq_remove(dlq, id, error);
    }
    if (status == ACTR_OK && message_id != NULL) *message_id = j.message_id;
    return status;
}

static void close_dlq(actr_dlq_t *dlq)
{
    release(of_dlq(dlq));
}

static const actr_dlq_ops_t dlq_ops = {.struct_size = sizeof(actr_dlq_ops_t),
                                       .enqueue = dlq_enqueue,
                                       .query = dlq_query,
                                       .get = dlq_get,
                                       .redrive = dlq_redrive,
                                       .remove = dlq_remove,
                                       .purge = dlq_purge,
                                       .stats = dlq_stats,
                                       .close = close_dlq};

/* ---- life ---- */

actr_status_t actr_sqlite_store_open(const actr_store_options_t *given, actr_mailbox_t **mailbox, actr_dlq_t **letters,
                                     actr_error_t *error)
{
    actr_store_options_t options;
    actr_status_t status = actri_store_options(given, mailbox, &options, error);
    if (status != ACTR_OK) return status;
    actri_store_t *store = NULL;
    status = actri_store_open(&options, &store, error);
    if (status != ACTR_OK) return status;
    sqlite_file_t *file = actri_zalloc(&store->env, sizeof *file);
    if (file == NULL) {
        actri_store_close(store);
        return actri_no_memory(error);
    }
    file->mailbox.ops = &mailbox_ops;
    file->dlq.ops = &dlq_ops;
    file->store = store;
    file->refs = letters == NULL ? 1 : 2;
    actri_commits_init(&file->commits, store);
    *mailbox = &file->mailbox;
    if (letters != NULL) *letters = &file->dlq;
    return ACTR_OK;
}
