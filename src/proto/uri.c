/* SPDX-License-Identifier: Apache-2.0 */
/* Both grammars of actr:// (naming-and-compat 3). Pure. */
#include "base/env.h"

#include <actr/uri.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "actr://"

static actr_status_t take_scheme(const char *text, const char **rest, actr_error_t *error)
{
    if (strncmp(text, SCHEME, sizeof SCHEME - 1) != 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.100s\" is no actr URI: it must start with " SCHEME,
                          text);
    }
    *rest = text + sizeof SCHEME - 1;
    return ACTR_OK;
}

static actr_status_t copy(const char *what, const char *from, size_t size, char *to, size_t room, actr_error_t *error)
{
    if (size >= room)
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "the URI's %s is longer than %zu bytes", what, room - 1);
    memcpy(to, from, size);
    to[size] = '\0';
    return ACTR_OK;
}

static actr_status_t copy_part(const char *what, const char *from, size_t size, char to[ACTR_URI_PART_SIZE],
                               actr_error_t *error)
{
    return copy(what, from, size, to, ACTR_URI_PART_SIZE, error);
}

static actr_status_t missing(const char *text, const char *what, actr_error_t *error)
{
    return actri_fail(error, ACTR_STATUS_INVALID_NAME,
                      "\"%.100s\" has no %s; write " SCHEME "realm:manufacturer+name@version", text, what);
}

/* Digits, with one '+' before them as the reference's parser takes. */
static bool parse_realm(const char *text, size_t size, uint32_t *out)
{
    uint64_t value = 0;
    size_t at = size > 1 && text[0] == '+' ? 1 : 0;
    if (size == 0) return false;
    for (; at < size; at++) {
        if (text[at] < '0' || text[at] > '9') return false;
        value = value * 10 + (uint64_t)(text[at] - '0');
        if (value > UINT32_MAX) return false;
    }
    *out = (uint32_t)value;
    return true;
}

actr_status_t actr_uri_parse(const char *text, actr_uri_t *out, actr_error_t *error)
{
    const char *rest = text;
    if (text == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "text or out is NULL");
    memset(out, 0, sizeof *out);
    actr_status_t status = take_scheme(text, &rest, error);
    if (status != ACTR_OK) return status;
    const char *at = strrchr(rest, '@');
    if (at == NULL) return missing(text, "version", error);
    const char *colon = memchr(rest, ':', (size_t)(at - rest));
    if (colon == NULL) return missing(text, "realm", error);
    if (!parse_realm(rest, (size_t)(colon - rest), &out->realm)) {
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.*s\" is no realm number",
                          (int)(colon - rest > 40 ? 40 : colon - rest), rest);
    }
    const char *plus = memchr(colon, '+', (size_t)(at - colon));
    if (plus == NULL) return missing(text, "'+' between manufacturer and name", error);
    status = copy_part("manufacturer", colon + 1, (size_t)(plus - colon - 1), out->manufacturer, error);
    if (status == ACTR_OK) status = copy_part("name", plus + 1, (size_t)(at - plus - 1), out->name, error);
    if (status == ACTR_OK) status = copy_part("version", at + 1, strlen(at + 1), out->version, error);
    return status;
}

actr_status_t actr_uri_make(uint32_t realm, const char *manufacturer, const char *name, const char *version,
                            actr_uri_t *out, actr_error_t *error)
{
    if (out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "out is NULL");
    memset(out, 0, sizeof *out);
    if (manufacturer == NULL || name == NULL)
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "a URI needs a manufacturer and a name");
    out->realm = realm;
    if (version == NULL) version = "v1";
    actr_status_t status = copy_part("manufacturer", manufacturer, strlen(manufacturer), out->manufacturer, error);
    if (status == ACTR_OK) status = copy_part("name", name, strlen(name), out->name, error);
    if (status == ACTR_OK) status = copy_part("version", version, strlen(version), out->version, error);
    return status;
}

/* Of NULL. */
static size_t print_nothing(char *text, size_t size)
{
    if (size > 0) text[0] = '\0';
    return 0;
}

size_t actr_uri_print(const actr_uri_t *uri, char *text, size_t size)
{
    if (uri == NULL) return print_nothing(text, size);
    int needed =
        snprintf(text, size, SCHEME "%" PRIu32 ":%s+%s@%s", uri->realm, uri->manufacturer, uri->name, uri->version);
    return needed < 0 ? 0 : (size_t)needed;
}

/* ---- the older grammar ---- */

static size_t find_param(const actr_old_uri_t *uri, const char *key, size_t size)
{
    size_t i = 0;
    while (i < uri->param_count && (strlen(uri->params[i].key) != size || memcmp(uri->params[i].key, key, size) != 0))
        i++;
    return i;
}

static actr_status_t take_param(const char *text, size_t size, actr_old_uri_t *out, actr_error_t *error)
{
    const char *equals = memchr(text, '=', size);
    size_t key = equals == NULL ? size : (size_t)(equals - text), place = find_param(out, text, key);
    if (size == 0) return ACTR_OK;
    if (place == ACTR_URI_PARAMS_MAX) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "the URI has more than %d parameters", ACTR_URI_PARAMS_MAX);
    }
    actr_status_t status = copy_part("key", text, key, out->params[place].key, error);
    if (status != ACTR_OK) return status;
    if (place == out->param_count) out->param_count++;
    size_t value = equals == NULL ? 0 : size - key - 1;
    return copy_part("value", equals == NULL ? "" : equals + 1, value, out->params[place].value, error);
}

actr_status_t actr_old_uri_parse(const char *text, actr_old_uri_t *out, actr_error_t *error)
{
    const char *rest = text;
    if (text == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "text or out is NULL");
    memset(out, 0, sizeof *out);
    actr_status_t status = take_scheme(text, &rest, error);
    if (status != ACTR_OK) return status;
    size_t authority = strcspn(rest, "/?"), whole = strcspn(rest, "?");
    if (authority == 0)
        return actri_fail(error, ACTR_STATUS_INVALID_NAME, "\"%.100s\" names no actor type behind " SCHEME, text);
    status = copy_part("authority", rest, authority, out->authority, error);
    if (status == ACTR_OK && whole > authority + 1) {
        out->has_path = true;
        status = copy("path", rest + authority + 1, whole - authority - 1, out->path, sizeof out->path, error);
    }
    for (const char *at = rest + whole; status == ACTR_OK && *at != '\0';) {
        size_t size = strcspn(at + 1, "&");
        status = take_param(at + 1, size, out, error);
        at += size + 1;
    }
    return status;
}

static void print(char *text, size_t size, size_t *used, const char *format, ...) ACTR_PRINTF(4, 5);
static void print(char *text, size_t size, size_t *used, const char *format, ...)
{
    va_list list;
    bool fits = *used < size;
    va_start(list, format);
    int more = vsnprintf(fits ? text + *used : NULL, fits ? size - *used : 0, format, list);
    va_end(list);
    if (more > 0) *used += (size_t)more;
}

size_t actr_old_uri_print(const actr_old_uri_t *uri, char *text, size_t size)
{
    size_t used = 0;
    if (uri == NULL) return print_nothing(text, size);
    bool slash = uri->has_path && uri->path[0] == '/';
    print(text, size, &used, SCHEME "%s%s%s", uri->authority, slash ? "" : "/", uri->has_path ? uri->path : "");
    for (size_t i = 0; i < uri->param_count; i++)
        print(text, size, &used, "%c%s=%s", i == 0 ? '?' : '&', uri->params[i].key, uri->params[i].value);
    return used;
}
