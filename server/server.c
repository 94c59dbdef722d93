/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket side by libwebsockets: one thread, one context; the core runs under one mutex, which tests take too. */
#include "server/server.h"

#include "base/list.h"
#include "port/clock.h"
#include "port/thread.h"
#include "signaling/lws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX (8u << 20)
#define QUEUE_MESSAGES 1000
#define QUEUE_BYTES (8u << 20)
#define QUERY_MAX 1024

typedef struct frame {
    actri_link_t link;
    size_t size;
    uint8_t bytes[]; /* LWS_PRE, then the message */
} frame_t;

typedef struct connection { /* allocated here, so that its address stays good in every callback */
    actri_link_t link;
    uint64_t number;
    struct lws *wsi;
    actri_link_t queue;
    size_t queued, queued_bytes;
    uint8_t *message; /* the fragments so far */
    size_t message_size;
    bool closing;
} connection_t;

struct actri_server {
    const actri_env_t *env;
    actri_server_options_t options;
    struct lws_context *context;
    actri_thread_t thread;
    bool running;
    uint16_t port;
    char address[64];
    actri_mutex_t mutex; /* guards core, connections, counts */
    actri_cond_t changed;
    actri_core_t *core;
    actri_link_t connections;
    uint64_t next_number;
    bool stopping, refusing; /* atomic */
};

static void trace(void *user, const char *line)
{
    actri_server_t *server = user;
    if (server->options.trace != NULL) server->options.trace(server->options.trace_user, line);
}

static connection_t *find(actri_server_t *server, uint64_t number)
{
    for (actri_link_t *at = server->connections.next; at != &server->connections; at = at->next) {
        connection_t *connection = ACTRI_CONTAINER(at, connection_t, link);
        if (connection->number == number) return connection;
    }
    return NULL;
}

/* ---- the core's wishes, under the mutex ---- */

static void close_connection(void *user, uint64_t number)
{
    connection_t *connection = find(user, number);
    if (connection == NULL || connection->closing) return;
    connection->closing = true;
    (void)lws_callback_on_writable(connection->wsi);
}

static void send_message(void *user, uint64_t number, const uint8_t *data, size_t size)
{
    actri_server_t *server = user;
    connection_t *connection = find(server, number);
    if (connection == NULL || connection->closing) return;
    if (connection->queued == QUEUE_MESSAGES || connection->queued_bytes + size > QUEUE_BYTES) {
        trace(server, "a client does not read: dropped");
        close_connection(server, number);
        return;
    }
    frame_t *frame = actri_alloc(server->env, sizeof *frame + LWS_PRE + size);
    if (frame == NULL) return;
    frame->size = size;
    memcpy(frame->bytes + LWS_PRE, data, size);
    actri_list_append(&connection->queue, &frame->link);
    connection->queued++;
    connection->queued_bytes += size;
    (void)lws_callback_on_writable(connection->wsi);
}

/* ---- events of a socket ---- */

static void get_query(struct lws *wsi, char out[QUERY_MAX])
{
    size_t used = 0;
    char piece[QUERY_MAX];
    out[0] = '\0';
    for (int i = 0;; i++) {
        int size = lws_hdr_copy_fragment(wsi, piece, sizeof piece, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size <= 0 || used + (size_t)size + 2 > QUERY_MAX) return;
        if (used > 0) out[used++] = '&';
        memcpy(out + used, piece, (size_t)size);
        used += (size_t)size;
        out[used] = '\0';
    }
}

