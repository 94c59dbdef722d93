/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a lock file; the first says which form. What is read and written is read again, to the same text. */
#include "config/lock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const void *data;
    size_t size;
} input_t;

static actr_status_t read_input(void *user, const actri_env_t *env, const char *path, size_t limit, char **data,
                                size_t *size, actr_error_t *error)
{
    const input_t *input = user;
    (void)path;
    if (input->size > limit) return actri_fail(error, ACTR_STATUS_IO, "is too large");
    *size = input->size;
    *data = actri_strndup(env, input->data, input->size);
    return *data == NULL ? actri_no_memory(error) : ACTR_OK;
}

static bool read_and_print(const void *data, size_t size, char form, actri_text_t *text)
{
    input_t input = {data, size};
    actri_config_source_t source = {.read = read_input, .user = &input};
    actri_lock_t lock;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_lock_load(NULL, &source, form, "lock", &lock, &error) != ACTR_OK) return false;
    actri_lock_print(&lock, text);
    (void)actri_lock_fingerprint(&lock, "acme", "echo");
    actri_lock_clear(&lock);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_text_t once = {0}, twice = {0};
    if (size == 0) return 0;
    char form = data[0] == 'B' ? 'B' : 'A';
    if (read_and_print(data + 1, size - 1, form, &once)) {
        const char *text = once.data == NULL ? "" : once.data;
        if (once.size < ACTRI_CONFIG_FILE_MAX) {
            if (!read_and_print(text, once.size, form, &twice)) abort();
            if (once.size != twice.size || memcmp(text, twice.data == NULL ? "" : twice.data, once.size) != 0) abort();
        }
    }
    actri_free(NULL, once.data);
    actri_free(NULL, twice.data);
    return 0;
}
