/* SPDX-License-Identifier: Apache-2.0 */
/* What the shipped implementations of mailbox.h share beneath their tables. */
#ifndef ACTRI_OPERATIONS_H
#define ACTRI_OPERATIONS_H

#include "base/env.h"

#include <actr/mailbox.h>

/* A full struct from one of any version; INVALID_ARGUMENT. */
ACTR_MUST_CHECK actr_status_t actri_store_options(const actr_store_options_t *given, actr_mailbox_t **mailbox,
                                                  actr_store_options_t *out, actr_error_t *error);

#endif
