/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply handle: what a handler takes that answers later. It owns a context of its own, with what the request's had
 * to say about caller, time and trace. It may outlive the node. [any-thread]
 */
#include "lifecycle/kept.h"

#include "gate/error_code.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEFERRED 4096

struct actr_reply {
    actri_deferred_t *deferred;
    actri_kept_t kept;
};

actr_status_t actr_ctx_defer(actr_ctx_t *ctx, actr_reply_t **out, actr_error_t *error)
{
    if (ctx == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or reply is NULL");
    if (ctx->in == NULL || ctx->in->turn == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "only a handler's context has a reply to defer");
    }
    actr_reply_t *reply = actri_zalloc(&ctx->node->system->env, sizeof *reply);
    if (reply == NULL) return actri_no_memory(error);
    uint32_t most = ctx->node->system->config.values.max_deferred_replies;
    actr_status_t status = actri_kept_init(&reply->kept, ctx->node, ctx->in, error);
    reply->kept.ctx.is_shell = ctx->is_shell;
    if (status == ACTR_OK) {
        status = actri_turn_defer(ctx->in->turn, most != 0 ? most : MAX_DEFERRED, &reply->deferred, error);
    }
    if (status != ACTR_OK) {
        actri_kept_free(&reply->kept, reply);
        return status;
    }
    *out = reply;
    return ACTR_OK;
}

actr_ctx_t *actr_reply_ctx(actr_reply_t *reply)
{
    return reply == NULL ? NULL : &reply->kept.ctx;
}

actr_status_t actr_reply_send(actr_reply_t *reply, actr_bytes_t payload, actr_error_t *error)
{
    if (reply == NULL || (payload.size > 0 && payload.data == NULL)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "reply or its payload is NULL");
    }
    return actri_deferred_answer(reply->deferred, ACTR_OK, payload, "", error);
}

actr_status_t actr_reply_send_buf(actr_reply_t *reply, actr_buf_t *payload, actr_error_t *error)
{
    if (reply == NULL || payload == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "reply or its payload is NULL");
    }
    return actri_deferred_answer_buf(reply->deferred, payload, error);
}

actr_status_t actr_reply_fail(actr_reply_t *reply, actr_status_t status, const char *format, ...)
{
    char text[ACTR_ERROR_MESSAGE_SIZE];
    if (reply == NULL || status >= 0) return ACTR_STATUS_INVALID_ARGUMENT;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return actri_deferred_answer(reply->deferred, actri_error_for_callers(status), (actr_bytes_t){NULL, 0}, text, NULL);
}

void actr_reply_release(actr_reply_t *reply)
{
    if (reply == NULL) return;
    actri_deferred_release(reply->deferred);
    actri_kept_free(&reply->kept, reply);
}
