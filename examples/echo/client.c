/* SPDX-License-Identifier: Apache-2.0 */
/* A first client: finds an echo service, sends it each line of standard input, or --count N --outstanding K calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.actr.h"
#include "load.h"

static actr_status_t echo(actr_ctx_t *ctx, const actr_dest_t *service, char *line, actr_error_t *error)
{
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    Echo__EchoResponse *response = NULL;
    request.message = line;
    actr_status_t status = echo_echo_service_call_echo(ctx, service, &request, NULL, &response, error);
    if (status != ACTR_OK) return status;
    printf("%s\n", response->reply);
    fflush(stdout);
    actr_message_free(response);
    return ACTR_OK;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT; /* it answers nothing */
    actr_type_t type = {"acme", "EchoService"};
    actr_id_t id;
    size_t count = 1;
    char line[2000];

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = actr_ref_discover(self, &type, 0, &id, &count, &error);
    actr_dest_t service = actr_dest_actor(&id);
    bool many = argc == 6; /* echo-client Actr.toml --count N --outstanding K */
    if (status == ACTR_OK && many) {
        status = echo_load(actr_ref_ctx(self), &service, (unsigned)atoi(argv[3]), (unsigned)atoi(argv[5]), &error);
    }
    while (status == ACTR_OK && !many && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        status = echo(actr_ref_ctx(self), &service, line, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "echo-client: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
