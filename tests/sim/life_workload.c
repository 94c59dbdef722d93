/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated node does with requests, hooks and events; and whether it may be asked to, now. */
#include "life.h"

#include "fake_thread.h"
#include "port/clock.h"

#include <stdio.h>
#include <string.h>

/* ---- one at a time ---- */

static void enter(life_program_t *p, const char **inside, const char *what)
{
    if (*inside != NULL) life_fail("program %u: %s inside %s", p->number, what, *inside);
    if (p->hook == LIFE_STOPPED && !p->may_restart) life_fail("program %u: %s after on_stop", p->number, what);
    *inside = what;
    life_note("%u: %s", p->number, what);
}

/* ---- hooks ---- */

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    life_program_t *p = user;
    bool again = p->hook == LIFE_STOPPED && p->may_restart;
    const char *none = NULL;
    enter(p, again ? &none : &p->inside, "on_start"); /* a restart is inside the failing handler's turn */
    if (p->hook != LIFE_FRESH && !again) life_fail("program %u: a second on_start", p->number);
    if (actr_ctx_self_id(ctx)->serial_number == 0) life_fail("program %u: on_start without an identity", p->number);
    bool fails = p->fails_start && !again;
    if (!fails) p->hook = LIFE_STARTED;
    if (!again) p->inside = NULL;
    return fails ? actr_ctx_fail(ctx, ACTR_STATUS_INVALID_STATE, "not this time") : ACTR_OK;
}

static void on_ready(actr_ctx_t *ctx, void *user)
{
    life_program_t *p = user;
    (void)ctx;
    if (p->hook != LIFE_STARTED) life_fail("program %u: on_ready in state %d", p->number, (int)p->hook);
    p->hook = LIFE_READY;
    life_note("%u: on_ready", p->number);
}

static void on_stop(actr_ctx_t *ctx, void *user)
{
    life_program_t *p = user;
    (void)ctx;
    if (p->hook != LIFE_READY && p->hook != LIFE_STARTED)
        life_fail("program %u: on_stop in state %d", p->number, (int)p->hook);
    p->hook = LIFE_STOPPED;
    life_note("%u: on_stop", p->number);
}

/* ---- events ---- */

static void check_peer(life_program_t *p, const actr_event_t *event)
{
    actr_event_kind_t *last = &p->peers[event->peer->serial_number % 1024];
    bool idle = *last == 0 || *last == ACTR_EVENT_PEER_CLOSED;
    bool legal = event->kind == ACTR_EVENT_PEER_CONNECTING ? idle
                 : event->kind == ACTR_EVENT_PEER_CONNECTED
                     ? *last == ACTR_EVENT_PEER_CONNECTING || *last == ACTR_EVENT_PEER_RECOVERING
                 : event->kind == ACTR_EVENT_PEER_RECOVERING ? *last == ACTR_EVENT_PEER_CONNECTED
                                                             : !idle;
    if (!legal)
        life_fail("program %u: \"%s\" after \"%s\"", p->number, actr_event_name(event->kind), actr_event_name(*last));
    *last = event->kind;
}

static void check_signaling(life_program_t *p, actr_event_kind_t kind)
{
    bool online = p->signaling == ACTR_EVENT_SIGNALING_CONNECTED;
    bool legal = kind == ACTR_EVENT_SIGNALING_DISCONNECTED ? online
                 : kind == ACTR_EVENT_SIGNALING_CONNECTED  ? p->signaling == ACTR_EVENT_SIGNALING_CONNECTING
                                                           : !online;
    if (!legal)
        life_fail("program %u: \"%s\" after \"%s\"", p->number, actr_event_name(kind), actr_event_name(p->signaling));
    p->signaling = kind;
}

static void on_event(const actr_event_t *event, void *user)
{
    life_program_t *p = user;
    enter(p, &p->inside, actr_event_name(event->kind));
    if (event->peer != NULL) check_peer(p, event);
    bool signaling = event->kind == ACTR_EVENT_SIGNALING_CONNECTING || event->kind == ACTR_EVENT_SIGNALING_CONNECTED ||
                     event->kind == ACTR_EVENT_SIGNALING_DISCONNECTED;
    if (signaling) check_signaling(p, event->kind);
    p->inside = NULL;
}

/* ---- requests ---- */

static actr_status_t defer(life_program_t *p, actr_ctx_t *ctx)
{
    actr_reply_t *reply = NULL;
    if (actr_ctx_defer(ctx, &reply, NULL) != ACTR_OK) return ACTR_STATUS_LIMIT_REACHED;
    if (p->held_count == LIFE_HELD) { /* the oldest goes without an answer */
        actr_reply_release(p->held[0]);
        memmove(p->held, p->held + 1, (LIFE_HELD - 1) * sizeof p->held[0]);
        p->held_count--;
    }
    p->held[p->held_count++] = reply;
    return ACTR_DEFERRED;
}

static actr_status_t serve(life_program_t *p, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    *reply = request->payload;
    switch (request->route[2]) {
    case 'E': return ACTR_OK;
    case 'F': return actr_ctx_fail(ctx, ACTR_STATUS_NOT_FOUND, "no such thing");
    case 'P': return actr_ctx_panic(ctx, "impossible");
    case 'S': fake_sleep((int64_t)rng_below(&life.rng, 400) * ACTRI_MS); return ACTR_OK;
    case 'D': return defer(p, ctx);
    case 'B': return life_call_peer(p, ctx, rng_chance(&life.rng, 50) ? "w.E" : "w.B", 1 + rng_below(&life.rng, 3000));
    case 'T': life_call_something(p, ctx); return ACTR_OK;
    default: return ACTR_STATUS_UNKNOWN_ROUTE;
    }
}

static actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    life_program_t *p = user;
    enter(p, &p->inside, request->route);
    if (p->hook != LIFE_STARTED && p->hook != LIFE_READY)
        life_fail("program %u: a request in state %d", p->number, (int)p->hook);
    actr_status_t status = serve(p, ctx, request, reply);
    p->inside = NULL;
    return status;
}

actr_status_t life_shell(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    life_program_t *p = user;
    (void)ctx;
    if (p->shell_inside != NULL) life_fail("program %u: the Shell runs two at a time", p->number);
    p->shell_inside = "Shell";
    fake_sleep((int64_t)rng_below(&life.rng, 50) * ACTRI_MS);
    *reply = request->payload;
    p->shell_inside = NULL;
    return ACTR_OK;
}

void life_workload(life_program_t *program, actr_workload_t *workload)
{
    *workload = (actr_workload_t)ACTR_WORKLOAD_INIT;
    workload->dispatch = dispatch;
    workload->on_start = on_start;
    workload->on_ready = on_ready;
    workload->on_stop = on_stop;
    workload->on_event = on_event;
    workload->user = program;
    if (rng_chance(&life.rng, 30)) {
        workload->supervision.action = (actr_failure_action_t)(1 + rng_below(&life.rng, 3));
        workload->supervision.failures = 1 + rng_below(&life.rng, 3);
    }
    program->may_restart = workload->supervision.action == ACTR_ON_FAILURE_RESTART;
}
