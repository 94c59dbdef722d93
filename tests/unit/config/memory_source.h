/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory and an environment of its own, behind the seam of config/source.h. */
#ifndef ACTR_TESTS_MEMORY_SOURCE_H
#define ACTR_TESTS_MEMORY_SOURCE_H

#include "config/source.h"

#include <string.h>

typedef struct memory_file {
    const char *path, *text;
} memory_file_t;

/* user is an array that ends with a NULL path. */
static inline actr_status_t memory_read(void *user, const actri_env_t *env, const char *path, size_t limit, char **data,
                                        size_t *size, actr_error_t *error)
{
    for (const memory_file_t *file = user; file->path != NULL; file++) {
        if (strcmp(file->path, path) != 0) continue;
        *size = strlen(file->text);
        if (*size > limit) return actri_fail(error, ACTR_STATUS_IO, "is larger than %zu bytes", limit);
        *data = actri_strdup(env, file->text);
        return *data == NULL ? actri_no_memory(error) : ACTR_OK;
    }
    return actri_fail(error, ACTR_STATUS_NOT_FOUND, "can not be opened");
}

#endif
