/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifecycle: system -> attach(workload) -> node -> start -> ref.
 *
 * Handles are reference-counted and may be released in any order; releasing NULL is a no-op. libactr is
 * not fork-safe: a child of fork() may only exec. It installs no signal handler except inside
 * actr_ref_wait_for_ctrl_c_and_shutdown(), which restores the former ones; it never raises SIGPIPE.
 */
#ifndef ACTR_SYSTEM_H
#define ACTR_SYSTEM_H

#include <actr/config.h>
#include <actr/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct actr_system actr_system_t;
typedef struct actr_node actr_node_t;
typedef struct actr_ref actr_ref_t;

/*
 * Handles one request. Set *reply to bytes that live until the reply is sent (actr_ctx_alloc) and return
 * ACTR_OK; or return a negative status, which the caller gets as an error reply, whoever it is; one that means
 * nothing to a caller (docs/errors.md) is ACTR_STATUS_HANDLER_ERROR to it. An unknown route:
 * ACTR_STATUS_UNKNOWN_ROUTE. To answer later: actr_ctx_defer, and return ACTR_DEFERRED. One message at a time. The
 * reply of a tell is ignored.
 */
typedef actr_status_t (*actr_dispatch_fn)(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,
                                          void *user);

/*
 * What happened to the node; see actr_workload_t.on_event. A peer's events come in this order: CONNECTING, then
 * CONNECTED (RECOVERING, CONNECTED, ...) and CLOSED, or CLOSED alone when no connection came to be. Signaling's:
 * CONNECTING for each attempt, CONNECTED once registered, DISCONNECTED when that connection is lost.
 */
typedef enum actr_event_kind {
    ACTR_EVENT_SIGNALING_CONNECTED = 1,
    ACTR_EVENT_SIGNALING_DISCONNECTED = 2,
    ACTR_EVENT_PEER_CONNECTED = 3,
    ACTR_EVENT_PEER_RECOVERING = 4,
    ACTR_EVENT_PEER_CLOSED = 5,
    ACTR_EVENT_HANDLER_OVERTIME = 6, /* told once the handler has returned: an event is a turn as well */
    ACTR_EVENT_WORKLOAD_RESTARTED = 7,
    ACTR_EVENT_WORKLOAD_GIVEN_UP = 8, /* the node shuts down */
    ACTR_EVENT_SIGNALING_CONNECTING = 9,
    ACTR_EVENT_PEER_CONNECTING = 10,
    ACTR_EVENT_CREDENTIAL_EXPIRING = 11, /* a new one is asked for */
    ACTR_EVENT_CREDENTIAL_RENEWED = 12,
    ACTR_EVENT_MAILBOX_BACKPRESSURE = 13, /* three quarters full; once, until it is half empty */
    /* A handler failed, as actr_supervision_t counts it; or a stored request has become a dead letter (DECODE: it could
       not be read; LIMIT_REACHED: too many attempts), which that does not count. status says how. */
    ACTR_EVENT_ERROR = 14,
} actr_event_kind_t;

/* "peer connected". Static; never NULL. [any-thread] */
ACTR_API const char *actr_event_name(actr_event_kind_t kind);

typedef struct actr_event {
    actr_event_kind_t kind;
    const actr_id_t *peer; /* the PEER events, else NULL */
    const char *detail;    /* for people: role, candidate pair, cipher, cause; never NULL */
    bool relayed;          /* PEER_CONNECTED: through a TURN server */
    actr_status_t status;  /* ERROR, DISCONNECTED, CLOSED: why; else ACTR_OK */
} actr_event_t;

/* What repeated failures of handlers lead to. */
typedef enum actr_failure_action {
    ACTR_ON_FAILURE_NOTHING = 0,
    ACTR_ON_FAILURE_RESTART = 1,  /* on_stop, on_start, on_ready, before the next message */
    ACTR_ON_FAILURE_STOP = 2,     /* an orderly shutdown */
    ACTR_ON_FAILURE_ESCALATE = 3, /* a shutdown whose outcome is ACTR_STATUS_HANDLER_PANIC, for whoever waits for it */
} actr_failure_action_t;

/*
 * A handler fails when it panics (actr_ctx_panic), returns ACTR_STATUS_INTERNAL or ACTR_STATUS_NO_MEMORY, or runs for
 * longer than handler_limit_ms; any other error is an answer. Timers, streams and media of the workload fail when their
 * callback notes one of these. `failures` of them within within_ms call for the action.
 * More than `restarts` restarts within restarts_within_ms, or an on_start that fails, escalate. 0: the default in
 * brackets; at most 63 can be counted.
 */
typedef struct actr_supervision {
    actr_failure_action_t action;
    uint32_t failures;           /* [1] */
    uint32_t within_ms;          /* [5000] */
    uint32_t restarts;           /* [3] */
    uint32_t restarts_within_ms; /* [60000] */
    uint32_t reserved[3];
} actr_supervision_t;

