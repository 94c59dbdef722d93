/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

/* Every enumerator of the header, read from the header: a new one without a name fails here. */
static void every_status_of_the_header_has_its_name(void **state)
{
    (void)state;
    FILE *header = fopen(ACTR_INCLUDE "/actr/status.h", "r");
    assert_non_null(header);
    char line[256], name[100];
    int value, seen = 0;
    while (fgets(line, sizeof line, header) != NULL) {
        if (sscanf(line, " %99[A-Z_] = %d,", name, &value) != 2) continue;
        seen++;
        assert_string_equal(actr_status_name((actr_status_t)value), name);
        const char *sentence = actr_status_str((actr_status_t)value);
        assert_true(strlen(sentence) > 3);
        assert_string_not_equal(sentence, "unknown status");
    }
    fclose(header);
    assert_true(seen >= 39);
}

static void names_and_values_are_not_used_twice(void **state)
{
    (void)state;
    for (int a = -200; a <= 10; a++) {
        const char *name = actr_status_name((actr_status_t)a);
        for (int b = a + 1; b <= 10; b++) {
            if (strcmp(name, "ACTR_STATUS_UNKNOWN") != 0) {
                assert_string_not_equal(name, actr_status_name((actr_status_t)b));
                assert_string_not_equal(actr_status_str((actr_status_t)a), actr_status_str((actr_status_t)b));
            }
        }
    }
}

static void an_unknown_status_has_words_too(void **state)
{
    (void)state;
    assert_string_equal(actr_status_name((actr_status_t)-9999), "ACTR_STATUS_UNKNOWN");
    assert_string_equal(actr_status_str((actr_status_t)7), "unknown status");
}

static void an_error_without_message_speaks_by_its_status(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_string_equal(actr_error_message(NULL), "");
    error.status = ACTR_STATUS_TIMEOUT;
    assert_string_equal(actr_error_message(&error), actr_status_str(ACTR_STATUS_TIMEOUT));
    (void)snprintf(error.message, sizeof error.message, "too late");
    assert_string_equal(actr_error_message(&error), "too late");
}

static void the_versions_agree(void **state)
{
    (void)state;
    char text[32];
    (void)snprintf(text, sizeof text, "%d.%d.%d", ACTR_VERSION_MAJOR, ACTR_VERSION_MINOR, ACTR_VERSION_PATCH);
    assert_string_equal(actr_version(), text);
    assert_int_equal(actr_version_number(), ACTR_VERSION_NUMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_of_the_header_has_its_name),
        cmocka_unit_test(names_and_values_are_not_used_twice),
        cmocka_unit_test(an_unknown_status_has_words_too),
        cmocka_unit_test(an_error_without_message_speaks_by_its_status),
        cmocka_unit_test(the_versions_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
