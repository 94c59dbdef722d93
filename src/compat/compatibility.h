/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether one service specification can stand in for another: as the reference answers (its level and its two lists,
 * to the letter), and more strictly, with every change named and placed (the reference's levels leave many breaking
 * changes out: docs/evolution.md). No file is opened. One thread at a time. spec: naming-and-compat 6.
 */
#ifndef ACTRI_COMPATIBILITY_H
#define ACTRI_COMPATIBILITY_H

#include "compat/proto_tree.h"

typedef enum actri_compat_level {
    ACTRI_COMPAT_FULL,
    ACTRI_COMPAT_BACKWARD, /* callers written for the base can go on */
    ACTRI_COMPAT_BREAKING,
} actri_compat_level_t;

/* One .proto file of a specification. Borrowed. */
typedef struct actri_compat_file {
    const char *package; /* what makes it the same file on both sides: its name without ".proto" */
    const char *name;    /* for messages; NULL: the package */
    const char *text;
    size_t size;
} actri_compat_file_t;

typedef struct actri_compat_side {
    const char *fingerprint; /* of the service; "" when there is none */
    const actri_compat_file_t *files;
    size_t count;
} actri_compat_side_t;

/* The reference's two kinds of record. */
typedef struct actri_compat_change {
    const char *type; /* "PROTO_CONTENT_CHANGED" or "FILE_ADDED" */
    const char *file, *description;
    bool breaking;
    struct actri_compat_change *next;
} actri_compat_change_t;

typedef struct actri_compat_break {
    const char *rule; /* "BREAKING_PROTO_CHANGE" or "FILE_REMOVED" */
    const char *file, *message;
    struct actri_compat_break *next;
} actri_compat_break_t;

/* What the strict mode finds: one change each. The rules are in compat_rules.h. */
typedef struct actri_compat_finding {
    const char *rule; /* "FIELD_REMOVED" */
    bool breaking;
    bool in_base;     /* the place is in the old text: what stood there is gone */
    const char *file; /* its name for messages */
    actri_proto_position_t at;
    const char *text;
    struct actri_compat_finding *next;
} actri_compat_finding_t;

#define ACTRI_COMPAT_FINDINGS_MAX 1000 /* kept; the others are counted, and the level heeds them */

/* Points into the sides. */
typedef struct actri_compat_report {
    bool strict;
    actri_compat_level_t level;
    actri_compat_change_t *changes; /* by file */
    actri_compat_break_t *breaks;
    size_t change_count, break_count;
    actri_compat_finding_t *findings; /* strict: by file, then in the order in which they were met */
    size_t finding_count, breaking_count;
    actri_compat_finding_t **findings_tail;
    actri_arena_t arena;
} actri_compat_report_t;

/*
 * As the reference answers. INVALID_ARGUMENT where a side has no file or a blank one, PROTO_SYNTAX and
 * PROTO_UNSUPPORTED (what the reference aborts on included) with the reference's words before the place, NO_MEMORY.
 * Equal fingerprint texts end it at once: nothing is read. Clear the report when it was ACTR_OK.
 */
ACTR_MUST_CHECK actr_status_t actri_compat_analyze(const actri_env_t *env, const actri_compat_side_t *base,
                                                   const actri_compat_side_t *candidate, actri_compat_report_t *out,
                                                   actr_error_t *error);
/* The strict mode: fingerprints are not believed, every file is read, as it stands, and imports are looked up among the
   files of the side; what is imported and not there may not be used, but for options. Never a better level than that of
   actri_compat_analyze (but where the reference reads a text with `import "input.proto"` as an empty one). */
ACTR_MUST_CHECK actr_status_t actri_compat_strict(const actri_env_t *env, const actri_compat_side_t *base,
                                                  const actri_compat_side_t *candidate, actri_compat_report_t *out,
                                                  actr_error_t *error);
void actri_compat_clear(actri_compat_report_t *report);

/* "FullyCompatible", "BackwardCompatible", "BreakingChanges". */
const char *actri_compat_level_name(actri_compat_level_t level);

#define ACTRI_COMPAT_SUMMARY_SIZE 64
/* "2 breaking changes detected", in the reference's words; a strict report counts findings. */
void actri_compat_summary(const actri_compat_report_t *report, char out[ACTRI_COMPAT_SUMMARY_SIZE]);

#endif
