/* SPDX-License-Identifier: Apache-2.0 */
/* Each case opens what it needs, and ends with the first thing that is not so. Public headers only. */
#include "mailbox_suite_inside.h"

#include <pthread.h>

/* ---- saying what is wrong ---- */

bool suite_wrong(suite_t *s, int line, const char *what)
{
    if (s->failure[0] == '\0') (void)snprintf(s->failure, sizeof s->failure, "line %d: %s", line, what);
    return false;
}

/* ---- little helpers ---- */

bool suite_open(suite_t *s, bool fresh)
{
    actr_error_t error = ACTR_ERROR_INIT;
    s->mailbox = NULL;
    s->letters = NULL;
    if (s->factory->open(s->factory->user, fresh, &s->options, &s->mailbox, &s->letters, &error) == ACTR_OK)
        return true;
    return suite_wrong(s, __LINE__, actr_error_message(&error));
}

void suite_close(suite_t *s)
{
    actr_mailbox_close(s->mailbox);
    actr_dlq_close(s->letters);
    s->mailbox = NULL;
    s->letters = NULL;
}

actr_message_t suite_message(const char *sender, const char *payload, actr_priority_t priority)
{
    return (actr_message_t){
        .priority = priority, .sender = {sender, strlen(sender)}, .payload = {payload, strlen(payload)}};
}

/* 0 when it was not stored. */
int64_t suite_put(suite_t *s, const char *sender, const char *payload, actr_priority_t priority)
{
    actr_message_t message = suite_message(sender, payload, priority);
    if (actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) != ACTR_OK) return 0;
    return message.outcome == ACTR_ENQUEUE_STORED ? message.id : 0;
}

void suite_keep_text(char *out, size_t size, actr_bytes_t bytes)
{
    size_t length = bytes.size < size - 1 ? bytes.size : size - 1;
    if (length > 0) memcpy(out, bytes.data, length);
    out[length] = '\0';
}

static bool take(void *user, const actr_message_t *message)
{
    suite_t *s = user;
    if (s->count == MOST) return false;
    seen_t *seen = &s->seen[s->count++];
    *seen = (seen_t){.id = message->id,
                     .attempts = message->attempts,
                     .redrives = message->redrives,
                     .priority = message->priority,
                     .payload_size = message->payload.size,
                     .deadline_ms = message->deadline_ms};
    suite_keep_text(seen->sender, sizeof seen->sender, message->sender);
    suite_keep_text(seen->payload, sizeof seen->payload, message->payload);
    return s->stop_after == 0 || s->count < s->stop_after;
}

/* How many came; SIZE_MAX: an error. They are in seen. */
size_t suite_get(suite_t *s, size_t most, int64_t lease_ms)
{
    size_t taken = 0;
    s->count = 0;
    actr_status_t status = actr_mailbox_dequeue(s->mailbox, most, lease_ms, take, s, &taken, NULL);
    if (status != ACTR_OK || taken != s->count) return SIZE_MAX;
    return taken;
}

static bool ack(suite_t *s, int64_t id)
{
    actr_ack_t done = {.id = id};
    return actr_mailbox_ack(s->mailbox, &done, 1, NULL) == ACTR_OK;
}

static bool nack(suite_t *s, int64_t id, int64_t delay_ms, bool untried)
{
    actr_nack_t back = {.id = id, .delay_ms = delay_ms, .untried = untried};
    return actr_mailbox_nack(s->mailbox, &back, 1, NULL) == ACTR_OK;
}

actr_mailbox_stats_t suite_stats(suite_t *s)
{
    actr_mailbox_stats_t out = {.struct_size = sizeof out};
    if (actr_mailbox_get_stats(s->mailbox, &out, NULL) != ACTR_OK) out.ready = UINT64_MAX;
    return out;
}

/* ---- the mailbox ---- */

static bool an_empty_mailbox_gives_nothing(suite_t *s)
{
    HOLDS(suite_open(s, true));
    HOLDS(suite_get(s, 32, LEASE_MS) == 0);
    actr_mailbox_stats_t now = suite_stats(s);
    HOLDS(now.ready == 0 && now.hidden == 0 && now.bytes == 0 && now.next_ms == 0);
    return true;
}

