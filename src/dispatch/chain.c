/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/chain.h"

const char *actri_chain_entry(const actr_id_t *id, bool shell, char text[ACTRI_CHAIN_ENTRY_SIZE])
{
    text[0] = '~';
    (void)actr_id_print(id, text + shell);
    return text;
}

bool actri_chain_has(actri_span_t chain, const char *entry)
{
    actri_span_t wanted = actri_span_text(entry);
    while (chain.size > 0) {
        const uint8_t *space = memchr(chain.data, ' ', chain.size);
        size_t size = space == NULL ? chain.size : (size_t)(space - chain.data);
        if (actri_span_equal(wanted, actri_span(chain.data, size))) return true;
        if (space == NULL) return false;
        chain = actri_span(space + 1, chain.size - size - 1);
    }
    return false;
}

size_t actri_chain_join(actri_span_t chain, const char *entry, char out[ACTRI_CHAIN_SIZE])
{
    size_t size = strlen(entry), space = chain.size > 0;
    if (chain.size + space + size > ACTRI_CHAIN_SIZE) return 0;
    if (chain.size > 0) memcpy(out, chain.data, chain.size);
    if (space > 0) out[chain.size] = ' ';
    memcpy(out + chain.size + space, entry, size);
    return chain.size + space + size;
}
