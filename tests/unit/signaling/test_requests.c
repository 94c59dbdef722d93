/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session sends, against envelopes recorded from the reference, byte for byte; and what it makes of answers and
 * relays. The only difference that is wanted: route requests carry client_fingerprint (levels 6.1).
 */
#include "check.h"

#include "oom.h"
#include "session_bench.h"
#include "vectors.h"

static void set_time(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    bench->time.wall_ms = envelope->timestamp->seconds * 1000;
}

/* Must a recorded message be changed before it is what we send? Our ids count differently when asked alone. */
static void must_send(bench_t *bench, const vector_t *vector, bool same_id)
{
    char fingerprint[] = "";
    Signaling__SignalingEnvelope *ours = bench_next(bench);
    Signaling__SignalingEnvelope *theirs = vector->envelope;
    char *id = theirs->envelope_id;
    if (!same_id) theirs->envelope_id = ours->envelope_id;
    Signaling__ActrToSignaling *body =
        theirs->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER ? theirs->actr_to_server : NULL;
    bool routes = body != NULL && body->payload_case == SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST;
    if (routes) body->route_candidates_request->client_fingerprint = fingerprint;
    size_t size = signaling__signaling_envelope__get_packed_size(theirs);
    uint8_t *bytes = malloc(size);
    (void)signaling__signaling_envelope__pack(theirs, bytes);
    const bench_sent_t *sent = &bench->sent[bench->sent_read - 1];
    assert_int_equal(size, sent->size);
    assert_memory_equal(bytes, sent->bytes, size);
    if (same_id && !routes) assert_memory_equal(vector->bytes, sent->bytes, vector->size);
    free(bytes);
    theirs->envelope_id = id;
    if (routes) body->route_candidates_request->client_fingerprint = NULL;
    bench_free(ours);
}

static void read_uuid(const char *text, uint8_t out[16])
{
    unsigned n = 0;
    for (; *text != '\0' && n < 32; text++) {
        if (*text == '-') continue;
        unsigned digit = (unsigned)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
        out[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : out[n / 2] | digit);
        n++;
    }
}

/* Makes the session send the relay of a recorded envelope. */
static void send_relay(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    static const actri_relay_kind_t kinds[] = {ACTRI_RELAY_OFFER, ACTRI_RELAY_ANSWER, ACTRI_RELAY_RENEGOTIATION_OFFER,
                                               ACTRI_RELAY_ICE_RESTART_OFFER};
    const Signaling__ActrRelay *message = envelope->actr_relay;
    actri_relay_t relay = {.kind = ACTRI_RELAY_ROLE_NEGOTIATION};
    uint8_t uuid[16];
    actr_error_t error = ACTR_ERROR_INIT;
    if (message->payload_case == SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION) {
        relay.kind = kinds[message->session_description->type];
        relay.text = message->session_description->sdp;
    } else if (message->payload_case == SIGNALING__ACTR_RELAY__PAYLOAD_ICE_CANDIDATE) {
        relay.kind = ACTRI_RELAY_CANDIDATE;
        relay.text = message->ice_candidate->candidate;
    }
    assert_true(actri_id_from_message(message->target, &relay.target));
    read_uuid(envelope->envelope_id, uuid);
    assert_ok(actri_session_relay(bench->session, bench->time, &relay, uuid, &error), &error);
}

/* Makes the session send something like a recorded request, if it has not yet. */
static void provoke(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    if (bench->sent_read < bench->sent_count) return;
    if (envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY) {
        send_relay(bench, envelope);
        return;
    }
    assert_int_equal(SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER, envelope->flow_case);
    const Signaling__ActrToSignaling *body = envelope->actr_to_server;
    actri_query_t query = {0};
    switch (body->payload_case) {
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING: actri_session_beat(bench->session, bench->time); break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST:
        actri_session_stop(bench->session, bench->time, bench->time.now_ns + ACTRI_SECOND);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST:
        assert_true(actri_type_from_message(body->route_candidates_request->target_type, &query.type));
        query.max = body->route_candidates_request->criteria->candidate_count;
        actri_session_candidates(bench->session, bench->time, &query, bench->time.now_ns + ACTRI_SECOND, bench_answer,
                                 bench);
        break;
    default: fail();
    }
}

