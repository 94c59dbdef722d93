/* SPDX-License-Identifier: Apache-2.0 */
/* What a session asks the server, and what it makes of the answers. spec: signaling 3.1, 4, 5, 6, 7.1; known-faults 1,
 * 7, 9. */
#include "signaling/session_state.h"

#include "proto/idcodec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AREA "signaling"

/* An envelope and the parts that all of ours share; lives on the stack while it is packed. */
typedef struct frame {
    Signaling__SignalingEnvelope envelope;
    Actr__Timestamp timestamp;
    Actr__AIdCredential credential;
    actri_id_message_t source, target;
    char id[ACTRI_UUID_SIZE];
} frame_t;

static void frame_init(frame_t *frame, actri_session_time_t time)
{
    signaling__signaling_envelope__init(&frame->envelope);
    actr__timestamp__init(&frame->timestamp);
    frame->timestamp.has_seconds = 1; /* whole seconds, as the reference writes them */
    frame->timestamp.seconds = time.wall_ms / 1000;
    frame->envelope.has_envelope_version = 1;
    frame->envelope.envelope_version = 1;
    frame->envelope.envelope_id = frame->id;
    frame->envelope.timestamp = &frame->timestamp;
}

static Actr__AIdCredential *frame_credential(frame_t *frame, const actri_session_t *session)
{
    actr__aid_credential__init(&frame->credential);
    frame->credential.has_encrypted_token = 1;
    frame->credential.encrypted_token.data = session->identity.token;
    frame->credential.encrypted_token.len = session->identity.token_size;
    frame->credential.has_token_key_id = 1;
    frame->credential.token_key_id = session->identity.token_key_id;
    return &frame->credential;
}

static actr_status_t frame_send(actri_session_t *session, const frame_t *frame)
{
    size_t size = signaling__signaling_envelope__get_packed_size(&frame->envelope);
    uint8_t *room = session->sink->reserve(session->user, size);
    if (room == NULL) return ACTR_STATUS_NO_MEMORY;
    (void)signaling__signaling_envelope__pack(&frame->envelope, room);
    session->sink->commit(session->user);
    return ACTR_OK;
}

/* ---- requests that wait ---- */

/* The waiter is there before the request leaves. NULL: LIMIT_REACHED or NO_MEMORY in *status. */
static actri_request_t *request_new(actri_session_t *session, actri_request_kind_t kind, int64_t deadline_ns,
                                    frame_t *frame, actr_status_t *status)
{
    bool of_user = kind == ACTRI_REQUEST_CANDIDATES || kind == ACTRI_REQUEST_QUESTION;
    size_t most = of_user ? ACTRI_REQUESTS_MAX - 16 : ACTRI_REQUESTS_MAX;
    actri_request_t *request = NULL;
    if (session->request_count >= most) { /* users leave room for our own */
        session->counters.limits_reached++;
        *status = ACTR_STATUS_LIMIT_REACHED;
        return NULL;
    }
    request = actri_zalloc(session->env, sizeof *request);
    if (request == NULL) {
        *status = ACTR_STATUS_NO_MEMORY;
        return NULL;
    }
    request->number = ++session->last_number;
    request->kind = kind;
    request->deadline_ns = deadline_ns;
    request->credential = session->credential;
    (void)snprintf(frame->id, sizeof frame->id, "env-%llu", (unsigned long long)request->number);
    actri_list_append(&session->requests, &request->link);
    session->request_count++;
    *status = ACTR_OK;
    return request;
}

static void request_take(actri_session_t *session, actri_request_t *request)
{
    actri_list_remove(&request->link);
    session->request_count--;
}

static actr_status_t request_send(actri_session_t *session, actri_request_t *request, const frame_t *frame)
{
    actr_status_t status = frame_send(session, frame);
    if (status != ACTR_OK) {
        request_take(session, request);
        actri_free(session->env, request);
    }
    return status;
}

/* Wraps an ActrToSignaling whose payload the caller has set, and sends it. */
static actr_status_t ask(actri_session_t *session, actri_request_t *request, frame_t *frame,
                         Signaling__ActrToSignaling *body)
{
    body->source = actri_id_to_message(&session->identity.id, &frame->source);
    body->credential = frame_credential(frame, session);
    frame->envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER;
    frame->envelope.actr_to_server = body;
    return request_send(session, request, frame);
}

