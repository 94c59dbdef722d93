/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

static void merge(actri_link_t *list, actri_link_t *other, actri_before_fn before)
{
    actri_link_t merged;
    actri_list_init(&merged);
    while (!actri_list_empty(list) && !actri_list_empty(other)) {
        bool second = before(other->next, list->next); /* equal ones stay in their order */
        actri_link_t *first = second ? other->next : list->next;
        actri_list_remove(first);
        actri_list_append(&merged, first);
    }
    actri_list_splice(&merged, list);
    actri_list_splice(&merged, other);
    actri_list_splice(list, &merged);
}

void actri_list_sort(actri_link_t *list, actri_before_fn before)
{
    enum { LEVELS = 48 }; /* level n holds nothing, or 2^n sorted links */
    actri_link_t levels[LEVELS], *link;
    for (int i = 0; i < LEVELS; i++) actri_list_init(&levels[i]);
    while ((link = actri_list_take(list)) != NULL) {
        actri_link_t carry;
        int level = 0;
        actri_list_init(&carry);
        actri_list_append(&carry, link);
        for (; level + 1 < LEVELS && !actri_list_empty(&levels[level]); level++) {
            merge(&levels[level], &carry, before);
            actri_list_splice(&carry, &levels[level]);
        }
        merge(&levels[level], &carry, before);
    }
    for (int i = LEVELS - 1; i >= 0; i--) merge(list, &levels[i], before); /* the higher, the earlier they came */
}
