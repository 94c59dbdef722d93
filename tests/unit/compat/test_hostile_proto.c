/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .proto texts that were written to hurt: each of the largest size that is read, fingerprinted and compared with itself
 * and with nothing. They end, with a bounded peak of memory, and no file is opened.
 */
#include "check.h"

#include "compat/compatibility.h"
#include "compat/fingerprint.h"
#include "peak.h"

#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#define PEAK_MOST ((size_t)256 << 20)
#ifdef __SANITIZE_THREAD__
#define TEXT_MAX (ACTRI_PROTO_TEXT_MAX / 16) /* slow, and there is one thread */
#else
#define TEXT_MAX ACTRI_PROTO_TEXT_MAX
#endif

/* `before`, then `again` (with %zu: a number that grows) as often as it fits, then `after`. */
typedef struct hostile {
    const char *what, *before, *again, *after;
} hostile_t;

static const hostile_t texts[] = {
    {"messages in messages", "syntax = \"proto3\";", "message A{", ""},
    {"groups in groups", "", "optional group A=1{", ""},
    {"braces of options", "option (x) = ", "{a:", ""},
    {"lists of options", "option (x) = {a:", "[", ""},
    {"comments that do not end", "", "/*", ""},
    {"strings side by side", "syntax = \"proto3\"; option go_package = ", "\"a\"", ";"},
    {"one long string", "syntax = \"proto3\"; option go_package = \"", "\\n", "\";"},
    {"one long name", "message ", "A", "{}"},
    {"one long path", "package ", "a.", "a;"},
    {"one long number", "message A { optional int32 a = ", "1", ";}"},
    {"one long float", "message A { optional float a = 1 [default = ", "9", "e9999999999];}"},
    {"semicolons", "syntax = \"proto3\";", ";", ""},
    {"empty messages", "syntax = \"proto3\";", "message M%zu{}", ""},
    {"equal messages", "syntax = \"proto3\";", "message M{}", ""},
    {"equal enums", "syntax = \"proto3\";", "enum E{Z=0;}", ""},
    {"fields", "syntax = \"proto3\"; message A {", "bool f%zu=%zu;", "}"},
    {"oneofs", "syntax = \"proto3\"; message A {", "optional bool f%zu=%zu;", "}"},
    {"maps", "syntax = \"proto3\"; message A {", "map<bool,bool>f%zu=%zu;", "}"},
    {"reserved numbers", "syntax = \"proto3\"; message A { reserved 0", ",%zu", "; }"},
    {"ranges for extensions", "message A { extensions 0", ",%zu", "; }"},
    {"reserved names", "syntax = \"proto3\"; message A { reserved \"a\"", ",\"n%zu\"", "; }"},
    {"values of an enum", "syntax = \"proto3\"; enum E {", "V%zu=0;", "}"},
    {"methods", "syntax = \"proto3\"; message A{} service S {", "rpc M%zu(A)returns(A);", "}"},
    {"equal methods", "syntax = \"proto3\"; message A{} service S {", "rpc M(A)returns(A);", "}"},
    {"imports", "syntax = \"proto3\";\n", "import \"a%zu\";\n", ""},
    {"imports that climb", "syntax = \"proto3\";\n", "import \"../../../x%zu\";\n", ""},
    {"extensions", "message A { extensions 1 to max; }", "extend A{optional bool f%zu=%zu;}", ""},
    {"names looked up from deep scopes",
     "syntax = \"proto3\"; message B{} message A{message A{message A{message A{message A{message A{message A{",
     "B f%zu=%zu;", "}}}}}}}"},
    {"bytes above 127", "", "\xc3\xa4", ""},
    {"bytes that are no UTF-8", "", "\xff", ""},
};

static char *text;

static size_t print_piece(char *out, size_t room, const char *piece, size_t number)
{
    size_t size = 0;
    for (const char *c = piece; *c != '\0' && size + 24 < room; c++) {
        if (strncmp(c, "%zu", 3) == 0) {
            size += (size_t)snprintf(out + size, room - size, "%zu", number);
            c += 2;
        } else {
            out[size++] = *c;
        }
    }
    return size;
}

static size_t make(const hostile_t *hostile)
{
    size_t limit = TEXT_MAX - strlen(hostile->after) - 64, size = 0, number = 1;
    size += print_piece(text, limit, hostile->before, 0);
    while (size < limit) size += print_piece(text + size, TEXT_MAX - size, hostile->again, number++);
    return size + print_piece(text + size, TEXT_MAX - size + 24, hostile->after, 0);
}

static void compare(const actri_env_t *env, const actri_compat_file_t *base, const actri_compat_file_t *candidate)
{
    actri_compat_side_t from = {"a", base, 1}, to = {"b", candidate, 1};
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_compat_strict(env, &from, &to, &report, &error) == ACTR_OK) actri_compat_clear(&report);
}

static void large_texts_end_with_a_bounded_peak_of_memory(void **state)
{
    (void)state;
    static const char nothing[] = "syntax = \"proto3\";";
    size_t read = 0, most = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        peak_t peak;
        actri_fingerprint_t fingerprint;
        actr_error_t error = ACTR_ERROR_INIT;
        size_t size = make(&texts[i]);
        assert_true(size <= TEXT_MAX && size > TEXT_MAX - 200);
        actri_proto_source_t source = {"h.proto", text, size};
        actri_compat_file_t file = {"h", NULL, text, size}, empty = {"h", NULL, nothing, sizeof nothing - 1};
        peak_init(&peak);
        actr_status_t status = actri_fingerprint_file(&peak.env, &source, &fingerprint, &error);
        if (status != ACTR_OK) assert_true(strncmp(error.message, "h.proto:", 8) == 0);
        read += status == ACTR_OK;
        compare(&peak.env, &file, &file);
        compare(&peak.env, &empty, &file);
        assert_int_equal(0, peak.alive);
        if (peak.most > PEAK_MOST) fail_msg("%s: %zu bytes at a time", texts[i].what, peak.most);
        if (peak.most > most) most = peak.most;
        print_message("%s: %s, %zu KiB\n", texts[i].what, status == ACTR_OK ? "read" : error.message, peak.most >> 10);
    }
    print_message("hostile texts of %zu KiB: %zu, of them %zu are read; %zu MiB at a time at most\n", TEXT_MAX >> 10,
                  sizeof texts / sizeof texts[0], read, most >> 20);
}

