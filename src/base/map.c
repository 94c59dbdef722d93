/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing and backward-shift deletion; at most 3/4 full. */
#include "base/map.h"

#include "port/random.h"

#include <string.h>

#define FIRST_CAPACITY 16

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t load_le(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

uint64_t actri_siphash(const uint8_t key[16], const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t k0 = load_le(key, 8), k1 = load_le(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                     k1 ^ 0x7465646279746573u};
    size_t whole = size & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = load_le(bytes + i, 8);
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)(size & 0xff) << 56;
    if (size > whole) last |= load_le(bytes + whole, size - whole);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void actri_map_init(actri_map_t *map, const actri_env_t *env)
{
    memset(map, 0, sizeof *map);
    map->env = env;
    actri_random(map->seed, sizeof map->seed);
}

void actri_map_clear(actri_map_t *map)
{
    actri_free(map->env, map->slots);
    map->slots = NULL;
    map->capacity = map->count = map->hot = 0;
}

static bool slot_matches(const actri_map_slot_t *slot, uint64_t hash, const void *key, size_t key_size)
{
    return slot->hash == hash && slot->key_size == key_size && (key_size == 0 || memcmp(slot->key, key, key_size) == 0);
}

/* The slot that holds the key, or NULL. */
static actri_map_slot_t *find(const actri_map_t *map, const void *key, size_t key_size)
{
    if (map->count == 0) return NULL;
    uint64_t hash = actri_siphash(map->seed, key, key_size);
    for (size_t at = (size_t)hash & (map->capacity - 1);; at = (at + 1) & (map->capacity - 1)) {
        actri_map_slot_t *slot = &map->slots[at];
        if (slot->value == NULL) return NULL;
        if (slot_matches(slot, hash, key, key_size)) return slot;
    }
}

void *actri_map_get(const actri_map_t *map, const void *key, size_t key_size)
{
    if (map->count == 0) return NULL;
    const actri_map_slot_t *hot = &map->slots[__atomic_load_n(&map->hot, __ATOMIC_RELAXED)];
    if (hot->value != NULL && slot_matches(hot, hot->hash, key, key_size)) return hot->value;
    const actri_map_slot_t *slot = find(map, key, key_size);
    if (slot == NULL) return NULL;
    __atomic_store_n((size_t *)(uintptr_t)&map->hot, (size_t)(slot - map->slots), __ATOMIC_RELAXED);
    return slot->value;
}

static void insert(actri_map_slot_t *slots, size_t capacity, actri_map_slot_t entry)
{
    size_t at = (size_t)entry.hash & (capacity - 1);
    while (slots[at].value != NULL) at = (at + 1) & (capacity - 1);
    slots[at] = entry;
}

static bool grow(actri_map_t *map)
{
    size_t capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    actri_map_slot_t *slots = actri_zalloc(map->env, capacity * sizeof *slots);
    if (slots == NULL) return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL) insert(slots, capacity, map->slots[i]);
    }
    actri_free(map->env, map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

actr_status_t actri_map_put(actri_map_t *map, const void *key, size_t key_size, void *value)
{
    if ((map->count + 1) * 4 > map->capacity * 3 && !grow(map)) return ACTR_STATUS_NO_MEMORY;
    actri_map_slot_t entry = {actri_siphash(map->seed, key, key_size), key, key_size, value};
    insert(map->slots, map->capacity, entry);
    map->count++;
    return ACTR_OK;
}

void *actri_map_take(actri_map_t *map, const void *key, size_t key_size)
{
    actri_map_slot_t *slot = find(map, key, key_size);
    if (slot == NULL) return NULL;
    void *value = slot->value;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)map->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) { /* its home is at or before the hole */
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].value = NULL;
    map->count--;
    return value;
}

void *actri_map_next(const actri_map_t *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        void *value = map->slots[(*cursor)++].value;
        if (value != NULL) return value;
    }
    return NULL;
}
