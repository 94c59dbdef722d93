/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of messages and of answers. Each function leaves counts as the file is. */
#include "mailbox/begun.h"
#include "mailbox/schema.h"
#include "mailbox/store.h"
#include "port/clock.h"

#include "base/buf.h"

#include <string.h>

#define SUSPECT 2 /* a message that was handed out so often without an end comes alone */
#define MOST_DELAY_MS (7 * 24 * 3600 * INT64_C(1000))

enum { SEQUENCE, ATTEMPTS, REDRIVES, RECEIVED, DEADLINE, REQUEST, SENDER, PAYLOAD, PRIORITY }; /* columns of a row */

static void count_state(actri_store_t *store, int64_t available_ms, int high, int sign)
{
    actri_store_counts_t *counts = &store->counts;
    uint64_t one = sign > 0 ? 1 : UINT64_MAX; /* wraps: minus one */
    if (available_ms == 0) {
        counts->ready += one;
        if (high != 0) counts->ready_high += one;
    } else if (available_ms == ACTRI_IN_FLIGHT) {
        counts->in_flight += one;
    } else {
        counts->hidden += one;
        if (sign > 0 && available_ms < counts->next_hidden_ms) counts->next_hidden_ms = available_ms;
    }
}

static int64_t later(int64_t now_ms, int64_t by_ms)
{
    if (by_ms <= 0) return now_ms;
    return now_ms + (by_ms < MOST_DELAY_MS ? by_ms : MOST_DELAY_MS);
}

bool actri_store_has_room(const actri_store_t *store, const actr_message_t *message, uint64_t more, uint64_t more_bytes)
{
    const actri_store_counts_t *counts = &store->counts;
    uint64_t held = counts->ready + counts->hidden + counts->in_flight + more;
    return held < store->max_messages &&
           counts->bytes + more_bytes + message->sender.size + message->payload.size <= store->max_bytes;
}

actr_status_t actri_store_insert(actri_store_t *store, const actr_message_t *message, int64_t now_ms,
                                 actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_INSERT];
    int high = message->priority == ACTR_PRIORITY_HIGH;
    int64_t available = message->leased ? ACTRI_IN_FLIGHT : 0;
    bool good = sqlite3_bind_int64(s, 1, message->id) == SQLITE_OK && sqlite3_bind_int(s, 2, high) == SQLITE_OK &&
                sqlite3_bind_int64(s, 3, (int64_t)message->attempts) == SQLITE_OK &&
                sqlite3_bind_int64(s, 4, (int64_t)message->redrives) == SQLITE_OK &&
                sqlite3_bind_int(s, 5, message->leased ? 1 : 0) == SQLITE_OK &&
                sqlite3_bind_int64(s, 6, available) == SQLITE_OK &&
                sqlite3_bind_int64(s, 7, message->received_ms != 0 ? message->received_ms : now_ms) == SQLITE_OK &&
                sqlite3_bind_int64(s, 8, message->deadline_ms) == SQLITE_OK;
    if (actri_key_is_set(message->key)) {
        good = good && sqlite3_bind_blob(s, 9, message->key, ACTR_KEY_SIZE, SQLITE_STATIC) == SQLITE_OK;
    } else {
        good = good && sqlite3_bind_null(s, 9) == SQLITE_OK;
    }
    good = good && actri_bind_bytes(s, 10, message->sender) && actri_bind_bytes(s, 11, message->payload);
    if (!good) return actri_sqlite_fail(store->db, "a message was not stored", error);
    actr_status_t status = actri_store_run(store, ACTRI_SQL_INSERT, "a message was not stored", error);
    if (status != ACTR_OK) return status;
    count_state(store, available, high, 1);
    store->counts.bytes += message->sender.size + message->payload.size;
    return ACTR_OK;
}

