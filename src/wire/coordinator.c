/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers of one node and what drives them: relays, timers, the connections' callbacks and the wishes from above
 * become events of the table in peer_fsm.c; its actions are done here. Lives on the loop.
 */
#include "wire/coordinator.h"

#include "base/map.h"
#include "port/often.h"
#include "proto/idcodec.h"
#include "wire/peer_fsm.h"

#include <string.h>

#define AREA "peer"
#define RECENT_CANDIDATES 32
#define RECENT_NS (2 * ACTRI_SECOND)      /* a candidate may be that much older than its OFFER */
#define YOUNG_NS (10 * ACTRI_SECOND)      /* an assignment for a younger attempt is a repetition (webrtc 2.6) */
#define ATTEMPT_NS (30 * ACTRI_SECOND)    /* for one connection, all tries */
#define RECOVERY_NS (60 * ACTRI_SECOND)   /* until a silent connection is given up */
#define PARKED_NS (15 * ACTRI_SECOND)     /* candidates without an OFFER are kept that long */
#define OFFLINE_NS (200 * ACTRI_MS)       /* until a relay that could not be sent is tried again */
#define NEGOTIATION_NS (3 * ACTRI_SECOND) /* until the roles are asked for again */
#define OFFER_WAIT_NS (3 * ACTRI_SECOND)  /* until an answerer asks again for roles (webrtc 2.7) */
#define ANSWER_WAIT_NS (2 * ACTRI_SECOND) /* until a lost OFFER is made anew; doubled with each try */
#define CONNECT_NS (10 * ACTRI_SECOND)    /* from both descriptions to an open lane */
#define RESTART_NS (3 * ACTRI_SECOND)     /* between two restart offers; grows by itself with each */
#define BETWEEN_NS (2 * ACTRI_SECOND)     /* at least, from one restart offer to one that was asked for */
#define AFTER_CLOSE_NS (60 * ACTRI_MS)    /* between close_notify and a new OFFER (webrtc 2.5) */

typedef struct recent {
    int64_t when_ns;
    char *text;
} recent_t;

typedef struct peer {
    actri_coordinator_t *owner;
    actri_id_key_t key;
    actr_id_t id;
    actri_peer_state_t state;
    actri_rtc_t *rtc;
    uint64_t session;       /* not 0 while up */
    bool is_actr, credit;   /* the peer at the other end of the last session */
    bool offerer, answered; /* of rtc */
    bool relay_failed;      /* the state's relay has to be sent again */
    int64_t attempt_ns;     /* when the present rtc was made, or the last role came */
    bool move_waits;        /* one more restart is to be offered, BETWEEN_NS after the last */
    int64_t restart_ns;     /* when the last restart of rtc was offered; 0: never */
    int64_t due_ns;         /* when the state's time is up */
    int64_t give_up_ns;     /* of the whole attempt; ACTRI_NEVER when up */
    unsigned tries, restarts;
    unsigned depth; /* of step(), which handlers may re-enter */
    actri_timer_t timer;
    recent_t recent[RECENT_CANDIDATES];
    size_t recent_at;
    actr_error_t why; /* the last thing that went wrong */
} peer_t;

struct actri_coordinator {
    const actri_env_t *env;
    actri_loop_t *loop;
    actri_rtc_options_t rtc;
    actri_coordinator_handlers_t handlers;
    void *user;
    actri_map_t peers; /* actri_id_key_t -> peer_t */
    uint32_t max_peers, up;
    actri_often_t said; /* log lines about what came */
    bool (*admits)(void *user, const actr_id_t *peer, const char *fingerprint);
    void *admits_user;
    actr_id_t self;
};

static uint64_t next_session = 1;

static const actri_rtc_handlers_t rtc_handlers;
static void step(peer_t *peer, actri_peer_event_t event, const char *text);

static actri_session_t session_of(const peer_t *peer)
{
    return (actri_session_t){.peer = peer->id, .number = peer->session, .credit = peer->credit};
}

static void forget_recent(peer_t *peer)
{
    for (size_t i = 0; i < RECENT_CANDIDATES; i++) {
        actri_free(peer->owner->env, peer->recent[i].text);
        peer->recent[i].text = NULL;
    }
}

