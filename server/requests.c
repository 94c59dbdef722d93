/* SPDX-License-Identifier: Apache-2.0 */
/* What a node asks of the server itself. spec: server 6. */
#include "server/core_state.h"

#include "port/random.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_INTERVAL 30
#define DEFAULT_LIFE_SECS 86400
#define MANY 4096 /* candidates that are looked at */

/* ---- credentials ---- */

actri_row_t *actri_core_authenticate(actri_core_t *core, uint64_t connection, const char *envelope_id,
                                     const Actr__ActrId *source, const Actr__AIdCredential *credential)
{
    actr_id_t id;
    const char *why = NULL;
    actri_row_t *row = NULL;
    bool named = actri_id_from_message(source, &id);
    if (!named)
        why = "Credential validation failed: no source";
    else if ((row = actri_core_find(core, &id)) == NULL)
        why = "Credential validation failed: unknown actor";
    else if (credential == NULL || credential->encrypted_token.len != ACTRI_TOKEN_SIZE ||
             !actri_row_issued(row, credential->encrypted_token.data, core->now_ms)) {
        why = "Credential validation failed: wrong token";
    } else if (row->expires_ms < core->now_ms)
        why = "Credential validation failed: Token has expired";
    else if (core->switches.unauthorized > 0) {
        core->switches.unauthorized--;
        why = "Credential validation failed: as the test asked";
    }
    if (why != NULL) {
        actri_core_refuse(core, connection, envelope_id, named ? &id : NULL, 401, why);
        return NULL;
    }
    if (row->connection == 0) row->connection = connection; /* a bare reconnect of level 0.1.6 (levels 5.2) */
    return row;
}

static void renew(const actri_core_t *core, actri_row_t *row)
{
    uint32_t life = core->switches.token_life_secs;
    memcpy(row->old_token, row->token, sizeof row->token);
    row->old_expires_ms = row->expires_ms;
    actri_random(row->token, sizeof row->token);
    row->expires_ms = core->now_ms + (int64_t)(life != 0 ? life : DEFAULT_LIFE_SECS) * 1000;
}

/* The success that registration and renewal share. */
static void send_register_ok(actri_core_t *core, uint64_t connection, const char *envelope_id, actri_row_t *row)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RegisterResponse response = ACTR__REGISTER_RESPONSE__INIT;
    Actr__RegisterOk ok = ACTR__REGISTER_OK__INIT;
    Actr__AIdCredential credential = ACTR__AID_CREDENTIAL__INIT;
    Actr__Timestamp expires = ACTR__TIMESTAMP__INIT;
    actri_id_message_t id;
    credential.has_encrypted_token = credential.has_token_key_id = 1;
    credential.encrypted_token = (ProtobufCBinaryData){sizeof row->token, row->token};
    credential.token_key_id = 1;
    expires.has_seconds = 1;
    expires.seconds = row->expires_ms / 1000;
    ok.actr_id = actri_id_to_message(&row->id, &id);
    ok.credential = &credential;
    ok.has_psk = 1;
    ok.psk = (ProtobufCBinaryData){sizeof row->psk, row->psk};
    ok.credential_expires_at = &expires;
    ok.has_signaling_heartbeat_interval_secs = 1;
    ok.signaling_heartbeat_interval_secs =
        core->switches.interval_secs != 0 ? core->switches.interval_secs : DEFAULT_INTERVAL;
    response.result_case = ACTR__REGISTER_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    answer.register_response = &response;
    actri_core_answer(core, connection, envelope_id, &row->id, &answer);
}

/* ---- registration ---- */

static void refuse_registration(actri_core_t *core, uint64_t connection, const char *envelope_id, uint32_t code,
                                const char *message)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RegisterResponse response = ACTR__REGISTER_RESPONSE__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    error.has_code = 1;
    error.code = code;
    error.message = (char *)(uintptr_t)message;
    response.result_case = ACTR__REGISTER_RESPONSE__RESULT_ERROR;
    response.error = &error;
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    answer.register_response = &response;
    actri_core_trace(core, "registration refused: %u %s", code, message);
    actri_core_answer(core, connection, envelope_id, NULL, &answer);
}

