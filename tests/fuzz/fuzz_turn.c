/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a TURN user name; and any bytes through base122 and back. */
#include "proto/base122.h"
#include "proto/turn_claims.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_turn_claims_t claims;
    uint8_t *room = NULL;
    if (actri_turn_claims_parse(NULL, data, size, &claims, &room, NULL) == ACTR_OK) actri_free(NULL, room);
    uint8_t *text = malloc(ACTRI_BASE122_TEXT_MAX(size));
    if (text == NULL) return 0;
    size_t text_size = actri_base122_encode(data, size, text), back_size = 0;
    uint8_t *back = malloc(ACTRI_BASE122_DATA_MAX(text_size));
    if (back != NULL) {
        if (!actri_base122_decode(text, text_size, back, &back_size)) abort();
        if (back_size != size || (size > 0 && memcmp(back, data, size) != 0)) abort();
        if (memchr(text, 0, text_size) != NULL) abort();
    }
    free(back);
    free(text);
    return 0;
}
