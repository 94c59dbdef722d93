/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The out-of-process gate: envelopes of calls and tells go out, replies find their call, everything else is a
 * request for dispatch. spec: lifecycle-and-rpc 6, 7; design 3.
 */
#ifndef ACTRI_PEER_GATE_H
#define ACTRI_PEER_GATE_H

#include "proto/envelope.h"
#include "transport/outproc.h"
#include "transport/pending.h"

#include <actr/system.h>

#define ACTRI_CHAIN_KEY "actr-chain" /* who waits for this request, holding a turn (design 4) */

typedef struct actri_peer_gate actri_peer_gate_t;

/* A call or tell on its way. Refcounted: its maker holds one reference, the gate another until on_end has returned. */
typedef struct actri_call {
    actri_pending_call_t pending;
    actri_parcel_t parcel;
    actri_peer_gate_t *gate;
    unsigned refs; /* atomic */
    bool is_tell;
    bool has_send_by;
    actr_retry_t retry;
    uint64_t number;  /* in the order of starting */
    unsigned repeats; /* times it was sent again */
    actr_buf_t *kept; /* the message, while it may have to be sent again; NULL: it will not */
    bool over;        /* under the gate's mutex: cancelled, or ended by its parcel */
    /* the outcome, before on_end */
    actr_status_t status;
    actr_buf_t *reply; /* of ACTR_OK and a call: one reference is the call's */
    actr_error_t error;
    /* Called exactly once, on the loop or in actri_peer_gate_cancel, never from inside actri_peer_gate_start. Must not
       block. */
    void (*on_end)(struct actri_call *call);
    void *user;
} actri_call_t;

typedef struct actri_gate_stats { /* all atomic */
    uint64_t calls_started, calls_repeated, calls_answered, calls_failed, calls_timed_out, late_replies, bad_messages,
        peers_connected, peers_closed;
} actri_gate_stats_t;

typedef struct actri_peer_gate_handlers { /* all [loop] */
    /* A request or a tell. message is the callee's; envelope borrows from it. */
    void (*on_request)(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message,
                       const actri_envelope_t *envelope);
    /* A stream chunk; message is the callee's. */
    void (*on_stream)(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message);
    /* One of the PEER events; session.number is 0 while there is none. */
    void (*on_peer)(void *user, const actri_session_t *session, const actr_event_t *event);
    /* As actri_outproc_handlers_t.on_credit; may be NULL. */
    bool (*on_credit)(void *user, const actri_session_t *session, actr_buf_t *message, bool tapped);
} actri_peer_gate_handlers_t;

typedef struct actri_peer_gate_options {
    const actri_coordinator_options_t *coordinator;
    actr_status_t (*relay)(void *user, const actri_relay_t *relay, actr_error_t *error); /* [any-thread] */
    void *relay_user;
    size_t max_pending;
} actri_peer_gate_options_t;

ACTR_MUST_CHECK actr_status_t actri_peer_gate_new(const actri_peer_gate_options_t *options,
                                                  const actri_peer_gate_handlers_t *handlers, void *user,
                                                  actri_peer_gate_t **out, actr_error_t *error);
/* Ends every pending call (SHUTTING_DOWN), closes all connections with notice. New calls are refused. Not from the
 * loop. */
void actri_peer_gate_close(actri_peer_gate_t *gate);
/* Closed; every call has been released. NULL is a no-op. */
void actri_peer_gate_free(actri_peer_gate_t *gate);

/* What a call or tell says. */
typedef struct actri_call_spec {
    const actr_id_t *to;
    const char *route;
    actr_bytes_t payload; /* copied */
    actr_payload_type_t lane;
    uint32_t timeout_ms; /* on the wire; a tell's is written as 0 */
    int64_t deadline_ns;
    int64_t send_by_ns; /* when it must have left, else UNAVAILABLE; 0: deadline_ns, else TIMEOUT */
    bool is_tell;
    actr_retry_t retry;
    const actr_metadata_t *metadata;
    size_t metadata_count;
    actri_span_t traceparent, tracestate, chain;
} actri_call_spec_t;

/* Starts a call or tell; *out is the maker's reference. on_end follows if and only if this returns ACTR_OK.
 * [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_peer_gate_start(actri_peer_gate_t *gate, const actri_call_spec_t *spec,
                                                    void (*on_end)(actri_call_t *call), void *user, actri_call_t **out,
                                                    actr_error_t *error);
/* Ends it with CANCELLED, on this thread, unless it is ending already. What has left stays sent; its reply is dropped
 * as a late one. [any-thread] */
void actri_peer_gate_cancel(actri_call_t *call);
void actri_call_release(actri_call_t *call);

/* Sends an encoded envelope as a reply, only on `session`. Takes the reference. What can not be sent is counted.
 * [any-thread] */
void actri_peer_gate_reply(actri_peer_gate_t *gate, const actr_id_t *to, uint64_t session, actr_buf_t *message);
/* The replies that have left, and that could not. */
void actri_peer_gate_reply_counts(const actri_peer_gate_t *gate, uint64_t *sent, uint64_t *dropped);

/* An id whose answers are known as such, for an envelope of the user's own. Returns its number, which rises.
 * [any-thread] */
uint64_t actri_peer_gate_new_id(actri_peer_gate_t *gate, char id[ACTRI_REQUEST_ID_SIZE + 1]);
bool actri_peer_gate_is_own_id(const actri_peer_gate_t *gate, actri_span_t id); /* [any-thread] */

actri_outproc_t *actri_peer_gate_outproc(actri_peer_gate_t *gate);
const actri_gate_stats_t *actri_peer_gate_stats(const actri_peer_gate_t *gate);
size_t actri_peer_gate_pending(actri_peer_gate_t *gate);

#endif
