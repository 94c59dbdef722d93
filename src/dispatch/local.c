/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests within the process: the Shell's to the workload, the workload's to the Shell. A call is one block of a pool,
 * which also holds what is small of it (small tells need none, inbox.h); a payload that is a buffer, and a reply that
 * is one, go by reference. A call of a blocked maker that finds the executor idle runs on the maker's thread and copies
 * nothing. It ends exactly once: in its turn, by a handle, or cancelled.
 */
#include "dispatch/path.h"
#include "port/clock.h"

#include <stdio.h>

static void clear(actri_local_call_t *call)
{
    const actri_env_t *env = call->path->o.env;
    if (call->has_extras) actri_free(env, call->more);
    actri_free(env, call->error);
    actr_buf_release(call->buf);
    actr_buf_release(call->reply);
}

static bool is_last(actri_local_call_t *call)
{
    return __atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

/* There is room; an addition of nothing is a full fence: either the maker sees the room, or is seen here to wait. */
static void wake_maker(actri_state_path_t *path)
{
    if (__atomic_fetch_add(&path->room_waiters, 0, __ATOMIC_SEQ_CST) == 0) return;
    actri_lock(&path->room_mutex);
    actri_cond_signal(&path->room);
    actri_unlock(&path->room_mutex);
}

void actri_local_wake_makers(actri_state_path_t *path)
{
    actri_lock(&path->room_mutex);
    actri_cond_broadcast(&path->room);
    actri_unlock(&path->room_mutex);
}

void actri_local_call_release(actri_local_call_t *call)
{
    if (call == NULL || !is_last(call)) return;
    actri_state_path_t *path = call->path;
    clear(call);
    actri_slab_give(path->calls, call);
    wake_maker(path);
}

/* By its turn: given back many at a time, where turns come one at a time. */
static void release_in_turn(actri_local_call_t *call)
{
    actri_state_path_t *path = call->path;
    if (path->o.key_of != NULL) {
        actri_local_call_release(call);
    } else if (is_last(call)) {
        clear(call);
        if (actri_slab_batch_add(path->calls, &path->retired, call)) wake_maker(path);
    }
}

/* ---- the end ---- */

static bool is_over(const actri_local_call_t *call)
{
    return __atomic_load_n(&call->over, __ATOMIC_ACQUIRE);
}

const actr_error_t *actri_local_call_error(const actri_local_call_t *call)
{
    static const actr_error_t none = ACTR_ERROR_INIT, no_memory = {ACTR_STATUS_NO_MEMORY, 0, 0, {0}, "out of memory"};
    if (call->error != NULL) return call->error;
    return call->status == ACTR_OK ? &none : &no_memory;
}

void actri_local_tell_failed(actri_state_path_t *path, actr_status_t status)
{
    actri_path_count(status == ACTR_STATUS_TIMEOUT ? &path->stats.local_timed_out : &path->stats.local_failed);
}

static void note_failure(actri_local_call_t *call, actr_status_t status, const char *message)
{
    actri_local_tell_failed(call->path, status);
    call->status = status;
    call->error = actri_zalloc(call->path->o.env, sizeof *call->error);
    if (call->error != NULL) (void)actri_fail(call->error, status, "%s", message);
}

static void end_call(actri_local_call_t *call)
{
    if (call->on_end != NULL) call->on_end(call);
    actri_waiter_wake(&call->ended);
}

/* True: the outcome is this caller's to give. */
static bool begin_end(actri_local_call_t *call)
{
    return !__atomic_exchange_n(&call->over, true, __ATOMIC_ACQ_REL);
}

void actri_local_call_answer(actri_local_call_t *call, actr_status_t status, actr_bytes_t reply, const char *message)
{
    if (!begin_end(call)) return;
    if (status < 0) {
        note_failure(call, status, message);
    } else if (!call->is_tell) {
        call->reply = actri_buf_copy(call->path->o.env, reply.data, reply.size);
        if (call->reply == NULL) call->status = ACTR_STATUS_NO_MEMORY;
    }
    end_call(call);
}

void actri_local_call_answer_buf(actri_local_call_t *call, actr_buf_t *reply)
{
    if (!begin_end(call)) return;
    if (!call->is_tell) call->reply = actr_buf_retain(reply);
    end_call(call);
}

void actri_local_call_cancel(actri_local_call_t *call)
{
    actri_local_call_answer(call, ACTR_STATUS_CANCELLED, (actr_bytes_t){NULL, 0}, "the caller cancelled it");
}

void actri_local_call_expire(actri_local_call_t *call)
{
    actri_local_call_answer(call, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0}, "no reply in time");
}

/* ---- the turn ---- */

/* The first entry is the library's own when it begins a streaming call. */
static bool begins_stream(const actri_local_call_t *call)
{
    return call->metadata_count > 0 && strcmp(call->metadata[0].key, ACTRI_STREAM_KEY) == 0;
}

void actri_local_call_request(const actri_local_call_t *call, actr_request_t *request)
{
    request->route = call->route;
    request->payload = call->payload;
    request->is_tell = call->is_tell;
    if (!call->has_extras) return;
    size_t own = begins_stream(call) ? 1 : 0;
    request->metadata = call->metadata + own;
    request->metadata_count = call->metadata_count - own;
}

