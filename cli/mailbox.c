/* SPDX-License-Identifier: Apache-2.0 */
/* `actr mailbox`: looks into a mailbox file, read-only, also beside a running node. */
#include "verbs.h"

#include "proto/envelope.h"
#include "proto/idcodec.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *out, int status)
{
    (void)fprintf(
        out, "usage: actr mailbox stat|peek FILE [--limit N]\n\n"
             "  stat  how many requests are stored, and the dead letters\n"
             "  peek  one line a request: sequence, priority, attempts, sender, route, request id, payload bytes\n");
    return status;
}

static int complain(sqlite3 *db, const char *path)
{
    (void)fprintf(stderr, "actr mailbox: %s: %s\n", path, db == NULL ? "out of memory" : sqlite3_errmsg(db));
    (void)sqlite3_close(db);
    return 1;
}

static void print_row(sqlite3_stmt *row)
{
    actri_envelope_t *envelope = malloc(sizeof *envelope);
    actr_id_t sender;
    char id[ACTR_ID_TEXT_SIZE] = "?";
    if (envelope == NULL) return;
    if (actri_id_decode(sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3), &sender)) {
        (void)actr_id_print(&sender, id);
    }
    (void)printf("%lld %s %d %s ", (long long)sqlite3_column_int64(row, 0),
                 sqlite3_column_int(row, 1) ? "high" : "normal", sqlite3_column_int(row, 2), id);
    if (actri_envelope_decode(sqlite3_column_blob(row, 4), (size_t)sqlite3_column_bytes(row, 4), envelope, NULL) ==
        ACTR_OK) {
        (void)printf("%.*s %.*s %zu\n", (int)envelope->route_key.size, (const char *)envelope->route_key.data,
                     (int)envelope->request_id.size, (const char *)envelope->request_id.data, envelope->payload.size);
    } else {
        (void)printf("(does not decode) - %d\n", sqlite3_column_bytes(row, 4));
    }
    free(envelope);
}

static int peek(sqlite3 *db, const char *path, long long limit)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db,
                                  "SELECT sequence, priority, attempts, sender, payload FROM message "
                                  "ORDER BY priority DESC, sequence LIMIT ?",
                                  -1, &row, NULL);
    if (code == SQLITE_OK) (void)sqlite3_bind_int64(row, 1, limit);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        print_row(row);
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(row);
    if (code != SQLITE_DONE) return complain(db, path);
    (void)sqlite3_close(db);
    return 0;
}

static int stat_file(sqlite3 *db, const char *path)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT count(*), coalesce(sum(priority = 1), 0), coalesce(sum(length(payload)), 0), "
                           "(SELECT count(*) FROM dead_letter) FROM message",
                           -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        (void)sqlite3_finalize(row);
        return complain(db, path);
    }
    (void)printf("stored %lld (high %lld), %lld bytes; dead letters %lld\n", (long long)sqlite3_column_int64(row, 0),
                 (long long)sqlite3_column_int64(row, 1), (long long)sqlite3_column_int64(row, 2),
                 (long long)sqlite3_column_int64(row, 3));
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(db);
    return 0;
}

int verb_mailbox(int argc, char **argv)
{
    long long limit = -1;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc == 5 && strcmp(argv[3], "--limit") == 0)
        limit = strtoll(argv[4], NULL, 10);
    else if (argc != 3)
        return usage(stderr, 2);
    bool peeks = strcmp(argv[1], "peek") == 0;
    if (!peeks && strcmp(argv[1], "stat") != 0) return usage(stderr, 2);
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) return complain(db, argv[2]);
    (void)sqlite3_busy_timeout(db, 2000);
    return peeks ? peek(db, argv[2], limit) : stat_file(db, argv[2]);
}
