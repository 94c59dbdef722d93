/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_signaling.h"

#include "fake_loop.h"
#include "fake_rtc.h"
#include "fake_thread.h"
#include "port/clock.h"
#include "port/thread.h"
#include "router.h"
#include "signaling/signaling.h"
#include "wire/certificate.h"
#include "wire/net_watch.h"

#include <stdlib.h>
#include <string.h>

struct actri_signaling {
    actri_signaling_options_t options;
    actri_signaling_handlers_t handlers;
    void *user;
    actri_mutex_t mutex;
    actri_cond_t changed;
    actri_thread_t thread;
    bool running, settled, stopping, online, over;
    int64_t start_deadline_ns;
    actr_status_t outcome;
    actr_error_t why;
    actr_id_t id;
    unsigned client; /* of the router, while online */
    actri_link_t questions;
    actri_timer_t check; /* answers `checked`; NULL: nobody asks */
    actri_checked_fn checked;
    void *checked_user;
};

fake_server_t fake_server;

void fake_server_reset(uint64_t seed)
{
    memset(&fake_server, 0, sizeof fake_server);
    fake_server.rng.state = seed;
    fake_server.next_serial = 1;
}

/* ---- the client's thread ---- */

static void tell(actri_signaling_t *s, actri_signaling_state_t state, const char *why)
{
    actr_error_t error = ACTR_ERROR_INIT;
    if (why != NULL) (void)actri_fail(&error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "%s", why);
    s->handlers.on_state(s->user, state, why == NULL ? NULL : &error);
}

static void deliver(void *user, const actri_relay_t *relay)
{
    actri_signaling_t *s = user;
    if (s->online) s->handlers.on_relay(s->user, relay);
}

static void settle(actri_signaling_t *s, actr_status_t outcome, const char *why)
{
    actri_lock(&s->mutex);
    s->outcome = outcome;
    if (outcome != ACTR_OK) (void)actri_fail(&s->why, outcome, "%s", why);
    s->settled = true;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
}

static void go_online(actri_signaling_t *s)
{
    bool fresh = s->id.serial_number == 0 || rng_chance(&fake_server.rng, fake_server.new_identity_percent);
    if (fresh) {
        s->id = (actr_id_t){fake_server.next_serial++, s->options.realm, s->options.type};
        actri_identity_t identity = {.id = s->id};
        s->handlers.on_identity(s->user, &identity);
    }
    s->client = router_add(&s->id, deliver, s);
    s->online = true;
    fake_server.online++;
    tell(s, ACTRI_SIGNALING_REGISTERED, NULL);
}

typedef struct question {
    actri_link_t link;
    actri_timer_t timer;
    actri_query_t query;
    actri_candidates_fn done;
    void *user;
} question_t;

static void lose_questions(actri_signaling_t *s)
{
    actri_link_t *link;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "lost");
    while ((link = actri_list_take(&s->questions)) != NULL) {
        question_t *q = ACTRI_CONTAINER(link, question_t, link);
        actri_loop_timer_cancel(fake_loop(), &q->timer);
        q->done(q->user, error.status, NULL, 0, &error);
        free(q);
    }
}

static void go_offline(actri_signaling_t *s)
{
    s->online = false;
    lose_questions(s);
    fake_server.online--;
    router_remove(s->client);
}

/* True when stop was asked within the time. */
static bool pause_for(actri_signaling_t *s, int64_t duration_ns)
{
    int64_t until = actri_now_ns() + duration_ns;
    actri_lock(&s->mutex);
    while (!s->stopping && actri_cond_wait(&s->changed, &s->mutex, until)) {
    }
    bool stopping = s->stopping;
    actri_unlock(&s->mutex);
    return stopping;
}

/* Connects, as often as it takes; false: stopped, refused, or out of time. */
static bool connect_once(actri_signaling_t *s, bool *ends)
{
    tell(s, ACTRI_SIGNALING_CONNECTING, NULL);
    *ends = pause_for(s, (int64_t)(1 + rng_below(&fake_server.rng, 200)) * ACTRI_MS);
    if (*ends) return false;
    if (!s->settled && rng_chance(&fake_server.rng, fake_server.refuse_percent)) {
        settle(s, ACTR_STATUS_SIGNALING_REJECTED, "refused");
        *ends = true;
        return false;
    }
    if (rng_chance(&fake_server.rng, fake_server.away_percent)) return false;
    return true;
}

