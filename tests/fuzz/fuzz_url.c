/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as the URL of a signaling server: its normal form is its own normal form, can be taken apart unless it has a
 * user name or the port 0, and puts nothing into the request to the server but what belongs on one line.
 */
#include "config/url.h"
#include "signaling/url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "fuzz_url: %s\n", what);
    abort();
}

/* Without spaces and control characters, and of a normal form what is no ASCII. */
static bool is_plain(const char *text, bool normal)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c <= ' ' || c == 0x7f || (normal && c > 0x7f)) return false;
    }
    return true;
}

static void take_apart(const char *text, bool normal)
{
    actri_ws_url_t url;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = actri_ws_url_parse(NULL, text, &url, &error);
    bool known = strstr(error.message, "user names") != NULL || strstr(error.message, "the port is not") != NULL;
    demand(status == ACTR_OK || known || (!normal && error.message[0] != '\0'), "a normal form that is refused");
    if (status == ACTR_OK) {
        demand(url.host[0] != '\0' && url.target[0] == '/', "no host, or no path");
        demand(is_plain(url.host, normal) && is_plain(url.authority, normal) && is_plain(url.target, normal),
               "more than one line of a request");
        char *target = actri_ws_url_target(NULL, &url, "a=b");
        demand(target != NULL && strncmp(target, url.target, strlen(url.target)) == 0, "another target");
        (void)actri_ws_url_is_loopback(&url);
        actri_free(NULL, target);
    }
    actri_ws_url_clear(NULL, &url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    actri_arena_t arena;
    actr_error_t error = ACTR_ERROR_INIT;
    const char *once = NULL, *twice = NULL;
    char *text = strndup(size == 0 ? "" : (const char *)data, size);
    demand(text != NULL, "memory");
    actri_arena_init(&arena, NULL);
    take_apart(text, false);
    if (actri_url_normalize(&arena, text, &once, &error) == ACTR_OK) {
        demand(actri_url_normalize(&arena, once, &twice, &error) == ACTR_OK, "the normal form is refused");
        demand(strcmp(once, twice) == 0, "the normal form has another one");
        take_apart(once, true);
    } else {
        demand(error.message[0] != '\0', "a refusal without words");
    }
    actri_arena_clear(&arena);
    free(text);
    return 0;
}
