/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to JSON: the last of several values counts, messages given in parts are put together. Pure. */
#include "cli/contract/pj_walk.h"

#include "proto/pbwire.h"

#include <stdlib.h>
#include <string.h>

static json_t *value_of_message(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                                actri_span_t bytes);
static bool read_fields(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, actri_span_t bytes,
                        json_t *into);

static const char *key_of(const actri_proto_field_t *field)
{
    return field->json_name.data;
}

/* Takes value; NULL latches. */
static bool set(pj_walk_t *walk, json_t *object, const char *key, json_t *value)
{
    if (value == NULL) return walk->status == ACTR_OK ? pj_no_memory(walk) : false;
    return json_object_set_new_nocheck(object, key, value) == 0 || pj_no_memory(walk);
}

static const actri_proto_field_t *field_of_number(const actri_proto_message_t *type, uint32_t number)
{
    size_t low = 0, high = type->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t here = (uint32_t)type->by_number[middle]->number;
        if (here == number) return type->by_number[middle];
        if (number < here)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- single values ---- */

static json_t *value_of_bytes(actri_span_t bytes)
{
    actri_text_t text = {.env = NULL};
    pj_add_base64(bytes, &text);
    json_t *out = text.failed ? NULL : json_stringn_nocheck(text.data, text.size);
    actri_free(NULL, text.data);
    return out;
}

static json_t *value_of_text(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field,
                             actri_span_t bytes)
{
    if (field->scalar == ACTRI_PROTO_TYPE_BYTES) return value_of_bytes(bytes);
    if (actri_utf8_valid(bytes)) return json_stringn((const char *)bytes.data, bytes.size);
    (void)pj_wrong(walk, where, "a string that is not UTF-8");
    return NULL;
}

/* A new reference, or NULL. */
static json_t *value_of(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field,
                        const actri_pb_field_t *from)
{
    unsigned wire = pj_wire_of(field);
    json_t *out = NULL;
    if (field->group || from->wire != wire) {
        (void)pj_wrong(walk, where, "the wrong wire type, %u and not %u", (unsigned)from->wire, wire);
        return NULL;
    }
    if (field->message != NULL)
        out = value_of_message(walk, where, field->message, from->bytes);
    else
        out = wire == 2 ? value_of_text(walk, where, field, from->bytes) : pj_of_number(field, from->value);
    if (out == NULL && walk->status == ACTR_OK) (void)pj_no_memory(walk);
    return out;
}

/* What is there when nothing is; NULL for messages. */
static json_t *default_of(const actri_proto_field_t *field)
{
    if (field->map) return json_object();
    if (field->label == ACTRI_PROTO_REPEATED) return json_array();
    if (field->message != NULL) return NULL;
    if (field->enumeration != NULL && field->enumeration->values != NULL && pj_takes_null(field)) return json_null();
    if (pj_wire_of(field) == 2) return json_string("");
    uint64_t first = 0;
    if (field->enumeration != NULL && field->enumeration->values != NULL)
        first = (uint64_t)(int64_t)field->enumeration->values->number;
    return pj_of_number(field, first);
}

/* ---- repeated fields and maps ---- */

/* The container under the field's key, made when it is not there. Borrowed. */
static json_t *container(pj_walk_t *walk, const actri_proto_field_t *field, json_t *into)
{
    json_t *found = json_object_get(into, key_of(field));
    if (found != NULL) return found;
    if (!set(walk, into, key_of(field), field->map ? json_object() : json_array())) return NULL;
    return json_object_get(into, key_of(field));
}

static bool append(pj_walk_t *walk, json_t *array, json_t *value)
{
    if (value == NULL) return false;
    return json_array_append_new(array, value) == 0 || pj_no_memory(walk);
}

/* A packed run: the tag is left out, so it is put before each element's bytes by reading them by hand. */
static bool read_packed(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, actri_span_t bytes,
                        json_t *array)
{
    unsigned wire = pj_wire_of(field);
    for (size_t at = 0; at < bytes.size;) {
        uint8_t one[16] = {(uint8_t)(1u << 3 | wire)};
        size_t size = bytes.size - at < 10 ? bytes.size - at : 10;
        actri_pb_field_t item;
        memcpy(one + 1, bytes.data + at, size);
        actri_pb_reader_t reader = {one, one + 1 + size};
        pj_where_t here = {where, NULL, json_array_size(array)};
        if (actri_pb_read(&reader, &item) != ACTRI_PB_FIELD) return pj_wrong(walk, &here, "is cut off");
        at += (size_t)(reader.at - one) - 1;
        if (!append(walk, array, value_of(walk, &here, field, &item))) return false;
    }
    return true;
}

static bool read_repeated(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field,
                          const actri_pb_field_t *from, json_t *into)
{
    json_t *array = container(walk, field, into);
    if (array == NULL) return false;
    if (from->wire == 2 && pj_wire_of(field) != 2) return read_packed(walk, where, field, from->bytes, array);
    pj_where_t here = {where, NULL, json_array_size(array)};
    return append(walk, array, value_of(walk, &here, field, from));
}

/* The key's text; *owned is to be released behind its use. NULL: latched. */
static const char *text_of_key(pj_walk_t *walk, const pj_where_t *where, json_t *value, char text[24])
{
    if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value)) {
        (void)snprintf(text, 24, "%lld", (long long)json_integer_value(value));
        return text;
    }
    const char *string = json_string_value(value);
    if (strlen(string) == json_string_length(value)) return string;
    (void)pj_wrong(walk, where, "a key with a zero byte in it");
    return NULL;
}

