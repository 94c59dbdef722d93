/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical JSON text of a .proto file, which its fingerprint is a hash of. spec: naming-and-compat 5.2. */
#ifndef ACTRI_CANONICAL_H
#define ACTRI_CANONICAL_H

#include "compat/json_writer.h"

#define ACTRI_CANONICAL_MAX ((size_t)64 << 20) /* bytes; deep nesting is written with much white space */

/* Memory for sorting comes from the arena. False: out of memory; beyond the limit json->full is set. */
bool actri_canonical_write(actri_json_t *json, actri_arena_t *arena, const actri_proto_file_t *file);

#endif
