/* SPDX-License-Identifier: Apache-2.0 */
/* The types of google/protobuf/ that have a JSON form of their own, a table. Pure. */
#include "cli/contract/pj_walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_LEAST (-62135596800) /* 0001-01-01T00:00:00Z */
#define SECONDS_MOST 253402300799    /* 9999-12-31T23:59:59Z */
#define DURATION_MOST 315576000000
#define PACKAGE ".google.protobuf."

typedef json_t *(*known_fn)(pj_walk_t *walk, const pj_where_t *where, json_t *value);

/* ---- times ---- */

static json_t *pair(pj_walk_t *walk, int64_t seconds, int32_t nanos)
{
    json_t *out = json_pack("{s:I,s:i}", "seconds", (json_int_t)seconds, "nanos", (int)nanos);
    if (out == NULL) (void)pj_no_memory(walk);
    return out;
}

/* {"seconds": "12", "nanos": 5}, each perhaps missing */
static void read_pair(const json_t *plain, int64_t *seconds, int64_t *nanos)
{
    const char *text = json_string_value(json_object_get(plain, "seconds"));
    *seconds = text == NULL ? 0 : strtoll(text, NULL, 10);
    *nanos = json_integer_value(json_object_get(plain, "nanos"));
}

/* ".25" -> 250000000; at most nine digits. Moves on. */
static bool take_fraction(const char **at, int32_t *nanos)
{
    int32_t unit = 100000000;
    *nanos = 0;
    if (**at != '.') return true;
    (*at)++;
    if (**at < '0' || **at > '9') return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (unit == 0) return false;
        *nanos += (**at - '0') * unit;
        unit /= 10;
    }
    return true;
}

/* Nothing, or 3, 6 or 9 digits. */
static const char *print_fraction(int64_t nanos, char text[12])
{
    text[0] = '\0';
    if (nanos == 0) return text;
    int digits = nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;
    int64_t shown = digits == 3 ? nanos / 1000000 : digits == 6 ? nanos / 1000 : nanos;
    (void)snprintf(text, 12, ".%0*d", digits, (int)shown);
    return text;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar, and back: years begin in March, eras have 400 of them. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* `width` digits. Moves on. */
static bool take_digits(const char **at, int width, int *out)
{
    *out = 0;
    for (int i = 0; i < width; i++, (*at)++) {
        if (**at < '0' || **at > '9') return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, const char *any)
{
    if (**at == '\0' || strchr(any, **at) == NULL) return false;
    (*at)++;
    return true;
}

/* "Z" or "+02:00": in seconds. */
static bool take_zone(const char **at, int *out)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;
    *out = 0;
    if (take_char(at, "Zz")) return true;
    if (!take_char(at, "+-") || !take_digits(at, 2, &hours) || !take_char(at, ":") || !take_digits(at, 2, &minutes))
        return false;
    *out = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

static bool read_time(const char *at, int64_t *seconds, int32_t *nanos)
{
    int year, month, day, hour, minute, second, zone;
    bool good = take_digits(&at, 4, &year) && take_char(&at, "-") && take_digits(&at, 2, &month) &&
                take_char(&at, "-") && take_digits(&at, 2, &day) && take_char(&at, "Tt") &&
                take_digits(&at, 2, &hour) && take_char(&at, ":") && take_digits(&at, 2, &minute) &&
                take_char(&at, ":") && take_digits(&at, 2, &second) && take_fraction(&at, nanos) &&
                take_zone(&at, &zone) && *at == '\0';
    if (!good || year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
    return *seconds >= SECONDS_LEAST && *seconds <= SECONDS_MOST;
}

static json_t *timestamp_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    int64_t seconds;
    int32_t nanos;
    if (json_is_string(value) && read_time(json_string_value(value), &seconds, &nanos))
        return pair(walk, seconds, nanos);
    (void)pj_wrong(walk, where, "not a time like \"2026-11-25T08:30:00Z\"");
    return NULL;
}

static json_t *timestamp_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    int64_t seconds, nanos, year;
    int month, day;
    char text[64], fraction[12];
    read_pair(plain, &seconds, &nanos);
    if (seconds < SECONDS_LEAST || seconds > SECONDS_MOST || nanos < 0 || nanos > 999999999) {
        (void)pj_wrong(walk, where, "a time that is not in the years 1 to 9999");
        return NULL;
    }
    int64_t days = seconds / 86400 - (seconds % 86400 < 0), left = seconds - days * 86400;
    date_of(days, &year, &month, &day);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)year, month, day, (int)(left / 3600),
                   (int)(left / 60 % 60), (int)(left % 60), print_fraction(nanos, fraction));
    return json_string(text);
}

