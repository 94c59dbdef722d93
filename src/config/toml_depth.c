/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts brackets, and dots between two separators, outside strings and comments. The parser stops at the first
 * syntax error, and up to there both read the text alike, so it never nests deeper than what was counted here.
 */
#include "config/toml_depth.h"

#include "config/toml.h"

#include <string.h>

/* Behind a string that starts at `at` (basic, literal, or three quotes of either). */
static size_t skip_string(const char *text, size_t size, size_t at, unsigned *line)
{
    char quote = text[at];
    bool block = size - at >= 3 && text[at + 1] == quote && text[at + 2] == quote;
    at += block ? 3 : 1;
    while (at < size) {
        if (text[at] == '\n') {
            if (!block) return at; /* a syntax error there; the parser says so */
            (*line)++;
        }
        if (text[at] == '\\' && quote == '"' && at + 1 < size && text[at + 1] != '\n') {
            at += 2;
        } else if (text[at] != quote) {
            at++;
        } else if (!block) {
            return at + 1;
        } else if (size - at >= 3 && text[at + 1] == quote && text[at + 2] == quote) {
            at += 3;
            for (int more = 0; more < 2 && at < size && text[at] == quote; more++) at++; /* """a""" may end in five */
            return at;
        } else {
            at++;
        }
    }
    return size;
}

bool actri_toml_depth_ok(const char *text, size_t size, unsigned *line)
{
    unsigned brackets = 0, dots = 0;
    *line = 1;
    for (size_t at = 0; at < size;) {
        char c = text[at];
        if (c == '"' || c == '\'') {
            at = skip_string(text, size, at, line);
            continue;
        }
        if (c == '#') {
            while (at < size && text[at] != '\n') at++;
            continue;
        }
        if (c == '\n') (*line)++;
        if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') dots = 0;
        if (c == '[' || c == '{') brackets++;
        if ((c == ']' || c == '}') && brackets > 0) brackets--;
        if (c == '.') dots++;
        if (brackets > ACTRI_TOML_NESTING || dots >= ACTRI_TOML_NESTING) return false;
        at++;
    }
    return true;
}
