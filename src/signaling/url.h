/* SPDX-License-Identifier: Apache-2.0 */
/* ws:// and wss:// URLs of signaling servers, taken apart. */
#ifndef ACTRI_SIGNALING_URL_H
#define ACTRI_SIGNALING_URL_H

#include "base/env.h"

typedef struct actri_ws_url {
    bool tls;
    uint16_t port;
    char *host;      /* a name or an address, without brackets */
    char *authority; /* as the Host header wants it */
    char *target;    /* path and query, starts with '/' */
} actri_ws_url_t;

/* CONFIG_INVALID names what is wrong. out is for actri_ws_url_clear in any case. */
ACTR_MUST_CHECK actr_status_t actri_ws_url_parse(const actri_env_t *env, const char *text, actri_ws_url_t *out,
                                                 actr_error_t *error);
void actri_ws_url_clear(const actri_env_t *env, actri_ws_url_t *url);
/* target plus query ("" for none); NULL when memory is out. */
char *actri_ws_url_target(const actri_env_t *env, const actri_ws_url_t *url, const char *query);
/* localhost, 127.0.0.0/8 and ::1. */
bool actri_ws_url_is_loopback(const actri_ws_url_t *url);

#endif