/*
 * Which messages may be handled at the same time. True: *key names what the message is about (a user, a document); it
 * points into the request, or at what lives as long. Messages of one key are handled one at a time, in order; those of
 * different keys in parallel, at most `workers` of them. False: it has none, and is handled alone: what came before it
 * has ended, what comes after it waits. Hooks, events, timers and the answers of asynchronous calls have none. Once a
 * message, in order of arrival, on a thread of the library, beside handlers that run: must not block, call libactr, or
 * touch what handlers change. docs/scheduling.md
 */
typedef bool (*actr_key_fn)(const actr_request_t *request, actr_bytes_t *key, void *user);

struct actr_service;

/* The user's business object. attach copies this description; what `user` points to must outlive the node. */
typedef struct actr_workload {
    size_t struct_size;
    actr_dispatch_fn dispatch;
    actr_status_t (*on_start)(actr_ctx_t *ctx,
                              void *user);         /* inside start, after registration; an error undoes start */
    void (*on_ready)(actr_ctx_t *ctx, void *user); /* requests are being handled from now on */
    void (*on_stop)(actr_ctx_t *ctx, void *user);  /* during shutdown, after the last handler; nothing follows it */
    /* In order, one at a time, as turns of the node. At most 4096 wait; more are dropped and counted. */
    void (*on_event)(const actr_event_t *event, void *user);
    void *user;
    actr_supervision_t supervision;
    actr_key_fn key_of; /* NULL: one message at a time. Only with ACTR_AFFINITY_POOL */
    uint32_t workers;   /* messages with keys at a time, at most 32 [4] */
    uint32_t reserved;
    /* The typed services behind dispatch, where the key fields of [methods] are looked up. Generated workloads have
       theirs; the list outlives the node. */
    const struct actr_service *const *services;
    size_t service_count;
    /* Told once if, and only if, it was attached: nothing of the workload is called any more, `user` may go. With the
       last handle on the node. May release handles, must not call libactr else. May be NULL. */
    void (*free_user)(void *user);
} actr_workload_t;

#define ACTR_WORKLOAD_INIT                                                                                             \
    {                                                                                                                  \
        .struct_size = sizeof(actr_workload_t)                                                                         \
    }

/*
 * Reads an Actr.toml and builds everything that needs neither network nor identity (opens the mailbox).
 * Errors name file, line and key. The caller releases *system. [any-thread] Blocks on the disk.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_system_open(const char *config_path, actr_system_t **system,
                                                        actr_error_t *error);
/* The same, with hooks (log, allocator) taken from `hooks`, everything else from the file. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_system_open_with(const char *config_path, const actr_config_t *hooks,
                                                             actr_system_t **system, actr_error_t *error);
/* The same from a configuration built in memory. `config` is copied. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_system_new(const actr_config_t *config, actr_system_t **system,
                                                       actr_error_t *error);
ACTR_API void actr_system_release(actr_system_t *system);
/* The fingerprint of the system's certificate, "AB:CD:..", for others' actr_trust_t. Lives with system. [any-thread] */
ACTR_API const char *actr_system_fingerprint(const actr_system_t *system);

/*
 * For a program with a loop of its own (ACTR_AFFINITY_LOOP): turns run only inside dispatch. The descriptor is readable
 * while there are any; poll it, do not read it. -1: the system has threads. [any-thread]
 */
ACTR_API int actr_system_fd(const actr_system_t *system);
/*
 * Runs at most max_turns turns (0: 1024), for max_ms milliseconds (0: no limit; a turn that runs is not cut short);
 * returns how many ran, or a negative actr_status_t: ACTR_STATUS_INVALID_STATE when the system has threads. The thread
 * that called it last (or actr_node_start) is the loop's thread: there a blocking call to the own workload or Shell is
 * refused with ACTR_STATUS_WOULD_DEADLOCK; one to a peer holds the loop until its answer is there; actr_node_start,
 * actr_ref_release and the waits for a shutdown run turns while they wait, and belong there. One thread at a time.
 * [loop's thread, not-from-callback: then 0]
 */
ACTR_API int actr_system_dispatch(actr_system_t *system, uint32_t max_turns, uint32_t max_ms);

/* Attaches the workload; one per system. The caller releases *node. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_system_attach(actr_system_t *system, const actr_workload_t *workload,
                                                          actr_node_t **node, actr_error_t *error);

/*
 * The handler of calls to ACTR_DEST_SHELL: the program around the workload answers its workload. It runs one message at
 * a time, on a thread of the library, beside the workload's own handlers; caller is the workload. Only before start;
 * NULL: such calls fail with ACTR_STATUS_NOT_SUPPORTED. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_node_serve_shell(actr_node_t *node, actr_dispatch_fn dispatch, void *user,
                                                             actr_error_t *error);

/*
 * Connects, registers, runs on_start, and begins to handle requests. A failed start undoes itself and may be
 * tried again. [any-thread, not-from-callback] Blocks for at most connect_timeout_ms of the configuration, and what
 * on_start takes.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_node_start(actr_node_t *node, actr_ref_t **ref, actr_error_t *error);
ACTR_API void actr_node_release(actr_node_t *node);

/* One more handle on the running node; returns ref. [any-thread] */
ACTR_API actr_ref_t *actr_ref_retain(actr_ref_t *ref);
/*
 * The last release shuts the node down, and waits for that, bounded; but in a turn or callback of the node, or in a
 * free_user, the shutdown goes on without it. [any-thread]
 */
