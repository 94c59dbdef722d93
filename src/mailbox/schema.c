/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/schema.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char tables[] =
    "CREATE TABLE message("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again, so an old acknowledgement hits nothing new */
    "  priority INTEGER NOT NULL,"                  /* 0 normal, 1 high */
    "  attempts INTEGER NOT NULL DEFAULT 0,"        /* deliveries; the one that follows a commit counts with it */
    "  received_ms INTEGER NOT NULL,"
    "  deadline_ms INTEGER NOT NULL," /* 0: none */
    "  sender BLOB NOT NULL,"         /* ActrId */
    "  payload BLOB NOT NULL);"       /* RpcEnvelope */
    "CREATE INDEX message_high ON message(sequence) WHERE priority = 1;"
    "CREATE TABLE dead_letter("
    "  id TEXT PRIMARY KEY, original_message_id TEXT, sender BLOB, receiver BLOB, payload BLOB NOT NULL,"
    "  error_message TEXT NOT NULL, error_category TEXT NOT NULL, trace_id TEXT NOT NULL, request_id TEXT,"
    "  created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    "  redrive_attempts INTEGER NOT NULL DEFAULT 0, last_redrive_ms INTEGER, context TEXT);"
    "CREATE INDEX dead_letter_created ON dead_letter(created_ms);";

/* The reference's times are RFC 3339 with +00:00; julianday reads them. */
#define MILLISECONDS(column) "CAST(round((julianday(" column ") - 2440587.5) * 86400000.0) AS INTEGER)"

static const char take_over_messages[] =
    "INSERT INTO message(priority, attempts, received_ms, deadline_ms, sender, payload)"
    " SELECT CASE WHEN priority = 1 THEN 1 ELSE 0 END, CASE WHEN status = 0 THEN 0 ELSE 1 END,"
    " coalesce(" MILLISECONDS("created_at") ", 0), 0, from_actr_id, payload"
                                            " FROM messages ORDER BY created_at, rowid;"
                                            "DROP TABLE messages;";

static const char take_over_dead[] =
    "INSERT OR IGNORE INTO dead_letter(id, original_message_id, sender, receiver, payload, error_message, "
    "error_category,"
    " trace_id, request_id, created_ms, redrive_attempts, last_redrive_ms, context)"
    " SELECT id, original_message_id, from_actr_id, to_actr_id, raw_bytes, error_message, error_category, trace_id,"
    " request_id, coalesce(" MILLISECONDS("created_at") ", 0), redrive_attempts, " MILLISECONDS(
        "last_redrive_at") ", context"
                           " FROM old.dead_letter_queue;";

static bool number(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool good =
        sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (good) *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return good;
}

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool sound = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    (void)sqlite3_finalize(statement);
    return sound;
}

actr_status_t actri_schema_check(sqlite3 *db, const char *path, actr_error_t *error)
{
    int64_t version;
    if (!number(db, "PRAGMA user_version", &version)) return actri_sqlite_fail(db, path, error);
    if (version > ACTRI_SCHEMA_VERSION) {
        return actri_fail(error, ACTR_STATUS_MAILBOX_VERSION,
                          "mailbox: %s has schema version %lld, this libactr knows %d: left untouched", path,
                          (long long)version, ACTRI_SCHEMA_VERSION);
    }
    if (!is_sound(db)) return actri_fail(error, ACTR_STATUS_MAILBOX_CORRUPT, "mailbox: %s is damaged", path);
    return ACTR_OK;
}

static bool exec(sqlite3 *db, const char *text)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* The reference keeps its dead letters in a file of their own beside the mailbox. */
static bool attach_old_dead(sqlite3 *db, const char *path)
{
    char name[4096], query[8300];
    int size = snprintf(name, sizeof name, "%s.dlq", path);
    if (size < 0 || (size_t)size >= sizeof name || access(name, R_OK) != 0) return false;
    (void)sqlite3_snprintf(sizeof query, query, "ATTACH %Q AS old", name);
    int64_t tables_there = 0;
    if (!exec(db, query)) return false;
    return number(db, "SELECT count(*) FROM old.sqlite_master WHERE name = 'dead_letter_queue'", &tables_there) &&
           tables_there == 1;
}

actr_status_t actri_schema_create(sqlite3 *db, const char *path, actr_error_t *error)
{
    int64_t version, old_tables = 0;
    if (!number(db, "PRAGMA user_version", &version) ||
        !number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'messages'", &old_tables)) {
        return actri_sqlite_fail(db, path, error);
    }
    if (version == ACTRI_SCHEMA_VERSION) return ACTR_OK;
    bool dead = old_tables > 0 && attach_old_dead(db, path);
    char pragmas[100];
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA user_version=%d; PRAGMA application_id=%d", ACTRI_SCHEMA_VERSION,
                   ACTRI_APPLICATION_ID);
    bool good = exec(db, "BEGIN IMMEDIATE") && exec(db, tables) && (old_tables == 0 || exec(db, take_over_messages)) &&
                (!dead || exec(db, take_over_dead)) && exec(db, pragmas) && exec(db, "COMMIT");
    actr_status_t status = good ? ACTR_OK : actri_sqlite_fail(db, path, error);
    if (!good && sqlite3_get_autocommit(db) == 0) (void)exec(db, "ROLLBACK");
    if (old_tables > 0) (void)exec(db, "DETACH old"); /* fails when it was not attached: nothing to do then */
    return status;
}
