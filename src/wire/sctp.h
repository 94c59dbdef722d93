/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SCTP association over DTLS, by usrsctp without threads of its own: timers are driven by the loop while
 * associations exist. usrsctp's state is global to the process; everything here is [loop]. spec: webrtc 14.5; RFC 8261.
 */
#ifndef ACTRI_SCTP_H
#define ACTRI_SCTP_H

#include "base/buf.h"
#include "wire/loop.h"

typedef struct actri_sctp actri_sctp_t;

/* May be made from inside the functions below. */
typedef struct actri_sctp_handlers {
    void (*send)(void *user, const void *packet, size_t size);
    void (*on_up)(void *user);
    void (*on_down)(void *user, const char *why);
    void (*on_message)(void *user, uint16_t stream, uint32_t ppid,
                       actr_buf_t *message);       /* the reference is the callee's */
    void (*on_lost)(void *user, uint16_t stream);  /* a message came, and there was no memory for it */
    void (*on_reset)(void *user, uint16_t stream); /* the peer closed this stream */
    void (*on_writable)(void *user);               /* after WOULD_BLOCK */
} actri_sctp_handlers_t;

ACTR_MUST_CHECK actr_status_t actri_sctp_new(actri_loop_t *loop, const actri_env_t *env,
                                             const actri_sctp_handlers_t *handlers, void *user, actri_sctp_t **out,
                                             actr_error_t *error);
void actri_sctp_free(actri_sctp_t *sctp);
/* Sends INIT; both sides do. */
ACTR_MUST_CHECK actr_status_t actri_sctp_connect(actri_sctp_t *sctp, actr_error_t *error);
/* A decrypted packet; drain follows once all of a batch are in. */
void actri_sctp_input(actri_sctp_t *sctp, const void *packet, size_t size);
void actri_sctp_drain(actri_sctp_t *sctp);
/* Is there something that drain has left for later? */
bool actri_sctp_has_unread(const actri_sctp_t *sctp);
/* While paused nothing is taken out of the stack, so the peer's window closes. After an end drain must follow. */
void actri_sctp_pause(actri_sctp_t *sctp, bool paused);
/* WOULD_BLOCK, UNAVAILABLE, or ACTR_OK: the stack has copied it. retransmits < 0: reliable. */
ACTR_MUST_CHECK actr_status_t actri_sctp_send(actri_sctp_t *sctp, uint16_t stream, uint32_t ppid, bool unordered,
                                              int retransmits, const void *data, size_t size, actr_error_t *error);

#endif
