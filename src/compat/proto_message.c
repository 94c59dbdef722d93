/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and what stands in them. Pure. */
#include "compat/proto_reader.h"

/* The tails of everything that a message holds. */
typedef struct body {
    actri_proto_reader_t *reader;
    actri_proto_message_t *message;
    actri_proto_scope_t scope;
    actri_proto_reserved_t reserved;
    actri_proto_field_t **fields;
    actri_proto_oneof_t **oneofs;
    actri_proto_range_t **extension_ranges;
    actri_proto_option_t **options;
} body_t;

static void add_field(body_t *body, actri_proto_field_t *field)
{
    ACTRI_PROTO_APPEND(body->fields, field);
    body->message->field_count++;
}

static actri_proto_oneof_t *add_oneof(body_t *body, const char *name)
{
    actri_proto_oneof_t *oneof = name == NULL ? NULL : actri_proto_new(body->reader, sizeof *oneof);
    if (oneof == NULL) return NULL;
    oneof->name = name;
    ACTRI_PROTO_APPEND(body->oneofs, oneof);
    body->message->oneof_count++;
    return oneof;
}

static bool read_oneof(body_t *body)
{
    actri_proto_oneof_t *oneof = add_oneof(body, actri_proto_need_ident(body->reader));
    if (oneof == NULL || !actri_proto_need_symbol(body->reader, '{')) return false;
    int index = body->message->oneof_count - 1;
    actri_proto_option_t **options = &oneof->options;
    while (!actri_proto_take_symbol(body->reader, '}')) {
        if (actri_proto_take_symbol(body->reader, ';')) continue;
        if (actri_proto_take_word(body->reader, "option")) {
            if (!actri_proto_read_option(body->reader, &options)) return false;
            continue;
        }
        actri_proto_field_t *field = actri_proto_read_field(body->reader, ACTRI_PROTO_IN_ONEOF, &body->scope);
        if (field == NULL) return false;
        field->oneof = index;
        add_field(body, field);
    }
    return true;
}

/* A proto3 `optional` is a oneof of its own, at the field's place among the oneofs. */
static bool add_synthetic(body_t *body, actri_proto_field_t *field)
{
    size_t size = 0;
    while (field->name[size] != '\0') size++;
    char *name = actri_proto_new(body->reader, size + 2);
    if (name == NULL) return false;
    name[0] = '_';
    for (size_t i = 0; i < size; i++) name[i + 1] = field->name[i];
    actri_proto_oneof_t *oneof = add_oneof(body, name);
    if (oneof == NULL) return false;
    oneof->synthetic = true;
    field->oneof = body->message->oneof_count - 1;
    return true;
}

static bool read_member(body_t *body)
{
    actri_proto_field_t *field = actri_proto_read_field(body->reader, ACTRI_PROTO_IN_MESSAGE, &body->scope);
    if (field == NULL) return false;
    if (body->reader->proto3 && field->label == ACTRI_PROTO_OPTIONAL && !add_synthetic(body, field)) return false;
    add_field(body, field);
    return true;
}

static bool read_extension_ranges(body_t *body)
{
    return actri_proto_read_ranges(body->reader, &body->extension_ranges) && actri_proto_need_symbol(body->reader, ';');
}

static bool read_statement(body_t *body)
{
    actri_proto_reader_t *reader = body->reader;
    if (actri_proto_take_symbol(reader, ';')) return true;
    if (actri_proto_take_word(reader, "reserved")) return actri_proto_read_reserved(reader, &body->reserved);
    if (actri_proto_take_word(reader, "oneof")) return read_oneof(body);
    if (actri_proto_take_word(reader, "extend")) return actri_proto_read_extend(reader, &body->scope);
    if (actri_proto_take_word(reader, "message")) return actri_proto_read_message(reader, &body->scope);
    if (actri_proto_take_word(reader, "enum")) return actri_proto_read_enum(reader, &body->scope);
    if (actri_proto_take_word(reader, "option")) return actri_proto_read_option(reader, &body->options);
    if (!reader->proto3 && actri_proto_take_word(reader, "extensions")) return read_extension_ranges(body);
    return read_member(body);
}

bool actri_proto_read_body(actri_proto_reader_t *reader, actri_proto_message_t *message)
{
    body_t body = {
        .reader = reader,
        .message = message,
        .scope = {&message->messages, &message->enums, &message->extensions},
        .reserved = {&message->reserved, &message->reserved_names},
        .fields = &message->fields,
        .oneofs = &message->oneofs,
        .extension_ranges = &message->extension_ranges,
        .options = &message->options,
    };
    if (!actri_proto_need_symbol(reader, '{') || !actri_proto_deeper(reader)) return false;
    while (!actri_proto_take_symbol(reader, '}')) {
        if (!read_statement(&body)) return false;
    }
    reader->depth--;
    return true;
}

bool actri_proto_read_message(actri_proto_reader_t *reader, actri_proto_scope_t *scope)
{
    actri_proto_message_t *message = actri_proto_new(reader, sizeof *message);
    if (message == NULL) return false;
    message->at = reader->token.at;
    message->name = actri_proto_need_ident(reader);
    if (message->name == NULL) return false;
    ACTRI_PROTO_APPEND(scope->messages, message);
    return actri_proto_read_body(reader, message);
}
