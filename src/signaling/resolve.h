/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look-up of a host name, by getaddrinfo on a short-lived thread of its own, since it may block for as long as it
 * likes. Giving it up is immediate: the thread then ends by itself and frees the job.
 */
#ifndef ACTRI_SIGNALING_RESOLVE_H
#define ACTRI_SIGNALING_RESOLVE_H

#include <actr/status.h>
#include <stdbool.h>

#define ACTRI_ADDRESSES_MAX 8
#define ACTRI_ADDRESS_SIZE 64

typedef struct actri_addresses {
    unsigned count;
    char text[ACTRI_ADDRESSES_MAX][ACTRI_ADDRESS_SIZE]; /* numeric, IPv4 or IPv6 (with its scope) */
    char reason[128];                                   /* when there is none */
} actri_addresses_t;

typedef struct actri_resolve actri_resolve_t;

/* True at once, without a thread, when host is an address already. */
bool actri_resolve_numeric(const char *host, actri_addresses_t *out);
/* wake is called once, on the helper thread, unless the job is dropped before. */
ACTR_MUST_CHECK actr_status_t actri_resolve_start(const char *host, void (*wake)(void *user), void *user,
                                                  actri_resolve_t **out, actr_error_t *error);
/* True when it is done. */
bool actri_resolve_poll(actri_resolve_t *job, actri_addresses_t *out);
/* Finished or not; afterwards wake is not called any more. NULL is a no-op. */
void actri_resolve_drop(actri_resolve_t *job);

#endif