static bool read_entry(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, actri_span_t bytes,
                       json_t *map)
{
    const actri_proto_field_t *key_field = field->message->by_number[0], *value_field = field->message->by_number[1];
    json_t *entry = json_object(), *key = NULL, *value = NULL;
    char text[24];
    bool good = (entry != NULL || pj_no_memory(walk)) && read_fields(walk, where, field->message, bytes, entry);
    if (good) {
        key = json_incref(json_object_get(entry, key_of(key_field)));
        value = json_incref(json_object_get(entry, key_of(value_field)));
        if (key == NULL) key = default_of(key_field);
        if (value == NULL && value_field->message != NULL)
            value = value_of_message(walk, where, value_field->message, actri_span(NULL, 0));
        else if (value == NULL)
            value = default_of(value_field);
        good = (key != NULL && value != NULL) || (walk->status == ACTR_OK && pj_no_memory(walk));
    }
    const char *name = good ? text_of_key(walk, where, key, text) : NULL;
    if (name != NULL) good = set(walk, map, name, json_incref(value));
    json_decref(key);
    json_decref(value);
    json_decref(entry);
    return good && name != NULL;
}

static bool read_map(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field,
                     const actri_pb_field_t *from, json_t *into)
{
    json_t *map = container(walk, field, into);
    if (map == NULL) return false;
    if (from->wire != 2) return pj_wrong(walk, where, "the wrong wire type, %u and not 2", (unsigned)from->wire);
    return read_entry(walk, where, field, from->bytes, map);
}

/* ---- messages ---- */

/* A member of a oneof ends the others. */
static void clear_others(const actri_proto_message_t *type, const actri_proto_field_t *field, json_t *into)
{
    for (size_t i = 0; field->oneof >= 0 && i < type->field_count; i++) {
        const actri_proto_field_t *other = type->by_number[i];
        if (other != field && other->oneof == field->oneof) (void)json_object_del(into, key_of(other));
    }
}

static bool read_field(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                       const actri_proto_field_t *field, const actri_pb_field_t *from, json_t *into)
{
    pj_where_t here = {where, key_of(field), 0};
    if (field->map) return read_map(walk, &here, field, from, into);
    if (field->label == ACTRI_PROTO_REPEATED) return read_repeated(walk, &here, field, from, into);
    if (json_object_size(into) > 0) clear_others(type, field, into);
    json_t *present = json_object_get(into, key_of(field));
    bool plain = field->message != NULL && !pj_is_known(field->message) && !pj_is_any(field->message);
    if (present != NULL && plain && from->wire == 2) {
        if (walk->depth >= PJ_DEPTH_MAX) return pj_wrong(walk, &here, "nested more than %d deep", PJ_DEPTH_MAX);
        walk->depth++;
        bool good = read_fields(walk, &here, field->message, from->bytes, present);
        walk->depth--;
        return good;
    }
    return set(walk, into, key_of(field), value_of(walk, &here, field, from));
}