static connection_t *new_connection(actri_server_t *server, struct lws *wsi)
{
    connection_t *connection = actri_zalloc(server->env, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->wsi = wsi;
    connection->number = ++server->next_number;
    actri_list_init(&connection->queue);
    actri_list_append(&server->connections, &connection->link);
    return connection;
}

static void free_connection(actri_server_t *server, connection_t *connection)
{
    actri_link_t *link;
    while ((link = actri_list_take(&connection->queue)) != NULL) {
        actri_free(server->env, ACTRI_CONTAINER(link, frame_t, link));
    }
    actri_list_remove(&connection->link);
    actri_free(server->env, connection->message);
    actri_free(server->env, connection);
}

static int on_open(actri_server_t *server, struct lws *wsi, connection_t **slot)
{
    char query[QUERY_MAX];
    get_query(wsi, query);
    *slot = new_connection(server, wsi);
    if (*slot == NULL) return -1;
    actri_core_open(server->core, (*slot)->number, query, actri_wall_ms());
    return 0;
}

/* Gathers fragments; true when a message is whole. */
static bool gather(actri_server_t *server, connection_t *connection, struct lws *wsi, const void *data, size_t size)
{
    if (connection->message_size + size > MESSAGE_MAX) {
        trace(server, "a message above 8 MiB: closed");
        connection->closing = true;
        return false;
    }
    uint8_t *grown = actri_realloc(server->env, connection->message, connection->message_size + size);
    if (grown == NULL) return false;
    connection->message = grown;
    if (size > 0) memcpy(grown + connection->message_size, data, size);
    connection->message_size += size;
    return lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
}

static int on_receive(actri_server_t *server, connection_t *connection, struct lws *wsi, const void *data, size_t size)
{
    if (connection->closing) return 0;
    if (gather(server, connection, wsi, data, size)) {
        size_t whole = connection->message_size;
        connection->message_size = 0;
        if (lws_frame_is_binary(wsi)) { /* text is ignored */
            actri_core_receive(server->core, connection->number, connection->message, whole, actri_wall_ms());
        }
    }
    return connection->closing ? -1 : 0;
}

static int on_writable(actri_server_t *server, connection_t *connection, struct lws *wsi)
{
    actri_link_t *link = actri_list_take(&connection->queue);
    if (link == NULL) return connection->closing ? -1 : 0;
    frame_t *frame = ACTRI_CONTAINER(link, frame_t, link);
    int written = lws_write(wsi, frame->bytes + LWS_PRE, frame->size, LWS_WRITE_BINARY);
    connection->queued--;
    connection->queued_bytes -= frame->size;
    bool failed = written < (int)frame->size;
    actri_free(server->env, frame);
    if (failed) return -1;
    if (!actri_list_empty(&connection->queue) || connection->closing) (void)lws_callback_on_writable(wsi);
    return 0;
}

static void on_closed(actri_server_t *server, connection_t *connection)
{
    actri_core_closed(server->core, connection->number, actri_wall_ms());
    free_connection(server, connection);
}

static void ask_all_writable(actri_server_t *server)
{
    for (actri_link_t *at = server->connections.next; at != &server->connections; at = at->next) {
        connection_t *connection = ACTRI_CONTAINER(at, connection_t, link);
        if (connection->closing || connection->queued > 0) (void)lws_callback_on_writable(connection->wsi);
    }
}

static int on_locked(actri_server_t *server, struct lws *wsi, enum lws_callback_reasons reason, connection_t **slot,
                     const void *data, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: return on_open(server, wsi, slot);
    case LWS_CALLBACK_RECEIVE: return *slot == NULL ? -1 : on_receive(server, *slot, wsi, data, size);
    case LWS_CALLBACK_SERVER_WRITEABLE: return *slot == NULL ? 0 : on_writable(server, *slot, wsi);
    case LWS_CALLBACK_CLOSED:
        if (*slot != NULL) on_closed(server, *slot);
        *slot = NULL;
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: ask_all_writable(server); return 0;
    default: return 0;
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data, size_t size)
{
    actri_server_t *server = lws_context_user(lws_get_context(wsi));
    if (server == NULL) return 0;
    if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION) {
        return __atomic_load_n(&server->refusing, __ATOMIC_RELAXED) ? -1 : 0;
    }
    if (reason == LWS_CALLBACK_HTTP) { /* a plain GET: ready */
        (void)lws_return_http_status(wsi, HTTP_STATUS_OK, NULL);
        return -1;
    }
    actri_lock(&server->mutex);
    int result = on_locked(server, wsi, reason, user, data, size);
    actri_cond_broadcast(&server->changed);
    actri_unlock(&server->mutex);
    return result;
}

static const struct lws_protocols protocols[] = {
    {.name = "actr-signaling",
     .callback = on_event,
     .per_session_data_size = sizeof(connection_t *),
     .rx_buffer_size = 65536},
    {.name = NULL},
};

/* ---- the thread ---- */

static void run(void *argument)
{
    actri_server_t *server = argument;
    int64_t ticked = actri_now_ns();
    while (!__atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE)) {
        if (lws_service(server->context, 0) < 0) break;
        if (actri_now_ns() - ticked < ACTRI_SECOND) continue;
        ticked = actri_now_ns();
        actri_lock(&server->mutex);
        actri_core_tick(server->core, actri_wall_ms());
        actri_unlock(&server->mutex);
    }
}

/* ---- life ---- */

static actr_status_t parse_listen(actri_server_t *server, const char *text, actr_error_t *error)
{
    const char *colon = strrchr(text, ':');
    char *rest = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &rest, 10);
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof server->address || rest == colon + 1 ||
        *rest != '\0' || port > 65535) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT,
                          "\"%s\" is no address to listen on: write 127.0.0.1:8081", text);
    }
    memcpy(server->address, text, (size_t)(colon - text));
    server->port = (uint16_t)port;
    return ACTR_OK;
}

