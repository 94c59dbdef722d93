/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context: calls, tells and discovery for handlers and for the Shell, each blocking with an asynchronous twin.
 * The answer of a twin is a turn of the node. [any-thread]
 */
#include "lifecycle/node.h"

#include "port/clock.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 30000
#define DISCOVER_TIMEOUT_MS 15000
#define SIGNALING_RETRY_NS (50 * ACTRI_MS)

void actri_ctx_init(actr_ctx_t *ctx, actr_node_t *node, const actri_incoming_t *in, const char *request_id,
                    actri_arena_t *arena, int64_t deadline_ns)
{
    memset(ctx, 0, sizeof *ctx);
    ctx->node = node;
    ctx->in = in;
    ctx->request_id = request_id;
    ctx->arena = arena;
    ctx->deadline_ns = deadline_ns;
}

const actr_id_t *actr_ctx_self_id(const actr_ctx_t *ctx)
{
    return actri_node_id(ctx->node);
}

const actr_id_t *actr_ctx_caller_id(const actr_ctx_t *ctx)
{
    return ctx->in == NULL ? NULL : ctx->in->caller;
}

const char *actr_ctx_request_id(const actr_ctx_t *ctx)
{
    return ctx->request_id;
}

actr_dest_t actr_dest_actor(const actr_id_t *id)
{
    return (actr_dest_t){ACTR_DEST_ACTOR, *id};
}

actr_dest_t actr_dest_local(void)
{
    return (actr_dest_t){.kind = ACTR_DEST_LOCAL};
}

actr_dest_t actr_dest_shell(void)
{
    return (actr_dest_t){.kind = ACTR_DEST_SHELL};
}

/* ---- memory and failures of a handler ---- */

void *actr_ctx_alloc(actr_ctx_t *ctx, size_t size)
{
    return ctx->arena == NULL ? NULL : actri_arena_alloc(ctx->arena, size);
}

char *actr_ctx_printf(actr_ctx_t *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : actr_ctx_alloc(ctx, (size_t)size + 1);
    if (text == NULL) return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

actr_status_t actr_ctx_fail(actr_ctx_t *ctx, actr_status_t status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ctx->message, sizeof ctx->message, format, arguments);
    va_end(arguments);
    ctx->failure = status;
    return status;
}

actr_status_t actr_ctx_panic(actr_ctx_t *ctx, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return actr_ctx_fail(ctx, ACTR_STATUS_HANDLER_PANIC, "Handler panicked: %s", text);
}

/* ---- what a call needs ---- */

static uint32_t timeout_ms(const actr_ctx_t *ctx, const actr_call_options_t *options)
{
    if (options != NULL && options->timeout_ms != 0) return options->timeout_ms;
    uint32_t configured = ctx->node->system->config.values.default_timeout_ms;
    return configured != 0 ? configured : DEFAULT_TIMEOUT_MS;
}

/* A handler's call gets at most what is left of its request's time. */
static int64_t deadline_of(const actr_ctx_t *ctx, uint32_t ms)
{
    int64_t deadline = actri_now_ns() + (int64_t)ms * ACTRI_MS;
    return deadline < ctx->deadline_ns ? deadline : ctx->deadline_ns;
}

/* After ACTR_OK the caller is inside the node and must leave it. */
static actr_status_t enter(const actr_ctx_t *ctx, const actr_dest_t *dest, actr_error_t *error)
{
    if (ctx == NULL || dest == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or dest is NULL");
    if (dest->kind == ACTR_DEST_SHELL) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "the Shell of this node takes no calls");
    }
    return actri_node_enter(ctx->node, error);
}

/* A call to the own id needs no network; and a handler that waits for it would wait for itself. */
static bool is_local(const actr_ctx_t *ctx, const actr_dest_t *dest)
{
    return dest->kind == ACTR_DEST_LOCAL || actr_id_equal(&dest->id, actri_node_id(ctx->node));
}

