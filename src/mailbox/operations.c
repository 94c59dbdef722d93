/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions: arguments are checked here, so that implementations need not. */
#include "mailbox/operations.h"

#include <string.h>

#define MISSING(what) actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, what)
/* The table is there and has the operation. */
#define HAS(handle, type, member)                                                                                      \
    ((handle) != NULL && (handle)->ops != NULL &&                                                                      \
     (handle)->ops->struct_size >= offsetof(type, member) + sizeof((handle)->ops->member) &&                           \
     (handle)->ops->member != NULL)
#define NEED(handle, type, member)                                                                                     \
    do {                                                                                                               \
        if ((handle) == NULL || (handle)->ops == NULL) return MISSING("the handle is NULL");                           \
        if (!HAS(handle, type, member))                                                                                \
            return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "this implementation has no " #member);                \
    } while (0)

actr_status_t actri_store_options(const actr_store_options_t *given, actr_mailbox_t **mailbox,
                                  actr_store_options_t *out, actr_error_t *error)
{
    if (given == NULL || given->struct_size == 0 || mailbox == NULL) {
        return MISSING("options, their struct_size, or mailbox is missing");
    }
    *out = (actr_store_options_t)ACTR_STORE_OPTIONS_INIT;
    memcpy(out, given, given->struct_size < sizeof *out ? given->struct_size : sizeof *out);
    out->struct_size = sizeof *out;
    return ACTR_OK;
}

/* ---- mailbox ---- */

actr_status_t actr_mailbox_enqueue(actr_mailbox_t *mailbox, actr_message_t *messages, size_t count, actr_error_t *error)
{
    NEED(mailbox, actr_mailbox_ops_t, enqueue);
    if (count == 0) return ACTR_OK;
    if (messages == NULL) return MISSING("messages is NULL");
    actr_status_t status = mailbox->ops->enqueue(mailbox, messages, count, error);
    size_t refused = 0;
    for (size_t i = 0; status == ACTR_OK && i < count; i++) refused += messages[i].outcome == ACTR_ENQUEUE_FULL;
    if (refused == 0) return status;
    return actri_fail(error, ACTR_STATUS_MAILBOX_FULL, "the mailbox is full: %zu of %zu messages were not stored",
                      refused, count);
}

actr_status_t actr_mailbox_dequeue(actr_mailbox_t *mailbox, size_t most, int64_t lease_ms, actr_take_fn take,
                                   void *user, size_t *taken, actr_error_t *error)
{
    size_t ignored;
    if (taken == NULL) taken = &ignored;
    *taken = 0;
    NEED(mailbox, actr_mailbox_ops_t, dequeue);
    if (take == NULL) return MISSING("take is NULL");
    if (lease_ms <= 0) return MISSING("a lease lasts at least a millisecond");
    if (most == 0) return ACTR_OK;
    return mailbox->ops->dequeue(mailbox, most, lease_ms, take, user, taken, error);
}

actr_status_t actr_mailbox_ack(actr_mailbox_t *mailbox, const actr_ack_t *acks, size_t count, actr_error_t *error)
{
    NEED(mailbox, actr_mailbox_ops_t, ack);
    if (count == 0) return ACTR_OK;
    if (acks == NULL) return MISSING("acks is NULL");
    return mailbox->ops->ack(mailbox, acks, count, error);
}

actr_status_t actr_mailbox_nack(actr_mailbox_t *mailbox, const actr_nack_t *nacks, size_t count, actr_error_t *error)
{
    NEED(mailbox, actr_mailbox_ops_t, nack);
    if (count == 0) return ACTR_OK;
    if (nacks == NULL) return MISSING("nacks is NULL");
    return mailbox->ops->nack(mailbox, nacks, count, error);
}

actr_status_t actr_mailbox_extend(actr_mailbox_t *mailbox, int64_t id, int64_t lease_ms, actr_error_t *error)
{
    NEED(mailbox, actr_mailbox_ops_t, extend);
    if (lease_ms <= 0) return MISSING("a lease lasts at least a millisecond");
    return mailbox->ops->extend(mailbox, id, lease_ms, error);
}

actr_status_t actr_mailbox_get_stats(actr_mailbox_t *mailbox, actr_mailbox_stats_t *stats, actr_error_t *error)
{
    NEED(mailbox, actr_mailbox_ops_t, stats);
    if (stats == NULL || stats->struct_size == 0) return MISSING("stats, or its struct_size, is missing");
    actr_mailbox_stats_t all = {.struct_size = sizeof all};
    actr_status_t status = mailbox->ops->stats(mailbox, &all, error);
    size_t size = stats->struct_size < sizeof all ? stats->struct_size : sizeof all;
    if (status != ACTR_OK) return status;
    all.struct_size = size;
    memcpy(stats, &all, size);
    return ACTR_OK;
}

/* Letter first, then the end of its message: a crash between the two leaves both, never neither. */
static actr_status_t bury(actr_mailbox_t *mailbox, actr_dlq_t *letters, const actr_burial_t *burial,
                          actr_error_t *error)
{
    actr_ack_t ack = {.id = burial->message_id};
    actr_dead_letter_t letter = burial->letter;
    letter.message_id = burial->message_id;
    actr_status_t status = letters == NULL ? ACTR_OK : actr_dlq_enqueue(letters, &letter, NULL, error);
    return status == ACTR_OK ? actr_mailbox_ack(mailbox, &ack, 1, error) : status;
}

