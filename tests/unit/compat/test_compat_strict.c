/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict comparison: for each row what the reference answers, and exactly which rules are found. Every rule occurs,
 * and docs/evolution.md shows the same table of rules.
 */
#include "check.h"

#include "compat/compat_rules.h"
#include "compat/compatibility.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P3 "syntax = \"proto3\"; package p; "
#define P2 "syntax = \"proto2\"; package p; "
#define FULL ACTRI_COMPAT_FULL
#define BACKWARD ACTRI_COMPAT_BACKWARD
#define BREAKING ACTRI_COMPAT_BREAKING

typedef struct row {
    const char *base, *candidate;
    actri_compat_level_t reference, strict;
    const char *rules; /* in the order in which they are found */
} row_t;

static const row_t rows[] = {
    {P3 "message A { int32 n = 1; }", P3 "message A { int32 n = 1; } // the same", FULL, FULL, ""},
    {P3 "message A { int32 n = 1; int32 m = 2; } message A { int32 n = 1; } enum E { Z = 0; } enum E { Z = 0; }",
     P3 "message A { int32 n = 1; int32 m = 2; } message A { int32 n = 1; } enum E { Z = 0; } enum E { Z = 0; }", FULL,
     FULL, ""},
    {P3 "enum E { Z = 0; ONE = 0; ONE = 1; }", P3 "enum E { Z = 0; ONE = 0; ONE = 1; } // one name twice", FULL, FULL,
     ""},
    {P3 "enum E { Z = 0; reserved 0; }", P3 "enum E { Z = 0; reserved 0; } // reserved and in use", FULL, FULL, ""},
    /* what the reference lets pass, though it breaks */
    {P3 "message A { int32 n = 1; }", P3 "message A { repeated int32 n = 1; }", BACKWARD, BREAKING, "FIELD_LABEL"},
    {P3 "message A { message B { int32 n = 1; } B b = 1; }", P3 "message A { message B { } B b = 1; }", BACKWARD,
     BREAKING, "FIELD_REMOVED"},
    {P3 "message A { message B { int32 n = 1; } B b = 1; }", P3 "message A { message B { string n = 1; } B b = 1; }",
     BACKWARD, BREAKING, "FIELD_TYPE"},
    {P3 "message A { message B { } }", P3 "message A { }", BACKWARD, BREAKING, "MESSAGE_REMOVED"},
    {P3 "message A { map<string, int32> m = 1; }", P3 "message A { map<string, bool> m = 1; }", BACKWARD, BREAKING,
     "FIELD_TYPE"},
    {P3 "message A { map<string, int32> m = 1; }", P3 "message A { map<int32, int32> m = 1; }", BACKWARD, BREAKING,
     "FIELD_TYPE"},
    {P3 "message A { } service S { rpc R(A) returns (A); }",
     P3 "message A { } service S { rpc R(A) returns (stream A); }", BACKWARD, BREAKING, "METHOD_STREAMING"},
    {P3 "message A { } service S { rpc R(A) returns (A); }",
     P3 "message A { } service S { rpc R(stream A) returns (A); }", BACKWARD, BREAKING, "METHOD_STREAMING"},
    {P3 "enum E { Z = 0; ONE = 1; }", P3 "enum E { Z = 0; }", BACKWARD, BREAKING, "ENUM_VALUE_REMOVED"},
    {P3 "enum E { Z = 0; ONE = 1; }", P3 "enum E { Z = 0; ONE = 2; }", BACKWARD, BREAKING, "ENUM_VALUE_RENUMBERED"},
    {P3 "enum E { Z = 0; ONE = 1; TWO = 2; }", P3 "enum E { Z = 0; TWO = 1; }", BACKWARD, BREAKING,
     "ENUM_VALUE_REMOVED ENUM_VALUE_RENUMBERED"},
    {P3 "enum E { Z = 0; } message A { }", P3 "message A { }", BACKWARD, BREAKING, "ENUM_REMOVED"},
    {P2 "enum E { ONE = 1; TWO = 2; }", P2 "enum E { TWO = 2; ONE = 1; }", FULL, BREAKING, "ENUM_DEFAULT"},
    {P3 "message A { int32 n = 1; int32 m = 2; }", P3 "message A { oneof o { int32 n = 1; int32 m = 2; } }", BACKWARD,
     BREAKING, "FIELD_PRESENCE FIELD_PRESENCE FIELD_ONEOF FIELD_ONEOF"},
    {P3 "message A { oneof o { int32 n = 1; int32 m = 2; } }", P3 "message A { oneof o { int32 n = 1; } int32 m = 2; }",
     BACKWARD, BREAKING, "FIELD_PRESENCE FIELD_ONEOF"},
    {P3 "message A { oneof o { int32 n = 1; } oneof q { int32 m = 2; } }",
     P3 "message A { oneof o { int32 n = 1; int32 m = 2; } }", BACKWARD, BREAKING, "FIELD_ONEOF"},
    {P2 "message A { optional int32 n = 1; }", P2 "message A { required int32 n = 1; }", BACKWARD, BREAKING,
     "FIELD_REQUIRED"},
    {P2 "message A { required int32 n = 1; }", P2 "message A { optional int32 n = 1; }", BACKWARD, BREAKING,
     "FIELD_REQUIRED"},
    {P2 "message A { }", P2 "message A { required int32 n = 1; }", BACKWARD, BREAKING, "FIELD_REQUIRED"},
    {P2 "message A { optional int32 n = 1 [default = 5]; }", P2 "message A { optional int32 n = 1 [default = 6]; }",
     BACKWARD, BREAKING, "FIELD_DEFAULT"},
    {P2 "message A { optional group G = 1 { } }", P2 "message A { message G { } optional G g = 1; }", FULL, BREAKING,
     "FIELD_GROUP"},
    {P3 "message A { reserved 2; }", P3 "message A { string s = 2; }", BACKWARD, BREAKING,
     "RESERVED_USED FIELD_ADDED RESERVED_REMOVED"},
    {P3 "message A { reserved \"old\"; }", P3 "message A { reserved \"old\"; string old = 2; }", BACKWARD, BREAKING,
     "RESERVED_USED FIELD_ADDED"},
    {P3 "enum E { reserved 5; Z = 0; }", P3 "enum E { Z = 0; FIVE = 5; }", BACKWARD, BREAKING,
     "RESERVED_USED ENUM_VALUE_ADDED RESERVED_REMOVED"},
    {P2 "message A { extensions 100 to 200; }", P2 "message A { extensions 100 to 150; }", BACKWARD, BREAKING,
     "EXTENSION_RANGE_REMOVED"},
    {P2 "message A { extensions 100 to 200; } extend A { optional int32 x = 100; }",
     P2 "message A { extensions 100 to 200; } extend A { optional int32 x = 101; }", BACKWARD, BREAKING,
     "EXTENSION_REMOVED EXTENSION_ADDED"},
    {P2 "message A { extensions 100 to 200; } message B { extend A { optional int32 x = 100; } }",
     P2 "message A { extensions 100 to 200; } message B { }", FULL, BREAKING, "EXTENSION_REMOVED"},
    {P2 "message A { extensions 4 to max; }",
     P2 "message A { option message_set_wire_format = true; extensions 4 to max; }", BACKWARD, BREAKING, "MESSAGE_SET"},
    {"syntax = \"proto3\"; package p; enum E { Z = 0; }", "syntax = \"proto3\"; package q; enum E { Z = 0; }", BACKWARD,
     BREAKING, "PACKAGE_CHANGED"},
    {P2 "message A { optional A a = 1; }", P3 "message A { optional A a = 1; }", BACKWARD, BREAKING, "SYNTAX_CHANGED"},
    /* what both call breaking: here it has a name */
    {P3 "message A { int32 n = 1; }", P3 "message A { int32 n = 2; }", BREAKING, BREAKING, "FIELD_RENUMBERED"},
    {P3 "message A { int32 n = 1; }", P3 "message A { int64 n = 1; }", BREAKING, BREAKING, "FIELD_TYPE"},
    {P3 "message A { int32 n = 1; }", P3 "message A { reserved 1; }", BREAKING, BREAKING, "FIELD_REMOVED"},
    {P3 "message A { } message B { }", P3 "message B { }", BREAKING, BREAKING, "MESSAGE_REMOVED"},
    {P3 "message A { } service S { rpc R(A) returns (A); }", P3 "message A { }", BREAKING, BREAKING, "SERVICE_REMOVED"},
    {P3 "message A { } service S { rpc R(A) returns (A); }", P3 "message A { } service S { rpc Q(A) returns (A); }",
     BREAKING, BREAKING, "METHOD_ADDED METHOD_REMOVED"},
    {P3 "message A { } message B { } service S { rpc R(A) returns (A); }",
     P3 "message A { } message B { } service S { rpc R(B) returns (B); }", BREAKING, BREAKING,
     "METHOD_INPUT METHOD_OUTPUT"},
    {"syntax = \"proto3\"; package p; message A { A a = 1; }", "syntax = \"proto3\"; package q; message A { A a = 1; }",
     BREAKING, BREAKING, "PACKAGE_CHANGED"},
    /* what breaks nothing */
    {P3 "message A { }", P3 "message A { int32 n = 1; } message B { }", BACKWARD, BACKWARD,
     "FIELD_ADDED MESSAGE_ADDED"},
    {P3 "message A { int32 n = 1; }", P3 "message A { int32 m = 1; }", BACKWARD, BACKWARD, "FIELD_RENAMED"},
    {P3 "message A { int32 n = 1; }", P3 "message A { int32 n = 1 [json_name = \"N\"]; }", BACKWARD, BACKWARD,
     "FIELD_JSON_NAME"},
    {P3 "message A { int32 n = 1; }", P3 "message A { optional int32 n = 1; }", BACKWARD, BACKWARD, "FIELD_PRESENCE"},
    {P3 "message A { repeated int32 n = 1; }", P3 "message A { repeated int32 n = 1 [packed = false]; }", BACKWARD,
     BACKWARD, "FIELD_PACKED"},
    {P3 "message A { oneof o { int32 n = 1; int32 m = 2; } }", P3 "message A { oneof q { int32 n = 1; int32 m = 2; } }",
     BACKWARD, BACKWARD, "ONEOF_RENAMED"},
    {P3 "message A { int32 n = 1; }", P3 "message A { oneof o { int32 n = 1; int32 m = 2; } }", BACKWARD, BACKWARD,
     "FIELD_PRESENCE FIELD_ADDED"},
    {P3 "message A { reserved 2 to 9; }", P3 "message A { reserved 2 to 5, 6; }", BACKWARD, BACKWARD,
     "RESERVED_REMOVED"},
    {P3 "message A { reserved 2 to 5, 6 to 9; }", P3 "message A { reserved 2 to 9; }", BACKWARD, BACKWARD,
     "FILE_OTHER"},
    {P3 "message A { int32 n = 1; }", P3 "message A { int32 n = 1 [deprecated = true]; }", BACKWARD, BACKWARD,
     "FILE_OTHER"},
    {P3 "enum E { Z = 0; ONE = 1; }", P3 "enum E { Z = 0; EINS = 1; TWO = 2; } enum F { N = 0; }", BACKWARD, BACKWARD,
     "ENUM_VALUE_RENAMED ENUM_VALUE_ADDED ENUM_ADDED"},
    {P3 "message A { }", P3 "message A { } service S { rpc R(A) returns (A); }", BACKWARD, BACKWARD, "SERVICE_ADDED"},
    {P3 "message A { } service S { rpc R(A) returns (A) { option idempotency_level = IDEMPOTENT; } }",
     P3 "message A { } service S { rpc R(A) returns (A); }", BACKWARD, BACKWARD, "METHOD_IDEMPOTENCY"},
};

