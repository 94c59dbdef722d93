/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/kept.h"

#include <string.h>

static actri_span_t keep(actri_arena_t *arena, actri_span_t text)
{
    char *copy = text.size == 0 ? NULL : actri_arena_strndup(arena, (const char *)text.data, text.size);
    return actri_span(copy, copy == NULL ? 0 : text.size);
}

actr_status_t actri_kept_init(actri_kept_t *kept, actr_node_t *node, const actri_incoming_t *in, actr_error_t *error)
{
    memset(kept, 0, sizeof *kept);
    actri_arena_t *arena = &kept->arena;
    actri_arena_init(arena, &node->system->env);
    (void)actri_node_retain(node);
    if (in->caller != NULL) {
        kept->caller = *in->caller;
        kept->in.caller = &kept->caller;
    }
    const char *route = in->request.route == NULL ? "" : in->request.route;
    kept->in.request_id = actri_arena_strndup(arena, in->request_id, strlen(in->request_id));
    kept->in.request.route = actri_arena_strndup(arena, route, strlen(route));
    kept->in.request.is_tell = in->request.is_tell;
    kept->in.traceparent = keep(arena, in->traceparent);
    kept->in.tracestate = keep(arena, in->tracestate);
    kept->in.deadline_ns = in->deadline_ns;
    actri_ctx_init(&kept->ctx, node, &kept->in, kept->in.request_id, NULL, in->deadline_ns);
    return arena->failed ? actri_no_memory(error) : ACTR_OK;
}

void actri_kept_free(actri_kept_t *kept, void *block)
{
    actr_node_t *node = kept->ctx.node;
    actri_arena_clear(&kept->arena);
    actri_free(&node->system->env, block);
    actr_node_release(node);
}