static bool messages_come_as_they_were_given(suite_t *s)
{
    HOLDS(suite_open(s, true));
    actr_message_t message = suite_message("alice", "hello", ACTR_PRIORITY_NORMAL);
    message.deadline_ms = 1234567890123;
    HOLDS(actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK);
    HOLDS(message.id > 0 && message.outcome == ACTR_ENQUEUE_STORED);
    HOLDS(suite_get(s, 32, LEASE_MS) == 1);
    HOLDS(strcmp(s->seen[0].sender, "alice") == 0 && strcmp(s->seen[0].payload, "hello") == 0);
    HOLDS(s->seen[0].id == message.id && s->seen[0].attempts == 1 && s->seen[0].deadline_ms == 1234567890123);
    return true;
}

static bool empty_senders_and_payloads_are_accepted(suite_t *s)
{
    HOLDS(suite_open(s, true));
    HOLDS(suite_put(s, "", "", ACTR_PRIORITY_NORMAL) > 0);
    HOLDS(suite_get(s, 32, LEASE_MS) == 1);
    HOLDS(s->seen[0].payload_size == 0 && s->seen[0].sender[0] == '\0');
    return true;
}

static bool large_payloads_are_accepted(suite_t *s)
{
    size_t size = 1 << 20;
    HOLDS(suite_open(s, true));
    char *block = malloc(size);
    HOLDS(block != NULL);
    memset(block, 'x', size);
    actr_message_t message = {.payload = {block, size}};
    bool stored = actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK;
    free(block);
    HOLDS(stored);
    HOLDS(suite_get(s, 1, LEASE_MS) == 1 && s->seen[0].payload_size == size);
    return true;
}

static bool order_is_that_of_arrival(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t last = 0;
    for (int i = 0; i < 200; i++) {
        char text[20];
        (void)snprintf(text, sizeof text, "%d", i);
        int64_t id = suite_put(s, "a", text, ACTR_PRIORITY_NORMAL);
        HOLDS(id > last);
        last = id;
    }
    for (int i = 0; i < 200;) {
        size_t count = suite_get(s, 32, LEASE_MS);
        HOLDS(count > 0 && count != SIZE_MAX);
        for (size_t j = 0; j < count; j++, i++) HOLDS(atoi(s->seen[j].payload) == i);
    }
    return true;
}

static bool high_comes_before_normal(suite_t *s)
{
    HOLDS(suite_open(s, true));
    HOLDS(suite_put(s, "a", "n1", ACTR_PRIORITY_NORMAL) > 0);
    HOLDS(suite_put(s, "a", "h1", ACTR_PRIORITY_HIGH) > 0);
    HOLDS(suite_put(s, "a", "n2", ACTR_PRIORITY_NORMAL) > 0);
    HOLDS(suite_put(s, "a", "h2", ACTR_PRIORITY_HIGH) > 0);
    HOLDS(suite_get(s, 32, LEASE_MS) == 4);
    static const char *const order[] = {"h1", "h2", "n1", "n2"};
    for (int i = 0; i < 4; i++) HOLDS(strcmp(s->seen[i].payload, order[i]) == 0);
    HOLDS(s->seen[0].priority == ACTR_PRIORITY_HIGH && s->seen[2].priority == ACTR_PRIORITY_NORMAL);
    return true;
}

/* With high_per_normal = 3: of any 4 handed out, one is Normal; batches small and large. */
static bool normal_is_not_starved_in(suite_t *s, size_t most)
{
    s->options.high_per_normal = 3;
    HOLDS(suite_open(s, true));
    for (int i = 0; i < 40; i++) HOLDS(suite_put(s, "a", "h", ACTR_PRIORITY_HIGH) > 0);
    for (int i = 0; i < 10; i++) HOLDS(suite_put(s, "a", "n", ACTR_PRIORITY_NORMAL) > 0);
    int normal = 0, all = 0;
    while (all < 24) {
        size_t count = suite_get(s, most, LEASE_MS);
        HOLDS(count > 0 && count <= most);
        for (size_t i = 0; i < count; i++) normal += s->seen[i].priority == ACTR_PRIORITY_NORMAL;
        all += (int)count;
    }
    HOLDS(normal == all / 4);
    return true;
}

