/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "check.h"
#include "oom.h"

#include <pthread.h>
#include <string.h>

static void a_copy_is_its_own(void **state)
{
    (void)state;
    char text[] = "hello";
    actr_buf_t *buf = actri_buf_copy(NULL, text, 5);
    text[0] = 'j';
    assert_int_equal(actr_buf_size(buf), 5);
    assert_memory_equal(actr_buf_data(buf), "hello", 5);
    actr_buf_release(buf);
    actr_buf_release(NULL);
    actr_buf_t *empty = actri_buf_copy(NULL, NULL, 0);
    assert_non_null(empty);
    assert_int_equal(actr_buf_size(empty), 0);
    actr_buf_release(empty);
}

static void a_window_narrows_and_may_be_empty(void **state)
{
    (void)state;
    actr_buf_t *buf = actri_buf_copy(NULL, "0123456789", 10);
    const uint8_t *data = actr_buf_data(buf);
    actri_buf_window(buf, data + 3, 4);
    assert_int_equal(actr_buf_size(buf), 4);
    assert_memory_equal(actr_buf_data(buf), "3456", 4);
    actri_buf_window(buf, data + 9, 1);
    assert_memory_equal(actr_buf_data(buf), "9", 1);
    actri_buf_window(buf, NULL, 0);
    assert_int_equal(actr_buf_size(buf), 0);
    actr_buf_release(buf);
}

static void a_buffer_outlives_what_it_was_made_with(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 0);
    actri_env_t *env = malloc(sizeof *env);
    assert_non_null(env);
    *env = oom.env;
    actr_buf_t *buf = actri_buf_copy(env, "x", 1);
    free(env);
    actr_buf_release(buf); /* to the allocator all the same */
    assert_int_equal(oom.alive, 0);
    assert_int_equal(oom.made, 1);
}

static void the_last_reference_frees(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 0);
    actr_buf_t *buf = actri_buf_new(&oom.env, 100);
    assert_ptr_equal(actr_buf_retain(buf), buf);
    actr_buf_release(buf);
    assert_int_equal(oom.alive, 1);
    actr_buf_release(buf);
    assert_int_equal(oom.alive, 0);
    oom_init(&oom, 1);
    assert_null(actri_buf_copy(&oom.env, "x", 1));
}

static void *retain_and_release(void *argument)
{
    actr_buf_t *buf = argument;
    for (int i = 0; i < 10000; i++) {
        (void)actr_buf_retain(buf);
        actr_buf_release(buf);
    }
    actr_buf_release(buf);
    return NULL;
}

static void references_are_counted_across_threads(void **state)
{
    (void)state;
    oom_t oom;
    oom_init(&oom, 0);
    pthread_t threads[4];
    actr_buf_t *buf = actri_buf_copy(&oom.env, "shared", 6);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, retain_and_release, actr_buf_retain(buf)), 0);
    }
    for (int i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
    assert_int_equal(oom.alive, 1);
    assert_memory_equal(actr_buf_data(buf), "shared", 6);
    actr_buf_release(buf);
    assert_int_equal(oom.alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(a_window_narrows_and_may_be_empty),
        cmocka_unit_test(a_buffer_outlives_what_it_was_made_with),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(references_are_counted_across_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
