/* SPDX-License-Identifier: Apache-2.0 */
/* Enums, services, and reserved ranges and names. Pure. */
#include "compat/proto_reader.h"

static bool read_range(actri_proto_reader_t *reader, actri_proto_range_t *range)
{
    int32_t number = 0;
    if (!actri_proto_need_number(reader, &number)) return false;
    range->start = range->end = number;
    if (!actri_proto_take_word(reader, "to")) return true;
    if (actri_proto_take_word(reader, "max")) {
        range->end = ACTRI_PROTO_FIELD_MAX;
        return true;
    }
    if (!actri_proto_need_number(reader, &number)) return false;
    range->end = number;
    return true;
}

bool actri_proto_read_ranges(actri_proto_reader_t *reader, actri_proto_range_t ***tail)
{
    do {
        actri_proto_range_t *range = actri_proto_new(reader, sizeof *range);
        if (range == NULL || !read_range(reader, range)) return false;
        ACTRI_PROTO_APPEND(*tail, range);
    } while (actri_proto_take_symbol(reader, ','));
    return true;
}

bool actri_proto_read_reserved(actri_proto_reader_t *reader, actri_proto_reserved_t *reserved)
{
    if (reader->token.kind != ACTRI_PROTO_TOKEN_STRING)
        return actri_proto_read_ranges(reader, &reserved->ranges) && actri_proto_need_symbol(reader, ';');
    do {
        actri_proto_word_t *word = actri_proto_new(reader, sizeof *word);
        if (word == NULL || !actri_proto_need_string(reader, true, &word->text)) return false;
        ACTRI_PROTO_APPEND(reserved->names, word);
    } while (actri_proto_take_symbol(reader, ','));
    return actri_proto_need_symbol(reader, ';');
}

static bool read_enum_number(actri_proto_reader_t *reader, int32_t *out)
{
    bool negative = actri_proto_take_symbol(reader, '-');
    uint64_t most = (uint64_t)INT32_MAX + negative;
    if (reader->token.kind != ACTRI_PROTO_TOKEN_INTEGER || reader->token.integer > most)
        return actri_proto_expected(reader, "a number of 32 bits");
    *out = (int32_t)(negative ? -(int64_t)reader->token.integer : (int64_t)reader->token.integer);
    actri_proto_next(reader);
    return true;
}

static actri_proto_enum_value_t *read_enum_value(actri_proto_reader_t *reader)
{
    actri_proto_enum_value_t *value = actri_proto_new(reader, sizeof *value);
    if (value == NULL) return NULL;
    value->at = reader->token.at;
    value->name = actri_proto_need_ident(reader);
    bool good = value->name != NULL && actri_proto_need_symbol(reader, '=') &&
                read_enum_number(reader, &value->number) && actri_proto_read_brackets(reader, &value->options) &&
                actri_proto_need_symbol(reader, ';');
    return good ? value : NULL;
}

bool actri_proto_read_enum(actri_proto_reader_t *reader, actri_proto_scope_t *scope)
{
    actri_proto_enum_t *enumeration = actri_proto_new(reader, sizeof *enumeration);
    if (enumeration == NULL) return false;
    actri_proto_reserved_t reserved = {&enumeration->reserved, &enumeration->reserved_names};
    actri_proto_option_t **options = &enumeration->options;
    actri_proto_enum_value_t **values = &enumeration->values;
    enumeration->at = reader->token.at;
    enumeration->name = actri_proto_need_ident(reader);
    if (enumeration->name == NULL || !actri_proto_need_symbol(reader, '{')) return false;
    ACTRI_PROTO_APPEND(scope->enums, enumeration);
    while (!actri_proto_take_symbol(reader, '}')) {
        bool good = true;
        if (actri_proto_take_symbol(reader, ';')) continue;
        if (actri_proto_take_word(reader, "reserved")) {
            good = actri_proto_read_reserved(reader, &reserved);
        } else if (actri_proto_take_word(reader, "option")) {
            good = actri_proto_read_option(reader, &options);
        } else {
            actri_proto_enum_value_t *value = read_enum_value(reader);
            if (value == NULL) return false;
            ACTRI_PROTO_APPEND(values, value);
            enumeration->value_count++;
        }
        if (!good) return false;
    }
    return true;
}

/* `(Type)` or `(stream Type)` */
static const char *read_method_type(actri_proto_reader_t *reader, bool *streaming)
{
    if (!actri_proto_need_symbol(reader, '(')) return NULL;
    *streaming = actri_proto_take_word(reader, "stream");
    const char *type = actri_proto_need_path(reader, true);
    return type != NULL && actri_proto_need_symbol(reader, ')') ? type : NULL;
}

static bool read_method_end(actri_proto_reader_t *reader, actri_proto_method_t *method)
{
    actri_proto_option_t **options = &method->options;
    if (!actri_proto_take_symbol(reader, '{')) return actri_proto_need_symbol(reader, ';');
    while (!actri_proto_take_symbol(reader, '}')) {
        if (actri_proto_take_symbol(reader, ';')) continue;
        if (!actri_proto_need_word(reader, "option") || !actri_proto_read_option(reader, &options)) return false;
    }
    return true;
}

static actri_proto_method_t *read_method(actri_proto_reader_t *reader)
{
    actri_proto_method_t *method = actri_proto_new(reader, sizeof *method);
    if (method == NULL) return NULL;
    method->at = reader->token.at;
    method->name = actri_proto_need_ident(reader);
    if (method->name == NULL) return NULL;
    method->input_text = read_method_type(reader, &method->client_streaming);
    if (method->input_text == NULL || !actri_proto_need_word(reader, "returns")) return NULL;
    method->output_text = read_method_type(reader, &method->server_streaming);
    return method->output_text != NULL && read_method_end(reader, method) ? method : NULL;
}

bool actri_proto_read_service(actri_proto_reader_t *reader, actri_proto_service_t ***tail)
{
    actri_proto_service_t *service = actri_proto_new(reader, sizeof *service);
    if (service == NULL) return false;
    actri_proto_method_t **methods = &service->methods;
    actri_proto_option_t **options = &service->options;
    service->at = reader->token.at;
    service->name = actri_proto_need_ident(reader);
    if (service->name == NULL || !actri_proto_need_symbol(reader, '{')) return false;
    ACTRI_PROTO_APPEND(*tail, service);
    while (!actri_proto_take_symbol(reader, '}')) {
        if (actri_proto_take_symbol(reader, ';')) continue;
        if (actri_proto_take_word(reader, "option")) {
            if (!actri_proto_read_option(reader, &options)) return false;
            continue;
        }
        actri_proto_method_t *method = actri_proto_need_word(reader, "rpc") ? read_method(reader) : NULL;
        if (method == NULL) return false;
        ACTRI_PROTO_APPEND(methods, method);
    }
    return true;
}