static actri_call_spec_t make_spec(const actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                   actr_bytes_t payload, const actr_call_options_t *options, bool tell)
{
    uint32_t ms = timeout_ms(ctx, options);
    actri_call_spec_t spec = {.to = &dest->id,
                              .route = route,
                              .payload = payload,
                              .timeout_ms = ms,
                              .deadline_ns = deadline_of(ctx, ms),
                              .is_tell = tell};
    int64_t left_ms = (spec.deadline_ns - actri_now_ns()) / ACTRI_MS;
    if (left_ms < (int64_t)ms) spec.timeout_ms = left_ms > 1 ? (uint32_t)left_ms : 1;
    if (options != NULL) {
        spec.lane = options->payload_type;
        spec.metadata = options->metadata;
        spec.metadata_count = options->metadata_count;
    }
    if (ctx->in != NULL) {
        spec.traceparent = ctx->in->traceparent;
        spec.tracestate = ctx->in->tracestate;
    }
    return spec;
}

/* ---- blocking ---- */

typedef struct waiter { /* lives on the caller's stack: on_end comes exactly once, at the deadline at the latest */
    actri_mutex_t mutex;
    actri_cond_t ended;
    bool done;
} waiter_t;

static void waiter_init(waiter_t *waiter)
{
    actri_mutex_init(&waiter->mutex);
    actri_cond_init(&waiter->ended);
    waiter->done = false;
}

static void waiter_wake(waiter_t *waiter)
{
    actri_lock(&waiter->mutex);
    waiter->done = true;
    actri_cond_signal(&waiter->ended);
    actri_unlock(&waiter->mutex);
}

static void waiter_wait(waiter_t *waiter)
{
    actri_lock(&waiter->mutex);
    while (!waiter->done) (void)actri_cond_wait(&waiter->ended, &waiter->mutex, ACTRI_NEVER);
    actri_unlock(&waiter->mutex);
}

static void waiter_destroy(waiter_t *waiter)
{
    actri_cond_destroy(&waiter->ended);
    actri_mutex_destroy(&waiter->mutex);
}

static void wake_caller(actri_call_t *call)
{
    waiter_wake(call->user);
}

static actr_status_t call_peer(actr_ctx_t *ctx, const actri_call_spec_t *spec, actr_buf_t **reply, actr_error_t *error)
{
    waiter_t waiter;
    actri_call_t *call = NULL;
    waiter_init(&waiter);
    actr_status_t status = actri_peer_gate_start(ctx->node->gate, spec, wake_caller, &waiter, &call, error);
    if (status == ACTR_OK) {
        waiter_wait(&waiter);
        status = call->status;
        if (status != ACTR_OK && error != NULL) *error = call->error;
        if (status == ACTR_OK && reply != NULL) {
            *reply = call->reply;
            call->reply = NULL;
        }
        actri_call_release(call);
    }
    waiter_destroy(&waiter);
    return status;
}

/* A local caller may leave at its deadline while the handler still runs: the waiter is refcounted. */
typedef struct local_waiter {
    waiter_t waiter;
    unsigned refs; /* atomic: the caller's and the call's */
    const actri_env_t *env;
} local_waiter_t;

