/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a node's life: every way through it, and no other. */
#include "check.h"
#include "lifecycle/node_fsm.h"
#include "rng.h"

#include <stdio.h>
#include <string.h>

/* Feeds events, separated by commas as their names are written; the last state's name. */
static const char *after(const char *events)
{
    actri_node_state_t state = ACTRI_NODE_NEW;
    char text[200];
    (void)snprintf(text, sizeof text, "%s", events);
    char *rest = text, *word;
    while ((word = strsep(&rest, ",")) != NULL) {
        int event = 0;
        while (event < ACTRI_NODE_EVENTS && strcmp(actri_node_event_name((actri_node_event_t)event), word) != 0)
            event++;
        assert_true(event < ACTRI_NODE_EVENTS);
        actri_node_step_t step = actri_node_fsm_step(state, (actri_node_event_t)event);
        if (!step.expected) fail_msg("%s is not expected while %s", word, actri_node_state_name(state));
        state = step.next;
    }
    return actri_node_state_name(state);
}

static void ways_through(void **state)
{
    (void)state;
    assert_string_equal(after("start,registered,started,opened"), "running");
    assert_string_equal(after("start,registered,started,opened,shutdown,drained,on_stop ran,closed"), "stopped");
    assert_string_equal(after("start,registered,started,opened,shutdown,held,closed"), "stopped");
    assert_string_equal(after("start,failed,undone,start,registered,failed,undone"), "new");
    assert_string_equal(after("start,registered,started,failed,undone"), "new");
}

/* What a state does not expect changes nothing: above all, a node is started once, and again only when that failed. */
static void only_a_new_node_is_started(void **state)
{
    (void)state;
    for (int s = 0; s < ACTRI_NODE_STATES; s++) {
        for (int e = 0; e < ACTRI_NODE_EVENTS; e++) {
            actri_node_step_t step = actri_node_fsm_step((actri_node_state_t)s, (actri_node_event_t)e);
            if (e == ACTRI_NODE_START) assert_int_equal(step.expected, s == ACTRI_NODE_NEW);
            if (s == ACTRI_NODE_STOPPED && e != ACTRI_NODE_SHUTDOWN) assert_false(step.expected);
            if (step.expected) continue;
            assert_int_equal(step.next, s);
            assert_int_equal(step.action, ACTRI_NODE_NOTHING);
        }
    }
}

/* A second shutdown does nothing, whenever it comes. */
static void a_shutdown_is_harmless_everywhere(void **state)
{
    (void)state;
    for (int s = 0; s < ACTRI_NODE_STATES; s++) {
        actri_node_step_t step = actri_node_fsm_step((actri_node_state_t)s, ACTRI_NODE_SHUTDOWN);
        bool drains = s == ACTRI_NODE_RUNNING;
        assert_int_equal(step.action == ACTRI_NODE_DRAIN, drains);
        if (!drains) assert_int_equal(step.next, s);
        if (s != ACTRI_NODE_NEW) assert_true(step.expected);
    }
    assert_string_equal(after("start,shutdown,registered,shutdown,started,shutdown,opened"), "running");
}

/* What the workload may hear: on_start, then on_stop if on_start said yes, never twice, never anything after. */
static void hooks_are_legal_on_every_way(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        rng_t rng = {seed};
        actri_node_state_t at = ACTRI_NODE_NEW;
        bool started = false;
        for (int i = 0; i < 60; i++) {
            actri_node_step_t step = actri_node_fsm_step(at, (actri_node_event_t)rng_below(&rng, ACTRI_NODE_EVENTS));
            if (step.action == ACTRI_NODE_RUN_START) assert_false(started);
            if (at == ACTRI_NODE_STARTING && step.next == ACTRI_NODE_OPENING) started = true;
            bool stops = step.action == ACTRI_NODE_RUN_STOP || step.action == ACTRI_NODE_UNDO_STARTED;
            if (stops) assert_true(started);
            if (stops || step.action == ACTRI_NODE_GIVE_UP) started = false;
            if (step.next == ACTRI_NODE_NEW || step.next == ACTRI_NODE_STOPPED) assert_false(started);
            at = step.next;
        }
    }
}

static void names_are_there(void **state)
{
    (void)state;
    for (int i = 0; i < ACTRI_NODE_STATES; i++) assert_non_null(actri_node_state_name((actri_node_state_t)i));
    for (int i = 0; i < ACTRI_NODE_EVENTS; i++) assert_non_null(actri_node_event_name((actri_node_event_t)i));
    assert_false(actri_node_is_open(ACTRI_NODE_NEW));
    assert_false(actri_node_is_open(ACTRI_NODE_STOPPED));
    assert_true(actri_node_is_open(ACTRI_NODE_STARTING)); /* on_start may call */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_through),
        cmocka_unit_test(only_a_new_node_is_started),
        cmocka_unit_test(a_shutdown_is_harmless_everywhere),
        cmocka_unit_test(hooks_are_legal_on_every_way),
        cmocka_unit_test(names_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
