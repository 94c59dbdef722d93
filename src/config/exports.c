/* SPDX-License-Identifier: Apache-2.0 */
/* The .proto files of `exports` (config.md 3): parents' first. Their text goes to the signaling server. */
#include "base/utf8.h"
#include "config/readers.h"

#include <string.h>

static bool is_utf8(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = actri_utf8_length((const uint8_t *)text + at, size - at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

static void read_one(actri_chain_t *chain, const actri_toml_t *at, actri_manifest_t *manifest)
{
    actri_manifest_export_t *out = &manifest->exports[manifest->export_count];
    out->content = actri_chain_read(chain, at, "exports", ".proto", ACTRI_CONFIG_EXPORT_MAX, &out->path, &out->size);
    if (out->content == NULL) return;
    if (!is_utf8(out->content, out->size))
        actri_diag_fail(chain->diag, at, "exports: %s is not UTF-8", out->path);
    else if (memchr(out->content, '\0', out->size) != NULL)
        actri_diag_fail(chain->diag, at, "exports: %s holds a zero character", out->path);
    else
        manifest->export_count++;
}

void actri_read_exports(actri_chain_t *chain, actri_manifest_t *manifest)
{
    size_t count = 0;
    for (size_t i = 0; i < chain->count; i++) {
        const actri_toml_t *list = actri_toml_get(chain->files[i], "exports");
        if (list == NULL) continue;
        count += list->count;
        manifest->origins[actri_key_find("exports") - actri_keys] = list; /* of the topmost parent that has some */
        if (count <= ACTRI_CONFIG_EXPORTS_MAX) continue;
        actri_diag_fail(chain->diag, list, "exports: more than %d files", ACTRI_CONFIG_EXPORTS_MAX);
        return;
    }
    manifest->exports = actri_arena_alloc(&manifest->arena, count * sizeof *manifest->exports);
    if (manifest->exports == NULL) return;
    for (size_t i = chain->count; i-- > 0;) {
        const actri_toml_t *list = actri_toml_get(chain->files[i], "exports");
        for (const actri_toml_t *at = list == NULL ? NULL : list->first; at != NULL; at = at->next)
            read_one(chain, at, manifest);
    }
}
