/* SPDX-License-Identifier: Apache-2.0 */
/* Rings under a mutex. Whoever makes a lane readable or writable wakes one that waits for that. [any-thread] */
#include "transport/lane.h"

#include "base/buf.h"
#include "port/clock.h"

#include <string.h>

#define FIRST_SLOTS 16

int64_t actri_lane_deadline(uint32_t timeout_ms)
{
    return actri_now_ns() + (int64_t)(timeout_ms == 0 ? ACTRI_LANE_TIMEOUT_MS : timeout_ms) * ACTRI_MS;
}

/* ---- groups ---- */

void actri_lane_group_init(actri_lane_group_t *group, const actri_env_t *env,
                           void (*destroy)(actri_lane_group_t *group))
{
    memset(group, 0, sizeof *group);
    group->refs = 1;
    if (env != NULL) group->env = *env;
    group->destroy = destroy;
    actri_mutex_init(&group->mutex);
    actri_cond_init(&group->readable);
    actri_list_init(&group->urgent);
    actri_list_init(&group->ready);
}

void actri_lane_group_clear(actri_lane_group_t *group)
{
    actri_cond_destroy(&group->readable);
    actri_mutex_destroy(&group->mutex);
}

void actri_lane_group_retain(actri_lane_group_t *group)
{
    (void)__atomic_add_fetch(&group->refs, 1, __ATOMIC_RELAXED);
}

void actri_lane_group_release(actri_lane_group_t *group)
{
    if (__atomic_sub_fetch(&group->refs, 1, __ATOMIC_ACQ_REL) == 0) group->destroy(group);
}

static void free_group(actri_lane_group_t *group)
{
    actri_env_t env = group->env;
    actri_lane_group_clear(group);
    actri_free(&env, group);
}

actri_lane_group_t *actri_lane_group_new(const actri_env_t *env)
{
    actri_lane_group_t *group = actri_alloc(env, sizeof *group);
    if (group != NULL) actri_lane_group_init(group, env, free_group);
    return group;
}

/* Urgent ones first, but not for ever: after eight in a row somebody else is due. */
actr_lane_t *actri_lane_next_locked(actri_lane_group_t *group)
{
    bool others = !actri_list_empty(&group->ready);
    bool urgent = !actri_list_empty(&group->urgent) && (!others || group->urgent_turns < ACTRI_LANE_TURNS);
    actri_link_t *list = urgent ? &group->urgent : &group->ready;
    group->urgent_turns = urgent ? group->urgent_turns + 1 : 0;
    if (actri_list_empty(list)) return NULL;
    return ACTRI_CONTAINER(list->next, actr_lane_t, link);
}

/* ---- the ring ---- */

static bool grow(actr_lane_t *lane)
{
    if (lane->count < lane->allocated) return true;
    uint32_t wanted = lane->allocated == 0 ? FIRST_SLOTS : lane->allocated * 2;
    if (wanted > lane->capacity) wanted = lane->capacity;
    actri_lane_slot_t *slots = actri_alloc(&lane->group->env, wanted * sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t i = 0, at = lane->first; i < lane->count; i++) {
        slots[i] = lane->slots[at];
        at = at + 1 < lane->allocated ? at + 1 : 0;
    }
    actri_free(&lane->group->env, lane->slots);
    lane->slots = slots;
    lane->allocated = wanted;
    lane->first = 0;
    return true;
}

static size_t size_of(const actri_lane_slot_t *slot)
{
    return slot->payload == NULL ? 0 : actr_buf_size(slot->payload);
}

static actri_link_t *ready_list(actr_lane_t *lane)
{
    return lane->type == ACTR_RPC_SIGNAL ? &lane->group->urgent : &lane->group->ready;
}

void actri_lane_put_locked(actr_lane_t *lane, actri_lane_slot_t slot)
{
    lane->slots[(lane->first + lane->count) % lane->allocated] = slot;
    if (lane->count++ == 0) actri_list_append(ready_list(lane), &lane->link);
    if (lane->send == NULL) { /* else it came from the peer */
        lane->sent++;
        lane->sent_bytes += size_of(&slot);
    }
    if (lane->readers > 0) actri_cond_signal(&lane->readable);
    if (lane->group->readers > 0) actri_cond_signal(&lane->group->readable);
}

bool actri_lane_take_locked(actr_lane_t *lane, actri_lane_slot_t *out)
{
    if (lane->count == 0) return false;
    *out = lane->slots[lane->first];
    lane->first = (lane->first + 1) % lane->allocated;
    lane->count--;
    lane->received++;
    lane->received_bytes += size_of(out);
    actri_list_remove(&lane->link);
    if (lane->count > 0) actri_list_append(ready_list(lane), &lane->link); /* the others' turn */
    if (lane->writers > 0) actri_cond_signal(&lane->writable);
    return true;
}

