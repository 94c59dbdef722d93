/* SPDX-License-Identifier: Apache-2.0 */
/* Two specifications, file by file. Pure but for OpenSSL. */
#include "compat/compatibility.h"

#include "compat/compat_find.h"
#include "compat/fingerprint.h"
#include "compat/proto_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

typedef struct analysis {
    const actri_env_t *env;
    bool strict;
    const actri_compat_side_t *from, *to;
    const actri_compat_file_t **base, **candidate; /* sorted by package; of several of one name the last */
    size_t base_count, candidate_count;
    actri_compat_report_t *report;
    actri_compat_change_t **changes; /* tails */
    actri_compat_break_t **breaks;
    actr_error_t *error;
} analysis_t;

/* Unicode's White_Space, as the reference trims it. */
static bool is_blank(const actri_compat_file_t *file)
{
    for (size_t at = 0; at < file->size;) {
        ucs4_t c;
        int length = u8_mbtoucr(&c, (const uint8_t *)file->text + at, file->size - at);
        if (length <= 0 || !uc_is_property_white_space(c)) return false;
        at += (size_t)length;
    }
    return true;
}

static actr_status_t check_side(const actri_compat_side_t *side, const char *which, actr_error_t *error)
{
    if (side->count == 0)
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "Service has no proto files: %s service", which);
    for (size_t i = 0; i < side->count; i++) {
        if (!is_blank(&side->files[i])) continue;
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT,
                          "Invalid service structure: Package '%.200s' has empty content", side->files[i].package);
    }
    return ACTR_OK;
}

static int compare_files(const void *a, const void *b)
{
    const actri_compat_file_t *one = *(const actri_compat_file_t *const *)a,
                              *other = *(const actri_compat_file_t *const *)b;
    int order = strcmp(one->package, other->package);
    return order != 0 ? order : (one > other) - (one < other); /* they stand in one array */
}

/* The reference keeps the last of several files of one name; the strict mode can not tell which is meant. */
static actr_status_t sort_side(analysis_t *analysis, const actri_compat_side_t *side,
                               const actri_compat_file_t ***sorted, size_t *count)
{
    const actri_compat_file_t **list = actri_arena_alloc(&analysis->report->arena, side->count * sizeof *list);
    if (list == NULL) return actri_no_memory(analysis->error);
    for (size_t i = 0; i < side->count; i++) list[i] = &side->files[i];
    qsort(list, side->count, sizeof *list, compare_files);
    *count = 0;
    for (size_t i = 0; i < side->count; i++) {
        bool again = i > 0 && strcmp(list[i - 1]->package, list[i]->package) == 0;
        if (again && analysis->strict)
            return actri_fail(analysis->error, ACTR_STATUS_INVALID_ARGUMENT, "there are two files '%.200s'",
                              list[i]->package);
        if (again)
            list[*count - 1] = list[i];
        else
            list[(*count)++] = list[i];
    }
    *sorted = list;
    return ACTR_OK;
}

static void worsen(analysis_t *analysis, actri_compat_level_t level)
{
    if (level > analysis->report->level) analysis->report->level = level;
}

static char *words(analysis_t *analysis, const char *format, const char *file)
{
    char *out = actri_arena_alloc(&analysis->report->arena, strlen(format) + strlen(file) + 1);
    if (out == NULL) return NULL;
    const char *at = strstr(format, "%s");
    size_t before = (size_t)(at - format), size = strlen(file);
    memcpy(out, format, before);
    memcpy(out + before, file, size);
    memcpy(out + before + size, at + 2, strlen(at + 2) + 1);
    return out;
}

static void add_change(analysis_t *analysis, const char *type, const char *file, const char *format, bool breaking)
{
    actri_compat_change_t *change = actri_arena_alloc(&analysis->report->arena, sizeof *change);
    if (change == NULL) return;
    *change = (actri_compat_change_t){type, file, words(analysis, format, file), breaking, NULL};
    ACTRI_PROTO_APPEND(analysis->changes, change);
    analysis->report->change_count++;
}

static void add_break(analysis_t *analysis, const char *rule, const char *file, const char *format)
{
    actri_compat_break_t *broken = actri_arena_alloc(&analysis->report->arena, sizeof *broken);
    if (broken == NULL) return;
    *broken = (actri_compat_break_t){rule, file, words(analysis, format, file), NULL};
    ACTRI_PROTO_APPEND(analysis->breaks, broken);
    analysis->report->break_count++;
}

static const char *name_of(const actri_compat_file_t *file)
{
    return file->name == NULL ? file->package : file->name;
}

