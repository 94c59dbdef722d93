/* SPDX-License-Identifier: Apache-2.0 */
/* What a node does about changes of the network: the pure part's clock and hands. */
#ifndef ACTRI_NODE_NETWORK_H
#define ACTRI_NODE_NETWORK_H

#include "lifecycle/network_core.h"
#include "port/executor.h"
#include "port/thread.h"
#include "wire/net_watch.h"

typedef struct actri_networks {
    actri_mutex_t mutex; /* guards the next lines */
    actri_network_t core;
    actri_link_t gathered, acted; /* events: of the batch, of the action that is under way */
    uint32_t waiting;             /* events in both */
    actr_network_result_t result; /* of the action */
    bool open, posted, begins;    /* begins: the watch is to be started */
    actri_task_t task;            /* on the loop */
    actri_timer_t timer;          /* [loop] */
    actri_net_watch_t watch;      /* [loop] */
} actri_networks_t;

void actri_networks_init(actri_networks_t *networks);
void actri_networks_destroy(actri_networks_t *networks);
/* The node has all its parts. watches: the machine's addresses. */
void actri_networks_open(actr_node_t *node, bool watches);
/* Tells those that wait SHUTTING_DOWN; no more can come. Again: nothing. Not from the loop. */
void actri_networks_close(actr_node_t *node);
/* As actr_ref_network_event, by somebody who is inside the node, or on its loop. */
ACTR_MUST_CHECK actr_status_t actri_node_network_event(actr_node_t *node, actr_network_event_t event,
                                                       actr_network_fn fn, void *user, actr_error_t *error);

#endif
