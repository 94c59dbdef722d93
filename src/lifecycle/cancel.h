/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of actr_cancel_t: what waits for one to be asked. */
#ifndef ACTRI_CANCEL_H
#define ACTRI_CANCEL_H

#include "lifecycle/node.h"

/* Embedded in its object, zero-initialised. fire runs once, on the canceller's thread, under the token's mutex. */
typedef struct actri_cancel_watch {
    actri_link_t link;
    actr_cancel_t *cancel; /* NULL: does not watch */
    void (*fire)(struct actri_cancel_watch *watch);
} actri_cancel_watch_t;

/* CANCELLED when it was asked already. cancel may be NULL. */
ACTR_MUST_CHECK actr_status_t actri_cancel_check(actr_cancel_t *cancel, actr_error_t *error);
/* Fires at once when it was asked already. cancel may be NULL. */
void actri_cancel_watch(actr_cancel_t *cancel, actri_cancel_watch_t *watch);
/* fire does not run when this has returned, and will not. Not from fire. */
void actri_cancel_unwatch(actri_cancel_watch_t *watch);

#endif
