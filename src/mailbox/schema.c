/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/schema.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char tables[] =
    "CREATE TABLE message("
    "  sequence INTEGER PRIMARY KEY," /* order of arrival; the writer numbers, so that none is used again */
    "  priority INTEGER NOT NULL CHECK(priority IN (0, 1))," /* 0 normal, 1 high */
    "  attempts INTEGER NOT NULL,"
    "  redrives INTEGER NOT NULL,"
    "  leased INTEGER NOT NULL DEFAULT 0,"       /* 1: somebody holds it; at a start nobody does */
    "  available_ms INTEGER NOT NULL DEFAULT 0," /* 0 ready; 2^63-1 in flight; else hidden until then */
    "  received_ms INTEGER NOT NULL,"
    "  deadline_ms INTEGER NOT NULL," /* 0 none */
    "  request BLOB,"                 /* 16 bytes for (sender, request id) */
    "  sender BLOB NOT NULL,"         /* ActrId */
    "  payload BLOB NOT NULL);"       /* RpcEnvelope */
    /* What a request in flight from its commit on never enters, so the common way costs no index. */
    "CREATE INDEX message_ready ON message(priority DESC, sequence) WHERE available_ms = 0;"
    "CREATE INDEX message_hidden ON message(available_ms)"
    "  WHERE available_ms > 0 AND available_ms < 9223372036854775807;"
    "CREATE TABLE answered("
    "  number INTEGER PRIMARY KEY," /* order of the acknowledgements */
    "  message INTEGER NOT NULL,"   /* message.sequence */
    "  until_ms INTEGER NOT NULL,"
    "  request BLOB NOT NULL,"
    "  reply BLOB);"
    "CREATE TABLE dead_letter("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE, message INTEGER NOT NULL, priority INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL, redrives INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, redriven_ms INTEGER NOT NULL,"
    "  sender BLOB, receiver BLOB, payload BLOB NOT NULL,"
    "  reason TEXT NOT NULL, category TEXT NOT NULL, trace_id TEXT NOT NULL, request_id TEXT, context TEXT);"
    "CREATE INDEX dead_letter_created ON dead_letter(created_ms, number);"
    "CREATE INDEX dead_letter_category ON dead_letter(category, created_ms);"
    "CREATE INDEX dead_letter_trace ON dead_letter(trace_id);"
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

/* The reference's times are RFC 3339 with +00:00; julianday reads them; what it can not read becomes 0. */
#define MILLISECONDS(column) "coalesce(CAST(round((julianday(" column ") - 2440587.5) * 86400000.0) AS INTEGER), 0)"
#define IS_SOUND "typeof(from_actr_id) = 'blob' AND typeof(payload) = 'blob'"

/* In the order of its rowid, which is the order of arrival whatever its clock did. A row of the wrong types becomes a
 * dead letter: an error of that row only. */
static const char reference_messages[] =
    "INSERT INTO message(priority, attempts, redrives, received_ms, deadline_ms, sender, payload)"
    " SELECT CASE WHEN priority = 1 THEN 1 ELSE 0 END, CASE WHEN status = 0 THEN 0 ELSE 1 END, 0," MILLISECONDS(
        "created_at") ", 0, from_actr_id, payload FROM messages WHERE " IS_SOUND " ORDER BY rowid;"
                      "INSERT INTO dead_letter(id, message, priority, attempts, redrives, created_ms, redriven_ms, "
                      "sender, payload,"
                      " reason, category, trace_id)"
                      " SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "
                      "substr(hex(randomblob(2)), 2) ||"
                      " '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),"
                      " rowid, CASE WHEN priority = 1 THEN 1 ELSE 0 END, 0, 0, CAST(unixepoch() AS INTEGER) * 1000, 0,"
                      " CAST(from_actr_id AS BLOB), CAST(coalesce(payload, '') AS BLOB),"
                      " 'the row holds values of the wrong types', 'corrupted_row', 'mailbox-' || id"
                      " FROM messages WHERE NOT (" IS_SOUND ") ORDER BY rowid;"
                      "DROP TABLE messages;";

static const char reference_letters[] =
    "INSERT OR IGNORE INTO dead_letter(id, message, priority, attempts, redrives, created_ms, redriven_ms, sender, "
    "receiver, payload, reason, category, trace_id, request_id, context)"
    " SELECT CAST(id AS TEXT), 0, coalesce(context LIKE '%\"priority\":\"high\"%', 0), 1, redrive_attempts," //
    MILLISECONDS("created_at") "," MILLISECONDS("last_redrive_at") ", CAST(from_actr_id AS BLOB), CAST(to_actr_id AS "
                                                                   "BLOB), CAST(raw_bytes AS BLOB),"
                                                                   " error_message, error_category, trace_id, "
                                                                   "request_id, context"
                                                                   " FROM old.dead_letter_queue WHERE id IS NOT NULL"
                                                                   " ORDER BY created_at, rowid;";