static actri_request_t *find_request(const actri_session_t *session, const char *reply_for)
{
    char *end = NULL;
    if (reply_for == NULL || strncmp(reply_for, "env-", 4) != 0) return NULL;
    if (reply_for[4] < '1' || reply_for[4] > '9') return NULL;
    unsigned long long number = strtoull(reply_for + 4, &end, 10);
    if (*end != '\0') return NULL;
    for (actri_link_t *link = session->requests.next; link != &session->requests; link = link->next) {
        actri_request_t *request = ACTRI_CONTAINER(link, actri_request_t, link);
        if (request->number == number) return request;
    }
    return NULL;
}

/* ---- the questions ---- */

actr_status_t actri_session_ask_register(actri_session_t *session, actri_session_time_t time)
{
    frame_t frame;
    actr_status_t status;
    Signaling__PeerToSignaling body = SIGNALING__PEER_TO_SIGNALING__INIT;
    Actr__RegisterRequest payload = ACTR__REGISTER_REQUEST__INIT;
    Actr__ActrType type;
    Actr__Realm realm = ACTR__REALM__INIT;
    frame_init(&frame, time);
    actri_request_t *request =
        request_new(session, ACTRI_REQUEST_REGISTER, time.now_ns + ACTRI_REPLY_LIMIT_NS, &frame, &status);
    if (request == NULL) return status;
    payload.actr_type = actri_type_to_message(&session->type, &type);
    realm.has_realm_id = 1;
    realm.realm_id = session->realm;
    payload.realm = &realm;
    payload.has_service_spec = session->service_spec != NULL;
    payload.service_spec.data = session->service_spec;
    payload.service_spec.len = session->service_spec_size;
    payload.acl = session->acl;
    body.payload_case = SIGNALING__PEER_TO_SIGNALING__PAYLOAD_REGISTER_REQUEST;
    body.register_request = &payload;
    frame.envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER;
    frame.envelope.peer_to_server = &body;
    return request_send(session, request, &frame);
}

actr_status_t actri_session_ask_ping(actri_session_t *session, actri_session_time_t time)
{
    frame_t frame;
    actr_status_t status;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__Ping payload = ACTR__PING__INIT;
    actri_load_t load = {.availability = 0, .power_reserve = 1.0f};
    int64_t limit = session->interval_ns / 10 * 4; /* of the interval, but never less than a second */
    if (limit < ACTRI_SECOND) limit = ACTRI_SECOND;
    frame_init(&frame, time);
    actri_request_t *request = request_new(session, ACTRI_REQUEST_PING, time.now_ns + limit, &frame, &status);
    if (request == NULL) return status;
    session->sink->load(session->user, &load);
    payload.has_availability = payload.has_power_reserve = payload.has_mailbox_backlog = 1;
    payload.availability = load.availability;
    payload.power_reserve = load.power_reserve;
    payload.mailbox_backlog = load.mailbox_backlog;
    body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING;
    body.ping = &payload;
    return ask(session, request, &frame, &body);
}

actr_status_t actri_session_ask_update(actri_session_t *session, actri_session_time_t time)
{
    frame_t frame;
    actr_status_t status;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__CredentialUpdateRequest payload = ACTR__CREDENTIAL_UPDATE_REQUEST__INIT;
    actri_id_message_t room;
    if (session->updating) return ACTR_OK; /* one at a time */
    frame_init(&frame, time);
    actri_request_t *request =
        request_new(session, ACTRI_REQUEST_UPDATE, time.now_ns + ACTRI_REPLY_LIMIT_NS, &frame, &status);
    if (request == NULL) return status;
    payload.actr_id = actri_id_to_message(&session->identity.id, &room);
    body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST;
    body.credential_update_request = &payload;
    status = ask(session, request, &frame, &body);
    session->updating = status == ACTR_OK;
    if (session->updating && !session->expiring) {
        session->expiring = true;
        if (session->sink->credential != NULL) session->sink->credential(session->user, false);
    }
    return status;
}

