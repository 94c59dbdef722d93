/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle-and-rpc 9 as a table. */
#include "check.h"
#include "dispatch/acl.h"

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

#define ALLOW(principals)                                                                                              \
    {                                                                                                                  \
        true, principals, sizeof principals / sizeof principals[0]                                                     \
    }
#define DENY(principals)                                                                                               \
    {                                                                                                                  \
        false, principals, sizeof principals / sizeof principals[0]                                                    \
    }

static const struct {
    const char *name;
    actr_acl_rule_t rules[3];
    size_t count;
    bool allowed;
} table[] = {
    {"no rules", {{0}}, 0, false},
    {"a rule without principals is skipped", {{true, NULL, 0}}, 1, false},
    {"and the next one decides", {{false, NULL, 0}, ALLOW(anybody)}, 2, true},
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
        if (actri_acl_allows(&config, &echo) != table[i].allowed) fail_msg("%s", table[i].name);
        assert_true(actri_acl_allows(&config, NULL)); /* the Shell is always allowed */
    }
}

static void without_acl_everybody_may(void **state)
{
    (void)state;
    actr_acl_rule_t deny = DENY(anybody);
    actr_config_t config = ACTR_CONFIG_INIT;
    config.acl_rules = &deny;
    config.acl_rule_count = 1;
    assert_true(actri_acl_allows(&config, &echo));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table),
        cmocka_unit_test(without_acl_everybody_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