static void free_peer(peer_t *peer)
{
    actri_coordinator_t *c = peer->owner;
    (void)actri_map_take(&c->peers, &peer->key, sizeof peer->key);
    actri_loop_timer_cancel(c->loop, &peer->timer);
    actri_rtc_free(peer->rtc);
    if (peer->session != 0) c->up--;
    forget_recent(peer);
    actri_free(c->env, peer);
}

static void set_timer(peer_t *peer)
{
    int64_t next = peer->due_ns;
    if (peer->give_up_ns < next && peer->state != ACTRI_PEER_IDLE) next = peer->give_up_ns;
    if (next == ACTRI_NEVER) {
        actri_loop_timer_cancel(peer->owner->loop, &peer->timer);
    } else {
        actri_loop_timer_set(peer->owner->loop, &peer->timer, next);
    }
}

static actri_peer_event_t ended_event(const peer_t *peer)
{
    const actri_coordinator_t *c = peer->owner;
    return c->handlers.is_wanted(c->user, &peer->id) ? ACTRI_PEER_ENDED : ACTRI_PEER_ENDED_UNWANTED;
}

static void give_up(peer_t *peer)
{
    bool recovering = peer->state == ACTRI_PEER_RECOVERING;
    if (recovering) {
        (void)actri_fail(&peer->why, ACTR_STATUS_UNAVAILABLE, "nothing was heard from the peer for %d s",
                         (int)(RECOVERY_NS / ACTRI_SECOND));
    } else if (peer->why.status == ACTR_OK) {
        (void)actri_fail(&peer->why, ACTR_STATUS_UNAVAILABLE, "no connection in time (%s)",
                         actri_peer_state_name(peer->state));
    }
    step(peer, recovering ? ended_event(peer) : ACTRI_PEER_GIVE_UP, NULL); /* what waits may get a new one */
}

static void on_timer(actri_timer_t *timer)
{
    peer_t *peer = ACTRI_CONTAINER(timer, peer_t, timer);
    int64_t now = actri_now_ns();
    if (peer->state == ACTRI_PEER_IDLE) {
        free_peer(peer);
    } else if (now >= peer->give_up_ns) {
        give_up(peer);
    } else if (now >= peer->due_ns) {
        step(peer, ACTRI_PEER_TIMER, NULL);
    } else {
        set_timer(peer); /* a little early, or there is more time now */
    }
}

static peer_t *find_peer(const actri_coordinator_t *c, const actr_id_t *id)
{
    actri_id_key_t key = actri_id_key(id);
    return actri_map_get(&c->peers, &key, sizeof key);
}

static peer_t *get_peer(actri_coordinator_t *c, const actr_id_t *id, actr_error_t *error)
{
    peer_t *peer = find_peer(c, id);
    if (peer != NULL) return peer;
    if (c->peers.count >= c->max_peers) {
        (void)actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%u peers are the limit", c->max_peers);
        return NULL;
    }
    peer = actri_zalloc(c->env, sizeof *peer);
    if (peer != NULL) {
        peer->owner = c;
        peer->id = *id;
        peer->key = actri_id_key(id);
        peer->timer.fire = on_timer;
        peer->give_up_ns = ACTRI_NEVER;
        if (actri_map_put(&c->peers, &peer->key, sizeof peer->key, peer) != ACTR_OK) {
            actri_free(c->env, peer);
            peer = NULL;
        }
    }
    if (peer == NULL) (void)actri_no_memory(error);
    return peer;
}

/* ---- actions ---- */

static void send_relay(peer_t *peer, actri_relay_kind_t kind, const char *text)
{
    actri_coordinator_t *c = peer->owner;
    actri_relay_t relay = {.kind = kind, .source = c->self, .target = peer->id, .text = text};
    actr_error_t error = ACTR_ERROR_INIT;
    if (c->handlers.relay(c->user, &relay, &error) != ACTR_OK) {
        peer->relay_failed = true;
        peer->why = error;
    } else if (peer->why.status == ACTR_STATUS_SIGNALING_UNAVAILABLE) { /* no longer */
        peer->why = (actr_error_t)ACTR_ERROR_INIT;
    }
}

