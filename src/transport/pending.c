/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map beside a binary heap. */
#include "transport/pending.h"

void actri_pending_init(actri_pending_t *pending, const actri_env_t *env, size_t limit)
{
    memset(pending, 0, sizeof *pending);
    pending->env = env;
    pending->limit = limit;
    actri_map_init(&pending->by_id, env);
}

void actri_pending_clear(actri_pending_t *pending)
{
    actri_map_clear(&pending->by_id);
    actri_free(pending->env, pending->heap);
    pending->heap = NULL;
    pending->heap_capacity = 0;
}

size_t actri_pending_count(const actri_pending_t *pending)
{
    return pending->by_id.count;
}

static void place(actri_pending_t *pending, actri_pending_call_t *call, size_t index)
{
    pending->heap[index] = call;
    call->heap_index = index;
}

static void sift_up(actri_pending_t *pending, actri_pending_call_t *call, size_t index)
{
    while (index > 1 && pending->heap[index / 2]->deadline_ns > call->deadline_ns) {
        place(pending, pending->heap[index / 2], index);
        index /= 2;
    }
    place(pending, call, index);
}

static void sift_down(actri_pending_t *pending, actri_pending_call_t *call, size_t index, size_t count)
{
    for (size_t child; (child = index * 2) <= count; index = child) {
        if (child < count && pending->heap[child + 1]->deadline_ns < pending->heap[child]->deadline_ns) child++;
        if (pending->heap[child]->deadline_ns >= call->deadline_ns) break;
        place(pending, pending->heap[child], index);
    }
    place(pending, call, index);
}

static bool reserve(actri_pending_t *pending, size_t count)
{
    if (count < pending->heap_capacity) return true;
    size_t capacity = pending->heap_capacity == 0 ? 64 : pending->heap_capacity * 2;
    actri_pending_call_t **heap = actri_realloc(pending->env, pending->heap, capacity * sizeof(actri_pending_call_t *));
    if (heap == NULL) return false;
    pending->heap = heap;
    pending->heap_capacity = capacity;
    return true;
}

actr_status_t actri_pending_add(actri_pending_t *pending, actri_pending_call_t *call, actr_error_t *error)
{
    size_t count = actri_pending_count(pending);
    if (count >= pending->limit) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%zu calls are pending already", count);
    }
    if (!reserve(pending, count + 1) ||
        actri_map_put(&pending->by_id, call->id, ACTRI_REQUEST_ID_SIZE, call) != ACTR_OK) {
        return actri_no_memory(error);
    }
    sift_up(pending, call, count + 1);
    return ACTR_OK;
}

bool actri_pending_take_call(actri_pending_t *pending, actri_pending_call_t *call)
{
    size_t index = call->heap_index, count = actri_pending_count(pending);
    if (index == 0) return false;
    (void)actri_map_take(&pending->by_id, call->id, ACTRI_REQUEST_ID_SIZE);
    actri_pending_call_t *last = pending->heap[count];
    call->heap_index = 0;
    if (last == call) return true;
    sift_down(pending, last, index, count - 1);
    sift_up(pending, last, last->heap_index);
    return true;
}

actri_pending_call_t *actri_pending_take_reply(actri_pending_t *pending, actri_span_t id, const actr_id_t *from)
{
    actri_pending_call_t *call = actri_map_get(&pending->by_id, id.data, id.size);
    if (call == NULL || !actr_id_equal(&call->target, from)) return NULL;
    (void)actri_pending_take_call(pending, call);
    return call;
}

actri_pending_call_t *actri_pending_take_expired(actri_pending_t *pending, int64_t now_ns)
{
    if (actri_pending_next_deadline(pending) > now_ns) return NULL;
    actri_pending_call_t *call = pending->heap[1];
    (void)actri_pending_take_call(pending, call);
    return call;
}

void actri_pending_take_session(actri_pending_t *pending, uint64_t session, actri_link_t *out)
{
    actri_link_t found; /* first all are found: taking one moves others about in the heap */
    actri_list_init(&found);
    for (size_t i = 1; i <= actri_pending_count(pending); i++) {
        actri_pending_call_t *call = pending->heap[i];
        if (session == 0 || call->session == session) actri_list_append(&found, &call->link);
    }
    for (actri_link_t *at = found.next; at != &found; at = at->next) {
        (void)actri_pending_take_call(pending, ACTRI_CONTAINER(at, actri_pending_call_t, link));
    }
    actri_list_splice(out, &found);
}

int64_t actri_pending_next_deadline(const actri_pending_t *pending)
{
    return actri_pending_count(pending) == 0 ? INT64_MAX : pending->heap[1]->deadline_ns;
}
