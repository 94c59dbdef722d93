/* SPDX-License-Identifier: Apache-2.0 */
/* What every CMocka test includes, in the order that CMocka wants, with helpers of ours. */
#ifndef ACTR_TESTS_CHECK_H
#define ACTR_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <actr/actr.h>

/* Fails with the error's own words. */
#define assert_ok(status, error)                                                                                       \
    do {                                                                                                               \
        actr_status_t status_ = (status);                                                                              \
        if (status_ != ACTR_OK) fail_msg("%s: %s", actr_status_name(status_), actr_error_message(error));              \
    } while (0)
#define assert_status(expected, status) assert_string_equal(actr_status_name(expected), actr_status_name(status))

#endif
