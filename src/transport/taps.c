/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/taps.h"

#include "base/map.h"
#include "proto/idcodec.h"

#include <string.h>

typedef struct key { /* no padding */
    actri_id_key_t peer;
    uint64_t type;
} key_t;

typedef struct tap {
    key_t key;
    actr_lane_t *lane;
} tap_t;

struct actri_taps {
    const actri_env_t *env;
    unsigned refs;  /* atomic */
    unsigned count; /* atomic: most nodes have none, and take no lock */
    actri_mutex_t mutex;
    actri_map_t map;
};

static key_t key_of(const actr_id_t *peer, actr_payload_type_t type)
{
    return (key_t){actri_id_key(peer), (uint64_t)type};
}

actri_taps_t *actri_taps_new(const actri_env_t *env)
{
    actri_taps_t *taps = actri_zalloc(env, sizeof *taps);
    if (taps == NULL) return NULL;
    taps->env = env;
    taps->refs = 1;
    actri_mutex_init(&taps->mutex);
    actri_map_init(&taps->map, env);
    return taps;
}

actri_taps_t *actri_taps_retain(actri_taps_t *taps)
{
    (void)__atomic_add_fetch(&taps->refs, 1, __ATOMIC_RELAXED);
    return taps;
}

void actri_taps_release(actri_taps_t *taps)
{
    if (taps == NULL || __atomic_sub_fetch(&taps->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_map_clear(&taps->map);
    actri_mutex_destroy(&taps->mutex);
    actri_free(taps->env, taps);
}

static actr_status_t add_locked(actri_taps_t *taps, tap_t *tap, actr_error_t *error)
{
    if (actri_map_get(&taps->map, &tap->key, sizeof tap->key) != NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "a lane receives that already");
    }
    if (actri_map_put(&taps->map, &tap->key, sizeof tap->key, tap) != ACTR_OK) return actri_no_memory(error);
    (void)__atomic_add_fetch(&taps->count, 1, __ATOMIC_RELEASE);
    return ACTR_OK;
}

actr_status_t actri_taps_add(actri_taps_t *taps, const actr_id_t *peer, actr_lane_t *lane, actr_error_t *error)
{
    tap_t *tap = actri_zalloc(taps->env, sizeof *tap);
    if (tap == NULL) return actri_no_memory(error);
    tap->key = key_of(peer, lane->type);
    tap->lane = lane;
    actri_lock(&taps->mutex);
    actr_status_t status = add_locked(taps, tap, error);
    actri_unlock(&taps->mutex);
    if (status != ACTR_OK) actri_free(taps->env, tap);
    return status;
}

void actri_taps_remove(actri_taps_t *taps, const actr_id_t *peer, const actr_lane_t *lane)
{
    key_t key = key_of(peer, lane->type);
    actri_lock(&taps->mutex);
    tap_t *tap = actri_map_get(&taps->map, &key, sizeof key);
    if (tap != NULL && tap->lane == lane) {
        (void)actri_map_take(&taps->map, &key, sizeof key);
        (void)__atomic_sub_fetch(&taps->count, 1, __ATOMIC_RELEASE);
    } else {
        tap = NULL;
    }
    actri_unlock(&taps->mutex);
    actri_free(taps->env, tap);
}

bool actri_taps_take(actri_taps_t *taps, const actr_id_t *peer, actr_payload_type_t type, actr_buf_t *message)
{
    if (__atomic_load_n(&taps->count, __ATOMIC_ACQUIRE) == 0) return false;
    key_t key = key_of(peer, type);
    actri_lock(&taps->mutex);
    const tap_t *tap = actri_map_get(&taps->map, &key, sizeof key);
    if (tap != NULL) actri_lane_arrived(tap->lane, message);
    actri_unlock(&taps->mutex);
    return tap != NULL;
}

void actri_taps_close(actri_taps_t *taps)
{
    size_t cursor = 0;
    const tap_t *tap;
    actri_lock(&taps->mutex);
    while ((tap = actri_map_next(&taps->map, &cursor)) != NULL) actr_lane_close(tap->lane);
    actri_unlock(&taps->mutex);
}
