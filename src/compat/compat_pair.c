/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference's comparison of two texts of one file: of top-level messages only numbers and types of fields, of
 * services only names and types of methods. Pure.
 */
#include "compat/compat_pair.h"

#include <stdlib.h>
#include <string.h>

const char *actri_compat_scope(const actri_compat_pair_t *pair, const actri_proto_file_t *file)
{
    size_t size = file->package == NULL ? 0 : strlen(file->package) + 1;
    char *scope = actri_arena_alloc(&pair->report->arena, size + 1);
    if (scope == NULL) return NULL;
    if (size > 0) {
        scope[0] = '.';
        memcpy(scope + 1, file->package, size - 1);
    }
    scope[size] = '\0';
    return scope;
}

const actri_proto_symbol_t *actri_compat_symbol(const actri_proto_file_t *file, const char *scope, const char *name)
{
    char full[2 * ACTRI_PROTO_NAME_MAX + 4];
    size_t before = strlen(scope), size = strlen(name);
    if (before + 1 + size > sizeof full) return NULL; /* longer than any that was read */
    memcpy(full, scope, before);
    full[before] = '.';
    memcpy(full + before + 1, name, size);
    return actri_map_get(&file->symbols, full, before + 1 + size);
}

/* Both lists are sorted by number, and no number stands twice. */
static bool has_fields(const actri_proto_message_t *base, const actri_proto_message_t *candidate)
{
    size_t at = 0;
    for (size_t i = 0; i < base->field_count; i++) {
        const actri_proto_field_t *field = base->by_number[i];
        while (at < candidate->field_count && candidate->by_number[at]->number < field->number) at++;
        if (at == candidate->field_count || candidate->by_number[at]->number != field->number) return false;
        if (strcmp(candidate->by_number[at]->type_name, field->type_name) != 0) return false;
    }
    return true;
}

static int compare_methods(const void *a, const void *b)
{
    const actri_proto_method_t *one = *(const actri_proto_method_t *const *)a,
                               *other = *(const actri_proto_method_t *const *)b;
    int order = strcmp(one->name, other->name);
    if (order == 0) order = strcmp(one->input, other->input);
    return order != 0 ? order : strcmp(one->output, other->output);
}

const actri_proto_method_t **actri_compat_methods(const actri_compat_pair_t *pair, const actri_proto_service_t *service,
                                                  size_t *count)
{
    *count = 0;
    for (const actri_proto_method_t *m = service->methods; m != NULL; m = m->next) (*count)++;
    const actri_proto_method_t **sorted = actri_arena_alloc(&pair->report->arena, *count * sizeof *sorted);
    if (sorted == NULL) return NULL;
    *count = 0;
    for (const actri_proto_method_t *m = service->methods; m != NULL; m = m->next) sorted[(*count)++] = m;
    if (*count > 1) qsort(sorted, *count, sizeof *sorted, compare_methods);
    return sorted;
}

static bool has_methods(const actri_compat_pair_t *pair, const actri_proto_service_t *base,
                        const actri_proto_service_t *candidate)
{
    size_t count, others, at = 0;
    const actri_proto_method_t **wanted = actri_compat_methods(pair, base, &count),
                               **offered = actri_compat_methods(pair, candidate, &others);
    if (wanted == NULL || offered == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        while (at < others && compare_methods(&offered[at], &wanted[i]) < 0) at++;
        if (at == others || compare_methods(&offered[at], &wanted[i]) != 0) return false;
    }
    return true;
}

static bool is_covered(const actri_compat_pair_t *pair, const char *scope)
{
    for (const actri_proto_message_t *m = pair->base->messages; m != NULL; m = m->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(pair->candidate, scope, m->name);
        if (symbol == NULL || symbol->message == NULL || !has_fields(m, symbol->message)) return false;
    }
    for (const actri_proto_service_t *s = pair->base->services; s != NULL; s = s->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(pair->candidate, scope, s->name);
        if (symbol == NULL || symbol->service == NULL || !has_methods(pair, s, symbol->service)) return false;
    }
    return true;
}

bool actri_compat_compare(const actri_compat_pair_t *pair, actri_compat_level_t *level)
{
    const char *scope = actri_compat_scope(pair, pair->candidate);
    if (scope == NULL) return false;
    *level = is_covered(pair, scope) ? ACTRI_COMPAT_BACKWARD : ACTRI_COMPAT_BREAKING;
    return !pair->report->arena.failed;
}
