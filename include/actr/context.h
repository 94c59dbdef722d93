/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context: what handlers and hooks are given, and what the Shell gets from actr_ref_ctx(). The
 * same functions serve both.
 *
 * A handler's context lives until the handler returns. The Shell's lives as long as its reference.
 * Blocking functions may be called from handlers (they hold the node's turn and inherit what is left
 * of the request's time) and from any thread of the program, but not from callbacks.
 */
#ifndef ACTR_CONTEXT_H
#define ACTR_CONTEXT_H

#include <actr/config.h>
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct actr_ctx actr_ctx_t;

typedef enum actr_dest_kind {
    ACTR_DEST_SHELL = 0, /* the program around the workload */
    ACTR_DEST_LOCAL = 1, /* the own workload */
    ACTR_DEST_ACTOR = 2, /* the actor `id`, over the network */
} actr_dest_kind_t;

typedef struct actr_dest {
    actr_dest_kind_t kind;
    actr_id_t id;
} actr_dest_t;

/* ACTR_DEST_ACTOR with this id. */
ACTR_API actr_dest_t actr_dest_actor(const actr_id_t *id);
/* The own workload. */
ACTR_API actr_dest_t actr_dest_local(void);
/* The program around the workload. */
ACTR_API actr_dest_t actr_dest_shell(void);

typedef struct actr_cancel actr_cancel_t;
typedef struct actr_reply actr_reply_t;

/* Keys that begin with "actr-" are libactr's own: not to be set, not shown to handlers. */
typedef struct actr_metadata {
    const char *key;
    const char *value;
} actr_metadata_t;

/* What becomes of a call whose connection is lost after it was sent, while its time lasts. */
typedef enum actr_retry {
    /* ACTR_RPC_RELIABLE: sent again on the next connection to a peer that knows a repeated request (libactr's nodes do,
       for some minutes), else ACTR_STATUS_DELIVERY_UNCERTAIN. ACTR_RPC_SIGNAL: never sent again. */
    ACTR_RETRY_SAFE = 0,
    ACTR_RETRY_NEVER = 1,
    ACTR_RETRY_ALWAYS = 2, /* sent again to any peer: its handler may run more than once */
} actr_retry_t;

/* What the signaling server is asked to look at first. */
typedef enum actr_ranking {
    ACTR_RANK_POWER_RESERVE = 1,
    ACTR_RANK_MAILBOX_BACKLOG = 2,
    ACTR_RANK_COMPATIBILITY = 3,
    ACTR_RANK_NEAREST = 4,
    ACTR_RANK_AFFINITY = 5,
} actr_ranking_t;

/* How well an actor has to do, as it says itself in its heartbeats. */
typedef enum actr_availability {
    ACTR_AVAILABILITY_ANY = 0,
    ACTR_AVAILABILITY_FULL = 1,
    ACTR_AVAILABILITY_DEGRADED = 2, /* or better */
    ACTR_AVAILABILITY_OVERLOADED = 3,
} actr_availability_t;

/* Which actors of a type are asked for. It is the server that obeys, or does not. Zero: no wish. */
typedef struct actr_criteria {
    size_t struct_size;
    actr_ranking_t ranking[8]; /* up to the first 0; servers sort by each in turn, so the last one weighs most */
    actr_availability_t worst_availability;
    uint32_t worst_dependency; /* 1: their dependencies are healthy, 2: or have warnings, 3: or are broken; 0: any */
} actr_criteria_t;

#define ACTR_CRITERIA_INIT                                                                                             \
    {                                                                                                                  \
        .struct_size = sizeof(actr_criteria_t)                                                                         \
    }

typedef struct actr_call_options {
    size_t struct_size;
    uint32_t timeout_ms;              /* 0: the configured default, 30 s */
    actr_payload_type_t payload_type; /* ACTR_RPC_RELIABLE or ACTR_RPC_SIGNAL */
    const actr_metadata_t *metadata;
    size_t metadata_count; /* at most 63, wherever the call goes: LIMIT_REACHED */
    actr_cancel_t *cancel; /* NULL, or what ends the call early; kept by the call */
    actr_retry_t retry;
    uint32_t max_candidates;         /* of calls by type; 0: 3 */
    const actr_criteria_t *criteria; /* of calls by type; may be NULL */
    /* W3C trace context, at most 512 bytes each. NULL: that of the request that ctx serves, if it has one. */
    const char *traceparent, *tracestate;
} actr_call_options_t;

#define ACTR_CALL_OPTIONS_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_call_options_t)                                                                     \
    }

