/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "oom.h"
#include "port/ring.h"
#include "port/thread.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static actri_ring_t *make(uint32_t slots)
{
    actri_ring_t *ring = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_ring_new(NULL, slots, &ring, &error), &error);
    return ring;
}

static bool put(actri_ring_t *ring, uint64_t value)
{
    uint64_t *slot = actri_ring_claim(ring);
    assert_non_null(slot);
    assert_int_equal((uintptr_t)slot % 16, 0);
    memset(slot, 0xa5, ACTRI_RING_ROOM);
    *slot = value;
    return actri_ring_publish(slot);
}

static void expect(actri_ring_t *ring, uint64_t value)
{
    void *slot;
    assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_SLOT);
    assert_int_equal(*(uint64_t *)slot, value);
    (void)actri_ring_read(ring);
}

static void only_the_first_of_a_batch_calls_the_reader(void **state)
{
    (void)state;
    actri_ring_t *ring = make(8);
    void *slot;
    for (uint64_t round = 0; round < 20; round++) { /* many times around */
        for (uint64_t i = 0; i < 5; i++) assert_true(put(ring, 5 * round + i) == (i == 0));
        for (uint64_t i = 0; i < 5; i++) expect(ring, 5 * round + i);
        assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_PARKED);
    }
    assert_int_equal(actri_ring_written(ring), 100);
    assert_int_equal(actri_ring_position(ring), 100);
    actri_ring_free(ring);
    actri_ring_free(NULL);
}

/* A writer that was stopped between its two steps holds up what comes behind it, but not the reader. */
static void what_is_claimed_and_not_published_parks_the_reader(void **state)
{
    (void)state;
    actri_ring_t *ring = make(8);
    void *first = actri_ring_claim(ring), *slot;
    assert_false(put(ring, 2));
    memset(first, 0, 8);
    assert_true(actri_ring_publish(first)); /* the reader had not begun */
    expect(ring, 0);
    expect(ring, 2);
    first = actri_ring_claim(ring);
    assert_false(put(ring, 4));
    assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_PARKED);
    memset(first, 0, 8);
    assert_true(actri_ring_publish(first));
    expect(ring, 0);
    expect(ring, 4);
    actri_ring_free(ring);
}

static void a_full_ring_is_closed_until_it_has_been_read(void **state)
{
    (void)state;
    actri_ring_t *ring = make(64);
    bool parked = true;
    void *slot;
    for (uint64_t i = 0; i < 63; i++) assert_true(put(ring, i) == (i == 0));
    assert_false(actri_ring_close(ring, &parked)); /* there is room */
    assert_false(put(ring, 63));
    assert_null(actri_ring_claim(ring));
    assert_false(actri_ring_has_room(ring));
    assert_true(actri_ring_close(ring, &parked));
    assert_false(parked);
    assert_true(actri_ring_close(ring, &parked)); /* again */
    for (uint64_t i = 0; i < 64; i++) {
        expect(ring, i);
        assert_null(actri_ring_claim(ring)); /* room, but closed */
    }
    assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_END);
    assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_END);
    actri_ring_open(ring);
    assert_true(actri_ring_has_room(ring));
    assert_int_equal(actri_ring_peek(ring, &slot), ACTRI_RING_PARKED);
    assert_true(put(ring, 64));
    expect(ring, 64);
    actri_ring_free(ring);
}

/* ---- many writers, which keep what does not fit in a list of their own ---- */

#define WRITERS 4
#define EACH 30000
#define SLOTS 16

typedef struct kept {
    uint64_t values[WRITERS * EACH];
    size_t count;
} kept_t;

typedef struct crowd {
    actri_ring_t *ring;
    actri_mutex_t mutex;
    actri_cond_t called;
    bool call;
    kept_t kept; /* under the mutex */
    uint64_t next[WRITERS], kept_in_all;
} crowd_t;

typedef struct writer {
    crowd_t *crowd;
    uint64_t index;
    actri_thread_t thread;
} writer_t;

