/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL allocates its context itself; a failure is latched. */
#include "compat/hash.h"

void actri_hash_begin(actri_hash_t *hash)
{
    hash->context = EVP_MD_CTX_new();
    hash->failed = hash->context == NULL || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1;
}

void actri_hash_add(void *user, const void *data, size_t size)
{
    actri_hash_t *hash = user;
    if (!hash->failed) hash->failed = EVP_DigestUpdate(hash->context, data, size) != 1;
}

bool actri_hash_end(actri_hash_t *hash, uint8_t out[ACTRI_HASH_SIZE])
{
    if (!hash->failed) hash->failed = EVP_DigestFinal_ex(hash->context, out, NULL) != 1;
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
    return !hash->failed;
}
