/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full names, and what two declarations of one name mean: the reference takes equal ones, and aborts on others
 * (naming-and-compat 5.1); those are refused. Pure.
 */
#include "compat/proto_linker.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char *full_name(actri_proto_linker_t *linker, const char *scope, const char *name,
                             actri_proto_position_t at)
{
    size_t before = strlen(scope), size = strlen(name);
    if (before + 1 + size > ACTRI_PROTO_NAME_MAX) {
        (void)actri_proto_refuse(linker->reader, at, "a full name of more than %d bytes", ACTRI_PROTO_NAME_MAX);
        return NULL;
    }
    char *full = actri_proto_new(linker->reader, before + size + 2);
    if (full == NULL) return NULL;
    memcpy(full, scope, before);
    full[before] = '.';
    memcpy(full + before + 1, name, size);
    return full;
}

static actri_proto_symbol_t *declare(actri_proto_linker_t *linker, const char *scope, const char *name,
                                     actri_proto_position_t at)
{
    const char *full = full_name(linker, scope, name, at);
    if (full == NULL) return NULL;
    actri_proto_symbol_t *symbol = actri_map_get(&linker->file->symbols, full, strlen(full));
    if (symbol != NULL) return symbol;
    symbol = actri_proto_new(linker->reader, sizeof *symbol);
    if (symbol == NULL) return NULL;
    symbol->full_name = full;
    if (actri_map_put(&linker->file->symbols, full, strlen(full), symbol) == ACTR_OK) return symbol;
    linker->reader->status = actri_no_memory(linker->reader->error);
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    const actri_proto_field_name_t *one = a, *other = b;
    return actri_proto_text_compare(&one->text, &other->text);
}

static bool take_json_name(actri_proto_linker_t *linker, actri_proto_field_t *field)
{
    const actri_proto_value_t *value = actri_proto_option(field->options, "json_name");
    if (value == NULL) return true;
    if (value->kind != ACTRI_PROTO_STRING)
        return actri_proto_wrong(linker->reader, value->at, "json_name must be a string");
    for (size_t at = 0; at < value->text.size;) {
        size_t length = actri_utf8_length((const uint8_t *)value->text.data + at, value->text.size - at);
        if (length == 0) return actri_proto_wrong(linker->reader, value->at, "json_name is not UTF-8");
        at += length;
    }
    field->json_name = value->text;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const actri_proto_field_t *one = *(const actri_proto_field_t *const *)a,
                              *other = *(const actri_proto_field_t *const *)b;
    return (one->number > other->number) - (one->number < other->number);
}

static bool sort_numbers(actri_proto_linker_t *linker, actri_proto_message_t *message)
{
    const actri_proto_field_t **sorted = actri_proto_new(linker->reader, message->field_count * sizeof *sorted);
    size_t count = 0;
    if (sorted == NULL) return false;
    for (const actri_proto_field_t *field = message->fields; field != NULL; field = field->next)
        sorted[count++] = field;
    if (count > 1) qsort(sorted, count, sizeof *sorted, compare_numbers);
    for (size_t i = 1; i < count; i++) {
        if (sorted[i - 1]->number != sorted[i]->number) continue;
        return actri_proto_wrong(linker->reader, sorted[i]->at, "%s and %s both have number %d", sorted[i - 1]->name,
                                 sorted[i]->name, sorted[i]->number);
    }
    message->by_number = sorted;
    return true;
}

