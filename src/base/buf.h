/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actr_buf_t: refcounted bytes, one allocation, immutable once shared. Its owner may narrow the window
 * that users see (a reply is the payload inside its envelope) as long as it holds the only reference.
 */
#ifndef ACTRI_BUF_H
#define ACTRI_BUF_H

#include "base/env.h"

struct actr_buf {
    void (*give_back)(void *block, void *user); /* of the allocator; NULL: libc. A buffer may outlive its system */
    void *give_back_user;
    unsigned refs; /* atomic */
    size_t capacity;
    uint8_t *data; /* the window, inside bytes[] */
    size_t size;
    uint8_t bytes[];
};

/* size bytes, not cleared; NULL when memory is out. */
actr_buf_t *actri_buf_new(const actri_env_t *env, size_t size);
actr_buf_t *actri_buf_copy(const actri_env_t *env, const void *data, size_t size);
/* Shows only size bytes from data, which lies inside the buffer. Sole owner only. */
void actri_buf_window(actr_buf_t *buf, const uint8_t *data, size_t size);

#endif
