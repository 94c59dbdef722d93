/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dtls.h"

#include "port/clock.h"
#include "wire/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define FINGERPRINT_SIZE 96
#define HANDSHAKE_MTU 1200
/* ECDHE_ECDSA first: the reference takes the first of the client's list that it knows, whatever its certificate is. */
#define CIPHERS                                                                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256"
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"

struct actri_certificate {
    const actri_env_t *env;
    SSL_CTX *context;
    BIO_METHOD *method;
    char fingerprint[FINGERPRINT_SIZE];
};

struct actri_dtls {
    const actri_env_t *env;
    SSL *ssl;
    actri_dtls_handlers_t handlers;
    void *user;
    const uint8_t *input; /* the datagram that is being read, or NULL */
    size_t input_size;
    char expected[FINGERPRINT_SIZE];
    bool started, up, closed;
};

/* SSL_get_error() reads this thread's queue of errors. Emptying it costs as much as half a record: only when needed. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0) ERR_clear_error();
}

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *data, int size)
{
    actri_dtls_t *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size > 0) dtls->handlers.send(dtls->user, (const uint8_t *)data, (size_t)size);
    return size;
}

static int bio_read(BIO *bio, char *data, int size)
{
    actri_dtls_t *dtls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (dtls->input == NULL) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t count = dtls->input_size < (size_t)size ? dtls->input_size : (size_t)size;
    memcpy(data, dtls->input, count);
    dtls->input = NULL;
    return (int)count;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_DGRAM_QUERY_MTU || command == BIO_CTRL_DGRAM_GET_FALLBACK_MTU) return HANDSHAKE_MTU;
    return 0;
}

/* ---- certificate ---- */

static actr_status_t ssl_error(actr_error_t *error, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return actri_fail(error, ACTR_STATUS_INTERNAL, "DTLS: %s: %s", what, text);
}

static bool print_fingerprint(const X509 *x509, char out[FINGERPRINT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!X509_digest(x509, EVP_sha256(), digest, &size) || size != 32) return false;
    for (unsigned i = 0; i < size; i++) {
        (void)snprintf(out + (size_t)3 * i, FINGERPRINT_SIZE - (size_t)3 * i, i + 1 < size ? "%02X:" : "%02X",
                       digest[i]);
    }
    return true;
}

static int accept_any(int ok, X509_STORE_CTX *store) /* the fingerprint is checked once the handshake is done */
{
    (void)ok;
    (void)store;
    return 1;
}

static bool set_up_context(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) && SSL_CTX_set_cipher_list(context, CIPHERS) &&
           SSL_CTX_set1_groups_list(context, "P-256:X25519:P-384") &&
           SSL_CTX_set_tlsext_use_srtp(context, SRTP_PROFILES) == 0; /* 0 is success here */
}

actr_status_t actri_certificate_of(const actri_env_t *env, EVP_PKEY *key, X509 *x509, actri_certificate_t **out,
                                   actr_error_t *error)
{
    actri_certificate_t *certificate = actri_zalloc(env, sizeof *certificate);
    if (certificate == NULL) return actri_no_memory(error);
    certificate->env = env;
    certificate->context = SSL_CTX_new(DTLS_method());
    certificate->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "actr datagram");
    bool good = certificate->context != NULL && certificate->method != NULL &&
                print_fingerprint(x509, certificate->fingerprint) && set_up_context(certificate->context) &&
                SSL_CTX_use_certificate(certificate->context, x509) == 1 &&
                SSL_CTX_use_PrivateKey(certificate->context, key) == 1;
    if (!good) {
        actri_certificate_free(certificate);
        return ssl_error(error, "no certificate");
    }
    (void)BIO_meth_set_write(certificate->method, bio_write);
    (void)BIO_meth_set_read(certificate->method, bio_read);
    (void)BIO_meth_set_ctrl(certificate->method, bio_ctrl);
    *out = certificate;
    return ACTR_OK;
}

const char *actri_certificate_fingerprint(const actri_certificate_t *certificate)
{
    return certificate->fingerprint;
}

void actri_certificate_free(actri_certificate_t *certificate)
{
    if (certificate == NULL) return;
    SSL_CTX_free(certificate->context);
    BIO_meth_free(certificate->method);
    actri_free(certificate->env, certificate);
}

/* ---- connection ---- */

actr_status_t actri_dtls_new(const actri_env_t *env, actri_certificate_t *certificate,
                             const actri_dtls_handlers_t *handlers, void *user, actri_dtls_t **out, actr_error_t *error)
{
    actri_dtls_t *dtls = actri_zalloc(env, sizeof *dtls);
    if (dtls == NULL) return actri_no_memory(error);
    dtls->env = env;
    dtls->handlers = *handlers;
    dtls->user = user;
    dtls->ssl = SSL_new(certificate->context);
    BIO *bio = dtls->ssl == NULL ? NULL : BIO_new(certificate->method);
    if (bio == NULL) {
        actri_dtls_free(dtls);
        return ssl_error(error, "no connection object");
    }
    BIO_set_data(bio, dtls);
    BIO_set_init(bio, 1);
    SSL_set_bio(dtls->ssl, bio, bio);
    (void)SSL_set_mtu(dtls->ssl, HANDSHAKE_MTU);
    *out = dtls;
    return ACTR_OK;
}

