/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/stun.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEADER 20
#define COOKIE 0x2112A442u
#define FINGERPRINT_XOR 0x5354554eu
#define HMAC_SIZE 20

enum {
    MAPPED_ADDRESS = 0x0001,
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    ICE_CONTROLLING = 0x802A,
};

static uint32_t get(const uint8_t *at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | at[i];
    return value;
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) at[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static uint32_t crc32_of(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

bool actri_stun_is(const uint8_t *data, size_t size)
{
    return size >= HEADER && data[0] < 4 && get(data + 4, 4) == COOKIE && get(data + 2, 2) + HEADER == size &&
           size % 4 == 0;
}

/* ---- reading ---- */

static void read_address(const uint8_t *value, size_t size, bool masked, const uint8_t *header, actri_stun_t *out)
{
    uint8_t family = size >= 8 ? value[1] : 0;
    size_t bytes = family == 1 ? 4 : 16;
    if ((family != 1 && family != 2) || size != 4 + bytes) return;
    memset(&out->mapped, 0, sizeof out->mapped);
    out->mapped.family = family == 1 ? 4 : 6;
    out->mapped.port = (uint16_t)(get(value + 2, 2) ^ (masked ? COOKIE >> 16 : 0));
    for (size_t i = 0; i < bytes && i < sizeof out->mapped.ip; i++)
        out->mapped.ip[i] = (uint8_t)(value[4 + i] ^ (masked ? header[4 + i] : 0));
    out->has_mapped = true; /* the mask is cookie and id, as they stand in the header */
}

static bool read_attribute(unsigned type, const uint8_t *value, size_t size, const uint8_t *data, actri_stun_t *out)
{
    switch (type) {
    case USERNAME:
        if (size >= sizeof out->username) return false;
        memcpy(out->username, value, size);
        out->username[size] = '\0';
        return true;
    case XOR_MAPPED_ADDRESS: read_address(value, size, true, data, out); return true;
    case MAPPED_ADDRESS:
        if (!out->has_mapped) read_address(value, size, false, data, out);
        return true;
    case PRIORITY:
        out->has_priority = size == 4;
        if (size == 4) out->priority = get(value, 4);
        return size == 4;
    case USE_CANDIDATE: out->use_candidate = true; return true;
    case ICE_CONTROLLED:
    case ICE_CONTROLLING:
        if (size != 8) return false;
        out->tie_breaker = (uint64_t)get(value, 4) << 32 | get(value + 4, 4);
        if (type == ICE_CONTROLLED)
            out->has_controlled = true;
        else
            out->has_controlling = true;
        return true;
    case ERROR_CODE:
        if (size < 4) return false;
        out->error_code = (value[2] & 7u) * 100u + value[3];
        return true;
    case MESSAGE_INTEGRITY: out->has_integrity = size == HMAC_SIZE; return size == HMAC_SIZE;
    case FINGERPRINT:
        out->has_fingerprint = true;
        return size == 4 && get(value, 4) == (crc32_of(data, (size_t)(value - 4 - data)) ^ FINGERPRINT_XOR);
    default: return true;
    }
}

bool actri_stun_decode(const uint8_t *data, size_t size, actri_stun_t *out)
{
    memset(out, 0, sizeof *out);
    if (!actri_stun_is(data, size)) return false;
    unsigned type = get(data, 2);
    out->class = (actri_stun_class_t)((type >> 7 & 2u) | (type >> 4 & 1u));
    out->method = (uint16_t)((type & 0xfu) | (type >> 1 & 0x70u) | (type >> 2 & 0xf80u));
    memcpy(out->id, data + 8, ACTRI_STUN_ID);
    for (size_t at = HEADER; at < size;) {
        if (size - at < 4) return false;
        unsigned attribute = get(data + at, 2);
        size_t length = get(data + at + 2, 2);
        if (length > size - at - 4 || out->has_fingerprint) return false; /* FINGERPRINT is the last */
        bool after_integrity = out->has_integrity && attribute != FINGERPRINT;
        if (!after_integrity && !read_attribute(attribute, data + at + 4, length, data, out)) return false;
        at += 4 + ((length + 3) & ~(size_t)3);
    }
    return true;
}

static void make_hmac(const uint8_t *data, size_t size, const char *password, uint8_t out[HMAC_SIZE])
{
    unsigned length = HMAC_SIZE;
    (void)HMAC(EVP_sha1(), password, (int)strlen(password), data, size, out, &length);
}

bool actri_stun_verify(const uint8_t *data, size_t size, const char *password)
{
    uint8_t copy[1500], expected[HMAC_SIZE];
    if (!actri_stun_is(data, size) || size > sizeof copy) return false;
    for (size_t at = HEADER; size - at >= 4 && at < size;) {
        size_t length = get(data + at + 2, 2);
        if (length > size - at - 4) return false;
        if (get(data + at, 2) == MESSAGE_INTEGRITY && length == HMAC_SIZE) {
            memcpy(copy, data, at);
            put(copy + 2, at + 4 + HMAC_SIZE - HEADER, 2); /* as if the message ended behind it */
            make_hmac(copy, at, password, expected);
            return CRYPTO_memcmp(expected, data + at + 4, HMAC_SIZE) == 0;
        }
        at += 4 + ((length + 3) & ~(size_t)3);
    }
    return false;
}

/* ---- writing ---- */

static uint8_t *put_attribute(uint8_t *at, unsigned type, const void *value, size_t size)
{
    size_t padded = (size + 3) & ~(size_t)3;
    put(at, type, 2);
    put(at + 2, size, 2);
    memset(at + 4, 0, padded);
    if (size > 0) memcpy(at + 4, value, size);
    return at + 4 + padded;
}

static uint8_t *put_number(uint8_t *at, unsigned type, uint64_t number, size_t size)
{
    uint8_t value[8];
    put(value, number, size);
    return put_attribute(at, type, value, size);
}

static uint8_t *put_mapped(uint8_t *at, const actri_address_t *address, const uint8_t *header)
{
    uint8_t value[20] = {0, address->family == 4 ? 1 : 2};
    size_t bytes = address->family == 4 ? 4 : 16;
    put(value + 2, address->port ^ COOKIE >> 16, 2);
    for (size_t i = 0; i < bytes; i++) value[4 + i] = (uint8_t)(address->ip[i] ^ header[4 + i]);
    return put_attribute(at, XOR_MAPPED_ADDRESS, value, 4 + bytes);
}

static uint8_t *put_attributes(uint8_t *at, const actri_stun_t *m, const uint8_t *header)
{
    if (m->error_code != 0) {
        uint8_t value[4] = {0, 0, (uint8_t)(m->error_code / 100), (uint8_t)(m->error_code % 100)};
        at = put_attribute(at, ERROR_CODE, value, sizeof value);
    }
    if (m->username[0] != '\0') at = put_attribute(at, USERNAME, m->username, strlen(m->username));
    if (m->has_mapped) at = put_mapped(at, &m->mapped, header);
    if (m->use_candidate) at = put_attribute(at, USE_CANDIDATE, NULL, 0);
    if (m->has_controlling) at = put_number(at, ICE_CONTROLLING, m->tie_breaker, 8);
    if (m->has_controlled) at = put_number(at, ICE_CONTROLLED, m->tie_breaker, 8);
    if (m->has_priority) at = put_number(at, PRIORITY, m->priority, 4);
    return at;
}

size_t actri_stun_encode(const actri_stun_t *m, const char *password, uint8_t out[ACTRI_STUN_MAX])
{
    unsigned type = (m->method & 0xfu) | (m->method & 0x70u) << 1 | (m->method & 0xf80u) << 2 |
                    ((unsigned)m->class & 1u) << 4 | ((unsigned)m->class & 2u) << 7;
    if (strlen(m->username) > 400) return 0; /* ufrags are far shorter */
    put(out, type, 2);
    put(out + 4, COOKIE, 4);
    memcpy(out + 8, m->id, ACTRI_STUN_ID);
    uint8_t *at = put_attributes(out + HEADER, m, out);
    if (password != NULL) {
        uint8_t hmac[HMAC_SIZE];
        put(out + 2, (size_t)(at - out) + 4 + HMAC_SIZE - HEADER, 2);
        make_hmac(out, (size_t)(at - out), password, hmac);
        at = put_attribute(at, MESSAGE_INTEGRITY, hmac, sizeof hmac);
    }
    put(out + 2, (size_t)(at - out) + 8 - HEADER, 2);
    at = put_number(at, FINGERPRINT, crc32_of(out, (size_t)(at - out)) ^ FINGERPRINT_XOR, 4);
    return (size_t)(at - out);
}
