/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of dead letters. */
#include "mailbox/letter.h"
#include "mailbox/schema.h"
#include "mailbox/store.h"
#include "port/clock.h"
#include "port/random.h"

#include <stdio.h>
#include <string.h>

#define PAGE 100

#define COLUMNS                                                                                                        \
    "id, priority, attempts, redrives, message, created_ms, redriven_ms, sender, receiver, payload, reason, "          \
    "category, trace_id, request_id, context, number"
enum {
    ID,
    PRIORITY,
    ATTEMPTS,
    REDRIVES,
    MESSAGE,
    CREATED,
    REDRIVEN,
    SENDER,
    RECEIVER,
    PAYLOAD,
    REASON,
    CATEGORY,
    TRACE,
    REQUEST,
    CONTEXT,
    NUMBER
};

/* ---- writing ---- */

static bool bind_text(sqlite3_stmt *s, int at, const char *text)
{
    return sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC) == SQLITE_OK; /* NULL binds NULL */
}

static bool bind_letter(sqlite3_stmt *s, const actr_dead_letter_t *letter, const char *id)
{
    int64_t created = letter->created_ms != 0 ? letter->created_ms : actri_wall_ms();
    return bind_text(s, ID + 1, id) && sqlite3_bind_int(s, PRIORITY + 1, (int)letter->priority) == SQLITE_OK &&
           sqlite3_bind_int64(s, ATTEMPTS + 1, (int64_t)letter->attempts) == SQLITE_OK &&
           sqlite3_bind_int64(s, REDRIVES + 1, (int64_t)letter->redrives) == SQLITE_OK &&
           sqlite3_bind_int64(s, MESSAGE + 1, letter->message_id) == SQLITE_OK &&
           sqlite3_bind_int64(s, CREATED + 1, created) == SQLITE_OK &&
           sqlite3_bind_int64(s, REDRIVEN + 1, letter->redriven_ms) == SQLITE_OK &&
           actri_bind_bytes(s, SENDER + 1, letter->sender) && actri_bind_bytes(s, RECEIVER + 1, letter->receiver) &&
           actri_bind_bytes(s, PAYLOAD + 1, letter->payload) && bind_text(s, REASON + 1, letter->reason) &&
           bind_text(s, CATEGORY + 1, letter->category) && bind_text(s, TRACE + 1, letter->trace_id) &&
           bind_text(s, REQUEST + 1, letter->request_id) && bind_text(s, CONTEXT + 1, letter->context);
}

/* The oldest letters make room: they are a record, and must not stop what is alive. */
static actr_status_t make_room(actri_store_t *store, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    while (status == ACTR_OK && store->counts.letters >= store->max_letters) {
        status = actri_store_run(store, ACTRI_SQL_LETTER_OLDEST, "an old dead letter was not deleted", error);
        store->counts.letters--;
    }
    return status;
}

/* False: an error of reading, with status; there: whether a letter has this id. */
static actr_status_t is_there(actri_store_t *store, const char *id, bool *there, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_LETTER_GET];
    (void)bind_text(s, 1, id);
    int code = sqlite3_step(s);
    *there = code == SQLITE_ROW;
    actr_status_t status = code == SQLITE_ROW || code == SQLITE_DONE
                               ? ACTR_OK
                               : actri_sqlite_fail(store->db, "a dead letter was not read", error);
    (void)sqlite3_reset(s);
    return status;
}

actr_status_t actri_store_letter_add(actri_store_t *store, const actr_dead_letter_t *letter, char *id,
                                     actr_error_t *error)
{
    char made[ACTRI_UUID_SIZE];
    bool there = false;
    const char *used = letter->id;
    if (used[0] == '\0') {
        actri_uuid_v4(made);
        used = made;
    } else {
        actr_status_t status = is_there(store, used, &there, error);
        if (status != ACTR_OK) return status;
    }
    if (there) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "dead letters: %s is there already", used);
    actr_status_t status = make_room(store, error);
    if (status != ACTR_OK) return status;
    if (!bind_letter(store->statements[ACTRI_SQL_LETTER], letter, used)) {
        return actri_sqlite_fail(store->db, "a dead letter was not stored", error);
    }
    status = actri_store_run(store, ACTRI_SQL_LETTER, "a dead letter was not stored", error);
    if (status != ACTR_OK) return status;
    store->counts.letters++;
    if (id != NULL) (void)snprintf(id, ACTRI_UUID_SIZE, "%s", used);
    return ACTR_OK;
}

typedef struct burying {
    actri_store_t *store;
    const actr_burial_t *burial;
    actr_status_t status;
    actr_error_t *error;
    uint8_t key[ACTR_KEY_SIZE];
} burying_t;