actr_status_t actri_session_ask_unregister(actri_session_t *session, actri_session_time_t time)
{
    frame_t frame;
    actr_status_t status;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__UnregisterRequest payload = ACTR__UNREGISTER_REQUEST__INIT;
    actri_id_message_t room;
    char reason[] = "Graceful shutdown";
    frame_init(&frame, time);
    /* leave_deadline_ns ends it */
    actri_request_t *request = request_new(session, ACTRI_REQUEST_UNREGISTER, ACTRI_NEVER, &frame, &status);
    if (request == NULL) return status;
    payload.actr_id = actri_id_to_message(&session->identity.id, &room);
    payload.reason = reason;
    body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST;
    body.unregister_request = &payload;
    return ask(session, request, &frame, &body);
}

static void set_criteria(Actr__NodeSelectionCriteria *criteria, const actri_query_t *query, uint32_t *ranking)
{
    criteria->has_candidate_count = 1;
    criteria->candidate_count = query->max;
    criteria->ranking_factors = ranking;
    while (criteria->n_ranking_factors < ACTRI_RANKINGS_MAX && query->ranking[criteria->n_ranking_factors] != 0) {
        ranking[criteria->n_ranking_factors] = query->ranking[criteria->n_ranking_factors] - 1;
        criteria->n_ranking_factors++;
    }
    criteria->has_minimal_dependency_requirement = query->worst_dependency != 0;
    criteria->minimal_dependency_requirement = query->worst_dependency - 1;
    criteria->has_minimal_health_requirement = query->worst_availability != 0;
    criteria->minimal_health_requirement = query->worst_availability - 1;
}

static actr_status_t ask_candidates(actri_session_t *session, actri_session_time_t time, const actri_query_t *query,
                                    int64_t deadline_ns, actri_candidates_fn done, void *user)
{
    frame_t frame;
    actr_status_t status;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__RouteCandidatesRequest payload = ACTR__ROUTE_CANDIDATES_REQUEST__INIT;
    Actr__NodeSelectionCriteria criteria = ACTR__NODE_SELECTION_CRITERIA__INIT;
    Actr__ActrType type_room;
    uint32_t ranking[ACTRI_RANKINGS_MAX];
    char fingerprint[] = ""; /* L8 requires the field, older servers skip it (levels 6.1) */
    frame_init(&frame, time);
    actri_request_t *request = request_new(session, ACTRI_REQUEST_CANDIDATES, deadline_ns, &frame, &status);
    if (request == NULL) return status;
    request->query = *query;
    request->done = done;
    request->user = user;
    set_criteria(&criteria, query, ranking);
    payload.target_type = actri_type_to_message(&query->type, &type_room);
    payload.criteria = &criteria;
    payload.client_fingerprint = fingerprint;
    body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST;
    body.route_candidates_request = &payload;
    return ask(session, request, &frame, &body);
}

void actri_session_candidates(actri_session_t *session, actri_session_time_t time, const actri_query_t *query,
                              int64_t deadline_ns, actri_candidates_fn done, void *user)
{
    actr_status_t status = ACTR_STATUS_SIGNALING_UNAVAILABLE;
    if (session->phase == ACTRI_PHASE_ONLINE) {
        int64_t latest = time.now_ns + ACTRI_REPLY_LIMIT_NS;
        status = ask_candidates(session, time, query, deadline_ns < latest ? deadline_ns : latest, done, user);
    }
    if (status == ACTR_OK) return;
    actr_error_t error;
    (void)actri_fail(&error, status, "candidates can not be asked for: %s", actr_status_str(status));
    done(user, status, NULL, 0, &error);
}

static actr_status_t ask_question(actri_session_t *session, actri_session_time_t time, const actri_question_t *question,
                                  int64_t deadline_ns, actri_answers_fn done, void *user)
{
    frame_t frame;
    actr_status_t status;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__GetServiceSpecRequest spec = ACTR__GET_SERVICE_SPEC_REQUEST__INIT;
    Actr__DiscoveryRequest types = ACTR__DISCOVERY_REQUEST__INIT;
    frame_init(&frame, time);
    actri_request_t *request = request_new(session, ACTRI_REQUEST_QUESTION, deadline_ns, &frame, &status);
    if (request == NULL) return status;
    request->question = question->kind;
    request->answered = done;
    request->user = user;
    char *name = (char *)(uintptr_t)question->name;
    if (question->kind == ACTRI_QUESTION_SPEC) {
        spec.name = name;
        body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_GET_SERVICE_SPEC_REQUEST;
        body.get_service_spec_request = &spec;
    } else {
        if (name[0] != '\0') types.manufacturer = name;
        types.has_limit = 1;
        types.limit = question->limit;
        body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_DISCOVERY_REQUEST;
        body.discovery_request = &types;
    }
    return ask(session, request, &frame, &body);
}