static void load_of(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    if (envelope->flow_case != SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER) return;
    const Actr__Ping *ping = envelope->actr_to_server->payload_case == SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING
                                 ? envelope->actr_to_server->ping
                                 : NULL;
    if (ping != NULL) bench->load = (actri_load_t){ping->availability, ping->power_reserve, ping->mailbox_backlog};
}

static const vector_t *next_from_node(const vectors_t *vectors, unsigned from, unsigned connection)
{
    for (unsigned i = from; i < vectors->count; i++) {
        if (vectors->list[i].connection == connection && vectors->list[i].from_node) return &vectors->list[i];
    }
    return NULL;
}

static void open_like(bench_t *bench, const Signaling__SignalingEnvelope *envelope)
{
    assert_int_equal(SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER, envelope->flow_case);
    const Actr__RegisterRequest *request = envelope->peer_to_server->register_request;
    uint8_t acl[512];
    actri_signaling_options_t options = {.realm = request->realm->realm_id, .form = 'A'};
    assert_true(actri_type_from_message(request->actr_type, &options.type));
    if (request->has_service_spec) {
        options.service_spec = request->service_spec.data;
        options.service_spec_size = request->service_spec.len;
    }
    if (request->acl != NULL) {
        options.acl = acl;
        options.acl_size = actr__acl__pack(request->acl, acl);
    }
    bench_open_with(bench, &options);
    set_time(bench, envelope);
    bench_start(bench);
    bench_opened(bench);
}

/* Says what the recorded node said when it hears what that heard; returns how many of its messages were checked. */
static unsigned replay(const vectors_t *vectors, unsigned connection)
{
    bench_t bench = {0};
    unsigned checked = 0, relays = 0;
    for (unsigned i = 0; i < vectors->count; i++) {
        const vector_t *vector = &vectors->list[i];
        if (vector->connection != connection) continue;
        if (vector->from_node) {
            if (checked == 0) open_like(&bench, vector->envelope);
            set_time(&bench, vector->envelope);
            load_of(&bench, vector->envelope);
            provoke(&bench, vector->envelope);
            must_send(&bench, vector, true);
            checked++;
        } else {
            const vector_t *next = next_from_node(vectors, i, connection);
            if (next != NULL) set_time(&bench, next->envelope);
            if (next != NULL) load_of(&bench, next->envelope);
            actri_session_received(bench.session, bench.time, vector->bytes, vector->size);
            if (vector->envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY) relays++;
        }
    }
    assert_int_equal(1, bench.stopped); /* each recorded node unregistered */
    assert_int_equal(ACTR_OK, bench.stop_status);
    assert_int_equal(relays, bench.relays);
    assert_int_equal(0, actri_session_counters(bench.session)->bad_envelopes);
    assert_int_equal(0, actri_session_counters(bench.session)->unasked);
    bench_close(&bench);
    return checked;
}

static void says_what_the_recorded_nodes_said(void **state)
{
    (void)state;
    vectors_t vectors;
    vectors_load(&vectors, ACTR_VECTORS "/signaling/actrix.json");
    unsigned checked = replay(&vectors, 1) + replay(&vectors, 2) + replay(&vectors, 3);
    assert_int_equal(27, checked);
    vectors_clear(&vectors);
}

/* A session that is registered as the source of a recorded envelope, with its credential. */
static void online_as(bench_t *bench, const Actr__ActrId *source, const Actr__AIdCredential *credential)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RegisterResponse response = ACTR__REGISTER_RESPONSE__INIT;
    Actr__RegisterOk ok = ACTR__REGISTER_OK__INIT;
    bench_open(bench);
    bench_start(bench);
    bench_opened(bench);
    ok.actr_id = (Actr__ActrId *)(uintptr_t)source;
    ok.credential = (Actr__AIdCredential *)(uintptr_t)credential;
    response.result_case = ACTR__REGISTER_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    body.register_response = &response;
    bench_reply(bench, bench_expect_register(bench), &body);
    bench_reply_pong(bench, bench_expect_ping(bench), 0, false);
}

