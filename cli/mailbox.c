/* SPDX-License-Identifier: Apache-2.0 */
/* `actr mailbox`: looks into a mailbox file, read-only, also beside a running node. */
#include "cli/store.h"
#include "verbs.h"

#include "proto/envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS                                                                                                           \
    "SELECT sequence, priority, attempts, redrives, available_ms, received_ms, deadline_ms, sender, payload FROM "     \
    "message ORDER BY priority DESC, sequence LIMIT ?"
enum { SEQUENCE, PRIORITY, ATTEMPTS, REDRIVES, AVAILABLE, RECEIVED, DEADLINE, SENDER, PAYLOAD };

static int usage(FILE *out, int status)
{
    (void)fprintf(out, "usage: actr mailbox stat|peek|export FILE [--limit N] [--json]\n\n"
                       "  stat    how many requests are stored, ready, hidden, in flight; answers kept; dead letters\n"
                       "  peek    a line a request, the next one first (20, or --limit)\n"
                       "  export  each request whole, one JSON object a line; bytes in hexadecimal\n\n"
                       "The file is only read, also beside the node that owns it.\n");
    return status;
}

static int stat_file(const store_options_t *o, sqlite3 *db)
{
    static const char *const names[] = {"stored", "high", "ready", "hidden", "in_flight", "bytes", "answered", "dead"};
    sqlite3_stmt *row = store_query(
        o, db,
        "SELECT count(*), coalesce(sum(priority = 1), 0), coalesce(sum(available_ms = 0), 0), "
        "coalesce(sum(available_ms > 0 AND available_ms < 9223372036854775807), 0), "
        "coalesce(sum(available_ms = 9223372036854775807), 0), coalesce(sum(length(sender) + length(payload)), 0), "
        "(SELECT count(*) FROM answered), (SELECT count(*) FROM dead_letter) FROM message");
    if (row == NULL) return 1;
    int status = 0;
    if (sqlite3_step(row) != SQLITE_ROW) {
        status = store_complain(o, db);
    } else if (o->json) {
        json_t *out = json_object();
        for (int i = 0; i < 8; i++)
            (void)json_object_set_new(out, names[i], json_integer(sqlite3_column_int64(row, i)));
        store_print(out);
    } else {
        for (int i = 0; i < 8; i++) (void)printf("%-10s %lld\n", names[i], (long long)sqlite3_column_int64(row, i));
    }
    (void)sqlite3_finalize(row);
    return status;
}

static const char *state_of(sqlite3_stmt *row)
{
    int64_t available = sqlite3_column_int64(row, AVAILABLE);
    return available == 0 ? "ready" : available == INT64_MAX ? "in flight" : "hidden";
}

static json_t *span_json(actri_span_t span)
{
    json_t *value = json_stringn((const char *)span.data, span.size);
    return value != NULL ? value : json_null();
}

static json_t *row_json(sqlite3_stmt *row, const actri_envelope_t *e, bool whole)
{
    char sender[ACTR_ID_TEXT_SIZE];
    json_t *out = json_object();
    (void)json_object_set_new(out, "sequence", json_integer(sqlite3_column_int64(row, SEQUENCE)));
    (void)json_object_set_new(out, "priority", json_string(sqlite3_column_int(row, PRIORITY) ? "high" : "normal"));
    (void)json_object_set_new(out, "state", json_string(state_of(row)));
    (void)json_object_set_new(out, "attempts", json_integer(sqlite3_column_int64(row, ATTEMPTS)));
    (void)json_object_set_new(out, "redrives", json_integer(sqlite3_column_int64(row, REDRIVES)));
    (void)json_object_set_new(out, "received_ms", json_integer(sqlite3_column_int64(row, RECEIVED)));
    (void)json_object_set_new(out, "deadline_ms", json_integer(sqlite3_column_int64(row, DEADLINE)));
    (void)json_object_set_new(out, "sender", json_string(store_sender(store_bytes(row, SENDER), sender)));
    (void)json_object_set_new(out, "route", e == NULL ? json_null() : span_json(e->route_key));
    (void)json_object_set_new(out, "request_id", e == NULL ? json_null() : span_json(e->request_id));
    (void)json_object_set_new(out, "size", json_integer(sqlite3_column_bytes(row, PAYLOAD)));
    if (whole) {
        (void)json_object_set_new(out, "sender_hex", store_hex(store_bytes(row, SENDER)));
        (void)json_object_set_new(out, "payload_hex", store_hex(store_bytes(row, PAYLOAD)));
    }
    return out;
}

static void print_row(sqlite3_stmt *row, const actri_envelope_t *e)
{
    char sender[ACTR_ID_TEXT_SIZE];
    (void)printf("%-10lld %-7s %-9s %8d  %-30s ", (long long)sqlite3_column_int64(row, SEQUENCE),
                 sqlite3_column_int(row, PRIORITY) ? "high" : "normal", state_of(row),
                 sqlite3_column_int(row, ATTEMPTS), store_sender(store_bytes(row, SENDER), sender));
    if (e == NULL) {
        (void)printf("(does not decode) %d\n", sqlite3_column_bytes(row, PAYLOAD));
    } else {
        (void)printf("%.*s %.*s %zu\n", (int)e->route_key.size, (const char *)e->route_key.data,
                     (int)e->request_id.size, (const char *)e->request_id.data, e->payload.size);
    }
}

static void show_row(const store_options_t *o, sqlite3_stmt *row, bool whole)
{
    actri_envelope_t *e = malloc(sizeof *e);
    if (e == NULL) return;
    actr_bytes_t bytes = store_bytes(row, PAYLOAD);
    bool good = actri_envelope_decode(bytes.data, bytes.size, e, NULL) == ACTR_OK;
    if (o->json || whole) {
        store_print(row_json(row, good ? e : NULL, whole));
    } else {
        print_row(row, good ? e : NULL);
    }
    free(e);
}

static int list_rows(const store_options_t *o, sqlite3 *db, long long limit, bool whole)
{
    sqlite3_stmt *row = store_query(o, db, ROWS);
    if (row == NULL) return 1;
    (void)sqlite3_bind_int64(row, 1, limit);
    if (!o->json && !whole)
        (void)printf("SEQUENCE   PRIO    STATE     ATTEMPTS  SENDER                         ROUTE REQUEST SIZE\n");
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) show_row(o, row, whole);
    int status = code == SQLITE_DONE ? 0 : store_complain(o, db);
    (void)sqlite3_finalize(row);
    return status;
}

int verb_mailbox(int argc, char **argv)
{
    store_options_t o;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc < 3 || !store_parse(argc, argv, &o) || o.word_count != 0) return usage(stderr, 2);
    bool stats = strcmp(argv[1], "stat") == 0, peeks = strcmp(argv[1], "peek") == 0;
    if (!stats && !peeks && strcmp(argv[1], "export") != 0) return usage(stderr, 2);
    sqlite3 *db = store_open(&o);
    if (db == NULL) return 1;
    int status = stats   ? stat_file(&o, db)
                 : peeks ? list_rows(&o, db, o.limit >= 0 ? o.limit : 20, false)
                         : list_rows(&o, db, o.limit, true);
    (void)sqlite3_close(db);
    return status;
}
