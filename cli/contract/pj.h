/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to a message's bytes and back, by the proto3 JSON mapping (also for proto2), driven by the tree of a .proto.
 * Pure; bounded in size and depth. Groups and extensions are not mapped. Errors name the path of the field.
 */
#ifndef ACTR_CLI_PJ_H
#define ACTR_CLI_PJ_H

#include "cli/contract/contract.h"
#include "config/text.h"
#include "proto/span.h"

#define PJ_TEXT_MAX ((size_t)4 << 20)
#define PJ_DEPTH_MAX 100 /* messages in messages */

/* Appends the encoded message to out. INVALID_ARGUMENT: the text is no JSON, or not of this message. */
ACTR_MUST_CHECK actr_status_t pj_to_bytes(const contract_t *contract, const actri_proto_message_t *type,
                                          const char *text, size_t size, actri_text_t *out, actr_error_t *error);

#define PJ_INDENT 1u   /* several lines, two blanks a level; else one line */
#define PJ_DEFAULTS 2u /* also the fields that have their default and no presence */

/* Appends the JSON text to out. DECODE: the bytes are not of this message. */
ACTR_MUST_CHECK actr_status_t pj_from_bytes(const contract_t *contract, const actri_proto_message_t *type,
                                            actri_span_t bytes, unsigned flags, actri_text_t *out, actr_error_t *error);

/* base64, both alphabets, with or without padding; false: it is none. */
bool pj_from_base64(const char *text, size_t size, actri_text_t *out);
void pj_add_base64(actri_span_t bytes, actri_text_t *out);

#endif