static void check_alone(const vector_t *vector)
{
    const Signaling__SignalingEnvelope *envelope = vector->envelope;
    bench_t bench;
    if (envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER) {
        open_like(&bench, envelope);
        must_send(&bench, vector, true);
        bench_close(&bench);
        return;
    }
    bool relay = envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY;
    online_as(&bench, relay ? envelope->actr_relay->source : envelope->actr_to_server->source,
              relay ? envelope->actr_relay->credential : envelope->actr_to_server->credential);
    set_time(&bench, envelope);
    load_of(&bench, envelope);
    if (strcmp(vector->name, "credential update request") == 0) {
        actri_session_beat(bench.session, bench.time);
        bench_reply_pong(&bench, bench_expect_ping(&bench), 0, true);
    } else {
        provoke(&bench, envelope);
    }
    must_send(&bench, vector, relay);
    bench_close(&bench);
}

static void sends_every_recorded_request(void **state)
{
    (void)state;
    vectors_t vectors;
    unsigned checked = 0;
    vectors_load(&vectors, ACTR_VECTORS "/webrtc/signaling.json");
    for (unsigned i = 0; i < vectors.count; i++) {
        if (!vectors.list[i].from_node) continue;
        check_alone(&vectors.list[i]);
        checked++;
    }
    assert_int_equal(14, checked);
    vectors_clear(&vectors);
}

static void passes_every_recorded_relay_up(void **state)
{
    (void)state;
    vectors_t vectors;
    unsigned relays = 0;
    vectors_load(&vectors, ACTR_VECTORS "/webrtc/signaling.json");
    for (unsigned i = 0; i < vectors.count; i++) {
        const vector_t *vector = &vectors.list[i];
        if (vector->from_node || vector->envelope->flow_case != SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY)
            continue;
        const Signaling__ActrRelay *message = vector->envelope->actr_relay;
        bench_t bench;
        bench_online(&bench);
        actri_session_received(bench.session, bench.time, vector->bytes, vector->size);
        assert_int_equal(1, bench.relays);
        assert_int_equal(message->source->serial_number, bench.relay.source.serial_number); /* as received */
        assert_int_equal(message->target->serial_number, bench.relay.target.serial_number);
        if (message->payload_case == SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_ASSIGNMENT) {
            assert_int_equal(ACTRI_RELAY_ROLE_ASSIGNMENT, bench.relay.kind);
            assert_int_equal(message->role_assignment->is_offerer, bench.relay.is_offerer);
        }
        relays++;
        bench_close(&bench);
    }
    assert_int_equal(5, relays);
    vectors_clear(&vectors);
}

/* ---- answers ---- */

static void reply_candidates(bench_t *bench, unsigned number, unsigned count)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RouteCandidatesResponse response = ACTR__ROUTE_CANDIDATES_RESPONSE__INIT;
    Actr__RouteCandidatesOk ok = ACTR__ROUTE_CANDIDATES_OK__INIT;
    actri_id_message_t rooms[8];
    Actr__ActrId *ids[8];
    for (unsigned i = 0; i < count; i++) {
        actr_id_t id = {.serial_number = 100 + i, .realm = 7, .type = bench_type};
        ids[i] = actri_id_to_message(&id, &rooms[i]);
        rooms[i].type.manufacturer = (char *)(uintptr_t)bench_type.manufacturer;
        rooms[i].type.name = (char *)(uintptr_t)bench_type.name;
    }
    ok.n_candidates = count;
    ok.candidates = ids;
    response.result_case = ACTR__ROUTE_CANDIDATES_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ROUTE_CANDIDATES_RESPONSE;
    body.route_candidates_response = &response;
    bench_reply(bench, number, &body);
}

static unsigned asked(bench_t *bench)
{
    bench_ask(bench, 10);
    return bench_expect(bench, SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST);
}

static void candidates_are_given_in_order_and_bounded(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    reply_candidates(&bench, asked(&bench), 2);
    assert_status(ACTR_OK, bench.answer);
    assert_int_equal(2, bench.candidates);
    for (unsigned i = 0; i < 2; i++) assert_int_equal(100 + i, bench.candidate[i].serial_number);
    reply_candidates(&bench, asked(&bench), 0);
    assert_int_equal(0, bench.candidates);
    reply_candidates(&bench, asked(&bench), 8); /* three were asked for */
    assert_int_equal(3, bench.candidates);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(100 + i, bench.candidate[i].serial_number);
    assert_int_equal(3, bench.answers);
    bench_close(&bench);
}

