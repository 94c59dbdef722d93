/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the mind of an ICE agent against a peer that knows the passwords and says anything: the input is a script of
 * its candidates, its checks and answers, restarts and the time. The agent stays within its tables, asks to be called
 * again later than now, answers a request at most once, sends only to whom it knows, and what it sends is STUN.
 *
 * A script is one byte with the role and a row of steps: one byte that says what, then of CANDIDATE a text, a zero
 * behind it; of REQUEST, SUCCESS and ERROR who, what flags, and a tie-breaker; of PASS how long; of DATA who.
 */
#include "port/clock.h"
#include "script.h"
#include "wire/ice_core.h"
#include "wire/stun.h"

enum { STEP_CANDIDATE, STEP_REQUEST, STEP_SUCCESS, STEP_ERROR, STEP_PASS, STEP_RESTART, STEP_REMOTE, STEP_DATA, STEPS };
enum { NOMINATES = 1, CONTROLS = 2, OBEYS = 4, STRANGER = 8, OLD_ID = 16, CONFLICT = 32 };

#define OTHERS 4
#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static struct {
    actri_ice_core_t core;
    int64_t now_ns;
    unsigned sent, answers;
    uint8_t ids[2][ACTRI_STUN_ID]; /* of the last check that was sent, and of the one before */
    unsigned states;
} stage;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_send(void *user, unsigned local, const actri_address_t *to, const uint8_t *data, size_t size)
{
    actri_stun_t message;
    (void)user;
    demand(local < stage.core.local_count && to->family != 0 && to->port != 0, "a datagram to nowhere");
    demand(size <= ACTRI_STUN_MAX && actri_stun_decode(data, size, &message), "it sends what is no STUN");
    demand(message.has_integrity && message.has_fingerprint, "it sends what nobody can check");
    stage.sent++;
    if (message.class != ACTRI_STUN_REQUEST) {
        stage.answers++;
        return;
    }
    memcpy(stage.ids[1], stage.ids[0], ACTRI_STUN_ID);
    memcpy(stage.ids[0], message.id, ACTRI_STUN_ID);
}

static void on_state(void *user, actri_ice_state_t state)
{
    (void)user;
    demand(state <= ACTRI_ICE_FAILED, "no state");
    stage.states++;
}

static actri_address_t address_of(uint8_t who)
{
    static const char *const ips[OTHERS] = {"192.0.2.1", "198.51.100.7", "2001:db8::1", "203.0.113.9"};
    actri_address_t address;
    demand(actri_address_parse(ips[who % OTHERS], 4000u + who / OTHERS, &address), "no address");
    return address;
}

static void candidate(script_t *script)
{
    actri_candidate_t parsed;
    actr_error_t error = ACTR_ERROR_INIT;
    char *text = script_text(script);
    actr_status_t status = actri_candidate_parse(text, false, &parsed, &error);
    if (status == ACTR_OK && stage.core.remote_ufrag[0] != '\0') {
        status = actri_ice_core_add_remote(&stage.core, &parsed, &error);
    }
    demand(status == ACTR_OK || error.message[0] != '\0', "a refusal without words");
    demand_line(error.message, "a refusal");
    free(text);
}

static void deliver(unsigned local, const actri_address_t *from, const uint8_t *data, size_t size, bool asks)
{
    stage.answers = 0;
    (void)actri_ice_core_receive(&stage.core, local, from, data, size, stage.now_ns);
    demand(stage.answers <= (asks ? 1 : 0), "an answer to none, or a second one");
}

static void request(script_t *script)
{
    uint8_t bytes[ACTRI_STUN_MAX];
    uint8_t who = script_byte(script), flags = script_byte(script), tie = script_byte(script);
    actri_address_t from = address_of(who);
    actri_stun_t message = {.class = ACTRI_STUN_REQUEST, .method = 1, .id = {who, flags, tie}};
    bool old = (flags & OLD_ID) != 0 && stage.core.old_ufrag[0] != '\0';
    (void)snprintf(message.username, sizeof message.username, "%s:%s",
                   (flags & STRANGER) != 0 ? "none" : (old ? stage.core.old_ufrag : stage.core.ufrag), "peer");
    message.use_candidate = (flags & NOMINATES) != 0;
    message.has_controlling = (flags & CONTROLS) != 0;
    message.has_controlled = (flags & OBEYS) != 0;
    message.tie_breaker = tie < 128 ? tie : UINT64_MAX - tie;
    message.has_priority = true;
    message.priority = (uint32_t)tie << 20;
    size_t size = actri_stun_encode(&message, old ? stage.core.old_pwd : stage.core.pwd, bytes);
    deliver(who % 2, &from, bytes, size, true);
}