actr_status_t actr_mailbox_commit(actr_mailbox_t *mailbox, actr_dlq_t *letters, const actr_mailbox_group_t *group,
                                  actr_error_t *error)
{
    if (mailbox == NULL || mailbox->ops == NULL || group == NULL) return MISSING("mailbox or group is NULL");
    if (HAS(mailbox, actr_mailbox_ops_t, group)) return mailbox->ops->group(mailbox, group, error);
    actr_status_t status = ACTR_OK;
    for (size_t i = 0; status == ACTR_OK && i < group->burial_count; i++) {
        status = bury(mailbox, letters, &group->burials[i], error);
    }
    if (status == ACTR_OK) status = actr_mailbox_ack(mailbox, group->acks, group->ack_count, error);
    if (status == ACTR_OK) status = actr_mailbox_nack(mailbox, group->nacks, group->nack_count, error);
    if (status == ACTR_OK) status = actr_mailbox_enqueue(mailbox, group->messages, group->message_count, error);
    return status;
}

void actr_mailbox_close(actr_mailbox_t *mailbox)
{
    if (HAS(mailbox, actr_mailbox_ops_t, close)) mailbox->ops->close(mailbox);
}

/* ---- dead letters ---- */

actr_status_t actr_dlq_enqueue(actr_dlq_t *dlq, const actr_dead_letter_t *letter, char *id, actr_error_t *error)
{
    NEED(dlq, actr_dlq_ops_t, enqueue);
    if (letter == NULL || letter->reason == NULL || letter->category == NULL || letter->trace_id == NULL) {
        return MISSING("letter, its reason, category or trace_id is NULL");
    }
    return dlq->ops->enqueue(dlq, letter, id, error);
}

static actr_dlq_filter_t full_filter(const actr_dlq_filter_t *given)
{
    actr_dlq_filter_t out = ACTR_DLQ_FILTER_INIT;
    if (given == NULL) return out;
    memcpy(&out, given, given->struct_size < sizeof out ? given->struct_size : sizeof out);
    out.struct_size = sizeof out;
    return out;
}

actr_status_t actr_dlq_query(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, actr_dlq_page_t *page,
                             actr_take_letter_fn take, void *user, size_t *taken, actr_error_t *error)
{
    size_t ignored;
    actr_dlq_page_t first = {0, 0};
    if (taken == NULL) taken = &ignored;
    if (page == NULL) page = &first;
    *taken = 0;
    NEED(dlq, actr_dlq_ops_t, query);
    if (take == NULL) return MISSING("take is NULL");
    actr_dlq_filter_t full = full_filter(filter);
    return dlq->ops->query(dlq, &full, page, take, user, taken, error);
}

actr_status_t actr_dlq_get(actr_dlq_t *dlq, const char *id, actr_take_letter_fn take, void *user, actr_error_t *error)
{
    NEED(dlq, actr_dlq_ops_t, get);
    if (id == NULL || take == NULL) return MISSING("id or take is NULL");
    return dlq->ops->get(dlq, id, take, user, error);
}

actr_status_t actr_dlq_redrive(actr_dlq_t *dlq, const char *id, actr_mailbox_t *into, int64_t *message_id,
                               actr_error_t *error)
{
    NEED(dlq, actr_dlq_ops_t, redrive);
    if (id == NULL || into == NULL) return MISSING("id or mailbox is NULL");
    return dlq->ops->redrive(dlq, id, into, message_id, error);
}

actr_status_t actr_dlq_remove(actr_dlq_t *dlq, const char *id, actr_error_t *error)
{
    NEED(dlq, actr_dlq_ops_t, remove);
    if (id == NULL) return MISSING("id is NULL");
    return dlq->ops->remove(dlq, id, error);
}

actr_status_t actr_dlq_purge(actr_dlq_t *dlq, const actr_dlq_filter_t *filter, uint64_t *count, actr_error_t *error)
{
    uint64_t ignored;
    if (count == NULL) count = &ignored;
    *count = 0;
    NEED(dlq, actr_dlq_ops_t, purge);
    actr_dlq_filter_t full = full_filter(filter);
    return dlq->ops->purge(dlq, &full, count, error);
}

actr_status_t actr_dlq_get_stats(actr_dlq_t *dlq, actr_dlq_stats_t *stats, actr_error_t *error)
{
    NEED(dlq, actr_dlq_ops_t, stats);
    if (stats == NULL || stats->struct_size == 0) return MISSING("stats, or its struct_size, is missing");
    actr_dlq_stats_t all = {.struct_size = sizeof all};
    size_t size = stats->struct_size < sizeof all ? stats->struct_size : sizeof all;
    actr_status_t status = dlq->ops->stats(dlq, &all, error);
    if (status != ACTR_OK) return status;
    all.struct_size = size;
    memcpy(stats, &all, size);
    return ACTR_OK;
}

void actr_dlq_close(actr_dlq_t *dlq)
{
    if (HAS(dlq, actr_dlq_ops_t, close)) dlq->ops->close(dlq);
}
