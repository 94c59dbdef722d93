/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a configuration comes from: files and environment, behind a seam so that tests and fuzzers touch neither.
 */
#ifndef ACTRI_CONFIG_SOURCE_H
#define ACTRI_CONFIG_SOURCE_H

#include "base/env.h"

typedef struct actri_config_source {
    /* Reads a whole regular file of at most `limit` bytes. *data comes from actri_alloc, with a zero behind it.
       NOT_FOUND when there is no such file, else IO. */
    actr_status_t (*read)(void *user, const actri_env_t *env, const char *path, size_t limit, char **data, size_t *size,
                          actr_error_t *error);
    void *user;
    const char *const *environment; /* "NAME=value" ..., then NULL; may be NULL */
    /* Where a path leads in the end, links followed; *out comes from actri_alloc, NULL: nowhere. False: out of memory.
       The function may be NULL: then there are no links. */
    bool (*real_path)(void *user, const actri_env_t *env, const char *path, char **out);
} actri_config_source_t;

/* The real one: files of this machine and the process's environment as it is now. */
actri_config_source_t actri_config_source_real(void);

/* Whether `path`, links followed, ends below `folder` or in a file that ends in `suffix`; also when it leads nowhere.
   False: out of memory. */
bool actri_path_stays(const actri_config_source_t *source, const actri_env_t *env, const char *folder, const char *path,
                      const char *suffix, bool *stays);
bool actri_path_ends(const char *path, const char *suffix);
/* "folder of file" joined with path; an absolute path stays. NULL when memory is out. */
char *actri_path_join(const actri_env_t *env, const char *beside, const char *path);
/* The same place written in one way: no "." and no "a/.."; in place. Does not look at the disk. */
void actri_path_normalize(char *path);
/* Whether a relative path leads out of the folder that it starts in. */
bool actri_path_climbs(const char *path);

#endif
