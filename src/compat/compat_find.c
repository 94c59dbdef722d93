/* SPDX-License-Identifier: Apache-2.0 */
/* The strict comparison of a whole file: package, syntax, services, extensions. Pure. */
#include "compat/compat_find.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const actri_compat_rule_row_t actri_compat_rules[ACTRI_COMPAT_RULE_COUNT] = {
#define ACTRI_COMPAT_RULE(name, breaking, what) {#name, breaking, what},
    ACTRI_COMPAT_RULES(ACTRI_COMPAT_RULE)
#undef ACTRI_COMPAT_RULE
};

static char *print(actri_arena_t *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *out = size < 0 ? NULL : actri_arena_alloc(arena, (size_t)size + 1);
    if (out != NULL) (void)vsnprintf(out, (size_t)size + 1, format, arguments);
    return out;
}

static bool is_gone(actri_compat_rule_t rule)
{
    return rule == ACTRI_RULE_FILE_REMOVED || rule == ACTRI_RULE_MESSAGE_REMOVED || rule == ACTRI_RULE_FIELD_REMOVED ||
           rule == ACTRI_RULE_RESERVED_REMOVED || rule == ACTRI_RULE_EXTENSION_RANGE_REMOVED ||
           rule == ACTRI_RULE_EXTENSION_REMOVED || rule == ACTRI_RULE_ENUM_REMOVED ||
           rule == ACTRI_RULE_ENUM_VALUE_REMOVED || rule == ACTRI_RULE_SERVICE_REMOVED ||
           rule == ACTRI_RULE_METHOD_REMOVED;
}

void actri_compat_add(actri_compat_report_t *report, actri_compat_rule_t rule, const char *file,
                      actri_proto_position_t at, const char *format, ...)
{
    const actri_compat_rule_row_t *row = &actri_compat_rules[rule];
    report->finding_count++;
    report->breaking_count += row->breaking;
    if (report->finding_count > ACTRI_COMPAT_FINDINGS_MAX) return;
    actri_compat_finding_t *finding = actri_arena_alloc(&report->arena, sizeof *finding);
    va_list arguments;
    va_start(arguments, format);
    const char *text = print(&report->arena, format, arguments);
    va_end(arguments);
    const char *name = actri_arena_strndup(&report->arena, file, strlen(file));
    if (finding == NULL || text == NULL || name == NULL) return;
    *finding = (actri_compat_finding_t){row->name, row->breaking, is_gone(rule), name, at, text, NULL};
    *report->findings_tail = finding;
    report->findings_tail = &finding->next;
}

/* Without the package. */
static const char *inside(const char *type, const char *scope)
{
    size_t size = strlen(scope);
    return strncmp(type, scope, size) == 0 && type[size] == '.' ? type + size : type;
}

bool actri_compat_same_type(const actri_compat_finder_t *finder, const char *base, const char *candidate)
{
    return strcmp(inside(base, finder->base_scope), inside(candidate, finder->candidate_scope)) == 0;
}

static const char *idempotency(const actri_proto_method_t *method)
{
    const actri_proto_value_t *value = actri_proto_option(method->options, "idempotency_level");
    if (value == NULL) return "IDEMPOTENCY_UNKNOWN";
    return value->text.data == NULL ? "no level" : value->text.data;
}

static const char *streaming(const actri_proto_method_t *method)
{
    if (method->client_streaming) return method->server_streaming ? "both ways" : "from the caller";
    return method->server_streaming ? "to the caller" : "not";
}

