/* SPDX-License-Identifier: Apache-2.0 */
/* Unicode properties come from libunistring: Alphabetic, and the categories Nd, Nl, No for "numeric". */
#include "proto/name.h"

#include <unictype.h>
#include <unistr.h>

static bool is_letter(ucs4_t c)
{
    return c < 128 ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') : uc_is_property_alphabetic(c);
}

static bool is_letter_or_digit(ucs4_t c)
{
    if (is_letter(c)) return true;
    if (c < 128) return c >= '0' && c <= '9';
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No);
}

static int shown(size_t size)
{
    return (int)(size > 64 ? 64 : size);
}

static actr_status_t refuse(const char *text, size_t size, const char *what, const char *reason, const char *at,
                            size_t length, actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s \"%.*s\" %s, found: %.*s", what, shown(size), text,
                      reason, (int)length, at);
}

actr_status_t actri_name_check(const char *text, size_t size, actri_name_level_t level, const char *what,
                               actr_error_t *error)
{
    if (size == 0) return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s is empty", what);
    if (size > ACTR_NAME_MAX) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s \"%.*s\" is longer than %d bytes: %zu", what,
                          shown(size), text, ACTR_NAME_MAX, size);
    }
    bool ends_well = false;
    for (size_t at = 0; at < size;) {
        ucs4_t c;
        int length = u8_mbtoucr(&c, (const uint8_t *)text + at, size - at);
        if (length <= 0) {
            return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s \"%.*s\" is not UTF-8", what, shown(size), text);
        }
        ends_well = is_letter_or_digit(c);
        if (at == 0 && !is_letter(c))
            return refuse(text, size, what, "must start with a letter", text, (size_t)length, error);
        if (!ends_well && c != '-' && c != '_' && !(c == '.' && level == ACTRI_NAME_L7)) {
            return refuse(text, size, what, "may hold letters, digits, '-', '_' and '.' only", text + at,
                          (size_t)length, error);
        }
        at += (size_t)length;
    }
    if (!ends_well) return refuse(text, size, what, "must end with a letter or digit", text + size - 1, 1, error);
    return ACTR_OK;
}
