/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word of a slot says what it holds: PUBLISHED(n) the n-th message, PARKED(n) the reader that waits for it,
 * anything else nothing of this round. The tail is the number of the next message and whether the ring is closed, in
 * one word: what a claim has read of both is still so when it succeeds. The head is written only now and then; a
 * reader never parks behind it.
 */
#include "port/ring.h"

#define CLOSED 1u
#define NUMBER(tail) ((tail) >> 1)
#define PARKED(number) (2 * (number) + 1)
#define PUBLISHED(number) (2 * (number) + 2)
#define STRIDE 32 /* messages between two writes of the head */

typedef struct slot {
    uint64_t word;   /* atomic */
    uint64_t number; /* its writer's */
    _Alignas(16) uint8_t room[ACTRI_RING_ROOM];
} slot_t;

struct actri_ring {
    const actri_env_t *env;
    uint64_t mask;
    slot_t *slots;
    void *memory;
    char apart[64];
    uint64_t tail;      /* atomic: number << 1 | CLOSED */
    uint64_t head_seen; /* atomic: no later than the head */
    char apart2[64];
    uint64_t head; /* atomic */
    uint64_t next; /* the reader's */
    char apart3[64];
};

static slot_t *at(const actri_ring_t *ring, uint64_t number)
{
    return &ring->slots[number & ring->mask];
}

/* ---- writers ---- */

static bool has_slot(actri_ring_t *ring, uint64_t number)
{
    if (number - __atomic_load_n(&ring->head_seen, __ATOMIC_ACQUIRE) <= ring->mask) return true;
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    if (number - head > ring->mask) return false;
    __atomic_store_n(&ring->head_seen, head, __ATOMIC_RELEASE);
    return true;
}

void *actri_ring_claim(actri_ring_t *ring)
{
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    do {
        if ((tail & CLOSED) != 0 || !has_slot(ring, NUMBER(tail))) return NULL;
    } while (!__atomic_compare_exchange_n(&ring->tail, &tail, tail + 2, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    slot_t *slot = at(ring, NUMBER(tail));
    slot->number = NUMBER(tail);
    return slot->room;
}

bool actri_ring_publish(void *room)
{
    slot_t *slot = (slot_t *)(void *)((uint8_t *)room - offsetof(slot_t, room));
    uint64_t number = slot->number;
    return __atomic_exchange_n(&slot->word, PUBLISHED(number), __ATOMIC_ACQ_REL) == PARKED(number);
}

bool actri_ring_has_room(const actri_ring_t *ring)
{
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    return actri_ring_written(ring) - head <= (ring->mask + 1) / 2;
}

/* Whoever succeeds calls the reader, or is it. */
static bool unpark(slot_t *slot, uint64_t number)
{
    uint64_t parked = PARKED(number);
    return __atomic_compare_exchange_n(&slot->word, &parked, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool actri_ring_close(actri_ring_t *ring, bool *parked)
{
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    *parked = false;
    do {
        if ((tail & CLOSED) != 0) return true;
        if (has_slot(ring, NUMBER(tail))) return false;
    } while (!__atomic_compare_exchange_n(&ring->tail, &tail, tail | CLOSED, true, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE));
    *parked = unpark(at(ring, NUMBER(tail)), NUMBER(tail));
    return true;
}

/* ---- the reader ---- */

uint64_t actri_ring_written(const actri_ring_t *ring)
{
    return NUMBER(__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE));
}

uint64_t actri_ring_position(const actri_ring_t *ring)
{
    return ring->next;
}

/* False: it has been published meanwhile. */
static bool park(actri_ring_t *ring, slot_t *slot)
{
    uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
    __atomic_store_n(&ring->head, ring->next, __ATOMIC_RELEASE);
    return word != PUBLISHED(ring->next) && __atomic_compare_exchange_n(&slot->word, &word, PARKED(ring->next), false,
                                                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

actri_ring_next_t actri_ring_peek(actri_ring_t *ring, void **out)
{
    uint64_t number = ring->next;
    slot_t *slot = at(ring, number);
    if (__atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) != PUBLISHED(number) && park(ring, slot)) {
        uint64_t end = number << 1 | CLOSED; /* whoever closes it now sees that the reader is parked */
        if (__atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) != end || !unpark(slot, number)) return ACTRI_RING_PARKED;
        return ACTRI_RING_END;
    }
    *out = slot->room;
    __builtin_prefetch(at(ring, number + 1));
    return ACTRI_RING_SLOT;
}

bool actri_ring_read(actri_ring_t *ring)
{
    ring->next++;
    if (ring->next % STRIDE != 0) return false;
    __atomic_store_n(&ring->head, ring->next, __ATOMIC_SEQ_CST);
    return true;
}

void actri_ring_open(actri_ring_t *ring)
{
    (void)__atomic_and_fetch(&ring->tail, ~(uint64_t)CLOSED, __ATOMIC_ACQ_REL);
}

/* ---- life ---- */

actr_status_t actri_ring_new(const actri_env_t *env, uint32_t slots, actri_ring_t **out, actr_error_t *error)
{
    actri_ring_t *ring = actri_zalloc(env, sizeof *ring);
    if (ring == NULL) return actri_no_memory(error);
    ring->env = env;
    ring->mask = slots - 1;
    ring->memory = actri_zalloc(env, (size_t)slots * sizeof(slot_t) + 64);
    if (ring->memory == NULL) {
        actri_free(env, ring);
        return actri_no_memory(error);
    }
    ring->slots = (slot_t *)(((uintptr_t)ring->memory + 63) & ~(uintptr_t)63);
    ring->slots[0].word = PARKED((uint64_t)0);
    *out = ring;
    return ACTR_OK;
}

void actri_ring_free(actri_ring_t *ring)
{
    if (ring == NULL) return;
    actri_free(ring->env, ring->memory);
    actri_free(ring->env, ring);
}
