/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of changes of the network: known-faults 50 and the sequences of its section 5. */
#include "check.h"
#include "lifecycle/network_core.h"
#include "port/clock.h"
#include "rng.h"

#include <string.h>

#define MS(n) ((n)*ACTRI_MS)

/* One letter an event: Available Lost Changed Foreground Background cleanUp. */
static actr_network_event_t event_of(char letter)
{
    static const char letters[] = "ALCFBU";
    return (actr_network_event_t)(1 + (strchr(letters, letter) - letters));
}

static actr_network_action_t act_on(actri_network_t *network, const char *letters)
{
    for (const char *at = letters; *at != '\0'; at++) actri_network_add(network, event_of(*at), 0);
    assert_int_equal(network->events, strlen(letters));
    actr_network_action_t action = actri_network_take(network);
    assert_int_equal(network->events, 0);
    assert_int_equal(network->acting, action > ACTR_NETWORK_OFFLINE);
    actri_network_done(network);
    return action;
}

static void a_batch_gives_one_action(void **state)
{
    (void)state;
    static const struct {
        const char *letters;
        actr_network_action_t action;
    } rows[] = {
        {"A", ACTR_NETWORK_CHECKED},      {"AAAA", ACTR_NETWORK_CHECKED},   {"C", ACTR_NETWORK_RESTORED},
        {"L", ACTR_NETWORK_OFFLINE},      {"AL", ACTR_NETWORK_OFFLINE},     {"CL", ACTR_NETWORK_OFFLINE},
        {"LA", ACTR_NETWORK_RESTORED},    {"LAC", ACTR_NETWORK_RESTORED},   {"CAL", ACTR_NETWORK_OFFLINE},
        {"F", ACTR_NETWORK_CHECKED},      {"B", ACTR_NETWORK_NONE},         {"FB", ACTR_NETWORK_CHECKED},
        {"BF", ACTR_NETWORK_CHECKED},     {"LF", ACTR_NETWORK_OFFLINE},     {"U", ACTR_NETWORK_CLEANED},
        {"UL", ACTR_NETWORK_CLEANED},     {"LACFBU", ACTR_NETWORK_CLEANED}, {"UAAAA", ACTR_NETWORK_CLEANED},
        {"BLACF", ACTR_NETWORK_RESTORED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        actri_network_t network = {0};
        if (act_on(&network, rows[i].letters) != rows[i].action) fail_msg("%s", rows[i].letters);
    }
}

/* What one batch has learnt counts in the next. */
static void batches_follow_each_other(void **state)
{
    (void)state;
    actri_network_t network = {0};
    assert_int_equal(act_on(&network, "F"), ACTR_NETWORK_CHECKED);
    assert_int_equal(act_on(&network, "F"), ACTR_NETWORK_NONE); /* once for each time in front */
    assert_int_equal(act_on(&network, "FFF"), ACTR_NETWORK_NONE);
    assert_int_equal(act_on(&network, "A"), ACTR_NETWORK_CHECKED); /* never of another kind */
    assert_int_equal(act_on(&network, "B"), ACTR_NETWORK_NONE);
    assert_int_equal(act_on(&network, "F"), ACTR_NETWORK_CHECKED);
    assert_int_equal(act_on(&network, "L"), ACTR_NETWORK_OFFLINE);
    assert_int_equal(act_on(&network, "B"), ACTR_NETWORK_OFFLINE);
    assert_int_equal(act_on(&network, "F"), ACTR_NETWORK_OFFLINE);
    assert_int_equal(act_on(&network, "A"), ACTR_NETWORK_RESTORED); /* it may be another one */
    assert_int_equal(act_on(&network, "A"), ACTR_NETWORK_CHECKED);
    assert_int_equal(act_on(&network, "L"), ACTR_NETWORK_OFFLINE);
    assert_int_equal(act_on(&network, "U"), ACTR_NETWORK_CLEANED);
    assert_int_equal(act_on(&network, "A"), ACTR_NETWORK_RESTORED); /* what was lost before the clean-up is still */
}

static void a_batch_settles_but_not_for_ever(void **state)
{
    (void)state;
    actri_network_t network = {0};
    assert_true(actri_network_deadline(&network) == ACTRI_NEVER);
    actri_network_add(&network, ACTR_NETWORK_AVAILABLE, MS(1000));
    assert_true(actri_network_deadline(&network) == MS(1400));
    actri_network_add(&network, ACTR_NETWORK_BACKGROUND, MS(1399));
    assert_true(actri_network_deadline(&network) == MS(1799));
    for (int at = 1400; at < 3000; at += 100) actri_network_add(&network, ACTR_NETWORK_AVAILABLE, MS(at));
    assert_true(actri_network_deadline(&network) == MS(3000));
    assert_int_equal(actri_network_take(&network), ACTR_NETWORK_CHECKED);
    actri_network_add(&network, ACTR_NETWORK_CHANGED, MS(3000)); /* while that is done: the next batch waits for it */
    assert_true(actri_network_deadline(&network) == ACTRI_NEVER);
    actri_network_done(&network);
    assert_true(actri_network_deadline(&network) == MS(3400));
    assert_int_equal(actri_network_take(&network), ACTR_NETWORK_RESTORED);
}

/* Whatever comes: each event is in one batch, no action begins within another or sooner than it may, none is late. */
static void random_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        rng_t rng = {.state = seed};
        actri_network_t network = {0};
        int64_t now = 0, quiet_since = 0, first = 0;
        uint32_t open = 0;
        bool acting = false;
        for (int i = 0; i < 300; i++) {
            now += MS((int64_t)rng_below(&rng, 300));
            int64_t due = actri_network_deadline(&network);
            assert_true((due == ACTRI_NEVER) == (open == 0 || acting));
            if (due <= now) {
                assert_true(now >= quiet_since + MS(400) || now >= first + MS(2000));
                assert_int_equal(network.events, open);
                acting = actri_network_take(&network) > ACTR_NETWORK_OFFLINE;
                open = 0;
            } else if (acting && rng_chance(&rng, 50)) {
                actri_network_done(&network);
                acting = false;
            } else if (rng_chance(&rng, 60)) {
                actri_network_add(&network, (actr_network_event_t)(1 + rng_below(&rng, 6)), now);
                if (open++ == 0) first = now;
                quiet_since = now;
            } else if (open > 0 && !acting) {
                assert_true(now < quiet_since + MS(400) && now < first + MS(2000));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_gives_one_action),
        cmocka_unit_test(batches_follow_each_other),
        cmocka_unit_test(a_batch_settles_but_not_for_ever),
        cmocka_unit_test(random_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
