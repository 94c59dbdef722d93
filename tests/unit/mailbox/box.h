/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox under test, with what it has said; a folder for its file. */
#ifndef ACTR_TESTS_BOX_H
#define ACTR_TESTS_BOX_H

#include "check.h"
#include "conformance/small_mailbox.h"
#include "vectors.h"

#include "mailbox/mailbox.h"
#include "port/clock.h"
#include "port/thread.h"
#include "proto/envelope.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_NS (20 * ACTRI_SECOND)

typedef struct box {
    actri_mailbox_t *mailbox;
    actri_mutex_t mutex;
    actri_cond_t changed;
    actri_link_t delivered; /* not ended */
    actri_mailbox_options_t options;
    unsigned deliveries, refusals, calls, repeats;
    char last_reply[40];
    uint64_t last_origin;
    actr_status_t last_refusal;
    bool hold; /* keep what is delivered; else acknowledged at once */
    char seen[256][24];
    unsigned attempts[256];
} box_t;

static char folder[] = "/tmp/actr-mailbox.XXXXXX";
static char path[200];

static inline void deliver(void *user, actri_link_t *mails, bool high)
{
    box_t *box = user;
    actri_link_t now, *link;
    (void)high;
    actri_list_init(&now);
    actri_lock(&box->mutex);
    box->calls++;
    while ((link = actri_list_take(mails)) != NULL) {
        actri_mail_t *mail = ACTRI_CONTAINER(link, actri_mail_t, task.link);
        unsigned at = box->deliveries++ % 256;
        (void)snprintf(box->seen[at], 24, "%.*s", (int)actr_buf_size(mail->message),
                       (const char *)actr_buf_data(mail->message));
        box->attempts[at] = mail->attempts;
        actri_list_append(box->hold ? &box->delivered : &now, link);
    }
    actri_cond_broadcast(&box->changed);
    actri_unlock(&box->mutex);
    while ((link = actri_list_take(&now)) != NULL) {
        actri_mailbox_done(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), ACTRI_MAIL_ACK, NULL);
    }
}

static inline void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    box_t *box = user;
    (void)mail;
    actri_lock(&box->mutex);
    box->refusals++;
    box->last_refusal = why->status;
    actri_cond_broadcast(&box->changed);
    actri_unlock(&box->mutex);
}

static inline void repeat(void *user, actri_mail_t *mail, actr_buf_t *reply)
{
    box_t *box = user;
    actri_lock(&box->mutex);
    box->repeats++;
    box->last_origin = mail->origin;
    (void)snprintf(box->last_reply, sizeof box->last_reply, "%.*s", reply == NULL ? 0 : (int)actr_buf_size(reply),
                   reply == NULL ? "" : (const char *)actr_buf_data(reply));
    actri_cond_broadcast(&box->changed);
    actri_unlock(&box->mutex);
}

static inline void init_box(box_t *box)
{
    memset(box, 0, sizeof *box);
    actri_mutex_init(&box->mutex);
    actri_cond_init(&box->changed);
    actri_list_init(&box->delivered);
    box->options = (actri_mailbox_options_t){.deliver = deliver, .refuse = refuse, .repeat = repeat, .user = box};
}

static inline actr_status_t open_box(box_t *box, const char *file, uint64_t most, actr_error_t *error)
{
    init_box(box);
    box->options.path = file;
    box->options.max_messages = most;
    return actri_mailbox_open(&box->options, &box->mailbox, error);
}

static inline void start_box(box_t *box, const char *file, uint64_t most)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(open_box(box, file, most, &error), &error);
    assert_ok(actri_mailbox_start(box->mailbox, &error), &error);
}

/* What the file has is delivered at once, so this has to be said before. */
static inline void start_holding(box_t *box, const char *file, uint64_t most)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(open_box(box, file, most, &error), &error);
    box->hold = true;
    assert_ok(actri_mailbox_start(box->mailbox, &error), &error);
}

static inline actri_mail_t *new_mail(box_t *box, const char *text, bool high)
{
    actri_mail_t *mail = actri_mail_new(box->mailbox);
    assert_non_null(mail);
    mail->message = actri_buf_copy(NULL, text, strlen(text));
    mail->high = high;
    mail->sender_size = 1;
    return mail;
}

static inline void put_mail(box_t *box, actri_mail_t *mail)
{
    actri_link_t list;
    actri_list_init(&list);
    actri_list_append(&list, &mail->task.link);
    actri_mailbox_put(box->mailbox, &list);
}

static inline void put(box_t *box, const char *text, bool high)
{
    put_mail(box, new_mail(box, text, high));
}

