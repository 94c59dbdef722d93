/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a lane: a bounded queue of messages, and a group of lanes that share one mutex so that one thread can
 * wait for whichever has something. The group lives as long as its last lane or owner. Functions that end in _locked
 * want the group's mutex held.
 */
#ifndef ACTRI_LANE_H
#define ACTRI_LANE_H

#include "base/env.h"
#include "base/list.h"
#include "port/thread.h"

#include <actr/lane.h>

#define ACTRI_LANE_CAPACITY 1024    /* lifecycle-and-rpc 10 */
#define ACTRI_LANE_TIMEOUT_MS 30000 /* of whoever names none */
#define ACTRI_LANE_TURNS 8          /* urgent messages in a row while others wait */

typedef struct actri_lane_group {
    unsigned refs; /* atomic: of the owner, and one a lane */
    actri_env_t env;
    actri_mutex_t mutex;
    actri_cond_t readable; /* for whoever waits for any lane */
    unsigned readers;
    actri_link_t urgent, ready; /* lanes that have something */
    unsigned urgent_turns;      /* in a row */
    void (*destroy)(struct actri_lane_group *group);
} actri_lane_group_t;

typedef struct actri_lane_slot {
    actr_buf_t *payload; /* may be NULL with an item */
    void *item;          /* the group's own, or NULL: bare bytes */
} actri_lane_slot_t;

struct actr_lane {
    unsigned refs; /* atomic */
    actri_lane_group_t *group;
    actr_lane_kind_t kind;
    actr_payload_type_t type;
    /* the rest: under the group's mutex */
    actri_link_t link; /* in urgent or ready while it is not empty */
    actri_cond_t readable, writable;
    unsigned readers, writers;
    actri_lane_slot_t *slots; /* a ring that grows up to capacity */
    uint32_t capacity, allocated, first, count;
    bool closed;
    bool receives;
    bool gap; /* messages were lost behind what is queued */
    uint64_t sent, sent_bytes, received, received_bytes, full, lost;
    /* to a peer; NULL: into the own queue. wait: until it is accepted. */
    actr_status_t (*send)(struct actr_lane *lane, actr_buf_t *message, uint32_t timeout_ms, bool wait,
                          actr_error_t *error);
    void (*drop)(void *item);             /* of an item that nobody takes; without the mutex */
    void (*gone)(struct actr_lane *lane); /* before it is freed; may be NULL */
    void *user;
};

/* Begins with one reference, the owner's. env is copied. */
void actri_lane_group_init(actri_lane_group_t *group, const actri_env_t *env,
                           void (*destroy)(actri_lane_group_t *group));
/* One by itself; NULL when memory is out. */
actri_lane_group_t *actri_lane_group_new(const actri_env_t *env);
/* What init made; for destroy. */
void actri_lane_group_clear(actri_lane_group_t *group);
void actri_lane_group_retain(actri_lane_group_t *group);
void actri_lane_group_release(actri_lane_group_t *group);

/* extra bytes follow the struct. NULL when memory is out. */
actr_lane_t *actri_lane_new(actri_lane_group_t *group, actr_lane_kind_t kind, actr_payload_type_t type,
                            uint32_t capacity, size_t extra);

/* Waits for room for one message: LIMIT_REACHED at the deadline, UNAVAILABLE when closed, NO_MEMORY. */
ACTR_MUST_CHECK actr_status_t actri_lane_room_locked(actr_lane_t *lane, int64_t deadline_ns, actr_error_t *error);
/* There is room. Takes the references. */
void actri_lane_put_locked(actr_lane_t *lane, actri_lane_slot_t slot);
/* False: empty. */
bool actri_lane_take_locked(actr_lane_t *lane, actri_lane_slot_t *out);
/* Waits until it has something: TIMEOUT at the deadline, UNAVAILABLE when it is closed and empty. */
ACTR_MUST_CHECK actr_status_t actri_lane_await_locked(actr_lane_t *lane, int64_t deadline_ns, actr_error_t *error);
/* The lane of the group whose turn it is, or NULL when all are empty. */
actr_lane_t *actri_lane_next_locked(actri_lane_group_t *group);
void actri_lane_close_locked(actr_lane_t *lane);
/* Closes and releases what is inside. Without the mutex. */
void actri_lane_empty(actr_lane_t *lane);
/* A message of the peer; takes the reference. Counted as lost when there is no room. */
void actri_lane_arrived(actr_lane_t *lane, actr_buf_t *message);

/* now + ms; 0: the default */
int64_t actri_lane_deadline(uint32_t timeout_ms);

#endif