void actri_dtls_free(actri_dtls_t *dtls)
{
    if (dtls == NULL) return;
    SSL_free(dtls->ssl);
    actri_free(dtls->env, dtls);
}

static actri_dtls_result_t fail(actri_dtls_t *dtls, actr_error_t *error, actr_status_t status, const char *what)
{
    char text[160] = "";
    unsigned long code = ERR_get_error();
    if (code != 0) ERR_error_string_n(code, text, sizeof text);
    clear_errors();
    dtls->closed = true;
    (void)actri_fail(error, status, "DTLS: %s%s%s", what, text[0] != '\0' ? ": " : "", text);
    return ACTRI_DTLS_FAILED;
}

static actri_dtls_result_t check_peer(actri_dtls_t *dtls, actr_error_t *error)
{
    char actual[FINGERPRINT_SIZE] = "";
    X509 *x509 = SSL_get1_peer_certificate(dtls->ssl);
    bool good = x509 != NULL && print_fingerprint(x509, actual) && strcmp(actual, dtls->expected) == 0;
    X509_free(x509);
    if (!good) return fail(dtls, error, ACTR_STATUS_WIRE_PROTOCOL, "the peer's certificate is not the one of its SDP");
    if (SSL_get_selected_srtp_profile(dtls->ssl) == NULL) {
        actri_info(dtls->env, "wire", "the peer agreed on no SRTP profile: no media with it");
    }
    dtls->up = true;
    return ACTRI_DTLS_UP;
}

static actri_dtls_result_t handshake(actri_dtls_t *dtls, actr_error_t *error)
{
    clear_errors();
    int result = SSL_do_handshake(dtls->ssl);
    if (result == 1) return check_peer(dtls, error);
    int why = SSL_get_error(dtls->ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return ACTRI_DTLS_OK;
    return fail(dtls, error, ACTR_STATUS_WIRE_PROTOCOL, "the handshake failed");
}

actri_dtls_result_t actri_dtls_start(actri_dtls_t *dtls, bool client, const char *fingerprint, actr_error_t *error)
{
    (void)snprintf(dtls->expected, sizeof dtls->expected, "%s", fingerprint);
    dtls->started = true;
    if (client)
        SSL_set_connect_state(dtls->ssl);
    else
        SSL_set_accept_state(dtls->ssl);
    return handshake(dtls, error);
}

static actri_dtls_result_t read_all(actri_dtls_t *dtls, actr_error_t *error)
{
    static _Thread_local uint8_t plain[ACTRI_DTLS_PLAINTEXT_MAX]; /* the loop's: one at a time */
    for (;;) {
        clear_errors();
        int size = SSL_read(dtls->ssl, plain, sizeof plain);
        if (size > 0) {
            dtls->handlers.on_data(dtls->user, plain, (size_t)size);
            if (dtls->closed) return ACTRI_DTLS_OK; /* by on_data */
            continue;
        }
        int why = SSL_get_error(dtls->ssl, size);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return ACTRI_DTLS_OK;
        if (why == SSL_ERROR_ZERO_RETURN) {
            dtls->closed = true;
            return ACTRI_DTLS_CLOSED;
        }
        return fail(dtls, error, ACTR_STATUS_WIRE_PROTOCOL, "the peer's record was refused");
    }
}

actri_dtls_result_t actri_dtls_receive(actri_dtls_t *dtls, const uint8_t *datagram, size_t size, actr_error_t *error)
{
    if (!dtls->started || dtls->closed) return ACTRI_DTLS_OK;
    dtls->input = datagram;
    dtls->input_size = size;
    actri_dtls_result_t result;
    if (dtls->up) {
        result = read_all(dtls, error);
    } else {
        result =
            handshake(dtls, error); /* application data behind it in the same datagram is read by the caller's next */
    }
    dtls->input = NULL;
    return result;
}

bool actri_dtls_send(actri_dtls_t *dtls, const void *data, size_t size)
{
    if (!dtls->up || dtls->closed) return false;
    clear_errors();
    return SSL_write(dtls->ssl, data, (int)size) == (int)size;
}

int64_t actri_dtls_deadline(const actri_dtls_t *dtls)
{
    struct timeval left;
    if (!dtls->started || dtls->up || dtls->closed || DTLSv1_get_timeout(dtls->ssl, &left) != 1) return ACTRI_NEVER;
    return actri_now_ns() + (int64_t)left.tv_sec * ACTRI_SECOND + (int64_t)left.tv_usec * 1000 + ACTRI_MS;
}

actri_dtls_result_t actri_dtls_on_timer(actri_dtls_t *dtls, actr_error_t *error)
{
    if (DTLSv1_handle_timeout(dtls->ssl) < 0) {
        return fail(dtls, error, ACTR_STATUS_UNAVAILABLE, "the peer does not answer the handshake");
    }
    return ACTRI_DTLS_OK;
}

void actri_dtls_close(actri_dtls_t *dtls)
{
    if (dtls->up && !dtls->closed) (void)SSL_shutdown(dtls->ssl);
    dtls->closed = true;
}

bool actri_dtls_is_up(const actri_dtls_t *dtls)
{
    return dtls->up && !dtls->closed;
}

void actri_dtls_describe(const actri_dtls_t *dtls, char *text, size_t size)
{
    (void)snprintf(text, size, "%s %s", SSL_get_version(dtls->ssl), SSL_get_cipher_name(dtls->ssl));
}
