/* SPDX-License-Identifier: Apache-2.0 */
/* Inheritance, environment and what is said about mistakes, with files in memory. */
#include "check.h"

#include "config/chain.h"
#include "memory_source.h"

#include <stdio.h>
#include <stdlib.h>

#define PACKAGE "[package]\nname = \"p\"\n[package.actr_type]\nmanufacturer = \"acme\"\nname = \"echo\"\n"
#define SYSTEM "[system]\nsignaling.url = \"ws://h/\"\ndeployment.realm = 1\n"

typedef struct said {
    char lines[32768];
} said_t;

static void note(actr_log_level_t level, const char *area, const char *line, void *user)
{
    said_t *said = user;
    size_t used = strlen(said->lines);
    (void)area;
    (void)snprintf(said->lines + used, sizeof said->lines - used, "%d %s\n", (int)level, line);
}

static actr_status_t load(const memory_file_t *files, const char *const *environment, actri_manifest_t *manifest,
                          said_t *said, actr_error_t *error)
{
    static const actri_env_t quiet = {.log = note, .log_level = ACTR_LOG_INFO};
    static actri_env_t env;
    env = quiet;
    env.log_user = said;
    said->lines[0] = '\0';
    actri_config_source_t source = {memory_read, (void *)(uintptr_t)files, environment, NULL};
    return actri_manifest_load(&env, &source, files[0].path, manifest, error);
}

static void refused(const memory_file_t *files, const char *message)
{
    actri_manifest_t manifest;
    said_t said;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = load(files, NULL, &manifest, &said, &error);
    if (status == ACTR_OK) fail_msg("accepted: %s", message);
    assert_string_equal(message, error.message);
}

static void one_refused(const char *text, const char *message)
{
    const memory_file_t files[] = {{"a/Actr.toml", text}, {NULL, NULL}};
    refused(files, message);
}

/* Loads one file that is fine and returns what was said about it. */
static const char *said_about(const char *text)
{
    static said_t said;
    const memory_file_t files[] = {{"Actr.toml", text}, {NULL, NULL}};
    actri_manifest_t manifest;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(load(files, NULL, &manifest, &said, &error), &error);
    actri_manifest_clear(&manifest);
    return said.lines;
}

static void errors_name_file_line_column_and_a_way_out(void **state)
{
    (void)state;
    one_refused("x = = 1\n", "a/Actr.toml:1:5: Error while parsing value: could not determine value type");
    one_refused("", "a/Actr.toml:1:1: the table [package] is missing");
    one_refused(PACKAGE, "a/Actr.toml:1:1: system.signaling.url is missing; write [system.signaling] and url = "
                         "\"ws://host:port/path\"");
    one_refused(PACKAGE "[system]\nsignaling.url = \"ws://h/\"\n",
                "a/Actr.toml:1:1: system.deployment.realm is missing; write [system.deployment] and realm = 1");
    one_refused(PACKAGE "[system]\nsignaling.url = \"localhost:80\"\ndeployment.realm = 1\n",
                "a/Actr.toml:7:17: system.signaling.url: \"localhost:80\" is no URL; did you mean ws://localhost:80?");
    one_refused(PACKAGE SYSTEM "storage.durability = \"fulll\"\n",
                "a/Actr.toml:9:22: system.storage.durability can not be \"fulll\"; choose one of full|normal|off (did "
                "you mean \"full\"?)");
    one_refused(PACKAGE SYSTEM "limits.max_peers = \"5\"\n",
                "a/Actr.toml:9:20: system.limits.max_peers must be an integer from 0 to 4294967295, not a string; "
                "write it without quotes");
    one_refused(PACKAGE SYSTEM "[[acl.rules]]\npermission = \"yes\"\ntypes = [\"a+b\"]\n",
                "a/Actr.toml:10:14: permission can not be \"yes\"; write \"ALLOW\" or \"DENY\"");
    one_refused(PACKAGE SYSTEM "[acl]\n", "a/Actr.toml:9:1: acl.rules is missing");
    one_refused(PACKAGE SYSTEM "webrtc.port_range_start = 5\nwebrtc.port_range_end = 5\n",
                "a/Actr.toml:9:27: port_range_start (5) must be less than port_range_end (5)");
    one_refused("exports = [\"/etc/passwd\"]\n" PACKAGE SYSTEM,
                "a/Actr.toml:1:12: exports: /etc/passwd is outside this file's folder; only relative paths to .proto "
                "files may be");
    one_refused("exports = [\"../secret\"]\n" PACKAGE SYSTEM,
                "a/Actr.toml:1:12: exports: ../secret is outside this file's folder; only relative paths to .proto "
                "files may be");
    one_refused("a = \"\\u0000\"\n", "a/Actr.toml:1:5: a text may not hold a zero character");
}

