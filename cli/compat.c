/* SPDX-License-Identifier: Apache-2.0 */
/* `actr compat`: whether a new contract can stand in for an old one. */
#include "protos.h"
#include "verbs.h"

#include "compat/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(
        out, "usage: actr compat [--strict] [--json] OLD NEW\n\n"
             "OLD and NEW are each a .proto file, a folder of them, an Actr.toml (its exports) or LOCKFILE#NAME.\n"
             "Can NEW serve the callers that were written for OLD? Two levels: what the reference answers, and what\n"
             "a stricter reading says, with a line for each change.\n"
             "  --strict  the status follows the stricter level\n"
             "  --json    everything as JSON\n"
             "Status 0 compatible, 1 breaking, 2 they can not be compared.\n");
    return status;
}

typedef struct side {
    protos_t contract;
    actri_fingerprint_t own;
    actri_compat_side_t side;
} side_t;

/* nameless: what stands for a fingerprint when there is none; the analysis says why, or does without. */
static actr_status_t load(side_t *side, const char *what, const char *nameless, actr_error_t *error)
{
    actr_status_t status = protos_add(&side->contract, what, error);
    const protos_t *contract = &side->contract;
    bool named = contract->fingerprint != NULL;
    if (status == ACTR_OK && !named &&
        actri_fingerprint_service(NULL, contract->sources, contract->count, &side->own, NULL, NULL) != ACTR_OK)
        (void)snprintf(side->own.text, sizeof side->own.text, "%s", nameless);
    side->side =
        (actri_compat_side_t){named ? contract->fingerprint : side->own.text, contract->files, contract->count};
    return status;
}

static void print_findings(const actri_compat_report_t *report)
{
    for (const actri_compat_finding_t *f = report->findings; f != NULL; f = f->next) {
        if (f->at.line == 0)
            (void)printf("%s: ", f->file);
        else
            (void)printf("%s:%u:%u: ", f->file, f->at.line, f->at.column);
        (void)printf("%s: %s [%s]\n", f->breaking ? "breaking" : "compatible", f->text, f->rule);
    }
    if (report->finding_count > ACTRI_COMPAT_FINDINGS_MAX)
        (void)printf("and %zu more\n", report->finding_count - ACTRI_COMPAT_FINDINGS_MAX);
}

static void print_text(const actri_compat_report_t *loose, const actri_compat_report_t *strict)
{
    print_findings(strict);
    (void)printf("%s for the reference, %s strictly: %zu breaking, %zu compatible\n",
                 loose == NULL ? "No answer" : actri_compat_level_name(loose->level),
                 actri_compat_level_name(strict->level), strict->breaking_count,
                 strict->finding_count - strict->breaking_count);
}

static void json_lists(actri_json_t *json, const actri_compat_report_t *report)
{
    actri_json_open(json, "changes", '[');
    for (const actri_compat_change_t *c = report->changes; c != NULL; c = c->next) {
        actri_json_open(json, NULL, '{');
        actri_json_text(json, "change_type", c->type);
        actri_json_text(json, "file_name", c->file);
        actri_json_text(json, "location", c->file);
        actri_json_text(json, "description", c->description);
        actri_json_bool(json, "is_breaking", c->breaking);
        actri_json_close(json, '{');
    }
    actri_json_close(json, '[');
    actri_json_open(json, "breaking_changes", '[');
    for (const actri_compat_break_t *b = report->breaks; b != NULL; b = b->next) {
        actri_json_open(json, NULL, '{');
        actri_json_text(json, "rule", b->rule);
        actri_json_text(json, "file", b->file);
        actri_json_text(json, "location", b->file);
        actri_json_text(json, "message", b->message);
        actri_json_close(json, '{');
    }
    actri_json_close(json, '[');
}

