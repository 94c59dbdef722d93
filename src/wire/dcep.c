/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dcep.h"

#include <string.h>

#define OPEN_HEADER 12
#define MESSAGE_OPEN 0x03
#define PRIORITY 256 /* webrtc 8.1 */
#define UNORDERED_RETRANSMITS 0x81
#define RETRANSMITS 3

static const char *const labels[] = {"RPC_RELIABLE", "RPC_SIGNAL", "STREAM_RELIABLE", "STREAM_LATENCY_FIRST"};

const char *actri_lane_label(actr_payload_type_t lane)
{
    return labels[lane];
}

bool actri_lane_from_label(const char *label, size_t size, actr_payload_type_t *out)
{
    for (unsigned i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (strlen(labels[i]) == size && memcmp(labels[i], label, size) == 0) {
            *out = (actr_payload_type_t)i;
            return true;
        }
    }
    return false;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

size_t actri_dcep_encode_open(actr_payload_type_t lane, uint8_t out[ACTRI_DCEP_OPEN_MAX])
{
    bool lossy = lane == ACTR_STREAM_LATENCY_FIRST;
    size_t size = strlen(labels[lane]);
    memset(out, 0, OPEN_HEADER);
    out[0] = MESSAGE_OPEN;
    out[1] = lossy ? UNORDERED_RETRANSMITS : 0;
    put16(out + 2, PRIORITY);
    put16(out + 6, lossy ? RETRANSMITS : 0); /* low half of the 32-bit reliability */
    put16(out + 8, (unsigned)size);
    memcpy(out + OPEN_HEADER, labels[lane], size);
    return OPEN_HEADER + size;
}

actr_status_t actri_dcep_decode_open(const void *data, size_t size, actri_dcep_open_t *out, actr_error_t *error)
{
    const uint8_t *at = data;
    if (size < OPEN_HEADER || at[0] != MESSAGE_OPEN) {
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "DCEP: %zu bytes are no OPEN", size);
    }
    size_t label = get16(at + 8), protocol = get16(at + 10);
    if (label + protocol > size - OPEN_HEADER) {
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "DCEP: the label (%zu) and protocol (%zu) run past the end",
                          label, protocol);
    }
    out->channel_type = at[1];
    out->priority = (uint16_t)get16(at + 2);
    out->reliability = get16(at + 4) << 16 | get16(at + 6);
    out->label = (const char *)at + OPEN_HEADER;
    out->label_size = label;
    return ACTR_OK;
}
