/* SPDX-License-Identifier: Apache-2.0 */
/* The host parser of the URL standard, without IDNA. */
#include "config/url_host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shown(size_t size)
{
    return (int)(size > 100 ? 100 : size);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent escapes decoded, letters lowered; the size, or -1 when it is too long. */
static int decode(const char *text, size_t size, char out[ACTRI_HOST_MAX + 1])
{
    int used = 0;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%' && size - i > 2 && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            c = hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]);
            i += 2;
        }
        if (used == ACTRI_HOST_MAX) return -1;
        out[used++] = (char)(c < 128 ? tolower(c) : c);
    }
    out[used] = '\0';
    return used;
}

/* One number of an IPv4 address: decimal, 0x hexadecimal, 0 octal. -1: none. */
static int64_t ipv4_number(const char *text, size_t size)
{
    int base = 10;
    int64_t value = 0;
    if (size >= 2 && text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
        size -= 2;
    } else if (size >= 2 && text[0] == '0') {
        base = 8;
        text++;
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        int digit = hex_value(text[i]);
        if (digit < 0 || digit >= base || value > UINT32_MAX) return -1;
        value = value * base + digit;
    }
    return value;
}

/* A host whose last label is a number is an address or an error. */
static bool ends_in_number(const char *host)
{
    size_t size = strlen(host);
    if (size > 0 && host[size - 1] == '.') size--;
    size_t start = size;
    while (start > 0 && host[start - 1] != '.') start--;
    if (start == size) return false;
    bool digits = true;
    for (size_t i = start; i < size; i++) digits = digits && isdigit((unsigned char)host[i]);
    return digits || (size - start >= 2 && host[start] == '0' && host[start + 1] == 'x' &&
                      ipv4_number(host + start, size - start) >= 0);
}

static bool ipv4(char host[ACTRI_HOST_MAX + 1])
{
    int64_t parts[4], value = 0;
    int count = 0;
    const char *at = host;
    while (*at != '\0') {
        size_t size = strcspn(at, ".");
        if (count == 4 || size == 0) return false;
        parts[count] = ipv4_number(at, size);
        if (parts[count++] < 0) return false;
        at += size + (at[size] == '.' ? 1 : 0);
    }
    for (int i = 0; i < count - 1; i++) {
        if (parts[i] > 255) return false;
        value += parts[i] << (8 * (3 - i));
    }
    if (count == 0 || parts[count - 1] >= INT64_C(1) << (8 * (5 - count))) return false;
    value += parts[count - 1];
    (void)snprintf(host, ACTRI_HOST_MAX + 1, "%d.%d.%d.%d", (int)(value >> 24 & 255), (int)(value >> 16 & 255),
                   (int)(value >> 8 & 255), (int)(value & 255));
    return true;
}

/* The longest run of two or more zero groups becomes "::". */
static void print_ipv6(const uint8_t bytes[16], char out[ACTRI_HOST_MAX + 1])
{
    int best = -1, best_size = 1, run = 0;
    for (int i = 0; i < 8; i++) {
        run = bytes[2 * i] == 0 && bytes[2 * i + 1] == 0 ? run + 1 : 0;
        if (run <= best_size) continue;
        best_size = run;
        best = i - run + 1;
    }
    char *at = out;
    *at++ = '[';
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            at += sprintf(at, i == 0 ? "::" : ":");
            i += best_size - 1;
            continue;
        }
        at += sprintf(at, "%x%s", (unsigned)(bytes[2 * i] << 8 | bytes[2 * i + 1]), i == 7 ? "" : ":");
    }
    (void)sprintf(at, "]");
}

static actr_status_t ipv6(const char *text, size_t size, char out[ACTRI_HOST_MAX + 1], actr_error_t *error)
{
    char inner[64];
    uint8_t bytes[16];
    if (size >= 2 && text[size - 1] == ']' && size - 2 < sizeof inner) {
        memcpy(inner, text + 1, size - 2);
        inner[size - 2] = '\0';
        if (inet_pton(AF_INET6, inner, bytes) == 1) {
            print_ipv6(bytes, out);
            return ACTR_OK;
        }
    }
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.*s\" is no IPv6 address in brackets", shown(size), text);
}

actr_status_t actri_url_host(const char *text, size_t size, char out[ACTRI_HOST_MAX + 1], actr_error_t *error)
{
    if (size == 0)
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the URL has no host; write ws://host:port/path");
    if (text[0] == '[') return ipv6(text, size, out, error);
    int used = decode(text, size, out);
    if (used < 0)
        return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the host is longer than %d bytes", ACTRI_HOST_MAX);
    for (int i = 0; i < used; i++) {
        unsigned char c = (unsigned char)out[i];
        if (c > 127) {
            return actri_fail(error, ACTR_STATUS_CONFIG_INVALID,
                              "the host \"%.*s\" has letters beyond ASCII; write its ASCII form, xn--...", shown(size),
                              text);
        }
        if (c <= ' ' || c == 127 || strchr("#%/:<>?@[\\]^|", c) != NULL) {
            return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "the host \"%.*s\" holds a character that no host has",
                              shown(size), text);
        }
    }
    if (!ends_in_number(out) || ipv4(out)) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID, "\"%.*s\" is no IPv4 address", shown(size), text);
}