static void release_local_waiter(local_waiter_t *waiter)
{
    if (__atomic_sub_fetch(&waiter->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    waiter_destroy(&waiter->waiter);
    actri_free(waiter->env, waiter);
}

static void wake_local(actri_local_call_t *call)
{
    local_waiter_t *waiter = call->user;
    waiter_wake(&waiter->waiter);
    release_local_waiter(waiter);
}

static bool wait_local(local_waiter_t *waiter, int64_t deadline_ns)
{
    bool in_time = true;
    actri_lock(&waiter->waiter.mutex);
    while (!waiter->waiter.done && in_time) {
        in_time = actri_cond_wait(&waiter->waiter.ended, &waiter->waiter.mutex, deadline_ns);
    }
    bool done = waiter->waiter.done;
    actri_unlock(&waiter->waiter.mutex);
    return done;
}

static actr_status_t local_call(actr_ctx_t *ctx, const char *route, actr_bytes_t payload,
                                const actr_call_options_t *options, actr_buf_t **reply, actr_error_t *error)
{
    actr_node_t *node = ctx->node;
    if (actri_serial_is_current(node->serial)) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK, "a handler can not wait for its own actor (%s)", route);
    }
    local_waiter_t *waiter = actri_zalloc(&node->system->env, sizeof *waiter);
    if (waiter == NULL) return actri_no_memory(error);
    waiter_init(&waiter->waiter);
    waiter->env = &node->system->env;
    waiter->refs = 2;
    int64_t deadline = deadline_of(ctx, timeout_ms(ctx, options));
    actri_local_call_t *call = NULL;
    actr_status_t status =
        actri_state_path_local(node->path, route, payload, options, false, deadline, wake_local, waiter, &call, error);
    if (status != ACTR_OK) {
        release_local_waiter(waiter);
    } else if (!wait_local(waiter, deadline)) {
        status = actri_fail(error, ACTR_STATUS_TIMEOUT, "no reply in time from %s", route);
    } else {
        status = call->status;
        if (status != ACTR_OK && error != NULL) *error = call->error;
        if (status == ACTR_OK && reply != NULL) *reply = actr_buf_retain(call->reply);
    }
    actri_local_call_release(call);
    release_local_waiter(waiter);
    return status;
}

actr_status_t actr_ctx_call(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_buf_t **reply, actr_error_t *error)
{
    if (reply != NULL) *reply = NULL;
    actr_status_t status = enter(ctx, dest, error);
    if (status != ACTR_OK) return status;
    if (is_local(ctx, dest)) {
        status = local_call(ctx, route, payload, options, reply, error);
    } else {
        actri_call_spec_t spec = make_spec(ctx, dest, route, payload, options, false);
        status = call_peer(ctx, &spec, reply, error);
    }
    actri_node_leave(ctx->node);
    return status;
}

static void local_told(actri_local_call_t *call)
{
    (void)call;
}

static actr_status_t tell_local(actr_ctx_t *ctx, const char *route, actr_bytes_t payload,
                                const actr_call_options_t *options, actr_error_t *error)
{
    actri_local_call_t *call = NULL;
    actr_status_t status = actri_state_path_local(ctx->node->path, route, payload, options, true, ACTRI_NEVER,
                                                  local_told, NULL, &call, error);
    actri_local_call_release(call);
    return status;
}

actr_status_t actr_ctx_tell(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_error_t *error)
{
    actr_status_t status = enter(ctx, dest, error);
    if (status != ACTR_OK) return status;
    if (is_local(ctx, dest)) {
        status = tell_local(ctx, route, payload, options, error);
    } else {
        actri_call_spec_t spec = make_spec(ctx, dest, route, payload, options, true);
        status = call_peer(ctx, &spec, NULL, error);
    }
    actri_node_leave(ctx->node);
    return status;
}

/* ---- asynchronous ---- */

typedef struct answer { /* of a call, as a turn of the node */
    actri_task_t task;
    actr_node_t *node;
    actr_reply_fn on_reply; /* may be NULL */
    void *user;
    actr_status_t status;
    actr_buf_t *reply;
    actr_error_t error;
} answer_t;

static void run_answer(actri_task_t *task)
{
    answer_t *answer = ACTRI_CONTAINER(task, answer_t, task);
    if (answer->on_reply == NULL) {
        actr_buf_release(answer->reply);
    } else {
        answer->on_reply(answer->status, answer->reply, &answer->error, answer->user);
    }
    actri_free(&answer->node->system->env, answer);
}

