/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context factory: contexts for a given caller and request id, on a running node, or for tests on one that only
 * exists for that. [any-thread]
 */
#include "lifecycle/kept.h"

#include "port/clock.h"
#include "port/random.h"

#include <actr/testing.h>
#include <string.h>

struct actri_script {
    actr_test_call_fn on_call; /* NULL: nothing is called */
    void *user;
};

typedef struct made_ctx {
    actri_kept_t kept;
    actri_arena_t memory; /* what the context's user takes */
    actri_script_t script;
} made_ctx_t;

static made_ctx_t *made_of(actr_ctx_t *ctx)
{
    return ACTRI_CONTAINER(ctx, made_ctx_t, kept.ctx);
}

void actr_ctx_release(actr_ctx_t *ctx)
{
    if (ctx == NULL || !ctx->is_made) return;
    made_ctx_t *made = made_of(ctx);
    actri_arena_clear(&made->memory);
    actri_kept_free(&made->kept, made);
}

static actr_status_t make(actr_node_t *node, const actr_ctx_spec_t *given, actr_ctx_t **out, actr_error_t *error)
{
    char id[ACTRI_UUID_SIZE];
    actr_ctx_spec_t spec = ACTR_CTX_SPEC_INIT;
    if (given != NULL) memcpy(&spec, given, given->struct_size < sizeof spec ? given->struct_size : sizeof spec);
    made_ctx_t *made = actri_zalloc(&node->system->env, sizeof *made);
    if (made == NULL) return actri_no_memory(error);
    if (spec.request_id == NULL) actri_uuid_v4(id);
    actri_incoming_t in = {.caller = spec.caller,
                           .request_id = spec.request_id != NULL ? spec.request_id : id,
                           .deadline_ns = ACTRI_NEVER};
    if (spec.timeout_ms != 0) in.deadline_ns = actri_now_ns() + spec.timeout_ms * ACTRI_MS;
    if (spec.traceparent != NULL) in.traceparent = actri_span_text(spec.traceparent);
    if (spec.tracestate != NULL) in.tracestate = actri_span_text(spec.tracestate);
    actri_arena_init(&made->memory, &node->system->env);
    actr_status_t status = actri_kept_init(&made->kept, node, &in, error);
    made->kept.ctx.is_made = true;
    made->kept.ctx.arena = &made->memory;
    made->kept.in.arena = &made->memory;
    if (status != ACTR_OK) {
        actr_ctx_release(&made->kept.ctx);
        return status;
    }
    *out = &made->kept.ctx;
    return ACTR_OK;
}

actr_status_t actr_ref_make_ctx(actr_ref_t *ref, const actr_ctx_spec_t *spec, actr_ctx_t **ctx, actr_error_t *error)
{
    if (ref == NULL || ctx == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ref or ctx is NULL");
    return make(ref->node, spec, ctx, error);
}

/* ---- for tests ---- */

actr_status_t actri_script_call(const actri_script_t *script, const actr_dest_t *dest, const char *route,
                                actr_bytes_t payload, bool is_tell, actr_buf_t **reply, actr_error_t *error)
{
    actr_buf_t *answer = NULL;
    if (script->on_call == NULL) return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "the test plays nobody to call");
    if (dest == NULL || route == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "dest or route is NULL");
    actr_status_t status = script->on_call(dest, route, payload, is_tell, &answer, script->user);
    if (status == ACTR_OK && reply != NULL) {
        *reply = answer;
        return ACTR_OK;
    }
    actr_buf_release(answer);
    return status >= 0 ? ACTR_OK : actri_fail(error, status, "%s: %s", route, actr_status_str(status));
}

/* A node that is never started. */
static actr_status_t test_node(const actr_test_options_t *options, actr_node_t **node, actr_error_t *error)
{
    actr_config_t hooks = ACTR_CONFIG_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    hooks.allocator = options->allocator;
    actr_system_t *system = actri_system_bare(&hooks);
    if (system == NULL) return actri_no_memory(error);
    actr_status_t status = actr_system_attach(system, &workload, node, error);
    actr_system_release(system);
    if (status != ACTR_OK) return status;
    (*node)->is_test = true;
    status = actri_node_add_identity(*node, &options->self, error);
    if (status != ACTR_OK) actr_node_release(*node);
    return status;
}

actr_status_t actr_test_ctx_new(const actr_test_options_t *given, actr_ctx_t **ctx, actr_error_t *error)
{
    actr_test_options_t options = ACTR_TEST_OPTIONS_INIT;
    actr_node_t *node = NULL;
    if (ctx == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx is NULL");
    if (given != NULL) {
        memcpy(&options, given, given->struct_size < sizeof options ? given->struct_size : sizeof options);
    }
    actr_status_t status = test_node(&options, &node, error);
    if (status != ACTR_OK) return status;
    status = make(node, options.request.struct_size == 0 ? NULL : &options.request, ctx, error);
    actr_node_release(node);
    if (status != ACTR_OK) return status;
    made_ctx_t *made = made_of(*ctx);
    made->script = (actri_script_t){options.on_call, options.user};
    made->kept.ctx.script = &made->script;
    return ACTR_OK;
}

actr_status_t actr_test_dispatch(actr_ctx_t *ctx, actr_dispatch_fn dispatch, void *user, const char *route,
                                 actr_bytes_t payload, actr_bytes_t *reply, actr_error_t *error)
{
    if (ctx == NULL || ctx->script == NULL || route == NULL || reply == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a test context, a route and a reply are needed");
    }
    made_ctx_t *made = made_of(ctx);
    made->kept.in.request.route = route;
    made->kept.in.request.payload = payload;
    ctx->failure = ACTR_OK;
    *reply = (actr_bytes_t){NULL, 0};
    actr_status_t status = actri_run_handler(ctx, dispatch, user, reply, error);
    if (status >= 0 && made->memory.failed) status = actri_no_memory(error);
    if (status < 0) *reply = (actr_bytes_t){NULL, 0};
    return status;
}
