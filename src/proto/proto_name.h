/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the code generator for names in .proto files (naming-and-compat 1.2). Pure. */
#ifndef ACTRI_PROTO_NAME_H
#define ACTRI_PROTO_NAME_H

#include "base/env.h"

typedef enum actri_proto_name {
    ACTRI_PROTO_PACKAGE, /* up to 256 bytes, lower case, dots between segments */
    ACTRI_PROTO_SERVICE, /* up to 64 bytes, an upper-case letter first */
    ACTRI_PROTO_METHOD,  /* up to 64 bytes, a lower-case letter first; the reference never applies it */
} actri_proto_name_t;

/* INVALID_NAME says what is wrong. */
ACTR_MUST_CHECK actr_status_t actri_proto_name_check(actri_proto_name_t kind, const char *text, size_t size,
                                                     actr_error_t *error);

#endif
