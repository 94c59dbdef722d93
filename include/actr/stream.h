/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data streams: chunks of bytes that go around the queue of requests. A chunk is delivered to the callback that is
 * registered for its stream id: in order for each stream and sender, never stored. Streams have threads of their own
 * (actr_config_t.stream_threads, begun with the first registration), so no handler holds them up; with
 * ACTR_AFFINITY_THREAD or ACTR_AFFINITY_LOOP their callbacks run where all others of the node do.
 *
 * Nothing is answered, and nothing is said when a sender has no more to send: say it in a chunk. When a sender's
 * connection ends, the callback is told (ACTR_CHUNK_END).
 */
#ifndef ACTR_STREAM_H
#define ACTR_STREAM_H

#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTR_STREAM_ID_MAX 255 /* bytes of a stream's id, without the final zero */

typedef enum actr_chunk_kind {
    ACTR_CHUNK_DATA = 0,
    /* The last that comes from this sender: its connection has ended, or it was cut off (status). Only to the callback;
       payload is empty. A sender that connects again is a new one. */
    ACTR_CHUNK_END = 1,
} actr_chunk_kind_t;

/* One chunk, to be sent or as the callback sees it. In the callback all of it is borrowed until it returns. */
typedef struct actr_chunk {
    size_t struct_size;
    const char *stream_id;           /* 1 to ACTR_STREAM_ID_MAX bytes; not "actr-credit" */
    uint64_t sequence;               /* the sender's count; libactr does not look at it */
    actr_bytes_t payload;            /* with everything else at most 65535 bytes for a peer */
    actr_buf_t *buffer;              /* to send: instead of payload, if not NULL; received: what payload lies in */
    const actr_metadata_t *metadata; /* at most 63 */
    size_t metadata_count;
    bool has_timestamp;
    int64_t timestamp_ms;             /* the sender's clock */
    actr_payload_type_t payload_type; /* ACTR_STREAM_RELIABLE or ACTR_STREAM_LATENCY_FIRST */
    /* the rest: only to the callback */
    actr_chunk_kind_t kind;
    const actr_id_t *sender; /* NULL: the program around the workload */
    actr_status_t status;    /* of ACTR_CHUNK_END: why */
} actr_chunk_t;

#define ACTR_CHUNK_INIT                                                                                                \
    {                                                                                                                  \
        .struct_size = sizeof(actr_chunk_t), .payload_type = ACTR_STREAM_RELIABLE                                      \
    }

/*
 * Takes a chunk; one at a time for a stream, on a thread for streams (see above). To keep the payload without copying
 * it, retain chunk->buffer. ctx lives until it returns. It may block for a short time (a send that waits for room is
 * what slows a fast sender down), but all streams of a system share few threads. It must not call actr_ctx_call on its
 * own node's handlers if those wait for streams. A callback that notes a failure (actr_ctx_fail, actr_ctx_panic) is
 * told as ACTR_EVENT_ERROR; supervision counts the workload's, as it counts handlers'.
 */
typedef void (*actr_stream_fn)(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user);

typedef enum actr_stream_overflow {
    ACTR_STREAM_DROP_OLDEST = 0,
    ACTR_STREAM_DROP_NEWEST = 1,
} actr_stream_overflow_t;

/*
 * The queue of a stream. It slows reliable senders down: one in this process waits while it is full (see
 * actr_ctx_send_chunk), and so does a libactr node that has as much on the way as it may: the queue, shared by the
 * senders, and never less than 32 chunks at first. From other peers nothing is read any more while it is full, at most
 * for 1 s; if the callback has not taken one chunk by then, the stream fails for that peer: ACTR_CHUNK_END with
 * ACTR_STATUS_LIMIT_REACHED follows what is queued, the rest is dropped and counted. (A pause holds up everything that
 * the peer sends: all lanes share one window.) Latency-first chunks are dropped, as `overflow` says, and counted. A
 * peer's reliable chunk that there is no memory for ends its connection: ACTR_CHUNK_END, with ACTR_STATUS_NO_MEMORY if
 * it had come that far.
 */
typedef struct actr_stream_options {
    size_t struct_size;
    uint32_t queue_chunks; /* 0: 1024 */
    uint32_t queue_bytes;  /* 0: 4 MiB; one chunk is always taken */
    actr_stream_overflow_t overflow;
    /* Told once if, and only if, the registration succeeded: the callback does not run any more, `user` may go. At the
       end of an unregister, later if that was called from a callback, at the latest with the node. May release
       handles, must not call libactr else. May be NULL. */
    void (*free_user)(void *user);
} actr_stream_options_t;

#define ACTR_STREAM_OPTIONS_INIT                                                                                       \
    {                                                                                                                  \
        .struct_size = sizeof(actr_stream_options_t)                                                                   \
    }