/* "v1/user.proto" as an import: the file whose name ends so, or of a specification the one called "user". */
static bool is_meant(const actri_compat_file_t *file, const char *path)
{
    const char *name = name_of(file), *slash = strrchr(path, '/'), *last = slash == NULL ? path : slash + 1;
    size_t size = strlen(name), tail = strlen(path), package = strlen(file->package);
    if (size >= tail && strcmp(name + size - tail, path) == 0 && (size == tail || name[size - tail - 1] == '/'))
        return true;
    return file->name == NULL && strncmp(last, file->package, package) == 0 && strcmp(last + package, ".proto") == 0;
}

static bool find_in_side(void *user, const char *path, actri_proto_text_t *out)
{
    const actri_compat_side_t *side = user;
    for (size_t i = 0; i < side->count; i++) {
        if (!is_meant(&side->files[i], path)) continue;
        *out = (actri_proto_text_t){side->files[i].text, side->files[i].size};
        return true;
    }
    return false;
}

/* Into a set of its own: both sides may import the same names. */
static actr_status_t read_file(analysis_t *analysis, actri_proto_set_t *set, const actri_compat_side_t *side,
                               const actri_compat_file_t *file, const actri_proto_file_t **out)
{
    actri_proto_set_init(set, analysis->env);
    if (analysis->strict) {
        set->find = find_in_side;
        set->find_user = (void *)(uintptr_t)side;
    }
    actri_proto_mode_t mode = analysis->strict ? ACTRI_PROTO_AS_WRITTEN : ACTRI_PROTO_AS_REFERENCE;
    actr_status_t status = actri_proto_read(set, name_of(file), file->text, file->size, mode, out, analysis->error);
    if (status != ACTR_OK && status != ACTR_STATUS_NO_MEMORY)
        actri_error_prefix(analysis->error, "Failed to parse proto file");
    return status;
}

/* ACTRI_COMPAT_FULL when the file's fingerprints are equal. */
static actr_status_t compare(analysis_t *analysis, actri_proto_set_t sets[2], const actri_compat_pair_t *pair,
                             actri_compat_level_t *level)
{
    actri_fingerprint_t base, candidate;
    actr_status_t status = actri_fingerprint_of(&sets[0], pair->base, &base, analysis->error);
    if (status == ACTR_OK) status = actri_fingerprint_of(&sets[1], pair->candidate, &candidate, analysis->error);
    *level = ACTRI_COMPAT_FULL;
    if (status != ACTR_OK) return status;
    if (strcmp(base.text, candidate.text) != 0 && !actri_compat_compare(pair, level))
        return actri_no_memory(analysis->error);
    if (!analysis->strict) return ACTR_OK;
    return actri_compat_find(pair, *level != ACTRI_COMPAT_FULL) ? ACTR_OK : actri_no_memory(analysis->error);
}

static actr_status_t compare_pair(analysis_t *analysis, const actri_compat_file_t *base,
                                  const actri_compat_file_t *candidate)
{
    actri_proto_set_t sets[2];
    actri_compat_pair_t pair = {.report = analysis->report};
    actri_compat_level_t level = ACTRI_COMPAT_FULL;
    const char *file = base->package;
    actri_proto_set_init(&sets[1], analysis->env);
    actr_status_t status = read_file(analysis, &sets[0], analysis->from, base, &pair.base);
    if (status == ACTR_OK) status = read_file(analysis, &sets[1], analysis->to, candidate, &pair.candidate);
    if (status == ACTR_OK) status = compare(analysis, sets, &pair, &level);
    actri_proto_set_clear(&sets[0]);
    actri_proto_set_clear(&sets[1]);
    if (status != ACTR_OK) return status;
    worsen(analysis, level);
    if (level != ACTRI_COMPAT_FULL)
        add_change(analysis, "PROTO_CONTENT_CHANGED", file, "Proto file '%s' has semantic changes",
                   level == ACTRI_COMPAT_BREAKING);
    if (level == ACTRI_COMPAT_BREAKING)
        add_break(analysis, "BREAKING_PROTO_CHANGE", file, "Breaking changes detected in '%s'");
    return ACTR_OK;
}

