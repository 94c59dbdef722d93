/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of a signaling client: one libwebsockets context with its own poll loop, no event library. Runs on the
 * signaling thread only, but for the wake-up. Names are resolved elsewhere; libwebsockets sees addresses, and the name
 * as Host header and SNI.
 */
#include "signaling/client_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define AREA "signaling"

/* ---- one link ---- */

static void free_link(actri_ws_link_t *link, const actri_env_t *env)
{
    actri_list_remove(&link->link);
    actri_free(env, link->in);
    actri_free(env, link);
}

static void detach_link(actri_signaling_t *client, actri_ws_link_t *link)
{
    if (client->link == link) client->link = NULL;
    link->client = NULL;
}

/* Cuts a living link off from the client; libwebsockets closes it when it can. */
static void cut_link(actri_signaling_t *client, actri_ws_link_t *link, bool polite)
{
    detach_link(client, link);
    if (link->wsi == NULL || link->ended) return;
    if (polite && link->opened) {
        link->polite = true;
        client->parting++;
        (void)lws_callback_on_writable(link->wsi);
    } else {
        lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

/* The socket could not be opened, or has ended: the next address, or the session's business. */
static void link_failed(actri_ws_link_t *link, uint32_t http, const char *reason)
{
    actri_signaling_t *client = link->client;
    if (client == NULL) return;
    bool opened = link->opened;
    detach_link(client, link); /* libwebsockets is ending it already */
    if (!opened && http == 0 && client->address_next < client->addresses.count) {
        client->next_address_due = true;
        return;
    }
    actri_session_closed(client->session, actri_client_time(), http, reason);
}

/* libwebsockets 4.1 swallows the errno of a failed connect, and what OpenSSL thinks of a certificate. */
static const char *plainer(struct lws *wsi, const char *text)
{
    const SSL *ssl = lws_get_ssl(wsi);
    long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) return X509_verify_cert_error_string(verdict);
    if (strcmp(text, "Unable to connect") == 0) return "refused or unreachable, does a server listen there?";
    return text;
}

static void connect_failed(struct lws *wsi, actri_ws_link_t *link, const char *text)
{
    actri_signaling_t *client = link->client;
    char reason[256];
    if (client == NULL) return;
    unsigned http = lws_http_client_http_response(wsi);
    if (http == 101) http = 0;
    const char *address = client->address_next > 0 ? client->addresses.text[client->address_next - 1] : "?";
    (void)snprintf(reason, sizeof reason, "%s (%s port %u) can not be connected: %s", client->url.host, address,
                   client->url.port, plainer(wsi, text));
    link_failed(link, http, reason);
}

static void link_opened(struct lws *wsi, actri_ws_link_t *link)
{
    int on = 1;
    link->opened = true;
    link->wsi = wsi;
    (void)setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    actri_session_opened(link->client->session, actri_client_time());
}

/* ---- in ---- */

static bool keep_piece(actri_ws_link_t *link, const void *data, size_t size)
{
    const actri_env_t *env = link->client->env;
    if (link->in_size + size > ACTRI_IN_MAX) return false;
    if (link->in_size + size > link->in_capacity) {
        size_t capacity = 2 * (link->in_size + size);
        uint8_t *grown = actri_realloc(env, link->in, capacity);
        if (grown == NULL) return false;
        link->in = grown;
        link->in_capacity = capacity;
    }
    if (size > 0) memcpy(link->in + link->in_size, data, size);
    link->in_size += size;
    return true;
}

static void forget_pieces(actri_ws_link_t *link)
{
    link->in_size = 0;
    if (link->in_capacity <= 65536) return; /* one large message does not hold memory for ever */
    actri_free(link->client->env, link->in);
    link->in = NULL;
    link->in_capacity = 0;
}

static void link_received(struct lws *wsi, actri_ws_link_t *link, const void *data, size_t size)
{
    actri_signaling_t *client = link->client;
    bool first = lws_is_first_fragment(wsi) != 0;
    bool last = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
    if (first) {
        link->in_size = 0;
        link->skipping = !lws_frame_is_binary(wsi); /* text is nothing, and no sign of life (signaling 1.3) */
        if (link->skipping) actri_warn(client->env, AREA, "a text message from the server ignored");
    }
    if (link->skipping) return;
    actri_session_alive(client->session, actri_client_time());
    if (first && last) {
        actri_session_received(client->session, actri_client_time(), data, size);
    } else if (!keep_piece(link, data, size)) {
        link->skipping = true;
        actri_warn(client->env, AREA, "a message from the server is longer than %zu bytes (or memory is out): ignored",
                   ACTRI_IN_MAX);
    } else if (last) {
        actri_session_received(client->session, actri_client_time(), link->in, link->in_size);
        if (link->client != NULL) forget_pieces(link);
    }
}

/* ---- out ---- */

static int write_ping(actri_signaling_t *client, struct lws *wsi)
{
    uint8_t room[LWS_PRE + 1];
    client->ping_due = false;
    return lws_write(wsi, room + LWS_PRE, 0, LWS_WRITE_PING);
}

static int write_frames(actri_signaling_t *client, struct lws *wsi)
{
    if (client->ping_due && write_ping(client, wsi) < 0) return -1;
    while (!lws_send_pipe_choked(wsi)) {
        actri_link_t *link = actri_list_take(&client->frames);
        if (link == NULL) break;
        actri_out_frame_t *frame = ACTRI_CONTAINER(link, actri_out_frame_t, link);
        int written = lws_write(wsi, frame->bytes + LWS_PRE, frame->size, LWS_WRITE_BINARY);
        actri_client_drop_frame(client, frame, written >= 0);
        if (written < 0) return -1;
    }
    if (!actri_list_empty(&client->frames)) (void)lws_callback_on_writable(wsi);
    return 0;
}

static int link_writable(struct lws *wsi, actri_ws_link_t *link)
{
    if (link->client != NULL) return write_frames(link->client, wsi);
    if (link->polite) lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return -1;
}

/* ---- libwebsockets ---- */

static void link_gone(actri_signaling_t *client, actri_ws_link_t *link)
{
    link_failed(link, 0, link->reason[0] != '\0' ? link->reason : "the connection ended");
    if (link->polite) client->parting--;
    link->ended = true;
    link->wsi = NULL;
    if (!link->entering) free_link(link, client->env);
}

static void peer_closes(actri_ws_link_t *link, const uint8_t *data, size_t size)
{
    unsigned code = size >= 2 ? (unsigned)data[0] << 8 | data[1] : 0;
    (void)snprintf(link->reason, sizeof link->reason, "the server closed the connection (WebSocket code %u)", code);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    actri_ws_link_t *link = user; /* of our sockets only */
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: connect_failed(wsi, link, in != NULL ? in : "no reason known"); return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        connect_failed(wsi, link, "the connection ended during the upgrade");
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (link->client != NULL) link_opened(wsi, link);
        return link->client == NULL ? -1 : 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (link->client != NULL) link_received(wsi, link, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (link->client != NULL) actri_session_alive(link->client->session, actri_client_time());
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return link_writable(wsi, link);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: peer_closes(link, in, len); return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        link_failed(link, 0, link->reason[0] != '\0' ? link->reason : "the connection ended");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (link != NULL) link_gone(lws_context_user(lws_get_context(wsi)), link);
        return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "actr-signaling", .callback = on_event, .rx_buffer_size = 16384},
    {0},
};

bool actri_socket_open(actri_signaling_t *client)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .user = client,
        .fd_limit_per_thread = 64, /* else a table for every descriptor the process may have */
        .pt_serv_buf_size = 16384,
        .timeout_secs = 30,
        .connect_timeout_secs = 10, /* of one address; the next may do better */
        .options = client->url.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
    };
    struct lws_context *context = actri_lws_create(&info);
    actri_lock(&client->mutex);
    client->context = context;
    actri_unlock(&client->mutex);
    return context != NULL;
}

