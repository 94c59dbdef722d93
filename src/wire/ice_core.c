/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks go out one every PACE, those that the peer's checks asked for first; the controlling side nominates the first
 * good pair of hosts at once, and waits a moment for a better one otherwise. Once selected, a check every CONSENT
 * keeps the path, and its answers are the sign of life (RFC 7675).
 */
#include "wire/ice_core.h"

#include "port/clock.h"
#include "port/random.h"
#include "wire/stun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACE_NS (2 * ACTRI_MS)
#define FIRST_RTO_NS (100 * ACTRI_MS)
#define MOST_SENDS 7
#define ECHO_NS (20 * ACTRI_MS)         /* a check in flight is sent again this soon after the peer's check came in */
#define RETRY_BAD_NS (1 * ACTRI_SECOND) /* a pair that failed is tried again while nothing is selected */
#define BETTER_WAIT_NS (200 * ACTRI_MS) /* before a pair that is not host to host is nominated */
#define CONSENT_NS (1500 * ACTRI_MS)
#define SILENCE_NS (5 * ACTRI_SECOND) /* until the peer counts as gone quiet (webrtc 4) */
#define PEER_CANDIDATES 32

static const uint32_t type_preference[] = {126, 100, 110, 0};

/* ---- candidates ---- */

static uint32_t priority_of(actri_candidate_type_t type, unsigned index)
{
    return type_preference[type] << 24 | (65535u - index) << 8 | 255u;
}

void actri_ice_core_init(actri_ice_core_t *core, const actri_env_t *env, bool controlling)
{
    memset(core, 0, sizeof *core);
    core->env = env;
    core->controlling = controlling;
    core->tie_breaker = actri_random_u64();
    actri_ice_core_restart(core);
    core->restarted = false;
    core->old_ufrag[0] = '\0';
}

int actri_ice_core_add_local(actri_ice_core_t *core, const actri_address_t *address)
{
    if (core->local_count == ACTRI_ICE_LOCALS) return -1;
    unsigned index = (unsigned)core->local_count++;
    core->locals[index] = (actri_candidate_t){*address, ACTRI_HOST, priority_of(ACTRI_HOST, index)};
    return (int)index;
}

void actri_ice_core_print(const actri_ice_core_t *core, unsigned local, char *text, size_t size)
{
    char ip[ACTRI_ADDRESS_TEXT];
    const actri_candidate_t *c = &core->locals[local];
    (void)snprintf(text, size, "candidate:%u 1 udp %u %s %u typ host", local + 1, c->priority,
                   actri_address_ip_text(&c->address, ip), c->address.port);
}

static const char *refused(const actri_address_t *address, bool loopback)
{
    if (!loopback && actri_address_is_loopback(address)) return "loopback";
    if (actri_address_is_link_local(address)) return "link-local";
    if (actri_address_is_multicast(address)) return "multicast";
    return address->port == 0 ? "port 0" : NULL;
}

/* Splits a copy of the text at its blanks; how many fields there are, at most `most`. */
static unsigned split(char *text, char **fields, unsigned most)
{
    unsigned count = 0;
    char *rest = NULL;
    for (char *at = strtok_r(text, " ", &rest); at != NULL && count < most; at = strtok_r(NULL, " ", &rest)) {
        fields[count++] = at;
    }
    return count;
}

static bool is_number(const char *text, unsigned long most, unsigned long *out)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') return false;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && *out <= most;
}

/* RFC 8839 5.1: foundation component transport priority address port "typ" type ... */
actr_status_t actri_candidate_parse(const char *text, bool loopback, actri_candidate_t *out, actr_error_t *error)
{
    enum { FOUNDATION, COMPONENT, TRANSPORT, PRIORITY, IP, PORT, TYP, TYPE, FIELDS };
    static const char *const types[] = {"host", "srflx", "prflx", "relay"};
    char copy[512], *field[FIELDS];
    unsigned long component, priority, port;
    memset(out, 0, sizeof *out);
    (void)snprintf(copy, sizeof copy, "%s", strncmp(text, "candidate:", 10) == 0 ? text + 10 : text);
    bool good = split(copy, field, FIELDS) == FIELDS && is_number(field[COMPONENT], 256, &component) &&
                is_number(field[PRIORITY], UINT32_MAX, &priority) && is_number(field[PORT], 65535, &port) &&
                strcmp(field[TYP], "typ") == 0;
    if (good && strcasecmp(field[TRANSPORT], "udp") != 0) {
        return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "\"%.80s\" is refused: not UDP", text);
    }
    if (!good || component != 1 || !actri_address_parse(field[IP], (unsigned)port, &out->address)) {
        return actri_fail(error, ACTR_STATUS_WIRE_PROTOCOL, "\"%.80s\" is no candidate with an address", text);
    }
    out->priority = (uint32_t)priority;
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(field[TYPE], types[i]) == 0) out->type = (actri_candidate_type_t)i;
    }
    const char *why = refused(&out->address, loopback);
    if (why != NULL) return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "\"%.80s\" is refused: %s", text, why);
    return ACTR_OK;
}

