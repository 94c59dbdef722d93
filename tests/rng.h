/* SPDX-License-Identifier: Apache-2.0 */
/* A test's own random numbers: the same seed gives the same run, whatever the library draws. */
#ifndef ACTR_TESTS_RNG_H
#define ACTR_TESTS_RNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rng {
    uint64_t state;
} rng_t;

static inline uint64_t rng_u64(rng_t *rng) /* SplitMix64 */
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* 0 .. below - 1 */
static inline uint32_t rng_below(rng_t *rng, uint32_t below)
{
    return (uint32_t)(rng_u64(rng) % below);
}
static inline bool rng_chance(rng_t *rng, uint32_t percent)
{
    return rng_below(rng, 100) < percent;
}

#endif
