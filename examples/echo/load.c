/* SPDX-License-Identifier: Apache-2.0 */
/* echo-client Actr.toml --count N --outstanding K: N calls, K at a time, by asynchronous calls. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>

#include "echo.actr.h"

typedef struct load {
    actr_ctx_t *ctx;
    const actr_dest_t *service;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    unsigned left, flying, failed;
    actr_error_t first_error;
} load_t;

static void next(load_t *load);

static void on_response(actr_status_t status, Echo__EchoResponse *response, const actr_error_t *error, void *user)
{
    load_t *load = user;
    actr_message_free(response);
    next(load);
    pthread_mutex_lock(&load->mutex);
    load->flying--;
    if (status != ACTR_OK && load->failed++ == 0) load->first_error = *error;
    pthread_cond_signal(&load->ended);
    pthread_mutex_unlock(&load->mutex);
}

static void next(load_t *load)
{
    static char hello[] = "hello";
    actr_error_t error = ACTR_ERROR_INIT;
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    request.message = hello;
    pthread_mutex_lock(&load->mutex);
    bool more = load->left > 0;
    if (more) load->left--, load->flying++;
    pthread_mutex_unlock(&load->mutex);
    if (!more) return;
    actr_status_t status =
        echo_echo_service_start_echo(load->ctx, load->service, &request, NULL, on_response, load, &error);
    if (status == ACTR_OK) return;
    pthread_mutex_lock(&load->mutex);
    load->flying--;
    if (load->failed++ == 0) load->first_error = error;
    pthread_mutex_unlock(&load->mutex);
}

actr_status_t echo_load(actr_ctx_t *ctx, const actr_dest_t *service, unsigned count, unsigned outstanding,
                        actr_error_t *error)
{
    load_t load = {.ctx = ctx, .service = service, .left = count};
    pthread_mutex_init(&load.mutex, NULL);
    pthread_cond_init(&load.ended, NULL);
    for (unsigned i = 0; i < outstanding; i++) next(&load);
    pthread_mutex_lock(&load.mutex);
    while (load.left > 0 && load.failed == 0) pthread_cond_wait(&load.ended, &load.mutex);
    load.left = 0;
    while (load.flying > 0) pthread_cond_wait(&load.ended, &load.mutex); /* every call has a deadline */
    pthread_mutex_unlock(&load.mutex);
    if (load.failed > 0)
        *error = load.first_error;
    else
        printf("%u calls\n", count);
    return load.failed > 0 ? load.first_error.status : ACTR_OK;
}