static void answer(script_t *script, actri_stun_class_t class)
{
    uint8_t bytes[ACTRI_STUN_MAX];
    uint8_t who = script_byte(script), flags = script_byte(script), code = script_byte(script);
    actri_address_t from = address_of(who);
    actri_stun_t message = {.class = class, .method = 1, .has_mapped = true, .mapped = address_of(code)};
    memcpy(message.id, stage.ids[(flags & OLD_ID) != 0], ACTRI_STUN_ID);
    if (class == ACTRI_STUN_ERROR) message.error_code = (flags & CONFLICT) != 0 ? 487 : 300u + code;
    if ((flags & CONTROLS) != 0) memcpy(message.id, stage.core.consent_id, ACTRI_STUN_ID);
    size_t size = actri_stun_encode(&message, (flags & STRANGER) != 0 ? "another" : PASSWORD, bytes);
    deliver(who % 2, &from, bytes, size, false);
}

/* Comes again when it asked for it, up to then. */
static void pass(int64_t ns)
{
    int64_t until = stage.now_ns + ns;
    for (unsigned n = 0;; n++) {
        unsigned sent = stage.sent;
        int64_t next = actri_ice_core_tick(&stage.core, stage.now_ns);
        demand(next > stage.now_ns, "it wants to be called at once, for ever");
        demand(stage.sent - sent <= 2u * ACTRI_ICE_PAIRS, "a flood");
        if (next > until || n > 2000) break;
        stage.now_ns = next;
    }
    stage.now_ns = until;
}

static void look(void)
{
    const actri_ice_core_t *core = &stage.core;
    demand(core->pair_count <= ACTRI_ICE_PAIRS && core->remote_count <= ACTRI_ICE_REMOTES, "beyond its tables");
    for (size_t i = 0; i < core->pair_count; i++) {
        demand(core->pairs[i].local < core->local_count && core->pairs[i].remote < core->remote_count,
               "a pair of none");
    }
    demand(!core->selected || core->selected_local < core->local_count, "a selected pair of none");
    demand(core->state != ACTRI_ICE_CONNECTED || core->selected, "connected over nothing");
}

static void step(script_t *script)
{
    uint8_t data[4] = {0x80, 1, 2, 3};
    actri_address_t from;
    switch (script_byte(script) % STEPS) {
    case STEP_CANDIDATE: candidate(script); break;
    case STEP_REQUEST: request(script); break;
    case STEP_SUCCESS: answer(script, ACTRI_STUN_SUCCESS); break;
    case STEP_ERROR: answer(script, ACTRI_STUN_ERROR); break;
    case STEP_PASS: pass(script_byte(script) * 50 * ACTRI_MS); break;
    case STEP_RESTART: actri_ice_core_restart(&stage.core); break;
    case STEP_REMOTE: actri_ice_core_set_remote(&stage.core, "peer", PASSWORD, stage.now_ns); break;
    case STEP_DATA:
        from = address_of(script_byte(script));
        deliver(0, &from, data, sizeof data, false);
        break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script_t script = {data, size};
    actri_address_t own;
    memset(&stage, 0, sizeof stage);
    stage.now_ns = ACTRI_SECOND;
    actri_ice_core_init(&stage.core, NULL, script_byte(&script) % 2 != 0);
    stage.core.send = on_send;
    stage.core.on_state = on_state;
    demand(actri_address_parse("192.0.2.200", 5000, &own) && actri_ice_core_add_local(&stage.core, &own) == 0, "own");
    demand(actri_address_parse("2001:db8::200", 5001, &own) && actri_ice_core_add_local(&stage.core, &own) == 1, "own");
    while (script.left > 0) {
        step(&script);
        look();
    }
    pass(60 * ACTRI_SECOND);
    look();
    return 0;
}