actr_status_t actri_lane_room_locked(actr_lane_t *lane, int64_t deadline_ns, actr_error_t *error)
{
    bool in_time = true;
    lane->writers++;
    while (!lane->closed && lane->count == lane->capacity && in_time) {
        in_time = deadline_ns != 0 && actri_cond_wait(&lane->writable, &lane->group->mutex, deadline_ns);
    }
    lane->writers--;
    if (lane->closed) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the lane is closed");
    if (lane->count == lane->capacity) {
        lane->full++;
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "the lane is full: %u messages wait", lane->count);
    }
    return grow(lane) ? ACTR_OK : actri_no_memory(error);
}

actr_status_t actri_lane_await_locked(actr_lane_t *lane, int64_t deadline_ns, actr_error_t *error)
{
    bool in_time = true;
    if (!lane->receives) return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "this lane only sends");
    lane->readers++;
    while (lane->count == 0 && !lane->gap && !lane->closed && in_time) {
        in_time = actri_cond_wait(&lane->readable, &lane->group->mutex, deadline_ns);
    }
    lane->readers--;
    if (lane->count > 0) return ACTR_OK;
    if (lane->gap) {
        lane->gap = false;
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "messages of the peer were lost here: the lane was full");
    }
    if (lane->closed) return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "the lane is closed");
    return actri_fail(error, ACTR_STATUS_TIMEOUT, "nothing came in time");
}

void actri_lane_close_locked(actr_lane_t *lane)
{
    lane->closed = true;
    actri_cond_broadcast(&lane->readable);
    actri_cond_broadcast(&lane->writable);
}

void actri_lane_empty(actr_lane_t *lane)
{
    actri_lane_slot_t slot;
    actri_lock(&lane->group->mutex);
    actri_lane_close_locked(lane);
    while (actri_lane_take_locked(lane, &slot)) {
        lane->received--; /* by nobody */
        lane->received_bytes -= size_of(&slot);
        actri_unlock(&lane->group->mutex);
        actr_buf_release(slot.payload);
        if (slot.item != NULL) lane->drop(slot.item);
        actri_lock(&lane->group->mutex);
    }
    actri_unlock(&lane->group->mutex);
}

void actri_lane_arrived(actr_lane_t *lane, actr_buf_t *message)
{
    actri_lock(&lane->group->mutex);
    bool fits = !lane->closed && !lane->gap && lane->count < lane->capacity && grow(lane);
    if (fits) {
        actri_lane_put_locked(lane, (actri_lane_slot_t){message, NULL});
    } else {
        lane->lost++;
        lane->gap = !lane->closed;
    }
    actri_unlock(&lane->group->mutex);
    if (!fits) actr_buf_release(message);
}

/* ---- life ---- */

actr_lane_t *actri_lane_new(actri_lane_group_t *group, actr_lane_kind_t kind, actr_payload_type_t type,
                            uint32_t capacity, size_t extra)
{
    actr_lane_t *lane = actri_zalloc(&group->env, sizeof *lane + extra);
    if (lane == NULL) return NULL;
    lane->refs = 1;
    lane->group = group;
    actri_lane_group_retain(group);
    lane->receives = true;
    lane->kind = kind;
    lane->type = type;
    lane->capacity = capacity == 0 ? ACTRI_LANE_CAPACITY : capacity;
    actri_list_init(&lane->link);
    actri_cond_init(&lane->readable);
    actri_cond_init(&lane->writable);
    return lane;
}

actr_status_t actr_lane_new(const actr_lane_options_t *given, actr_lane_t **out, actr_error_t *error)
{
    actr_lane_options_t options = ACTR_LANE_OPTIONS_INIT;
    if (out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "lane is NULL");
    if (given != NULL) {
        memcpy(&options, given, given->struct_size < sizeof options ? given->struct_size : sizeof options);
    }
    actri_env_t env = {.log = NULL};
    if (options.allocator != NULL) env.allocator = *options.allocator;
    actri_lane_group_t *group = actri_lane_group_new(&env);
    if (group == NULL) return actri_no_memory(error);
    *out = actri_lane_new(group, ACTR_LANE_MPSC, options.payload_type, options.capacity, 0);
    actri_lane_group_release(group); /* the lane's remains */
    return *out != NULL ? ACTR_OK : actri_no_memory(error);
}

actr_lane_t *actr_lane_retain(actr_lane_t *lane)
{
    if (lane != NULL) (void)__atomic_add_fetch(&lane->refs, 1, __ATOMIC_RELAXED);
    return lane;
}

