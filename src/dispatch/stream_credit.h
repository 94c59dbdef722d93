/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a taker grants its senders (proto/credit.h). A stream's sender that knows credit may have its share of the
 * queue's bound on the way; what it has taken is granted anew once half of that is used up. So its chunks never find
 * the queue full for long, and nobody's reading has to be paused. What a sender has in hand outlives a registration: it
 * can not be taken back. Whoever takes chunks without such an account (the
 * catch-all, a lane of the program's, nobody) gives their credit back one by one.
 */
#ifndef ACTRI_STREAM_CREDIT_H
#define ACTRI_STREAM_CREDIT_H

#include "dispatch/streams.h"
#include "proto/credit.h"

/* A reliable chunk of that many bytes has come; true: it was within its sender's credit. With the stream's mutex. */
bool actri_credit_arrive_locked(const actri_stream_t *stream, actri_stream_sender_t *sender, size_t size);
/* It has been delivered or dropped; grants more when it is time. With the stream's mutex. */
void actri_credit_taken_locked(actri_stream_t *stream, const actri_stream_item_t *item);
/* The registration ends: the sender has at least the first credit for the next one, and what is more is remembered.
   With both mutexes. */
void actri_credit_leave_locked(actri_stream_t *stream, actri_stream_sender_t *sender);
/* The sender begins, with what it has in hand. With the registry's mutex. */
void actri_credit_enter_locked(const actri_stream_t *stream, actri_stream_sender_t *sender);
/* The sender begins anew. With the stream's mutex. */
void actri_credit_begin(actri_stream_sender_t *sender);
/* Nothing is remembered of that stream; of any. With the registry's mutex. */
void actri_credit_forget_locked(const actri_env_t *env, actri_credit_accounts_t *accounts, actri_span_t stream_id);
void actri_credit_forget_all(const actri_env_t *env, actri_credit_accounts_t *accounts);
/* Gives back what a catch-all has taken. */
void actri_credit_give_back(actri_stream_t *stream, const actri_stream_item_t *items, unsigned count);

/* Chunks that go to no account, gathered as long as they are of one stream. [loop] */
typedef struct actri_credit_gathered {
    actri_session_t session;
    actri_credit_t credit; /* chunks 0: nothing */
    char id[ACTR_STREAM_ID_MAX];
} actri_credit_gathered_t;
void actri_credit_gather(actri_streams_t *streams, actri_credit_gathered_t *gathered, const actri_session_t *session,
                         actri_span_t stream_id, size_t size);
void actri_credit_flush(actri_streams_t *streams, actri_credit_gathered_t *gathered);

#endif
