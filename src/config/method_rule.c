/* SPDX-License-Identifier: Apache-2.0 */
/* [methods], asked for each message: sorted by route. Read-only. */
#include "config/config.h"

#include <string.h>

const actr_method_rule_t *actri_config_method(const actr_config_t *values, const void *route, size_t size)
{
    size_t low = 0, high = values->method_count;
    while (low < high) {
        const actr_method_rule_t *rule = &values->methods[low + (high - low) / 2];
        size_t own = strlen(rule->route);
        int order = memcmp(route, rule->route, size < own ? size : own);
        if (order == 0) order = (size > own) - (size < own);
        if (order == 0) return rule;
        if (order < 0)
            high = (size_t)(rule - values->methods);
        else
            low = (size_t)(rule - values->methods) + 1;
    }
    return NULL;
}
