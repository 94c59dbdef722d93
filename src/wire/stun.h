/* SPDX-License-Identifier: Apache-2.0 */
/* STUN messages as ICE uses them: RFC 8489, RFC 8445 7. Pure. */
#ifndef ACTRI_STUN_H
#define ACTRI_STUN_H

#include "wire/address.h"

#include <stddef.h>

#define ACTRI_STUN_MAX 548 /* of what we write */
#define ACTRI_STUN_ID 12

typedef enum actri_stun_class {
    ACTRI_STUN_REQUEST = 0,
    ACTRI_STUN_INDICATION = 1,
    ACTRI_STUN_SUCCESS = 2,
    ACTRI_STUN_ERROR = 3,
} actri_stun_class_t;

typedef struct actri_stun {
    actri_stun_class_t class;
    uint16_t method; /* 1: binding */
    uint8_t id[ACTRI_STUN_ID];
    char username[520]; /* "" : none */
    bool has_mapped, use_candidate, has_controlling, has_controlled, has_priority, has_integrity, has_fingerprint;
    actri_address_t mapped;
    uint64_t tie_breaker;
    uint32_t priority;
    unsigned error_code; /* 0: none */
} actri_stun_t;

/* Is it a STUN message at all? (first bits, cookie, length) */
bool actri_stun_is(const uint8_t *data, size_t size);
/* False: malformed, or its FINGERPRINT is wrong. */
bool actri_stun_decode(const uint8_t *data, size_t size, actri_stun_t *out);
/* Is MESSAGE-INTEGRITY there and right under this password? */
bool actri_stun_verify(const uint8_t *data, size_t size, const char *password);
/* Writes the message with MESSAGE-INTEGRITY (password NULL: without) and FINGERPRINT; returns its size. */
size_t actri_stun_encode(const actri_stun_t *message, const char *password, uint8_t out[ACTRI_STUN_MAX]);

#endif
