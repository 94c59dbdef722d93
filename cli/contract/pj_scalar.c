/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, enums and bytes between JSON and the wire. Pure. */
#include "cli/contract/pj_walk.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned pj_wire_of(const actri_proto_field_t *field)
{
    switch (field->scalar) {
    case ACTRI_PROTO_TYPE_DOUBLE:
    case ACTRI_PROTO_TYPE_FIXED64:
    case ACTRI_PROTO_TYPE_SFIXED64: return 1;
    case ACTRI_PROTO_TYPE_FLOAT:
    case ACTRI_PROTO_TYPE_FIXED32:
    case ACTRI_PROTO_TYPE_SFIXED32: return 5;
    case ACTRI_PROTO_TYPE_STRING:
    case ACTRI_PROTO_TYPE_BYTES: return 2;
    case ACTRI_PROTO_NAMED: return field->message != NULL ? 2 : 0;
    default: return 0;
    }
}

bool pj_is_implicit(const contract_t *contract, const actri_proto_message_t *type, const actri_proto_field_t *field)
{
    return field->label == ACTRI_PROTO_NO_LABEL && field->oneof < 0 && field->message == NULL &&
           contract_is_proto3(contract, type->full_name);
}

/* ---- integers ---- */

typedef struct integer_kind {
    bool is_signed, wide, zigzag;
} integer_kind_t;

static integer_kind_t integer_kind(const actri_proto_field_t *field)
{
    switch (field->scalar) {
    case ACTRI_PROTO_TYPE_SINT32: return (integer_kind_t){true, false, true};
    case ACTRI_PROTO_TYPE_SINT64: return (integer_kind_t){true, true, true};
    case ACTRI_PROTO_TYPE_UINT32:
    case ACTRI_PROTO_TYPE_FIXED32: return (integer_kind_t){false, false, false};
    case ACTRI_PROTO_TYPE_UINT64:
    case ACTRI_PROTO_TYPE_FIXED64: return (integer_kind_t){false, true, false};
    case ACTRI_PROTO_TYPE_INT64:
    case ACTRI_PROTO_TYPE_SFIXED64: return (integer_kind_t){true, true, false};
    default: return (integer_kind_t){true, false, false};
    }
}

/* A number of any size: sign and magnitude. */
typedef struct whole {
    bool negative;
    uint64_t magnitude;
} whole_t;

static bool whole_of_double(double number, whole_t *out)
{
    if (number != floor(number) || fabs(number) >= 18446744073709551616.0)
        return false; /* NaN is not equal to itself */
    out->negative = number < 0;
    out->magnitude = (uint64_t)fabs(number);
    return true;
}

/* "-12" and "1e3"; nothing around it. */
static bool whole_of_text(const char *text, size_t size, whole_t *out)
{
    char *end = NULL;
    size_t digits = strspn(text, "+-.0123456789eE");
    if (size == 0 || digits != size || text[size] != '\0') return false;
    if (strspn(text, "-0123456789") == size) {
        errno = 0;
        out->negative = text[0] == '-';
        const char *first = text + (out->negative ? 1 : 0);
        if (*first < '0' || *first > '9') return false;
        out->magnitude = strtoull(first, &end, 10);
        return errno == 0 && *end == '\0';
    }
    double number = strtod(text, &end);
    return *end == '\0' && end != text && whole_of_double(number, out);
}

static bool whole_of(const json_t *value, whole_t *out)
{
    if (json_is_string(value)) return whole_of_text(json_string_value(value), json_string_length(value), out);
    if (json_is_real(value)) return whole_of_double(json_real_value(value), out);
    if (!json_is_integer(value)) return false;
    json_int_t number = json_integer_value(value);
    out->negative = number < 0;
    out->magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
    return true;
}

static bool in_range(integer_kind_t kind, const whole_t *whole)
{
    uint64_t most = kind.is_signed ? kind.wide ? INT64_MAX : INT32_MAX : kind.wide ? UINT64_MAX : UINT32_MAX;
    if (!whole->negative) return whole->magnitude <= most;
    return kind.is_signed ? whole->magnitude <= most + 1 : whole->magnitude == 0;
}

static bool to_integer(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                       uint64_t *out)
{
    whole_t whole;
    integer_kind_t kind = integer_kind(field);
    if (!whole_of(value, &whole))
        return pj_wrong(walk, where, "not a whole number, but %s is wanted", field->type_name);
    if (!in_range(kind, &whole)) return pj_wrong(walk, where, "out of the range of %s", field->type_name);
    uint64_t bits = whole.negative ? -whole.magnitude : whole.magnitude;
    if (kind.zigzag) bits = bits << 1 ^ (whole.negative && whole.magnitude > 0 ? UINT64_MAX : 0);
    *out = pj_wire_of(field) == 5 ? (uint32_t)bits : bits;
    return true;
}

static json_t *of_integer(const actri_proto_field_t *field, uint64_t bits)
{
    char text[32];
    integer_kind_t kind = integer_kind(field);
    if (kind.zigzag) bits = bits >> 1 ^ -(bits & 1);
    if (!kind.wide) return json_integer(kind.is_signed ? (json_int_t)(int32_t)bits : (json_int_t)(uint32_t)bits);
    if (kind.is_signed)
        (void)snprintf(text, sizeof text, "%lld", (long long)bits);
    else
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)bits);
    return json_string(text);
}

/* ---- floating point ---- */

static bool real_of(const json_t *value, double *out)
{
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (!json_is_string(value)) return false;
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    char *end = NULL;
    if (strcmp(text, "NaN") == 0)
        *out = (double)NAN;
    else if (strcmp(text, "Infinity") == 0)
        *out = HUGE_VAL;
    else if (strcmp(text, "-Infinity") == 0)
        *out = -HUGE_VAL;
    else if (size == 0 || strspn(text, "+-.0123456789eE") != size)
        return false;
    else {
        *out = strtod(text, &end);
        return end == text + size && isfinite(*out);
    }
    return true;
}

