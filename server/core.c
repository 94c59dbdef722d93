/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in, messages out; the registry is a list in order of registration beside a map by (realm, serial). */
#include "server/core.h"

#include "base/map.h"
#include "base/utf8.h"
#include "port/random.h"
#include "proto/pbwire.h"
#include "server/core_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- output ---- */

void actri_core_trace(const actri_core_t *core, const char *format, ...)
{
    if (core->output.trace == NULL) return;
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    actri_utf8_line(line); /* it may hold what a client calls itself */
    core->output.trace(core->output.user, line);
}

void actri_core_send(actri_core_t *core, uint64_t connection, Signaling__SignalingEnvelope *envelope)
{
    char id[ACTRI_UUID_SIZE];
    Actr__Timestamp timestamp = ACTR__TIMESTAMP__INIT;
    actri_uuid_v4(id);
    timestamp.has_seconds = 1;
    timestamp.seconds = core->now_ms / 1000;
    envelope->has_envelope_version = 1;
    envelope->envelope_version = 1;
    envelope->envelope_id = id;
    envelope->timestamp = &timestamp;
    size_t size = signaling__signaling_envelope__get_packed_size(envelope);
    uint8_t *bytes = actri_alloc(core->env, size);
    if (bytes != NULL) {
        (void)signaling__signaling_envelope__pack(envelope, bytes);
        core->output.send(core->output.user, connection, bytes, size);
    }
    actri_free(core->env, bytes);
    envelope->envelope_id = NULL; /* both end here */
    envelope->timestamp = NULL;
}

/* Fills the envelope around an answer to `target`; the payload is set already. */
void actri_core_answer(actri_core_t *core, uint64_t connection, const char *reply_for, const actr_id_t *target,
                       Signaling__SignalingToActr *answer)
{
    static const actr_id_t nobody = {0, 0, {"temp", "temp"}};
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    actri_id_message_t room;
    answer->target = actri_id_to_message(target != NULL ? target : &nobody, &room);
    envelope.reply_for = (char *)(uintptr_t)reply_for;
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR;
    envelope.server_to_actr = answer;
    actri_core_send(core, connection, &envelope);
}

void actri_core_refuse(actri_core_t *core, uint64_t connection, const char *reply_for, const actr_id_t *target,
                       uint32_t code, const char *message)
{
    Signaling__SignalingToActr answer = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    error.has_code = 1;
    error.code = code;
    error.message = (char *)(uintptr_t)message;
    answer.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ERROR;
    answer.error = &error;
    actri_core_trace(core, "refused: %u %s", code, message);
    actri_core_answer(core, connection, reply_for, target, &answer);
}

/* ---- registry ---- */

actri_row_t *actri_core_find(const actri_core_t *core, const actr_id_t *id)
{
    actri_id_key_t key = actri_id_key(id);
    return actri_map_get(&core->by_id, &key, sizeof key);
}

actri_row_t *actri_core_of_connection(const actri_core_t *core, uint64_t connection)
{
    for (actri_link_t *at = core->rows.next; at != &core->rows; at = at->next) {
        actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->connection == connection) return row;
    }
    return NULL;
}

void actri_core_remove(actri_core_t *core, actri_row_t *row)
{
    (void)actri_map_take(&core->by_id, &row->key, sizeof row->key);
    actri_list_remove(&row->link);
    actri_spec_clear(core->env, &row->spec);
    if (row->acl != NULL) actr__acl__free_unpacked(row->acl, NULL);
    actri_free(core->env, row);
}

/* 41 bits of milliseconds, 13 of a counter: unique across restarts (server 4.1). */
uint64_t actri_core_serial(actri_core_t *core)
{
    uint64_t serial = (uint64_t)(core->now_ms - INT64_C(1672531200000)) << 13;
    if (serial <= core->last_serial) serial = core->last_serial + 1;
    core->last_serial = serial;
    return serial & ((UINT64_C(1) << 54) - 1);
}

