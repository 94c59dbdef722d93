/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether options exist and have a value of their type: built-in ones by the descriptor's messages, custom ones by the
 * extensions of the file. Pure.
 */
#include "compat/proto_linker.h"

#include <string.h>

/* The options of one thing. */
typedef struct place {
    const char *container; /* "FileOptions" */
    const char *scope;     /* where names of extensions are looked up */
} place_t;

static const actri_proto_file_t *descriptor(actri_proto_linker_t *linker)
{
    static const char path[] = "google/protobuf/descriptor.proto";
    const actri_proto_text_t text = {path, sizeof path - 1};
    if (linker->descriptor == NULL) linker->descriptor = actri_proto_load_builtin(linker->set, linker->reader, &text);
    return linker->descriptor;
}

static const actri_proto_field_t *builtin_option(actri_proto_linker_t *linker, const place_t *place,
                                                 const actri_proto_option_t *option)
{
    char full[64] = ".google.protobuf.";
    const actri_proto_file_t *file = descriptor(linker);
    if (file == NULL) return NULL;
    (void)strncat(full, place->container, sizeof full - strlen(full) - 1);
    const actri_proto_symbol_t *symbol = actri_map_get(&file->symbols, full, strlen(full));
    const actri_proto_field_t *field = symbol == NULL || symbol->message == NULL
                                           ? NULL
                                           : actri_proto_field_by_name(symbol->message, option->name->name);
    if (field == NULL)
        (void)actri_proto_refuse(linker->reader, option->at, "there is no option %.100s in %s", option->name->name,
                                 place->container);
    return field;
}

/* The extension of that name, when it extends `container` (a full name). */
static const actri_proto_field_t *extension(actri_proto_linker_t *linker, const char *scope, const char *name,
                                            const char *container, actri_proto_position_t at)
{
    const actri_proto_symbol_t *symbol = actri_proto_find(linker, scope, name, ACTRI_PROTO_WANT_EXTENSION);
    if (symbol == NULL) {
        (void)actri_proto_refuse(linker->reader, at, "the option (%.100s) is not declared in this file", name);
        return NULL;
    }
    if (strcmp(symbol->extension->extendee, container) == 0) return symbol->extension;
    (void)actri_proto_wrong(linker->reader, at, "(%.100s) extends %.100s, not %.100s", name,
                            symbol->extension->extendee, container);
    return NULL;
}

static const actri_proto_field_t *member(actri_proto_linker_t *linker, const char *scope,
                                         const actri_proto_message_t *message, const actri_proto_name_part_t *part,
                                         actri_proto_position_t at)
{
    if (part->extension) return extension(linker, scope, part->name, message->full_name, at);
    const actri_proto_field_t *field = actri_proto_field_by_name(message, part->name);
    if (field == NULL)
        (void)actri_proto_wrong(linker->reader, at, "%.100s has no field %.100s", message->full_name, part->name);
    return field;
}

static bool check_value(actri_proto_linker_t *linker, const char *scope, const actri_proto_field_t *field,
                        const actri_proto_value_t *value)
{
    if (value->kind == ACTRI_PROTO_LIST && field->label == ACTRI_PROTO_REPEATED) {
        for (const actri_proto_option_t *item = value->members; item != NULL; item = item->next) {
            if (!check_value(linker, scope, field, &item->value)) return false;
        }
        return true;
    }
    if (field->message == NULL && actri_proto_value_fits(field, value)) return true;
    if (field->message == NULL || value->kind != ACTRI_PROTO_AGGREGATE)
        return actri_proto_wrong(linker->reader, value->at, "this is no value for %.100s, a %.100s", field->name,
                                 field->type_name);
    for (const actri_proto_option_t *item = value->members; item != NULL; item = item->next) {
        const actri_proto_field_t *inner = member(linker, scope, field->message, item->name, item->at);
        if (inner == NULL || !check_value(linker, scope, inner, &item->value)) return false;
    }
    return true;
}

