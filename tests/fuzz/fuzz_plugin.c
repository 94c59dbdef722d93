/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes protoc-gen-actr: any CodeGeneratorRequest gives files, or an error that says something. */
#include "codegen/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_plugin: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_arena_t arena;
    actr_error_t error = ACTR_ERROR_INIT;
    Pb__Request *request = pb__request__unpack(NULL, size, data);
    if (request == NULL) return 0;
    Pb__Response response;
    pb__response__init(&response);
    actri_arena_init(&arena, NULL);
    if (generate_services(&arena, request, &response, &error)) {
        demand(response.n_file == 2 * request->n_file_to_generate, "files are missing");
        for (size_t i = 0; i < response.n_file; i++) {
            demand(strstr(response.file[i]->content, "Do not edit") != NULL, "a file without its head");
        }
    } else {
        demand(response.n_file == 0 && error.message[0] != '\0', "an error without words");
    }
    actri_arena_clear(&arena);
    pb__request__free_unpacked(request, NULL);
    return 0;
}
