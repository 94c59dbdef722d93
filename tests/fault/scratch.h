/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault tests share: a folder, their arguments, and a look into the database. One a program. */
#ifndef ACTR_TESTS_SCRATCH_H
#define ACTR_TESTS_SCRATCH_H

#include "check.h"
#include "fault/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64];
static char scratch_path[100]; /* of the mailbox */
static bool scratch_full;      /* --full: every case; else a sample, of the seed */
static uint64_t scratch_seed = 1;
static unsigned long scratch_cycles; /* 0: the test's own */

static inline bool scratch_begin(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--full") == 0) {
            scratch_full = true;
        } else if (strcmp(argv[i], "--seed") == 0 && value) {
            scratch_seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--cycles") == 0 && value) {
            scratch_cycles = strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: %s [--full] [--seed S] [--cycles N]\n", argv[0]);
            return false;
        }
    }
    (void)snprintf(scratch_folder, sizeof scratch_folder, "/tmp/actr-fault.XXXXXX");
    if (mkdtemp(scratch_folder) == NULL) return false;
    (void)snprintf(scratch_path, sizeof scratch_path, "%s/mailbox.db", scratch_folder);
    return true;
}

/* Removes the mailbox's files. */
static inline void scratch_remove(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock", ".begun", ".dlq", ".effects"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[120];
        (void)snprintf(name, sizeof name, "%s%s", scratch_path, suffixes[i]);
        (void)unlink(name);
    }
}

static inline int scratch_end(int result)
{
    if (result != 0) {
        (void)printf("# seed %llu; files are in %s\n", (unsigned long long)scratch_seed, scratch_folder);
        return result;
    }
    scratch_remove();
    (void)rmdir(scratch_folder);
    return result;
}

/* The first column of the first row, as text. */
static inline void scratch_text(const char *query, char *out, size_t room)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(scratch_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) {
        fail_msg("%s: %s", query, sqlite3_errmsg(db));
    }
    (void)snprintf(out, room, "%s", (const char *)sqlite3_column_text(statement, 0));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
}

static inline long long scratch_number(const char *query)
{
    char text[40];
    scratch_text(query, text, sizeof text);
    return atoll(text);
}

static inline void scratch_check_sound(void)
{
    char text[200];
    scratch_text("PRAGMA integrity_check", text, sizeof text);
    assert_string_equal(text, "ok");
}

#endif