static bool new_rtc(peer_t *peer, bool offerer)
{
    actri_coordinator_t *c = peer->owner;
    actri_rtc_options_t options = c->rtc;
    options.offerer = offerer;
    peer->offerer = offerer;
    peer->answered = false;
    peer->restart_ns = 0;
    peer->move_waits = false;
    peer->attempt_ns = actri_now_ns();
    return actri_rtc_new(&options, &rtc_handlers, peer, &peer->rtc, &peer->why) == ACTR_OK;
}

static void drop_rtc(peer_t *peer)
{
    actri_rtc_free(peer->rtc);
    peer->rtc = NULL;
}

static void make_offer(peer_t *peer, bool just_closed)
{
    peer->answered = false;
    peer->offerer = true;
    peer->attempt_ns = actri_now_ns();
    if (just_closed) return; /* the timer comes back after AFTER_CLOSE_NS */
    forget_recent(peer);
    peer->tries++;
    char *sdp = NULL;
    if (!new_rtc(peer, true) || actri_rtc_create_offer(peer->rtc, &sdp, &peer->why) != ACTR_OK) {
        actri_warn(peer->owner->env, AREA, "no offer: %s", peer->why.message);
        drop_rtc(peer);
        return; /* the timer tries again */
    }
    send_relay(peer, ACTRI_RELAY_OFFER, sdp);
    actri_free(peer->owner->env, sdp);
}

static void add_recent(peer_t *peer)
{
    int64_t oldest = actri_now_ns() - RECENT_NS;
    for (size_t i = 0; i < RECENT_CANDIDATES; i++) {
        const recent_t *recent = &peer->recent[i];
        if (recent->text == NULL || recent->when_ns < oldest) continue;
        actr_error_t error = ACTR_ERROR_INIT;
        if (actri_rtc_add_candidate(peer->rtc, recent->text, &error) != ACTR_OK) {
            actri_debug(peer->owner->env, AREA, "candidate refused: %s", error.message);
        }
    }
    forget_recent(peer);
}

static void make_answer(peer_t *peer, const char *offer)
{
    char *answer = NULL;
    if (!new_rtc(peer, false) || actri_rtc_accept_offer(peer->rtc, offer, &answer, &peer->why) != ACTR_OK) {
        actri_warn_often(peer->owner->env, &peer->owner->said, AREA, "offer refused: %s", peer->why.message);
        drop_rtc(peer);
        return;
    }
    peer->answered = true;
    send_relay(peer, ACTRI_RELAY_ANSWER, answer);
    actri_free(peer->owner->env, answer);
    add_recent(peer);
}

static void take_answer(peer_t *peer, const char *answer)
{
    if (peer->rtc == NULL || !peer->offerer) return;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_rtc_accept_answer(peer->rtc, answer, &error) != ACTR_OK) {
        actri_warn(peer->owner->env, AREA, "answer refused: %s", error.message);
        peer->why = error;
        return;
    }
    peer->answered = true;
    forget_recent(peer); /* they were given to rtc as they came */
}

static void offer_restart(peer_t *peer)
{
    char *sdp = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    peer->move_waits = false;
    if (actri_rtc_create_restart_offer(peer->rtc, &sdp, &error) != ACTR_OK) {
        actri_warn(peer->owner->env, AREA, "no restart offer: %s", error.message);
        return;
    }
    send_relay(peer, ACTRI_RELAY_ICE_RESTART_OFFER, sdp);
    actri_free(peer->owner->env, sdp);
    if (!peer->relay_failed) peer->restart_ns = actri_now_ns();
}

static void restart(peer_t *peer)
{
    if (!peer->offerer) return; /* the offerer's duty (webrtc 5) */
    peer->restarts++;
    offer_restart(peer);
}

/* One restart at a time (known-faults 25), so the next one waits: addresses may have come since the last. Who can not
 * offer one asks for it, if the peer knows the word (26). */
static void move(peer_t *peer)
{
    if (!peer->offerer) {
        if (peer->is_actr) send_relay(peer, ACTRI_RELAY_ICE_RESTART_REQUEST, "the network has changed");
    } else if (peer->restart_ns == 0 || actri_now_ns() - peer->restart_ns >= BETWEEN_NS) {
        offer_restart(peer);
    } else {
        peer->move_waits = true;
    }
}

