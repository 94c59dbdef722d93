/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of a file transfer say to each other, in the metadata of chunks. The sender: offer (transfer, name,
 * size, reply), data (transfer; the sequence is the offset), end (transfer), stop (transfer: it gives up). The
 * receiver, on the stream that the offer named: from (offset), done, refused (why), later (why: not now). A transfer is
 * named by the file's SHA-256.
 */
#ifndef ACTRI_FILE_H
#define ACTRI_FILE_H

#include "base/env.h"
#include "compat/hash.h"

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

/* Copies the options that are there. */
actr_file_options_t actri_file_options(const actr_file_options_t *options);
/* Is the name one that may be created in a folder? */
bool actri_file_name_good(const char *name);

/* ---- what the other side says; pure, texts are the chunk's ---- */

/* The value of a key, or "". */
const char *actri_file_meta(const actr_chunk_t *chunk, const char *key);

typedef struct actri_file_offer {
    const char *sha, *name, *reply;
    uint64_t size;
    actr_status_t status; /* not ACTR_OK: to be refused, why says it */
    const char *why;
} actri_file_offer_t;
/* False: nobody could be told an answer. */
bool actri_file_read_offer(const actr_chunk_t *chunk, uint64_t max_size, actri_file_offer_t *out);

typedef enum actri_file_word {
    ACTRI_FILE_NOTHING = 0,
    ACTRI_FILE_FROM,
    ACTRI_FILE_DONE,
    ACTRI_FILE_REFUSED,
    ACTRI_FILE_LATER,
    ACTRI_FILE_BROKEN,
} actri_file_word_t;
/* The receiver's word about the file of that checksum and size. Writes *offset for FROM only, *why for REFUSED and
   LATER only. */
actri_file_word_t actri_file_read_word(const actr_chunk_t *chunk, const char *sha, uint64_t size, uint64_t *offset,
                                       const char **why);

/* ---- checksums ---- */

/* The checksum of an open file, piece by piece from its begin. */
typedef struct actri_file_sum {
    actri_hash_t hash;
    uint64_t at; /* bytes so far */
} actri_file_sum_t;
void actri_file_sum_begin(actri_file_sum_t *sum);
/* Reads up to `most` bytes more; 1: there is more, 0: that was the end, -1: errno says why not. */
int actri_file_sum_add(actri_file_sum_t *sum, int fd, size_t most);
/* Ends it in any case; false: memory was out. text may be NULL. */
bool actri_file_sum_end(actri_file_sum_t *sum, char text[ACTRI_FILE_SHA_TEXT]);
/* The whole at once, and the size. */
ACTR_MUST_CHECK actr_status_t actri_file_sha(int fd, char text[ACTRI_FILE_SHA_TEXT], uint64_t *size,
                                             actr_error_t *error);

/* ---- parts: ".SHA256.part" in a receiver's folder ---- */

#define ACTRI_FILE_PART_TEXT (ACTRI_FILE_SHA_TEXT + 6)

typedef struct actri_file_room {
    const actri_env_t *env;
    int folder;
    uint64_t most_bytes;
    uint32_t most_parts;
    /* Is that part being written? Then *size is what it may grow to. */
    bool (*under_way)(void *user, const char *part, uint64_t *size);
    void *user;
} actri_file_room_t;
void actri_file_part_name(const char *sha, char part[ACTRI_FILE_PART_TEXT]);
/*
 * Removes the oldest parts that nobody writes until one of `size` bytes, the part named, fits among the others;
 * *removed: how many. Nothing is removed when that would not do: ACTR_STATUS_LIMIT_REACHED.
 */
ACTR_MUST_CHECK actr_status_t actri_file_make_room(const actri_file_room_t *room, const char *part, uint64_t size,
                                                   uint64_t *removed, actr_error_t *error);

#endif
