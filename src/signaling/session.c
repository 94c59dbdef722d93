/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a signaling session: when to connect, register, beat, give up. Pure, see session.h; what is
 * asked is in requests.c, what comes in is in receive.c. spec: signaling 1.4, 1.5, 4, 5, 6; known-faults 1 to 16.
 */
#include "signaling/session_state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AREA "signaling"

static const char *const phase_names[ACTRI_PHASES] = {
    [ACTRI_PHASE_STOPPED] = "stopped",       [ACTRI_PHASE_WAITING] = "waiting",
    [ACTRI_PHASE_CONNECTING] = "connecting", [ACTRI_PHASE_REGISTERING] = "registering",
    [ACTRI_PHASE_ONLINE] = "online",         [ACTRI_PHASE_LEAVING] = "leaving",
};
static const char *const event_names[ACTRI_EVENTS] = {
    [ACTRI_EVENT_START] = "start",         [ACTRI_EVENT_RETRY] = "retry",
    [ACTRI_EVENT_OPENED_BARE] = "opened",  [ACTRI_EVENT_OPENED_KNOWN] = "opened with identity",
    [ACTRI_EVENT_LOST] = "lost",           [ACTRI_EVENT_TIMEOUT] = "timeout",
    [ACTRI_EVENT_ACCEPTED] = "accepted",   [ACTRI_EVENT_REJECTED] = "rejected",
    [ACTRI_EVENT_FORGOTTEN] = "forgotten", [ACTRI_EVENT_GIVE_UP] = "give up",
    [ACTRI_EVENT_STOP] = "stop",           [ACTRI_EVENT_LEFT] = "left",
};

/* ---- memory of protobuf-c ---- */

static void *message_alloc(void *env, size_t size)
{
    return actri_alloc(env, size);
}

static void message_free(void *env, void *block)
{
    actri_free(env, block);
}

/* ---- small helpers ---- */

