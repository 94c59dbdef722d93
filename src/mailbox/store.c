/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements over one connection; write-ahead log; rows by sequence (mailbox.md 12: the reference's index
 * scan). */
#include "mailbox/store.h"

#include "mailbox/schema.h"
#include "port/clock.h"
#include "port/random.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

enum { INSERT, DELETE, BURY, LOAD, COUNT_ATTEMPTS, BEGIN, COMMIT, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [INSERT] =
        "INSERT INTO message(priority, attempts, received_ms, deadline_ms, sender, payload) VALUES(?, 1, ?, ?, ?, ?)",
    [DELETE] = "DELETE FROM message WHERE sequence = ?",
    [BURY] = "INSERT INTO dead_letter(id, original_message_id, sender, payload, error_message, error_category, "
             "trace_id, created_ms, attempts) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [LOAD] =
        "SELECT sequence, deadline_ms, attempts, sender, payload FROM message WHERE priority = ? AND sequence > ? AND "
        "sequence <= ? ORDER BY sequence LIMIT ?",
    [COUNT_ATTEMPTS] =
        "UPDATE message SET attempts = attempts + 1 WHERE priority = ? AND sequence > ? AND sequence <= ?",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct actri_store {
    const actri_env_t *env;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static actr_status_t status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM: return ACTR_STATUS_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ACTR_STATUS_MAILBOX_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ACTR_STATUS_MAILBOX_CORRUPT;
    default: return ACTR_STATUS_MAILBOX_IO;
    }
}

actr_status_t actri_sqlite_fail(sqlite3 *db, const char *what, actr_error_t *error)
{
    int code = db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(db);
    return actri_fail(error, status_of(code), "mailbox: %s: %s (%d)", what,
                      db == NULL ? "no memory" : sqlite3_errmsg(db), code);
}

/* Runs a statement that gives no rows. */
static actr_status_t run(actri_store_t *store, int which, const char *what, actr_error_t *error)
{
    sqlite3_stmt *statement = store->statements[which];
    int code = sqlite3_step(statement);
    actr_status_t status = code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, what, error);
    (void)sqlite3_reset(statement);
    return status;
}

actr_status_t actri_store_begin(actri_store_t *store, actr_error_t *error)
{
    return run(store, BEGIN, "no transaction", error);
}

actr_status_t actri_store_commit(actri_store_t *store, actr_error_t *error)
{
    actr_status_t status = run(store, COMMIT, "the commit failed", error);
    if (status != ACTR_OK) actri_store_rollback(store);
    return status;
}

