/* SPDX-License-Identifier: Apache-2.0 */
/* The strict comparison of messages and enums, at any depth, by their names. Pure. */
#include "compat/compat_find.h"

#include <stdlib.h>
#include <string.h>

static bool flag(const actri_proto_option_t *options, const char *name)
{
    const actri_proto_value_t *value = actri_proto_option(options, name);
    return value != NULL && value->kind == ACTRI_PROTO_BOOL && value->boolean;
}

/* What was reserved and is not, and is not in use either (that is RESERVED_USED). */
static void find_freed(actri_compat_finder_t *finder, const actri_proto_range_t *ranges,
                       const actri_proto_word_t *names, const actri_compat_reserved_t *now, const char *of)
{
    for (const actri_proto_range_t *r = ranges; r != NULL; r = r->next) {
        if (actri_compat_covers(now, r->start, r->end)) continue;
        ACTRI_GONE(finder, ACTRI_RULE_RESERVED_REMOVED, ((actri_proto_position_t){0, 0}),
                   "%s: %lld to %lld are no longer reserved", of, (long long)r->start, (long long)r->end);
    }
    for (const actri_proto_word_t *word = names; word != NULL; word = word->next) {
        if (actri_compat_names(now, word->text.data)) continue;
        ACTRI_GONE(finder, ACTRI_RULE_RESERVED_REMOVED, ((actri_proto_position_t){0, 0}),
                   "%s: the name %s is no longer reserved", of, word->text.data);
    }
}

static void find_extension_ranges(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                                  const actri_proto_message_t *candidate)
{
    actri_compat_reserved_t now;
    if (!actri_compat_reserved(finder, candidate->extension_ranges, NULL, &now)) return;
    for (const actri_proto_range_t *r = base->extension_ranges; r != NULL; r = r->next) {
        if (actri_compat_covers(&now, r->start, r->end)) continue;
        ACTRI_GONE(finder, ACTRI_RULE_EXTENSION_RANGE_REMOVED, base->at,
                   "%s: %lld to %lld are no longer for extensions", base->full_name + 1, (long long)r->start,
                   (long long)r->end);
    }
}

static void find_message(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                         const actri_proto_message_t *candidate)
{
    actri_compat_reserved_t now;
    actri_compat_find_fields(finder, base, candidate);
    actri_compat_find_oneofs(finder, base, candidate);
    if (actri_compat_reserved(finder, candidate->reserved, candidate->reserved_names, &now))
        find_freed(finder, base->reserved, base->reserved_names, &now, candidate->full_name + 1);
    find_extension_ranges(finder, base, candidate);
    if (flag(base->options, "message_set_wire_format") != flag(candidate->options, "message_set_wire_format"))
        ACTRI_FOUND(finder, ACTRI_RULE_MESSAGE_SET, candidate->at, "%s: message_set_wire_format changed",
                    candidate->full_name + 1);
    actri_compat_find_messages(finder, base->messages, candidate->messages, base->full_name, candidate->full_name);
    actri_compat_find_enums(finder, base->enums, candidate->enums, base->full_name, candidate->full_name);
}

/* Of several declarations of one name the first counts. A map's own message comes and goes with its field, which has
   its own finding. */
void actri_compat_find_messages(actri_compat_finder_t *finder, const actri_proto_message_t *base,
                                const actri_proto_message_t *candidate, const char *base_scope,
                                const char *candidate_scope)
{
    for (const actri_proto_message_t *m = base; m != NULL; m = m->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(finder->pair->candidate, candidate_scope, m->name);
        const actri_proto_symbol_t *own = actri_compat_symbol(finder->pair->base, base_scope, m->name);
        if (own == NULL || own->message != m) continue;
        if (symbol != NULL && symbol->message != NULL)
            find_message(finder, m, symbol->message);
        else if (!m->map_entry)
            ACTRI_GONE(finder, ACTRI_RULE_MESSAGE_REMOVED, m->at, "the message %s is gone", m->full_name + 1);
    }
    for (const actri_proto_message_t *m = candidate; m != NULL; m = m->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(finder->pair->base, base_scope, m->name);
        if ((symbol == NULL || symbol->message == NULL) && !m->map_entry)
            ACTRI_FOUND(finder, ACTRI_RULE_MESSAGE_ADDED, m->at, "the message %s is new", m->full_name + 1);
    }
}

/* ---- enums ---- */

static int compare_values(const void *a, const void *b)
{
    const actri_proto_enum_value_t *one = *(const actri_proto_enum_value_t *const *)a,
                                   *other = *(const actri_proto_enum_value_t *const *)b;
    int order = (one->number > other->number) - (one->number < other->number);
    return order != 0 ? order : strcmp(one->name, other->name);
}

typedef struct values {
    const actri_proto_enum_value_t **by_number, **by_name;
    size_t count;
} values_t;

static bool values_of(actri_compat_finder_t *finder, const actri_proto_enum_t *enumeration, values_t *out)
{
    *out = (values_t){.by_name = enumeration->by_name, .count = enumeration->value_count};
    out->by_number = actri_arena_alloc(&finder->report->arena, out->count * sizeof *out->by_number);
    if (out->by_number == NULL) return false;
    if (out->count == 0) return true;
    memcpy(out->by_number, enumeration->by_name, out->count * sizeof *out->by_number);
    qsort(out->by_number, out->count, sizeof *out->by_number, compare_values);
    return true;
}

