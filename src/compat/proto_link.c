/* SPDX-License-Identifier: Apache-2.0 */
/* Written type names to the messages and enums that they mean. Pure. */
#include "compat/proto_linker.h"

#include <string.h>

static const actri_proto_symbol_t *look_up(const actri_proto_linker_t *linker, const char *name, size_t size,
                                           actri_proto_want_t want)
{
    for (size_t i = 0; i < linker->file->visible_count; i++) {
        const actri_proto_symbol_t *symbol = actri_map_get(&linker->file->visible[i]->symbols, name, size);
        if (symbol == NULL) continue;
        bool fits = want == ACTRI_PROTO_WANT_EXTENSION ? symbol->extension != NULL
                                                       : symbol->message != NULL || symbol->enumeration != NULL;
        if (fits) return symbol;
    }
    return NULL;
}

const actri_proto_symbol_t *actri_proto_find(const actri_proto_linker_t *linker, const char *scope, const char *path,
                                             actri_proto_want_t want)
{
    char name[2 * ACTRI_PROTO_NAME_MAX + 4];
    size_t scope_size = strlen(scope), path_size = strlen(path);
    if (scope_size + path_size + 2 > sizeof name) return NULL;
    if (path[0] == '.') return look_up(linker, path, path_size, want);
    memcpy(name, scope, scope_size);
    for (;;) {
        name[scope_size] = '.';
        memcpy(name + scope_size + 1, path, path_size);
        const actri_proto_symbol_t *symbol = look_up(linker, name, scope_size + 1 + path_size, want);
        if (symbol != NULL || scope_size == 0) return symbol;
        do scope_size--;
        while (scope[scope_size] != '.');
    }
}

static bool unknown(actri_proto_linker_t *linker, actri_proto_position_t at, const char *path)
{
    return actri_proto_wrong(linker->reader, at, "there is no type %.100s here (names of other files are not known)",
                             path);
}

static bool link_type(actri_proto_linker_t *linker, const char *scope, actri_proto_field_t *field)
{
    if (field->message != NULL) { /* a map or a group: its own */
        field->type_name = field->message->full_name;
        return true;
    }
    if (field->scalar != ACTRI_PROTO_NAMED) return true;
    const actri_proto_symbol_t *symbol = actri_proto_find(linker, scope, field->type_text, ACTRI_PROTO_WANT_TYPE);
    if (symbol == NULL) return unknown(linker, field->at, field->type_text);
    field->type_name = symbol->full_name;
    field->message = symbol->message;
    if (symbol->message == NULL) field->enumeration = symbol->enumeration;
    return true;
}

static bool link_message_name(actri_proto_linker_t *linker, actri_proto_position_t at, const char *scope,
                              const char *text, const char **out)
{
    const actri_proto_symbol_t *symbol = actri_proto_find(linker, scope, text, ACTRI_PROTO_WANT_TYPE);
    if (symbol == NULL) return unknown(linker, at, text);
    if (symbol->message == NULL) return actri_proto_wrong(linker->reader, at, "%.100s is no message", text);
    *out = symbol->full_name;
    return true;
}

static bool link_fields(actri_proto_linker_t *linker, const char *scope, actri_proto_field_t *fields)
{
    for (actri_proto_field_t *field = fields; field != NULL; field = field->next) {
        if (field->extendee_text != NULL &&
            !link_message_name(linker, field->at, scope, field->extendee_text, &field->extendee))
            return false;
        if (!link_type(linker, scope, field)) return false;
    }
    return true;
}

static bool link_message(actri_proto_linker_t *linker, actri_proto_message_t *message)
{
    if (!link_fields(linker, message->full_name, message->fields) ||
        !link_fields(linker, message->full_name, message->extensions))
        return false;
    for (actri_proto_message_t *nested = message->messages; nested != NULL; nested = nested->next) {
        if (!link_message(linker, nested)) return false;
    }
    return true;
}

static bool link_services(actri_proto_linker_t *linker, const char *scope)
{
    for (actri_proto_service_t *service = linker->file->services; service != NULL; service = service->next) {
        for (actri_proto_method_t *method = service->methods; method != NULL; method = method->next) {
            if (!link_message_name(linker, method->at, scope, method->input_text, &method->input) ||
                !link_message_name(linker, method->at, scope, method->output_text, &method->output))
                return false;
        }
    }
    return true;
}

/* Defaults need all types; so they come last. */
static bool make_defaults(actri_proto_linker_t *linker, actri_proto_field_t *fields)
{
    for (actri_proto_field_t *field = fields; field != NULL; field = field->next) {
        if (!actri_proto_make_default(linker, field)) return false;
    }
    return true;
}

static bool make_message_defaults(actri_proto_linker_t *linker, actri_proto_message_t *message)
{
    if (!make_defaults(linker, message->fields) || !make_defaults(linker, message->extensions)) return false;
    for (actri_proto_message_t *nested = message->messages; nested != NULL; nested = nested->next) {
        if (!make_message_defaults(linker, nested)) return false;
    }
    return true;
}

bool actri_proto_link(actri_proto_linker_t *linker)
{
    if (!actri_proto_declare(linker)) return false;
    const char *scope = actri_proto_package_scope(linker);
    if (scope == NULL) return false;
    for (actri_proto_message_t *message = linker->file->messages; message != NULL; message = message->next) {
        if (!link_message(linker, message)) return false;
    }
    if (!link_fields(linker, scope, linker->file->extensions) || !link_services(linker, scope) ||
        !make_defaults(linker, linker->file->extensions))
        return false;
    for (actri_proto_message_t *message = linker->file->messages; message != NULL; message = message->next) {
        if (!make_message_defaults(linker, message)) return false;
    }
    return linker->set->find != NULL || actri_proto_check_options(linker);
}
