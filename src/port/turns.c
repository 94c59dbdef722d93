/* SPDX-License-Identifier: Apache-2.0 */
#include "port/turns.h"

#include <string.h>

void actri_turns_init(actri_turns_t *turns, unsigned workers)
{
    memset(turns, 0, sizeof *turns);
    actri_queue_init(&turns->queue);
    turns->workers = workers;
    for (size_t i = 0; i < ACTRI_TURNS_SLOTS; i++) {
        actri_list_init(&turns->slots[i].high);
        actri_list_init(&turns->slots[i].normal);
    }
}

void actri_turns_add(actri_turns_t *turns, actri_task_t *task)
{
    actri_queue_add(&turns->queue, task);
}

/* The slot of the key, else a free one, else NULL. */
static actri_key_slot_t *find(actri_turns_t *turns, uint64_t key)
{
    actri_key_slot_t *unused = NULL;
    for (size_t i = 0; i < 2 * (size_t)turns->workers; i++) {
        if (turns->slots[i].key == key) return &turns->slots[i];
        if (turns->slots[i].key == 0 && unused == NULL) unused = &turns->slots[i];
    }
    return unused;
}

static actri_task_t *start(actri_turns_t *turns, actri_task_t *task, actri_key_slot_t *slot)
{
    turns->running++;
    if (slot != NULL) {
        slot->key = task->key;
        slot->running = true;
    } else {
        turns->alone = true;
    }
    return task;
}

/* The first of the list that may start; tasks whose key is in use are parked behind it. */
static actri_task_t *start_from(actri_turns_t *turns, actri_link_t *list)
{
    bool high = list == &turns->queue.high;
    while (!actri_list_empty(list)) {
        actri_task_t *task = ACTRI_CONTAINER(list->next, actri_task_t, link);
        actri_key_slot_t *slot = NULL;
        if (task->key == 0) {
            if (turns->running > 0 || (high ? turns->parked_high : turns->parked) > 0) return NULL;
        } else {
            slot = find(turns, task->key);
            if (slot == NULL) return NULL;
            bool in_use = slot->key != 0;
            if (in_use ? turns->parked >= ACTRI_TURNS_PARKED : turns->running >= turns->workers) return NULL;
            if (in_use) {
                actri_list_remove(&task->link);
                actri_list_append(high ? &slot->high : &slot->normal, &task->link);
                turns->parked++;
                if (high) turns->parked_high++;
                continue;
            }
        }
        actri_list_remove(&task->link);
        return start(turns, task, slot);
    }
    return NULL;
}

static bool slot_waits(const actri_key_slot_t *slot)
{
    return slot->key != 0 && !slot->running;
}

/* Of a key whose turn has ended, the first parked task. */
static actri_task_t *start_parked(actri_turns_t *turns, bool high)
{
    if ((high ? turns->parked_high : turns->parked) == 0 || turns->running >= turns->workers) return NULL;
    for (size_t i = 0; i < 2 * (size_t)turns->workers; i++) {
        actri_key_slot_t *slot = &turns->slots[i];
        actri_link_t *link = slot_waits(slot) ? actri_list_take(high ? &slot->high : &slot->normal) : NULL;
        if (link == NULL) continue;
        turns->parked--;
        if (high) turns->parked_high--;
        return start(turns, ACTRI_CONTAINER(link, actri_task_t, link), slot);
    }
    return NULL;
}

static bool waits_alone(const actri_link_t *list)
{
    return !actri_list_empty(list) && ACTRI_CONTAINER(list->next, actri_task_t, link)->key == 0;
}

static actri_task_t *count(actri_turns_t *turns, actri_task_t *task, bool high)
{
    if (task != NULL) turns->queue.high_run = high ? turns->queue.high_run + 1 : 0;
    return task;
}

actri_task_t *actri_turns_next(actri_turns_t *turns)
{
    actri_queue_t *queue = &turns->queue;
    if (turns->alone) return NULL;
    bool normal_first = queue->high_run >= queue->high_in_a_row && !actri_list_empty(&queue->normal);
    actri_task_t *task = normal_first ? NULL : count(turns, start_from(turns, &queue->high), true);
    if (task == NULL) task = count(turns, start_parked(turns, true), true);
    if (task != NULL) return task;
    if (!normal_first && waits_alone(&queue->high)) return NULL; /* nothing normal starts before it */
    task = count(turns, start_parked(turns, false), false);
    if (task == NULL) task = count(turns, start_from(turns, &queue->normal), false);
    if (task != NULL || !normal_first || waits_alone(&queue->normal)) return task;
    return count(turns, start_from(turns, &queue->high), true);
}

void actri_turns_end(actri_turns_t *turns, uint64_t key)
{
    turns->running--;
    if (key == 0) {
        turns->alone = false;
        return;
    }
    actri_key_slot_t *slot = find(turns, key);
    if (slot == NULL) return; /* can not be: a task of it ran */
    slot->running = false;
    if (actri_list_empty(&slot->high) && actri_list_empty(&slot->normal)) slot->key = 0;
}

bool actri_turns_may_start(const actri_turns_t *turns)
{
    if (turns->alone || turns->running >= turns->workers) return false;
    if (!actri_list_empty(&turns->queue.high) || !actri_list_empty(&turns->queue.normal)) return true;
    for (size_t i = 0; turns->parked > 0 && i < 2 * (size_t)turns->workers; i++) {
        if (slot_waits(&turns->slots[i])) return true;
    }
    return false;
}

bool actri_turns_empty(const actri_turns_t *turns)
{
    return turns->running == 0 && turns->parked == 0 && actri_list_empty(&turns->queue.high) &&
           actri_list_empty(&turns->queue.normal);
}
