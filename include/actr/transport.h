/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport managers, each by itself: actr_inproc_* moves envelopes between the threads of a program,
 * actr_outproc_* sends bytes on a running node's connections. Handlers, calls and streams need neither: they are the
 * way to the lanes beneath.
 */
#ifndef ACTR_TRANSPORT_H
#define ACTR_TRANSPORT_H

#include <actr/lane.h>
#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A message and what is said about it (RpcEnvelope). */
typedef struct actr_envelope {
    size_t struct_size;
    const char *route;
    const char *request_id; /* 36 characters; NULL: one is made */
    actr_buf_t *payload;    /* may be empty, not NULL */
    const actr_metadata_t *metadata;
    size_t metadata_count;
    const char *traceparent, *tracestate; /* NULL: none */
    uint32_t timeout_ms;                  /* of a request, 0: the manager's default */
} actr_envelope_t;

#define ACTR_ENVELOPE_INIT                                                                                             \
    {                                                                                                                  \
        .struct_size = sizeof(actr_envelope_t)                                                                         \
    }

/* ---- within the process ---- */

/*
 * A manager of lanes within the process. It always has two for requests (ACTR_RPC_RELIABLE, and ACTR_RPC_SIGNAL, whose
 * messages are taken first), and one for each stream or media channel that was opened by id. One side sends; the other
 * takes, and answers the requests among what it took. Payloads go by reference: what is received is what was sent.
 * Several threads may be on each side. [any-thread]
 */
typedef struct actr_inproc actr_inproc_t;

typedef struct actr_inproc_options {
    size_t struct_size;
    const actr_allocator_t *allocator; /* copied; NULL: libc's */
    uint32_t lane_capacity;            /* messages, [1024] */
    uint32_t max_channels;             /* streams and media together, [1024] */
    uint32_t max_pending;              /* requests without answer, [65536] */
    uint32_t default_timeout_ms;       /* of a request, [30000] */
} actr_inproc_options_t;

#define ACTR_INPROC_OPTIONS_INIT                                                                                       \
    {                                                                                                                  \
        .struct_size = sizeof(actr_inproc_options_t)                                                                   \
    }

/* Since the manager was made, but for the last two. requests = answered + failed + timed_out + pending. */
typedef struct actr_inproc_stats {
    size_t struct_size;
    uint64_t requests, messages;
    uint64_t answered;
    uint64_t failed;       /* answered with an error, dropped by who took it, or ended by close */
    uint64_t timed_out;    /* no answer in time, or no room in time */
    uint64_t late_answers; /* that nobody waited for any more */
    uint64_t stale;        /* requests that had ended before anybody took them: not delivered */
    uint64_t full;         /* refused: no room in the lane, or too many pending */
    uint32_t pending;
    uint32_t channels;
} actr_inproc_stats_t;

/* options may be NULL. The caller releases *manager. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_new(const actr_inproc_options_t *options, actr_inproc_t **manager,
                                                       actr_error_t *error);
ACTR_API actr_inproc_t *actr_inproc_retain(actr_inproc_t *manager);
/* The last release closes. NULL is a no-op. [not-from-callback] */
ACTR_API void actr_inproc_release(actr_inproc_t *manager);
/*
 * Ends every request (ACTR_STATUS_SHUTTING_DOWN), closes all lanes and drops what is in them. Waits for the callback
 * that runs. Closing twice is harmless. [not-from-callback]
 */
ACTR_API void actr_inproc_close(actr_inproc_t *manager);

/*
 * Opens the channel `id` (1 to 255 bytes) of streams (ACTR_STREAM_RELIABLE and ACTR_STREAM_LATENCY_FIRST share one
 * space of ids) or of media (ACTR_MEDIA_RTP). One that is open already is given again. lane, which may be NULL, gets
 * its lane, the caller's to release. At most max_channels (ACTR_STATUS_LIMIT_REACHED).
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_open_channel(actr_inproc_t *manager, actr_payload_type_t type,
                                                                const char *id, actr_lane_t **lane,
                                                                actr_error_t *error);
/* Closes its lane and forgets it; what is in the lane can still be received from the lane itself. False: unknown. */
ACTR_API bool actr_inproc_close_channel(actr_inproc_t *manager, actr_payload_type_t type, const char *id);
/*
 * The lane of a payload type, the caller's to release. Streams and media need the id of an open channel
 * (ACTR_STATUS_NOT_FOUND); id is NULL for requests. Only the payload comes out of a lane: a request that is received
 * there ends with ACTR_STATUS_NOT_SUPPORTED.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_lane(actr_inproc_t *manager, actr_payload_type_t type,
                                                        const char *id, actr_lane_t **lane, actr_error_t *error);

/*
 * Sends a request and waits for its answer, both within the envelope's time limit. On ACTR_OK *reply is the caller's to
 * release. The payload is retained, the rest of the envelope copied. No room in time, or too many pending:
 * ACTR_STATUS_LIMIT_REACHED. Nobody answered in time: ACTR_STATUS_TIMEOUT. A request_id that is pending already:
 * ACTR_STATUS_INVALID_ARGUMENT. Otherwise what actr_received_fail said. [not-from-callback] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_send_request(actr_inproc_t *manager, actr_payload_type_t type,
                                                                const char *id, const actr_envelope_t *envelope,
                                                                actr_buf_t **reply, actr_error_t *error);
/*
 * Starts a request; on_reply is told the end of it if, and only if, this returns ACTR_OK: on a thread of the manager,
 * one at a time. Does not wait for room (ACTR_STATUS_LIMIT_REACHED).
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_send_request_async(actr_inproc_t *manager, actr_payload_type_t type,
                                                                      const char *id, const actr_envelope_t *envelope,
                                                                      actr_reply_fn on_reply, void *user,
                                                                      actr_error_t *error);
/* Sends without asking for an answer; waits for room within the envelope's time limit. [not-from-callback] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_send_message(actr_inproc_t *manager, actr_payload_type_t type,
                                                                const char *id, const actr_envelope_t *envelope,
                                                                actr_error_t *error);

/* What was taken from a lane: an envelope, and the duty to answer it when it is a request. */
typedef struct actr_received actr_received_t;