static void wishes_are_sent_as_the_wire_has_them(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    actri_query_t query = {.type = {"acme", "wanted"}, .max = 3, .ranking = {2, 1}, .worst_availability = 1};
    actri_session_candidates(bench.session, bench.time, &query, bench.time.now_ns + ACTRI_SECOND, bench_answer, &bench);
    Signaling__SignalingEnvelope *envelope = bench_next(&bench);
    const Actr__RouteCandidatesRequest *request = envelope->actr_to_server->route_candidates_request;
    const Actr__NodeSelectionCriteria *criteria = request->criteria;
    assert_int_equal(3, criteria->candidate_count);
    assert_int_equal(2, criteria->n_ranking_factors);
    assert_int_equal(1, criteria->ranking_factors[0]); /* MINIMUM_MAILBOX_BACKLOG */
    assert_int_equal(0, criteria->ranking_factors[1]); /* MAXIMUM_POWER_RESERVE */
    assert_true(criteria->has_minimal_health_requirement);
    assert_int_equal(0, criteria->minimal_health_requirement);
    assert_false(criteria->has_minimal_dependency_requirement);
    bench_free(envelope);
    query = (actri_query_t){.type = {"acme", "wanted"}, .max = 1, .ranking = {3}, .worst_dependency = 2};
    actri_session_candidates(bench.session, bench.time, &query, bench.time.now_ns + ACTRI_SECOND, bench_answer, &bench);
    envelope = bench_next(&bench);
    criteria = envelope->actr_to_server->route_candidates_request->criteria;
    assert_true(criteria->has_minimal_dependency_requirement);
    assert_int_equal(1, criteria->minimal_dependency_requirement);
    assert_false(criteria->has_minimal_health_requirement);
    assert_int_equal(1, criteria->n_ranking_factors);
    assert_int_equal(2, criteria->ranking_factors[0]); /* BEST_COMPATIBILITY */
    bench_free(envelope);
    bench_close(&bench);
}

static void candidates_refused(void **state)
{
    (void)state;
    bench_t bench;
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RouteCandidatesResponse neither = ACTR__ROUTE_CANDIDATES_RESPONSE__INIT;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ROUTE_CANDIDATES_RESPONSE;
    body.route_candidates_response = &neither;
    bench_online(&bench);
    bench_reply(&bench, asked(&bench), &body); /* nobody is something else than no answer */
    assert_status(ACTR_STATUS_SIGNALING_PROTOCOL, bench.answer);
    bench_reply_error(&bench, asked(&bench), 403, "not for you");
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, bench.answer);
    assert_int_equal(403, bench.answer_error.remote_code);
    assert_non_null(strstr(bench.answer_error.message, "not for you"));
    bench_reply_pong(&bench, asked(&bench), 0, false); /* an answer to another question */
    assert_status(ACTR_STATUS_SIGNALING_PROTOCOL, bench.answer);
    bench_nothing_sent(&bench);
    bench_reply_error(&bench, asked(&bench), 401, "who?");
    (void)bench_expect_ping(&bench); /* asks at once whether it is still known */
    bench_close(&bench);
}

typedef struct heard {
    unsigned times;
    actr_status_t status;
    uint32_t code;
    size_t count, last_size;
} heard_t;

static void hear_answers(void *user, actr_status_t status, const actr_bytes_t *answers, size_t count,
                         const actr_error_t *error)
{
    heard_t *heard = user;
    heard->times++;
    heard->status = status;
    heard->code = error == NULL ? 0 : error->remote_code;
    heard->count = count;
    heard->last_size = count == 0 ? 0 : answers[count - 1].size;
}

static unsigned question(bench_t *bench, actri_question_kind_t kind, heard_t *heard)
{
    actri_question_t q = {.kind = kind, .limit = 7, .name = "echo"};
    actri_session_ask(bench->session, bench->time, &q, bench->time.now_ns + 10 * ACTRI_SECOND, hear_answers, heard);
    return bench_expect(bench, kind == ACTRI_QUESTION_SPEC
                                   ? SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_GET_SERVICE_SPEC_REQUEST
                                   : SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_DISCOVERY_REQUEST);
}

