/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actr:// URIs: names of services in text. The reference has had two grammars under one scheme, which can not be told
 * apart by looking: a caller says which one it means.
 *
 *   since protocol 0.1.6   actr://<realm>:<manufacturer>+<name>@<version>    actr_uri_t
 *   protocol 0.1.5         actr://<authority>[/<path>][?key=value&...]       actr_old_uri_t
 *
 * Nothing in the runtime uses them; they are for tools. Plain data: copy it, forget it. [any-thread]
 */
#ifndef ACTR_URI_H
#define ACTR_URI_H

#include <actr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTR_URI_PART_SIZE 256 /* bytes of one part, with its final zero */
#define ACTR_URI_PATH_SIZE 1024
#define ACTR_URI_PARAMS_MAX 16

typedef struct actr_uri {
    uint32_t realm;
    char manufacturer[ACTR_URI_PART_SIZE]; /* this and the rest as written: not checked, may be empty */
    char name[ACTR_URI_PART_SIZE];
    char version[ACTR_URI_PART_SIZE];
} actr_uri_t;

/* INVALID_NAME names the part that is missing or wrong; LIMIT_REACHED: a part is too long. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_uri_parse(const char *text, actr_uri_t *out, actr_error_t *error);
/* Puts a URI together; version NULL: "v1". INVALID_NAME when manufacturer or name is NULL. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_uri_make(uint32_t realm, const char *manufacturer, const char *name,
                                                     const char *version, actr_uri_t *out, actr_error_t *error);
/* As snprintf: writes at most size bytes with the final zero, returns what the whole needs without it. */
ACTR_API size_t actr_uri_print(const actr_uri_t *uri, char *text, size_t size);

typedef struct actr_old_uri {
    char authority[ACTR_URI_PART_SIZE];
    bool has_path;
    char path[ACTR_URI_PATH_SIZE]; /* without the slash behind the authority */
    size_t param_count;
    struct {
        char key[ACTR_URI_PART_SIZE]; /* each key once: the last one wins */
        char value[ACTR_URI_PART_SIZE];
    } params[ACTR_URI_PARAMS_MAX];
} actr_old_uri_t;

/* As actr_uri_parse. LIMIT_REACHED also for more than ACTR_URI_PARAMS_MAX keys. */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_old_uri_parse(const char *text, actr_old_uri_t *out, actr_error_t *error);
/* As actr_uri_print. A path that starts with a slash gets no second one. */
ACTR_API size_t actr_old_uri_print(const actr_old_uri_t *uri, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
