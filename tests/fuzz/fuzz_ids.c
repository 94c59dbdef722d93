/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what makes an identity of text or bytes. The first byte says what the rest is: 0 the text of an id, 1 of a
 * type, 2 the protobuf bytes of an id, 3 a request id.
 */
#include "proto/idcodec.h"
#include "proto/pbwire.h"
#include "transport/request_id.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_ids: %s\n", what);
    abort();
}

static void try_id(const char *text)
{
    actr_id_t first, second;
    char printed[ACTR_ID_TEXT_SIZE];
    actr_error_t error = ACTR_ERROR_INIT;
    if (actr_id_parse(text, &first, &error) != ACTR_OK) {
        demand(error.message[0] != '\0' && actri_utf8_valid(actri_span_text(error.message)), "an error without words");
        return;
    }
    if (actr_id_parse(actr_id_print(&first, printed), &second, NULL) != ACTR_OK) {
        /* a name may hold a separator of the other form; then only the bytes tell it */
        demand(strpbrk(first.type.manufacturer, "+:@") != NULL || strpbrk(first.type.name, "+:@") != NULL,
               "what was printed does not parse");
        return;
    }
    if (strpbrk(first.type.name, "+:@") == NULL) demand(actr_id_equal(&first, &second), "the second reading differs");
}

static void try_type(const char *text)
{
    actr_type_t type;
    char printed[ACTR_TYPE_TEXT_SIZE];
    if (actr_type_parse(text, &type, NULL) == ACTR_OK) {
        demand(strlen(actr_type_print(&type, printed)) == strlen(text), "the text has another length");
    }
}

static void try_bytes(const uint8_t *data, size_t size)
{
    actr_id_t first, second;
    uint8_t bytes[ACTRI_ID_BYTES_MAX];
    if (!actri_id_decode(data, size, &first)) return;
    size_t again = actri_id_encode(&first, bytes);
    demand(again <= sizeof bytes, "an id above its room");
    demand(actri_id_decode(bytes, again, &second) && actr_id_equal(&first, &second), "the second reading differs");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const actri_request_key_t key = {{1, 2, 3}};
    if (size == 0) return 0;
    char *text = malloc(size);
    if (text == NULL) return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] & 3) {
    case 0: try_id(text); break;
    case 1: try_type(text); break;
    case 2: try_bytes(data + 1, size - 1); break;
    default: demand(!actri_request_id_is_ours(&key, actri_span(data + 1, size - 1)), "a forged request id"); break;
    }
    free(text);
    return 0;
}
