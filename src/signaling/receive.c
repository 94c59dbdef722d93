/* SPDX-License-Identifier: Apache-2.0 */
/* What a session makes of one received message. spec: signaling 1.3, 3, 8, 9.3. */
#include "signaling/session_state.h"

#include "proto/idcodec.h"

#include <stdio.h>
#include <string.h>

#define AREA "signaling"

static void bad_envelope(actri_session_t *session, const char *what, size_t size)
{
    session->counters.bad_envelopes++;
    actri_warn(session->env, AREA, "message of %zu bytes from the server dropped: %s", size, what);
}

/* The server did not take a relay of ours; also everything it refuses without saying what. */
static void refused(actri_session_t *session, actri_session_time_t time, const char *reply_for,
                    const Actr__ErrorResponse *error)
{
    actri_relay_t relay = {.kind = ACTRI_RELAY_REFUSED, .code = error->code};
    relay.text = error->message == NULL ? "" : error->message;
    for (size_t i = 0; reply_for != NULL && reply_for[0] != '\0' && i < ACTRI_RELAYS_KEPT; i++) {
        if (strcmp(session->relays[i].id, reply_for) == 0) relay.source = session->relays[i].target;
    }
    if (session->identity.known) relay.target = session->identity.id;
    session->counters.relays_refused++;
    session->sink->relay(session->user, &relay);
    if (error->code == 401) actri_session_beat(session, time); /* finds out whether we are still known */
}

static void on_error(actri_session_t *session, actri_session_time_t time, const char *reply_for,
                     const Actr__ErrorResponse *error)
{
    if (actri_session_answer(session, time, reply_for, NULL, error)) return;
    bool ours = reply_for != NULL && strncmp(reply_for, "env-", 4) == 0;
    if (ours) { /* its request has given up waiting */
        session->counters.unasked++;
    } else if (session->phase == ACTRI_PHASE_REGISTERING) { /* there is only one thing it can be about */
        const actri_request_t *request = ACTRI_CONTAINER(session->requests.next, const actri_request_t, link);
        char id[32];
        (void)snprintf(id, sizeof id, "env-%llu", (unsigned long long)request->number);
        (void)actri_session_answer(session, time, id, NULL, error);
    } else if (session->phase == ACTRI_PHASE_ONLINE) {
        refused(session, time, reply_for, error);
    }
}

static void on_server(actri_session_t *session, actri_session_time_t time, const Signaling__SignalingEnvelope *envelope)
{
    const Signaling__SignalingToActr *message = envelope->server_to_actr;
    if (message->payload_case == SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ERROR) {
        on_error(session, time, envelope->reply_for, message->error);
    } else if (!actri_session_answer(session, time, envelope->reply_for, message, NULL)) {
        session->counters.unasked++; /* late, or an event that nobody asked for */
    }
}

static bool read_description(const Webrtc__SessionDescription *message, actri_relay_t *out)
{
    static const actri_relay_kind_t kinds[] = {ACTRI_RELAY_OFFER, ACTRI_RELAY_ANSWER, ACTRI_RELAY_RENEGOTIATION_OFFER,
                                               ACTRI_RELAY_ICE_RESTART_OFFER};
    if (message->type >= sizeof kinds / sizeof kinds[0] || message->sdp == NULL) return false;
    out->kind = kinds[message->type];
    out->text = message->sdp;
    return true;
}

/* False when a part is missing; kind stays 0 for a payload that we do not know. */
static bool read_relay(const Signaling__ActrRelay *message, actri_relay_t *out)
{
    if (!actri_id_from_message(message->source, &out->source)) return false;
    if (!actri_id_from_message(message->target, &out->target)) return false;
    switch (message->payload_case) {
    case SIGNALING__ACTR_RELAY__PAYLOAD_ICE_CANDIDATE:
        out->kind = ACTRI_RELAY_CANDIDATE;
        out->text = message->ice_candidate->candidate;
        return out->text != NULL;
    case SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION: return read_description(message->session_description, out);
    case SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_NEGOTIATION: out->kind = ACTRI_RELAY_ROLE_NEGOTIATION; return true;
    case SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_ASSIGNMENT:
        out->kind = ACTRI_RELAY_ROLE_ASSIGNMENT;
        out->is_offerer = message->role_assignment->is_offerer;
        return true;
    case SIGNALING__ACTR_RELAY__PAYLOAD_ICE_RESTART_REQUEST:
        out->kind = ACTRI_RELAY_ICE_RESTART_REQUEST;
        out->text = message->ice_restart_request->reason;
        return true;
    default: return true;
    }
}

static void on_relay(actri_session_t *session, const Signaling__ActrRelay *message, size_t size)
{
    actri_relay_t relay = {0};
    if (!read_relay(message, &relay)) {
        bad_envelope(session, "a relay without source, target or content", size);
    } else if (relay.kind == 0) {
        session->counters.unasked++;
    } else {
        session->counters.relays_received++;
        session->sink->relay(session->user, &relay);
    }
}

void actri_session_received(actri_session_t *session, actri_session_time_t time, const uint8_t *data, size_t size)
{
    if (session->phase < ACTRI_PHASE_REGISTERING) return; /* of a socket that we gave up */
    actri_session_alive(session, time);
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(&session->allocator, size, data);
    if (envelope == NULL) {
        bad_envelope(session, "it is no signaling envelope (or memory is out)", size);
        return;
    }
    switch (envelope->flow_case) {
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR: on_server(session, time, envelope); break;
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_ENVELOPE_ERROR:
        on_error(session, time, envelope->reply_for, envelope->envelope_error);
        break;
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY:
        if (session->phase == ACTRI_PHASE_ONLINE) on_relay(session, envelope->actr_relay, size);
        break;
    case SIGNALING__SIGNALING_ENVELOPE__FLOW__NOT_SET: session->counters.unasked++; break; /* a newer server's word */
    default: bad_envelope(session, "it is what only clients send", size); break;
    }
    signaling__signaling_envelope__free_unpacked(envelope, &session->allocator);
}
