/* SPDX-License-Identifier: Apache-2.0 */
/* What both directions of the mapping share. jansson's values are between JSON text and bytes in both. */
#ifndef ACTR_CLI_PJ_WALK_H
#define ACTR_CLI_PJ_WALK_H

#include "cli/contract/pj.h"

#include <jansson.h>

/* Where we are: "readings[3].room", from the inside out. */
typedef struct pj_where {
    const struct pj_where *up;
    const char *name; /* of a field, or a map's key; NULL: an index */
    size_t index;
} pj_where_t;

typedef struct pj_walk {
    const contract_t *contract;
    unsigned flags, depth;
    actr_status_t status, wrong; /* wrong: what a mistake in the input is */
    actr_error_t *error;
} pj_walk_t;

/* Latches the failure at a place; always false. */
bool pj_wrong(pj_walk_t *walk, const pj_where_t *where, const char *format, ...) ACTR_PRINTF(3, 4);
bool pj_no_memory(pj_walk_t *walk);

/* pj_scalar.c: values without messages in them. `out` is what stands on the wire: a varint or fixed bits. */
bool pj_to_number(pj_walk_t *walk, const pj_where_t *where, const actri_proto_field_t *field, const json_t *value,
                  uint64_t *out);
json_t *pj_of_number(const actri_proto_field_t *field, uint64_t value);
/* 0 varint, 1 fixed 64, 2 bytes, 5 fixed 32 */
unsigned pj_wire_of(const actri_proto_field_t *field);
bool pj_is_implicit(const contract_t *contract, const actri_proto_message_t *type, const actri_proto_field_t *field);

/*
 * pj_known.c: google/protobuf/'s types with a JSON form of their own. From it to that of an ordinary message, and
 * back; both give a new reference, or NULL (latched). Any is not among them.
 */
bool pj_is_known(const actri_proto_message_t *type);
json_t *pj_known_to_plain(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *value);
json_t *pj_known_from_plain(pj_walk_t *walk, const pj_where_t *where, const actri_proto_message_t *type, json_t *plain);
/* The type that an Any's URL names, or NULL. */
const actri_proto_message_t *pj_any_type(const contract_t *contract, const char *url);
bool pj_is_any(const actri_proto_message_t *type);
/* google.protobuf.Value takes null as a value; NullValue too. */
bool pj_takes_null(const actri_proto_field_t *field);

/* pj_print.c */
void pj_print(const json_t *value, bool indent, actri_text_t *out);

#endif
