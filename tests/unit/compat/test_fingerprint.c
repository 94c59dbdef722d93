/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of files and services: every recorded answer of the reference, one case each, none left out. */
#include "vector_cases.h"

#include "compat/fingerprint.h"
#include "oom.h"

static json_t *vectors;

static actri_proto_source_t source_of(json_t *row, const char *name)
{
    json_t *text = json_object_get(row, "proto");
    return (actri_proto_source_t){name, json_string_value(text), json_string_length(text)};
}

/* A fingerprint where the reference has one; where it fails or aborts an error that says where. */
static void same_answer(json_t *expected, actr_status_t status, const char *got, const actr_error_t *error,
                        const char *name)
{
    const char *fingerprint = text_of(expected, "fingerprint");
    if (fingerprint != NULL) {
        assert_ok(status, error);
        assert_string_equal(fingerprint, got);
    } else {
        assert_true(status == ACTR_STATUS_PROTO_SYNTAX || status == ACTR_STATUS_PROTO_UNSUPPORTED);
        assert_true(strncmp(error->message, name, strlen(name)) == 0);
        assert_int_equal(':', error->message[strlen(name)]);
    }
}

static void of_case(void **state)
{
    json_t *row = *state;
    const char *name = text_of(row, "file_name"), *canonical = text_of(row, "canonical_json");
    actri_proto_source_t source = source_of(row, name);
    actri_fingerprint_t file, service, own;
    actr_error_t error = ACTR_ERROR_INIT, service_error = ACTR_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    if (canonical != NULL) {
        assert_ok(actri_canonical_text(NULL, &source, &text, &size, &error), &error);
        assert_string_equal(canonical, text);
        assert_int_equal(strlen(canonical), size);
        actri_free(NULL, text);
    }
    actr_status_t status = actri_fingerprint_file(NULL, &source, &file, &error);
    same_answer(json_object_get(row, "file"), status, file.text, &error, name);
    status = actri_fingerprint_service(NULL, &source, 1, &service, &own, &service_error);
    same_answer(json_object_get(row, "service"), status, service.text, &service_error, name);
    if (status == ACTR_OK) assert_string_equal(file.text, own.text);
}

static json_t *case_named(const char *name)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(vectors, "cases"), index, row)
    {
        if (strcmp(text_of(row, "name"), name) == 0) return row;
    }
    fail_msg("there is no case %s", name);
    return NULL;
}

static void of_set(void **state)
{
    json_t *row = *state, *files = json_object_get(row, "files"), *file;
    actri_proto_source_t sources[8];
    size_t index;
    actri_fingerprint_t got;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_true(json_array_size(files) <= 8);
    json_array_foreach(files, index, file)
    {
        sources[index] = source_of(case_named(text_of(file, "case")), text_of(file, "name"));
    }
    actr_status_t status = actri_fingerprint_service(NULL, sources, json_array_size(files), &got, NULL, &error);
    json_t *expected = json_object_get(row, "service");
    if (text_of(expected, "fingerprint") != NULL) {
        assert_ok(status, &error);
        assert_string_equal(text_of(expected, "fingerprint"), got.text);
        return;
    }
    assert_true(status == ACTR_STATUS_PROTO_SYNTAX || status == ACTR_STATUS_PROTO_UNSUPPORTED);
    /* "Failed to parse proto file: z.proto: Protobuf ..." names the file that fails first */
    static const char prefix[] = "Failed to parse proto file: ";
    const char *named = text_of(expected, "error") + sizeof prefix - 1;
    size_t size = strcspn(named, ":");
    assert_int_equal(0, strncmp(named, error.message, size));
    assert_int_equal(':', error.message[size]);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    actri_proto_source_t source = source_of(case_named("item"), "item.proto");
    OOM_EACH(oom)
    {
        actri_fingerprint_t service, file;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_fingerprint_service(&oom.env, &source, 1, &service, &file, &error);
        if (oom.failed > 0)
            assert_status(ACTR_STATUS_NO_MEMORY, status);
        else
            assert_ok(status, &error);
    }
    OOM_EACH(oom)
    {
        char *text;
        size_t size;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_status_t status = actri_canonical_text(&oom.env, &source, &text, &size, &error);
        if (oom.failed > 0)
            assert_status(ACTR_STATUS_NO_MEMORY, status);
        else
            assert_ok(status, &error);
        actri_free(&oom.env, text);
    }
}

int main(void)
{
    vector_tests_t all = {.file = vector_load("fingerprints.json")};
    vectors = all.file;
    size_t cases = vector_add_rows(&all, "cases", of_case), sets = vector_add_rows(&all, "sets", of_set);
    vector_add(&all, "survives failed allocations", survives_failed_allocations, NULL);
    (void)printf("# %zu recorded texts, %zu recorded sets\n", cases, sets);
    int failed = _cmocka_run_group_tests("fingerprints", all.tests, all.count, NULL, NULL);
    if (cases != 370 || sets != 26) failed++;
    json_decref(all.file);
    free(all.tests);
    return failed;
}
