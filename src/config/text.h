/* SPDX-License-Identifier: Apache-2.0 */
/* A text that grows. A failed allocation latches `failed`; what follows is dropped. One thread at a time. */
#ifndef ACTRI_CONFIG_TEXT_H
#define ACTRI_CONFIG_TEXT_H

#include "base/env.h"

typedef struct actri_text {
    const actri_env_t *env;
    char *data; /* zero-terminated once something was added; the owner's, from actri_alloc */
    size_t size, capacity;
    bool failed;
} actri_text_t;

void actri_text_add(actri_text_t *text, const char *format, ...) ACTR_PRINTF(2, 3);
void actri_text_add_bytes(actri_text_t *text, const void *data, size_t size);
/* As a TOML string: """ over several lines when it has line ends, else "...". */
void actri_text_add_toml(actri_text_t *text, const char *string);
/* As a JSON string. */
void actri_text_add_json(actri_text_t *text, const char *string);

#endif