void actri_session_ask(actri_session_t *session, actri_session_time_t time, const actri_question_t *question,
                       int64_t deadline_ns, actri_answers_fn done, void *user)
{
    actr_status_t status = ACTR_STATUS_SIGNALING_UNAVAILABLE;
    if (session->phase == ACTRI_PHASE_ONLINE) {
        int64_t latest = time.now_ns + ACTRI_REPLY_LIMIT_NS;
        status = ask_question(session, time, question, deadline_ns < latest ? deadline_ns : latest, done, user);
    }
    if (status == ACTR_OK) return;
    actr_error_t error;
    (void)actri_fail(&error, status, "the server can not be asked: %s", actr_status_str(status));
    done(user, status, NULL, 0, &error);
}

/* ---- relays ---- */

typedef union relay_body {
    Webrtc__IceCandidate candidate;
    Webrtc__SessionDescription description;
    Webrtc__IceRestartRequest restart;
    struct {
        Actr__RoleNegotiation message;
        actri_id_message_t from, to;
    } negotiation;
} relay_body_t;

static char *borrowed(const char *text)
{
    return text == NULL ? NULL : (char *)(uintptr_t)text;
}

static void set_description(Signaling__ActrRelay *out, relay_body_t *body, uint32_t type, const char *text)
{
    webrtc__session_description__init(&body->description);
    body->description.has_type = 1;
    body->description.type = type;
    body->description.sdp = borrowed(text == NULL ? "" : text);
    out->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION;
    out->session_description = &body->description;
}

static void set_negotiation(const actri_session_t *session, Signaling__ActrRelay *out, relay_body_t *body,
                            const actr_id_t *target)
{
    actr__role_negotiation__init(&body->negotiation.message);
    body->negotiation.message.from = actri_id_to_message(&session->identity.id, &body->negotiation.from);
    body->negotiation.message.to = actri_id_to_message(target, &body->negotiation.to);
    body->negotiation.message.has_realm_id = 1;
    body->negotiation.message.realm_id = session->identity.id.realm;
    out->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_NEGOTIATION;
    out->role_negotiation = &body->negotiation.message;
}

/* False for what a client never sends. */
static bool set_relay(const actri_session_t *session, Signaling__ActrRelay *out, relay_body_t *body,
                      const actri_relay_t *relay)
{
    switch (relay->kind) {
    case ACTRI_RELAY_ROLE_NEGOTIATION: set_negotiation(session, out, body, &relay->target); return true;
    case ACTRI_RELAY_OFFER: set_description(out, body, 0, relay->text); return true;
    case ACTRI_RELAY_ANSWER: set_description(out, body, 1, relay->text); return true;
    case ACTRI_RELAY_RENEGOTIATION_OFFER: set_description(out, body, 2, relay->text); return true;
    case ACTRI_RELAY_ICE_RESTART_OFFER: set_description(out, body, 3, relay->text); return true;
    case ACTRI_RELAY_CANDIDATE:
        webrtc__ice_candidate__init(&body->candidate);
        body->candidate.candidate = borrowed(relay->text == NULL ? "" : relay->text);
        out->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_ICE_CANDIDATE;
        out->ice_candidate = &body->candidate;
        return true;
    case ACTRI_RELAY_ICE_RESTART_REQUEST:
        webrtc__ice_restart_request__init(&body->restart);
        body->restart.reason = borrowed(relay->text);
        out->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_ICE_RESTART_REQUEST;
        out->ice_restart_request = &body->restart;
        return true;
    default: return false;
    }
}

