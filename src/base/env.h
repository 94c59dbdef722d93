/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every object of a system needs from outside: memory and log. One actri_env_t lives as long as the
 * system; every internal object keeps a pointer to it. A NULL env means libc's allocator and no log.
 * [any-thread]
 */
#ifndef ACTRI_ENV_H
#define ACTRI_ENV_H

#include <actr/base.h>

typedef struct actri_env {
    actr_allocator_t allocator; /* allocate NULL: libc */
    actr_log_fn log;            /* NULL: none */
    void *log_user;
    actr_log_level_t log_level;
} actri_env_t;

/* NULL when memory is out. actri_zalloc clears. Size 0 gives a valid block. */
void *actri_alloc(const actri_env_t *env, size_t size);
void *actri_zalloc(const actri_env_t *env, size_t size);
void *actri_realloc(const actri_env_t *env, void *block, size_t size);
void actri_free(const actri_env_t *env, void *block);

/* Copies; NULL in gives NULL out. */
char *actri_strdup(const actri_env_t *env, const char *text);
char *actri_strndup(const actri_env_t *env, const char *text, size_t size);
void *actri_memdup(const actri_env_t *env, const void *data, size_t size);
/* printf into a new string; NULL when memory is out. */
char *actri_asprintf(const actri_env_t *env, const char *format, ...) ACTR_PRINTF(2, 3);

/* One line; cut at 1 KiB. Costs nothing when the level is off. */
void actri_log_line(const actri_env_t *env, actr_log_level_t level, const char *area, const char *format, ...)
    ACTR_PRINTF(4, 5);
static inline bool actri_log_on(const actri_env_t *env, actr_log_level_t level)
{
    return env != NULL && env->log != NULL && level <= env->log_level;
}
#define actri_log(env, level, area, ...)                                                                               \
    do {                                                                                                               \
        if (actri_log_on(env, level)) actri_log_line(env, level, area, __VA_ARGS__);                                   \
    } while (0)
#define actri_error(env, area, ...) actri_log(env, ACTR_LOG_ERROR, area, __VA_ARGS__)
#define actri_warn(env, area, ...) actri_log(env, ACTR_LOG_WARN, area, __VA_ARGS__)
#define actri_info(env, area, ...) actri_log(env, ACTR_LOG_INFO, area, __VA_ARGS__)
#define actri_debug(env, area, ...) actri_log(env, ACTR_LOG_DEBUG, area, __VA_ARGS__)
#define actri_trace(env, area, ...) actri_log(env, ACTR_LOG_TRACE, area, __VA_ARGS__)

/*
 * Fills error (may be NULL) and is the status, so that `return actri_fail(...)` reads well: a macro, for then the
 * compiler and the analyzers see that a failure is one. status is evaluated twice.
 */
#define actri_fail(error, status, ...) (actri_fail_text(error, status, __VA_ARGS__), (status))
void actri_fail_text(actr_error_t *error, actr_status_t status, const char *format, ...) ACTR_PRINTF(3, 4);
/* The same with errno's text appended. */
#define actri_fail_errno(error, status, number, ...)                                                                   \
    (actri_fail_errno_text(error, status, number, __VA_ARGS__), (status))
void actri_fail_errno_text(actr_error_t *error, actr_status_t status, int number, const char *format, ...)
    ACTR_PRINTF(4, 5);
/* ACTR_STATUS_NO_MEMORY with its text. */
#define actri_no_memory(error) actri_fail(error, ACTR_STATUS_NO_MEMORY, "out of memory")
/* Puts "prefix: " before error's message. */
void actri_error_prefix(actr_error_t *error, const char *format, ...) ACTR_PRINTF(2, 3);

#endif
