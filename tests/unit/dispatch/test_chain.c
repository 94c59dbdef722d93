/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "dispatch/chain.h"

#include <stdio.h>
#include <string.h>

static actri_span_t none(void)
{
    return (actri_span_t){NULL, 0};
}

static void entries_name_actor_and_shell(void **state)
{
    (void)state;
    actr_id_t id = {.serial_number = 0x1a, .realm = 3, .type = {"acme", "echo"}};
    char text[ACTRI_CHAIN_ENTRY_SIZE];
    assert_string_equal(actri_chain_entry(&id, false, text), "1a@3:acme+echo");
    assert_string_equal(actri_chain_entry(&id, true, text), "~1a@3:acme+echo");
}

static void who_is_in_is_found_whole(void **state)
{
    (void)state;
    char one[ACTRI_CHAIN_SIZE], two[ACTRI_CHAIN_SIZE];
    size_t size = actri_chain_join(none(), "ab", one);
    actri_span_t chain = actri_span(two, actri_chain_join(actri_span(one, size), "cd", two));
    assert_true(actri_span_equal(chain, actri_span_text("ab cd")));
    assert_true(actri_chain_has(chain, "ab") && actri_chain_has(chain, "cd"));
    assert_false(actri_chain_has(chain, "a") || actri_chain_has(chain, "b cd") || actri_chain_has(chain, "abc"));
    assert_false(actri_chain_has(none(), "ab"));
    assert_false(actri_chain_has(actri_span_text("  "), "ab"));
}

static void a_chain_ends_somewhere(void **state)
{
    (void)state;
    char text[2][ACTRI_CHAIN_SIZE];
    actri_span_t chain = none();
    unsigned count = 0;
    for (;; count++) {
        char entry[72], *out = text[count % 2];
        (void)snprintf(entry, sizeof entry, "%070u", count);
        size_t size = actri_chain_join(chain, entry, out);
        if (size == 0) break;
        chain = actri_span(out, size);
    }
    assert_true(count >= 12 && chain.size <= ACTRI_CHAIN_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_name_actor_and_shell),
        cmocka_unit_test(who_is_in_is_found_whole),
        cmocka_unit_test(a_chain_ends_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
