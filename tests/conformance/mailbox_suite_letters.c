/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of dead letters. */
#include "mailbox_suite_inside.h"

static bool take_letter(void *user, const actr_dead_letter_t *letter)
{
    suite_t *s = user;
    if (s->letter_count == 64) return false;
    (void)snprintf(s->letter[s->letter_count++], 40, "%s", letter->id);
    s->last_letter = *letter;
    suite_keep_text(s->last_payload, sizeof s->last_payload, letter->payload);
    (void)snprintf(s->last_reason, sizeof s->last_reason, "%s", letter->reason);
    (void)snprintf(s->last_category, sizeof s->last_category, "%s", letter->category);
    return true;
}

static bool write_letter(suite_t *s, const char *category, const char *trace, int64_t created_ms, char id[40])
{
    actr_dead_letter_t letter = {.reason = "it does not decode",
                                 .category = category,
                                 .trace_id = trace,
                                 .created_ms = created_ms,
                                 .attempts = 2,
                                 .sender = {"alice", 5},
                                 .receiver = {"bob", 3},
                                 .payload = {"bytes", 5}};
    return actr_dlq_enqueue(s->letters, &letter, id, NULL) == ACTR_OK;
}

static size_t find(suite_t *s, const actr_dlq_filter_t *filter, actr_dlq_page_t *page)
{
    size_t taken = 0;
    s->letter_count = 0;
    if (actr_dlq_query(s->letters, filter, page, take_letter, s, &taken, NULL) != ACTR_OK) return SIZE_MAX;
    return taken == s->letter_count ? taken : SIZE_MAX;
}

bool suite_letters_are_kept_and_found(suite_t *s)
{
    char id[40] = "";
    HOLDS(suite_open(s, true));
    if (s->letters == NULL) return true;
    HOLDS(find(s, NULL, NULL) == 0);
    HOLDS(write_letter(s, "protobuf_decode", "trace-1", 1000, id));
    HOLDS(strlen(id) == 36);
    s->letter_count = 0;
    HOLDS(actr_dlq_get(s->letters, id, take_letter, s, NULL) == ACTR_OK && s->letter_count == 1);
    HOLDS(strcmp(s->letter[0], id) == 0 && s->last_letter.created_ms == 1000 && s->last_letter.attempts == 2);
    HOLDS(strcmp(s->last_payload, "bytes") == 0 && strcmp(s->last_reason, "it does not decode") == 0);
    actr_dead_letter_t same = {.reason = "r", .category = "c", .trace_id = "t"};
    memcpy(same.id, id, sizeof same.id);
    HOLDS(actr_dlq_enqueue(s->letters, &same, NULL, NULL) == ACTR_STATUS_INVALID_ARGUMENT); /* there already */
    HOLDS(actr_dlq_get(s->letters, "no such id", take_letter, s, NULL) == ACTR_STATUS_NOT_FOUND);
    HOLDS(actr_dlq_remove(s->letters, id, NULL) == ACTR_OK && actr_dlq_remove(s->letters, id, NULL) == ACTR_OK);
    HOLDS(find(s, NULL, NULL) == 0);
    return true;
}

static bool some_letters(suite_t *s)
{
    HOLDS(suite_open(s, true));
    if (s->letters == NULL) return false;
    for (int i = 0; i < 10; i++) {
        char trace[20], id[40];
        (void)snprintf(trace, sizeof trace, "trace-%d", i);
        HOLDS(write_letter(s, i % 2 == 0 ? "even" : "odd", trace, 1000 + i, id));
    }
    return true;
}

bool suite_filters_hold_together(suite_t *s)
{
    if (!some_letters(s)) return s->failure[0] == '\0';
    actr_dlq_filter_t filter = ACTR_DLQ_FILTER_INIT;
    filter.category = "even";
    HOLDS(find(s, &filter, NULL) == 5 && s->last_letter.created_ms == 1000); /* newest first */
    filter.created_after_ms = 1002;
    HOLDS(find(s, &filter, NULL) == 3); /* 4, 6, 8 */
    filter.created_before_ms = 1008;
    HOLDS(find(s, &filter, NULL) == 2);
    filter.trace_id = "trace-6";
    HOLDS(find(s, &filter, NULL) == 1);
    filter.sender = (actr_bytes_t){"alice", 5};
    HOLDS(find(s, &filter, NULL) == 1);
    filter.sender = (actr_bytes_t){"alic", 4};
    HOLDS(find(s, &filter, NULL) == 0);
    actr_dlq_filter_t request = ACTR_DLQ_FILTER_INIT;
    request.request_id = "r-1";
    HOLDS(find(s, &request, NULL) == 0);
    return true;
}

