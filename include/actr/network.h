/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program, or the machine, says of its network: so a node need not wait for its timers to find out that a path
 * is dead, or that there is one again. Without it a dead link to the signaling server is found in 10 s, one to a peer
 * in 5 s, and the next attempt may be a minute away.
 *
 * Events are gathered until none has come for 400 ms (at most 2 s), merged, and answered by one action. Those that come
 * while it is under way are the next batch. What the node does by itself when it loses a connection goes on beside it.
 * On Linux a node sees changes of the machine's addresses by itself (actr_config_t.network_watch).
 */
#ifndef ACTR_NETWORK_H
#define ACTR_NETWORK_H

#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum actr_network_event {
    ACTR_NETWORK_AVAILABLE = 1, /* there is a network (again) */
    ACTR_NETWORK_LOST = 2,
    ACTR_NETWORK_CHANGED = 3,    /* another one: from Wi-Fi to mobile, or other addresses */
    ACTR_NETWORK_FOREGROUND = 4, /* the program runs again after it was suspended */
    ACTR_NETWORK_BACKGROUND = 5, /* it is about to be suspended */
    ACTR_NETWORK_CLEANUP = 6,    /* begin anew: wins over all others */
} actr_network_event_t;

typedef enum actr_network_action {
    ACTR_NETWORK_NONE = 0, /* nothing was to be done */
    ACTR_NETWORK_OFFLINE =
        1, /* the network is lost: nothing is torn down, for it may be back before a timer runs out */
    /* The signaling server had to answer within a second; it did not, or the link was down: connected anew, at once. */
    ACTR_NETWORK_CHECKED = 2,
    ACTR_NETWORK_RESTORED = 3, /* that, and each connection to a peer looks for its path anew (ICE restart) */
    ACTR_NETWORK_CLEANED = 4,  /* that, and each connection to a peer was closed; it is made anew when it is needed */
} actr_network_action_t;

typedef struct actr_network_result {
    actr_network_action_t action;
    uint32_t events;  /* that were merged, this one included */
    uint32_t peers;   /* connections that were restarted, or closed */
    bool reconnected; /* to the signaling server */
} actr_network_result_t;

/*
 * status: ACTR_OK; SIGNALING_UNAVAILABLE: no link to the signaling server could be made (the node goes on trying);
 * SHUTTING_DOWN. All is borrowed. A turn of the node, as answers of asynchronous calls are.
 */
typedef void (*actr_network_fn)(actr_status_t status, const actr_network_result_t *result, const actr_error_t *error,
                                void *user);

/*
 * Says what has happened. fn (may be NULL) is told what was done about it, exactly once if, and only if, this returns
 * ACTR_OK: within 2 s and what the action takes, an attempt to connect being the longest of it (30 s and 15 s to
 * register). More than 4096 that wait: LIMIT_REACHED. [any-thread] Does not block.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_ref_network_event(actr_ref_t *ref, actr_network_event_t event,
                                                              actr_network_fn fn, void *user, actr_error_t *error);

#ifdef __cplusplus
}
#endif

#endif
