/* SPDX-License-Identifier: Apache-2.0 */
/* Calls by type: one after the other of the actors that discovery gives, within one time limit. [any-thread] */
#include "lifecycle/node.h"

#include "port/clock.h"

#define DEFAULT_CANDIDATES 3
#define MOST_CANDIDATES 32

/* The candidate has certainly not handled it. */
static bool may_try_next(actr_status_t status)
{
    switch (status) {
    case ACTR_STATUS_UNAVAILABLE:
    case ACTR_STATUS_SHUTTING_DOWN:
    case ACTR_STATUS_MAILBOX_FULL:
    case ACTR_STATUS_MAILBOX_IO:
    case ACTR_STATUS_LIMIT_REACHED: return true;
    default: return false;
    }
}

static actr_status_t check(const actr_ctx_t *ctx, const actr_type_t *type, const actr_call_options_t *options,
                           actr_error_t *error)
{
    if (ctx == NULL || type == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or type is NULL");
    if (options->max_candidates <= MOST_CANDIDATES) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%u candidates, %d are the limit", options->max_candidates,
                      MOST_CANDIDATES);
}

actr_status_t actr_ctx_call_type(actr_ctx_t *ctx, const actr_type_t *type, const char *route, actr_bytes_t payload,
                                 const actr_call_options_t *given, actr_id_t *answered, actr_buf_t **reply,
                                 actr_error_t *error)
{
    actr_call_options_t options = actri_call_options(given);
    actr_id_t ids[MOST_CANDIDATES];
    if (reply != NULL) *reply = NULL;
    actr_status_t status = check(ctx, type, &options, error);
    if (status != ACTR_OK) return status;
    int64_t deadline = actri_ctx_deadline(ctx, actri_call_limit_ms(ctx, &options));
    size_t count = options.max_candidates != 0 ? options.max_candidates : DEFAULT_CANDIDATES;
    status = actri_ctx_discover_until(ctx, type, options.criteria, deadline, ids, &count, error);
    if (status != ACTR_OK) return status;
    for (size_t i = 0; i < count; i++) {
        actr_dest_t dest = actr_dest_actor(&ids[i]);
        int64_t now = actri_now_ns(), left = deadline - now;
        int64_t send_by = i + 1 == count ? 0 : now + left / (int64_t)(count - i);
        if (answered != NULL) *answered = ids[i];
        status = actri_ctx_call_until(ctx, &dest, route, payload, &options, deadline, send_by, reply, error);
        if (!may_try_next(status)) break;
    }
    return status;
}
