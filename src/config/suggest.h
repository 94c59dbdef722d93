/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": how many letters to change, add, drop or swap. Pure. */
#ifndef ACTRI_CONFIG_SUGGEST_H
#define ACTRI_CONFIG_SUGGEST_H

#include <stddef.h>

/* Stops early once it is sure to reach `most`, which it then returns. Texts above 80 bytes are `most` apart. */
unsigned actri_edit_distance(const char *a, const char *b, unsigned most);
/* The distance up to which a suggestion for text makes sense. */
unsigned actri_suggest_limit(const char *text);
/* The word of "full|normal|off" nearest to text, copied to room; NULL when none is near. */
const char *actri_suggest_word(const char *text, const char *words, char *room, size_t size);

#endif
