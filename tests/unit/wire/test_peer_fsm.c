/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a peer's life: every state x event, and random walks through it with what must hold at each step.
 * The walk keeps the little that the coordinator keeps beside the table: a connection, and whether it was told.
 */
#include "check.h"
#include "rng.h"
#include "wire/peer_fsm.h"

#include <string.h>

#define EACH(kind, name, count) for (kind name = (kind)0; name < (count); name = (kind)(name + 1))
#define EACH_STATE(state) EACH(actri_peer_state_t, state, ACTRI_PEER_STATES)
#define EACH_EVENT(event) EACH(actri_peer_event_t, event, ACTRI_PEER_EVENTS)

enum { MAKES = ACTRI_PEER_MAKE_OFFER | ACTRI_PEER_MAKE_ANSWER };

static bool has_connection(actri_peer_state_t state)
{
    return state == ACTRI_PEER_OFFERING || state == ACTRI_PEER_ANSWERING || state == ACTRI_PEER_CONNECTED ||
           state == ACTRI_PEER_RECOVERING;
}

static bool is_up(actri_peer_state_t state)
{
    return state == ACTRI_PEER_CONNECTED || state == ACTRI_PEER_RECOVERING;
}

/* Events that only a connection can bring, and those that a description needs. */
static bool needs_connection(actri_peer_event_t event)
{
    return event == ACTRI_PEER_UP || event == ACTRI_PEER_SILENT || event == ACTRI_PEER_ENDED ||
           event == ACTRI_PEER_ENDED_UNWANTED;
}

static void rule(bool holds, const char *words, actri_peer_state_t state, actri_peer_event_t event)
{
    if (!holds) fail_msg("%s: %s while %s", words, actri_peer_event_name(event), actri_peer_state_name(state));
}

static void check_step(actri_peer_state_t state, actri_peer_event_t event, actri_peer_step_t s)
{
    bool drops = (s.actions & ACTRI_PEER_DROP) != 0;
    bool down = (s.actions & ACTRI_PEER_TELL_DOWN) != 0, failed = (s.actions & ACTRI_PEER_TELL_FAILED) != 0;
    rule(!drops || has_connection(state), "dropped what is not there", state, event);
    rule((s.actions & MAKES) == 0 || drops || !has_connection(state), "a second connection", state, event);
    rule((s.actions & MAKES) != MAKES, "offer and answer at once", state, event);
    rule(has_connection(s.next) || drops || !has_connection(state), "a connection without state", state, event);
    rule(!has_connection(s.next) || (s.actions & MAKES) != 0 || (has_connection(state) && !drops),
         "a state without connection", state, event);
    rule(down == (is_up(state) && drops), "told down without an end, or an end not told", state, event);
    rule(is_up(s.next) == (is_up(state) && !drops) || event == ACTRI_PEER_UP, "up without being told", state, event);
    rule(((s.actions & ACTRI_PEER_TELL_UP) != 0) == (s.next == ACTRI_PEER_CONNECTED && state != ACTRI_PEER_CONNECTED),
         "told up not once", state, event);
    rule(((s.actions & ACTRI_PEER_TELL_SILENT) != 0) ==
             (s.next == ACTRI_PEER_RECOVERING && state == ACTRI_PEER_CONNECTED),
         "told silent not once", state, event);
    rule(!failed || (s.next == ACTRI_PEER_IDLE && !is_up(state)), "told failed while going on", state, event);
    rule(!(s.next == ACTRI_PEER_IDLE && state != ACTRI_PEER_IDLE) || failed || down, "an end without word", state,
         event);
    rule((s.actions & ACTRI_PEER_NEGOTIATE) == 0 || s.next == ACTRI_PEER_NEGOTIATING, "asked for roles", state, event);
    rule((s.actions & (ACTRI_PEER_RESTART | ACTRI_PEER_MOVE | ACTRI_PEER_ANSWER_RESTART)) == 0 || is_up(s.next),
         "restart of nothing", state, event);
    rule((s.actions & ACTRI_PEER_TAKE_ANSWER) == 0 || event == ACTRI_PEER_ANSWER, "an answer from nowhere", state,
         event);
}

static void every_cell_keeps_the_rules(void **state_)
{
    (void)state_;
    EACH_STATE(state)
    {
        EACH_EVENT(event)
        {
            actri_peer_step_t s = actri_peer_step(state, event);
            assert_true(s.next < ACTRI_PEER_STATES);
            if (s.expected) {
                check_step(state, event, s);
            } else {
                rule(s.next == state && s.actions == 0, "an unexpected event did something", state, event);
            }
        }
    }
}

