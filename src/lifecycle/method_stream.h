/* SPDX-License-Identifier: Apache-2.0 */
/* The callee's side of streaming methods, for service.c; and the node's list of streaming calls. */
#ifndef ACTRI_METHOD_STREAM_H
#define ACTRI_METHOD_STREAM_H

#include "lifecycle/node.h"

#include <actr/method_stream.h>

/* Serves the request that begins a streaming call; `in` is its message, or NULL. In the handler's turn. */
actr_status_t actri_method_stream_serve(const actr_method_t *method, const void *handlers, actr_ctx_t *ctx,
                                        const actr_request_t *request, const void *in);
/* Ends all with SHUTTING_DOWN, and lets no more begin. Callable again. */
void actri_method_streams_close(actr_node_t *node);

#endif
