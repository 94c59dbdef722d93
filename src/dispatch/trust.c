/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/trust.h"

#include <string.h>
#include <strings.h>

static bool speaks_of(const actr_trust_t *entry, const actr_id_t *peer)
{
    return entry->realm == peer->realm && strcmp(entry->name, peer->type.name) == 0 &&
           strcmp(entry->manufacturer, peer->type.manufacturer) == 0;
}

actr_assurance_t actri_trust_assurance(const actr_config_t *config, const actr_id_t *peer)
{
    for (size_t i = 0; i < config->trust_count; i++) {
        if (speaks_of(&config->trust[i], peer)) return ACTR_ASSURANCE_PINNED;
    }
    return ACTR_ASSURANCE_RELAYED;
}

bool actri_trust_admits(const actr_config_t *config, const actr_id_t *peer, const char *fingerprint)
{
    bool bound = false;
    for (size_t i = 0; i < config->trust_count; i++) {
        const actr_trust_t *entry = &config->trust[i];
        if (!speaks_of(entry, peer)) continue;
        bound = true;
        if (strcasecmp(entry->fingerprint, fingerprint) == 0) return true;
    }
    return !bound;
}
