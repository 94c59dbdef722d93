/* SPDX-License-Identifier: Apache-2.0 */
/* Names, numbers and checksums of file transfers. Pure but for the file that is read. */
#include "lifecycle/file.h"

#include "compat/hash.h"

#include <errno.h>
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
    size_t size = strnlen(name, ACTRI_FILE_NAME_MAX + 1);
    if (size == 0 || size > ACTRI_FILE_NAME_MAX || name[0] == '.') return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') return false;
    }
    return true;
}

bool actri_file_number(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    size_t size = strnlen(text, 20);
    if (size == 0 || size > 19) return false; /* below 2^64 */
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *out = number;
    return true;
}

static bool hash_all(int fd, actri_hash_t *hash, uint64_t *size)
{
    uint8_t block[16384];
    ssize_t got;
    *size = 0;
    while ((got = pread(fd, block, sizeof block, (off_t)*size)) > 0) {
        actri_hash_add(hash, block, (size_t)got);
        *size += (uint64_t)got;
    }
    return got == 0;
}

actr_status_t actri_file_sha(int fd, char text[ACTRI_FILE_SHA_TEXT], uint64_t *size, actr_error_t *error)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[ACTRI_HASH_SIZE];
    actri_hash_t hash;
    actri_hash_begin(&hash);
    errno = 0;
    bool read = hash_all(fd, &hash, size);
    int number = errno;
    bool good = actri_hash_end(&hash, sum) && read;
    if (!good) return actri_fail_errno(error, ACTR_STATUS_IO, number, "the file can not be read");
    for (int i = 0; i < ACTRI_HASH_SIZE; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    text[64] = '\0';
    return ACTR_OK;
}