static void call_reader(crowd_t *crowd)
{
    actri_lock(&crowd->mutex);
    assert_false(crowd->call); /* nobody calls one that has been called */
    crowd->call = true;
    actri_cond_signal(&crowd->called);
    actri_unlock(&crowd->mutex);
}

static bool keep(crowd_t *crowd, uint64_t value)
{
    bool parked = false;
    actri_lock(&crowd->mutex);
    bool closed = actri_ring_close(crowd->ring, &parked);
    if (closed) crowd->kept.values[crowd->kept.count++] = value;
    actri_unlock(&crowd->mutex);
    if (parked) call_reader(crowd);
    return closed;
}

static void write_all(void *argument)
{
    writer_t *writer = argument;
    crowd_t *crowd = writer->crowd;
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t value = writer->index << 32 | i, *slot;
        while ((slot = actri_ring_claim(crowd->ring)) == NULL && !keep(crowd, value)) {
        }
        if (slot == NULL) continue;
        *slot = value;
        if (i % 1000 == 0) (void)sched_yield(); /* between claim and publish */
        if (actri_ring_publish(slot)) call_reader(crowd);
    }
}

static void see(crowd_t *crowd, uint64_t value)
{
    assert_int_equal(crowd->next[value >> 32]++, (uint32_t)value);
}

static void take_kept(crowd_t *crowd, kept_t *to)
{
    actri_lock(&crowd->mutex);
    memcpy(to->values, crowd->kept.values, crowd->kept.count * sizeof to->values[0]);
    to->count = crowd->kept.count;
    crowd->kept.count = 0;
    actri_ring_open(crowd->ring);
    actri_unlock(&crowd->mutex);
    crowd->kept_in_all += to->count;
    for (size_t i = 0; i < to->count; i++) see(crowd, to->values[i]);
}

static void wait_for_call(crowd_t *crowd)
{
    actri_lock(&crowd->mutex);
    while (!crowd->call) (void)actri_cond_wait(&crowd->called, &crowd->mutex, INT64_MAX);
    crowd->call = false;
    actri_unlock(&crowd->mutex);
}

static void each_writers_messages_stay_in_order(void **state)
{
    (void)state;
    crowd_t *crowd = calloc(1, sizeof *crowd);
    kept_t *taken = calloc(1, sizeof *taken);
    writer_t writers[WRITERS];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_true(crowd != NULL && taken != NULL);
    crowd->ring = make(SLOTS);
    actri_mutex_init(&crowd->mutex);
    actri_cond_init(&crowd->called);
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (writer_t){.crowd = crowd, .index = i};
        assert_ok(actri_thread_start(&writers[i].thread, "writer", write_all, &writers[i], &error), &error);
    }
    uint64_t seen = 0;
    wait_for_call(crowd);
    while (seen < (uint64_t)WRITERS * EACH) {
        void *slot;
        actri_ring_next_t next = actri_ring_peek(crowd->ring, &slot);
        if (next == ACTRI_RING_SLOT) {
            see(crowd, *(uint64_t *)slot);
            (void)actri_ring_read(crowd->ring);
            seen++;
        } else if (next == ACTRI_RING_END) {
            take_kept(crowd, taken);
            seen += taken->count;
        } else {
            wait_for_call(crowd);
        }
    }
    for (int i = 0; i < WRITERS; i++) actri_thread_join(&writers[i].thread);
    assert_true(crowd->kept_in_all > 0); /* else nothing was shown of a full ring */
    actri_ring_free(crowd->ring);
    actri_cond_destroy(&crowd->called);
    actri_mutex_destroy(&crowd->mutex);
    free(crowd);
    free(taken);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_ring_t *ring = NULL;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_ring_new(&oom.env, 8, &ring, &error);
        if (oom.failed > 0) assert_status(ACTR_STATUS_NO_MEMORY, status);
        if (status != ACTR_OK) continue;
        assert_true(put(ring, 1));
        expect(ring, 1);
        actri_ring_free(ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_of_a_batch_calls_the_reader),
        cmocka_unit_test(what_is_claimed_and_not_published_parks_the_reader),
        cmocka_unit_test(a_full_ring_is_closed_until_it_has_been_read),
        cmocka_unit_test(each_writers_messages_stay_in_order),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
