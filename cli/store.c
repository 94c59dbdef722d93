/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/store.h"

#include "mailbox/schema.h"
#include "proto/idcodec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool read_number(const char *text, long long *out)
{
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out >= 0;
}

/* An option with a value; false: it is none, or the value is wrong. */
static bool take_value(store_options_t *o, const char *name, const char *value)
{
    long long number = 0;
    if (value == NULL) return false;
    if (strcmp(name, "--limit") == 0) return read_number(value, &o->limit);
    if (strcmp(name, "--category") == 0) {
        o->filter.category = value;
    } else if (strcmp(name, "--trace") == 0) {
        o->filter.trace_id = value;
    } else if (strcmp(name, "--request") == 0) {
        o->filter.request_id = value;
    } else if (strcmp(name, "--before") == 0 || strcmp(name, "--after") == 0) {
        if (!read_number(value, &number)) return false;
        *(name[2] == 'b' ? &o->filter.created_before_ms : &o->filter.created_after_ms) = number;
    } else {
        return false;
    }
    return true;
}

bool store_parse(int argc, char **argv, store_options_t *out)
{
    *out = (store_options_t){.verb = argv[0], .limit = -1, .filter = ACTR_DLQ_FILTER_INIT};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(argv[i], "--all") == 0) {
            out->all = true;
        } else if (strncmp(argv[i], "--", 2) == 0) {
            if (!take_value(out, argv[i], i + 1 < argc ? argv[i + 1] : NULL)) return false;
            i++;
        } else if (out->path == NULL) {
            out->path = argv[i];
        } else if (out->word_count < 2) {
            out->words[out->word_count++] = argv[i];
        } else {
            return false;
        }
    }
    return out->path != NULL;
}

int store_complain(const store_options_t *o, sqlite3 *db)
{
    (void)fprintf(stderr, "actr %s: %s: %s\n", o->verb, o->path, db == NULL ? "out of memory" : sqlite3_errmsg(db));
    return 1;
}

int store_fail(const store_options_t *o, const actr_error_t *error)
{
    (void)fprintf(stderr, "actr %s: %s\n", o->verb, actr_error_message(error));
    return 1;
}

sqlite3_stmt *store_query(const store_options_t *o, sqlite3 *db, const char *text)
{
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &query, NULL) == SQLITE_OK) return query;
    (void)store_complain(o, db);
    return NULL;
}

sqlite3 *store_open(const store_options_t *o)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(o->path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        (void)store_complain(o, db);
        (void)sqlite3_close(db);
        return NULL;
    }
    (void)sqlite3_busy_timeout(db, 2000);
    sqlite3_stmt *version = store_query(o, db, "PRAGMA user_version");
    int code = version == NULL ? SQLITE_ERROR : sqlite3_step(version);
    int found = code == SQLITE_ROW ? sqlite3_column_int(version, 0) : -1;
    if (code != SQLITE_ROW && version != NULL) (void)store_complain(o, db);
    (void)sqlite3_finalize(version);
    if (found == ACTRI_SCHEMA_VERSION) return db;
    if (found >= 0) {
        (void)fprintf(stderr, "actr %s: %s has schema version %d, this tool reads %d%s\n", o->verb, o->path, found,
                      ACTRI_SCHEMA_VERSION, found == 0 ? "; a node takes an older file over when it opens it" : "");
    }
    (void)sqlite3_close(db);
    return NULL;
}

/* ---- values ---- */

const char *store_sender(actr_bytes_t bytes, char text[ACTR_ID_TEXT_SIZE])
{
    actr_id_t id;
    if (!actri_id_decode(bytes.data, bytes.size, &id)) return "?";
    return actr_id_print(&id, text);
}

const char *store_time(int64_t ms, char text[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char day[32];
    if (ms <= 0 || gmtime_r(&seconds, &parts) == NULL) return "-";
    (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text, 40, "%s.%03dZ", day, (int)(ms % 1000));
    return text;
}

json_t *store_hex(actr_bytes_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *data = bytes.data;
    char *text = malloc(2 * bytes.size + 1);
    if (text == NULL) return NULL;
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * bytes.size] = '\0';
    json_t *value = json_string(text);
    free(text);
    return value;
}

json_t *store_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (text == NULL) return json_null();
    json_t *value = json_string(text);
    return value != NULL ? value : json_string("(no UTF-8)");
}

actr_bytes_t store_bytes(sqlite3_stmt *row, int column)
{
    const void *data = sqlite3_column_blob(row, column);
    return (actr_bytes_t){data, (size_t)sqlite3_column_bytes(row, column)};
}

void store_print(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text != NULL) (void)puts(text);
    free(text);
    json_decref(value);
}
