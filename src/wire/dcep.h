/* SPDX-License-Identifier: Apache-2.0 */
/* The data channel establishment protocol, RFC 8832. Pure. spec: webrtc 8.1. */
#ifndef ACTRI_DCEP_H
#define ACTRI_DCEP_H

#include "base/env.h"

#define ACTRI_PPID_DCEP 50u
#define ACTRI_PPID_STRING 51u
#define ACTRI_PPID_BINARY 53u
#define ACTRI_PPID_STRING_EMPTY 56u
#define ACTRI_PPID_BINARY_EMPTY 57u

#define ACTRI_DCEP_OPEN_MAX 64 /* room for the OPEN of one of our lanes */
#define ACTRI_DCEP_ACK 0x02u

typedef struct actri_dcep_open {
    uint8_t channel_type; /* 0x00 reliable, 0x81 unordered with a retransmission limit, ... */
    uint16_t priority;
    uint32_t reliability;
    const char *label; /* not zero-terminated */
    size_t label_size;
} actri_dcep_open_t;

/* The label of a lane, "RPC_RELIABLE". */
const char *actri_lane_label(actr_payload_type_t lane);
/* The lane of a label; false when it is none of ours. */
bool actri_lane_from_label(const char *label, size_t size, actr_payload_type_t *out);
/* Writes the OPEN of a lane; returns its size. */
size_t actri_dcep_encode_open(actr_payload_type_t lane, uint8_t out[ACTRI_DCEP_OPEN_MAX]);
/* WIRE_PROTOCOL names what is wrong. out borrows from data. */
ACTR_MUST_CHECK actr_status_t actri_dcep_decode_open(const void *data, size_t size, actri_dcep_open_t *out,
                                                     actr_error_t *error);

#endif
