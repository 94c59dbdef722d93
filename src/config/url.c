/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of the URL standard for "special" schemes with an authority, as far as ws and wss need it. Hosts with
 * letters beyond ASCII are refused: their ASCII form (xn--...) is asked for. Numbers of hosts: url_host.c.
 */
#include "config/url.h"

#include "config/url_host.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct sink {
    char text[ACTRI_URL_MAX + 1];
    size_t size;
    bool full;
} sink_t;

static void put(sink_t *out, const char *text, size_t size)
{
    if (size > ACTRI_URL_MAX - out->size) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->size, text, size);
    out->size += size;
    out->text[out->size] = '\0';
}

/* Every byte that is a control character, not ASCII, or in `set` becomes %XX. */
static void put_encoded(sink_t *out, const char *text, size_t size, const char *set)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        char hex[4];
        if (c < 0x20 || c > 0x7e || strchr(set, c) != NULL) {
            (void)snprintf(hex, sizeof hex, "%%%02X", c);
            put(out, hex, 3);
        } else {
            put(out, text + i, 1);
        }
    }
}

/* Blanks and controls around, and tabs and line ends inside, do not count. */
static size_t clean(const char *text, char out[ACTRI_URL_MAX + 1])
{
    size_t size = strlen(text), used = 0;
    while (size > 0 && (unsigned char)text[size - 1] <= ' ') size--;
    size_t at = 0;
    while (at < size && (unsigned char)text[at] <= ' ') at++;
    for (; at < size; at++) {
        if (strchr("\t\n\r", text[at]) != NULL) continue;
        if (used == ACTRI_URL_MAX) return used + 1;
        out[used++] = text[at];
    }
    out[used] = '\0';
    return used;
}

/* The first `size` letters of the text, in either case. */
static bool is_scheme(const char *text, size_t size, const char *scheme)
{
    return size == strlen(scheme) && strncasecmp(text, scheme, size) == 0;
}

static actr_status_t bad_scheme(const char *text, size_t size, actr_error_t *error)
{
    bool https = is_scheme(text, size, "https");
    if (https || is_scheme(text, size, "http")) {
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.100s\" is no WebSocket URL; did you mean %s%.100s?",
                          text, https ? "wss" : "ws", text + size);
    }
    if (isdigit((unsigned char)text[size + 1])) {
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.100s\" is no URL; did you mean ws://%.100s?", text,
                          text);
    }
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID,
                      "\"%.100s\": scheme %.*s is not supported; write ws:// or wss://", text,
                      (int)(size < 15 ? size : 15), text);
}

/* Behind "ws:" or "wss:"; NULL when there is no such scheme. */
static const char *take_scheme(const char *text, sink_t *out, actr_error_t *error)
{
    size_t size = 0;
    while (isalnum((unsigned char)text[size]) || (size > 0 && text[size] != '\0' && strchr("+-.", text[size]) != NULL))
        size++;
    if (size == 0 || text[size] != ':' || isdigit((unsigned char)text[0])) {
        (void)actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.100s\" is no URL; write ws://host:port/path", text);
        return NULL;
    }
    bool tls = is_scheme(text, size, "wss");
    if (!tls && !is_scheme(text, size, "ws")) {
        (void)bad_scheme(text, size, error);
        return NULL;
    }
    put(out, tls ? "wss://" : "ws://", tls ? 6 : 5);
    return text + size + 1;
}

static bool put_port(sink_t *out, const char *text, size_t size, bool tls)
{
    unsigned long port = 0;
    char room[8];
    if (size == 0) return true;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i])) return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
        if (port > 65535) return false;
    }
    if (port == (tls ? 443UL : 80UL)) return true;
    put(out, room, (size_t)snprintf(room, sizeof room, ":%lu", port));
    return true;
}

