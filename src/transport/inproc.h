/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the in-process manager, for its sources: inproc.c (channels, sending, receiving), inproc_life.c,
 * received.c. */
#ifndef ACTRI_INPROC_H
#define ACTRI_INPROC_H

#include "transport/lane.h"
#include "transport/pending.h"

#include <actr/transport.h>

struct actr_inproc {
    actri_lane_group_t group; /* keeps the memory: of the handles together, and of each lane and message */
    unsigned handles;         /* atomic; the last one closes */
    uint32_t lane_capacity, max_channels, default_timeout_ms;
    /* the rest: under the group's mutex */
    actr_lane_t *reliable, *signal; /* NULL once closed */
    actri_map_t streams, media;     /* by id; a lane's user is its id */
    actri_pending_t pending;
    bool closed;
    actr_inproc_stats_t stats;
    /* the thread of asynchronous requests */
    actri_thread_t thread;
    bool has_thread, ending;
    actri_cond_t work;
    int64_t wakes_at_ns;  /* when it looks for deadlines again */
    actri_link_t answers; /* that have ended, by pending.link */
};

/* One envelope on its way, and the request that it is. */
struct actr_received {
    actri_pending_call_t pending;
    unsigned refs; /* atomic: of the lane or of who took it, and of who waits */
    actr_inproc_t *manager;
    actr_payload_type_t type;
    const char *channel;
    bool is_request;
    actri_link_t taken;     /* of who took it, once it was found stale */
    actr_reply_fn on_reply; /* NULL: somebody waits for `ended` */
    void *user;
    actri_cond_t ended;
    actr_status_t status; /* the outcome, once it is out of the table */
    actr_buf_t *reply;
    actr_error_t error;
    actr_envelope_t envelope;
    actr_metadata_t metadata[]; /* then texts */
};

void actri_received_unref(actr_received_t *received);
/* Ends the request: the reply is retained. False: it has ended already. */
bool actri_received_end(actr_received_t *received, actr_status_t status, actr_buf_t *reply, const char *message);
/* The same once it has left the table, with the mutex. */
void actri_received_ended_locked(actr_received_t *received, actr_status_t status, actr_buf_t *reply,
                                 const char *message);
/* What a lane does with a message whose payload alone is taken, or that nobody takes. */
void actri_received_drop(void *received);
/* An envelope as it travels, one reference; NULL when memory is out. */
actr_received_t *actri_received_new(actr_inproc_t *manager, const actr_envelope_t *envelope, actr_payload_type_t type,
                                    const char *channel);

/* The thread of asynchronous requests. With the mutex. */
ACTR_MUST_CHECK actr_status_t actri_inproc_start_thread_locked(actr_inproc_t *manager, actr_error_t *error);

#endif
