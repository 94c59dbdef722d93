/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629), for what comes from outside. Pure. */
#ifndef ACTRI_UTF8_H
#define ACTRI_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that starts at `at`, of which `left` bytes are there; 0 when it is not UTF-8. */
size_t actri_utf8_length(const uint8_t *at, size_t left);
/* Makes one printable line of text in place: control characters become spaces, bytes that are no UTF-8 '?'. */
void actri_utf8_line(char *text);

#endif
