/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of data streams: chunks join the queue of a peer's connection as long as its window has room, and, where
 * the peer grants credit, as long as the stream has some. A reliable stream is bound to one connection; the end of that
 * is told by the send that follows. design 3, 4.
 */
#ifndef ACTRI_STREAM_GATE_H
#define ACTRI_STREAM_GATE_H

#include "port/executor.h"
#include "proto/credit.h"
#include "transport/outproc.h"

#include <actr/stream.h>

typedef struct actri_stream_gate actri_stream_gate_t;

ACTR_MUST_CHECK actr_status_t actri_stream_gate_new(const actri_env_t *env, actri_loop_t *loop,
                                                    actri_outproc_t *outproc, actri_stream_gate_t **out,
                                                    actr_error_t *error);
/* Whoever waits is woken; sends are refused from now on (SHUTTING_DOWN). [any-thread] */
void actri_stream_gate_close(actri_stream_gate_t *gate);
/* Closed, nobody is inside, and the manager has given every parcel back. Waits for the end of the loop's turn. NULL is
   a no-op. [not loop] */
void actri_stream_gate_free(actri_stream_gate_t *gate);

/* Where a chunk's end is told: as a turn of `serial`. */
typedef struct actri_sent {
    actri_serial_t *serial; /* NULL: nowhere */
    actr_sent_fn fn;
    void *user;
} actri_sent_t;

typedef struct actri_stream_send {
    const actr_id_t *to;
    actr_payload_type_t lane;
    const char *stream_id;
    int64_t deadline_ns; /* for room and for a connection */
    bool wait;
    bool beyond; /* one of a few that needs no credit: the end of a streaming call */
    actri_sent_t sent;
} actri_stream_send_t;

/* Sends an encoded chunk, of which it takes a reference of its own. [any-thread] Blocks if `wait`. */
ACTR_MUST_CHECK actr_status_t actri_stream_gate_send(actri_stream_gate_t *gate, const actri_stream_send_t *send,
                                                     actr_buf_t *message, actr_error_t *error);
/* Waits until a reliable stream's chunks have all been accepted. [any-thread] Blocks. */
ACTR_MUST_CHECK actr_status_t actri_stream_gate_flush(actri_stream_gate_t *gate, const actr_id_t *to,
                                                      const char *stream_id, int64_t deadline_ns, actr_error_t *error);

/* A session has begun, or ended. [loop] */
void actri_stream_gate_up(actri_stream_gate_t *gate, const actri_session_t *session);
void actri_stream_gate_down(actri_stream_gate_t *gate, const actri_session_t *session);

/* Says to the session's peer what we grant it, or that we have forgotten. [any-thread] */
void actri_stream_gate_say(actri_stream_gate_t *gate, const actri_session_t *session, const actri_credit_t *credit);
/* A grant of the session's peer has arrived. [loop] */
void actri_stream_gate_granted(actri_stream_gate_t *gate, const actri_session_t *session, const actri_credit_t *credit);

typedef struct actri_stream_gate_counters { /* under the gate's mutex */
    uint64_t sent, unsent, full, held;
} actri_stream_gate_counters_t;
void actri_stream_gate_counts(actri_stream_gate_t *gate, actri_stream_gate_counters_t *out);

#endif