static void questions_are_answered_once(void **state)
{
    (void)state;
    bench_t bench;
    heard_t heard = {0};
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__GetServiceSpecResponse spec = ACTR__GET_SERVICE_SPEC_RESPONSE__INIT;
    Actr__DiscoveryResponse types = ACTR__DISCOVERY_RESPONSE__INIT;
    Actr__DiscoveryOk ok = ACTR__DISCOVERY_OK__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    ProtobufCBinaryData entries[2] = {{3, (uint8_t[]){1, 2, 3}}, {5, (uint8_t[]){1, 2, 3, 4, 5}}};
    bench_online(&bench);
    spec.result_case = ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_SUCCESS;
    spec.success = entries[0];
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_GET_SERVICE_SPEC_RESPONSE;
    body.get_service_spec_response = &spec;
    unsigned number = question(&bench, ACTRI_QUESTION_SPEC, &heard);
    bench_reply(&bench, number, &body);
    bench_reply(&bench, number, &body); /* a second answer is nobody's */
    assert_int_equal(1, heard.times);
    assert_status(ACTR_OK, heard.status);
    assert_int_equal(1, heard.count);
    assert_int_equal(3, heard.last_size);
    bench_reply(&bench, question(&bench, ACTRI_QUESTION_TYPES, &heard), &body); /* to the other question */
    assert_status(ACTR_STATUS_SIGNALING_PROTOCOL, heard.status);
    error.has_code = 1;
    error.code = 404;
    spec.result_case = ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_ERROR;
    spec.error = &error;
    bench_reply(&bench, question(&bench, ACTRI_QUESTION_SPEC, &heard), &body);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, heard.status);
    assert_int_equal(404, heard.code);
    spec.result_case = ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT__NOT_SET;
    bench_reply(&bench, question(&bench, ACTRI_QUESTION_SPEC, &heard), &body);
    assert_status(ACTR_STATUS_SIGNALING_REJECTED, heard.status);
    ok.n_entries = 2;
    ok.entries = entries;
    types.result_case = ACTR__DISCOVERY_RESPONSE__RESULT_SUCCESS;
    types.success = &ok;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_DISCOVERY_RESPONSE;
    body.discovery_response = &types;
    bench_reply(&bench, question(&bench, ACTRI_QUESTION_TYPES, &heard), &body);
    assert_int_equal(2, heard.count);
    assert_int_equal(5, heard.last_size);
    bench_reply_error(&bench, question(&bench, ACTRI_QUESTION_TYPES, &heard), 403, "not for you");
    assert_int_equal(403, heard.code);
    (void)question(&bench, ACTRI_QUESTION_SPEC, &heard); /* a server of form A may stay silent */
    bench_pass(&bench, 10 * ACTRI_SECOND);
    assert_status(ACTR_STATUS_TIMEOUT, heard.status);
    assert_int_equal(7, heard.times);
    bench_close(&bench);
}

static void waiting_requests_are_bounded(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    for (unsigned i = 0; i < 300; i++) bench_ask(&bench, 10);
    assert_int_equal(60, bench.answers); /* 240 wait; there is room left for heartbeats */
    assert_status(ACTR_STATUS_LIMIT_REACHED, bench.answer);
    assert_int_equal(60, actri_session_counters(bench.session)->limits_reached);
    unsigned before = bench.sent_count;
    actri_session_beat(bench.session, bench.time);
    assert_int_equal(before + 1, bench.sent_count);
    bench_close(&bench);
}

/* ---- relays ---- */

static actr_status_t offer(bench_t *bench, uint64_t target, uint8_t mark)
{
    actri_relay_t relay = {.kind = ACTRI_RELAY_OFFER, .text = "v=0"};
    uint8_t uuid[16] = {0};
    uuid[15] = mark;
    relay.target = (actr_id_t){.serial_number = target, .realm = 7, .type = bench_type};
    return actri_session_relay(bench->session, bench->time, &relay, uuid, NULL);
}

static void give_error(bench_t *bench, const char *reply_for, bool envelope_error, uint32_t code)
{
    char id[] = "x", message[] = "ACL policy denies relay to target actor";
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    error.has_code = 1;
    error.code = code;
    error.message = message;
    envelope.envelope_id = id;
    envelope.reply_for = (char *)(uintptr_t)reply_for;
    if (envelope_error) {
        envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ENVELOPE_ERROR;
        envelope.envelope_error = &error;
    } else {
        body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ERROR;
        body.error = &error;
        envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR;
        envelope.server_to_actr = &body;
    }
    bench_give(bench, &envelope);
}

