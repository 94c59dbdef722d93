/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded answers of the reference in JSON, for tests of names, URIs and TURN claims. */
#ifndef ACTR_TESTS_JSON_VECTORS_H
#define ACTR_TESTS_JSON_VECTORS_H

#include "hex.h"

#include <jansson.h>
#include <stdio.h>

static const char *const levels[] = {"0.1.6", "0.1.15"};

static inline json_t *load_vectors(const char *file)
{
    char path[512];
    json_error_t problem;
    (void)snprintf(path, sizeof path, "%s/%s", ACTR_VECTORS, file);
    json_t *all = json_load_file(path, JSON_ALLOW_NUL, &problem);
    if (all == NULL) fail_msg("%s:%d: %s", path, problem.line, problem.text);
    return all;
}

/* The rows of one table of names.json at one level. */
static inline json_t *name_rows(json_t *all, const char *level, const char *table)
{
    json_t *rows = json_object_get(json_object_get(all, level), table);
    if (json_array_size(rows) == 0) fail_msg("no rows in %s of %s", table, level);
    return rows;
}

static inline const char *member(json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

static inline bool is_ok(json_t *row)
{
    return json_is_true(json_object_get(row, "ok"));
}

/* Bytes of a hexadecimal member; the caller frees. */
static inline uint8_t *hex_member(json_t *row, const char *name, size_t *size)
{
    const char *hex = member(row, name);
    if (hex == NULL) fail_msg("no %s", name);
    return hex_bytes(hex, size);
}

#endif
