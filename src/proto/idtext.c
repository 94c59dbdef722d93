/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of types and ids (naming-and-compat 1, 2; both separators are read, L7's is written). */
#include "proto/idtext.h"

#include "base/env.h"
#include "proto/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static actr_status_t copy_part(const char *what, const char *text, size_t size, char out[ACTR_NAME_MAX + 1],
                               actr_error_t *error)
{
    actr_status_t status = actri_name_check(text, size, ACTRI_NAME_L7, what, error);
    if (status != ACTR_OK) return status;
    memcpy(out, text, size);
    out[size] = '\0';
    return ACTR_OK;
}

static actr_status_t parse_type(const char *text, size_t size, actr_type_t *out, actr_error_t *error)
{
    memset(out, 0, sizeof *out);
    size_t at = 0;
    while (at < size && text[at] != '+' && text[at] != ':') at++;
    if (at == size) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.*s\" is no actor type: write manufacturer+name",
                          (int)(size > 80 ? 80 : size), text);
    }
    actr_status_t status = copy_part("manufacturer", text, at, out->manufacturer, error);
    if (status != ACTR_OK) return status;
    return copy_part("name", text + at + 1, size - at - 1, out->name, error);
}

actr_status_t actr_type_parse(const char *text, actr_type_t *out, actr_error_t *error)
{
    if (text == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "text or out is NULL");
    return parse_type(text, strlen(text), out, error);
}

const char *actr_type_print(const actr_type_t *type, char text[ACTR_TYPE_TEXT_SIZE])
{
    text[0] = '\0';
    if (type == NULL) return text;
    (void)snprintf(text, ACTR_TYPE_TEXT_SIZE, "%s+%s", type->manufacturer, type->name);
    return text;
}

static bool parse_number(const char *text, size_t size, unsigned base, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = size > 1 && text[0] == '+' ? 1 : 0; /* as the reference's parser does */
    if (size == 0) return false;
    for (; i < size; i++) {
        unsigned digit;
        char c = text[i];
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return false;
        if (digit >= base || value > (most - digit) / base) return false;
        value = value * base + digit;
    }
    *out = value;
    return true;
}

static actr_status_t parse_numbers(const char *serial, size_t serial_size, const char *realm, size_t realm_size,
                                   actr_id_t *out, actr_error_t *error)
{
    uint64_t value;
    if (!parse_number(serial, serial_size, 16, UINT64_MAX, &out->serial_number)) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.*s\" is no hexadecimal serial number",
                          (int)(serial_size > 40 ? 40 : serial_size), serial);
    }
    if (!parse_number(realm, realm_size, 10, UINT32_MAX, &value)) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.*s\" is no realm number",
                          (int)(realm_size > 40 ? 40 : realm_size), realm);
    }
    out->realm = (uint32_t)value;
    return ACTR_OK;
}

actr_status_t actr_id_parse(const char *text, actr_id_t *out, actr_error_t *error)
{
    if (text == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "text or out is NULL");
    memset(out, 0, sizeof *out);
    const char *at = strchr(text, '@');
    const char *colon = at == NULL ? NULL : strchr(at, ':');
    if (colon == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME,
                          "\"%.100s\" is no actor id: write serial@realm:manufacturer+name", text);
    }
    size_t left = (size_t)(at - text);
    if (memchr(text, ':', left) != NULL) { /* L6: manufacturer:name@serial:realm */
        actr_status_t status = parse_type(text, left, &out->type, error);
        if (status != ACTR_OK) return status;
        return parse_numbers(at + 1, (size_t)(colon - at - 1), colon + 1, strlen(colon + 1), out, error);
    }
    actr_status_t status = parse_numbers(text, left, at + 1, (size_t)(colon - at - 1), out, error);
    if (status != ACTR_OK) return status;
    if (strchr(colon + 1, '+') == NULL) { /* the two layouts do not mix */
        return actri_fail(error, ACTR_STATUS_INVALID_NAME,
                          "\"%.100s\" is no actor id: its type is written manufacturer+name", text);
    }
    return parse_type(colon + 1, strlen(colon + 1), &out->type, error);
}

const char *actr_id_print(const actr_id_t *id, char text[ACTR_ID_TEXT_SIZE])
{
    text[0] = '\0';
    if (id == NULL) return text;
    (void)snprintf(text, ACTR_ID_TEXT_SIZE, "%" PRIx64 "@%" PRIu32 ":%s+%s", id->serial_number, id->realm,
                   id->type.manufacturer, id->type.name);
    return text;
}

const char *actri_type_print_l6(const actr_type_t *type, char text[ACTR_TYPE_TEXT_SIZE])
{
    (void)snprintf(text, ACTR_TYPE_TEXT_SIZE, "%s:%s", type->manufacturer, type->name);
    return text;
}

const char *actri_id_print_l6(const actr_id_t *id, char text[ACTR_ID_TEXT_SIZE])
{
    (void)snprintf(text, ACTR_ID_TEXT_SIZE, "%s:%s@%" PRIx64 ":%" PRIu32, id->type.manufacturer, id->type.name,
                   id->serial_number, id->realm);
    return text;
}

bool actr_id_equal(const actr_id_t *a, const actr_id_t *b)
{
    if (a == NULL || b == NULL) return a == b;
    return a->serial_number == b->serial_number && a->realm == b->realm &&
           strcmp(a->type.manufacturer, b->type.manufacturer) == 0 && strcmp(a->type.name, b->type.name) == 0;
}
