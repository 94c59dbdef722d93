/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development signaling server: `actr signaling`, and in process for tests. A thread of its own. Every realm is
 * accepted, tokens live in memory, there is no TLS: for development and tests, not for the open network.
 */
#ifndef ACTRI_SERVER_H
#define ACTRI_SERVER_H

#include "server/core.h"

typedef struct actri_server actri_server_t;

typedef struct actri_server_options {
    const actri_env_t *env;
    const char *listen;                          /* "127.0.0.1:8081"; port 0: any free one */
    void (*trace)(void *user, const char *line); /* for people; on the server's thread; may be NULL */
    void *trace_user;
} actri_server_options_t;

/* Listens when it returns. IO: the address is taken, or none of this machine's. */
ACTR_MUST_CHECK actr_status_t actri_server_new(const actri_server_options_t *options, actri_server_t **out,
                                               actr_error_t *error);
/* Ends the thread; nodes see their socket end. NULL is a no-op. */
void actri_server_free(actri_server_t *server);

uint16_t actri_server_port(const actri_server_t *server);
/* "ws://127.0.0.1:8081/signaling/ws"; returns text. */
const char *actri_server_url(const actri_server_t *server, char *text, size_t size);

/* For tests: changes the switches of the core under its lock. [any-thread] */
void actri_server_switch(actri_server_t *server, void (*change)(actri_core_switches_t *switches, void *user),
                         void *user);
/* Refuses new connections (their socket is closed at once) while on. [any-thread] */
void actri_server_refuse_connections(actri_server_t *server, bool on);
/* Closes the socket of an actor; forget: its registration too. False when it is not connected. [any-thread] */
bool actri_server_kick(actri_server_t *server, const actr_id_t *id, bool forget);

typedef struct actri_server_counts {
    size_t online;
    uint64_t registrations, unregistrations;
} actri_server_counts_t;
/* Waits until check says true, or the monotonic deadline; the last counts are in *counts. [any-thread] */
bool actri_server_wait(actri_server_t *server, bool (*check)(const actri_server_counts_t *counts, void *user),
                       void *user, int64_t deadline_ns, actri_server_counts_t *counts);

#endif
