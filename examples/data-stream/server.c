/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a stream of whoever registers one, and answers its last chunk on the same stream id.
 *   data-stream-server [Actr.toml]
 */
#include <stdio.h>
#include <stdlib.h>

#include "stream_server.actr.h"

typedef struct stream {
    int expected, taken, out_of_order;
} stream_t;

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    stream_t *stream = user;
    char text[100];
    actr_error_t error = ACTR_ERROR_INIT;
    if (chunk->kind == ACTR_CHUNK_END) { /* the sender has gone: nobody else uses its id */
        if (actr_ctx_unregister_stream(ctx, chunk->stream_id, &error) != ACTR_OK) return;
        free(stream); /* from inside the callback, so no other runs now */
        return;
    }
    stream->out_of_order += chunk->sequence != (uint64_t)stream->taken;
    if (++stream->taken != stream->expected) return;
    int size = snprintf(text, sizeof text, "%d chunks, %d out of order", stream->taken, stream->out_of_order);
    printf("%s: %s\n", chunk->stream_id, text);
    fflush(stdout);
    actr_chunk_t answer = ACTR_CHUNK_INIT;
    actr_dest_t sender = actr_dest_actor(chunk->sender);
    answer.stream_id = chunk->stream_id;
    answer.payload = (actr_bytes_t){text, (size_t)size};
    if (actr_ctx_send_chunk(ctx, &sender, &answer, NULL, &error) != ACTR_OK) puts(actr_error_message(&error));
}

static actr_status_t on_register(actr_ctx_t *ctx, const StreamServer__RegisterStreamRequest *request,
                                 StreamServer__RegisterStreamResponse *reply, void *user)
{
    (void)user;
    actr_error_t error = ACTR_ERROR_INIT;
    stream_t *stream = calloc(1, sizeof *stream);
    if (stream == NULL) return ACTR_STATUS_NO_MEMORY;
    stream->expected = request->message_count;
    reply->success = actr_ctx_register_stream(ctx, request->stream_id, on_chunk, stream, NULL, &error) == ACTR_OK;
    reply->message = actr_ctx_printf(ctx, "%s", reply->success ? "go on" : actr_error_message(&error));
    if (!reply->success) free(stream);
    return ACTR_OK;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    stream_server_stream_server_handlers_t handlers = {.register_stream = on_register};
    actr_workload_t workload = stream_server_stream_server_workload(&handlers);

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        puts("ready");
        fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "data-stream-server: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
