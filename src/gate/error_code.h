/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors on the wire: which code an error reply carries (lifecycle-and-rpc 8), and which status a caller gets
 * from one. Between libactr nodes the metadata entry "actr-status" keeps the kind exact; the reference ignores
 * it. Pure.
 */
#ifndef ACTRI_ERROR_CODE_H
#define ACTRI_ERROR_CODE_H

#include "proto/envelope.h"

#define ACTRI_STATUS_KEY "actr-status"

/* What a handler's failure is to its caller, here or far: the same, or HANDLER_ERROR if that status means nothing but
 * to the node itself. */
actr_status_t actri_error_for_callers(actr_status_t status);
/* ErrorResponse.code of a status, as the reference counts. */
uint32_t actri_error_code(actr_status_t status);
/* Puts error, code and the status entry into an envelope that has none; the texts stay the caller's. */
void actri_envelope_set_error(actri_envelope_t *envelope, actr_status_t status, const char *message);
/* What an error reply means to the caller; fills error and returns its status. */
actr_status_t actri_envelope_get_error(const actri_envelope_t *envelope, actr_error_t *error);

#endif