static bool bury_row(void *user, const actr_message_t *message)
{
    burying_t *burying = user;
    actr_dead_letter_t letter = actri_letter_of(message, &burying->burial->letter);
    burying->status = actri_store_letter_add(burying->store, &letter, NULL, burying->error);
    return true;
}

actr_status_t actri_store_bury(actri_store_t *store, const actr_burial_t *burial, actr_error_t *error)
{
    burying_t burying = {.store = store, .burial = burial, .error = error};
    actr_status_t status = actri_store_show(store, burial->message_id, bury_row, &burying, NULL);
    if (status == ACTR_STATUS_NOT_FOUND) return ACTR_OK;
    if (status != ACTR_OK) return actri_sqlite_fail(store->db, "a message was not read", error);
    if (burying.status != ACTR_OK) return burying.status;
    return actri_store_delete(store, burial->message_id, NULL, error);
}

actr_status_t actri_store_letter_remove(actri_store_t *store, const char *id, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_LETTER_DELETE];
    (void)bind_text(s, 1, id);
    actr_status_t status = actri_store_run(store, ACTRI_SQL_LETTER_DELETE, "a dead letter was not deleted", error);
    if (status == ACTR_OK) store->counts.letters -= (uint64_t)sqlite3_changes(store->db);
    return status;
}

/* ---- reading ---- */

static const char *text_of(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return text == NULL ? "" : text;
}

static void read_letter(sqlite3_stmt *s, actr_dead_letter_t *out)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->id, sizeof out->id, "%s", text_of(s, ID));
    out->priority = sqlite3_column_int(s, PRIORITY) != 0 ? ACTR_PRIORITY_HIGH : ACTR_PRIORITY_NORMAL;
    out->attempts = (uint32_t)sqlite3_column_int64(s, ATTEMPTS);
    out->redrives = (uint32_t)sqlite3_column_int64(s, REDRIVES);
    out->message_id = sqlite3_column_int64(s, MESSAGE);
    out->created_ms = sqlite3_column_int64(s, CREATED);
    out->redriven_ms = sqlite3_column_int64(s, REDRIVEN);
    out->sender = actri_column_bytes(s, SENDER);
    out->receiver = actri_column_bytes(s, RECEIVER);
    out->payload = actri_column_bytes(s, PAYLOAD);
    out->reason = text_of(s, REASON);
    out->category = text_of(s, CATEGORY);
    out->trace_id = text_of(s, TRACE);
    out->request_id = (const char *)sqlite3_column_text(s, REQUEST);
    out->context = (const char *)sqlite3_column_text(s, CONTEXT);
}

actr_status_t actri_store_letter_get(actri_store_t *store, const char *id, actr_take_letter_fn take, void *user,
                                     actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[ACTRI_SQL_LETTER_GET];
    (void)bind_text(s, 1, id);
    int code = sqlite3_step(s);
    actr_status_t status = ACTR_OK;
    if (code == SQLITE_ROW) {
        actr_dead_letter_t letter;
        read_letter(s, &letter);
        (void)take(user, &letter);
    } else if (code == SQLITE_DONE) {
        status = actri_fail(error, ACTR_STATUS_NOT_FOUND, "dead letters: there is no %s", id);
    } else {
        status = actri_sqlite_fail(store->db, "a dead letter was not read", error);
    }
    (void)sqlite3_reset(s);
    return status;
}

/* ---- filters ---- */

enum { BY_CATEGORY = 1, BY_TRACE, BY_REQUEST, BY_SENDER, AFTER, BEFORE, PAGE_CREATED, PAGE_NUMBER, LIMIT };

static void write_conditions(const actr_dlq_filter_t *filter, char *text, size_t size)
{
    (void)snprintf(text, size, "WHERE 1%s%s%s%s%s%s", filter->category != NULL ? " AND category = ?1" : "",
                   filter->trace_id != NULL ? " AND trace_id = ?2" : "",
                   filter->request_id != NULL ? " AND request_id = ?3" : "",
                   filter->sender.data != NULL ? " AND sender = ?4" : "",
                   filter->created_after_ms != 0 ? " AND created_ms > ?5" : "",
                   filter->created_before_ms != 0 ? " AND created_ms < ?6" : "");
}

/* Parameters that the text does not name are out of range, and harmless. */
static void bind_conditions(sqlite3_stmt *s, const actr_dlq_filter_t *filter)
{
    (void)bind_text(s, BY_CATEGORY, filter->category);
    (void)bind_text(s, BY_TRACE, filter->trace_id);
    (void)bind_text(s, BY_REQUEST, filter->request_id);
    if (filter->sender.data != NULL) (void)actri_bind_bytes(s, BY_SENDER, filter->sender);
    (void)sqlite3_bind_int64(s, AFTER, filter->created_after_ms);
    (void)sqlite3_bind_int64(s, BEFORE, filter->created_before_ms);
}

