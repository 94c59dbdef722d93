/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded answers of the reference, each as a test case of its own, so that the count of cases is theirs. */
#ifndef ACTR_TESTS_VECTOR_CASES_H
#define ACTR_TESTS_VECTOR_CASES_H

#include "check.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct vector_tests {
    struct CMUnitTest *tests;
    size_t count;
    json_t *file;
} vector_tests_t;

static inline json_t *vector_load(const char *name)
{
    char path[512];
    json_error_t problem;
    (void)snprintf(path, sizeof path, "%s/%s", ACTR_VECTORS, name);
    json_t *all = json_load_file(path, JSON_ALLOW_NUL, &problem);
    if (all == NULL) {
        (void)printf("not ok 1 - %s:%d: %s\n", path, problem.line, problem.text);
        exit(1);
    }
    return all;
}

static inline void vector_add(vector_tests_t *all, const char *name, CMUnitTestFunction function, void *state)
{
    all->tests = realloc(all->tests, (all->count + 1) * sizeof *all->tests);
    if (all->tests == NULL) abort();
    all->tests[all->count++] = (struct CMUnitTest){name, function, NULL, NULL, state};
}

/* Every row of a list, named by its `name`. */
static inline size_t vector_add_rows(vector_tests_t *all, const char *list, CMUnitTestFunction function)
{
    json_t *rows = json_object_get(all->file, list);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        vector_add(all, json_string_value(json_object_get(row, "name")), function, row);
    }
    return json_array_size(rows);
}

static inline const char *text_of(json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

#endif
