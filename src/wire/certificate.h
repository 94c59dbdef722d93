/* SPDX-License-Identifier: Apache-2.0 */
/* Where a system's certificate comes from: made anew, or from a file that keeps it. [any-thread] */
#ifndef ACTRI_CERTIFICATE_H
#define ACTRI_CERTIFICATE_H

#include "wire/rtc.h"

#include <openssl/x509.h>

/*
 * The certificate and key of a PEM file; made, and written with mode 0600, when there is no such file. A file that
 * others may read, or that is not one's own, is refused. IO, CONFIG_INVALID (what is in it), INTERNAL, NO_MEMORY.
 */
ACTR_MUST_CHECK actr_status_t actri_certificate_open(const actri_env_t *env, const char *path,
                                                     actri_certificate_t **out, actr_error_t *error);

/* dtls.c: of a key and its certificate, which stay the caller's. */
ACTR_MUST_CHECK actr_status_t actri_certificate_of(const actri_env_t *env, EVP_PKEY *key, X509 *x509,
                                                   actri_certificate_t **out, actr_error_t *error);

#endif
