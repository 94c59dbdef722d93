/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as an Actr.toml. Files that it names are looked for beside it, in an empty folder. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/tmp/actr-fuzz.XXXXXX", path[64];
    if (path[0] == '\0') {
        if (mkdtemp(folder) == NULL) abort();
        (void)snprintf(path, sizeof path, "%s/Actr.toml", folder);
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) abort();
    (void)fwrite(data, 1, size, file);
    (void)fclose(file);
    actri_config_t config;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)(actri_config_load(NULL, path, &config, &error) == ACTR_OK);
    actri_config_clear(&config);
    (void)unlink(path);
    (void)rmdir(folder);
    path[0] = '\0';
    snprintf(folder, sizeof folder, "/tmp/actr-fuzz.XXXXXX");
    return 0;
}