static uint64_t next_random(actri_session_t *session) /* splitmix64 */
{
    uint64_t z = session->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/*
 * 1, 2, 4 .. 60 s after the first, second .. failed attempt (signaling 1.5), of which the upper half is random so that
 * the clients of a server that comes back do not arrive all at once. After the loss of a good link a moment is enough.
 */
static int64_t pause_ns(actri_session_t *session)
{
    uint64_t random = next_random(session);
    if (session->failures == 0) return (int64_t)(random % (250 * (uint64_t)ACTRI_MS)) + ACTRI_MS;
    unsigned shift = session->failures > 7 ? 6 : session->failures - 1;
    int64_t seconds = INT64_C(1) << shift;
    if (seconds > ACTRI_BACKOFF_MOST_S) seconds = ACTRI_BACKOFF_MOST_S;
    int64_t half = seconds * ACTRI_SECOND / 2;
    return half + (int64_t)(random % (uint64_t)(half + 1));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void actri_session_blame(actri_session_t *session, actr_status_t status, uint32_t code, const char *format, ...)
{
    char text[ACTR_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)actri_fail(&session->why, status, "%s", text);
    session->why.remote_code = code;
}

static void report_start(actri_session_t *session, actr_status_t status, const actr_error_t *error)
{
    if (!session->starting) return;
    session->starting = false;
    session->sink->started(session->user, status, error);
}

/* ---- actions of the state table ---- */

static void drop_link(actri_session_t *session, bool polite)
{
    if (session->link) session->sink->disconnect(session->user, polite);
    session->link = false;
}

static void act_connect(actri_session_t *session, actri_session_time_t time)
{
    char *query = NULL;
    session->proven = false;
    session->known_link = session->identity.known;
    session->attempt_deadline_ns = time.now_ns + ACTRI_ATTEMPT_LIMIT_NS;
    session->link = true;
    session->sink->state(session->user, ACTRI_SIGNALING_CONNECTING,
                         session->why.status != ACTR_OK ? &session->why : NULL);
    if (session->known_link) query = actri_identity_query(&session->identity);
    if (session->known_link && query == NULL) { /* memory is out: as if the socket had failed */
        session->link = false;
        actri_session_blame(session, ACTR_STATUS_NO_MEMORY, 0, "out of memory");
        actri_session_step(session, time, ACTRI_EVENT_LOST);
        return;
    }
    session->sink->connect(session->user, query == NULL ? "" : query);
    actri_secret_free(session->env, query, query == NULL ? 0 : strlen(query));
}

static void act_start(actri_session_t *session, actri_session_time_t time)
{
    session->failures = session->unproven_ends = 0;
    session->starting = true;
    memset(&session->why, 0, sizeof session->why);
    act_connect(session, time);
}

static void act_register(actri_session_t *session, actri_session_time_t time)
{
    session->counters.connects++;
    session->alive_ns = time.now_ns;
    session->ws_ping_ns = time.now_ns + ACTRI_WS_PING_NS;
    if (actri_session_ask_register(session, time) == ACTR_OK) return;
    actri_session_blame(session, ACTR_STATUS_NO_MEMORY, 0, "the registration could not be sent: out of memory");
    actri_session_step(session, time, ACTRI_EVENT_REJECTED);
}

/* Online: the first heartbeat leaves at once. */
static void go_online(actri_session_t *session, actri_session_time_t time)
{
    session->beat_ns = time.now_ns + session->interval_ns;
    session->updating = session->doubted = session->expiring = false;
    actri_session_plan_refresh(session, time);
    session->sink->state(session->user, ACTRI_SIGNALING_REGISTERED, NULL);
    report_start(session, ACTR_OK, NULL);
    actri_session_check_online(session);
    if (actri_session_ask_ping(session, time) != ACTR_OK) session->beat_ns = time.now_ns + ACTRI_SECOND;
}

static void act_accepted(actri_session_t *session, actri_session_time_t time)
{
    session->counters.registrations++;
    actri_identity_t view = actri_identity_view(&session->identity);
    session->sink->identity(session->user, &view);
    go_online(session, time);
}

static void act_resume(actri_session_t *session, actri_session_time_t time)
{
    session->counters.connects++;
    session->counters.reconnects++;
    session->alive_ns = time.now_ns;
    session->ws_ping_ns = time.now_ns + ACTRI_WS_PING_NS;
    go_online(session, time);
}

/* The attempt, or the link, is over: requests fail now (known-faults 1), the socket goes first (4). */
static void act_wait(actri_session_t *session, actri_session_time_t time)
{
    drop_link(session, false);
    actri_session_fail_requests(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, session->why.message);
    session->updating = session->doubted = false;
    session->retry_ns = time.now_ns + pause_ns(session);
    actri_info(session->env, AREA, "%s; next attempt in %lld ms", actr_error_message(&session->why),
               (long long)((session->retry_ns - time.now_ns) / ACTRI_MS));
}

static void act_failed(actri_session_t *session, actri_session_time_t time)
{
    session->failures++;
    act_wait(session, time);
    actri_session_check_failed(session, session->why.status, &session->why);
}

static void act_lost(actri_session_t *session, actri_session_time_t time)
{
    session->counters.losses++;
    actri_session_check_lost(session);
    if (session->proven) {
        session->failures = session->unproven_ends = 0;
    } else {
        session->failures++;
        /* A server that takes the socket with our identity and ends it again does not want that identity. */
        if (session->known_link && ++session->unproven_ends >= 2) {
            actri_identity_clear(&session->identity);
            session->unproven_ends = 0;
        }
    }
    session->sink->state(session->user, ACTRI_SIGNALING_DISCONNECTED, &session->why);
    act_wait(session, time);
}

/* Registers anew, on a fresh socket without identity (known-faults 7, 8). */
static void act_forgotten(actri_session_t *session, actri_session_time_t time)
{
    session->counters.losses++;
    actri_session_check_lost(session);
    if (session->proven || session->known_link) {
        session->failures = 0;
    } else {
        session->failures++; /* registered, and unknown at once: do not go round in a hurry */
    }
    actri_identity_clear(&session->identity);
    session->sink->state(session->user, ACTRI_SIGNALING_DISCONNECTED, &session->why);
    act_wait(session, time);
}

static void end_check(actri_session_t *session)
{
    actr_error_t stops;
    (void)actri_fail(&stops, ACTR_STATUS_SHUTTING_DOWN, "signaling stops");
    actri_session_check_failed(session, stops.status, &stops);
}

static void act_unregister(actri_session_t *session, actri_session_time_t time)
{
    end_check(session);
    actri_session_fail_requests(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, "signaling stops");
    actr_status_t status = ACTR_STATUS_TIMEOUT;
    if (session->leave_deadline_ns > time.now_ns) status = actri_session_ask_unregister(session, time);
    if (status == ACTR_OK) return;
    actri_session_blame(session, status, 0, "stopped without unregistering");
    actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
}

static void finish(actri_session_t *session, actr_status_t status, bool polite)
{
    drop_link(session, polite);
    actri_session_fail_requests(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, "signaling stops");
    actri_identity_clear(&session->identity);
    end_check(session);
    const actr_error_t *why = status == ACTR_OK ? NULL : &session->why;
    session->sink->state(session->user, ACTRI_SIGNALING_STOPPED, why);
}

/* start failed: why says what the last reason was. */
static void act_give_up(actri_session_t *session, actri_session_time_t time)
{
    (void)time;
    finish(session, session->why.status, false);
    report_start(session, session->why.status, &session->why);
}

static void act_end(actri_session_t *session, actri_session_time_t time)
{
    (void)time;
    finish(session, ACTR_OK, true);
    actr_error_t cut;
    (void)actri_fail(&cut, ACTR_STATUS_CANCELLED, "signaling was stopped while it started");
    report_start(session, ACTR_STATUS_CANCELLED, &cut);
    session->sink->stopped(session->user, ACTR_OK, NULL);
}

static void act_end_late(actri_session_t *session, actri_session_time_t time)
{
    (void)time;
    finish(session, session->why.status, true);
    session->sink->stopped(session->user, session->why.status, &session->why);
}

/* ---- the table ---- */

typedef struct rule {
    actri_phase_t next;
    void (*act)(actri_session_t *session, actri_session_time_t time); /* NULL: the event means nothing here */
} rule_t;

#define IN(phase) [ACTRI_PHASE_##phase]
#define ON(event, next, act) [ACTRI_EVENT_##event] = {ACTRI_PHASE_##next, act}

static const rule_t rules[ACTRI_PHASES][ACTRI_EVENTS] = {
    IN(STOPPED) = {ON(START, CONNECTING, act_start)},
    IN(WAITING) = {ON(RETRY, CONNECTING, act_connect), ON(GIVE_UP, STOPPED, act_give_up), ON(STOP, STOPPED, act_end)},
    IN(CONNECTING) = {ON(OPENED_BARE, REGISTERING, act_register), ON(OPENED_KNOWN, ONLINE, act_resume),
                      ON(LOST, WAITING, act_failed), ON(TIMEOUT, WAITING, act_failed),
                      ON(GIVE_UP, STOPPED, act_give_up), ON(STOP, STOPPED, act_end)},
    IN(REGISTERING) = {ON(ACCEPTED, ONLINE, act_accepted), ON(REJECTED, WAITING, act_failed),
                       ON(LOST, WAITING, act_failed), ON(TIMEOUT, WAITING, act_failed),
                       ON(GIVE_UP, STOPPED, act_give_up), ON(STOP, STOPPED, act_end)},
    IN(ONLINE) = {ON(LOST, WAITING, act_lost), ON(TIMEOUT, WAITING, act_lost), ON(FORGOTTEN, WAITING, act_forgotten),
                  ON(STOP, LEAVING, act_unregister)},
    IN(LEAVING) = {ON(LEFT, STOPPED, act_end), ON(LOST, STOPPED, act_end_late), ON(TIMEOUT, STOPPED, act_end_late)},
};

const char *actri_session_broken(const actri_session_t *session)
{
    bool open = session->phase >= ACTRI_PHASE_REGISTERING;
    if (session->link != (open || session->phase == ACTRI_PHASE_CONNECTING)) return "link fits phase";
    if (session->phase >= ACTRI_PHASE_ONLINE && !session->identity.known) return "online has an identity";
    if (session->phase == ACTRI_PHASE_STOPPED && session->identity.known) return "stopped has no identity";
    if (!open && session->request_count != 0) return "offline waits for no answer";
    if (session->phase == ACTRI_PHASE_REGISTERING && session->request_count != 1) return "registering asks once";
    if (session->starting && session->phase >= ACTRI_PHASE_ONLINE) return "online has started";
    if (session->starting && session->phase == ACTRI_PHASE_STOPPED) return "stopped does not start";
    bool idle = session->phase == ACTRI_PHASE_STOPPED || session->phase == ACTRI_PHASE_LEAVING;
    if (idle && session->check.done != NULL) return "who stops checks nothing";
    if (session->check.rebuilding && session->phase == ACTRI_PHASE_ONLINE) return "online is not made anew";
    if (session->request_count > ACTRI_REQUESTS_MAX) return "requests are bounded";
    return NULL;
}

void actri_session_step(actri_session_t *session, actri_session_time_t time, actri_event_t event)
{
    const rule_t *rule = &rules[session->phase][event];
    if (rule->act == NULL) {
        actri_debug(session->env, AREA, "%s: %s ignored", phase_names[session->phase], event_names[event]);
        return;
    }
    actri_debug(session->env, AREA, "%s -> %s (%s)", phase_names[session->phase], phase_names[rule->next],
                event_names[event]);
    session->phase = rule->next;
    rule->act(session, time);
    assert(actri_session_broken(session) == NULL);
}

/* ---- what the owner calls ---- */

static actr_status_t copy_options(actri_session_t *session, const actri_signaling_options_t *options,
                                  actr_error_t *error)
{
    session->type = options->type;
    session->realm = options->realm;
    if (options->service_spec != NULL) {
        session->service_spec = actri_memdup(session->env, options->service_spec, options->service_spec_size);
        session->service_spec_size = options->service_spec_size;
        if (session->service_spec == NULL) return actri_no_memory(error);
    }
    if (options->acl != NULL) {
        session->acl = actr__acl__unpack(&session->allocator, options->acl_size, options->acl);
        if (session->acl == NULL) {
            return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the ACL is not an encoded actr.Acl");
        }
    }
    return ACTR_OK;
}

actr_status_t actri_session_new(const actri_signaling_options_t *options, const actri_session_sink_t *sink, void *user,
                                uint64_t seed, actri_session_t **out, actr_error_t *error)
{
    actri_session_t *session = actri_zalloc(options->env, sizeof *session);
    if (session == NULL) return actri_no_memory(error);
    session->env = options->env;
    session->sink = sink;
    session->user = user;
    session->seed = seed;
    session->allocator = (ProtobufCAllocator){message_alloc, message_free, (void *)(uintptr_t)options->env};
    actri_list_init(&session->requests);
    actri_identity_init(&session->identity, options->env);
    session->interval_ns = ACTRI_DEFAULT_INTERVAL_S * ACTRI_SECOND;
    actr_status_t status = copy_options(session, options, error);
    if (status != ACTR_OK) {
        actri_session_free(session);
        return status;
    }
    *out = session;
    return ACTR_OK;
}

void actri_session_free(actri_session_t *session)
{
    if (session == NULL) return;
    for (actri_link_t *link; (link = actri_list_take(&session->requests)) != NULL;) {
        actri_free(session->env, ACTRI_CONTAINER(link, actri_request_t, link));
    }
    actri_identity_clear(&session->identity);
    actr__acl__free_unpacked(session->acl, &session->allocator);
    actri_free(session->env, session->service_spec);
    actri_free(session->env, session);
}

void actri_session_start(actri_session_t *session, actri_session_time_t time, int64_t deadline_ns)
{
    session->start_deadline_ns = deadline_ns;
    actri_session_step(session, time, ACTRI_EVENT_START);
}

void actri_session_stop(actri_session_t *session, actri_session_time_t time, int64_t deadline_ns)
{
    if (session->phase == ACTRI_PHASE_LEAVING) { /* again: only an earlier end counts */
        session->leave_deadline_ns = least(session->leave_deadline_ns, deadline_ns);
        return;
    }
    session->leave_deadline_ns = deadline_ns;
    actri_session_step(session, time, ACTRI_EVENT_STOP);
}

void actri_session_opened(actri_session_t *session, actri_session_time_t time)
{
    actri_session_step(session, time, session->known_link ? ACTRI_EVENT_OPENED_KNOWN : ACTRI_EVENT_OPENED_BARE);
}

/* 408 and 429 pass by themselves; any other 4xx says that this URL, or this identity, is wrong. */
static bool refuses(uint32_t http)
{
    return http >= 400 && http < 500 && http != 408 && http != 425 && http != 429;
}

void actri_session_closed(actri_session_t *session, actri_session_time_t time, uint32_t http, const char *reason)
{
    if (!session->link) return;
    session->link = false;
    if (http != 0) {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, http,
                            "the server answered HTTP %u instead of opening a WebSocket: is the path of the URL right?",
                            http);
    } else {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0, "%s", reason);
    }
    if (session->phase == ACTRI_PHASE_CONNECTING && refuses(http)) {
        if (session->known_link) {
            actri_identity_clear(&session->identity);
        } else if (session->starting) {
            actri_session_step(session, time, ACTRI_EVENT_GIVE_UP);
            return;
        }
    }
    actri_session_step(session, time, ACTRI_EVENT_LOST);
}