ACTR_API void actr_ref_release(actr_ref_t *ref);
ACTR_API const actr_id_t *actr_ref_actor_id(const actr_ref_t *ref);
/* The Shell's context, valid as long as ref. */
ACTR_API actr_ctx_t *actr_ref_ctx(actr_ref_t *ref);

/*
 * Makes a context of the workload's side for a given caller and request id: what a handler gets, for work that belongs
 * to a request but is done elsewhere or later. It has memory (actr_ctx_alloc), for one thread at a time; the caller
 * releases it (actr_ctx_release). It does not keep the node running. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_make_ctx(actr_ref_t *ref, const actr_ctx_spec_t *spec, actr_ctx_t **ctx,
                                                         actr_error_t *error);

/* Calls the own workload; nothing is serialized or stored. As actr_ctx_call. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_call(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                                                     const actr_call_options_t *options, actr_buf_t **reply,
                                                     actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_call_async(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                                                           const actr_call_options_t *options, actr_reply_fn on_reply,
                                                           void *user, actr_error_t *error);
/* Tells the own workload; returns when the message is in its queue. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_tell(actr_ref_t *ref, const char *route, actr_bytes_t payload,
                                                     const actr_call_options_t *options, actr_error_t *error);
/* As actr_ctx_discover. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_discover(actr_ref_t *ref, const actr_type_t *type, uint32_t timeout_ms,
                                                         actr_id_t *ids, size_t *count, actr_error_t *error);

/* Begins the shutdown and returns at once; a second call is harmless. [any-thread] */
ACTR_API void actr_ref_shutdown(actr_ref_t *ref);
ACTR_API bool actr_ref_is_shutting_down(const actr_ref_t *ref);
/* Waits until a shutdown has been asked for and is done; ACTR_STATUS_TIMEOUT names what still runs. timeout_ms < 0: for
   ever until shutdown is asked for, then at most the bounds of the shutdown itself. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_wait_for_shutdown(actr_ref_t *ref, int64_t timeout_ms,
                                                                  actr_error_t *error);
/* Waits for SIGINT or SIGTERM (or a shutdown from elsewhere), then shuts down and waits for the end. One caller at a
 * time. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_wait_for_ctrl_c_and_shutdown(actr_ref_t *ref, actr_error_t *error);

/* Counters of a node, all since start. */
typedef struct actr_node_stats {
    size_t struct_size;
    uint64_t requests_received, requests_handled, requests_refused, tells_received;
    uint64_t replies_sent, replies_dropped;
    uint64_t calls_started, calls_answered, calls_failed, calls_timed_out;
    uint64_t late_replies, bad_messages;
    uint64_t peers_connected, peers_closed;
    uint32_t peers, pending_calls;
    uint64_t mailbox_queued, mailbox_in_flight, mailbox_stored, mailbox_redelivered;
    uint32_t deferred_replies; /* handles that have not answered, now */
    uint32_t reserved;
    uint64_t dropped_replies;   /* handles that went without an answer */
    uint64_t handlers_overtime; /* ran for longer than handler_limit_ms */
    uint64_t workload_restarts;
    uint32_t timers; /* set, now */
    uint32_t reserved2;
    uint64_t timer_turns_skipped; /* periods that found the turn before still waiting */
    uint64_t events_dropped;      /* that on_event should have been told */
    uint64_t calls_repeated;      /* sent again on a new connection; actr_retry_t */
    uint64_t executor_wakeups;    /* a thread was asked to run turns: at most once until the node is idle again */
    uint64_t requests_expired;    /* their time was up before their turn came: answered, not executed */
    uint64_t requests_repeated;   /* duplicates that got the reply that was kept */
    uint64_t mailbox_duplicates;  /* requests that were known, answered or being handled */
    uint64_t mailbox_refused;     /* limit, disk, shutdown */
    uint64_t mailbox_dead;        /* went to the dead letters */
    uint64_t mailbox_commits;
    uint64_t turns_here; /* blocking local calls that found the node idle and ran on their caller's thread */
    /* the gate within the process, to workload and Shell together */
    uint64_t local_served;    /* messages that a handler got */
    uint64_t local_failed;    /* that ended with an error, of whatever kind; not counting the next two */
    uint64_t local_timed_out; /* whose time was up before their turn came */
    uint64_t local_refused;   /* no room: ACTR_STATUS_LIMIT_REACHED */
} actr_node_stats_t;

/* Fills *stats (set struct_size first). [any-thread] */
ACTR_API void actr_ref_stats(actr_ref_t *ref, actr_node_stats_t *stats);

#ifdef __cplusplus
}
#endif
#endif
