/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of data streams and media tracks: who takes what. Chunks of peers come in on the loop, of this process
 * on any thread; each stream has a bounded queue and a serial executor, whose turns call the user. Peers that know
 * credit keep within it (stream_credit.h); of others a full reliable stream pauses the reading from whoever filled it,
 * at most PAUSE_NS. spec: lifecycle-and-rpc 13; design 3, 4.
 */
#ifndef ACTRI_STREAMS_H
#define ACTRI_STREAMS_H

#include "base/buf.h"
#include "base/map.h"
#include "port/thread.h"
#include "proto/credit.h"
#include "wire/coordinator.h"

#include <actr/stream.h>

typedef struct actri_streams actri_streams_t;
typedef struct actri_stream actri_stream_t;

typedef enum actri_stream_space { /* ids of one do not meet those of another */
                                  ACTRI_SPACE_WORKLOAD = 'w',
                                  ACTRI_SPACE_SHELL = 's',
                                  ACTRI_SPACE_WORKLOAD_MEDIA = 'v',
                                  ACTRI_SPACE_SHELL_MEDIA = 't',
} actri_stream_space_t;

/* What waits in a queue, and what is delivered. */
typedef struct actri_stream_item {
    actr_buf_t *buf; /* an encoded DataStream of a peer, or the payload itself; NULL: the sender's end */
    struct actri_stream_texts *more;    /* of this process: owned; NULL: nothing more to say */
    struct actri_stream_sender *sender; /* NULL: this process */
    uint64_t number;
    int64_t timestamp_ms;
    bool has_timestamp, from_shell;
    bool credited; /* within its sender's credit */
    actr_payload_type_t lane;
    int kind;             /* the owner's */
    actr_status_t status; /* of an end */
} actri_stream_item_t;

/* What an item of this process says beyond numbers. One allocation. */
typedef struct actri_stream_texts {
    const char *name; /* the stream's id, for a catch-all; a codec */
    size_t count;
    actr_metadata_t metadata[];
} actri_stream_texts_t;

/* Copies; NULL when memory is out. */
actri_stream_texts_t *actri_stream_texts_new(const actri_env_t *env, const char *name, const actr_metadata_t *metadata,
                                             size_t count);

/* What a connection's senders have in hand of streams whose registration is over. Under the registry's mutex. */
typedef struct actri_credit_accounts {
    actri_link_t list;
    unsigned count;
} actri_credit_accounts_t;

/* One peer's connection as a sender of one stream. */
typedef struct actri_stream_sender {
    actri_link_t of_peer, due; /* in the peer's list; in the stream's list of ends that are to be told */
    actri_stream_t *stream;
    actri_session_t session;
    actri_credit_accounts_t *accounts; /* its peer's; while it is among the stream's senders */
    /* under the stream's mutex */
    uint32_t refs;    /* of the peer's list, of each item, of its end on the way */
    uint32_t pending; /* items that wait or are being delivered */
    bool paused;      /* the queue was full: until there is room */
    bool took_some;   /* of its chunks were taken since then */
    bool failed, gone, told;
    bool has_hole; /* there was no memory for a chunk: none that follows is delivered, and its connection is to end */
    bool given_up; /* it has been told to */
    actr_status_t status;
    int64_t room_chunks, room_bytes;   /* credit that it has and has not used, as far as is known here */
    int64_t held_chunks, held_bytes;   /* that it used, and that has not been taken */
    int64_t first_chunks, first_bytes; /* that it began with */
} actri_stream_sender_t;

typedef struct actri_stream_counters { /* all atomic */
    uint64_t received, bytes, delivered, dropped, unknown, undecodable, refused, pauses, failures, full;
    uint64_t queued_bytes;
    uint32_t queued, streams;
} actri_stream_counters_t;

typedef struct actri_streams_options {
    const actri_env_t *env;
    actri_loop_t *loop;
    bool (*allows)(void *user, const actri_session_t *session);             /* [loop] */
    void (*pause)(void *user, const actri_session_t *session, bool paused); /* [loop] */
    /* A chunk of a reliable stream could not be kept: the session is to end, later. [loop] */
    void (*give_up)(void *user, const actri_session_t *session);
    /* To a peer that knows credit. [any-thread], under locks of the registry: it must not call that. */
    void (*say)(void *user, const actri_session_t *session, const actri_credit_t *credit);
    void *user;
} actri_streams_options_t;

ACTR_MUST_CHECK actr_status_t actri_streams_new(const actri_streams_options_t *options, actri_streams_t **out,
                                                actr_error_t *error);
/* No registration any more, and no chunk; queued ones are delivered until the deadline, then dropped. False: a callback
   has not returned by then. Callable again. Not from a callback, nor the loop. */
bool actri_streams_close(actri_streams_t *streams, int64_t deadline_ns);
/* The id of a stream whose callback runs, or "". */
void actri_streams_current(actri_streams_t *streams, char *text, size_t size);
/* Closed; the gate's loop callbacks have ended. Waits for callbacks and for the loop. NULL is a no-op. */
void actri_streams_free(actri_streams_t *streams);

typedef struct actri_stream_spec {
    actri_stream_space_t space;
    const char *id; /* NULL: the catch-all of the space */
    actri_pool_t *pool;
    uint32_t max_items, max_bytes;
    bool drop_newest;
    /* Calls the user; an item with buf NULL is the sender's end. All is borrowed. False: memory was out before. */
    bool (*deliver)(const actri_stream_t *stream, const actri_stream_item_t *item);
    void *owner;
    void (*fn)(void); /* the user's, cast */
    void *user;
    void (*free_user)(void *user); /* once the registration is over; may be NULL */
} actri_stream_spec_t;

