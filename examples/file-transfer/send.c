/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a file to the receiver that the signaling server knows.   file-send Actr.toml FILE */
#include <actr/actr.h>

#include <inttypes.h>
#include <stdio.h>

static bool on_progress(const actr_file_progress_t *file, void *user)
{
    uint64_t *shown = user, percent = file->size == 0 ? 100 : file->done * 100 / file->size;
    if (percent / 10 == *shown / 10 && !file->ended) return true;
    *shown = percent;
    printf("%s: %" PRIu64 " %%%s\n", file->name, percent, file->ended && file->status == ACTR_OK ? ", checked" : "");
    return true;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_file_options_t options = ACTR_FILE_OPTIONS_INIT;
    actr_type_t type = {"acme", "FileServer"};
    actr_id_t found;
    size_t one = 1;
    uint64_t shown = 0;
    options.on_progress = on_progress;
    options.user = &shown;
    if (argc < 3) return 2;

    actr_status_t status = actr_system_open(argv[1], &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = actr_ref_discover(self, &type, 0, &found, &one, &error);
    if (status == ACTR_OK) {
        actr_dest_t receiver = actr_dest_actor(&found);
        status = actr_file_send(actr_ref_ctx(self), &receiver, "files", argv[2], &options, &error);
    }
    if (status != ACTR_OK) fprintf(stderr, "file-send: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
