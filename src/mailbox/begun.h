/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests somebody has begun to handle, in a small mapped file beside the mailbox's, <path>.begun: a store into
 * memory that outlives the process, so that it costs no commit. It does not outlive the machine: of another boot it
 * says nothing. For the owner of the mailbox's file only.
 */
#ifndef ACTRI_BEGUN_H
#define ACTRI_BEGUN_H

#include "base/env.h"

typedef struct actri_begun actri_begun_t;

/* Makes the file anew, without marks. */
ACTR_MUST_CHECK actr_status_t actri_begun_new(const actri_env_t *env, const char *path, actri_begun_t **out,
                                              actr_error_t *error);
/* Removes the file, unless keep. NULL is a no-op. */
void actri_begun_free(actri_begun_t *begun, bool keep);
/* The place of the mark, to be cleared; 0: all places are taken. [any-thread] */
uint16_t actri_begun_mark(actri_begun_t *begun, int64_t sequence);
void actri_begun_clear(actri_begun_t *begun, uint16_t place);

/* What the last process left: `each` is called for every marked request. False: that is not known (no file, or one of
 * another boot), or `each` gave it. */
bool actri_begun_each(const actri_env_t *env, const char *path, bool (*each)(void *user, int64_t sequence), void *user);
void actri_begun_forget(const actri_env_t *env, const char *path);

#endif