static bool to_real(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                    uint64_t *out)
{
    double number;
    if (!real_of(value, &number)) return pj_wrong(walk, where, "not a number, but %s is wanted", field->type_name);
    if (field->scalar == ACTRI_PROTO_TYPE_DOUBLE) {
        memcpy(out, &number, sizeof number);
        return true;
    }
    float narrow = (float)number;
    if (isfinite(number) && !isfinite(narrow)) return pj_wrong(walk, where, "out of the range of float");
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    *out = bits;
    return true;
}

static json_t *of_real(double number)
{
    if (isnan(number)) return json_string("NaN");
    if (isinf(number)) return json_string(number > 0 ? "Infinity" : "-Infinity");
    return json_real(number);
}

static json_t *of_float(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float number;
    char text[32];
    memcpy(&number, &narrow, sizeof number);
    if (!isfinite(number)) return of_real((double)number);
    (void)snprintf(text, sizeof text, "%.6g", (double)number); /* 0.1 and not 0.10000000149 */
    for (int digits = 7; digits <= 9 && strtof(text, NULL) != number; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, (double)number);
    }
    return of_real(strtod(text, NULL));
}

/* ---- enums and all together ---- */

static const actri_proto_enum_value_t *by_name(const actri_proto_enum_t *type, const char *name)
{
    for (const actri_proto_enum_value_t *value = type->values; value != NULL; value = value->next) {
        if (strcmp(value->name, name) == 0) return value;
    }
    return NULL;
}

static const actri_proto_enum_value_t *by_number(const actri_proto_enum_t *type, int32_t number)
{
    for (const actri_proto_enum_value_t *value = type->values; value != NULL; value = value->next) {
        if (value->number == number) return value;
    }
    return NULL;
}

static bool to_enum(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                    uint64_t *out)
{
    const actri_proto_enum_t *type = field->enumeration;
    const actri_proto_enum_value_t *known = NULL;
    whole_t whole;
    if (json_is_null(value)) { /* of NullValue */
        *out = 0;
        return true;
    }
    if (json_is_string(value) && (known = by_name(type, json_string_value(value))) != NULL) {
        *out = (uint64_t)(int64_t)known->number;
        return true;
    }
    if (json_is_string(value))
        return pj_wrong(walk, where, "%s has no value \"%.60s\"", type->full_name + 1, json_string_value(value));
    if (!whole_of(value, &whole) || !in_range((integer_kind_t){true, false, false}, &whole))
        return pj_wrong(walk, where, "neither a name nor a number of %s", type->full_name + 1);
    *out = whole.negative ? -whole.magnitude : whole.magnitude;
    if (by_number(type, (int32_t)*out) != NULL || contract_is_proto3(walk->contract, type->full_name)) return true;
    return pj_wrong(walk, where, "%s has no value %d", type->full_name + 1, (int32_t)*out);
}

static json_t *of_enum(const actri_proto_enum_t *type, uint64_t bits)
{
    const actri_proto_enum_value_t *known = by_number(type, (int32_t)bits);
    if (strcmp(type->full_name, ".google.protobuf.NullValue") == 0) return json_null();
    return known != NULL ? json_string(known->name) : json_integer((int32_t)bits);
}

bool pj_to_number(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                  uint64_t *out)
{
    switch (field->scalar) {
    case ACTRI_PROTO_NAMED: return to_enum(walk, where, field, value, out);
    case ACTRI_PROTO_TYPE_DOUBLE:
    case ACTRI_PROTO_TYPE_FLOAT: return to_real(walk, where, field, value, out);
    case ACTRI_PROTO_TYPE_BOOL:
        *out = json_is_true(value);
        return json_is_boolean(value) || pj_wrong(walk, where, "neither true nor false");
    default: return to_integer(walk, where, field, value, out);
    }
}

json_t *pj_of_number(const actri_proto_field_t *field, uint64_t value)
{
    double number;
    switch (field->scalar) {
    case ACTRI_PROTO_NAMED: return of_enum(field->enumeration, value);
    case ACTRI_PROTO_TYPE_DOUBLE: memcpy(&number, &value, sizeof number); return of_real(number);
    case ACTRI_PROTO_TYPE_FLOAT: return of_float(value);
    case ACTRI_PROTO_TYPE_BOOL: return json_boolean(value != 0);
    default: return of_integer(field, value);
    }
}

/* ---- base64 ---- */

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool pj_from_base64(const char *text, size_t size, actri_text_t *out)
{
    unsigned bits = 0, count = 0;
    while (size > 0 && text[size - 1] == '=' && count < 2) { /* padding */
        size--;
        count++;
    }
    if (size % 4 == 1 || (count > 0 && (size + count) % 4 != 0)) return false;
    count = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (unsigned)digit;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        uint8_t byte = (uint8_t)(bits >> count);
        actri_text_add_bytes(out, &byte, 1);
    }
    return true;
}

void pj_add_base64(actri_span_t bytes, actri_text_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    actri_text_add_bytes(out, "", 0);
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        unsigned bits = (unsigned)bytes.data[i] << 16;
        if (left > 1) bits |= (unsigned)bytes.data[i + 1] << 8;
        if (left > 2) bits |= bytes.data[i + 2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], '=', '='};
        if (left > 1) four[2] = digits[bits >> 6 & 63];
        if (left > 2) four[3] = digits[bits & 63];
        actri_text_add_bytes(out, four, sizeof four);
    }
}