actr_status_t actri_store_delete(actri_store_t *store, int64_t id, uint8_t *key, actr_error_t *error)
{
    static const char what[] = "an acknowledgement was not stored";
    if (key != NULL) memset(key, 0, ACTR_KEY_SIZE);
    sqlite3_stmt *s = store->statements[ACTRI_SQL_DELETED];
    (void)sqlite3_bind_int64(s, 1, id);
    int code = sqlite3_step(s);
    bool there = code == SQLITE_ROW;
    if (there) {
        count_state(store, sqlite3_column_int64(s, 0), sqlite3_column_int(s, 1), -1);
        store->counts.bytes -= (uint64_t)sqlite3_column_int64(s, 2);
        actr_bytes_t found = actri_column_bytes(s, 3);
        if (key != NULL && found.size == ACTR_KEY_SIZE) memcpy(key, found.data, ACTR_KEY_SIZE);
    }
    actr_status_t status = there || code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, what, error);
    (void)sqlite3_reset(s);
    if (!there) return status;
    (void)sqlite3_bind_int64(store->statements[ACTRI_SQL_DELETE], 1, id);
    return actri_store_run(store, ACTRI_SQL_DELETE, what, error);
}

/* ---- hidden ---- */

typedef struct state {
    bool there, leased;
    int64_t available_ms;
    int high;
} state_t;

static actr_status_t look(actri_store_t *store, int64_t id, state_t *out, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_LOOK];
    actr_status_t status = ACTR_OK;
    memset(out, 0, sizeof *out);
    (void)sqlite3_bind_int64(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        *out = (state_t){true, sqlite3_column_int(s, 2) != 0, sqlite3_column_int64(s, 0), sqlite3_column_int(s, 1)};
    } else if (code != SQLITE_DONE) {
        status = actri_sqlite_fail(store->db, "a message was not read", error);
    }
    (void)sqlite3_reset(s);
    return status;
}

static actr_status_t move(actri_store_t *store, int64_t id, const state_t *from, int64_t available_ms, bool leased,
                          int untried, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_NACK];
    (void)sqlite3_bind_int64(s, 1, id);
    (void)sqlite3_bind_int64(s, 2, available_ms);
    (void)sqlite3_bind_int(s, 3, untried);
    (void)sqlite3_bind_int(s, 4, leased ? 1 : 0);
    actr_status_t status = actri_store_run(store, ACTRI_SQL_NACK, "a message was not put back", error);
    if (status != ACTR_OK) return status;
    count_state(store, from->available_ms, from->high, -1);
    count_state(store, available_ms, from->high, 1);
    return ACTR_OK;
}

actr_status_t actri_store_nack(actri_store_t *store, const actr_nack_t *nack, int64_t now_ms, actr_error_t *error)
{
    state_t state;
    actr_status_t status = look(store, nack->id, &state, error);
    if (status != ACTR_OK || !state.there) return status;
    int64_t available = nack->delay_ms > 0 ? later(now_ms, nack->delay_ms) : 0;
    return move(store, nack->id, &state, available, false, nack->untried ? 1 : 0, error);
}

actr_status_t actri_store_extend(actri_store_t *store, int64_t id, int64_t lease_ms, actr_error_t *error)
{
    state_t state;
    int64_t now_ms = actri_wall_ms();
    actr_status_t status = look(store, id, &state, error);
    if (status != ACTR_OK) return status;
    bool over = state.available_ms != ACTRI_IN_FLIGHT && state.available_ms <= now_ms;
    if (!state.there || !state.leased || over) {
        return actri_fail(error, ACTR_STATUS_NOT_FOUND, "mailbox: nobody holds message %lld", (long long)id);
    }
    int64_t until = lease_ms == ACTR_LEASE_FOR_EVER ? ACTRI_IN_FLIGHT : later(now_ms, lease_ms);
    return move(store, id, &state, until, true, 0, error);
}

actr_status_t actri_store_wake(actri_store_t *store, int64_t now_ms, actr_error_t *error)
{
    actri_store_counts_t *counts = &store->counts;
    if (counts->next_hidden_ms > now_ms) return ACTR_OK;
    sqlite3_stmt *s = store->statements[ACTRI_SQL_WAKE];
    (void)sqlite3_bind_int64(s, 1, now_ms);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        counts->hidden--;
        counts->ready++;
        counts->ready_high += sqlite3_column_int(s, 0) != 0;
    }
    (void)sqlite3_reset(s);
    if (code == SQLITE_DONE) {
        s = store->statements[ACTRI_SQL_NEXT];
        code = sqlite3_step(s);
        bool none = sqlite3_column_type(s, 0) == SQLITE_NULL;
        if (code == SQLITE_ROW) counts->next_hidden_ms = none ? INT64_MAX : sqlite3_column_int64(s, 0);
        (void)sqlite3_reset(s);
        if (code == SQLITE_ROW) return ACTR_OK;
    }
    return actri_sqlite_fail(store->db, "delayed messages were not found", error);
}

