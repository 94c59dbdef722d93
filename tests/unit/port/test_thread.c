/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "port/clock.h"
#include "port/thread.h"

#include <signal.h>
#include <string.h>

typedef struct shared {
    actri_mutex_t mutex;
    actri_cond_t changed;
    actri_thread_t thread;
    bool ready, is_self, go;
    int blocked; /* of the signals that a library thread must not take */
} shared_t;

static void run(void *argument)
{
    shared_t *shared = argument;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    actri_lock(&shared->mutex);
    shared->blocked = sigismember(&mask, SIGINT) + sigismember(&mask, SIGTERM) + sigismember(&mask, SIGALRM);
    while (!shared->go) (void)actri_cond_wait(&shared->changed, &shared->mutex, ACTRI_NEVER);
    shared->is_self = actri_thread_is_self(&shared->thread);
    shared->ready = true;
    actri_cond_broadcast(&shared->changed);
    actri_unlock(&shared->mutex);
}

static void a_thread_runs_with_signals_blocked(void **state)
{
    (void)state;
    shared_t shared;
    memset(&shared, 0, sizeof shared);
    actri_mutex_init(&shared.mutex);
    actri_cond_init(&shared.changed);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_thread_start(&shared.thread, "actr-test", run, &shared, &error), &error);
    assert_false(actri_thread_is_self(&shared.thread));
    actri_lock(&shared.mutex);
    shared.go = true;
    actri_cond_signal(&shared.changed);
    while (!shared.ready) (void)actri_cond_wait(&shared.changed, &shared.mutex, ACTRI_NEVER);
    actri_unlock(&shared.mutex);
    actri_thread_join(&shared.thread);
    assert_true(shared.is_self);
    assert_int_equal(shared.blocked, 3);
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGINT), 0);
    actri_cond_destroy(&shared.changed);
    actri_mutex_destroy(&shared.mutex);
}

static void a_deadline_in_the_past_ends_the_wait(void **state)
{
    (void)state;
    actri_mutex_t mutex;
    actri_cond_t cond;
    actri_mutex_init(&mutex);
    actri_cond_init(&cond);
    actri_lock(&mutex);
    assert_false(actri_cond_wait(&cond, &mutex, 0));
    assert_false(actri_cond_wait(&cond, &mutex, actri_now_ns()));
    assert_false(actri_cond_wait(&cond, &mutex, -1));
    actri_unlock(&mutex);
    actri_cond_destroy(&cond);
    actri_mutex_destroy(&mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_runs_with_signals_blocked),
        cmocka_unit_test(a_deadline_in_the_past_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
