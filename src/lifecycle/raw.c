/* SPDX-License-Identifier: Apache-2.0 */
/* The names that the reference's users look for. [any-thread] */
#include <actr/system.h>

static actr_call_options_t options_of(actr_payload_type_t payload_type, uint32_t timeout_ms)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.payload_type = payload_type;
    options.timeout_ms = timeout_ms;
    return options;
}

actr_status_t actr_ctx_call_raw(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                actr_payload_type_t payload_type, actr_bytes_t payload, uint32_t timeout_ms,
                                actr_buf_t **reply, actr_error_t *error)
{
    actr_call_options_t options = options_of(payload_type, timeout_ms);
    return actr_ctx_call(ctx, dest, route, payload, &options, reply, error);
}

actr_status_t actr_ctx_tell_raw(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                actr_payload_type_t payload_type, actr_bytes_t payload, actr_error_t *error)
{
    actr_call_options_t options = options_of(payload_type, 0);
    return actr_ctx_tell(ctx, dest, route, payload, &options, error);
}
