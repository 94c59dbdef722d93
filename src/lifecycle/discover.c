/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery, blocking with an asynchronous twin whose answer is a turn of the node. [any-thread] */
#include "lifecycle/node.h"
#include "port/waiter.h"

#include "port/clock.h"

#include <string.h>

#define DISCOVER_TIMEOUT_MS 15000
#define MOST_CANDIDATES 1024
#define SIGNALING_RETRY_NS (50 * ACTRI_MS)

typedef struct search {
    actri_waiter_t waiter;
    actr_status_t status;
    actr_error_t error;
    actr_id_t *ids;
    size_t capacity, count;
} search_t;

static void search_ended(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                         const actr_error_t *error)
{
    search_t *search = user;
    search->status = status;
    if (status != ACTR_OK && error != NULL) search->error = *error;
    search->count = status != ACTR_OK ? 0 : count < search->capacity ? count : search->capacity;
    if (search->count > 0) memcpy(search->ids, ids, search->count * sizeof *ids);
    actri_waiter_wake(&search->waiter);
}

static actr_status_t not_found(const actr_type_t *type, actr_error_t *error)
{
    char text[ACTR_TYPE_TEXT_SIZE];
    return actri_fail(error, ACTR_STATUS_TARGET_NOT_FOUND, "no actor of type %s is registered",
                      actr_type_print(type, text));
}

static actr_status_t search_once(actr_ctx_t *ctx, const actri_query_t *query, int64_t deadline_ns, actr_id_t *ids,
                                 size_t *count, actr_error_t *error)
{
    search_t search = {.ids = ids, .capacity = query->max};
    actri_waiter_init(&search.waiter);
    actr_status_t status =
        actri_signaling_candidates(ctx->node->signaling, query, deadline_ns, search_ended, &search, error);
    if (status == ACTR_OK) {
        actri_waiter_wait(&search.waiter);
        *count = search.count;
        status = search.status;
        if (status != ACTR_OK && error != NULL) *error = search.error;
    }
    return status;
}

/* When to ask again while the server can not be reached; 0: not any more, for the deadline has passed or the node goes.
   Under the mutex. */
static int64_t next_ask(const actr_node_t *node, int64_t deadline_ns)
{
    int64_t now = actri_now_ns(), next = now + SIGNALING_RETRY_NS;
    if (now >= deadline_ns || node->shutdown_asked || node->gone) return 0;
    return next < deadline_ns ? next : deadline_ns;
}

/* Waits a moment for the signaling connection to come back; false when it is not to be waited for any more. */
static bool wait_for_signaling(actr_node_t *node, int64_t deadline_ns)
{
    actri_lock(&node->mutex);
    int64_t until = next_ask(node, deadline_ns);
    if (until != 0) (void)actri_cond_wait(&node->changed, &node->mutex, until);
    bool stays = until != 0 && !node->shutdown_asked && !node->gone;
    actri_unlock(&node->mutex);
    return stays;
}

actr_status_t actri_query_make(const actr_type_t *type, const actr_criteria_t *given, size_t max, actri_query_t *query,
                               actr_error_t *error)
{
    actr_criteria_t criteria = ACTR_CRITERIA_INIT;
    if (given != NULL)
        memcpy(&criteria, given, given->struct_size < sizeof criteria ? given->struct_size : sizeof criteria);
    *query = (actri_query_t){.type = *type,
                             .max = max < MOST_CANDIDATES ? (uint32_t)max : MOST_CANDIDATES,
                             .worst_dependency = criteria.worst_dependency,
                             .worst_availability = criteria.worst_availability};
    bool good = criteria.worst_dependency <= 3 && criteria.worst_availability <= ACTR_AVAILABILITY_OVERLOADED;
    for (size_t i = 0; i < ACTRI_RANKINGS_MAX && criteria.ranking[i] != 0; i++) {
        good = good && criteria.ranking[i] <= ACTR_RANK_AFFINITY;
        query->ranking[i] = criteria.ranking[i];
    }
    return good ? ACTR_OK : actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "criteria hold an unknown value");
}

actr_status_t actri_ctx_discover_until(actr_ctx_t *ctx, const actr_type_t *type, const actr_criteria_t *criteria,
                                       int64_t deadline_ns, actr_id_t *ids, size_t *count, actr_error_t *error)
{
    actri_query_t query;
    actr_status_t status = actri_query_make(type, criteria, *count, &query, error);
    if (status == ACTR_OK) status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    *count = 0;
    do {
        status = search_once(ctx, &query, deadline_ns, ids, count, error);
    } while (status == ACTR_STATUS_SIGNALING_UNAVAILABLE && wait_for_signaling(ctx->node, deadline_ns));
    if (status == ACTR_OK && *count == 0) status = not_found(type, error);
    actri_node_leave(ctx->node);
    return status;
}

