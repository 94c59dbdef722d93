/* SPDX-License-Identifier: Apache-2.0 */
/* No fingerprints yet: a node registers without a specification, as the reference does when it can not make one. */
#include "compat/service_spec.h"

actr_status_t actri_service_spec_encode(const actri_env_t *env, const actr_config_t *config, char form, int64_t now_s,
                                        uint8_t **out, size_t *size, actr_error_t *error)
{
    (void)env;
    (void)form;
    (void)now_s;
    *out = NULL;
    *size = 0;
    if (config->export_count == 0) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "fingerprints of .proto files come with a later release");
}
