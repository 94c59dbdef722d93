/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers. The loop keeps the time; what is due runs as a turn of the node, like any message (or, for the library's own
 * watch, on the loop). A timer is owned by its handle, by the schedule until it is over, and by its queued turn.
 * Everything but the clock is under the set's mutex; posting under it keeps close() from overtaking a post.
 */
#include "lifecycle/timer.h"

#include "lifecycle/supervise.h"
#include "port/clock.h"
#include "port/waiter.h"

#define MAX_TIMERS 16384
#define MOST_MS (366ull * 24 * 3600 * 1000)

struct actr_timer {
    unsigned refs; /* atomic */
    actr_node_t *node;
    actri_link_t link;      /* in the set */
    actri_timer_t clock;    /* [loop] */
    actri_task_t loop_task; /* arms or ends it, on the loop */
    actri_task_t turn;
    actr_timer_fn fn;
    void *user;
    void (*free_user)(void *user);      /* once the timer was set; may be NULL */
    void (*on_loop)(actr_node_t *node); /* instead of fn */
    int64_t period_ns;                  /* 0: once */
    int64_t due_ns;
    bool scheduled, posted, queued, cancelled;
};

static void release(actr_timer_t *timer)
{
    if (__atomic_sub_fetch(&timer->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_node_t *node = timer->node;
    if (timer->free_user != NULL) timer->free_user(timer->user);
    actri_free(&node->system->env, timer);
    actr_node_release(node);
}

/* Under the mutex; the schedule's reference is the caller's to release. */
static void unschedule(actr_timer_t *timer)
{
    timer->scheduled = false;
    actri_list_remove(&timer->link);
    timer->node->timers.count--;
}

/* ---- on the loop ---- */

static void on_loop_task(actri_task_t *task)
{
    actr_timer_t *timer = ACTRI_CONTAINER(task, actr_timer_t, loop_task);
    actri_timers_t *set = &timer->node->timers;
    actri_lock(&set->mutex);
    timer->posted = false;
    bool ends = timer->cancelled && timer->scheduled;
    /* The user's memory is freed where the user's code runs, in a turn, and not here. */
    bool posts = ends && timer->free_user != NULL && !timer->queued;
    if (ends) unschedule(timer);
    if (ends) actri_loop_timer_cancel(timer->node->loop, &timer->clock);
    if (posts) timer->queued = true; /* with the schedule's reference */
    if (posts) actri_serial_post(timer->node->serial, &timer->turn, false);
    actri_unlock(&set->mutex);
    if (posts) return;
    if (ends) {
        release(timer);
    } else {
        actri_loop_timer_set(timer->node->loop, &timer->clock, timer->due_ns);
    }
}

static void next_period(actr_timer_t *timer)
{
    int64_t now = actri_now_ns();
    timer->due_ns += timer->period_ns;
    if (timer->due_ns <= now) timer->due_ns = now + timer->period_ns; /* late: no burst to catch up */
    actri_loop_timer_set(timer->node->loop, &timer->clock, timer->due_ns);
}

/* True when its turn is to be posted. Under the mutex. */
static bool take_turn(actr_timer_t *timer)
{
    if (timer->on_loop != NULL) return false;
    if (timer->queued) {
        timer->node->timers.skipped++;
        return false;
    }
    timer->queued = true;
    (void)__atomic_add_fetch(&timer->refs, 1, __ATOMIC_RELAXED);
    return true;
}

static void on_due(actri_timer_t *clock)
{
    actr_timer_t *timer = ACTRI_CONTAINER(clock, actr_timer_t, clock);
    actr_node_t *node = timer->node;
    actri_lock(&node->timers.mutex);
    if (timer->cancelled) { /* its loop task ends it */
        actri_unlock(&node->timers.mutex);
        return;
    }
    bool ends = timer->period_ns == 0, posts = take_turn(timer);
    if (ends) unschedule(timer);
    if (ends && posts) (void)__atomic_sub_fetch(&timer->refs, 1, __ATOMIC_RELAXED); /* the turn has one: not the last */
    if (posts) actri_serial_post(node->serial, &timer->turn, false);
    actri_unlock(&node->timers.mutex);
    if (posts && ends) return; /* its turn may have freed it */
    if (timer->on_loop != NULL) timer->on_loop(node);
    if (ends)
        release(timer);
    else
        next_period(timer);
}

/* ---- the turn ---- */

static void run_turn(actri_task_t *task)
{
    actr_timer_t *timer = ACTRI_CONTAINER(task, actr_timer_t, turn);
    actr_node_t *node = timer->node;
    actri_lock(&node->timers.mutex);
    timer->queued = false;
    bool cancelled = timer->cancelled;
    actri_unlock(&node->timers.mutex);
    if (!cancelled) {
        actri_arena_t arena;
        actr_ctx_t ctx;
        actri_arena_init(&arena, &node->system->env);
        actri_ctx_init(&ctx, node, NULL, "timer", &arena, ACTRI_NEVER);
        const actr_ctx_t *outer = actri_ctx_enter(&ctx);
        timer->fn(&ctx, timer->user);
        actri_ctx_leave(outer);
        actri_node_supervise_timer(node, &ctx);
        actri_arena_clear(&arena);
    }
    release(timer);
}

/* ---- for the program ---- */

/* Takes one reference for the schedule. */
static actr_status_t schedule(actr_timer_t *timer, actr_error_t *error)
{
    actri_timers_t *set = &timer->node->timers;
    actr_status_t status = ACTR_OK;
    actri_lock(&set->mutex);
    if (!set->open) {
        status = actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node does not run");
    } else if (set->count >= MAX_TIMERS) {
        status = actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d timers are set already", MAX_TIMERS);
    } else {
        (void)__atomic_add_fetch(&timer->refs, 1, __ATOMIC_RELAXED);
        set->count++;
        actri_list_append(&set->list, &timer->link);
        timer->scheduled = timer->posted = true;
        actri_loop_post(timer->node->loop, &timer->loop_task);
    }
    actri_unlock(&set->mutex);
    return status;
}

static actr_timer_t *new_timer(actr_node_t *node, uint64_t delay_ms, uint64_t period_ms)
{
    actr_timer_t *timer = actri_zalloc(&node->system->env, sizeof *timer);
    if (timer == NULL) return NULL;
    timer->refs = 1;
    timer->node = actri_node_retain(node);
    timer->clock.fire = on_due;
    timer->loop_task.run = on_loop_task;
    timer->turn.run = run_turn;
    timer->due_ns = actri_now_ns() + (int64_t)delay_ms * ACTRI_MS;
    timer->period_ns = (int64_t)period_ms * ACTRI_MS;
    return timer;
}

actr_status_t actr_ctx_set_timer(actr_ctx_t *ctx, const actr_timer_spec_t *spec, actr_timer_t **out,
                                 actr_error_t *error)
{
    actr_timer_spec_t s = ACTR_TIMER_SPEC_INIT;
    if (spec != NULL) memcpy(&s, spec, spec->struct_size < sizeof s ? spec->struct_size : sizeof s);
    if (ctx == NULL || s.fn == NULL || s.delay_ms > MOST_MS || s.period_ms > MOST_MS) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or fn is NULL, or a time is above a year");
    }
    if (ctx->node->is_test) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "a test context has no node that runs");
    }
    actr_timer_t *timer = new_timer(ctx->node, s.delay_ms, s.period_ms);
    if (timer == NULL) return actri_no_memory(error);
    timer->fn = s.fn;
    timer->user = s.user;
    timer->free_user = s.free_user;
    actr_status_t status = schedule(timer, error);
    if (status != ACTR_OK) timer->free_user = NULL; /* still the caller's */
    if (status == ACTR_OK && out != NULL)
        *out = timer;
    else
        release(timer);
    return status;
}