static void all_errors_are_told_and_the_first_is_returned(void **state)
{
    (void)state;
    const memory_file_t files[] = {{"Actr.toml", "[package]\nname = 1\nlicense = 2\n[package.actr_type]\n"
                                                 "manufacturer = \"acme\"\nname = \"echo\"\n"},
                                   {NULL, NULL}};
    actri_manifest_t manifest;
    said_t said;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_CONFIG_INVALID, load(files, NULL, &manifest, &said, &error));
    assert_string_equal("Actr.toml:2:8: package.name must be a string, not an integer; write it in quotes",
                        error.message);
    assert_non_null(strstr(said.lines, "1 Actr.toml:2:8: "));
    assert_non_null(strstr(said.lines, "1 Actr.toml:3:11: package.license must be"));
}

static void unknown_keys_get_a_suggestion(void **state)
{
    (void)state;
    assert_string_equal("2 Actr.toml:9:9: unknown key system.storage.mailbox_pth is ignored; did you mean "
                        "system.storage.mailbox_path?\n",
                        said_about(PACKAGE SYSTEM "storage.mailbox_pth = \"x\"\n"));
    assert_string_equal("2 Actr.toml:6:1: unknown key package.actr_type.exports is ignored; exports must stand before "
                        "the first [table]\n",
                        said_about(PACKAGE "exports = []\n" SYSTEM));
    assert_string_equal("2 Actr.toml:9:2: unknown key sytem is ignored; did you mean system?\n",
                        said_about(PACKAGE SYSTEM "[sytem.storage]\nx = 1\n"));
    assert_string_equal("2 Actr.toml:9:1: unknown key system.obervability is ignored; did you mean "
                        "system.observability?\n",
                        said_about(PACKAGE SYSTEM "obervability.tracing_enabled = true\n"));
    assert_string_equal("2 Actr.toml:9:2: unknown key zebra is ignored\n",
                        said_about(PACKAGE SYSTEM "[zebra]\nx = 1\n"));
    assert_string_equal("2 Actr.toml:10:2: unknown key deployment is ignored; did you mean system.deployment?\n",
                        said_about(PACKAGE SYSTEM "\n[deployment]\nrealm = 1\n"));
}

static void other_forms_are_read_with_a_hint(void **state)
{
    (void)state;
    const char *said =
        said_about(PACKAGE "[system]\nsignaling.url = \"ws://h/\"\ndeployment.realm_id = 1\n[[acl.rules]]\n"
                           "permission = \"ALLOW\"\ntypes = [\"acme:b\", \"c\"]\n");
    assert_non_null(strstr(said, "3 Actr.toml:8:23: realm_id is the key of form B"));
    assert_non_null(strstr(said, "3 Actr.toml:11:10: \"acme:b\" is the older form of a type; the newer is \"acme+b\""));
    assert_non_null(strstr(said, "2 Actr.toml:11:20: a type without manufacturer matches nobody"));
}

static void a_cycle_ends_with_its_place(void **state)
{
    (void)state;
    const memory_file_t self[] = {{"a/Actr.toml", "inherit = \"./x/../Actr.toml\"\n" PACKAGE SYSTEM},
                                  {"a/./x/../Actr.toml", "inherit = \"./x/../Actr.toml\"\n" PACKAGE SYSTEM},
                                  {NULL, NULL}};
    refused(self, "a/Actr.toml:1:11: a cycle: a/./x/../Actr.toml inherits from itself");
    const memory_file_t three[] = {{"a", "inherit = \"b\"\n" PACKAGE SYSTEM},
                                   {"b", "inherit = \"c\"\n" PACKAGE SYSTEM},
                                   {"c", "inherit = \"b\"\n" PACKAGE SYSTEM},
                                   {NULL, NULL}};
    refused(three, "c:1:11: a cycle: b inherits from itself");
}