/* ---- handing out ---- */

static void read_row(sqlite3_stmt *s, actr_message_t *out)
{
    memset(out, 0, sizeof *out);
    out->id = sqlite3_column_int64(s, SEQUENCE);
    out->priority = sqlite3_column_int(s, PRIORITY) != 0 ? ACTR_PRIORITY_HIGH : ACTR_PRIORITY_NORMAL;
    out->attempts = (uint32_t)sqlite3_column_int64(s, ATTEMPTS);
    out->redrives = (uint32_t)sqlite3_column_int64(s, REDRIVES);
    out->received_ms = sqlite3_column_int64(s, RECEIVED);
    out->deadline_ms = sqlite3_column_int64(s, DEADLINE);
    out->sender = actri_column_bytes(s, SENDER);
    out->payload = actri_column_bytes(s, PAYLOAD);
    actr_bytes_t key = actri_column_bytes(s, REQUEST);
    if (key.size == ACTR_KEY_SIZE) memcpy(out->key, key.data, ACTR_KEY_SIZE);
}

typedef struct batch {
    actr_take_fn take;
    void *user;
    int64_t until_ms;
    size_t taken;
    bool over; /* nothing more in this batch */
} batch_t;

static int show_ready(actri_store_t *store, bool high, uint64_t most, batch_t *batch, int64_t *last, uint64_t *count)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_READY];
    int code = SQLITE_DONE;
    (void)sqlite3_bind_int(s, 1, high ? 1 : 0);
    (void)sqlite3_bind_int64(s, 2, (int64_t)most);
    while (!batch->over && (code = sqlite3_step(s)) == SQLITE_ROW) {
        actr_message_t message;
        read_row(s, &message);
        bool suspect = message.attempts >= SUSPECT;
        batch->over = suspect;
        if (suspect && batch->taken > 0) break; /* it comes next time, alone */
        message.attempts++;
        message.leased = true;
        if (!batch->take(batch->user, &message)) batch->over = true;
        *last = message.id;
        batch->taken++;
        ++*count;
    }
    (void)sqlite3_reset(s);
    return code;
}

static actr_status_t hand_out(actri_store_t *store, bool high, uint64_t most, batch_t *batch, actr_error_t *error)
{
    int64_t last = 0;
    uint64_t count = 0;
    if (most == 0 || batch->over) return ACTR_OK;
    int code = show_ready(store, high, most, batch, &last, &count);
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        return actri_sqlite_fail(store->db, "stored messages were not read", error);
    }
    if (count == 0) return ACTR_OK;
    sqlite3_stmt *s = store->statements[ACTRI_SQL_LEASE];
    (void)sqlite3_bind_int(s, 1, high ? 1 : 0);
    (void)sqlite3_bind_int64(s, 2, last);
    (void)sqlite3_bind_int64(s, 3, batch->until_ms);
    actr_status_t status = actri_store_run(store, ACTRI_SQL_LEASE, "attempts were not counted", error);
    if (status != ACTR_OK) return status;
    actri_store_counts_t *counts = &store->counts;
    counts->ready -= count;
    counts->ready_high -= high ? count : 0;
    if (batch->until_ms == ACTRI_IN_FLIGHT) {
        counts->in_flight += count;
    } else {
        counts->hidden += count;
        if (batch->until_ms < counts->next_hidden_ms) counts->next_hidden_ms = batch->until_ms;
    }
    actri_share_took(&counts->share, high ? count : 0, high ? 0 : count);
    return ACTR_OK;
}

