/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `actr dlq`: the dead letters of a mailbox file. Reading is done in the file; what changes it goes through the node's
 * admin socket when one runs, and through the file when none does.
 */
#include "cli/store.h"
#include "verbs.h"

#include "observe/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS                                                                                                        \
    "SELECT id, priority, attempts, redrives, message, created_ms, redriven_ms, sender, payload, reason, category, "   \
    "trace_id, request_id, context, receiver FROM dead_letter"
#define FILTER                                                                                                         \
    " WHERE (?1 IS NULL OR category = ?1) AND (?2 IS NULL OR trace_id = ?2) AND (?3 IS NULL OR request_id = ?3) AND "  \
    "(?4 = 0 OR created_ms > ?4) AND (?5 = 0 OR created_ms < ?5) AND (?6 IS NULL OR id = ?6) "                         \
    "ORDER BY created_ms DESC, number DESC LIMIT ?7"
enum {
    ID,
    PRIORITY,
    ATTEMPTS,
    REDRIVES,
    MESSAGE,
    CREATED,
    REDRIVEN,
    SENDER,
    PAYLOAD,
    REASON,
    CATEGORY,
    TRACE,
    REQUEST,
    CONTEXT,
    RECEIVER
};

static int usage(FILE *out, int status)
{
    (void)fprintf(out, "usage: actr dlq list FILE [FILTER ...] [--limit N] [--json]\n"
                       "       actr dlq show FILE ID [--json]\n"
                       "       actr dlq redrive FILE ID [--json]\n"
                       "       actr dlq purge FILE FILTER ...|--all [--json]\n"
                       "       actr dlq export FILE [FILTER ...] [--limit N]\n\n"
                       "  list     a line a dead letter, the newest first (20, or --limit)\n"
                       "  show     everything about one\n"
                       "  redrive  puts its request back into the mailbox\n"
                       "  purge    deletes those that the filters name\n"
                       "  export   each whole, one JSON object a line; bytes in hexadecimal\n\n"
                       "Filters: --category C, --trace T, --request R, --after MS, --before MS (Unix time in ms).\n"
                       "When a node owns the file, it is asked to make the change (FILE.sock).\n");
    return status;
}

/* ---- reading ---- */

static json_t *row_json(sqlite3_stmt *row, bool whole)
{
    char text[ACTR_ID_TEXT_SIZE];
    json_t *out = json_object();
    (void)json_object_set_new(out, "id", store_text(row, ID));
    (void)json_object_set_new(out, "category", store_text(row, CATEGORY));
    (void)json_object_set_new(out, "reason", store_text(row, REASON));
    (void)json_object_set_new(out, "priority", json_string(sqlite3_column_int(row, PRIORITY) ? "high" : "normal"));
    (void)json_object_set_new(out, "attempts", json_integer(sqlite3_column_int64(row, ATTEMPTS)));
    (void)json_object_set_new(out, "redrives", json_integer(sqlite3_column_int64(row, REDRIVES)));
    (void)json_object_set_new(out, "message", json_integer(sqlite3_column_int64(row, MESSAGE)));
    (void)json_object_set_new(out, "created_ms", json_integer(sqlite3_column_int64(row, CREATED)));
    (void)json_object_set_new(out, "redriven_ms", json_integer(sqlite3_column_int64(row, REDRIVEN)));
    (void)json_object_set_new(out, "sender", json_string(store_sender(store_bytes(row, SENDER), text)));
    (void)json_object_set_new(out, "receiver", json_string(store_sender(store_bytes(row, RECEIVER), text)));
    (void)json_object_set_new(out, "trace_id", store_text(row, TRACE));
    (void)json_object_set_new(out, "request_id", store_text(row, REQUEST));
    (void)json_object_set_new(out, "context", store_text(row, CONTEXT));
    (void)json_object_set_new(out, "size", json_integer(sqlite3_column_bytes(row, PAYLOAD)));
    if (whole) {
        (void)json_object_set_new(out, "sender_hex", store_hex(store_bytes(row, SENDER)));
        (void)json_object_set_new(out, "payload_hex", store_hex(store_bytes(row, PAYLOAD)));
    }
    return out;
}

