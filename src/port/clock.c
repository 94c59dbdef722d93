/* SPDX-License-Identifier: Apache-2.0 */
#include "port/clock.h"

#include <time.h>

int64_t actri_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * ACTRI_SECOND + now.tv_nsec;
}

int64_t actri_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / ACTRI_MS;
}
