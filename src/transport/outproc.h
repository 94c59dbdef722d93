/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The out-of-process transport manager: sends parcels by destination and payload type. A parcel to a peer
 * without connection waits in that destination's bounded queue while the coordinator connects; what never
 * reached SCTP may go on the next connection, as long as its deadline has not passed.
 */
#ifndef ACTRI_OUTPROC_H
#define ACTRI_OUTPROC_H

#include "base/list.h"
#include "transport/taps.h"
#include "wire/coordinator.h"

typedef struct actri_outproc actri_outproc_t;

/* One message on its way out. Its maker frees it in `done`, which is called exactly once, on the loop. */
typedef struct actri_parcel {
    actri_link_t link;
    actr_id_t to;
    uint64_t session; /* 0: whichever is up; else only this one */
    actr_payload_type_t lane;
    actr_buf_t *message; /* one reference is the parcel's; done releases it */
    int64_t deadline_ns;
    /* It goes beyond the bounds of its destination's queue, to twice as much: lost credit stops a stream. */
    bool is_credit;
    /* ACTR_OK: SCTP has it, on session `sent_on`. TIMEOUT: the deadline passed in the queue. */
    void (*done)(struct actri_parcel *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error);
} actri_parcel_t;

typedef struct actri_outproc_totals { /* all atomic */
    uint64_t sent, sent_bytes;        /* that SCTP has taken */
    uint64_t failed;
    uint64_t received, received_bytes;
    uint32_t queued; /* now, of all destinations */
    uint64_t queued_bytes;
} actri_outproc_totals_t;

typedef struct actri_outproc_handlers {
    actr_status_t (*relay)(void *user, const actri_relay_t *relay, actr_error_t *error); /* [any-thread] */
    void (*on_connecting)(void *user, const actr_id_t *peer);                            /* all others [loop] */
    void (*on_up)(void *user, const actri_session_t *session, const char *description);
    void (*on_silent)(void *user, const actri_session_t *session);
    void (*on_down)(void *user, const actri_session_t *session, const actr_error_t *why);
    void (*on_failed)(void *user, const actr_id_t *peer, const actr_error_t *why); /* none came to be */
    void (*on_message)(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message);
    /* A message on STREAM_RELIABLE of a peer that grants credit; may be NULL. First, before any lane or on_message:
       true, it was about credit, and is the callee's. Then once more when a lane of the program's has taken it
       (tapped). */
    bool (*on_credit)(void *user, const actri_session_t *session, actr_buf_t *message, bool tapped);
} actri_outproc_handlers_t;

/* options.env must outlive it. [any-thread] */
ACTR_MUST_CHECK actr_status_t actri_outproc_new(const actri_coordinator_options_t *options,
                                                const actri_outproc_handlers_t *handlers, void *user,
                                                actri_outproc_t **out, actr_error_t *error);
/* Closes all connections with notice and fails what is queued (SHUTTING_DOWN); no on_ callback follows. Parcels sent
   later fail at once. Waits for the loop. Not from the loop. */
void actri_outproc_close(actri_outproc_t *outproc);
/* Closed, and nobody may send any more. NULL is a no-op. */
void actri_outproc_free(actri_outproc_t *outproc);

/* Queues; one wake-up for a batch. [any-thread] */
void actri_outproc_send(actri_outproc_t *outproc, actri_parcel_t *parcel);
/* Queues before all that waits for the destination; from on_down. [loop] */
void actri_outproc_send_first(actri_outproc_t *outproc, actri_parcel_t *parcel);
/* Reads nothing more from the session's peer for now. [loop] */
void actri_outproc_pause(actri_outproc_t *outproc, const actri_session_t *session, bool paused);
/* Ends the session: something of it could not be kept. on_down follows later. [loop] */
void actri_outproc_give_up(actri_outproc_t *outproc, const actri_session_t *session, const char *why);
/* A relay that has arrived; copied. [any-thread] */
void actri_outproc_relay(actri_outproc_t *outproc, const actri_relay_t *relay);
void actri_outproc_set_identity(actri_outproc_t *outproc,
                                const actr_id_t *self);            /* [any-thread], in order with relays */
uint32_t actri_outproc_peer_count(const actri_outproc_t *outproc); /* [any-thread] */
/* The lanes that take what peers send on a payload type, instead of on_message. [any-thread] */
actri_taps_t *actri_outproc_taps(actri_outproc_t *outproc);
/* Fills up to *count destinations with a connection or one under way; *count becomes how many there are. [not loop] */
void actri_outproc_list(actri_outproc_t *outproc, actr_outproc_dest_t *list, size_t *count);
/* Closes the connection to peer, or the attempt, with notice; what waits for it fails as *why* says. False: there is
 * none. peer NULL: all of them. [not loop] */
bool actri_outproc_close_peer(actri_outproc_t *outproc, const actr_id_t *peer, const actr_error_t *why);
/* As close_peer of all; how many. [loop] */
unsigned actri_outproc_close_all(actri_outproc_t *outproc, const actr_error_t *why);
/* As actri_coordinator_moved. [loop] */
unsigned actri_outproc_moved(actri_outproc_t *outproc);
bool actri_outproc_has_peer(actri_outproc_t *outproc, const actr_id_t *peer);     /* [not loop] */
void actri_outproc_totals(actri_outproc_t *outproc, actri_outproc_totals_t *out); /* [any-thread] */
/* Waits until everything that was sent before has reached SCTP or its destination's queue. [not loop] */
void actri_outproc_flush(actri_outproc_t *outproc);

#endif
