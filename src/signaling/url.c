/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INVALID(error, text, why)                                                                                      \
    actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.150s\" is no signaling URL: %s", text, why)

static const char *after_scheme(const char *text, bool *tls)
{
    *tls = strncasecmp(text, "wss://", 6) == 0;
    if (*tls) return text + 6;
    return strncasecmp(text, "ws://", 5) == 0 ? text + 5 : NULL;
}

/* [address]:port, name:port or name; the end of the host in *end. NULL: not well formed. */
static const char *find_host(const char *start, size_t size, const char **end)
{
    if (size > 0 && start[0] == '[') {
        *end = memchr(start, ']', size);
        return *end == NULL ? NULL : start + 1;
    }
    *end = memchr(start, ':', size);
    if (*end == NULL) *end = start + size;
    return start;
}

static bool read_port(const char *at, const char *end, bool tls, uint16_t *port)
{
    unsigned value = 0;
    *port = tls ? 443 : 80;
    if (at < end && *at == ']') at++;
    if (at == end) return true;
    if (*at++ != ':') return false;
    if (at == end) return true;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        value = value * 10 + (unsigned)(*at - '0');
        if (value > 65535) return false;
    }
    *port = (uint16_t)value;
    return value != 0;
}

/* A control character or space would end up in the request line. */
static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f) return false;
    }
    return true;
}

actr_status_t actri_ws_url_parse(const actri_env_t *env, const char *text, actri_ws_url_t *out, actr_error_t *error)
{
    const char *host_end;
    memset(out, 0, sizeof *out);
    if (text == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the signaling URL is NULL");
    const char *start = after_scheme(text, &out->tls);
    if (start == NULL) return INVALID(error, text, "it must start with ws:// or wss://");
    if (!is_printable(text)) return INVALID(error, text, "it holds a space or a control character");
    size_t size = strcspn(start, "/?#");
    if (memchr(start, '@', size) != NULL) return INVALID(error, text, "user names are not supported");
    const char *host = find_host(start, size, &host_end);
    if (host == NULL || host == host_end) return INVALID(error, text, "the host is missing");
    if (!read_port(host_end, start + size, out->tls, &out->port))
        return INVALID(error, text, "the port is not 1..65535");
    const char *path = start + size;
    size_t path_size = strcspn(path, "#");
    out->host = actri_strndup(env, host, (size_t)(host_end - host));
    out->authority = actri_strndup(env, start, size);
    out->target = actri_asprintf(env, "%s%.*s", *path == '/' ? "" : "/", (int)path_size, path);
    if (out->host == NULL || out->authority == NULL || out->target == NULL) return actri_no_memory(error);
    return ACTR_OK;
}

void actri_ws_url_clear(const actri_env_t *env, actri_ws_url_t *url)
{
    actri_free(env, url->host);
    actri_free(env, url->authority);
    actri_free(env, url->target);
    memset(url, 0, sizeof *url);
}

char *actri_ws_url_target(const actri_env_t *env, const actri_ws_url_t *url, const char *query)
{
    const char *glue = query[0] == '\0' ? "" : strchr(url->target, '?') != NULL ? "&" : "?";
    return actri_asprintf(env, "%s%s%s", url->target, glue, query);
}

bool actri_ws_url_is_loopback(const actri_ws_url_t *url)
{
    struct in_addr v4;
    if (strcasecmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0) return true;
    return inet_pton(AF_INET, url->host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}
