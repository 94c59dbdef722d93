/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming methods over data streams: what the generated code stands on. A streaming call begins as a call of the
 * method's route that names two data streams, one each way; every message is a chunk, and so is the end. Programs open,
 * send and listen with the generated, typed functions; the rest is here.
 *
 * A call ends once, for both sides: with the callee's end, a failure of either, the loss of the connection, the token
 * of the call's options, or its time limit. on_end says which. A callee whose handler had not begun when the caller
 * gave up learns it from the time limit.
 */
#ifndef ACTR_METHOD_STREAM_H
#define ACTR_METHOD_STREAM_H

#include <actr/service.h>

#ifdef __cplusplus
extern "C" {
#endif

/* actr_method_t.kind: who sends any number of messages. The other side sends one. */
#define ACTR_METHOD_UNARY 0u
#define ACTR_METHOD_CLIENT_STREAM 1u
#define ACTR_METHOD_SERVER_STREAM 2u
#define ACTR_METHOD_BOTH_STREAM 3u

/* One side of a streaming call. Reference counted. */
typedef struct actr_method_stream actr_method_stream_t;

/* actr_method_t.reserved of a streaming method: they call a function of a type that only the generated code knows. */
typedef struct actr_method_adapters {
    void (*to_caller)(actr_any_fn on_message, actr_method_stream_t *stream, const void *message, void *user);
    void (*to_callee)(actr_any_fn on_message, actr_method_stream_t *stream, const void *message, void *user);
} actr_method_adapters_t;

/* What a side is told, each may be NULL. Messages, on_open and on_last come one at a time, in order, on a thread of
   streams (what actr_stream_fn may do, they may); on_end is a turn of the node, and comes behind all of them. */
typedef struct actr_method_events {
    size_t struct_size;
    void (*on_open)(actr_method_stream_t *stream, void *user); /* the caller: the callee takes messages now */
    void (*on_last)(actr_method_stream_t *stream, void *user); /* the callee: the caller sends no more messages */
    /* Exactly once: the call is over. ACTR_OK: the callee has ended it; else why. error is borrowed. */
    void (*on_end)(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user);
} actr_method_events_t;

#define ACTR_METHOD_EVENTS_INIT                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(actr_method_events_t)                                                                    \
    }

/*
 * Begins a call; on_end comes if, and only if, this returns ACTR_OK. *stream is the caller's to release. request is
 * that of ACTR_METHOD_SERVER_STREAM, else NULL. The options' time limit and cancel token hold for the whole call; it is
 * never tried again. Needs the peer's permission to send chunks to this node, as well as that to call. events may be
 * NULL. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_open(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                        const actr_method_t *method, const void *request,
                                                        const actr_call_options_t *options, actr_any_fn on_message,
                                                        const actr_method_events_t *events, void *user,
                                                        actr_method_stream_t **stream, actr_error_t *error);
/*
 * Only in the callee's handler, before its first message: who takes the caller's messages, and is told the end if, and
 * only if, this returns ACTR_OK. Without it messages are dropped. events may be NULL.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_stream_listen(actr_method_stream_t *stream, actr_any_fn on_message,
                                                                 const actr_method_events_t *events, void *user,
                                                                 actr_error_t *error);
/*
 * Sends a message, as actr_ctx_send_chunk does (a peer gets at most 65535 bytes with everything around it). The caller
 * waits until the callee has opened the call; where that can not be waited for, in a turn of the node or in a callback
 * of a stream: ACTR_STATUS_WOULD_BLOCK. The one message of an ACTR_METHOD_CLIENT_STREAM's callee ends the call. After
 * the end: what ended it; after the own last message, ACTR_STATUS_INVALID_STATE. [any-thread] Blocks for room.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_stream_send(actr_method_stream_t *stream, const void *message,
                                                               actr_error_t *error);
/* No more messages come from this side. The callee's ends the call, the caller's does not. Waits as a send.
 * [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_stream_end(actr_method_stream_t *stream, actr_error_t *error);
/* Ends the call with an error (a negative status), behind what was sent, for both sides; returns at once. Already over:
   ACTR_STATUS_INVALID_STATE. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_stream_fail(actr_method_stream_t *stream, actr_status_t status,
                                                               const char *format, ...) ACTR_PRINTF(3, 4);
/* A context that lives as long as the stream: caller, trace, what is left of the time. It has no memory
   (actr_ctx_alloc). [any-thread] */
ACTR_API actr_ctx_t *actr_method_stream_ctx(actr_method_stream_t *stream);
/* A callee's stream is valid until on_end has returned; to keep it longer, retain it. [any-thread] */
ACTR_API actr_method_stream_t *actr_method_stream_retain(actr_method_stream_t *stream);
/* Neither ends nor cancels the call. NULL is a no-op. [any-thread] */
ACTR_API void actr_method_stream_release(actr_method_stream_t *stream);

#ifdef __cplusplus
}
#endif
#endif
