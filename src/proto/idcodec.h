/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ActrId and ActrType between their protobuf messages, their protobuf bytes and our plain structs. The text
 * forms are public (actr_id_parse ...).
 */
#ifndef ACTRI_IDCODEC_H
#define ACTRI_IDCODEC_H

#include "actr.pb-c.h"
#include "base/env.h"
#include "proto/span.h"

/* Room that a message needs on the stack; the message points into `id`, which must outlive it. */
typedef struct actri_id_message {
    Actr__ActrId id;
    Actr__Realm realm;
    Actr__ActrType type;
} actri_id_message_t;

/* Fills room and returns &room->id. */
Actr__ActrId *actri_id_to_message(const actr_id_t *id, actri_id_message_t *room);
Actr__ActrType *actri_type_to_message(const actr_type_t *type, Actr__ActrType *room);
/* False when a part is missing, or a name is empty or longer than ACTR_NAME_MAX. */
bool actri_id_from_message(const Actr__ActrId *message, actr_id_t *out);
bool actri_type_from_message(const Actr__ActrType *message, actr_type_t *out);

/* The protobuf bytes of an ActrId, as the mailbox stores senders. */
#define ACTRI_ID_BYTES_MAX 128
size_t actri_id_encode(const actr_id_t *id, uint8_t out[ACTRI_ID_BYTES_MAX]);
bool actri_id_decode(const void *data, size_t size, actr_id_t *out);

/* Hash-map key of an id: realm and serial number identify an actor; fixed size, no padding. */
typedef struct actri_id_key {
    uint64_t serial_number;
    uint64_t realm;
} actri_id_key_t;
static inline actri_id_key_t actri_id_key(const actr_id_t *id)
{
    return (actri_id_key_t){id->serial_number, id->realm};
}

#endif
