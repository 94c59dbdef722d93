/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the strict comparison. Each adds findings to the report; memory that is out latches its arena. */
#ifndef ACTRI_COMPAT_FIND_H
#define ACTRI_COMPAT_FIND_H

#include "compat/compat_pair.h"
#include "compat/compat_rules.h"

typedef struct actri_compat_finder {
    const actri_compat_pair_t *pair;
    const char *base_scope, *candidate_scope; /* ".acme" or "" */
    actri_compat_report_t *report;
} actri_compat_finder_t;

/* One finding in a file, by its name for messages. */
void actri_compat_add(actri_compat_report_t *report, actri_compat_rule_t rule, const char *file,
                      actri_proto_position_t at, const char *format, ...) ACTR_PRINTF(5, 6);
/* In the candidate's text, and in the base's where what was is gone. */
#define ACTRI_FOUND(finder, rule, at, ...)                                                                             \
    actri_compat_add((finder)->report, rule, (finder)->pair->candidate->name, at, __VA_ARGS__)
#define ACTRI_GONE(finder, rule, at, ...)                                                                              \
    actri_compat_add((finder)->report, rule, (finder)->pair->base->name, at, __VA_ARGS__)

/* Declarations of a file or a message: scopes are their full names. */
void actri_compat_find_messages(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                                const actri_proto_message_t *candidate, const char *base_scope,
                                const char *candidate_scope);
void actri_compat_find_enums(actri_compat_finder_t *finder, const actri_proto_enum_t *base,
                             const actri_proto_enum_t *candidate, const char *base_scope, const char *candidate_scope);
void actri_compat_find_fields(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                              const actri_proto_message_t *candidate);
void actri_compat_find_oneofs(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                              const actri_proto_message_t *candidate);
/* One field, or extension, of both; `name` for messages. */
void actri_compat_find_field(actri_compat_finder_t *finder, const actri_proto_field_t *base,
                             const actri_proto_field_t *candidate, const char *name);
void actri_compat_find_services(actri_compat_finder_t *finder);
void actri_compat_find_extensions(actri_compat_finder_t *finder);

/* Full names are of the same thing when only the package differs. */
bool actri_compat_same_type(const actri_compat_finder_t *finder, const char *base, const char *candidate);

/* Reserved numbers and names, and ranges for extensions, for fast questions. */
typedef struct actri_compat_reserved {
    actri_proto_range_t *ranges; /* sorted, joined where they touch */
    size_t range_count;
    const actri_proto_text_t **names; /* sorted */
    size_t name_count;
} actri_compat_reserved_t;

/* False: out of memory. */
bool actri_compat_reserved(actri_compat_finder_t *finder, const actri_proto_range_t *ranges,
                           const actri_proto_word_t *names, actri_compat_reserved_t *out);
bool actri_compat_covers(const actri_compat_reserved_t *reserved, int64_t start, int64_t end);
bool actri_compat_names(const actri_compat_reserved_t *reserved, const char *name);

#endif
