/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of types and ids; the names of the reference's own corpus are tested with the configuration. */
#include "check.h"

#include <stdio.h>
#include <string.h>

static const actr_id_t echo = {.serial_number = 0x1a2b, .realm = 101, .type = {"acme", "echo"}};

static void both_forms_of_an_id_are_read_and_the_newer_is_written(void **state)
{
    (void)state;
    actr_id_t id;
    char text[ACTR_ID_TEXT_SIZE];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_id_parse("1a2b@101:acme+echo", &id, &error), &error);
    assert_true(actr_id_equal(&id, &echo));
    assert_ok(actr_id_parse("acme:echo@1A2b:101", &id, &error), &error);
    assert_true(actr_id_equal(&id, &echo));
    assert_string_equal(actr_id_print(&id, text), "1a2b@101:acme+echo");
}

static void both_forms_of_a_type_are_read(void **state)
{
    (void)state;
    actr_type_t type;
    char text[ACTR_TYPE_TEXT_SIZE];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_type_parse("acme+echo", &type, &error), &error);
    assert_string_equal(actr_type_print(&type, text), "acme+echo");
    assert_ok(actr_type_parse("acme:echo", &type, &error), &error);
    assert_string_equal(actr_type_print(&type, text), "acme+echo");
}

static void the_largest_id_fits_its_text(void **state)
{
    (void)state;
    actr_id_t id = {.serial_number = UINT64_MAX, .realm = UINT32_MAX}, again;
    memset(id.type.manufacturer, 'm', ACTR_NAME_MAX);
    memset(id.type.name, 'n', ACTR_NAME_MAX);
    char text[ACTR_ID_TEXT_SIZE];
    actr_error_t error = ACTR_ERROR_INIT;
    assert_int_equal(strlen(actr_id_print(&id, text)), ACTR_ID_TEXT_SIZE - 2);
    assert_ok(actr_id_parse(text, &again, &error), &error);
    assert_true(actr_id_equal(&id, &again));
}

static void what_is_no_id_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "acme",
                                      "1a2b",
                                      "1a2b@101",
                                      "1a2b@101:acme",
                                      "1a2b@101:+echo",
                                      "1a2b@101:acme+",
                                      "@101:acme+echo",
                                      "1a2b@:acme+echo",
                                      "xyz@101:acme+echo",
                                      "1a2b@4294967296:acme+echo",
                                      "10000000000000000@1:acme+echo",
                                      "-1@1:acme+echo",
                                      "1a2b@1a:acme+echo",
                                      "acme:echo@1a2b:",
                                      "acme:echo@:101",
                                      "acme@1a2b:101",
                                      ":echo@1a2b:101",
                                      "acme:@1a2b:101",
                                      "1@1:mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm+echo",
                                      "1@1:acme+nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        actr_id_t id;
        actr_error_t error = ACTR_ERROR_INIT;
        if (actr_id_parse(bad[i], &id, &error) == ACTR_OK) fail_msg("\"%s\" was accepted", bad[i]);
        assert_status(ACTR_STATUS_INVALID_NAME, error.status);
        assert_true(error.message[0] != '\0');
    }
    actr_type_t type;
    actr_id_t id;
    assert_status(ACTR_STATUS_INVALID_NAME, actr_type_parse("acme", &type, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_type_parse(NULL, &type, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_id_parse("1@1:a+b", NULL, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_id_parse(NULL, &id, NULL));
}

static void every_part_counts_for_equality(void **state)
{
    (void)state;
    actr_id_t other = echo;
    assert_true(actr_id_equal(&echo, &other));
    other.serial_number++;
    assert_false(actr_id_equal(&echo, &other));
    other = echo;
    other.realm++;
    assert_false(actr_id_equal(&echo, &other));
    other = echo;
    other.type.manufacturer[0] = 'b';
    assert_false(actr_id_equal(&echo, &other));
    other = echo;
    other.type.name[3] = 'x';
    assert_false(actr_id_equal(&echo, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_an_id_are_read_and_the_newer_is_written),
        cmocka_unit_test(both_forms_of_a_type_are_read),
        cmocka_unit_test(the_largest_id_fits_its_text),
        cmocka_unit_test(what_is_no_id_is_refused_by_name),
        cmocka_unit_test(every_part_counts_for_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