static json_t *duration_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    const char *at = json_string_value(value);
    int64_t seconds = 0;
    int32_t nanos = 0;
    bool negative = at != NULL && *at == '-';
    if (negative) at++;
    bool good = at != NULL && *at >= '0' && *at <= '9';
    for (; good && *at >= '0' && *at <= '9'; at++) {
        seconds = seconds * 10 + (*at - '0');
        good = seconds <= DURATION_MOST;
    }
    if (good && take_fraction(&at, &nanos) && strcmp(at, "s") == 0)
        return pair(walk, negative ? -seconds : seconds, negative ? -nanos : nanos);
    (void)pj_wrong(walk, where, "not a duration like \"1.5s\"");
    return NULL;
}

static json_t *duration_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    int64_t seconds, nanos;
    char text[64], fraction[12];
    read_pair(plain, &seconds, &nanos);
    bool mixed = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
    if (mixed || seconds < -DURATION_MOST || seconds > DURATION_MOST || nanos < -999999999 || nanos > 999999999) {
        (void)pj_wrong(walk, where, "a duration out of its range");
        return NULL;
    }
    bool negative = seconds < 0 || nanos < 0;
    (void)snprintf(text, sizeof text, "%s%lld%ss", negative ? "-" : "", (long long)(negative ? -seconds : seconds),
                   print_fraction(negative ? -nanos : nanos, fraction));
    return json_string(text);
}

/* ---- field masks ---- */

static json_t *mask_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    const char *text = json_string_value(value);
    json_t *paths = json_array();
    actri_text_t path = {.env = NULL};
    if (text == NULL) {
        (void)pj_wrong(walk, where, "not a field mask like \"room,set.point\"");
        json_decref(paths);
        return NULL;
    }
    for (const char *at = text; *text != '\0'; at++) { /* "" has no paths */
        if (*at == ',' || *at == '\0') {
            (void)json_array_append_new(paths, json_stringn(path.data == NULL ? "" : path.data, path.size));
            path.size = 0;
            if (*at == '\0') break;
        } else if (*at >= 'A' && *at <= 'Z') {
            actri_text_add(&path, "_%c", *at - 'A' + 'a');
        } else {
            actri_text_add_bytes(&path, at, 1);
        }
    }
    actri_free(NULL, path.data);
    json_t *out = json_pack("{s:o}", "paths", paths);
    if (out == NULL) (void)pj_no_memory(walk);
    return out;
}

static json_t *mask_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    const json_t *paths = json_object_get(plain, "paths");
    actri_text_t text = {.env = NULL};
    (void)where;
    actri_text_add(&text, "%s", "");
    for (size_t i = 0; i < json_array_size(paths); i++) {
        if (i > 0) actri_text_add(&text, ",");
        for (const char *at = json_string_value(json_array_get(paths, i)); at != NULL && *at != '\0'; at++) {
            bool hump = at[0] == '_' && at[1] >= 'a' && at[1] <= 'z';
            if (hump) at++;
            actri_text_add(&text, "%c", hump ? *at - 'a' + 'A' : *at);
        }
    }
    json_t *out = text.failed ? NULL : json_stringn(text.data, text.size);
    actri_free(NULL, text.data);
    if (out == NULL) (void)pj_no_memory(walk);
    return out;
}

/* ---- Struct, Value, ListValue, wrappers ---- */

static json_t *around(pj_walk_t *walk, const char *name, json_t *value)
{
    json_t *out = json_pack("{s:O}", name, value);
    if (out == NULL) (void)pj_no_memory(walk);
    return out;
}

static json_t *struct_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    if (json_is_object(value)) return around(walk, "fields", value);
    (void)pj_wrong(walk, where, "not an object");
    return NULL;
}

static json_t *list_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    if (json_is_array(value)) return around(walk, "values", value);
    (void)pj_wrong(walk, where, "not an array");
    return NULL;
}

