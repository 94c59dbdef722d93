/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite file of a durable mailbox. Used by one thread at a time (the opener's, then the storage thread's). A row
 * is there from its commit to the commit of its acknowledgement; what is there at open was not acknowledged.
 */
#ifndef ACTRI_STORE_H
#define ACTRI_STORE_H

#include "mailbox/mailbox.h"

typedef struct actri_store actri_store_t;

/* Creates the file (0600) and schema when missing, takes over one of the reference, refuses a newer one
 * (MAILBOX_VERSION). */
ACTR_MUST_CHECK actr_status_t actri_store_open(const actri_env_t *env, const char *path, actr_durability_t durability,
                                               actri_store_t **out, actr_error_t *error);
/* Checkpoints. NULL is a no-op. */
void actri_store_close(actri_store_t *store);

/* One transaction around the next three; MAILBOX_IO or MAILBOX_FULL (disk full), rolled back by the store. */
ACTR_MUST_CHECK actr_status_t actri_store_begin(actri_store_t *store, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_commit(actri_store_t *store, actr_error_t *error);
void actri_store_rollback(actri_store_t *store);

/* Sets mail->sequence. */
ACTR_MUST_CHECK actr_status_t actri_store_insert(actri_store_t *store, actri_mail_t *mail, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_store_delete(actri_store_t *store, int64_t sequence, actr_error_t *error);
/* Moves the row to the dead letters. */
ACTR_MUST_CHECK actr_status_t actri_store_bury(actri_store_t *store, const actri_mail_t *mail,
                                               const actr_error_t *cause, actr_error_t *error);

/* What the last run left: rows with a sequence up to `last`, of one priority, in order, after `after`. Calls take for
   each, at most `most`; returns how many, or -1. Each row's attempt is counted. */
int actri_store_load(actri_store_t *store, bool high, int64_t after, int64_t last, int most,
                     bool (*take)(void *user, const actri_mail_t *row, const void *payload, size_t size), void *user,
                     actr_error_t *error);

typedef struct actri_store_contents {
    uint64_t rows, rows_high, bytes;
    int64_t last_sequence;
} actri_store_contents_t;
ACTR_MUST_CHECK actr_status_t actri_store_contents(actri_store_t *store, actri_store_contents_t *out,
                                                   actr_error_t *error);

#endif
