/* SPDX-License-Identifier: Apache-2.0 */
/* The files of google/protobuf/ that every .proto may import: what they declare, and which options exist. */
#ifndef ACTRI_PROTO_BUILTIN_H
#define ACTRI_PROTO_BUILTIN_H

#include "compat/proto_tree.h"

#define ACTRI_PROTO_DESCRIPTOR "google/protobuf/descriptor.proto"

/* The declarations of "google/protobuf/x.proto"; NULL: no such file. *name is the path, static. */
const char *actri_proto_builtin_text(const actri_proto_text_t *path);
const char *actri_proto_builtin_name(const actri_proto_text_t *path);

#endif
