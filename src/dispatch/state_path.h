/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state path: a request from a peer passes the checks (the refused cost no disk), the mailbox, and the node's
 * serial executor, one at a time; its reply leaves before its acknowledgement is committed. Requests of the
 * Shell join on the executor. spec: lifecycle-and-rpc 7, 14, 15; design 3.
 */
#ifndef ACTRI_STATE_PATH_H
#define ACTRI_STATE_PATH_H

#include "base/arena.h"
#include "gate/peer_gate.h"
#include "mailbox/mailbox.h"

typedef struct actri_state_path actri_state_path_t;

/* A request as it reaches the workload; everything borrowed for the turn. */
typedef struct actri_incoming {
    const actr_id_t *caller; /* NULL: the Shell */
    const char *request_id;
    actr_request_t request;
    actri_span_t traceparent, tracestate;
    int64_t deadline_ns;  /* ACTRI_NEVER: none */
    actri_arena_t *arena; /* the reply lives in it */
} actri_incoming_t;

/* Runs the user's handler, as a turn of the node. Fills reply, or error. */
typedef actr_status_t (*actri_serve_fn)(void *user, const actri_incoming_t *in, actr_bytes_t *reply,
                                        actr_error_t *error);

typedef struct actri_state_path_options {
    const actri_env_t *env;
    const actr_config_t *config; /* the ACL and limits */
    actri_serial_t *serial;
    actri_mailbox_t *mailbox; /* its deliver and refuse are routed to this state path */
    actri_serve_fn serve;
    void *user;
} actri_state_path_options_t;

typedef struct actri_state_path_stats { /* all atomic */
    uint64_t received, handled, refused, tells, expired;
} actri_state_path_stats_t;

ACTR_MUST_CHECK actr_status_t actri_state_path_new(const actri_state_path_options_t *options, actri_state_path_t **out,
                                                   actr_error_t *error);
/* The gate that replies leave through, and the loop on which requests come: before the first request. */
void actri_state_path_connect(actri_state_path_t *path, actri_peer_gate_t *gate, actri_loop_t *loop);
/* The executor is idle, nothing comes any more. NULL is a no-op. */
void actri_state_path_free(actri_state_path_t *path);

/* A request has arrived; the message is ours. [loop] */
void actri_state_path_request(actri_state_path_t *path, const actri_session_t *session, actr_payload_type_t lane,
                              actr_buf_t *message, const actri_envelope_t *envelope);
/* The mailbox's callbacks. */
void actri_state_path_deliver(actri_state_path_t *path, actri_link_t *mails, bool high);
void actri_state_path_refuse(actri_state_path_t *path, const actri_mail_t *mail, const actr_error_t *why);

/* From now on requests are refused with SHUTTING_DOWN; queued ones still run until the deadline, then are kept
 * (durable) or refused. [any-thread] */
void actri_state_path_drain(actri_state_path_t *path, int64_t deadline_ns);
/* The route that is being handled, "" when none; for people. [any-thread] */
void actri_state_path_current(actri_state_path_t *path, char *text, size_t size);

const actri_state_path_stats_t *actri_state_path_stats(const actri_state_path_t *path);

/* A request of the Shell to the own workload: no encoding, no disk, the payload by reference. */
typedef struct actri_local_call {
    actri_task_t task;
    actri_state_path_t *path;
    unsigned refs; /* atomic: the maker's and the turn's */
    char *route;
    actr_buf_t *payload;
    actr_metadata_t *metadata;
    size_t metadata_count;
    bool is_tell;
    int64_t deadline_ns;
    /* the outcome */
    actr_status_t status;
    actr_buf_t *reply;
    actr_error_t error;
    void (*on_end)(struct actri_local_call *call); /* exactly once, in the turn */
    void *user;
} actri_local_call_t;

/* Queues it; on_end follows if and only if this returns ACTR_OK. *out is the maker's reference. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_state_path_local(actri_state_path_t *path, const char *route, actr_bytes_t payload,
                                                     const actr_call_options_t *options, bool is_tell,
                                                     int64_t deadline_ns, void (*on_end)(actri_local_call_t *),
                                                     void *user, actri_local_call_t **out, actr_error_t *error);
void actri_local_call_release(actri_local_call_t *call);

#endif
