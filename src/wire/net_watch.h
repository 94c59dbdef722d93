/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches the addresses of this machine: rtnetlink says that something has changed, what there is now is read anew.
 * Only addresses that peers can be reached from count: not loopback, link-local, of interfaces that are down, or
 * IPv6 ones that the kernel still examines. [loop]
 */
#ifndef ACTRI_NET_WATCH_H
#define ACTRI_NET_WATCH_H

#include "wire/loop.h"

typedef enum actri_net_change {
    ACTRI_NET_SAME = 0,
    ACTRI_NET_AVAILABLE, /* there was no address */
    ACTRI_NET_LOST,      /* there is none */
    ACTRI_NET_CHANGED,   /* there are others */
} actri_net_change_t;

/* Zeroed is ready. */
typedef struct actri_net_watch {
    actri_watch_t watch;
    actri_loop_t *loop; /* NULL: it does not run */
    void (*on_change)(void *user, actri_net_change_t change);
    void *user;
    uint64_t seen; /* a sum over the addresses; 0: none */
} actri_net_watch_t;

/* IO: the system does not let us. */
ACTR_MUST_CHECK actr_status_t actri_net_watch_start(actri_net_watch_t *watch, actri_loop_t *loop,
                                                    void (*on_change)(void *user, actri_net_change_t change),
                                                    void *user, actr_error_t *error);
void actri_net_watch_stop(actri_net_watch_t *watch); /* again: nothing */

#endif
