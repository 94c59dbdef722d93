/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mailbox is held against, on one thread that waits for nobody: bare SQLite, and the reference's table and
 * statements (spec: mailbox.md 2 to 5) without its polling and its lock.
 */
#include "mailbox_bench.h"

#include "port/clock.h"
#include "port/random.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 32 /* of the reference's dequeue */

static void check(sqlite3 *db, bool good)
{
    if (good) return;
    (void)fprintf(stderr, "mailbox-bench: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void exec(sqlite3 *db, const char *text)
{
    check(db, sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3 *open_database(const char *path, const char *tables)
{
    sqlite3 *db = NULL;
    check(db, sqlite3_open(path, &db) == SQLITE_OK);
    exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    exec(db, tables);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement = NULL;
    check(db, sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
    check(db, sqlite3_step(statement) == SQLITE_DONE);
    (void)sqlite3_reset(statement);
}

double bench_sqlite(const bench_run_t *run)
{
    sqlite3 *db = open_database(run->path, "CREATE TABLE message(id INTEGER PRIMARY KEY, payload BLOB NOT NULL)");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO message(payload) VALUES(?)");
    sqlite3_stmt *delete = prepare(db, "DELETE FROM message WHERE id = ?");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    int64_t started = actri_now_ns(), end = started + run->duration_ns, now, first = 1;
    uint64_t done = 0;
    while ((now = actri_now_ns()) < end) {
        step(db, begin);
        for (unsigned i = 0; i < run->producers; i++) {
            check(db, sqlite3_bind_blob(insert, 1, run->payload, (int)run->size, SQLITE_STATIC) == SQLITE_OK);
            step(db, insert);
        }
        step(db, commit);
        step(db, begin);
        for (unsigned i = 0; i < run->producers; i++) {
            check(db, sqlite3_bind_int64(delete, 1, first + i) == SQLITE_OK);
            step(db, delete);
        }
        step(db, commit);
        done += run->producers;
    }
    (void)sqlite3_finalize(insert);
    (void)sqlite3_finalize(delete);
    (void)sqlite3_finalize(begin);
    (void)sqlite3_finalize(commit);
    (void)sqlite3_close(db);
    return (double)done / ((double)(now - started) / 1e9);
}

/* ---- the reference ---- */

static void reference_enqueue(sqlite3 *db, const bench_run_t *run)
{
    char id[ACTRI_UUID_SIZE], seconds[40], created[64];
    struct timespec now;
    struct tm parts;
    actri_uuid_v4(id);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &parts));
    (void)snprintf(created, sizeof created, "%s.%09ld+00:00", seconds, now.tv_nsec);
    sqlite3_stmt *s = prepare(db, "INSERT INTO messages (id, from_actr_id, payload, priority, status, created_at) "
                                  "VALUES (?, ?, ?, 0, 0, ?)");
    check(db, sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC) == SQLITE_OK &&
                  sqlite3_bind_blob(s, 2, run->sender, (int)run->sender_size, SQLITE_STATIC) == SQLITE_OK &&
                  sqlite3_bind_blob(s, 3, run->payload, (int)run->size, SQLITE_STATIC) == SQLITE_OK &&
                  sqlite3_bind_text(s, 4, created, -1, SQLITE_STATIC) == SQLITE_OK);
    step(db, s);
    (void)sqlite3_finalize(s);
}

/* Takes a batch and acknowledges it; returns how many. */
static unsigned reference_dequeue(sqlite3 *db)
{
    char ids[BATCH][ACTRI_UUID_SIZE];
    unsigned count = 0;
    sqlite3_stmt *s =
        prepare(db, "UPDATE messages SET status = 1 WHERE id IN (SELECT id FROM messages WHERE status = 0 "
                    "ORDER BY priority DESC, created_at ASC LIMIT 32) "
                    "RETURNING id, from_actr_id, payload, priority, created_at");
    while (sqlite3_step(s) == SQLITE_ROW && count < BATCH) {
        (void)snprintf(ids[count++], ACTRI_UUID_SIZE, "%s", (const char *)sqlite3_column_text(s, 0));
    }
    check(db, sqlite3_reset(s) == SQLITE_OK);
    (void)sqlite3_finalize(s);
    for (unsigned i = 0; i < count; i++) {
        s = prepare(db, "DELETE FROM messages WHERE id = ?");
        check(db, sqlite3_bind_text(s, 1, ids[i], -1, SQLITE_STATIC) == SQLITE_OK);
        step(db, s);
        (void)sqlite3_finalize(s);
    }
    return count;
}

double bench_reference(const bench_run_t *run)
{
    sqlite3 *db = open_database(run->path, "CREATE TABLE messages(id TEXT PRIMARY KEY, from_actr_id BLOB NOT NULL, "
                                           "payload BLOB NOT NULL, priority INTEGER NOT NULL, status INTEGER NOT NULL "
                                           "DEFAULT 0, created_at TEXT NOT NULL);"
                                           "CREATE INDEX idx_messages_priority_status ON messages(priority DESC, "
                                           "status, created_at ASC)");
    int64_t started = actri_now_ns(), end = started + run->duration_ns, now;
    uint64_t done = 0;
    while ((now = actri_now_ns()) < end) {
        for (unsigned i = 0; i < run->producers; i++) reference_enqueue(db, run);
        for (unsigned taken; (taken = reference_dequeue(db)) > 0;) done += taken;
    }
    (void)sqlite3_close(db);
    return (double)done / ((double)(now - started) / 1e9);
}