/* ---- pairs ---- */

static uint64_t pair_priority(const actri_ice_core_t *core, uint32_t local, uint32_t remote)
{
    uint64_t g = core->controlling ? local : remote, d = core->controlling ? remote : local;
    return (g < d ? g : d) << 32 | 2 * (g > d ? g : d) | (g > d ? 1 : 0); /* RFC 8445 6.1.2.3 */
}

static bool can_pair(const actri_address_t *local, const actri_address_t *remote)
{
    return local->family == remote->family && actri_address_is_loopback(local) == actri_address_is_loopback(remote);
}

static actri_ice_pair_t *find_pair(actri_ice_core_t *core, unsigned local, unsigned remote)
{
    for (size_t i = 0; i < core->pair_count; i++) {
        if (core->pairs[i].local == local && core->pairs[i].remote == remote) return &core->pairs[i];
    }
    return NULL;
}

static actri_ice_pair_t *add_pair(actri_ice_core_t *core, unsigned local, unsigned remote)
{
    if (core->pair_count == ACTRI_ICE_PAIRS) return NULL;
    actri_ice_pair_t *pair = &core->pairs[core->pair_count++];
    memset(pair, 0, sizeof *pair);
    pair->local = (uint8_t)local;
    pair->remote = (uint8_t)remote;
    pair->priority = pair_priority(core, core->locals[local].priority, core->remotes[remote].priority);
    return pair;
}

static int find_remote(const actri_ice_core_t *core, const actri_address_t *address)
{
    for (size_t i = 0; i < core->remote_count; i++) {
        if (actri_address_equal(&core->remotes[i].address, address)) return (int)i;
    }
    return -1;
}

static int add_remote(actri_ice_core_t *core, const actri_candidate_t *candidate)
{
    if (core->remote_count == ACTRI_ICE_REMOTES) return -1;
    core->remotes[core->remote_count] = *candidate;
    return (int)core->remote_count++;
}

actr_status_t actri_ice_core_add_remote(actri_ice_core_t *core, const actri_candidate_t *candidate, actr_error_t *error)
{
    int known = find_remote(core, &candidate->address);
    if (known >= 0) { /* it had shown itself before its candidate came */
        core->remotes[known].type = candidate->type;
        return ACTR_OK;
    }
    if (core->remote_count >= PEER_CANDIDATES) {
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%d candidates are the limit", PEER_CANDIDATES);
    }
    int remote = add_remote(core, candidate);
    for (unsigned local = 0; local < core->local_count; local++) {
        if (can_pair(&core->locals[local].address, &candidate->address)) (void)add_pair(core, local, (unsigned)remote);
    }
    return ACTR_OK;
}

/* ---- credentials ---- */

static void random_letters(char *out, size_t count)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[ACTRI_PWD_SIZE];
    actri_random(bytes, count);
    for (size_t i = 0; i < count; i++) out[i] = letters[bytes[i] & 63];
    out[count] = '\0';
}

void actri_ice_core_restart(actri_ice_core_t *core)
{
    memcpy(core->old_ufrag, core->ufrag, sizeof core->ufrag);
    memcpy(core->old_pwd, core->pwd, sizeof core->pwd);
    random_letters(core->ufrag, ACTRI_UFRAG_SIZE - 1);
    random_letters(core->pwd, ACTRI_PWD_SIZE - 1);
    core->remote_ufrag[0] = '\0';
    core->remote_count = core->pair_count = 0;
    core->restarted = core->selected;
}

void actri_ice_core_set_remote(actri_ice_core_t *core, const char *ufrag, const char *pwd, int64_t now_ns)
{
    (void)snprintf(core->remote_ufrag, sizeof core->remote_ufrag, "%s", ufrag);
    (void)snprintf(core->remote_pwd, sizeof core->remote_pwd, "%s", pwd);
    core->began_ns = now_ns;
}

/* ---- what we send ---- */