/*
 * Takes the next message, of whichever lane: ACTR_RPC_SIGNAL first (after 8 in a row somebody else), the other lanes in
 * turn. Requests that have ended meanwhile are skipped. Waits for at most timeout_ms (0: 30 s), then
 * ACTR_STATUS_TIMEOUT. Closed: ACTR_STATUS_UNAVAILABLE. The caller releases *received. [not-from-callback] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_recv(actr_inproc_t *manager, uint32_t timeout_ms,
                                                        actr_received_t **received, actr_error_t *error);
/* The same without waiting; nothing there: ACTR_STATUS_WOULD_BLOCK. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_try_recv(actr_inproc_t *manager, actr_received_t **received,
                                                            actr_error_t *error);

/* Borrowed until release. Of bare bytes that came through the lane: only payload is set. */
ACTR_API const actr_envelope_t *actr_received_envelope(const actr_received_t *received);
ACTR_API actr_payload_type_t actr_received_type(const actr_received_t *received);
/* The channel's id; NULL for the lanes of requests. */
ACTR_API const char *actr_received_channel(const actr_received_t *received);
/* Does somebody wait for an answer? */
ACTR_API bool actr_received_is_request(const actr_received_t *received);
/* Answers; the payload is retained. Nobody waits (any more): ACTR_STATUS_INVALID_STATE. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_received_reply(actr_received_t *received, actr_buf_t *payload,
                                                           actr_error_t *error);
/* Answers with an error, a negative status. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_received_fail(actr_received_t *received, actr_status_t status,
                                                          const char *format, ...) ACTR_PRINTF(3, 4);
/* A request that was not answered ends with ACTR_STATUS_INTERNAL. NULL is a no-op. */
ACTR_API void actr_received_release(actr_received_t *received);

/* Answers the request with this id, for whoever kept the id only: the payload is retained. ACTR_STATUS_NOT_FOUND. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_complete_response(actr_inproc_t *manager, const char *request_id,
                                                                     actr_buf_t *payload, actr_error_t *error);
/* The same with an error, a negative status and its message. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_inproc_complete_error(actr_inproc_t *manager, const char *request_id,
                                                                  actr_status_t status, const char *message,
                                                                  actr_error_t *error);
/* Fills *stats (set struct_size first). */
ACTR_API void actr_inproc_get_stats(actr_inproc_t *manager, actr_inproc_stats_t *stats);

/* ---- between processes ---- */

/*
 * The manager of a running node's connections: it connects to a destination when something is sent there, keeps what
 * waits meanwhile (bounded), and sends it in order, payload type by payload type. Destinations are ACTR_DEST_ACTOR.
 * Once the node has shut down everything fails with ACTR_STATUS_SHUTTING_DOWN.
 */
typedef struct actr_outproc actr_outproc_t;

/* Valid as long as ref, also after the node has shut down: then nothing is connected and nothing can be. [any-thread]
 */
ACTR_API actr_outproc_t *actr_ref_outproc(actr_ref_t *ref);