actr_status_t actr_ctx_after(actr_ctx_t *ctx, uint64_t delay_ms, actr_timer_fn fn, void *user, actr_timer_t **timer,
                             actr_error_t *error)
{
    actr_timer_spec_t spec = ACTR_TIMER_SPEC_INIT;
    spec.delay_ms = delay_ms;
    spec.fn = fn;
    spec.user = user;
    return actr_ctx_set_timer(ctx, &spec, timer, error);
}

actr_status_t actr_ctx_every(actr_ctx_t *ctx, uint64_t period_ms, actr_timer_fn fn, void *user, actr_timer_t **timer,
                             actr_error_t *error)
{
    if (period_ms == 0) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a period of 0 ms");
    actr_timer_spec_t spec = ACTR_TIMER_SPEC_INIT;
    spec.delay_ms = spec.period_ms = period_ms;
    spec.fn = fn;
    spec.user = user;
    return actr_ctx_set_timer(ctx, &spec, timer, error);
}

/* Under the mutex. */
static void cancel(actr_timer_t *timer)
{
    timer->cancelled = true;
    if (!timer->scheduled || timer->posted) return;
    timer->posted = true;
    actri_loop_post(timer->node->loop, &timer->loop_task);
}

void actr_timer_cancel(actr_timer_t *timer)
{
    if (timer == NULL) return;
    actri_lock(&timer->node->timers.mutex);
    cancel(timer);
    actri_unlock(&timer->node->timers.mutex);
}

void actr_timer_release(actr_timer_t *timer)
{
    if (timer != NULL) release(timer);
}

/* ---- the set ---- */

actr_status_t actri_timers_on_loop(actr_node_t *node, uint64_t period_ms, void (*on_loop)(actr_node_t *),
                                   actr_error_t *error)
{
    actr_timer_t *timer = new_timer(node, period_ms, period_ms);
    if (timer == NULL) return actri_no_memory(error);
    timer->on_loop = on_loop;
    actr_status_t status = schedule(timer, error);
    release(timer);
    return status;
}

void actri_timers_init(actri_timers_t *set)
{
    actri_mutex_init(&set->mutex);
    actri_list_init(&set->list);
}

void actri_timers_destroy(actri_timers_t *set)
{
    actri_mutex_destroy(&set->mutex);
}

void actri_timers_open(actri_timers_t *set)
{
    actri_lock(&set->mutex);
    set->open = true;
    actri_unlock(&set->mutex);
}

typedef struct barrier {
    actri_task_t task;
    actri_waiter_t waiter;
} barrier_t;

static void pass(actri_task_t *task)
{
    actri_waiter_wake(&ACTRI_CONTAINER(task, barrier_t, task)->waiter);
}

void actri_timers_close(actr_node_t *node)
{
    actri_timers_t *set = &node->timers;
    actri_lock(&set->mutex);
    bool was_open = set->open;
    set->open = false;
    for (actri_link_t *at = set->list.next; at != &set->list; at = at->next) {
        cancel(ACTRI_CONTAINER(at, actr_timer_t, link));
    }
    actri_unlock(&set->mutex);
    if (!was_open) return;
    barrier_t barrier = {.task = {.run = pass}};
    actri_waiter_init(&barrier.waiter);
    actri_loop_post(node->loop, &barrier.task); /* behind all that ends a timer */
    actri_waiter_wait(&barrier.waiter);
}
