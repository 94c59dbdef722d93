/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to bytes: fields in the order of their numbers, each checked against its declaration. Pure. */
#include "cli/contract/pj_walk.h"

#include "proto/pbwire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- failures, for both directions ---- */

/* "readings[3].room" in front of what is in the text. */
static void print_where(const pj_where_t *where, actri_text_t *out)
{
    if (where == NULL) return;
    print_where(where->up, out);
    if (where->name == NULL)
        actri_text_add(out, "[%zu]", where->index);
    else
        actri_text_add(out, "%s%.60s", out->size == 0 ? "" : ".", where->name);
}

bool pj_wrong(pj_walk_t *walk, const pj_where_t *where, const char *format, ...)
{
    char what[300];
    actri_text_t path = {.env = NULL};
    va_list list;
    if (walk->status != ACTR_OK) return false;
    va_start(list, format);
    (void)vsnprintf(what, sizeof what, format, list);
    va_end(list);
    print_where(where, &path);
    if (path.size == 0)
        walk->status = actri_fail(walk->error, walk->wrong, "%s", what);
    else
        walk->status = actri_fail(walk->error, walk->wrong, "%.200s: %s", path.data, what);
    actri_free(NULL, path.data);
    return false;
}

bool pj_no_memory(pj_walk_t *walk)
{
    walk->status = actri_no_memory(walk->error);
    return false;
}

/* ---- the wire ---- */

static void put_varint(actri_text_t *out, uint64_t value)
{
    uint8_t bytes[10];
    actri_text_add_bytes(out, bytes, (size_t)(actri_pb_put_varint(bytes, value) - bytes));
}

static void put_fixed(actri_text_t *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    actri_text_add_bytes(out, bytes, size);
}

static void put_tag(actri_text_t *out, int32_t number, unsigned wire)
{
    put_varint(out, (uint64_t)number << 3 | wire);
}

static void put_number(actri_text_t *out, unsigned wire, uint64_t value)
{
    if (wire == 0)
        put_varint(out, value);
    else
        put_fixed(out, value, wire == 1 ? 8 : 4);
}

static void put_delimited(actri_text_t *out, int32_t number, const void *data, size_t size)
{
    put_tag(out, number, 2);
    put_varint(out, size);
    actri_text_add_bytes(out, data, size);
}

/* ---- values ---- */

static bool put_message(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value,
                        actri_text_t *out);

static bool put_text(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                     bool implicit, actri_text_t *out)
{
    actri_text_t bytes = {.env = NULL};
    if (!json_is_string(value)) return pj_wrong(walk, where, "not a string, but %s is wanted", field->type_name);
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    bool good = true;
    if (field->scalar == ACTRI_PROTO_TYPE_BYTES) {
        good = pj_from_base64(text, size, &bytes) || pj_wrong(walk, where, "not base64, as bytes are written");
        text = bytes.data;
        size = bytes.size;
    }
    if (good && (size > 0 || !implicit)) put_delimited(out, field->number, text, size);
    actri_free(NULL, bytes.data);
    return good;
}

static bool put_inner(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, json_t *value,
                      actri_text_t *out)
{
    actri_text_t inner = {.env = NULL};
    if (field->group) return pj_wrong(walk, where, "groups are not mapped");
    bool good = put_message(walk, where, field->message, value, &inner);
    if (inner.failed) good = pj_no_memory(walk);
    if (good) put_delimited(out, field->number, inner.data, inner.size);
    actri_free(NULL, inner.data);
    return good;
}

/* One value with its tag. implicit: the default is left out. */
static bool put_single(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, json_t *value,
                       bool implicit, actri_text_t *out)
{
    uint64_t number = 0;
    unsigned wire = pj_wire_of(field);
    if (field->message != NULL) return put_inner(walk, where, field, value, out);
    if (wire == 2) return put_text(walk, where, field, value, implicit, out);
    if (!pj_to_number(walk, where, field, value, &number)) return false;
    if (number == 0 && implicit) return true;
    put_tag(out, field->number, wire);
    put_number(out, wire, number);
    return true;
}

