/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes that take what a peer sends on a payload type, before anybody else sees it. The table does not own the lanes:
 * one leaves it before it goes. Refcounted, so that a lane may outlive the connections. [any-thread]
 */
#ifndef ACTRI_TAPS_H
#define ACTRI_TAPS_H

#include "transport/lane.h"

typedef struct actri_taps actri_taps_t;

actri_taps_t *actri_taps_new(const actri_env_t *env); /* NULL when memory is out */
actri_taps_t *actri_taps_retain(actri_taps_t *taps);
void actri_taps_release(actri_taps_t *taps); /* NULL is a no-op */

/* INVALID_STATE when a lane takes that already. */
ACTR_MUST_CHECK actr_status_t actri_taps_add(actri_taps_t *taps, const actr_id_t *peer, actr_lane_t *lane,
                                             actr_error_t *error);
/* Once it has returned nothing arrives in that lane any more. */
void actri_taps_remove(actri_taps_t *taps, const actr_id_t *peer, const actr_lane_t *lane);
/* True: a lane has taken the message, and its reference. */
bool actri_taps_take(actri_taps_t *taps, const actr_id_t *peer, actr_payload_type_t type, actr_buf_t *message);
/* Closes the lanes that are in it: nothing will come any more. */
void actri_taps_close(actri_taps_t *taps);

#endif
