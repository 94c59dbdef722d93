/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of the simulation: the real peer gate, transport and coordinator on the fake loop, and books about all that
 * they must keep: each call ends once, sessions begin and end in turns, requests arrive at most once and in order.
 */
#ifndef ACTR_TESTS_SIM_NODE_H
#define ACTR_TESTS_SIM_NODE_H

#include "fake_rtc.h"
#include "gate/peer_gate.h"
#include "router.h"

#define SIM_CALLS 4096
#define SIM_NODES 8

typedef struct sim_node sim_node_t;

typedef struct sim_call {
    sim_node_t *from;
    actr_id_t from_id;
    actr_id_t to;
    uint32_t number, size;
    bool is_tell, ended;
    actri_call_t *started; /* until it ends: to look at */
    actr_payload_type_t lane;
    int64_t deadline_ns;
    actr_status_t status;
    actr_retry_t retry;
    unsigned handled;  /* by whoever it was sent to */
    unsigned arrivals; /* a repetition is known as such, as a node's mailbox does */
    unsigned repeats;  /* times that it was sent again, as far as is known */
} sim_call_t;

/* One session, as its node was told of it. */
typedef struct sim_session {
    actr_id_t peer;
    uint64_t number;
    bool open;
    uint32_t last_number[2]; /* of the requests that came, by lane */
} sim_session_t;

struct sim_node {
    actri_env_t env;
    long blocks; /* alive */
    struct actri_certificate certificate;
    actr_id_t id;
    unsigned client; /* of the router */
    bool alive;
    actri_peer_gate_t *gate;
    sim_session_t sessions[64];
    size_t session_count;
    int behaviour;                          /* percent of requests that get no answer */
    actr_event_kind_t told[FAKE_HOSTS + 8]; /* the last event, by peer */
};

/* What happens to a request; the default answers at once, later, or never. */
typedef struct sim {
    rng_t rng;
    sim_node_t nodes[SIM_NODES];
    sim_call_t calls[SIM_CALLS];
    uint32_t call_count;
    uint64_t hash; /* of all that was seen: two runs of one seed must agree */
    uint64_t next_serial, first_session;
    unsigned memory_permille; /* of allocations that fail */
    bool calm;                /* every request is answered at once */
    bool verbose;
    uint64_t oks, fails;
} sim_t;

extern sim_t sim;

/* Says what is wrong, with the seed, and ends the program. */
_Noreturn void sim_fail(const char *format, ...) ACTR_PRINTF(1, 2);
/* One line of what happens, into the hash; printed when verbose. */
void sim_note(const char *format, ...) ACTR_PRINTF(1, 2);

/* A fresh node on a fresh host; NULL when there is no place. */
sim_node_t *sim_node_start(void);
/* Its process dies: nothing that it says is heard. Or it closes in good order. */
void sim_node_stop(sim_node_t *node, bool crash);
/* Starts a call or tell; NULL when the gate refused. */
sim_call_t *sim_call(sim_node_t *from, const actr_id_t *to, bool is_tell, uint32_t timeout_ms);
/* What must hold at any time: every call that is over its time has ended, the books about sessions agree. */
void sim_check(void);
/* What must hold once all is quiet: a session has its other end. */
void sim_check_pairs(void);
size_t sim_open_calls(void);

#endif
