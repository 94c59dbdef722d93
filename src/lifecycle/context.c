/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context: who asks, memory and failures of a handler. [any-thread]
 */
#include "lifecycle/node.h"

#include "dispatch/trust.h"

#include <stdio.h>
#include <string.h>

static _Thread_local const actr_ctx_t *current;

const actr_ctx_t *actri_ctx_current(void)
{
    return current;
}

const actr_ctx_t *actri_ctx_enter(const actr_ctx_t *ctx)
{
    const actr_ctx_t *outer = current;
    current = ctx;
    return outer;
}

void actri_ctx_leave(const actr_ctx_t *outer)
{
    current = outer;
}

void actri_ctx_init(actr_ctx_t *ctx, actr_node_t *node, const actri_incoming_t *in, const char *request_id,
                    actri_arena_t *arena, int64_t deadline_ns)
{
    memset(ctx, 0, offsetof(actr_ctx_t, message));
    ctx->message[0] = '\0';
    ctx->node = node;
    ctx->in = in;
    ctx->request_id = request_id;
    ctx->arena = arena;
    ctx->deadline_ns = deadline_ns;
}

const actr_id_t *actr_ctx_self_id(const actr_ctx_t *ctx)
{
    return ctx == NULL ? NULL : actri_node_id(ctx->node);
}

const actr_id_t *actr_ctx_caller_id(const actr_ctx_t *ctx)
{
    return ctx == NULL || ctx->in == NULL ? NULL : ctx->in->caller;
}

actr_assurance_t actr_ctx_caller_assurance(const actr_ctx_t *ctx)
{
    if (ctx == NULL) return (actr_assurance_t)0;
    const actr_id_t *caller = actr_ctx_caller_id(ctx);
    if (caller == NULL || actr_id_equal(caller, actri_node_id(ctx->node))) return ACTR_ASSURANCE_LOCAL;
    return actri_trust_assurance(&ctx->node->system->config.values, caller);
}

const char *actr_ctx_request_id(const actr_ctx_t *ctx)
{
    return ctx == NULL ? NULL : ctx->request_id;
}

static const char *trace_text(actr_ctx_t *ctx, actri_span_t text)
{
    bool there = ctx->arena != NULL && text.size > 0;
    return there ? actri_arena_strndup(ctx->arena, (const char *)text.data, text.size) : NULL;
}

const char *actr_ctx_traceparent(actr_ctx_t *ctx)
{
    return ctx == NULL || ctx->in == NULL ? NULL : trace_text(ctx, ctx->in->traceparent);
}

const char *actr_ctx_tracestate(actr_ctx_t *ctx)
{
    return ctx == NULL || ctx->in == NULL ? NULL : trace_text(ctx, ctx->in->tracestate);
}

actr_dest_t actr_dest_actor(const actr_id_t *id)
{
    actr_dest_t dest = {.kind = ACTR_DEST_ACTOR};
    if (id != NULL) dest.id = *id;
    return dest;
}

actr_dest_t actr_dest_local(void)
{
    return (actr_dest_t){.kind = ACTR_DEST_LOCAL};
}

actr_dest_t actr_dest_shell(void)
{
    return (actr_dest_t){.kind = ACTR_DEST_SHELL};
}

actr_status_t actri_dest_check(const actr_dest_t *dest, actr_error_t *error)
{
    if ((unsigned)dest->kind <= ACTR_DEST_ACTOR) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "there is no destination of kind %d", (int)dest->kind);
}

/* ---- buffers ---- */

actr_buf_t *actr_ctx_request_buf(const actr_ctx_t *ctx)
{
    return ctx == NULL || ctx->in == NULL ? NULL : ctx->in->buf;
}

void actr_ctx_reply_buf(actr_ctx_t *ctx, actr_buf_t *reply)
{
    actr_buf_t **to = ctx == NULL || ctx->in == NULL ? NULL : ctx->in->reply;
    if (to == NULL) { /* no handler's */
        actr_buf_release(reply);
        return;
    }
    actr_buf_release(*to);
    *to = reply;
}

/* ---- memory and failures of a handler ---- */

void *actr_ctx_alloc(actr_ctx_t *ctx, size_t size)
{
    return ctx == NULL || ctx->arena == NULL ? NULL : actri_arena_alloc(ctx->arena, size);
}

char *actr_ctx_printf(actr_ctx_t *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : actr_ctx_alloc(ctx, (size_t)size + 1);
    if (text == NULL) return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

actr_status_t actr_ctx_fail(actr_ctx_t *ctx, actr_status_t status, const char *format, ...)
{
    va_list arguments;
    if (ctx == NULL) return status;
    va_start(arguments, format);
    (void)vsnprintf(ctx->message, sizeof ctx->message, format, arguments);
    va_end(arguments);
    ctx->failure = status;
    return status;
}

actr_status_t actr_ctx_panic(actr_ctx_t *ctx, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return actr_ctx_fail(ctx, ACTR_STATUS_HANDLER_PANIC, "Handler panicked: %s", text);
}
