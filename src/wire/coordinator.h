/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinator of one node: one peer connection for each remote actor, from the role negotiation through
 * the server to the end. Everything is [loop] unless marked; the table of a peer's life is peer_fsm.h.
 * spec: webrtc 2 to 7.
 */
#ifndef ACTRI_COORDINATOR_H
#define ACTRI_COORDINATOR_H

#include "proto/relay.h"
#include "wire/rtc.h"

#include <actr/transport.h>

typedef struct actri_coordinator actri_coordinator_t;

/* A connection that was up: a reply leaves only on the session on which its request came. */
typedef struct actri_session {
    actr_id_t peer;
    uint64_t number; /* never 0, never used twice in a process */
    bool relayed;    /* in on_up: it goes through a TURN server */
    bool is_actr;    /* in on_down: the peer was a libactr node */
    bool credit;     /* the peer grants credit for streams: proto/credit.h */
} actri_session_t;

typedef struct actri_coordinator_handlers {
    /* Hands a relay to the signaling client; [any-thread], must not block. */
    actr_status_t (*relay)(void *user, const actri_relay_t *relay, actr_error_t *error);
    /* An attempt to connect begins; on_up or on_failed follows. */
    void (*on_connecting)(void *user, const actr_id_t *peer);
    void (*on_up)(void *user, const actri_session_t *session, const char *description);
    void (*on_silent)(void *user, const actri_session_t *session);
    /* A session has ended. */
    void (*on_down)(void *user, const actri_session_t *session, const actr_error_t *why);
    /* No connection could be made to peer. */
    void (*on_failed)(void *user, const actr_id_t *peer, const actr_error_t *why);
    void (*on_writable)(void *user, const actri_session_t *session);
    /* The callee gets the reference. */
    void (*on_message)(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message);
    /* Is something waiting to be sent to peer? Decides whether a lost connection is made anew. */
    bool (*is_wanted)(void *user, const actr_id_t *peer);
} actri_coordinator_handlers_t;

typedef struct actri_coordinator_options {
    actri_loop_t *loop;
    const actri_env_t *env;
    actri_certificate_t *certificate;
    bool loopback, force_relay;
    uint32_t max_peers;
    /* May who shows a certificate of this fingerprint be that peer? NULL: yes. A connection that is not admitted ends
       before any message (PERMISSION_DENIED). */
    bool (*admits)(void *user, const actr_id_t *peer, const char *fingerprint);
    void *admits_user;
    const actri_rtc_options_t *rtc; /* servers only; copied, its texts must outlive the coordinator */
} actri_coordinator_options_t;

ACTR_MUST_CHECK actr_status_t actri_coordinator_new(const actri_coordinator_options_t *options,
                                                    const actri_coordinator_handlers_t *handlers, void *user,
                                                    actri_coordinator_t **out, actr_error_t *error);
/* Closes every connection (close_notify) and frees; no callback follows. NULL is a no-op. */
void actri_coordinator_free(actri_coordinator_t *coordinator);

/* Who we are; again after a registration anew. Connections stay. */
void actri_coordinator_set_identity(actri_coordinator_t *coordinator, const actr_id_t *self);

/* Begins to connect if there is no connection and none under way. on_up or on_failed follows ACTR_OK. LIMIT_REACHED. */
ACTR_MUST_CHECK actr_status_t actri_coordinator_want(actri_coordinator_t *coordinator, const actr_id_t *peer,
                                                     actr_error_t *error);

/*
 * Sends on the connection that is up. session: 0, or the only session on which it may go. *sent_on (may be NULL)
 * gets the session. UNAVAILABLE: none up (or another session); WOULD_BLOCK: no room, or the lane is not open
 * yet: wait for on_writable; TOO_LARGE.
 */
ACTR_MUST_CHECK actr_status_t actri_coordinator_send(actri_coordinator_t *coordinator, const actr_id_t *peer,
                                                     uint64_t session, actr_payload_type_t lane,
                                                     const actr_buf_t *message, uint64_t *sent_on, actr_error_t *error);

/* Reads nothing more from the peer for now, if this is the session that is up. */
void actri_coordinator_pause(actri_coordinator_t *coordinator, const actri_session_t *session, bool paused);

/* Ends the connection, if this is the session that is up: a chunk could not be kept. on_down follows later. */
void actri_coordinator_give_up(actri_coordinator_t *coordinator, const actri_session_t *session, const char *why);

/* A relay that has arrived. */
void actri_coordinator_relay(actri_coordinator_t *coordinator, const actri_relay_t *relay);

uint32_t actri_coordinator_peer_count(const actri_coordinator_t *coordinator); /* that are up */

/* Steps through the peers with a connection, or one under way; *cursor begins at 0; NULL at the end. */
const actr_id_t *actri_coordinator_next_peer(const actri_coordinator_t *coordinator, size_t *cursor,
                                             actr_dest_state_t *state);
/* None when there is none, and none under way. */
bool actri_coordinator_find_peer(const actri_coordinator_t *coordinator, const actr_id_t *peer);
/* Our addresses may have changed: each connection that is up looks for its path anew and goes on meanwhile. How many.
 */
unsigned actri_coordinator_moved(actri_coordinator_t *coordinator);
/* Ends the connection, with notice, or the attempt: on_down or on_failed comes from inside. */
void actri_coordinator_close_peer(actri_coordinator_t *coordinator, const actr_id_t *peer, const actr_error_t *why);

#endif