static void send_message(actri_ice_core_t *core, unsigned local, const actri_address_t *to, const actri_stun_t *message,
                         const char *password)
{
    uint8_t data[ACTRI_STUN_MAX];
    size_t size = actri_stun_encode(message, password, data);
    if (size > 0) core->send(core->user, local, to, data, size);
}

static void send_check(actri_ice_core_t *core, unsigned local, const actri_address_t *to, const uint8_t id[12],
                       bool nominate)
{
    actri_stun_t check = {.class = ACTRI_STUN_REQUEST, .method = 1, .tie_breaker = core->tie_breaker};
    memcpy(check.id, id, sizeof check.id);
    (void)snprintf(check.username, sizeof check.username, "%s:%s", core->remote_ufrag, core->ufrag);
    check.has_priority = true;
    check.priority = priority_of(ACTRI_PRFLX, local);
    check.has_controlling = core->controlling;
    check.has_controlled = !core->controlling;
    check.use_candidate = nominate && core->controlling;
    send_message(core, local, to, &check, core->remote_pwd);
}

static void begin_check(actri_ice_core_t *core, actri_ice_pair_t *pair, bool nominate, int64_t now_ns)
{
    actri_random(pair->id, sizeof pair->id);
    if (pair->state != ACTRI_PAIR_GOOD) pair->state = ACTRI_PAIR_CHECKING;
    pair->as_controlling = core->controlling;
    pair->nominating = nominate;
    pair->triggered = false;
    pair->sent = 1;
    pair->next_ns = now_ns + FIRST_RTO_NS;
    send_check(core, pair->local, &core->remotes[pair->remote].address, pair->id, nominate);
}

static void answer(actri_ice_core_t *core, unsigned local, const actri_address_t *to, const actri_stun_t *request,
                   const char *password, unsigned error_code)
{
    actri_stun_t reply = {.class = error_code == 0 ? ACTRI_STUN_SUCCESS : ACTRI_STUN_ERROR,
                          .method = 1,
                          .error_code = error_code,
                          .has_mapped = error_code == 0,
                          .mapped = *to};
    memcpy(reply.id, request->id, sizeof reply.id);
    send_message(core, local, to, &reply, password);
}

/* ---- selection ---- */

static void set_state(actri_ice_core_t *core, actri_ice_state_t state)
{
    if (core->state == state) return;
    core->state = state;
    core->on_state(core->user, state);
}

static void select_pair(actri_ice_core_t *core, const actri_ice_pair_t *pair, int64_t now_ns)
{
    core->selected = true;
    core->restarted = false;
    core->selected_local = pair->local;
    core->selected_remote = core->remotes[pair->remote];
    core->heard_ns = now_ns;
    core->consent_ns = now_ns + CONSENT_NS;
    actri_random(core->consent_id, sizeof core->consent_id);
    set_state(core, ACTRI_ICE_CONNECTED);
}

static bool is_selected(const actri_ice_core_t *core, const actri_ice_pair_t *pair)
{
    return core->selected && !core->restarted && core->selected_local == pair->local &&
           actri_address_equal(&core->selected_remote.address, &core->remotes[pair->remote].address);
}

static void heard(actri_ice_core_t *core, unsigned local, const actri_address_t *from, int64_t now_ns)
{
    if (!core->selected || core->selected_local != local ||
        !actri_address_equal(&core->selected_remote.address, from)) {
        return;
    }
    core->heard_ns = now_ns;
    if (core->state == ACTRI_ICE_DISCONNECTED) set_state(core, ACTRI_ICE_CONNECTED);
}

/* The controlling side: nominates the best good pair, host to host at once. */
static void nominate(actri_ice_core_t *core, int64_t now_ns)
{
    actri_ice_pair_t *best = NULL;
    if (core->selected && !core->restarted) return;
    for (size_t i = 0; i < core->pair_count; i++) {
        actri_ice_pair_t *pair = &core->pairs[i];
        if (pair->nominating) return; /* one at a time */
        if (pair->state == ACTRI_PAIR_GOOD && (best == NULL || pair->priority > best->priority)) best = pair;
    }
    if (best == NULL) return;
    actri_candidate_type_t type = core->remotes[best->remote].type;
    bool direct = type == ACTRI_HOST || type == ACTRI_PRFLX;
    if (direct || now_ns - core->began_ns > BETTER_WAIT_NS) begin_check(core, best, true, now_ns);
}

