/* SPDX-License-Identifier: Apache-2.0 */
/* A node with exports registers; another client asks the server for its specification, on a socket of its own. */
#include "fixture.h"

#include "signaling.pb-c.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static const actr_export_t exports[] = {
    {"echo.proto", "syntax = \"proto3\";\npackage echo;\nmessage EchoRequest { string message = 1; }\n"
                   "message EchoResponse { string reply = 1; uint64 timestamp = 2; }\n"
                   "service EchoService { rpc Echo(EchoRequest) returns (EchoResponse); }\n"},
};
static const char published[] = "service_semantic:0d0d204d724cafc1cb8fd5d6f68ca683d9f6546c6e70deab75781a2f4230a755";

/* ---- a WebSocket client that speaks just enough ---- */

static void send_all(int socket, const void *data, size_t size)
{
    assert_int_equal(size, send(socket, data, size, MSG_NOSIGNAL));
}

static void read_all(int socket, void *data, size_t size)
{
    for (uint8_t *at = data; size > 0;) {
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        if (poll(&ready, 1, 30000) != 1) fail_msg("the server does not answer");
        ssize_t got = recv(socket, at, size, 0);
        if (got <= 0) fail_msg("the server hung up");
        at += got;
        size -= (size_t)got;
    }
}

static int dial(const fixture_t *f)
{
    char request[512], line[4] = "";
    unsigned port = 0;
    assert_int_equal(1, sscanf(f->url, "ws://127.0.0.1:%u", &port));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(0, connect(client, (struct sockaddr *)&address, sizeof address));
    int size = snprintf(request, sizeof request,
                        "GET /signaling/ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        port);
    send_all(client, request, (size_t)size);
    for (unsigned i = 0; memcmp(line, "\r\n\r\n", 4) != 0; i++) {
        memmove(line, line + 1, 3);
        read_all(client, line + 3, 1);
        assert_true(i < 4096);
    }
    return client;
}

/* RFC 6455, 5.2: a client masks, here with zeros. */
static void say(int client, Signaling__SignalingEnvelope *envelope)
{
    uint8_t frame[2048] = {0x82, 0x80 | 126};
    size_t size = signaling__signaling_envelope__get_packed_size(envelope);
    assert_true(size < sizeof frame - 8);
    frame[2] = (uint8_t)(size >> 8);
    frame[3] = (uint8_t)size;
    (void)signaling__signaling_envelope__pack(envelope, frame + 8);
    send_all(client, frame, size + 8);
}

static Signaling__SignalingEnvelope *hear(int client)
{
    static uint8_t data[65536];
    uint8_t head[4];
    read_all(client, head, 2);
    size_t size = head[1];
    if (size == 126) {
        read_all(client, head + 2, 2);
        size = (size_t)head[2] << 8 | head[3];
    }
    assert_true(size < sizeof data);
    read_all(client, data, size);
    Signaling__SignalingEnvelope *envelope = signaling__signaling_envelope__unpack(NULL, size, data);
    assert_non_null(envelope);
    assert_int_equal(SIGNALING__SIGNALING_ENVELOPE__FLOW_SERVER_TO_ACTR, envelope->flow_case);
    return envelope;
}

/* The envelope with the asker's identity in it; the caller frees. */
static Signaling__SignalingEnvelope *join(int client)
{
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    Signaling__PeerToSignaling body = SIGNALING__PEER_TO_SIGNALING__INIT;
    Actr__RegisterRequest request = ACTR__REGISTER_REQUEST__INIT;
    Actr__ActrType type = ACTR__ACTR_TYPE__INIT;
    Actr__Realm realm = ACTR__REALM__INIT;
    type.manufacturer = (char[]){"acme"};
    type.name = (char[]){"asker"};
    realm.has_realm_id = 1;
    realm.realm_id = 1001;
    request.actr_type = &type;
    request.realm = &realm;
    body.payload_case = SIGNALING__PEER_TO_SIGNALING__PAYLOAD_REGISTER_REQUEST;
    body.register_request = &request;
    envelope.envelope_id = (char[]){"one"};
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_PEER_TO_SERVER;
    envelope.peer_to_server = &body;
    say(client, &envelope);
    Signaling__SignalingEnvelope *answer = hear(client);
    assert_int_equal(SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_REGISTER_RESPONSE, answer->server_to_actr->payload_case);
    assert_int_equal(ACTR__REGISTER_RESPONSE__RESULT_SUCCESS, answer->server_to_actr->register_response->result_case);
    return answer;
}

static Signaling__SignalingEnvelope *ask(int client, const char *name)
{
    Signaling__SignalingEnvelope *joined = join(client), envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    Signaling__ActrToSignaling body = SIGNALING__ACTR_TO_SIGNALING__INIT;
    Actr__GetServiceSpecRequest request = ACTR__GET_SERVICE_SPEC_REQUEST__INIT;
    Actr__RegisterOk *ok = joined->server_to_actr->register_response->success;
    request.name = (char *)(uintptr_t)name;
    body.source = ok->actr_id;
    body.credential = ok->credential;
    body.payload_case = SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_GET_SERVICE_SPEC_REQUEST;
    body.get_service_spec_request = &request;
    envelope.envelope_id = (char[]){"two"};
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER;
    envelope.actr_to_server = &body;
    say(client, &envelope);
    signaling__signaling_envelope__free_unpacked(joined, NULL);
    Signaling__SignalingEnvelope *answer = hear(client);
    assert_int_equal(SIGNALING__SIGNALING_TO_ACTR__PAYLOAD_GET_SERVICE_SPEC_RESPONSE,
                     answer->server_to_actr->payload_case);
    return answer;
}

/* ---- the tests ---- */

static void asked_for(const char *form)
{
    static const char *const tags[] = {"latest"};
    fixture_t f;
    fixture_node_t a;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "echo");
    config.exports = exports;
    config.export_count = 1;
    config.description = "echoes";
    config.tags = tags;
    config.tag_count = 1;
    config.server_form = form;
    fixture_start(&a, &config);
    int client = dial(&f);
    Signaling__SignalingEnvelope *answer = ask(client, "echo");
    Actr__GetServiceSpecResponse *response = answer->server_to_actr->get_service_spec_response;
    assert_int_equal(ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_SUCCESS, response->result_case);
    /* the asker has not said that it knows form B, so it gets form A, whatever the node sent */
    Actr__ServiceSpecA *spec = actr__service_spec_a__unpack(NULL, response->success.len, response->success.data);
    assert_non_null(spec);
    assert_string_equal(published, spec->fingerprint);
    assert_string_equal("echoes", spec->description);
    assert_int_equal(1, spec->n_protobufs);
    assert_string_equal("echo", spec->protobufs[0]->package);
    assert_string_equal(exports[0].content, spec->protobufs[0]->content);
    assert_string_equal("semantic:94251c55ce69cc88b6e7ac77dc3a1fc3a8c899856ff47661ebca0f0cfe6cd317",
                        spec->protobufs[0]->fingerprint);
    assert_int_equal(1, spec->n_tags);
    assert_string_equal("latest", spec->tags[0]);
    assert_true(spec->has_published_at && spec->published_at > 0);
    actr__service_spec_a__free_unpacked(spec, NULL);
    signaling__signaling_envelope__free_unpacked(answer, NULL);
    (void)close(client);
    fixture_stop(&a);
    fixture_close(&f);
}