static void bind(actri_core_t *core, actri_row_t *row, uint64_t connection)
{
    uint64_t old = row->connection;
    row->connection = connection;
    if (old != 0 && old != connection) {
        actri_core_trace(core, "displaced: an older connection of %" PRIx64, row->id.serial_number);
        core->output.close(core->output.user, old);
    }
}

/* ---- connections ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The decoded value of a query parameter; false when it is absent or too long. */
static bool parameter(const char *query, const char *name, char *out, size_t room)
{
    size_t length = strlen(name), used = 0;
    const char *at = query;
    while (at != NULL && (strncmp(at, name, length) != 0 || at[length] != '=')) {
        at = strchr(at, '&');
        if (at != NULL) at++;
    }
    if (at == NULL) return false;
    for (at += length + 1; *at != '\0' && *at != '&'; at++) {
        char c = *at == '+' ? ' ' : *at;
        if (c == '%' && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
            c = (char)(hex(at[1]) << 4 | hex(at[2]));
            at += 2;
        }
        if (used + 1 >= room) return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == ' ' ? 62 : c == '/' ? 63 : -1;
}

static bool token_matches(const char *base64, const actri_row_t *row, int64_t now_ms)
{
    uint8_t token[ACTRI_TOKEN_SIZE + 3];
    size_t size = 0;
    unsigned bits = 0, held = 0;
    for (; *base64 != '\0' && *base64 != '='; base64++) {
        int value = sextet(*base64);
        if (value < 0 || size == sizeof token) return false;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        token[size++] = (uint8_t)(bits >> held);
    }
    return size == ACTRI_TOKEN_SIZE && actri_row_issued(row, token, now_ms);
}

void actri_core_open(actri_core_t *core, uint64_t connection, const char *query, int64_t now_ms)
{
    char text[256], token[128];
    actr_id_t id;
    core->now_ms = now_ms;
    if (!parameter(query, "actor_id", text, sizeof text) || !parameter(query, "token", token, sizeof token)) return;
    if (actr_id_parse(text, &id, NULL) != ACTR_OK) return;
    actri_row_t *row = actri_core_find(core, &id);
    if (row == NULL || !token_matches(token, row, now_ms) || row->expires_ms < now_ms)
        return; /* its requests will get a 401 */
    bind(core, row, connection);
    actri_core_trace(core, "back: %s", text);
}

void actri_core_closed(actri_core_t *core, uint64_t connection, int64_t now_ms)
{
    core->now_ms = now_ms;
    actri_row_t *row = actri_core_of_connection(core, connection);
    if (row == NULL) return;
    char text[ACTR_ID_TEXT_SIZE];
    row->connection = 0;
    row->away_ms = now_ms;
    actri_core_trace(core, "gone: %s", actr_id_print(&row->id, text));
}

void actri_core_tick(actri_core_t *core, int64_t now_ms)
{
    core->now_ms = now_ms;
    for (actri_link_t *at = core->rows.next, *next; at != &core->rows; at = next) {
        next = at->next;
        actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->connection == 0 && now_ms - row->away_ms > ACTRI_GRACE_MS) actri_core_remove(core, row);
    }
}

/* ---- messages ---- */

static bool texts_are_valid(const ProtobufCMessage *message);

static bool field_is_valid(const ProtobufCFieldDescriptor *field, const void *member, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *value = ((const void *const *)member)[i];
        if (value == NULL) continue;
        if (field->type == PROTOBUF_C_TYPE_STRING && !actri_utf8_valid(actri_span_text(value))) return false;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && !texts_are_valid(value)) return false;
    }
    return true;
}

/* protobuf-c does not check that strings are UTF-8; the real server does. */
static bool texts_are_valid(const ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        const char *base = (const char *)message;
        const void *member = base + field->offset;
        size_t count = 1;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            uint32_t set = *(const uint32_t *)(const void *)(base + field->quantifier_offset);
            if (set != field->id) continue;
        } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            count = *(const size_t *)(const void *)(base + field->quantifier_offset);
            member = *(const void *const *)member;
        }
        if (!field_is_valid(field, member, count)) return false;
    }
    return true;
}

