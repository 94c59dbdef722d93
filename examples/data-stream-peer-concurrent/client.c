/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STREAMS streams at once to one server, COUNT chunks each, all of which come back meanwhile.
 *   data-stream-peer-client Actr.toml [STREAMS] [COUNT]
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "data_stream_peer_server.actr.h"

typedef struct stream {
    actr_ctx_t *ctx;
    actr_dest_t server;
    pthread_t thread;
    char id[40];
    uint64_t count, back, out_of_order;
    sem_t ended;
    actr_status_t status;
    actr_error_t error;
} stream_t;

static void on_back(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    stream_t *stream = user;
    if (chunk->kind == ACTR_CHUNK_DATA) stream->out_of_order += chunk->sequence != stream->back++;
    if (chunk->kind == ACTR_CHUNK_END || stream->back == stream->count) sem_post(&stream->ended);
}

static actr_status_t prepare(stream_t *stream)
{
    DataStreamPeerServer__PrepareServerStreamRequest request =
        DATA_STREAM_PEER_SERVER__PREPARE_SERVER_STREAM_REQUEST__INIT;
    DataStreamPeerServer__PrepareServerStreamResponse *response = NULL;
    request.stream_id = stream->id;
    request.expected_count = (uint32_t)stream->count;
    actr_status_t status = data_stream_peer_server_stream_server_call_prepare_stream(
        stream->ctx, &stream->server, &request, NULL, &response, &stream->error);
    if (status == ACTR_OK && !response->ready) status = ACTR_STATUS_INVALID_STATE;
    actr_message_free(response);
    return status;
}

static void *run(void *user)
{
    stream_t *stream = user;
    char data[1200] = "";
    actr_status_t status = actr_ctx_register_stream(stream->ctx, stream->id, on_back, stream, NULL, &stream->error);
    if (status == ACTR_OK) status = prepare(stream);
    for (uint64_t n = 0; status == ACTR_OK && n < stream->count; n++) {
        actr_chunk_t chunk = ACTR_CHUNK_INIT;
        chunk.stream_id = stream->id;
        chunk.sequence = n;
        chunk.payload = (actr_bytes_t){data, sizeof data};
        status = actr_ctx_send_chunk(stream->ctx, &stream->server, &chunk, NULL, &stream->error);
    }
    if (status == ACTR_OK) sem_wait(&stream->ended);
    stream->status = status;
    return NULL;
}

static bool run_all(actr_ctx_t *ctx, const actr_dest_t *server, unsigned count, uint64_t chunks)
{
    bool good = true;
    stream_t *streams = calloc(count, sizeof *streams);
    if (streams == NULL) return false;
    for (unsigned i = 0; i < count; i++) {
        streams[i].ctx = ctx;
        streams[i].server = *server;
        streams[i].count = chunks;
        (void)snprintf(streams[i].id, sizeof streams[i].id, "peer-stream-%u", i);
        sem_init(&streams[i].ended, 0, 0);
        if (pthread_create(&streams[i].thread, NULL, run, &streams[i]) != 0) abort();
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(streams[i].thread, NULL);
        good = good && streams[i].status == ACTR_OK && streams[i].back == chunks && streams[i].out_of_order == 0;
        printf("%s: %llu chunks came back, %llu out of order %s\n", streams[i].id, (unsigned long long)streams[i].back,
               (unsigned long long)streams[i].out_of_order, actr_error_message(&streams[i].error));
        if (actr_ctx_unregister_stream(ctx, streams[i].id, NULL) != ACTR_OK) good = false;
    }
    free(streams);
    return good;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_type_t type = {"acme", "DataStreamPeerServer"};
    actr_id_t found;
    size_t one = 1;
    bool good = false;

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = actr_ref_discover(self, &type, 0, &found, &one, &error);
    if (status == ACTR_OK) {
        actr_dest_t server = actr_dest_actor(&found);
        good = run_all(actr_ref_ctx(self), &server, argc > 2 ? (unsigned)atoi(argv[2]) : 8,
                       argc > 3 ? (uint64_t)atoi(argv[3]) : 500);
    }
    if (status != ACTR_OK) fprintf(stderr, "data-stream-peer-client: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return good ? 0 : 1;
}