/* libwebsockets says little about why it can not listen: try it first, and find a free port on the way. */
static actr_status_t probe_port(actri_server_t *server, actr_error_t *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server->port)};
    socklen_t size = sizeof address;
    const int on = 1;
    if (inet_pton(AF_INET, server->address, &address.sin_addr) != 1) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "\"%s\" is no IPv4 address", server->address);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    int number = errno;
    if (fd >= 0) (void)close(fd);
    if (!good) {
        return actri_fail_errno(error, ACTR_STATUS_IO, number, "can not listen on %s:%u", server->address,
                                server->port);
    }
    server->port = ntohs(address.sin_port);
    return ACTR_OK;
}

static actr_status_t start(actri_server_t *server, actr_error_t *error)
{
    actri_core_output_t output = {send_message, close_connection, trace, server};
    actr_status_t status = actri_core_new(server->env, &output, &server->core, error);
    if (status != ACTR_OK) return status;
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = server->port;
    info.iface = server->address;
    info.protocols = protocols;
    info.user = server;
    info.gid = -1;
    info.uid = -1;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_DISABLE_IPV6;
    server->context = actri_lws_create(&info);
    if (server->context == NULL) {
        return actri_fail(error, ACTR_STATUS_IO, "can not listen on %s:%u", server->address, server->port);
    }
    status = actri_thread_start(&server->thread, "actr-server", run, server, error);
    server->running = status == ACTR_OK;
    return status;
}

actr_status_t actri_server_new(const actri_server_options_t *options, actri_server_t **out, actr_error_t *error)
{
    actri_server_t *server = actri_zalloc(options->env, sizeof *server);
    if (server == NULL) return actri_no_memory(error);
    server->env = options->env;
    server->options = *options;
    actri_mutex_init(&server->mutex);
    actri_cond_init(&server->changed);
    actri_list_init(&server->connections);
    actr_status_t status = parse_listen(server, options->listen, error);
    if (status == ACTR_OK) status = probe_port(server, error);
    if (status == ACTR_OK) status = start(server, error);
    if (status != ACTR_OK) {
        actri_server_free(server);
        return status;
    }
    *out = server;
    return ACTR_OK;
}

void actri_server_free(actri_server_t *server)
{
    if (server == NULL) return;
    if (server->running) {
        __atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
        lws_cancel_service(server->context);
        actri_thread_join(&server->thread);
    }
    if (server->context != NULL) lws_context_destroy(server->context);
    while (!actri_list_empty(&server->connections)) {
        free_connection(server, ACTRI_CONTAINER(server->connections.next, connection_t, link));
    }
    actri_core_free(server->core);
    actri_cond_destroy(&server->changed);
    actri_mutex_destroy(&server->mutex);
    actri_free(server->env, server);
}

uint16_t actri_server_port(const actri_server_t *server)
{
    return server->port;
}

const char *actri_server_url(const actri_server_t *server, char *text, size_t size)
{
    (void)snprintf(text, size, "ws://%s:%u/signaling/ws", server->address, server->port);
    return text;
}

/* ---- for tests ---- */

void actri_server_switch(actri_server_t *server, void (*change)(actri_core_switches_t *switches, void *user),
                         void *user)
{
    actri_lock(&server->mutex);
    change(actri_core_switches(server->core), user);
    actri_unlock(&server->mutex);
}

void actri_server_refuse_connections(actri_server_t *server, bool on)
{
    __atomic_store_n(&server->refusing, on, __ATOMIC_RELAXED);
}

bool actri_server_kick(actri_server_t *server, const actr_id_t *id, bool forget)
{
    actri_lock(&server->mutex);
    bool found = actri_core_kick(server->core, id->serial_number, forget, actri_wall_ms());
    actri_unlock(&server->mutex);
    lws_cancel_service(server->context); /* lws_callback_on_writable is for the service thread: it asks again there */
    return found;
}

bool actri_server_wait(actri_server_t *server, bool (*check)(const actri_server_counts_t *counts, void *user),
                       void *user, int64_t deadline_ns, actri_server_counts_t *counts)
{
    bool met, in_time = true;
    actri_lock(&server->mutex);
    for (;;) {
        counts->online = actri_core_online(server->core);
        counts->registrations = actri_core_registrations(server->core);
        counts->unregistrations = actri_core_unregistrations(server->core);
        met = check(counts, user);
        if (met || !in_time) break;
        in_time = actri_cond_wait(&server->changed, &server->mutex, deadline_ns);
    }
    actri_unlock(&server->mutex);
    return met;
}
