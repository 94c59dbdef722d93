/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signaling clients of whole nodes in the simulation: fake_signaling.c implements src/signaling/signaling.h over
 * router.h, each client with a thread of its own as the real one has, and the certificates of src/wire/certificate.h.
 */
#ifndef ACTR_TESTS_FAKE_SIGNALING_H
#define ACTR_TESTS_FAKE_SIGNALING_H

#include "rng.h"

typedef struct fake_server {
    rng_t rng;
    unsigned refuse_percent;       /* of registrations */
    unsigned away_percent;         /* of attempts to connect */
    unsigned loss_percent;         /* of seconds online: the connection is lost */
    unsigned new_identity_percent; /* of reconnects */
    unsigned renewal_percent;      /* of seconds online: the credential is renewed */
    unsigned online;               /* registered clients, now */
    uint64_t next_serial;
    unsigned next_host;
} fake_server_t;

extern fake_server_t fake_server;

void fake_server_reset(uint64_t seed);

#endif