static void json_strict(actri_json_t *json, const actri_compat_report_t *report)
{
    actri_json_open(json, "strict", '{');
    actri_json_text(json, "level", actri_compat_level_name(report->level));
    actri_json_number(json, "level_value", report->level);
    actri_json_number(json, "breaking", (int64_t)report->breaking_count);
    actri_json_number(json, "compatible", (int64_t)(report->finding_count - report->breaking_count));
    actri_json_open(json, "findings", '[');
    for (const actri_compat_finding_t *f = report->findings; f != NULL; f = f->next) {
        actri_json_open(json, NULL, '{');
        actri_json_text(json, "rule", f->rule);
        actri_json_bool(json, "is_breaking", f->breaking);
        actri_json_text(json, "in", f->in_base ? "old" : "new");
        actri_json_text(json, "file", f->file);
        actri_json_number(json, "line", f->at.line);
        actri_json_number(json, "column", f->at.column);
        actri_json_text(json, "text", f->text);
        actri_json_close(json, '{');
    }
    actri_json_close(json, '[');
    actri_json_close(json, '{');
}

static void json_loose(actri_json_t *json, const side_t *old, const side_t *new, const actri_compat_report_t *report)
{
    char summary[ACTRI_COMPAT_SUMMARY_SIZE];
    actri_compat_summary(report, summary);
    actri_json_text(json, "level", actri_compat_level_name(report->level));
    actri_json_number(json, "level_value", report->level);
    actri_json_bool(json, "is_compatible", report->level != ACTRI_COMPAT_BREAKING);
    actri_json_text(json, "summary", summary);
    json_lists(json, report);
    actri_json_text(json, "base_semantic_fingerprint", old->side.fingerprint);
    actri_json_text(json, "candidate_semantic_fingerprint", new->side.fingerprint);
}

/* loose NULL: the reference has no answer, and why. */
static void print_json(const side_t *old, const side_t *new, const actri_compat_report_t *loose,
                       const actri_compat_report_t *strict, const actr_error_t *why)
{
    actri_json_t json;
    actri_json_init(&json, SIZE_MAX, protos_write, stdout);
    actri_json_open(&json, NULL, '{');
    if (loose != NULL)
        json_loose(&json, old, new, loose);
    else
        actri_json_text(&json, "error", actr_error_message(why));
    json_strict(&json, strict);
    actri_json_close(&json, '{');
    actri_json_flush(&json);
    (void)putchar('\n');
}

static int complain(const actr_error_t *error)
{
    (void)fprintf(stderr, "actr compat: %s\n", actr_error_message(error));
    return 2;
}

static int compare(side_t *old, side_t *new, bool strictly, bool json)
{
    actri_compat_report_t loose, strict;
    actr_error_t error = ACTR_ERROR_INIT;
    /* Two files, each named by itself, are the same file, whatever they are called. */
    if (old->contract.single && new->contract.single) old->contract.files->package = new->contract.files->package;
    if (actri_compat_strict(NULL, &old->side, &new->side, &strict, &error) != ACTR_OK) return complain(&error);
    bool known = actri_compat_analyze(NULL, &old->side, &new->side, &loose, &error) == ACTR_OK;
    if (!known && !strictly) (void)complain(&error);
    if (json)
        print_json(old, new, known ? &loose : NULL, &strict, &error);
    else
        print_text(known ? &loose : NULL, &strict);
    int status = strictly ? strict.level == ACTRI_COMPAT_BREAKING : known ? loose.level == ACTRI_COMPAT_BREAKING : 2;
    if (known) actri_compat_clear(&loose);
    actri_compat_clear(&strict);
    return fflush(stdout) == 0 ? status : 2;
}

int verb_compat(int argc, char **argv)
{
    bool strictly = false, json = false;
    const char *names[2];
    int count = 0, status = 2;
    side_t sides[2] = {{.side = {0}}, {.side = {0}}};
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, 0);
        if (strcmp(argv[i], "--strict") == 0)
            strictly = true;
        else if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] == '-' || count == 2)
            return usage(stderr, 2);
        else
            names[count++] = argv[i];
    }
    if (count != 2) return usage(stderr, 2);
    protos_init(&sides[0].contract);
    protos_init(&sides[1].contract);
    if (load(&sides[0], names[0], "none", &error) != ACTR_OK ||
        load(&sides[1], names[1], "none either", &error) != ACTR_OK)
        (void)complain(&error);
    else
        status = compare(&sides[0], &sides[1], strictly, json);
    protos_clear(&sides[0].contract);
    protos_clear(&sides[1].contract);
    return status;
}
