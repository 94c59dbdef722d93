/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, transactions. Write-ahead log; statements are prepared once; rows by sequence. */
#include "mailbox/store.h"

#include "mailbox/file_lock.h"
#include "mailbox/schema.h"
#include "port/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_MESSAGES 100000
#define MAX_BYTES (256u << 20)
#define MAX_LETTERS 100000
#define LOOKASIDE 256 /* slots of the connection's own small blocks: enough that a statement needs no malloc */
#define BUSY_MS 5000  /* for readers that checkpoint; the lock keeps other owners out */

#define ROW "sequence, attempts, redrives, received_ms, deadline_ms, request, sender, payload, priority"
#define LETTER                                                                                                         \
    "id, priority, attempts, redrives, message, created_ms, redriven_ms, sender, receiver, payload, reason, "          \
    "category, trace_id, request_id, context, number"

static const char *const texts[ACTRI_SQL_STATEMENTS] = {
    [ACTRI_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [ACTRI_SQL_COMMIT] = "COMMIT",
    [ACTRI_SQL_INSERT] = "INSERT INTO message(sequence, priority, attempts, redrives, leased, available_ms, "
                         "received_ms, deadline_ms, request, sender, payload) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ACTRI_SQL_DELETE] = "DELETE FROM message WHERE sequence = ?",
    /* beside the deletion, not by its RETURNING: that makes a table for its rows each time */
    [ACTRI_SQL_DELETED] = "SELECT available_ms, priority, length(sender) + length(payload), request FROM message "
                          "WHERE sequence = ?",
    [ACTRI_SQL_READY] = "SELECT " ROW " FROM message WHERE available_ms = 0 AND priority = ? ORDER BY sequence LIMIT ?",
    [ACTRI_SQL_LEASE] = "UPDATE message SET leased = 1, available_ms = ?3, attempts = attempts + 1 "
                        "WHERE available_ms = 0 AND priority = ?1 AND sequence <= ?2",
    [ACTRI_SQL_WAKE] = "UPDATE message SET leased = 0, available_ms = 0 WHERE available_ms > 0 AND available_ms <= ? "
                       "AND available_ms < 9223372036854775807 RETURNING priority",
    [ACTRI_SQL_NEXT] = "SELECT min(available_ms) FROM message WHERE available_ms > 0 AND available_ms < "
                       "9223372036854775807",
    [ACTRI_SQL_LOOK] = "SELECT available_ms, priority, leased FROM message WHERE sequence = ?",
    [ACTRI_SQL_NACK] =
        "UPDATE message SET leased = ?4, available_ms = ?2, attempts = max(0, attempts - ?3) WHERE sequence = ?1",
    [ACTRI_SQL_MESSAGE] = "SELECT " ROW " FROM message WHERE sequence = ?",
    [ACTRI_SQL_ANSWER] = "INSERT INTO answered(number, message, until_ms, request, reply) VALUES(?, ?, ?, ?, ?)",
    [ACTRI_SQL_REPLY] = "SELECT reply FROM answered WHERE number = ?",
    [ACTRI_SQL_TRIM] = "DELETE FROM answered WHERE number <= ?",
    [ACTRI_SQL_LETTER] = "INSERT INTO dead_letter(id, priority, attempts, redrives, message, created_ms, redriven_ms, "
                         "sender, receiver, payload, reason, category, trace_id, request_id, context) "
                         "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ACTRI_SQL_LETTER_GET] = "SELECT " LETTER " FROM dead_letter WHERE id = ?",
    [ACTRI_SQL_LETTER_DELETE] = "DELETE FROM dead_letter WHERE id = ?",
    [ACTRI_SQL_LETTER_OLDEST] = "DELETE FROM dead_letter WHERE number = (SELECT min(number) FROM dead_letter)",
};

/* ---- statements ---- */

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

actr_status_t actri_store_run(actri_store_t *store, actri_statement_t which, const char *what, actr_error_t *error)
{
    sqlite3_stmt *statement = store->statements[which];
    int code = sqlite3_step(statement);
    actr_status_t status = code == SQLITE_DONE ? ACTR_OK : actri_sqlite_fail(store->db, what, error);
    (void)sqlite3_reset(statement);
    return status;
}

bool actri_bind_bytes(sqlite3_stmt *statement, int at, actr_bytes_t bytes)
{
    return sqlite3_bind_blob64(statement, at, bytes.size == 0 ? "" : bytes.data, bytes.size, SQLITE_STATIC) ==
           SQLITE_OK;
}

actr_bytes_t actri_column_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return (actr_bytes_t){data, (size_t)sqlite3_column_bytes(statement, column)};
}

/* ---- transactions ---- */