/* What comes from outside at any time must be understood, or harmless by a reason that is written here. */
static void outside_events_are_expected(void **state_)
{
    (void)state_;
    static const struct {
        actri_peer_state_t state;
        actri_peer_event_t event;
    } harmless[] = {
        {ACTRI_PEER_IDLE, ACTRI_PEER_ANSWER}, /* no connection that it could be for */
        {ACTRI_PEER_IDLE, ACTRI_PEER_RESTART_OFFER},
        {ACTRI_PEER_IDLE, ACTRI_PEER_TIMER}, /* the coordinator forgets the peer */
        {ACTRI_PEER_NEGOTIATING, ACTRI_PEER_ANSWER},
        {ACTRI_PEER_NEGOTIATING, ACTRI_PEER_RESTART_OFFER},
        {ACTRI_PEER_OFFERING,
         ACTRI_PEER_RESTART_OFFER}, /* for a connection that is gone; its offerer makes a new one */
        {ACTRI_PEER_WAITING_OFFER, ACTRI_PEER_ANSWER},
        {ACTRI_PEER_WAITING_OFFER, ACTRI_PEER_RESTART_OFFER},
        {ACTRI_PEER_ANSWERING, ACTRI_PEER_ANSWER},        /* we answer */
        {ACTRI_PEER_ANSWERING, ACTRI_PEER_RESTART_OFFER}, /* never connected: the timer rebuilds */
        {ACTRI_PEER_IDLE, ACTRI_PEER_MOVED},              /* no connection that could be another way */
        {ACTRI_PEER_NEGOTIATING, ACTRI_PEER_MOVED},
        {ACTRI_PEER_OFFERING, ACTRI_PEER_MOVED}, /* never connected: the timer rebuilds */
        {ACTRI_PEER_WAITING_OFFER, ACTRI_PEER_MOVED},
        {ACTRI_PEER_ANSWERING, ACTRI_PEER_MOVED},
    };
    EACH_STATE(state)
    {
        EACH_EVENT(event)
        {
            if (needs_connection(event) && !has_connection(state)) continue;
            bool listed = false;
            for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
                listed = listed || (harmless[i].state == state && harmless[i].event == event);
            }
            rule(actri_peer_step(state, event).expected != listed, "neither expected nor listed, or both", state,
                 event);
        }
    }
}

static void names_are_all_there_and_different(void **state_)
{
    (void)state_;
    EACH_STATE(a)
    {
        assert_non_null(actri_peer_state_name(a));
        for (actri_peer_state_t b = (actri_peer_state_t)(a + 1); b < ACTRI_PEER_STATES; b++) {
            assert_string_not_equal(actri_peer_state_name(a), actri_peer_state_name(b));
        }
    }
    EACH_EVENT(a)
    {
        assert_non_null(actri_peer_event_name(a));
        for (actri_peer_event_t b = (actri_peer_event_t)(a + 1); b < ACTRI_PEER_EVENTS; b++) {
            assert_string_not_equal(actri_peer_event_name(a), actri_peer_event_name(b));
        }
    }
}

/* The peer is silent for ever: time alone must bring every state to its end, and none may stand without a clock. */
static void time_alone_ends_every_state(void **state_)
{
    (void)state_;
    EACH_STATE(start)
    {
        if (start == ACTRI_PEER_IDLE || start == ACTRI_PEER_CONNECTED) continue;
        actri_peer_state_t state = start;
        for (int i = 0; i < 20; i++) {
            actri_peer_step_t s = actri_peer_step(state, ACTRI_PEER_TIMER);
            rule(s.expected && !is_up(s.next) == !is_up(state), "time stands still", state, ACTRI_PEER_TIMER);
            state = s.next;
        }
        assert_int_equal(actri_peer_step(state, ACTRI_PEER_GIVE_UP).next, ACTRI_PEER_IDLE);
    }
}

static actri_peer_event_t random_event(rng_t *rng, actri_peer_state_t state)
{
    for (;;) {
        actri_peer_event_t event = (actri_peer_event_t)rng_below(rng, ACTRI_PEER_EVENTS);
        if (!needs_connection(event) || has_connection(state)) return event;
    }
}

