/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the public API against a development server in process, for the integration tests. */
#ifndef ACTR_TESTS_FIXTURE_H
#define ACTR_TESTS_FIXTURE_H

#include "check.h"

#include "port/clock.h"
#include "port/thread.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE_LIMIT_NS (30 * ACTRI_SECOND)

/* One node with what it has seen. Its workload: x.Echo, x.Fail, x.Panic, x.Slow (waits for `gate`), x.Note, x.Back. */
typedef struct fixture_node {
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *ref;
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned signaling_connected, echoes, notes, slow_begun, slow_ended, peers_connected, peers_closed, pressed,
        started, stopped, ready;
    bool gate_open;
    actr_status_t start_result; /* what on_start returns */
    char notes_seen[64][32];
} fixture_node_t;

typedef struct fixture {
    actri_server_t *server;
    char url[128];
} fixture_t;

static inline void fixture_open(fixture_t *f)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_server_options_t options = {.listen = "127.0.0.1:0"};
    assert_ok(actri_server_new(&options, &f->server, &error), &error);
    (void)actri_server_url(f->server, f->url, sizeof f->url);
}

static inline void fixture_close(fixture_t *f)
{
    actri_server_free(f->server);
}

static inline void fixture_changed(fixture_node_t *n, unsigned *counter)
{
    actri_lock(&n->mutex);
    (*counter)++;
    actri_cond_broadcast(&n->changed);
    actri_unlock(&n->mutex);
}

/* Waits until *counter is at least `least`. */
static inline void fixture_wait(fixture_node_t *n, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    actri_lock(&n->mutex);
    while (*counter < least) {
        if (!actri_cond_wait(&n->changed, &n->mutex, deadline)) fail_msg("waited for %u, have %u", least, *counter);
    }
    actri_unlock(&n->mutex);
}

static inline void fixture_open_gate(fixture_node_t *n)
{
    actri_lock(&n->mutex);
    n->gate_open = true;
    actri_cond_broadcast(&n->changed);
    actri_unlock(&n->mutex);
}

static inline actr_status_t fixture_slow(fixture_node_t *n)
{
    int64_t deadline = actri_now_ns() + FIXTURE_LIMIT_NS;
    fixture_changed(n, &n->slow_begun);
    actri_lock(&n->mutex);
    bool in_time = true;
    while (!n->gate_open && in_time) in_time = actri_cond_wait(&n->changed, &n->mutex, deadline);
    n->slow_ended++;
    actri_cond_broadcast(&n->changed);
    actri_unlock(&n->mutex);
    return ACTR_OK;
}

/* Calls x.Echo of the caller and gives back its reply. */
static inline actr_status_t fixture_back(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *answer = NULL;
    if (actr_ctx_caller_id(ctx) == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_INVALID_STATE, "no caller");
    actr_dest_t caller = actr_dest_actor(actr_ctx_caller_id(ctx));
    actr_status_t status = actr_ctx_call(ctx, &caller, "x.Echo", request->payload, NULL, &answer, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    void *copy = actr_ctx_alloc(ctx, actr_buf_size(answer));
    if (copy != NULL) memcpy(copy, actr_buf_data(answer), actr_buf_size(answer));
    *reply = (actr_bytes_t){copy, actr_buf_size(answer)};
    actr_buf_release(answer);
    return ACTR_OK;
}

static inline actr_status_t fixture_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,
                                             void *user)
{
    fixture_node_t *n = user;
    if (strcmp(request->route, "x.Echo") == 0) {
        fixture_changed(n, &n->echoes);
        *reply = request->payload;
        return ACTR_OK;
    }
    if (strcmp(request->route, "x.Note") == 0) {
        unsigned at = n->notes % 64;
        (void)snprintf(n->notes_seen[at], 32, "%.*s", (int)request->payload.size, (const char *)request->payload.data);
        fixture_changed(n, &n->notes);
        return ACTR_OK;
    }
    if (strcmp(request->route, "x.Fail") == 0) return actr_ctx_fail(ctx, ACTR_STATUS_PERMISSION_DENIED, "as asked");
    if (strcmp(request->route, "x.Panic") == 0) return actr_ctx_panic(ctx, "as asked");
    if (strcmp(request->route, "x.Slow") == 0) return fixture_slow(n);
    if (strcmp(request->route, "x.Back") == 0) return fixture_back(ctx, request, reply);
    if (strcmp(request->route, "x.Self") == 0) {
        actr_dest_t local = actr_dest_local();
        return actr_ctx_call(ctx, &local, "x.Echo", request->payload, NULL, NULL, NULL);
    }
    if (strcmp(request->route, "x.OwnId") == 0) {
        actr_dest_t self = actr_dest_actor(actr_ctx_self_id(ctx));
        return actr_ctx_call(ctx, &self, "x.Echo", request->payload, NULL, NULL, NULL);
    }
    return ACTR_STATUS_UNKNOWN_ROUTE;
}

