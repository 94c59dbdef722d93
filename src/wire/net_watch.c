/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/net_watch.h"

#include "base/map.h"
#include "wire/address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An IPv6 address can not be used before the kernel has made sure that it is nobody else's; then it says so. */
static bool is_usable(const struct sockaddr_storage *name)
{
    if (name->ss_family != AF_INET6) return true;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true; /* nothing is known */
    bool usable = bind(fd, (const struct sockaddr *)name, sizeof(struct sockaddr_in6)) == 0 || errno != EADDRNOTAVAIL;
    (void)close(fd);
    return usable;
}

static bool counts(const struct ifaddrs *at, actri_address_t *address)
{
    struct sockaddr_storage name = {0};
    if (at->ifa_addr == NULL || (at->ifa_flags & IFF_UP) == 0) return false;
    int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) return false;
    memcpy(&name, at->ifa_addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    if (!actri_address_from_socket(&name, address)) return false;
    address->port = 0;
    if (actri_address_is_loopback(address) || actri_address_is_link_local(address)) return false;
    (void)actri_address_to_socket(address, &name);
    return is_usable(&name);
}

/* The same for the same addresses in whatever order; false: they can not be read now. */
static bool look(uint64_t *sum)
{
    static const uint8_t key[16] = "actr addresses";
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) return false;
    *sum = 0;
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        actri_address_t address;
        if (counts(at, &address)) *sum += actri_siphash(key, address.ip, sizeof address.ip) | 1;
    }
    freeifaddrs(list);
    return true;
}

static void on_ready(actri_watch_t *watch)
{
    actri_net_watch_t *w = ACTRI_CONTAINER(watch, actri_net_watch_t, watch);
    uint8_t news[4096];
    uint64_t before = w->seen, now;
    /* What it says is not read: it may have been too much for the socket (ENOBUFS), and then it is not all. */
    while (recv(watch->fd, news, sizeof news, MSG_DONTWAIT) >= 0 || errno == EINTR || errno == ENOBUFS) {
    }
    if (!look(&now) || now == before) return;
    w->seen = now;
    w->on_change(w->user, before == 0 ? ACTRI_NET_AVAILABLE : now == 0 ? ACTRI_NET_LOST : ACTRI_NET_CHANGED);
}

actr_status_t actri_net_watch_start(actri_net_watch_t *w, actri_loop_t *loop,
                                    void (*on_change)(void *user, actri_net_change_t change), void *user,
                                    actr_error_t *error)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0) {
        actr_status_t status = actri_fail_errno(error, ACTR_STATUS_IO, errno, "the network can not be watched");
        if (fd >= 0) (void)close(fd);
        return status;
    }
    *w = (actri_net_watch_t){.watch = {fd, on_ready}, .on_change = on_change, .user = user};
    (void)look(&w->seen); /* what changes from now on is told */
    actr_status_t status = actri_loop_watch(loop, &w->watch, error);
    if (status != ACTR_OK) {
        (void)close(fd);
        return status;
    }
    w->loop = loop;
    return ACTR_OK;
}

void actri_net_watch_stop(actri_net_watch_t *w)
{
    if (w->loop == NULL) return;
    actri_loop_unwatch(w->loop, &w->watch);
    (void)close(w->watch.fd);
    w->loop = NULL;
}
