/* SPDX-License-Identifier: Apache-2.0 */
/* A context of a request, as the node makes one. */
#include "harness.h"

#include "lifecycle/node.h"

#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool harness_dispatch_env(const void *env, actr_dispatch_fn dispatch, void *user, const char *route,
                          const void *payload, size_t size, harness_reply_t *reply)
{
    actri_arena_t arena;
    actr_ctx_t ctx;
    actr_bytes_t bytes = {NULL, 0};
    actr_request_t request = {.route = route, .payload = {payload, size}};
    memset(reply, 0, sizeof *reply);
    actri_arena_init(&arena, env);
    actri_ctx_init(&ctx, NULL, NULL, "test", &arena, 0);
    reply->status = dispatch(&ctx, &request, &bytes, user);
    reply->size = bytes.size < sizeof reply->data ? bytes.size : sizeof reply->data;
    if (reply->size > 0) memcpy(reply->data, bytes.data, reply->size);
    if (ctx.failure != 0) (void)snprintf(reply->message, sizeof reply->message, "%s", ctx.message);
    bool failed = arena.failed;
    actri_arena_clear(&arena);
    return failed;
}

void harness_dispatch(actr_dispatch_fn dispatch, void *user, const char *route, const void *payload, size_t size,
                      harness_reply_t *reply)
{
    (void)harness_dispatch_env(NULL, dispatch, user, route, payload, size, reply);
}

struct harness_server {
    actri_server_t *server;
    char url[128];
};

harness_server_t *harness_server_open(void)
{
    harness_server_t *harness = calloc(1, sizeof *harness);
    actri_server_options_t options = {.listen = "127.0.0.1:0"};
    if (harness == NULL) return NULL;
    if (actri_server_new(&options, &harness->server, NULL) != ACTR_OK) {
        free(harness);
        return NULL;
    }
    (void)actri_server_url(harness->server, harness->url, sizeof harness->url);
    return harness;
}

const char *harness_server_url(harness_server_t *server)
{
    return server->url;
}

void harness_server_close(harness_server_t *server)
{
    actri_server_free(server->server);
    free(server);
}
