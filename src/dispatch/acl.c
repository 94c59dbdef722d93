/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/acl.h"

#include "dispatch/trust.h"

#include <stdio.h>
#include <string.h>

static bool principal_matches(const actr_acl_principal_t *principal, const actr_id_t *caller)
{
    if (principal->has_realm && principal->realm != caller->realm) return false;
    if (principal->name == NULL) return true;
    const char *manufacturer = principal->manufacturer == NULL ? "" : principal->manufacturer;
    return strcmp(principal->name, caller->type.name) == 0 && strcmp(manufacturer, caller->type.manufacturer) == 0;
}

static bool speaks_of(const actr_acl_rule_t *rule, const actr_id_t *caller)
{
    for (size_t i = 0; i < rule->principal_count; i++) {
        if (principal_matches(&rule->principals[i], caller)) return true;
    }
    return false;
}

bool actri_acl_allows(const actr_config_t *config, const actr_id_t *caller, char reason[ACTRI_ACL_REASON])
{
    char room[ACTRI_ACL_REASON];
    if (reason == NULL) reason = room;
    reason[0] = '\0';
    if (caller == NULL || !config->has_acl) return true;
    (void)snprintf(reason, ACTRI_ACL_REASON, "no rule speaks of it");
    for (size_t i = 0; i < config->acl_rule_count; i++) {
        const actr_acl_rule_t *rule = &config->acl_rules[i];
        if (!speaks_of(rule, caller)) continue;
        if (rule->assurance > actri_trust_assurance(config, caller)) {
            (void)snprintf(reason, ACTRI_ACL_REASON, "rule %zu wants a pinned certificate", i + 1);
            continue;
        }
        if (rule->allow)
            reason[0] = '\0';
        else
            (void)snprintf(reason, ACTRI_ACL_REASON, "rule %zu", i + 1);
        return rule->allow;
    }
    return false;
}
