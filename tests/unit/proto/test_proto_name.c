/* SPDX-License-Identifier: Apache-2.0 */
/* Names of packages, services and methods against the reference's answers. */
#include "check.h"

#include "json_vectors.h"
#include "proto/proto_name.h"

static void every_recorded_name_is_judged_alike(void **state)
{
    (void)state;
    static const struct {
        const char *table;
        actri_proto_name_t kind;
    } tables[] = {{"package_names", ACTRI_PROTO_PACKAGE},
                  {"service_names", ACTRI_PROTO_SERVICE},
                  {"method_names", ACTRI_PROTO_METHOD}};
    json_t *all = load_vectors("names.json"), *row;
    size_t number, wrong = 0, run = 0;
    for (int level = 0; level < 2; level++) {
        for (size_t i = 0; i < 3; i++) {
            json_array_foreach(name_rows(all, levels[level], tables[i].table), number, row)
            {
                json_t *input = json_object_get(row, "input");
                actr_error_t error = ACTR_ERROR_INIT;
                actr_status_t status =
                    actri_proto_name_check(tables[i].kind, json_string_value(input), json_string_length(input), &error);
                run++;
                if ((status == ACTR_OK) == is_ok(row)) continue;
                print_error("%s: \"%s\": %s\n", tables[i].table, json_string_value(input), error.message);
                wrong++;
            }
        }
    }
    print_message("proto names: %zu run, %zu wrong\n", run, wrong);
    assert_int_equal(2 * (45 + 30 + 21), run);
    assert_int_equal(0, wrong);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recorded_name_is_judged_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
