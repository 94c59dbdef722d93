/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables that override keys: ACTR_SYSTEM__SIGNALING__URL is system.signaling.url. Lists are split at
 * commas. A value that does not fit is an error that names the variable.
 */
#ifndef ACTRI_CONFIG_ENVIRONMENT_H
#define ACTRI_CONFIG_ENVIRONMENT_H

struct actri_chain;
void actri_environment_read(struct actri_chain *chain);

#endif
