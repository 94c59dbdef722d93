/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/idcodec.h"

Actr__ActrType *actri_type_to_message(const actr_type_t *type, Actr__ActrType *room)
{
    actr__actr_type__init(room);
    room->manufacturer = (char *)(uintptr_t)type->manufacturer;
    room->name = (char *)(uintptr_t)type->name;
    return room;
}

Actr__ActrId *actri_id_to_message(const actr_id_t *id, actri_id_message_t *room)
{
    actr__actr_id__init(&room->id);
    actr__realm__init(&room->realm);
    room->realm.has_realm_id = 1;
    room->realm.realm_id = id->realm;
    room->id.realm = &room->realm;
    room->id.has_serial_number = 1;
    room->id.serial_number = id->serial_number;
    room->id.type = actri_type_to_message(&id->type, &room->type);
    return &room->id;
}

static bool copy_name(const char *text, char out[ACTR_NAME_MAX + 1])
{
    size_t size = text == NULL ? 0 : strlen(text);
    if (size == 0 || size > ACTR_NAME_MAX || !memcpy(out, text, size + 1)) return false;
    return true;
}

bool actri_type_from_message(const Actr__ActrType *message, actr_type_t *out)
{
    memset(out, 0, sizeof *out);
    return message != NULL && copy_name(message->manufacturer, out->manufacturer) &&
           copy_name(message->name, out->name);
}

bool actri_id_from_message(const Actr__ActrId *message, actr_id_t *out)
{
    memset(out, 0, sizeof *out);
    if (message == NULL || message->realm == NULL) return false;
    if (!message->realm->has_realm_id || !message->has_serial_number) return false;
    out->realm = message->realm->realm_id;
    out->serial_number = message->serial_number;
    return actri_type_from_message(message->type, &out->type);
}

size_t actri_id_encode(const actr_id_t *id, uint8_t out[ACTRI_ID_BYTES_MAX])
{
    actri_id_message_t room;
    return actr__actr_id__pack(actri_id_to_message(id, &room), out);
}

bool actri_id_decode(const void *data, size_t size, actr_id_t *out)
{
    Actr__ActrId *message = actr__actr_id__unpack(NULL, size, data);
    if (message == NULL) return false;
    bool good = actri_id_from_message(message, out);
    actr__actr_id__free_unpacked(message, NULL);
    return good;
}