static void answer_turn(actri_local_call_t *call, actr_status_t status, actr_bytes_t reply, actr_buf_t *by_reference,
                        const char *message)
{
    bool echo = call->buf != NULL && reply.data == call->payload.data && reply.size == call->payload.size;
    if (by_reference == NULL && echo) by_reference = call->buf;
    if (status >= 0 && by_reference != NULL)
        actri_local_call_answer_buf(call, by_reference);
    else
        actri_local_call_answer(call, status, reply, message);
}

/* Runs the handler and gives its outcome to the call; NULL: a tell without one. False when it lives on, deferred. */
static bool serve(actri_state_path_t *path, actri_incoming_t *in, actri_local_call_t *call)
{
    actri_arena_t arena;
    actri_arena_init(&arena, path->o.env);
    actri_turn_t turn = {.call = call};
    actr_bytes_t reply = {NULL, 0};
    actr_buf_t *by_reference = NULL;
    in->request_id = "shell";
    in->arena = &arena;
    in->reply = &by_reference;
    actr_error_t error;
    error.message[0] = '\0';
    actr_status_t status = actri_path_serve(path, in, &turn, &reply, &error);
    actri_turn_end_t end = actri_turn_end(&turn, &status, &error);
    if (end == ACTRI_TURN_ANSWER && call != NULL)
        answer_turn(call, status, reply, by_reference, error.message);
    else if (end == ACTRI_TURN_ANSWER && status < 0)
        actri_local_tell_failed(path, status);
    actr_buf_release(by_reference);
    actri_arena_clear(&arena);
    return end != ACTRI_TURN_DEFERRED;
}

static bool serve_call(actri_local_call_t *call)
{
    actri_incoming_t in = {.caller = call->caller, .deadline_ns = call->deadline_ns, .buf = call->buf};
    actri_local_call_request(call, &in.request);
    if (call->has_extras) {
        in.chain = call->chain;
        if (begins_stream(call)) in.stream = call->metadata[0].value;
        in.traceparent = call->traceparent;
        in.tracestate = call->tracestate;
    }
    return serve(call->path, &in, call);
}

void actri_local_tell_run(actri_state_path_t *path, actri_incoming_t *in)
{
    in->request.is_tell = true;
    in->deadline_ns = ACTRI_NEVER;
    if (actri_path_is_drained(path))
        actri_local_tell_failed(path, ACTR_STATUS_SHUTTING_DOWN);
    else
        (void)serve(path, in, NULL);
}

/* A call without time limit costs no look at the clock. */
static bool is_late(const actri_local_call_t *call)
{
    return call->deadline_ns != ACTRI_NEVER && call->deadline_ns <= actri_now_ns();
}

static void run_local(actri_task_t *task)
{
    actri_local_call_t *call = ACTRI_CONTAINER(task, actri_local_call_t, task);
    actri_state_path_t *path = call->path;
    bool ended = true;
    if (is_over(call)) {
        actri_path_count(&path->stats.expired);
    } else if (actri_path_is_drained(path)) {
        actri_local_call_answer(call, ACTR_STATUS_SHUTTING_DOWN, (actr_bytes_t){NULL, 0}, "the node is shutting down");
    } else if (is_late(call)) {
        actri_path_count(&path->stats.expired);
        actri_local_call_answer(call, ACTR_STATUS_TIMEOUT, (actr_bytes_t){NULL, 0},
                                "the request's time was up before its turn came");
    } else {
        ended = serve_call(call);
    }
    if (ended) release_in_turn(call);
}

bool actri_local_call_is(const actri_task_t *task)
{
    return task->run == run_local;
}

/* ---- keeping what the maker lent ---- */

static size_t text_size(const char *text)
{
    return strlen(text) + 1;
}

static char *keep(char **to, const void *from, size_t size)
{
    char *kept = *to;
    if (size > 0) memcpy(kept, from, size);
    *to += size;
    return kept;
}

static void keep_span(char **to, actri_span_t *span)
{
    *span = (actri_span_t){(const uint8_t *)keep(to, span->data, span->size), span->size};
}

static size_t size_to_keep(const actri_local_call_t *call)
{
    size_t size = text_size(call->route);
    if (call->buf == NULL) size += call->payload.size + 15; /* the payload is aligned as malloc's */
    if (!call->has_extras) return size;
    size += call->chain.size + call->traceparent.size + call->tracestate.size;
    for (size_t i = 0; i < call->metadata_count; i++) {
        size += sizeof(actr_metadata_t) + text_size(call->metadata[i].key) + text_size(call->metadata[i].value);
    }
    return size;
}

static void keep_metadata(char **to, actri_local_call_t *call)
{
    if (call->metadata_count == 0) return;
    actr_metadata_t *kept = (actr_metadata_t *)(void *)keep(to, call->metadata, call->metadata_count * sizeof *kept);
    for (size_t i = 0; i < call->metadata_count; i++) {
        kept[i].key = keep(to, kept[i].key, text_size(kept[i].key));
        kept[i].value = keep(to, kept[i].value, text_size(kept[i].value));
    }
    call->metadata = kept;
}

