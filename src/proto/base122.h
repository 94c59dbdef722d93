/* SPDX-License-Identifier: Apache-2.0 */
/* base122: bytes as UTF-8 text, seven bits a character (naming-and-compat 4.1). The text never holds a zero. Pure. */
#ifndef ACTRI_BASE122_H
#define ACTRI_BASE122_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the text of `size` bytes, and for the bytes of a text of `size` bytes. */
#define ACTRI_BASE122_TEXT_MAX(size) (((size)*8 + 6) / 7 + 1)
#define ACTRI_BASE122_DATA_MAX(size) (((size)*14) / 8 + 1)

/* Returns the size of the text. */
size_t actri_base122_encode(const uint8_t *data, size_t size, uint8_t *text);
/* False: not UTF-8, or a character that no encoder writes. Bits that fill no byte are dropped. */
bool actri_base122_decode(const uint8_t *text, size_t size, uint8_t *data, size_t *data_size);

#endif
