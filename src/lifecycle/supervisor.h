/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What repeated failures of handlers lead to, after OTP's supervisors: so many failures in so long are one fault; a
 * fault restarts, stops or gives up the workload; more restarts than so many in so long give it up. Pure.
 */
#ifndef ACTRI_SUPERVISOR_H
#define ACTRI_SUPERVISOR_H

#include <actr/system.h>

#define ACTRI_SUPERVISOR_MOST 63 /* failures, and restarts, that can be asked for */

typedef struct actri_intensity {
    uint32_t most;
    int64_t within_ns;
    uint32_t count; /* in times, oldest first */
    int64_t times[ACTRI_SUPERVISOR_MOST + 1];
} actri_intensity_t;

typedef struct actri_supervisor {
    actr_failure_action_t action;
    actri_intensity_t failures, restarts;
    bool given_up;
} actri_supervisor_t;

/* policy as the program gave it; 0 is the default. INVALID_ARGUMENT names what is out of range. */
ACTR_MUST_CHECK actr_status_t actri_supervisor_init(actri_supervisor_t *supervisor, const actr_supervision_t *policy,
                                                    actr_error_t *error);
/* Is it a failure of the handler, and not an answer? */
bool actri_supervisor_is_failure(actr_status_t status);
/* A handler has failed: what is to be done now. */
actr_failure_action_t actri_supervisor_failed(actri_supervisor_t *supervisor, int64_t now_ns);

#endif