static bool normal_is_not_starved(suite_t *s)
{
    bool holds = normal_is_not_starved_in(s, 1);
    suite_close(s);
    if (holds) holds = normal_is_not_starved_in(s, 8);
    suite_close(s);
    return holds && normal_is_not_starved_in(s, 24);
}

static bool what_is_leased_is_hidden(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t id = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_get(s, 32, LEASE_MS) == 1);
    HOLDS(suite_get(s, 32, LEASE_MS) == 0);
    actr_mailbox_stats_t now = suite_stats(s);
    HOLDS(now.ready == 0 && now.hidden == 1 && now.bytes == 2 && now.next_ms > 0);
    HOLDS(ack(s, id));
    now = suite_stats(s);
    HOLDS(now.hidden == 0 && now.bytes == 0);
    return true;
}

static bool a_lease_ends(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t id = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_get(s, 32, 1) == 1);
    size_t count;
    while ((count = suite_get(s, 32, LEASE_MS)) == 0) continue; /* a millisecond */
    HOLDS(count == 1 && s->seen[0].id == id && s->seen[0].attempts == 2);
    return true;
}

static bool a_lease_can_be_extended(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t id = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(actr_mailbox_extend(s->mailbox, id, LEASE_MS, NULL) == ACTR_STATUS_NOT_FOUND); /* nobody holds it */
    HOLDS(suite_get(s, 32, 60000) == 1);
    int64_t before = suite_stats(s).next_ms;
    HOLDS(actr_mailbox_extend(s->mailbox, id, LEASE_MS, NULL) == ACTR_OK);
    HOLDS(suite_stats(s).next_ms > before || suite_stats(s).hidden == 1);
    HOLDS(actr_mailbox_extend(s->mailbox, id, ACTR_LEASE_FOR_EVER, NULL) == ACTR_OK);
    HOLDS(suite_get(s, 32, LEASE_MS) == 0);
    HOLDS(actr_mailbox_extend(s->mailbox, id + 1000, LEASE_MS, NULL) == ACTR_STATUS_NOT_FOUND);
    HOLDS(ack(s, id));
    HOLDS(actr_mailbox_extend(s->mailbox, id, LEASE_MS, NULL) == ACTR_STATUS_NOT_FOUND);
    return true;
}

static bool unknown_ids_are_a_success(suite_t *s)
{
    HOLDS(suite_open(s, true));
    HOLDS(ack(s, 4711) && nack(s, 4711, 0, false));
    int64_t id = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(ack(s, id) && ack(s, id)); /* also one that was never handed out, and twice */
    HOLDS(suite_get(s, 32, LEASE_MS) == 0);
    return true;
}

static bool nack_gives_the_old_place_back(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t first = suite_put(s, "a", "1", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_put(s, "a", "2", ACTR_PRIORITY_NORMAL) > 0);
    HOLDS(suite_get(s, 1, LEASE_MS) == 1);
    HOLDS(nack(s, first, 0, false));
    HOLDS(suite_get(s, 1, LEASE_MS) == 1 && s->seen[0].id == first && s->seen[0].attempts == 2);
    HOLDS(nack(s, first, 0, true)); /* this time nobody tried */
    HOLDS(suite_get(s, 1, LEASE_MS) == 1 && s->seen[0].id == first && s->seen[0].attempts == 2);
    return true;
}

static bool nack_can_delay(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t first = suite_put(s, "a", "1", ACTR_PRIORITY_NORMAL), second = suite_put(s, "a", "2", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_get(s, 2, LEASE_MS) == 2);
    HOLDS(nack(s, first, LEASE_MS, false) && nack(s, second, 1, false));
    HOLDS(suite_stats(s).hidden == 2 && suite_stats(s).next_ms > 0);
    size_t count;
    while ((count = suite_get(s, 32, LEASE_MS)) == 0) continue; /* a millisecond */
    HOLDS(count == 1 && s->seen[0].id == second);
    HOLDS(suite_get(s, 32, LEASE_MS) == 0);
    return true;
}