static bool met[ACTRI_COMPAT_RULE_COUNT];

static void meet(const char *rule)
{
    for (size_t i = 0; i < ACTRI_COMPAT_RULE_COUNT; i++)
        met[i] = met[i] || strcmp(actri_compat_rules[i].name, rule) == 0;
}

static void check_row(const row_t *row)
{
    actri_compat_file_t base = {"p", "old.proto", row->base, strlen(row->base)},
                        candidate = {"p", "new.proto", row->candidate, strlen(row->candidate)};
    actri_compat_side_t from = {"service_semantic:1", &base, 1}, to = {"service_semantic:2", &candidate, 1};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    char rules[1000] = "";
    assert_ok(actri_compat_analyze(NULL, &from, &to, &report, &error), &error);
    if (report.level != row->reference) fail_msg("%s: the reference's level is %d", row->candidate, report.level);
    actri_compat_clear(&report);
    to.fingerprint = from.fingerprint; /* not believed */
    assert_ok(actri_compat_strict(NULL, &from, &to, &report, &error), &error);
    for (const actri_compat_finding_t *finding = report.findings; finding != NULL; finding = finding->next) {
        (void)snprintf(rules + strlen(rules), sizeof rules - strlen(rules), "%s%s", rules[0] == '\0' ? "" : " ",
                       finding->rule);
        meet(finding->rule);
        assert_string_equal(finding->in_base ? "old.proto" : "new.proto", finding->file);
        assert_true(finding->text[0] != '\0');
    }
    if (strcmp(row->rules, rules) != 0) fail_msg("%s -> %s: found %s", row->base, row->candidate, rules);
    if (report.level != row->strict) fail_msg("%s: the strict level is %d", row->candidate, report.level);
    actri_compat_clear(&report);
}