static inline void wait_for(box_t *box, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + LIMIT_NS;
    actri_lock(&box->mutex);
    while (*counter < least) {
        if (!actri_cond_wait(&box->changed, &box->mutex, deadline)) fail_msg("waited for %u, have %u", least, *counter);
    }
    actri_unlock(&box->mutex);
}

/* Until a number of the statistics is there; nothing wakes anybody for them. */
static inline void wait_for_stats(box_t *box, bool (*there)(const actri_mailbox_stats_t *stats, uint64_t wanted),
                                  uint64_t wanted)
{
    actri_mailbox_stats_t stats;
    int64_t deadline = actri_now_ns() + LIMIT_NS;
    do {
        actri_lock(&box->mutex);
        (void)actri_cond_wait(&box->changed, &box->mutex, actri_now_ns() + ACTRI_MS);
        actri_unlock(&box->mutex);
        actri_mailbox_stats(box->mailbox, &stats);
        if (actri_now_ns() > deadline) fail_msg("waited for %llu", (unsigned long long)wanted);
    } while (!there(&stats, wanted));
}

static inline bool has_duplicates(const actri_mailbox_stats_t *stats, uint64_t wanted)
{
    return stats->duplicates >= wanted;
}

static inline bool has_stored(const actri_mailbox_stats_t *stats, uint64_t wanted)
{
    return stats->stored >= wanted;
}

static inline bool is_empty(const actri_mailbox_stats_t *stats, uint64_t wanted)
{
    return stats->queued + stats->in_flight == wanted;
}

static inline void wait_for_duplicates(box_t *box, uint64_t wanted)
{
    wait_for_stats(box, has_duplicates, wanted);
}

static inline void wait_for_stored(box_t *box, uint64_t wanted)
{
    wait_for_stats(box, has_stored, wanted);
}

static inline void wait_for_empty(box_t *box)
{
    wait_for_stats(box, is_empty, 0);
}

/* Ends what is held. keep: as at a shutdown. */
static inline void end_held(box_t *box, actri_disposition_t how, const actr_error_t *cause)
{
    actri_link_t *link;
    for (;;) {
        actri_lock(&box->mutex);
        link = actri_list_take(&box->delivered);
        actri_unlock(&box->mutex);
        if (link == NULL) return;
        actri_mailbox_done(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), how, cause);
    }
}

/* The first of those that are held is begun, as in a handler that runs. */
static inline void begin_first(box_t *box)
{
    actri_lock(&box->mutex);
    actri_link_t *link = box->delivered.next;
    actri_unlock(&box->mutex);
    assert_ptr_not_equal(link, &box->delivered);
    actri_mailbox_begin(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), true);
}

static inline void end_first(box_t *box)
{
    actri_lock(&box->mutex);
    actri_link_t *link = actri_list_take(&box->delivered);
    actri_unlock(&box->mutex);
    assert_non_null(link);
    actri_mailbox_done(box->mailbox, ACTRI_CONTAINER(link, actri_mail_t, task.link), ACTRI_MAIL_ACK, NULL);
}

static inline void close_box(box_t *box)
{
    actri_mailbox_pause(box->mailbox);
    end_held(box, ACTRI_MAIL_KEEP, NULL);
    actri_mailbox_close(box->mailbox);
    actri_cond_destroy(&box->changed);
    actri_mutex_destroy(&box->mutex);
}

static inline long long number(const char *query)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    long long result = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return result;
}

static inline void copy_vector(const char *name, const char *suffix)
{
    char from[600], to[260], command[900];
    (void)snprintf(from, sizeof from, "%s/mailbox/%s", ACTR_VECTORS, name);
    (void)snprintf(to, sizeof to, "%s%s", path, suffix);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

static inline void copy_file(const char *from_suffix, const char *to_suffix)
{
    char command[900];
    (void)snprintf(command, sizeof command, "cp '%s%s' '%s%s' 2>/dev/null || rm -f '%s%s'", path, from_suffix, path,
                   to_suffix, path, to_suffix);
    assert_int_equal(system(command), 0);
}

/* What the files held at this moment is what the next open_box finds. */
static inline void crash_box(box_t *box)
{
    copy_file("", ".then");
    copy_file("-wal", ".then-wal");
    copy_file(".begun", ".then-begun");
    close_box(box);
    copy_file(".then", "");
    copy_file(".then-wal", "-wal");
    copy_file(".then-begun", ".begun");
    copy_file("-none", "-shm");
}

static inline int fresh_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/actr-mailbox.XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/mailbox.db", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    static const char *const suffixes[] = {"",         "-wal",  "-shm",      ".lock",       ".dlq",  ".dlq-wal",
                                           ".dlq-shm", ".then", ".then-wal", ".then-begun", ".begun"};
    (void)state;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[240];
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

#endif
