/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the mind of the development server: the input is a script of what its clients do, in any order. It sends and
 * closes only connections that are open, what it sends decodes, its lines for people are lines, and no more actors are
 * online than connections are open.
 *
 * A script is a row of steps: one byte that says what, one byte with the connection, and for RECEIVE the length of the
 * message in two bytes, high one first, and the message; for OPEN a query, a zero behind it. OWN is RECEIVE of a
 * message that gets the id and the credential that its connection was given, and as its target the next connection's.
 */
#include "script.h"
#include "server/core.h"

#include "signaling.pb-c.h"

enum { STEP_RECEIVE, STEP_OPEN, STEP_CLOSE, STEP_PASS, STEP_SWITCH, STEP_KICK, STEP_OWN, STEPS };

#define CONNECTIONS 4

static struct {
    actri_core_t *core;
    bool open[CONNECTIONS];
    int64_t now_ms;
    Signaling__SignalingEnvelope *given[CONNECTIONS]; /* the answer to a registration; may be NULL */
} stage;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_send(void *user, uint64_t connection, const uint8_t *data, size_t size)
{
    (void)user;
    demand(connection >= 1 && connection <= CONNECTIONS && stage.open[connection - 1], "it sends to nobody");
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, size, data);
    demand(envelope != NULL && envelope->envelope_id != NULL, "it sends what does not decode");
    const Signaling__SignalingToActr *answer =
        envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR ? envelope->server_to_actr : NULL;
    if (answer != NULL && answer->payload_case == SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE &&
        answer->register_response->result_case == ACTR__REGISTER_RESPONSE__RESULT_SUCCESS) {
        Signaling__SignalingEnvelope *before = stage.given[connection - 1];
        stage.given[connection - 1] = envelope;
        envelope = before;
    }
    if (envelope != NULL) signaling__signaling_envelope__free_unpacked(envelope, NULL);
}

static Actr__RegisterOk *given(uint64_t connection)
{
    const Signaling__SignalingEnvelope *envelope = stage.given[connection - 1];
    return envelope == NULL ? NULL : envelope->server_to_actr->register_response->success;
}

static void on_close(void *user, uint64_t connection)
{
    (void)user;
    demand(connection >= 1 && connection <= CONNECTIONS && stage.open[connection - 1], "it closes nobody");
    stage.open[connection - 1] = false;
}

static void on_trace(void *user, const char *line)
{
    (void)user;
    demand_line(line, "a line for people");
}

/* Delivers what it has become, then puts back what is the message's own. */
static void deliver(uint64_t connection, Signaling__SignalingEnvelope *envelope)
{
    size_t size = signaling__signaling_envelope__get_packed_size(envelope);
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    demand(bytes != NULL, "memory");
    (void)signaling__signaling_envelope__pack(envelope, bytes);
    actri_core_receive(stage.core, connection, bytes, size, stage.now_ms);
    free(bytes);
}

static void receive_own(uint64_t connection, const uint8_t *data, size_t size)
{
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, size, data);
    const Actr__RegisterOk *mine = given(connection), *next = given(1 + connection % CONNECTIONS);
    if (envelope == NULL) return;
    if (mine != NULL && envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER) {
        Signaling__ActrToSignaling *request = envelope->actr_to_server, before = *request;
        request->source = mine->actr_id;
        request->credential = mine->credential;
        deliver(connection, envelope);
        request->source = before.source;
        request->credential = before.credential;
    }
    if (mine != NULL && envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY) {
        Signaling__ActrRelay *relay = envelope->actr_relay, before = *relay;
        relay->source = mine->actr_id;
        relay->credential = mine->credential;
        if (next != NULL) relay->target = next->actr_id;
        deliver(connection, envelope);
        relay->source = before.source;
        relay->credential = before.credential;
        relay->target = before.target;
    }
    signaling__signaling_envelope__free_unpacked(envelope, NULL);
}

static void receive(uint64_t connection, script_t *script, bool own)
{
    size_t size = script_byte(script);
    size = size << 8 | script_byte(script);
    if (size > script->left) size = script->left;
    uint8_t *copy = malloc(size > 0 ? size : 1); /* exactly as long, so that reading past its end shows */
    demand(copy != NULL, "memory");
    if (size > 0) memcpy(copy, script->at, size);
    script->at += size;
    script->left -= size;
    if (stage.open[connection - 1] && own) {
        receive_own(connection, copy, size);
    } else if (stage.open[connection - 1]) {
        actri_core_receive(stage.core, connection, copy, size, stage.now_ms);
    }
    free(copy);
}

static void open_connection(uint64_t connection, script_t *script)
{
    char *query = script_text(script);
    if (!stage.open[connection - 1]) {
        stage.open[connection - 1] = true;
        actri_core_open(stage.core, connection, query, stage.now_ms);
    }
    free(query);
}

static void turn_a_switch(uint8_t which)
{
    actri_core_switches_t *switches = actri_core_switches(stage.core);
    uint32_t *const counts[] = {&switches->interval_secs,   &switches->token_life_secs, &switches->refuse_registration,
                                &switches->unauthorized,    &switches->warnings,        &switches->drop_relays,
                                &switches->drop_candidates, &switches->drop_searches};
    if (which < 8) *counts[which] += 1;
    if (which == 8) switches->larger_offers = !switches->larger_offers;
    if (which == 9) switches->strict_acl = !switches->strict_acl;
}

static void step(script_t *script)
{
    uint8_t what = script_byte(script) % STEPS, argument = script_byte(script);
    uint64_t connection = 1 + argument % CONNECTIONS;
    switch (what) {
    case STEP_RECEIVE: receive(connection, script, false); break;
    case STEP_OWN: receive(connection, script, true); break;
    case STEP_OPEN: open_connection(connection, script); break;
    case STEP_CLOSE:
        if (!stage.open[connection - 1]) break;
        stage.open[connection - 1] = false;
        actri_core_closed(stage.core, connection, stage.now_ms);
        break;
    case STEP_PASS:
        stage.now_ms += argument * 1000;
        actri_core_tick(stage.core, stage.now_ms);
        break;
    case STEP_SWITCH: turn_a_switch(argument); break;
    case STEP_KICK:
        if (given(connection) == NULL) break;
        (void)actri_core_kick(stage.core, given(connection)->actr_id->serial_number, argument > 99, stage.now_ms);
        break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const actri_core_output_t output = {on_send, on_close, on_trace, NULL};
    script_t script = {data, size};
    memset(&stage, 0, sizeof stage);
    stage.now_ms = INT64_C(1700000000000);
    if (actri_core_new(NULL, &output, &stage.core, NULL) != ACTR_OK) return 0;
    while (script.left > 0) {
        size_t open = 0;
        step(&script);
        for (unsigned i = 0; i < CONNECTIONS; i++) open += stage.open[i];
        demand(actri_core_online(stage.core) <= open, "somebody is online without a connection");
    }
    actri_core_free(stage.core);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        if (stage.given[i] != NULL) signaling__signaling_envelope__free_unpacked(stage.given[i], NULL);
    }
    return 0;
}
