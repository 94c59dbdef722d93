/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a .proto text. Pure. spec: naming-and-compat 5.1, rows on literals. */
#include "compat/proto_reader.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool latch(actri_proto_reader_t *reader, actr_status_t status, actri_proto_position_t at, const char *format,
                  va_list arguments)
{
    char text[ACTR_ERROR_MESSAGE_SIZE];
    if (reader->status != ACTR_OK) return false;
    reader->status = status;
    reader->token.kind = ACTRI_PROTO_TOKEN_END;
    (void)vsnprintf(text, sizeof text, format, arguments);
    actri_utf8_line(text);
    (void)actri_fail(reader->error, status, "%s:%u:%u: %s", reader->name, at.line, at.column, text);
    return false;
}

bool actri_proto_wrong(actri_proto_reader_t *reader, actri_proto_position_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)latch(reader, ACTR_STATUS_PROTO_SYNTAX, at, format, arguments);
    va_end(arguments);
    return false;
}

bool actri_proto_refuse(actri_proto_reader_t *reader, actri_proto_position_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)latch(reader, ACTR_STATUS_PROTO_UNSUPPORTED, at, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(actri_proto_reader_t *reader)
{
    if (reader->status == ACTR_OK) reader->status = actri_no_memory(reader->error);
    reader->token.kind = ACTRI_PROTO_TOKEN_END;
    return false;
}

void *actri_proto_new(actri_proto_reader_t *reader, size_t size)
{
    void *block = actri_arena_alloc(reader->arena, size);
    if (block == NULL)
        (void)no_memory(reader);
    else
        memset(block, 0, size);
    return block;
}

/* The character that many places ahead; 0 behind the end (a zero in the text is no token either). */
static char peek(const actri_proto_reader_t *reader, size_t ahead)
{
    return reader->size - reader->offset > ahead ? reader->text[reader->offset + ahead] : '\0';
}

static actri_proto_position_t position(const actri_proto_reader_t *reader)
{
    size_t column = reader->offset - reader->line_start + 1;
    return (actri_proto_position_t){reader->line, (uint32_t)column};
}

static void step(actri_proto_reader_t *reader)
{
    if (reader->text[reader->offset++] != '\n') return;
    reader->line++;
    reader->line_start = reader->offset;
}

static bool skip_block_comment(actri_proto_reader_t *reader)
{
    actri_proto_position_t begin = position(reader);
    reader->offset += 2;
    while (reader->offset < reader->size && !(peek(reader, 0) == '*' && peek(reader, 1) == '/')) step(reader);
    if (reader->offset == reader->size) return actri_proto_wrong(reader, begin, "this comment does not end");
    reader->offset += 2;
    return true;
}

static bool skip_blanks(actri_proto_reader_t *reader)
{
    while (reader->offset < reader->size) {
        char c = peek(reader, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            step(reader);
        } else if (c == '/' && peek(reader, 1) == '/') {
            while (reader->offset < reader->size && peek(reader, 0) != '\n') reader->offset++;
        } else if (c == '/' && peek(reader, 1) == '*') {
            if (!skip_block_comment(reader)) return false;
        } else {
            break;
        }
    }
    return true;
}

static size_t count_digits(const actri_proto_reader_t *reader, size_t from)
{
    size_t count = 0;
    while (is_digit(peek(reader, from + count))) count++;
    return count;
}

/* How long "e+12" at `from` is; 0: there is none. */
static size_t exponent_length(const actri_proto_reader_t *reader, size_t from)
{
    if (peek(reader, from) != 'e' && peek(reader, from) != 'E') return 0;
    size_t sign = peek(reader, from + 1) == '+' || peek(reader, from + 1) == '-';
    size_t digits = count_digits(reader, from + 1 + sign);
    return digits == 0 ? 0 : 1 + sign + digits;
}

/* Length of the floating-point literal here: digits behind a point, or an exponent, or both. 0: none. */
static size_t float_length(const actri_proto_reader_t *reader)
{
    size_t whole = count_digits(reader, 0), length = whole;
    if (peek(reader, length) == '.') {
        size_t fraction = count_digits(reader, length + 1);
        if (fraction == 0) return 0;
        length += 1 + fraction;
        return length + exponent_length(reader, length);
    }
    size_t exponent = exponent_length(reader, length);
    return whole == 0 || exponent == 0 ? 0 : length + exponent;
}

#define EXPONENT_LIMIT 100000000 /* beyond this every number is 0 or infinite */

/* Without the point, because strtod's is the locale's: 12.5e3 is 125e2. */
static bool read_float(actri_proto_reader_t *reader, size_t length)
{
    const char *text = reader->text + reader->offset;
    char *plain = actri_proto_new(reader, length + 32);
    size_t size = 0, at = 0;
    long fraction = 0, exponent = 0;
    bool behind_point = false;
    if (plain == NULL) return false;
    for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            behind_point = true;
        } else {
            plain[size++] = text[at];
            fraction += behind_point;
        }
    }
    bool negative = at + 1 < length && text[at + 1] == '-';
    for (at++; at < length; at++) {
        if (is_digit(text[at]) && exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (text[at] - '0');
    }
    (void)snprintf(plain + size, 32, "e%ld", (negative ? -exponent : exponent) - fraction);
    reader->token.kind = ACTRI_PROTO_TOKEN_FLOAT;
    reader->token.number = strtod(plain, NULL);
    reader->offset += length;
    return true;
}

