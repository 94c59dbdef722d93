/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite file of a durable mailbox, its inside: for the sources of this folder only. One thread at a time works on
 * it (commits.c sees to that); what must be undone when a transaction fails is kept in memory beside the file and put
 * back by whoever changed it.
 */
#ifndef ACTRI_STORE_H
#define ACTRI_STORE_H

#include "mailbox/known.h"
#include "mailbox/share.h"
#include "port/thread.h"

#include <sqlite3.h>

typedef enum actri_statement {
    ACTRI_SQL_BEGIN,
    ACTRI_SQL_COMMIT,
    ACTRI_SQL_INSERT,
    ACTRI_SQL_DELETE,
    ACTRI_SQL_DELETED,
    ACTRI_SQL_READY,
    ACTRI_SQL_LEASE,
    ACTRI_SQL_WAKE,
    ACTRI_SQL_NEXT,
    ACTRI_SQL_LOOK,
    ACTRI_SQL_NACK,
    ACTRI_SQL_MESSAGE,
    ACTRI_SQL_ANSWER,
    ACTRI_SQL_REPLY,
    ACTRI_SQL_TRIM,
    ACTRI_SQL_LETTER,
    ACTRI_SQL_LETTER_GET,
    ACTRI_SQL_LETTER_DELETE,
    ACTRI_SQL_LETTER_OLDEST,
    ACTRI_SQL_STATEMENTS,
} actri_statement_t;

/* What is in the file; restored when a transaction fails. */
typedef struct actri_store_counts {
    uint64_t ready, ready_high, hidden, in_flight, bytes;
    uint64_t letters;
    int64_t next_hidden_ms; /* earliest available_ms of a hidden message, or before it; INT64_MAX: none is */
    int64_t last_sequence, last_answer;
    actri_share_t share;
} actri_store_counts_t;

typedef struct actri_store {
    actri_env_t env;
    sqlite3 *db;
    sqlite3_stmt *statements[ACTRI_SQL_STATEMENTS];
    actri_known_t known;
    actri_store_counts_t counts, counts_before;
    int64_t forgotten, trimmed; /* answers up to these numbers have left `known`, and the file */
    uint64_t max_messages, max_bytes, max_letters;
    int lock_fd;
} actri_store_t;

/* Locks, makes (0600), checks, takes over, opens. */
ACTR_MUST_CHECK actr_status_t actri_store_open(const actr_store_options_t *options, actri_store_t **out,
                                               actr_error_t *error);
/* Checkpoints. NULL is a no-op. */
void actri_store_close(actri_store_t *store);

/* Rolled back when it fails; then counts are those of before. */
ACTR_MUST_CHECK actr_status_t actri_store_begin(actri_store_t *store, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_commit(actri_store_t *store, actr_error_t *error);
void actri_store_rollback(actri_store_t *store);

/* Runs a statement that gives no rows, and resets it. what: for the error. */
ACTR_MUST_CHECK actr_status_t actri_store_run(actri_store_t *store, actri_statement_t which, const char *what,
                                              actr_error_t *error);
/* A blob that outlives the step; empty is not NULL. */
bool actri_bind_bytes(sqlite3_stmt *statement, int at, actr_bytes_t bytes);
actr_bytes_t actri_column_bytes(sqlite3_stmt *statement, int column);

/* ---- messages (store_messages.c), inside a transaction ---- */

bool actri_store_has_room(const actri_store_t *store, const actr_message_t *message, uint64_t more,
                          uint64_t more_bytes);
/* With message->id. */
ACTR_MUST_CHECK actr_status_t actri_store_insert(actri_store_t *store, const actr_message_t *message, int64_t now_ms,
                                                 actr_error_t *error);
/* Unknown ids succeed. *key (may be NULL): the message's, zero when it had none. */
ACTR_MUST_CHECK actr_status_t actri_store_delete(actri_store_t *store, int64_t id, uint8_t *key, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_nack(actri_store_t *store, const actr_nack_t *nack, int64_t now_ms,
                                               actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_extend(actri_store_t *store, int64_t id, int64_t until_ms,
                                                 actr_error_t *error);
/* Hidden messages whose time has come are ready again. */
ACTR_MUST_CHECK actr_status_t actri_store_wake(actri_store_t *store, int64_t now_ms, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_dequeue(actri_store_t *store, size_t most, int64_t until_ms,
                                                  actr_take_fn take, void *user, size_t *taken, actr_error_t *error);
/* Shows the row to take; NOT_FOUND. */
ACTR_MUST_CHECK actr_status_t actri_store_show(actri_store_t *store, int64_t id, actr_take_fn take, void *user,
                                               actr_error_t *error);
/* Remembers an acknowledged key under number. */
ACTR_MUST_CHECK actr_status_t actri_store_answer(actri_store_t *store, const actr_ack_t *ack, int64_t number,
                                                 int64_t until_ms, actr_error_t *error);
/* The reply that was kept; *out NULL when there is none. */
ACTR_MUST_CHECK actr_status_t actri_store_reply(actri_store_t *store, int64_t number, actr_buf_t **out,
                                                actr_error_t *error);
/* Forgets the answers up to number. */
ACTR_MUST_CHECK actr_status_t actri_store_trim(actri_store_t *store, int64_t number, actr_error_t *error);
/* Fills counts and known from the file. */
ACTR_MUST_CHECK actr_status_t actri_store_load(actri_store_t *store, const char *path, int64_t now_ms,
                                               actr_error_t *error);

/* ---- dead letters (store_letters.c) ---- */

ACTR_MUST_CHECK actr_status_t actri_store_letter_add(actri_store_t *store, const actr_dead_letter_t *letter, char *id,
                                                     actr_error_t *error);
/* The message becomes a letter; it is deleted. Unknown ids succeed. */
ACTR_MUST_CHECK actr_status_t actri_store_bury(actri_store_t *store, const actr_burial_t *burial, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_letter_get(actri_store_t *store, const char *id, actr_take_letter_fn take,
                                                     void *user, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_letter_remove(actri_store_t *store, const char *id, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_letters(actri_store_t *store, const actr_dlq_filter_t *filter,
                                                  actr_dlq_page_t *page, actr_take_letter_fn take, void *user,
                                                  size_t *taken, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_letters_purge(actri_store_t *store, const actr_dlq_filter_t *filter,
                                                        uint64_t *count, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_letters_stats(actri_store_t *store, actr_dlq_stats_t *stats,
                                                        actr_error_t *error);

#endif
