/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Pure cores never call these: they are given the time. [any-thread] */
#ifndef ACTRI_CLOCK_H
#define ACTRI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define ACTRI_MS INT64_C(1000000) /* nanoseconds of a millisecond */
#define ACTRI_SECOND INT64_C(1000000000)
#define ACTRI_NEVER INT64_MAX /* a deadline that does not come */

int64_t actri_now_ns(void);  /* monotonic */
int64_t actri_wall_ms(void); /* Unix time */

/* What is before the beginning, or beyond what the system's time_t can say, is its nearest. */
static inline struct timespec actri_timespec(int64_t ns)
{
    int64_t most = sizeof(time_t) < sizeof(int64_t) ? INT32_MAX : INT64_MAX / ACTRI_SECOND;
    if (ns < 0) return (struct timespec){0, 0};
    if (ns / ACTRI_SECOND > most) return (struct timespec){.tv_sec = (time_t)most, .tv_nsec = 0};
    return (struct timespec){.tv_sec = (time_t)(ns / ACTRI_SECOND), .tv_nsec = (long)(ns % ACTRI_SECOND)};
}

#endif