static void a_refused_relay_names_its_target(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    assert_status(ACTR_OK, offer(&bench, 0x51, 1));
    assert_status(ACTR_OK, offer(&bench, 0x52, 2));
    Signaling__SignalingEnvelope *first = bench_next(&bench);
    assert_string_equal("00000000-0000-4000-8000-000000000001", first->envelope_id);
    for (unsigned i = 0; i < 2; i++) {
        give_error(&bench, first->envelope_id, i == 1, 403);
        assert_int_equal(i + 1, bench.relays);
        assert_int_equal(ACTRI_RELAY_REFUSED, bench.relay.kind);
        assert_int_equal(403, bench.relay.code);
        assert_int_equal(0x51, bench.relay.source.serial_number);
        assert_string_equal("ACL policy denies relay to target actor", bench.relay.text);
    }
    bench_free(first);
    give_error(&bench, NULL, true, 429); /* of nobody in particular */
    assert_int_equal(3, bench.relays);
    assert_int_equal(0, bench.relay.source.serial_number);
    assert_int_equal(429, bench.relay.code);
    give_error(&bench, "00000000-0000-4000-8000-0000000000ff", false, 404); /* of a relay long ago */
    assert_int_equal(4, bench.relays);
    give_error(&bench, "", false, 404);
    assert_int_equal(0, bench.relay.source.serial_number);
    assert_int_equal(5, actri_session_counters(bench.session)->relays_refused);
    bench_close(&bench);
}

static void a_relay_refused_for_its_token_asks_at_once(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    assert_status(ACTR_OK, offer(&bench, 0x51, 1));
    bench_free(bench_next(&bench));
    give_error(&bench, NULL, false, 401);
    bench_reply_error(&bench, bench_expect_ping(&bench), 401, "unknown token");
    assert_int_equal(ACTRI_SIGNALING_DISCONNECTED, bench.state);
    bench_close(&bench);
}

static void a_client_assigns_no_roles(void **state)
{
    (void)state;
    bench_t bench;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t uuid[16] = {0};
    bench_online(&bench);
    actri_relay_t relay = {.kind = ACTRI_RELAY_ROLE_ASSIGNMENT, .target.type = bench_type};
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actri_session_relay(bench.session, bench.time, &relay, uuid, &error));
    bench_nothing_sent(&bench);
    bench_close(&bench);
}

static void an_ice_restart_request_is_field_14(void **state)
{
    (void)state;
    bench_t bench;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t uuid[16] = {0};
    bench_online(&bench);
    actri_relay_t relay = {.kind = ACTRI_RELAY_ICE_RESTART_REQUEST, .target.type = bench_type, .text = "moved"};
    assert_ok(actri_session_relay(bench.session, bench.time, &relay, uuid, &error), &error);
    Signaling__SignalingEnvelope *sent = bench_next(&bench);
    assert_string_equal("moved", sent->actr_relay->ice_restart_request->reason);
    bench_give(&bench, sent); /* and read */
    assert_int_equal(ACTRI_RELAY_ICE_RESTART_REQUEST, bench.relay.kind);
    assert_string_equal("moved", bench.relay.text);
    bench_free(sent);
    bench_close(&bench);
}

/* ---- what comes that makes no sense, or that is newer than we are ---- */

static void give_bytes(bench_t *bench, const char *bytes, size_t size)
{
    actri_session_received(bench->session, bench->time, (const uint8_t *)bytes, size);
    bench_sound(bench);
}

static void bad_envelopes_are_counted_and_the_connection_stays(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    const actri_signaling_counters_t *counters = actri_session_counters(bench.session);
    give_bytes(&bench, "\xff\xff\xff", 3);
    give_bytes(&bench, "\x08\x01\x6a\x7f\x0a", 5); /* cut short */
    assert_int_equal(2, counters->bad_envelopes);
    give_bytes(&bench, "\x52\x00", 2); /* peer_to_server: clients say that */
    give_bytes(&bench, "\x6a\x00", 2); /* a relay from nobody to nobody */
    assert_int_equal(4, counters->bad_envelopes);
    assert_int_equal(0, bench.relays);
    assert_int_equal(ACTRI_SIGNALING_REGISTERED, bench.state);
    assert_int_equal(0, bench.disconnects);
    bench_close(&bench);
}

