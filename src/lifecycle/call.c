/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls and tells, to a peer, to the own workload or to the Shell; each blocking with an asynchronous twin, whose
 * answer is a turn of the node. [any-thread]
 */
#include "lifecycle/cancel.h"
#include "port/waiter.h"

#include "dispatch/chain.h"
#include "port/clock.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 30000
#define MOST_TRACE 512 /* bytes of a trace context */

const char actri_stream_key[] = ACTRI_STREAM_KEY;

int64_t actri_ctx_deadline(const actr_ctx_t *ctx, uint32_t ms)
{
    int64_t deadline = actri_now_ns() + (int64_t)ms * ACTRI_MS;
    return deadline < ctx->deadline_ns ? deadline : ctx->deadline_ns;
}

/* ---- what a call needs ---- */

typedef struct plan {
    actr_ctx_t *ctx;
    const actr_id_t *to;      /* a peer, or */
    actri_state_path_t *path; /* within the process */
    const char *route;
    actr_bytes_t payload;
    actr_buf_t *buf; /* holds the payload, or NULL */
    actr_call_options_t options;
    uint32_t ms;
    int64_t deadline_ns, send_by_ns; /* send_by: 0, none of its own */
    bool is_tell, has_limit;
    actri_span_t chain;
    char chain_text[ACTRI_CHAIN_SIZE];
} plan_t;

static bool too_long(const char *trace)
{
    return trace != NULL && strnlen(trace, MOST_TRACE + 1) > MOST_TRACE;
}

actr_status_t actri_call_check(const actr_call_options_t *options, actr_error_t *error)
{
    if (options->metadata_count >= ACTRI_METADATA_MAX) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d metadata entries are the limit",
                          ACTRI_METADATA_MAX - 1);
    }
    const char *fault = actri_meta_fault(options->metadata, options->metadata_count);
    if (fault != NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s", fault);
    if (options->payload_type != ACTR_RPC_RELIABLE && options->payload_type != ACTR_RPC_SIGNAL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "payload type %d carries no calls",
                          (int)options->payload_type);
    }
    if ((unsigned)options->retry > ACTR_RETRY_ALWAYS) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "there is no retry %d", (int)options->retry);
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        const actr_metadata_t *meta = &options->metadata[i];
        if (meta->key == actri_stream_key) continue; /* method_stream.c's, not only a text like it */
        if (strncmp(meta->key, ACTRI_OWN_PREFIX, sizeof ACTRI_OWN_PREFIX - 1) == 0) {
            return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the metadata key %s is libactr's own", meta->key);
        }
    }
    if (too_long(options->traceparent) || too_long(options->tracestate)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a trace context has at most %d bytes", MOST_TRACE);
    }
    return actri_cancel_check(options->cancel, error);
}

uint32_t actri_call_limit_ms(const actr_ctx_t *ctx, const actr_call_options_t *options)
{
    if (options->timeout_ms != 0) return options->timeout_ms;
    uint32_t configured = ctx->node->system->config.values.default_timeout_ms;
    return configured != 0 ? configured : DEFAULT_TIMEOUT_MS;
}

