/* SPDX-License-Identifier: Apache-2.0 */
/* [[trust]], from the nearest file that has one. Types of values were checked with the key table. */
#include "config/readers.h"

#include <ctype.h>
#include <string.h>

bool actri_is_fingerprint(const char *text)
{
    size_t size = strlen(text);
    if (size != 95) return false;
    for (size_t i = 0; i < size; i++) {
        bool good = i % 3 == 2 ? text[i] == ':' : isxdigit((unsigned char)text[i]) != 0;
        if (!good) return false;
    }
    return true;
}

static void read_entry(actri_chain_t *chain, const actri_manifest_t *manifest, const actri_toml_t *at,
                       actr_trust_t *out)
{
    const actri_toml_t *type = actri_toml_get(at, "actr_type"), *realm = actri_toml_get(at, "realm");
    const actri_toml_t *fingerprint = actri_toml_get(at, "fingerprint");
    out->realm = realm == NULL ? manifest->realm : (uint32_t)realm->integer;
    out->fingerprint = fingerprint->text;
    if (!actri_read_type_text(chain, type, type->text, &out->manufacturer, &out->name)) return;
    if (out->manufacturer[0] == '\0')
        actri_diag_fail(chain->diag, type, "a type without manufacturer is nobody's; write \"manufacturer+%s\"",
                        out->name);
    if (!actri_is_fingerprint(fingerprint->text))
        actri_diag_fail(chain->diag, fingerprint,
                        "a fingerprint is 32 bytes in hexadecimal with colons, \"AB:CD:...\"");
}

void actri_read_trust(actri_chain_t *chain, actri_manifest_t *manifest)
{
    const actri_key_t *key = actri_key_find("trust");
    const actri_toml_t *entries = actri_chain_value(chain, key);
    if (entries == NULL) return;
    manifest->origins[key - actri_keys] = entries;
    manifest->trust = actri_arena_alloc(&manifest->arena, entries->count * sizeof *manifest->trust);
    if (manifest->trust == NULL) return;
    memset(manifest->trust, 0, entries->count * sizeof *manifest->trust);
    for (const actri_toml_t *at = entries->first; at != NULL; at = at->next)
        read_entry(chain, manifest, at, &manifest->trust[manifest->trust_count++]);
}
