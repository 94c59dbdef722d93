/* SPDX-License-Identifier: Apache-2.0 */
/* What the server gave us: id, token, psk. Owned by the session; secrets are cleansed when they go. */
#ifndef ACTRI_SIGNALING_IDENTITY_H
#define ACTRI_SIGNALING_IDENTITY_H

#include "actr.pb-c.h"
#include "signaling/signaling.h"

typedef struct actri_own_identity {
    const actri_env_t *env;
    bool known;
    actr_id_t id;
    uint8_t *token;
    size_t token_size;
    uint32_t token_key_id;
    uint8_t *psk;
    size_t psk_size;
    int64_t expires_at_ms; /* 0: not told */
} actri_own_identity_t;

void actri_identity_init(actri_own_identity_t *identity, const actri_env_t *env);
/* Cleanses and forgets. */
void actri_identity_clear(actri_own_identity_t *identity);
/*
 * Takes credential, expiry and (when there is one) psk over; the id too unless refresh. Type and realm that the server
 * left out are those we asked for (known-faults 16). Nothing is changed on failure.
 */
ACTR_MUST_CHECK actr_status_t actri_identity_adopt(actri_own_identity_t *identity, const Actr__RegisterOk *ok,
                                                   bool refresh, const actr_type_t *type, uint32_t realm,
                                                   actr_error_t *error);
/* A borrowed view. */
actri_identity_t actri_identity_view(const actri_own_identity_t *identity);
/* "actor_id=...&token=...&token_key_id=..." (signaling 1.1); NULL when memory is out. For actri_secret_free. */
char *actri_identity_query(const actri_own_identity_t *identity);
/* Frees after wiping; NULL is a no-op. */
void actri_secret_free(const actri_env_t *env, void *secret, size_t size);

#endif
