/* SPDX-License-Identifier: Apache-2.0 */
/* What streams and media have in common, between context and registry. [any-thread] */
#ifndef ACTRI_LIFECYCLE_STREAM_H
#define ACTRI_LIFECYCLE_STREAM_H

#include "lifecycle/node.h"

/* 1 to ACTR_STREAM_ID_MAX bytes. */
ACTR_MUST_CHECK actr_status_t actri_ctx_check_id(const char *id, actr_error_t *error);
/* Fills in owner, pool and bounds of spec, and registers it. */
ACTR_MUST_CHECK actr_status_t actri_ctx_register(actr_ctx_t *ctx, actri_stream_spec_t *spec,
                                                 const actr_stream_options_t *options, actr_error_t *error);
ACTR_MUST_CHECK actr_status_t actri_ctx_unregister(actr_ctx_t *ctx, actri_stream_space_t space, const char *id,
                                                   actr_error_t *error);
/* One reference on the buffer, or on a copy of the bytes; NULL when memory is out. */
actr_buf_t *actri_ctx_payload(const actr_ctx_t *ctx, actr_buf_t *buffer, actr_bytes_t bytes);

#endif
