/* SPDX-License-Identifier: Apache-2.0 */
/* Fields: of messages, oneofs and extensions; groups and maps declare a message beside. Pure. */
#include "compat/proto_reader.h"

#include <string.h>

static bool read_label(actri_proto_reader_t *reader, actri_proto_place_t place, actri_proto_field_t *field)
{
    actri_proto_position_t at = reader->token.at;
    if (actri_proto_take_word(reader, "optional"))
        field->label = ACTRI_PROTO_OPTIONAL;
    else if (actri_proto_take_word(reader, "required"))
        field->label = ACTRI_PROTO_REQUIRED;
    else if (actri_proto_take_word(reader, "repeated"))
        field->label = ACTRI_PROTO_REPEATED;
    if (field->label != ACTRI_PROTO_NO_LABEL && place == ACTRI_PROTO_IN_ONEOF)
        return actri_proto_wrong(reader, at, "a field in a oneof has no label");
    if (field->label == ACTRI_PROTO_REQUIRED && reader->proto3)
        return actri_proto_wrong(reader, at, "there is no \"required\" in proto3");
    if (field->label == ACTRI_PROTO_NO_LABEL && !reader->proto3 && place != ACTRI_PROTO_IN_ONEOF &&
        !actri_proto_is_word(reader, "map"))
        return actri_proto_expected(reader, "optional, required or repeated");
    return true;
}

static actri_proto_scalar_t take_scalar(actri_proto_reader_t *reader)
{
    for (actri_proto_scalar_t scalar = ACTRI_PROTO_TYPE_DOUBLE; scalar <= ACTRI_PROTO_TYPE_BYTES; scalar++) {
        if (actri_proto_take_word(reader, actri_proto_scalar_name(scalar))) return scalar;
    }
    return ACTRI_PROTO_NAMED;
}

static bool read_plain_type(actri_proto_reader_t *reader, actri_proto_field_t *field)
{
    field->scalar = take_scalar(reader);
    field->type_name = actri_proto_scalar_name(field->scalar);
    if (field->scalar == ACTRI_PROTO_NAMED) field->type_text = actri_proto_need_path(reader, true);
    return actri_proto_good(reader);
}

/* foo_bar: fooBar, or FooBar with `upper`. */
static const char *camel(actri_proto_reader_t *reader, const char *name, bool upper, const char *behind)
{
    size_t size = 0, length = strlen(name);
    char *out = actri_proto_new(reader, length + strlen(behind) + 1);
    if (out == NULL) return NULL;
    for (const char *c = name; *c != '\0'; c++) {
        bool raise = upper && *c >= 'a' && *c <= 'z';
        if (*c != '_') out[size++] = raise ? (char)(*c - 'a' + 'A') : *c;
        upper = *c == '_';
    }
    memcpy(out + size, behind, strlen(behind));
    return out;
}

static bool name_in_json(actri_proto_reader_t *reader, actri_proto_field_t *field)
{
    const char *derived = camel(reader, field->name, false, "");
    if (derived == NULL) return false;
    field->json_name = (actri_proto_text_t){derived, strlen(derived)};
    return true;
}

static actri_proto_field_t *entry_field(actri_proto_reader_t *reader, actri_proto_message_t *entry, int32_t number)
{
    actri_proto_field_t *field = actri_proto_new(reader, sizeof *field);
    if (field == NULL) return NULL;
    field->name = number == 1 ? "key" : "value";
    field->number = number;
    field->oneof = -1;
    field->json_name = (actri_proto_text_t){field->name, strlen(field->name)};
    field->at = reader->token.at;
    entry->field_count++;
    return field;
}