static bool a_suspect_comes_alone(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t first = suite_put(s, "a", "1", ACTR_PRIORITY_NORMAL), poison = suite_put(s, "a", "2", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_put(s, "a", "3", ACTR_PRIORITY_NORMAL) > 0);
    for (int i = 0; i < 2; i++) {
        HOLDS(suite_get(s, 2, LEASE_MS) == 2 && nack(s, first, 0, true) && nack(s, poison, 0, false));
    }
    HOLDS(suite_get(s, 32, LEASE_MS) == 1 && s->seen[0].id == first);
    HOLDS(suite_get(s, 32, LEASE_MS) == 1 && s->seen[0].id == poison && s->seen[0].attempts == 3);
    HOLDS(suite_get(s, 32, LEASE_MS) == 1 && strcmp(s->seen[0].payload, "3") == 0);
    return true;
}

static bool take_may_end_the_batch(suite_t *s)
{
    HOLDS(suite_open(s, true));
    for (int i = 0; i < 5; i++) HOLDS(suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL) > 0);
    s->stop_after = 2;
    HOLDS(suite_get(s, 32, LEASE_MS) == 2);
    s->stop_after = 0;
    HOLDS(suite_get(s, 32, LEASE_MS) == 3);
    return true;
}

static bool leased_at_enqueue_is_not_shown(suite_t *s)
{
    HOLDS(suite_open(s, true));
    actr_message_t message = suite_message("a", "x", ACTR_PRIORITY_HIGH);
    message.leased = true;
    HOLDS(actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK && message.attempts == 1);
    HOLDS(suite_get(s, 32, LEASE_MS) == 0 && suite_stats(s).hidden == 1);
    HOLDS(nack(s, message.id, 0, false));
    HOLDS(suite_get(s, 32, LEASE_MS) == 1 && s->seen[0].attempts == 2);
    HOLDS(ack(s, message.id));
    return true;
}

static bool limits_refuse_what_is_new(suite_t *s)
{
    s->options.max_messages = 3;
    s->options.max_bytes = 1000;
    HOLDS(suite_open(s, true));
    int64_t first = suite_put(s, "a", "1", ACTR_PRIORITY_NORMAL);
    HOLDS(first > 0 && suite_put(s, "a", "2", ACTR_PRIORITY_NORMAL) > 0);
    actr_message_t two[2] = {suite_message("a", "3", ACTR_PRIORITY_NORMAL),
                             suite_message("a", "4", ACTR_PRIORITY_NORMAL)};
    actr_error_t error = ACTR_ERROR_INIT;
    HOLDS(actr_mailbox_enqueue(s->mailbox, two, 2, &error) == ACTR_STATUS_MAILBOX_FULL);
    HOLDS(error.message[0] != '\0');
    HOLDS(two[0].outcome == ACTR_ENQUEUE_STORED && two[1].outcome == ACTR_ENQUEUE_FULL);
    HOLDS(suite_put(s, "a", "high too", ACTR_PRIORITY_HIGH) == 0);
    HOLDS(ack(s, first));
    char big[1001];
    memset(big, 'x', sizeof big);
    big[1000] = '\0';
    HOLDS(suite_put(s, "a", big, ACTR_PRIORITY_NORMAL) == 0); /* bytes */
    HOLDS(suite_put(s, "a", "room again", ACTR_PRIORITY_NORMAL) > 0);
    return true;
}

/* ---- groups ---- */

static bool a_group_is_one_unit(suite_t *s)
{
    HOLDS(suite_open(s, true));
    int64_t first = suite_put(s, "a", "1", ACTR_PRIORITY_NORMAL), second = suite_put(s, "a", "2", ACTR_PRIORITY_NORMAL),
            third = suite_put(s, "a", "3", ACTR_PRIORITY_NORMAL);
    HOLDS(suite_get(s, 3, LEASE_MS) == 3);
    actr_message_t message = suite_message("a", "4", ACTR_PRIORITY_NORMAL);
    actr_ack_t done = {.id = first};
    actr_nack_t back = {.id = second};
    actr_burial_t burial = {.message_id = third,
                            .letter = {.reason = "r", .category = "c", .trace_id = "t", .payload = {"3", 1}}};
    actr_mailbox_group_t group = {&burial, 1, &done, 1, &back, 1, &message, 1};
    HOLDS(actr_mailbox_commit(s->mailbox, s->letters, &group, NULL) == ACTR_OK);
    HOLDS(suite_get(s, 32, LEASE_MS) == 2 && s->seen[0].id == second && s->seen[1].id == message.id);
    HOLDS(suite_stats(s).hidden == 2);
    return true;
}

