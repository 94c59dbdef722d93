/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's client.   demo-client Actr.toml story COUNT    calls COUNT times, is called back each time, tells about it
 *                      demo-client Actr.toml burst COUNT    tells COUNT slow messages, then waits for SIGTERM
 */
#include <actr/actr.h>

#include "echo.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned called_back; /* by handlers, one at a time; read after the last call */

static double now_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The client is an actor too: the service calls it back. */
static actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)ctx;
    (void)user;
    if (strcmp(request->route, "echo.EchoService.Echo") != 0) return ACTR_STATUS_UNKNOWN_ROUTE;
    called_back++;
    *reply = (actr_bytes_t){"", 0}; /* an EchoResponse with nothing in it */
    return ACTR_OK;
}

static void on_event(const actr_event_t *event, void *user)
{
    (void)user;
    if (event->kind != ACTR_EVENT_PEER_CONNECTED) return;
    (void)printf("connected: %s\n", event->detail);
    (void)fflush(stdout);
}

static size_t pack(uint8_t out[200], const char *kind, unsigned number)
{
    char text[100];
    Echo__EchoRequest request = ECHO__ECHO_REQUEST__INIT;
    (void)snprintf(text, sizeof text, "%s %u", kind, number);
    request.message = text;
    return echo__echo_request__pack(&request, out);
}

static actr_status_t story(actr_ref_t *self, const actr_dest_t *service, unsigned count, actr_error_t *error)
{
    double *took = calloc(count, sizeof *took);
    if (took == NULL) return ACTR_STATUS_NO_MEMORY;
    for (unsigned i = 0; i < count; i++) {
        uint8_t data[200];
        actr_buf_t *reply = NULL;
        double begin = now_us();
        actr_bytes_t payload = {data, pack(data, "ping", i)};
        actr_status_t status =
            actr_ctx_call(actr_ref_ctx(self), service, "echo.EchoService.Echo", payload, NULL, &reply, error);
        actr_buf_release(reply);
        took[i] = now_us() - begin;
        if (status != ACTR_OK) {
            free(took);
            return status;
        }
    }
    qsort(took, count, sizeof *took, compare);
    (void)printf("calls: %u made, %u calls back answered; round trip with its call back: median %.0f us, 99th "
                 "percentile %.0f us\n",
                 count, called_back, took[count / 2], took[count * 99 / 100]);
    free(took);
    return called_back == count ? ACTR_OK : ACTR_STATUS_INTERNAL;
}

static actr_status_t burst(actr_ref_t *self, const actr_dest_t *service, unsigned count, actr_error_t *error)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t data[200];
        actr_bytes_t payload = {data, pack(data, "slow", i)};
        actr_status_t status =
            actr_ctx_tell(actr_ref_ctx(self), service, "echo.EchoService.Echo", payload, NULL, error);
        if (status != ACTR_OK) return status;
    }
    (void)printf("told %u\n", count);
    (void)fflush(stdout);
    return actr_ref_wait_for_ctrl_c_and_shutdown(self, error);
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_type_t type = {"acme", "EchoService"};
    actr_id_t id;
    size_t found = 1;
    char text[ACTR_ID_TEXT_SIZE];
    if (argc != 4) return 2;
    workload.dispatch = dispatch;
    workload.on_event = on_event;
    unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
    actr_status_t status = actr_system_open(argv[1], &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) (void)printf("ready %s\n", actr_id_print(actr_ref_actor_id(self), text));
    if (status == ACTR_OK) status = actr_ref_discover(self, &type, 0, &id, &found, &error);
    if (status == ACTR_OK) {
        actr_dest_t service = actr_dest_actor(&id);
        status =
            strcmp(argv[2], "burst") == 0 ? burst(self, &service, count, &error) : story(self, &service, count, &error);
    }
    if (status != ACTR_OK) (void)fprintf(stderr, "demo-client: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK ? 0 : 1;
}
