/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around a workload (the Shell) and the workload itself call each other; nothing is serialized, and a
 * buffer is handed over as it is.   shell-workload [Actr.toml]
 */
#include <actr/actr.h>
#include <stdio.h>
#include <string.h>

/* The Shell's side: what the workload can ask of the program. Runs beside the workload's handlers. */
static actr_status_t shell(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)user;
    if (strcmp(request->route, "shell.Terminal.Ask") != 0) return ACTR_STATUS_UNKNOWN_ROUTE;
    const char *answer =
        actr_ctx_printf(ctx, "yes, %.*s", (int)request->payload.size, (const char *)request->payload.data);
    *reply = (actr_bytes_t){answer, answer == NULL ? 0 : strlen(answer)};
    return ACTR_OK;
}

/* The workload asks its Shell, and answers with what that said: the very buffer, no copy. */
static actr_status_t ask_shell(actr_ctx_t *ctx, const actr_request_t *request)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t to = actr_dest_shell();
    actr_buf_t *answer = NULL;
    actr_status_t status = actr_ctx_call(ctx, &to, "shell.Terminal.Ask", request->payload, NULL, &answer, &error);
    if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", actr_error_message(&error));
    actr_ctx_reply_buf(ctx, answer);
    return ACTR_OK;
}

static actr_status_t workload(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)user;
    if (strcmp(request->route, "work.Workload.Ask") == 0) return ask_shell(ctx, request);
    if (strcmp(request->route, "work.Workload.Echo") == 0) {
        *reply = request->payload; /* came as a buffer: goes back as that buffer */
        return ACTR_OK;
    }
    return ACTR_STATUS_UNKNOWN_ROUTE;
}

static actr_status_t talk(actr_ref_t *self, actr_error_t *error)
{
    actr_dest_t local = actr_dest_local();
    actr_buf_t *reply = NULL;
    actr_status_t status = actr_ref_call(self, "work.Workload.Ask", (actr_bytes_t){"workload", 8}, NULL, &reply, error);
    if (status != ACTR_OK) return status;
    printf("the Shell said: %.*s\n", (int)actr_buf_size(reply), (const char *)actr_buf_data(reply));
    actr_buf_release(reply);
    actr_buf_t *large = actr_buf_copy((actr_bytes_t){"a payload of any size", 21});
    if (large == NULL) return ACTR_STATUS_NO_MEMORY;
    status = actr_ctx_call_buf(actr_ref_ctx(self), &local, "work.Workload.Echo", large, NULL, &reply, error);
    if (status == ACTR_OK) printf("%s\n", reply == large ? "the same buffer came back" : "a copy came back");
    actr_buf_release(reply);
    actr_buf_release(large);
    return status;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t description = ACTR_WORKLOAD_INIT;
    description.dispatch = workload;

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &description, &node, &error);
    if (status == ACTR_OK) status = actr_node_serve_shell(node, shell, NULL, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = talk(self, &error);
    if (status != ACTR_OK) fprintf(stderr, "shell-workload: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