static void fail_attempt(actri_signaling_t *client, const char *reason)
{
    actri_session_closed(client->session, actri_client_time(), 0, reason);
}

static actri_ws_link_t *new_link(actri_signaling_t *client)
{
    actri_ws_link_t *link = actri_zalloc(client->env, sizeof *link);
    if (link == NULL) return NULL;
    link->client = client;
    actri_list_append(&client->links, &link->link);
    return link;
}

static void enter(actri_signaling_t *client, actri_ws_link_t *link, const char *target)
{
    struct lws_client_connect_info info = {
        .context = client->context,
        .address = client->addresses.text[client->address_next++],
        .port = client->url.port,
        .ssl_connection = client->url.tls ? LCCSCF_USE_SSL : 0,
        .path = target,
        .host = client->url.authority,
        .ietf_version_or_minus_one = -1,
        .userdata = link,
        .local_protocol_name = protocols[0].name,
        .pwsi = &link->wsi,
        .alpn = "http/1.1",
    };
    client->link = link;
    link->entering = true;
    struct lws *wsi = lws_client_connect_via_info(&info);
    link->entering = false;
    if (wsi != NULL && !link->ended) return;
    link->wsi = NULL;
    link->ended = true;
    link_failed(link, 0, "the connection could not be started");
    free_link(link, client->env);
}