static json_t *value_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    (void)where;
    if (json_is_null(value)) return json_pack("{s:i}", "nullValue", 0);
    if (json_is_number(value)) return around(walk, "numberValue", value);
    if (json_is_string(value)) return around(walk, "stringValue", value);
    if (json_is_boolean(value)) return around(walk, "boolValue", value);
    return around(walk, json_is_object(value) ? "structValue" : "listValue", value);
}

static json_t *wrapper_in(pj_walk_t *walk, const pj_where_t *where, json_t *value)
{
    (void)where;
    return around(walk, "value", value);
}

static json_t *member_out(json_t *plain, const char *name, json_t *otherwise)
{
    json_t *found = json_object_get(plain, name);
    if (found == NULL) return otherwise;
    json_decref(otherwise);
    return json_incref(found);
}

static json_t *struct_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    (void)walk;
    (void)where;
    return member_out(plain, "fields", json_object());
}

static json_t *list_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    (void)walk;
    (void)where;
    return member_out(plain, "values", json_array());
}

/* The one member that is there. */
static json_t *value_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    void *at = json_object_iter(plain);
    (void)walk;
    (void)where;
    return at == NULL ? json_null() : json_incref(json_object_iter_value(at));
}

/* Their default has been filled in. */
static json_t *wrapper_out(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    (void)walk;
    (void)where;
    return member_out(plain, "value", json_null());
}

/* ---- the table ---- */

static const struct known {
    const char *name;
    known_fn in, out;
} table[] = {
    {"Timestamp", timestamp_in, timestamp_out}, {"Duration", duration_in, duration_out},
    {"FieldMask", mask_in, mask_out},           {"Struct", struct_in, struct_out},
    {"ListValue", list_in, list_out},           {"Value", value_in, value_out},
    {"DoubleValue", wrapper_in, wrapper_out},   {"FloatValue", wrapper_in, wrapper_out},
    {"Int64Value", wrapper_in, wrapper_out},    {"UInt64Value", wrapper_in, wrapper_out},
    {"Int32Value", wrapper_in, wrapper_out},    {"UInt32Value", wrapper_in, wrapper_out},
    {"BoolValue", wrapper_in, wrapper_out},     {"StringValue", wrapper_in, wrapper_out},
    {"BytesValue", wrapper_in, wrapper_out},
};

static const struct known *known_of(const actri_proto_message_t *type)
{
    if (strncmp(type->full_name, PACKAGE, strlen(PACKAGE)) != 0) return NULL;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(type->full_name + strlen(PACKAGE), table[i].name) == 0) return &table[i];
    }
    return NULL;
}

bool pj_is_known(const actri_proto_message_t *type)
{
    return known_of(type) != NULL;
}

json_t *pj_known_to_plain(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value)
{
    const struct known *known = known_of(type);
    json_t *out = known == NULL ? NULL : known->in(walk, where, value);
    if (out == NULL && walk->status == ACTR_OK) (void)pj_no_memory(walk);
    return out;
}

json_t *pj_known_from_plain(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *plain)
{
    const struct known *known = known_of(type);
    json_t *out = known == NULL ? NULL : known->out(walk, where, plain);
    if (out == NULL && walk->status == ACTR_OK) (void)pj_no_memory(walk);
    return out;
}

bool pj_is_any(const actri_proto_message_t *type)
{
    return strcmp(type->full_name, PACKAGE "Any") == 0;
}

const actri_proto_message_t *pj_any_type(const contract_t *contract, const char *url)
{
    char name[ACTRI_PROTO_NAME_MAX + 2];
    const char *slash = strrchr(url, '/');
    int size = snprintf(name, sizeof name, ".%s", slash == NULL ? url : slash + 1);
    return size < 0 || (size_t)size >= sizeof name ? NULL : contract_message(contract, name);
}

bool pj_takes_null(const actri_proto_field_t *field)
{
    if (field->label == ACTRI_PROTO_REPEATED) return false;
    if (field->message != NULL) return strcmp(field->message->full_name, PACKAGE "Value") == 0;
    return field->enumeration != NULL && strcmp(field->enumeration->full_name, PACKAGE "NullValue") == 0;
}
