/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests within the process: the Shell's to the workload, the workload's to the Shell. A call is one block of memory;
 * its payload is copied once, its reply once. It ends exactly once: in its turn, by a handle, or cancelled.
 */
#include "dispatch/path.h"
#include "port/clock.h"

#include <stdio.h>

#define LOCAL_QUEUE 65536

void actri_local_call_release(actri_local_call_t *call)
{
    if (call == NULL) return;
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    const actri_env_t *env = call->path->o.env;
    for (size_t i = 0; i < call->metadata_count; i++) {
        actri_free(env, (void *)(uintptr_t)call->metadata[i].key);
        actri_free(env, (void *)(uintptr_t)call->metadata[i].value);
    }
    actri_free(env, call->metadata);
    actr_buf_release(call->payload);
    actr_buf_release(call->reply);
    actri_free(env, call);
}

/* ---- the end ---- */

static bool is_over(const actri_local_call_t *call)
{
    return __atomic_load_n(&call->over, __ATOMIC_ACQUIRE);
}

void actri_local_call_answer(actri_local_call_t *call, actr_status_t status, actr_bytes_t reply, const char *message)
{
    if (__atomic_exchange_n(&call->over, true, __ATOMIC_ACQ_REL)) return;
    (void)__atomic_sub_fetch(&call->path->locals, 1, __ATOMIC_RELAXED);
    call->status = status < 0 ? status : ACTR_OK;
    if (status < 0) {
        (void)actri_fail(&call->error, status, "%s", message);
    } else if (!call->is_tell) {
        call->reply = actri_buf_copy(call->path->o.env, reply.data, reply.size);
        if (call->reply == NULL) call->status = actri_no_memory(&call->error);
    }
    call->on_end(call);
}

void actri_local_call_cancel(actri_local_call_t *call)
{
    actri_local_call_answer(call, ACTR_STATUS_CANCELLED, (actr_bytes_t){NULL, 0}, "the caller cancelled it");
}

/* ---- the turn ---- */

void actri_local_call_request(const actri_local_call_t *call, actr_request_t *request)
{
    request->route = call->route;
    request->payload = (actr_bytes_t){actr_buf_data(call->payload), actr_buf_size(call->payload)};
    request->is_tell = call->is_tell;
    request->metadata = call->metadata;
    request->metadata_count = call->metadata_count;
}

/* False when the call lives on, deferred. */
static bool serve_local(actri_local_call_t *call)
{
    actri_state_path_t *path = call->path;
    actri_arena_t arena;
    actri_arena_init(&arena, path->o.env);
    actri_turn_t turn = {.call = call};
    actri_incoming_t in = {.caller = call->caller,
                           .request_id = "shell",
                           .chain = call->chain,
                           .traceparent = call->traceparent,
                           .tracestate = call->tracestate,
                           .deadline_ns = call->deadline_ns,
                           .arena = &arena};
    actri_local_call_request(call, &in.request);
    actr_bytes_t reply = {NULL, 0};
    actr_error_t error;
    error.message[0] = '\0';
    actr_status_t status = actri_path_serve(path, &in, &turn, &reply, &error);
    actri_turn_end_t end = actri_turn_end(&turn, &status, &error);
    if (end == ACTRI_TURN_ANSWER) actri_local_call_answer(call, status, reply, error.message);
    actri_arena_clear(&arena);
    return end != ACTRI_TURN_DEFERRED;
}

static void run_local(actri_task_t *task)
{
    actri_local_call_t *call = ACTRI_CONTAINER(task, actri_local_call_t, task);
    actri_state_path_t *path = call->path;
    int64_t drain_until = actri_path_drain_deadline(path), now = actri_now_ns();
    bool ended = true;
    if (is_over(call)) {
        actri_path_count(&path->stats.expired);
    } else if (drain_until != 0 && now > drain_until) {
        actri_local_call_answer(call, ACTR_STATUS_SHUTTING_DOWN, (actr_bytes_t){NULL, 0}, "the node is shutting down");
    } else if (call->deadline_ns <= now) {
        actri_path_count(&path->stats.expired);
        actri_local_call_answer(call, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0},
                                "the request's time was up before its turn came");
    } else {
        ended = serve_local(call);
    }
    if (ended) actri_local_call_release(call);
}

