/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the demo's programs by ./dev capture: writes their DTLS keys into SSLKEYLOGFILE, so that the capture
 * can be read. libactr itself has no such door.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static void keep(const SSL *ssl, const char *line)
{
    (void)ssl;
    FILE *file = fopen(getenv("SSLKEYLOGFILE"), "a");
    if (file == NULL) return;
    (void)fprintf(file, "%s\n", line);
    (void)fclose(file);
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*real)(const SSL_METHOD *);
    *(void **)&real = dlsym(RTLD_NEXT, "SSL_CTX_new");
    SSL_CTX *context = real(method);
    if (context != NULL && getenv("SSLKEYLOGFILE") != NULL) SSL_CTX_set_keylog_callback(context, keep);
    return context;
}
