/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the state path: for the sources of this folder only. */
#ifndef ACTRI_PATH_H
#define ACTRI_PATH_H

#include "base/slab.h"
#include "config/config.h"
#include "dispatch/answers.h"
#include "dispatch/inbox.h"
#include "port/clock.h"
#include "port/often.h"
#include "port/thread.h"

struct actri_state_path {
    actri_state_path_options_t o;
    actri_peer_gate_t *gate;
    actri_loop_t *loop;
    actri_link_t arrived; /* [loop] of this turn */
    bool batch_waits;
    actri_task_t batch;
    actri_often_t denied, refused; /* log lines */
    actri_slab_t *calls;           /* actri_local_call_t */
    int64_t drain_until_ns;        /* atomic; 0: not draining */
    actri_answers_t *answers;
    uint8_t key_seed[16];
    actri_mutex_t room_mutex; /* of makers that wait for room */
    actri_cond_t room;
    uint32_t room_waiters; /* atomic */
    actri_inbox_t inbox;
    char apart[64];             /* callers read what is above, turns write what is below */
    actri_slab_batch_t retired; /* of turns, where these come one at a time */
    actri_state_path_stats_t stats;
};

static inline void actri_path_count(uint64_t *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* [methods] says so. */
static inline bool actri_path_is_high(const actri_state_path_t *path, actri_span_t route)
{
    if (path->o.config->method_count == 0) return false;
    const actr_method_rule_t *rule = actri_config_method(path->o.config, route.data, route.size);
    return rule != NULL && rule->high;
}

static inline int64_t actri_path_drain_deadline(const actri_state_path_t *path)
{
    return __atomic_load_n(&path->drain_until_ns, __ATOMIC_ACQUIRE);
}

/* The time for what still waits is over. */
static inline bool actri_path_is_drained(const actri_state_path_t *path)
{
    int64_t until = actri_path_drain_deadline(path);
    return until != 0 && actri_now_ns() > until;
}

/* The answer to a peer's request; the mail stays the caller's. */
void actri_state_path_answer(actri_state_path_t *path, actri_mail_t *mail, actr_status_t status, actr_bytes_t payload,
                             const char *message);
/* The request as the handler, or key_of, will see it. */
/* Wakes all makers that wait for room. */
void actri_local_wake_makers(actri_state_path_t *path);
void actri_local_call_request(const actri_local_call_t *call, actr_request_t *request);
bool actri_local_call_is(const actri_task_t *task);

/* Runs the handler for what `in` holds, as `turn`. The reply is in the arena. */
actr_status_t actri_path_serve(actri_state_path_t *path, actri_incoming_t *in, actri_turn_t *turn, actr_bytes_t *reply,
                               actr_error_t *error);

/* Ends a local call, unless it has ended: *status*, and its reply copied, or the message. */
void actri_local_call_answer(actri_local_call_t *call, actr_status_t status, actr_bytes_t reply, const char *message);
/* The same with success and a reply that a handler gave by reference, or the request's own: no copy. */
void actri_local_call_answer_buf(actri_local_call_t *call, actr_buf_t *reply);

/* Runs the handler for a tell: who, what and the buffer that holds it are in `in`, and lent. */
void actri_local_tell_run(actri_state_path_t *path, actri_incoming_t *in);
/* Of a tell nobody is told that it failed: it is counted. */
void actri_local_tell_failed(actri_state_path_t *path, actr_status_t status);

#define ACTRI_LOCAL_CALLS 65536 /* that have not ended, at most */
#define ACTRI_LOCAL_ROOM 4096   /* that wait before those who may wait do so: they stay in the processor's caches */

#endif