static void take_acl(actri_row_t *row, const Actr__Acl *acl)
{
    size_t size = actr__acl__get_packed_size(acl);
    uint8_t *bytes = actri_alloc(NULL, size);
    if (bytes == NULL) return;
    (void)actr__acl__pack(acl, bytes);
    row->acl = actr__acl__unpack(NULL, size, bytes);
    actri_free(NULL, bytes);
}

static actri_row_t *add_row(actri_core_t *core, uint64_t connection, const Actr__RegisterRequest *request)
{
    actri_row_t *row = actri_zalloc(core->env, sizeof *row);
    if (row == NULL) return NULL;
    row->id.serial_number = actri_core_serial(core);
    row->id.realm = request->realm->realm_id;
    (void)actri_type_from_message(request->actr_type, &row->id.type);
    row->key = actri_id_key(&row->id);
    row->connection = connection;
    actri_random(row->psk, sizeof row->psk);
    renew(core, row);
    if (actri_map_put(&core->by_id, &row->key, sizeof row->key, row) != ACTR_OK) {
        actri_free(core->env, row);
        return NULL;
    }
    actri_list_append(&core->rows, &row->link);
    if (request->has_service_spec &&
        !actri_spec_parse(core->env, request->service_spec.data, request->service_spec.len, &row->spec)) {
        actri_core_trace(core, "a ServiceSpec of neither form is left out"); /* levels 5.2 */
    }
    row->wants_form_b = row->spec.present && row->spec.form == 'B';
    if (request->acl != NULL) take_acl(row, request->acl);
    return row;
}

static void tell_subscribers(actri_core_t *core, const actri_row_t *fresh)
{
    for (actri_link_t *at = core->rows.next; at != &core->rows; at = at->next) {
        const actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->connection == 0 || row == fresh || row->id.realm != fresh->id.realm) continue;
        for (size_t i = 0; i < row->subscription_count; i++) {
            if (memcmp(&row->subscriptions[i], &fresh->id.type, sizeof fresh->id.type) != 0) continue;
            Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
            Actr__ActrUpEvent event = ACTR__ACTR_UP_EVENT__INIT;
            actri_id_message_t id;
            event.actor_id = actri_id_to_message(&fresh->id, &id);
            answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ACTR_UP_EVENT;
            answer.actr_up_event = &event;
            actri_core_answer(core, row->connection, NULL, &row->id, &answer);
        }
    }
}

void actri_core_register(actri_core_t *core, uint64_t connection, const char *envelope_id,
                         const Actr__RegisterRequest *request)
{
    actr_type_t type;
    if (core->switches.refuse_registration != 0) {
        uint32_t code = core->switches.refuse_registration;
        core->switches.refuse_registration = 0;
        refuse_registration(core, connection, envelope_id, code, "as the test asked");
    } else if (actri_core_of_connection(core, connection) != NULL) {
        refuse_registration(core, connection, envelope_id, 409, "Already registered");
    } else if (request->realm == NULL || !actri_type_from_message(request->actr_type, &type)) {
        refuse_registration(core, connection, envelope_id, 400, "The realm or the actor type is missing or too long");
    } else {
        actri_row_t *row = add_row(core, connection, request);
        if (row == NULL) {
            refuse_registration(core, connection, envelope_id, 500, "Out of memory");
            return;
        }
        char text[ACTR_ID_TEXT_SIZE];
        core->registrations++;
        actri_core_trace(core, "registered: %s", actr_id_print(&row->id, text));
        send_register_ok(core, connection, envelope_id, row);
        tell_subscribers(core, row);
    }
}

/* ---- heartbeat ---- */

