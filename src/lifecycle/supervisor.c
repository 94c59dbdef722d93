/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle/supervisor.h"

#include "base/env.h"
#include "port/clock.h"

#include <string.h>

static actr_status_t set(actri_intensity_t *intensity, uint32_t most, uint32_t within_ms, const char *name,
                         actr_error_t *error)
{
    if (most > ACTRI_SUPERVISOR_MOST) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "supervision.%s is %u, at most %d can be counted", name,
                          most, ACTRI_SUPERVISOR_MOST);
    }
    intensity->most = most;
    intensity->within_ns = within_ms * ACTRI_MS;
    return ACTR_OK;
}

actr_status_t actri_supervisor_init(actri_supervisor_t *supervisor, const actr_supervision_t *policy,
                                    actr_error_t *error)
{
    memset(supervisor, 0, sizeof *supervisor);
    supervisor->action = policy->action;
    actr_status_t status = set(&supervisor->failures, policy->failures != 0 ? policy->failures : 1,
                               policy->within_ms != 0 ? policy->within_ms : 5000, "failures", error);
    if (status != ACTR_OK) return status;
    return set(&supervisor->restarts, policy->restarts != 0 ? policy->restarts : 3,
               policy->restarts_within_ms != 0 ? policy->restarts_within_ms : 60000, "restarts", error);
}

bool actri_supervisor_is_failure(actr_status_t status)
{
    return status == ACTR_STATUS_HANDLER_PANIC || status == ACTR_STATUS_INTERNAL || status == ACTR_STATUS_NO_MEMORY;
}

/* How many there have been within the window, this one included. */
static uint32_t note(actri_intensity_t *intensity, int64_t now_ns)
{
    uint32_t old = 0;
    while (old < intensity->count && now_ns - intensity->times[old] > intensity->within_ns) old++;
    if (intensity->count - old > ACTRI_SUPERVISOR_MOST) old++; /* full: one more than `most` is enough to know */
    intensity->count -= old;
    memmove(intensity->times, intensity->times + old, intensity->count * sizeof intensity->times[0]);
    intensity->times[intensity->count++] = now_ns;
    return intensity->count;
}

actr_failure_action_t actri_supervisor_failed(actri_supervisor_t *supervisor, int64_t now_ns)
{
    if (supervisor->action == ACTR_ON_FAILURE_NOTHING || supervisor->given_up) return ACTR_ON_FAILURE_NOTHING;
    if (note(&supervisor->failures, now_ns) < supervisor->failures.most) return ACTR_ON_FAILURE_NOTHING;
    supervisor->failures.count = 0; /* one fault: counted anew */
    actr_failure_action_t action = supervisor->action;
    if (action == ACTR_ON_FAILURE_RESTART && note(&supervisor->restarts, now_ns) > supervisor->restarts.most) {
        action = ACTR_ON_FAILURE_ESCALATE;
    }
    supervisor->given_up = action != ACTR_ON_FAILURE_RESTART;
    return action;
}
