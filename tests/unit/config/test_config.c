/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's configuration, from code and from a file in a folder of its own. */
#include "check.h"

#include "config/config.h"
#include "oom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static actr_config_t good(void)
{
    actr_config_t config = ACTR_CONFIG_INIT;
    config.signaling_url = "ws://127.0.0.1:8081";
    config.manufacturer = "acme";
    config.name = "echo";
    return config;
}

static void a_copy_owns_everything(void **state)
{
    (void)state;
    char tag[] = "stable", file[] = "e.proto", content[] = "syntax", caller[] = "peer";
    const char *const tags[] = {tag};
    const actr_export_t exports[] = {{file, content}};
    const actr_acl_principal_t principals[] = {{true, 7, "acme", caller}, {0}};
    const actr_acl_rule_t rules[] = {
        {.allow = true, .principals = principals, .principal_count = 2, .assurance = ACTR_ASSURANCE_PINNED}, {0}};
    actr_config_t config = good();
    config.tags = tags;
    config.tag_count = 1;
    config.exports = exports;
    config.export_count = 1;
    config.acl_rules = rules;
    config.acl_rule_count = 2;
    config.has_acl = true;
    config.max_peers = 5;
    actri_config_t copy;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_config_copy(NULL, &config, &copy, &error), &error);
    memset(tag, 'x', sizeof tag - 1);
    memset(file, 'x', sizeof file - 1);
    memset(content, 'x', sizeof content - 1);
    memset(caller, 'x', sizeof caller - 1);
    assert_string_equal("stable", copy.values.tags[0]);
    assert_string_equal("e.proto", copy.values.exports[0].file_name);
    assert_string_equal("syntax", copy.values.exports[0].content);
    assert_string_equal("peer", copy.values.acl_rules[0].principals[0].name);
    assert_int_equal(7, copy.values.acl_rules[0].principals[0].realm);
    assert_null(copy.values.acl_rules[0].principals[1].name);
    assert_string_equal("ws://127.0.0.1:8081/", copy.values.signaling_url);
    assert_int_equal(5, copy.values.max_peers);
    actri_config_clear(&copy);
}

static void a_struct_of_an_older_caller_leaves_defaults(void **state)
{
    (void)state;
    actr_config_t config = good();
    config.struct_size = offsetof(actr_config_t, stun_urls);
    config.force_relay = true; /* the caller's struct ends before it */
    actri_config_t copy;
    assert_status(ACTR_OK, actri_config_copy(NULL, &config, &copy, NULL));
    assert_false(copy.values.force_relay);
    assert_int_equal(sizeof copy.values, copy.values.struct_size);
    actri_config_clear(&copy);
}

static void refused(const actr_config_t *config, const char *field)
{
    actri_config_t copy;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_CONFIG_INVALID, actri_config_copy(NULL, config, &copy, &error));
    if (strstr(error.message, field) == NULL) fail_msg("\"%s\" does not name %s", error.message, field);
}

static void a_wrong_member_is_named(void **state)
{
    (void)state;
    static const char *const hole[] = {NULL};
    static const actr_acl_principal_t bad_name = {.name = "9"};
    static const actr_acl_rule_t bad_rule = {.principals = &bad_name, .principal_count = 1},
                                 no_list = {.principal_count = 1}, pinned_deny = {.assurance = ACTR_ASSURANCE_PINNED},
                                 local = {.allow = true, .assurance = ACTR_ASSURANCE_LOCAL};
    static const actr_trust_t no_print = {"acme", "x", 1, "AB:CD"}, no_name = {NULL, "x", 1, "AB"};
    static const actr_export_t no_content = {"e.proto", NULL};
    actr_config_t config = good();
#define REFUSED(field, ...)                                                                                            \
    do {                                                                                                               \
        __VA_ARGS__;                                                                                                   \
        refused(&config, field);                                                                                       \
        config = good();                                                                                               \
    } while (0)
    REFUSED("manufacturer", config.manufacturer = NULL);
    REFUSED("manufacturer", config.manufacturer = "a b");
    REFUSED("name", config.name = "");
    REFUSED("signaling_url", config.signaling_url = NULL);
    REFUSED("signaling_url", config.signaling_url = "http://h/");
    REFUSED("server_form", config.server_form = "C");
    REFUSED("durability", config.durability = (actr_durability_t)4);
    REFUSED("affinity", config.affinity = (actr_affinity_t)3);
    REFUSED("stream_threads", config.stream_threads = ACTR_STREAM_THREADS_MAX + 1);
    REFUSED("loopback", config.loopback = 2);
    REFUSED("tags", config.tag_count = 1);
    REFUSED("stun_urls", config.stun_url_count = 1; config.stun_urls = hole);
    REFUSED("exports", config.export_count = 1; config.exports = &no_content);
    REFUSED("acl name", config.acl_rule_count = 1; config.acl_rules = &bad_rule);
    REFUSED("acl_rules.assurance", config.acl_rule_count = 1; config.acl_rules = &pinned_deny);
    REFUSED("acl_rules.assurance", config.acl_rule_count = 1; config.acl_rules = &local);
    REFUSED("trust fingerprint", config.trust_count = 1; config.trust = &no_print);
    REFUSED("trust manufacturer", config.trust_count = 1; config.trust = &no_name);
    REFUSED("trust", config.trust_count = 1);
    REFUSED("acl_rules.principals", config.acl_rule_count = 1; config.acl_rules = &no_list);
}

