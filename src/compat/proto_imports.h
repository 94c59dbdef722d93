/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports as the reference takes them: it looks at lines, not at statements, and writes an empty file for each path it
 * finds. Here no file is written, and a path that would leave its folder is refused. spec: naming-and-compat 5.1.
 */
#ifndef ACTRI_PROTO_IMPORTS_H
#define ACTRI_PROTO_IMPORTS_H

#include "compat/proto_reader.h"

typedef struct actri_proto_imports {
    actri_map_t paths; /* that lines of the text name; values are not NULL and mean nothing */
    bool own_name;     /* one is "input.proto": the reference then reads an empty proto3 file instead of the text */
} actri_proto_imports_t;

/* False: latched in the reader. Clear in both cases. */
bool actri_proto_imports_scan(actri_proto_reader_t *reader, actri_proto_imports_t *out);
void actri_proto_imports_clear(actri_proto_imports_t *imports);
/* Whether this import statement is one that works; imports NULL: whether its path stays in its folder. */
bool actri_proto_imports_check(actri_proto_reader_t *reader, const actri_proto_imports_t *imports,
                               const actri_proto_import_t *import);

#endif
