/* SPDX-License-Identifier: Apache-2.0 */
/* The actors that the core knows, in order of registration. Inside of core.c's thread. */
#ifndef ACTRI_SERVER_REGISTRY_H
#define ACTRI_SERVER_REGISTRY_H

#include "base/list.h"
#include "proto/idcodec.h"
#include "server/core.h"

#include <string.h>

#define ACTRI_TOKEN_SIZE 24
#define ACTRI_PSK_SIZE 32
#define ACTRI_SUBSCRIPTIONS 32

/* A ServiceSpec of either form, as its fields. */
typedef struct actri_spec {
    bool present;
    char *name, *description, *fingerprint;
    uint8_t *bytes; /* as registered */
    size_t size;
    char form;
} actri_spec_t;

typedef struct actri_row {
    actri_link_t link;
    actr_id_t id;
    actri_id_key_t key;
    uint64_t connection; /* 0: away since away_ms */
    int64_t away_ms, expires_ms;
    uint8_t token[ACTRI_TOKEN_SIZE], psk[ACTRI_PSK_SIZE];
    uint8_t old_token[ACTRI_TOKEN_SIZE]; /* good until its own expiry: relays are under way with it (server 6.5) */
    int64_t old_expires_ms;              /* 0: there is none */
    bool has_load, wants_form_b;
    uint32_t availability;
    float power_reserve, backlog;
    actri_spec_t spec;
    Actr__Acl *acl;
    size_t subscription_count;
    actr_type_t subscriptions[ACTRI_SUBSCRIPTIONS];
} actri_row_t;

/* Reads a ServiceSpec by shape (levels 5.2); false when it fits neither form. */
/* 'A' or 'B', or '?': the form of a ServiceSpec or a TypeEntry, by its shape (levels 5.1). */
char actri_spec_form(const void *data, size_t size);
bool actri_spec_parse(const actri_env_t *env, const void *data, size_t size, actri_spec_t *out);
/* Writes it in the form of the asker; NULL when memory is out. */
uint8_t *actri_spec_write(const actri_env_t *env, const actri_spec_t *spec, char form, size_t *size);
void actri_spec_clear(const actri_env_t *env, actri_spec_t *spec);

/* Is this the row's token, or the one before it? Its expiry is another question. */
static inline bool actri_row_issued(const actri_row_t *row, const uint8_t token[ACTRI_TOKEN_SIZE], int64_t now_ms)
{
    if (memcmp(token, row->token, ACTRI_TOKEN_SIZE) == 0) return true;
    return row->old_expires_ms > now_ms && memcmp(token, row->old_token, ACTRI_TOKEN_SIZE) == 0;
}

/* Sorts rows[0..count) as the criteria say (server 6.7) and returns how many remain. */
size_t actri_rank(actri_row_t **rows, size_t count, const Actr__NodeSelectionCriteria *criteria,
                  const char *own_fingerprint);
/* May `caller` speak to the owner of this ACL? No ACL: yes. */
bool actri_row_admits(const actri_row_t *row, const actr_id_t *caller);

#endif
