/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 286 recorded manifests of the reference: the same accepted, the same refused, the same values. Where libactr
 * differs on purpose, a row of the table below says so; the same rows stand in docs/configuration.md, and a row that
 * no longer differs is an error.
 */
#include "check.h"

#include "config/config.h"
#include "manifest_json.h"

#include <stdio.h>
#include <unistd.h>

typedef enum differs { STRICTER, LOOSER, VALUE } differs_t;
static const struct {
    const char *name;
    differs_t how;
    const char *member; /* VALUE: which */
} differences[] = {
#include "differences.h"
};

typedef struct tally {
    unsigned accepted, refused, stricter, looser, values, wrong;
    bool seen[sizeof differences / sizeof differences[0]];
} tally_t;

/* The row, marked as seen; -1. */
static int find_difference(tally_t *tally, const char *name, differs_t how, const char *member)
{
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (strcmp(differences[i].name, name) != 0 || differences[i].how != how) continue;
        if (how == VALUE && strcmp(differences[i].member, member) != 0) continue;
        tally->seen[i] = true;
        return (int)i;
    }
    return -1;
}

static void wrong(tally_t *tally, const char *name, const char *what, const char *detail)
{
    print_error("%s: %s: %s\n", name, what, detail);
    tally->wrong++;
}

static void compare_values(tally_t *tally, const char *name, actri_manifest_t *manifest, json_t *expected, bool form_b)
{
    bool advanced = json_object_get(json_object_get(expected, "webrtc"), "advanced") != NULL;
    json_t *got = manifest_json(manifest, form_b, advanced), *value;
    const char *member;
    json_object_foreach(got, member, value)
    {
        if (json_equal(value, json_object_get(expected, member))) continue;
        if (find_difference(tally, name, VALUE, member) >= 0) {
            tally->values++;
            continue;
        }
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        wrong(tally, name, member, text);
        free(text);
    }
    json_decref(got);
}

/* The reference's error names a kind; ours is coarser. */
static bool status_fits(const char *class, const actr_error_t *error)
{
    bool io = strcmp(class, "IoError") == 0 || strcmp(class, "ProtoFileNotFound") == 0;
    if (strcmp(class, "TomlParseError") == 0)
        return error->status == ACTR_STATUS_CONFIG_SYNTAX || error->status == ACTR_STATUS_CONFIG_INVALID;
    if (io) return error->status != ACTR_STATUS_NO_MEMORY;
    return error->status == ACTR_STATUS_CONFIG_INVALID;
}

/* "file:line:column: ", or the file alone when it can not be read. */
static bool names_place(const char *message, const char *file)
{
    unsigned line = 0, column = 0;
    size_t size = strlen(file);
    if (strncmp(message, file, size) == 0 && strncmp(message + size, ": ", 2) == 0) return true;
    const char *colon = strchr(message, ':');
    return colon != NULL && sscanf(colon, ":%u:%u: ", &line, &column) == 2 && line > 0 && column > 0;
}

static void check_refusal(tally_t *tally, const char *name, const char *file, json_t *expected,
                          const actr_error_t *error)
{
    const char *class = json_string_value(json_object_get(expected, "error_class"));
    tally->refused++;
    if (!names_place(error->message, file)) wrong(tally, name, "no place", error->message);
    if (json_is_true(json_object_get(expected, "ok"))) {
        if (find_difference(tally, name, STRICTER, NULL) >= 0)
            tally->stricter++;
        else
            wrong(tally, name, "refused", error->message);
    } else if (class != NULL && !status_fits(class, error)) {
        wrong(tally, name, class, actr_status_name(error->status));
    }
}

static void run_case(tally_t *tally, json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *file = json_string_value(json_object_get(row, "file"));
    bool form_b = strcmp(json_string_value(json_object_get(row, "level")), "0.1.15") == 0;
    json_t *tag = json_object_get(row, "expected_tag_v0_1_15");
    json_t *expected = tag != NULL ? tag : json_object_get(row, "expected");
    const char *const environment[] = {form_b ? "ACTR_SYSTEM__SIGNALING__SERVER_FORM=B" : "HOME=/nowhere", "X=y",
                                       "RUST_LOG=trace", NULL};
    actri_config_source_t source = actri_config_source_real();
    source.environment = environment;
    actri_manifest_t manifest;
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_manifest_load(NULL, &source, file, &manifest, &error) != ACTR_OK) {
        check_refusal(tally, name, file, expected, &error);
        return;
    }
    tally->accepted++;
    if (json_is_true(json_object_get(expected, "ok")))
        compare_values(tally, name, &manifest, json_object_get(expected, "config"), form_b);
    else if (find_difference(tally, name, LOOSER, NULL) >= 0)
        tally->looser++;
    else
        wrong(tally, name, "accepted", "the reference refuses it");
    actri_manifest_clear(&manifest);
}

static void all_recorded_manifests_are_read_as_the_reference_does(void **state)
{
    (void)state;
    tally_t tally = {0};
    json_error_t problem;
    assert_int_equal(0, chdir(ACTR_VECTORS "/config"));
    json_t *all = json_load_file("cases.json", 0, &problem), *row;
    assert_non_null(all);
    size_t number;
    json_array_foreach(json_object_get(all, "cases"), number, row) run_case(&tally, row);
    assert_int_equal(286, number);
    print_message("config cases: %zu run, %u accepted, %u refused; on purpose %u stricter, %u looser, %u other values; "
                  "%u wrong\n",
                  number, tally.accepted, tally.refused, tally.stricter, tally.looser, tally.values, tally.wrong);
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (!tally.seen[i]) wrong(&tally, differences[i].name, "listed as different", "but is not");
    }
    assert_int_equal(0, tally.wrong);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_recorded_manifests_are_read_as_the_reference_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