static void on_ping(actri_core_t *core, uint64_t connection, const char *envelope_id, actri_row_t *row,
                    const Actr__Ping *ping)
{
    row->has_load = true;
    row->availability = ping->availability;
    row->power_reserve = ping->power_reserve;
    row->backlog = ping->mailbox_backlog;
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__Pong pong = ACTR__PONG__INIT;
    Actr__CredentialWarning warning = ACTR__CREDENTIAL_WARNING__INIT;
    pong.has_seq = pong.has_suggest_interval_secs = 1;
    pong.seq = (uint64_t)(core->now_ms / 1000);
    pong.suggest_interval_secs = core->switches.interval_secs != 0 ? core->switches.interval_secs : DEFAULT_INTERVAL;
    if (core->switches.warnings > 0) {
        static char text[] = "Your credential key is in tolerance period. Please update your credential soon.";
        core->switches.warnings--;
        warning.has_type = 1;
        warning.message = text;
        pong.credential_warning = &warning;
    }
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    answer.pong = &pong;
    actri_core_answer(core, connection, envelope_id, &row->id, &answer);
}

static void answer_empty(actri_core_t *core, uint64_t connection, const char *envelope_id, const actr_id_t *target,
                         Signaling__SignalingToActr__PayloadCase payload)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__EmptyResponse response = ACTR__EMPTY_RESPONSE__INIT;
    Actr__Empty success = ACTR__EMPTY__INIT;
    response.result_case = ACTR__EMPTY_RESPONSE__RESULT_SUCCESS;
    response.success = &success;
    answer.payload_case = payload;
    answer.unregister_response = &response; /* one member of a union of pointers to the same message */
    actri_core_answer(core, connection, envelope_id, target, &answer);
}

static void on_unregister(actri_core_t *core, uint64_t connection, const char *envelope_id, actri_row_t *row)
{
    char text[ACTR_ID_TEXT_SIZE];
    core->unregistrations++;
    if (core->switches.drop_farewells > 0) {
        core->switches.drop_farewells--;
        return;
    }
    actri_core_trace(core, "unregistered: %s", actr_id_print(&row->id, text));
    answer_empty(core, connection, envelope_id, &row->id, SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_UNREGISTER_RESPONSE);
    actri_core_remove(core, row);
}

/* ---- finding others ---- */

static size_t collect(actri_core_t *core, const actri_row_t *asker, const actr_type_t *type, actri_row_t **out)
{
    size_t count = 0;
    for (actri_link_t *at = core->rows.next; at != &core->rows && count < MANY; at = at->next) {
        actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->connection == 0 || row->id.realm != asker->id.realm) continue;
        if (memcmp(&row->id.type, type, sizeof *type) != 0) continue;
        if (core->switches.strict_acl && !actri_row_admits(row, &asker->id)) continue;
        out[count++] = row;
    }
    return count;
}

static void send_candidates(actri_core_t *core, uint64_t connection, const char *envelope_id, const actri_row_t *asker,
                            actri_row_t **rows, size_t count)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RouteCandidatesResponse response = ACTR__ROUTE_CANDIDATES_RESPONSE__INIT;
    Actr__RouteCandidatesOk ok = ACTR__ROUTE_CANDIDATES_OK__INIT;
    actri_id_message_t *rooms = actri_alloc(core->env, (count + 1) * sizeof *rooms);
    ok.candidates = actri_alloc(core->env, (count + 1) * sizeof(Actr__ActrId *));
    if (rooms != NULL && ok.candidates != NULL) {
        for (size_t i = 0; i < count; i++) ok.candidates[i] = actri_id_to_message(&rows[i]->id, &rooms[i]);
        ok.n_candidates = count;
        response.result_case = ACTR__ROUTE_CANDIDATES_RESPONSE__RESULT_SUCCESS;
        response.success = &ok;
        answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ROUTE_CANDIDATES_RESPONSE;
        answer.route_candidates_response = &response;
        actri_core_answer(core, connection, envelope_id, &asker->id, &answer);
    }
    actri_free(core->env, rooms);
    actri_free(core->env, ok.candidates);
}