static bool is_packed(const pj_walk_t *walk, const actri_proto_message_t *type, const actri_proto_field_t *field)
{
    const actri_proto_value_t *written = actri_proto_option(field->options, "packed");
    if (pj_wire_of(field) == 2) return false;
    if (written != NULL) return written->kind == ACTRI_PROTO_BOOL && written->boolean;
    return contract_is_proto3(walk->contract, type->full_name);
}

static bool put_repeated(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                         const actri_proto_field_t *field, json_t *value, actri_text_t *out)
{
    actri_text_t packed = {.env = NULL};
    bool pack = is_packed(walk, type, field), good = true;
    if (!json_is_array(value)) return pj_wrong(walk, where, "not an array");
    for (size_t i = 0; good && i < json_array_size(value); i++) {
        pj_where_t here = {where, NULL, i};
        json_t *item = json_array_get(value, i);
        uint64_t number;
        if (!pack)
            good = put_single(walk, &here, field, item, false, out);
        else if ((good = pj_to_number(walk, &here, field, item, &number)))
            put_number(&packed, pj_wire_of(field), number);
    }
    if (packed.failed) good = pj_no_memory(walk);
    if (good && packed.size > 0) put_delimited(out, field->number, packed.data, packed.size);
    actri_free(NULL, packed.data);
    return good;
}

/* A map's key as the JSON value that its field takes. */
static json_t *key_value(const actri_proto_field_t *field, const char *key)
{
    if (field->scalar != ACTRI_PROTO_TYPE_BOOL) return json_string_nocheck(key);
    if (strcmp(key, "true") == 0) return json_true();
    return strcmp(key, "false") == 0 ? json_false() : json_null();
}

static bool put_map(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, json_t *value,
                    actri_text_t *out)
{
    const actri_proto_field_t *key_field = field->message->by_number[0], *value_field = field->message->by_number[1];
    const char *key;
    json_t *item;
    bool good = true;
    if (!json_is_object(value)) return pj_wrong(walk, where, "not an object");
    json_object_foreach(value, key, item)
    {
        pj_where_t here = {where, key, 0};
        actri_text_t entry = {.env = NULL};
        json_t *as_value = key_value(key_field, key);
        good = as_value != NULL || pj_no_memory(walk);
        good = good && put_single(walk, &here, key_field, as_value, false, &entry) &&
               put_single(walk, &here, value_field, item, false, &entry);
        if (entry.failed) good = pj_no_memory(walk);
        if (good) put_delimited(out, field->number, entry.data, entry.size);
        json_decref(as_value);
        actri_free(NULL, entry.data);
        if (!good) return false;
    }
    return good;
}

/* ---- messages ---- */