static void a_registered_specification_can_be_asked_for(void **state)
{
    (void)state;
    asked_for("A");
}

static void also_when_it_was_sent_in_the_newer_form(void **state)
{
    (void)state;
    asked_for("B");
}

static void a_node_with_a_bad_export_registers_without_one(void **state)
{
    (void)state;
    static const actr_export_t bad[] = {{"bad.proto", "message"}};
    fixture_t f;
    fixture_node_t a;
    fixture_open(&f);
    actr_config_t config = fixture_config(&f, "echo");
    config.exports = bad;
    config.export_count = 1;
    fixture_start(&a, &config);
    int client = dial(&f);
    Signaling__SignalingEnvelope *answer = ask(client, "echo");
    Actr__GetServiceSpecResponse *response = answer->server_to_actr->get_service_spec_response;
    assert_int_equal(ACTR__GET_SERVICE_SPEC_RESPONSE__RESULT_ERROR, response->result_case);
    assert_int_equal(404, response->error->code);
    signaling__signaling_envelope__free_unpacked(answer, NULL);
    (void)close(client);
    fixture_stop(&a);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registered_specification_can_be_asked_for),
        cmocka_unit_test(also_when_it_was_sent_in_the_newer_form),
        cmocka_unit_test(a_node_with_a_bad_export_registers_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
