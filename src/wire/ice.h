/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICE of one peer connection, one component, behind a small interface so that the agent can be exchanged. [loop]
 * spec: webrtc 3, 4; RFC 8445, 7675.
 */
#ifndef ACTRI_ICE_H
#define ACTRI_ICE_H

#include "wire/loop.h"
#include "wire/rtc.h"
#include "wire/udp.h"

typedef struct actri_ice actri_ice_t;

typedef enum actri_ice_state {
    ACTRI_ICE_CHECKING = 0,
    ACTRI_ICE_CONNECTED,    /* a pair works; better ones may follow */
    ACTRI_ICE_DISCONNECTED, /* nothing is heard */
    ACTRI_ICE_FAILED,
} actri_ice_state_t;

/* May be made from inside the functions below. */
typedef struct actri_ice_handlers {
    void (*on_packet)(void *user, const uint8_t *data, size_t size);
    void (*on_state)(void *user, actri_ice_state_t state);
    void (*on_candidate)(void *user, const char *candidate); /* "candidate:..." */
} actri_ice_handlers_t;

ACTR_MUST_CHECK actr_status_t actri_ice_new(const actri_rtc_options_t *options, const actri_ice_handlers_t *handlers,
                                            void *user, actri_ice_t **out, actr_error_t *error);
void actri_ice_free(actri_ice_t *ice);

/* Static until the next restart. */
void actri_ice_credentials(const actri_ice_t *ice, const char **ufrag, const char **pwd);
/* Host candidates come from inside this call. */
ACTR_MUST_CHECK actr_status_t actri_ice_gather(actri_ice_t *ice, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_ice_set_remote(actri_ice_t *ice, const char *ufrag, const char *pwd,
                                                   actr_error_t *error);
/* After set_remote. WIRE_PROTOCOL: does not parse. NOT_SUPPORTED: refused by policy (loopback, link-local, TCP, ...).
 */
ACTR_MUST_CHECK actr_status_t actri_ice_add_candidate(actri_ice_t *ice, const char *candidate, actr_error_t *error);
/* Sends as far as the socket takes it; returns how many. Lost ones are SCTP's and DTLS's business. */
size_t actri_ice_send(actri_ice_t *ice, const actri_datagram_t *datagrams, size_t count);
/* New credentials, and sockets for the addresses that the machine has by now; candidates come from inside this call,
   set_remote follows. */
ACTR_MUST_CHECK actr_status_t actri_ice_restart(actri_ice_t *ice, actr_error_t *error);
/* "host 127.0.0.1:4711 -> host 127.0.0.1:4712"; is a relay in it? */
void actri_ice_describe(const actri_ice_t *ice, char *text, size_t size, bool *relayed);

#endif
