/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development signaling server's mind: registry, discovery, relays, roles. Pure: it is given bytes of numbered
 * connections and the time, and says what to send and whom to close through function pointers. One thread at a time.
 * spec: server 3 to 9, 18.
 */
#ifndef ACTRI_SERVER_CORE_H
#define ACTRI_SERVER_CORE_H

#include "base/env.h"

typedef struct actri_core actri_core_t;

typedef struct actri_core_output {
    void (*send)(void *user, uint64_t connection, const uint8_t *data, size_t size);
    void (*close)(void *user, uint64_t connection); /* no more input follows from it */
    void (*trace)(void *user, const char *line);    /* one line for people, may be NULL */
    void *user;
} actri_core_output_t;

/* What tests may make the server do (server 18.4); zero: nothing. Counts go down with each use. */
typedef struct actri_core_switches {
    uint32_t interval_secs;       /* heartbeats; 0: 30 */
    uint32_t token_life_secs;     /* 0: a day */
    uint32_t refuse_registration; /* code for the next registration */
    uint32_t unauthorized;        /* answer so many requests with 401 */
    uint32_t warnings;            /* so many Pongs carry a credential warning */
    uint32_t drop_relays, drop_candidates;
    uint32_t drop_searches;  /* so many route requests get no answer */
    uint32_t drop_farewells; /* so many unregistrations get none */
    bool larger_offers;      /* as the servers of early 2026: the larger id offers */
    bool strict_acl;         /* candidates and relays obey the ACLs that were registered */
} actri_core_switches_t;

ACTR_MUST_CHECK actr_status_t actri_core_new(const actri_env_t *env, const actri_core_output_t *output,
                                             actri_core_t **out, actr_error_t *error);
void actri_core_free(actri_core_t *core);
actri_core_switches_t *actri_core_switches(actri_core_t *core);

/* A connection has come; query: what follows '?' in its URL, percent-encoded, or "". */
void actri_core_open(actri_core_t *core, uint64_t connection, const char *query, int64_t now_ms);
/* One binary message. */
void actri_core_receive(actri_core_t *core, uint64_t connection, const void *data, size_t size, int64_t now_ms);
/* It is gone, closed by us or by the node. */
void actri_core_closed(actri_core_t *core, uint64_t connection, int64_t now_ms);
/* Forgets what has been away too long; call it about once a second. */
void actri_core_tick(actri_core_t *core, int64_t now_ms);

size_t actri_core_online(const actri_core_t *core); /* registered and connected */
uint64_t actri_core_registrations(const actri_core_t *core);
uint64_t actri_core_unregistrations(const actri_core_t *core);
/* Closes the connection of a registered actor by serial; false when there is none. forget: its row goes too. */
bool actri_core_kick(actri_core_t *core, uint64_t serial, bool forget, int64_t now_ms);

#endif