actr_call_options_t actri_call_options(const actr_call_options_t *given)
{
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    if (given != NULL)
        memcpy(&options, given, given->struct_size < sizeof options ? given->struct_size : sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* A call to the own id needs no network; and a handler that waits for it would wait for itself. */
static actr_status_t route_plan(plan_t *plan, const actr_dest_t *dest, actr_error_t *error)
{
    actr_node_t *node = plan->ctx->node;
    if (dest->kind == ACTR_DEST_SHELL) {
        plan->path = node->shell;
        if (plan->path != NULL) return ACTR_OK;
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "the Shell of this node takes no calls");
    }
    bool local = dest->kind == ACTR_DEST_LOCAL || actr_id_equal(&dest->id, actri_node_id(node));
    if (local)
        plan->path = node->path;
    else
        plan->to = &dest->id;
    return ACTR_OK;
}

/* Who holds a turn while it waits goes on record, and must not be waited for. */
static actr_status_t join_chain(plan_t *plan, actr_error_t *error)
{
    const actr_ctx_t *holder = actri_ctx_current();
    char self[ACTRI_CHAIN_ENTRY_SIZE], target[ACTRI_CHAIN_ENTRY_SIZE];
    if (holder == NULL || plan->is_tell) return ACTR_OK;
    actr_node_t *node = plan->ctx->node;
    (void)actri_chain_entry(actri_node_id(holder->node), holder->is_shell, self);
    (void)actri_chain_entry(plan->to != NULL ? plan->to : actri_node_id(node),
                            plan->path != NULL && plan->path == node->shell, target);
    actri_span_t chain = holder->in == NULL ? (actri_span_t){NULL, 0} : holder->in->chain;
    if (strcmp(self, target) == 0) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK, "a handler can not wait for its own actor (%s)",
                          plan->route);
    }
    if (actri_chain_has(chain, target)) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK, "%s waits for this request itself: %.*s (%s)", target,
                          (int)chain.size, (const char *)chain.data, plan->route);
    }
    plan->chain = actri_span(plan->chain_text, actri_chain_join(chain, self, plan->chain_text));
    if (plan->chain.size > 0) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "too many actors wait for each other: %.*s", (int)chain.size,
                      (const char *)chain.data);
}

