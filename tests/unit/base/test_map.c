/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "check.h"
#include "oom.h"
#include "rng.h"

#include <string.h>

typedef struct entry {
    uint32_t key;
    bool in;
} entry_t;

/* SipHash-2-4 of 00 01 02 ... under the key 00 01 .. 0f: the authors' published values, little-endian words. */
static void siphash_matches_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint64_t hash;
    } known[] = {
        {0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu}, {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u}};
    uint8_t key[16], data[16];
    for (uint8_t i = 0; i < 16; i++) key[i] = data[i] = i;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(actri_siphash(key, data, known[i].size) == known[i].hash);
    }
}

static void check_against_model(const actri_map_t *map, entry_t *entries, size_t count)
{
    size_t in = 0, seen = 0, cursor = 0;
    for (size_t i = 0; i < count; i++) {
        entry_t *found = actri_map_get(map, &entries[i].key, sizeof entries[i].key);
        assert_ptr_equal(found, entries[i].in ? &entries[i] : NULL);
        if (entries[i].in) in++;
    }
    for (entry_t *entry; (entry = actri_map_next(map, &cursor)) != NULL;) {
        assert_true(entry->in);
        seen++;
    }
    assert_int_equal(map->count, in);
    assert_int_equal(seen, in);
}

/* 10,000 random puts, gets and takes, each compared with an array of flags. */
static void random_operations_agree_with_a_model(void **state)
{
    (void)state;
    enum { KEYS = 300 };
    static entry_t entries[KEYS];
    for (uint32_t i = 0; i < KEYS; i++) entries[i] = (entry_t){i * 2654435761u, false};
    actri_map_t map;
    actri_map_init(&map, NULL);
    rng_t rng = {42};
    for (int step = 0; step < 10000; step++) {
        entry_t *entry = &entries[rng_below(&rng, step % 2000 < 1000 ? 40 : KEYS)];
        if (!entry->in && rng_chance(&rng, 60)) {
            assert_int_equal(actri_map_put(&map, &entry->key, sizeof entry->key, entry), ACTR_OK);
            entry->in = true;
        } else if (rng_chance(&rng, 50)) {
            assert_ptr_equal(actri_map_take(&map, &entry->key, sizeof entry->key), entry->in ? entry : NULL);
            entry->in = false;
        }
        if (step % 50 == 0) check_against_model(&map, entries, KEYS);
    }
    check_against_model(&map, entries, KEYS);
    actri_map_clear(&map);
}

/* Keys whose home is one of the last two or the first two of the 16 slots, so that runs wrap around the end. */
static void colliding_keys_survive_removal_in_any_order(void **state)
{
    (void)state;
    enum { COLLIDING = 12 };
    rng_t rng = {3};
    for (int round = 0; round < 300; round++) {
        actri_map_t map;
        actri_map_init(&map, NULL);
        for (size_t i = 0; i < sizeof map.seed; i++) map.seed[i] = (uint8_t)rng_u64(&rng);
        entry_t entries[COLLIDING];
        uint32_t candidate = 0;
        for (size_t i = 0; i < COLLIDING; candidate++) {
            uint64_t home = (actri_siphash(map.seed, &candidate, sizeof candidate) + 2) & 15;
            if (home >= 4) continue;
            entries[i] = (entry_t){candidate, true};
            assert_int_equal(actri_map_put(&map, &entries[i].key, sizeof candidate, &entries[i]), ACTR_OK);
            i++;
        }
        assert_int_equal(map.capacity, 16);
        for (size_t left = COLLIDING; left > 0;) {
            entry_t *entry = &entries[rng_below(&rng, COLLIDING)];
            if (!entry->in) continue;
            assert_ptr_equal(actri_map_take(&map, &entry->key, sizeof entry->key), entry);
            entry->in = false;
            left--;
            check_against_model(&map, entries, COLLIDING);
        }
        actri_map_clear(&map);
    }
}

static void keys_of_any_length_are_told_apart(void **state)
{
    (void)state;
    static const char text[] = "aaaaaaaaaaaaaaaaaaaa";
    int values[21];
    actri_map_t map;
    actri_map_init(&map, NULL);
    for (size_t size = 0; size <= 20; size++) assert_int_equal(actri_map_put(&map, text, size, &values[size]), ACTR_OK);
    for (size_t size = 0; size <= 20; size++) assert_ptr_equal(actri_map_get(&map, text, size), &values[size]);
    actri_map_clear(&map);
    assert_null(actri_map_get(&map, text, 3));
    assert_null(actri_map_take(&map, text, 3));
}

static void a_failed_growth_loses_nothing(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_map_t map;
        actri_map_init(&map, &oom.env);
        entry_t entries[100];
        for (uint32_t i = 0; i < 100; i++) {
            entries[i] = (entry_t){i, false};
            entries[i].in = actri_map_put(&map, &entries[i].key, sizeof entries[i].key, &entries[i]) == ACTR_OK;
        }
        check_against_model(&map, entries, 100);
        actri_map_clear(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_matches_the_published_vectors),
        cmocka_unit_test(random_operations_agree_with_a_model),
        cmocka_unit_test(colliding_keys_survive_removal_in_any_order),
        cmocka_unit_test(keys_of_any_length_are_told_apart),
        cmocka_unit_test(a_failed_growth_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
