/* SPDX-License-Identifier: Apache-2.0 */
/* Registers a stream with the server, sends COUNT chunks, waits for its word.   data-stream-client Actr.toml [COUNT] */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stream_server.actr.h"

static sem_t answered;

static void on_answer(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)user;
    if (chunk->kind == ACTR_CHUNK_DATA)
        printf("the server: %.*s\n", (int)chunk->payload.size, (const char *)chunk->payload.data);
    sem_post(&answered);
}

static actr_status_t register_stream(actr_ctx_t *ctx, const actr_dest_t *server, char *id, int count,
                                     actr_error_t *error)
{
    StreamServer__RegisterStreamRequest request = STREAM_SERVER__REGISTER_STREAM_REQUEST__INIT;
    StreamServer__RegisterStreamResponse *response = NULL;
    request.stream_id = id;
    request.message_count = count;
    actr_status_t status =
        stream_server_stream_server_call_register_stream(ctx, server, &request, NULL, &response, error);
    if (status != ACTR_OK) return status;
    printf("registered %s: %s\n", id, response->message);
    if (!response->success) status = ACTR_STATUS_INVALID_STATE;
    actr_message_free(response);
    return status;
}

static actr_status_t send_all(actr_ctx_t *ctx, const actr_dest_t *server, const char *id, int count,
                              actr_error_t *error)
{
    static const actr_metadata_t metadata[] = {{"content-type", "text/plain"}};
    char text[40];
    actr_status_t status = ACTR_OK;
    for (int n = 0; status == ACTR_OK && n < count; n++) {
        actr_chunk_t chunk = ACTR_CHUNK_INIT; /* on the reliable lane */
        chunk.stream_id = id;
        chunk.sequence = (uint64_t)n;
        chunk.payload = (actr_bytes_t){text, (size_t)snprintf(text, sizeof text, "message %d", n)};
        chunk.metadata = metadata;
        chunk.metadata_count = 1;
        chunk.has_timestamp = true;
        chunk.timestamp_ms = (int64_t)time(NULL) * 1000;
        status = actr_ctx_send_chunk(ctx, server, &chunk, NULL, error); /* waits when the path is full */
    }
    return status;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_type_t type = {"acme", "StreamServer"};
    actr_id_t found;
    size_t one = 1;
    int count = argc > 2 ? atoi(argv[2]) : 1000;
    char id[] = "data-stream-example";

    sem_init(&answered, 0, 0);
    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = actr_ref_discover(self, &type, 0, &found, &one, &error);
    actr_dest_t server = actr_dest_actor(&found);
    actr_ctx_t *ctx = status == ACTR_OK ? actr_ref_ctx(self) : NULL;
    if (status == ACTR_OK) status = actr_ctx_register_stream(ctx, id, on_answer, NULL, NULL, &error);
    if (status == ACTR_OK) status = register_stream(ctx, &server, id, count, &error);
    if (status == ACTR_OK) status = send_all(ctx, &server, id, count, &error);
    if (status == ACTR_OK) sem_wait(&answered);
    if (status != ACTR_OK) fprintf(stderr, "data-stream-client: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