static void answer_restart(peer_t *peer, const char *offer)
{
    if (peer->offerer) return; /* as the reference: ignored by an offerer */
    char *answer = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_rtc_accept_restart_offer(peer->rtc, offer, &answer, &error) != ACTR_OK) {
        actri_warn_often(peer->owner->env, &peer->owner->said, AREA, "restart offer refused: %s", error.message);
        return;
    }
    send_relay(peer, ACTRI_RELAY_ANSWER, answer);
    actri_free(peer->owner->env, answer);
}

/* ---- telling above ---- */

static void tell_up(peer_t *peer)
{
    actri_coordinator_t *c = peer->owner;
    char text[400];
    if (peer->session == 0) {
        peer->session = __atomic_fetch_add(&next_session, 1, __ATOMIC_RELAXED);
        c->up++;
    }
    peer->is_actr = actri_rtc_is_actr(peer->rtc);
    peer->credit = actri_rtc_knows_credit(peer->rtc);
    peer->tries = peer->restarts = 0;
    peer->why = (actr_error_t)ACTR_ERROR_INIT;
    actri_session_t session = session_of(peer);
    session.relayed = actri_rtc_is_relayed(peer->rtc);
    actri_rtc_describe(peer->rtc, text, sizeof text);
    c->handlers.on_up(c->user, &session, text);
}

/* number: the session that has ended, 0 when none had begun. */
static void tell_end(peer_t *peer, uint64_t number, unsigned actions)
{
    actri_coordinator_t *c = peer->owner;
    actr_error_t why = peer->why;
    if (why.status == ACTR_OK) (void)actri_fail(&why, ACTR_STATUS_UNAVAILABLE, "the connection has ended");
    if (number != 0) {
        actri_session_t session = {.peer = peer->id, .number = number, .is_actr = peer->is_actr};
        c->handlers.on_down(c->user, &session, &why);
    }
    if ((actions & ACTRI_PEER_TELL_FAILED) != 0) c->handlers.on_failed(c->user, &peer->id, &why);
}

/* ---- the machine ---- */

/* When the state's time is up. */
static int64_t state_time(const peer_t *peer, bool just_closed)
{
    if (peer->relay_failed) return OFFLINE_NS;
    switch (peer->state) {
    case ACTRI_PEER_IDLE: return PARKED_NS;
    case ACTRI_PEER_NEGOTIATING: return NEGOTIATION_NS;
    case ACTRI_PEER_OFFERING:
        if (just_closed) return AFTER_CLOSE_NS;
        if (peer->rtc == NULL) return OFFLINE_NS;
        return peer->answered ? CONNECT_NS : ANSWER_WAIT_NS << (peer->tries < 4 ? peer->tries - 1 : 3);
    case ACTRI_PEER_WAITING_OFFER: return OFFER_WAIT_NS;
    case ACTRI_PEER_ANSWERING: return peer->rtc == NULL ? OFFLINE_NS : CONNECT_NS;
    case ACTRI_PEER_CONNECTED: return peer->move_waits ? peer->restart_ns + BETWEEN_NS - actri_now_ns() : ACTRI_NEVER;
    case ACTRI_PEER_RECOVERING: return peer->offerer ? RESTART_NS * (1 + peer->restarts) : ACTRI_NEVER;
    default: return ACTRI_NEVER;
    }
}

static void arm(peer_t *peer, bool just_closed)
{
    int64_t wait = state_time(peer, just_closed);
    peer->due_ns = wait == ACTRI_NEVER ? ACTRI_NEVER : actri_now_ns() + wait;
    set_timer(peer);
}

static bool keeps_timer(actri_peer_event_t event, const actri_peer_step_t *next, actri_peer_state_t before)
{
    return next->next == before && next->actions == 0 && event != ACTRI_PEER_TIMER;
}