actr_status_t actri_session_relay(actri_session_t *session, actri_session_time_t time, const actri_relay_t *relay,
                                  const uint8_t uuid[16], actr_error_t *error)
{
    frame_t frame;
    relay_body_t body;
    Signaling__ActrRelay message = SIGNALING__ACTR_RELAY__INIT;
    if (session->phase != ACTRI_PHASE_ONLINE) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "the signaling server is not connected");
    }
    if (!set_relay(session, &message, &body, relay)) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a client sends no relay of kind %d", (int)relay->kind);
    }
    frame_init(&frame, time);
    actri_uuid_print(uuid, frame.id);
    message.source = actri_id_to_message(&session->identity.id, &frame.source);
    message.target = actri_id_to_message(&relay->target, &frame.target);
    message.credential = frame_credential(&frame, session);
    frame.envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY;
    frame.envelope.actr_relay = &message;
    actr_status_t status = frame_send(session, &frame);
    if (status != ACTR_OK) return actri_no_memory(error);
    actri_sent_relay_t *sent = &session->relays[session->relay_next++ % ACTRI_RELAYS_KEPT];
    memcpy(sent->id, frame.id, sizeof sent->id);
    sent->target = relay->target;
    session->counters.relays_sent++;
    return ACTR_OK;
}

/* ---- the answers ---- */

/* What came for a request: an error of the server, or the payload if it is the expected one, or neither. */
typedef struct answer {
    const Signaling__SignalingToActr *message; /* NULL: none, or not the expected one */
    const Actr__ErrorResponse *error;
} answer_t;

static const char *words(const Actr__ErrorResponse *error)
{
    return error->message == NULL || error->message[0] == '\0' ? "no reason given" : error->message;
}

static bool means_forgotten(uint32_t code)
{
    return code == 401 || code == 404 || code == 410;
}

void actri_session_plan_refresh(actri_session_t *session, actri_session_time_t time)
{
    session->refresh_ns = ACTRI_NEVER;
    int64_t left_ms = session->identity.expires_at_ms - time.wall_ms;
    /* Beyond a century the sum would overflow; already past: clocks differ, a warning will tell. */
    if (session->identity.expires_at_ms == 0 || left_ms <= 0 || left_ms > INT64_C(3153600000000)) return;
    int64_t wait_ms = left_ms / 10 * 8;
    session->refresh_ns = time.now_ns + (wait_ms < 1000 ? 1000 : wait_ms) * ACTRI_MS;
}

static void on_register(actri_session_t *session, actri_session_time_t time, const answer_t *answer)
{
    const Actr__RegisterResponse *response = answer->message == NULL ? NULL : answer->message->register_response;
    const Actr__ErrorResponse *refusal = answer->error;
    actr_error_t error = ACTR_ERROR_INIT;
    if (response != NULL && response->result_case == ACTR__REGISTER_RESPONSE__RESULT_ERROR) refusal = response->error;
    if (response != NULL && response->result_case == ACTR__REGISTER_RESPONSE__RESULT_SUCCESS) {
        actr_status_t status =
            actri_identity_adopt(&session->identity, response->success, false, &session->type, session->realm, &error);
        if (status == ACTR_OK) {
            session->credential++;
            uint32_t seconds = response->success->signaling_heartbeat_interval_secs;
            if (seconds == 0) seconds = ACTRI_DEFAULT_INTERVAL_S;
            session->interval_ns = (seconds > 3600 ? 3600 : seconds) * ACTRI_SECOND;
            actri_session_step(session, time, ACTRI_EVENT_ACCEPTED);
            return;
        }
        actri_session_blame(session, status, 0, "%s", actr_error_message(&error));
    } else if (refusal != NULL) {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_REJECTED, refusal->code,
                            "the server refused the registration: %s (code %u)", words(refusal), refusal->code);
    } else {
        actri_session_blame(session, ACTR_STATUS_SIGNALING_PROTOCOL, 0,
                            "the server's answer to the registration is none");
    }
    actri_session_step(session, time, session->starting ? ACTRI_EVENT_GIVE_UP : ACTRI_EVENT_REJECTED);
}

