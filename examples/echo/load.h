/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECHO_LOAD_H
#define ECHO_LOAD_H

#include <actr/actr.h>

/* count calls, outstanding at a time; the first error, if any. */
actr_status_t echo_load(actr_ctx_t *ctx, const actr_dest_t *service, unsigned count, unsigned outstanding,
                        actr_error_t *error);

#endif