static void act(peer_t *peer, unsigned actions, bool just_closed, const char *text)
{
    if ((actions & ACTRI_PEER_NEGOTIATE) != 0) send_relay(peer, ACTRI_RELAY_ROLE_NEGOTIATION, NULL);
    if ((actions & ACTRI_PEER_MAKE_OFFER) != 0) make_offer(peer, just_closed);
    if ((actions & ACTRI_PEER_MAKE_ANSWER) != 0) make_answer(peer, text);
    if ((actions & ACTRI_PEER_TAKE_ANSWER) != 0) take_answer(peer, text);
    if ((actions & ACTRI_PEER_RESTART) != 0) restart(peer);
    if ((actions & ACTRI_PEER_MOVE) != 0) move(peer);
    if ((actions & ACTRI_PEER_ANSWER_RESTART) != 0) answer_restart(peer, text);
    if ((actions & ACTRI_PEER_TELL_UP) != 0) tell_up(peer);
}

static bool is_establishing(actri_peer_state_t state)
{
    return state != ACTRI_PEER_IDLE && state != ACTRI_PEER_CONNECTED && state != ACTRI_PEER_RECOVERING;
}

/* An attempt has its time from its beginning, or from the last wish; a recovery from the beginning of the silence. */
static void set_give_up(peer_t *peer, actri_peer_state_t before, actri_peer_event_t event)
{
    if (is_establishing(peer->state)) {
        bool fresh = !is_establishing(before) || event == ACTRI_PEER_WANT;
        if (fresh) peer->give_up_ns = actri_now_ns() + ATTEMPT_NS;
    } else if (peer->state != ACTRI_PEER_RECOVERING) {
        peer->give_up_ns = ACTRI_NEVER;
    } else if (before != ACTRI_PEER_RECOVERING) {
        peer->give_up_ns = actri_now_ns() + RECOVERY_NS;
    }
}

static void step(peer_t *peer, actri_peer_event_t event, const char *text)
{
    actri_coordinator_t *c = peer->owner;
    actri_peer_state_t before = peer->state;
    actri_peer_step_t next = actri_peer_step(before, event);
    if (!next.expected) {
        actri_debug(c->env, AREA, "%s: %s makes no sense while %s", peer->id.type.name, actri_peer_event_name(event),
                    actri_peer_state_name(before));
        return;
    }
    actri_debug(c->env, AREA, "%s/%llx: %s, %s -> %s", peer->id.type.name, (unsigned long long)peer->id.serial_number,
                actri_peer_event_name(event), actri_peer_state_name(before), actri_peer_state_name(next.next));
    peer->state = next.next;
    peer->depth++;
    set_give_up(peer, before, event);
    if (before == ACTRI_PEER_IDLE) peer->tries = 0;
    peer->relay_failed = false;
    uint64_t ended = 0;
    bool just_closed = false, begins = !is_establishing(before) && is_establishing(next.next);
    if ((next.actions & ACTRI_PEER_DROP) != 0) {
        just_closed = peer->rtc != NULL && peer->session != 0;
        ended = peer->session;
        if (ended != 0) c->up--;
        peer->session = 0;
        drop_rtc(peer);
    }
    act(peer, next.actions, just_closed, text);
    if (!keeps_timer(event, &next, before)) arm(peer, just_closed);
    if ((next.actions & (ACTRI_PEER_TELL_DOWN | ACTRI_PEER_TELL_FAILED)) != 0) tell_end(peer, ended, next.actions);
    if (begins) c->handlers.on_connecting(c->user, &peer->id);
    if ((next.actions & ACTRI_PEER_TELL_SILENT) != 0) {
        actri_session_t session = session_of(peer);
        c->handlers.on_silent(c->user, &session);
    }
    if (--peer->depth == 0 && peer->state == ACTRI_PEER_IDLE) free_peer(peer);
}

/* ---- events of the connection ---- */

/* The connection can carry messages: the peer has shown its certificate. False when peer is gone. */
static bool come_up(peer_t *peer)
{
    const actri_coordinator_t *c = peer->owner;
    if (peer->session == 0 && c->admits != NULL &&
        !c->admits(c->admits_user, &peer->id, actri_rtc_peer_fingerprint(peer->rtc))) {
        (void)actri_fail(&peer->why, ACTR_STATUS_PERMISSION_DENIED,
                         "the certificate of %s is none that [[trust]] names for its type", peer->id.type.name);
        actri_warn(c->env, AREA, "acl_denied: %s (%s)", peer->why.message, actri_rtc_peer_fingerprint(peer->rtc));
        step(peer, ACTRI_PEER_GIVE_UP, NULL);
        return false;
    }
    step(peer, ACTRI_PEER_UP, NULL);
    return true;
}

