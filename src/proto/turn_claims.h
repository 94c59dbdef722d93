/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User name and password toward TURN servers (naming-and-compat 4, webrtc 3.2): the name carries the actor's
 * credential, the password is the secret of its registration in hexadecimal.
 */
#ifndef ACTRI_TURN_CLAIMS_H
#define ACTRI_TURN_CLAIMS_H

#include "base/env.h"

typedef struct actri_turn_claims {
    uint32_t realm;
    uint32_t key_id; /* token_key_id of the credential */
    const uint8_t *token;
    size_t token_size;
} actri_turn_claims_t;

#define ACTRI_TURN_USERNAME_MAX 508 /* bytes; RFC 8489 14.3. Longer ones are made, but servers may refuse them */

/* Zero-terminated UTF-8 from actri_alloc, with control characters in it; NULL when memory is out. */
char *actri_turn_username(const actri_env_t *env, const actri_turn_claims_t *claims);
/* The same for the password; a secret: cleanse it after use. */
char *actri_turn_password(const actri_env_t *env, const uint8_t *psk, size_t psk_size);
/* Back to claims; *room is from actri_alloc, holds the token and is the caller's on ACTR_OK. DECODE, NO_MEMORY. */
ACTR_MUST_CHECK actr_status_t actri_turn_claims_parse(const actri_env_t *env, const uint8_t *username, size_t size,
                                                      actri_turn_claims_t *out, uint8_t **room, actr_error_t *error);

#endif
