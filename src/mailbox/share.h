/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How High and Normal share a queue: `high_per_normal` High messages, then one Normal, as long as both wait. Pure.
 */
#ifndef ACTRI_SHARE_H
#define ACTRI_SHARE_H

#include <stdint.h>

#define ACTRI_HIGH_PER_NORMAL 8

typedef struct actri_share {
    uint32_t high_per_normal;
    uint32_t run; /* High ones since the last Normal one */
} actri_share_t;

/* Of the next `most` messages, how many are High; the rest is Normal. Together at most what there is. */
static inline uint64_t actri_share_high(const actri_share_t *share, uint64_t most, uint64_t high, uint64_t normal)
{
    if (high + normal <= most) return high;
    uint64_t cycle = (uint64_t)share->high_per_normal + 1;
    uint64_t run = share->run < share->high_per_normal ? share->run : share->high_per_normal;
    uint64_t turns_of_normal = (most + run) / cycle; /* every time the run is full */
    if (turns_of_normal > normal) turns_of_normal = normal;
    uint64_t out = most - turns_of_normal;
    return out < high ? out : high;
}

static inline void actri_share_took(actri_share_t *share, uint64_t high, uint64_t normal)
{
    uint64_t run = share->run + high + normal, cycles = normal * ((uint64_t)share->high_per_normal + 1);
    run = run > cycles ? run - cycles : 0;
    share->run = run > share->high_per_normal ? share->high_per_normal : (uint32_t)run;
}

#endif
