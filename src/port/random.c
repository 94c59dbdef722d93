/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), or SplitMix64 under a test's seed. */
#include "port/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t test_seed; /* atomic; 0: the kernel's randomness */

void actri_random_seed(uint64_t seed)
{
    __atomic_store_n(&test_seed, seed, __ATOMIC_SEQ_CST);
}

static uint64_t seeded(void)
{
    uint64_t z = __atomic_add_fetch(&test_seed, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void actri_random(void *data, size_t size)
{
    uint8_t *bytes = data;
    while (size > 0) {
        size_t piece = size;
        if (__atomic_load_n(&test_seed, __ATOMIC_RELAXED) != 0) {
            uint64_t value = seeded();
            if (piece > sizeof value) piece = sizeof value;
            memcpy(bytes, &value, piece);
        } else {
            if (piece > 256) piece = 256; /* such a read is never cut short by a signal */
            ssize_t got = getrandom(bytes, piece, 0);
            if (got < 0) continue; /* EINTR only: the pool is initialised long before us */
            piece = (size_t)got;
        }
        bytes += piece;
        size -= piece;
    }
}

uint64_t actri_random_u64(void)
{
    uint64_t value;
    actri_random(&value, sizeof value);
    return value;
}

void actri_uuid_print(const uint8_t bytes[16], char text[ACTRI_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (int i = 0; i < 16; i++) {
        uint8_t byte = bytes[i];
        if (i == 6) byte = (uint8_t)((byte & 0x0f) | 0x40);
        if (i == 8) byte = (uint8_t)((byte & 0x3f) | 0x80);
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    *at = '\0';
}

void actri_uuid_v4(char text[ACTRI_UUID_SIZE])
{
    uint8_t bytes[16];
    actri_random(bytes, sizeof bytes);
    actri_uuid_print(bytes, text);
}