static void every_change_has_its_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i]);
    print_message("strict comparison: %zu changes\n", sizeof rows / sizeof rows[0]);
}

static void files_that_come_and_go_are_found_and_read(void **state)
{
    (void)state;
    static const char text[] = P3 "message A { }", bad[] = "no proto";
    const actri_compat_file_t old[] = {{"a", NULL, text, sizeof text - 1}, {"b", NULL, text, sizeof text - 1}},
                              now[] = {{"c", NULL, text, sizeof text - 1}, {"b", NULL, text, sizeof text - 1}},
                              broken[] = {{"b", NULL, text, sizeof text - 1}, {"d", "d.proto", bad, sizeof bad - 1}},
                              twice[] = {{"b", NULL, text, sizeof text - 1}, {"b", NULL, text, sizeof text - 1}};
    actri_compat_side_t base = {"", old, 2}, candidate = {"", now, 2};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_compat_strict(NULL, &base, &candidate, &report, &error), &error);
    assert_int_equal(2, report.finding_count);
    assert_string_equal("FILE_REMOVED", report.findings->rule);
    assert_string_equal("FILE_ADDED", report.findings->next->rule);
    meet("FILE_REMOVED");
    meet("FILE_ADDED");
    actri_compat_clear(&report);
    candidate.files = broken;
    assert_status(ACTR_STATUS_PROTO_SYNTAX, actri_compat_strict(NULL, &base, &candidate, &report, &error));
    assert_int_equal(0, strncmp("Failed to parse proto file: d.proto:1:1: ", error.message, 41));
    candidate.files = twice;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actri_compat_strict(NULL, &base, &candidate, &report, &error));
}

