/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

/* The length of the sequence that starts with this byte, and the bits of it that count. */
static size_t sequence(uint8_t first, uint32_t *code)
{
    if (first < 0x80) return *code = first, 1;
    if (first >= 0xc2 && first <= 0xdf) return *code = first & 0x1fu, 2;
    if (first >= 0xe0 && first <= 0xef) return *code = first & 0x0fu, 3;
    if (first >= 0xf0 && first <= 0xf4) return *code = first & 0x07u, 4;
    return 0;
}

size_t actri_utf8_length(const uint8_t *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code;
    if (left == 0) return 0;
    size_t length = sequence(at[0], &code);
    if (length == 0 || length > left) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
    return length;
}

void actri_utf8_line(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t length = actri_utf8_length((const uint8_t *)text, left);
        if (length == 0) {
            *text = '?';
            length = 1;
        } else if ((uint8_t)*text < 0x20 || *text == 0x7f) {
            *text = ' ';
        } else if ((uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0) { /* U+0080 to U+009F: control as well */
            text[0] = text[1] = ' ';
        }
        text += length;
        left -= length;
    }
}