static void obey_interval(actri_session_t *session, actri_session_time_t time, uint32_t seconds)
{
    int64_t interval = (seconds > 300 ? 300 : seconds) * ACTRI_SECOND; /* servers forget after 300 s of silence */
    if (seconds == 0 || interval == session->interval_ns) return;
    session->interval_ns = interval;
    session->beat_ns = time.now_ns + interval;
}

/*
 * A server may stop to accept the old token as soon as it has given a new one; what was sent in between is refused and
 * says nothing about us. Then a heartbeat with the new token finds out.
 */
static bool was_outdated(actri_session_t *session, actri_session_time_t time, const actri_request_t *request)
{
    if (request->credential != session->credential) {
        actri_session_beat(session, time);
        return true;
    }
    session->doubted = session->updating;
    return session->updating;
}

static void on_pong(actri_session_t *session, actri_session_time_t time, const actri_request_t *request,
                    const answer_t *answer)
{
    if (answer->error != NULL && means_forgotten(answer->error->code)) {
        if (was_outdated(session, time, request)) return;
        actri_session_blame(session, ACTR_STATUS_SIGNALING_REJECTED, answer->error->code,
                            "the server does not accept our identity any more: %s (code %u)", words(answer->error),
                            answer->error->code);
        actri_session_step(session, time, ACTRI_EVENT_FORGOTTEN);
        return;
    }
    if (answer->message == NULL || answer->message->pong == NULL) {
        session->counters.beats_missed++;
        actri_warn(session->env, AREA, "heartbeat answered by %s",
                   answer->error != NULL ? words(answer->error) : "something that is no Pong");
        return;
    }
    const Actr__Pong *pong = answer->message->pong;
    session->proven = true;
    session->failures = session->unproven_ends = 0;
    if (pong->has_suggest_interval_secs) obey_interval(session, time, pong->suggest_interval_secs);
    if (pong->credential_warning != NULL && actri_session_ask_update(session, time) != ACTR_OK) {
        actri_warn(session->env, AREA, "the request for a new credential could not be sent");
    }
}

static void take_update(actri_session_t *session, actri_session_time_t time, const answer_t *answer)
{
    const Actr__RegisterResponse *response = answer->message == NULL ? NULL : answer->message->register_response;
    const Actr__ErrorResponse *refusal = answer->error;
    actr_error_t error = ACTR_ERROR_INIT;
    if (response != NULL && response->result_case == ACTR__REGISTER_RESPONSE__RESULT_ERROR) refusal = response->error;
    if (response != NULL && response->result_case == ACTR__REGISTER_RESPONSE__RESULT_SUCCESS) {
        if (actri_identity_adopt(&session->identity, response->success, true, &session->type, session->realm, &error) ==
            ACTR_OK) {
            session->credential++;
            session->counters.renewals++;
            actri_session_plan_refresh(session, time);
            actri_identity_t view = actri_identity_view(&session->identity);
            session->sink->identity(session->user, &view);
            session->expiring = false;
            if (session->sink->credential != NULL) session->sink->credential(session->user, true);
            return;
        }
        actri_warn(session->env, AREA, "credential not renewed: %s", actr_error_message(&error));
    } else {
        actri_warn(session->env, AREA, "credential not renewed: %s",
                   refusal != NULL ? words(refusal) : "the answer makes no sense");
    }
    if (refusal != NULL && means_forgotten(refusal->code)) session->doubted = true;
}

static void on_update(actri_session_t *session, actri_session_time_t time, const answer_t *answer)
{
    session->updating = false;
    take_update(session, time, answer);
    if (session->doubted) actri_session_beat(session, time); /* it will tell */
    session->doubted = false;
}

static void give_candidates(const actri_session_t *session, const actri_request_t *request,
                            const Actr__RouteCandidatesOk *ok)
{
    actr_error_t error;
    size_t count = 0;
    size_t most = ok->n_candidates < request->query.max ? ok->n_candidates : request->query.max;
    actr_id_t *ids = actri_alloc(session->env, most * sizeof *ids);
    if (ids == NULL) {
        request->done(request->user, actri_no_memory(&error), NULL, 0, &error);
        return;
    }
    for (size_t i = 0; i < ok->n_candidates && count < most; i++) {
        if (actri_id_from_message(ok->candidates[i], &ids[count])) count++;
    }
    request->done(request->user, ACTR_OK, ids, count, NULL);
    actri_free(session->env, ids);
}

