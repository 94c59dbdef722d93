/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mind of an ICE agent (RFC 8445, full, one component, trickle): local sockets are numbers, packets and the time
 * come in, packets go out through a function pointer. Pure: no socket, clock or thread. spec: webrtc 4.
 */
#ifndef ACTRI_ICE_CORE_H
#define ACTRI_ICE_CORE_H

#include "base/env.h"
#include "wire/address.h"
#include "wire/ice.h"

#define ACTRI_ICE_LOCALS 8
#define ACTRI_ICE_REMOTES 40 /* 32 candidates, and those that only show themselves */
#define ACTRI_ICE_PAIRS 128
#define ACTRI_UFRAG_SIZE 17
#define ACTRI_PWD_SIZE 33

typedef enum actri_candidate_type { ACTRI_HOST = 0, ACTRI_SRFLX, ACTRI_PRFLX, ACTRI_RELAY } actri_candidate_type_t;

typedef struct actri_candidate {
    actri_address_t address;
    actri_candidate_type_t type;
    uint32_t priority;
} actri_candidate_t;

typedef struct actri_ice_pair {
    uint8_t local, remote;
    enum { ACTRI_PAIR_WAITING = 0, ACTRI_PAIR_CHECKING, ACTRI_PAIR_GOOD, ACTRI_PAIR_BAD } state;
    bool triggered;      /* check it before the others */
    bool as_controlling; /* our role in the check under way */
    bool nominating;     /* the check under way says USE-CANDIDATE */
    bool peer_nominated; /* its check said so */
    uint64_t priority;
    uint8_t id[12];  /* of the check under way */
    unsigned sent;   /* how often */
    int64_t next_ns; /* when to send it again */
} actri_ice_pair_t;

typedef struct actri_ice_core {
    const actri_env_t *env;
    void (*send)(void *user, unsigned local, const actri_address_t *to, const uint8_t *data, size_t size);
    void (*on_state)(void *user, actri_ice_state_t state);
    void *user;
    bool controlling;
    uint64_t tie_breaker;
    char ufrag[ACTRI_UFRAG_SIZE], pwd[ACTRI_PWD_SIZE];
    char old_ufrag[ACTRI_UFRAG_SIZE], old_pwd[ACTRI_PWD_SIZE]; /* before a restart; still answered */
    char remote_ufrag[257], remote_pwd[257];
    actri_candidate_t locals[ACTRI_ICE_LOCALS], remotes[ACTRI_ICE_REMOTES];
    size_t local_count, remote_count, pair_count;
    actri_ice_pair_t pairs[ACTRI_ICE_PAIRS];
    actri_ice_state_t state;
    bool selected, restarted; /* restarted: the selected pair is of the former generation */
    uint8_t selected_local;
    actri_candidate_t selected_remote;
    uint8_t consent_id[12];
    int64_t heard_ns, consent_ns, check_ns, began_ns;
} actri_ice_core_t;

void actri_ice_core_init(actri_ice_core_t *core, const actri_env_t *env, bool controlling);
/* Adds a socket's address as a host candidate; its number, or -1. */
int actri_ice_core_add_local(actri_ice_core_t *core, const actri_address_t *address);
/* "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host" */
void actri_ice_core_print(const actri_ice_core_t *core, unsigned local, char *text, size_t size);
/* WIRE_PROTOCOL: not such a text, or a name instead of an address; NOT_SUPPORTED: refused by policy. */
ACTR_MUST_CHECK actr_status_t actri_candidate_parse(const char *text, bool loopback, actri_candidate_t *out,
                                                    actr_error_t *error);

void actri_ice_core_set_remote(actri_ice_core_t *core, const char *ufrag, const char *pwd, int64_t now_ns);
/* After set_remote; LIMIT_REACHED beyond 32. */
ACTR_MUST_CHECK actr_status_t actri_ice_core_add_remote(actri_ice_core_t *core, const actri_candidate_t *candidate,
                                                        actr_error_t *error);
/* New credentials; the selected pair carries on until the new checks have found one. */
void actri_ice_core_restart(actri_ice_core_t *core);

/* A datagram that came in on `local`: true when it was STUN and is dealt with. */
bool actri_ice_core_receive(actri_ice_core_t *core, unsigned local, const actri_address_t *from, const uint8_t *data,
                            size_t size, int64_t now_ns);
/* Does what is due; returns when to come again (INT64_MAX: not before something happens). */
int64_t actri_ice_core_tick(actri_ice_core_t *core, int64_t now_ns);

#endif
