/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/certificate.h"

#include "port/random.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIFE (10L * 365 * 24 * 3600) /* nobody checks it (webrtc 14.4): whom it is depends on its fingerprint alone */
#define MOST_BYTES 16384             /* of a PEM file */

typedef struct pair {
    EVP_PKEY *key;
    X509 *x509;
} pair_t;

static void free_pair(pair_t *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->x509);
}

static bool fill(X509 *x509, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(x509);
    return X509_set_version(x509, 2) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), actri_random_u64() >> 1) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), -24L * 3600) && X509_gmtime_adj(X509_getm_notAfter(x509), LIFE) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"actr", -1, -1, 0) &&
           X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) && X509_sign(x509, key, EVP_sha256()) > 0;
}

static actr_status_t make_pair(pair_t *pair, actr_error_t *error)
{
    *pair = (pair_t){EVP_EC_gen("P-256"), X509_new()};
    if (pair->key != NULL && pair->x509 != NULL && fill(pair->x509, pair->key)) return ACTR_OK;
    ERR_clear_error();
    return actri_fail(error, ACTR_STATUS_INTERNAL, "no certificate could be made");
}

actr_status_t actri_certificate_new(const actri_env_t *env, actri_certificate_t **out, actr_error_t *error)
{
    pair_t pair;
    actr_status_t status = make_pair(&pair, error);
    if (status == ACTR_OK) status = actri_certificate_of(env, pair.key, pair.x509, out, error);
    free_pair(&pair);
    return status;
}

/* ---- the file ---- */

static actr_status_t io_error(const char *path, const char *what, actr_error_t *error)
{
    int code = errno;
    actr_status_t status = actri_fail(error, ACTR_STATUS_IO, "certificate: %s %s: %s", what, path, strerror(code));
    if (error != NULL) error->system_errno = code;
    return status;
}

static actr_status_t check_file(int fd, const char *path, actr_error_t *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0) return io_error(path, "can not look at", error);
    if (!S_ISREG(about.st_mode) || about.st_uid != geteuid()) {
        return actri_fail(error, ACTR_STATUS_IO, "certificate: %s is no file of this user's", path);
    }
    if ((about.st_mode & 077) != 0) {
        return actri_fail(error, ACTR_STATUS_IO, "certificate: others may read %s, which holds a key; chmod 600 it",
                          path);
    }
    return ACTR_OK;
}

static actr_status_t parse(const char *path, const char *text, size_t size, pair_t *pair, actr_error_t *error)
{
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    if (bio == NULL) return actri_no_memory(error);
    pair->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    (void)BIO_reset(bio);
    pair->x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    bool good = pair->key != NULL && pair->x509 != NULL && EVP_PKEY_is_a(pair->key, "EC") &&
                X509_check_private_key(pair->x509, pair->key) == 1;
    ERR_clear_error();
    if (good) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_CONFIG_INVALID,
                      "certificate: %s does not hold an elliptic-curve key and its certificate, in PEM", path);
}

/* ACTR_STATUS_NOT_FOUND, without error: there is no such file. */
static actr_status_t load(const char *path, pair_t *pair, actr_error_t *error)
{
    char text[MOST_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno == ENOENT ? ACTR_STATUS_NOT_FOUND : io_error(path, "can not open", error);
    actr_status_t status = check_file(fd, path, error);
    ssize_t size = status == ACTR_OK ? read(fd, text, sizeof text) : 0;
    if (size < 0) status = io_error(path, "can not read", error);
    (void)close(fd);
    if (status == ACTR_OK) status = parse(path, text, (size_t)size, pair, error);
    OPENSSL_cleanse(text, sizeof text);
    return status;
}

static bool write_all(int fd, const char *data, long size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, (size_t)size);
        if (written <= 0) return false;
        data += written;
        size -= written;
    }
    return fsync(fd) == 0;
}

/* Under another name first: the file is there whole, or not at all. EEXIST: somebody was faster. */
static bool write_file(const char *path, const char *data, long size)
{
    char other[4200];
    int length = snprintf(other, sizeof other, "%s.%08x", path, (unsigned)actri_random_u64());
    if (length < 0 || (size_t)length >= sizeof other) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    bool good = write_all(fd, data, size);
    (void)close(fd);
    good = good && link(other, path) == 0;
    int code = errno;
    (void)unlink(other);
    errno = code;
    return good;
}

static actr_status_t save(const char *path, const pair_t *pair, actr_error_t *error)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL) return actri_no_memory(error);
    bool good = PEM_write_bio_PrivateKey(bio, pair->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                PEM_write_bio_X509(bio, pair->x509) == 1;
    long size = good ? BIO_get_mem_data(bio, &data) : 0;
    actr_status_t status = good ? ACTR_OK : actri_no_memory(error);
    if (good && !write_file(path, data, size) && errno != EEXIST) status = io_error(path, "can not write", error);
    BIO_free(bio);
    return status;
}

actr_status_t actri_certificate_open(const actri_env_t *env, const char *path, actri_certificate_t **out,
                                     actr_error_t *error)
{
    pair_t pair = {NULL, NULL};
    actr_status_t status = load(path, &pair, error);
    if (status == ACTR_STATUS_NOT_FOUND) {
        status = make_pair(&pair, error);
        if (status == ACTR_OK) status = save(path, &pair, error);
        free_pair(&pair);
        pair = (pair_t){NULL, NULL};
        if (status == ACTR_OK) status = load(path, &pair, error); /* ours, or that of who was faster */
        if (status == ACTR_STATUS_NOT_FOUND) status = actri_fail(error, ACTR_STATUS_IO, "certificate: %s went", path);
    }
    if (status == ACTR_OK) status = actri_certificate_of(env, pair.key, pair.x509, out, error);
    free_pair(&pair);
    return status;
}