/* After ACTR_OK the caller is inside the node and must leave it. */
static actr_status_t make_plan(plan_t *plan, actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                               actr_bytes_t payload, const actr_call_options_t *options, actr_error_t *error)
{
    if (ctx == NULL || dest == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or dest is NULL");
    plan->ctx = ctx;
    plan->to = NULL;
    plan->path = NULL;
    plan->chain = (actri_span_t){NULL, 0};
    plan->route = route;
    plan->payload = payload;
    plan->buf = NULL;
    plan->has_limit = false;
    plan->options = actri_call_options(options);
    actr_status_t status = actri_call_check(&plan->options, error);
    if (status == ACTR_OK) status = actri_dest_check(dest, error);
    if (status != ACTR_OK) return status;
    plan->send_by_ns = 0;
    status = actri_node_enter(ctx->node, error);
    if (status != ACTR_OK) return status;
    status = route_plan(plan, dest, error);
    if (status != ACTR_OK) actri_node_leave(ctx->node);
    plan->ms = actri_call_limit_ms(ctx, &plan->options);
    bool no_limit = plan->is_tell && plan->path != NULL; /* costs no look at the clock */
    plan->deadline_ns = no_limit ? ACTRI_NEVER : actri_ctx_deadline(ctx, plan->ms);
    return status;
}

static actr_status_t make_buf_plan(plan_t *plan, actr_ctx_t *ctx, const actr_dest_t *dest, const char *route,
                                   actr_buf_t *payload, const actr_call_options_t *options, actr_error_t *error)
{
    if (payload == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the payload is NULL");
    actr_bytes_t bytes = {actr_buf_data(payload), actr_buf_size(payload)};
    actr_status_t status = make_plan(plan, ctx, dest, route, bytes, options, error);
    plan->buf = payload;
    return status;
}

/* The options' own, or that of the request which is being served. */
static void set_trace(const plan_t *plan, actri_span_t *parent, actri_span_t *state)
{
    const actri_incoming_t *in = plan->ctx->in;
    if (plan->options.traceparent != NULL) {
        *parent = actri_span_text(plan->options.traceparent);
        if (plan->options.tracestate != NULL) *state = actri_span_text(plan->options.tracestate);
    } else if (in != NULL) {
        *parent = in->traceparent;
        *state = in->tracestate;
    }
}

static actri_call_spec_t peer_spec(const plan_t *plan)
{
    actri_call_spec_t spec = {.to = plan->to,
                              .route = plan->route,
                              .payload = plan->payload,
                              .lane = plan->options.payload_type,
                              .timeout_ms = plan->ms,
                              .deadline_ns = plan->deadline_ns,
                              .send_by_ns = plan->send_by_ns,
                              .is_tell = plan->is_tell,
                              .retry = plan->options.retry,
                              .metadata = plan->options.metadata,
                              .metadata_count = plan->options.metadata_count,
                              .chain = plan->chain};
    int64_t left_ms = (spec.deadline_ns - actri_now_ns()) / ACTRI_MS;
    if (left_ms < (int64_t)plan->ms) spec.timeout_ms = left_ms > 1 ? (uint32_t)left_ms : 1;
    set_trace(plan, &spec.traceparent, &spec.tracestate);
    return spec;
}

static actri_local_spec_t local_spec(const plan_t *plan)
{
    const actr_ctx_t *ctx = plan->ctx;
    actri_local_spec_t spec = {.route = plan->route,
                               .payload = plan->payload,
                               .buf = plan->buf,
                               .options = &plan->options,
                               .is_tell = plan->is_tell,
                               .deadline_ns = plan->deadline_ns,
                               .caller = ctx->is_shell ? NULL : actri_node_id(ctx->node),
                               .chain = plan->chain};
    set_trace(plan, &spec.traceparent, &spec.tracestate);
    return spec;
}

/* ---- blocking ---- */

typedef struct peer_wait { /* on the caller's stack: on_end comes exactly once, at the deadline at the latest */
    actri_waiter_t waiter;
    actri_cancel_watch_t watch;
    actri_call_t *call;
} peer_wait_t;

static void wake_caller(actri_call_t *call)
{
    peer_wait_t *wait = call->user;
    actri_waiter_wake(&wait->waiter);
}

static void cancel_peer_wait(actri_cancel_watch_t *watch)
{
    actri_peer_gate_cancel(ACTRI_CONTAINER(watch, peer_wait_t, watch)->call);
}

static actr_status_t call_peer(const plan_t *plan, actr_buf_t **reply, actr_error_t *error)
{
    peer_wait_t wait = {.watch = {.fire = cancel_peer_wait}};
    actri_call_spec_t spec = peer_spec(plan);
    actri_waiter_init(&wait.waiter);
    actr_status_t status = actri_peer_gate_start(plan->ctx->node->gate, &spec, wake_caller, &wait, &wait.call, error);
    if (status == ACTR_OK) {
        actri_cancel_watch(plan->options.cancel, &wait.watch);
        actri_waiter_wait(&wait.waiter);
        actri_cancel_unwatch(&wait.watch);
        status = wait.call->status;
        if (status != ACTR_OK && error != NULL) *error = wait.call->error;
        if (status == ACTR_OK && reply != NULL) {
            *reply = wait.call->reply;
            wait.call->reply = NULL;
        }
        actri_call_release(wait.call);
    }
    return status;
}

/* A local caller may leave at its deadline while the handler still runs: it waits at the call, which is refcounted. */
typedef struct local_wait {
    actri_cancel_watch_t watch;
    actri_local_call_t *call;
} local_wait_t;

static void cancel_local_wait(actri_cancel_watch_t *watch)
{
    actri_local_call_cancel(ACTRI_CONTAINER(watch, local_wait_t, watch)->call);
}

static actr_status_t await_local(const plan_t *plan, actri_local_call_t *call, actr_buf_t **reply, actr_error_t *error)
{
    local_wait_t wait = {.watch.fire = cancel_local_wait, .call = call};
    actri_cancel_watch(plan->options.cancel, &wait.watch);
    bool ended = actri_waiter_wait_until(&call->ended, plan->deadline_ns);
    actri_cancel_unwatch(&wait.watch);
    if (!ended) return actri_fail(error, ACTR_STATUS_TIMEOUT, "no reply in time from %s", plan->route);
    if (call->status != ACTR_OK && error != NULL) *error = *actri_local_call_error(call);
    if (call->status == ACTR_OK && reply != NULL) {
        *reply = call->reply;
        call->reply = NULL;
    }
    return call->status;
}

/* Callbacks are turns as well, and a loop's thread has nobody else to run them. */
static actr_status_t check_local_wait(const plan_t *plan, actr_error_t *error)
{
    actr_node_t *node = plan->ctx->node;
    actri_serial_t *serial = plan->path == node->shell ? node->shell_serial : node->serial;
    if (actri_serial_is_current(serial)) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK, "a callback can not wait for its own actor (%s)",
                          plan->route);
    }
    if (actri_pool_needs_me(actri_serial_pool(serial))) {
        return actri_fail(error, ACTR_STATUS_WOULD_DEADLOCK,
                          "the only thread of a loop or node can not wait for its own turns (%s)", plan->route);
    }
    return ACTR_OK;
}