static void rule_14_unknown_members_are_skipped(void **state)
{
    (void)state;
    bench_t bench;
    bench_online(&bench);
    const actri_signaling_counters_t *counters = actri_session_counters(bench.session);
    give_bytes(&bench, "\x7a\x03\x0a\x01x", 5);    /* envelope field 15 */
    give_bytes(&bench, "", 0);                     /* an envelope without flow */
    give_bytes(&bench, "\x62\x03\xfa\x06\x00", 5); /* server_to_actr field 111 */
    assert_int_equal(0, counters->bad_envelopes);
    assert_int_equal(3, counters->unasked);
    assert_status(ACTR_OK, offer(&bench, 1, 1));
    Signaling__SignalingEnvelope *relay = bench_next(&bench);
    relay->actr_relay->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD__NOT_SET; /* of a kind that we do not know */
    Webrtc__SessionDescription *description = relay->actr_relay->session_description;
    bench_give(&bench, relay);
    assert_int_equal(0, bench.relays);
    assert_int_equal(4, counters->unasked);
    relay->actr_relay->payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION;
    relay->actr_relay->session_description = description;
    description->type = 9; /* a description of a kind that we do not know is no offer */
    bench_give(&bench, relay);
    assert_int_equal(0, bench.relays);
    assert_int_equal(1, counters->bad_envelopes);
    bench_free(relay);
    bench_close(&bench);
}

/* ---- memory ---- */

/* A life with everything in it. */
static void live_with(const actri_env_t *env, bool frames_fail)
{
    uint8_t acl[] = {0x0a, 0x02, 0x10, 0x01};
    actri_signaling_options_t options = {.env = env,
                                         .type = bench_type,
                                         .realm = 7,
                                         .service_spec = acl,
                                         .service_spec_size = sizeof acl,
                                         .acl = acl,
                                         .acl_size = sizeof acl};
    bench_t bench = {.time = {1000 * ACTRI_SECOND, 1}};
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_session_new(&options, &bench_sink, &bench, 1, &bench.session, &error) != ACTR_OK) return;
    bench.fail_alloc_of_frames = frames_fail;
    bench_start(&bench);
    if (bench.socket) bench_opened(&bench);
    bench_ok_t ok = {.serial = 1, .token = "t", .psk = "p", .interval = 30, .expires_s = 100};
    bench_reply_ok(&bench, 1, &ok);
    bench_reply_pong(&bench, 2, 0, true);
    bench_reply_ok(&bench, 3, &ok);
    bench_ask(&bench, 5);
    reply_candidates(&bench, 4, 2);
    (void)!offer(&bench, 1, 1);
    if (bench.socket) bench_lose(&bench);
    bench_pass(&bench, 3 * ACTRI_SECOND);
    if (bench.socket) bench_opened(&bench);
    bench_ask(&bench, 5);
    actri_session_stop(bench.session, bench.time, bench.time.now_ns + ACTRI_SECOND);
    bench_pass(&bench, ACTRI_SECOND);
    assert_false(bench.socket);
    bench_close(&bench);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    live_with(NULL, true);
    unsigned runs = 0;
    OOM_EACH(oom)
    {
        live_with(&oom.env, false);
        runs++;
    }
    assert_true(runs > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_recorded_nodes_said),
        cmocka_unit_test(sends_every_recorded_request),
        cmocka_unit_test(passes_every_recorded_relay_up),
        cmocka_unit_test(candidates_are_given_in_order_and_bounded),
        cmocka_unit_test(wishes_are_sent_as_the_wire_has_them),
        cmocka_unit_test(candidates_refused),
        cmocka_unit_test(questions_are_answered_once),
        cmocka_unit_test(waiting_requests_are_bounded),
        cmocka_unit_test(a_refused_relay_names_its_target),
        cmocka_unit_test(a_relay_refused_for_its_token_asks_at_once),
        cmocka_unit_test(a_client_assigns_no_roles),
        cmocka_unit_test(an_ice_restart_request_is_field_14),
        cmocka_unit_test(bad_envelopes_are_counted_and_the_connection_stays),
        cmocka_unit_test(rule_14_unknown_members_are_skipped),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
