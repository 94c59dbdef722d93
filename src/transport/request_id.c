/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/request_id.h"

#include "base/map.h" /* SipHash */
#include "port/random.h"

/* The last 8 bytes of an id whose first 8 are these. */
static void make_tag(const actri_request_key_t *key, const uint8_t first[8], uint8_t out[8])
{
    uint64_t tag = actri_siphash(key->bytes, first, 8);
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(tag >> (8 * i));
    out[0] = (uint8_t)((out[0] & 0x3f) | 0x80); /* UUID variant */
}

void actri_request_id_make(const actri_request_key_t *key, uint64_t unique, char text[ACTRI_REQUEST_ID_SIZE + 1])
{
    uint8_t bytes[16];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(unique >> (8 * i));
    bytes[6] = (uint8_t)(bytes[6] >> 4 | 0x40); /* UUID version 4 */
    make_tag(key, bytes, bytes + 8);
    actri_uuid_print(bytes, text);
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool parse(actri_span_t text, uint8_t bytes[16])
{
    if (text.size != ACTRI_REQUEST_ID_SIZE) return false;
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-') return false;
        int high = digit(text.data[at]), low = digit(text.data[at + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return true;
}

bool actri_request_id_is_ours(const actri_request_key_t *key, actri_span_t text)
{
    uint8_t bytes[16], expected[8];
    if (!parse(text, bytes)) return false;
    make_tag(key, bytes, expected);
    return memcmp(expected, bytes + 8, 8) == 0;
}
