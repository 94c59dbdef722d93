/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Pure cores never call these: they are given the time. [any-thread] */
#ifndef ACTRI_CLOCK_H
#define ACTRI_CLOCK_H

#include <stdint.h>

#define ACTRI_MS INT64_C(1000000) /* nanoseconds of a millisecond */
#define ACTRI_SECOND INT64_C(1000000000)
#define ACTRI_NEVER INT64_MAX /* a deadline that does not come */

int64_t actri_now_ns(void);  /* monotonic */
int64_t actri_wall_ms(void); /* Unix time */

#endif
