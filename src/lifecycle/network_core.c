/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/network_core.h"

#include "port/clock.h"

void actri_network_add(actri_network_t *network, actr_network_event_t event, int64_t now_ns)
{
    if (network->events++ == 0) network->first_ns = now_ns;
    network->last_ns = now_ns;
    switch (event) {
    case ACTR_NETWORK_AVAILABLE:
        network->down = false;
        network->look = true;
        break;
    case ACTR_NETWORK_LOST: network->down = network->moved = true; break; /* whatever comes back may be another one */
    case ACTR_NETWORK_CHANGED:
        network->down = false;
        network->moved = network->look = true;
        break;
    case ACTR_NETWORK_FOREGROUND:
        network->look = network->look || !network->in_front;
        network->in_front = true;
        break;
    case ACTR_NETWORK_BACKGROUND: network->in_front = false; break;
    case ACTR_NETWORK_CLEANUP: network->clean = true; break;
    }
}

int64_t actri_network_deadline(const actri_network_t *network)
{
    if (network->events == 0 || network->acting) return ACTRI_NEVER;
    int64_t settled = network->last_ns + ACTRI_NETWORK_SETTLE_MS * ACTRI_MS;
    int64_t latest = network->first_ns + ACTRI_NETWORK_LONGEST_MS * ACTRI_MS;
    return settled < latest ? settled : latest;
}

actr_network_action_t actri_network_take(actri_network_t *network)
{
    actr_network_action_t action = ACTR_NETWORK_NONE;
    if (network->clean)
        action = ACTR_NETWORK_CLEANED;
    else if (network->down)
        action = ACTR_NETWORK_OFFLINE;
    else if (network->look)
        action = network->moved ? ACTR_NETWORK_RESTORED : ACTR_NETWORK_CHECKED;
    network->events = 0;
    network->clean = false;
    network->acting = action > ACTR_NETWORK_OFFLINE;
    if (network->acting) {
        network->look = false;
        network->moved = network->down; /* cleaned up without a network: what comes back may be another one */
    }
    return action;
}

void actri_network_done(actri_network_t *network)
{
    network->acting = false;
}
