/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the service who it is, or prints the fingerprint of its certificate for the service's [[trust]].
 *   acl-caller Actr.toml [fingerprint]
 */
#include <actr/actr.h>
#include <stdio.h>

static actr_status_t ask(actr_ref_t *self, actr_error_t *error)
{
    actr_type_t type = {"acme", "Guard"};
    actr_id_t found;
    size_t one = 1;
    actr_buf_t *reply = NULL;
    const char *own = actr_ref_actor_id(self)->type.name;
    actr_status_t status = actr_ref_discover(self, &type, 0, &found, &one, error);
    if (status != ACTR_OK) return status;
    actr_dest_t guard = actr_dest_actor(&found);
    status = actr_ctx_call(actr_ref_ctx(self), &guard, "acl.Guard.Who", (actr_bytes_t){NULL, 0}, NULL, &reply, error);
    if (status == ACTR_OK)
        printf("%s: served as %.*s\n", own, (int)actr_buf_size(reply), (const char *)actr_buf_data(reply));
    else if (status == ACTR_STATUS_PERMISSION_DENIED)
        printf("%s: %s\n", own, actr_status_str(status)); /* what a refusal is; anything else is a failure */
    actr_buf_release(reply);
    return status == ACTR_STATUS_PERMISSION_DENIED ? ACTR_OK : status;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK && argc > 2) {
        puts(actr_system_fingerprint(system)); /* made with the certificate; no server is needed for that */
    } else {
        if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
        if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
        if (status == ACTR_OK) status = ask(self, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "acl-caller: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
