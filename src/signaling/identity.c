/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/identity.h"

#include "proto/idcodec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

void actri_secret_free(const actri_env_t *env, void *secret, size_t size)
{
    if (secret == NULL) return;
    OPENSSL_cleanse(secret, size);
    actri_free(env, secret);
}

void actri_identity_init(actri_own_identity_t *identity, const actri_env_t *env)
{
    memset(identity, 0, sizeof *identity);
    identity->env = env;
}

void actri_identity_clear(actri_own_identity_t *identity)
{
    actri_secret_free(identity->env, identity->token, identity->token_size);
    actri_secret_free(identity->env, identity->psk, identity->psk_size);
    actri_identity_init(identity, identity->env);
}

static bool read_id(const Actr__ActrId *message, const actr_type_t *type, uint32_t realm, actr_id_t *out)
{
    if (message == NULL || !message->has_serial_number) return false;
    if (message->realm != NULL && message->type != NULL) return actri_id_from_message(message, out);
    memset(out, 0, sizeof *out);
    out->serial_number = message->serial_number;
    out->realm = message->realm != NULL ? message->realm->realm_id : realm;
    out->type = *type;
    return message->type == NULL || actri_type_from_message(message->type, &out->type);
}

static actr_status_t copy_secrets(const actri_own_identity_t *identity, const Actr__RegisterOk *ok, uint8_t **token,
                                  uint8_t **psk, actr_error_t *error)
{
    const ProtobufCBinaryData *given = &ok->credential->encrypted_token;
    *token = actri_memdup(identity->env, given->data, given->len);
    *psk = ok->psk.len > 0 ? actri_memdup(identity->env, ok->psk.data, ok->psk.len) : NULL;
    if (*token != NULL && (*psk != NULL || ok->psk.len == 0)) return ACTR_OK;
    actri_secret_free(identity->env, *token, given->len);
    actri_secret_free(identity->env, *psk, ok->psk.len);
    return actri_no_memory(error);
}

actr_status_t actri_identity_adopt(actri_own_identity_t *identity, const Actr__RegisterOk *ok, bool refresh,
                                   const actr_type_t *type, uint32_t realm, actr_error_t *error)
{
    actr_id_t id = identity->id;
    uint8_t *token, *psk;
    if (ok->credential == NULL) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_PROTOCOL, "the server's registration holds no credential");
    }
    if (!refresh && !read_id(ok->actr_id, type, realm, &id)) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_PROTOCOL, "the server's registration holds no usable actor id");
    }
    actr_status_t status = copy_secrets(identity, ok, &token, &psk, error);
    if (status != ACTR_OK) return status;

    actri_secret_free(identity->env, identity->token, identity->token_size);
    identity->token = token;
    identity->token_size = ok->credential->encrypted_token.len;
    identity->token_key_id = ok->credential->token_key_id;
    if (psk != NULL) { /* absent: the old one stays good (signaling 6) */
        actri_secret_free(identity->env, identity->psk, identity->psk_size);
        identity->psk = psk;
        identity->psk_size = ok->psk.len;
    }
    int64_t seconds = ok->credential_expires_at != NULL ? ok->credential_expires_at->seconds : 0;
    identity->expires_at_ms = seconds > 0 && seconds < INT64_MAX / 2000 ? seconds * 1000 : 0;
    identity->id = id;
    identity->known = true;
    return ACTR_OK;
}

actri_identity_t actri_identity_view(const actri_own_identity_t *identity)
{
    return (actri_identity_t){
        .id = identity->id,
        .token = identity->token,
        .token_size = identity->token_size,
        .token_key_id = identity->token_key_id,
        .psk = identity->psk,
        .psk_size = identity->psk_size,
        .expires_at_ms = identity->expires_at_ms,
    };
}

/* application/x-www-form-urlencoded, but for the space, which occurs in neither an id nor base64. */
static char *put_encoded(char *at, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' ||
                     c == '-' || c == '.' || c == '_';
        if (plain) {
            *at++ = (char)c;
        } else if (c == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    *at = '\0';
    return at;
}

char *actri_identity_query(const actri_own_identity_t *identity)
{
    char id[ACTR_ID_TEXT_SIZE];
    size_t text_size = 4 * ((identity->token_size + 2) / 3) + 1;
    if (identity->token_size > INT32_MAX / 4) return NULL;
    char *text = actri_alloc(identity->env, text_size);
    char *query = actri_alloc(identity->env, 3 * (text_size + ACTR_ID_TEXT_SIZE) + 64);
    if (text != NULL && query != NULL) {
        (void)EVP_EncodeBlock((unsigned char *)text, identity->token, (int)identity->token_size);
        char *at = query + sprintf(query, "actor_id=");
        at = put_encoded(at, actr_id_print(&identity->id, id));
        at += sprintf(at, "&token=");
        at = put_encoded(at, text);
        (void)sprintf(at, "&token_key_id=%u", identity->token_key_id);
    } else {
        actri_free(identity->env, query);
        query = NULL;
    }
    actri_secret_free(identity->env, text, text_size);
    return query;
}
