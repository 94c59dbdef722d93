/* SPDX-License-Identifier: Apache-2.0 */
/* The end of something asynchronous: a place for its callback, and to wait for it. It comes once, on another thread. */
#ifndef ACTR_TESTS_OUTCOME_H
#define ACTR_TESTS_OUTCOME_H

#include "check.h"
#include "port/clock.h"
#include "port/thread.h"

#include <string.h>

#define OUTCOME_LIMIT_NS (30 * ACTRI_SECOND)

typedef struct outcome {
    actri_mutex_t mutex;
    actri_cond_t changed;
    unsigned ended;
    actr_status_t status;
    actr_buf_t *reply;
    pthread_t starter, teller;
} outcome_t;

/* Is an actr_reply_fn; user is the outcome. */
static inline void on_outcome(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    outcome_t *o = user;
    (void)error;
    actri_lock(&o->mutex);
    o->ended++;
    o->status = status;
    o->reply = reply;
    o->teller = pthread_self();
    actri_cond_signal(&o->changed);
    actri_unlock(&o->mutex);
}

static inline void outcome_open(outcome_t *o)
{
    memset(o, 0, sizeof *o);
    actri_mutex_init(&o->mutex);
    actri_cond_init(&o->changed);
    o->starter = pthread_self();
}

static inline void outcome_wait(outcome_t *o, actr_status_t expected)
{
    int64_t deadline = actri_now_ns() + OUTCOME_LIMIT_NS;
    actri_lock(&o->mutex);
    while (o->ended == 0) {
        if (!actri_cond_wait(&o->changed, &o->mutex, deadline)) fail_msg("nobody told the end");
    }
    actri_unlock(&o->mutex);
    assert_status(expected, o->status);
    assert_false(pthread_equal(o->starter, o->teller));
}

static inline void outcome_close(outcome_t *o)
{
    assert_int_equal(o->ended, 1);
    actr_buf_release(o->reply);
    actri_cond_destroy(&o->changed);
    actri_mutex_destroy(&o->mutex);
}

#endif
