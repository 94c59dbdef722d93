/* SPDX-License-Identifier: Apache-2.0 */
/* Which values a field can have, and the text of a default. Pure. spec: naming-and-compat 5.4. */
#include "compat/proto_linker.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes of the integer types: bits of the magnitude below and above zero. */
typedef struct bounds {
    bool is_integer;
    uint64_t below, above;
} bounds_t;

static bounds_t bounds_of(actri_proto_scalar_t scalar)
{
    switch (scalar) {
    case ACTRI_PROTO_TYPE_INT32:
    case ACTRI_PROTO_TYPE_SINT32:
    case ACTRI_PROTO_TYPE_SFIXED32: return (bounds_t){true, (uint64_t)INT32_MAX + 1, INT32_MAX};
    case ACTRI_PROTO_TYPE_UINT32:
    case ACTRI_PROTO_TYPE_FIXED32: return (bounds_t){true, 0, UINT32_MAX};
    case ACTRI_PROTO_TYPE_INT64:
    case ACTRI_PROTO_TYPE_SINT64:
    case ACTRI_PROTO_TYPE_SFIXED64: return (bounds_t){true, (uint64_t)INT64_MAX + 1, INT64_MAX};
    case ACTRI_PROTO_TYPE_UINT64:
    case ACTRI_PROTO_TYPE_FIXED64: return (bounds_t){true, 0, UINT64_MAX};
    default: return (bounds_t){false, 0, 0};
    }
}

/* A floating-point literal for an integer field: its magnitude when it is whole and below 2^64. */
static bool whole(double number, uint64_t *magnitude)
{
    double size = fabs(number);
    if (!(size < 18446744073709551616.0) || floor(size) != size) return false;
    *magnitude = (uint64_t)size;
    return true;
}

static bool integer_of(const actri_proto_value_t *value, bounds_t bounds, bool *negative, uint64_t *magnitude)
{
    if (value->kind == ACTRI_PROTO_INTEGER) {
        *negative = value->negative;
        *magnitude = value->integer;
    } else if (value->kind == ACTRI_PROTO_FLOAT) {
        *negative = value->number < 0;
        if (!whole(value->number, magnitude)) return false;
    } else {
        return false;
    }
    if (*magnitude == 0) *negative = false;
    return *magnitude <= (*negative ? bounds.below : bounds.above);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_float_word(const actri_proto_text_t *text)
{
    static const char *const words[] = {"inf", "infinity", "nan"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]), at = 0;
        if (text->size != size) continue;
        while (at < size && lower(text->data[at]) == words[i][at]) at++;
        if (at == size) return true;
    }
    return false;
}

static bool fits_float(const actri_proto_value_t *value)
{
    return value->kind == ACTRI_PROTO_INTEGER || value->kind == ACTRI_PROTO_FLOAT ||
           (value->kind == ACTRI_PROTO_IDENT && is_float_word(&value->text));
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

bool actri_proto_value_fits(const actri_proto_field_t *field, const actri_proto_value_t *value)
{
    bool negative;
    uint64_t magnitude;
    bounds_t bounds = bounds_of(field->scalar);
    if (bounds.is_integer) return integer_of(value, bounds, &negative, &magnitude);
    switch (field->scalar) {
    case ACTRI_PROTO_TYPE_FLOAT:
    case ACTRI_PROTO_TYPE_DOUBLE: return fits_float(value);
    case ACTRI_PROTO_TYPE_BOOL: return value->kind == ACTRI_PROTO_BOOL;
    case ACTRI_PROTO_TYPE_STRING: return value->kind == ACTRI_PROTO_STRING && is_utf8(&value->text);
    case ACTRI_PROTO_TYPE_BYTES: return value->kind == ACTRI_PROTO_STRING;
    default:
        return field->enumeration != NULL && value->kind == ACTRI_PROTO_IDENT &&
               actri_proto_enum_has(field->enumeration, &value->text);
    }
}

#define DIGITS 17 /* always enough for a double */

/* digits[0..count) e exponent, as an integer with an exponent: no decimal point of any locale in it. */
static double read_back(const char *digits, int count, int exponent)
{
    char text[DIGITS + 16];
    (void)snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - count + 1);
    return strtod(text, NULL);
}

/* One more in the last place; may carry into a new first digit. */
static void increment(char *digits, int count, int *exponent)
{
    int at = count - 1;
    while (at >= 0 && digits[at] == '9') digits[at--] = '0';
    if (at >= 0) {
        digits[at]++;
    } else {
        digits[0] = '1';
        (*exponent)++;
    }
}

