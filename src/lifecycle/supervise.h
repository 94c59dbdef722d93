/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACTRI_SUPERVISE_H
#define ACTRI_SUPERVISE_H

#include "lifecycle/node.h"

/* A handler has returned; in its turn. error: of a failure. */
void actri_node_supervise(actr_node_t *node, actr_status_t status, bool overtime, const actr_error_t *error);

#endif