/* The field that an option's name ends at. */
static const actri_proto_field_t *resolve(actri_proto_linker_t *linker, const place_t *place,
                                          const actri_proto_option_t *option)
{
    const actri_proto_name_part_t *part = option->name;
    char container[64] = ".google.protobuf.";
    (void)strncat(container, place->container, sizeof container - strlen(container) - 1);
    const actri_proto_field_t *field = part->extension
                                           ? extension(linker, place->scope, part->name, container, option->at)
                                           : builtin_option(linker, place, option);
    while (field != NULL && (part = part->next) != NULL) {
        if (field->message == NULL) {
            (void)actri_proto_wrong(linker->reader, option->at, "%.100s is no message", field->name);
            return NULL;
        }
        field = member(linker, place->scope, field->message, part, option->at);
    }
    return field;
}

static bool is_pseudo(const actri_proto_option_t *option)
{
    const actri_proto_name_part_t *part = option->name;
    return !part->extension && part->next == NULL &&
           (strcmp(part->name, "default") == 0 || strcmp(part->name, "json_name") == 0);
}

static bool check(actri_proto_linker_t *linker, place_t place, const actri_proto_option_t *options)
{
    for (; options != NULL; options = options->next) {
        if (strcmp(place.container, "FieldOptions") == 0 && is_pseudo(options)) continue; /* done while linking */
        const actri_proto_field_t *field = resolve(linker, &place, options);
        if (field == NULL || !check_value(linker, place.scope, field, &options->value)) return false;
    }
    return true;
}

static bool check_fields(actri_proto_linker_t *linker, const char *scope, const actri_proto_field_t *fields)
{
    for (; fields != NULL; fields = fields->next) {
        if (!check(linker, (place_t){"FieldOptions", scope}, fields->options)) return false;
    }
    return true;
}

static bool check_enum(actri_proto_linker_t *linker, const char *scope, const actri_proto_enum_t *enumeration)
{
    if (!check(linker, (place_t){"EnumOptions", scope}, enumeration->options)) return false;
    for (const actri_proto_enum_value_t *value = enumeration->values; value != NULL; value = value->next) {
        if (!check(linker, (place_t){"EnumValueOptions", scope}, value->options)) return false;
    }
    return true;
}

static bool check_message(actri_proto_linker_t *linker, const actri_proto_message_t *message)
{
    const char *scope = message->full_name;
    if (!check(linker, (place_t){"MessageOptions", scope}, message->options) ||
        !check_fields(linker, scope, message->fields) || !check_fields(linker, scope, message->extensions))
        return false;
    for (const actri_proto_oneof_t *oneof = message->oneofs; oneof != NULL; oneof = oneof->next) {
        if (!check(linker, (place_t){"OneofOptions", scope}, oneof->options)) return false;
    }
    for (const actri_proto_enum_t *enumeration = message->enums; enumeration != NULL; enumeration = enumeration->next) {
        if (!check_enum(linker, scope, enumeration)) return false;
    }
    for (const actri_proto_message_t *nested = message->messages; nested != NULL; nested = nested->next) {
        if (!check_message(linker, nested)) return false;
    }
    return true;
}

static bool check_service(actri_proto_linker_t *linker, const actri_proto_service_t *service)
{
    const char *scope = service->full_name;
    if (!check(linker, (place_t){"ServiceOptions", scope}, service->options)) return false;
    for (const actri_proto_method_t *method = service->methods; method != NULL; method = method->next) {
        if (!check(linker, (place_t){"MethodOptions", scope}, method->options)) return false;
    }
    return true;
}

bool actri_proto_check_options(actri_proto_linker_t *linker)
{
    const actri_proto_file_t *file = linker->file;
    const char *scope = actri_proto_package_scope(linker);
    if (scope == NULL || !check(linker, (place_t){"FileOptions", scope}, file->options) ||
        !check_fields(linker, scope, file->extensions))
        return false;
    for (const actri_proto_message_t *message = file->messages; message != NULL; message = message->next) {
        if (!check_message(linker, message)) return false;
    }
    for (const actri_proto_enum_t *enumeration = file->enums; enumeration != NULL; enumeration = enumeration->next) {
        if (!check_enum(linker, scope, enumeration)) return false;
    }
    for (const actri_proto_service_t *service = file->services; service != NULL; service = service->next) {
        if (!check_service(linker, service)) return false;
    }
    return true;
}