static const actri_proto_field_t *field_of_key(const actri_proto_message_t *type, const char *key)
{
    actri_proto_text_t wanted = {key, strlen(key)};
    size_t low = 0, high = type->by_name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = actri_proto_text_compare(&wanted, &type->by_name[middle].text);
        if (order == 0) return type->by_name[middle].field;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool check_keys(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value)
{
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
    {
        pj_where_t here = {where, key, 0};
        const actri_proto_field_t *field = field_of_key(type, key);
        if (field == NULL) return pj_wrong(walk, &here, "%s has no such field", type->full_name + 1);
        bool other = strcmp(key, field->name) != 0 && json_object_get(value, field->name) != NULL;
        if (other) return pj_wrong(walk, &here, "given twice, also as %s", field->name);
    }
    return true;
}

/* The member for a field, under either of its names; NULL: not there, or null. */
static json_t *member_of(const actri_proto_field_t *field, const json_t *value)
{
    json_t *item = json_object_get(value, field->json_name.data);
    if (item == NULL) item = json_object_get(value, field->name);
    return item != NULL && json_is_null(item) && !pj_takes_null(field) ? NULL : item;
}

static bool put_field(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type,
                      const actri_proto_field_t *field, json_t *value, actri_text_t *out)
{
    pj_where_t here = {where, field->json_name.data, 0};
    if (field->map) return put_map(walk, &here, field, value, out);
    if (field->label == ACTRI_PROTO_REPEATED) return put_repeated(walk, &here, type, field, value, out);
    return put_single(walk, &here, field, value, pj_is_implicit(walk->contract, type, field), out);
}

static bool put_fields(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value,
                       actri_text_t *out)
{
    if (!json_is_object(value)) return pj_wrong(walk, where, "not an object, but %s is one", type->full_name + 1);
    if (!check_keys(walk, where, type, value)) return false;
    const actri_proto_field_t **chosen = calloc((size_t)type->oneof_count + 1, sizeof(const actri_proto_field_t *));
    bool good = chosen != NULL || pj_no_memory(walk);
    for (size_t i = 0; good && i < type->field_count; i++) {
        const actri_proto_field_t *field = type->by_number[i];
        pj_where_t here = {where, field->json_name.data, 0};
        json_t *item = member_of(field, value);
        if (item == NULL && field->label == ACTRI_PROTO_REQUIRED) good = pj_wrong(walk, &here, "is required");
        if (item == NULL) continue;
        const actri_proto_field_t **of_oneof = field->oneof < 0 ? NULL : &chosen[field->oneof];
        if (of_oneof != NULL && *of_oneof != NULL)
            good = pj_wrong(walk, &here, "%s is given too, and only one of them may be", (*of_oneof)->name);
        if (of_oneof != NULL) *of_oneof = field;
        good = good && put_field(walk, where, type, field, item, out);
    }
    free(chosen);
    return good;
}

static bool put_any(pj_walk_t *walk, const pj_where_t *where, json_t *value, actri_text_t *out)
{
    pj_where_t at_type = {where, "@type", 0};
    const char *url = json_string_value(json_object_get(value, "@type"));
    if (json_is_object(value) && json_object_size(value) == 0) return true;
    if (url == NULL) return pj_wrong(walk, &at_type, "is missing");
    const actri_proto_message_t *type = pj_any_type(walk->contract, url);
    if (type == NULL) return pj_wrong(walk, &at_type, "there is no type %.100s", url);
    actri_text_t inner = {.env = NULL};
    json_t *fields = json_copy(value), *special = pj_is_known(type) ? json_object_get(value, "value") : NULL;
    bool good = (fields != NULL && json_object_del(fields, "@type") == 0) || pj_no_memory(walk);
    if (good && pj_is_known(type) && special == NULL) good = pj_wrong(walk, where, "value is missing");
    good = good && put_message(walk, where, type, special != NULL ? special : fields, &inner);
    if (inner.failed) good = pj_no_memory(walk);
    if (good) put_delimited(out, 1, url, strlen(url));
    if (good && inner.size > 0) put_delimited(out, 2, inner.data, inner.size);
    actri_free(NULL, inner.data);
    json_decref(fields);
    return good;
}

static bool put_known(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value,
                      actri_text_t *out)
{
    json_t *plain = pj_known_to_plain(walk, where, type, value);
    bool good = plain != NULL && put_fields(walk, where, type, plain, out);
    json_decref(plain);
    return good;
}

static bool put_message(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value,
                        actri_text_t *out)
{
    if (walk->depth >= PJ_DEPTH_MAX) return pj_wrong(walk, where, "nested more than %d deep", PJ_DEPTH_MAX);
    walk->depth++;
    bool good = pj_is_any(type)     ? put_any(walk, where, value, out)
                : pj_is_known(type) ? put_known(walk, where, type, value, out)
                                    : put_fields(walk, where, type, value, out);
    walk->depth--;
    return good;
}

actr_status_t pj_to_bytes(const contract_t *contract, const actri_proto_message_t *type, const char *text, size_t size,
                          actri_text_t *out, actr_error_t *error)
{
    pj_walk_t walk = {.contract = contract, .wrong = ACTR_STATUS_INVALID_ARGUMENT, .error = error};
    json_error_t where;
    if (size > PJ_TEXT_MAX)
        return actri_fail(error, ACTR_STATUS_TOO_LARGE, "a JSON text of more than %zu bytes", PJ_TEXT_MAX);
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (value == NULL) {
        bool large = json_error_code(&where) == json_error_numeric_overflow;
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "this is no JSON: %s%s, line %d, column %d", where.text,
                          large ? " (write large numbers in quotes)" : "", where.line, where.column);
    }
    bool good = put_message(&walk, NULL, type, value, out);
    if (good && out->failed) (void)pj_no_memory(&walk);
    json_decref(value);
    return walk.status;
}