/* Up and down come in turns, a connection is dropped before the next is made, nothing is told twice. */
static void random_walk(uint64_t seed)
{
    rng_t rng = {seed};
    actri_peer_state_t state = ACTRI_PEER_IDLE;
    bool connection = false, told_up = false;
    int connections = 0;
    for (int i = 0; i < 300; i++) {
        actri_peer_event_t event = random_event(&rng, state);
        actri_peer_step_t s = actri_peer_step(state, event);
        if ((s.actions & ACTRI_PEER_DROP) != 0) {
            rule(connection, "dropped twice", state, event);
            connection = false;
            connections--;
        }
        if ((s.actions & MAKES) != 0) {
            rule(!connection, "made twice", state, event);
            connection = true;
            connections++;
        }
        if ((s.actions & ACTRI_PEER_TELL_UP) != 0) {
            rule(connection, "up without connection", state, event);
            told_up = true;
        }
        if ((s.actions & ACTRI_PEER_TELL_DOWN) != 0) {
            rule(told_up, "down without up", state, event);
            told_up = false;
        }
        rule((s.actions & ACTRI_PEER_TELL_FAILED) == 0 || !told_up, "failed while up", state, event);
        state = s.next;
        rule(told_up == is_up(state) && connection == has_connection(state), "the books differ", state, event);
        rule(connections == 0 || connections == 1, "more than one connection", state, event);
    }
}

static void a_thousand_random_walks(void **state_)
{
    (void)state_;
    for (uint64_t seed = 1; seed <= 1000; seed++) random_walk(seed);
}

/* The whole story, forwards: two starters, one offerer. */
static void the_usual_lives(void **state_)
{
    (void)state_;
    static const struct {
        actri_peer_event_t events[10];
        size_t count;
        actri_peer_state_t end;
    } lives[] = {
        {{ACTRI_PEER_WANT, ACTRI_PEER_ROLE_OFFERER, ACTRI_PEER_ANSWER, ACTRI_PEER_UP}, 4, ACTRI_PEER_CONNECTED},
        {{ACTRI_PEER_WANT, ACTRI_PEER_ROLE_ANSWERER, ACTRI_PEER_OFFER, ACTRI_PEER_UP}, 4, ACTRI_PEER_CONNECTED},
        {{ACTRI_PEER_OFFER, ACTRI_PEER_UP, ACTRI_PEER_SILENT, ACTRI_PEER_RESTART_OFFER, ACTRI_PEER_UP},
         5,
         ACTRI_PEER_CONNECTED},
        {{ACTRI_PEER_ROLE_OFFERER, ACTRI_PEER_UP, ACTRI_PEER_SILENT, ACTRI_PEER_ANSWER, ACTRI_PEER_UP,
          ACTRI_PEER_ENDED_UNWANTED},
         6,
         ACTRI_PEER_IDLE},
        {{ACTRI_PEER_OFFER, ACTRI_PEER_UP, ACTRI_PEER_ENDED, ACTRI_PEER_ROLE_ANSWERER, ACTRI_PEER_OFFER, ACTRI_PEER_UP},
         6,
         ACTRI_PEER_CONNECTED},
        {{ACTRI_PEER_WANT, ACTRI_PEER_TIMER, ACTRI_PEER_TIMER, ACTRI_PEER_GIVE_UP}, 4, ACTRI_PEER_IDLE},
    };
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        actri_peer_state_t state = ACTRI_PEER_IDLE;
        for (size_t j = 0; j < lives[i].count; j++) {
            actri_peer_step_t s = actri_peer_step(state, lives[i].events[j]);
            assert_true(s.expected);
            state = s.next;
        }
        assert_int_equal(state, lives[i].end);
    }
}

/* ICE may come back by itself while the restart's ANSWER is under way: it must still be applied, or both ends have
   different credentials (webrtc 5). */
static void the_answer_to_a_restart_counts_after_recovery(void **state_)
{
    (void)state_;
    actri_peer_step_t s = actri_peer_step(ACTRI_PEER_CONNECTED, ACTRI_PEER_ANSWER);
    assert_int_equal(s.next, ACTRI_PEER_CONNECTED);
    assert_int_equal(s.actions, ACTRI_PEER_TAKE_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_keeps_the_rules),
        cmocka_unit_test(outside_events_are_expected),
        cmocka_unit_test(names_are_all_there_and_different),
        cmocka_unit_test(time_alone_ends_every_state),
        cmocka_unit_test(a_thousand_random_walks),
        cmocka_unit_test(the_usual_lives),
        cmocka_unit_test(the_answer_to_a_restart_counts_after_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
