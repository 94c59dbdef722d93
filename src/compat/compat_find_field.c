/* SPDX-License-Identifier: Apache-2.0 */
/* The strict comparison of fields, which are the same when their numbers are, and of oneofs. Pure. */
#include "compat/compat_find.h"
#include "compat/proto_linker.h"

#include <stdlib.h>
#include <string.h>

static const char *label_of(const actri_proto_field_t *field)
{
    if (field->map) return "a map";
    if (field->label == ACTRI_PROTO_REPEATED) return "repeated";
    return field->label == ACTRI_PROTO_REQUIRED ? "required" : "optional";
}

/* ".acme.Item" or "int32": the same, without a dot in front. */
static const char *type_of(const actri_proto_field_t *field)
{
    return field->type_name[0] == '.' ? field->type_name + 1 : field->type_name;
}

static bool option_is(const actri_proto_field_t *field, const char *name)
{
    const actri_proto_value_t *value = actri_proto_option(field->options, name);
    return value != NULL && value->kind == ACTRI_PROTO_BOOL && value->boolean;
}

/* What the text says, else what the syntax implies. */
static bool is_packed(const actri_proto_file_t *file, const actri_proto_field_t *field)
{
    bool can = field->label == ACTRI_PROTO_REPEATED && field->message == NULL &&
               field->scalar != ACTRI_PROTO_TYPE_STRING && field->scalar != ACTRI_PROTO_TYPE_BYTES;
    const actri_proto_value_t *value = actri_proto_option(field->options, "packed");
    return can && (value == NULL ? file->proto3 : option_is(field, "packed"));
}

static void find_label(actri_compat_finder_t *finder, const actri_proto_field_t *base,
                       const actri_proto_field_t *candidate, const char *name)
{
    bool many = base->label == ACTRI_PROTO_REPEATED, required = base->label == ACTRI_PROTO_REQUIRED;
    bool many_now = candidate->label == ACTRI_PROTO_REPEATED, required_now = candidate->label == ACTRI_PROTO_REQUIRED;
    if (many != many_now)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_LABEL, candidate->at, "%s.%s is %s, was %s", name, candidate->name,
                    label_of(candidate), label_of(base));
    else if (required != required_now)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_REQUIRED, candidate->at, "%s.%s is %s, was %s", name, candidate->name,
                    label_of(candidate), label_of(base));
}

/* The texts for code and JSON. */
static void find_names(actri_compat_finder_t *finder, const actri_proto_field_t *base,
                       const actri_proto_field_t *candidate, const char *name)
{
    if (strcmp(base->name, candidate->name) != 0)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_RENAMED, candidate->at, "%s: the name of %d is %s, was %s", name,
                    candidate->number, candidate->name, base->name);
    else if (actri_proto_text_compare(&base->json_name, &candidate->json_name) != 0)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_JSON_NAME, candidate->at, "%s.%s is %s in JSON, was %s", name,
                    candidate->name, candidate->json_name.data, base->json_name.data);
}

static bool same_default(const actri_proto_field_t *base, const actri_proto_field_t *candidate)
{
    return base->has_default == candidate->has_default &&
           (!base->has_default || actri_proto_text_compare(&base->default_text, &candidate->default_text) == 0);
}

void actri_compat_find_field(actri_compat_finder_t *finder, const actri_proto_field_t *base,
                             const actri_proto_field_t *candidate, const char *name)
{
    find_names(finder, base, candidate, name);
    find_label(finder, base, candidate, name);
    if (!actri_compat_same_type(finder, base->type_name, candidate->type_name))
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_TYPE, candidate->at, "%s.%s is %s, was %s", name, candidate->name,
                    type_of(candidate), type_of(base));
    else if (base->group != candidate->group)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_GROUP, candidate->at, "%s.%s is a %s, was a %s", name, candidate->name,
                    candidate->group ? "group" : "message", base->group ? "group" : "message");
    if (!same_default(base, candidate))
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_DEFAULT, candidate->at, "%s.%s: the default is %s, was %s", name,
                    candidate->name, candidate->has_default ? candidate->default_text.data : "(none)",
                    base->has_default ? base->default_text.data : "(none)");
    bool many = base->label == ACTRI_PROTO_REPEATED && candidate->label == ACTRI_PROTO_REPEATED;
    if (many && is_packed(finder->pair->base, base) != is_packed(finder->pair->candidate, candidate))
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_PACKED, candidate->at, "%s.%s is %spacked, was %spacked", name,
                    candidate->name, is_packed(finder->pair->candidate, candidate) ? "" : "not ",
                    is_packed(finder->pair->base, base) ? "" : "not ");
}

/* ---- the fields of a message ---- */

static bool has_presence(const actri_proto_file_t *file, const actri_proto_field_t *field)
{
    return !file->proto3 || field->oneof >= 0 || field->message != NULL;
}

static void find_shared(actri_compat_finder_t *finder, const actri_proto_message_t *candidate,
                        const actri_proto_field_t *base, const actri_proto_field_t *now)
{
    bool single = base->label != ACTRI_PROTO_REPEATED && now->label != ACTRI_PROTO_REPEATED;
    bool presence = has_presence(finder->pair->candidate, now);
    actri_compat_find_field(finder, base, now, candidate->full_name + 1);
    if (single && has_presence(finder->pair->base, base) != presence)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_PRESENCE, now->at, "%s.%s: absent and zero are %s",
                    candidate->full_name + 1, now->name, presence ? "told apart now" : "the same now");
}

