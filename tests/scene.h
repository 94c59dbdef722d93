/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes whose handlers a test gives as a table, beside fixture.h: one table for the workload, one for the Shell; a
 * place to wait for what handlers note.
 */
#ifndef ACTR_TESTS_SCENE_H
#define ACTR_TESTS_SCENE_H

#include "fixture.h"

struct scene;
typedef actr_status_t (*scene_fn)(struct scene *scene, actr_ctx_t *ctx, const actr_request_t *request,
                                  actr_bytes_t *reply);

typedef struct scene_route {
    const char *route;
    scene_fn serve;
} scene_route_t;

typedef struct scene {
    fixture_node_t n;                           /* mutex, changed, references */
    const scene_route_t *routes, *shell_routes; /* end with a NULL */
    unsigned count, count2;
    actr_dest_t peer; /* whom a handler calls */
    actr_reply_t *held;
    actr_buf_t *kept, *answer;
    actr_status_t seen;
    char text[400];
    char order[256];
    void *more;
} scene_t;

static inline actr_status_t scene_find(scene_t *scene, const scene_route_t *routes, actr_ctx_t *ctx,
                                       const actr_request_t *request, actr_bytes_t *reply)
{
    for (; routes != NULL && routes->route != NULL; routes++) {
        if (strcmp(routes->route, request->route) == 0) return routes->serve(scene, ctx, request, reply);
    }
    return ACTR_STATUS_UNKNOWN_ROUTE;
}

static inline actr_status_t scene_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,
                                           void *user)
{
    scene_t *scene = user;
    return scene_find(scene, scene->routes, ctx, request, reply);
}

static inline actr_status_t scene_shell(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    scene_t *scene = user;
    return scene_find(scene, scene->shell_routes, ctx, request, reply);
}

/* Everything but the start; the test may change *workload before scene_attach. */
static inline void scene_init(scene_t *scene, const scene_route_t *routes, const scene_route_t *shell_routes,
                              actr_workload_t *workload)
{
    memset(scene, 0, sizeof *scene);
    actri_mutex_init(&scene->n.mutex);
    actri_cond_init(&scene->n.changed);
    scene->routes = routes;
    scene->shell_routes = shell_routes;
    *workload = (actr_workload_t)ACTR_WORKLOAD_INIT;
    workload->dispatch = scene_dispatch;
    workload->user = scene;
}

static inline void scene_attach(scene_t *scene, const actr_config_t *config, const actr_workload_t *workload)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_system_new(config, &scene->n.system, &error), &error);
    assert_ok(actr_system_attach(scene->n.system, workload, &scene->n.node, &error), &error);
    if (scene->shell_routes != NULL) {
        assert_ok(actr_node_serve_shell(scene->n.node, scene_shell, scene, &error), &error);
    }
}

static inline void scene_open(scene_t *scene, const fixture_t *f, const char *name, const scene_route_t *routes,
                              const scene_route_t *shell_routes)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_workload_t workload;
    actr_config_t config = fixture_config(f, name);
    scene_init(scene, routes, shell_routes, &workload);
    scene_attach(scene, &config, &workload);
    assert_ok(actr_node_start(scene->n.node, &scene->n.ref, &error), &error);
}

static inline void scene_close(scene_t *scene)
{
    fixture_stop(&scene->n);
}

static inline void scene_note(scene_t *scene, char what)
{
    actri_lock(&scene->n.mutex);
    size_t size = strlen(scene->order);
    if (size + 1 < sizeof scene->order) scene->order[size] = what;
    scene->count++;
    actri_cond_broadcast(&scene->n.changed);
    actri_unlock(&scene->n.mutex);
}

/* A handler whose answer is the test's to give, by `held`. */
static inline actr_status_t scene_defer(scene_t *scene, actr_ctx_t *ctx, const actr_request_t *request,
                                        actr_bytes_t *reply)
{
    (void)request;
    (void)reply;
    actr_status_t status = actr_ctx_defer(ctx, &scene->held, NULL) == ACTR_OK ? ACTR_DEFERRED : ACTR_STATUS_INTERNAL;
    scene_note(scene, 'n');
    return status;
}

/* Calls from a handler and gives the answer back as its own; a failure with its text. */
static inline actr_status_t scene_forward(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                          const actr_request_t *request, actr_bytes_t *reply)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *answer = NULL;
    actr_status_t status = actr_ctx_call(ctx, dest, route, request->payload, NULL, &answer, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", error.message);
    *reply =
        (actr_bytes_t){actr_ctx_printf(ctx, "%.*s", (int)actr_buf_size(answer), (const char *)actr_buf_data(answer)),
                       actr_buf_size(answer)};
    actr_buf_release(answer);
    return ACTR_OK;
}

static inline actr_status_t scene_call(scene_t *scene, const actr_dest_t *dest, const char *route, const char *text,
                                       uint32_t timeout_ms, char reply_text[64], actr_error_t *error)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_buf_t *reply = NULL;
    options.timeout_ms = timeout_ms;
    actr_status_t status = actr_ctx_call(actr_ref_ctx(scene->n.ref), dest, route, (actr_bytes_t){text, strlen(text)},
                                         &options, &reply, error);
    if (status == ACTR_OK && reply_text != NULL) {
        (void)snprintf(reply_text, 64, "%.*s", (int)actr_buf_size(reply), (const char *)actr_buf_data(reply));
    }
    actr_buf_release(reply);
    return status;
}

#endif
