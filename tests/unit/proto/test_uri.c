/* SPDX-License-Identifier: Apache-2.0 */
/* actr:// in both grammars, against the reference's answers. */
#include "check.h"

#include "json_vectors.h"

static size_t wrong;

static void differs(const char *what, const char *input, const char *got)
{
    print_error("%s: \"%s\": %s\n", what, input, got);
    wrong++;
}

static bool same(json_t *row, const char *name, const char *got)
{
    const char *expected = member(row, name);
    return expected == NULL ? got == NULL : got != NULL && strcmp(expected, got) == 0;
}

static void check_new(json_t *row)
{
    actr_uri_t uri;
    char text[1200];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actr_uri_parse(member(row, "input"), &uri, &error);
    if ((status == ACTR_OK) != is_ok(row)) differs("uri", member(row, "input"), error.message);
    if (status != ACTR_OK) return;
    (void)actr_uri_print(&uri, text, sizeof text);
    bool fits = same(row, "manufacturer", uri.manufacturer) && same(row, "name", uri.name) &&
                same(row, "version", uri.version) && same(row, "text", text) &&
                uri.realm == json_integer_value(json_object_get(row, "realm"));
    if (!fits) differs("uri", member(row, "input"), text);
}

static void check_old(json_t *row)
{
    actr_old_uri_t uri;
    char text[1200];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actr_old_uri_parse(member(row, "input"), &uri, &error);
    if ((status == ACTR_OK) != is_ok(row)) differs("old uri", member(row, "input"), error.message);
    if (status != ACTR_OK) return;
    (void)actr_old_uri_print(&uri, text, sizeof text);
    json_t *query = json_object();
    for (size_t i = 0; i < uri.param_count; i++)
        json_object_set_new(query, uri.params[i].key, json_string(uri.params[i].value));
    bool fits = same(row, "authority", uri.authority) && same(row, "path", uri.has_path ? uri.path : NULL) &&
                json_equal(query, json_object_get(row, "query")) &&
                (member(row, "text") == NULL || same(row, "text", text));
    if (!fits) differs("old uri", member(row, "input"), text);
    json_decref(query);
}

static void print_old(json_t *row)
{
    actr_old_uri_t uri = {.has_path = member(row, "path") != NULL};
    char text[1200];
    const char *key;
    json_t *value;
    (void)snprintf(uri.authority, sizeof uri.authority, "%s", member(row, "authority"));
    (void)snprintf(uri.path, sizeof uri.path, "%s", uri.has_path ? member(row, "path") : "");
    json_object_foreach(json_object_get(row, "query"), key, value)
    {
        (void)snprintf(uri.params[uri.param_count].key, ACTR_URI_PART_SIZE, "%s", key);
        (void)snprintf(uri.params[uri.param_count++].value, ACTR_URI_PART_SIZE, "%s", json_string_value(value));
    }
    (void)actr_old_uri_print(&uri, text, sizeof text);
    if (!same(row, "text", text)) differs("print", member(row, "text"), text);
}

static void print_new(json_t *row)
{
    actr_uri_t uri;
    char text[1200];
    uint32_t realm = (uint32_t)json_integer_value(json_object_get(row, "realm"));
    assert_ok(
        actr_uri_make(realm, member(row, "manufacturer"), member(row, "name"), member(row, "version"), &uri, NULL),
        NULL);
    size_t size = actr_uri_print(&uri, text, sizeof text);
    assert_int_equal(strlen(text), size);
    if (!same(row, "text", text)) differs("print", member(row, "text"), text);
}

/* What the builder was given is a list of words. */
static void build_new(json_t *row)
{
    const char *given = member(row, "given");
    actr_uri_t uri;
    char text[1200];
    actr_status_t status = actr_uri_make(1, strstr(given, "manufacturer") != NULL ? "a" : NULL,
                                         strstr(given, "name") != NULL ? "b" : NULL, NULL, &uri, NULL);
    if ((status == ACTR_OK) != (member(row, "text") != NULL)) differs("builder", given, actr_status_name(status));
    if (status != ACTR_OK) return;
    (void)actr_uri_print(&uri, text, sizeof text);
    if (!same(row, "text", text)) differs("builder", given, text);
}

/* The older builder is the struct itself; that it has no authority can not be said in C. */
static size_t build_old(json_t *all)
{
    size_t number, run = 0;
    json_t *row;
    json_array_foreach(name_rows(all, levels[0], "uri_builder"), number, row)
    {
        if (member(row, "authority") == NULL) continue;
        print_old(row);
        run++;
    }
    return run;
}

static size_t each(json_t *all, int level, const char *table, void (*check)(json_t *))
{
    size_t number;
    json_t *row;
    json_array_foreach(name_rows(all, levels[level], table), number, row) check(row);
    return number;
}

static void every_recorded_uri_is_read_and_printed_alike(void **state)
{
    (void)state;
    json_t *all = load_vectors("names.json");
    wrong = 0;
    size_t run = each(all, 0, "uri_parse", check_old) + each(all, 0, "uri_print", print_old);
    run += each(all, 1, "uri_parse", check_new) + each(all, 1, "uri_print", print_new);
    run += each(all, 1, "uri_builder", build_new) + build_old(all);
    print_message("uris: %zu run, %zu wrong; not run: 1, the older builder without an authority, which a struct has\n",
                  run, wrong);
    assert_int_equal(50 + 11 + 42 + 3 + 4 + 1, run);
    assert_int_equal(0, wrong);
    json_decref(all);
}

static void too_long_parts_are_refused(void **state)
{
    (void)state;
    char text[4096];
    actr_uri_t uri;
    actr_old_uri_t old;
    (void)snprintf(text, sizeof text, "actr://1:a+b@%0300d", 1);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_uri_parse(text, &uri, NULL));
    (void)snprintf(text, sizeof text, "actr://%0300d", 1);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_old_uri_parse(text, &old, NULL));
    (void)snprintf(text, sizeof text, "actr://a/%01100d", 1);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_old_uri_parse(text, &old, NULL));
    size_t at = (size_t)snprintf(text, sizeof text, "actr://a?");
    for (int i = 0; i <= ACTR_URI_PARAMS_MAX; i++) at += (size_t)snprintf(text + at, sizeof text - at, "k%d&", i);
    assert_status(ACTR_STATUS_LIMIT_REACHED, actr_old_uri_parse(text, &old, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_uri_parse(NULL, &uri, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_old_uri_parse("actr://a", NULL, NULL));
}

static void printing_into_too_little_room_is_cut(void **state)
{
    (void)state;
    actr_old_uri_t uri = {.authority = "acme", .has_path = true, .path = "x"};
    char text[8];
    assert_int_equal(strlen("actr://acme/x"), actr_old_uri_print(&uri, text, sizeof text));
    assert_string_equal("actr://", text);
    assert_int_equal(strlen("actr://acme/x"), actr_old_uri_print(&uri, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recorded_uri_is_read_and_printed_alike),
                                       cmocka_unit_test(too_long_parts_are_refused),
                                       cmocka_unit_test(printing_into_too_little_room_is_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
