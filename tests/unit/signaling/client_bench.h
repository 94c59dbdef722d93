/* SPDX-License-Identifier: Apache-2.0 */
/* A signaling client over real sockets, and what it told us. For tests only. */
#ifndef ACTR_TESTS_CLIENT_BENCH_H
#define ACTR_TESTS_CLIENT_BENCH_H

#include "fake_server.h"
#include "signaling/signaling.h"

/* What the client told us, and a way to wait for it. */
typedef struct watch {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned states[4], identities, relays, refused, answers;
    actri_signaling_state_t state;
    actr_id_t id;
    char token[64], why[ACTR_ERROR_MESSAGE_SIZE], text[256];
    uint32_t code;
    actr_status_t answer;
    size_t count;
} watch_t;

static inline void watch_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    watch->state = state;
    watch->states[state]++;
    if (why != NULL) (void)snprintf(watch->why, sizeof watch->why, "%s", why->message);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static inline void watch_identity(void *user, const actri_identity_t *identity)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    watch->identities++;
    watch->id = identity->id;
    (void)snprintf(watch->token, sizeof watch->token, "%.*s", (int)identity->token_size, (const char *)identity->token);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static inline void watch_relay(void *user, const actri_relay_t *relay)
{
    watch_t *watch = user;
    actri_lock(&watch->mutex);
    if (relay->kind == ACTRI_RELAY_REFUSED) {
        watch->refused++;
        watch->code = relay->code;
    } else {
        watch->relays++;
    }
    (void)snprintf(watch->text, sizeof watch->text, "%s", relay->text == NULL ? "" : relay->text);
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static inline void watch_candidates(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                                    const actr_error_t *error)
{
    watch_t *watch = user;
    (void)error;
    actri_lock(&watch->mutex);
    watch->answers++;
    watch->answer = status;
    watch->count = count;
    if (count > 0) watch->id = ids[0];
    actri_cond_broadcast(&watch->changed);
    actri_unlock(&watch->mutex);
}

static const actri_signaling_handlers_t watch_handlers = {
    .on_state = watch_state, .on_identity = watch_identity, .on_relay = watch_relay};

static inline void watch_init(watch_t *watch)
{
    memset(watch, 0, sizeof *watch);
    actri_mutex_init(&watch->mutex);
    actri_cond_init(&watch->changed);
}

static inline void watch_clear(watch_t *watch)
{
    actri_cond_destroy(&watch->changed);
    actri_mutex_destroy(&watch->mutex);
}

static inline void watch_wait(watch_t *watch, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + 20 * ACTRI_SECOND;
    bool good = true;
    actri_lock(&watch->mutex);
    while (good && *counter < least) good = actri_cond_wait(&watch->changed, &watch->mutex, deadline);
    actri_unlock(&watch->mutex);
    assert_true(good);
}

static inline void watch_wait_online(watch_t *watch)
{
    int64_t deadline = actri_now_ns() + 20 * ACTRI_SECOND;
    bool good = true;
    actri_lock(&watch->mutex);
    while (good && watch->state != ACTRI_SIGNALING_REGISTERED) {
        good = actri_cond_wait(&watch->changed, &watch->mutex, deadline);
    }
    actri_unlock(&watch->mutex);
    assert_true(good);
}

static inline actri_signaling_t *client_of(const char *url, const actri_env_t *env, watch_t *watch)
{
    actri_signaling_t *client = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_signaling_options_t options = {.env = env, .url = url, .type = {"acme", "fake"}, .realm = 7, .form = 'A'};
    assert_ok(actri_signaling_new(&options, &watch_handlers, watch, &client, &error), &error);
    return client;
}

static inline actri_signaling_t *client_new(unsigned port, const char *host, watch_t *watch)
{
    char url[128];
    (void)snprintf(url, sizeof url, "ws://%s:%u/signaling/ws", host, port);
    return client_of(url, NULL, watch);
}

static inline int64_t in_seconds(int64_t seconds)
{
    return actri_now_ns() + seconds * ACTRI_SECOND;
}

static inline void started(actri_signaling_t *client)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_signaling_start(client, in_seconds(20), &error), &error);
}

static inline void stopped(actri_signaling_t *client)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_signaling_stop(client, in_seconds(20), &error), &error);
}

#endif
