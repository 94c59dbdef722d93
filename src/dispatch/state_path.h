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
#include "port/waiter.h"

typedef struct actri_state_path actri_state_path_t;
typedef struct actri_deferred actri_deferred_t;
struct actri_turn;

/* A request as it reaches the workload; everything borrowed for the turn. */
typedef struct actri_incoming {
    const actr_id_t *caller; /* NULL: the Shell */
    const char *request_id;
    actr_request_t request;
    actri_span_t traceparent, tracestate;
    actri_span_t chain;   /* of ACTRI_CHAIN_KEY; size 0: nobody waits that holds a turn */
    int64_t deadline_ns;  /* ACTRI_NEVER: none */
    actri_arena_t *arena; /* the reply lives in it */
    const char *stream;   /* of ACTRI_STREAM_KEY; NULL: no streaming call */
    struct actri_turn *turn;
    actr_buf_t *buf;    /* the payload's own buffer, or NULL: it has none of its own */
    actr_buf_t **reply; /* where a reply by reference goes, to be released */
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
    void (*on_pressure)(void *user, uint64_t messages, uint64_t bytes); /* the mailbox fills; may be NULL */
    void (*on_dead)(void *user, const actr_error_t *why); /* a request went to the dead letters; may be NULL */
    void *user;
    /* NULL: no request has a key. A key that is a number is put into *number. */
    bool (*key_of)(const actr_request_t *request, uint64_t *number, actr_bytes_t *key, void *user);
    void *key_user;
} actri_state_path_options_t;

typedef struct actri_state_path_stats { /* all atomic */
    uint64_t received, handled, refused, tells, expired, dropped, overtime, repeated, here;
    uint64_t from_peers; /* of `handled`; counted there and not here, where nanoseconds count */
    uint64_t local_failed, local_timed_out, local_refused;
} actri_state_path_stats_t;

ACTR_MUST_CHECK actr_status_t actri_state_path_new(const actri_state_path_options_t *options, actri_state_path_t **out,
                                                   actr_error_t *error);
/* The gate that replies leave through, and the loop on which requests come: before the first request. */
void actri_state_path_connect(actri_state_path_t *path, actri_peer_gate_t *gate, actri_loop_t *loop);
/* Ends what is deferred; what it owes goes as for a shutdown. */
void actri_state_path_close(actri_state_path_t *path);
/* Closed, the executor is idle, nothing comes any more. NULL is a no-op. */
void actri_state_path_free(actri_state_path_t *path);

/* The key of the request that task is, for a keyed executor; 0: it has none, or is no request. */
uint64_t actri_state_path_key(actri_state_path_t *path, actri_task_t *task);

/* A request has arrived; the message is ours. [loop] */
void actri_state_path_request(actri_state_path_t *path, const actri_session_t *session, actr_payload_type_t lane,
                              actr_buf_t *message, const actri_envelope_t *envelope);
/* The mailbox's callbacks. */
void actri_state_path_deliver(actri_state_path_t *path, actri_link_t *mails, bool high);
void actri_state_path_refuse(actri_state_path_t *path, const actri_mail_t *mail, const actr_error_t *why);
/* The request was answered before; reply NULL: nothing was kept (a tell). */
void actri_state_path_repeat(actri_state_path_t *path, const actri_mail_t *mail, actr_buf_t *reply);
void actri_state_path_dead(actri_state_path_t *path, const actri_mail_t *mail, const actr_error_t *cause);
void actri_state_path_pressure(actri_state_path_t *path, uint64_t messages, uint64_t bytes);

/* From now on requests are refused with SHUTTING_DOWN; queued ones still run until the deadline, then are kept
 * (durable) or refused. [any-thread] */
void actri_state_path_drain(actri_state_path_t *path, int64_t deadline_ns);
/* The route that is being handled, "" when none; for people. [any-thread] */
void actri_state_path_current(actri_state_path_t *path, char *text, size_t size);

const actri_state_path_stats_t *actri_state_path_stats(const actri_state_path_t *path);

