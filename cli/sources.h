/* SPDX-License-Identifier: Apache-2.0 */
/* Where `actr call` has a contract from: a .proto file, the exports of an Actr.toml, or the signaling server. */
#ifndef ACTR_CLI_SOURCES_H
#define ACTR_CLI_SOURCES_H

#include "cli/contract/contract.h"
#include "client.h"

#define SOURCES_FOLDERS 16 /* -I */

typedef struct sources {
    contract_t contract;
    client_t *client;
    const char *folders[SOURCES_FOLDERS]; /* where imports are looked up, beside the file's own folder */
    size_t folder_count;
    char own_folder[512];
    actri_arena_t arena; /* the texts */
    const void *spec;    /* Actr__ServiceSpecA *, while it is read */
} sources_t;

void sources_init(sources_t *sources, client_t *client);
void sources_clear(sources_t *sources);
/* The method of a route. path: a .proto file, or NULL. Asks the server, for `type`, when nothing here knows. */
ACTR_MUST_CHECK actr_status_t sources_method(sources_t *sources, const char *path, const actr_type_t *type,
                                             const char *route, contract_method_t *out, actr_error_t *error);
/* A whole file, at most `most` bytes, in the arena; "-" is standard input. */
ACTR_MUST_CHECK actr_status_t sources_read(actri_arena_t *arena, const char *path, size_t most, actri_proto_text_t *out,
                                           actr_error_t *error);

#endif