static bool connect(actri_signaling_t *s)
{
    bool ends = false;
    while (!connect_once(s, &ends)) {
        if (ends || pause_for(s, ACTRI_SECOND)) return false;
        if (!s->settled && actri_now_ns() > s->start_deadline_ns) {
            settle(s, ACTR_STATUS_SIGNALING_UNAVAILABLE, "nobody there");
            return false;
        }
    }
    return true;
}

/* Until the connection is lost (true) or stop is asked. */
static bool be_online(actri_signaling_t *s)
{
    while (!pause_for(s, ACTRI_SECOND)) {
        if (rng_chance(&fake_server.rng, fake_server.renewal_percent)) {
            s->handlers.on_credential(s->user, false);
            s->handlers.on_credential(s->user, true);
        }
        if (rng_chance(&fake_server.rng, fake_server.loss_percent)) return true;
    }
    return false;
}

static void end_check(actri_signaling_t *s, actr_status_t status)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_checked_fn done = s->checked;
    s->checked = NULL;
    actri_loop_timer_cancel(fake_loop(), &s->check);
    if (status != ACTR_OK) (void)actri_fail(&error, status, "so it is");
    done(s->checked_user, status, status == ACTR_OK && rng_chance(&fake_server.rng, 50), &error);
}

static void answer_check(actri_timer_t *timer)
{
    actri_signaling_t *s = ACTRI_CONTAINER(timer, actri_signaling_t, check);
    end_check(s, s->online ? ACTR_OK : ACTR_STATUS_SIGNALING_UNAVAILABLE);
}

static void run(void *argument)
{
    actri_signaling_t *s = argument;
    while (connect(s)) {
        go_online(s);
        if (!s->settled) settle(s, ACTR_OK, NULL);
        bool lost = be_online(s);
        go_offline(s);
        if (!lost) break;
        tell(s, ACTRI_SIGNALING_DISCONNECTED, "lost");
    }
    if (!s->settled) settle(s, ACTR_STATUS_CANCELLED, "stopped");
    s->over = true;
    if (s->checked != NULL) end_check(s, ACTR_STATUS_SHUTTING_DOWN);
    tell(s, ACTRI_SIGNALING_STOPPED, NULL);
}

/* ---- signaling.h ---- */

actr_status_t actri_signaling_new(const actri_signaling_options_t *options, const actri_signaling_handlers_t *handlers,
                                  void *user, actri_signaling_t **out, actr_error_t *error)
{
    actri_signaling_t *s = actri_zalloc(options->env, sizeof *s);
    if (s == NULL) return actri_no_memory(error);
    s->options = *options;
    s->handlers = *handlers;
    s->user = user;
    actri_mutex_init(&s->mutex);
    actri_cond_init(&s->changed);
    actri_list_init(&s->questions);
    *out = s;
    return ACTR_OK;
}

actr_status_t actri_signaling_start(actri_signaling_t *s, int64_t deadline_ns, actr_error_t *error)
{
    s->start_deadline_ns = deadline_ns;
    s->over = false;
    s->running = true;
    actr_status_t status = actri_thread_start(&s->thread, "signaling", run, s, error);
    actri_lock(&s->mutex);
    while (!s->settled) (void)actri_cond_wait(&s->changed, &s->mutex, ACTRI_NEVER);
    status = s->outcome;
    actri_unlock(&s->mutex);
    if (status == ACTR_OK) return ACTR_OK;
    if (error != NULL) *error = s->why;
    actri_thread_join(&s->thread);
    s->running = false;
    return status;
}

actr_status_t actri_signaling_relay(actri_signaling_t *s, const actri_relay_t *relay, actr_error_t *error)
{
    if (!s->online) return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "offline");
    actri_relay_t own = *relay;
    own.source = s->id;
    return router_relay(s->client, &own, error);
}