/* A file of one side only: the reference does not look into it. */
static actr_status_t alone(analysis_t *analysis, const actri_compat_file_t *file, bool removed)
{
    actr_status_t status = ACTR_OK;
    if (analysis->strict) {
        actri_proto_set_t set;
        const actri_proto_file_t *read;
        status = read_file(analysis, &set, removed ? analysis->from : analysis->to, file, &read);
        actri_proto_set_clear(&set);
    }
    if (removed) {
        worsen(analysis, ACTRI_COMPAT_BREAKING);
        add_break(analysis, "FILE_REMOVED", file->package, "Proto file '%s' was removed");
    } else {
        add_change(analysis, "FILE_ADDED", file->package, "Proto file '%s' was added", false);
    }
    if (analysis->strict)
        actri_compat_add(analysis->report, removed ? ACTRI_RULE_FILE_REMOVED : ACTRI_RULE_FILE_ADDED, name_of(file),
                         (actri_proto_position_t){0, 0}, "the file %s is %s", file->package, removed ? "gone" : "new");
    return status;
}

static actr_status_t compare_all(analysis_t *analysis)
{
    actr_status_t status = ACTR_OK;
    for (size_t i = 0, j = 0; status == ACTR_OK && (i < analysis->base_count || j < analysis->candidate_count);) {
        int order = i == analysis->base_count ? 1
                    : j == analysis->candidate_count
                        ? -1
                        : strcmp(analysis->base[i]->package, analysis->candidate[j]->package);
        if (order == 0)
            status = compare_pair(analysis, analysis->base[i++], analysis->candidate[j++]);
        else if (order < 0)
            status = alone(analysis, analysis->base[i++], true);
        else
            status = alone(analysis, analysis->candidate[j++], false);
    }
    if (status == ACTR_OK && analysis->report->arena.failed) return actri_no_memory(analysis->error);
    return status;
}

static actr_status_t analyze(const actri_env_t *env, bool strict, const actri_compat_side_t *base,
                             const actri_compat_side_t *candidate, actri_compat_report_t *out, actr_error_t *error)
{
    memset(out, 0, sizeof *out);
    out->strict = strict;
    out->findings_tail = &out->findings;
    actri_arena_init(&out->arena, env);
    analysis_t analysis = {.env = env,
                           .strict = strict,
                           .from = base,
                           .to = candidate,
                           .report = out,
                           .changes = &out->changes,
                           .breaks = &out->breaks,
                           .error = error};
    actr_status_t status = check_side(base, "base", error);
    if (status == ACTR_OK) status = check_side(candidate, "candidate", error);
    if (status != ACTR_OK || (!strict && strcmp(base->fingerprint, candidate->fingerprint) == 0)) return status;
    status = sort_side(&analysis, base, &analysis.base, &analysis.base_count);
    if (status == ACTR_OK) status = sort_side(&analysis, candidate, &analysis.candidate, &analysis.candidate_count);
    if (status == ACTR_OK) status = compare_all(&analysis);
    if (status == ACTR_OK && out->breaking_count > 0) out->level = ACTRI_COMPAT_BREAKING;
    if (status == ACTR_OK && out->finding_count > 0) worsen(&analysis, ACTRI_COMPAT_BACKWARD);
    if (status != ACTR_OK) actri_compat_clear(out);
    return status;
}

actr_status_t actri_compat_analyze(const actri_env_t *env, const actri_compat_side_t *base,
                                   const actri_compat_side_t *candidate, actri_compat_report_t *out,
                                   actr_error_t *error)
{
    return analyze(env, false, base, candidate, out, error);
}

actr_status_t actri_compat_strict(const actri_env_t *env, const actri_compat_side_t *base,
                                  const actri_compat_side_t *candidate, actri_compat_report_t *out, actr_error_t *error)
{
    return analyze(env, true, base, candidate, out, error);
}

void actri_compat_clear(actri_compat_report_t *report)
{
    actri_arena_clear(&report->arena);
    report->changes = NULL;
    report->breaks = NULL;
    report->findings = NULL;
    report->findings_tail = &report->findings;
    report->change_count = report->break_count = report->finding_count = report->breaking_count = 0;
}

const char *actri_compat_level_name(actri_compat_level_t level)
{
    static const char *const names[] = {"FullyCompatible", "BackwardCompatible", "BreakingChanges"};
    return names[level];
}

void actri_compat_summary(const actri_compat_report_t *report, char out[ACTRI_COMPAT_SUMMARY_SIZE])
{
    size_t breaking = report->strict ? report->breaking_count : report->break_count;
    size_t harmless = report->strict ? report->finding_count : report->change_count;
    if (report->level == ACTRI_COMPAT_FULL)
        (void)snprintf(out, ACTRI_COMPAT_SUMMARY_SIZE, "No changes detected");
    else if (report->level == ACTRI_COMPAT_BACKWARD)
        (void)snprintf(out, ACTRI_COMPAT_SUMMARY_SIZE, "%zu backward compatible changes", harmless);
    else
        (void)snprintf(out, ACTRI_COMPAT_SUMMARY_SIZE, "%zu breaking changes detected", breaking);
}
