/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"
#include "check.h"
#include "oom.h"
#include "proto/pbwire.h" /* actri_utf8_valid */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void size_zero_gives_a_block(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 0);
    void *blocks[] = {actri_alloc(&oom.env, 0), actri_zalloc(&oom.env, 0), actri_realloc(&oom.env, NULL, 0),
                      actri_memdup(&oom.env, NULL, 0), actri_alloc(NULL, 0)};
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(blocks[i]);
        actri_free(i < 4 ? &oom.env : NULL, blocks[i]);
    }
    assert_int_equal(oom.made, 4);
    assert_int_equal(oom.alive, 0);
}

static void copies_are_whole_and_terminated(void **state)
{
    (void)state;
    char *cut = actri_strndup(NULL, "abcdef", 3), *all = actri_strdup(NULL, "abc");
    char *made = actri_asprintf(NULL, "%s-%d", "x", 42);
    void *bytes = actri_memdup(NULL, "a\0b", 3);
    assert_string_equal(cut, "abc");
    assert_string_equal(all, "abc");
    assert_string_equal(made, "x-42");
    assert_memory_equal(bytes, "a\0b", 3);
    assert_null(actri_strdup(NULL, NULL));
    assert_null(actri_strndup(NULL, NULL, 5));
    actri_free(NULL, cut);
    actri_free(NULL, all);
    actri_free(NULL, made);
    actri_free(NULL, bytes);
    actri_free(NULL, NULL);
}

static void each_helper_survives_a_failed_allocation(void **state)
{
    (void)state;
    OOM_EACH(oom)
    {
        char *text = actri_strdup(&oom.env, "text");
        char *made = actri_asprintf(&oom.env, "%0200d", 7);
        void *copy = actri_memdup(&oom.env, "x", 1);
        void *zero = actri_zalloc(&oom.env, 100);
        void *more = actri_realloc(&oom.env, copy, 50);
        assert_int_equal((text == NULL) + (made == NULL) + (copy == NULL) + (zero == NULL) + (more == NULL),
                         oom.failed);
        if (more == NULL) more = copy; /* the old block stays valid */
        actri_free(&oom.env, text);
        actri_free(&oom.env, made);
        actri_free(&oom.env, zero);
        actri_free(&oom.env, more);
    }
}

static char logged[2000];
static int log_calls;
static void take_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    assert_ptr_equal(user, &log_calls);
    log_calls++;
    (void)snprintf(logged, sizeof logged, "%d %s %s", (int)level, area, line);
}

static void log_lines_pass_the_level_only(void **state)
{
    (void)state;
    actri_env_t env = {.log = take_line, .log_user = &log_calls, .log_level = ACTR_LOG_WARN};
    log_calls = 0;
    actri_info(&env, "wire", "not %d", 1);
    actri_error((actri_env_t *)NULL, "wire", "nobody listens");
    assert_int_equal(log_calls, 0);
    actri_warn(&env, "wire", "yes %d", 2);
    assert_string_equal(logged, "2 wire yes 2");
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    actri_error(&env, "wire", "%s", text);
    assert_true(strlen(logged) < 1040);
    assert_int_equal(log_calls, 2);
}

/* A formatter that counts how often it is asked. */
static const char *costly(int *asked)
{
    (*asked)++;
    return "a text that takes long to make";
}

/* known-faults 51: the level stands before the formatting, not beside it, and holds for whatever takes the lines. */
static void what_the_level_holds_back_is_not_even_made(void **state)
{
    (void)state;
    int asked = 0;
    actri_env_t env = {.log = take_line, .log_user = &log_calls};
    static const actr_log_level_t levels[] = {ACTR_LOG_ERROR, ACTR_LOG_WARN, ACTR_LOG_INFO, ACTR_LOG_DEBUG,
                                              ACTR_LOG_TRACE};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        env.log_level = levels[i];
        asked = log_calls = 0;
        actri_error(&env, "wire", "%s", costly(&asked));
        actri_warn(&env, "wire", "%s", costly(&asked));
        actri_info(&env, "wire", "%s", costly(&asked));
        actri_debug(&env, "wire", "%s", costly(&asked));
        actri_trace(&env, "wire", "%s", costly(&asked));
        assert_int_equal(asked, i + 1);
        assert_int_equal(log_calls, i + 1);
    }
    asked = 0;
    env.log = NULL; /* nobody takes them */
    actri_error(&env, "wire", "%s", costly(&asked));
    assert_int_equal(asked, 0);
}

