/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as actr:// URI of either grammar: what is read, printed and read again prints the same. */
#include <actr/uri.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_new(const char *text)
{
    actr_uri_t uri, again;
    char once[1200], twice[1200];
    if (actr_uri_parse(text, &uri, NULL) != ACTR_OK) return;
    if (actr_uri_print(&uri, once, sizeof once) >= sizeof once) abort();
    if (actr_uri_parse(once, &again, NULL) != ACTR_OK) abort();
    (void)actr_uri_print(&again, twice, sizeof twice);
    if (strcmp(once, twice) != 0) abort();
}

/* Print and parse of the older grammar are no inverse (naming-and-compat 3): only that it ends well. */
static void check_old(const char *text)
{
    static actr_old_uri_t uri;
    static char printed[16384];
    actr_error_t error = ACTR_ERROR_INIT;
    if (actr_old_uri_parse(text, &uri, &error) != ACTR_OK) {
        if (error.message[0] == '\0') abort();
        return;
    }
    if (actr_old_uri_print(&uri, printed, sizeof printed) != strlen(printed)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) return 0;
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    check_new(text);
    check_old(text);
    free(text);
    return 0;
}
