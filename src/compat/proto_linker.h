/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a text's words to their meaning: full names, types, options, defaults. In this order: proto_symbols.c declares,
 * proto_link.c resolves types, proto_options.c checks options, proto_default.c writes defaults. Pure.
 */
#ifndef ACTRI_PROTO_LINKER_H
#define ACTRI_PROTO_LINKER_H

#include "compat/proto_reader.h"

typedef struct actri_proto_linker {
    actri_proto_reader_t *reader; /* arena and errors; its text is read */
    actri_proto_set_t *set;
    actri_proto_file_t *file;
    const actri_proto_file_t *descriptor; /* the built-in one with the options; NULL until one is used */
} actri_proto_linker_t;

/* Links the file; its imports are known. False: latched. */
bool actri_proto_link(actri_proto_linker_t *linker);
bool actri_proto_declare(actri_proto_linker_t *linker);
/* ".acme" or "" */
const char *actri_proto_package_scope(actri_proto_linker_t *linker);

/* What is looked for. */
typedef enum actri_proto_want { ACTRI_PROTO_WANT_TYPE, ACTRI_PROTO_WANT_EXTENSION } actri_proto_want_t;
/* A written path seen from a scope (a full name, or ""), from the inside outward. NULL: there is none. */
const actri_proto_symbol_t *actri_proto_find(const actri_proto_linker_t *linker, const char *scope, const char *path,
                                             actri_proto_want_t want);
const actri_proto_field_t *actri_proto_field_by_name(const actri_proto_message_t *message, const char *name);
bool actri_proto_enum_has(const actri_proto_enum_t *enumeration, const actri_proto_text_t *name);

/* All options of the file. */
bool actri_proto_check_options(actri_proto_linker_t *linker);
/* Whether a value can be one of a field of scalar or enum type. */
bool actri_proto_value_fits(const actri_proto_field_t *field, const actri_proto_value_t *value);
/* Fills has_default and default_text from the options. */
bool actri_proto_make_default(actri_proto_linker_t *linker, actri_proto_field_t *field);
/* A number as the reference prints it: shortest decimal, no exponent. NULL: out of memory (latched). */
const char *actri_proto_print_double(actri_proto_reader_t *reader, double number);

/* proto_file.c: a built-in file, read once for the set. NULL: latched. */
const actri_proto_file_t *actri_proto_load_builtin(actri_proto_set_t *set, actri_proto_reader_t *reader,
                                                   const actri_proto_text_t *path);

#endif