static void answer(actri_timer_t *timer)
{
    question_t *q = ACTRI_CONTAINER(timer, question_t, timer);
    actr_id_t ids[ROUTER_CLIENTS];
    size_t count = 0;
    actri_list_remove(&q->link);
    for (int i = 0; i < ROUTER_CLIENTS && count < q->query.max; i++) {
        const router_client_t *client = &router.clients[i];
        if (client->registered && strcmp(client->id.type.name, q->query.type.name) == 0) ids[count++] = client->id;
    }
    q->done(q->user, ACTR_OK, ids, count, NULL);
    free(q);
}

actr_status_t actri_signaling_candidates(actri_signaling_t *s, const actri_query_t *query, int64_t deadline_ns,
                                         actri_candidates_fn done, void *user, actr_error_t *error)
{
    (void)deadline_ns;
    if (!s->online) return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "offline");
    question_t *q = calloc(1, sizeof *q);
    if (q == NULL) abort();
    *q = (question_t){.timer.fire = answer, .query = *query, .done = done, .user = user};
    actri_list_append(&s->questions, &q->link);
    actri_loop_timer_set(fake_loop(), &q->timer, actri_now_ns() + 5 * ACTRI_MS);
    return ACTR_OK;
}

/* No node asks this by itself. */
actr_status_t actri_signaling_ask(actri_signaling_t *s, const actri_question_t *q, int64_t deadline_ns,
                                  actri_answers_fn done, void *user, actr_error_t *error)
{
    (void)s;
    (void)q;
    (void)deadline_ns;
    (void)done;
    (void)user;
    return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "not in the simulation");
}

actr_status_t actri_signaling_check(actri_signaling_t *s, bool moved, actri_checked_fn done, void *user,
                                    actr_error_t *error)
{
    (void)moved;
    if (!s->running || s->over) return actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "over");
    if (s->checked != NULL) abort(); /* one at a time */
    s->checked = done;
    s->checked_user = user;
    s->check.fire = answer_check;
    actri_loop_timer_set(fake_loop(), &s->check, actri_now_ns() + (1 + rng_below(&fake_server.rng, 1500)) * ACTRI_MS);
    return ACTR_OK;
}

void actri_signaling_counters(actri_signaling_t *s, actri_signaling_counters_t *out)
{
    (void)s;
    memset(out, 0, sizeof *out);
}

void actri_signaling_beat(actri_signaling_t *s)
{
    actri_load_t load;
    if (s->online) s->handlers.load(s->user, &load);
}

actr_status_t actri_signaling_stop(actri_signaling_t *s, int64_t deadline_ns, actr_error_t *error)
{
    (void)deadline_ns;
    (void)error;
    if (!s->running) return ACTR_OK;
    actri_lock(&s->mutex);
    s->stopping = true;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
    actri_thread_join(&s->thread);
    s->running = false;
    return ACTR_OK;
}

void actri_signaling_free(actri_signaling_t *s)
{
    if (s == NULL) return;
    (void)actri_signaling_stop(s, 0, NULL);
    actri_cond_destroy(&s->changed);
    actri_mutex_destroy(&s->mutex);
    actri_free(s->options.env, s);
}

/* ---- certificate.h ---- */

actr_status_t actri_certificate_new(const actri_env_t *env, actri_certificate_t **out, actr_error_t *error)
{
    (void)env;
    (void)error;
    *out = calloc(1, sizeof **out);
    if (*out == NULL) abort();
    (*out)->host = ++fake_server.next_host % FAKE_HOSTS;
    return ACTR_OK;
}

actr_status_t actri_certificate_open(const actri_env_t *env, const char *path, actri_certificate_t **out,
                                     actr_error_t *error)
{
    (void)path;
    return actri_certificate_new(env, out, error);
}

void actri_certificate_free(actri_certificate_t *certificate)
{
    free(certificate);
}

/* ---- net_watch.h: the program says what happens to the network ---- */

actr_status_t actri_net_watch_start(actri_net_watch_t *watch, actri_loop_t *loop,
                                    void (*on_change)(void *user, actri_net_change_t change), void *user,
                                    actr_error_t *error)
{
    (void)watch;
    (void)loop;
    (void)on_change;
    (void)user;
    (void)error;
    return ACTR_OK;
}

void actri_net_watch_stop(actri_net_watch_t *watch)
{
    (void)watch;
}