/* A request as the handler sees it. All of it is borrowed until the handler returns. */
typedef struct actr_request {
    const char *route; /* "echo.EchoService.Echo" */
    actr_bytes_t payload;
    bool is_tell; /* nobody waits for the reply */
    const actr_metadata_t *metadata;
    size_t metadata_count;
} actr_request_t;

/*
 * The answer of an asynchronous call: exactly once, as a turn of the node, never from inside the call
 * that started it. `reply` is NULL unless status is ACTR_OK; it is the callee's: release it.
 */
typedef void (*actr_reply_fn)(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user);

/* The same of an asynchronous call by type. answered: who gave the outcome, borrowed; NULL: nobody was asked. */
typedef void (*actr_type_reply_fn)(actr_status_t status, const actr_id_t *answered, actr_buf_t *reply,
                                   const actr_error_t *error, void *user);

/* The answer of an asynchronous discovery; ids are borrowed until it returns. */
typedef void (*actr_discover_fn)(actr_status_t status, const actr_id_t *ids, size_t count, const actr_error_t *error,
                                 void *user);

/* What a context of one's own says: actr_ref_make_ctx, actr_test_ctx_new. */
typedef struct actr_ctx_spec {
    size_t struct_size;
    const actr_id_t *caller;              /* NULL: the Shell */
    const char *request_id;               /* NULL: one is made */
    const char *traceparent, *tracestate; /* NULL: none */
    uint32_t timeout_ms;                  /* what its calls may take, from now on, 0: their own limits only */
} actr_ctx_spec_t;

#define ACTR_CTX_SPEC_INIT                                                                                             \
    {                                                                                                                  \
        .struct_size = sizeof(actr_ctx_spec_t)                                                                         \
    }

/* Of a context that actr_ref_make_ctx or actr_test_ctx_new made, and its memory. NULL is a no-op, and so is any other
   context: it goes with its handler, reference or reply. [any-thread] */
ACTR_API void actr_ctx_release(actr_ctx_t *ctx);

/* The own identity. [any-thread] */
ACTR_API const actr_id_t *actr_ctx_self_id(const actr_ctx_t *ctx);
/* Who sent the request; NULL for the Shell and in hooks. [any-thread] */
ACTR_API const actr_id_t *actr_ctx_caller_id(const actr_ctx_t *ctx);
/* How sure it is who sent the request; LOCAL for the Shell and in hooks. [any-thread] */
ACTR_API actr_assurance_t actr_ctx_caller_assurance(const actr_ctx_t *ctx);
/* The request's id, "bootstrap" in on_start, "shell" for the Shell. [any-thread] */
ACTR_API const char *actr_ctx_request_id(const actr_ctx_t *ctx);

/* The request's W3C trace context; NULL: it has none. Calls made with this ctx carry it on. Only inside handlers. */
ACTR_API const char *actr_ctx_traceparent(actr_ctx_t *ctx);
ACTR_API const char *actr_ctx_tracestate(actr_ctx_t *ctx);