static actr_status_t take_host(const char *text, size_t size, sink_t *out, bool tls, actr_error_t *error)
{
    const char *bracket = size > 0 && text[0] == '[' ? memchr(text, ']', size) : NULL;
    size_t host_size = bracket != NULL ? (size_t)(bracket - text) + 1 : 0;
    while (host_size < size && text[host_size] != ':') host_size++;
    char host[ACTRI_HOST_MAX + 1];
    actr_status_t status = actri_url_host(text, host_size, host, error);
    if (status != ACTR_OK) return status;
    put(out, host, strlen(host));
    if (host_size == size || put_port(out, text + host_size + 1, size - host_size - 1, tls)) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the port \"%.*s\" is no number from 0 to 65535",
                      (int)(size - host_size - 1 > 40 ? 40 : size - host_size - 1), text + host_size + 1);
}

#define USER_SET " \"#<>?`{}/:;=@[\\]^|"

static actr_status_t take_authority(const char *text, size_t size, sink_t *out, bool tls, actr_error_t *error)
{
    const char *at = memrchr(text, '@', size);
    if (at != NULL) {
        size_t user = (size_t)(at - text);
        const char *colon = memchr(text, ':', user);
        size_t name = colon == NULL ? user : (size_t)(colon - text);
        put_encoded(out, text, name, USER_SET);
        if (colon != NULL && user > name + 1) {
            put(out, ":", 1);
            put_encoded(out, colon + 1, user - name - 1, USER_SET);
        }
        if (name > 0 || (colon != NULL && user > name + 1)) put(out, "@", 1);
        text = at + 1;
        size -= user + 1;
    }
    return take_host(text, size, out, tls, error);
}

static bool is_dots(const char *part, size_t size, size_t dots)
{
    size_t found = 0;
    for (size_t i = 0; i < size; found++) {
        if (part[i] == '.')
            i++;
        else if (size - i >= 3 && strncasecmp(part + i, "%2e", 3) == 0)
            i += 3;
        else
            return false;
    }
    return found == dots;
}

/* From the authority's end to "?" or "#"; returns what it took. */
static size_t take_path(const char *text, sink_t *out)
{
    size_t floor = out->size, at = 0, end = strcspn(text, "?#");
    if (end == 0) put(out, "/", 1);
    while (at < end) {
        at++; /* the slash, of either kind */
        size_t size = strcspn(text + at, "/\\?#");
        bool last = at + size >= end;
        if (is_dots(text + at, size, 2)) {
            while (out->size > floor && out->text[--out->size] != '/') {
            }
            if (last) put(out, "/", 1);
        } else if (is_dots(text + at, size, 1)) {
            if (last) put(out, "/", 1);
        } else {
            put(out, "/", 1);
            put_encoded(out, text + at, size, " \"#<>?`{}");
        }
        at += size;
    }
    return end;
}

static actr_status_t normalize(const char *text, sink_t *out, actr_error_t *error)
{
    const char *at = take_scheme(text, out, error);
    if (at == NULL) return ACTR_STATUS_CONFIG_INVALID;
    bool tls = out->text[2] == 's';
    at += strspn(at, "/\\");
    size_t authority = strcspn(at, "/\\?#");
    actr_status_t status = take_authority(at, authority, out, tls, error);
    if (status != ACTR_OK) return status;
    at += authority;
    at += take_path(at, out);
    if (*at == '?') {
        size_t size = strcspn(at, "#");
        put(out, "?", 1);
        put_encoded(out, at + 1, size - 1, " \"#<>'");
        at += size;
    }
    if (*at == '#') {
        put(out, "#", 1);
        put_encoded(out, at + 1, strlen(at + 1), " \"<>`");
    }
    return ACTR_OK;
}

actr_status_t actri_url_normalize(actri_arena_t *arena, const char *text, const char **out, actr_error_t *error)
{
    char cleaned[ACTRI_URL_MAX + 1] = "";
    sink_t sink = {.size = 0};
    bool fits = clean(text, cleaned) <= ACTRI_URL_MAX;
    if (fits) {
        actr_status_t status = normalize(cleaned, &sink, error);
        if (status != ACTR_OK) return status;
    }
    if (!fits || sink.full)
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the URL is longer than %d bytes", ACTRI_URL_MAX);
    *out = actri_arena_strndup(arena, sink.text, sink.size);
    return *out == NULL ? actri_no_memory(error) : ACTR_OK;
}
