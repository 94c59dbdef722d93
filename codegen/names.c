/* SPDX-License-Identifier: Apache-2.0 */
/* ASCII only, as identifiers of protobuf are; no locale. */
#include "codegen/names.h"

#include "codegen/text.h"

#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c)
{
    return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static void add(text_t *text, char c)
{
    text_bytes(text, &c, 1);
}

static char *result(text_t *text)
{
    return text->data != NULL ? text->data : text_print(text->arena, "%s", "");
}

/* A digit has the case of the letter before it; the last capital of a run begins the word that follows. */
char *name_snake(actri_arena_t *arena, const char *name)
{
    text_t out = {.arena = arena};
    bool begun = false, upper_before = false;
    for (const char *c = name; *c != '\0'; c++) {
        if (!is_upper(*c) && !is_lower(*c) && !is_digit(*c)) {
            begun = false;
            continue;
        }
        bool upper = is_digit(*c) ? upper_before : is_upper(*c);
        bool new_word = !begun || (is_upper(*c) && (!upper_before || is_lower(c[1])));
        if (new_word && out.size > 0) add(&out, '_');
        add(&out, to_lower(*c));
        begun = true;
        upper_before = upper;
    }
    return result(&out);
}

char *name_message(actri_arena_t *arena, const char *full)
{
    text_t out = {.arena = arena};
    bool capital = true;
    for (const char *c = full; *c != '\0'; c++) {
        if (*c == '.') {
            if (out.size > 0) text_bytes(&out, "__", 2);
            capital = true;
        } else if (*c == '_') {
            capital = true;
        } else {
            add(&out, capital ? to_upper(*c) : *c);
            capital = false;
        }
    }
    return result(&out);
}

char *name_message_prefix(actri_arena_t *arena, const char *full)
{
    text_t out = {.arena = arena};
    bool upper_before = true;
    for (const char *c = full; *c != '\0'; c++) {
        if (*c == '.') {
            if (out.size > 0) text_bytes(&out, "__", 2);
            upper_before = true;
            continue;
        }
        if (is_upper(*c) && !upper_before) add(&out, '_');
        add(&out, to_lower(*c));
        upper_before = is_upper(*c);
    }
    return result(&out);
}

/* Sorted. `user` is a member of every handler table. */
static const char *const reserved[] = {
    "alignas",      "alignof",   "and",          "and_eq",
    "asm",          "assert",    "auto",         "bitand",
    "bitor",        "bool",      "break",        "case",
    "catch",        "char",      "char16_t",     "char32_t",
    "char8_t",      "class",     "co_await",     "co_return",
    "co_yield",     "compl",     "concept",      "const",
    "const_cast",   "consteval", "constexpr",    "constinit",
    "continue",     "decltype",  "default",      "delete",
    "do",           "double",    "dynamic_cast", "else",
    "enum",         "errno",     "explicit",     "export",
    "extern",       "false",     "float",        "for",
    "friend",       "goto",      "i386",         "if",
    "inline",       "int",       "linux",        "long",
    "mutable",      "namespace", "new",          "noexcept",
    "noreturn",     "not",       "not_eq",       "nullptr",
    "operator",     "or",        "or_eq",        "private",
    "protected",    "public",    "register",     "reinterpret_cast",
    "requires",     "restrict",  "return",       "short",
    "signed",       "sizeof",    "static",       "static_assert",
    "static_cast",  "stderr",    "stdin",        "stdout",
    "struct",       "switch",    "template",     "this",
    "thread_local", "throw",     "true",         "try",
    "typedef",      "typeid",    "typename",     "typeof",
    "union",        "unix",      "unsigned",     "user",
    "using",        "virtual",   "void",         "volatile",
    "wchar_t",      "while",     "xor",          "xor_eq",
};

/* Of them, those that protobuf-c 1.4 puts no "_" behind; and a member of all its messages. */
static const char *const later[] = {"alignas",   "alignof",   "base",     "char16_t",     "char32_t",  "char8_t",
                                    "co_await",  "co_return", "co_yield", "concept",      "consteval", "constexpr",
                                    "constinit", "decltype",  "errno",    "export",       "i386",      "linux",
                                    "noexcept",  "noreturn",  "nullptr",  "requires",     "restrict",  "static_assert",
                                    "stderr",    "stdin",     "stdout",   "thread_local", "typeof",    "unix"};

char *name_field(actri_arena_t *arena, const char *name)
{
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        size_t at = 0;
        while (name[at] != '\0' && to_lower(name[at]) == later[i][at]) at++;
        if (name[at] == '\0' && later[i][at] == '\0') return text_print(arena, "%s_", name);
    }
    return NULL;
}

char *name_member(actri_arena_t *arena, const char *snake)
{
    bool digit = is_digit(snake[0]);
    if (snake[0] == '_' && is_upper(snake[1])) return text_print(arena, "%s_", snake); /* _Bool and its like */
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(snake, reserved[i]) == 0) return text_print(arena, "%s_", snake);
    }
    return text_print(arena, "%s%s", digit ? "_" : "", snake);
}

char *name_stem(actri_arena_t *arena, const char *file)
{
    size_t size = strlen(file);
    if (size > 6 && strcmp(file + size - 6, ".proto") == 0) size -= 6;
    return text_print(arena, "%.*s", (int)size, file);
}

char *name_guard(actri_arena_t *arena, const char *file)
{
    text_t out = {.arena = arena};
    text_bytes(&out, "ACTR_", 5);
    for (const char *c = file; *c != '\0'; c++) {
        add(&out, is_upper(*c) || is_lower(*c) || is_digit(*c) ? to_upper(*c) : '_');
    }
    text_bytes(&out, "_H", 2);
    return result(&out);
}
