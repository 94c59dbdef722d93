/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive doubly linked list with a head that is itself a link. Locking is the caller's. A link that is
 * in no list points to itself, so removing twice is harmless.
 */
#ifndef ACTRI_LIST_H
#define ACTRI_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct actri_link {
    struct actri_link *next, *prev;
} actri_link_t;

#define ACTRI_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void actri_list_init(actri_link_t *link)
{
    link->next = link->prev = link;
}
static inline bool actri_list_empty(const actri_link_t *head)
{
    return head->next == head;
}
static inline void actri_list_append(actri_link_t *head, actri_link_t *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
static inline void actri_list_remove(actri_link_t *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = link;
}
/* Removes and returns the first link; NULL when empty. */
static inline actri_link_t *actri_list_take(actri_link_t *head)
{
    if (actri_list_empty(head)) return NULL;
    actri_link_t *first = head->next;
    actri_list_remove(first);
    return first;
}
/* Moves all of `from` to the end of `to`. */
static inline void actri_list_splice(actri_link_t *to, actri_link_t *from)
{
    if (actri_list_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    actri_list_init(from);
}

typedef bool (*actri_before_fn)(const actri_link_t *a, const actri_link_t *b);
/* Sorts; equal ones keep their order. Needs no memory. */
void actri_list_sort(actri_link_t *list, actri_before_fn before);

#endif