static void on_candidates(actri_session_t *session, actri_session_time_t time, const actri_request_t *request,
                          const answer_t *answer)
{
    const Actr__RouteCandidatesResponse *response =
        answer->message == NULL ? NULL : answer->message->route_candidates_response;
    const Actr__ErrorResponse *refusal = answer->error;
    actr_error_t error;
    if (response != NULL && response->result_case == ACTR__ROUTE_CANDIDATES_RESPONSE__RESULT_ERROR) {
        refusal = response->error;
    }
    if (response != NULL && response->result_case == ACTR__ROUTE_CANDIDATES_RESPONSE__RESULT_SUCCESS) {
        give_candidates(session, request, response->success);
        return;
    }
    if (refusal != NULL && refusal->code == 401 && request->credential != session->credential &&
        ask_candidates(session, time, &request->query, request->deadline_ns, request->done, request->user) == ACTR_OK) {
        return; /* refused for its old token: asked again with the new one */
    }
    if (refusal == NULL) {
        (void)actri_fail(&error, ACTR_STATUS_SIGNALING_PROTOCOL, "the server's answer holds no candidates");
    } else {
        (void)actri_fail(&error, ACTR_STATUS_SIGNALING_REJECTED, "%.300s (code %u)", words(refusal), refusal->code);
        error.remote_code = refusal->code;
        if (refusal->code == 401) actri_session_beat(session, time); /* finds out whether we are still known */
    }
    request->done(request->user, error.status, NULL, 0, &error);
}

/* The answers in `message`, or the server's refusal. */
static const Actr__ErrorResponse *give_answers(const actri_session_t *session, const actri_request_t *request,
                                               const Signaling__SignalingToActr *message)
{
    static const Actr__ErrorResponse empty = ACTR__ERROR_RESPONSE__INIT;
    const Actr__GetServiceSpecResponse *spec = message->get_service_spec_response;
    if (request->question == ACTRI_QUESTION_SPEC) {
        if (spec->result_case != ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_SUCCESS) {
            return spec->result_case == ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_ERROR ? spec->error : &empty;
        }
        actr_bytes_t one = {spec->success.data, spec->success.len};
        request->answered(request->user, ACTR_OK, &one, 1, NULL);
        return NULL;
    }
    const Actr__DiscoveryResponse *types = message->discovery_response;
    if (types->result_case != ACTR__DISCOVERY_RESPONSE__RESULT_SUCCESS) {
        return types->result_case == ACTR__DISCOVERY_RESPONSE__RESULT_ERROR ? types->error : &empty;
    }
    size_t count = types->success->n_entries;
    actr_bytes_t *answers = actri_alloc(session->env, (count + 1) * sizeof *answers);
    actr_error_t error;
    for (size_t i = 0; answers != NULL && i < count; i++) {
        answers[i] = (actr_bytes_t){types->success->entries[i].data, types->success->entries[i].len};
    }
    if (answers != NULL)
        request->answered(request->user, ACTR_OK, answers, count, NULL);
    else
        request->answered(request->user, actri_no_memory(&error), NULL, 0, &error);
    actri_free(session->env, answers);
    return NULL;
}

static void on_answers(const actri_session_t *session, const actri_request_t *request, const answer_t *answer)
{
    const Actr__ErrorResponse *refusal = answer->error;
    actr_error_t error;
    if (refusal == NULL && answer->message != NULL) {
        refusal = give_answers(session, request, answer->message);
        if (refusal == NULL) return;
    }
    if (refusal == NULL) {
        (void)actri_fail(&error, ACTR_STATUS_SIGNALING_PROTOCOL, "the server's answer is to another question");
    } else {
        (void)actri_fail(&error, ACTR_STATUS_SIGNALING_REJECTED, "%.300s (code %u)", words(refusal), refusal->code);
        error.remote_code = refusal->code;
    }
    request->answered(request->user, error.status, NULL, 0, &error);
}