/*
 * Calls `route` at `dest` and waits. The payload is copied. On ACTR_OK *reply is the caller's to
 * release. Errors of the peer keep their kind (ACTR_STATUS_UNKNOWN_ROUTE, ...); nobody answered in time:
 * ACTR_STATUS_TIMEOUT; the peer went: ACTR_STATUS_UNAVAILABLE or ACTR_STATUS_DELIVERY_UNCERTAIN. A call to the own
 * workload or Shell that finds it idle runs the handler on this thread, unless it names a timeout_ms or a cancel token,
 * or is made within a request that has a time limit: such a call can be left while the handler still runs.
 * [any-thread, not-from-callback] Blocks for at most the time limit.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                     actr_bytes_t payload, const actr_call_options_t *options,
                                                     actr_buf_t **reply, actr_error_t *error);

/*
 * As actr_ctx_call, the payload by reference: to the own workload or Shell the bytes are not copied, the handler sees
 * this very buffer (actr_ctx_request_buf). The caller keeps its reference.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_buf(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                         actr_buf_t *payload, const actr_call_options_t *options,
                                                         actr_buf_t **reply, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_buf_async(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                               const char *route, actr_buf_t *payload,
                                                               const actr_call_options_t *options,
                                                               actr_reply_fn on_reply, void *user, actr_error_t *error);
/* As actr_ctx_tell, the payload by reference. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_tell_buf(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                         actr_buf_t *payload, const actr_call_options_t *options,
                                                         actr_error_t *error);

/* Starts a call; on_reply is told the end of it if, and only if, this returns ACTR_OK. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                           actr_bytes_t payload, const actr_call_options_t *options,
                                                           actr_reply_fn on_reply, void *user, actr_error_t *error);

/*
 * Sends without asking for an answer; returns when the transport has accepted the bytes, or the limit
 * has passed. At most once. A tell within the process waits while 4096 local requests are on their way, unless it is
 * made in a turn (a handler, a callback): that gets ACTR_STATUS_LIMIT_REACHED, at 65536. [any-thread,
 * not-from-callback]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_tell(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                     actr_bytes_t payload, const actr_call_options_t *options,
                                                     actr_error_t *error);

/*
 * Starts a tell; on_sent (its reply is always NULL) is told whether the transport accepted it if, and
 * only if, this returns ACTR_OK. on_sent may be NULL. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_tell_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                           actr_bytes_t payload, const actr_call_options_t *options,
                                                           actr_reply_fn on_sent, void *user, actr_error_t *error);

/*
 * Finds actors of a type and calls the first one; if it can not be reached, or refuses because it is full or shutting
 * down, the next one, so that no handler runs twice. One time limit over finding, connecting and waiting: each
 * candidate gets its share of it to be connected. *answered (may be NULL): who gave the outcome. None found:
 * ACTR_STATUS_TARGET_NOT_FOUND. [any-thread, not-from-callback] Blocks for at most the time limit.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_type(actr_ctx_t *ctx, const actr_type_t *type, const char *route,
                                                          actr_bytes_t payload, const actr_call_options_t *options,
                                                          actr_id_t *answered, actr_buf_t **reply, actr_error_t *error);

/*
 * The same without waiting: finding and each call are turns of the node. All that is passed is copied, but for what the
 * handle `options->cancel` stands for, which is kept; ctx may end meanwhile. on_reply (not NULL) is told the end of it
 * if, and only if, this returns ACTR_OK; also that the discovery could not be begun. At most 16384 at a time
 * (ACTR_STATUS_LIMIT_REACHED). [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_type_async(actr_ctx_t *ctx, const actr_type_t *type,
                                                                const char *route, actr_bytes_t payload,
                                                                const actr_call_options_t *options,
                                                                actr_type_reply_fn on_reply, void *user,
                                                                actr_error_t *error);

/* actr_ctx_call and actr_ctx_tell with the reference's arguments, options spelt out. timeout_ms: as in options. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_call_raw(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                         actr_payload_type_t payload_type, actr_bytes_t payload,
                                                         uint32_t timeout_ms, actr_buf_t **reply, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_tell_raw(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                                         actr_payload_type_t payload_type, actr_bytes_t payload,
                                                         actr_error_t *error);

/*
 * Cancellation: one token for any number of calls and tells (actr_call_options_t.cancel). Once it is asked, each of
 * them ends with ACTR_STATUS_CANCELLED at once, also those that start later. A request that has left is not called
 * back: its handler may run, its reply is dropped; one that waits in this process is not handled any more.
 * [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_cancel_new(actr_ctx_t *ctx, actr_cancel_t **cancel, actr_error_t *error);
ACTR_API void actr_cancel_all(actr_cancel_t *cancel);
ACTR_API bool actr_cancel_asked(actr_cancel_t *cancel);
ACTR_API void actr_cancel_release(actr_cancel_t *cancel);

/*
 * Timers: fn runs as a turn of the node, like a message, `delay_ms` from now at the earliest; a periodic one every
 * period_ms. A period whose turn before still waits is skipped, not piled up. *timer (which may be NULL) is the
 * caller's to release; releasing does not cancel. All end with the node. At most 16384 (ACTR_STATUS_LIMIT_REACHED).
 * A turn that notes a failure (actr_ctx_fail, actr_ctx_panic) counts as a handler that failed.
 */
typedef struct actr_timer actr_timer_t;
typedef void (*actr_timer_fn)(actr_ctx_t *ctx, void *user);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_after(actr_ctx_t *ctx, uint64_t delay_ms, actr_timer_fn fn, void *user,
                                                      actr_timer_t **timer, actr_error_t *error);
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_every(actr_ctx_t *ctx, uint64_t period_ms, actr_timer_fn fn, void *user,
                                                      actr_timer_t **timer, actr_error_t *error);

typedef struct actr_timer_spec {
    size_t struct_size;
    uint64_t delay_ms;  /* to the first turn */
    uint64_t period_ms; /* from each to the next; 0: there is but one */
    actr_timer_fn fn;
    void *user;
    /* Told once if, and only if, the timer was set: fn does not run any more, and the handle has been released. May
       release handles, must not call libactr else. May be NULL. */
    void (*free_user)(void *user);
} actr_timer_spec_t;
#define ACTR_TIMER_SPEC_INIT                                                                                           \
    {                                                                                                                  \
        .struct_size = sizeof(actr_timer_spec_t)                                                                       \
    }
