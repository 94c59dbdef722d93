/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated from the key table: the reference and the schema in docs/ are current; values are shown with
 * places. */
#include "check.h"

#include "config/describe.h"
#include "config/keys.h"
#include "memory_source.h"
#include "oom.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_doc(const char *name)
{
    char path[512];
    char *text = NULL;
    size_t size = 0;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_config_source_t source = actri_config_source_real();
    (void)snprintf(path, sizeof path, "%s/../docs/%s", ACTR_INCLUDE, name);
    assert_ok(source.read(NULL, NULL, path, 1 << 20, &text, &size, &error), &error);
    return text;
}

static void the_reference_in_the_docs_is_current(void **state)
{
    (void)state;
    char *doc = read_doc("configuration.md"), *begin = strstr(doc, "### Top level");
    actri_text_t text = {0};
    actri_describe_reference(&text);
    assert_non_null(begin);
    if (strcmp(begin, text.data) != 0)
        fail_msg("docs/configuration.md is not what `actr config reference` prints from \"### Top level\" on");
    actri_free(NULL, text.data);
    actri_free(NULL, doc);
}

static void each_difference_is_in_the_docs(void **state)
{
    (void)state;
    enum { STRICTER, LOOSER, VALUE };
    static const struct {
        const char *name;
        int how;
        const char *member;
    } differences[] = {
#include "differences.h"
    };
    char *doc = read_doc("configuration.md"), quoted[100];
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        (void)snprintf(quoted, sizeof quoted, "`%s`", differences[i].name);
        if (strstr(doc, quoted) == NULL) fail_msg("docs/configuration.md does not tell of %s", quoted);
    }
    actri_free(NULL, doc);
}

static void the_schema_in_the_docs_is_current(void **state)
{
    (void)state;
    char *doc = read_doc("actr-toml.schema.json");
    actri_text_t text = {0};
    actri_describe_schema(&text);
    if (strcmp(doc, text.data) != 0) fail_msg("docs/actr-toml.schema.json is not what `actr config schema` prints");
    actri_free(NULL, text.data);
    actri_free(NULL, doc);
}

/* Follows "properties", "items" and "additionalProperties" as the path says. */
static json_t *at_path(json_t *schema, const char *path)
{
    char part[64];
    while (schema != NULL && *path != '\0') {
        size_t size = strcspn(path, ".[");
        (void)snprintf(part, sizeof part, "%.*s", (int)size, path);
        schema = strcmp(part, "*") == 0 ? json_object_get(schema, "additionalProperties")
                                        : json_object_get(json_object_get(schema, "properties"), part);
        path += size;
        if (strncmp(path, "[]", 2) == 0) {
            schema = json_object_get(schema, "items");
            path += 2;
        }
        if (*path == '.') path++;
    }
    return schema;
}

static void the_schema_has_each_row(void **state)
{
    (void)state;
    actri_text_t text = {0};
    json_error_t problem;
    actri_describe_schema(&text);
    json_t *schema = json_loads(text.data, JSON_REJECT_DUPLICATES, &problem);
    if (schema == NULL) fail_msg("line %d: %s", problem.line, problem.text);
    for (size_t i = 0; i < actri_key_count; i++) {
        json_t *row = at_path(schema, actri_keys[i].path);
        if (json_object_get(row, "description") == NULL) fail_msg("%s is not in the schema", actri_keys[i].path);
    }
    print_message("schema: %zu keys\n", actri_key_count);
    json_decref(schema);
    actri_free(NULL, text.data);
}

