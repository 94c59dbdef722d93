/* SPDX-License-Identifier: Apache-2.0 */
/* The ServiceSpec that a node registers with, made from its exports. spec: config 3, levels 1. */
#ifndef ACTRI_SERVICE_SPEC_H
#define ACTRI_SERVICE_SPEC_H

#include "base/env.h"

#include <actr/config.h>

/* NULL and 0 with ACTR_OK when there are no exports. *out is the caller's (actri_free). form 'A' or 'B'. */
ACTR_MUST_CHECK actr_status_t actri_service_spec_encode(const actri_env_t *env, const actr_config_t *config, char form,
                                                        int64_t now_s, uint8_t **out, size_t *size,
                                                        actr_error_t *error);

#endif
