/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs of signaling servers in the normal form of the WHATWG URL standard, as the reference keeps them (config.md
 * 2.6): ws and wss only. Pure.
 */
#ifndef ACTRI_CONFIG_URL_H
#define ACTRI_CONFIG_URL_H

#include "base/arena.h"

#define ACTRI_URL_MAX 2048 /* bytes, as written and in normal form */

/* *out is in the arena. CONFIG_INVALID says what is wrong and what to write; NO_MEMORY. */
ACTR_MUST_CHECK actr_status_t actri_url_normalize(actri_arena_t *arena, const char *text, const char **out,
                                                  actr_error_t *error);

#endif
