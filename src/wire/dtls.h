/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS 1.2 of one connection over OpenSSL, with a BIO of our own: one write, one datagram; a read is the current
 * datagram. The peer is whom its fingerprint says. [loop] spec: webrtc 14.4; RFC 6347, 5764.
 */
#ifndef ACTRI_DTLS_H
#define ACTRI_DTLS_H

#include "wire/rtc.h"

#define ACTRI_DTLS_PLAINTEXT_MAX 16384

typedef struct actri_dtls actri_dtls_t;

typedef enum actri_dtls_result {
    ACTRI_DTLS_OK = 0,
    ACTRI_DTLS_UP,     /* the handshake is complete, the fingerprint is right */
    ACTRI_DTLS_CLOSED, /* close_notify */
    ACTRI_DTLS_FAILED, /* see error */
} actri_dtls_result_t;

typedef struct actri_dtls_handlers {
    void (*send)(void *user, const uint8_t *datagram, size_t size);
    void (*on_data)(void *user, const uint8_t *data, size_t size); /* decrypted */
} actri_dtls_handlers_t;

ACTR_MUST_CHECK actr_status_t actri_dtls_new(const actri_env_t *env, actri_certificate_t *certificate,
                                             const actri_dtls_handlers_t *handlers, void *user, actri_dtls_t **out,
                                             actr_error_t *error);
void actri_dtls_free(actri_dtls_t *dtls);

/* The role, and the fingerprint that the peer's certificate must have ("AB:CD:.."). A client speaks first. */
actri_dtls_result_t actri_dtls_start(actri_dtls_t *dtls, bool client, const char *fingerprint, actr_error_t *error);
/* A datagram whose first byte is 20 to 63 (RFC 7983). Before start it is ignored; the peer repeats it. */
actri_dtls_result_t actri_dtls_receive(actri_dtls_t *dtls, const uint8_t *datagram, size_t size, actr_error_t *error);
/* Sends application data as one record; false when it can not. */
bool actri_dtls_send(actri_dtls_t *dtls, const void *data, size_t size);
/* When to call actri_dtls_on_timer; ACTRI_NEVER when the handshake is done. */
int64_t actri_dtls_deadline(const actri_dtls_t *dtls);
actri_dtls_result_t actri_dtls_on_timer(actri_dtls_t *dtls, actr_error_t *error);
/* close_notify. */
void actri_dtls_close(actri_dtls_t *dtls);
bool actri_dtls_is_up(const actri_dtls_t *dtls);
/* "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256" */
void actri_dtls_describe(const actri_dtls_t *dtls, char *text, size_t size);

#endif