static Signaling__SignalingToActr__PayloadCase expected(const actri_request_t *request)
{
    switch (request->kind) {
    case ACTRI_REQUEST_QUESTION:
        return request->question == ACTRI_QUESTION_SPEC
                   ? SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_GET_SERVICE_SPEC_RESPONSE
                   : SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_DISCOVERY_RESPONSE;
    case ACTRI_REQUEST_PING: return SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    case ACTRI_REQUEST_CANDIDATES: return SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ROUTE_CANDIDATES_RESPONSE;
    case ACTRI_REQUEST_UNREGISTER: return SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_UNREGISTER_RESPONSE;
    default: return SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    }
}

bool actri_session_answer(actri_session_t *session, actri_session_time_t time, const char *reply_for,
                          const Signaling__SignalingToActr *message, const Actr__ErrorResponse *error)
{
    actri_request_t *request = find_request(session, reply_for);
    if (request == NULL) return false;
    answer_t answer = {.error = error};
    if (message != NULL && message->payload_case == expected(request)) answer.message = message;
    request_take(session, request);
    switch (request->kind) {
    case ACTRI_REQUEST_REGISTER: on_register(session, time, &answer); break;
    case ACTRI_REQUEST_PING:
        on_pong(session, time, request, &answer);
        actri_session_check_alive(session, request->number);
        break;
    case ACTRI_REQUEST_UPDATE: on_update(session, time, &answer); break;
    case ACTRI_REQUEST_CANDIDATES: on_candidates(session, time, request, &answer); break;
    case ACTRI_REQUEST_QUESTION: on_answers(session, request, &answer); break;
    case ACTRI_REQUEST_UNREGISTER: actri_session_step(session, time, ACTRI_EVENT_LEFT); break;
    }
    actri_free(session->env, request);
    return true;
}

/* ---- requests that get no answer ---- */

static void end_request(actri_session_t *session, actri_request_t *request, actr_status_t status, const char *reason)
{
    actr_error_t error;
    request_take(session, request);
    (void)actri_fail(&error, status, "%s", reason);
    if (request->kind == ACTRI_REQUEST_CANDIDATES) request->done(request->user, status, NULL, 0, &error);
    if (request->kind == ACTRI_REQUEST_QUESTION) request->answered(request->user, status, NULL, 0, &error);
    actri_free(session->env, request);
}

void actri_session_fail_requests(actri_session_t *session, actr_status_t status, const char *reason)
{
    while (!actri_list_empty(&session->requests)) {
        end_request(session, ACTRI_CONTAINER(session->requests.next, actri_request_t, link), status, reason);
    }
}

static void expire(actri_session_t *session, actri_session_time_t time, actri_request_t *request)
{
    actri_request_kind_t kind = request->kind;
    end_request(session, request, ACTR_STATUS_TIMEOUT, "the signaling server did not answer in time");
    switch (kind) {
    case ACTRI_REQUEST_REGISTER:
        actri_session_blame(session, ACTR_STATUS_SIGNALING_UNAVAILABLE, 0,
                            "connected, but the server did not answer the registration in 15 seconds");
        actri_session_step(session, time, ACTRI_EVENT_TIMEOUT);
        break;
    case ACTRI_REQUEST_PING:
        session->counters.beats_missed++;
        actri_warn(session->env, AREA, "a heartbeat was not answered in time");
        break;
    case ACTRI_REQUEST_UPDATE:
        session->updating = false;
        if (session->doubted) actri_session_beat(session, time);
        session->doubted = false;
        actri_warn(session->env, AREA, "credential not renewed: no answer in 15 seconds");
        break;
    default: break;
    }
}

void actri_session_expire_requests(actri_session_t *session, actri_session_time_t time)
{
    for (actri_link_t *link = session->requests.next; link != &session->requests;) {
        actri_request_t *request = ACTRI_CONTAINER(link, actri_request_t, link);
        link = link->next;
        if (time.now_ns < request->deadline_ns) continue;
        expire(session, time, request);
        link = session->requests.next; /* the step may have ended others */
    }
}

int64_t actri_session_requests_deadline(const actri_session_t *session)
{
    int64_t next = ACTRI_NEVER;
    for (const actri_link_t *link = session->requests.next; link != &session->requests; link = link->next) {
        const actri_request_t *request = ACTRI_CONTAINER(link, const actri_request_t, link);
        if (request->deadline_ns < next) next = request->deadline_ns;
    }
    return next;
}