static void on_candidates(actri_core_t *core, uint64_t connection, const char *envelope_id, actri_row_t *asker,
                          const Actr__RouteCandidatesRequest *request)
{
    if (core->switches.drop_searches > 0) {
        core->switches.drop_searches--;
        return;
    }
    actr_type_t type;
    /* L8 clients always send the field; so do libactr's of form A, who show their form when they register. */
    if (request->client_fingerprint != NULL && !asker->spec.present) asker->wants_form_b = true;
    actri_row_t **rows = actri_alloc(core->env, MANY * sizeof(actri_row_t *));
    if (rows == NULL) return;
    size_t count = 0;
    if (actri_type_from_message(request->target_type, &type)) {
        count = collect(core, asker, &type, rows);
        const char *own = asker->spec.present ? asker->spec.fingerprint : NULL;
        count = actri_rank(rows, count, request->criteria, own);
        actri_core_trace(core, "discovery: %s looks for %s, finds %zu", asker->id.type.name, type.name, count);
    }
    send_candidates(core, connection, envelope_id, asker, rows, count);
    actri_free(core->env, rows);
}

static uint8_t *type_entry(const actri_core_t *core, const actri_row_t *row, char form, size_t *size)
{
    static char unknown[] = "unknown";
    Actr__ActrType type;
    char *fingerprint = row->spec.present ? row->spec.fingerprint : unknown;
    Actr__TypeEntryA a = ACTR__TYPE_ENTRY_A__INIT;
    Actr__TypeEntryB b = ACTR__TYPE_ENTRY_B__INIT;
    a.actr_type = b.actr_type = actri_type_to_message(&row->id.type, &type);
    a.description = b.description = row->spec.description;
    a.service_fingerprint = b.service_fingerprint = fingerprint;
    b.name = row->spec.name != NULL ? row->spec.name : type.name;
    const ProtobufCMessage *message = form == 'B' ? &b.base : &a.base;
    *size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = actri_alloc(core->env, *size);
    if (bytes != NULL) (void)protobuf_c_message_pack(message, bytes);
    return bytes;
}

static bool listed_before(const actri_core_t *core, const actri_row_t *row, const actri_row_t *asker)
{
    for (actri_link_t *at = core->rows.next; at != &row->link; at = at->next) {
        const actri_row_t *other = ACTRI_CONTAINER(at, actri_row_t, link);
        if (other->connection != 0 && other->id.realm == asker->id.realm &&
            memcmp(&other->id.type, &row->id.type, sizeof row->id.type) == 0) {
            return true;
        }
    }
    return false;
}

static void on_discovery(actri_core_t *core, uint64_t connection, const char *envelope_id, const actri_row_t *asker,
                         const Actr__DiscoveryRequest *request)
{
    size_t limit = request->has_limit ? request->limit : 64;
    if (limit > MANY) limit = MANY;
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__DiscoveryResponse response = ACTR__DISCOVERY_RESPONSE__INIT;
    Actr__DiscoveryOk ok = ACTR__DISCOVERY_OK__INIT;
    ok.entries = actri_zalloc(core->env, (limit + 1) * sizeof *ok.entries);
    if (ok.entries == NULL) return;
    for (actri_link_t *at = core->rows.next; at != &core->rows && ok.n_entries < limit; at = at->next) {
        const actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->connection == 0 || row->id.realm != asker->id.realm || listed_before(core, row, asker)) continue;
        if (request->manufacturer != NULL && strcmp(request->manufacturer, row->id.type.manufacturer) != 0) continue;
        ProtobufCBinaryData *entry = &ok.entries[ok.n_entries];
        entry->data = type_entry(core, row, asker->wants_form_b ? 'B' : 'A', &entry->len);
        if (entry->data != NULL) ok.n_entries++;
    }
    response.result_case = ACTR__DISCOVERY_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_DISCOVERY_RESPONSE;
    answer.discovery_response = &response;
    actri_core_answer(core, connection, envelope_id, &asker->id, &answer);
    for (size_t i = 0; i < ok.n_entries; i++) actri_free(core->env, ok.entries[i].data);
    actri_free(core->env, ok.entries);
}