void actri_session_alive(actri_session_t *session, actri_session_time_t time)
{
    session->alive_ns = time.now_ns;
}

void actri_session_beat(actri_session_t *session, actri_session_time_t time)
{
    if (session->phase == ACTRI_PHASE_ONLINE && actri_session_ask_ping(session, time) != ACTR_OK) {
        session->beat_ns = time.now_ns + ACTRI_SECOND; /* soon, when there may be room again */
    }
}

const actri_signaling_counters_t *actri_session_counters(const actri_session_t *session)
{
    return &session->counters;
}

/* ---- time ---- */

static bool is_open(const actri_session_t *session)
{
    return session->phase >= ACTRI_PHASE_REGISTERING;
}

static int64_t dead_ns(const actri_session_t *session)
{
    return session->alive_ns + ACTRI_SILENCE_LIMIT_NS + 1; /* strictly more than 10 s (signaling 1.4) */
}

int64_t actri_session_deadline(const actri_session_t *session)
{
    int64_t next = session->starting ? session->start_deadline_ns : ACTRI_NEVER;
    switch (session->phase) {
    case ACTRI_PHASE_WAITING: next = least(next, session->retry_ns); break;
    case ACTRI_PHASE_CONNECTING: next = least(next, session->attempt_deadline_ns); break;
    case ACTRI_PHASE_ONLINE:
        next = least(next, least(session->beat_ns, least(session->refresh_ns, actri_session_check_deadline(session))));
        break;
    case ACTRI_PHASE_LEAVING: next = least(next, session->leave_deadline_ns); break;
    default: break;
    }
    if (!is_open(session)) return next;
    next = least(next, least(session->ws_ping_ns, dead_ns(session)));
    return least(next, actri_session_requests_deadline(session));
}