/* The first with this number, or, `number` NULL, with this name. */
static const actri_proto_enum_value_t *look_up(const values_t *values, const char *name, const int32_t *number)
{
    const actri_proto_enum_value_t *const *list = number == NULL ? values->by_name : values->by_number;
    size_t low = 0, high = values->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = number == NULL ? strcmp(list[middle]->name, name) < 0 : list[middle]->number < *number;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == values->count) return NULL;
    bool equal = number == NULL ? strcmp(list[low]->name, name) == 0 : list[low]->number == *number;
    return equal ? list[low] : NULL;
}

/* The same name with the same number. */
static bool has_both(const values_t *values, const actri_proto_enum_value_t *value)
{
    return values->count > 0 &&
           bsearch(&value, values->by_number, values->count, sizeof *values->by_number, compare_values) != NULL;
}

static void find_old_value(actri_compat_finder_t *finder, const char *of, const actri_proto_enum_value_t *value,
                           const values_t *before, const values_t *now)
{
    const actri_proto_enum_value_t *named = look_up(now, value->name, NULL),
                                   *numbered = look_up(now, NULL, &value->number);
    if (has_both(now, value)) return;
    if (named != NULL)
        ACTRI_FOUND(finder, ACTRI_RULE_ENUM_VALUE_RENUMBERED, named->at, "%s: %s is %d, was %d", of, value->name,
                    named->number, value->number);
    else if (numbered != NULL && look_up(before, numbered->name, NULL) == NULL)
        ACTRI_FOUND(finder, ACTRI_RULE_ENUM_VALUE_RENAMED, numbered->at, "%s: %d is %s, was %s", of, value->number,
                    numbered->name, value->name);
    else
        ACTRI_GONE(finder, ACTRI_RULE_ENUM_VALUE_REMOVED, value->at, "%s: %s = %d is gone", of, value->name,
                   value->number);
}

static void find_new_value(actri_compat_finder_t *finder, const char *of, const actri_proto_enum_value_t *value,
                           const values_t *before, const actri_compat_reserved_t *reserved)
{
    const actri_proto_enum_value_t *named = look_up(before, value->name, NULL),
                                   *numbered = look_up(before, NULL, &value->number);
    if (has_both(before, value)) return;
    if (actri_compat_covers(reserved, value->number, value->number) || actri_compat_names(reserved, value->name))
        ACTRI_FOUND(finder, ACTRI_RULE_RESERVED_USED, value->at, "%s: %s = %d was reserved", of, value->name,
                    value->number);
    if (named == NULL && numbered == NULL)
        ACTRI_FOUND(finder, ACTRI_RULE_ENUM_VALUE_ADDED, value->at, "%s: %s = %d is new", of, value->name,
                    value->number);
}

static void find_enum(actri_compat_finder_t *finder, const actri_proto_enum_t *base,
                      const actri_proto_enum_t *candidate)
{
    values_t old, now;
    actri_compat_reserved_t before, reserved;
    const char *of = candidate->full_name + 1;
    if (!values_of(finder, base, &old) || !values_of(finder, candidate, &now) ||
        !actri_compat_reserved(finder, base->reserved, base->reserved_names, &before) ||
        !actri_compat_reserved(finder, candidate->reserved, candidate->reserved_names, &reserved))
        return;
    for (size_t i = 0; i < old.count; i++) find_old_value(finder, of, old.by_number[i], &old, &now);
    for (size_t i = 0; i < now.count; i++) find_new_value(finder, of, now.by_number[i], &old, &before);
    find_freed(finder, base->reserved, base->reserved_names, &reserved, of);
    bool closed = !finder->pair->base->proto3 && base->values != NULL && candidate->values != NULL;
    if (closed && base->values->number != candidate->values->number)
        ACTRI_FOUND(finder, ACTRI_RULE_ENUM_DEFAULT, candidate->at, "%s begins with %s, began with %s", of,
                    candidate->values->name, base->values->name);
}

void actri_compat_find_enums(actri_compat_finder_t *finder, const actri_proto_enum_t *base,
                             const actri_proto_enum_t *candidate, const char *base_scope, const char *candidate_scope)
{
    for (const actri_proto_enum_t *e = base; e != NULL; e = e->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(finder->pair->candidate, candidate_scope, e->name);
        const actri_proto_symbol_t *own = actri_compat_symbol(finder->pair->base, base_scope, e->name);
        if (own == NULL || own->enumeration != e) continue;
        if (symbol != NULL && symbol->enumeration != NULL)
            find_enum(finder, e, symbol->enumeration);
        else
            ACTRI_GONE(finder, ACTRI_RULE_ENUM_REMOVED, e->at, "the enum %s is gone", e->full_name + 1);
    }
    for (const actri_proto_enum_t *e = candidate; e != NULL; e = e->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(finder->pair->base, base_scope, e->name);
        if (symbol == NULL || symbol->enumeration == NULL)
            ACTRI_FOUND(finder, ACTRI_RULE_ENUM_ADDED, e->at, "the enum %s is new", e->full_name + 1);
    }
}
