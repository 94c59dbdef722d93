/* SPDX-License-Identifier: Apache-2.0 */
/* What `actr discover` and `actr call` share: options, a node that answers nothing, exit statuses. */
#ifndef ACTR_CLI_CLIENT_H
#define ACTR_CLI_CLIENT_H

#include "config/manifest.h"
#include "config/text.h"

#include <actr/actr.h>

typedef enum client_exit {
    CLIENT_OK = 0,
    CLIENT_FAILED = 1,
    CLIENT_USAGE = 2,
    CLIENT_REFUSED = 3, /* the callee answered with an error */
    CLIENT_NOBODY = 4,  /* no such actor */
    CLIENT_TIMEOUT = 5,
} client_exit_t;

#define CLIENT_OPTIONS                                                                                                 \
    "  --url URL          the signaling server (default: that of the Actr.toml, else "                                 \
    "ws://127.0.0.1:8081/signaling/ws)\n"                                                                              \
    "  --realm N          the realm (default: that of the Actr.toml, else 1001)\n"                                     \
    "  --config FILE      the Actr.toml (default: ./Actr.toml, if there is one)\n"                                     \
    "  --as TYPE          what to register as (default: actr+cli)\n"                                                   \
    "  --timeout SECONDS  for everything together (default: 15)\n"                                                     \
    "  --json             the result, and a failure too, as one line of JSON\n"
#define CLIENT_STATUSES                                                                                                \
    "Exit status: 0 done; 1 failed here or on the way; 2 wrong usage; 3 the callee answered with an error; 4 no "      \
    "such\n"                                                                                                           \
    "actor; 5 time is up.\n"

typedef struct client {
    const char *verb, *url, *config, *as;
    bool has_realm, json;
    uint32_t realm;
    int64_t deadline_ns;
    double timeout_s;
    actri_env_t env; /* of the manifest */
    bool has_manifest;
    actri_manifest_t manifest;
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *ref;
} client_t;

void client_init(client_t *client, const char *verb);
/* Takes argv[*i], and its value, when it is a shared option. 1: taken, 0: another one, -1: wrong. */
int client_option(client_t *client, int argc, char **argv, int *i);
/* Reads the Actr.toml if there is one. */
ACTR_MUST_CHECK actr_status_t client_configure(client_t *client, actr_error_t *error);
/* Connects and registers. */
ACTR_MUST_CHECK actr_status_t client_join(client_t *client, actr_error_t *error);
actr_ctx_t *client_ctx(client_t *client);
/* Milliseconds until the time is up; at least 1. */
uint32_t client_left(const client_t *client);
void client_close(client_t *client);

/* Says what failed, on standard error or as JSON; returns the exit status. */
int client_fail(const client_t *client, const actr_error_t *error, bool by_callee);
/* The text and a line end on standard output; returns the exit status. */
int client_print(const client_t *client, const actri_text_t *text);

#endif