#define PRINT "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"
static const char manifest[] =
    "exports = [\"e.proto\"]\n"
    "[package]\nname = \"echo\"\ndescription = \"says it again\"\ntags = [\"latest\"]\n"
    "[package.actr_type]\nmanufacturer = \"acme\"\nname = \"echo\"\n"
    "[system]\nsignaling = { url = \"ws://127.0.0.1:8081/ws\", server_form = \"B\" }\n"
    "deployment.realm = 9\n"
    "[system.storage]\nmailbox_path = \"m.db\"\ncertificate_path = \"node.pem\"\ndurability = \"normal\"\n"
    "max_messages = 10\nmax_bytes = 5000000000\n"
    "[system.webrtc]\nstun_urls = [\"stun:a\"]\nloopback = false\n"
    "[system.observability]\nfilter_level = \"webrtc=trace,debug\"\n"
    "[system.limits]\nmax_pending_calls = 1\nmax_peers = 2\ndefault_timeout_ms = 3\n"
    "drain_timeout_ms = 4\n"
    "handler_limit_ms = 5\n"
    "[methods.\"a.B.C\"]\nkey = \"id\"\n[methods.\"a.B.A\"]\npriority = \"high\"\n"
    "[system.executor]\n"
    "affinity = \"thread\"\nstream_threads = 32\n"
    "[[acl.rules]]\npermission = \"allow\"\ntypes = [\"acme+peer\"]\n"
    "assurance = \"pinned\"\n"
    "[[trust]]\nactr_type = \"acme+peer\"\nfingerprint = \"" PRINT "\"\n"
    "[[trust]]\nactr_type = \"acme+peer\"\nrealm = 8\nfingerprint = \"" PRINT "\"\n";

typedef struct folder {
    char path[64];
    char manifest[96];
    char proto[96];
} folder_t;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(0, fclose(file));
}

