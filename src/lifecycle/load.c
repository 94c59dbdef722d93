/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/load.h"

#include "lifecycle/node.h"
#include "port/clock.h"

#define BACKLOG_FULL 1000.0f

uint32_t actri_load_availability(float power_reserve, float backlog)
{
    static const struct {
        float reserve_above, backlog_below;
    } steps[] = {{4.2f, 0.5f}, {3.0f, 0.8f}, {1.8f, 0.95f}}; /* full, degraded, overloaded */
    uint32_t step = 0;
    while (step < 3 && !(power_reserve > steps[step].reserve_above && backlog < steps[step].backlog_below)) step++;
    return step;
}

void actri_node_load(void *user, actri_load_t *out)
{
    actr_node_t *node = user;
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(node->system->mailbox, &stats);
    float backlog = (float)(stats.queued + stats.in_flight) / BACKLOG_FULL;
    out->mailbox_backlog = backlog < 1.0f ? backlog : 1.0f;
    out->power_reserve = actri_meter_read(&node->meter, actri_now_ns());
    bool gone = __atomic_load_n(&node->unavailable, __ATOMIC_RELAXED) != 0;
    out->availability = gone ? 3 : actri_load_availability(out->power_reserve, out->mailbox_backlog);
}
