/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>

bool actri_crc32c_available(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t actri_crc32c(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t crc = 0xffffffff, word;
    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; size > 0; at++, size--) crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}

#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

bool actri_crc32c_available(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

__attribute__((target("+crc"))) uint32_t actri_crc32c(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = 0xffffffff;
    uint64_t word;
    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; size > 0; at++, size--) crc = __crc32cb(crc, *at);
    return ~crc;
}

#else

bool actri_crc32c_available(void)
{
    return false;
}

uint32_t actri_crc32c(const void *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}

#endif