static void a_chain_is_bounded(void **state)
{
    (void)state;
    static char names[32][16], texts[32][256];
    memory_file_t files[32] = {{NULL, NULL}};
    for (int i = 0; i < 31; i++) {
        (void)snprintf(names[i], sizeof names[i], "f%d", i);
        (void)snprintf(texts[i], sizeof texts[i], "inherit = \"f%d\"\n" PACKAGE SYSTEM, i + 1);
        files[i] = (memory_file_t){names[i], texts[i]};
    }
    refused(files, "f15:1:11: more than 16 files inherit from each other");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[2000] = "a", *at = text + 1;
    for (int i = 0; i < 400; i++) at += sprintf(at, ".a");
    (void)sprintf(at, " = 1\n");
    one_refused(text, "a/Actr.toml:1:1: nested deeper than 32 levels");
    memset(text, '[', 900);
    memcpy(text, "\nx=", 3);
    text[900] = '\0';
    one_refused(text, "a/Actr.toml:2:1: nested deeper than 32 levels");
}

static void paths_are_relative_to_the_file_that_names_them(void **state)
{
    (void)state;
    const memory_file_t files[] = {
        {"app/Actr.toml", "inherit = \"../base/one.toml\"\nexports = [\"mine.proto\"]\n" PACKAGE},
        {"app/../base/one.toml", "inherit = \"two.toml\"\nexports = [\"x.proto\"]\n" PACKAGE},
        {"app/../base/two.toml", "exports = [\"far.proto\"]\n" PACKAGE SYSTEM},
        {"app/mine.proto", "m"},
        {"app/../base/x.proto", "xx"},
        {"app/far.proto", "far"},
        {NULL, NULL}};
    actri_manifest_t manifest;
    said_t said;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(load(files, NULL, &manifest, &said, &error), &error);
    assert_int_equal(3, manifest.export_count);
    assert_string_equal("app/far.proto", manifest.exports[0].path); /* where the reference looks, with a hint */
    assert_string_equal("app/../base/x.proto", manifest.exports[1].path);
    assert_string_equal("m", manifest.exports[2].content);
    assert_non_null(strstr(said.lines, "3 app/../base/two.toml:1:12: exports is not beside this file but beside "
                                       "app/Actr.toml"));
    actri_manifest_clear(&manifest);
}

static void the_environment_comes_first(void **state)
{
    (void)state;
    const memory_file_t files[] = {
        {"Actr.toml", PACKAGE SYSTEM "webrtc.force_relay = true\nwebrtc.stun_urls = [\"stun:a\"]\n"}, {NULL, NULL}};
    const char *const environment[] = {"PATH=/bin",
                                       "ACTR_SYSTEM__SIGNALING__URL=wss://other:444/x",
                                       "ACTR_SYSTEM__DEPLOYMENT__REALM_ID=77",
                                       "ACTR_SYSTEM__WEBRTC__FORCE_RELAY=false",
                                       "ACTR_SYSTEM__WEBRTC__STUN_URLS=stun:b,stun:c",
                                       "ACTR_SYSTEM__STORAGE__MAX_BYTES=5000000000",
                                       "ACTR_PACKAGE__ACTR_TYPE__NAME=other",
                                       "ACTR_SYSTEM__SIGNALING__URI=x",
                                       "ACTR_HOME=/x",
                                       NULL};
    actri_manifest_t manifest;
    said_t said;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(load(files, environment, &manifest, &said, &error), &error);
    assert_string_equal("wss://other:444/x", manifest.signaling_url);
    assert_int_equal(77, manifest.realm);
    assert_false(manifest.force_relay);
    assert_int_equal(2, manifest.stun_urls.count);
    assert_string_equal("stun:c", manifest.stun_urls.items[1]);
    assert_true(manifest.max_bytes == 5000000000);
    assert_string_equal("other", manifest.name);
    assert_non_null(strstr(said.lines, "2 ACTR_SYSTEM__SIGNALING__URI: this variable stands for no key and is ignored; "
                                       "did you mean ACTR_SYSTEM__SIGNALING__URL?"));
    assert_null(strstr(said.lines, "ACTR_HOME"));
    actri_manifest_clear(&manifest);
}