static inline actr_status_t fixture_on_start(actr_ctx_t *ctx, void *user)
{
    fixture_node_t *n = user;
    fixture_changed(n, &n->started);
    return n->start_result == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, n->start_result, "the test said so");
}

static inline void fixture_on_ready(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    fixture_changed(user, &((fixture_node_t *)user)->ready);
}

static inline void fixture_on_stop(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    fixture_changed(user, &((fixture_node_t *)user)->stopped);
}

static inline void fixture_on_event(const actr_event_t *event, void *user)
{
    fixture_node_t *n = user;
    if (event->kind == ACTR_EVENT_SIGNALING_CONNECTED) fixture_changed(n, &n->signaling_connected);
    if (event->kind == ACTR_EVENT_PEER_CONNECTED) fixture_changed(n, &n->peers_connected);
    if (event->kind == ACTR_EVENT_PEER_CLOSED) fixture_changed(n, &n->peers_closed);
    if (event->kind == ACTR_EVENT_MAILBOX_BACKPRESSURE) fixture_changed(n, &n->pressed);
}

static inline actr_config_t fixture_config(const fixture_t *f, const char *name)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    config.signaling_url = f->url;
    config.package_name = name;
    config.manufacturer = "acme";
    config.name = name;
    config.realm = 1001;
    return config;
}

/* Makes the node; start is fixture_start's. */
static inline void fixture_attach(fixture_node_t *n, const actr_config_t *config)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    memset(n, 0, sizeof *n);
    actri_mutex_init(&n->mutex);
    actri_cond_init(&n->changed);
    workload.dispatch = fixture_dispatch;
    workload.on_start = fixture_on_start;
    workload.on_ready = fixture_on_ready;
    workload.on_stop = fixture_on_stop;
    workload.on_event = fixture_on_event;
    workload.user = n;
    assert_ok(actr_system_new(config, &n->system, &error), &error);
    assert_ok(actr_system_attach(n->system, &workload, &n->node, &error), &error);
}

static inline void fixture_start(fixture_node_t *n, const actr_config_t *config)
{
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_attach(n, config);
    assert_ok(actr_node_start(n->node, &n->ref, &error), &error);
}

static inline void fixture_node(fixture_node_t *n, const fixture_t *f, const char *name)
{
    actr_config_t config = fixture_config(f, name);
    fixture_start(n, &config);
}

static inline void fixture_stop(fixture_node_t *n)
{
    fixture_open_gate(n);
    fixture_wait(n, &n->slow_ended, n->slow_begun); /* a shutdown that timed out does not wait for it */
    actr_ref_release(n->ref);
    actr_node_release(n->node);
    actr_system_release(n->system);
    actri_cond_destroy(&n->changed);
    actri_mutex_destroy(&n->mutex);
}

static inline actr_dest_t fixture_find(fixture_node_t *n, const char *name)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type = {"acme", ""};
    actr_id_t id;
    size_t count = 1;
    (void)snprintf(type.name, sizeof type.name, "%s", name);
    assert_ok(actr_ref_discover(n->ref, &type, 0, &id, &count, &error), &error);
    return actr_dest_actor(&id);
}

static inline actr_status_t fixture_call(fixture_node_t *n, const actr_dest_t *dest, const char *route,
                                         const char *text, uint32_t timeout_ms, actr_error_t *error)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_buf_t *reply = NULL;
    options.timeout_ms = timeout_ms;
    actr_status_t status =
        actr_ctx_call(actr_ref_ctx(n->ref), dest, route, (actr_bytes_t){text, strlen(text)}, &options, &reply, error);
    if (status == ACTR_OK && strcmp(route, "x.Echo") == 0) {
        assert_int_equal(actr_buf_size(reply), strlen(text));
        assert_memory_equal(actr_buf_data(reply), text, strlen(text));
    }
    actr_buf_release(reply);
    return status;
}

#endif
