/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 piece by piece, from OpenSSL. */
#ifndef ACTRI_HASH_H
#define ACTRI_HASH_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTRI_HASH_SIZE 32

typedef struct actri_hash {
    EVP_MD_CTX *context; /* NULL: memory was out */
    bool failed;
} actri_hash_t;

void actri_hash_begin(actri_hash_t *hash);
/* Made to be a writer of JSON: user is the hash. */
void actri_hash_add(void *user, const void *data, size_t size);
/* Ends it in any case. False: memory was out somewhere. */
bool actri_hash_end(actri_hash_t *hash, uint8_t out[ACTRI_HASH_SIZE]);

#endif
