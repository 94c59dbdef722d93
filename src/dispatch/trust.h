/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a certificate speaks for. [[trust]] binds a type in a realm to fingerprints: who says that it is of that type
 * must show one of them, else it does not get a connection. So a peer of a bound type that has a connection, or had one
 * when its request was stored, is PINNED. Pure. design 10.
 */
#ifndef ACTRI_TRUST_H
#define ACTRI_TRUST_H

#include <actr/config.h>

/* RELAYED or PINNED. */
actr_assurance_t actri_trust_assurance(const actr_config_t *config, const actr_id_t *peer);
/* May who shows this certificate ("AB:CD:..") be that peer? */
bool actri_trust_admits(const actr_config_t *config, const actr_id_t *peer, const char *fingerprint);

#endif
