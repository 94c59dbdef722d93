/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts that a tool knows: .proto texts with their imports, asked for methods and messages. One thread at a
 * time.
 */
#ifndef ACTR_CLI_CONTRACT_H
#define ACTR_CLI_CONTRACT_H

#include "compat/proto_tree.h"

typedef struct contract {
    actri_proto_set_t set;
} contract_t;

typedef struct contract_method {
    const char *name; /* ".acme.Thermo" + "Read", in two parts */
    const actri_proto_message_t *request, *response;
    bool client_streaming, server_streaming;
    actr_payload_type_t payload_type; /* (actr.payload_type) */
} contract_method_t;

/* `find` gives the texts of imports, as actri_proto_set_t.find; NULL: there are none. */
void contract_init(contract_t *contract, bool (*find)(void *user, const char *path, actri_proto_text_t *out),
                   void *user);
void contract_clear(contract_t *contract);
/* Reads one text and what it imports, unless it was. */
ACTR_MUST_CHECK actr_status_t contract_add(contract_t *contract, const char *name, const char *text, size_t size,
                                           actr_error_t *error);

/* "acme.Thermo.Read"; UNKNOWN_ROUTE names what there is instead. */
ACTR_MUST_CHECK actr_status_t contract_method(const contract_t *contract, const char *route, contract_method_t *out,
                                              actr_error_t *error);
/* ".acme.Reading"; NULL: there is none. */
const actri_proto_message_t *contract_message(const contract_t *contract, const char *full_name);
/* Whether the file that declares this full name is a proto3 one. */
bool contract_is_proto3(const contract_t *contract, const char *full_name);

#endif