ACTR_MUST_CHECK actr_status_t actri_streams_register(actri_streams_t *streams, const actri_stream_spec_t *spec,
                                                     actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_streams_unregister(actri_streams_t *streams, actri_stream_space_t space,
                                                       const char *id, actr_error_t *error);
const actri_stream_spec_t *actri_stream_spec(const actri_stream_t *stream);

/* A chunk from a peer; message is the callee's. [loop] */
void actri_streams_arrive(actri_streams_t *streams, const actri_session_t *session, actr_payload_type_t lane,
                          actr_buf_t *message);
/* A reliable chunk that others have taken: its credit goes back. [loop] */
void actri_streams_passed_by(actri_streams_t *streams, const actri_session_t *session, const actr_buf_t *message);
/* The sender has forgotten this stream of its, and begins it anew. [loop] */
void actri_streams_sender_forgot(actri_streams_t *streams, const actri_session_t *session, actri_span_t stream_id);
/* The session has ended: its streams are told. [loop] */
void actri_streams_session_down(actri_streams_t *streams, const actri_session_t *session);

/*
 * An item of this process for the stream `id` of `first`, else of `second`. On ACTR_OK item's references have been
 * taken. No room: waits until the deadline (0: WOULD_BLOCK), then LIMIT_REACHED; a lossy one is queued or dropped at
 * once. [any-thread]
 */
ACTR_MUST_CHECK actr_status_t actri_streams_push(actri_streams_t *streams, actri_stream_space_t first,
                                                 actri_stream_space_t second, const char *id,
                                                 const actri_stream_item_t *item, bool lossy, int64_t deadline_ns,
                                                 actr_error_t *error);

const actri_stream_counters_t *actri_streams_counters(const actri_streams_t *streams);
/* True on a thread that runs a stream's callback. */
bool actri_streams_in_callback(void);

/* One more turn of a stream, embedded in its object. Not touched any more once run has been called. */
typedef struct actri_stream_turn {
    actri_task_t task;
    actri_stream_t *stream;
    void (*run)(struct actri_stream_turn *turn);
} actri_stream_turn_t;
/* For work that lasts: run is called behind what the stream's executor has to do already, and others of the pool have
   theirs. It counts as the stream's callback; whoever ends the stream waits for it. [in a callback, or such a turn] */
void actri_streams_turn(actri_stream_turn_t *turn);
/* What the stream has not done yet is to be dropped: the time of a shutdown is over. [in the turn] */
bool actri_streams_drops(const actri_stream_turn_t *turn);

/* ---- one stream: stream_queue.c; for the registry ---- */

struct actri_stream {
    actri_stream_spec_t spec;
    actri_streams_t *owner;
    actri_stream_counters_t *counters;
    const actri_env_t *env;
    unsigned refs;         /* atomic: the registry's, the ready list's, each turn's, one a sender */
    actri_link_t dead;     /* once nobody refers to it: until its executor is idle */
    actri_link_t of_turn;  /* [loop] among the streams that got something in this turn */
    bool in_turn;          /* [loop] */
    actri_link_t of_holed; /* under the registry's mutex: among the streams with a sender that has a hole */
    actri_serial_t *serial;
    actri_task_t task;
    bool dropping; /* atomic: what is queued is not delivered any more */

    actri_mutex_t mutex; /* guards the rest */
    actri_cond_t changed;
    unsigned waiters; /* for room */
    actri_stream_item_t *slots;
    uint32_t allocated, first, count;
    size_t bytes;
    actri_link_t ends;   /* senders whose end is due */
    actri_map_t senders; /* by session number */
    actri_stream_sender_t *last;
    unsigned paused; /* senders */
    bool scheduled, closed;
    size_t key_size;
    char key[]; /* space, then the id with its final zero */
};

ACTR_MUST_CHECK actr_status_t actri_stream_new(actri_streams_t *owner, const actri_env_t *env,
                                               actri_stream_counters_t *counters, const actri_stream_spec_t *spec,
                                               actri_stream_t **out, actr_error_t *error);
/* Its callback does not run any more: says so, once. */
void actri_stream_free_user(actri_stream_t *stream);
/* Not referred to, and idle. */
void actri_stream_destroy(actri_stream_t *stream);
/* Has a turn run if there is something to be done. */
void actri_stream_kick(actri_stream_t *stream);
/* Is there no room? With the mutex. */
bool actri_stream_full_locked(const actri_stream_t *stream);
/* Appends, or drops as the policy says; the item is taken unless memory is out (false). With the mutex. */
bool actri_stream_put_locked(actri_stream_t *stream, const actri_stream_item_t *item, bool lossy);
/* The sender's end is told once its items have been. With the mutex. */
void actri_stream_end_locked(actri_stream_sender_t *sender);
void actri_stream_sender_unref_locked(actri_stream_sender_t *sender);
/* Waits until nothing is queued and nothing runs; false: not by then. */
bool actri_stream_wait_idle(actri_stream_t *stream, int64_t deadline_ns);
void actri_stream_item_release(const actri_env_t *env, const actri_stream_item_t *item);

/* streams.c, for stream_credit.c: to the peer, unless the registry is closed. */
void actri_streams_say(actri_streams_t *streams, const actri_session_t *session, const actri_credit_t *credit);
/* Does what waits in all streams of the node go beyond what they may keep together? */
bool actri_stream_node_is_full(const actri_stream_counters_t *counters);
/* streams.c, for the queue: a sender has a hole. Not under the stream's mutex. */
void actri_streams_holed(actri_stream_t *stream);
/* streams.c, for the queue: there is room again in a stream that has paused senders. */
void actri_streams_room(actri_streams_t *streams);
void actri_stream_unref(actri_stream_t *stream);

#endif