/* For room: a thread of the program may, a turn holds up others. */
static bool may_wait(const plan_t *plan)
{
    return actri_serial_is_current(NULL) && !actri_pool_is_mine(plan->ctx->node->system->pool);
}

/* Whoever names a limit of its own, or may cancel, must be able to leave: its handler runs elsewhere. */
static bool may_run_here(const plan_t *plan)
{
    return plan->options.timeout_ms == 0 && plan->options.cancel == NULL && plan->ctx->deadline_ns == ACTRI_NEVER &&
           !plan->has_limit;
}

static actr_status_t call_local(const plan_t *plan, actr_buf_t **reply, actr_error_t *error)
{
    actri_local_call_t *call = NULL;
    actr_status_t status = check_local_wait(plan, error);
    if (status != ACTR_OK) return status;
    actri_local_spec_t spec = local_spec(plan);
    spec.here = may_run_here(plan);
    spec.modest = may_wait(plan);
    spec.wait_until_ns = spec.modest ? plan->deadline_ns : 0;
    status = actri_state_path_local(plan->path, &spec, &call, error);
    if (status != ACTR_OK) return status;
    status = await_local(plan, call, reply, error);
    actri_local_call_release(call);
    return status;
}

static actr_status_t call_and_wait(plan_t *plan, actr_buf_t **reply, actr_error_t *error)
{
    actr_status_t status = join_chain(plan, error);
    if (status == ACTR_OK) {
        status = plan->path != NULL ? call_local(plan, reply, error) : call_peer(plan, reply, error);
    }
    actri_node_leave(plan->ctx->node);
    return status;
}

actr_status_t actr_ctx_call(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_buf_t **reply, actr_error_t *error)
{
    return actri_ctx_call_until(ctx, dest, route, payload, options, ACTRI_NEVER, 0, reply, error);
}

actr_status_t actri_ctx_call_until(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                   const actr_call_options_t *options, int64_t deadline_ns, int64_t send_by_ns,
                                   actr_buf_t **reply, actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = false;
    if (reply != NULL) *reply = NULL;
    if (ctx != NULL && ctx->script != NULL) {
        return actri_script_call(ctx->script, dest, route, payload, false, reply, error);
    }
    actr_status_t status = make_plan(&plan, ctx, dest, route, payload, options, error);
    if (status != ACTR_OK) return status;
    plan.has_limit = deadline_ns != ACTRI_NEVER;
    if (deadline_ns < plan.deadline_ns) plan.deadline_ns = deadline_ns;
    plan.send_by_ns = send_by_ns;
    return call_and_wait(&plan, reply, error);
}

actr_status_t actr_ctx_call_buf(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_buf_t *payload,
                                const actr_call_options_t *options, actr_buf_t **reply, actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = false;
    if (reply != NULL) *reply = NULL;
    actr_status_t status = make_buf_plan(&plan, ctx, dest, route, payload, options, error);
    return status == ACTR_OK ? call_and_wait(&plan, reply, error) : status;
}

static actr_status_t tell_now(plan_t *plan, actr_error_t *error)
{
    actr_status_t status;
    if (plan->path != NULL) {
        actri_local_spec_t spec = local_spec(plan);
        spec.modest = may_wait(plan);
        status = actri_state_path_local(plan->path, &spec, NULL, error);
        if (status == ACTR_STATUS_LIMIT_REACHED && spec.modest) { /* only now is the clock looked at */
            spec.wait_until_ns = actri_ctx_deadline(plan->ctx, plan->ms);
            status = actri_state_path_local(plan->path, &spec, NULL, error);
        }
    } else {
        status = call_peer(plan, NULL, error);
    }
    actri_node_leave(plan->ctx->node);
    return status;
}

actr_status_t actr_ctx_tell(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                            const actr_call_options_t *options, actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = true;
    if (ctx != NULL && ctx->script != NULL) {
        return actri_script_call(ctx->script, dest, route, payload, true, NULL, error);
    }
    actr_status_t status = make_plan(&plan, ctx, dest, route, payload, options, error);
    return status == ACTR_OK ? tell_now(&plan, error) : status;
}