static void a_finding_says_where(void **state)
{
    (void)state;
    static const char old[] = "syntax = \"proto3\";\nmessage A {\n  int32 gone = 1;\n  int32 n = 2;\n}\n",
                      now[] = "syntax = \"proto3\";\n\nmessage A {\n\n  string n = 2;\n}\n";
    const actri_compat_file_t base = {"p", "old.proto", old, sizeof old - 1},
                              candidate = {"p", "new.proto", now, sizeof now - 1};
    actri_compat_side_t from = {"", &base, 1}, to = {"", &candidate, 1};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    char summary[ACTRI_COMPAT_SUMMARY_SIZE];
    assert_ok(actri_compat_strict(NULL, &from, &to, &report, &error), &error);
    const actri_compat_finding_t *first = report.findings, *second = first->next;
    assert_string_equal("A.gone = 1 is gone, and its number is not reserved", first->text);
    assert_true(first->in_base && first->at.line == 3 && first->at.column == 3);
    assert_string_equal("A.n is string, was int32", second->text);
    assert_true(!second->in_base && second->at.line == 5 && second->at.column == 3);
    actri_compat_summary(&report, summary);
    assert_string_equal("2 breaking changes detected", summary);
    actri_compat_clear(&report);
}

static void findings_are_bounded_and_still_counted(void **state)
{
    (void)state;
    char *text = malloc(1 << 20);
    size_t size = (size_t)sprintf(text, "syntax = \"proto3\"; message A {");
    for (int i = 1; i <= 20000; i++) size += (size_t)sprintf(text + size, "int32 f%d = %d;", i, i);
    size += (size_t)sprintf(text + size, "}");
    static const char none[] = "syntax = \"proto3\"; message A { }";
    const actri_compat_file_t base = {"p", NULL, text, size}, candidate = {"p", NULL, none, sizeof none - 1};
    actri_compat_side_t from = {"", &base, 1}, to = {"", &candidate, 1};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    size_t kept = 0;
    assert_ok(actri_compat_strict(NULL, &from, &to, &report, &error), &error);
    for (const actri_compat_finding_t *finding = report.findings; finding != NULL; finding = finding->next) kept++;
    assert_int_equal(ACTRI_COMPAT_FINDINGS_MAX, kept);
    assert_int_equal(20000, report.finding_count);
    actri_compat_clear(&report);
    free(text);
}

static void every_rule_was_met_and_is_documented(void **state)
{
    (void)state;
    static char page[1 << 16];
    FILE *file = fopen(ACTR_INCLUDE "/../docs/evolution.md", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    (void)fclose(file);
    for (size_t i = 0; i < ACTRI_COMPAT_RULE_COUNT; i++) {
        char line[300];
        (void)snprintf(line, sizeof line, "| `%s` | %s | %s |\n", actri_compat_rules[i].name,
                       actri_compat_rules[i].breaking ? "breaking" : "compatible", actri_compat_rules[i].what);
        if (!met[i]) fail_msg("no change above meets %s", actri_compat_rules[i].name);
        if (strstr(page, line) == NULL) fail_msg("docs/evolution.md lacks the line\n%s", line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_has_its_rules),
        cmocka_unit_test(files_that_come_and_go_are_found_and_read),
        cmocka_unit_test(a_finding_says_where),
        cmocka_unit_test(findings_are_bounded_and_still_counted),
        cmocka_unit_test(every_rule_was_met_and_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
