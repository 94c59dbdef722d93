/* SPDX-License-Identifier: Apache-2.0 */
/* A contract as the command line names it: .proto files, a folder of them, an Actr.toml, an entry of a lock file. */
#ifndef ACTR_CLI_PROTOS_H
#define ACTR_CLI_PROTOS_H

#include "compat/compatibility.h"
#include "compat/fingerprint.h"

typedef struct protos {
    actri_compat_file_t *files;    /* package: the file's name without ".proto"; name: its path */
    actri_proto_source_t *sources; /* the same, with the names that enter the fingerprint */
    size_t count, capacity;
    const char *fingerprint; /* of the lock file's entry; NULL: not known */
    bool single;             /* one .proto file was named */
    actri_arena_t arena;
} protos_t;

void protos_init(protos_t *contract);
/* Adds what `what` names: FILE.proto, FOLDER, Actr.toml, or LOCKFILE.toml#NAME. */
ACTR_MUST_CHECK actr_status_t protos_add(protos_t *contract, const char *what, actr_error_t *error);
void protos_clear(protos_t *contract);

/* Writes what stands in user, a FILE. */
void protos_write(void *user, const void *data, size_t size);

#endif
