/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-process manager from new to its end, and its thread, which exists once a request was started asynchronously:
 * it runs the callbacks, one at a time, and ends the requests whose time is up.
 */
#include "transport/inproc.h"

#include "port/clock.h"

#include <string.h>

#define MAX_CHANNELS 1024
#define MAX_PENDING 65536

/* ---- the thread ---- */

static void expire_locked(actr_inproc_t *m)
{
    int64_t now = actri_now_ns();
    actri_pending_call_t *call;
    while ((call = actri_pending_take_expired(&m->pending, now)) != NULL) {
        actri_received_ended_locked(ACTRI_CONTAINER(call, actr_received_t, pending), ACTR_STATUS_TIMEOUT, NULL,
                                    "no answer in time");
    }
}

static void tell(actr_received_t *r)
{
    actr_buf_t *reply = r->reply;
    r->reply = NULL;
    r->on_reply(r->status, reply, r->status == ACTR_OK ? NULL : &r->error, r->user);
    actri_received_unref(r);
}

static void run_thread(void *user)
{
    actr_inproc_t *m = user;
    actri_lock(&m->group.mutex);
    for (;;) {
        expire_locked(m);
        actri_link_t *link = actri_list_take(&m->answers);
        if (link != NULL) {
            actri_unlock(&m->group.mutex);
            tell(ACTRI_CONTAINER(link, actr_received_t, pending.link));
            actri_lock(&m->group.mutex);
            continue;
        }
        if (m->ending) break;
        m->wakes_at_ns = actri_pending_next_deadline(&m->pending);
        (void)actri_cond_wait(&m->work, &m->group.mutex, m->wakes_at_ns);
    }
    actri_unlock(&m->group.mutex);
}

actr_status_t actri_inproc_start_thread_locked(actr_inproc_t *m, actr_error_t *error)
{
    if (m->has_thread) return ACTR_OK;
    actr_status_t status = actri_thread_start(&m->thread, "actr-inproc", run_thread, m, error);
    m->has_thread = status == ACTR_OK;
    return status;
}

/* ---- life ---- */

static void destroy(actri_lane_group_t *group)
{
    actr_inproc_t *m = ACTRI_CONTAINER(group, actr_inproc_t, group);
    actri_env_t env = group->env;
    actri_pending_clear(&m->pending);
    actri_map_clear(&m->streams);
    actri_map_clear(&m->media);
    actri_cond_destroy(&m->work);
    actri_lane_group_clear(group);
    actri_free(&env, m);
}

static actr_inproc_t *new_manager(const actr_inproc_options_t *o)
{
    actri_env_t env = {.log = NULL};
    if (o->allocator != NULL) env.allocator = *o->allocator;
    actr_inproc_t *m = actri_zalloc(&env, sizeof *m);
    if (m == NULL) return NULL;
    actri_lane_group_init(&m->group, &env, destroy);
    m->handles = 1;
    m->lane_capacity = o->lane_capacity != 0 ? o->lane_capacity : ACTRI_LANE_CAPACITY;
    m->max_channels = o->max_channels != 0 ? o->max_channels : MAX_CHANNELS;
    m->default_timeout_ms = o->default_timeout_ms != 0 ? o->default_timeout_ms : ACTRI_LANE_TIMEOUT_MS;
    actri_map_init(&m->streams, &m->group.env);
    actri_map_init(&m->media, &m->group.env);
    actri_pending_init(&m->pending, &m->group.env, o->max_pending != 0 ? o->max_pending : MAX_PENDING);
    actri_cond_init(&m->work);
    actri_list_init(&m->answers);
    return m;
}

actr_status_t actr_inproc_new(const actr_inproc_options_t *given, actr_inproc_t **out, actr_error_t *error)
{
    actr_inproc_options_t options = ACTR_INPROC_OPTIONS_INIT;
    if (out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "manager is NULL");
    if (given != NULL) {
        memcpy(&options, given, given->struct_size < sizeof options ? given->struct_size : sizeof options);
    }
    actr_inproc_t *m = new_manager(&options);
    if (m == NULL) return actri_no_memory(error);
    m->reliable = actri_lane_new(&m->group, ACTR_LANE_MPSC, ACTR_RPC_RELIABLE, m->lane_capacity, 0);
    m->signal = actri_lane_new(&m->group, ACTR_LANE_MPSC, ACTR_RPC_SIGNAL, m->lane_capacity, 0);
    if (m->reliable == NULL || m->signal == NULL) {
        actr_inproc_release(m);
        return actri_no_memory(error);
    }
    m->reliable->drop = m->signal->drop = actri_received_drop;
    *out = m;
    return ACTR_OK;
}

actr_inproc_t *actr_inproc_retain(actr_inproc_t *m)
{
    if (m != NULL) (void)__atomic_add_fetch(&m->handles, 1, __ATOMIC_RELAXED);
    return m;
}

static void end_all_locked(actr_inproc_t *m)
{
    actri_pending_call_t *call;
    while ((call = actri_pending_take_expired(&m->pending, ACTRI_NEVER - 1)) != NULL) {
        actri_received_ended_locked(ACTRI_CONTAINER(call, actr_received_t, pending), ACTR_STATUS_SHUTTING_DOWN, NULL,
                                    "the manager was closed");
    }
}

static actr_lane_t *take_any_lane_locked(actr_inproc_t *m)
{
    actri_map_t *maps[] = {&m->streams, &m->media};
    actr_lane_t *lane = m->reliable != NULL ? m->reliable : m->signal;
    if (lane != NULL) {
        *(lane == m->reliable ? &m->reliable : &m->signal) = NULL;
        return lane;
    }
    for (int i = 0; i < 2; i++) {
        size_t cursor = 0;
        lane = actri_map_next(maps[i], &cursor);
        if (lane != NULL) return actri_map_take(maps[i], lane->user, strlen(lane->user));
    }
    return NULL;
}

void actr_inproc_close(actr_inproc_t *m)
{
    actr_lane_t *lane;
    if (m == NULL) return;
    actri_lock(&m->group.mutex);
    m->closed = true;
    end_all_locked(m);
    actri_cond_broadcast(&m->group.readable);
    while ((lane = take_any_lane_locked(m)) != NULL) {
        actri_unlock(&m->group.mutex);
        actri_lane_empty(lane);
        actr_lane_release(lane);
        actri_lock(&m->group.mutex);
    }
    bool join = m->has_thread && !m->ending;
    m->ending = true;
    actri_cond_signal(&m->work);
    actri_unlock(&m->group.mutex);
    if (join) actri_thread_join(&m->thread);
}

void actr_inproc_release(actr_inproc_t *m)
{
    if (m == NULL || __atomic_sub_fetch(&m->handles, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_inproc_close(m);
    actri_lane_group_release(&m->group);
}
