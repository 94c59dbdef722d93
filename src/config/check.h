/* SPDX-License-Identifier: Apache-2.0 */
/* One file against the key table: unknown keys (warnings), values of the wrong type, missing required keys. */
#ifndef ACTRI_CONFIG_CHECK_H
#define ACTRI_CONFIG_CHECK_H

#include "config/diag.h"
#include "config/keys.h"

void actri_check_file(actri_diag_t *diag, const actri_toml_t *root);
/* One value against its row; false when it does not fit (and an error was reported). */
bool actri_check_value(actri_diag_t *diag, const actri_key_t *key, const actri_toml_t *value);

#endif
