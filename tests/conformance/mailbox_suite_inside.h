/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the conformance suite: for its sources only. */
#ifndef ACTR_MAILBOX_SUITE_INSIDE_H
#define ACTR_MAILBOX_SUITE_INSIDE_H

#include "mailbox_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 512 /* messages that a case looks at */
#define LEASE_MS 3600000

typedef struct seen {
    int64_t id;
    uint32_t attempts, redrives;
    actr_priority_t priority;
    char sender[40], payload[80];
    size_t payload_size;
    int64_t deadline_ms;
} seen_t;

typedef struct suite {
    const actr_mailbox_factory_t *factory;
    actr_store_options_t options;
    actr_mailbox_t *mailbox;
    actr_dlq_t *letters;
    seen_t seen[MOST];
    size_t count;
    size_t stop_after; /* take says false after so many; 0: never */
    char letter[64][40];
    actr_dead_letter_t last_letter;
    char last_payload[80], last_reason[80], last_category[80];
    size_t letter_count;
    char failure[400];
} suite_t;

/* Keeps the first thing that is wrong; false. */
bool suite_wrong(suite_t *s, int line, const char *what);
bool suite_open(suite_t *s, bool fresh);
void suite_close(suite_t *s);
int64_t suite_put(suite_t *s, const char *sender, const char *payload, actr_priority_t priority);
size_t suite_get(suite_t *s, size_t most, int64_t lease_ms);
actr_mailbox_stats_t suite_stats(suite_t *s);
void suite_keep_text(char *out, size_t size, actr_bytes_t bytes);
actr_message_t suite_message(const char *sender, const char *payload, actr_priority_t priority);

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) return suite_wrong(s, __LINE__, #condition);                                                 \
    } while (0)

/* The cases of mailbox_suite_letters.c. */
bool suite_letters_are_kept_and_found(suite_t *s);
bool suite_filters_hold_together(suite_t *s);
bool suite_pages_follow_each_other(suite_t *s);
bool suite_purge_deletes_what_the_filter_names(suite_t *s);
bool suite_old_letters_make_room(suite_t *s);
bool suite_redrive_puts_the_message_back(suite_t *s);
bool suite_redrive_into_a_full_mailbox_keeps_the_letter(suite_t *s);
bool suite_letters_survive(suite_t *s);

#endif
