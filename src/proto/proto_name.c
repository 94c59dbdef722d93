/* SPDX-License-Identifier: Apache-2.0 */
/* Unicode properties by libunistring, as in name.c. */
#include "proto/proto_name.h"

#include <unictype.h>
#include <unistr.h>

static const struct rule {
    const char *what;
    size_t most;
} rules[] = {{"package name", 256}, {"service name", 64}, {"method name", 64}};

static bool is_alphanumeric(ucs4_t c)
{
    return uc_is_property_alphabetic(c) ||
           uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No);
}

static bool is_digit(ucs4_t c)
{
    return c >= '0' && c <= '9';
}

static actr_status_t refuse(actri_proto_name_t kind, const char *text, size_t size, const char *why,
                            actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s \"%.*s\" %s", rules[kind].what,
                      (int)(size > 100 ? 100 : size), text, why);
}

/* What is wrong with the character c behind `before` (0 at the start); NULL: nothing. */
static const char *package_fault(ucs4_t before, ucs4_t c)
{
    if (before == 0 && (c == '.' || is_digit(c))) return "starts with a digit or '.'";
    if (c == '.') return before == '.' ? "has an empty segment" : NULL;
    if (before == '.' && is_digit(c)) return "has a segment that starts with a digit";
    if (c == '_' || (is_alphanumeric(c) && !uc_is_property_uppercase(c))) return NULL;
    return "may hold lower-case letters, digits, '_' and '.' only";
}

static const char *word_fault(actri_proto_name_t kind, ucs4_t before, ucs4_t c)
{
    if (before == 0 && kind == ACTRI_PROTO_SERVICE && !uc_is_property_uppercase(c))
        return "must start with an upper-case letter";
    if (before == 0 && kind == ACTRI_PROTO_METHOD && !uc_is_property_lowercase(c))
        return "must start with a lower-case letter";
    return c == '_' || is_alphanumeric(c) ? NULL : "may hold letters, digits and '_' only";
}

actr_status_t actri_proto_name_check(actri_proto_name_t kind, const char *text, size_t size, actr_error_t *error)
{
    if (size == 0) return actri_fail(error, ACTR_STATUS_INVALID_NAME, "the %s is empty", rules[kind].what);
    if (size > rules[kind].most) return refuse(kind, text, size, "is too long", error);
    ucs4_t before = 0, c = 0;
    for (size_t at = 0; at < size; before = c) {
        int length = u8_mbtoucr(&c, (const uint8_t *)text + at, size - at);
        if (length <= 0) return refuse(kind, text, size, "is not UTF-8", error);
        const char *fault = kind == ACTRI_PROTO_PACKAGE ? package_fault(before, c) : word_fault(kind, before, c);
        if (fault != NULL) return refuse(kind, text, size, fault, error);
        at += (size_t)length;
    }
    if (kind == ACTRI_PROTO_PACKAGE && c == '.') return refuse(kind, text, size, "ends with '.'", error);
    if (kind != ACTRI_PROTO_PACKAGE && c == '_') return refuse(kind, text, size, "ends with '_'", error);
    return ACTR_OK;
}
