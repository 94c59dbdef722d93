/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of a file transfer say to each other, in the metadata of chunks. The sender: offer (transfer, name,
 * size, reply), data (transfer; the sequence is the offset), end (transfer). The receiver, on the stream that the offer
 * named: from (offset), done, refused (why). A transfer is named by the file's SHA-256.
 */
#ifndef ACTRI_FILE_H
#define ACTRI_FILE_H

#include "base/env.h"

#include <actr/file.h>

#define ACTRI_FILE_OP "file-op"
#define ACTRI_FILE_SHA "file-sha256"
#define ACTRI_FILE_NAME "file-name"
#define ACTRI_FILE_SIZE "file-size"
#define ACTRI_FILE_REPLY "file-reply"
#define ACTRI_FILE_OFFSET "file-offset"
#define ACTRI_FILE_WHY "file-why"

#define ACTRI_FILE_SHA_TEXT 65 /* 64 hexadecimal digits and a zero */
#define ACTRI_FILE_NAME_MAX 200

/* The value of a key, or "". */
const char *actri_file_meta(const actr_chunk_t *chunk, const char *key);
/* Copies the options that are there. */
actr_file_options_t actri_file_options(const actr_file_options_t *options);
/* The checksum and the size of an open file, from its begin. */
ACTR_MUST_CHECK actr_status_t actri_file_sha(int fd, char text[ACTRI_FILE_SHA_TEXT], uint64_t *size,
                                             actr_error_t *error);
/* Is the name one that may be created in a folder? */
bool actri_file_name_good(const char *name);
/* Digits only; false: not a number. */
bool actri_file_number(const char *text, uint64_t *out);

#endif
