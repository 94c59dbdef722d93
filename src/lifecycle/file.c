/* SPDX-License-Identifier: Apache-2.0 */
/* Names, numbers and checksums of file transfers. Pure but for the file that is read. */
#include "lifecycle/file.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *actri_file_meta(const actr_chunk_t *chunk, const char *key)
{
    for (size_t i = 0; i < chunk->metadata_count; i++) {
        if (strcmp(chunk->metadata[i].key, key) == 0) return chunk->metadata[i].value;
    }
    return "";
}

actr_file_options_t actri_file_options(const actr_file_options_t *options)
{
    actr_file_options_t o = ACTR_FILE_OPTIONS_INIT;
    if (options != NULL) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
    return o;
}

bool actri_file_name_good(const char *name)
{
    char line[ACTRI_FILE_NAME_MAX + 1];
    size_t size = strnlen(name, sizeof line);
    if (size == 0 || size == sizeof line || name[0] == '.' || strpbrk(name, "/\\") != NULL) return false;
    memcpy(line, name, size + 1);
    actri_utf8_line(line);
    return strcmp(line, name) == 0; /* no control characters, and UTF-8 */
}

/* ---- what the other side says ---- */

/* Digits only, within 63 bits; false: none. */
static bool read_number(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    size_t size = strnlen(text, 20);
    if (size == 0 || size > 19) return false; /* below 2^64 */
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number > INT64_MAX) return false;
    *out = number;
    return true;
}

static bool is_sha(const char *text)
{
    return strlen(text) == ACTRI_FILE_SHA_TEXT - 1 && strspn(text, "0123456789abcdef") == ACTRI_FILE_SHA_TEXT - 1;
}

bool actri_file_read_offer(const actr_chunk_t *chunk, uint64_t max_size, actri_file_offer_t *out)
{
    *out = (actri_file_offer_t){.sha = actri_file_meta(chunk, ACTRI_FILE_SHA),
                                .name = actri_file_meta(chunk, ACTRI_FILE_NAME),
                                .reply = actri_file_meta(chunk, ACTRI_FILE_REPLY),
                                .status = ACTR_OK,
                                .why = ""};
    if (!is_sha(out->sha) || out->reply[0] == '\0' || strlen(out->reply) > ACTR_STREAM_ID_MAX) return false;
    if (!actri_file_name_good(out->name)) {
        out->status = ACTR_STATUS_INVALID_NAME;
        out->why = "that is no name for a file here";
    } else if (!read_number(actri_file_meta(chunk, ACTRI_FILE_SIZE), &out->size) || out->size > max_size) {
        out->status = ACTR_STATUS_TOO_LARGE;
        out->why = "the file is too large";
    }
    return true;
}

actri_file_word_t actri_file_read_word(const actr_chunk_t *chunk, const char *sha, uint64_t size, uint64_t *offset,
                                       const char **why)
{
    uint64_t number;
    const char *op = actri_file_meta(chunk, ACTRI_FILE_OP);
    if (chunk->kind == ACTR_CHUNK_END) return ACTRI_FILE_BROKEN;
    if (strcmp(actri_file_meta(chunk, ACTRI_FILE_SHA), sha) != 0) return ACTRI_FILE_NOTHING;
    if (strcmp(op, "done") == 0) return ACTRI_FILE_DONE;
    if (strcmp(op, "refused") == 0 || strcmp(op, "later") == 0) {
        *why = actri_file_meta(chunk, ACTRI_FILE_WHY);
        return op[0] == 'r' ? ACTRI_FILE_REFUSED : ACTRI_FILE_LATER;
    }
    if (strcmp(op, "from") != 0 || !read_number(actri_file_meta(chunk, ACTRI_FILE_OFFSET), &number) || number > size) {
        return ACTRI_FILE_NOTHING;
    }
    *offset = number;
    return ACTRI_FILE_FROM;
}

/* ---- checksums ---- */

void actri_file_sum_begin(actri_file_sum_t *sum)
{
    sum->at = 0;
    actri_hash_begin(&sum->hash);
}

int actri_file_sum_add(actri_file_sum_t *sum, int fd, size_t most)
{
    uint8_t block[16384];
    while (most > 0) {
        ssize_t got = pread(fd, block, most < sizeof block ? most : sizeof block, (off_t)sum->at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return (int)got;
        actri_hash_add(&sum->hash, block, (size_t)got);
        sum->at += (uint64_t)got;
        most -= (size_t)got;
    }
    return 1;
}

bool actri_file_sum_end(actri_file_sum_t *sum, char text[ACTRI_FILE_SHA_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[ACTRI_HASH_SIZE];
    if (!actri_hash_end(&sum->hash, bytes)) return false;
    for (int i = 0; text != NULL && i < ACTRI_HASH_SIZE; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    if (text != NULL) text[2 * ACTRI_HASH_SIZE] = '\0';
    return true;
}

actr_status_t actri_file_sha(int fd, char text[ACTRI_FILE_SHA_TEXT], uint64_t *size, actr_error_t *error)
{
    actri_file_sum_t sum;
    int more;
    actri_file_sum_begin(&sum);
    do {
        more = actri_file_sum_add(&sum, fd, 1u << 20);
    } while (more > 0);
    int number = errno;
    bool good = actri_file_sum_end(&sum, text);
    if (more < 0) return actri_fail_errno(error, ACTR_STATUS_IO, number, "the file can not be read");
    if (!good) return actri_no_memory(error);
    *size = sum.at;
    return ACTR_OK;
}

void actri_file_part_name(const char *sha, char part[ACTRI_FILE_PART_TEXT])
{
    (void)snprintf(part, ACTRI_FILE_PART_TEXT, ".%.64s.part", sha);
}