/* Either of them, and more. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_set_timer(actr_ctx_t *ctx, const actr_timer_spec_t *spec,
                                                          actr_timer_t **timer, actr_error_t *error);

/* From a turn of the node: fn does not run any more. From elsewhere it may be running. NULL is a no-op. [any-thread] */
ACTR_API void actr_timer_cancel(actr_timer_t *timer);
ACTR_API void actr_timer_release(actr_timer_t *timer);

/*
 * Asks the signaling server for up to *count actors of a type, best first; sets *count. None found:
 * ACTR_STATUS_TARGET_NOT_FOUND. While the server can not be reached it waits for it to come back, within timeout_ms
 * (0: 15 s). [any-thread, not-from-callback]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_discover(actr_ctx_t *ctx, const actr_type_t *type, uint32_t timeout_ms,
                                                         actr_id_t *ids, size_t *count, actr_error_t *error);

/* The same with wishes; criteria may be NULL. [any-thread, not-from-callback] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_discover_with(actr_ctx_t *ctx, const actr_type_t *type,
                                                              const actr_criteria_t *criteria, uint32_t timeout_ms,
                                                              actr_id_t *ids, size_t *count, actr_error_t *error);

/*
 * The same without wishes, answered to on_found if, and only if, this returns ACTR_OK. At most 16384 at a time
 * (ACTR_STATUS_LIMIT_REACHED). [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_discover_async(actr_ctx_t *ctx, const actr_type_t *type,
                                                               uint32_t timeout_ms, size_t max_count,
                                                               actr_discover_fn on_found, void *user,
                                                               actr_error_t *error);

/*
 * Takes the reply out of the handler's hands: the handler returns ACTR_DEFERRED, and whoever holds *reply answers
 * later, from any thread. The request counts as unhandled until then (a durable one comes again after a crash). One
 * answer counts; a handle released without one answers with ACTR_STATUS_INTERNAL. A handler that returns anything else
 * answers by that. At most max_deferred_replies at a time (ACTR_STATUS_LIMIT_REACHED). The request's own memory ends
 * with the handler: copy what is needed. Only inside handlers.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_defer(actr_ctx_t *ctx, actr_reply_t **reply, actr_error_t *error);
/* A context that lives as long as the handle: caller, request id, what is left of the time, trace. It has no memory
 * (actr_ctx_alloc). [any-thread] */
ACTR_API actr_ctx_t *actr_reply_ctx(actr_reply_t *reply);
/* Answers. payload is copied. Already answered: ACTR_STATUS_INVALID_STATE. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_reply_send(actr_reply_t *reply, actr_bytes_t payload, actr_error_t *error);
/* The same by reference: a caller within the process gets this very buffer. The caller of this keeps its reference.
 * [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_reply_send_buf(actr_reply_t *reply, actr_buf_t *payload,
                                                           actr_error_t *error);
/* Answers with an error, a negative status; the caller gets it as if the handler had returned it. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_reply_fail(actr_reply_t *reply, actr_status_t status, const char *format,
                                                       ...) ACTR_PRINTF(3, 4);
/* NULL is a no-op. */
ACTR_API void actr_reply_release(actr_reply_t *reply);

/*
 * The request's payload as the buffer in which the caller passed it (actr_ctx_call_buf, within the process), borrowed:
 * to be kept with actr_buf_retain, or sent on. NULL: it came as bytes. Only inside handlers.
 */
ACTR_API actr_buf_t *actr_ctx_request_buf(const actr_ctx_t *ctx);
/*
 * Replies with this buffer, by reference; the handler returns ACTR_OK, and what it writes to *reply does not count. The
 * handler's reference passes to the context, whatever it returns; the last buffer given counts. Only inside handlers.
 */
ACTR_API void actr_ctx_reply_buf(actr_ctx_t *ctx, actr_buf_t *reply);

/*
 * Memory of the request: lives until its reply has been sent, needs no release. A failed allocation is
 * remembered and answered with an error, so a handler may pass NULL on. Only inside handlers and hooks.
 */
ACTR_API void *actr_ctx_alloc(actr_ctx_t *ctx, size_t size);
ACTR_API char *actr_ctx_printf(actr_ctx_t *ctx, const char *format, ...) ACTR_PRINTF(2, 3);

/* Notes why the handler fails, for the error reply; returns status. Only inside handlers and hooks. */
ACTR_API actr_status_t actr_ctx_fail(actr_ctx_t *ctx, actr_status_t status, const char *format, ...) ACTR_PRINTF(3, 4);

/* The handler found itself in an impossible state: answered as the reference answers a panic. */
ACTR_API actr_status_t actr_ctx_panic(actr_ctx_t *ctx, const char *format, ...) ACTR_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
