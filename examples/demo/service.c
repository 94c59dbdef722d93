/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's service: echoes; calls the caller back for each "ping"; writes the request id of every "slow" message to a
 * log of its own, fsynced, before it answers.   demo-service Actr.toml LOGFILE
 */
#include <actr/actr.h>

#include "echo.pb-c.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd;

static actr_status_t call_back(actr_ctx_t *ctx, const char *message)
{
    uint8_t data[200];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    actr_dest_t caller = actr_dest_actor(actr_ctx_caller_id(ctx));
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    request.message = (char *)(uintptr_t)message;
    actr_bytes_t payload = {data, echo__echo_request__pack(&request, data)};
    actr_status_t status = actr_ctx_call(ctx, &caller, "echo.EchoService.Echo", payload, NULL, &reply, &error);
    actr_buf_release(reply);
    return status == ACTR_OK ? ACTR_OK : actr_ctx_fail(ctx, status, "calling back: %s", actr_error_message(&error));
}

static actr_status_t write_log(actr_ctx_t *ctx)
{
    struct timespec work = {0, 5000000};
    (void)nanosleep(&work, NULL); /* what a handler does */
    char line[60];
    int size = snprintf(line, sizeof line, "%s\n", actr_ctx_request_id(ctx));
    bool good = size > 0 && write(log_fd, line, (size_t)size) == size && fdatasync(log_fd) == 0;
    return good ? ACTR_OK : actr_ctx_fail(ctx, ACTR_STATUS_IO, "the log can not be written");
}

static actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)user;
    if (strcmp(request->route, "echo.EchoService.Echo") != 0) return ACTR_STATUS_UNKNOWN_ROUTE;
    Echo__EchoRequest *in = echo__echo_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not an EchoRequest");
    actr_status_t status = ACTR_OK;
    if (strncmp(in->message, "ping", 4) == 0) status = call_back(ctx, in->message);
    if (strncmp(in->message, "slow", 4) == 0) status = write_log(ctx);
    Echo__EchoResponse out = ECHO__ECHO_RESPONSE__INIT;
    char *text = actr_ctx_printf(ctx, "Echo: %s", in->message);
    echo__echo_request__free_unpacked(in, NULL);
    if (text != NULL) out.reply = text;
    out.timestamp = (uint64_t)time(NULL);
    uint8_t *data = actr_ctx_alloc(ctx, echo__echo_response__get_packed_size(&out));
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    *reply = (actr_bytes_t){data, echo__echo_response__pack(&out, data)};
    return status;
}

static void on_event(const actr_event_t *event, void *user)
{
    (void)user;
    if (event->kind != ACTR_EVENT_PEER_CONNECTED) return;
    (void)printf("connected: %s\n", event->detail);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    char id[ACTR_ID_TEXT_SIZE];
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = dispatch;
    workload.on_event = on_event;
    if (argc != 3) return 2;
    log_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    actr_status_t status = log_fd < 0 ? ACTR_STATUS_IO : actr_system_open(argv[1], &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        (void)printf("ready %s\n", actr_id_print(actr_ref_actor_id(self), id));
        (void)fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
    }
    if (status != ACTR_OK) (void)fprintf(stderr, "demo-service: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