void actri_store_rollback(actri_store_t *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool bind_blob(sqlite3_stmt *statement, int at, const void *data, size_t size)
{
    /* a NULL pointer would be SQL's NULL; the bytes outlive the step */
    return sqlite3_bind_blob64(statement, at, size == 0 ? "" : data, size, SQLITE_STATIC) == SQLITE_OK;
}

actr_status_t actri_store_insert(actri_store_t *store, actri_mail_t *mail, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[INSERT];
    bool good = sqlite3_bind_int(s, 1, mail->high ? 1 : 0) == SQLITE_OK &&
                sqlite3_bind_int64(s, 2, actri_wall_ms()) == SQLITE_OK &&
                sqlite3_bind_int64(s, 3, mail->deadline_ms) == SQLITE_OK &&
                bind_blob(s, 4, mail->sender, mail->sender_size) &&
                bind_blob(s, 5, actr_buf_data(mail->message), actr_buf_size(mail->message));
    if (!good) return actri_sqlite_fail(store->db, "a request was not stored", error);
    actr_status_t status = run(store, INSERT, "a request was not stored", error);
    if (status == ACTR_OK) mail->sequence = sqlite3_last_insert_rowid(store->db);
    return status;
}

actr_status_t actri_store_delete(actri_store_t *store, int64_t sequence, actr_error_t *error)
{
    (void)sqlite3_bind_int64(store->statements[DELETE], 1, sequence);
    return run(store, DELETE, "an acknowledgement was not stored", error);
}

actr_status_t actri_store_bury(actri_store_t *store, const actri_mail_t *mail, const actr_error_t *cause,
                               actr_error_t *error)
{
    char id[ACTRI_UUID_SIZE];
    sqlite3_stmt *s = store->statements[BURY];
    actri_uuid_v4(id);
    const char *category = cause->status == ACTR_STATUS_DECODE ? "protobuf_decode" : "handler_failed";
    bool good =
        sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_int64(s, 2, mail->sequence) == SQLITE_OK && bind_blob(s, 3, mail->sender, mail->sender_size) &&
        bind_blob(s, 4, actr_buf_data(mail->message), actr_buf_size(mail->message)) &&
        sqlite3_bind_text(s, 5, actr_error_message(cause), -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_text(s, 6, category, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_text(s, 7, id, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_int64(s, 8, actri_wall_ms()) == SQLITE_OK && sqlite3_bind_int64(s, 9, mail->attempts) == SQLITE_OK;
    if (!good) return actri_sqlite_fail(store->db, "a dead letter was not stored", error);
    actr_status_t status = run(store, BURY, "a dead letter was not stored", error);
    return status == ACTR_OK ? actri_store_delete(store, mail->sequence, error) : status;
}

static bool load_row(sqlite3_stmt *s, bool high, bool (*take)(void *, const actri_mail_t *, const void *, size_t),
                     void *user)
{
    actri_mail_t row;
    memset(&row, 0, sizeof row);
    row.high = high;
    row.redelivered = true;
    row.sequence = sqlite3_column_int64(s, 0);
    row.deadline_ms = sqlite3_column_int64(s, 1);
    row.attempts = (uint32_t)sqlite3_column_int64(s, 2) + 1;
    int sender_size = sqlite3_column_bytes(s, 3);
    if (sender_size > 0 && (size_t)sender_size <= sizeof row.sender) {
        memcpy(row.sender, sqlite3_column_blob(s, 3), (size_t)sender_size);
        row.sender_size = (uint8_t)sender_size;
    }
    return take(user, &row, sqlite3_column_blob(s, 4), (size_t)sqlite3_column_bytes(s, 4));
}

static actr_status_t count_attempts(actri_store_t *store, bool high, int64_t after, int64_t upto, actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[COUNT_ATTEMPTS];
    (void)sqlite3_bind_int(s, 1, high ? 1 : 0);
    (void)sqlite3_bind_int64(s, 2, after);
    (void)sqlite3_bind_int64(s, 3, upto);
    return run(store, COUNT_ATTEMPTS, "attempts were not counted", error);
}

int actri_store_load(actri_store_t *store, bool high, int64_t after, int64_t last, int most,
                     bool (*take)(void *user, const actri_mail_t *row, const void *payload, size_t size), void *user,
                     actr_error_t *error)
{
    sqlite3_stmt *s = store->statements[LOAD];
    int64_t upto = after;
    int count = 0, code;
    (void)sqlite3_bind_int(s, 1, high ? 1 : 0);
    (void)sqlite3_bind_int64(s, 2, after);
    (void)sqlite3_bind_int64(s, 3, last);
    (void)sqlite3_bind_int(s, 4, most);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && load_row(s, high, take, user)) {
        upto = sqlite3_column_int64(s, 0);
        count++;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        (void)actri_sqlite_fail(store->db, "stored requests were not read", error);
        count = -1;
    }
    (void)sqlite3_reset(s);
    if (count > 0 && count_attempts(store, high, after, upto, error) != ACTR_OK) count = -1;
    return count;
}

actr_status_t actri_store_contents(actri_store_t *store, actri_store_contents_t *out, actr_error_t *error)
{
    sqlite3_stmt *s = NULL;
    memset(out, 0, sizeof *out);
    static const char text[] = "SELECT count(*), coalesce(sum(length(payload)), 0), coalesce(max(sequence), 0), "
                               "coalesce(sum(priority = 1), 0) FROM message";
    if (sqlite3_prepare_v2(store->db, text, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
        (void)sqlite3_finalize(s);
        return actri_sqlite_fail(store->db, "the rows were not counted", error);
    }
    out->rows = (uint64_t)sqlite3_column_int64(s, 0);
    out->bytes = (uint64_t)sqlite3_column_int64(s, 1);
    out->last_sequence = sqlite3_column_int64(s, 2);
    out->rows_high = (uint64_t)sqlite3_column_int64(s, 3);
    (void)sqlite3_finalize(s);
    return ACTR_OK;
}

/* ---- opening ---- */

/* Made here, so that nobody else may read it; SQLite gives its side files the same mode. */
static actr_status_t make_file(const char *path, actr_error_t *error)
{
    if (strncmp(path, "file:", 5) == 0) return ACTR_OK; /* a URI: SQLite's business */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return actri_fail_errno(error, ACTR_STATUS_MAILBOX_IO, errno, "mailbox: %s can not be opened", path);
    (void)close(fd);
    return ACTR_OK;
}

static actr_status_t set_up(actri_store_t *store, const char *path, actr_durability_t durability, actr_error_t *error)
{
    const char *synchronous = durability == ACTR_DURABILITY_OFF      ? "PRAGMA synchronous=OFF"
                              : durability == ACTR_DURABILITY_NORMAL ? "PRAGMA synchronous=NORMAL"
                                                                     : "PRAGMA synchronous=FULL";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) return actri_sqlite_fail(store->db, path, error);
    (void)sqlite3_busy_timeout(store->db, 5000); /* of readers that checkpoint; the lock keeps other nodes out */
    actr_status_t status = actri_schema_check(store->db, path, error);
    if (status != ACTR_OK) return status;
    if (sqlite3_exec(store->db, "PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(store->db, synchronous, NULL, NULL, NULL) != SQLITE_OK) {
        return actri_sqlite_fail(store->db, path, error);
    }
    status = actri_schema_create(store->db, path, error);
    if (status != ACTR_OK) return status;
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL) !=
            SQLITE_OK) {
            return actri_sqlite_fail(store->db, path, error);
        }
    }
    return ACTR_OK;
}

actr_status_t actri_store_open(const actri_env_t *env, const char *path, actr_durability_t durability,
                               actri_store_t **out, actr_error_t *error)
{
    actri_store_t *store = actri_zalloc(env, sizeof *store);
    if (store == NULL) return actri_no_memory(error);
    store->env = env;
    actr_status_t status = make_file(path, error);
    if (status == ACTR_OK) status = set_up(store, path, durability, error);
    if (status != ACTR_OK) {
        actri_store_close(store);
        return status;
    }
    *out = store;
    return ACTR_OK;
}

void actri_store_close(actri_store_t *store)
{
    if (store == NULL) return;
    for (int i = 0; i < STATEMENTS; i++) (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    actri_free(store->env, store);
}
