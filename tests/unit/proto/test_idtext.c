/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of types and ids, with the reference's recorded answers at both levels. */
#include "check.h"

#include "json_vectors.h"
#include "proto/idcodec.h"
#include "proto/idtext.h"

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

static json_t *type_json(const actr_type_t *type)
{
    return json_pack("{s:s, s:s}", "manufacturer", type->manufacturer, "name", type->name);
}

/* One parser reads what either level reads; texts that neither does are refused. */
static bool read_at_some_level(json_t *all, const char *table, const char *input)
{
    bool read = false;
    for (int level = 0; level < 2; level++) {
        size_t number;
        json_t *row;
        json_array_foreach(name_rows(all, levels[level], table), number, row)
        {
            if (strcmp(member(row, "input"), input) == 0) read = read || is_ok(row);
        }
    }
    return read;
}

/* Dots (L7) with a colon (L6); and ids of one level that only the other level's list has, as bad examples. */
static bool is_ours_alone(const char *input)
{
    static const char *const ours[] = {"a.b:c.d", "1a2b3c@101:acme+echo", "acme:echo@1:1"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(ours[i], input) == 0) return true;
    }
    return false;
}

static size_t check_types(json_t *all, int level)
{
    size_t number;
    json_t *row;
    json_array_foreach(name_rows(all, levels[level], "type_parse"), number, row)
    {
        const char *input = member(row, "input");
        actr_type_t type;
        char text[ACTR_TYPE_TEXT_SIZE];
        bool read = actr_type_parse(input, &type, NULL) == ACTR_OK;
        if (read != (read_at_some_level(all, "type_parse", input) || is_ours_alone(input)))
            fail_msg("\"%s\" is %s", input, read ? "read" : "refused");
        if (!read || !is_ok(row)) continue;
        json_t *got = type_json(&type);
        assert_true(json_equal(got, json_object_get(row, "type")));
        json_decref(got);
        assert_string_equal(member(row, "text"),
                            level == 0 ? actri_type_print_l6(&type, text) : actr_type_print(&type, text));
    }
    return number;
}

static size_t check_ids(json_t *all, int level)
{
    size_t number;
    json_t *row;
    json_array_foreach(name_rows(all, levels[level], "id_parse"), number, row)
    {
        const char *input = member(row, "input");
        actr_id_t id;
        char text[ACTR_ID_TEXT_SIZE], serial[32];
        bool read = actr_id_parse(input, &id, NULL) == ACTR_OK;
        if (read != (read_at_some_level(all, "id_parse", input) || is_ours_alone(input)))
            fail_msg("\"%s\" is %s", input, read ? "read" : "refused");
        if (!read || !is_ok(row)) continue;
        (void)snprintf(serial, sizeof serial, "%llu", (unsigned long long)id.serial_number);
        assert_string_equal(member(row, "serial_number"), serial);
        assert_int_equal(json_integer_value(json_object_get(row, "realm")), id.realm);
        assert_string_equal(member(row, "text"), level == 0 ? actri_id_print_l6(&id, text) : actr_id_print(&id, text));
    }
    return number;
}

static void fill_type(json_t *row, actr_type_t *type)
{
    json_t *from = json_object_get(row, "type");
    memset(type, 0, sizeof *type);
    (void)snprintf(type->manufacturer, sizeof type->manufacturer, "%s", member(from, "manufacturer"));
    (void)snprintf(type->name, sizeof type->name, "%s", member(from, "name"));
}

static size_t check_prints(json_t *all, int level)
{
    size_t number, types;
    json_t *row;
    char text[ACTR_ID_TEXT_SIZE];
    json_array_foreach(name_rows(all, levels[level], "type_print"), types, row)
    {
        actr_type_t type;
        fill_type(row, &type);
        assert_string_equal(member(row, "text"),
                            level == 0 ? actri_type_print_l6(&type, text) : actr_type_print(&type, text));
    }
    json_array_foreach(name_rows(all, levels[level], "id_print"), number, row)
    {
        actr_id_t id = {.realm = (uint32_t)json_integer_value(json_object_get(row, "realm")),
                        .serial_number = strtoull(member(row, "serial_number"), NULL, 10)};
        uint8_t wire[ACTRI_ID_BYTES_MAX];
        size_t size;
        fill_type(row, &id.type);
        assert_string_equal(member(row, "text"), level == 0 ? actri_id_print_l6(&id, text) : actr_id_print(&id, text));
        uint8_t *expected = hex_member(row, "wire_hex", &size);
        assert_int_equal(size, actri_id_encode(&id, wire));
        assert_memory_equal(expected, wire, size);
        free(expected);
    }
    return number + types;
}

static void every_recorded_type_and_id_is_read_and_printed_alike(void **state)
{
    (void)state;
    json_t *all = load_vectors("names.json");
    size_t types = check_types(all, 0) + check_types(all, 1), ids = check_ids(all, 0) + check_ids(all, 1);
    size_t prints = check_prints(all, 0) + check_prints(all, 1);
    print_message("types and ids: %zu types, %zu ids, %zu printed; of what a list refuses we read 3\n", types, ids,
                  prints);
    assert_int_equal(72, types);
    assert_int_equal(69, ids);
    assert_int_equal(22, prints);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_an_id_are_read_and_the_newer_is_written),
        cmocka_unit_test(both_forms_of_a_type_are_read),
        cmocka_unit_test(the_largest_id_fits_its_text),
        cmocka_unit_test(what_is_no_id_is_refused_by_name),
        cmocka_unit_test(every_part_counts_for_equality),
        cmocka_unit_test(every_recorded_type_and_id_is_read_and_printed_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