static void make_folder(folder_t *folder, const char *text)
{
    (void)snprintf(folder->path, sizeof folder->path, "/tmp/actr-config-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->manifest, sizeof folder->manifest, "%s/Actr.toml", folder->path);
    (void)snprintf(folder->proto, sizeof folder->proto, "%s/e.proto", folder->path);
    write_file(folder->manifest, text);
    write_file(folder->proto, "syntax = \"proto3\";");
}

static void drop_folder(const folder_t *folder)
{
    (void)unlink(folder->manifest);
    (void)unlink(folder->proto);
    (void)rmdir(folder->path);
}

static void a_file_becomes_what_the_runtime_is_told(void **state)
{
    (void)state;
    folder_t folder;
    actri_config_t config;
    actr_error_t error = ACTR_ERROR_INIT;
    make_folder(&folder, manifest);
    assert_ok(actri_config_load(NULL, folder.manifest, &config, &error), &error);
    const actr_config_t *values = &config.values;
    assert_string_equal("echo", values->package_name);
    assert_string_equal("e.proto", values->exports[0].file_name);
    assert_string_equal("syntax = \"proto3\";", values->exports[0].content);
    assert_string_equal("ws://127.0.0.1:8081/ws", values->signaling_url);
    assert_string_equal("B", values->server_form);
    assert_int_equal(9, values->realm);
    assert_string_equal("m.db", values->mailbox_path);
    assert_int_equal(ACTR_DURABILITY_NORMAL, values->durability);
    assert_int_equal(10, values->mailbox_max_messages);
    assert_true(values->mailbox_max_bytes == 5000000000);
    assert_int_equal(-1, values->loopback);
    assert_int_equal(ACTR_LOG_DEBUG, values->log_level);
    assert_int_equal(1, values->max_pending_calls);
    assert_int_equal(2, values->max_peers);
    assert_int_equal(3, values->default_timeout_ms);
    assert_int_equal(4, values->drain_timeout_ms);
    assert_int_equal(5, values->handler_limit_ms);
    assert_int_equal(ACTR_AFFINITY_THREAD, values->affinity);
    assert_int_equal(32, values->stream_threads);
    assert_true(values->has_acl);
    assert_string_equal("peer", values->acl_rules[0].principals[0].name);
    assert_int_equal(ACTR_ASSURANCE_PINNED, values->acl_rules[0].assurance);
    assert_int_equal(2, values->trust_count);
    assert_int_equal(9, values->trust[0].realm);
    assert_int_equal(8, values->trust[1].realm);
    assert_string_equal("acme", values->trust[1].manufacturer);
    assert_string_equal(PRINT, values->trust[1].fingerprint);
    assert_string_equal("node.pem", values->certificate_path);
    assert_int_equal(2, values->method_count);
    const actr_method_rule_t *rule = actri_config_method(values, "a.B.C", 5);
    assert_string_equal("id", rule->key);
    assert_false(rule->high);
    assert_true(actri_config_method(values, "a.B.A", 5)->high);
    assert_null(actri_config_method(values, "a.B.CC", 6));
    assert_null(actri_config_method(values, "a.B", 3));
    assert_null(actri_config_method(values, "a.B.A\0x", 7));
    actri_config_clear(&config);
    drop_folder(&folder);
}

static void memory_may_end_at_any_point(void **state)
{
    (void)state;
    folder_t folder;
    make_folder(&folder, manifest);
    OOM_EACH(oom)
    {
        actri_config_t config;
        actr_status_t status = actri_config_load(&oom.env, folder.manifest, &config, NULL);
        if (status == ACTR_OK)
            actri_config_clear(&config);
        else
            assert_status(ACTR_STATUS_NO_MEMORY, status);
    }
    drop_folder(&folder);
}

/* What [[trust]] and assurance can not be; the words that say so. */
static void bad_trust_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"[[trust]]\nactr_type = \"acme+peer\"\nfingerprint = \"AB:CD\"\n", "32 bytes"},
        {"[[trust]]\nactr_type = \"peer\"\nfingerprint = \"" PRINT "\"\n", "without manufacturer"},
        {"[[trust]]\nactr_type = \"acme+peer\"\n", "fingerprint"},
        {"[[trust]]\nfingerprint = \"" PRINT "\"\n", "actr_type"},
        {"[[acl.rules]]\npermission = \"deny\"\ntypes = [\"a+b\"]\nassurance = \"pinned\"\n", "ALLOW"},
        {"[[acl.rules]]\npermission = \"allow\"\ntypes = [\"a+b\"]\nassurance = \"sure\"\n", "relayed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[2000];
        folder_t folder;
        actri_config_t config;
        actr_error_t error = ACTR_ERROR_INIT;
        (void)snprintf(text, sizeof text, "%.*s%s", (int)(strstr(manifest, "[[acl") - manifest), manifest, bad[i].text);
        make_folder(&folder, text);
        assert_status(ACTR_STATUS_CONFIG_INVALID, actri_config_load(NULL, folder.manifest, &config, &error));
        if (strstr(error.message, bad[i].words) == NULL) fail_msg("%s", error.message);
        drop_folder(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_owns_everything),      cmocka_unit_test(a_struct_of_an_older_caller_leaves_defaults),
        cmocka_unit_test(a_wrong_member_is_named),     cmocka_unit_test(a_file_becomes_what_the_runtime_is_told),
        cmocka_unit_test(memory_may_end_at_any_point), cmocka_unit_test(bad_trust_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