/* The fewest digits that read back to the number. Where they are not its nearest rounding (next to a power of two the
   gap below is half of that above), they are the next larger one. */
static int shortest(double number, char digits[DIGITS + 1], int *exponent)
{
    for (int count = 1;; count++) {
        char text[64];
        int size = 0;
        (void)snprintf(text, sizeof text, "%.*e", count - 1, number);
        const char *e = strchr(text, 'e');
        for (const char *c = text; c < e; c++) {
            if (*c >= '0' && *c <= '9') digits[size++] = *c;
        }
        *exponent = (int)strtol(e + 1, NULL, 10);
        if (count == DIGITS || read_back(digits, count, *exponent) == number) return count;
        increment(digits, count, exponent);
        if (read_back(digits, count, *exponent) == number) return count;
    }
}

const char *actri_proto_print_double(actri_proto_reader_t *reader, double number)
{
    if (isnan(number)) return "nan";
    if (isinf(number)) return number < 0 ? "-inf" : "inf";
    char digits[DIGITS + 1] = "0", *out = actri_proto_new(reader, 400), *at = out;
    int exponent = 0, count = number == 0 ? 1 : shortest(fabs(number), digits, &exponent);
    if (out == NULL) return NULL;
    while (count > 1 && digits[count - 1] == '0') count--;
    if (signbit(number)) *at++ = '-';
    if (exponent < 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = -1; i > exponent; i--) *at++ = '0';
    }
    for (int i = 0; i < count; i++) {
        if (i > 0 && i == exponent + 1) *at++ = '.';
        *at++ = digits[i];
    }
    for (int i = count; i <= exponent; i++) *at++ = '0';
    return out;
}

static const char *print_integer(actri_proto_reader_t *reader, bool negative, uint64_t magnitude)
{
    char *out = actri_proto_new(reader, 24);
    if (out != NULL)
        (void)snprintf(out, 24, "%s%llu", negative && magnitude > 0 ? "-" : "", (unsigned long long)magnitude);
    return out;
}

static actri_proto_text_t print_bytes(actri_proto_reader_t *reader, const actri_proto_text_t *bytes)
{
    static const char special[] = "\n\r\t\"'\\", letters[] = "nrt\"'\\";
    char *out = actri_proto_new(reader, 4 * bytes->size + 1), *at = out;
    if (out == NULL) return (actri_proto_text_t){NULL, 0};
    for (size_t i = 0; i < bytes->size; i++) {
        unsigned char c = (unsigned char)bytes->data[i];
        const char *found = c == '\0' ? NULL : strchr(special, (char)c);
        if (found != NULL) {
            *at++ = '\\';
            *at++ = letters[found - special];
        } else if (c < 0x20 || c >= 0x7f) {
            at += snprintf(at, 5, "\\%03o", c);
        } else {
            *at++ = (char)c;
        }
    }
    return (actri_proto_text_t){out, (size_t)(at - out)};
}

static const char *print_number(actri_proto_reader_t *reader, const actri_proto_field_t *field,
                                const actri_proto_value_t *value)
{
    bool negative = value->negative;
    uint64_t magnitude = value->integer;
    bounds_t bounds = bounds_of(field->scalar);
    if (value->kind == ACTRI_PROTO_BOOL) return value->boolean ? "true" : "false";
    if (value->kind == ACTRI_PROTO_IDENT) return value->text.data;
    if (bounds.is_integer)
        (void)integer_of(value, bounds, &negative, &magnitude);
    else if (value->kind == ACTRI_PROTO_FLOAT)
        return actri_proto_print_double(reader, value->number);
    return print_integer(reader, negative, magnitude);
}

bool actri_proto_make_default(actri_proto_linker_t *linker, actri_proto_field_t *field)
{
    const actri_proto_value_t *value = actri_proto_option(field->options, "default");
    if (value == NULL) return true;
    if (field->message != NULL || !actri_proto_value_fits(field, value))
        return actri_proto_wrong(linker->reader, value->at, "this is no default for %.100s, a %.100s", field->name,
                                 field->type_name);
    field->has_default = true;
    if (field->scalar == ACTRI_PROTO_TYPE_STRING) {
        field->default_text = value->text;
    } else if (field->scalar == ACTRI_PROTO_TYPE_BYTES) {
        field->default_text = print_bytes(linker->reader, &value->text);
    } else {
        const char *text = print_number(linker->reader, field, value);
        field->default_text = (actri_proto_text_t){text, text == NULL ? 0 : strlen(text)};
    }
    return actri_proto_good(linker->reader);
}
