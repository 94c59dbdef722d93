/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and log of a system, and the filling of error objects. No state of its own. */
#include "base/env.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINE_SIZE 1024

void *actri_alloc(const actri_env_t *env, size_t size)
{
    if (size == 0) size = 1;
    if (env == NULL || env->allocator.allocate == NULL) return malloc(size);
    return env->allocator.allocate(size, env->allocator.user);
}

void *actri_zalloc(const actri_env_t *env, size_t size)
{
    if (env == NULL || env->allocator.allocate == NULL) return calloc(1, size == 0 ? 1 : size); /* large: untouched */
    void *block = actri_alloc(env, size);
    if (block != NULL) memset(block, 0, size);
    return block;
}

void *actri_realloc(const actri_env_t *env, void *block, size_t size)
{
    if (size == 0) size = 1;
    if (env == NULL || env->allocator.allocate == NULL) return realloc(block, size);
    return env->allocator.resize(block, size, env->allocator.user);
}

void actri_free(const actri_env_t *env, void *block)
{
    if (block == NULL) return;
    if (env == NULL || env->allocator.allocate == NULL) {
        free(block);
    } else {
        env->allocator.release(block, env->allocator.user);
    }
}

void *actri_memdup(const actri_env_t *env, const void *data, size_t size)
{
    void *copy = actri_alloc(env, size);
    if (copy != NULL && size > 0) memcpy(copy, data, size);
    return copy;
}

char *actri_strndup(const actri_env_t *env, const char *text, size_t size)
{
    if (text == NULL) return NULL;
    char *copy = actri_alloc(env, size + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *actri_strdup(const actri_env_t *env, const char *text)
{
    return text == NULL ? NULL : actri_strndup(env, text, strlen(text));
}

char *actri_asprintf(const actri_env_t *env, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) return NULL;
    char *text = actri_alloc(env, (size_t)size + 1);
    if (text == NULL) return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* What a peer wrote can be among the arguments: it must not begin a new line, nor break UTF-8 where it is cut. */
static void print_line(char *line, size_t size, const char *format, va_list arguments)
{
    (void)vsnprintf(line, size, format, arguments);
    actri_utf8_line(line);
}

void actri_log_line(const actri_env_t *env, actr_log_level_t level, const char *area, const char *format, ...)
{
    char line[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    print_line(line, sizeof line, format, arguments);
    va_end(arguments);
    env->log(level, area, line, env->log_user);
}

static void clear_error(actr_error_t *error, actr_status_t status)
{
    memset(error, 0, sizeof *error);
    error->status = status;
}

void actri_fail_text(actr_error_t *error, actr_status_t status, const char *format, ...)
{
    if (error == NULL) return;
    char text[ACTR_ERROR_MESSAGE_SIZE]; /* an argument may be error's own message */
    va_list arguments;
    va_start(arguments, format);
    print_line(text, sizeof text, format, arguments);
    va_end(arguments);
    clear_error(error, status);
    memcpy(error->message, text, sizeof text);
}

void actri_fail_errno_text(actr_error_t *error, actr_status_t status, int number, const char *format, ...)
{
    if (error == NULL) return;
    char text[ACTR_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    print_line(text, sizeof text, format, arguments);
    va_end(arguments);
    clear_error(error, status);
    error->system_errno = number;
    char reason[128];
    const char *known = strerror_r(number, reason, sizeof reason);
    (void)snprintf(error->message, sizeof error->message, "%.250s: %s", text, known);
    actri_utf8_line(error->message);
}

void actri_error_prefix(actr_error_t *error, const char *format, ...)
{
    if (error == NULL) return;
    char prefix[ACTR_ERROR_MESSAGE_SIZE];
    char text[ACTR_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    memcpy(text, error->message, sizeof text);
    (void)snprintf(error->message, sizeof error->message, "%.160s: %.230s", prefix, text);
    actri_utf8_line(error->message);
}
