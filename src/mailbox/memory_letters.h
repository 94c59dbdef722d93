/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters in memory, behind the public table. */
#ifndef ACTRI_MEMORY_LETTERS_H
#define ACTRI_MEMORY_LETTERS_H

#include "base/env.h"

#include <actr/mailbox.h>

/* most 0: 1,000. */
ACTR_MUST_CHECK actr_status_t actri_memory_letters_new(const actri_env_t *env, uint32_t most, actr_dlq_t **out,
                                                       actr_error_t *error);

#endif