actr_status_t actri_store_letters(actri_store_t *store, const actr_dlq_filter_t *filter, actr_dlq_page_t *page,
                                  actr_take_letter_fn take, void *user, size_t *taken, actr_error_t *error)
{
    char where[240], query[700];
    bool first = page->number == 0 && page->created_ms == 0;
    sqlite3_stmt *s = NULL;
    write_conditions(filter, where, sizeof where);
    (void)snprintf(query, sizeof query,
                   "SELECT " COLUMNS " FROM dead_letter %s%s ORDER BY created_ms DESC, number DESC LIMIT ?9", where,
                   first ? "" : " AND (created_ms, number) < (?7, ?8)");
    int code = sqlite3_prepare_v2(store->db, query, -1, &s, NULL);
    if (code == SQLITE_OK) {
        bind_conditions(s, filter);
        (void)sqlite3_bind_int64(s, PAGE_CREATED, page->created_ms);
        (void)sqlite3_bind_int64(s, PAGE_NUMBER, page->number);
        (void)sqlite3_bind_int64(s, LIMIT, filter->limit != 0 ? filter->limit : PAGE);
    }
    *taken = 0;
    bool more = true;
    while (more && (code == SQLITE_OK || code == SQLITE_ROW) && (code = sqlite3_step(s)) == SQLITE_ROW) {
        actr_dead_letter_t letter;
        read_letter(s, &letter);
        more = take(user, &letter);
        *page = (actr_dlq_page_t){letter.created_ms, sqlite3_column_int64(s, NUMBER)};
        ++*taken;
    }
    bool good = code == SQLITE_ROW || code == SQLITE_DONE;
    actr_status_t status = good ? ACTR_OK : actri_sqlite_fail(store->db, "dead letters were not read", error);
    (void)sqlite3_finalize(s);
    return status;
}

actr_status_t actri_store_letters_purge(actri_store_t *store, const actr_dlq_filter_t *filter, uint64_t *count,
                                        actr_error_t *error)
{
    char where[240], query[300];
    sqlite3_stmt *s = NULL;
    write_conditions(filter, where, sizeof where);
    (void)snprintf(query, sizeof query, "DELETE FROM dead_letter %s", where);
    int code = sqlite3_prepare_v2(store->db, query, -1, &s, NULL);
    if (code == SQLITE_OK) {
        bind_conditions(s, filter);
        code = sqlite3_step(s);
    }
    actr_status_t status =
        code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, "dead letters were not deleted", error);
    if (code == SQLITE_DONE) {
        *count = (uint64_t)sqlite3_changes(store->db);
        store->counts.letters -= *count;
    }
    (void)sqlite3_finalize(s);
    return status;
}

/* ---- statistics ---- */

static actr_status_t stats_by_category(actri_store_t *store, actr_dlq_stats_t *stats, actr_error_t *error)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(
        store->db, "SELECT category, count(*) FROM dead_letter GROUP BY category ORDER BY 2 DESC, 1 LIMIT ?", -1, &s,
        NULL);
    if (code == SQLITE_OK) (void)sqlite3_bind_int(s, 1, ACTR_DLQ_CATEGORIES);
    while ((code == SQLITE_OK || code == SQLITE_ROW) && (code = sqlite3_step(s)) == SQLITE_ROW) {
        (void)snprintf(stats->categories[stats->category_count].name, sizeof stats->categories[0].name, "%s",
                       text_of(s, 0));
        stats->categories[stats->category_count++].count = (uint64_t)sqlite3_column_int64(s, 1);
    }
    (void)sqlite3_finalize(s);
    return code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, "dead letters were not counted", error);
}

actr_status_t actri_store_letters_stats(actri_store_t *store, actr_dlq_stats_t *stats, actr_error_t *error)
{
    sqlite3_stmt *s = NULL;
    memset(stats, 0, sizeof *stats);
    int code = sqlite3_prepare_v2(store->db,
                                  "SELECT count(*), coalesce(sum(redrives > 0), 0), coalesce(sum(length(payload)), 0), "
                                  "coalesce(min(created_ms), 0) FROM dead_letter",
                                  -1, &s, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        stats->total = (uint64_t)sqlite3_column_int64(s, 0);
        stats->redriven = (uint64_t)sqlite3_column_int64(s, 1);
        stats->bytes = (uint64_t)sqlite3_column_int64(s, 2);
        stats->oldest_ms = sqlite3_column_int64(s, 3);
    }
    (void)sqlite3_finalize(s);
    if (code != SQLITE_ROW) return actri_sqlite_fail(store->db, "dead letters were not counted", error);
    return stats_by_category(store, stats, error);
}