static void on_rtc_state(void *user, actri_rtc_state_t state, const actr_error_t *why)
{
    peer_t *peer = user;
    switch (state) {
    case ACTRI_RTC_CONNECTED:
        if (peer->state == ACTRI_PEER_RECOVERING) (void)come_up(peer);
        break;
    case ACTRI_RTC_DISCONNECTED: step(peer, ACTRI_PEER_SILENT, NULL); break;
    case ACTRI_RTC_CLOSED:
        if (why != NULL) peer->why = *why;
        step(peer, ended_event(peer), NULL);
        break;
    default: break;
    }
}

static void on_rtc_candidate(void *user, const char *candidate)
{
    peer_t *peer = user;
    actri_relay_t relay = {
        .kind = ACTRI_RELAY_CANDIDATE, .source = peer->owner->self, .target = peer->id, .text = candidate};
    actr_error_t error = ACTR_ERROR_INIT;
    if (peer->owner->handlers.relay(peer->owner->user, &relay, &error) != ACTR_OK) {
        actri_debug(peer->owner->env, AREA, "a candidate was not sent: %s", error.message);
    }
}

static void on_rtc_writable(void *user)
{
    peer_t *peer = user;
    actri_session_t session = session_of(peer);
    if (peer->session != 0) peer->owner->handlers.on_writable(peer->owner->user, &session);
}

static void on_rtc_lane_open(void *user, actr_payload_type_t lane)
{
    peer_t *peer = user;
    if (lane == ACTR_RPC_RELIABLE && !come_up(peer)) return;
    on_rtc_writable(peer); /* what had to wait for this lane */
}

static void on_rtc_message(void *user, actr_payload_type_t lane, actr_buf_t *message)
{
    peer_t *peer = user;
    if (peer->session == 0 && !come_up(peer)) { /* a lane of the peer's own that opened before RPC_RELIABLE did */
        actr_buf_release(message);
        return;
    }
    actri_session_t session = session_of(peer);
    if (peer->session == 0) {
        actr_buf_release(message);
    } else {
        peer->owner->handlers.on_message(peer->owner->user, &session, lane, message);
    }
}

static const actri_rtc_handlers_t rtc_handlers = {on_rtc_state, on_rtc_candidate, on_rtc_lane_open, on_rtc_message,
                                                  on_rtc_writable};

/* ---- relays ---- */

static void on_role(peer_t *peer, bool offerer)
{
    bool has_attempt = peer->rtc != NULL || peer->state == ACTRI_PEER_OFFERING;
    if (has_attempt && actri_now_ns() - peer->attempt_ns < YOUNG_NS) {
        actri_debug(peer->owner->env, AREA, "a repeated role assignment is ignored");
        return;
    }
    step(peer, offerer ? ACTRI_PEER_ROLE_OFFERER : ACTRI_PEER_ROLE_ANSWERER, NULL);
}

/* Both offered: the server said that we do, and the answer to ours is still to come. */
static bool offers_cross(const peer_t *peer)
{
    return peer->state == ACTRI_PEER_OFFERING && !peer->answered && peer->rtc != NULL &&
           actri_now_ns() - peer->attempt_ns < ANSWER_WAIT_NS;
}

static void on_candidate(peer_t *peer, const char *text)
{
    recent_t *recent = &peer->recent[peer->recent_at++ % RECENT_CANDIDATES];
    actri_free(peer->owner->env, recent->text);
    recent->text = actri_strdup(peer->owner->env, text);
    recent->when_ns = actri_now_ns();
    if (peer->rtc != NULL) {
        actr_error_t error = ACTR_ERROR_INIT;
        if (actri_rtc_add_candidate(peer->rtc, text, &error) != ACTR_OK) {
            actri_debug(peer->owner->env, AREA, "candidate refused: %s", error.message);
        }
    } else if (peer->state == ACTRI_PEER_IDLE) {
        arm(peer, false);
    }
}

