/* SPDX-License-Identifier: Apache-2.0 */
/* A first service: answers echo.EchoService.Echo until Ctrl-C.   echo-server [Actr.toml] */
#include <actr/actr.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "echo.pb-c.h"

static actr_status_t on_echo(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    Echo__EchoRequest *in = echo__echo_request__unpack(NULL, request->payload.size, request->payload.data);
    if (in == NULL) return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "not an EchoRequest");
    Echo__EchoResponse out = ECHO__ECHO_RESPONSE__INIT;
    char *text = actr_ctx_printf(ctx, "Echo: %s", in->message); /* lives until the reply is sent */
    echo__echo_request__free_unpacked(in, NULL);
    if (text != NULL) out.reply = text;
    out.timestamp = (uint64_t)time(NULL);
    size_t size = echo__echo_response__get_packed_size(&out);
    uint8_t *data = actr_ctx_alloc(ctx, size);
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    *reply = (actr_bytes_t){data, echo__echo_response__pack(&out, data)};
    return ACTR_OK;
}

static actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)user;
    if (strcmp(request->route, "echo.EchoService.Echo") == 0) return on_echo(ctx, request, reply);
    return ACTR_STATUS_UNKNOWN_ROUTE;
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

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        printf("ready: %s\n", actr_id_print(actr_ref_actor_id(self), id));
        fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "echo-server: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