actr_status_t actr_ctx_tell_buf(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_buf_t *payload,
                                const actr_call_options_t *options, actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = true;
    actr_status_t status = make_buf_plan(&plan, ctx, dest, route, payload, options, error);
    return status == ACTR_OK ? tell_now(&plan, error) : status;
}

/* ---- asynchronous ---- */

typedef struct answer { /* of a call, as a turn of the node */
    actri_task_t task;
    unsigned refs; /* atomic: the starter's and the turn's */
    actr_node_t *node;
    actr_reply_fn on_reply; /* may be NULL */
    void *user;
    actri_cancel_watch_t watch;
    actri_deadline_t deadline; /* of a local call */
    actri_call_t *peer;        /* one reference, or */
    actri_local_call_t *local; /* or neither: a local tell, which is in the queue */
} answer_t;

_Static_assert(sizeof(answer_t) <= ACTRI_ANSWER_SIZE, "raise ACTRI_ANSWER_SIZE");

static void release_answer(answer_t *answer)
{
    if (__atomic_sub_fetch(&answer->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actri_cancel_unwatch(&answer->watch);
    actri_deadlines_remove(&answer->node->deadlines, &answer->deadline);
    actri_call_release(answer->peer);
    actri_local_call_release(answer->local);
    actri_slab_give(answer->node->answers, answer);
}

static void say_told(const answer_t *answer)
{
    actr_error_t none = ACTR_ERROR_INIT;
    if (answer->on_reply != NULL) answer->on_reply(ACTR_OK, NULL, &none, answer->user);
}

static void run_answer(actri_task_t *task)
{
    answer_t *answer = ACTRI_CONTAINER(task, answer_t, task);
    actri_call_t *peer = __atomic_load_n(&answer->peer, __ATOMIC_RELAXED);
    actri_local_call_t *local = __atomic_load_n(&answer->local, __ATOMIC_RELAXED);
    if (peer == NULL && local == NULL) {
        say_told(answer);
        release_answer(answer);
        return;
    }
    actr_status_t status = peer != NULL ? peer->status : local->status;
    actr_buf_t **reply = peer != NULL ? &peer->reply : &local->reply;
    const actr_error_t *error = peer != NULL ? &peer->error : actri_local_call_error(local);
    if (answer->on_reply != NULL) {
        actr_buf_t *given = *reply;
        *reply = NULL;
        answer->on_reply(status, given, error, answer->user);
    }
    release_answer(answer);
}

static answer_t *new_answer(actr_ctx_t *ctx, actr_reply_fn on_reply, void *user, bool *full)
{
    answer_t *answer = actri_slab_take(ctx->node->answers, ACTRI_ANSWERS, full);
    if (answer == NULL) return NULL;
    memset(answer, 0, sizeof *answer);
    answer->task.run = run_answer;
    answer->refs = 2;
    answer->node = ctx->node;
    answer->on_reply = on_reply;
    answer->user = user;
    return answer;
}

/* The call is not known to the answer yet when it ends very early. */
static void answer_peer_call(actri_call_t *call)
{
    answer_t *answer = call->user;
    __atomic_store_n(&answer->peer, call, __ATOMIC_RELAXED);
    actri_serial_post(answer->node->serial, &answer->task, false);
}

static void answer_local_call(actri_local_call_t *call)
{
    answer_t *answer = call->user;
    __atomic_store_n(&answer->local, call, __ATOMIC_RELAXED);
    actri_serial_post(answer->node->serial, &answer->task, false);
}

static void cancel_answer(actri_cancel_watch_t *watch)
{
    answer_t *answer = ACTRI_CONTAINER(watch, answer_t, watch);
    actri_call_t *peer = __atomic_load_n(&answer->peer, __ATOMIC_RELAXED);
    actri_local_call_t *local = __atomic_load_n(&answer->local, __ATOMIC_RELAXED);
    if (peer != NULL) actri_peer_gate_cancel(peer);
    if (local != NULL) actri_local_call_cancel(local);
}

static void pass_answer(actri_deadline_t *deadline)
{
    answer_t *answer = ACTRI_CONTAINER(deadline, answer_t, deadline);
    actri_local_call_expire(__atomic_load_n(&answer->local, __ATOMIC_RELAXED));
}

/* A tell within the process has ended for its caller once it is in the queue. */
static actr_status_t start_local_tell(plan_t *plan, answer_t *answer, actr_error_t *error)
{
    actri_local_spec_t spec = local_spec(plan);
    actr_status_t status = actri_state_path_local(plan->path, &spec, NULL, error);
    if (status == ACTR_OK) actri_serial_post(answer->node->serial, &answer->task, false);
    return status;
}

static actr_status_t start_local_call(plan_t *plan, answer_t *answer, actr_error_t *error)
{
    actri_local_call_t *call = NULL;
    actri_local_spec_t spec = local_spec(plan);
    spec.on_end = answer_local_call;
    spec.user = answer;
    actr_status_t status = actri_state_path_local(plan->path, &spec, &call, error);
    if (status != ACTR_OK) return status;
    __atomic_store_n(&answer->local, call, __ATOMIC_RELAXED);
    answer->deadline.at_ns = plan->deadline_ns;
    answer->deadline.pass = pass_answer;
    actri_deadlines_add(&answer->node->deadlines, &answer->deadline);
    return ACTR_OK;
}

/* The reference that a start gives is the answer's; the value is the same that an early end has written. */
static actr_status_t start_answer(plan_t *plan, answer_t *answer, actr_error_t *error)
{
    if (plan->path != NULL) {
        return plan->is_tell ? start_local_tell(plan, answer, error) : start_local_call(plan, answer, error);
    }
    actri_call_t *call = NULL;
    actri_call_spec_t spec = peer_spec(plan);
    actr_status_t status = actri_peer_gate_start(plan->ctx->node->gate, &spec, answer_peer_call, answer, &call, error);
    if (status == ACTR_OK) __atomic_store_n(&answer->peer, call, __ATOMIC_RELAXED);
    return status;
}

static actr_status_t start_inside(plan_t *plan, actr_reply_fn on_reply, void *user, actr_error_t *error)
{
    bool full = false;
    answer_t *answer = new_answer(plan->ctx, on_reply, user, &full);
    if (answer == NULL && full) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d asynchronous calls wait already", ACTRI_ANSWERS);
    }
    if (answer == NULL) return actri_no_memory(error);
    answer->watch.fire = cancel_answer;
    actr_status_t status = start_answer(plan, answer, error);
    if (status == ACTR_OK) {
        actri_cancel_watch(plan->options.cancel, &answer->watch);
    } else {
        release_answer(answer); /* the turn's, which does not come */
    }
    release_answer(answer);
    return status;
}

static actr_status_t start_async(plan_t *plan, actr_reply_fn on_reply, void *user, actr_error_t *error)
{
    actr_status_t status = start_inside(plan, on_reply, user, error);
    actri_node_leave(plan->ctx->node);
    return status;
}

actr_status_t actr_ctx_call_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_reply, void *user,
                                  actr_error_t *error)
{
    return actri_ctx_start_until(ctx, dest, route, payload, options, ACTRI_NEVER, 0, on_reply, user, error);
}

actr_status_t actri_ctx_start_until(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                    const actr_call_options_t *options, int64_t deadline_ns, int64_t send_by_ns,
                                    actr_reply_fn on_reply, void *user, actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = false;
    actr_status_t status = make_plan(&plan, ctx, dest, route, payload, options, error);
    if (status != ACTR_OK) return status;
    if (deadline_ns < plan.deadline_ns) plan.deadline_ns = deadline_ns;
    plan.send_by_ns = send_by_ns;
    return start_async(&plan, on_reply, user, error);
}

actr_status_t actr_ctx_call_buf_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_buf_t *payload,
                                      const actr_call_options_t *options, actr_reply_fn on_reply, void *user,
                                      actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = false;
    actr_status_t status = make_buf_plan(&plan, ctx, dest, route, payload, options, error);
    return status == ACTR_OK ? start_async(&plan, on_reply, user, error) : status;
}

actr_status_t actr_ctx_tell_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_sent, void *user,
                                  actr_error_t *error)
{
    plan_t plan;
    plan.is_tell = true;
    actr_status_t status = make_plan(&plan, ctx, dest, route, payload, options, error);
    return status == ACTR_OK ? start_async(&plan, on_sent, user, error) : status;
}
