/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines that somebody else causes, as often as they like: so many a second are written, the others counted. */
#ifndef ACTRI_OFTEN_H
#define ACTRI_OFTEN_H

#include "base/env.h"
#include "port/clock.h"

#define ACTRI_OFTEN_MOST 10u /* a second */

typedef struct actri_often { /* all atomic; zero to begin with */
    int64_t second;
    uint32_t said, left_out;
} actri_often_t;

/* Is this one to be written? *left_out: how many were not since the last one. [any-thread] */
static inline bool actri_often_say(actri_often_t *often, int64_t now_ns, uint32_t *left_out)
{
    int64_t second = now_ns / ACTRI_SECOND + 1;
    if (__atomic_load_n(&often->second, __ATOMIC_RELAXED) != second &&
        __atomic_exchange_n(&often->second, second, __ATOMIC_RELAXED) != second) {
        __atomic_store_n(&often->said, 0, __ATOMIC_RELAXED);
    }
    if (__atomic_fetch_add(&often->said, 1, __ATOMIC_RELAXED) < ACTRI_OFTEN_MOST) {
        *left_out = __atomic_exchange_n(&often->left_out, 0, __ATOMIC_RELAXED);
        return true;
    }
    (void)__atomic_add_fetch(&often->left_out, 1, __ATOMIC_RELAXED);
    return false;
}

#define actri_log_often(env, often, level, area, ...)                                                                  \
    do {                                                                                                               \
        uint32_t left_out_ = 0;                                                                                        \
        if (!actri_log_on(env, level) || !actri_often_say(often, actri_now_ns(), &left_out_)) break;                   \
        if (left_out_ > 0) actri_log(env, level, area, "%u lines like the next were left out", left_out_);             \
        actri_log(env, level, area, __VA_ARGS__);                                                                      \
    } while (0)
#define actri_warn_often(env, often, area, ...) actri_log_often(env, often, ACTR_LOG_WARN, area, __VA_ARGS__)

#endif