static void connect_address(actri_signaling_t *client)
{
    char *target = actri_ws_url_target(client->env, &client->url, client->query);
    actri_ws_link_t *link = target == NULL ? NULL : new_link(client);
    if (link == NULL) {
        fail_attempt(client, "out of memory");
    } else {
        enter(client, link, target);
    }
    if (target != NULL) OPENSSL_cleanse(target, strlen(target));
    actri_free(client->env, target);
}

static void wake_up(void *user)
{
    lws_cancel_service(user);
}

void actri_socket_connect(actri_signaling_t *client)
{
    actr_error_t error = ACTR_ERROR_INIT;
    client->address_next = 0;
    if (client->query == NULL) {
        fail_attempt(client, "out of memory");
    } else if (actri_resolve_numeric(client->url.host, &client->addresses)) {
        connect_address(client);
    } else if (actri_resolve_start(client->url.host, wake_up, client->context, &client->resolve, &error) != ACTR_OK) {
        fail_attempt(client, actr_error_message(&error));
    }
}

static void resolved(actri_signaling_t *client)
{
    char reason[320];
    actri_resolve_drop(client->resolve);
    client->resolve = NULL;
    if (client->addresses.count > 0) {
        connect_address(client);
        return;
    }
    (void)snprintf(reason, sizeof reason, "the host name %.150s can not be resolved: %s", client->url.host,
                   client->addresses.reason);
    fail_attempt(client, reason);
}

void actri_socket_continue(actri_signaling_t *client)
{
    if (client->resolve != NULL && actri_resolve_poll(client->resolve, &client->addresses)) resolved(client);
    if (client->next_address_due) {
        client->next_address_due = false;
        connect_address(client);
    }
}

void actri_socket_abandon(actri_signaling_t *client, bool polite)
{
    actri_resolve_drop(client->resolve);
    client->resolve = NULL;
    client->next_address_due = false;
    if (client->link != NULL) cut_link(client, client->link, polite);
}

void actri_socket_want_write(actri_signaling_t *client)
{
    if (client->link != NULL && client->link->opened) (void)lws_callback_on_writable(client->link->wsi);
}

/* A timer that is due when lws_service begins is run before its poll, and does not end that by itself. */
static void on_timer(lws_sorted_usec_list_t *timer)
{
    lws_cancel_service(ACTRI_CONTAINER(timer, actri_signaling_t, timer)->context);
}

void actri_socket_service(actri_signaling_t *client, int64_t deadline_ns)
{
    lws_usec_t wait = LWS_SET_TIMER_USEC_CANCEL;
    if (deadline_ns != ACTRI_NEVER) {
        int64_t left = deadline_ns - actri_now_ns();
        wait = left <= 0 ? 1 : left / 1000 + 1;
    }
    lws_sul_schedule(client->context, 0, &client->timer, on_timer, wait);
    (void)lws_service(client->context, 0);
}

void actri_socket_close_all(actri_signaling_t *client)
{
    struct lws_context *context = client->context;
    if (context == NULL) return;
    actri_socket_abandon(client, false);
    lws_sul_schedule(context, 0, &client->timer, on_timer, LWS_SET_TIMER_USEC_CANCEL);
    actri_lock(&client->mutex); /* nobody wakes it any more */
    client->context = NULL;
    actri_unlock(&client->mutex);
    lws_context_destroy(context);
    while (!actri_list_empty(&client->links)) {
        free_link(ACTRI_CONTAINER(client->links.next, actri_ws_link_t, link), client->env);
    }
}
