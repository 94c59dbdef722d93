/* SPDX-License-Identifier: Apache-2.0 */
/* Realm and key number, big endian, then the token, in base122. */
#include "proto/turn_claims.h"

#include "proto/base122.h"

#include <string.h>

#define HEAD 8

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

char *actri_turn_username(const actri_env_t *env, const actri_turn_claims_t *claims)
{
    size_t size = HEAD + claims->token_size;
    if (size > SIZE_MAX / 16) return NULL;
    uint8_t *bytes = actri_alloc(env, size);
    uint8_t *text = actri_alloc(env, ACTRI_BASE122_TEXT_MAX(size) + 1);
    if (bytes != NULL && text != NULL) {
        put_u32(bytes, claims->realm);
        put_u32(bytes + 4, claims->key_id);
        if (claims->token_size > 0) memcpy(bytes + HEAD, claims->token, claims->token_size);
        text[actri_base122_encode(bytes, size, text)] = '\0';
    } else {
        actri_free(env, text);
        text = NULL;
    }
    actri_free(env, bytes);
    return (char *)text;
}

char *actri_turn_password(const actri_env_t *env, const uint8_t *psk, size_t psk_size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = psk_size > SIZE_MAX / 4 ? NULL : actri_alloc(env, 2 * psk_size + 1);
    if (text == NULL) return NULL;
    for (size_t i = 0; i < psk_size; i++) {
        text[2 * i] = digits[psk[i] >> 4];
        text[2 * i + 1] = digits[psk[i] & 15];
    }
    text[2 * psk_size] = '\0';
    return text;
}

actr_status_t actri_turn_claims_parse(const actri_env_t *env, const uint8_t *username, size_t size,
                                      actri_turn_claims_t *out, uint8_t **room, actr_error_t *error)
{
    size_t got = 0;
    uint8_t *bytes = size > SIZE_MAX / 16 ? NULL : actri_alloc(env, ACTRI_BASE122_DATA_MAX(size));
    if (bytes == NULL) return actri_no_memory(error);
    if (!actri_base122_decode(username, size, bytes, &got)) {
        actri_free(env, bytes);
        return actri_fail(error, ACTR_STATUS_DECODE, "the TURN user name is not base122");
    }
    if (got < HEAD) {
        actri_free(env, bytes);
        return actri_fail(error, ACTR_STATUS_DECODE, "the TURN user name holds %zu bytes, less than %d", got, HEAD);
    }
    *out = (actri_turn_claims_t){get_u32(bytes), get_u32(bytes + 4), bytes + HEAD, got - HEAD};
    *room = bytes;
    return ACTR_OK;
}
