/* SPDX-License-Identifier: Apache-2.0 */
/* A description from a peer: parsed, and answered when it is good. */
#include "wire/sdp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static actri_sdp_t sdp;
    char *text = malloc(size + 1);
    if (text == NULL) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (actri_sdp_parse(text, &sdp, NULL) == ACTR_OK) {
        actri_sdp_local_t local = {.fingerprint = "AA", .ufrag = "uuuu", .pwd = "pppp"};
        char *answer = NULL;
        if (actri_sdp_write_answer(NULL, &sdp, &local, &answer, NULL) == ACTR_OK) free(answer);
    }
    free(text);
    return 0;
}