static void find_method(actri_compat_finder_t *finder, const char *service, const actri_proto_method_t *base,
                        const actri_proto_method_t *candidate)
{
    if (!actri_compat_same_type(finder, base->input, candidate->input))
        ACTRI_FOUND(finder, ACTRI_RULE_METHOD_INPUT, candidate->at, "%s.%s takes %s, took %s", service, base->name,
                    candidate->input + 1, base->input + 1);
    if (!actri_compat_same_type(finder, base->output, candidate->output))
        ACTRI_FOUND(finder, ACTRI_RULE_METHOD_OUTPUT, candidate->at, "%s.%s answers with %s, did with %s", service,
                    base->name, candidate->output + 1, base->output + 1);
    if (base->client_streaming != candidate->client_streaming || base->server_streaming != candidate->server_streaming)
        ACTRI_FOUND(finder, ACTRI_RULE_METHOD_STREAMING, candidate->at, "%s.%s streams %s, streamed %s", service,
                    base->name, streaming(candidate), streaming(base));
    if (strcmp(idempotency(base), idempotency(candidate)) != 0)
        ACTRI_FOUND(finder, ACTRI_RULE_METHOD_IDEMPOTENCY, candidate->at, "%s.%s is %s, was %s", service, base->name,
                    idempotency(candidate), idempotency(base));
}

static void find_methods(actri_compat_finder_t *finder, const actri_proto_service_t *base,
                         const actri_proto_service_t *candidate)
{
    size_t count, others, i = 0, j = 0;
    const actri_proto_method_t **old = actri_compat_methods(finder->pair, base, &count),
                               **now = actri_compat_methods(finder->pair, candidate, &others);
    if (old == NULL || now == NULL) return;
    while (i < count || j < others) {
        int order = i == count ? 1 : j == others ? -1 : strcmp(old[i]->name, now[j]->name);
        if (order == 0)
            find_method(finder, base->full_name + 1, old[i++], now[j++]);
        else if (order < 0)
            ACTRI_GONE(finder, ACTRI_RULE_METHOD_REMOVED, old[i]->at, "%s.%s is gone", base->full_name + 1,
                       old[i]->name),
                i++;
        else
            ACTRI_FOUND(finder, ACTRI_RULE_METHOD_ADDED, now[j]->at, "%s.%s is new", candidate->full_name + 1,
                        now[j]->name),
                j++;
    }
}

void actri_compat_find_services(actri_compat_finder_t *finder)
{
    const actri_proto_file_t *base = finder->pair->base, *candidate = finder->pair->candidate;
    for (const actri_proto_service_t *s = base->services; s != NULL; s = s->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(candidate, finder->candidate_scope, s->name);
        const actri_proto_symbol_t *own = actri_compat_symbol(base, finder->base_scope, s->name);
        if (own == NULL || own->service != s) continue; /* of several of one name the first counts */
        if (symbol != NULL && symbol->service != NULL)
            find_methods(finder, s, symbol->service);
        else
            ACTRI_GONE(finder, ACTRI_RULE_SERVICE_REMOVED, s->at, "the service %s is gone", s->full_name + 1);
    }
    for (const actri_proto_service_t *s = candidate->services; s != NULL; s = s->next) {
        const actri_proto_symbol_t *symbol = actri_compat_symbol(base, finder->base_scope, s->name);
        if (symbol == NULL || symbol->service == NULL)
            ACTRI_FOUND(finder, ACTRI_RULE_SERVICE_ADDED, s->at, "the service %s is new", s->full_name + 1);
    }
}

/* ---- extensions: those of the file and those inside messages, by what they extend and their number ---- */

typedef struct extensions {
    const actri_proto_field_t **list;
    size_t count;
} extensions_t;

static void gather(const actri_proto_field_t *fields, const actri_proto_message_t *messages, extensions_t *out)
{
    for (const actri_proto_field_t *field = fields; field != NULL; field = field->next) {
        if (out->list != NULL) out->list[out->count] = field;
        out->count++;
    }
    for (const actri_proto_message_t *m = messages; m != NULL; m = m->next) gather(m->extensions, m->messages, out);
}

