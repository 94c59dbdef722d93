/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of "file:line:column: words". */
#include "config/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AREA "config"

static void place(const actri_toml_t *at, bool key, char *out, size_t size)
{
    bool of_key = key && at->key_line != 0;
    unsigned line = of_key ? at->key_line : at->line;
    if (line == 0) /* a value of the environment: its "file" is the variable */
        (void)snprintf(out, size, "%s: ", at->file);
    else
        (void)snprintf(out, size, "%s:%u:%u: ", at->file, line, of_key ? at->key_column : at->column);
}

static void say(actri_diag_t *diag, actr_log_level_t level, const char *line)
{
    diag->lines++;
    if (diag->lines < ACTRI_DIAG_MOST)
        actri_log(diag->env, level, AREA, "%s", line);
    else if (diag->lines == ACTRI_DIAG_MOST)
        actri_log(diag->env, level, AREA, "there is more to say about the configuration; correct this first");
}

static void compose(const actri_toml_t *at, bool key, const char *format, va_list list, char *out, size_t size)
{
    place(at, key, out, size);
    size_t used = strlen(out);
    (void)vsnprintf(out + used, size - used, format, list);
}

static void fail_line(actri_diag_t *diag, actr_status_t status, const char *line)
{
    if (diag->errors++ == 0) diag->status = actri_fail(diag->error, status, "%s", line);
    say(diag, ACTR_LOG_ERROR, line);
}

#define COMPOSE(at, key)                                                                                               \
    char line[ACTR_ERROR_MESSAGE_SIZE];                                                                                \
    va_list list;                                                                                                      \
    va_start(list, format);                                                                                            \
    compose(at, key, format, list, line, sizeof line);                                                                 \
    va_end(list)

void actri_diag_fail(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...)
{
    COMPOSE(at, false);
    fail_line(diag, ACTR_STATUS_CONFIG_INVALID, line);
}

void actri_diag_fail_status(actri_diag_t *diag, actr_status_t status, const actri_toml_t *at, const char *format, ...)
{
    COMPOSE(at, false);
    fail_line(diag, status, line);
}

void actri_diag_warn(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...)
{
    COMPOSE(at, false);
    diag->warnings++;
    say(diag, ACTR_LOG_WARN, line);
}

void actri_diag_warn_key(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...)
{
    COMPOSE(at, true);
    diag->warnings++;
    say(diag, ACTR_LOG_WARN, line);
}

void actri_diag_hint(actri_diag_t *diag, const actri_toml_t *at, const char *format, ...)
{
    COMPOSE(at, false);
    say(diag, ACTR_LOG_INFO, line);
}

void actri_diag_fail_ready(actri_diag_t *diag, const actr_error_t *error)
{
    fail_line(diag, error->status, error->message);
    if (diag->errors == 1) *diag->error = *error;
}