static void find_gone(actri_compat_finder_t *finder, const actri_proto_message_t *candidate,
                      const actri_proto_field_t *field, const actri_compat_reserved_t *reserved)
{
    const actri_proto_field_t *moved = actri_proto_field_by_name(candidate, field->name);
    const char *hint =
        actri_compat_covers(reserved, field->number, field->number) ? "" : ", and its number is not reserved";
    if (moved != NULL)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_RENUMBERED, moved->at, "%s.%s has the number %d, had %d",
                    candidate->full_name + 1, moved->name, moved->number, field->number);
    else
        ACTRI_GONE(finder, ACTRI_RULE_FIELD_REMOVED, field->at, "%s.%s = %d is gone%s", candidate->full_name + 1,
                   field->name, field->number, hint);
}

static void find_new(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                     const actri_proto_message_t *candidate, const actri_proto_field_t *field,
                     const actri_compat_reserved_t *reserved)
{
    const char *name = candidate->full_name + 1;
    if (actri_compat_covers(reserved, field->number, field->number) || actri_compat_names(reserved, field->name))
        ACTRI_FOUND(finder, ACTRI_RULE_RESERVED_USED, field->at, "%s.%s = %d was reserved", name, field->name,
                    field->number);
    if (field->label == ACTRI_PROTO_REQUIRED)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_REQUIRED, field->at, "%s.%s is new and required", name, field->name);
    else if (actri_proto_field_by_name(base, field->name) == NULL)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_ADDED, field->at, "%s.%s = %d is new", name, field->name, field->number);
}

void actri_compat_find_fields(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                              const actri_proto_message_t *candidate)
{
    actri_compat_reserved_t before, now;
    if (!actri_compat_reserved(finder, base->reserved, base->reserved_names, &before) ||
        !actri_compat_reserved(finder, candidate->reserved, candidate->reserved_names, &now))
        return;
    for (size_t i = 0, j = 0; i < base->field_count || j < candidate->field_count;) {
        const actri_proto_field_t *old = i == base->field_count ? NULL : base->by_number[i];
        const actri_proto_field_t *new = j == candidate->field_count ? NULL : candidate->by_number[j];
        bool shared = old != NULL && new != NULL && old->number == new->number;
        bool gone = !shared && old != NULL && (new == NULL || old->number < new->number);
        if (shared)
            find_shared(finder, candidate, old, new);
        else if (gone)
            find_gone(finder, candidate, old, &now);
        else if (new != NULL)
            find_new(finder, base, candidate, new, &before);
        i += shared || gone;
        j += !gone;
    }
}

/* ---- oneofs: the fields of both texts must be parted alike ---- */

typedef struct part {
    const char *name;
    size_t shared; /* of its fields, how many are in the other text as well */
    int other;     /* the oneof of the other text that its first such field is in; -1: none yet */
} part_t;

/* One for each oneof; those of a proto3 `optional` are none. */
static part_t *parts_of(actri_compat_finder_t *finder, const actri_proto_message_t *message)
{
    part_t *parts = actri_arena_alloc(&finder->report->arena, ((size_t)message->oneof_count + 1) * sizeof *parts);
    size_t at = 0;
    if (parts == NULL) return NULL;
    for (const actri_proto_oneof_t *oneof = message->oneofs; oneof != NULL; oneof = oneof->next)
        parts[at++] = (part_t){oneof->synthetic ? NULL : oneof->name, 0, -1};
    return parts;
}

static part_t *part_of(part_t *parts, const actri_proto_field_t *field)
{
    return field->oneof < 0 || parts[field->oneof].name == NULL ? NULL : &parts[field->oneof];
}

static void check_part(actri_compat_finder_t *finder, const actri_proto_message_t *candidate,
                       const actri_proto_field_t *now, const actri_proto_field_t *old, part_t *part, part_t *before)
{
    bool joined = part != NULL && part->shared > 1, was = before != NULL && before->shared > 1;
    bool good = !joined && !was;
    if (part != NULL && before != NULL) {
        bool first = part->other < 0 && before->other < 0;
        if (first) {
            part->other = old->oneof;
            before->other = now->oneof;
            if (strcmp(part->name, before->name) != 0)
                ACTRI_FOUND(finder, ACTRI_RULE_ONEOF_RENAMED, now->at, "%s: the oneof %s was %s",
                            candidate->full_name + 1, part->name, before->name);
        }
        good = part->other == old->oneof && before->other == now->oneof;
    }
    if (!good)
        ACTRI_FOUND(finder, ACTRI_RULE_FIELD_ONEOF, now->at, "%s.%s is in %s, was in %s", candidate->full_name + 1,
                    now->name, part == NULL ? "no oneof" : part->name, before == NULL ? "none" : before->name);
}

/* The next pair of fields of one number. */
static bool next_shared(const actri_proto_message_t *base, const actri_proto_message_t *candidate, size_t *i, size_t *j)
{
    while (*i < base->field_count && *j < candidate->field_count) {
        int32_t old = base->by_number[*i]->number, now = candidate->by_number[*j]->number;
        if (old == now) return true;
        *i += old < now;
        *j += now < old;
    }
    return false;
}

void actri_compat_find_oneofs(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                              const actri_proto_message_t *candidate)
{
    if (base->oneof_count == 0 && candidate->oneof_count == 0) return;
    part_t *before = parts_of(finder, base), *parts = parts_of(finder, candidate), *part;
    if (before == NULL || parts == NULL) return;
    for (size_t i = 0, j = 0; next_shared(base, candidate, &i, &j); i++, j++) {
        if ((part = part_of(before, base->by_number[i])) != NULL) part->shared++;
        if ((part = part_of(parts, candidate->by_number[j])) != NULL) part->shared++;
    }
    for (size_t i = 0, j = 0; next_shared(base, candidate, &i, &j); i++, j++) {
        const actri_proto_field_t *old = base->by_number[i], *now = candidate->by_number[j];
        check_part(finder, candidate, now, old, part_of(parts, now), part_of(before, old));
    }
}