static answer_t *new_answer(actr_ctx_t *ctx, actr_reply_fn on_reply, void *user)
{
    answer_t *answer = actri_zalloc(&ctx->node->system->env, sizeof *answer);
    if (answer == NULL) return NULL;
    answer->task.run = run_answer;
    answer->node = ctx->node;
    answer->on_reply = on_reply;
    answer->user = user;
    return answer;
}

static void post_answer(answer_t *answer, actr_status_t status, actr_buf_t *reply, const actr_error_t *error)
{
    answer->status = status;
    answer->reply = reply;
    if (status != ACTR_OK) answer->error = *error;
    actri_serial_post(answer->node->serial, &answer->task, false);
}

static void answer_peer_call(actri_call_t *call)
{
    actr_buf_t *reply = call->reply;
    call->reply = NULL;
    post_answer(call->user, call->status, reply, &call->error);
}

static void answer_local_call(actri_local_call_t *call)
{
    actr_buf_t *reply = call->reply;
    call->reply = NULL;
    post_answer(call->user, call->status, reply, &call->error);
}

static actr_status_t start_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                 const actr_call_options_t *options, bool tell, actr_reply_fn on_reply, void *user,
                                 actr_error_t *error)
{
    actr_status_t status = enter(ctx, dest, error);
    if (status != ACTR_OK) return status;
    answer_t *answer = new_answer(ctx, on_reply, user);
    if (answer == NULL) {
        status = actri_no_memory(error);
    } else if (is_local(ctx, dest)) {
        actri_local_call_t *call = NULL;
        int64_t deadline = deadline_of(ctx, timeout_ms(ctx, options));
        status = actri_state_path_local(ctx->node->path, route, payload, options, tell, deadline, answer_local_call,
                                        answer, &call, error);
        actri_local_call_release(call);
    } else {
        actri_call_t *call = NULL;
        actri_call_spec_t spec = make_spec(ctx, dest, route, payload, options, tell);
        status = actri_peer_gate_start(ctx->node->gate, &spec, answer_peer_call, answer, &call, error);
        actri_call_release(call);
    }
    if (status != ACTR_OK) actri_free(&ctx->node->system->env, answer);
    actri_node_leave(ctx->node);
    return status;
}

actr_status_t actr_ctx_call_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_reply, void *user,
                                  actr_error_t *error)
{
    return start_async(ctx, dest, route, payload, options, false, on_reply, user, error);
}

actr_status_t actr_ctx_tell_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_sent, void *user,
                                  actr_error_t *error)
{
    return start_async(ctx, dest, route, payload, options, true, on_sent, user, error);
}

/* ---- discovery ---- */

typedef struct search {
    waiter_t waiter;
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
    waiter_wake(&search->waiter);
}

static actr_status_t not_found(const actr_type_t *type, actr_error_t *error)
{
    char text[ACTR_TYPE_TEXT_SIZE];
    return actri_fail(error, ACTR_STATUS_TARGET_NOT_FOUND, "no actor of type %s is registered",
                      actr_type_print(type, text));
}

static actr_status_t search_once(actr_ctx_t *ctx, const actr_type_t *type, int64_t deadline_ns, actr_id_t *ids,
                                 size_t capacity, size_t *count, actr_error_t *error)
{
    search_t search = {.ids = ids, .capacity = capacity};
    waiter_init(&search.waiter);
    actr_status_t status = actri_signaling_candidates(ctx->node->signaling, type, (uint32_t)capacity, deadline_ns,
                                                      search_ended, &search, error);
    if (status == ACTR_OK) {
        waiter_wait(&search.waiter);
        *count = search.count;
        status = search.status;
        if (status != ACTR_OK && error != NULL) *error = search.error;
    }
    waiter_destroy(&search.waiter);
    return status;
}

