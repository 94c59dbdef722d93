/* SPDX-License-Identifier: Apache-2.0 */
/* The compatibility analysis: every recorded answer of the reference, one case each, none left out. */
#include "vector_cases.h"

#include "compat/compatibility.h"
#include "oom.h"

#define FILES_MAX 4

typedef struct side {
    actri_compat_file_t files[FILES_MAX];
    actri_compat_side_t side;
} side_t;

static void fill(json_t *row, const char *which, side_t *out)
{
    json_t *from = json_object_get(row, which), *list = json_object_get(from, "protobufs"), *item;
    size_t index;
    assert_true(json_array_size(list) <= FILES_MAX);
    json_array_foreach(list, index, item)
    {
        json_t *content = json_object_get(item, "content");
        out->files[index] = (actri_compat_file_t){text_of(item, "package"), NULL, json_string_value(content),
                                                  json_string_length(content)};
    }
    out->side = (actri_compat_side_t){text_of(from, "fingerprint"), out->files, json_array_size(list)};
}

static void same_changes(json_t *list, const actri_compat_report_t *report)
{
    const actri_compat_change_t *change = report->changes;
    size_t index;
    json_t *row;
    assert_int_equal(json_array_size(list), report->change_count);
    json_array_foreach(list, index, row)
    {
        assert_string_equal(text_of(row, "change_type"), change->type);
        assert_string_equal(text_of(row, "file_name"), change->file);
        assert_string_equal(text_of(row, "location"), change->file);
        assert_string_equal(text_of(row, "description"), change->description);
        assert_int_equal(json_is_true(json_object_get(row, "is_breaking")), change->breaking);
        change = change->next;
    }
    assert_null(change);
}

static void same_breaks(json_t *list, const actri_compat_report_t *report)
{
    const actri_compat_break_t *broken = report->breaks;
    size_t index;
    json_t *row;
    assert_int_equal(json_array_size(list), report->break_count);
    json_array_foreach(list, index, row)
    {
        assert_string_equal(text_of(row, "rule"), broken->rule);
        assert_string_equal(text_of(row, "file"), broken->file);
        assert_string_equal(text_of(row, "location"), broken->file);
        assert_string_equal(text_of(row, "message"), broken->message);
        broken = broken->next;
    }
    assert_null(broken);
}

/* The reference's text, whose last word on a parse error is its own. */
static void same_error(json_t *expected, actr_status_t status, const actr_error_t *error)
{
    const char *text = text_of(expected, "error");
    if (strcmp(text_of(expected, "error_class"), "ProtoParseError") != 0) {
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, status);
        assert_string_equal(text, error->message);
        return;
    }
    const char *behind = strstr(text, ": Protobuf parsing failed");
    assert_non_null(behind);
    assert_true(status == ACTR_STATUS_PROTO_SYNTAX || status == ACTR_STATUS_PROTO_UNSUPPORTED);
    assert_int_equal(0, strncmp(text, error->message, (size_t)(behind - text) + 1));
}

static void check_strict(const side_t *base, const side_t *candidate, json_t *expected)
{
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_compat_strict(NULL, &base->side, &candidate->side, &report, &error);
    if (text_of(expected, "error") != NULL) assert_true(status != ACTR_OK);
    if (status != ACTR_OK) return;
    assert_true(report.level >= (actri_compat_level_t)json_integer_value(json_object_get(expected, "level_value")));
    assert_int_equal(report.level == ACTRI_COMPAT_FULL, report.finding_count == 0);
    assert_true(report.breaking_count > 0 || report.level != ACTRI_COMPAT_BREAKING); /* it says why */
    actri_compat_clear(&report);
}

static void of_case(void **state)
{
    json_t *row = *state, *expected = json_object_get(row, "result");
    side_t base, candidate;
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    char summary[ACTRI_COMPAT_SUMMARY_SIZE];
    fill(row, "base", &base);
    fill(row, "candidate", &candidate);
    actr_status_t status = actri_compat_analyze(NULL, &base.side, &candidate.side, &report, &error);
    check_strict(&base, &candidate, expected);
    if (text_of(expected, "error") != NULL) {
        same_error(expected, status, &error);
        return;
    }
    assert_ok(status, &error);
    assert_string_equal(text_of(expected, "level"), actri_compat_level_name(report.level));
    assert_int_equal(json_integer_value(json_object_get(expected, "level_value")), report.level);
    assert_int_equal(json_is_true(json_object_get(expected, "is_breaking")), report.level == ACTRI_COMPAT_BREAKING);
    actri_compat_summary(&report, summary);
    assert_string_equal(text_of(expected, "summary"), summary);
    same_changes(json_object_get(expected, "changes"), &report);
    same_breaks(json_object_get(expected, "breaking_changes"), &report);
    actri_compat_clear(&report);
}

static void survives_failed_allocations(void **state)
{
    side_t base, candidate;
    fill(*state, "base", &base);
    fill(*state, "candidate", &candidate);
    for (int strict = 0; strict < 2; strict++) {
        OOM_EACH(oom)
        {
            actri_compat_report_t report;
            actr_error_t error = ACTR_ERROR_INIT;
            actr_status_t status = (strict ? actri_compat_strict : actri_compat_analyze)(
                &oom.env, &base.side, &candidate.side, &report, &error);
            if (oom.failed > 0)
                assert_status(ACTR_STATUS_NO_MEMORY, status);
            else
                assert_ok(status, &error);
            if (status == ACTR_OK) actri_compat_clear(&report);
        }
    }
}

int main(void)
{
    vector_tests_t all = {.file = vector_load("compat.json")};
    size_t cases = vector_add_rows(&all, "cases", of_case), index;
    json_t *row;
    json_array_foreach(json_object_get(all.file, "cases"), index, row)
    {
        if (strcmp(text_of(row, "name"), "yellow-and-red") == 0)
            vector_add(&all, "survives failed allocations", survives_failed_allocations, row);
    }
    (void)printf("# %zu recorded pairs\n", cases);
    int failed = _cmocka_run_group_tests("compatibility", all.tests, all.count, NULL, NULL);
    if (cases != 95 || all.count != 96) failed++;
    json_decref(all.file);
    free(all.tests);
    return failed;
}
