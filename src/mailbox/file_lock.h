/* SPDX-License-Identifier: Apache-2.0 */
/* One owner of a mailbox file: an open-file-description lock on <path>.lock, which also says who holds it. */
#ifndef ACTRI_FILE_LOCK_H
#define ACTRI_FILE_LOCK_H

#include "base/env.h"

/* *fd is the lock; closing it gives it back. MAILBOX_BUSY names the holder and since when. */
ACTR_MUST_CHECK actr_status_t actri_file_lock(const actri_env_t *env, const char *path, int *fd, actr_error_t *error);

#endif
