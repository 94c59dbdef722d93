/* SPDX-License-Identifier: Apache-2.0 */
/* The file that keeps a certificate: made once, 0600, the same ever after; what is refused. */
#include "check.h"
#include "wire/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/actr-certificate-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/node.pem", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* fails if anything else was left there */
}

static void fingerprint_of(char out[96])
{
    actri_certificate_t *certificate = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_certificate_open(NULL, path, &certificate, &error), &error);
    (void)snprintf(out, 96, "%s", actri_certificate_fingerprint(certificate));
    actri_certificate_free(certificate);
}

static void refused(actr_status_t status, const char *words)
{
    actri_certificate_t *certificate = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(status, actri_certificate_open(NULL, path, &certificate, &error));
    if (strstr(error.message, words) == NULL || strstr(error.message, path) == NULL) fail_msg("%s", error.message);
    assert_null(certificate);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void it_stays_the_same(void **state)
{
    (void)state;
    char first[96], second[96];
    struct stat about;
    fingerprint_of(first);
    assert_int_equal(strlen(first), 95);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    fingerprint_of(second);
    assert_string_equal(first, second);
    assert_int_equal(unlink(path), 0);
    fingerprint_of(second);
    assert_string_not_equal(first, second);
}

static void what_others_may_read_is_refused(void **state)
{
    (void)state;
    char text[96];
    fingerprint_of(text);
    assert_int_equal(chmod(path, 0640), 0);
    refused(ACTR_STATUS_IO, "chmod 600");
    assert_int_equal(chmod(path, 0600), 0);
    fingerprint_of(text);
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    write_text("");
    refused(ACTR_STATUS_CONFIG_INVALID, "PEM");
    write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refused(ACTR_STATUS_CONFIG_INVALID, "PEM");
}

/* The key of one and the certificate of another. */
static void a_key_of_another_certificate_is_refused(void **state)
{
    (void)state;
    static char one[8192], two[8192];
    char text[96];
    fingerprint_of(text);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    one[fread(one, 1, sizeof one - 1, file)] = '\0';
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    fingerprint_of(text);
    file = fopen(path, "r");
    assert_non_null(file);
    two[fread(two, 1, sizeof two - 1, file)] = '\0';
    (void)fclose(file);
    char *from = strstr(one, "-----BEGIN CERTIFICATE"), *to = strstr(two, "-----BEGIN CERTIFICATE");
    assert_true(from != NULL && to != NULL);
    (void)snprintf(to, sizeof two - (size_t)(to - two), "%s", from);
    write_text(two);
    refused(ACTR_STATUS_CONFIG_INVALID, "PEM");
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    actri_certificate_t *certificate = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    assert_status(ACTR_STATUS_IO, actri_certificate_open(NULL, "/nowhere/at/all.pem", &certificate, &error));
    assert_non_null(strstr(error.message, "/nowhere/at/all.pem"));
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    char target[160], text[96];
    fingerprint_of(text);
    (void)snprintf(target, sizeof target, "%s.real", path);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    refused(ACTR_STATUS_IO, "can not open");
    assert_int_equal(unlink(target), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_stays_the_same),
        TEST(what_others_may_read_is_refused),
        TEST(what_is_no_certificate_is_refused),
        TEST(a_key_of_another_certificate_is_refused),
        TEST(a_folder_that_is_not_there_is_named),
        TEST(a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
