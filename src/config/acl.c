/* SPDX-License-Identifier: Apache-2.0 */
/* [acl] (config.md 6), from the nearest file that has one. Types of values were checked with the key table. */
#include "config/readers.h"

#include "proto/name.h"

#include <string.h>
#include <strings.h>

static const char *name_part(actri_chain_t *chain, const actri_toml_t *at, const char *what)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_name_check(at->text, strlen(at->text), ACTRI_NAME_L7, what, &error) == ACTR_OK) return at->text;
    actri_diag_fail(chain->diag, at, "%s", error.message);
    return NULL;
}

static void warn_bare(actri_chain_t *chain, const actri_toml_t *at, const actr_acl_principal_t *principal)
{
    if (principal->name != NULL && principal->manufacturer[0] == '\0')
        actri_diag_warn(chain->diag, at, "a type without manufacturer matches nobody; write \"manufacturer+%s\"",
                        principal->name);
}

static void read_type(actri_chain_t *chain, const actri_toml_t *at, actr_acl_principal_t *out)
{
    if (at->kind == ACTRI_TOML_STRING) {
        if (!actri_read_type_text(chain, at, at->text, &out->manufacturer, &out->name)) return;
    } else {
        const actri_toml_t *manufacturer = actri_toml_get(at, "manufacturer"), *name = actri_toml_get(at, "name");
        bool given = manufacturer != NULL && manufacturer->text[0] != '\0';
        out->manufacturer = given ? name_part(chain, manufacturer, "manufacturer") : "";
        out->name = name_part(chain, name, "actor type name");
        if (out->manufacturer == NULL) return;
    }
    warn_bare(chain, at, out);
}

static void read_principal(actri_chain_t *chain, const actri_toml_t *at, actr_acl_principal_t *out)
{
    const actri_toml_t *realm = actri_toml_get(at, "realm"), *type = actri_toml_get(at, "actr_type");
    if (realm != NULL) {
        out->has_realm = true;
        out->realm = (uint32_t)realm->integer;
    }
    if (type != NULL) read_type(chain, type, out);
}

static actr_assurance_t read_assurance(actri_chain_t *chain, const actri_toml_t *rule, bool allow)
{
    const actri_toml_t *at = actri_toml_get(rule, "assurance");
    if (at == NULL || strcmp(at->text, "relayed") == 0) return ACTR_ASSURANCE_RELAYED;
    if (strcmp(at->text, "pinned") != 0)
        actri_diag_fail(chain->diag, at, "assurance can not be \"%.40s\"; write \"relayed\" or \"pinned\"", at->text);
    else if (!allow)
        actri_diag_fail(chain->diag, at, "only a rule with permission = \"ALLOW\" can ask for a pinned certificate");
    return ACTR_ASSURANCE_PINNED;
}

static void read_rule(actri_chain_t *chain, const actri_toml_t *at, actr_acl_rule_t *out)
{
    const actri_toml_t *permission = actri_toml_get(at, "permission"), *types = actri_toml_get(at, "types");
    const actri_toml_t *list = types != NULL ? types : actri_toml_get(at, "principals");
    out->allow = strcasecmp(permission->text, "ALLOW") == 0;
    if (!out->allow && strcasecmp(permission->text, "DENY") != 0)
        actri_diag_fail(chain->diag, permission, "permission can not be \"%.40s\"; write \"ALLOW\" or \"DENY\"",
                        permission->text);
    out->assurance = read_assurance(chain, at, out->allow);
    size_t count = list == NULL ? 0 : list->count;
    if (count == 0) actri_diag_warn(chain->diag, at, "a rule without types or principals matches nobody");
    actr_acl_principal_t *principals = actri_arena_alloc(chain->arena, count * sizeof *principals);
    if (principals == NULL) return;
    memset(principals, 0, count * sizeof *principals);
    out->principals = principals;
    for (const actri_toml_t *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        actr_acl_principal_t *principal = &principals[out->principal_count++];
        if (types != NULL)
            read_type(chain, item, principal);
        else
            read_principal(chain, item, principal);
    }
}

void actri_read_acl(actri_chain_t *chain, actri_manifest_t *manifest)
{
    const actri_key_t *key = actri_key_find("acl.rules");
    const actri_toml_t *rules = actri_chain_value(chain, key);
    if (rules == NULL) return;
    manifest->origins[key - actri_keys] = rules;
    manifest->has_acl = true;
    manifest->acl_rules = actri_arena_alloc(&manifest->arena, rules->count * sizeof *manifest->acl_rules);
    if (manifest->acl_rules == NULL) return;
    memset(manifest->acl_rules, 0, rules->count * sizeof *manifest->acl_rules);
    for (const actri_toml_t *at = rules->first; at != NULL; at = at->next)
        read_rule(chain, at, &manifest->acl_rules[manifest->acl_rule_count++]);
}