/* The youngest that is there, or else the youngest. */
static const actri_row_t *row_with_spec(const actri_core_t *core, const char *name)
{
    const actri_row_t *found = NULL;
    for (actri_link_t *at = core->rows.next; name != NULL && at != &core->rows; at = at->next) {
        const actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (!row->spec.present) continue;
        char text[ACTR_TYPE_TEXT_SIZE];
        bool named = strcmp(name, row->id.type.name) == 0 || strcmp(name, actr_type_print(&row->id.type, text)) == 0 ||
                     (row->spec.name != NULL && strcmp(name, row->spec.name) == 0);
        if (named && (found == NULL || found->connection == 0 || row->connection != 0)) found = row;
    }
    return found;
}

static void on_get_spec(actri_core_t *core, uint64_t connection, const char *envelope_id, const actri_row_t *asker,
                        const Actr__GetServiceSpecRequest *request)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__GetServiceSpecResponse response = ACTR__GET_SERVICE_SPEC_RESPONSE__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    const actri_row_t *row = row_with_spec(core, request->name);
    char text[160];
    uint8_t *bytes = NULL;
    if (row != NULL)
        bytes = actri_spec_write(core->env, &row->spec, asker->wants_form_b ? 'B' : 'A', &response.success.len);
    if (bytes != NULL) {
        response.result_case = ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_SUCCESS;
        response.success.data = bytes;
    } else {
        (void)snprintf(text, sizeof text, "Service specification not found for name=%.100s",
                       request->name == NULL ? "" : request->name);
        error.has_code = 1;
        error.code = 404;
        error.message = text;
        response.result_case = ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_ERROR;
        response.error = &error;
    }
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_GET_SERVICE_SPEC_RESPONSE;
    answer.get_service_spec_response = &response;
    actri_core_answer(core, connection, envelope_id, &asker->id, &answer);
    actri_free(core->env, bytes);
}

/* ---- presence ---- */

static void on_subscription(actri_core_t *core, uint64_t connection, const char *envelope_id, actri_row_t *row,
                            const Actr__ActrUpRequest *request, bool add)
{
    actr_type_t type;
    if (actri_type_from_message(request->target_type, &type)) {
        size_t at = 0;
        while (at < row->subscription_count && memcmp(&row->subscriptions[at], &type, sizeof type) != 0) at++;
        bool known = at < row->subscription_count;
        if (add && !known && row->subscription_count < ACTRI_SUBSCRIPTIONS) {
            row->subscriptions[row->subscription_count++] = type;
        } else if (!add && known) {
            row->subscriptions[at] = row->subscriptions[--row->subscription_count];
        }
    }
    answer_empty(core, connection, envelope_id, &row->id,
                 add ? SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_SUBSCRIBE_ACTR_UP_RESPONSE
                     : SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_UNSUBSCRIBE_ACTR_UP_RESPONSE);
}

/* ---- dispatch ---- */

void actri_core_request(actri_core_t *core, uint64_t connection, const char *envelope_id,
                        const Signaling__ActrToSignaling *request)
{
    actri_row_t *row = actri_core_authenticate(core, connection, envelope_id, request->source, request->credential);
    if (row == NULL) return;
    switch (request->payload_case) {
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING: on_ping(core, connection, envelope_id, row, request->ping); break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST:
        on_unregister(core, connection, envelope_id, row);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST:
        renew(core, row); /* the psk stays, and is sent again */
        send_register_ok(core, connection, envelope_id, row);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_ROUTE_CANDIDATES_REQUEST:
        on_candidates(core, connection, envelope_id, row, request->route_candidates_request);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_DISCOVERY_REQUEST:
        on_discovery(core, connection, envelope_id, row, request->discovery_request);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_GET_SERVICE_SPEC_REQUEST:
        on_get_spec(core, connection, envelope_id, row, request->get_service_spec_request);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_SUBSCRIBE_ACTR_UP_REQUEST:
        on_subscription(core, connection, envelope_id, row, request->subscribe_actr_up_request, true);
        break;
    case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNSUBSCRIBE_ACTR_UP_REQUEST:
        on_subscription(core, connection, envelope_id, row, request->unsubscribe_actr_up_request, false);
        break;
    default: break; /* nothing, or an error of its own: no answer (server 6.10) */
    }
}