void actr_lane_release(actr_lane_t *lane)
{
    if (lane == NULL || __atomic_sub_fetch(&lane->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_lane_group_t *group = lane->group;
    actri_lane_empty(lane); /* closed: what still arrives is dropped */
    if (lane->gone != NULL) lane->gone(lane);
    actri_cond_destroy(&lane->readable);
    actri_cond_destroy(&lane->writable);
    actri_free(&group->env, lane->slots);
    actri_free(&group->env, lane);
    actri_lane_group_release(group);
}

/* ---- sending and receiving ---- */

actr_lane_kind_t actr_lane_kind(const actr_lane_t *lane)
{
    return lane == NULL ? (actr_lane_kind_t)0 : lane->kind;
}

actr_payload_type_t actr_lane_payload_type(const actr_lane_t *lane)
{
    return lane == NULL ? ACTR_RPC_RELIABLE : lane->type;
}

static actr_status_t send_message(actr_lane_t *lane, actr_buf_t *message, uint32_t timeout_ms, bool wait,
                                  actr_error_t *error)
{
    if (lane == NULL || message == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "lane or message is NULL");
    }
    if (lane->send != NULL) return lane->send(lane, message, timeout_ms, wait, error);
    int64_t deadline = wait ? actri_lane_deadline(timeout_ms) : 0;
    actri_lock(&lane->group->mutex);
    actr_status_t status = actri_lane_room_locked(lane, deadline, error);
    if (status == ACTR_OK) actri_lane_put_locked(lane, (actri_lane_slot_t){actr_buf_retain(message), NULL});
    actri_unlock(&lane->group->mutex);
    return status;
}

actr_status_t actr_lane_send(actr_lane_t *lane, actr_buf_t *message, uint32_t timeout_ms, actr_error_t *error)
{
    return send_message(lane, message, timeout_ms, true, error);
}

actr_status_t actr_lane_try_send(actr_lane_t *lane, actr_buf_t *message, actr_error_t *error)
{
    return send_message(lane, message, 0, false, error);
}

static actr_status_t take_message(actr_lane_t *lane, int64_t deadline_ns, actr_buf_t **message, actr_error_t *error)
{
    actri_lane_slot_t slot = {NULL, NULL};
    actri_lock(&lane->group->mutex);
    actr_status_t status = actri_lane_await_locked(lane, deadline_ns, error);
    if (status == ACTR_OK) (void)actri_lane_take_locked(lane, &slot);
    actri_unlock(&lane->group->mutex);
    *message = slot.payload;
    if (slot.item != NULL) lane->drop(slot.item); /* only its payload was wanted */
    return status;
}

actr_status_t actr_lane_recv(actr_lane_t *lane, uint32_t timeout_ms, actr_buf_t **message, actr_error_t *error)
{
    if (lane == NULL || message == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "lane or message is NULL");
    }
    return take_message(lane, actri_lane_deadline(timeout_ms), message, error);
}

actr_status_t actr_lane_try_recv(actr_lane_t *lane, actr_buf_t **message, actr_error_t *error)
{
    if (lane == NULL || message == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "lane or message is NULL");
    }
    actr_status_t status = take_message(lane, 0, message, error);
    return status != ACTR_STATUS_TIMEOUT ? status : actri_fail(error, ACTR_STATUS_WOULD_BLOCK, "nothing is there");
}

void actr_lane_close(actr_lane_t *lane)
{
    if (lane == NULL) return;
    actri_lock(&lane->group->mutex);
    actri_lane_close_locked(lane);
    actri_unlock(&lane->group->mutex);
}

bool actr_lane_is_closed(actr_lane_t *lane)
{
    if (lane == NULL) return true;
    actri_lock(&lane->group->mutex);
    bool closed = lane->closed;
    actri_unlock(&lane->group->mutex);
    return closed;
}

void actr_lane_get_stats(actr_lane_t *lane, actr_lane_stats_t *stats)
{
    actr_lane_stats_t now = {.struct_size = stats->struct_size};
    if (lane != NULL) {
        actri_lock(&lane->group->mutex);
        now.sent = lane->sent;
        now.sent_bytes = lane->sent_bytes;
        now.received = lane->received;
        now.received_bytes = lane->received_bytes;
        now.full = lane->full;
        now.lost = lane->lost;
        now.waiting = lane->count;
        now.capacity = lane->capacity;
        actri_unlock(&lane->group->mutex);
    }
    memcpy(stats, &now, now.struct_size < sizeof now ? now.struct_size : sizeof now);
}