static void print_line(sqlite3_stmt *row)
{
    char time[40];
    (void)printf("%-36s  %-24s  %-18s %8d %8d  %s\n", (const char *)sqlite3_column_text(row, ID),
                 store_time(sqlite3_column_int64(row, CREATED), time), (const char *)sqlite3_column_text(row, CATEGORY),
                 sqlite3_column_int(row, ATTEMPTS), sqlite3_column_int(row, REDRIVES),
                 (const char *)sqlite3_column_text(row, REASON));
}

static void print_whole(sqlite3_stmt *row)
{
    const char *name;
    json_t *value, *all = row_json(row, true);
    json_object_foreach(all, name, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        (void)printf("%-12s %s\n", name, text != NULL ? text : json_string_value(value));
        free(text);
    }
    json_decref(all);
}

static void bind_filter(sqlite3_stmt *s, const actr_dlq_filter_t *filter, const char *id, long long limit)
{
    (void)sqlite3_bind_text(s, 1, filter->category, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 2, filter->trace_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 3, filter->request_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 4, filter->created_after_ms);
    (void)sqlite3_bind_int64(s, 5, filter->created_before_ms);
    (void)sqlite3_bind_text(s, 6, id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 7, limit);
}

typedef enum form { LINES, WHOLE, EXPORT } form_t;

static int list(const store_options_t *o, sqlite3 *db, const char *id, long long limit, form_t form)
{
    sqlite3_stmt *row = store_query(o, db, COLUMNS FILTER);
    if (row == NULL) return 1;
    bind_filter(row, &o->filter, id, limit);
    if (form == LINES && !o->json) {
        (void)printf("%-36s  %-24s  %-18s ATTEMPTS REDRIVES  REASON\n", "ID", "CREATED", "CATEGORY");
    }
    int code, count = 0;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        count++;
        if (o->json || form == EXPORT)
            store_print(row_json(row, form != LINES));
        else if (form == WHOLE)
            print_whole(row);
        else
            print_line(row);
    }
    int status = code == SQLITE_DONE ? 0 : store_complain(o, db);
    (void)sqlite3_finalize(row);
    if (status == 0 && id != NULL && count == 0) {
        (void)fprintf(stderr, "actr dlq: there is no dead letter %s\n", id);
        return 1;
    }
    return status;
}

static int read_file(const store_options_t *o, const char *verb)
{
    sqlite3 *db = store_open(o);
    if (db == NULL) return 1;
    int status = strcmp(verb, "show") == 0   ? list(o, db, o->words[0], 1, WHOLE)
                 : strcmp(verb, "list") == 0 ? list(o, db, NULL, o->limit >= 0 ? o->limit : 20, LINES)
                                             : list(o, db, NULL, o->limit, EXPORT);
    (void)sqlite3_close(db);
    return status;
}

/* ---- changing ---- */

/* What was done, for both ways: {"message":7} or {"count":3}. */
static int say(const store_options_t *o, const char *what, const char *member, long long value)
{
    if (o->json) {
        json_t *out = json_object();
        (void)json_object_set_new(out, member, json_integer(value));
        store_print(out);
    } else {
        (void)printf("%s %lld\n", what, value);
    }
    return 0;
}

static void add_filter(char *request, size_t size, const char *name, const char *value)
{
    size_t used = strlen(request);
    if (value != NULL) (void)snprintf(request + used, size - used, "\t%s=%s", name, value);
}

static bool has_control(const store_options_t *o)
{
    const char *texts[] = {o->words[0], o->filter.category, o->filter.trace_id, o->filter.request_id};
    for (size_t i = 0; i < 4; i++) {
        if (texts[i] != NULL && strpbrk(texts[i], "\t\n") != NULL) return true;
    }
    return false;
}