/* Version 1 had neither delays nor keys. */
static const char version_1[] =
    "ALTER TABLE message RENAME TO message_1; ALTER TABLE dead_letter RENAME TO dead_letter_1;"
    "DROP INDEX message_high; DROP INDEX dead_letter_created;";
static const char from_version_1[] =
    "INSERT INTO message(sequence, priority, attempts, redrives, received_ms, deadline_ms, sender, payload)"
    " SELECT sequence, priority, attempts, 0, received_ms, deadline_ms, sender, payload FROM message_1;"
    "INSERT INTO dead_letter(id, message, priority, attempts, redrives, created_ms, redriven_ms, sender, receiver, "
    "payload, reason, category, trace_id, request_id, context)"
    " SELECT id, 0, 0, attempts, redrive_attempts, created_ms, coalesce(last_redrive_ms, 0), sender, receiver, payload,"
    " error_message, error_category, trace_id, request_id, context FROM dead_letter_1 ORDER BY created_ms;"
    "DROP TABLE message_1; DROP TABLE dead_letter_1;";

static bool number(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool good =
        sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (good) *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return good;
}

static actr_status_t check_integrity(sqlite3 *db, const char *path, actr_error_t *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        (void)sqlite3_finalize(statement);
        return actri_sqlite_fail(db, path, error);
    }
    actr_status_t status = ACTR_OK;
    const char *found = (const char *)sqlite3_column_text(statement, 0);
    if (found == NULL || strcmp(found, "ok") != 0) {
        status = actri_fail(error, ACTR_STATUS_MAILBOX_CORRUPT, "mailbox: %s is damaged: %.200s", path,
                            found == NULL ? "out of memory" : found);
    }
    (void)sqlite3_finalize(statement);
    return status;
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
    return check_integrity(db, path, error);
}

static bool exec(sqlite3 *db, const char *text)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* The reference keeps its dead letters in a file of their own beside the mailbox. False: there is one that can not be
 * read. */
static bool attach_old_letters(sqlite3 *db, const char *path, bool *letters)
{
    char name[4096], query[8300];
    int64_t there = 0;
    int size = snprintf(name, sizeof name, "%s.dlq", path);
    if (size < 0 || (size_t)size >= sizeof name || access(name, F_OK) != 0) return true;
    (void)sqlite3_snprintf(sizeof query, query, "ATTACH %Q AS old", name);
    if (!exec(db, query)) return false;
    if (!number(db, "SELECT count(*) FROM old.sqlite_master WHERE name = 'dead_letter_queue'", &there)) return false;
    *letters = there == 1;
    return true;
}

static bool move(sqlite3 *db, int64_t version, bool reference, bool letters)
{
    char pragmas[100];
    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA user_version=%d; PRAGMA application_id=%d", ACTRI_SCHEMA_VERSION,
                   ACTRI_APPLICATION_ID);
    return exec(db, "BEGIN IMMEDIATE") && (version != 1 || exec(db, version_1)) && exec(db, tables) &&
           (version != 1 || exec(db, from_version_1)) && (!reference || exec(db, reference_messages)) &&
           (!letters || exec(db, reference_letters)) && exec(db, pragmas) && exec(db, "COMMIT");
}

actr_status_t actri_schema_create(sqlite3 *db, const char *path, actr_error_t *error)
{
    int64_t version, old_tables = 0;
    if (!number(db, "PRAGMA user_version", &version) ||
        !number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'messages'", &old_tables)) {
        return actri_sqlite_fail(db, path, error);
    }
    if (version == ACTRI_SCHEMA_VERSION) return ACTR_OK;
    bool reference = version == 0 && old_tables > 0;
    bool letters = false;
    bool good = (version != 0 || attach_old_letters(db, path, &letters)) && move(db, version, reference, letters);
    actr_status_t status = good ? ACTR_OK : actri_sqlite_fail(db, path, error);
    if (!good && sqlite3_get_autocommit(db) == 0) (void)exec(db, "ROLLBACK");
    if (version == 0) (void)exec(db, "DETACH old"); /* fails when it was not attached: nothing to do then */
    return status;
}
