/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as chunks of data streams. [any-thread] */
#include <actr/service.h>

#include "lifecycle/node.h"
#include "proto/pb_depth.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

actr_status_t actr_message_send(actr_ctx_t *ctx, const actr_dest_t *dest, const void *message,
                                const actr_chunk_t *chunk, const actr_send_options_t *options, actr_error_t *error)
{
    if (ctx == NULL || message == NULL || chunk == NULL || chunk->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, message, chunk or its struct_size is missing");
    }
    const actri_env_t *env = ctx->node == NULL ? NULL : &ctx->node->system->env;
    size_t size = protobuf_c_message_get_packed_size(message);
    actr_buf_t *buffer = actri_buf_new(env, size);
    if (buffer == NULL) return actri_no_memory(error);
    (void)protobuf_c_message_pack(message, buffer->data);
    actr_chunk_t full = ACTR_CHUNK_INIT;
    memcpy(&full, chunk, chunk->struct_size < sizeof full ? chunk->struct_size : sizeof full);
    full.struct_size = sizeof full;
    full.buffer = buffer;
    actr_status_t status = actr_ctx_send_chunk(ctx, dest, &full, options, error);
    actr_buf_release(buffer);
    return status;
}

actr_status_t actr_message_receive(const ProtobufCMessageDescriptor *type, const actr_chunk_t *chunk, void **message,
                                   actr_error_t *error)
{
    if (type == NULL || chunk == NULL || message == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "type, chunk or message is NULL");
    }
    *message = NULL;
    if (chunk->kind == ACTR_CHUNK_DATA && actri_pb_depth_ok(type, chunk->payload, ACTRI_PB_DEPTH_MAX)) {
        *message = protobuf_c_message_unpack(type, NULL, chunk->payload.size, chunk->payload.data);
    }
    if (*message != NULL) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_DECODE, "Failed to decode %s: a chunk of %zu bytes of stream %.100s",
                      type->name, chunk->payload.size, chunk->stream_id);
}
