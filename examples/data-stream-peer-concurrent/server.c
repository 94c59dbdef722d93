/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepares streams of many clients at once. Each chunk that arrives is sent back on the same id while others come in.
 *   data-stream-peer-server [Actr.toml]
 */
#include <stdio.h>
#include <stdlib.h>

#include "data_stream_peer_server.actr.h"

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)user;
    actr_error_t error = ACTR_ERROR_INIT;
    if (chunk->kind == ACTR_CHUNK_END) {
        if (actr_ctx_unregister_stream(ctx, chunk->stream_id, &error) == ACTR_OK)
            printf("%s ended\n", chunk->stream_id);
        fflush(stdout);
        return;
    }
    actr_chunk_t back = ACTR_CHUNK_INIT;
    actr_dest_t sender = actr_dest_actor(chunk->sender);
    back.stream_id = chunk->stream_id;
    back.sequence = chunk->sequence;
    back.payload = chunk->payload;
    if (actr_ctx_send_chunk(ctx, &sender, &back, NULL, &error) != ACTR_OK) puts(actr_error_message(&error));
}

static actr_status_t on_prepare(actr_ctx_t *ctx, const DataStreamPeerServer__PrepareServerStreamRequest *request,
                                DataStreamPeerServer__PrepareServerStreamResponse *reply, void *user)
{
    (void)user;
    actr_error_t error = ACTR_ERROR_INIT;
    reply->ready = actr_ctx_register_stream(ctx, request->stream_id, on_chunk, NULL, NULL, &error) == ACTR_OK;
    reply->message = actr_ctx_printf(ctx, "%s", reply->ready ? "ready" : actr_error_message(&error));
    return ACTR_OK;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    data_stream_peer_server_stream_server_handlers_t handlers = {.prepare_stream = on_prepare};
    actr_workload_t workload = data_stream_peer_server_stream_server_workload(&handlers);

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        puts("ready");
        fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "data-stream-peer-server: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
