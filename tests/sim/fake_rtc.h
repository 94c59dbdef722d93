/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peer connections without ICE, DTLS and SCTP: fake_rtc.c implements src/wire/rtc.h over in-memory pipes and the
 * virtual clock. Two of them meet when each has taken the other's description and the network between their hosts
 * lets them. What is modelled: time to connect, lanes that open one after the other, a bounded send buffer,
 * silence (5 s) and failure (30 s) of ICE, restarts, close_notify that may be lost.
 */
#ifndef ACTR_TESTS_FAKE_RTC_H
#define ACTR_TESTS_FAKE_RTC_H

#include "rng.h"
#include "wire/rtc.h"

#define FAKE_HOSTS 64

/* A host: what its node gives to its connections as certificate. */
struct actri_certificate {
    unsigned host;
};

typedef struct fake_net {
    rng_t rng;
    int64_t latency_ns;      /* of a message, at most */
    size_t send_buffer;      /* bytes before WOULD_BLOCK */
    unsigned refuse_percent; /* of actri_rtc_new */
    int64_t failed_ns;       /* silence after which ICE fails */
    bool plain_peers;        /* nobody says that it is a libactr node */
    bool lanes_open_late;    /* the lanes but RPC_RELIABLE take up to a second more */
    bool cut[FAKE_HOSTS][FAKE_HOSTS];
    bool dead[FAKE_HOSTS];
    uint64_t connections, messages, lost, notices_lost; /* statistics */
    uint64_t sent_on[ACTRI_RTC_LANES];
} fake_net_t;

extern fake_net_t fake_net;

void fake_net_reset(uint64_t seed);
bool fake_net_path(unsigned a, unsigned b);
/* Connections that have not been freed. */
size_t fake_rtc_alive(void);

#endif