actr_status_t actri_store_begin(actri_store_t *store, actr_error_t *error)
{
    store->counts_before = store->counts;
    return actri_store_run(store, ACTRI_SQL_BEGIN, "no transaction", error);
}

void actri_store_rollback(actri_store_t *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->counts = store->counts_before;
}

actr_status_t actri_store_commit(actri_store_t *store, actr_error_t *error)
{
    actr_status_t status = actri_store_run(store, ACTRI_SQL_COMMIT, "the commit failed", error);
    if (status != ACTR_OK) actri_store_rollback(store);
    return status;
}

/* ---- opening ---- */

/* Made here, so that nobody else may read it; SQLite gives its side files the same mode. */
static actr_status_t make_file(const char *path, actr_error_t *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return actri_fail_errno(error, ACTR_STATUS_MAILBOX_IO, errno, "mailbox: %s can not be opened", path);
    (void)close(fd);
    return ACTR_OK;
}

static bool set_pragmas(sqlite3 *db, actr_durability_t durability)
{
    const char *synchronous = durability == ACTR_DURABILITY_OFF      ? "PRAGMA synchronous=OFF"
                              : durability == ACTR_DURABILITY_NORMAL ? "PRAGMA synchronous=NORMAL"
                                                                     : "PRAGMA synchronous=FULL";
    return sqlite3_exec(db,
                        "PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=1000; "
                        "PRAGMA journal_size_limit=16777216",
                        NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, synchronous, NULL, NULL, NULL) == SQLITE_OK;
}

static actr_status_t set_up(actri_store_t *store, const char *path, actr_durability_t durability, actr_error_t *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) return actri_sqlite_fail(store->db, path, error);
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 1200, LOOKASIDE);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    actr_status_t status = actri_schema_check(store->db, path, error);
    if (status != ACTR_OK) return status;
    if (!set_pragmas(store->db, durability)) return actri_sqlite_fail(store->db, path, error);
    status = actri_schema_create(store->db, path, error);
    if (status != ACTR_OK) return status;
    for (int i = 0; i < ACTRI_SQL_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL) !=
            SQLITE_OK) {
            return actri_sqlite_fail(store->db, path, error);
        }
    }
    return actri_store_load(store, path, actri_wall_ms(), error);
}

static void set_limits(actri_store_t *store, const actr_store_options_t *options)
{
    store->max_messages = options->max_messages != 0 ? options->max_messages : MAX_MESSAGES;
    store->max_bytes = options->max_bytes != 0 ? options->max_bytes : MAX_BYTES;
    store->max_letters = options->max_dead_letters != 0 ? options->max_dead_letters : MAX_LETTERS;
    store->counts.share.high_per_normal =
        options->high_per_normal != 0 ? options->high_per_normal : ACTRI_HIGH_PER_NORMAL;
}

actr_status_t actri_store_open(const actr_store_options_t *options, actri_store_t **out, actr_error_t *error)
{
    const char *path = options->path;
    if (path == NULL || path[0] == '\0') {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "mailbox: the path is missing");
    }
    actri_env_t env = {.log = options->log, .log_user = options->log_user, .log_level = ACTR_LOG_INFO};
    if (options->allocator != NULL) env.allocator = *options->allocator;
    actri_store_t *store = actri_zalloc(&env, sizeof *store);
    if (store == NULL) return actri_no_memory(error);
    store->env = env;
    store->lock_fd = -1;
    set_limits(store, options);
    actri_known_init(&store->known, &store->env, options->duplicate_window_ms, options->duplicate_entries);
    actr_status_t status = actri_file_lock(&store->env, path, &store->lock_fd, error);
    if (status == ACTR_OK) status = make_file(path, error);
    if (status == ACTR_OK) status = set_up(store, path, options->durability, error);
    if (status != ACTR_OK) {
        actri_store_close(store);
        return status;
    }
    *out = store;
    return ACTR_OK;
}

/* So that no number is used again when the file is empty at the next start. */
static void keep_sequence(actri_store_t *store)
{
    char query[120];
    (void)sqlite3_snprintf(sizeof query, query, "INSERT OR REPLACE INTO counter VALUES('sequence', %lld)",
                           (long long)store->counts.last_sequence);
    (void)sqlite3_exec(store->db, query, NULL, NULL, NULL);
}

void actri_store_close(actri_store_t *store)
{
    if (store == NULL) return;
    if (store->statements[ACTRI_SQL_STATEMENTS - 1] != NULL) keep_sequence(store);
    for (int i = 0; i < ACTRI_SQL_STATEMENTS; i++) (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    if (store->lock_fd >= 0) (void)close(store->lock_fd);
    actri_known_clear(&store->known);
    actri_env_t env = store->env;
    actri_free(&env, store);
}
