/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two peers tell each other through the signaling server, free of protobuf: the word that signaling
 * and the WebRTC coordinator share. spec: signaling 9.
 */
#ifndef ACTRI_RELAY_H
#define ACTRI_RELAY_H

#include <actr/base.h>

typedef enum actri_relay_kind {
    ACTRI_RELAY_ROLE_NEGOTIATION = 1,
    ACTRI_RELAY_ROLE_ASSIGNMENT, /* is_offerer */
    ACTRI_RELAY_OFFER,           /* text = SDP */
    ACTRI_RELAY_ANSWER,
    ACTRI_RELAY_ICE_RESTART_OFFER,
    ACTRI_RELAY_RENEGOTIATION_OFFER,
    ACTRI_RELAY_CANDIDATE, /* text = "candidate:..." */
    ACTRI_RELAY_ICE_RESTART_REQUEST,
    ACTRI_RELAY_REFUSED, /* inbound only: the server refused a relay of ours; code, text = its message, source = target
                            if known */
} actri_relay_kind_t;

typedef struct actri_relay {
    actri_relay_kind_t kind;
    actr_id_t source, target;
    bool is_offerer;
    uint32_t code;
    const char *text; /* zero-terminated, borrowed */
} actri_relay_t;

#endif