static void tick_start(actri_session_t *session, actri_session_time_t time)
{
    if (!session->starting || time.now_ns < session->start_deadline_ns) return;
    if (session->phase == ACTRI_PHASE_CONNECTING && session->failures == 0) { /* else the one before says more */
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                            "the server did not open the WebSocket in time");
    } else if (session->phase == ACTRI_PHASE_REGISTERING) {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                            "connected, but the server did not answer the registration in time");
    } else if (session->why.status != ACTR_STATUS_SIGNALING_UNAVAILABLE) {
        session->why.status = ACTR_STATUS_SIGNALING_UNAVAILABLE;
    }
    actri_session_step(session, time, ACTRI_EVENT_GIVE_UP);
}

static void tick_link(actri_session_t *session, actri_session_time_t time)
{
    if (time.now_ns >= dead_ns(session)) {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                            "the server was silent for more than 10 seconds");
        actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
    } else if (time.now_ns >= session->ws_ping_ns) {
        session->ws_ping_ns = time.now_ns + ACTRI_WS_PING_NS;
        session->sink->ping(session->user);
    }
}

static void tick_online(actri_session_t *session, actri_session_time_t time)
{
    actri_session_check_tick(session, time);
    if (session->phase != ACTRI_PHASE_ONLINE) return;
    if (time.now_ns >= session->beat_ns) { /* missed beats are not made up for */
        session->beat_ns = time.now_ns + session->interval_ns;
        actri_session_beat(session, time);
    }
    if (time.now_ns >= session->refresh_ns) {
        session->refresh_ns = time.now_ns + ACTRI_REPLY_LIMIT_NS; /* the next try, should this one fail */
        if (actri_session_ask_update(session, time) != ACTR_OK) {
            actri_warn(session->env, AREA, "the request for a new credential could not be sent");
        }
    }
}

void actri_session_tick(actri_session_t *session, actri_session_time_t time)
{
    tick_start(session, time);
    if (session->phase == ACTRI_PHASE_WAITING && time.now_ns >= session->retry_ns) {
        actri_session_step(session, time, ACTRI_EVENT_RETRY);
    } else if (session->phase == ACTRI_PHASE_CONNECTING && time.now_ns >= session->attempt_deadline_ns) {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                            "the server did not open the WebSocket in 30 seconds");
        actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
    } else if (session->phase == ACTRI_PHASE_LEAVING && time.now_ns >= session->leave_deadline_ns) {
        actri_session_blame(session, ACTR_STATUS_TIMEOUT, 0, "the server did not confirm the unregistration in time");
        actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
    }
    if (is_open(session)) actri_session_expire_requests(session, time);
    if (is_open(session)) tick_link(session, time);
    if (session->phase == ACTRI_PHASE_ONLINE) tick_online(session, time);
}