static void on_good(actri_ice_core_t *core, actri_ice_pair_t *pair, int64_t now_ns)
{
    bool nominated = core->controlling ? pair->nominating : pair->peer_nominated;
    pair->state = ACTRI_PAIR_GOOD;
    pair->nominating = false;
    if (nominated && !is_selected(core, pair))
        select_pair(core, pair, now_ns);
    else if (core->controlling)
        nominate(core, now_ns);
}

/* ---- what arrives ---- */

static bool has_lost_role_conflict(actri_ice_core_t *core, const actri_stun_t *request)
{
    bool conflict = core->controlling ? request->has_controlling : request->has_controlled;
    if (!conflict) return false;
    bool keep = core->controlling == (core->tie_breaker >= request->tie_breaker);
    if (keep) return true;
    core->controlling = !core->controlling;
    return false;
}

static const char *password_for(const actri_ice_core_t *core, const char *username)
{
    size_t size = strcspn(username, ":");
    if (size == strlen(core->ufrag) && memcmp(username, core->ufrag, size) == 0) return core->pwd;
    bool old =
        core->old_ufrag[0] != '\0' && size == strlen(core->old_ufrag) && memcmp(username, core->old_ufrag, size) == 0;
    return old ? core->old_pwd : NULL;
}

/* The pair of a check that came in; an unknown source is a peer-reflexive candidate. */
static actri_ice_pair_t *pair_of_check(actri_ice_core_t *core, unsigned local, const actri_address_t *from,
                                       uint32_t priority)
{
    int remote = find_remote(core, from);
    if (remote < 0) {
        actri_candidate_t shown = {*from, ACTRI_PRFLX, priority};
        remote = add_remote(core, &shown);
    }
    if (remote < 0) return NULL;
    actri_ice_pair_t *pair = find_pair(core, local, (unsigned)remote);
    return pair != NULL ? pair : add_pair(core, local, (unsigned)remote);
}

/*
 * The peer's check shows that its path is open (RFC 8445 7.3.1.4). A check in flight keeps its id, for its answer may
 * be on the way: two sides that replace their ids at each other's checks would never finish.
 */
static void trigger(actri_ice_core_t *core, actri_ice_pair_t *pair, int64_t now_ns)
{
    if (pair->sent > 0) {
        if (pair->next_ns > now_ns + ECHO_NS) pair->next_ns = now_ns + ECHO_NS;
    } else if (core->remote_ufrag[0] != '\0') {
        begin_check(core, pair, false, now_ns);
    } else {
        pair->triggered = true;
    }
}

static void on_request(actri_ice_core_t *core, unsigned local, const actri_address_t *from, const actri_stun_t *request,
                       const uint8_t *data, size_t size, int64_t now_ns)
{
    const char *password = password_for(core, request->username);
    if (password == NULL || !actri_stun_verify(data, size, password)) return;
    if (has_lost_role_conflict(core, request)) {
        answer(core, local, from, request, password, 487);
        return;
    }
    answer(core, local, from, request, password, 0);
    heard(core, local, from, now_ns);
    if (password != core->pwd) return; /* of before the restart: only kept alive */
    actri_ice_pair_t *pair = pair_of_check(core, local, from, request->priority);
    if (pair == NULL) return;
    if (request->use_candidate && !core->controlling) {
        pair->peer_nominated = true;
        if (pair->state == ACTRI_PAIR_GOOD && !is_selected(core, pair)) select_pair(core, pair, now_ns);
    }
    if (pair->state != ACTRI_PAIR_GOOD) trigger(core, pair, now_ns);
}

static void on_response(actri_ice_core_t *core, unsigned local, const actri_address_t *from, const actri_stun_t *reply,
                        const uint8_t *data, size_t size, int64_t now_ns)
{
    if (!actri_stun_verify(data, size, core->remote_pwd)) return;
    if (core->selected && memcmp(reply->id, core->consent_id, sizeof reply->id) == 0) {
        heard(core, local, from, now_ns);
        return;
    }
    for (size_t i = 0; i < core->pair_count; i++) {
        actri_ice_pair_t *pair = &core->pairs[i];
        if (pair->sent == 0 || memcmp(pair->id, reply->id, sizeof reply->id) != 0) continue;
        if (pair->local != local || !actri_address_equal(&core->remotes[pair->remote].address, from)) return;
        pair->sent = 0;
        if (reply->class == ACTRI_STUN_SUCCESS) {
            heard(core, local, from, now_ns);
            on_good(core, pair, now_ns);
        } else if (reply->error_code == 487) { /* we lost the conflict: the other role, again */
            core->controlling = !pair->as_controlling;
            pair->state = ACTRI_PAIR_WAITING;
            pair->nominating = false;
            pair->triggered = true;
        } else {
            pair->state = ACTRI_PAIR_BAD;
            pair->nominating = false;
        }
        return;
    }
}