actr_status_t actri_store_dequeue(actri_store_t *store, size_t most, int64_t lease_ms, actr_take_fn take, void *user,
                                  size_t *taken, actr_error_t *error)
{
    int64_t now_ms = actri_wall_ms();
    const actri_store_counts_t *counts = &store->counts;
    batch_t batch = {.take = take, .user = user};
    batch.until_ms = lease_ms == ACTR_LEASE_FOR_EVER ? ACTRI_IN_FLIGHT : later(now_ms, lease_ms);
    *taken = 0;
    actr_status_t status = actri_store_wake(store, now_ms, error);
    if (status != ACTR_OK) return status;
    uint64_t high = actri_share_high(&counts->share, most, counts->ready_high, counts->ready - counts->ready_high);
    uint64_t normal = counts->ready - counts->ready_high;
    if (normal > most - high) normal = most - high;
    status = hand_out(store, true, high, &batch, error);
    if (status == ACTR_OK) status = hand_out(store, false, normal, &batch, error);
    if (status == ACTR_OK) *taken = batch.taken;
    return status;
}

actr_status_t actri_store_show(actri_store_t *store, int64_t id, actr_take_fn take, void *user, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_MESSAGE];
    (void)sqlite3_bind_int64(s, 1, id);
    int code = sqlite3_step(s);
    actr_status_t status = ACTR_OK;
    if (code == SQLITE_ROW) {
        actr_message_t message;
        read_row(s, &message);
        (void)take(user, &message);
    } else if (code == SQLITE_DONE) {
        status = actri_fail(error, ACTR_STATUS_NOT_FOUND, "mailbox: there is no message %lld", (long long)id);
    } else {
        status = actri_sqlite_fail(store->db, "a message was not read", error);
    }
    (void)sqlite3_reset(s);
    return status;
}

/* ---- answers ---- */

actr_status_t actri_store_answer(actri_store_t *store, const actr_ack_t *ack, int64_t number, int64_t until_ms,
                                 actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_ANSWER];
    bool good = sqlite3_bind_int64(s, 1, number) == SQLITE_OK && sqlite3_bind_int64(s, 2, ack->id) == SQLITE_OK &&
                sqlite3_bind_int64(s, 3, until_ms) == SQLITE_OK &&
                sqlite3_bind_blob(s, 4, ack->key, ACTR_KEY_SIZE, SQLITE_STATIC) == SQLITE_OK;
    if (ack->reply.size == 0) {
        good = good && sqlite3_bind_null(s, 5) == SQLITE_OK;
    } else {
        good = good && actri_bind_bytes(s, 5, ack->reply);
    }
    if (!good) return actri_sqlite_fail(store->db, "an answer was not stored", error);
    return actri_store_run(store, ACTRI_SQL_ANSWER, "an answer was not stored", error);
}

actr_status_t actri_store_reply(actri_store_t *store, int64_t number, actr_buf_t **out, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_REPLY];
    (void)sqlite3_bind_int64(s, 1, number);
    int code = sqlite3_step(s);
    actr_status_t status = ACTR_OK;
    *out = NULL;
    if (code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
        actr_bytes_t reply = actri_column_bytes(s, 0);
        *out = actri_buf_copy(NULL, reply.data, reply.size); /* may outlive the store */
        if (*out == NULL) status = actri_no_memory(error);
    } else if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = actri_sqlite_fail(store->db, "an answer was not read", error);
    }
    (void)sqlite3_reset(s);
    return status;
}

actr_status_t actri_store_trim(actri_store_t *store, int64_t number, actr_error_t *error)
{
    (void)sqlite3_bind_int64(store->statements[ACTRI_SQL_TRIM], 1, number);
    return actri_store_run(store, ACTRI_SQL_TRIM, "old answers were not deleted", error);
}

/* ---- what the file holds ---- */

static int step_all(sqlite3 *db, const char *query, actri_store_t *store, int64_t now_ms,
                    bool (*row)(actri_store_t *store, sqlite3_stmt *s, int64_t now_ms))
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db, query, -1, &s, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        code = row(store, s, now_ms) ? SQLITE_OK : SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(s);
    return code;
}

