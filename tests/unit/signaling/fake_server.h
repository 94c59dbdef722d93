/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket server of a few lines on a real socket, which can do what the development server never would: keep
 * silent, answer HTTP, send garbage. One connection at a time, own thread. For tests of the client only.
 */
#ifndef ACTR_TESTS_FAKE_SERVER_H
#define ACTR_TESTS_FAKE_SERVER_H

#include "port/clock.h"
#include "port/thread.h"
#include "signaling.pb-c.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum fake_manner {
    FAKE_POLITE,
    FAKE_SILENT,
    FAKE_HTTP_404,
    FAKE_HTTP_200,
    FAKE_HTTP_503,
    FAKE_HANG_UP
} fake_manner_t;

typedef struct fake_server fake_server_t;
struct fake_server {
    int listener, wake[2], client;
    SSL_CTX *tls; /* NULL: plain */
    SSL *ssl;
    unsigned port;
    actri_thread_t thread;
    actri_mutex_t mutex; /* over the next lines */
    actri_cond_t changed;
    bool ending, hang_up;
    fake_manner_t manner; /* toward the next connection */
    unsigned connections, messages, pings, closes;
    char last_path[2048];
    /* what to say to a message; on the server's thread, without the lock */
    void (*answer)(fake_server_t *server, const Signaling__SignalingEnvelope *envelope);
    void *user;
    uint64_t serial;
};

