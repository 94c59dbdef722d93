/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Six values of a 7-bit group are not written as they are. Such a group becomes, together with the one behind it, a
 * two-byte character: 110iii1f 10yyyyyy, iii which of the six, fyyyyyy the group behind; iii = 7 when none is behind.
 */
#include "proto/base122.h"

#include "base/utf8.h"

#include <string.h>

#define GROUP_BITS 7
#define LAST 7

static const uint8_t illegal[] = {0, '\n', '\r', '"', '&', '\\'};

static int index_of(unsigned group)
{
    const uint8_t *at = memchr(illegal, (int)group, sizeof illegal);
    return at == NULL ? -1 : (int)(at - illegal);
}

/* The group at *bit, filled with zeros at the end; false behind it. */
static bool next_group(const uint8_t *data, size_t size, size_t *bit, unsigned *group)
{
    size_t byte = *bit / 8, shift = *bit % 8;
    if (byte >= size) return false;
    unsigned pair = (unsigned)data[byte] << 8 | (byte + 1 < size ? data[byte + 1] : 0U);
    *group = pair >> (16 - GROUP_BITS - shift) & 0x7f;
    *bit += GROUP_BITS;
    return true;
}

size_t actri_base122_encode(const uint8_t *data, size_t size, uint8_t *text)
{
    size_t bit = 0, out = 0;
    unsigned group, behind;
    while (next_group(data, size, &bit, &group)) {
        int index = index_of(group);
        if (index < 0) {
            text[out++] = (uint8_t)group;
            continue;
        }
        bool last = !next_group(data, size, &bit, &behind);
        unsigned kept = last ? group : behind;
        text[out++] = (uint8_t)(0xc2 | (unsigned)(last ? LAST : index) << 2 | kept >> 6);
        text[out++] = (uint8_t)(0x80 | (kept & 0x3f));
    }
    return out;
}

typedef struct writer {
    uint8_t *data;
    size_t size;
    unsigned bits, held;
} writer_t;

static void put_group(writer_t *out, unsigned group)
{
    out->held = out->held << GROUP_BITS | (group & 0x7f);
    out->bits += GROUP_BITS;
    if (out->bits < 8) return;
    out->bits -= 8;
    out->data[out->size++] = (uint8_t)(out->held >> out->bits);
}

/* The code point of a character of `length` bytes; what is above 11 bits does not matter. */
static unsigned code_point(const uint8_t *at, size_t length)
{
    unsigned point = length == 1 ? at[0] : at[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) point = point << 6 | (at[i] & 0x3f);
    return point;
}

bool actri_base122_decode(const uint8_t *text, size_t size, uint8_t *data, size_t *data_size)
{
    writer_t out = {.data = data};
    for (size_t at = 0; at < size;) {
        size_t length = actri_utf8_length(text + at, size - at);
        if (length == 0) return false;
        unsigned point = code_point(text + at, length), index = point >> 8 & 7;
        if (point > 127 && index != LAST) {
            if (index >= sizeof illegal) return false;
            put_group(&out, illegal[index]);
        }
        put_group(&out, point);
        at += length;
    }
    *data_size = out.size;
    return true;
}
