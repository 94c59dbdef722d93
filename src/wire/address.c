/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool actri_address_parse(const char *ip, unsigned port, actri_address_t *out)
{
    memset(out, 0, sizeof *out);
    if (port > 65535) return false;
    out->port = (uint16_t)port;
    if (inet_pton(AF_INET, ip, out->ip) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, ip, out->ip) == 1)
        out->family = 6;
    return out->family != 0;
}

bool actri_address_equal(const actri_address_t *a, const actri_address_t *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool actri_address_from_socket(const struct sockaddr_storage *from, actri_address_t *out)
{
    memset(out, 0, sizeof *out);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        out->family = 4;
        memcpy(out->ip, &v4->sin_addr, 4);
        out->port = ntohs(v4->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        out->family = 6;
        memcpy(out->ip, &v6->sin6_addr, 16);
        out->port = ntohs(v6->sin6_port);
    }
    return out->family != 0;
}

socklen_t actri_address_to_socket(const actri_address_t *address, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (address->family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        memcpy(&v4->sin_addr, address->ip, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    memcpy(&v6->sin6_addr, address->ip, 16);
    return sizeof *v6;
}

const char *actri_address_ip_text(const actri_address_t *address, char text[ACTRI_ADDRESS_TEXT])
{
    text[0] = '\0';
    (void)inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->ip, text, ACTRI_ADDRESS_TEXT);
    return text;
}

/* The IPv4 address inside, also of a mapped one (::ffff:127.0.0.1); NULL when there is none. */
static const uint8_t *as_v4(const actri_address_t *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address->family == 4) return address->ip;
    return memcmp(address->ip, mapped, sizeof mapped) == 0 ? address->ip + 12 : NULL;
}

bool actri_address_is_loopback(const actri_address_t *address)
{
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const uint8_t *v4 = as_v4(address);
    return v4 != NULL ? v4[0] == 127 : memcmp(address->ip, one, sizeof one) == 0;
}

bool actri_address_is_link_local(const actri_address_t *address)
{
    const uint8_t *v4 = as_v4(address);
    return v4 != NULL ? v4[0] == 169 && v4[1] == 254 : address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

bool actri_address_is_multicast(const actri_address_t *address)
{
    static const uint8_t none[16];
    const uint8_t *v4 = as_v4(address);
    if (v4 != NULL) return v4[0] >= 224 || v4[0] == 0;
    return address->ip[0] == 0xff || memcmp(address->ip, none, sizeof none) == 0;
}