static void use_extras(actri_local_call_t *call)
{
    if (call->has_extras) return;
    memset(&call->metadata, 0, sizeof *call - offsetof(actri_local_call_t, metadata));
    call->has_extras = true;
}

/* The call copies what it has only been lent; false when memory is out. */
static bool keep_all(actri_local_call_t *call)
{
    size_t size = size_to_keep(call);
    char *to = call->room;
    if (size > sizeof call->room) {
        use_extras(call);
        call->more = to = actri_alloc(call->path->o.env, size);
        if (to == NULL) return false;
    }
    if (call->has_extras) keep_metadata(&to, call); /* aligned: first */
    if (call->buf == NULL) {
        to += -(uintptr_t)to & 15;
        call->payload.data = keep(&to, call->payload.data, call->payload.size);
    }
    call->route = keep(&to, call->route, text_size(call->route));
    if (call->has_extras) {
        keep_span(&to, &call->chain);
        keep_span(&to, &call->traceparent);
        keep_span(&to, &call->tracestate);
    }
    return true;
}

/* ---- the start ---- */

static void lend_extras(actri_local_call_t *call, const actri_local_spec_t *spec)
{
    size_t metadata = spec->options == NULL ? 0 : spec->options->metadata_count;
    if (metadata + spec->chain.size + spec->traceparent.size + spec->tracestate.size == 0) return;
    use_extras(call);
    call->chain = spec->chain;
    call->traceparent = spec->traceparent;
    call->tracestate = spec->tracestate;
    if (metadata == 0) return;
    call->metadata = spec->options->metadata;
    call->metadata_count = metadata;
}

/* As take, but waits for room; NULL also when the time is up, or the node drains. */
static actri_local_call_t *take_later(actri_state_path_t *path, int64_t until_ns, bool *full)
{
    actri_local_call_t *call;
    bool in_time = true;
    actri_lock(&path->room_mutex);
    (void)__atomic_add_fetch(&path->room_waiters, 1, __ATOMIC_SEQ_CST);
    while ((call = actri_slab_take(path->calls, ACTRI_LOCAL_ROOM, full)) == NULL && *full && in_time &&
           actri_path_drain_deadline(path) == 0) {
        in_time = actri_cond_wait(&path->room, &path->room_mutex, until_ns);
    }
    (void)__atomic_sub_fetch(&path->room_waiters, 1, __ATOMIC_RELAXED);
    actri_unlock(&path->room_mutex);
    return call;
}

static uint32_t most_calls(const actri_local_spec_t *spec)
{
    return spec->modest ? ACTRI_LOCAL_ROOM : ACTRI_LOCAL_CALLS;
}

static actri_local_call_t *take(actri_state_path_t *path, const actri_local_spec_t *spec, bool *full)
{
    actri_local_call_t *call = actri_slab_take(path->calls, most_calls(spec), full);
    if (call != NULL || !*full || spec->wait_until_ns == 0) return call;
    return take_later(path, spec->wait_until_ns, full);
}

static actri_local_call_t *new_call(actri_state_path_t *path, const actri_local_spec_t *spec, bool *full)
{
    actri_local_call_t *call = take(path, spec, full);
    if (call == NULL) return NULL;
    memset(call, 0, offsetof(actri_local_call_t, room));
    call->path = path;
    call->refs = 1;
    call->route = spec->route;
    call->caller = spec->caller;
    call->payload = spec->payload;
    if (spec->buf != NULL) {
        call->buf = actr_buf_retain(spec->buf);
        call->payload = (actr_bytes_t){actr_buf_data(spec->buf), actr_buf_size(spec->buf)};
    }
    lend_extras(call, spec);
    call->is_tell = spec->is_tell;
    call->deadline_ns = spec->deadline_ns;
    call->on_end = spec->on_end;
    call->user = spec->user;
    call->task.run = run_local;
    return call;
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
    bool full = false;
    if (out == NULL && spec->is_tell && actri_inbox_tell(&path->inbox, spec, &full)) return ACTR_OK;
    actri_local_call_t *call = full && spec->modest ? NULL : new_call(path, spec, &full);
    if (call == NULL && full) {
        actri_path_count(&path->stats.local_refused);
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%u local requests wait already", most_calls(spec));
    }
    if (call == NULL) return actri_no_memory(error);
    if (out != NULL) call->refs = 2;
    if (spec->here && actri_serial_run_here(path->o.serial, &call->task)) {
        actri_path_count(&path->stats.here);
    } else if (keep_all(call)) {
        bool signal = spec->options != NULL && spec->options->payload_type == ACTR_RPC_SIGNAL;
        if (signal || actri_path_is_high(path, actri_span_text(call->route)))
            actri_serial_post(path->o.serial, &call->task, true);
        else
            actri_inbox_call(&path->inbox, call);
    } else {
        call->refs = 1;
        actri_local_call_release(call);
        return actri_no_memory(error);
    }
    if (out != NULL) *out = call;
    return ACTR_OK;
}