bool actri_ice_core_receive(actri_ice_core_t *core, unsigned local, const actri_address_t *from, const uint8_t *data,
                            size_t size, int64_t now_ns)
{
    actri_stun_t message;
    if (!actri_stun_is(data, size)) {
        heard(core, local, from, now_ns);
        return false;
    }
    if (!actri_stun_decode(data, size, &message) || message.method != 1) return true;
    if (message.class == ACTRI_STUN_REQUEST)
        on_request(core, local, from, &message, data, size, now_ns);
    else if (message.class == ACTRI_STUN_SUCCESS || message.class == ACTRI_STUN_ERROR) {
        on_response(core, local, from, &message, data, size, now_ns);
    }
    return true;
}

/* ---- time ---- */

static void repeat_check(actri_ice_core_t *core, actri_ice_pair_t *pair, int64_t now_ns)
{
    if (pair->sent == 0 || pair->next_ns > now_ns) return;
    if (pair->as_controlling != core->controlling) {
        begin_check(core, pair, false, now_ns); /* an answer would be to the role that we had */
    } else if (pair->sent < MOST_SENDS) {
        send_check(core, pair->local, &core->remotes[pair->remote].address, pair->id, pair->nominating);
        pair->next_ns = now_ns + (FIRST_RTO_NS << pair->sent);
        pair->sent++;
    } else {
        pair->sent = 0;
        pair->state = ACTRI_PAIR_BAD;
        pair->nominating = false;
        pair->next_ns = now_ns + RETRY_BAD_NS;
    }
}

static actri_ice_pair_t *next_to_check(actri_ice_core_t *core, int64_t now_ns)
{
    actri_ice_pair_t *best = NULL;
    bool searching = !core->selected || core->restarted;
    for (size_t i = 0; i < core->pair_count; i++) {
        actri_ice_pair_t *pair = &core->pairs[i];
        bool again = pair->state == ACTRI_PAIR_BAD && searching && pair->next_ns <= now_ns;
        if (pair->sent > 0 || !(pair->triggered || (pair->state == ACTRI_PAIR_WAITING && searching) || again)) continue;
        bool better = best == NULL || (pair->triggered && !best->triggered) ||
                      (pair->triggered == best->triggered && pair->priority > best->priority);
        if (better) best = pair;
    }
    return best;
}

static void keep_consent(actri_ice_core_t *core, int64_t now_ns)
{
    if (now_ns - core->heard_ns > SILENCE_NS) set_state(core, ACTRI_ICE_DISCONNECTED);
    if (core->consent_ns > now_ns || core->restarted) return;
    actri_random(core->consent_id, sizeof core->consent_id);
    send_check(core, core->selected_local, &core->selected_remote.address, core->consent_id, false);
    core->consent_ns = now_ns + CONSENT_NS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t actri_ice_core_tick(actri_ice_core_t *core, int64_t now_ns)
{
    int64_t next = ACTRI_NEVER;
    if (core->remote_ufrag[0] == '\0') return core->selected ? now_ns + CONSENT_NS : ACTRI_NEVER;
    for (size_t i = 0; i < core->pair_count; i++) repeat_check(core, &core->pairs[i], now_ns);
    if (core->controlling) nominate(core, now_ns);
    actri_ice_pair_t *pair = core->check_ns <= now_ns ? next_to_check(core, now_ns) : NULL;
    if (pair != NULL) {
        begin_check(core, pair, false, now_ns);
        core->check_ns = now_ns + PACE_NS;
    }
    if (next_to_check(core, now_ns) != NULL) next = earlier(next, core->check_ns);
    for (size_t i = 0; i < core->pair_count; i++) {
        bool again = core->pairs[i].state == ACTRI_PAIR_BAD && (!core->selected || core->restarted);
        if (core->pairs[i].sent > 0 || again) next = earlier(next, core->pairs[i].next_ns);
    }
    if (core->selected) {
        keep_consent(core, now_ns);
        next = earlier(next, core->restarted ? now_ns + CONSENT_NS : core->consent_ns);
    } else if (core->controlling && core->pair_count > 0) {
        next = earlier(next, now_ns + BETTER_WAIT_NS);
    }
    return next <= now_ns ? now_ns + PACE_NS : next;
}
