/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signaling server in memory: carries relays between nodes with delays, losses and changes of order, and gives
 * roles as the servers do (webrtc 2.1, 2.6): the smaller id offers, both are told.
 */
#ifndef ACTR_TESTS_ROUTER_H
#define ACTR_TESTS_ROUTER_H

#include "proto/relay.h"
#include "rng.h"

#define ROUTER_CLIENTS 16

typedef struct router_client {
    actr_id_t id;
    bool registered, online;
    void (*deliver)(void *user, const actri_relay_t *relay);
    void *user;
} router_client_t;

typedef struct router {
    rng_t rng;
    int64_t delay_ns;            /* at most */
    unsigned drop_percent;       /* of all relays */
    unsigned repeat_percent;     /* of all relays: delivered twice */
    unsigned reorder_percent;    /* may overtake others of the same pair */
    unsigned lost_offer_percent; /* of OFFERs, beside drop_percent */
    bool swallows_crossing;      /* as our server; else each negotiation is answered, as the reference's */
    bool refuses_dead;           /* says so when the target is gone; else drops */
    bool (*passes)(const actri_relay_t *relay); /* a test's own choice; NULL: all */
    router_client_t clients[ROUTER_CLIENTS];
    int64_t last_role_ns[ROUTER_CLIENTS][ROUTER_CLIENTS];
    int64_t last_due_ns[ROUTER_CLIENTS][ROUTER_CLIENTS + 1]; /* the last: to the server */
    uint64_t relays, dropped, refused;
} router_t;

extern router_t router;

void router_reset(uint64_t seed);
/* Registers; the index is the client's handle. */
unsigned router_add(const actr_id_t *id, void (*deliver)(void *user, const actri_relay_t *relay), void *user);
/* The client is gone: nothing more is delivered to it. */
void router_remove(unsigned client);
actr_status_t router_relay(unsigned client, const actri_relay_t *relay, actr_error_t *error);

#endif
