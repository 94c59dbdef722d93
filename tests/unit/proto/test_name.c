/* SPDX-License-Identifier: Apache-2.0 */
/* The name rule against the reference's answers, at both levels. */
#include "check.h"

#include "json_vectors.h"
#include "proto/name.h"

static void every_recorded_name_is_judged_alike(void **state)
{
    (void)state;
    json_t *all = load_vectors("names.json"), *row;
    size_t number, wrong = 0, run = 0, good = 0;
    for (int level = 0; level < 2; level++) {
        json_array_foreach(name_rows(all, levels[level], "names"), number, row)
        {
            json_t *input = json_object_get(row, "input");
            actr_error_t error = ACTR_ERROR_INIT;
            actr_status_t status = actri_name_check(json_string_value(input), json_string_length(input),
                                                    level == 0 ? ACTRI_NAME_L6 : ACTRI_NAME_L7, "name", &error);
            run++;
            good += is_ok(row);
            if ((status == ACTR_OK) == is_ok(row) && (status == ACTR_OK || status == ACTR_STATUS_INVALID_NAME))
                continue;
            print_error("%s: \"%s\": %s\n", levels[level], json_string_value(input), error.message);
            wrong++;
        }
    }
    print_message("names: %zu run, %zu of them names, %zu wrong\n", run, good, wrong);
    assert_int_equal(2 * 74, run);
    assert_int_equal(0, wrong);
    json_decref(all);
}

static void a_refusal_says_which_character(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_INVALID_NAME, actri_name_check("a b", 3, ACTRI_NAME_L7, "manufacturer", &error));
    assert_non_null(strstr(error.message, "the manufacturer \"a b\""));
    assert_status(ACTR_STATUS_INVALID_NAME, actri_name_check("a\xff", 2, ACTRI_NAME_L7, "name", &error));
    assert_non_null(strstr(error.message, "not UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recorded_name_is_judged_alike),
                                       cmocka_unit_test(a_refusal_says_which_character)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
