/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a mailbox file, its version, and the take-over of a file that the reference made (mailbox.md 2, 9). */
#ifndef ACTRI_SCHEMA_H
#define ACTRI_SCHEMA_H

#include "base/env.h"

#include <sqlite3.h>

#define ACTRI_SCHEMA_VERSION 1
#define ACTRI_APPLICATION_ID 0x61637472 /* "actr" */

/* MAILBOX_VERSION: written by a newer libactr. MAILBOX_CORRUPT: no database, or damaged. Writes nothing. */
ACTR_MUST_CHECK actr_status_t actri_schema_check(sqlite3 *db, const char *path, actr_error_t *error);
/* Makes what is missing, in one transaction; a file of the reference is taken over whole, its dead letters too. */
ACTR_MUST_CHECK actr_status_t actri_schema_create(sqlite3 *db, const char *path, actr_error_t *error);

/* MAILBOX_* with SQLite's words. */
actr_status_t actri_sqlite_fail(sqlite3 *db, const char *what, actr_error_t *error);

#endif
