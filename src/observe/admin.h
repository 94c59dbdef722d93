/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local admin socket: what tools ask a running node. A Unix stream socket, mode 0600, only for processes of the
 * same user. A request is one line: a command and its arguments with tabs between. The answer is one line of JSON, with
 * "ok" first; on an error "status" and "error". Bounded: 4 KiB a request, 8 KiB an answer, 16 arguments, one client at
 * a time, 5 seconds for each line. One thread; commands run on it and may block on the disk.
 */
#ifndef ACTRI_ADMIN_H
#define ACTRI_ADMIN_H

#include "base/env.h"

#define ACTRI_ADMIN_REQUEST 4096
#define ACTRI_ADMIN_REPLY 8192
#define ACTRI_ADMIN_WORDS 16

typedef struct actri_admin actri_admin_t;

typedef struct actri_admin_command {
    const char *name;
    int least, most; /* arguments */
    /* Writes the members that follow "ok", such as "\"count\":3", or nothing, as zero-terminated text. */
    actr_status_t (*run)(void *user, int count, const char *const *arguments, char *members, size_t size,
                         actr_error_t *error);
} actri_admin_command_t;

/* Listens at `path`, in place of what lies there. The table ends with a NULL name and, like user, outlives it. */
ACTR_MUST_CHECK actr_status_t actri_admin_open(const actri_env_t *env, const char *path,
                                               const actri_admin_command_t *commands, void *user, actri_admin_t **out,
                                               actr_error_t *error);
/* Waits for the command that runs. NULL is a no-op. */
void actri_admin_close(actri_admin_t *admin);

/* The client's side: sends a request, waits for the answer (at most 5 s for its first byte, and each further one).
 * NOT_FOUND: nobody listens there. */
ACTR_MUST_CHECK actr_status_t actri_admin_ask(const char *path, const char *request, char *reply, size_t size,
                                              actr_error_t *error);

#endif