static void dispatch(actri_core_t *core, uint64_t connection, const Signaling__SignalingEnvelope *envelope)
{
    switch (envelope->flow_case) {
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER:
        if (envelope->peer_to_server->payload_case == SIGNALING__PEER_TO_SIGNALING__PAYLOAD_REGISTER_REQUEST) {
            actri_core_register(core, connection, envelope->envelope_id, envelope->peer_to_server->register_request);
        }
        break;
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER:
        actri_core_request(core, connection, envelope->envelope_id, envelope->actr_to_server);
        break;
    case SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY:
        actri_core_relay(core, connection, envelope->envelope_id, envelope->actr_relay);
        break;
    default: break; /* server 6.10 */
    }
}

void actri_core_receive(actri_core_t *core, uint64_t connection, const void *data, size_t size, int64_t now_ms)
{
    core->now_ms = now_ms;
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, size, data);
    if (envelope == NULL || !texts_are_valid(&envelope->base)) {
        if (envelope != NULL) signaling__signaling_envelope__free_unpacked(envelope, NULL);
        actri_core_trace(core, "garbage of %zu bytes: closed", size);
        actri_row_t *row = actri_core_of_connection(core, connection);
        if (row != NULL) actri_core_remove(core, row);
        core->output.close(core->output.user, connection);
        return;
    }
    static char empty[1];
    if (envelope->envelope_id == NULL) { /* as the real server, which reads a missing one as "" */
        char *id = envelope->envelope_id = empty;
        dispatch(core, connection, envelope);
        if (envelope->envelope_id == id) envelope->envelope_id = NULL;
    } else {
        dispatch(core, connection, envelope);
    }
    signaling__signaling_envelope__free_unpacked(envelope, NULL);
}

/* ---- life ---- */

actr_status_t actri_core_new(const actri_env_t *env, const actri_core_output_t *output, actri_core_t **out,
                             actr_error_t *error)
{
    actri_core_t *core = actri_zalloc(env, sizeof *core);
    if (core == NULL) return actri_no_memory(error);
    core->env = env;
    core->output = *output;
    actri_list_init(&core->rows);
    actri_map_init(&core->by_id, env);
    *out = core;
    return ACTR_OK;
}

void actri_core_free(actri_core_t *core)
{
    if (core == NULL) return;
    while (!actri_list_empty(&core->rows)) {
        actri_core_remove(core, ACTRI_CONTAINER(core->rows.next, actri_row_t, link));
    }
    actri_map_clear(&core->by_id);
    actri_free(core->env, core);
}

actri_core_switches_t *actri_core_switches(actri_core_t *core)
{
    return &core->switches;
}

size_t actri_core_online(const actri_core_t *core)
{
    size_t count = 0;
    for (actri_link_t *at = core->rows.next; at != &core->rows; at = at->next) {
        count += ACTRI_CONTAINER(at, actri_row_t, link)->connection != 0 ? 1 : 0;
    }
    return count;
}

uint64_t actri_core_registrations(const actri_core_t *core)
{
    return core->registrations;
}

uint64_t actri_core_unregistrations(const actri_core_t *core)
{
    return core->unregistrations;
}

bool actri_core_kick(actri_core_t *core, uint64_t serial, bool forget, int64_t now_ms)
{
    core->now_ms = now_ms;
    for (actri_link_t *at = core->rows.next; at != &core->rows; at = at->next) {
        actri_row_t *row = ACTRI_CONTAINER(at, actri_row_t, link);
        if (row->id.serial_number != serial || row->connection == 0) continue;
        uint64_t connection = row->connection;
        row->connection = 0;
        row->away_ms = now_ms;
        if (forget) actri_core_remove(core, row);
        core->output.close(core->output.user, connection);
        return true;
    }
    return false;
}
