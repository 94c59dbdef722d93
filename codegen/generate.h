/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin without its pipes: a request in, a response out. */
#ifndef ACTR_CODEGEN_GENERATE_H
#define ACTR_CODEGEN_GENERATE_H

#include "base/arena.h"
#include "plugin.pb-c.h"

typedef struct generate_options {
    bool messages; /* also protobuf-c's files, without its own service stubs */
} generate_options_t;

/* Adds the services' files to response. False: `error` says why. */
bool generate_services(actri_arena_t *arena, const Pb__Request *request, Pb__Response *response, actr_error_t *error);
/* The parameter of --actr_out: "" or "messages". */
bool generate_parse(const char *parameter, generate_options_t *options, actr_error_t *error);

/* messages.c: changes request into what protoc-gen-c is to be asked: no services, and the files of google/protobuf/
 * that are imported. False: memory. */
bool messages_narrow(actri_arena_t *arena, Pb__Request *request);
/* Asks protoc-gen-c and returns its response; protobuf-c's to free. NULL: error says why. */
Pb__Response *messages_ask(const Pb__Request *request, actr_error_t *error);

#endif
