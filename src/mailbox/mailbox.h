/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state path's queue, as dispatch uses it: requests go in from any thread, come out to the scheduler once
 * they are stored, and end with a disposition. Behind it stand a store (SQLite or memory) and, for a durable
 * one, the storage thread that commits in groups. spec: mailbox.md; design 3, 4.
 *
 * Promise: `deliver` is called for a mail only after its commit returned; an acknowledgement rides in the next
 * commit; what was delivered and not acknowledged before a crash is delivered again after it, attempt counted.
 */
#ifndef ACTRI_MAILBOX_H
#define ACTRI_MAILBOX_H

#include "base/buf.h"
#include "base/list.h"
#include "port/executor.h"

#include <actr/config.h>

typedef struct actri_mailbox actri_mailbox_t;

/* One request on its way. Made by the giver, freed by the mailbox once it has ended. */
typedef struct actri_mail {
    actri_task_t
        task; /* free for the scheduler's use between deliver and done; the mailbox uses task.link before and after */
    actr_buf_t *message; /* the encoded RpcEnvelope; one reference is the mail's */
    uint8_t sender[128]; /* the ActrId's protobuf bytes */
    uint8_t sender_size;
    bool high;
    bool redelivered;    /* was in flight at a crash, or read back from the table */
    uint32_t attempts;   /* deliveries so far, this one included */
    int64_t deadline_ms; /* wall clock; 0: none */
    int64_t sequence;    /* given by the store */
    uint64_t origin;     /* the giver's, for example the session on which it came; 0 after a restart */
    void *user;          /* the scheduler's */
} actri_mail_t;

typedef enum actri_disposition {
    ACTRI_MAIL_ACK = 1,  /* handled (or refused, or answered with an error): delete */
    ACTRI_MAIL_DEAD = 2, /* can not be decoded: to the dead letters, with `cause` */
    ACTRI_MAIL_KEEP = 3, /* not handled (shutdown): stays for the next start */
} actri_disposition_t;

typedef struct actri_mailbox_options {
    const actri_env_t *env;
    const char *path; /* NULL or ":memory:": in memory */
    actr_durability_t durability;
    uint64_t max_messages, max_bytes; /* 0: 100,000 and 256 MiB */
    /* A list of mails (linked by task.link) of one priority is ready to be handled; the callee takes all of them off.
       Called on the storage thread, or inside actri_mailbox_put for the memory store. Must not block. */
    void (*deliver)(void *user, actri_link_t *mails, bool high);
    /* This mail could not be stored (disk full, limit); it is refused and freed after this returns. */
    void (*refuse)(void *user, actri_mail_t *mail, const actr_error_t *why);
    void *user;
} actri_mailbox_options_t;

typedef struct actri_mailbox_stats {
    uint64_t queued, queued_high, in_flight, bytes;
    uint64_t stored, acknowledged, redelivered, refused, dead, commits;
} actri_mailbox_stats_t;

/* Opens the store (and its lock: MAILBOX_BUSY names who holds it). Nothing is delivered before start. */
ACTR_MUST_CHECK actr_status_t actri_mailbox_open(const actri_mailbox_options_t *options, actri_mailbox_t **out,
                                                 actr_error_t *error);
/* Delivers what the last run left, then what comes. */
ACTR_MUST_CHECK actr_status_t actri_mailbox_start(actri_mailbox_t *mailbox, actr_error_t *error);

/* Zeroed, from a pool; NULL when memory is out. */
actri_mail_t *actri_mail_new(actri_mailbox_t *mailbox);
void actri_mail_free(actri_mailbox_t *mailbox, actri_mail_t *mail);

/* Takes a list of mails; each ends in deliver or refuse. One wake-up for all of them. Leaves the list empty.
 * [any-thread] */
void actri_mailbox_put(actri_mailbox_t *mailbox, actri_link_t *mails);
/* The delivered mail has ended; frees it. cause: of DEAD, else NULL. [any-thread] */
void actri_mailbox_done(actri_mailbox_t *mailbox, actri_mail_t *mail, actri_disposition_t disposition,
                        const actr_error_t *cause);
/* From now on puts are refused (SHUTTING_DOWN) and nothing more is delivered. [any-thread] */
void actri_mailbox_pause(actri_mailbox_t *mailbox);
/* Commits what is pending, checkpoints and closes. Delivered mails must have ended. NULL is a no-op. */
void actri_mailbox_close(actri_mailbox_t *mailbox);

void actri_mailbox_stats(actri_mailbox_t *mailbox, actri_mailbox_stats_t *out); /* [any-thread] */

#endif
