/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the queue: for the sources of this folder only. */
#ifndef ACTRI_MAILBOX_INSIDE_H
#define ACTRI_MAILBOX_INSIDE_H

#include "mailbox/mailbox.h"

#include "base/map.h"
#include "mailbox/begun.h"
#include "port/thread.h"

#define ACTRI_BATCH 512  /* mails of one commit */
#define ACTRI_BURIALS 16 /* dead ones of one commit */

/* Arrays of one commit; the storage thread's. */
typedef struct actri_group_room {
    actr_message_t messages[ACTRI_BATCH];
    actr_ack_t acks[ACTRI_BATCH];
    actr_nack_t nacks[ACTRI_BATCH];
    actr_burial_t burials[ACTRI_BURIALS];
} actri_group_room_t;

struct actri_mailbox {
    const actri_env_t *env;
    actri_mailbox_options_t o;
    actr_mailbox_t *store;
    actr_dlq_t *letters;
    actri_begun_t *begun; /* of a file; NULL: what is handed out counts as begun */
    bool immediate;
    actri_group_room_t *room;
    actri_thread_t thread;
    bool running;

    actri_mutex_t mutex; /* guards everything below */
    actri_cond_t wake;
    actri_link_t arrived; /* to be stored */
    actri_link_t ended;   /* acknowledged, dead or kept: for the next commit */
    bool paused, closing, sleeping;
    bool pressed;          /* pressure was said */
    bool delivering;       /* the storage thread is inside deliver */
    bool table;            /* ready messages are in the table: what comes goes there too, and is read from there */
    bool alone;            /* a suspect is being handled: nothing beside it */
    uint64_t table_count;  /* messages that are only in the table */
    uint64_t old_left;     /* of the last run, not read back */
    uint64_t flight_bytes; /* of mails that were handed out */
    int64_t poll_ns;       /* when a delayed message may be ready; ACTRI_NEVER: none will */
    int64_t not_before_ns; /* of the next try, after a failure */
    actri_map_t routes;    /* by sequence: origins that are not in their mail */
    uint32_t route_count;  /* atomic copy of its size */
    uint8_t receiver[128];
    size_t receiver_size;
    actri_mailbox_stats_t stats;
};

static inline actri_mail_t *actri_mail_of(actri_link_t *link)
{
    return ACTRI_CONTAINER(link, actri_mail_t, task.link);
}

static inline size_t actri_mail_size(const actri_mail_t *mail)
{
    return actr_buf_size(mail->message) + mail->sender_size;
}

/* The message of a mail, borrowing from it. */
actr_message_t actri_mail_message(const actri_mailbox_t *mailbox, const actri_mail_t *mail, bool leased);
actr_ack_t actri_mail_ack(const actri_mailbox_t *mailbox, const actri_mail_t *mail);
/* The mail of a row; NULL when memory is out. */
actri_mail_t *actri_mail_from(actri_mailbox_t *mailbox, const actr_message_t *row);
/* Tells the giver, and frees it. */
void actri_mail_refuse(actri_mailbox_t *mailbox, actri_mail_t *mail, const actr_error_t *why);
void actri_mail_repeat(actri_mailbox_t *mailbox, actri_mail_t *mail, actr_buf_t *reply);
/* Hands mails on, the high ones first; the mutex is not held. */
void actri_mailbox_deliver(actri_mailbox_t *mailbox, actri_link_t *mails);
/* Under the mutex: a delivered mail comes to the accounts. */
void actri_mailbox_count_out(actri_mailbox_t *mailbox, const actri_mail_t *mail);

/* ---- routes (mailbox_routes.c), under the mutex ---- */

/* The reply of this message goes to origin; 0 takes the route away. Without memory it keeps its old one. */
void actri_route_set(actri_mailbox_t *mailbox, int64_t sequence, uint64_t origin);
/* The origin, or 0; takes it away. */
uint64_t actri_route_take(actri_mailbox_t *mailbox, int64_t sequence);
void actri_routes_clear(actri_mailbox_t *mailbox);

/* ---- graves (mailbox_graves.c): what the letter of a dead mail says ---- */

typedef struct actri_grave actri_grave_t;
/* NULL when memory is out. */
actri_grave_t *actri_grave_new(actri_mailbox_t *mailbox, const actri_mail_t *mail, const actr_error_t *cause);
actr_burial_t actri_grave_burial(const actri_grave_t *grave, const actri_mail_t *mail);

/* ---- the storage thread (mailbox_storage.c) ---- */
void actri_mailbox_run(void *mailbox);
/* Of an immediate store: all that is ready, on this thread. */
void actri_mailbox_load_all(actri_mailbox_t *mailbox);

#endif
