/* SPDX-License-Identifier: Apache-2.0 */
/* The services of one .proto file, with every name decided: what header.c and source.c print. */
#ifndef ACTR_CODEGEN_MODEL_H
#define ACTR_CODEGEN_MODEL_H

#include "base/arena.h"
#include "plugin.pb-c.h"

typedef struct message_names {
    const char *type;       /* "Echo__EchoRequest" */
    const char *descriptor; /* "echo__echo_request__descriptor" */
} message_names_t;

enum { /* who streams: actr_method_t.kind */
       METHOD_UNARY = 0,
       METHOD_CLIENT = 1,
       METHOD_SERVER = 2,
       METHOD_BOTH = 3,
};

typedef struct method {
    const char *name;    /* "GetUser" */
    const char *route;   /* "echo.EchoService.GetUser" */
    const char *snake;   /* "get_user", unique in the service */
    const char *member;  /* the same, fit to stand alone */
    const char *comment; /* or NULL */
    const char *payload; /* "ACTR_RPC_RELIABLE" */
    unsigned kind;       /* METHOD_... */
    message_names_t request, response;
    size_t index; /* in the table */
} method_t;

typedef struct service {
    const char *name;   /* "echo.EchoService" */
    const char *prefix; /* "echo_echo_service" */
    const char *comment;
    method_t *methods; /* in the order of the .proto */
    method_t **sorted; /* by route: the table */
    size_t method_count;
    bool streams; /* has a streaming method */
} service_t;

typedef struct model {
    const char *file; /* "dir/echo.proto" */
    const char *stem; /* "dir/echo" */
    const char *guard;
    service_t *services;
    size_t service_count;
} model_t;

/* False, and `error` says which file, which service and method, and why. */
bool model_make(actri_arena_t *arena, const Pb__Request *request, const Pb__FileDescriptor *file, model_t *model,
                actr_error_t *error);

/* comment.c: the comment before (or else behind) what `path` leads to; NULL: none. */
const char *model_comment(const Pb__FileDescriptor *file, const int32_t *path, size_t size);

#endif
