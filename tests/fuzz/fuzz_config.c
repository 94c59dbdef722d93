/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an Actr.toml. Files are read through the seam from memory: "Actr.toml" is the input, every other path is
 * the input too when it ends in .toml (so that inheritance happens, cycles as well), a .proto when it ends so, else
 * absent.
 */
#include "config/describe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *data;
    size_t size;
} input_t;

static bool ends_in(const char *path, const char *end)
{
    size_t size = strlen(path), tail = strlen(end);
    return size >= tail && strcmp(path + size - tail, end) == 0;
}

static actr_status_t read_input(void *user, const actri_env_t *env, const char *path, size_t limit, char **data,
                                size_t *size, actr_error_t *error)
{
    static const input_t proto = {(const uint8_t *)"syntax = \"proto3\";", 18};
    const input_t *input = ends_in(path, ".proto") ? &proto : user;
    if (input == user && !ends_in(path, ".toml")) return actri_fail(error, ACTR_STATUS_NOT_FOUND, "can not be opened");
    if (input->size > limit) return actri_fail(error, ACTR_STATUS_IO, "is too large");
    *size = input->size;
    *data = actri_strndup(env, (const char *)input->data, input->size);
    return *data == NULL ? actri_no_memory(error) : ACTR_OK;
}

static void drop_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)level;
    (void)area;
    (void)line;
    (void)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const environment[] = {"ACTR_SYSTEM__DISCOVERY__VISIBLE=true", NULL};
    static const actri_env_t env = {.log = drop_line, .log_level = ACTR_LOG_INFO};
    input_t input = {data, size};
    actri_config_source_t source = {read_input, &input, environment, NULL};
    actri_manifest_t manifest;
    actr_config_t values;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_manifest_load(&env, &source, "a/Actr.toml", &manifest, &error) != ACTR_OK) {
        if (error.message[0] == '\0') abort(); /* a refusal without words */
        return 0;
    }
    actri_text_t text = {0};
    if (actri_manifest_values(&manifest, &values, NULL) != ACTR_OK) abort();
    actri_show_manifest(&manifest, true, &text);
    actri_free(NULL, text.data);
    actri_manifest_clear(&manifest);
    return 0;
}
