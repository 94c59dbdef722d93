/* SPDX-License-Identifier: Apache-2.0 */
/* Refcounted immutable bytes. [any-thread] */
#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

actr_buf_t *actri_buf_new(const actri_env_t *env, size_t size)
{
    actr_buf_t *buf = actri_alloc(env, sizeof *buf + size);
    if (buf == NULL) return NULL;
    bool own = env != NULL && env->allocator.allocate != NULL;
    buf->give_back = own ? env->allocator.release : NULL;
    buf->give_back_user = own ? env->allocator.user : NULL;
    __atomic_store_n(&buf->refs, 1, __ATOMIC_RELAXED);
    buf->capacity = size;
    buf->data = buf->bytes;
    buf->size = size;
    return buf;
}

actr_buf_t *actri_buf_copy(const actri_env_t *env, const void *data, size_t size)
{
    actr_buf_t *buf = actri_buf_new(env, size);
    if (buf != NULL && size > 0) memcpy(buf->data, data, size);
    return buf;
}

actr_buf_t *actr_buf_copy(actr_bytes_t bytes)
{
    return actri_buf_copy(NULL, bytes.data, bytes.size);
}

void actri_buf_window(actr_buf_t *buf, const uint8_t *data, size_t size)
{
    if (size == 0) {
        buf->size = 0;
        return;
    }
    assert(data >= buf->bytes && size <= buf->capacity && (size_t)(data - buf->bytes) <= buf->capacity - size);
    buf->data = buf->bytes + (data - buf->bytes);
    buf->size = size;
}

const void *actr_buf_data(const actr_buf_t *buf)
{
    return buf == NULL ? NULL : buf->data;
}

size_t actr_buf_size(const actr_buf_t *buf)
{
    return buf == NULL ? 0 : buf->size;
}

actr_buf_t *actr_buf_retain(actr_buf_t *buf)
{
    if (buf != NULL) __atomic_add_fetch(&buf->refs, 1, __ATOMIC_RELAXED);
    return buf;
}

void actr_buf_release(actr_buf_t *buf)
{
    if (buf == NULL) return;
    if (__atomic_sub_fetch(&buf->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    if (buf->give_back != NULL)
        buf->give_back(buf, buf->give_back_user);
    else
        free(buf);
}