/* Each of many large files imports the next: neither memory nor time grows with all of them for each. */
static void imports_of_imports_are_bounded(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    static char names[COUNT][16];
    actri_compat_file_t files[COUNT];
    peak_t peak;
    actri_compat_report_t report;
    actr_error_t error = ACTR_ERROR_INIT;
    peak_init(&peak);
    for (size_t i = 0; i < COUNT; i++) {
        char *one = malloc(TEXT_MAX);
        assert_non_null(one);
        size_t size = (size_t)snprintf(
            one, TEXT_MAX, "syntax = \"proto3\"; import \"f%zu.proto\"; package p%zu; message A {", i + 1, i);
        for (size_t n = 1; size + 100 < TEXT_MAX; n++)
            size += (size_t)snprintf(one + size, TEXT_MAX - size, "bool f%zu = %zu;", n, n);
        size += (size_t)snprintf(one + size, TEXT_MAX - size, "}");
        (void)snprintf(names[i], sizeof names[i], "f%zu", i);
        files[i] = (actri_compat_file_t){names[i], NULL, one, size};
    }
    actri_compat_side_t side = {"", files, COUNT};
    actr_status_t status = actri_compat_strict(&peak.env, &side, &side, &report, &error);
#ifndef __SANITIZE_THREAD__
    assert_status(ACTR_STATUS_PROTO_UNSUPPORTED, status);
    assert_non_null(strstr(error.message, "imports of more than 4194304 bytes"));
#endif
    if (status == ACTR_OK) actri_compat_clear(&report);
    assert_int_equal(0, peak.alive);
    if (peak.most > PEAK_MOST) fail_msg("%zu bytes at a time", peak.most);
    print_message("imports of imports: %zu MiB at a time\n", peak.most >> 20);
    for (size_t i = 0; i < COUNT; i++) free((char *)(uintptr_t)files[i].text);
}

static void a_larger_text_is_refused_unread(void **state)
{
    (void)state;
    actri_fingerprint_t fingerprint;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_proto_source_t source = {"h.proto", "", (size_t)1 << 30}; /* 1 GiB that is not there */
    assert_status(ACTR_STATUS_PROTO_UNSUPPORTED, actri_fingerprint_file(NULL, &source, &fingerprint, &error));
    assert_string_equal("h.proto: larger than 1048576 bytes", error.message);
}

static void no_import_opens_or_writes_a_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"../../x",   "../x.proto", "/etc/passwd",
                                        "x.proto",   "a/../../x",  "input.proto",
                                        "./x.proto", "//x",        "a/../../../../../../../../../../etc/passwd",
                                        "~/x"};
    char folder[] = "/tmp/actr-hostile-XXXXXX", inner[64], planted[80], before[256], events[4096];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/in", folder);
    (void)snprintf(planted, sizeof planted, "%s/x.proto", folder);
    assert_int_equal(0, access(folder, W_OK));
    assert_non_null(getcwd(before, sizeof before));
    int watch = inotify_init1(IN_NONBLOCK);
    assert_true(watch >= 0);
    FILE *file = fopen(planted, "w");
    assert_non_null(file);
    assert_true(fputs("syntax = \"proto3\"; message Planted { }", file) >= 0);
    assert_int_equal(0, fclose(file));
    assert_true(inotify_add_watch(watch, folder, IN_OPEN | IN_CREATE | IN_ACCESS | IN_MODIFY) >= 0);
    assert_int_equal(0, chdir(folder));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char proto[256];
        int size = snprintf(proto, sizeof proto, "syntax = \"proto3\";\nimport \"%s\";\nmessage A { Planted p = 1; }\n",
                            paths[i]);
        actri_proto_source_t source = {"a.proto", proto, (size_t)size};
        actri_compat_file_t one = {"a", NULL, proto, (size_t)size};
        actri_fingerprint_t fingerprint;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_fingerprint_file(NULL, &source, &fingerprint, &error);
        /* The reference's own answer on this one: it reads an empty file. */
        if ((status == ACTR_OK) != (strcmp(paths[i], "input.proto") == 0)) fail_msg("%s: %s", paths[i], error.message);
        compare(NULL, &one, &one);
    }
    ssize_t size = read(watch, events, sizeof events);
    if (size > 0) fail_msg("%zd bytes of events: a file was touched", size);
    assert_int_equal(0, chdir(before));
    assert_int_equal(0, close(watch));
    assert_int_equal(0, unlink(planted));
    assert_int_equal(0, rmdir(folder)); /* nothing else came to be */
}

int main(void)
{
    text = malloc(TEXT_MAX + 64);
    if (text == NULL) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_texts_end_with_a_bounded_peak_of_memory),
        cmocka_unit_test(imports_of_imports_are_bounded),
        cmocka_unit_test(a_larger_text_is_refused_unread),
        cmocka_unit_test(no_import_opens_or_writes_a_file),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
