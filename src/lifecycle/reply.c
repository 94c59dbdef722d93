/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply handle: what a handler takes that answers later. It owns a context of its own, with what the request's had
 * to say about caller, time and trace. It may outlive the node. [any-thread]
 */
#include "lifecycle/node.h"

#include "port/clock.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEFERRED 4096

struct actr_reply {
    actri_deferred_t *deferred;
    actr_node_t *node;
    actr_ctx_t ctx;
    actri_incoming_t in;
    actri_arena_t arena; /* texts of `in` */
    actr_id_t caller;
};

static actri_span_t keep(actri_arena_t *arena, actri_span_t text)
{
    char *copy = text.size == 0 ? NULL : actri_arena_strndup(arena, (const char *)text.data, text.size);
    return actri_span(copy, copy == NULL ? 0 : text.size);
}

static actr_reply_t *new_reply(const actr_ctx_t *ctx)
{
    const actri_env_t *env = &ctx->node->system->env;
    actr_reply_t *reply = actri_zalloc(env, sizeof *reply);
    if (reply == NULL) return NULL;
    actri_arena_init(&reply->arena, env);
    reply->node = actri_node_retain(ctx->node);
    const actri_incoming_t *in = ctx->in;
    if (in->caller != NULL) {
        reply->caller = *in->caller;
        reply->in.caller = &reply->caller;
    }
    reply->in.request_id = actri_arena_strndup(&reply->arena, in->request_id, strlen(in->request_id));
    reply->in.request.route = actri_arena_strndup(&reply->arena, in->request.route, strlen(in->request.route));
    reply->in.request.is_tell = in->request.is_tell;
    reply->in.traceparent = keep(&reply->arena, in->traceparent);
    reply->in.tracestate = keep(&reply->arena, in->tracestate);
    reply->in.deadline_ns = in->deadline_ns;
    actri_ctx_init(&reply->ctx, ctx->node, &reply->in, reply->in.request_id, NULL, in->deadline_ns);
    reply->ctx.is_shell = ctx->is_shell;
    return reply;
}

static void free_reply(actr_reply_t *reply)
{
    actr_node_t *node = reply->node;
    actri_arena_clear(&reply->arena);
    actri_free(&node->system->env, reply);
    actr_node_release(node);
}

actr_status_t actr_ctx_defer(actr_ctx_t *ctx, actr_reply_t **out, actr_error_t *error)
{
    if (ctx == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or reply is NULL");
    if (ctx->in == NULL || ctx->in->turn == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "only a handler's context has a reply to defer");
    }
    actr_reply_t *reply = new_reply(ctx);
    if (reply == NULL) return actri_no_memory(error);
    uint32_t most = ctx->node->system->config.values.max_deferred_replies;
    actr_status_t status =
        reply->arena.failed ? actri_no_memory(error)
                            : actri_turn_defer(ctx->in->turn, most != 0 ? most : MAX_DEFERRED, &reply->deferred, error);
    if (status != ACTR_OK) {
        free_reply(reply);
        return status;
    }
    *out = reply;
    return ACTR_OK;
}

actr_ctx_t *actr_reply_ctx(actr_reply_t *reply)
{
    return &reply->ctx;
}

actr_status_t actr_reply_send(actr_reply_t *reply, actr_bytes_t payload, actr_error_t *error)
{
    if (reply == NULL || (payload.size > 0 && payload.data == NULL)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "reply or its payload is NULL");
    }
    return actri_deferred_answer(reply->deferred, ACTR_OK, payload, "", error);
}

actr_status_t actr_reply_fail(actr_reply_t *reply, actr_status_t status, const char *format, ...)
{
    char text[ACTR_ERROR_MESSAGE_SIZE];
    if (reply == NULL || status >= 0) return ACTR_STATUS_INVALID_ARGUMENT;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return actri_deferred_answer(reply->deferred, status, (actr_bytes_t){NULL, 0}, text, NULL);
}

void actr_reply_release(actr_reply_t *reply)
{
    if (reply == NULL) return;
    actri_deferred_release(reply->deferred);
    free_reply(reply);
}
