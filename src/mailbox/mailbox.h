/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state path's queue, as dispatch uses it: requests go in from any thread, come out to the scheduler once
 * they are stored, and end with a disposition. Behind it stands an actr_mailbox_t (SQLite, memory, the user's own) and,
 * unless that one is immediate, the storage thread that commits in groups. spec: mailbox.md; design 3, 4.
 *
 * Promise: `deliver` is called for a mail only after its commit returned; an acknowledgement rides in the next
 * commit; what was delivered and not acknowledged before a crash is delivered again after it, attempt counted if it was
 * begun. A request whose key is known is not stored again: the reply goes to where it was asked last.
 */
#ifndef ACTRI_MAILBOX_H
#define ACTRI_MAILBOX_H

#include "base/buf.h"
#include "base/list.h"
#include "port/executor.h"

#include <actr/mailbox.h>

typedef struct actri_mailbox actri_mailbox_t;

typedef enum actri_disposition {
    ACTRI_MAIL_ACK = 1,  /* handled (or refused, or answered with an error): delete */
    ACTRI_MAIL_DEAD = 2, /* can not be handled: to the dead letters, with `cause` */
    ACTRI_MAIL_KEEP = 3, /* not begun (shutdown): stays for the next start */
} actri_disposition_t;

/* One request on its way. Made by the giver, freed by the mailbox once it has ended. */
typedef struct actri_mail {
    actri_task_t
        task; /* free for the scheduler's use between deliver and done; the mailbox uses task.link before and after */
    actr_buf_t *message; /* the encoded RpcEnvelope; one reference is the mail's */
    uint8_t sender[128]; /* the ActrId's protobuf bytes */
    uint8_t sender_size;
    uint8_t key[ACTR_KEY_SIZE]; /* actr_message_key; zero: never a duplicate */
    bool high;
    bool redelivered;        /* read back from the table */
    uint16_t begun;          /* the mailbox's: where that is written; 0: nowhere */
    uint32_t attempts;       /* this one included */
    uint32_t redrives;       /* times it came back from the dead letters */
    int64_t deadline_ms;     /* wall clock; 0: none */
    int64_t sequence;        /* given by the store */
    uint64_t origin;         /* the giver's, the session on which it came; 0: none. See actri_mailbox_origin */
    uint64_t answered_on;    /* the origin that actri_mailbox_origin gave last */
    actr_buf_t *reply;       /* what was answered, kept for duplicates; NULL: nothing. One reference is the mail's */
    void *user;              /* the scheduler's */
    actri_disposition_t end; /* the mailbox's, after done */
} actri_mail_t;

typedef struct actri_mailbox_options {
    const actri_env_t *env;
    const char *path; /* NULL or ":memory:": in memory */
    actr_durability_t durability;
    uint64_t max_messages, max_bytes;                                 /* 0: 100,000 and 256 MiB */
    uint32_t max_attempts;                                            /* 0: 5; for each redrive as many more */
    uint32_t duplicate_window_ms, duplicate_entries, high_per_normal; /* as actr_store_options_t */
    actr_mailbox_t *own;                                              /* counts instead of path; not closed */
    actr_dlq_t *own_letters;
    /* A list of mails (linked by task.link) of one priority is ready to be handled; the callee takes all of them off.
       Called on the storage thread, or inside actri_mailbox_put for an immediate mailbox. Must not block. */
    void (*deliver)(void *user, actri_link_t *mails, bool high);
    /* This mail could not be stored (disk full, limit), or is dead; it is freed after this returns. */
    void (*refuse)(void *user, actri_mail_t *mail, const actr_error_t *why);
    /* This mail was answered before: reply (NULL: none was kept) goes to mail->origin. Freed after this returns. NULL:
       nobody is told. */
    void (*repeat)(void *user, actri_mail_t *mail, actr_buf_t *reply);
    /* It has filled to three quarters of a limit: said once, until it has emptied to a half. On the thread of
       actri_mailbox_put; must not block. NULL: nobody is told. */
    void (*pressure)(void *user, uint64_t messages, uint64_t bytes);
    /* This mail goes to the dead letters. On the thread that says so; must not block. NULL: nobody is told. */
    void (*dead)(void *user, const actri_mail_t *mail, const actr_error_t *cause);
    void *user;
} actri_mailbox_options_t;

typedef struct actri_mailbox_stats {
    uint64_t queued, queued_high; /* accepted or about to be, not handed out; of them in memory: High */
    uint64_t in_flight, bytes;
    uint64_t stored, acknowledged, redelivered, refused, dead, duplicates, commits;
} actri_mailbox_stats_t;

/* Does this path name a file? Else the mailbox is in memory. */
bool actri_mailbox_is_file(const char *path);
/* Opens the store (and its lock: MAILBOX_BUSY names who holds it). Nothing is delivered before start. */
ACTR_MUST_CHECK actr_status_t actri_mailbox_open(const actri_mailbox_options_t *options, actri_mailbox_t **out,
                                                 actr_error_t *error);
/* Delivers what the last run left, then what comes. */
ACTR_MUST_CHECK actr_status_t actri_mailbox_start(actri_mailbox_t *mailbox, actr_error_t *error);

/* Zeroed, from a pool; NULL when memory is out. */
actri_mail_t *actri_mail_new(actri_mailbox_t *mailbox);
void actri_mail_free(actri_mailbox_t *mailbox, actri_mail_t *mail);

/* Takes a list of mails; each ends in deliver, refuse or repeat, or is a duplicate of one that is being handled. One
 * wake-up for all of them. Leaves the list empty. [any-thread] */
void actri_mailbox_put(actri_mailbox_t *mailbox, actri_link_t *mails);
/* The delivered mail is about to be handled: should the process end now, this was an attempt. False takes it back.
 * [any-thread] */
void actri_mailbox_begin(actri_mailbox_t *mailbox, actri_mail_t *mail, bool begun);
/* Where the reply of a delivered mail goes: the session on which it was asked last; 0: nowhere. [any-thread] */
uint64_t actri_mailbox_origin(actri_mailbox_t *mailbox, actri_mail_t *mail);
/* The delivered mail has ended; frees it. cause: of DEAD, else NULL. [any-thread] */
void actri_mailbox_done(actri_mailbox_t *mailbox, actri_mail_t *mail, actri_disposition_t disposition,
                        const actr_error_t *cause);
/* From now on puts are refused (SHUTTING_DOWN) and nothing more is delivered. [any-thread] */
void actri_mailbox_pause(actri_mailbox_t *mailbox);
/* Commits what is pending, checkpoints and closes. Delivered mails must have ended. NULL is a no-op. */
void actri_mailbox_close(actri_mailbox_t *mailbox);

void actri_mailbox_stats(actri_mailbox_t *mailbox, actri_mailbox_stats_t *out); /* [any-thread] */
/* Who the dead letters were addressed to from now on: the ActrId's protobuf bytes. [any-thread] */
void actri_mailbox_set_receiver(actri_mailbox_t *mailbox, const uint8_t *id, size_t size);

/* Beneath it; letters may be NULL. For the tools: what they change themselves they must say with actri_mailbox_look.
 * [any-thread] */
actr_mailbox_t *actri_mailbox_store(actri_mailbox_t *mailbox);
actr_dlq_t *actri_mailbox_letters(actri_mailbox_t *mailbox);
/* Somebody else put messages into the store. [any-thread] */
void actri_mailbox_look(actri_mailbox_t *mailbox);

#endif
