/* SPDX-License-Identifier: Apache-2.0 */
/* A first service: answers echo.EchoService.Echo until Ctrl-C.   echo-server [Actr.toml] */
#include <stdio.h>
#include <time.h>

#include "echo.actr.h"

static actr_status_t on_echo(actr_ctx_t *ctx, const Echo__EchoRequest *request, Echo__EchoResponse *reply, void *user)
{
    (void)user;
    reply->reply = actr_ctx_printf(ctx, "Echo: %s", request->message); /* lives until the reply is sent */
    reply->timestamp = (uint64_t)time(NULL);
    return ACTR_OK;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    char id[ACTR_ID_TEXT_SIZE];
    echo_echo_service_handlers_t handlers = {.echo = on_echo};
    actr_workload_t workload = echo_echo_service_workload(&handlers);

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
