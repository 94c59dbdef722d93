/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from a byte-string key to a pointer. Keys are not copied: they live inside the value and stay
 * unchanged while it is in the map. Keyed SipHash, so a peer can not choose colliding keys; a key that is looked up
 * again and again is found without it. Locking is the caller's; several threads may look up at once.
 */
#ifndef ACTRI_MAP_H
#define ACTRI_MAP_H

#include "base/env.h"

typedef struct actri_map_slot {
    uint64_t hash;
    const void *key;
    size_t key_size;
    void *value; /* NULL: free */
} actri_map_slot_t;

typedef struct actri_map {
    const actri_env_t *env;
    actri_map_slot_t *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
    size_t hot; /* atomic: the slot that was found last; only a hint */
    uint8_t seed[16];
} actri_map_t;

void actri_map_init(actri_map_t *map, const actri_env_t *env);
/* Frees the table, not the values. */
void actri_map_clear(actri_map_t *map);
void *actri_map_get(const actri_map_t *map, const void *key, size_t key_size);
/* value is not NULL; an equal key must not be in the map. NO_MEMORY only. */
ACTR_MUST_CHECK actr_status_t actri_map_put(actri_map_t *map, const void *key, size_t key_size, void *value);
/* Removes and returns the value, or NULL. */
void *actri_map_take(actri_map_t *map, const void *key, size_t key_size);
/* Steps through the values: start with *cursor = 0; NULL at the end. The map must not change meanwhile. */
void *actri_map_next(const actri_map_t *map, size_t *cursor);

/* SipHash-2-4 of data under a 16-byte key. */
uint64_t actri_siphash(const uint8_t key[16], const void *data, size_t size);

#endif