static void on_refused(peer_t *peer, const actri_relay_t *relay)
{
    bool up = peer->state == ACTRI_PEER_CONNECTED || peer->state == ACTRI_PEER_RECOVERING;
    if (up || peer->state == ACTRI_PEER_IDLE) return;
    (void)actri_fail(&peer->why, ACTR_STATUS_UNAVAILABLE, "the signaling server refused (%u): %s", relay->code,
                     relay->text == NULL ? "" : relay->text);
    peer->why.remote_code = relay->code;
    step(peer, ACTRI_PEER_GIVE_UP, NULL);
}

static bool needs_text(actri_relay_kind_t kind)
{
    return kind == ACTRI_RELAY_OFFER || kind == ACTRI_RELAY_ANSWER || kind == ACTRI_RELAY_ICE_RESTART_OFFER ||
           kind == ACTRI_RELAY_CANDIDATE;
}

static void on_offer(peer_t *peer, const char *sdp)
{
    if (offers_cross(peer)) {
        actri_debug(peer->owner->env, AREA, "the peer offers too; ours stands");
        return;
    }
    step(peer, ACTRI_PEER_OFFER, sdp);
}

void actri_coordinator_relay(actri_coordinator_t *c, const actri_relay_t *relay)
{
    const actr_id_t *id = actr_id_equal(&relay->source, &c->self) ? &relay->target : &relay->source;
    actr_error_t error = ACTR_ERROR_INIT;
    if (needs_text(relay->kind) && relay->text == NULL) return;
    bool creates = relay->kind == ACTRI_RELAY_ROLE_ASSIGNMENT || relay->kind == ACTRI_RELAY_OFFER ||
                   relay->kind == ACTRI_RELAY_CANDIDATE;
    peer_t *peer = creates ? get_peer(c, id, &error) : find_peer(c, id);
    if (peer == NULL) {
        if (creates)
            actri_warn_often(c->env, &c->said, AREA, "relay from %s dropped: %s", id->type.name, error.message);
        return;
    }
    switch (relay->kind) {
    case ACTRI_RELAY_ROLE_ASSIGNMENT: on_role(peer, relay->is_offerer); break;
    case ACTRI_RELAY_OFFER: on_offer(peer, relay->text); break;
    case ACTRI_RELAY_ANSWER: step(peer, ACTRI_PEER_ANSWER, relay->text); break;
    case ACTRI_RELAY_ICE_RESTART_OFFER: step(peer, ACTRI_PEER_RESTART_OFFER, relay->text); break;
    case ACTRI_RELAY_CANDIDATE: on_candidate(peer, relay->text); break;
    case ACTRI_RELAY_REFUSED: on_refused(peer, relay); break;
    case ACTRI_RELAY_ICE_RESTART_REQUEST:
        if (peer->offerer) step(peer, ACTRI_PEER_MOVED, NULL);
        break;
    case ACTRI_RELAY_ROLE_NEGOTIATION: break;
    case ACTRI_RELAY_RENEGOTIATION_OFFER:
        actri_warn_often(c->env, &c->said, AREA, "a renegotiation is not supported, ignored");
        break;
    }
}

/* ---- from above ---- */

actr_status_t actri_coordinator_new(const actri_coordinator_options_t *options,
                                    const actri_coordinator_handlers_t *handlers, void *user, actri_coordinator_t **out,
                                    actr_error_t *error)
{
    actri_coordinator_t *c = actri_zalloc(options->env, sizeof *c);
    if (c == NULL) return actri_no_memory(error);
    c->env = options->env;
    c->loop = options->loop;
    if (options->rtc != NULL) c->rtc = *options->rtc;
    c->rtc.loop = options->loop;
    c->rtc.env = options->env;
    c->rtc.certificate = options->certificate;
    c->rtc.loopback = options->loopback;
    c->rtc.force_relay = options->force_relay;
    c->max_peers = options->max_peers;
    c->admits = options->admits;
    c->admits_user = options->admits_user;
    c->handlers = *handlers;
    c->user = user;
    actri_map_init(&c->peers, options->env);
    *out = c;
    return ACTR_OK;
}