static const memory_file_t files[] = {
    {"a/Actr.toml", "inherit = \"base.toml\"\n[package]\nname = \"say \\\"x\\\"\"\n[package.actr_type]\n"
                    "manufacturer = \"acme\"\nname = \"echo\"\n[dependencies]\nd = { actr_type = \"acme+d\" }\n"
                    "[scripts]\nrun = \"r\"\n[methods.\"a.B.C\"]\nkey = \"id\"\npriority = "
                    "\"high\"\n[[acl.rules]]\npermission = \"ALLOW\"\n"
                    "principals = [{ realm = 4, actr_type = \"acme+peer\" }, {}]\n"},
    {"a/base.toml", "[package]\nname = \"b\"\n[package.actr_type]\nmanufacturer = \"acme\"\nname = \"b\"\n"
                    "[system]\nsignaling.url = \"ws://h\"\ndeployment.realm = 3\n"},
    {NULL, NULL}};

static actr_status_t show(const actri_env_t *env, bool json, actri_text_t *text)
{
    static const char *const environment[] = {"ACTR_SYSTEM__LIMITS__MAX_PEERS=9", NULL};
    actri_config_source_t source = {memory_read, (void *)(uintptr_t)files, environment, NULL};
    actri_manifest_t manifest;
    actr_status_t status = actri_manifest_load(env, &source, files[0].path, &manifest, NULL);
    if (status != ACTR_OK) return status;
    actri_show_manifest(&manifest, json, text);
    actri_manifest_clear(&manifest);
    return ACTR_OK;
}

static void values_are_shown_with_their_places(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "package.name = \"say \\\"x\\\"\"  # a/Actr.toml:3:8\n",
        "system.signaling.url = \"ws://h/\"  # a/base.toml:7:17\n",
        "system.limits.max_peers = 9  # environment ACTR_SYSTEM__LIMITS__MAX_PEERS\n",
        "system.discovery.visible = true  # default\n",
        "package.description = (none)  # not set\n",
        "dependencies.d = { actr_type = \"acme+d\", realm = 3, name = \"d\" }  # a/Actr.toml:8:5\n",
        "scripts.run = \"r\"  # a/Actr.toml:10:7\n",
        "acl.rules = [{ permission = \"ALLOW\", principals = [{ realm = 4, actr_type = \"acme+peer\" }, {  }] }]  # "
        "a/Actr.toml:14:1\n",
        "methods.\"a.B.C\" = { key = \"id\", priority = \"high\" }  # a/Actr.toml:11:1\n"};
    actri_text_t text = {0};
    assert_ok(show(NULL, false, &text), NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(text.data, lines[i]) == NULL) fail_msg("no line %s in\n%s", lines[i], text.data);
    }
    actri_free(NULL, text.data);
}

static void json_holds_the_same(void **state)
{
    (void)state;
    actri_text_t text = {0};
    json_error_t problem;
    assert_ok(show(NULL, true, &text), NULL);
    json_t *all = json_loads(text.data, JSON_REJECT_DUPLICATES, &problem);
    if (all == NULL) fail_msg("line %d: %s", problem.line, problem.text);
    json_t *peers = json_object_get(all, "system.limits.max_peers");
    assert_int_equal(9, json_integer_value(json_object_get(peers, "value")));
    assert_string_equal("environment ACTR_SYSTEM__LIMITS__MAX_PEERS",
                        json_string_value(json_object_get(peers, "from")));
    assert_true(json_is_null(json_object_get(json_object_get(all, "package.description"), "value")));
    json_decref(all);
    actri_free(NULL, text.data);
}

static void memory_may_end_at_any_point(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        actri_text_t text = {.env = &oom.env};
        actr_status_t status = show(&oom.env, true, &text);
        if (status != ACTR_OK) assert_status(ACTR_STATUS_NO_MEMORY, status);
        if (status == ACTR_OK && oom.failed > 0) assert_true(text.failed);
        actri_free(&oom.env, text.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_in_the_docs_is_current), cmocka_unit_test(each_difference_is_in_the_docs),
        cmocka_unit_test(the_schema_in_the_docs_is_current),    cmocka_unit_test(the_schema_has_each_row),
        cmocka_unit_test(values_are_shown_with_their_places),   cmocka_unit_test(json_holds_the_same),
        cmocka_unit_test(memory_may_end_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