/* Behind `map`: `<key, value>`. The entry's name comes with the field's. */
static bool read_map_type(actri_proto_reader_t *reader, actri_proto_field_t *field, actri_proto_message_t *entry)
{
    actri_proto_field_t *key = entry_field(reader, entry, 1), *value = entry_field(reader, entry, 2);
    if (key == NULL || value == NULL || !actri_proto_need_symbol(reader, '<')) return false;
    actri_proto_position_t at = reader->token.at;
    if (!read_plain_type(reader, key)) return false;
    if (key->scalar == ACTRI_PROTO_NAMED) return actri_proto_wrong(reader, at, "a map's key must be a scalar");
    if (!actri_proto_need_symbol(reader, ',') || !read_plain_type(reader, value)) return false;
    entry->fields = key;
    key->next = value;
    entry->map_entry = true;
    field->map = true;
    field->label = ACTRI_PROTO_REPEATED;
    return actri_proto_need_symbol(reader, '>');
}

static bool read_type(actri_proto_reader_t *reader, actri_proto_place_t place, actri_proto_field_t *field,
                      actri_proto_message_t **own)
{
    bool map = actri_proto_is_word(reader, "map"), group = actri_proto_is_word(reader, "group");
    if (!map && !group) return read_plain_type(reader, field);
    if (map && place == ACTRI_PROTO_IN_ONEOF) return actri_proto_expected(reader, "a type that is no map");
    *own = actri_proto_new(reader, sizeof **own);
    if (*own == NULL) return false;
    (*own)->at = reader->token.at;
    actri_proto_next(reader);
    field->message = *own;
    field->group = group;
    return group || read_map_type(reader, field, *own);
}

/* A group's message has the name as written, its field the name in lower case. */
static bool name_group(actri_proto_reader_t *reader, actri_proto_field_t *field, actri_proto_message_t *body)
{
    body->name = field->name;
    if (field->name[0] < 'A' || field->name[0] > 'Z')
        return actri_proto_wrong(reader, field->at, "a group's name must begin with an upper-case letter");
    char *lower = actri_proto_new(reader, strlen(field->name) + 1);
    if (lower == NULL) return false;
    for (size_t i = 0; field->name[i] != '\0'; i++) {
        char c = field->name[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    field->name = lower;
    return true;
}

static bool name_own(actri_proto_reader_t *reader, actri_proto_field_t *field, actri_proto_message_t *own)
{
    if (own == NULL) return true;
    if (field->group) return name_group(reader, field, own);
    own->name = camel(reader, field->name, true, "Entry");
    return own->name != NULL;
}

actri_proto_field_t *actri_proto_read_field(actri_proto_reader_t *reader, actri_proto_place_t place,
                                            actri_proto_scope_t *scope)
{
    actri_proto_field_t *field = actri_proto_new(reader, sizeof *field);
    actri_proto_message_t *own = NULL;
    if (field == NULL) return NULL;
    field->at = reader->token.at;
    field->oneof = -1;
    if (!read_label(reader, place, field) || !read_type(reader, place, field, &own)) return NULL;
    field->name = actri_proto_need_ident(reader);
    if (field->name == NULL || !name_own(reader, field, own) || !name_in_json(reader, field)) return NULL;
    if (!actri_proto_need_symbol(reader, '=') || !actri_proto_need_number(reader, &field->number) ||
        !actri_proto_read_brackets(reader, &field->options))
        return NULL;
    if (own != NULL) ACTRI_PROTO_APPEND(scope->messages, own);
    bool good = field->group ? actri_proto_read_body(reader, own) : actri_proto_need_symbol(reader, ';');
    return good ? field : NULL;
}

bool actri_proto_read_extend(actri_proto_reader_t *reader, actri_proto_scope_t *scope)
{
    const char *extendee = actri_proto_need_path(reader, true);
    if (extendee == NULL || !actri_proto_need_symbol(reader, '{')) return false;
    while (!actri_proto_take_symbol(reader, '}')) {
        if (actri_proto_take_symbol(reader, ';')) continue;
        actri_proto_field_t *field = actri_proto_read_field(reader, ACTRI_PROTO_IN_EXTEND, scope);
        if (field == NULL) return false;
        field->extendee_text = extendee;
        ACTRI_PROTO_APPEND(scope->extensions, field);
    }
    return true;
}
