/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: channels that carry messages one way, each bounded. A lane within the process hands the buffer itself over;
 * nothing is copied or encoded. A lane to a peer (actr_outproc_lane) sends on the connection's channel of its payload
 * type. Everything is [any-thread]; several may send to and receive from one lane, each message goes to one of them.
 */
#ifndef ACTR_LANE_H
#define ACTR_LANE_H

#include <actr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct actr_lane actr_lane_t;

/* What carries a lane. */
typedef enum actr_lane_kind {
    ACTR_LANE_WEBRTC_DATA_CHANNEL = 1, /* RPC_RELIABLE, RPC_SIGNAL, STREAM_RELIABLE, STREAM_LATENCY_FIRST */
    ACTR_LANE_WEBRTC_MEDIA_TRACK = 2,
    ACTR_LANE_MPSC = 3, /* memory of this process */
    ACTR_LANE_WEBSOCKET = 4,
} actr_lane_kind_t;

typedef struct actr_lane_options {
    size_t struct_size;
    const actr_allocator_t *allocator; /* copied; NULL: libc's */
    uint32_t capacity;                 /* messages, [1024] */
    actr_payload_type_t payload_type;  /* a name for it; nothing depends on it */
} actr_lane_options_t;

#define ACTR_LANE_OPTIONS_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_lane_options_t)                                                                     \
    }

/* Since the lane was made, but for the last two. */
typedef struct actr_lane_stats {
    size_t struct_size;
    uint64_t sent, sent_bytes;
    uint64_t received, received_bytes;
    uint64_t full;    /* sends that found no room within their limit */
    uint64_t lost;    /* came from the peer and found no room */
    uint32_t waiting; /* now, to be received */
    uint32_t capacity;
} actr_lane_stats_t;

/* A lane within the process (ACTR_LANE_MPSC) by itself. options may be NULL. The caller releases *lane. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_lane_new(const actr_lane_options_t *options, actr_lane_t **lane,
                                                     actr_error_t *error);
ACTR_API actr_lane_t *actr_lane_retain(actr_lane_t *lane);
/* The last release closes it and releases what is still in it. NULL is a no-op. */
ACTR_API void actr_lane_release(actr_lane_t *lane);

ACTR_API actr_lane_kind_t actr_lane_kind(const actr_lane_t *lane);
ACTR_API actr_payload_type_t actr_lane_payload_type(const actr_lane_t *lane);

/*
 * Sends. The lane takes a reference of its own; the caller's stays the caller's. A full lane makes it wait for room,
 * for at most timeout_ms (0: 30 s), then ACTR_STATUS_LIMIT_REACHED. Closed: ACTR_STATUS_UNAVAILABLE. To a peer it waits
 * for the connection too (ACTR_STATUS_TIMEOUT, ACTR_STATUS_UNAVAILABLE), until the channel has accepted the message.
 * [not-from-callback] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_lane_send(actr_lane_t *lane, actr_buf_t *message, uint32_t timeout_ms,
                                                      actr_error_t *error);
/* The same without waiting. To a peer, ACTR_OK means that the message has joined the queue of its connection. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_lane_try_send(actr_lane_t *lane, actr_buf_t *message, actr_error_t *error);

/*
 * Takes the oldest message; the caller releases it. Waits for at most timeout_ms (0: 30 s), then ACTR_STATUS_TIMEOUT.
 * What was in a lane when it was closed is still received, then ACTR_STATUS_UNAVAILABLE. ACTR_STATUS_LIMIT_REACHED,
 * once, where messages of the peer have been lost because nobody received in time. [not-from-callback] Blocks.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_lane_recv(actr_lane_t *lane, uint32_t timeout_ms, actr_buf_t **message,
                                                      actr_error_t *error);
/* The same without waiting; nothing there: ACTR_STATUS_WOULD_BLOCK. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_lane_try_recv(actr_lane_t *lane, actr_buf_t **message, actr_error_t *error);

/* Nothing more goes in; whoever waits is woken. Closing twice is harmless. */
ACTR_API void actr_lane_close(actr_lane_t *lane);
ACTR_API bool actr_lane_is_closed(actr_lane_t *lane);
/* Fills *stats (set struct_size first). */
ACTR_API void actr_lane_get_stats(actr_lane_t *lane, actr_lane_stats_t *stats);

#ifdef __cplusplus
}
#endif
#endif