void actri_coordinator_free(actri_coordinator_t *c)
{
    if (c == NULL) return;
    for (;;) { /* free_peer changes the map: begin anew each time */
        size_t cursor = 0;
        peer_t *peer = actri_map_next(&c->peers, &cursor);
        if (peer == NULL) break;
        free_peer(peer);
    }
    actri_map_clear(&c->peers);
    actri_free(c->env, c);
}

void actri_coordinator_set_identity(actri_coordinator_t *c, const actr_id_t *self)
{
    c->self = *self;
}

actr_status_t actri_coordinator_want(actri_coordinator_t *c, const actr_id_t *id, actr_error_t *error)
{
    peer_t *peer = get_peer(c, id, error);
    if (peer == NULL) return error != NULL ? error->status : ACTR_STATUS_LIMIT_REACHED;
    step(peer, ACTRI_PEER_WANT, NULL);
    return ACTR_OK;
}

actr_status_t actri_coordinator_send(actri_coordinator_t *c, const actr_id_t *id, uint64_t session,
                                     actr_payload_type_t lane, const actr_buf_t *message, uint64_t *sent_on,
                                     actr_error_t *error)
{
    const peer_t *peer = find_peer(c, id);
    if (peer == NULL || peer->session == 0 || (session != 0 && session != peer->session)) {
        return actri_fail(error, ACTR_STATUS_UNAVAILABLE, "no connection to %s", id->type.name);
    }
    if (!actri_rtc_lane_is_open(peer->rtc, lane)) return ACTR_STATUS_WOULD_BLOCK; /* the lanes open one by one */
    if (sent_on != NULL) *sent_on = peer->session;
    return actri_rtc_send(peer->rtc, lane, actr_buf_data(message), actr_buf_size(message), error);
}

void actri_coordinator_pause(actri_coordinator_t *c, const actri_session_t *session, bool paused)
{
    const peer_t *peer = find_peer(c, &session->peer);
    if (peer != NULL && peer->session == session->number) actri_rtc_pause(peer->rtc, paused);
}

void actri_coordinator_give_up(actri_coordinator_t *c, const actri_session_t *session, const char *why)
{
    const peer_t *peer = find_peer(c, &session->peer);
    if (peer != NULL && peer->session == session->number) actri_rtc_give_up(peer->rtc, why);
}

uint32_t actri_coordinator_peer_count(const actri_coordinator_t *c)
{
    return c->up;
}

const actr_id_t *actri_coordinator_next_peer(const actri_coordinator_t *c, size_t *cursor, actr_dest_state_t *state)
{
    const peer_t *peer;
    while ((peer = actri_map_next(&c->peers, cursor)) != NULL) {
        if (peer->state == ACTRI_PEER_IDLE) continue; /* parked candidates only */
        *state = is_establishing(peer->state)           ? ACTR_DEST_CONNECTING
                 : peer->state == ACTRI_PEER_RECOVERING ? ACTR_DEST_RECOVERING
                                                        : ACTR_DEST_CONNECTED;
        return &peer->id;
    }
    return NULL;
}

bool actri_coordinator_find_peer(const actri_coordinator_t *c, const actr_id_t *id)
{
    const peer_t *peer = find_peer(c, id);
    return peer != NULL && peer->state != ACTRI_PEER_IDLE;
}

unsigned actri_coordinator_moved(actri_coordinator_t *c)
{
    unsigned count = 0;
    size_t cursor = 0;
    peer_t *peer;
    while ((peer = actri_map_next(&c->peers, &cursor)) != NULL) { /* none of them goes by that */
        if (peer->session == 0) continue;
        count++;
        step(peer, ACTRI_PEER_MOVED, NULL);
    }
    return count;
}

void actri_coordinator_close_peer(actri_coordinator_t *c, const actr_id_t *id, const actr_error_t *why)
{
    peer_t *peer = find_peer(c, id);
    if (peer == NULL || peer->state == ACTRI_PEER_IDLE) return;
    peer->why = *why;
    step(peer, ACTRI_PEER_GIVE_UP, NULL);
}