/* Waits a moment for the signaling connection to come back; false when the deadline has passed, or the node goes. */
static bool wait_for_signaling(actr_node_t *node, int64_t deadline_ns)
{
    int64_t now = actri_now_ns(), until = now + SIGNALING_RETRY_NS;
    if (now >= deadline_ns) return false;
    actri_lock(&node->mutex);
    (void)actri_cond_wait(&node->changed, &node->mutex, until < deadline_ns ? until : deadline_ns);
    bool stays = !node->shutdown_asked && !node->gone;
    actri_unlock(&node->mutex);
    return stays;
}

actr_status_t actr_ctx_discover(actr_ctx_t *ctx, const actr_type_t *type, uint32_t ms, actr_id_t *ids, size_t *count,
                                actr_error_t *error)
{
    static const actr_dest_t anywhere = {.kind = ACTR_DEST_ACTOR};
    if (type == NULL || ids == NULL || count == NULL || *count == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "type, ids or count is missing");
    }
    actr_status_t status = enter(ctx, &anywhere, error);
    if (status != ACTR_OK) return status;
    size_t capacity = *count;
    int64_t deadline = deadline_of(ctx, ms != 0 ? ms : DISCOVER_TIMEOUT_MS);
    *count = 0;
    do {
        status = search_once(ctx, type, deadline, ids, capacity, count, error);
    } while (status == ACTR_STATUS_SIGNALING_UNAVAILABLE && wait_for_signaling(ctx->node, deadline));
    if (status == ACTR_OK && *count == 0) status = not_found(type, error);
    actri_node_leave(ctx->node);
    return status;
}

typedef struct finding { /* the answer of an asynchronous discovery */
    actri_task_t task;
    actr_node_t *node;
    actr_type_t type;
    actr_discover_fn on_found;
    void *user;
    actr_status_t status;
    actr_error_t error;
    size_t capacity, count;
    actr_id_t ids[];
} finding_t;

static void run_finding(actri_task_t *task)
{
    finding_t *finding = ACTRI_CONTAINER(task, finding_t, task);
    finding->on_found(finding->status, finding->ids, finding->count, &finding->error, finding->user);
    actri_free(&finding->node->system->env, finding);
}

static void finding_ended(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                          const actr_error_t *error)
{
    finding_t *finding = user;
    finding->status = status;
    if (status != ACTR_OK && error != NULL) finding->error = *error;
    if (status == ACTR_OK && count == 0) finding->status = not_found(&finding->type, &finding->error);
    if (status == ACTR_OK) finding->count = count < finding->capacity ? count : finding->capacity;
    if (finding->count > 0) memcpy(finding->ids, ids, finding->count * sizeof *ids);
    actri_serial_post(finding->node->serial, &finding->task, false);
}

actr_status_t actr_ctx_discover_async(actr_ctx_t *ctx, const actr_type_t *type, uint32_t ms, size_t max_count,
                                      actr_discover_fn on_found, void *user, actr_error_t *error)
{
    static const actr_dest_t anywhere = {.kind = ACTR_DEST_ACTOR};
    if (type == NULL || on_found == NULL || max_count == 0 || max_count > 1024) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT,
                          "type or on_found is missing, or max_count not in 1..1024");
    }
    actr_status_t status = enter(ctx, &anywhere, error);
    if (status != ACTR_OK) return status;
    const actri_env_t *env = &ctx->node->system->env;
    finding_t *finding = actri_zalloc(env, sizeof *finding + max_count * sizeof(actr_id_t));
    if (finding == NULL) {
        actri_node_leave(ctx->node);
        return actri_no_memory(error);
    }
    finding->task.run = run_finding;
    finding->node = ctx->node;
    finding->type = *type;
    finding->on_found = on_found;
    finding->user = user;
    finding->capacity = max_count;
    status =
        actri_signaling_candidates(ctx->node->signaling, type, (uint32_t)max_count,
                                   deadline_of(ctx, ms != 0 ? ms : DISCOVER_TIMEOUT_MS), finding_ended, finding, error);
    if (status != ACTR_OK) actri_free(env, finding);
    actri_node_leave(ctx->node);
    return status;
}