bool suite_pages_follow_each_other(suite_t *s)
{
    if (!some_letters(s)) return s->failure[0] == '\0';
    char id[40];
    actr_dlq_page_t page = {0, 0};
    actr_dlq_filter_t filter = ACTR_DLQ_FILTER_INIT;
    filter.limit = 4;
    HOLDS(find(s, &filter, &page) == 4 && s->last_letter.created_ms == 1006);
    HOLDS(write_letter(s, "new", "t", 2000, id)); /* shifts nothing */
    HOLDS(find(s, &filter, &page) == 4 && s->last_letter.created_ms == 1002);
    HOLDS(find(s, &filter, &page) == 2 && s->last_letter.created_ms == 1000);
    HOLDS(find(s, &filter, &page) == 0);
    return true;
}

bool suite_purge_deletes_what_the_filter_names(suite_t *s)
{
    if (!some_letters(s)) return s->failure[0] == '\0';
    uint64_t count = 0;
    actr_dlq_filter_t filter = ACTR_DLQ_FILTER_INIT;
    filter.category = "odd";
    filter.limit = 1; /* of no meaning here */
    HOLDS(actr_dlq_purge(s->letters, &filter, &count, NULL) == ACTR_OK && count == 5);
    actr_dlq_stats_t now = {.struct_size = sizeof now};
    HOLDS(actr_dlq_get_stats(s->letters, &now, NULL) == ACTR_OK && now.total == 5 && now.oldest_ms == 1000);
    HOLDS(now.category_count == 1 && strcmp(now.categories[0].name, "even") == 0 && now.categories[0].count == 5);
    HOLDS(actr_dlq_purge(s->letters, NULL, &count, NULL) == ACTR_OK && count == 5);
    return true;
}

bool suite_old_letters_make_room(suite_t *s)
{
    s->options.max_dead_letters = 5;
    if (!some_letters(s)) return s->failure[0] == '\0';
    HOLDS(find(s, NULL, NULL) == 5 && s->last_letter.created_ms == 1005);
    return true;
}

bool suite_redrive_puts_the_message_back(suite_t *s)
{
    char id[40];
    int64_t message = 0;
    HOLDS(suite_open(s, true));
    if (s->letters == NULL) return true;
    HOLDS(write_letter(s, "protobuf_decode", "t", 0, id));
    HOLDS(actr_dlq_redrive(s->letters, id, s->mailbox, &message, NULL) == ACTR_OK && message > 0);
    HOLDS(actr_dlq_redrive(s->letters, id, s->mailbox, NULL, NULL) == ACTR_STATUS_NOT_FOUND); /* the second of two */
    HOLDS(suite_get(s, 32, LEASE_MS) == 1 && s->seen[0].id == message);
    HOLDS(strcmp(s->seen[0].payload, "bytes") == 0 && strcmp(s->seen[0].sender, "alice") == 0);
    HOLDS(s->seen[0].attempts == 3 && s->seen[0].redrives == 1 && s->seen[0].deadline_ms == 0); /* carried */
    actr_burial_t burial = {.message_id = message,
                            .letter = {.reason = "again",
                                       .category = "c",
                                       .trace_id = "t",
                                       .attempts = 3,
                                       .redrives = 1,
                                       .sender = {"alice", 5},
                                       .payload = {"bytes", 5}}};
    actr_mailbox_group_t group = {.burials = &burial, .burial_count = 1};
    HOLDS(actr_mailbox_commit(s->mailbox, s->letters, &group, NULL) == ACTR_OK);
    HOLDS(suite_stats(s).hidden == 0 && find(s, NULL, NULL) == 1);
    HOLDS(s->last_letter.redrives == 1 && s->last_letter.attempts == 3 && strcmp(s->last_reason, "again") == 0);
    actr_dlq_stats_t now = {.struct_size = sizeof now};
    HOLDS(actr_dlq_get_stats(s->letters, &now, NULL) == ACTR_OK && now.redriven == 1);
    return true;
}

bool suite_redrive_into_a_full_mailbox_keeps_the_letter(suite_t *s)
{
    char id[40];
    s->options.max_messages = 1;
    HOLDS(suite_open(s, true));
    if (s->letters == NULL) return true;
    HOLDS(suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL) > 0 && write_letter(s, "c", "t", 0, id));
    HOLDS(actr_dlq_redrive(s->letters, id, s->mailbox, NULL, NULL) == ACTR_STATUS_MAILBOX_FULL);
    HOLDS(find(s, NULL, NULL) == 1);
    return true;
}

bool suite_letters_survive(suite_t *s)
{
    char id[40];
    if (!s->factory->durable) return true;
    HOLDS(suite_open(s, true));
    if (s->letters == NULL) return true;
    HOLDS(write_letter(s, "c", "t", 0, id));
    suite_close(s);
    HOLDS(suite_open(s, false));
    HOLDS(find(s, NULL, NULL) == 1 && strcmp(s->letter[0], id) == 0);
    return true;
}
