/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "lifecycle/load.h"

static void each_line_of_the_table(void **state)
{
    (void)state;
    static const struct {
        float reserve, backlog;
        uint32_t availability;
    } rows[] = {
        {5.0f, 0.0f, 0}, {4.21f, 0.49f, 0}, {4.2f, 0.0f, 1},   {5.0f, 0.5f, 1}, {3.01f, 0.79f, 1},
        {3.0f, 0.0f, 2}, {5.0f, 0.8f, 2},   {1.81f, 0.94f, 2}, {1.8f, 0.0f, 3}, {5.0f, 0.95f, 3},
        {5.0f, 1.0f, 3}, {0.0f, 0.0f, 3},   {2.0f, 0.0f, 2},   {4.0f, 0.0f, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].availability, actri_load_availability(rows[i].reserve, rows[i].backlog));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_line_of_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
