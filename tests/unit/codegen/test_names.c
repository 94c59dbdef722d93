/* SPDX-License-Identifier: Apache-2.0 */
/* Names, against what the reference's generator derives (vectors/codegen/facts.json) and against protobuf-c's scheme.
 */
#include "check.h"

#include "codegen/names.h"

#include <jansson.h>
#include <string.h>

static void test_snake_case_is_the_reference_s(void **state)
{
    (void)state;
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    json_t *facts = json_load_file(ACTR_VECTORS "/codegen/facts.json", 0, NULL);
    json_t *handler;
    const char *method;
    unsigned seen = 0;
    json_object_foreach(json_object_get(facts, "method_to_handler"), method, handler)
    {
        assert_string_equal(name_snake(&arena, method), json_string_value(handler));
        seen++;
    }
    assert_true(seen >= 30);
    assert_string_equal(name_snake(&arena, "a.b_c.DService"), "a_b_c_d_service");
    assert_string_equal(name_snake(&arena, "_"), "");
    json_decref(facts);
    actri_arena_clear(&arena);
}

static void test_messages_as_protobuf_c_names_them(void **state)
{
    (void)state;
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    assert_string_equal(name_message(&arena, "My.pkg_a.b2.HTTPReq2"), "My__PkgA__B2__HTTPReq2");
    assert_string_equal(name_message_prefix(&arena, "My.pkg_a.b2.HTTPReq2"), "my__pkg_a__b2__httpreq2");
    assert_string_equal(name_message(&arena, "a.In_ner"), "A__InNer");
    assert_string_equal(name_message_prefix(&arena, "a.In_ner"), "a__in_ner");
    assert_string_equal(name_message(&arena, "_x"), "X");
    assert_string_equal(name_message_prefix(&arena, "_x"), "_x");
    actri_arena_clear(&arena);
}

static void test_members_and_files(void **state)
{
    (void)state;
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    assert_string_equal(name_member(&arena, "new"), "new_");
    assert_string_equal(name_member(&arena, "xor_eq"), "xor_eq_");
    assert_string_equal(name_member(&arena, "user"), "user_");
    assert_string_equal(name_member(&arena, "news"), "news");
    assert_string_equal(name_member(&arena, "_Bool"), "_Bool_");
    assert_string_equal(name_field(&arena, "noexcept"), "noexcept_");
    assert_string_equal(name_field(&arena, "Static_Assert"), "Static_Assert_");
    assert_null(name_field(&arena, "class")); /* protobuf-c does it */
    assert_null(name_field(&arena, "noexcepts"));
    assert_null(name_field(&arena, ""));
    assert_string_equal(name_member(&arena, "1st"), "_1st");
    assert_string_equal(name_stem(&arena, "dir/a.proto"), "dir/a");
    assert_string_equal(name_stem(&arena, "proto"), "proto");
    assert_string_equal(name_guard(&arena, "dir/a-b.proto"), "ACTR_DIR_A_B_PROTO_H");
    actri_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snake_case_is_the_reference_s),
        cmocka_unit_test(test_messages_as_protobuf_c_names_them),
        cmocka_unit_test(test_members_and_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