static void write_request(const store_options_t *o, bool redrives, char *request, size_t size)
{
    char number[32];
    (void)snprintf(request, size, redrives ? "dlq.redrive\t%s" : "dlq.purge", redrives ? o->words[0] : "");
    if (redrives) return;
    add_filter(request, size, "category", o->filter.category);
    add_filter(request, size, "trace", o->filter.trace_id);
    add_filter(request, size, "request", o->filter.request_id);
    (void)snprintf(number, sizeof number, "%" PRId64, o->filter.created_after_ms);
    add_filter(request, size, "after", o->filter.created_after_ms != 0 ? number : NULL);
    (void)snprintf(number, sizeof number, "%" PRId64, o->filter.created_before_ms);
    add_filter(request, size, "before", o->filter.created_before_ms != 0 ? number : NULL);
}

static int report(const store_options_t *o, bool redrives, const char *reply)
{
    json_t *answer = json_loads(reply, 0, NULL);
    int status = 1;
    if (json_is_true(json_object_get(answer, "ok"))) {
        const char *member = redrives ? "message" : "count";
        status = say(o, redrives ? "put back as message" : "deleted", member,
                     (long long)json_integer_value(json_object_get(answer, member)));
    } else {
        const char *text = json_string_value(json_object_get(answer, "error"));
        (void)fprintf(stderr, "actr dlq: the node says: %s\n", text != NULL ? text : reply);
    }
    json_decref(answer);
    return status;
}

/* No node: the file is opened as its owner. */
static int change_file(const store_options_t *o, bool redrives)
{
    actr_mailbox_t *mailbox = NULL;
    actr_dlq_t *letters = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    int64_t message = 0;
    uint64_t count = 0;
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    options.path = o->path;
    options.max_messages = options.max_bytes = INT64_MAX; /* the node's limits are the node's */
    actr_status_t status = actr_sqlite_store_open(&options, &mailbox, &letters, &error);
    if (status != ACTR_OK) return store_fail(o, &error);
    status = redrives ? actr_dlq_redrive(letters, o->words[0], mailbox, &message, &error)
                      : actr_dlq_purge(letters, &o->filter, &count, &error);
    actr_dlq_close(letters);
    actr_mailbox_close(mailbox);
    if (status != ACTR_OK) return store_fail(o, &error);
    return redrives ? say(o, "put back as message", "message", message) : say(o, "deleted", "count", (long long)count);
}

static int change(const store_options_t *o, bool redrives)
{
    char request[ACTRI_ADMIN_REQUEST], reply[ACTRI_ADMIN_REPLY], path[4096];
    actr_error_t error = ACTR_ERROR_INIT;
    if (access(o->path, F_OK) != 0) {
        (void)fprintf(stderr, "actr dlq: there is no %s\n", o->path);
        return 1;
    }
    if (has_control(o)) return usage(stderr, 2);
    write_request(o, redrives, request, sizeof request);
    (void)snprintf(path, sizeof path, "%s.sock", o->path);
    actr_status_t status = actri_admin_ask(path, request, reply, sizeof reply, &error);
    if (status == ACTR_STATUS_NOT_FOUND) return change_file(o, redrives);
    return status == ACTR_OK ? report(o, redrives, reply) : store_fail(o, &error);
}

int verb_dlq(int argc, char **argv)
{
    store_options_t o;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
    if (argc < 3 || !store_parse(argc, argv, &o)) return usage(stderr, 2);
    const char *verb = argv[1];
    bool redrives = strcmp(verb, "redrive") == 0, purges = strcmp(verb, "purge") == 0,
         shows = strcmp(verb, "show") == 0;
    bool filtered = o.filter.category != NULL || o.filter.trace_id != NULL || o.filter.request_id != NULL ||
                    o.filter.created_after_ms != 0 || o.filter.created_before_ms != 0;
    if (o.word_count != (redrives || shows ? 1 : 0)) return usage(stderr, 2);
    if (purges && filtered == o.all) return usage(stderr, 2); /* everything only when it is said */
    if (redrives || purges) return change(&o, redrives);
    if (!shows && strcmp(verb, "list") != 0 && strcmp(verb, "export") != 0) return usage(stderr, 2);
    return read_file(&o, verb);
}
