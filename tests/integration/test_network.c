/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the network, said to real nodes: known-faults 50, 11, 13, 25. */
#include "fixture.h"

typedef struct results {
    fixture_node_t *n; /* its mutex guards the rest */
    unsigned ended, failed;
    actr_network_result_t last;
    actr_status_t status;
} results_t;

static void on_result(actr_status_t status, const actr_network_result_t *result, const actr_error_t *error, void *user)
{
    results_t *results = user;
    actri_lock(&results->n->mutex);
    results->failed += status != ACTR_OK;
    results->failed += (status == ACTR_OK) != (error == NULL);
    results->status = status;
    results->last = *result;
    results->ended++;
    actri_cond_broadcast(&results->n->changed);
    actri_unlock(&results->n->mutex);
}

static void say(results_t *results, actr_network_event_t event)
{
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actr_ref_network_event(results->n->ref, event, on_result, results, &error), &error);
}

static void a_storm_gives_one_action_and_each_its_result(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "one", 0, &error), &error);
    for (int round = 0; round < 2; round++) {
        results_t results = {.n = round == 0 ? &a : &b}; /* who offered, and who answered */
        for (int tries = 0; tries < 5 && results.last.events != 60;
             tries++) { /* a machine that stands still for 0.4 s */
            results.ended = 0;
            for (int i = 0; i < 20; i++) {
                say(&results, ACTR_NETWORK_LOST);
                say(&results, ACTR_NETWORK_AVAILABLE);
                say(&results, ACTR_NETWORK_CHANGED);
            }
            fixture_wait(results.n, &results.ended, 60);
        }
        assert_int_equal(results.failed, 0);
        assert_int_equal(results.last.action, ACTR_NETWORK_RESTORED);
        assert_int_equal(results.last.events, 60);
        assert_int_equal(results.last.peers, 1);
        assert_false(results.last.reconnected); /* the server answered */
        assert_ok(fixture_call(&a, &to_b, "x.Echo", "two", 0, &error), &error);
    }
    assert_int_equal(a.peers_closed + b.peers_closed, 0);
    assert_int_equal(a.peers_connected, 1);
    assert_int_equal(a.signaling_connected + b.signaling_connected, 2);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* The server is gone for longer than the first pauses; once it is back, a word is enough. */
static void a_word_brings_the_link_back_at_once(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    char listen[64];
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", actri_server_port(f.server));
    actri_server_free(f.server);
    results_t results = {.n = &a};
    say(&results, ACTR_NETWORK_AVAILABLE); /* nobody there: said, and tried again */
    fixture_wait(&a, &results.ended, 1);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, results.status);
    assert_int_equal(results.last.action, ACTR_NETWORK_CHECKED);
    actri_server_options_t options = {.listen = listen};
    assert_ok(actri_server_new(&options, &f.server, &error), &error);
    say(&results, ACTR_NETWORK_AVAILABLE);
    fixture_wait(&a, &results.ended, 2);
    assert_status(ACTR_OK, results.status);
    fixture_wait(&a, &a.signaling_connected, 2);
    fixture_stop(&a);
    fixture_close(&f);
}

/* What is closed to begin anew is made again for the next call; a call on its way is made again as after any loss. */
static void a_clean_up_begins_anew(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "one", 0, &error), &error);
    results_t results = {.n = &a};
    say(&results, ACTR_NETWORK_CLEANUP);
    say(&results, ACTR_NETWORK_AVAILABLE);
    fixture_wait(&a, &results.ended, 2);
    assert_int_equal(results.failed, 0);
    assert_int_equal(results.last.action, ACTR_NETWORK_CLEANED);
    assert_int_equal(results.last.peers, 1);
    fixture_wait(&a, &a.peers_closed, 1);
    fixture_wait(&b, &b.peers_closed, 1);
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "two", 0, &error), &error);
    fixture_wait(&a, &a.peers_connected, 2);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* Told before the node is gone, in a turn as all else; those that come too late are refused. */
static void a_shutdown_ends_what_waits(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    results_t results = {.n = &a};
    for (int i = 0; i < 100; i++) say(&results, ACTR_NETWORK_CHANGED);
    actr_ref_shutdown(a.ref);
    assert_ok(actr_ref_wait_for_shutdown(a.ref, 20000, &error), &error);
    assert_int_equal(results.ended, 100);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, results.status);
    assert_status(ACTR_STATUS_SHUTTING_DOWN,
                  actr_ref_network_event(a.ref, ACTR_NETWORK_LOST, on_result, &results, &error));
    assert_int_equal(results.ended, 100);
    fixture_stop(&a);
    fixture_close(&f);
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ref_network_event(NULL, ACTR_NETWORK_LOST, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ref_network_event(a.ref, (actr_network_event_t)0, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_ref_network_event(a.ref, (actr_network_event_t)7, NULL, NULL, &error));
    actr_status_t status = ACTR_OK;
    unsigned taken = 0;
    while ((status = actr_ref_network_event(a.ref, ACTR_NETWORK_LOST, NULL, NULL, &error)) == ACTR_OK && taken < 10000)
        taken++;
    assert_true(taken >= 4096); /* a batch may have ended meanwhile */
    if (taken < 10000) assert_status(ACTR_STATUS_LIMIT_REACHED, status);
    fixture_stop(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_gives_one_action_and_each_its_result),
        cmocka_unit_test(a_word_brings_the_link_back_at_once),
        cmocka_unit_test(a_clean_up_begins_anew),
        cmocka_unit_test(a_shutdown_ends_what_waits),
        cmocka_unit_test(what_is_no_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
