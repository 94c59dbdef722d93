/* SPDX-License-Identifier: Apache-2.0 */
/* The service specification of every recorded manifest that has one, in the form of its level. */
#include "vector_cases.h"

#include "actr.pb-c.h"
#include "compat/service_spec.h"
#include "config/manifest.h"
#include "oom.h"

#include <unistd.h>

#define NOW 1767225600

static void same_optional(json_t *expected, const char *name, const char *got)
{
    const char *text = text_of(expected, name);
    if (text == NULL)
        assert_null(got);
    else
        assert_string_equal(text, got == NULL ? "(none)" : got);
}

static void same_lists(json_t *expected, size_t protobuf_count, Actr__Protobuf **protobufs, size_t tag_count,
                       char **tags)
{
    size_t index;
    json_t *item, *list = json_object_get(expected, "protobufs"), *words = json_object_get(expected, "tags");
    assert_int_equal(json_array_size(list), protobuf_count);
    json_array_foreach(list, index, item)
    {
        same_optional(item, "package", protobufs[index]->package);
        same_optional(item, "content", protobufs[index]->content);
        same_optional(item, "fingerprint", protobufs[index]->fingerprint);
    }
    assert_int_equal(json_array_size(words), tag_count);
    json_array_foreach(words, index, item)
    {
        assert_string_equal(json_string_value(item), tags[index]);
    }
}

static void same_a(json_t *expected, const uint8_t *bytes, size_t size)
{
    Actr__ServiceSpecA *spec = actr__service_spec_a__unpack(NULL, size, bytes);
    assert_non_null(spec);
    same_optional(expected, "description", spec->description);
    same_optional(expected, "fingerprint", spec->fingerprint);
    assert_true(spec->has_published_at && spec->published_at == NOW);
    same_lists(expected, spec->n_protobufs, spec->protobufs, spec->n_tags, spec->tags);
    actr__service_spec_a__free_unpacked(spec, NULL);
}

static void same_b(json_t *expected, const uint8_t *bytes, size_t size)
{
    Actr__ServiceSpecB *spec = actr__service_spec_b__unpack(NULL, size, bytes);
    assert_non_null(spec);
    same_optional(expected, "name", spec->name);
    same_optional(expected, "description", spec->description);
    same_optional(expected, "fingerprint", spec->fingerprint);
    assert_true(spec->has_published_at && spec->published_at == NOW);
    same_lists(expected, spec->n_protobufs, spec->protobufs, spec->n_tags, spec->tags);
    actr__service_spec_b__free_unpacked(spec, NULL);
}

static void of_manifest(void **state)
{
    json_t *row = *state, *expected = json_object_get(json_object_get(row, "expected"), "config");
    expected = json_object_get(expected, "service_spec");
    char form = text_of(expected, "name") != NULL ? 'B' : 'A';
    static const char *const environment[] = {NULL};
    actri_config_source_t source = actri_config_source_real();
    actri_manifest_t manifest;
    actr_config_t values;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t *bytes;
    size_t size;
    source.environment = environment;
    assert_ok(actri_manifest_load(NULL, &source, text_of(row, "file"), &manifest, &error), &error);
    assert_ok(actri_manifest_values(&manifest, &values, &error), &error);
    assert_ok(actri_service_spec_encode(NULL, &values, form, NOW, &bytes, &size, &error), &error);
    assert_non_null(bytes);
    (form == 'B' ? same_b : same_a)(expected, bytes, size);
    actri_free(NULL, bytes);
    actri_manifest_clear(&manifest);
}

static const actr_export_t exports[] = {
    {"proto/x.proto", "syntax = \"proto3\"; message A { } service S { rpc R(A) returns (A); }"},
    {"y.proto", "edition = \"2023\";"},
};

static void no_exports_no_specification(void **state)
{
    (void)state;
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t *bytes = (uint8_t *)&config;
    size_t size = 1;
    assert_ok(actri_service_spec_encode(NULL, &config, 'A', NOW, &bytes, &size, &error), &error);
    assert_null(bytes);
    assert_int_equal(0, size);
}

static void a_bad_export_is_named(void **state)
{
    (void)state;
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t *bytes;
    size_t size;
    config.exports = exports;
    config.export_count = 2;
    assert_status(ACTR_STATUS_PROTO_UNSUPPORTED,
                  actri_service_spec_encode(NULL, &config, 'A', NOW, &bytes, &size, &error));
    assert_null(bytes);
    assert_string_equal("y.proto:1:1: editions are not known, only proto2 and proto3", error.message);
    config.export_count = 1;
    assert_status(ACTR_STATUS_INVALID_STATE, actri_service_spec_encode(NULL, &config, 'A', -1, &bytes, &size, &error));
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actr_config_t config = ACTR_CONFIG_INIT;
        actr_error_t error = ACTR_ERROR_INIT;
        uint8_t *bytes;
        size_t size;
        config.exports = exports;
        config.export_count = 1;
        actr_status_t status = actri_service_spec_encode(&oom.env, &config, 'B', NOW, &bytes, &size, &error);
        if (oom.failed > 0)
            assert_status(ACTR_STATUS_NO_MEMORY, status);
        else
            assert_ok(status, &error);
        actri_free(&oom.env, bytes);
    }
}

int main(void)
{
    vector_tests_t all = {.file = vector_load("config/cases.json")};
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(all.file, "cases"), index, row)
    {
        json_t *config = json_object_get(json_object_get(row, "expected"), "config");
        if (json_is_object(json_object_get(config, "service_spec")))
            vector_add(&all, text_of(row, "name"), of_manifest, row);
    }
    size_t recorded = all.count;
    vector_add(&all, "no exports, no specification", no_exports_no_specification, NULL);
    vector_add(&all, "a bad export is named", a_bad_export_is_named, NULL);
    vector_add(&all, "survives failed allocations", survives_failed_allocations, NULL);
    if (chdir(ACTR_VECTORS "/config") != 0) return 1;
    (void)printf("# %zu recorded specifications\n", recorded);
    int failed = _cmocka_run_group_tests("service specifications", all.tests, all.count, NULL, NULL);
    if (recorded != 18) failed++;
    json_decref(all.file);
    free(all.tests);
    return failed;
}