/*
 * Registers the callback of a stream. The Shell and the workload have ids of their own: what a peer or
 * ACTR_DEST_LOCAL sends goes to the workload's, if there is none to the Shell's; ACTR_DEST_SHELL the other way round.
 * stream_id NULL: the callback of all streams that nobody has registered. options may be NULL. An id that is
 * registered: ACTR_STATUS_INVALID_STATE; more than 4096 at a time: ACTR_STATUS_LIMIT_REACHED. It stays until it is
 * unregistered, or the node shuts down (before on_stop). [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_register_stream(actr_ctx_t *ctx, const char *stream_id,
                                                                actr_stream_fn fn, void *user,
                                                                const actr_stream_options_t *options,
                                                                actr_error_t *error);
/*
 * Ends a registration: no chunk is taken any more, those that are queued are still delivered, and when it has returned
 * the callback does not run any more. From inside a callback of a stream it does not wait: what is queued is dropped,
 * and at most the callback that runs at this moment still ends. From inside a handler that has the thread of the
 * callbacks (ACTR_AFFINITY_THREAD, LOOP) they run within this call. Unknown: ACTR_STATUS_NOT_FOUND. [any-thread] Blocks
 * as long as the callbacks take.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_unregister_stream(actr_ctx_t *ctx, const char *stream_id,
                                                                  actr_error_t *error);

typedef struct actr_send_options {
    size_t struct_size;
    uint32_t timeout_ms; /* how long to wait for room, or for a connection; 0: 15 s */
    bool no_wait;        /* ACTR_STATUS_WOULD_BLOCK instead of waiting */
} actr_send_options_t;

#define ACTR_SEND_OPTIONS_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_send_options_t)                                                                     \
    }

/*
 * Sends a chunk. In the process: ACTR_OK, it is in the stream's queue (by reference, if it came as a buffer); nobody
 * registered it: ACTR_STATUS_NOT_FOUND. To a peer: it has joined the connection's queue, which takes 4 MiB; the first
 * chunk of a stream waits until the connection has accepted it. No room, or a taker that is behind: waits, then
 * ACTR_STATUS_LIMIT_REACHED (at once where only the own thread could make room: ACTR_AFFINITY_THREAD, LOOP).
 *
 * A reliable stream keeps to one connection. Once that has ended, the next send to it is not done and says so:
 * ACTR_STATUS_DELIVERY_UNCERTAIN when chunks had left on it (whether the last of them arrived is not known), else why.
 * The send after that begins on a new connection. Latency-first chunks are sent on whichever connection there is, at
 * most once; while it is up, one that could not leave within 500 ms is dropped.
 * The payload is copied unless it is a buffer sent within the process. [any-thread] Blocks for at most the time limit;
 * in a handler at most for what is left of its time.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_send_chunk(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                           const actr_chunk_t *chunk,
                                                           const actr_send_options_t *options, actr_error_t *error);

/* What became of a chunk; where callbacks of streams run, one at a time for a node. */
typedef void (*actr_sent_fn)(actr_status_t status, const actr_error_t *error, void *user);

/*
 * The same without waiting: no room, or no credit, is ACTR_STATUS_WOULD_BLOCK, also while a stream's first chunk is on
 * its way. on_sent (may be NULL) is told if, and only if, this returns ACTR_OK: ACTR_OK once the connection has
 * accepted the chunk (in the process: once it is queued), ACTR_STATUS_DELIVERY_UNCERTAIN never (only sends that follow
 * see that), else why it was not sent. options.timeout_ms bounds a first chunk's wait for a connection. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_send_chunk_async(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                                 const actr_chunk_t *chunk,
                                                                 const actr_send_options_t *options,
                                                                 actr_sent_fn on_sent, void *user, actr_error_t *error);

/*
 * Waits until the connection has accepted everything that was sent on the reliable stream; what the next send would say
 * is said here. In the process there is nothing to wait for. Not in time: ACTR_STATUS_TIMEOUT. [any-thread] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ctx_flush_stream(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                             const char *stream_id, uint32_t timeout_ms,
                                                             actr_error_t *error);

/* Of a node, since its start. */
typedef struct actr_stream_stats {
    size_t struct_size;
    uint32_t streams, queued;                 /* registered, waiting: now */
    uint64_t chunks_received, bytes_received; /* from peers and within the process, before any check */
    uint64_t delivered;                       /* to callbacks; the ends not counted */
    uint64_t dropped;                         /* by a full queue, after a failure, at the end of a registration */
    uint64_t unknown;                         /* of streams that nobody has registered */
    uint64_t undecodable;
    uint64_t refused;          /* by the ACL */
    uint64_t pauses, failures; /* reading was paused; a stream failed because nobody took its chunks */
    uint64_t sent, unsent;     /* accepted by a connection; not, after a send had returned ACTR_OK */
    uint64_t full;             /* sends that found no room in time */
    uint64_t held;             /* sends that found a peer behind with taking: they waited, or are counted in full too */
} actr_stream_stats_t;

/* Fills *stats (set struct_size first). [any-thread] */
ACTR_API void actr_ref_stream_stats(actr_ref_t *ref, actr_stream_stats_t *stats);

#ifdef __cplusplus
}
#endif
#endif