static int order_of(const actri_proto_field_t *one, const char *scope, const actri_proto_field_t *other,
                    const char *other_scope)
{
    int order = strcmp(inside(one->extendee, scope), inside(other->extendee, other_scope));
    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

static int compare_extensions(const void *a, const void *b, void *scope)
{
    return order_of(*(const actri_proto_field_t *const *)a, scope, *(const actri_proto_field_t *const *)b, scope);
}

static bool all_extensions(actri_compat_finder_t *finder, const actri_proto_file_t *file, const char *scope,
                           extensions_t *out)
{
    gather(file->extensions, file->messages, out);
    out->list = actri_arena_alloc(&finder->report->arena, out->count * sizeof(const actri_proto_field_t *));
    out->count = 0;
    if (out->list == NULL) return false;
    gather(file->extensions, file->messages, out);
    qsort_r(out->list, out->count, sizeof(const actri_proto_field_t *), compare_extensions, (void *)(uintptr_t)scope);
    return true;
}

void actri_compat_find_extensions(actri_compat_finder_t *finder)
{
    extensions_t old = {.count = 0}, now = {.count = 0};
    if (!all_extensions(finder, finder->pair->base, finder->base_scope, &old) ||
        !all_extensions(finder, finder->pair->candidate, finder->candidate_scope, &now))
        return;
    for (size_t i = 0, j = 0; i < old.count || j < now.count;) {
        int order = i == old.count   ? 1
                    : j == now.count ? -1
                                     : order_of(old.list[i], finder->base_scope, now.list[j], finder->candidate_scope);
        const actri_proto_field_t *field = order <= 0 ? old.list[i] : now.list[j];
        if (order == 0)
            actri_compat_find_field(finder, field, now.list[j], field->extendee + 1);
        else if (order < 0)
            ACTRI_GONE(finder, ACTRI_RULE_EXTENSION_REMOVED, field->at, "the extension %s = %d of %s is gone",
                       field->name, field->number, field->extendee + 1);
        else
            ACTRI_FOUND(finder, ACTRI_RULE_EXTENSION_ADDED, field->at, "the extension %s = %d of %s is new",
                        field->name, field->number, field->extendee + 1);
        i += order <= 0;
        j += order >= 0;
    }
}

static const char *package_of(const actri_proto_file_t *file)
{
    return file->package == NULL ? "(none)" : file->package;
}

bool actri_compat_find(const actri_compat_pair_t *pair, bool differs)
{
    actri_compat_finder_t finder = {.pair = pair,
                                    .base_scope = actri_compat_scope(pair, pair->base),
                                    .candidate_scope = actri_compat_scope(pair, pair->candidate),
                                    .report = pair->report};
    const actri_proto_file_t *base = pair->base, *candidate = pair->candidate;
    const actri_proto_position_t top = {1, 1};
    size_t before = pair->report->finding_count;
    if (finder.base_scope == NULL || finder.candidate_scope == NULL) return false;
    if (strcmp(finder.base_scope, finder.candidate_scope) != 0)
        ACTRI_FOUND(&finder, ACTRI_RULE_PACKAGE_CHANGED, top, "the package is %s, was %s", package_of(candidate),
                    package_of(base));
    if (base->proto3 != candidate->proto3)
        ACTRI_FOUND(&finder, ACTRI_RULE_SYNTAX_CHANGED, top, "the syntax is proto%d, was proto%d",
                    candidate->proto3 ? 3 : 2, base->proto3 ? 3 : 2);
    actri_compat_find_messages(&finder, base->messages, candidate->messages, finder.base_scope, finder.candidate_scope);
    actri_compat_find_enums(&finder, base->enums, candidate->enums, finder.base_scope, finder.candidate_scope);
    actri_compat_find_services(&finder);
    actri_compat_find_extensions(&finder);
    if (differs && pair->report->finding_count == before)
        ACTRI_FOUND(&finder, ACTRI_RULE_FILE_OTHER, top, "imports, options or deprecations differ");
    return !pair->report->arena.failed;
}
