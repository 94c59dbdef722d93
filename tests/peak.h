/* SPDX-License-Identifier: Apache-2.0 */
/* An actri_env_t that knows how many bytes were alive at most. */
#ifndef ACTR_TESTS_PEAK_H
#define ACTR_TESTS_PEAK_H

#include "base/env.h"

#include <stdlib.h>
#include <string.h>

#define PEAK_ROOM 16 /* before each block: its size */

typedef struct peak {
    actri_env_t env;
    size_t alive, most;
} peak_t;

static inline void *peak_resize(void *block, size_t size, void *user)
{
    peak_t *peak = user;
    char *old = block == NULL ? NULL : (char *)block - PEAK_ROOM;
    size_t before = 0;
    if (old != NULL) memcpy(&before, old, sizeof before);
    char *made = realloc(old, size + PEAK_ROOM);
    if (made == NULL) return NULL;
    memcpy(made, &size, sizeof size);
    peak->alive += size - before;
    if (peak->alive > peak->most) peak->most = peak->alive;
    return made + PEAK_ROOM;
}

static inline void *peak_allocate(size_t size, void *user)
{
    return peak_resize(NULL, size, user);
}

static inline void peak_release(void *block, void *user)
{
    peak_t *peak = user;
    size_t size;
    if (block == NULL) return;
    memcpy(&size, (char *)block - PEAK_ROOM, sizeof size);
    peak->alive -= size;
    free((char *)block - PEAK_ROOM);
}

static inline void peak_init(peak_t *peak)
{
    *peak = (peak_t){.alive = 0};
    peak->env.allocator = (actr_allocator_t){peak_allocate, peak_resize, peak_release, peak};
}

#endif
