/* SPDX-License-Identifier: Apache-2.0 */
/* The look at a TOML text before the parser: does it nest deeper than ACTRI_TOML_NESTING? Pure. */
#ifndef ACTRI_CONFIG_TOML_DEPTH_H
#define ACTRI_CONFIG_TOML_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

/* False: too deep, at *line (from 1). What is no TOML may pass; it ends in a syntax error. */
bool actri_toml_depth_ok(const char *text, size_t size, unsigned *line);

#endif
