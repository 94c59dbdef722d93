/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule for manufacturers and actor type names (naming-and-compat 1.1): 1 to 32 bytes of UTF-8, a Unicode letter
 * first, then letters, digits, '-' and '_', a letter or digit last. Since protocol 0.1.6 (L7) also '.' inside. Pure.
 */
#ifndef ACTRI_NAME_H
#define ACTRI_NAME_H

#include "base/env.h"

typedef enum actri_name_level {
    ACTRI_NAME_L6, /* no dots */
    ACTRI_NAME_L7,
} actri_name_level_t;

/* INVALID_NAME with "the <what> ..." and the reason. text need not end in a zero. */
ACTR_MUST_CHECK actr_status_t actri_name_check(const char *text, size_t size, actri_name_level_t level,
                                               const char *what, actr_error_t *error);

#endif