/* ---- duplicates ---- */

static actr_message_t keyed(const char *payload, uint8_t key)
{
    actr_message_t message = suite_message("a", payload, ACTR_PRIORITY_NORMAL);
    memset(message.key, key, sizeof message.key);
    return message;
}

static bool ack_with(suite_t *s, const actr_message_t *message, const char *reply)
{
    actr_ack_t done = {.id = message->id, .reply = {reply, strlen(reply)}};
    memcpy(done.key, message->key, sizeof done.key);
    return actr_mailbox_ack(s->mailbox, &done, 1, NULL) == ACTR_OK;
}

/* The reply of the duplicate is `wanted` (NULL: none). */
static bool is_answered(suite_t *s, uint8_t key, int64_t id, const char *wanted)
{
    actr_message_t again = keyed("again", key);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &again, 1, NULL) == ACTR_OK);
    HOLDS(again.outcome == ACTR_ENQUEUE_ANSWERED && again.id == id);
    size_t size = again.reply == NULL ? 0 : actr_buf_size(again.reply);
    bool same = wanted == NULL ? again.reply == NULL
                               : again.reply != NULL && size == strlen(wanted) &&
                                     memcmp(actr_buf_data(again.reply), wanted, size) == 0;
    actr_buf_release(again.reply);
    HOLDS(same);
    return true;
}

static bool a_duplicate_is_not_stored_again(suite_t *s)
{
    if (!s->factory->knows_duplicates) return true;
    HOLDS(suite_open(s, true));
    actr_message_t first = keyed("1", 7), again = keyed("1", 7), other = keyed("2", 8);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &first, 1, NULL) == ACTR_OK && first.outcome == ACTR_ENQUEUE_STORED);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &again, 1, NULL) == ACTR_OK);
    HOLDS(again.outcome == ACTR_ENQUEUE_PENDING && again.id == first.id);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &other, 1, NULL) == ACTR_OK && other.outcome == ACTR_ENQUEUE_STORED);
    HOLDS(suite_get(s, 32, LEASE_MS) == 2);
    HOLDS(ack_with(s, &first, "the reply") && ack_with(s, &other, ""));
    HOLDS(is_answered(s, 7, first.id, "the reply") && is_answered(s, 8, other.id, NULL));
    HOLDS(suite_stats(s).remembered == 2 && suite_stats(s).ready == 0);
    actr_message_t none[2] = {suite_message("a", "x", ACTR_PRIORITY_NORMAL),
                              suite_message("a", "x", ACTR_PRIORITY_NORMAL)};
    HOLDS(actr_mailbox_enqueue(s->mailbox, none, 2, NULL) == ACTR_OK); /* no key: never a duplicate */
    HOLDS(none[0].outcome == ACTR_ENQUEUE_STORED && none[1].outcome == ACTR_ENQUEUE_STORED);
    return true;
}

static bool duplicates_in_one_batch_are_seen(suite_t *s)
{
    if (!s->factory->knows_duplicates) return true;
    HOLDS(suite_open(s, true));
    actr_message_t two[2] = {keyed("1", 9), keyed("1", 9)};
    HOLDS(actr_mailbox_enqueue(s->mailbox, two, 2, NULL) == ACTR_OK);
    HOLDS(two[0].outcome == ACTR_ENQUEUE_STORED && two[1].outcome == ACTR_ENQUEUE_PENDING);
    HOLDS(two[0].id == two[1].id);
    return true;
}

static bool an_ack_without_key_forgets(suite_t *s)
{
    if (!s->factory->knows_duplicates) return true;
    HOLDS(suite_open(s, true));
    actr_message_t first = keyed("1", 7), again = keyed("1", 7);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &first, 1, NULL) == ACTR_OK);
    HOLDS(ack(s, first.id));
    HOLDS(actr_mailbox_enqueue(s->mailbox, &again, 1, NULL) == ACTR_OK && again.outcome == ACTR_ENQUEUE_STORED);
    return true;
}

