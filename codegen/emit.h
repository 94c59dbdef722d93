/* SPDX-License-Identifier: Apache-2.0 */
/* A model as C: the header and the source that are generated, clean in C11 and in C++17. Pure. */
#ifndef ACTR_CODEGEN_EMIT_H
#define ACTR_CODEGEN_EMIT_H

#include "codegen/model.h"
#include "codegen/text.h"

void emit_header(text_t *out, const model_t *model); /* header.c */
void emit_source(text_t *out, const model_t *model); /* source.c */

/* stream.c: what stands for a streaming method, in the handlers, the header, before the table, in it, and behind it. */
void emit_stream_member(text_t *out, const method_t *method);
void emit_stream_header(text_t *out, const service_t *service, const method_t *method);
void emit_stream_serve(text_t *out, const service_t *service, const method_t *method);
void emit_stream_row(text_t *out, const service_t *service, const method_t *method);
void emit_stream_calls(text_t *out, const service_t *service, const method_t *method);

#endif