static inline bool fake_write(fake_server_t *server, const void *data, size_t size)
{
    if (server->ssl != NULL) return SSL_write(server->ssl, data, (int)size) == (int)size;
    return send(server->client, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static inline bool fake_read(fake_server_t *server, void *data, size_t size)
{
    for (uint8_t *at = data; size > 0;) {
        struct pollfd fds[2] = {{.fd = server->client, .events = POLLIN}, {.fd = server->wake[0], .events = POLLIN}};
        bool ready = server->ssl != NULL && SSL_pending(server->ssl) > 0;
        if (!ready) (void)poll(fds, 2, -1);
        if (!ready && fds[1].revents != 0) return false;
        ssize_t got = server->ssl != NULL ? SSL_read(server->ssl, at, (int)size) : recv(server->client, at, size, 0);
        if (got <= 0) return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* One frame; final and opcode as RFC 6455, 5.2. */
static inline void fake_frame(fake_server_t *server, unsigned opcode, bool final, const void *data, size_t size)
{
    uint8_t head[10] = {(uint8_t)(opcode | (final ? 0x80u : 0u))};
    size_t length = 2;
    if (size < 126) {
        head[1] = (uint8_t)size;
    } else if (size < 65536) {
        head[1] = 126;
        head[2] = (uint8_t)(size >> 8);
        head[3] = (uint8_t)size;
        length = 4;
    } else {
        head[1] = 127;
        for (unsigned i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        length = 10;
    }
    (void)fake_write(server, head, length);
    if (size > 0) (void)fake_write(server, data, size);
}

static inline void fake_send(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    size_t size = signaling__signaling_envelope__get_packed_size(envelope);
    uint8_t *bytes = malloc(size);
    (void)signaling__signaling_envelope__pack(envelope, bytes);
    fake_frame(server, 2, true, bytes, size);
    free(bytes);
}

static inline void fake_reply(fake_server_t *server, const Signaling__SignalingEnvelope *request,
                              Signaling__SignalingToActr *body)
{
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    envelope.envelope_id = (char[]){"from-the-server"};
    envelope.reply_for = request == NULL ? NULL : request->envelope_id;
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR;
    envelope.server_to_actr = body;
    fake_send(server, &envelope);
}

static inline void fake_reply_error(fake_server_t *server, const Signaling__SignalingEnvelope *request, uint32_t code,
                                    const char *message)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__ErrorResponse error = ACTR__ERROR_RESPONSE__INIT;
    error.has_code = 1;
    error.code = code;
    error.message = (char *)(uintptr_t)message;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_ERROR;
    body.error = &error;
    fake_reply(server, request, &body);
}

/* RegisterOk with id serial, realm 7, acme+fake; to a registration or an update. */
static inline void fake_reply_registered(fake_server_t *server, const Signaling__SignalingEnvelope *request,
                                         uint64_t serial, const char *token, uint32_t interval)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__RegisterResponse response = ACTR__REGISTER_RESPONSE__INIT;
    Actr__RegisterOk ok = ACTR__REGISTER_OK__INIT;
    Actr__ActrId id = ACTR__ACTR_ID__INIT;
    Actr__Realm realm = ACTR__REALM__INIT;
    Actr__ActrType type = ACTR__ACTR_TYPE__INIT;
    Actr__AIdCredential credential = ACTR__AID_CREDENTIAL__INIT;
    realm.has_realm_id = id.has_serial_number = credential.has_encrypted_token = credential.has_token_key_id = 1;
    realm.realm_id = 7;
    type.manufacturer = (char[]){"acme"};
    type.name = (char[]){"fake"};
    id.realm = &realm;
    id.type = &type;
    id.serial_number = serial;
    credential.encrypted_token.data = (uint8_t *)(uintptr_t)token;
    credential.encrypted_token.len = strlen(token);
    credential.token_key_id = 3;
    ok.actr_id = &id;
    ok.credential = &credential;
    ok.has_signaling_heartbeat_interval_secs = 1;
    ok.signaling_heartbeat_interval_secs = interval;
    response.result_case = ACTR__REGISTER_RESPONSE__RESULT_SUCCESS;
    response.success = &ok;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE;
    body.register_response = &response;
    fake_reply(server, request, &body);
}

static inline void fake_reply_pong(fake_server_t *server, const Signaling__SignalingEnvelope *request)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__Pong pong = ACTR__PONG__INIT;
    pong.has_seq = 1;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_PONG;
    body.pong = &pong;
    fake_reply(server, request, &body);
}

static inline void fake_reply_unregistered(fake_server_t *server, const Signaling__SignalingEnvelope *request)
{
    Signaling__SignalingToActr body = SIGNALING__SIGNALING_TO_ACTR__INIT;
    Actr__EmptyResponse response = ACTR__EMPTY_RESPONSE__INIT;
    Actr__Empty empty = ACTR__EMPTY__INIT;
    response.result_case = ACTR__EMPTY_RESPONSE__RESULT_SUCCESS;
    response.success = &empty;
    body.payload_case = SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_UNREGISTER_RESPONSE;
    body.unregister_response = &response;
    fake_reply(server, request, &body);
}

/* What a well-meaning server says. */
static inline void fake_answer(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    if (envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER) {
        fake_reply_registered(server, envelope, ++server->serial, "secret-token", 30);
    } else if (envelope->flow_case == SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER) {
        switch (envelope->actr_to_server->payload_case) {
        case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING: fake_reply_pong(server, envelope); break;
        case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_CREDENTIAL_UPDATE_REQUEST:
            fake_reply_registered(server, envelope, 99, "newer-token", 30);
            break;
        case SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_UNREGISTER_REQUEST: fake_reply_unregistered(server, envelope); break;
        default: break;
        }
    }
}

static inline bool fake_upgrade(fake_server_t *server)
{
    char request[4096] = "", key[64] = "", accept[32], answer[256];
    size_t used = 0;
    while (strstr(request, "\r\n\r\n") == NULL) {
        if (used + 1 >= sizeof request || !fake_read(server, request + used, 1)) return false;
        request[++used] = '\0';
    }
    actri_lock(&server->mutex);
    server->last_path[0] = '\0';
    (void)sscanf(request, "GET %2047s", server->last_path);
    server->connections++;
    fake_manner_t manner = server->manner;
    actri_cond_broadcast(&server->changed);
    actri_unlock(&server->mutex);
    if (manner != FAKE_POLITE) {
        const char *texts[] = {
            [FAKE_HTTP_404] = "404 Not Found", [FAKE_HTTP_200] = "200 OK", [FAKE_HTTP_503] = "503 Busy"};
        if (manner == FAKE_SILENT) {
            char nothing;
            (void)fake_read(server, &nothing, 1);
        } else if (manner != FAKE_HANG_UP) {
            int size = snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno", texts[manner]);
            (void)fake_write(server, answer, (size_t)size);
        }
        return false;
    }
    const char *at = strcasestr(request, "sec-websocket-key:");
    if (at == NULL || sscanf(at + 18, " %32s", key) != 1) return false;
    uint8_t digest[SHA_DIGEST_LENGTH];
    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    (void)SHA1((uint8_t *)key, strlen(key), digest);
    (void)EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    return fake_write(server, answer, (size_t)size);
}

static inline void fake_count(fake_server_t *server, unsigned *counter)
{
    actri_lock(&server->mutex);
    (*counter)++;
    actri_cond_broadcast(&server->changed);
    actri_unlock(&server->mutex);
}

/* Client frames are masked and, for what the tests send, never fragmented. */
static inline bool fake_serve_frame(fake_server_t *server)
{
    uint8_t head[2], more[8], mask[4];
    if (!fake_read(server, head, 2)) return false;
    uint64_t wide = head[1] & 127u;
    unsigned extra = wide == 126 ? 2 : wide == 127 ? 8 : 0;
    if (extra > 0 && !fake_read(server, more, extra)) return false;
    if (extra > 0) wide = 0;
    for (unsigned i = 0; i < extra; i++) wide = wide << 8 | more[i];
    if (!fake_read(server, mask, 4)) return false;
    if (wide > 64u << 20) return false;
    size_t size = (size_t)wide;
    uint8_t *bytes = malloc(size + 1);
    bool good = fake_read(server, bytes, size);
    for (size_t i = 0; i < size; i++) bytes[i] ^= mask[i & 3];
    unsigned opcode = head[0] & 15u;
    if (good && opcode == 9) {
        fake_count(server, &server->pings);
        fake_frame(server, 10, true, bytes, size);
    } else if (good && opcode == 8) {
        fake_count(server, &server->closes);
        fake_frame(server, 8, true, bytes, size);
        good = false;
    } else if (good && opcode == 2) {
        Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, size, bytes);
        fake_count(server, &server->messages);
        if (envelope != NULL) (server->answer != NULL ? server->answer : fake_answer)(server, envelope);
        signaling__signaling_envelope__free_unpacked(envelope, NULL);
        actri_lock(&server->mutex);
        if (server->hang_up) good = server->hang_up = false;
        actri_unlock(&server->mutex);
    }
    free(bytes);
    return good;
}

static inline bool fake_secure(fake_server_t *server)
{
    if (server->tls == NULL) return true;
    server->ssl = SSL_new(server->tls);
    return SSL_set_fd(server->ssl, server->client) == 1 && SSL_accept(server->ssl) == 1;
}

static inline void fake_run(void *argument)
{
    fake_server_t *server = argument;
    for (;;) {
        struct pollfd fds[2] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->wake[0], .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[1].revents != 0) {
            char byte;
            (void)!read(server->wake[0], &byte, 1);
            actri_lock(&server->mutex);
            bool ending = server->ending;
            actri_unlock(&server->mutex);
            if (ending) return;
            continue;
        }
        server->client = accept(server->listener, NULL, NULL);
        if (server->client < 0) continue;
        bool open = fake_secure(server) && fake_upgrade(server);
        while (open) open = fake_serve_frame(server);
        SSL_free(server->ssl);
        server->ssl = NULL;
        (void)close(server->client);
        server->client = -1;
    }
}

