/* SPDX-License-Identifier: Apache-2.0 */
/* What `actr mailbox` and `actr dlq` share: a mailbox file that is looked into, also beside a running node. */
#ifndef ACTR_CLI_STORE_H
#define ACTR_CLI_STORE_H

#include <actr/mailbox.h>
#include <jansson.h>
#include <sqlite3.h>

typedef struct store_options {
    const char *verb; /* "mailbox", "dlq" */
    const char *path;
    const char *words[2]; /* what stands behind the path, such as an id */
    int word_count;
    bool json, all;
    long long limit; /* -1: none was given */
    actr_dlq_filter_t filter;
} store_options_t;

/* Reads argv[2] and what follows: FILE, words, options. False: wrong. */
bool store_parse(int argc, char **argv, store_options_t *out);
/* Read-only. NULL: has complained. */
sqlite3 *store_open(const store_options_t *options);
int store_complain(const store_options_t *options, sqlite3 *db);
int store_fail(const store_options_t *options, const actr_error_t *error);
/* A prepared query, or NULL (has complained). */
sqlite3_stmt *store_query(const store_options_t *options, sqlite3 *db, const char *text);

/* "1a2b@101:acme+echo", or "?". */
const char *store_sender(actr_bytes_t bytes, char text[ACTR_ID_TEXT_SIZE]);
/* "2026-01-31T12:00:00.123Z", or "-". */
const char *store_time(int64_t ms, char text[40]);
json_t *store_hex(actr_bytes_t bytes);
json_t *store_text(sqlite3_stmt *row, int column);
actr_bytes_t store_bytes(sqlite3_stmt *row, int column);
/* One line; takes the reference. */
void store_print(json_t *value);

#endif