actr_status_t actr_ctx_discover_with(actr_ctx_t *ctx, const actr_type_t *type, const actr_criteria_t *criteria,
                                     uint32_t ms, actr_id_t *ids, size_t *count, actr_error_t *error)
{
    if (ctx == NULL || type == NULL || ids == NULL || count == NULL || *count == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx, type, ids or count is missing");
    }
    int64_t deadline = actri_ctx_deadline(ctx, ms != 0 ? ms : DISCOVER_TIMEOUT_MS);
    return actri_ctx_discover_until(ctx, type, criteria, deadline, ids, count, error);
}

actr_status_t actr_ctx_discover(actr_ctx_t *ctx, const actr_type_t *type, uint32_t ms, actr_id_t *ids, size_t *count,
                                actr_error_t *error)
{
    return actr_ctx_discover_with(ctx, type, NULL, ms, ids, count, error);
}

/* ---- what tools ask ---- */

typedef struct asking {
    actri_waiter_t waiter;
    actri_arena_t *arena;
    actr_status_t status;
    actr_error_t *error;
    actr_bytes_t *answers;
    size_t count;
} asking_t;

static void asking_ended(void *user, actr_status_t status, const actr_bytes_t *answers, size_t count,
                         const actr_error_t *error)
{
    asking_t *asking = user;
    asking->status = status;
    if (status != ACTR_OK && asking->error != NULL) *asking->error = *error;
    if (status == ACTR_OK) asking->answers = actri_arena_alloc(asking->arena, (count + 1) * sizeof *answers);
    for (size_t i = 0; asking->answers != NULL && i < count; i++) {
        asking->answers[i].data = actri_arena_strndup(asking->arena, answers[i].data, answers[i].size);
        asking->answers[i].size = answers[i].size;
    }
    asking->count = count;
    if (asking->arena->failed) asking->status = actri_no_memory(asking->error);
    actri_waiter_wake(&asking->waiter);
}

actr_status_t actri_ctx_ask(actr_ctx_t *ctx, const actri_question_t *question, uint32_t ms, actri_arena_t *arena,
                            actr_bytes_t **answers, size_t *count, actr_error_t *error)
{
    asking_t asking = {.arena = arena, .error = error};
    actr_status_t status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    actri_waiter_init(&asking.waiter);
    status =
        actri_signaling_ask(ctx->node->signaling, question, actri_ctx_deadline(ctx, ms != 0 ? ms : DISCOVER_TIMEOUT_MS),
                            asking_ended, &asking, error);
    if (status == ACTR_OK) {
        actri_waiter_wait(&asking.waiter);
        status = asking.status;
    }
    *answers = asking.answers;
    *count = status == ACTR_OK ? asking.count : 0;
    actri_node_leave(ctx->node);
    return status;
}

/* ---- asynchronous ---- */

bool actri_search_begin(uint32_t *count)
{
    if (__atomic_fetch_add(count, 1, __ATOMIC_RELAXED) < ACTRI_SEARCHES) return true;
    actri_search_end(count);
    return false;
}

void actri_search_end(uint32_t *count)
{
    (void)__atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
}

typedef struct finding {    /* asks, and asks again while the server can not be reached */
    actri_task_t task;      /* its turns: after each answer, and after each pause */
    actri_deadline_t pause; /* the moment until it asks again */
    bool paused;
    actr_node_t *node;
    actri_query_t query;
    int64_t deadline_ns;
    actr_discover_fn on_found;
    void *user;
    actr_status_t status;
    actr_error_t error;
    size_t count;
    actr_id_t ids[]; /* query.max */
} finding_t;

static void free_finding(finding_t *finding)
{
    actri_search_end(&finding->node->findings);
    actri_free(&finding->node->system->env, finding);
}

static void finding_ended(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                          const actr_error_t *error)
{
    finding_t *finding = user;
    finding->status = status;
    if (status != ACTR_OK && error != NULL) finding->error = *error;
    if (status == ACTR_OK && count == 0) finding->status = not_found(&finding->query.type, &finding->error);
    if (status == ACTR_OK) finding->count = count < finding->query.max ? count : finding->query.max;
    if (finding->count > 0) memcpy(finding->ids, ids, finding->count * sizeof *ids);
    actri_serial_post(finding->node->serial, &finding->task, false);
}

