/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/contract/contract.h"

#include <stdio.h>
#include <string.h>

static bool find_nothing(void *user, const char *path, actri_proto_text_t *out)
{
    (void)user;
    (void)path;
    (void)out;
    return false;
}

void contract_init(contract_t *contract, bool (*find)(void *user, const char *path, actri_proto_text_t *out),
                   void *user)
{
    actri_proto_set_init(&contract->set, NULL);
    contract->set.find = find != NULL ? find : find_nothing;
    contract->set.find_user = user;
}

void contract_clear(contract_t *contract)
{
    actri_proto_set_clear(&contract->set);
}

actr_status_t contract_add(contract_t *contract, const char *name, const char *text, size_t size, actr_error_t *error)
{
    const actri_proto_file_t *file = contract->set.files;
    for (; file != NULL; file = file->next) {
        if (file->linked && strcmp(file->name, name) == 0) return ACTR_OK;
    }
    return actri_proto_read(&contract->set, name, text, size, ACTRI_PROTO_AS_WRITTEN, &file, error);
}

static const actri_proto_symbol_t *symbol_in(const actri_proto_file_t *file, const char *full_name,
                                             const actri_proto_file_t **where)
{
    for (; file != NULL; file = file->next) {
        const actri_proto_symbol_t *symbol =
            file->linked ? actri_map_get(&file->symbols, full_name, strlen(full_name)) : NULL;
        if (symbol == NULL) continue;
        *where = file;
        return symbol;
    }
    return NULL;
}

static const actri_proto_symbol_t *symbol_of(const contract_t *contract, const char *full_name,
                                             const actri_proto_file_t **where)
{
    const actri_proto_symbol_t *symbol = symbol_in(contract->set.files, full_name, where);
    return symbol != NULL ? symbol : symbol_in(contract->set.builtins, full_name, where);
}

const actri_proto_message_t *contract_message(const contract_t *contract, const char *full_name)
{
    const actri_proto_file_t *where;
    const actri_proto_symbol_t *symbol = symbol_of(contract, full_name, &where);
    return symbol == NULL ? NULL : symbol->message;
}

bool contract_is_proto3(const contract_t *contract, const char *full_name)
{
    const actri_proto_file_t *where;
    return symbol_of(contract, full_name, &where) == NULL || where->proto3;
}

/* ---- methods ---- */

/* The option is known by its name, whatever was imported. */
static actr_payload_type_t payload_type_of(const actri_proto_method_t *method)
{
    for (const actri_proto_option_t *option = method->options; option != NULL; option = option->next) {
        const char *name = option->name->name, *dot = strrchr(name, '.');
        if (!option->name->extension || strcmp(dot == NULL ? name : dot + 1, "payload_type") != 0) continue;
        if (option->value.kind == ACTRI_PROTO_IDENT && strcmp(option->value.text.data, "RPC_SIGNAL") == 0)
            return ACTR_RPC_SIGNAL;
    }
    return ACTR_RPC_RELIABLE;
}

static bool is_route(const char *route, const actri_proto_service_t *service, const actri_proto_method_t *method)
{
    const char *name = service->full_name + 1; /* behind the dot */
    size_t size = strlen(name);
    return strncmp(route, name, size) == 0 && route[size] == '.' && strcmp(route + size + 1, method->name) == 0;
}

/* What there is, for the message: "a.B.C, a.B.D, ..." */
static void list_routes(const contract_t *contract, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const actri_proto_file_t *file = contract->set.files; file != NULL; file = file->next) {
        for (const actri_proto_service_t *s = file->services; s != NULL; s = s->next) {
            for (const actri_proto_method_t *m = s->methods; m != NULL; m = m->next) {
                int more = snprintf(text + used, size - used, "%s%s.%s", used == 0 ? "" : ", ",
                                    s->full_name == NULL ? "" : s->full_name + 1, m->name);
                if (more < 0 || (size_t)more >= size - used) {
                    (void)snprintf(text + used, size - used, ", ...");
                    return;
                }
                used += (size_t)more;
            }
        }
    }
}

actr_status_t contract_method(const contract_t *contract, const char *route, contract_method_t *out,
                              actr_error_t *error)
{
    char routes[200];
    for (const actri_proto_file_t *file = contract->set.files; file != NULL; file = file->next) {
        for (const actri_proto_service_t *s = file->services; file->linked && s != NULL; s = s->next) {
            for (const actri_proto_method_t *m = s->methods; m != NULL; m = m->next) {
                if (!is_route(route, s, m)) continue;
                out->name = m->name;
                out->request = contract_message(contract, m->input);
                out->response = contract_message(contract, m->output);
                out->client_streaming = m->client_streaming;
                out->server_streaming = m->server_streaming;
                out->payload_type = payload_type_of(m);
                return ACTR_OK;
            }
        }
    }
    list_routes(contract, routes, sizeof routes);
    return actri_fail(error, ACTR_STATUS_UNKNOWN_ROUTE, "the contract has no %.100s; it has %s", route,
                      routes[0] == '\0' ? "no methods at all" : routes);
}
