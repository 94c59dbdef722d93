/* SPDX-License-Identifier: Apache-2.0 */
/* Relays between actors, and the server's one decision in them: who offers. spec: server 8. */
#include "server/core_state.h"

#include <inttypes.h>
#include <string.h>

static int compare_ids(const actr_id_t *a, const actr_id_t *b)
{
    if (a->realm != b->realm) return a->realm < b->realm ? -1 : 1;
    if (a->serial_number != b->serial_number) return a->serial_number < b->serial_number ? -1 : 1;
    int order = strcmp(a->type.manufacturer, b->type.manufacturer);
    return order != 0 ? order : strcmp(a->type.name, b->type.name);
}

/* Forwards a relay, its credential blanked: receivers do not look at it, and it is nobody else's business. */
static void forward(actri_core_t *core, uint64_t connection, const Signaling__ActrRelay *relay)
{
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    Signaling__ActrRelay copy = *relay;
    Actr__AIdCredential blank = ACTR__AID_CREDENTIAL__INIT;
    blank.has_encrypted_token = 1;
    blank.has_token_key_id = 1;
    copy.credential = &blank;
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY;
    envelope.actr_relay = &copy;
    actri_core_send(core, connection, &envelope);
}

/* Did the other side of this pair ask within the last second? Answering both makes reference nodes fail (webrtc 2.6).
 */
static bool crosses(actri_core_t *core, const actr_id_t *from, const actr_id_t *to)
{
    actri_id_key_t key_from = actri_id_key(from), key_to = actri_id_key(to);
    for (size_t i = 0; i < ACTRI_CROSSINGS; i++) {
        actri_crossing_t *old = &core->crossings[i];
        bool opposite =
            memcmp(&old->from, &key_to, sizeof key_to) == 0 && memcmp(&old->to, &key_from, sizeof key_from) == 0;
        if (!opposite || core->now_ms - old->when_ms > ACTRI_CROSSING_MS) continue;
        old->when_ms = 0; /* once: the next one means it */
        return true;
    }
    core->crossings[core->crossing_at++ % ACTRI_CROSSINGS] = (actri_crossing_t){key_from, key_to, core->now_ms};
    return false;
}

static bool offers(const actri_core_t *core, const actr_id_t *id, const actr_id_t *other)
{
    return core->switches.larger_offers ? compare_ids(id, other) > 0 : compare_ids(id, other) < 0;
}

static void assign(actri_core_t *core, const actr_id_t *from, const actr_id_t *to, const actr_id_t *receiver)
{
    const actri_row_t *row = actri_core_find(core, receiver);
    if (row == NULL || row->connection == 0) return;
    const actr_id_t *other = receiver == from ? to : from;
    Signaling__ActrRelay relay = SIGNALING__ACTR_RELAY__INIT;
    Actr__RoleAssignment role = ACTR__ROLE_ASSIGNMENT__INIT;
    actri_id_message_t source, target;
    role.has_is_offerer = 1;
    role.is_offerer = offers(core, receiver, other);
    relay.source = actri_id_to_message(from, &source);
    relay.target = actri_id_to_message(to, &target);
    relay.payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_ASSIGNMENT;
    relay.role_assignment = &role;
    forward(core, row->connection, &relay);
}

static void negotiate(actri_core_t *core, const actri_row_t *sender, uint64_t connection, const char *envelope_id,
                      const Actr__RoleNegotiation *negotiation)
{
    actr_id_t from, to;
    if (!actri_id_from_message(negotiation->from, &from) || !actri_id_from_message(negotiation->to, &to)) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 400, "Malformed role negotiation");
        return;
    }
    const actri_row_t *row = actri_core_find(core, &to);
    if (row == NULL || row->connection == 0) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 404, "The target is not connected");
        return;
    }
    if (crosses(core, &from, &to)) {
        actri_core_trace(core, "roles of %" PRIx64 " and %" PRIx64 ": crossing, swallowed", from.serial_number,
                         to.serial_number);
        return;
    }
    actri_core_trace(core, "roles: %s offers", offers(core, &from, &to) ? from.type.name : to.type.name);
    assign(core, &from, &to, &from);
    assign(core, &from, &to, &to);
}

static bool dropped(actri_core_t *core, const Signaling__ActrRelay *relay)
{
    uint32_t *left = relay->payload_case == SIGNALING__ACTR_RELAY__PAYLOAD_ICE_CANDIDATE
                         ? &core->switches.drop_candidates
                         : &core->switches.drop_relays;
    if (*left == 0) return false;
    (*left)--;
    return true;
}

static const char *kind_of(const Signaling__ActrRelay *relay)
{
    switch (relay->payload_case) {
    case SIGNALING__ACTR_RELAY__PAYLOAD_ICE_CANDIDATE: return "candidate";
    case SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION:
        return relay->session_description->type == 0   ? "offer"
               : relay->session_description->type == 1 ? "answer"
                                                       : "restart offer";
    case SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_ASSIGNMENT: return "role assignment";
    default: return "relay";
    }
}

void actri_core_relay(actri_core_t *core, uint64_t connection, const char *envelope_id,
                      const Signaling__ActrRelay *relay)
{
    actr_id_t target;
    const actri_row_t *sender =
        actri_core_authenticate(core, connection, envelope_id, relay->source, relay->credential);
    if (sender == NULL) return;
    if (!actri_id_from_message(relay->target, &target)) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 400, "Malformed relay target");
        return;
    }
    if (target.realm != sender->id.realm) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 403, "Cross-realm relay is not allowed");
        return;
    }
    if (dropped(core, relay)) return;
    const actri_row_t *row = actri_core_find(core, &target);
    if (row != NULL && core->switches.strict_acl && !actri_row_admits(row, &sender->id)) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 403, "ACL policy denies relay to target actor");
    } else if (relay->payload_case == SIGNALING__ACTR_RELAY__PAYLOAD_ROLE_NEGOTIATION) {
        negotiate(core, sender, connection, envelope_id, relay->role_negotiation);
    } else if (row == NULL || row->connection == 0) {
        actri_core_refuse(core, connection, envelope_id, &sender->id, 404, "The target is not connected");
    } else {
        actri_core_trace(core, "%s: %s -> %s", kind_of(relay), sender->id.type.name, target.type.name);
        forward(core, row->connection, relay);
    }
}
