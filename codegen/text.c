/* SPDX-License-Identifier: Apache-2.0 */
/* Doubling; the old block stays in the arena. */
#include "codegen/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(text_t *text, size_t more)
{
    if (text->data != NULL && more < text->capacity - text->size) return true;
    size_t capacity = text->capacity == 0 ? 4000 : text->capacity;
    while (capacity - text->size <= more) capacity *= 2;
    char *data = actri_arena_alloc(text->arena, capacity);
    if (data == NULL) return false;
    if (text->data != NULL) memcpy(data, text->data, text->size);
    data[text->size] = '\0';
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_bytes(text_t *text, const char *data, size_t size)
{
    if (size == 0 || !reserve(text, size)) return;
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_add(text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0 || !reserve(text, (size_t)size + 1)) return;
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

char *text_print(actri_arena_t *arena, const char *format, ...)
{
    static char empty[1];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : actri_arena_alloc(arena, (size_t)size + 1);
    if (text == NULL) return empty;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}
