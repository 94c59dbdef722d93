/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to say about a configuration: every line names file, line and column. All errors are logged, so that
 * one look shows them all; the first is also the caller's actr_error_t. One thread at a time.
 */
#ifndef ACTRI_CONFIG_DIAG_H
#define ACTRI_CONFIG_DIAG_H

#include "config/toml.h"

#define ACTRI_DIAG_MOST 100 /* lines; what follows is only counted */

typedef struct actri_diag {
    const actri_env_t *env;
    actr_error_t *error;  /* never NULL */
    actr_status_t status; /* ACTR_OK, or of the first error */
    unsigned errors, warnings, lines;
} actri_diag_t;

/* Lines about one value. */
void actri_diag_fail(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...) ACTR_PRINTF(3, 4);
void actri_diag_fail_status(actri_diag_t *diag, actr_status_t status, const actri_toml_t *at, const char *format, ...)
    ACTR_PRINTF(4, 5);
void actri_diag_warn(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...) ACTR_PRINTF(3, 4);
/* The same about its key rather than its value. */
void actri_diag_warn_key(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...) ACTR_PRINTF(3, 4);
/* Not wrong, but there is a better way to write it: log level info. */
void actri_diag_hint(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...) ACTR_PRINTF(3, 4);
/* An error that already has its words, "file:line:column: " included. */
void actri_diag_fail_ready(actri_diag_t *diag, const actr_error_t *error);

#endif
