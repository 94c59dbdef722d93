/* SPDX-License-Identifier: Apache-2.0 */
/* Tells each caller who it is, and how sure that is. Who may ask stands in its manifest.   acl-service [Actr.toml] */
#include <actr/actr.h>
#include <stdio.h>
#include <string.h>

static actr_status_t on_who(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    static const char *const assurance[] = {"relayed", "pinned", "local"};
    const actr_id_t *caller = actr_ctx_caller_id(ctx); /* NULL: the own program */
    (void)user;
    if (strcmp(request->route, "acl.Guard.Who") != 0) return ACTR_STATUS_UNKNOWN_ROUTE;
    const char *text = actr_ctx_printf(ctx, "%s, %s", caller == NULL ? "the own program" : caller->type.name,
                                       assurance[actr_ctx_caller_assurance(ctx)]);
    if (text == NULL) return ACTR_STATUS_NO_MEMORY;
    *reply = (actr_bytes_t){text, strlen(text)};
    return ACTR_OK;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = on_who;
    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        puts("ready");
        fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "acl-service: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