bool actri_local_call_is(const actri_task_t *task)
{
    return task->run == run_local;
}

/* ---- the start ---- */

static bool copy_options(const actri_env_t *env, const actr_call_options_t *options, actri_local_call_t *call)
{
    if (options == NULL || options->metadata_count == 0) return true;
    call->metadata = actri_zalloc(env, options->metadata_count * sizeof *call->metadata);
    if (call->metadata == NULL) return false;
    call->metadata_count = options->metadata_count;
    for (size_t i = 0; i < options->metadata_count; i++) {
        call->metadata[i].key = actri_strdup(env, options->metadata[i].key);
        call->metadata[i].value = actri_strdup(env, options->metadata[i].value);
        if (call->metadata[i].key == NULL || call->metadata[i].value == NULL) return false;
    }
    return true;
}

static actri_span_t keep(char **at, actri_span_t text)
{
    actri_span_t kept = {(const uint8_t *)*at, text.size};
    if (text.size > 0) memcpy(*at, text.data, text.size);
    *at += text.size;
    return kept;
}

static actri_local_call_t *new_call(actri_state_path_t *path, const actri_local_spec_t *spec)
{
    const actri_env_t *env = path->o.env;
    size_t route_size = strlen(spec->route) + 1;
    actri_local_call_t *call =
        actri_alloc(env, sizeof *call + route_size + spec->chain.size + spec->traceparent.size + spec->tracestate.size);
    if (call == NULL) return NULL;
    memset(call, 0, offsetof(actri_local_call_t, error));
    memset(&call->error, 0, offsetof(actr_error_t, message) + 1);
    char *at = call->texts;
    call->path = path;
    call->refs = 1;
    call->route = (const char *)keep(&at, actri_span(spec->route, route_size)).data;
    call->chain = keep(&at, spec->chain);
    call->traceparent = keep(&at, spec->traceparent);
    call->tracestate = keep(&at, spec->tracestate);
    call->caller = spec->caller;
    call->payload = actri_buf_copy(env, spec->payload.data, spec->payload.size);
    call->is_tell = spec->is_tell;
    call->deadline_ns = spec->deadline_ns;
    call->on_end = spec->on_end;
    call->user = spec->user;
    call->task.run = run_local;
    if (call->payload != NULL && copy_options(env, spec->options, call)) return call;
    actri_local_call_release(call);
    return NULL;
}

static actr_status_t check_local(const actri_state_path_t *path, const actri_local_spec_t *spec, actr_error_t *error)
{
    if (spec->route == NULL || spec->route[0] == '\0') {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the route is empty");
    }
    if (spec->payload.size > 0 && spec->payload.data == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the payload is NULL");
    }
    if (actri_path_drain_deadline(path) != 0) {
        return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node is shutting down");
    }
    return ACTR_OK;
}

actr_status_t actri_state_path_local(actri_state_path_t *path, const actri_local_spec_t *spec, actri_local_call_t **out,
                                     actr_error_t *error)
{
    actr_status_t status = check_local(path, spec, error);
    if (status != ACTR_OK) return status;
    actri_local_call_t *call = new_call(path, spec);
    if (call == NULL) return actri_no_memory(error);
    if (__atomic_add_fetch(&path->locals, 1, __ATOMIC_RELAXED) > LOCAL_QUEUE) {
        (void)__atomic_sub_fetch(&path->locals, 1, __ATOMIC_RELAXED);
        actri_local_call_release(call);
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d local requests wait already", LOCAL_QUEUE);
    }
    call->refs = 2;
    *out = call;
    bool signal = spec->options != NULL && spec->options->payload_type == ACTR_RPC_SIGNAL;
    actri_serial_post(path->o.serial, &call->task, signal || actri_path_is_high(path, actri_span_text(call->route)));
    return ACTR_OK;
}
