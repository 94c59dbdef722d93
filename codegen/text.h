/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, in an arena. A failed allocation is latched by the arena and loses the rest. */
#ifndef ACTR_CODEGEN_TEXT_H
#define ACTR_CODEGEN_TEXT_H

#include "base/arena.h"

typedef struct text {
    actri_arena_t *arena;
    char *data; /* zero-terminated; NULL while empty */
    size_t size, capacity;
} text_t;

void text_bytes(text_t *text, const char *data, size_t size);
void text_add(text_t *text, const char *format, ...) ACTR_PRINTF(2, 3);
/* printf into the arena; "" when memory is out, so that callers need not look: the arena remembers. */
char *text_print(actri_arena_t *arena, const char *format, ...) ACTR_PRINTF(2, 3);

#endif
