/* SPDX-License-Identifier: Apache-2.0 */
/* What all rules of the .proto grammar are made of. Pure. */
#include "compat/proto_reader.h"

#include "base/utf8.h"

#include <string.h>

#define SHOWN 40 /* bytes of a token in a message */

bool actri_proto_expected(actri_proto_reader_t *reader, const char *what)
{
    const actri_proto_token_t *token = &reader->token;
    if (token->kind == ACTRI_PROTO_TOKEN_END)
        return actri_proto_wrong(reader, token->at, "expected %s, but the text ends", what);
    int size = token->size > SHOWN ? SHOWN : (int)token->size;
    return actri_proto_wrong(reader, token->at, "expected %s, found %.*s%s", what, size, token->data,
                             token->size > SHOWN ? "..." : "");
}

bool actri_proto_is_symbol(const actri_proto_reader_t *reader, char symbol)
{
    return reader->token.kind == ACTRI_PROTO_TOKEN_SYMBOL && reader->token.symbol == symbol;
}

bool actri_proto_is_word(const actri_proto_reader_t *reader, const char *word)
{
    const actri_proto_token_t *token = &reader->token;
    return token->kind == ACTRI_PROTO_TOKEN_IDENT && token->size == strlen(word) &&
           memcmp(token->data, word, token->size) == 0;
}

bool actri_proto_take_symbol(actri_proto_reader_t *reader, char symbol)
{
    if (!actri_proto_is_symbol(reader, symbol)) return false;
    actri_proto_next(reader);
    return true;
}

bool actri_proto_take_word(actri_proto_reader_t *reader, const char *word)
{
    if (!actri_proto_is_word(reader, word)) return false;
    actri_proto_next(reader);
    return true;
}

bool actri_proto_need_symbol(actri_proto_reader_t *reader, char symbol)
{
    char what[] = {'"', symbol, '"', '\0'};
    return actri_proto_take_symbol(reader, symbol) || actri_proto_expected(reader, what);
}

bool actri_proto_need_word(actri_proto_reader_t *reader, const char *word)
{
    return actri_proto_take_word(reader, word) || actri_proto_expected(reader, word);
}

const char *actri_proto_need_ident(actri_proto_reader_t *reader)
{
    const actri_proto_token_t *token = &reader->token;
    if (token->kind != ACTRI_PROTO_TOKEN_IDENT) {
        (void)actri_proto_expected(reader, "a name");
        return NULL;
    }
    if (token->size > ACTRI_PROTO_NAME_MAX) {
        (void)actri_proto_refuse(reader, token->at, "this name has more than %d bytes", ACTRI_PROTO_NAME_MAX);
        return NULL;
    }
    char *copy = actri_proto_new(reader, token->size + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, token->data, token->size);
    actri_proto_next(reader);
    return copy;
}

const char *actri_proto_need_path(actri_proto_reader_t *reader, bool leading)
{
    char path[ACTRI_PROTO_NAME_MAX + 2];
    size_t size = 0;
    actri_proto_position_t at = reader->token.at;
    if (leading && actri_proto_take_symbol(reader, '.')) path[size++] = '.';
    do {
        const actri_proto_token_t *token = &reader->token;
        if (size > 0 && path[size - 1] != '.') path[size++] = '.';
        if (token->kind != ACTRI_PROTO_TOKEN_IDENT) {
            (void)actri_proto_expected(reader, "a name");
            return NULL;
        }
        if (token->size >= ACTRI_PROTO_NAME_MAX - size) {
            (void)actri_proto_refuse(reader, at, "this name has more than %d bytes", ACTRI_PROTO_NAME_MAX);
            return NULL;
        }
        memcpy(path + size, token->data, token->size);
        size += token->size;
        actri_proto_next(reader);
    } while (actri_proto_take_symbol(reader, '.'));
    char *copy = actri_proto_good(reader) ? actri_proto_new(reader, size + 1) : NULL;
    if (copy != NULL) memcpy(copy, path, size);
    return copy;
}

static bool is_utf8(const actri_proto_text_t *text)
{
    for (size_t at = 0; at < text->size;) {
        size_t length = actri_utf8_length((const uint8_t *)text->data + at, text->size - at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

/* Doubles its room, so that a million of small neighbours cost no million of copies. */
static bool join(actri_proto_reader_t *reader, char **joined, size_t *room, size_t size)
{
    const actri_proto_text_t *more = &reader->token.string;
    if (size + more->size + 1 > *room) {
        char *larger = actri_proto_new(reader, *room = 2 * (size + more->size + 1));
        if (larger == NULL) return false;
        memcpy(larger, *joined, size);
        *joined = larger;
    }
    memcpy(*joined + size, more->data, more->size);
    (*joined)[size + more->size] = '\0';
    return true;
}

bool actri_proto_need_string(actri_proto_reader_t *reader, bool utf8, actri_proto_text_t *out)
{
    actri_proto_position_t at = reader->token.at;
    if (reader->token.kind != ACTRI_PROTO_TOKEN_STRING) return actri_proto_expected(reader, "a string");
    *out = reader->token.string;
    actri_proto_next(reader);
    char *joined = NULL;
    size_t room = 0;
    while (reader->token.kind == ACTRI_PROTO_TOKEN_STRING) {
        if (joined == NULL) {
            room = 2 * (out->size + 1);
            joined = actri_proto_new(reader, room);
            if (joined == NULL) return false;
            memcpy(joined, out->data, out->size);
        }
        if (!join(reader, &joined, &room, out->size)) return false;
        *out = (actri_proto_text_t){joined, out->size + reader->token.string.size};
        actri_proto_next(reader);
    }
    if (utf8 && !is_utf8(out)) return actri_proto_wrong(reader, at, "this string is not UTF-8");
    return actri_proto_good(reader);
}

bool actri_proto_need_number(actri_proto_reader_t *reader, int32_t *out)
{
    if (reader->token.kind != ACTRI_PROTO_TOKEN_INTEGER) return actri_proto_expected(reader, "a number");
    if (reader->token.integer > INT32_MAX) return actri_proto_expected(reader, "a number up to 2147483647");
    *out = (int32_t)reader->token.integer;
    actri_proto_next(reader);
    return true;
}

bool actri_proto_deeper(actri_proto_reader_t *reader)
{
    if (++reader->depth <= ACTRI_PROTO_DEPTH_MAX) return true;
    return actri_proto_refuse(reader, reader->token.at, "more than %d levels of braces", ACTRI_PROTO_DEPTH_MAX);
}

const char *actri_proto_scalar_name(actri_proto_scalar_t scalar)
{
    static const char *const names[] = {NULL,       "double", "float",  "int32",   "int64",   "uint32",
                                        "uint64",   "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
                                        "sfixed64", "bool",   "string", "bytes"};
    return names[scalar];
}

int actri_proto_text_compare(const actri_proto_text_t *a, const actri_proto_text_t *b)
{
    size_t common = a->size < b->size ? a->size : b->size;
    int order = common == 0 ? 0 : memcmp(a->data, b->data, common);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}
