/* SPDX-License-Identifier: Apache-2.0 */
/* Receives files into a folder until Ctrl-C.   file-receive Actr.toml FOLDER */
#include <actr/actr.h>

#include <inttypes.h>
#include <stdio.h>

static bool on_progress(const actr_file_progress_t *file, void *user)
{
    (void)user;
    if (!file->ended) return true;
    printf("%s: %" PRIu64 " of %" PRIu64 " bytes, %s %s\n", file->name, file->done, file->size,
           actr_status_name(file->status), file->why);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_file_receiver_t *receiver = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    options.on_progress = on_progress;

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) {
        status = actr_file_receive(actr_ref_ctx(self), "files", argc > 2 ? argv[2] : ".", &options, &receiver, &error);
    }
    if (status == ACTR_OK) {
        puts("ready");
        fflush(stdout);
        status = actr_ref_wait_for_ctrl_c_and_shutdown(self, &error);
        actr_file_receiver_free(actr_ref_ctx(self), receiver);
    }
    if (status != ACTR_OK) fprintf(stderr, "file-receive: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
