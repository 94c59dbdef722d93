/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/mailbox_admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static actr_status_t who(void *user, int count, const char *const *arguments, char *members, size_t size,
                         actr_error_t *error)
{
    (void)user;
    (void)count;
    (void)arguments;
    (void)error;
    (void)snprintf(members, size, "\"process\":%ld,\"version\":\"%s\"", (long)getpid(), actr_version());
    return ACTR_OK;
}

static actr_status_t stat_mailbox(void *user, int count, const char *const *arguments, char *members, size_t size,
                                  actr_error_t *error)
{
    actri_mailbox_stats_t s;
    (void)count;
    (void)arguments;
    (void)error;
    actri_mailbox_stats(user, &s);
    (void)snprintf(members, size,
                   "\"queued\":%llu,\"in_flight\":%llu,\"bytes\":%llu,\"stored\":%llu,\"acknowledged\":%llu,"
                   "\"redelivered\":%llu,\"refused\":%llu,\"dead\":%llu,\"duplicates\":%llu,\"commits\":%llu",
                   (unsigned long long)s.queued, (unsigned long long)s.in_flight, (unsigned long long)s.bytes,
                   (unsigned long long)s.stored, (unsigned long long)s.acknowledged, (unsigned long long)s.redelivered,
                   (unsigned long long)s.refused, (unsigned long long)s.dead, (unsigned long long)s.duplicates,
                   (unsigned long long)s.commits);
    return ACTR_OK;
}

static actr_status_t redrive(void *user, int count, const char *const *arguments, char *members, size_t size,
                             actr_error_t *error)
{
    int64_t message = 0;
    (void)count;
    actr_status_t status =
        actr_dlq_redrive(actri_mailbox_letters(user), arguments[0], actri_mailbox_store(user), &message, error);
    if (status != ACTR_OK) return status;
    actri_mailbox_look(user);
    (void)snprintf(members, size, "\"message\":%lld", (long long)message);
    return ACTR_OK;
}

static actr_status_t remove_letter(void *user, int count, const char *const *arguments, char *members, size_t size,
                                   actr_error_t *error)
{
    (void)count;
    (void)members;
    (void)size;
    return actr_dlq_remove(actri_mailbox_letters(user), arguments[0], error);
}

/* A time that is none would leave its filter out, and what is deleted then is more than was meant. */
static actr_status_t read_ms(const char *text, int64_t *out, actr_error_t *error)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out > 0) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "\"%.60s\" is no time in milliseconds above 0", text);
}

/* category=TEXT, trace=TEXT, request=TEXT, before=MS, after=MS; none: all. */
static actr_status_t read_filter(int count, const char *const *arguments, actr_dlq_filter_t *out, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    for (int i = 0; status == ACTR_OK && i < count; i++) {
        const char *value = strchr(arguments[i], '=');
        size_t name = value == NULL ? 0 : (size_t)(value++ - arguments[i]);
        if (name == 8 && strncmp(arguments[i], "category", name) == 0)
            out->category = value;
        else if (name == 5 && strncmp(arguments[i], "trace", name) == 0)
            out->trace_id = value;
        else if (name == 7 && strncmp(arguments[i], "request", name) == 0)
            out->request_id = value;
        else if (name == 6 && strncmp(arguments[i], "before", name) == 0)
            status = read_ms(value, &out->created_before_ms, error);
        else if (name == 5 && strncmp(arguments[i], "after", name) == 0)
            status = read_ms(value, &out->created_after_ms, error);
        else
            return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%.60s is no filter", arguments[i]);
    }
    return status;
}

static actr_status_t purge(void *user, int count, const char *const *arguments, char *members, size_t size,
                           actr_error_t *error)
{
    uint64_t gone = 0;
    actr_dlq_filter_t filter = ACTR_DLQ_FILTER_INIT;
    actr_status_t status = read_filter(count, arguments, &filter, error);
    if (status == ACTR_OK) status = actr_dlq_purge(actri_mailbox_letters(user), &filter, &gone, error);
    if (status == ACTR_OK) (void)snprintf(members, size, "\"count\":%llu", (unsigned long long)gone);
    return status;
}

const actri_admin_command_t actri_mailbox_commands[] = {
    {"who", 0, 0, who},
    {"mailbox.stat", 0, 0, stat_mailbox},
    {"dlq.redrive", 1, 1, redrive},
    {"dlq.remove", 1, 1, remove_letter},
    {"dlq.purge", 0, 5, purge},
    {NULL, 0, 0, NULL},
};
