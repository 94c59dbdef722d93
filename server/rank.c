/* SPDX-License-Identifier: Apache-2.0 */
/* Which candidates, in which order (server 6.7), and who may see whom. */
#include "server/registry.h"

#include <string.h>

enum { POWER = 0, BACKLOG = 1, COMPATIBILITY = 2, HEALTH = 100 };
enum { DEGRADED = 1, NEVER_PINGED = 2, WARNING = 1 };

static double score(const actri_row_t *row, uint32_t factor, const char *own_fingerprint)
{
    switch (factor) { /* smaller is better; what is unknown comes last */
    case POWER: return row->has_load ? -(double)row->power_reserve : 1e9;
    case BACKLOG: return row->has_load ? (double)row->backlog : 1e9;
    case COMPATIBILITY:
        return own_fingerprint != NULL && row->spec.present && strcmp(own_fingerprint, row->spec.fingerprint) == 0 ? 0
                                                                                                                   : 1;
    case HEALTH: return row->has_load ? row->availability : NEVER_PINGED;
    default: return 0;
    }
}

/* A stable sort; the lists are short. */
static void sort(actri_row_t **rows, size_t count, uint32_t factor, const char *own_fingerprint)
{
    for (size_t i = 1; i < count; i++) {
        actri_row_t *row = rows[i];
        double mine = score(row, factor, own_fingerprint);
        size_t at = i;
        for (; at > 0 && score(rows[at - 1], factor, own_fingerprint) > mine; at--) rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

static size_t keep_healthy(actri_row_t **rows, size_t count, uint32_t most)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool keep = rows[i]->has_load ? rows[i]->availability <= most : most >= DEGRADED;
        if (keep) rows[kept++] = rows[i];
    }
    return kept;
}

size_t actri_rank(actri_row_t **rows, size_t count, const Actr__NodeSelectionCriteria *criteria,
                  const char *own_fingerprint)
{
    if (criteria == NULL) return count;
    if (criteria->has_minimal_health_requirement) {
        count = keep_healthy(rows, count, criteria->minimal_health_requirement);
        sort(rows, count, HEALTH, NULL);
    }
    if (criteria->has_minimal_dependency_requirement && criteria->minimal_dependency_requirement < WARNING) count = 0;
    for (size_t i = 0; i < criteria->n_ranking_factors; i++) {
        sort(rows, count, criteria->ranking_factors[i], own_fingerprint); /* the last one dominates */
    }
    return count < criteria->candidate_count ? count : criteria->candidate_count;
}

static bool matches(const Actr__Principal *principal, const actr_id_t *caller)
{
    if (principal->realm != NULL && principal->realm->realm_id != caller->realm) return false;
    const Actr__ActrType *type = principal->actr_type;
    if (type == NULL) return true;
    return type->manufacturer != NULL && type->name != NULL && strcmp(type->name, caller->type.name) == 0 &&
           strcmp(type->manufacturer, caller->type.manufacturer) == 0;
}

bool actri_row_admits(const actri_row_t *row, const actr_id_t *caller)
{
    if (row->acl == NULL) return true;
    for (size_t i = 0; i < row->acl->n_rules; i++) {
        const Actr__AclRule *rule = row->acl->rules[i];
        for (size_t j = 0; j < rule->n_principals; j++) {
            if (matches(rule->principals[j], caller)) return rule->permission == 1;
        }
    }
    return false;
}