/* Sorts the fields' names and json names; no two fields may share one. */
static bool sort_names(actri_proto_linker_t *linker, actri_proto_message_t *message)
{
    actri_proto_field_name_t *names = actri_proto_new(linker->reader, 2 * message->field_count * sizeof *names);
    size_t count = 0;
    if (names == NULL) return false;
    for (actri_proto_field_t *field = message->fields; field != NULL; field = field->next) {
        if (!take_json_name(linker, field)) return false;
        actri_proto_text_t name = {field->name, strlen(field->name)};
        names[count++] = (actri_proto_field_name_t){name, field};
        if (actri_proto_text_compare(&name, &field->json_name) != 0)
            names[count++] = (actri_proto_field_name_t){field->json_name, field};
    }
    if (count > 1) qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&names[i - 1], &names[i]) != 0) continue;
        return actri_proto_wrong(linker->reader, names[i].field->at, "%s and %s share the name or json name \"%.*s\"",
                                 names[i - 1].field->name, names[i].field->name,
                                 names[i].text.size > 100 ? 100 : (int)names[i].text.size, names[i].text.data);
    }
    message->by_name = names;
    message->by_name_count = count;
    return sort_numbers(linker, message);
}

const actri_proto_field_t *actri_proto_field_by_name(const actri_proto_message_t *message, const char *name)
{
    actri_proto_field_name_t key = {{name, strlen(name)}, NULL};
    const actri_proto_field_name_t *found =
        message->by_name_count == 0
            ? NULL
            : bsearch(&key, message->by_name, message->by_name_count, sizeof key, compare_names);
    return found == NULL || strcmp(found->field->name, name) != 0 ? NULL : found->field;
}

static int compare_values(const void *a, const void *b)
{
    const actri_proto_enum_value_t *one = *(const actri_proto_enum_value_t *const *)a,
                                   *other = *(const actri_proto_enum_value_t *const *)b;
    return strcmp(one->name, other->name);
}

static bool sort_values(actri_proto_linker_t *linker, actri_proto_enum_t *enumeration)
{
    size_t count = 0;
    enumeration->by_name = actri_proto_new(linker->reader, enumeration->value_count * sizeof *enumeration->by_name);
    if (enumeration->by_name == NULL) return false;
    for (const actri_proto_enum_value_t *value = enumeration->values; value != NULL; value = value->next)
        enumeration->by_name[count++] = value;
    if (count > 1) qsort(enumeration->by_name, count, sizeof *enumeration->by_name, compare_values);
    return true;
}

bool actri_proto_enum_has(const actri_proto_enum_t *enumeration, const actri_proto_text_t *name)
{
    actri_proto_enum_value_t wanted = {.name = name->data};
    const actri_proto_enum_value_t *key = &wanted;
    return enumeration->value_count > 0 && bsearch(&key, enumeration->by_name, enumeration->value_count,
                                                   sizeof *enumeration->by_name, compare_values) != NULL;
}

static bool same_shape(actri_proto_linker_t *linker, const actri_proto_message_t *first,
                       const actri_proto_message_t *second)
{
    if (first->map_entry || second->map_entry)
        return actri_proto_refuse(linker->reader, second->at, "%s is also what a map makes", second->full_name);
    for (const actri_proto_field_t *field = second->fields; field != NULL; field = field->next) {
        if (actri_proto_field_by_name(first, field->name) != NULL) continue;
        return actri_proto_refuse(linker->reader, second->at, "a second, different message %s (%s)", second->full_name,
                                  field->name);
    }
    return true;
}

static bool declare_enum(actri_proto_linker_t *linker, const char *scope, actri_proto_enum_t *enumeration, bool again)
{
    actri_proto_symbol_t *symbol = declare(linker, scope, enumeration->name, enumeration->at);
    if (symbol == NULL) return false;
    enumeration->full_name = symbol->full_name;
    if (again && symbol->enumeration == NULL)
        return actri_proto_refuse(linker->reader, enumeration->at, "a second, different message around %s",
                                  enumeration->full_name);
    if (symbol->enumeration == NULL) symbol->enumeration = enumeration;
    return sort_values(linker, enumeration);
}

static bool declare_extensions(actri_proto_linker_t *linker, const char *scope, actri_proto_field_t *extensions)
{
    for (actri_proto_field_t *field = extensions; field != NULL; field = field->next) {
        actri_proto_symbol_t *symbol = declare(linker, scope, field->name, field->at);
        if (symbol == NULL || !take_json_name(linker, field)) return false;
        if (symbol->extension == NULL) symbol->extension = field;
    }
    return true;
}