/*
 * Sends bytes (1 to 65535, copied) to the actor dest on the lane of a payload type, and waits until its connection has
 * accepted them, for at most timeout_ms (0: 30 s). At most once. A stream's bytes are a DataStream message, for the
 * registry of the peer, or anything that a lane of the peer receives. An RPC message is an envelope
 * (actr_envelope_encode) whose request_id is the manager's own (actr_outproc_request_id): its answer is then known as
 * one, counted and dropped; to get answers use actr_ctx_call. ACTR_STATUS_TIMEOUT, ACTR_STATUS_UNAVAILABLE,
 * ACTR_STATUS_LIMIT_REACHED (too much waits for it), ACTR_STATUS_TOO_LARGE, ACTR_STATUS_NOT_SUPPORTED (no lane carries
 * that payload type). [any-thread, not-from-callback] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_outproc_send(actr_outproc_t *manager, const actr_dest_t *dest,
                                                         actr_payload_type_t type, actr_bytes_t bytes,
                                                         uint32_t timeout_ms, actr_error_t *error);
/* Starts that; on_sent (its reply is always NULL) is told the end of it, as a turn of the node, if, and only if, this
 * returns ACTR_OK. on_sent may be NULL. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_outproc_send_async(actr_outproc_t *manager, const actr_dest_t *dest,
                                                               actr_payload_type_t type, actr_bytes_t bytes,
                                                               uint32_t timeout_ms, actr_reply_fn on_sent, void *user,
                                                               actr_error_t *error);

/* An id for an envelope of one's own; 36 characters and a zero. [any-thread] */
#define ACTR_REQUEST_ID_SIZE 37
ACTR_API ACTR_MUST_CHECK actr_status_t actr_outproc_request_id(actr_outproc_t *manager, char text[ACTR_REQUEST_ID_SIZE],
                                                               actr_error_t *error);
/*
 * Encodes an envelope as it travels. route and request_id are needed; timeout_ms 0 makes it a tell. The caller releases
 * *bytes. Metadata keys that begin with "actr-" are refused. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_envelope_encode(const actr_envelope_t *envelope, actr_buf_t **bytes,
                                                            actr_error_t *error);

/*
 * A lane to dest: what is sent on it goes as by actr_outproc_send, the buffer by reference. receives: what dest sends
 * on this payload type comes out of this lane, instead of to the registries; streams only, and one lane at a time
 * (ACTR_STATUS_INVALID_STATE), and from those only whom the node's ACL allows (ACTR_STATUS_PERMISSION_DENIED); the
 * shutdown closes it. A lane that does not receive says ACTR_STATUS_NOT_SUPPORTED. It outlives connections; the caller
 * releases it. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_outproc_lane(actr_outproc_t *manager, const actr_dest_t *dest,
                                                         actr_payload_type_t type, bool receives, actr_lane_t **lane,
                                                         actr_error_t *error);

typedef enum actr_dest_state {
    ACTR_DEST_CONNECTING = 1,
    ACTR_DEST_CONNECTED = 2,
    ACTR_DEST_RECOVERING = 3, /* nothing is heard from it; what is sent waits */
} actr_dest_state_t;

typedef struct actr_outproc_dest {
    actr_id_t id;
    actr_dest_state_t state;
    uint32_t queued; /* messages that wait */
    uint32_t reserved[4];
} actr_outproc_dest_t;

/* Fills up to *count destinations (list may be NULL when that is 0); *count becomes how many there are, 0 once the node
 * has shut down. [any-thread, not-from-callback] Blocks for a turn of the wire thread. */
ACTR_API void actr_outproc_list_dests(actr_outproc_t *manager, actr_outproc_dest_t *list, size_t *count);
/* How many there are. The same threads. */
ACTR_API size_t actr_outproc_dest_count(actr_outproc_t *manager);
/* Is there a connection to dest, or one under way? The same threads. */
ACTR_API bool actr_outproc_has_dest(actr_outproc_t *manager, const actr_dest_t *dest);
/*
 * Closes the connection to dest, with notice, or ends the attempt to make one. What waits for it ends with
 * ACTR_STATUS_CANCELLED, calls that wait for its answer with ACTR_STATUS_DELIVERY_UNCERTAIN; nothing is sent again.
 * What is sent later connects anew. ACTR_STATUS_NOT_FOUND. [any-thread, not-from-callback] Blocks for a turn of the
 * wire thread.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_outproc_close_dest(actr_outproc_t *manager, const actr_dest_t *dest,
                                                               actr_error_t *error);
/* Closes all. None open is no error. The same threads. */
ACTR_API void actr_outproc_close_all(actr_outproc_t *manager);

/* Since start, but for the last two; all zero once the node has shut down. */
typedef struct actr_outproc_stats {
    size_t struct_size;
    uint64_t sent, sent_bytes; /* that a connection has accepted, of all kinds: calls, replies, chunks */
    uint64_t failed;
    uint64_t received, received_bytes;
    uint32_t queued; /* messages that wait */
    uint32_t reserved;
    uint64_t queued_bytes;
} actr_outproc_stats_t;

/* Fills *stats (set struct_size first). [any-thread] */
ACTR_API void actr_outproc_get_stats(actr_outproc_t *manager, actr_outproc_stats_t *stats);

#ifdef __cplusplus
}
#endif
#endif