/* Waits until no reply is deferred; false when the deadline passed first. [not from a turn] */
bool actri_state_path_wait_deferred(actri_state_path_t *path, int64_t deadline_ns);
uint32_t actri_state_path_deferred(actri_state_path_t *path); /* [any-thread] */
/* Answers for the handlers that have run for limit_ns or more, each once; how many were found now. [any-thread] */
unsigned actri_state_path_overtime(actri_state_path_t *path, int64_t now_ns, int64_t limit_ns);

/* Takes the reply of the request whose handler runs; at most `limit` at a time. [in the turn] */
ACTR_MUST_CHECK actr_status_t actri_turn_defer(struct actri_turn *turn, uint32_t limit, actri_deferred_t **out,
                                               actr_error_t *error);
/* Answers: payload, or a negative status and its message. INVALID_STATE when it was answered; SHUTTING_DOWN when the
 * node is gone. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_deferred_answer(actri_deferred_t *deferred, actr_status_t status,
                                                    actr_bytes_t payload, const char *message, actr_error_t *error);
/* The same with a buffer: by reference within the process. The caller keeps its reference. */
ACTR_MUST_CHECK actr_status_t actri_deferred_answer_buf(actri_deferred_t *deferred, actr_buf_t *reply,
                                                        actr_error_t *error);
/* Unanswered: answers with an error. [any-thread] */
void actri_deferred_release(actri_deferred_t *deferred);

#define ACTRI_LOCAL_CALL_ROOM 240 /* route and payload of a small request */

/* A request within the process: no encoding, no disk. Refcounted, a block of a pool. */
typedef struct actri_local_call {
    actri_task_t task;
    actri_state_path_t *path;
    unsigned refs; /* atomic: the maker's and the turn's */
    bool is_tell;
    bool over;            /* atomic: whoever sets it gives the outcome */
    actri_waiter_t ended; /* for a maker that blocks */
    const char *route;
    actr_bytes_t payload;
    actr_buf_t *buf;                               /* holds the payload, or NULL */
    void (*on_end)(struct actri_local_call *call); /* exactly once, in the turn or in a cancellation; may be NULL */
    void *user;
    int64_t deadline_ns;
    const actr_id_t *caller;
    /* the outcome, before on_end */
    actr_status_t status;
    bool has_extras;
    actr_buf_t *reply;
    actr_error_t *error; /* see actri_local_call_error */
    _Alignas(16) char room[ACTRI_LOCAL_CALL_ROOM];
    /* what most calls have not; valid if has_extras */
    const actr_metadata_t *metadata;
    size_t metadata_count;
    actri_span_t chain, traceparent, tracestate;
    void *more; /* what did not fit into room */
} actri_local_call_t;

typedef struct actri_local_spec {
    const char *route;
    actr_bytes_t payload;               /* copied, unless */
    actr_buf_t *buf;                    /* it is the whole of this buffer, which is retained */
    const actr_call_options_t *options; /* metadata (copied) and payload type; may be NULL */
    bool is_tell;
    bool modest;           /* the maker may wait: LIMIT_REACHED sooner */
    int64_t wait_until_ns; /* for room, of a modest maker; 0: not at all */
    bool here;             /* the maker blocks until the end: may be run on its thread, borrowing everything above */
    int64_t deadline_ns;
    const actr_id_t *caller; /* NULL: the Shell; else it outlives the call */
    actri_span_t chain, traceparent, tracestate;
    void (*on_end)(actri_local_call_t *call);
    void *user;
} actri_local_spec_t;

/* Queues it, or runs it; on_end follows if and only if this returns ACTR_OK. *out is the maker's reference; out may be
 * NULL. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_state_path_local(actri_state_path_t *path, const actri_local_spec_t *spec,
                                                     actri_local_call_t **out, actr_error_t *error);
/* Ends it with CANCELLED, on this thread, unless it has ended. [any-thread] */
void actri_local_call_cancel(actri_local_call_t *call);
/* The same with TIMEOUT. */
void actri_local_call_expire(actri_local_call_t *call);
/* Of an ended call; never NULL. */
const actr_error_t *actri_local_call_error(const actri_local_call_t *call);
void actri_local_call_release(actri_local_call_t *call);

#endif
