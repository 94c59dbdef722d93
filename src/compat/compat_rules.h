/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the strict comparison: name, whether a breach breaks, and what it is about. The same table stands in
 * docs/evolution.md; a test compares them.
 */
#ifndef ACTRI_COMPAT_RULES_H
#define ACTRI_COMPAT_RULES_H

#include <stdbool.h>

#define ACTRI_COMPAT_RULES(RULE)                                                                                       \
    RULE(FILE_REMOVED, true, "a file is gone, or has another name")                                                    \
    RULE(FILE_ADDED, false, "a file is new")                                                                           \
    RULE(FILE_OTHER, false, "something else: imports, options, deprecations, the order of oneofs")                     \
    RULE(PACKAGE_CHANGED, true, "the package has another name, so every route and every full name has")                \
    RULE(SYNTAX_CHANGED, true, "proto2 became proto3 or back: enums open or close, texts are checked or not")          \
    RULE(MESSAGE_REMOVED, true, "a message is gone, at any depth")                                                     \
    RULE(MESSAGE_ADDED, false, "a message is new")                                                                     \
    RULE(MESSAGE_SET, true, "message_set_wire_format changed: another encoding")                                       \
    RULE(FIELD_REMOVED, true, "a field is gone, at any depth")                                                         \
    RULE(FIELD_RENUMBERED, true, "a field has another number")                                                         \
    RULE(FIELD_ADDED, false, "a field is new and not required")                                                        \
    RULE(FIELD_REQUIRED, true, "a field became required, is no longer, or is new and required")                        \
    RULE(FIELD_TYPE, true, "a field has another type, at any depth; keys and values of maps too")                      \
    RULE(FIELD_LABEL, true, "one value became many, or many one")                                                      \
    RULE(FIELD_GROUP, true, "a group became a message field or back: another encoding")                                \
    RULE(FIELD_DEFAULT, true, "the default changed: the same bytes mean another value")                                \
    RULE(FIELD_ONEOF, true, "fields that could stand together now shut each other out, or the other way round")        \
    RULE(FIELD_PRESENCE, false, "a field tells \"absent\" from zero, or no longer does")                               \
    RULE(FIELD_RENAMED, false, "a field has another name: code and JSON change, bytes do not")                         \
    RULE(FIELD_JSON_NAME, false, "json_name changed: JSON changes, bytes do not")                                      \
    RULE(FIELD_PACKED, false, "packed changed: readers take both")                                                     \
    RULE(ONEOF_RENAMED, false, "a oneof has another name")                                                             \
    RULE(RESERVED_USED, true, "a reserved number or name is used again: old data is read as something else")           \
    RULE(RESERVED_REMOVED, false, "a reserved number or name is free again")                                           \
    RULE(EXTENSION_RANGE_REMOVED, true, "numbers for extensions are gone")                                             \
    RULE(EXTENSION_REMOVED, true, "an extension is gone or has another number, also inside a message")                 \
    RULE(EXTENSION_ADDED, false, "an extension is new")                                                                \
    RULE(ENUM_REMOVED, true, "an enum is gone, at any depth")                                                          \
    RULE(ENUM_ADDED, false, "an enum is new")                                                                          \
    RULE(ENUM_DEFAULT, true, "proto2: another value stands first, which is what an absent field means")                \
    RULE(ENUM_VALUE_REMOVED, true, "a value is gone")                                                                  \
    RULE(ENUM_VALUE_RENUMBERED, true, "a value has another number")                                                    \
    RULE(ENUM_VALUE_RENAMED, false, "a number has another name: code and JSON change, bytes do not")                   \
    RULE(ENUM_VALUE_ADDED, false, "a value is new")                                                                    \
    RULE(SERVICE_REMOVED, true, "a service is gone")                                                                   \
    RULE(SERVICE_ADDED, false, "a service is new")                                                                     \
    RULE(METHOD_REMOVED, true, "a method is gone, so its route is")                                                    \
    RULE(METHOD_ADDED, false, "a method is new")                                                                       \
    RULE(METHOD_INPUT, true, "a method takes another message")                                                         \
    RULE(METHOD_OUTPUT, true, "a method answers with another message")                                                 \
    RULE(METHOD_STREAMING, true, "a method streams, or no longer does: another lane")                                  \
    RULE(METHOD_IDEMPOTENCY, false, "idempotency_level changed: look at callers that repeat")

typedef enum actri_compat_rule {
#define ACTRI_COMPAT_RULE(name, breaking, what) ACTRI_RULE_##name,
    ACTRI_COMPAT_RULES(ACTRI_COMPAT_RULE)
#undef ACTRI_COMPAT_RULE
        ACTRI_COMPAT_RULE_COUNT
} actri_compat_rule_t;

typedef struct actri_compat_rule_row {
    const char *name;
    bool breaking;
    const char *what;
} actri_compat_rule_row_t;

extern const actri_compat_rule_row_t actri_compat_rules[ACTRI_COMPAT_RULE_COUNT];

#endif