static void a_wrong_variable_is_named(void **state)
{
    (void)state;
    static const char *const variables[][2] = {
        {"ACTR_SYSTEM__DEPLOYMENT__REALM=x", "ACTR_SYSTEM__DEPLOYMENT__REALM: system.deployment.realm must be"},
        {"ACTR_SYSTEM__DEPLOYMENT__REALM=99999999999999999999", "ACTR_SYSTEM__DEPLOYMENT__REALM: "},
        {"ACTR_SYSTEM__DEPLOYMENT__REALM=-1", "ACTR_SYSTEM__DEPLOYMENT__REALM: "},
        {"ACTR_SYSTEM__DISCOVERY__VISIBLE=perhaps", "ACTR_SYSTEM__DISCOVERY__VISIBLE: "},
        {"ACTR_SYSTEM__SIGNALING__SERVER_FORM=C", "ACTR_SYSTEM__SIGNALING__SERVER_FORM: "},
        {"ACTR_SYSTEM__SIGNALING__URL=x", "ACTR_SYSTEM__SIGNALING__URL: system.signaling.url: "},
        {"ACTR_PACKAGE__ACTR_TYPE__NAME=9", "ACTR_PACKAGE__ACTR_TYPE__NAME: the actor type name \"9\""}};
    const memory_file_t files[] = {{"Actr.toml", PACKAGE SYSTEM}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *const environment[] = {variables[i][0], NULL};
        actri_manifest_t manifest;
        said_t said;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_CONFIG_INVALID, load(files, environment, &manifest, &said, &error));
        if (strncmp(error.message, variables[i][1], strlen(variables[i][1])) != 0) fail_msg("%s", error.message);
    }
}

static void the_nearer_realm_counts_and_then_the_forms_own(void **state)
{
    (void)state;
    static const struct {
        const char *child, *parent;
        unsigned realm;
    } rows[] = {{"realm = 1\nrealm_id = 2\n", "", 1},
                {"server = 0\n", "realm_id = 3\n", 3},
                {"realm_id = 4\n", "realm = 5\n", 4},
                {"realm = 6\n", "realm_id = 7\n", 6}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char child[512], parent[512];
        (void)snprintf(child, sizeof child, "inherit = \"p\"\n" PACKAGE "[system.deployment]\n%s", rows[i].child);
        (void)snprintf(parent, sizeof parent, PACKAGE "[system]\nsignaling.url = \"ws://h/\"\n[system.deployment]\n%s",
                       rows[i].parent);
        const memory_file_t files[] = {{"c", child}, {"p", parent}, {NULL, NULL}};
        actri_manifest_t manifest;
        said_t said;
        actr_error_t error = ACTR_ERROR_INIT;
        assert_ok(load(files, NULL, &manifest, &said, &error), &error);
        assert_int_equal(rows[i].realm, manifest.realm);
        if (i == 0) assert_non_null(strstr(said.lines, "2 c:8:9: realm and realm_id differ; realm counts"));
        actri_manifest_clear(&manifest);
    }
}

static void a_large_file_of_nonsense_ends_soon(void **state)
{
    (void)state;
    size_t size = 1000000, used = 0;
    char *text = malloc(size + 64);
    assert_non_null(text);
    used += (size_t)sprintf(text, PACKAGE SYSTEM "[dependencies]\n");
    for (unsigned i = 0; used < size; i++) used += (size_t)sprintf(text + used, "a%x={}\n", i);
    one_refused(text, "a/Actr.toml:9:1: dependencies: more than 1024");
    used = (size_t)sprintf(text, PACKAGE SYSTEM);
    for (unsigned i = 0; used < size; i++) used += (size_t)sprintf(text + used, "a%x=0\n", i);
    const char *said = said_about(text);
    assert_non_null(strstr(said, "there is more to say"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_file_line_column_and_a_way_out),
        cmocka_unit_test(all_errors_are_told_and_the_first_is_returned),
        cmocka_unit_test(unknown_keys_get_a_suggestion),
        cmocka_unit_test(other_forms_are_read_with_a_hint),
        cmocka_unit_test(a_cycle_ends_with_its_place),
        cmocka_unit_test(a_chain_is_bounded),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(paths_are_relative_to_the_file_that_names_them),
        cmocka_unit_test(the_environment_comes_first),
        cmocka_unit_test(a_wrong_variable_is_named),
        cmocka_unit_test(the_nearer_realm_counts_and_then_the_forms_own),
        cmocka_unit_test(a_large_file_of_nonsense_ends_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
