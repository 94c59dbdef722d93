/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semantic fingerprints, bit for bit those of the reference; where it aborts or would write files, an error. No file is
 * opened. spec: naming-and-compat 5.
 */
#ifndef ACTRI_FINGERPRINT_H
#define ACTRI_FINGERPRINT_H

#include "compat/proto_tree.h"

#define ACTRI_FINGERPRINT_SIZE 90 /* "service_semantic:", 64 digits, zero; with room */

typedef struct actri_fingerprint {
    char text[ACTRI_FINGERPRINT_SIZE];
} actri_fingerprint_t;

/* One file of a service, with its name as it enters the fingerprint. Borrowed. */
typedef struct actri_proto_source {
    const char *name;
    const char *text;
    size_t size;
} actri_proto_source_t;

/* "semantic:..." of a file that was read. NO_MEMORY, or PROTO_UNSUPPORTED when its canonical text is too large. */
ACTR_MUST_CHECK actr_status_t actri_fingerprint_of(actri_proto_set_t *set, const actri_proto_file_t *file,
                                                   actri_fingerprint_t *out, actr_error_t *error);
/* The same from text. */
ACTR_MUST_CHECK actr_status_t actri_fingerprint_file(const actri_env_t *env, const actri_proto_source_t *source,
                                                     actri_fingerprint_t *out, actr_error_t *error);
/* "service_semantic:..." over files, in any order; equal names keep theirs. files, when not NULL, gets each file's own,
   in the order given. The first file that fails in the sorted order is what the error speaks of. */
ACTR_MUST_CHECK actr_status_t actri_fingerprint_service(const actri_env_t *env, const actri_proto_source_t *sources,
                                                        size_t count, actri_fingerprint_t *out,
                                                        actri_fingerprint_t *files, actr_error_t *error);
/* The text that is hashed; *out is the caller's (actri_free), zero-terminated. For people who ask why. */
ACTR_MUST_CHECK actr_status_t actri_canonical_text(const actri_env_t *env, const actri_proto_source_t *source,
                                                   char **out, size_t *size, actr_error_t *error);

#endif