static void end_pause(actri_deadline_t *pause)
{
    finding_t *finding = ACTRI_CONTAINER(pause, finding_t, pause);
    actri_serial_post(finding->node->serial, &finding->task, false);
}

static bool begin_pause(finding_t *finding)
{
    actr_node_t *node = finding->node;
    actri_lock(&node->mutex);
    finding->pause.at_ns = next_ask(node, finding->deadline_ns);
    actri_unlock(&node->mutex);
    if (finding->pause.at_ns == 0) return false;
    finding->paused = true;
    actri_deadlines_add(&node->deadlines, &finding->pause);
    return true;
}

/* Inside the node. After ACTR_OK its turn comes, which may be over already. */
static actr_status_t ask_or_pause(finding_t *finding, actr_error_t *error)
{
    actr_status_t status = actri_signaling_candidates(finding->node->signaling, &finding->query, finding->deadline_ns,
                                                      finding_ended, finding, error);
    return status == ACTR_STATUS_SIGNALING_UNAVAILABLE && begin_pause(finding) ? ACTR_OK : status;
}

/* True: another turn will come. */
static bool goes_on(finding_t *finding)
{
    actr_status_t status = actri_node_enter(finding->node, &finding->error);
    if (status == ACTR_OK) {
        if (finding->paused) {
            finding->paused = false;
            status = ask_or_pause(finding, &finding->error);
        } else if (!begin_pause(finding)) {
            status = ACTR_STATUS_SIGNALING_UNAVAILABLE;
        }
        actri_node_leave(finding->node);
    }
    if (status != ACTR_OK) finding->status = status;
    return status == ACTR_OK;
}

static void run_finding(actri_task_t *task)
{
    finding_t *finding = ACTRI_CONTAINER(task, finding_t, task);
    if (finding->status == ACTR_STATUS_SIGNALING_UNAVAILABLE && goes_on(finding)) return;
    finding->on_found(finding->status, finding->ids, finding->count, &finding->error, finding->user);
    free_finding(finding);
}

static actr_status_t new_finding(actr_node_t *node, const actri_query_t *query, finding_t **out, actr_error_t *error)
{
    if (!actri_search_begin(&node->findings)) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d asynchronous discoveries wait already", ACTRI_SEARCHES);
    }
    finding_t *finding = actri_zalloc(&node->system->env, sizeof *finding + query->max * sizeof(actr_id_t));
    if (finding == NULL) {
        actri_search_end(&node->findings);
        return actri_no_memory(error);
    }
    finding->task.run = run_finding;
    finding->pause.pass = end_pause;
    finding->pause.passes_at_close = true;
    finding->node = node;
    finding->query = *query;
    finding->status = ACTR_STATUS_SIGNALING_UNAVAILABLE; /* until the first answer */
    finding->error = (actr_error_t)ACTR_ERROR_INIT;
    *out = finding;
    return ACTR_OK;
}

actr_status_t actri_ctx_find_until(actr_ctx_t *ctx, const actri_query_t *query, int64_t deadline_ns,
                                   actr_discover_fn on_found, void *user, actr_error_t *error)
{
    finding_t *finding = NULL;
    actr_status_t status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    status = new_finding(ctx->node, query, &finding, error);
    if (status == ACTR_OK) {
        finding->deadline_ns = deadline_ns;
        finding->on_found = on_found;
        finding->user = user;
        status = ask_or_pause(finding, error);
        if (status != ACTR_OK) free_finding(finding);
    }
    actri_node_leave(ctx->node);
    return status;
}

actr_status_t actr_ctx_discover_async(actr_ctx_t *ctx, const actr_type_t *type, uint32_t ms, size_t max_count,
                                      actr_discover_fn on_found, void *user, actr_error_t *error)
{
    actri_query_t query;
    if (ctx == NULL || type == NULL || on_found == NULL || max_count == 0 || max_count > MOST_CANDIDATES) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT,
                          "ctx, type or on_found is missing, or max_count not in 1..1024");
    }
    actr_status_t status = actri_query_make(type, NULL, max_count, &query, error);
    if (status != ACTR_OK) return status;
    int64_t deadline = actri_ctx_deadline(ctx, ms != 0 ? ms : DISCOVER_TIMEOUT_MS);
    return actri_ctx_find_until(ctx, &query, deadline, on_found, user, error);
}