static void a_line_break_of_a_peer_does_not_make_two_lines(void **state)
{
    (void)state;
    actri_env_t env = {.log = take_line, .log_user = &log_calls, .log_level = ACTR_LOG_WARN};
    actri_warn(&env, "wire", "peer says: %s", "a\nfake line\r\x1b[31m");
    assert_string_equal(logged, "2 wire peer says: a fake line  [31m");
    actr_error_t error = ACTR_ERROR_INIT;
    (void)actri_fail(&error, ACTR_STATUS_DECODE, "peer says: %s", "a\nb\tc\x7f");
    assert_string_equal(error.message, "peer says: a b c ");
}

static void fail_fills_and_returns(void **state)
{
    (void)state;
    actr_error_t error = {.remote_code = 5, .system_errno = 6};
    assert_status(ACTR_STATUS_IO, actri_fail(NULL, ACTR_STATUS_IO, "x"));
    assert_status(ACTR_STATUS_DECODE, actri_fail(&error, ACTR_STATUS_DECODE, "field %d", 3));
    assert_status(ACTR_STATUS_DECODE, error.status);
    assert_string_equal(error.message, "field 3");
    assert_int_equal(error.remote_code, 0);
    assert_int_equal(error.system_errno, 0);
    assert_status(ACTR_STATUS_IO, actri_fail(&error, ACTR_STATUS_IO, "again: %s", error.message));
    assert_string_equal(error.message, "again: field 3");
    assert_status(ACTR_STATUS_NO_MEMORY, actri_no_memory(&error));
    assert_string_equal(error.message, "out of memory");
}

static void errno_and_prefix_are_kept(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_IO, actri_fail_errno(&error, ACTR_STATUS_IO, ENOENT, "open %s", "a.toml"));
    assert_string_equal(error.message, "open a.toml: No such file or directory");
    assert_int_equal(error.system_errno, ENOENT);
    actri_error_prefix(&error, "%s", "Actr.toml");
    assert_string_equal(error.message, "Actr.toml: open a.toml: No such file or directory");
    actri_error_prefix(NULL, "nothing");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[1000];
    for (size_t offset = 0; offset < 4; offset++) { /* four-byte characters at every alignment */
        memset(text, 'a', offset);
        for (size_t at = offset; at + 4 < sizeof text; at += 4) memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        actr_error_t error = ACTR_ERROR_INIT;
        (void)actri_fail(&error, ACTR_STATUS_DECODE, "%s", text);
        assert_true(strlen(error.message) > ACTR_ERROR_MESSAGE_SIZE - 6);
        assert_true(actri_utf8_valid(actri_span_text(error.message)));
        actri_error_prefix(&error, "%s", text);
        assert_true(actri_utf8_valid(actri_span_text(error.message)));
        (void)actri_fail_errno(&error, ACTR_STATUS_IO, ENOENT, "%s", text);
        assert_true(actri_utf8_valid(actri_span_text(error.message)));
        assert_non_null(strstr(error.message, "No such file"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_zero_gives_a_block),
        cmocka_unit_test(copies_are_whole_and_terminated),
        cmocka_unit_test(each_helper_survives_a_failed_allocation),
        cmocka_unit_test(log_lines_pass_the_level_only),
        cmocka_unit_test(what_the_level_holds_back_is_not_even_made),
        cmocka_unit_test(a_line_break_of_a_peer_does_not_make_two_lines),
        cmocka_unit_test(fail_fills_and_returns),
        cmocka_unit_test(errno_and_prefix_are_kept),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
