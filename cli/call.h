/* SPDX-License-Identifier: Apache-2.0 */
/* What `actr call` knows of its call; single calls are in call.c, streaming ones in call_stream.c. */
#ifndef ACTR_CLI_CALL_H
#define ACTR_CLI_CALL_H

#include "cli/contract/pj.h"
#include "sources.h"

typedef enum encoding { ENCODING_JSON, ENCODING_HEX, ENCODING_BASE64, ENCODING_BYTES } encoding_t;

typedef struct call {
    client_t client;
    sources_t sources;
    const char *target, *route, *payload, *proto;
    encoding_t encoding;
    bool tell, defaults;
    contract_method_t method;
    actri_text_t request; /* bytes */
    actri_arena_t arena;
} call_t;

/* A reply, or a message of a stream, as it is to be printed. */
ACTR_MUST_CHECK actr_status_t call_add_reply(const call_t *call, actri_span_t bytes, actri_text_t *out,
                                             actr_error_t *error);
/* Makes the call of a streaming method, prints what comes; call->request is what is sent with it, if anything is.
   Returns the exit status. */
int call_stream(call_t *call, const actr_id_t *id);

#endif