static bool fill_defaults(pj_walk_t *walk, const actri_proto_message_t *type, json_t *into)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const actri_proto_field_t *field = type->by_number[i];
        bool absent = field->label == ACTRI_PROTO_REPEATED || pj_is_implicit(walk->contract, type, field);
        if (!absent || json_object_get(into, key_of(field)) != NULL) continue;
        if (!set(walk, into, key_of(field), default_of(field))) return false;
    }
    return true;
}

static bool read_fields(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, actri_span_t bytes,
                        json_t *into)
{
    static const uint8_t nothing[1];
    const uint8_t *at = bytes.size == 0 ? nothing : bytes.data;
    actri_pb_reader_t reader = {at, at + bytes.size};
    actri_pb_field_t from;
    actri_pb_next_t next;
    while ((next = actri_pb_read(&reader, &from)) == ACTRI_PB_FIELD) {
        const actri_proto_field_t *field = field_of_number(type, from.number);
        if (field != NULL && !read_field(walk, where, type, field, &from, into)) return false;
    }
    return next == ACTRI_PB_END || pj_wrong(walk, where, "the bytes are no %s", type->full_name + 1);
}

/* {"@type": url, and the fields or "value"} */
static json_t *value_of_any(pj_walk_t *walk, const pj_where_t *where, json_t *plain)
{
    const char *url = json_string_value(json_object_get(plain, "typeUrl"));
    const char *data = json_string_value(json_object_get(plain, "value"));
    actri_text_t bytes = {.env = NULL};
    json_t *out = json_object(), *inner = NULL;
    if (url == NULL || url[0] == '\0') return out;
    const actri_proto_message_t *type = pj_any_type(walk->contract, url);
    if (type == NULL) { /* shown as it is */
        json_decref(out);
        return json_incref(plain);
    }
    if (data != NULL) (void)pj_from_base64(data, strlen(data), &bytes);
    inner = value_of_message(walk, where, type, actri_span(bytes.data, bytes.size));
    actri_free(NULL, bytes.data);
    bool good = inner != NULL && set(walk, out, "@type", json_string(url));
    if (good && (pj_is_known(type) || !json_is_object(inner)))
        good = set(walk, out, "value", json_incref(inner));
    else if (good)
        good = json_object_update_missing(out, inner) == 0 || pj_no_memory(walk);
    json_decref(inner);
    if (good) return out;
    json_decref(out);
    return NULL;
}

static json_t *make_value(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                          actri_span_t bytes)
{
    bool known = pj_is_known(type), any = pj_is_any(type);
    json_t *plain = json_object(), *out = NULL;
    bool good = (plain != NULL || pj_no_memory(walk)) && read_fields(walk, where, type, bytes, plain);
    bool wrapper = known && json_object_size(plain) == 0 && type->field_count == 1;
    bool fill = (walk->flags & PJ_DEFAULTS) != 0 && !known && !any;
    if (good && (fill || wrapper)) good = fill_defaults(walk, type, plain);
    if (good && any) out = value_of_any(walk, where, plain);
    if (good && known) out = pj_known_from_plain(walk, where, type, plain);
    if (good && !any && !known) return plain;
    json_decref(plain);
    return out;
}

static json_t *value_of_message(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                                actri_span_t bytes)
{
    if (walk->depth >= PJ_DEPTH_MAX) {
        (void)pj_wrong(walk, where, "nested more than %d deep", PJ_DEPTH_MAX);
        return NULL;
    }
    walk->depth++;
    json_t *out = make_value(walk, where, type, bytes);
    walk->depth--;
    return out;
}

actr_status_t pj_from_bytes(const contract_t *contract, const actri_proto_message_t *type, actri_span_t bytes,
                            unsigned flags, actri_text_t *out, actr_error_t *error)
{
    pj_walk_t walk = {.contract = contract, .flags = flags, .wrong = ACTR_STATUS_DECODE, .error = error};
    json_t *value = value_of_message(&walk, NULL, type, bytes);
    if (value != NULL) pj_print(value, (flags & PJ_INDENT) != 0, out);
    if (value == NULL && walk.status == ACTR_OK) (void)pj_no_memory(&walk);
    json_decref(value);
    if (walk.status == ACTR_OK && out->failed) (void)pj_no_memory(&walk);
    return walk.status;
}
