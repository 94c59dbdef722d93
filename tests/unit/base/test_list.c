/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "check.h"

typedef struct item {
    int number;
    actri_link_t link;
} item_t;

static int take(actri_link_t *head)
{
    actri_link_t *link = actri_list_take(head);
    return link == NULL ? -1 : ACTRI_CONTAINER(link, item_t, link)->number;
}

static void items_leave_in_order_of_arrival(void **state)
{
    (void)state;
    actri_link_t head;
    item_t items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    actri_list_init(&head);
    assert_true(actri_list_empty(&head));
    for (int i = 0; i < 3; i++) actri_list_append(&head, &items[i].link);
    for (int i = 0; i < 3; i++) assert_int_equal(take(&head), i);
    assert_int_equal(take(&head), -1);
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    actri_link_t head;
    item_t items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    actri_list_init(&head);
    for (int i = 0; i < 3; i++) actri_list_append(&head, &items[i].link);
    actri_list_remove(&items[1].link);
    actri_list_remove(&items[1].link);
    assert_int_equal(take(&head), 0);
    assert_int_equal(take(&head), 2);
    assert_true(actri_list_empty(&head));
}

static void a_splice_moves_all_and_empties_the_source(void **state)
{
    (void)state;
    actri_link_t to, from;
    item_t items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    actri_list_init(&to);
    actri_list_init(&from);
    actri_list_splice(&to, &from);
    assert_true(actri_list_empty(&to));
    for (int i = 0; i < 4; i++) actri_list_append(i < 2 ? &to : &from, &items[i].link);
    actri_list_splice(&to, &from);
    assert_true(actri_list_empty(&from));
    assert_ptr_equal(to.prev, &items[3].link);
    for (int i = 0; i < 4; i++) assert_int_equal(take(&to), i);
}

static bool by_tens(const actri_link_t *a, const actri_link_t *b)
{
    return ACTRI_CONTAINER(a, const item_t, link)->number / 10 < ACTRI_CONTAINER(b, const item_t, link)->number / 10;
}

static void sorting_keeps_the_order_of_equals(void **state)
{
    (void)state;
    static item_t items[1000];
    for (int count = 0; count < 1000; count = count * 3 / 2 + 1) {
        actri_link_t head;
        actri_list_init(&head);
        for (int i = 0; i < count; i++) {
            items[i].number = (i * 7919 % 90) * 10 + i % 10; /* tens are the key */
            actri_list_append(&head, &items[i].link);
        }
        actri_list_sort(&head, by_tens);
        const item_t *before = NULL;
        int seen = 0;
        for (actri_link_t *at = head.next; at != &head; at = at->next, seen++) {
            const item_t *item = ACTRI_CONTAINER(at, item_t, link);
            if (before != NULL) {
                assert_true(before->number / 10 <= item->number / 10);
                if (before->number / 10 == item->number / 10) assert_true(before < item);
            }
            before = item;
        }
        assert_int_equal(seen, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_order_of_arrival),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(a_splice_moves_all_and_empties_the_source),
        cmocka_unit_test(sorting_keeps_the_order_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
