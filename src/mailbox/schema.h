/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a mailbox file, their version, and what older files become (mailbox.md 2, 9). */
#ifndef ACTRI_SCHEMA_H
#define ACTRI_SCHEMA_H

#include "base/env.h"

#include <sqlite3.h>

#define ACTRI_SCHEMA_VERSION 2
#define ACTRI_APPLICATION_ID 0x61637472 /* "actr" */

/* What message.available_ms says: 0 ready, this one in flight as long as its holder has the file open, else hidden
 * until then (Unix time in ms). */
#define ACTRI_IN_FLIGHT INT64_MAX

/* MAILBOX_VERSION: written by a newer libactr. MAILBOX_CORRUPT: no database, or damaged. Writes nothing. */
ACTR_MUST_CHECK actr_status_t actri_schema_check(sqlite3 *db, const char *path, actr_error_t *error);
/* Makes what is missing, in one transaction; an older file, or one of the reference (and its dead letters at
 * <path>.dlq), is taken over whole. */
ACTR_MUST_CHECK actr_status_t actri_schema_create(sqlite3 *db, const char *path, actr_error_t *error);

/* MAILBOX_* with SQLite's words. */
actr_status_t actri_sqlite_fail(sqlite3 *db, const char *what, actr_error_t *error);

#endif
