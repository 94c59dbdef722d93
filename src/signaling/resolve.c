/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/resolve.h"

#include "base/env.h"
#include "port/thread.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From malloc, not from the system's allocator: a look-up that hangs may outlive the system. */
struct actri_resolve {
    actri_mutex_t mutex;
    actri_thread_t thread;
    unsigned refs; /* the thread's and the owner's */
    bool done;
    void (*wake)(void *user);
    void *user;
    actri_addresses_t found;
    char host[256];
};

bool actri_resolve_numeric(const char *host, actri_addresses_t *out)
{
    struct in6_addr address; /* room for both */
    if (inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1) return false;
    if (strlen(host) >= ACTRI_ADDRESS_SIZE) return false;
    memset(out, 0, sizeof *out);
    out->count = 1;
    memcpy(out->text[0], host, strlen(host) + 1);
    return true;
}

static void release(actri_resolve_t *job) /* takes the lock over */
{
    bool last = --job->refs == 0;
    actri_unlock(&job->mutex);
    if (!last) return;
    actri_mutex_destroy(&job->mutex);
    free(job);
}

static void collect(const struct addrinfo *list, actri_addresses_t *out)
{
    for (const struct addrinfo *at = list; at != NULL && out->count < ACTRI_ADDRESSES_MAX; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, out->text[out->count], ACTRI_ADDRESS_SIZE, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            out->count++;
        }
    }
}

static void look_up(void *argument)
{
    actri_resolve_t *job = argument;
    actri_addresses_t found = {0};
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(job->host, NULL, &hints, &list);
    if (result == 0) collect(list, &found);
    if (list != NULL) freeaddrinfo(list);
    if (found.count == 0) {
        const char *why = result != 0 ? gai_strerror(result) : "it has no address";
        (void)snprintf(found.reason, sizeof found.reason, "%s", why);
    }
    actri_lock(&job->mutex);
    job->found = found;
    job->done = true;
    if (job->wake != NULL) job->wake(job->user);
    release(job);
}

actr_status_t actri_resolve_start(const char *host, void (*wake)(void *user), void *user, actri_resolve_t **out,
                                  actr_error_t *error)
{
    if (strlen(host) >= sizeof((actri_resolve_t *)0)->host) {
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the host name is longer than 255 bytes");
    }
    actri_resolve_t *job = calloc(1, sizeof *job);
    if (job == NULL) return actri_no_memory(error);
    actri_mutex_init(&job->mutex);
    job->refs = 2;
    job->wake = wake;
    job->user = user;
    memcpy(job->host, host, strlen(host) + 1);
    actr_status_t status = actri_thread_start(&job->thread, "actr-resolve", look_up, job, error);
    if (status != ACTR_OK) {
        actri_mutex_destroy(&job->mutex);
        free(job);
        return status;
    }
    actri_thread_detach(&job->thread);
    *out = job;
    return ACTR_OK;
}

bool actri_resolve_poll(actri_resolve_t *job, actri_addresses_t *out)
{
    actri_lock(&job->mutex);
    bool done = job->done;
    if (done) *out = job->found;
    actri_unlock(&job->mutex);
    return done;
}

void actri_resolve_drop(actri_resolve_t *job)
{
    if (job == NULL) return;
    actri_lock(&job->mutex);
    job->wake = NULL;
    release(job);
}
