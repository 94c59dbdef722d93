/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do about changes of the network: events are gathered until they have settled, merged, and answered by one
 * action at a time. Pure: time goes in, deadlines come out. spec: known-faults 50 and its section 5.
 */
#ifndef ACTRI_NETWORK_CORE_H
#define ACTRI_NETWORK_CORE_H

#include <actr/network.h>
#include <stdint.h>

#define ACTRI_NETWORK_SETTLE_MS 400   /* without a further event */
#define ACTRI_NETWORK_LONGEST_MS 2000 /* from a batch's first event: a storm does not put the action off for ever */

/* Zeroed is ready. */
typedef struct actri_network {
    uint32_t events; /* of the batch that is gathered; 0: none is */
    int64_t first_ns, last_ns;
    bool clean;    /* the batch asks to clean up */
    bool down;     /* the last that was said of the network itself is that it is lost */
    bool moved;    /* it may be another one than before; until that is acted on, as */
    bool look;     /* there is a reason to look whether all lives */
    bool in_front; /* the program is in the foreground: that it is once more is no reason */
    bool acting;   /* an action is under way: the next batch waits for its end */
} actri_network_t;

void actri_network_add(actri_network_t *network, actr_network_event_t event, int64_t now_ns);
/* When the batch is to be acted on; ACTRI_NEVER: there is none, or an action is under way. */
int64_t actri_network_deadline(const actri_network_t *network);
/* Ends the batch: what it calls for. Unless that is NONE or OFFLINE an action is under way until done. */
actr_network_action_t actri_network_take(actri_network_t *network);
void actri_network_done(actri_network_t *network);

#endif
