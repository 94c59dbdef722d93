/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets in batches: what goes to one address leaves as few, large sends (UDP_SEGMENT), what comes is read joined
 * (UDP_GRO), where the kernel can; one datagram at a time where it can not. [loop]
 */
#ifndef ACTRI_UDP_H
#define ACTRI_UDP_H

#include "wire/address.h"

#include <stddef.h>

typedef struct actri_datagram {
    const void *data;
    size_t size;
} actri_datagram_t;

/* A non-blocking socket bound to address, -1 and errno when there is none; *bound is where it listens. */
int actri_udp_open(const actri_address_t *address, actri_address_t *bound);

/*
 * Sends them to one address, as far as the socket takes them; returns how many. *plain is the socket's memory of a
 * kernel or a path that takes no segments: false at first.
 */
size_t actri_udp_send(int fd, bool *plain, const actri_address_t *to, const actri_datagram_t *datagrams, size_t count);

/* Reads what is there, up to one batch; each datagram goes to fn. Returns how many there were. */
typedef void (*actri_udp_fn)(void *user, const actri_address_t *from, const uint8_t *data, size_t size);
size_t actri_udp_receive(int fd, actri_udp_fn fn, void *user);

#endif
