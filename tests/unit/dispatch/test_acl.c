/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle-and-rpc 9 as a table. */
#include "check.h"
#include "dispatch/acl.h"
#include "dispatch/trust.h"

static const actr_id_t echo = {.serial_number = 1, .realm = 7, .type = {"acme", "echo"}};

static const actr_acl_principal_t anybody[] = {{0}};
static const actr_acl_principal_t realm_7[] = {{.has_realm = true, .realm = 7}};
static const actr_acl_principal_t realm_8[] = {{.has_realm = true, .realm = 8}};
static const actr_acl_principal_t realm_0[] = {{.has_realm = true, .realm = 0}};
static const actr_acl_principal_t type_echo[] = {{.manufacturer = "acme", .name = "echo"}};
static const actr_acl_principal_t type_other[] = {{.manufacturer = "acme", .name = "other"}};
static const actr_acl_principal_t other_maker[] = {{.manufacturer = "evil", .name = "echo"}};
static const actr_acl_principal_t no_maker[] = {{.name = "echo"}};
static const actr_acl_principal_t prefix[] = {{.manufacturer = "acme", .name = "ech"}};
static const actr_acl_principal_t both[] = {{true, 7, "acme", "echo"}};
static const actr_acl_principal_t type_of_8[] = {{true, 8, "acme", "echo"}};
static const actr_acl_principal_t second_of_two[] = {{.has_realm = true, .realm = 8}, {true, 7, NULL, NULL}};

#define RULE(may, whom)                                                                                                \
    {                                                                                                                  \
        .allow = (may), .principals = (whom), .principal_count = sizeof(whom) / sizeof((whom)[0])                      \
    }
#define ALLOW(whom) RULE(true, whom)
#define DENY(whom) RULE(false, whom)

static const struct {
    const char *name;
    actr_acl_rule_t rules[3];
    size_t count;
    bool allowed;
} table[] = {
    {"no rules", {{0}}, 0, false},
    {"a rule without principals is skipped", {{.allow = true}}, 1, false},
    {"and the next one decides", {{0}, ALLOW(anybody)}, 2, true},
    {"anybody", {ALLOW(anybody)}, 1, true},
    {"nobody", {DENY(anybody)}, 1, false},
    {"realm", {ALLOW(realm_7)}, 1, true},
    {"another realm", {ALLOW(realm_8)}, 1, false},
    {"realm 0 is a realm", {ALLOW(realm_0)}, 1, false},
    {"type", {ALLOW(type_echo)}, 1, true},
    {"another name", {ALLOW(type_other)}, 1, false},
    {"another manufacturer", {ALLOW(other_maker)}, 1, false},
    {"a type without manufacturer matches nobody", {ALLOW(no_maker)}, 1, false},
    {"a prefix of the name", {ALLOW(prefix)}, 1, false},
    {"realm and type", {ALLOW(both)}, 1, true},
    {"realm or type is not enough", {ALLOW(type_of_8)}, 1, false},
    {"any principal of a rule", {ALLOW(second_of_two)}, 1, true},
    {"the first match decides: deny", {DENY(type_echo), ALLOW(anybody)}, 2, false},
    {"the first match decides: allow", {ALLOW(type_echo), DENY(anybody)}, 2, true},
    {"a rule that does not match decides nothing", {DENY(type_other), DENY(realm_8), ALLOW(realm_7)}, 3, true},
    {"none matches", {DENY(type_other), ALLOW(realm_8)}, 2, false},
};

static void every_row_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        actr_config_t config = ACTR_CONFIG_INIT;
        config.has_acl = true;
        config.acl_rules = table[i].rules;
        config.acl_rule_count = table[i].count;
        if (actri_acl_allows(&config, &echo, NULL) != table[i].allowed) fail_msg("%s", table[i].name);
        assert_true(actri_acl_allows(&config, NULL, NULL)); /* the Shell is always allowed */
    }
}

static void without_acl_everybody_may(void **state)
{
    (void)state;
    actr_acl_rule_t deny = DENY(anybody);
    actr_config_t config = ACTR_CONFIG_INIT;
    config.acl_rules = &deny;
    config.acl_rule_count = 1;
    assert_true(actri_acl_allows(&config, &echo, NULL));
}

#define PRINT_A "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define PRINT_B "0F:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

static void a_type_is_bound_to_its_certificates(void **state)
{
    (void)state;
    static const actr_trust_t trust[] = {{"acme", "echo", 7, PRINT_A}, {"acme", "echo", 7, PRINT_B}};
    const actr_id_t other_realm = {.serial_number = 1, .realm = 8, .type = {"acme", "echo"}};
    const actr_id_t other_type = {.serial_number = 1, .realm = 7, .type = {"evil", "echo"}};
    actr_config_t config = ACTR_CONFIG_INIT;
    assert_true(actri_trust_admits(&config, &echo, "anything")); /* nobody is bound */
    assert_int_equal(actri_trust_assurance(&config, &echo), ACTR_ASSURANCE_RELAYED);
    config.trust = trust;
    config.trust_count = 2;
    assert_true(actri_trust_admits(&config, &echo, PRINT_A));
    assert_true(actri_trust_admits(&config, &echo, PRINT_B));
    assert_false(actri_trust_admits(&config, &echo, "FF" PRINT_A));
    assert_false(actri_trust_admits(&config, &echo, ""));
    assert_true(actri_trust_admits(&config, &other_realm, ""));
    assert_true(actri_trust_admits(&config, &other_type, ""));
    assert_int_equal(actri_trust_assurance(&config, &echo), ACTR_ASSURANCE_PINNED);
    assert_int_equal(actri_trust_assurance(&config, &other_realm), ACTR_ASSURANCE_RELAYED);
    assert_int_equal(actri_trust_assurance(&config, &other_type), ACTR_ASSURANCE_RELAYED);
}

static void a_rule_may_want_a_pinned_caller(void **state)
{
    (void)state;
    static const actr_trust_t trust = {"acme", "echo", 7, PRINT_A};
    char reason[ACTRI_ACL_REASON];
    actr_acl_rule_t rules[] = {ALLOW(anybody), DENY(realm_8)};
    actr_config_t config = ACTR_CONFIG_INIT;
    rules[0].assurance = ACTR_ASSURANCE_PINNED;
    config.has_acl = true;
    config.acl_rules = rules;
    config.acl_rule_count = 2;
    assert_false(actri_acl_allows(&config, &echo, reason));
    assert_string_equal(reason, "rule 1 wants a pinned certificate");
    config.trust = &trust;
    config.trust_count = 1;
    assert_true(actri_acl_allows(&config, &echo, reason));
    assert_string_equal(reason, "");
}

static void a_denial_has_a_reason(void **state)
{
    (void)state;
    char reason[ACTRI_ACL_REASON];
    actr_acl_rule_t rules[] = {DENY(realm_8), DENY(type_echo)};
    actr_config_t config = ACTR_CONFIG_INIT;
    config.has_acl = true;
    assert_false(actri_acl_allows(&config, &echo, reason));
    assert_string_equal(reason, "no rule speaks of it");
    config.acl_rules = rules;
    config.acl_rule_count = 2;
    assert_false(actri_acl_allows(&config, &echo, reason));
    assert_string_equal(reason, "rule 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table),
        cmocka_unit_test(without_acl_everybody_may),
        cmocka_unit_test(a_type_is_bound_to_its_certificates),
        cmocka_unit_test(a_rule_may_want_a_pinned_caller),
        cmocka_unit_test(a_denial_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