static bool read_integer(actri_proto_reader_t *reader)
{
    bool hex = peek(reader, 0) == '0' && (peek(reader, 1) == 'x' || peek(reader, 1) == 'X');
    unsigned base = hex ? 16 : 10;
    uint64_t value = 0;
    int digit;
    reader->token.kind = ACTRI_PROTO_TOKEN_INTEGER;
    if (hex) reader->offset += 2;
    if (hex_value(peek(reader, 0)) < 0)
        return actri_proto_wrong(reader, reader->token.at, "a hexadecimal digit is missing");
    while ((digit = hex_value(peek(reader, 0))) >= 0 && (unsigned)digit < base) {
        if (value > (UINT64_MAX - (unsigned)digit) / base)
            return actri_proto_wrong(reader, reader->token.at, "this number has more than 64 bits");
        value = value * base + (unsigned)digit;
        reader->offset++;
    }
    reader->token.integer = value;
    return true;
}

static bool read_octal(actri_proto_reader_t *reader, char *out)
{
    unsigned value = 0;
    for (int i = 0; i < 3 && peek(reader, 0) >= '0' && peek(reader, 0) <= '7'; i++) {
        value = value * 8 + (unsigned)(peek(reader, 0) - '0');
        reader->offset++;
    }
    *out = (char)(value & 0xff);
    return true;
}

static bool read_hex(actri_proto_reader_t *reader, char *out)
{
    int high = hex_value(peek(reader, 1)), low = high < 0 ? -1 : hex_value(peek(reader, 2));
    if (low < 0) return actri_proto_wrong(reader, position(reader), "two hexadecimal digits must follow \\x");
    *out = (char)(high * 16 + low);
    reader->offset += 3;
    return true;
}

/* Behind the backslash. */
static bool read_escape(actri_proto_reader_t *reader, char *out)
{
    static const char letters[] = "abfnrtv", means[] = "\a\b\f\n\r\t\v";
    char c = peek(reader, 0);
    if (c >= '0' && c <= '7') return read_octal(reader, out);
    if (c == 'x') return read_hex(reader, out);
    if (c == '\0' || c == '\n') return actri_proto_wrong(reader, reader->token.at, "this string does not end");
    const char *found = strchr(letters, c);
    *out = found == NULL ? c : means[found - letters];
    reader->offset++;
    return true;
}

static bool read_string(actri_proto_reader_t *reader)
{
    char quote = peek(reader, 0);
    size_t room = 0, size = 0;
    reader->token.kind = ACTRI_PROTO_TOKEN_STRING;
    reader->offset++;
    while (reader->offset + room < reader->size && peek(reader, room) != quote && peek(reader, room) != '\n')
        room += peek(reader, room) == '\\' ? 2 : 1; /* no more than this is decoded */
    char *out = actri_proto_new(reader, room + 1);
    if (out == NULL) return false;
    while (peek(reader, 0) != quote) {
        char c = peek(reader, 0);
        if (c == '\n' || c == '\0') return actri_proto_wrong(reader, reader->token.at, "this string does not end");
        reader->offset++;
        if (c == '\\' && !read_escape(reader, &c)) return false;
        out[size++] = c;
    }
    reader->offset++;
    reader->token.string = (actri_proto_text_t){out, size};
    return true;
}

static bool read_ident(actri_proto_reader_t *reader)
{
    reader->token.kind = ACTRI_PROTO_TOKEN_IDENT;
    while (is_letter(peek(reader, 0)) || is_digit(peek(reader, 0))) reader->offset++;
    return true;
}

static bool read_symbol(actri_proto_reader_t *reader)
{
    char c = peek(reader, 0);
    if (c <= ' ' || c >= 0x7f) {
        return actri_proto_wrong(reader, reader->token.at, "the character with code %u can not stand here",
                                 (unsigned)(unsigned char)c);
    }
    reader->token.kind = ACTRI_PROTO_TOKEN_SYMBOL;
    reader->token.symbol = c;
    reader->offset++;
    return true;
}

static bool read_token(actri_proto_reader_t *reader)
{
    char c = peek(reader, 0);
    if (is_letter(c)) return read_ident(reader);
    if (c == '"' || c == '\'') return read_string(reader);
    size_t length = float_length(reader);
    if (length > 0) return read_float(reader, length);
    if (is_digit(c)) return read_integer(reader);
    return read_symbol(reader);
}

void actri_proto_next(actri_proto_reader_t *reader)
{
    reader->token.kind = ACTRI_PROTO_TOKEN_END;
    reader->token.size = 0;
    if (reader->status != ACTR_OK || !skip_blanks(reader)) return;
    reader->token.at = position(reader);
    reader->token.data = reader->text + reader->offset;
    if (reader->offset == reader->size) return;
    (void)read_token(reader);
    reader->token.size = (size_t)(reader->text + reader->offset - reader->token.data);
}

void actri_proto_reader_init(actri_proto_reader_t *reader, actri_arena_t *arena, const char *name, const char *text,
                             size_t size, actr_error_t *error)
{
    memset(reader, 0, sizeof *reader);
    reader->arena = arena;
    reader->name = name;
    reader->text = text;
    reader->size = size;
    reader->line = 1;
    reader->error = error;
    actri_proto_next(reader);
}