static inline void fake_start(fake_server_t *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->client = -1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(server->listener, (struct sockaddr *)&address, sizeof address));
    assert_int_equal(0, listen(server->listener, 8));
    assert_int_equal(0, getsockname(server->listener, (struct sockaddr *)&address, &size));
    assert_int_equal(0, pipe(server->wake));
    server->port = ntohs(address.sin_port);
    actri_mutex_init(&server->mutex);
    actri_cond_init(&server->changed);
    actr_error_t error = ACTR_ERROR_INIT;
    assert_ok(actri_thread_start(&server->thread, "fake", fake_run, server, &error), &error);
}

/* Ends the connection that is open now; the server stays. */
static inline void fake_kick(fake_server_t *server)
{
    (void)!write(server->wake[1], "x", 1);
}

static inline void fake_stop(fake_server_t *server)
{
    actri_lock(&server->mutex);
    server->ending = true;
    actri_unlock(&server->mutex);
    fake_kick(server);
    actri_thread_join(&server->thread);
    (void)close(server->listener);
    (void)close(server->wake[0]);
    (void)close(server->wake[1]);
    actri_cond_destroy(&server->changed);
    actri_mutex_destroy(&server->mutex);
}

/* Waits until *counter is at least least; fails the test after 20 s. */
static inline void fake_wait(fake_server_t *server, const unsigned *counter, unsigned least)
{
    int64_t deadline = actri_now_ns() + 20 * ACTRI_SECOND;
    bool good = true;
    actri_lock(&server->mutex);
    while (good && *counter < least) good = actri_cond_wait(&server->changed, &server->mutex, deadline);
    actri_unlock(&server->mutex);
    assert_true(good);
}

#endif