static bool load_message(actri_store_t *store, sqlite3_stmt *s, int64_t now_ms)
{
    int64_t id = sqlite3_column_int64(s, 0);
    count_state(store, sqlite3_column_int64(s, 1), sqlite3_column_int(s, 2), 1);
    store->counts.bytes += (uint64_t)sqlite3_column_int64(s, 3);
    if (id > store->counts.last_sequence) store->counts.last_sequence = id;
    actr_bytes_t key = actri_column_bytes(s, 4);
    if (key.size != ACTR_KEY_SIZE || actri_known_find(&store->known, key.data, now_ms) != NULL) return true;
    return actri_known_wait(&store->known, key.data, id) != NULL;
}

static bool load_answer(actri_store_t *store, sqlite3_stmt *s, int64_t now_ms)
{
    int64_t number = sqlite3_column_int64(s, 0), id = sqlite3_column_int64(s, 1);
    if (number > store->counts.last_answer) store->counts.last_answer = number;
    if (id > store->counts.last_sequence) store->counts.last_sequence = id;
    actr_bytes_t key = actri_column_bytes(s, 3);
    if (key.size != ACTR_KEY_SIZE || actri_known_find(&store->known, key.data, now_ms) != NULL) return true;
    actri_known_entry_t *entry = actri_known_wait(&store->known, key.data, id);
    if (entry == NULL) return false;
    actri_known_answer(&store->known, entry, number, sqlite3_column_int64(s, 2), now_ms,
                       (size_t)sqlite3_column_int64(s, 4));
    return true;
}

static bool load_counter(actri_store_t *store, sqlite3_stmt *s, int64_t now_ms)
{
    (void)now_ms;
    int64_t value = sqlite3_column_int64(s, 0);
    if (value > store->counts.last_sequence) store->counts.last_sequence = value;
    store->counts.letters = (uint64_t)sqlite3_column_int64(s, 1);
    return true;
}

static bool let_go_begun(void *user, int64_t sequence)
{
    char query[160];
    (void)sqlite3_snprintf(sizeof query, query,
                           "UPDATE message SET leased = 0, available_ms = 0 WHERE sequence = %lld AND leased <> 0",
                           (long long)sequence);
    return sqlite3_exec(user, query, NULL, NULL, NULL) == SQLITE_OK;
}

/* Nobody holds anything at a start. Where it is known what had been begun, nothing else was tried. A delay beyond the
 * longest one comes from a clock that was set back. */
static bool let_go(actri_store_t *store, const char *path, int64_t now_ms)
{
    char query[320];
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return false;
    bool known = actri_begun_each(&store->env, path, let_go_begun, store->db);
    long long most = now_ms + MOST_DELAY_MS;
    (void)sqlite3_snprintf(
        sizeof query, query,
        "UPDATE message SET leased = 0, available_ms = 0, attempts = max(0, attempts - %d) WHERE leased <> 0;"
        "UPDATE message SET available_ms = %lld WHERE available_ms > %lld; COMMIT",
        known ? 1 : 0, most, most);
    bool good = sqlite3_exec(store->db, query, NULL, NULL, NULL) == SQLITE_OK;
    if (good) actri_begun_forget(&store->env, path);
    return good;
}

actr_status_t actri_store_load(actri_store_t *store, const char *path, int64_t now_ms, actr_error_t *error)
{
    store->counts.next_hidden_ms = INT64_MAX;
    int code = let_go(store, path, now_ms) ? SQLITE_DONE : SQLITE_ERROR;
    if (code == SQLITE_DONE)
        code = step_all(store->db,
                        "SELECT coalesce((SELECT value FROM counter WHERE name = 'sequence'), 0), "
                        "(SELECT count(*) FROM dead_letter)",
                        store, now_ms, load_counter);
    if (code == SQLITE_DONE)
        code = step_all(store->db,
                        "SELECT sequence, available_ms, priority, length(sender) + length(payload), request FROM "
                        "message ORDER BY sequence",
                        store, now_ms, load_message);
    if (code == SQLITE_DONE)
        code = step_all(store->db,
                        "SELECT number, message, until_ms, request, coalesce(length(reply), 0) FROM answered ORDER BY "
                        "number",
                        store, now_ms, load_answer);
    if (code == SQLITE_NOMEM) return actri_no_memory(error);
    return code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, "the file was not read", error);
}