/* `again`: the message around it is a repetition, so what is new in it is a difference. */
static bool declare_message(actri_proto_linker_t *linker, const char *scope, actri_proto_message_t *message, bool again)
{
    actri_proto_symbol_t *symbol = declare(linker, scope, message->name, message->at);
    if (symbol == NULL) return false;
    message->full_name = symbol->full_name;
    if (!sort_names(linker, message)) return false;
    if (again && symbol->message == NULL)
        return actri_proto_refuse(linker->reader, message->at, "a second, different message around %s",
                                  message->full_name);
    again = symbol->message != NULL;
    if (again && !same_shape(linker, symbol->message, message)) return false;
    if (!again) symbol->message = message;
    for (actri_proto_message_t *m = message->messages; m != NULL; m = m->next) {
        if (!declare_message(linker, message->full_name, m, again)) return false;
    }
    for (actri_proto_enum_t *e = message->enums; e != NULL; e = e->next) {
        if (!declare_enum(linker, message->full_name, e, again)) return false;
    }
    return declare_extensions(linker, message->full_name, message->extensions);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The methods' names, sorted, each once. */
static const char **method_names(actri_proto_linker_t *linker, const actri_proto_service_t *service, size_t *count)
{
    size_t total = 0;
    for (const actri_proto_method_t *method = service->methods; method != NULL; method = method->next) total++;
    const char **names = actri_proto_new(linker->reader, total * sizeof *names);
    if (names == NULL) return NULL;
    total = 0;
    for (const actri_proto_method_t *method = service->methods; method != NULL; method = method->next)
        names[total++] = method->name;
    if (total > 1) qsort(names, total, sizeof *names, compare_words);
    *count = 0;
    for (size_t i = 0; i < total; i++) {
        if (*count == 0 || strcmp(names[*count - 1], names[i]) != 0) names[(*count)++] = names[i];
    }
    return names;
}

static bool same_methods(actri_proto_linker_t *linker, const actri_proto_service_t *first,
                         const actri_proto_service_t *second)
{
    size_t count = 0, other = 0;
    const char **names = method_names(linker, first, &count), **others = method_names(linker, second, &other);
    if (names == NULL || others == NULL) return false;
    bool equal = count == other;
    for (size_t i = 0; equal && i < count; i++) equal = strcmp(names[i], others[i]) == 0;
    return equal || actri_proto_refuse(linker->reader, second->at, "a second, different service %s", second->name);
}

static bool declare_services(actri_proto_linker_t *linker, const char *scope)
{
    for (actri_proto_service_t *service = linker->file->services; service != NULL; service = service->next) {
        actri_proto_symbol_t *symbol = declare(linker, scope, service->name, service->at);
        if (symbol == NULL) return false;
        service->full_name = symbol->full_name;
        if (symbol->service != NULL && !same_methods(linker, symbol->service, service)) return false;
        if (symbol->service == NULL) symbol->service = service;
    }
    return true;
}

const char *actri_proto_package_scope(actri_proto_linker_t *linker)
{
    if (linker->file->package == NULL) return "";
    return full_name(linker, "", linker->file->package, (actri_proto_position_t){1, 1});
}

bool actri_proto_declare(actri_proto_linker_t *linker)
{
    const char *scope = actri_proto_package_scope(linker);
    if (scope == NULL) return false;
    for (actri_proto_message_t *message = linker->file->messages; message != NULL; message = message->next) {
        if (!declare_message(linker, scope, message, false)) return false;
    }
    for (actri_proto_enum_t *enumeration = linker->file->enums; enumeration != NULL; enumeration = enumeration->next) {
        if (!declare_enum(linker, scope, enumeration, false)) return false;
    }
    return declare_services(linker, scope) && declare_extensions(linker, scope, linker->file->extensions);
}
