/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resolved configuration that owns its strings: copied from an actr_config_t, or read from an Actr.toml.
 * spec: config.md.
 */
#ifndef ACTRI_CONFIG_H
#define ACTRI_CONFIG_H

#include "base/arena.h"

#include <actr/config.h>

typedef struct actri_config {
    actr_config_t values; /* every pointer lives in the arena; struct_size is that of this build */
    actri_arena_t arena;
} actri_config_t;

/* Deep copy; checks names, URL and ranges (CONFIG_INVALID names the field). A smaller struct_size of an older caller
   leaves the newer fields at their defaults. out->arena uses env. */
ACTR_MUST_CHECK actr_status_t actri_config_copy(const actri_env_t *env, const actr_config_t *from, actri_config_t *out,
                                                actr_error_t *error);
/* Reads the file; unknown keys are logged as warnings with their line (and a suggestion). Errors: IO, CONFIG_SYNTAX,
   CONFIG_INVALID, each with "file:line:column: ". */
ACTR_MUST_CHECK actr_status_t actri_config_load(const actri_env_t *env, const char *path, actri_config_t *out,
                                                actr_error_t *error);
/* The rule of a route; NULL: there is none. [any-thread] */
const actr_method_rule_t *actri_config_method(const actr_config_t *values, const void *route, size_t size);
void actri_config_clear(actri_config_t *config);

#endif
