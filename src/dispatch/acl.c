/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/acl.h"

#include <string.h>

static bool principal_matches(const actr_acl_principal_t *principal, const actr_id_t *caller)
{
    if (principal->has_realm && principal->realm != caller->realm) return false;
    if (principal->name == NULL) return true;
    const char *manufacturer = principal->manufacturer == NULL ? "" : principal->manufacturer;
    return strcmp(principal->name, caller->type.name) == 0 && strcmp(manufacturer, caller->type.manufacturer) == 0;
}

bool actri_acl_allows(const actr_config_t *config, const actr_id_t *caller)
{
    if (caller == NULL || !config->has_acl) return true;
    for (size_t i = 0; i < config->acl_rule_count; i++) {
        const actr_acl_rule_t *rule = &config->acl_rules[i];
        for (size_t j = 0; j < rule->principal_count; j++) {
            if (principal_matches(&rule->principals[j], caller)) return rule->allow;
        }
    }
    return false;
}
