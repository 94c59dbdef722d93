/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a dispatch function without a node, for C and C++. */
#ifndef ACTR_TESTS_HARNESS_H
#define ACTR_TESTS_HARNESS_H

#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct harness_reply {
    actr_status_t status;
    size_t size;
    unsigned char data[70000];
    char message[ACTR_ERROR_MESSAGE_SIZE]; /* of actr_ctx_fail, else "" */
} harness_reply_t;

void harness_dispatch(actr_dispatch_fn dispatch, void *user, const char *route, const void *payload, size_t size,
                      harness_reply_t *reply);
/* The same, with the request's memory from env (an actri_env_t; NULL: malloc). True: memory failed. */
bool harness_dispatch_env(const void *env, actr_dispatch_fn dispatch, void *user, const char *route,
                          const void *payload, size_t size, harness_reply_t *reply);

/* A development signaling server in this process; its URL lives until it is closed. */
typedef struct harness_server harness_server_t;
harness_server_t *harness_server_open(void);
const char *harness_server_url(harness_server_t *server);
void harness_server_close(harness_server_t *server);

#ifdef __cplusplus
}
#endif
#endif
