/* SPDX-License-Identifier: Apache-2.0 */
/* An IP address with its port, IPv4 or IPv6. Pure. */
#ifndef ACTRI_ADDRESS_H
#define ACTRI_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ACTRI_ADDRESS_TEXT 64

typedef struct actri_address {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t ip[16]; /* 4 bytes of an IPv4 one, the rest zero */
    uint16_t port;
} actri_address_t;

bool actri_address_parse(const char *ip, unsigned port, actri_address_t *out); /* numeric only */
bool actri_address_equal(const actri_address_t *a, const actri_address_t *b);
bool actri_address_from_socket(const struct sockaddr_storage *from, actri_address_t *out);
socklen_t actri_address_to_socket(const actri_address_t *address, struct sockaddr_storage *out);
/* "192.0.2.1" without the port; returns text. */
const char *actri_address_ip_text(const actri_address_t *address, char text[ACTRI_ADDRESS_TEXT]);
bool actri_address_is_loopback(const actri_address_t *address);
bool actri_address_is_link_local(const actri_address_t *address);
bool actri_address_is_multicast(const actri_address_t *address); /* broadcast and 0.0.0.0 too */

#endif
