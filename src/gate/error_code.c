/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/error_code.h"

/* The statuses that travel by name. The code is what the reference sends for the like (signaling 8). */
static const struct {
    actr_status_t status;
    uint32_t code;
} codes[] = {
    {ACTR_STATUS_UNKNOWN_ROUTE, 404},
    {ACTR_STATUS_TARGET_NOT_FOUND, 404},
    {ACTR_STATUS_NOT_FOUND, 404},
    {ACTR_STATUS_PERMISSION_DENIED, 400},
    {ACTR_STATUS_DECODE, 400},
    {ACTR_STATUS_HANDLER_PANIC, 400},
    {ACTR_STATUS_HANDLER_ERROR, 400},
    {ACTR_STATUS_INVALID_ARGUMENT, 400},
    {ACTR_STATUS_INVALID_NAME, 400},
    {ACTR_STATUS_TIMEOUT, 504},
    {ACTR_STATUS_UNAVAILABLE, 503},
    {ACTR_STATUS_MAILBOX_FULL, 503},
    {ACTR_STATUS_MAILBOX_IO, 503},
    {ACTR_STATUS_SHUTTING_DOWN, 503},
    {ACTR_STATUS_LIMIT_REACHED, 503},
    {ACTR_STATUS_WOULD_DEADLOCK, 500},
    {ACTR_STATUS_INVALID_STATE, 500},
    {ACTR_STATUS_INTERNAL, 500},
    {ACTR_STATUS_NO_MEMORY, 500},
    {ACTR_STATUS_NOT_SUPPORTED, 500},
    {ACTR_STATUS_CANCELLED, 500},
    {ACTR_STATUS_TOO_LARGE, 500},
    {ACTR_STATUS_DELIVERY_UNCERTAIN, 503},
    {ACTR_STATUS_SIGNALING_UNAVAILABLE, 503},
    {ACTR_STATUS_REMOTE, 500},
};

actr_status_t actri_error_for_callers(actr_status_t status)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status) return status;
    }
    return ACTR_STATUS_HANDLER_ERROR;
}

uint32_t actri_error_code(actr_status_t status)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status) return codes[i].code;
    }
    return 500;
}

void actri_envelope_set_error(actri_envelope_t *envelope, actr_status_t status, const char *message)
{
    envelope->has_payload = false;
    envelope->has_error = true;
    envelope->error_code = actri_error_code(status);
    envelope->error_message = actri_span_text(message);
    if (envelope->metadata_count == ACTRI_METADATA_MAX) return; /* the code alone has to do */
    actri_meta_t *meta = &envelope->metadata[envelope->metadata_count++];
    meta->key = actri_span_text(ACTRI_STATUS_KEY);
    meta->value = actri_span_text(actr_status_name(status));
}

/* A peer without the entry: only what its code says for certain. */
static actr_status_t from_code(uint32_t code)
{
    switch (code) {
    case 403: return ACTR_STATUS_PERMISSION_DENIED;
    case 404: return ACTR_STATUS_UNKNOWN_ROUTE;
    case 503: return ACTR_STATUS_UNAVAILABLE;
    default: return ACTR_STATUS_REMOTE;
    }
}

static actr_status_t from_name(actri_span_t name, actr_status_t otherwise)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (actri_span_equal(name, actri_span_text(actr_status_name(codes[i].status)))) return codes[i].status;
    }
    return otherwise;
}

actr_status_t actri_envelope_get_error(const actri_envelope_t *envelope, actr_error_t *error)
{
    actr_status_t status = from_code(envelope->error_code);
    for (size_t i = 0; i < envelope->metadata_count; i++) {
        const actri_meta_t *meta = &envelope->metadata[i];
        if (actri_span_equal(meta->key, actri_span_text(ACTRI_STATUS_KEY))) status = from_name(meta->value, status);
    }
    int size = envelope->error_message.size > 300 ? 300 : (int)envelope->error_message.size;
    (void)actri_fail(error, status, "the peer answered with error %u: %.*s", envelope->error_code, size,
                     size == 0 ? "" : (const char *)envelope->error_message.data);
    if (error != NULL) error->remote_code = envelope->error_code;
    return status;
}
