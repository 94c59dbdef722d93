/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox with a ledger beside it, over any number of lives of the mailbox: what was put, what was accepted, what
 * was acknowledged, and which acknowledgement is known to have been committed. Each delivery is checked against it; the
 * first thing that must not be is kept in `wrong`.
 *
 * Known as committed is the acknowledgement of a request that ended before another one was put which was then
 * accepted: an acknowledgement rides in no later commit.
 */
#ifndef ACTR_TESTS_LEDGER_H
#define ACTR_TESTS_LEDGER_H

#include "fault/numbered.h"
#include "mailbox/mailbox.h"
#include "port/thread.h"

#define LEDGER_MOST 512

typedef struct ledger_entry {
    numbered_t request;
    bool refused, accepted, ended, gone;
    bool came; /* in this life */
    uint64_t put_step, end_step;
    uint32_t attempts;
} ledger_entry_t;

typedef struct ledger {
    actri_mailbox_t *mailbox; /* NULL: closed */
    const actri_env_t *env;
    actr_durability_t durability;
    int64_t patience_ns; /* of ledger_settle; 0: 20 s */
    actri_mutex_t mutex; /* guards what follows */
    actri_cond_t changed;
    actri_link_t held;                  /* delivered, not ended */
    uint64_t step, life_step;           /* now, and when this life began */
    uint32_t count;                     /* requests so far; their numbers are 1 .. count */
    uint32_t last[NUMBERED_SENDERS][2]; /* number that came last in this life, for each sender and priority */
    ledger_entry_t entries[LEDGER_MOST + 1];
    unsigned refusals, refused_came; /* the latter: refused when a commit failed, and yet there after a crash */
    actr_status_t last_refusal;
    char wrong[500];
} ledger_t;

/* Kept, unless something is already wrong. */
void ledger_wrong(ledger_t *ledger, const char *format, ...) ACTR_PRINTF(2, 3);

void ledger_init(ledger_t *ledger);
void ledger_destroy(ledger_t *ledger);
/* A life begins; delivers what the last one left. */
ACTR_MUST_CHECK actr_status_t ledger_open(ledger_t *ledger, const char *path, const actri_env_t *env,
                                          actr_error_t *error);
/* Puts `count` new requests as one list. */
void ledger_put(ledger_t *ledger, unsigned count, uint32_t size, bool high);
/* Until all that has to come has come, and all that was put in this life is accepted or refused, or until the disk is
 * dead; it is wrong when that takes too long. */
void ledger_settle(ledger_t *ledger);
/* The same without a verdict: false when it is not so within the time. */
bool ledger_settles(ledger_t *ledger, int64_t within_ns);
/* Acknowledges the `count` oldest of what is held. */
void ledger_end(ledger_t *ledger, unsigned count);
/* The life ends as a shutdown does: what is held is kept for the next one. Without a mailbox: nothing. */
void ledger_close(ledger_t *ledger);
/* Nothing failed while it closed: all acknowledgements were committed. */
void ledger_all_gone(ledger_t *ledger);
/* How many requests are held. */
unsigned ledger_held(ledger_t *ledger);

#endif