static bool the_duplicate_window_is_bounded(suite_t *s)
{
    if (!s->factory->knows_duplicates) return true;
    s->options.duplicate_entries = 4;
    HOLDS(suite_open(s, true));
    for (int i = 1; i <= 8; i++) {
        actr_message_t message = keyed("x", (uint8_t)i);
        HOLDS(actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK && ack_with(s, &message, "r"));
    }
    HOLDS(suite_stats(s).remembered == 4);
    actr_message_t old = keyed("x", 1);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &old, 1, NULL) == ACTR_OK && old.outcome == ACTR_ENQUEUE_STORED);
    return true;
}

static bool the_duplicate_window_ends(suite_t *s)
{
    if (!s->factory->knows_duplicates) return true;
    s->options.duplicate_window_ms = 1;
    HOLDS(suite_open(s, true));
    actr_message_t message = keyed("x", 1);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK && ack_with(s, &message, "r"));
    do {
        message = keyed("x", 1);
        HOLDS(actr_mailbox_enqueue(s->mailbox, &message, 1, NULL) == ACTR_OK);
        actr_buf_release(message.reply);
    } while (message.outcome == ACTR_ENQUEUE_ANSWERED); /* a millisecond */
    HOLDS(message.outcome == ACTR_ENQUEUE_STORED);
    return true;
}

/* ---- after a restart ---- */

static bool what_was_accepted_survives(suite_t *s)
{
    if (!s->factory->durable) return true;
    HOLDS(suite_open(s, true));
    int64_t high = 0, delayed = 0, last = 0;
    for (int i = 0; i < 20; i++) last = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    high = suite_put(s, "b", "h", ACTR_PRIORITY_HIGH);
    HOLDS(suite_get(s, 3, LEASE_MS) == 3 && s->seen[0].id == high); /* in flight when it is closed */
    HOLDS(ack(s, s->seen[2].id));
    delayed = last;
    HOLDS(nack(s, delayed, LEASE_MS, false));
    suite_close(s);
    HOLDS(suite_open(s, false));
    HOLDS(suite_stats(s).ready == 19 && suite_stats(s).ready_high == 1 && suite_stats(s).hidden == 1);
    HOLDS(suite_get(s, 32, LEASE_MS) == 19);
    HOLDS(s->seen[0].id == high && s->seen[0].attempts == 2 && s->seen[1].attempts == 2 && s->seen[2].attempts == 1);
    for (size_t i = 2; i < 19; i++) HOLDS(s->seen[i].id > s->seen[i - 1].id);
    int64_t next = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(next > high); /* no number twice */
    return true;
}

static bool numbers_are_not_used_again(suite_t *s)
{
    if (!s->factory->durable) return true;
    HOLDS(suite_open(s, true));
    int64_t id = suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL);
    HOLDS(ack(s, id));
    suite_close(s);
    HOLDS(suite_open(s, false));
    HOLDS(suite_put(s, "a", "x", ACTR_PRIORITY_NORMAL) > id);
    return true;
}

static bool duplicates_survive(suite_t *s)
{
    if (!s->factory->durable || !s->factory->knows_duplicates) return true;
    HOLDS(suite_open(s, true));
    actr_message_t done = keyed("1", 1), waits = keyed("2", 2);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &done, 1, NULL) == ACTR_OK);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &waits, 1, NULL) == ACTR_OK);
    HOLDS(ack_with(s, &done, "kept"));
    suite_close(s);
    HOLDS(suite_open(s, false));
    HOLDS(is_answered(s, 1, done.id, "kept"));
    actr_message_t again = keyed("2", 2);
    HOLDS(actr_mailbox_enqueue(s->mailbox, &again, 1, NULL) == ACTR_OK);
    HOLDS(again.outcome == ACTR_ENQUEUE_PENDING && again.id == waits.id);
    return true;
}

/* ---- threads ---- */

#define THREADS 8
#define EACH 50

typedef struct worker {
    suite_t *suite;
    int number;
    bool good;
} worker_t;

static void *produce(void *argument)
{
    worker_t *w = argument;
    char sender[20], text[20];
    (void)snprintf(sender, sizeof sender, "%d", w->number);
    w->good = true;
    for (int i = 0; i < EACH; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        if (suite_put(w->suite, sender, text, ACTR_PRIORITY_NORMAL) == 0) w->good = false;
    }
    return NULL;
}

static bool threads_may_share_it(suite_t *s)
{
    worker_t workers[THREADS];
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    bool good = true;
    HOLDS(suite_open(s, true));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){s, i, false};
        if (pthread_create(&threads[i], NULL, produce, &workers[i]) != 0) return suite_wrong(s, __LINE__, "no thread");
    }
    for (int i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) good = good && workers[i].good;
    HOLDS(good && suite_stats(s).ready == THREADS * EACH);
    for (size_t all = 0; all < THREADS * EACH;) {
        size_t count = suite_get(s, 64, LEASE_MS);
        HOLDS(count > 0 && count != SIZE_MAX);
        for (size_t i = 0; i < count; i++) HOLDS(atoi(s->seen[i].payload) == next[atoi(s->seen[i].sender)]++);
        all += count;
    }
    return true;
}

/* ---- all of them ---- */

#define CASE(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }
static const struct {
    const char *name;
    bool (*run)(suite_t *suite);
} cases[] = {
    CASE(an_empty_mailbox_gives_nothing),
    CASE(messages_come_as_they_were_given),
    CASE(empty_senders_and_payloads_are_accepted),
    CASE(large_payloads_are_accepted),
    CASE(order_is_that_of_arrival),
    CASE(high_comes_before_normal),
    CASE(normal_is_not_starved),
    CASE(what_is_leased_is_hidden),
    CASE(a_lease_ends),
    CASE(a_lease_can_be_extended),
    CASE(unknown_ids_are_a_success),
    CASE(nack_gives_the_old_place_back),
    CASE(nack_can_delay),
    CASE(a_suspect_comes_alone),
    CASE(take_may_end_the_batch),
    CASE(leased_at_enqueue_is_not_shown),
    CASE(limits_refuse_what_is_new),
    CASE(a_group_is_one_unit),
    CASE(a_duplicate_is_not_stored_again),
    CASE(duplicates_in_one_batch_are_seen),
    CASE(an_ack_without_key_forgets),
    CASE(the_duplicate_window_is_bounded),
    CASE(the_duplicate_window_ends),
    CASE(what_was_accepted_survives),
    CASE(numbers_are_not_used_again),
    CASE(duplicates_survive),
    CASE(threads_may_share_it),
    {"letters_are_kept_and_found", suite_letters_are_kept_and_found},
    {"filters_hold_together", suite_filters_hold_together},
    {"pages_follow_each_other", suite_pages_follow_each_other},
    {"purge_deletes_what_the_filter_names", suite_purge_deletes_what_the_filter_names},
    {"old_letters_make_room", suite_old_letters_make_room},
    {"redrive_puts_the_message_back", suite_redrive_puts_the_message_back},
    {"redrive_into_a_full_mailbox_keeps_the_letter", suite_redrive_into_a_full_mailbox_keeps_the_letter},
    {"letters_survive", suite_letters_survive},
};

int actr_mailbox_conformance(const actr_mailbox_factory_t *factory, actr_mailbox_report_fn report, void *user)
{
    int failed = 0;
    suite_t *s = calloc(1, sizeof *s);
    if (s == NULL) return 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(s, 0, sizeof *s);
        s->factory = factory;
        s->options = (actr_store_options_t)ACTR_STORE_OPTIONS_INIT;
        bool holds = cases[i].run(s);
        suite_close(s);
        if (!holds && s->failure[0] == '\0') (void)suite_wrong(s, 0, "it does not hold");
        failed += !holds;
        if (report != NULL) {
            report(user, factory->name, cases[i].name, holds ? NULL : s->failure);
        } else {
            (void)printf("%s %zu - %s: %s%s%s\n", holds ? "ok" : "not ok", i + 1, factory->name, cases[i].name,
                         holds ? "" : ": ", s->failure);
        }
    }
    free(s);
    return failed;
}
