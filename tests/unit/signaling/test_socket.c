/* SPDX-License-Identifier: Apache-2.0 */
/* The client's socket: odd frames, large and split messages, a server that does not read, TLS. */
#include "check.h"

#include "client_bench.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* A relay from another actor with text as its SDP; for free(). */
static uint8_t *relay_bytes(const char *text, size_t *size)
{
    char id[] = "x", maker[] = "acme", name[] = "peer";
    Signaling__SignalingEnvelope envelope = SIGNALING__SIGNALING_ENVELOPE__INIT;
    Signaling__ActrRelay relay = SIGNALING__ACTR_RELAY__INIT;
    Actr__ActrId actor = ACTR__ACTR_ID__INIT;
    Actr__Realm realm = ACTR__REALM__INIT;
    Actr__ActrType type = ACTR__ACTR_TYPE__INIT;
    Webrtc__SessionDescription description = WEBRTC__SESSION_DESCRIPTION__INIT;
    type.manufacturer = maker;
    type.name = name;
    realm.has_realm_id = actor.has_serial_number = 1;
    actor.realm = &realm;
    actor.type = &type;
    relay.source = relay.target = &actor;
    description.sdp = (char *)(uintptr_t)text;
    relay.payload_case = SIGNALING__ACTR_RELAY__PAYLOAD_SESSION_DESCRIPTION;
    relay.session_description = &description;
    envelope.envelope_id = id;
    envelope.flow_case = SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY;
    envelope.actr_relay = &relay;
    *size = signaling__signaling_envelope__get_packed_size(&envelope);
    uint8_t *bytes = malloc(*size);
    (void)signaling__signaling_envelope__pack(&envelope, bytes);
    return bytes;
}

static char *long_text(size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'v', size);
    text[size] = '\0';
    return text;
}

/* Once the client beats: everything that is odd, and a good relay at the end. */
static void send_oddities(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    size_t size;
    fake_answer(server, envelope);
    if (envelope->flow_case != SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_TO_SERVER) return;
    if (envelope->actr_to_server->payload_case != SIGNALING__ACTR_TO_SIGNALING__PAYLOAD_PING) return;
    uint8_t *bytes = relay_bytes("one", &size);
    fake_frame(server, 1, true, "text is ignored", 15);
    fake_frame(server, 1, true, bytes, size); /* also when it would parse */
    fake_frame(server, 2, true, "\xff\xff garbage", 10);
    fake_frame(server, 2, true, NULL, 0);
    fake_frame(server, 9, true, "ping", 4);
    fake_frame(server, 2, false, bytes, 5); /* in pieces, with a Ping between them */
    fake_frame(server, 9, true, NULL, 0);
    fake_frame(server, 0, false, bytes + 5, 5);
    fake_frame(server, 0, true, bytes + 10, size - 10);
    free(bytes);
    char *text = long_text(200000);
    bytes = relay_bytes(text, &size);
    fake_frame(server, 2, true, bytes, size);
    free(bytes);
    free(text);
    text = long_text(5 << 20);
    bytes = relay_bytes(text, &size);
    fake_frame(server, 2, true, bytes, size); /* more than we take */
    free(bytes);
    free(text);
    bytes = relay_bytes("last", &size);
    fake_frame(server, 2, true, bytes, size);
    free(bytes);
}

static void odd_frames_are_survived(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    actri_signaling_counters_t counters;
    watch_init(&watch);
    fake_start(&server);
    server.answer = send_oddities;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    watch_wait(&watch, &watch.relays, 3); /* the one in pieces, the large one, the last */
    assert_string_equal("last", watch.text);
    stopped(client);
    actri_signaling_counters(client, &counters);
    assert_int_equal(1, counters.bad_envelopes);
    assert_int_equal(3, counters.relays_received);
    assert_int_equal(0, counters.losses);
    assert_int_equal(1, server.connections);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
}

/* Stops reading while the gate is shut. */
typedef struct gate {
    actri_mutex_t mutex;
    actri_cond_t changed;
    bool shut;
    unsigned relays;
} gate_t;

static void read_slowly(fake_server_t *server, const Signaling__SignalingEnvelope *envelope)
{
    gate_t *gate = server->user;
    fake_answer(server, envelope);
    if (envelope->flow_case != SIGNALING__SIGNALING_ENVELOPE__FLOW_ACTR_RELAY) return;
    actri_lock(&gate->mutex);
    gate->relays++;
    while (gate->shut) (void)actri_cond_wait(&gate->changed, &gate->mutex, ACTRI_NEVER);
    actri_unlock(&gate->mutex);
}

static void open_gate(gate_t *gate)
{
    actri_lock(&gate->mutex);
    gate->shut = false;
    actri_cond_broadcast(&gate->changed);
    actri_unlock(&gate->mutex);
}

static void a_server_that_does_not_read_bounds_the_queue(void **state)
{
    (void)state;
    fake_server_t server;
    watch_t watch;
    gate_t gate = {.shut = true};
    actri_signaling_counters_t counters;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_mutex_init(&gate.mutex);
    actri_cond_init(&gate.changed);
    watch_init(&watch);
    fake_start(&server);
    server.answer = read_slowly;
    server.user = &gate;
    actri_signaling_t *client = client_new(server.port, "127.0.0.1", &watch);
    started(client);
    char *text = long_text(60000);
    actri_relay_t relay = {.kind = ACTRI_RELAY_OFFER, .target = {.serial_number = 5, .realm = 7, .type = {"a", "b"}}};
    relay.text = text;
    actr_status_t status = ACTR_OK;
    unsigned taken = 0;
    for (; status == ACTR_OK && taken < 1000; taken += status == ACTR_OK) {
        status = actri_signaling_relay(client, &relay, &error);
    }
    assert_status(ACTR_STATUS_LIMIT_REACHED, status);
    open_gate(&gate);
    fake_wait(&server, &server.messages, 2 + taken); /* what was taken arrives */
    actri_signaling_counters(client, &counters);
    assert_int_equal(1, counters.limits_reached);
    stopped(client);
    actri_signaling_counters(client, &counters);
    assert_int_equal(taken, counters.relays_sent);
    assert_int_equal(0, counters.relays_dropped);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actri_signaling_relay(client, &relay, &error));
    free(text);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
    actri_cond_destroy(&gate.changed);
    actri_mutex_destroy(&gate.mutex);
}

/* ---- TLS ---- */

static X509 *certificate_for(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    char alternative[128];
    (void)snprintf(alternative, sizeof alternative, "DNS:%s", name);
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, subject);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    X509_EXTENSION *authority = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    assert_int_equal(1, X509_add_ext(certificate, names, -1));
    assert_int_equal(1, X509_add_ext(certificate, authority, -1));
    X509_EXTENSION_free(names);
    X509_EXTENSION_free(authority);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* A TLS server whose certificate, for name, lies in path as a root. */
static void secure(fake_server_t *server, const char *name, const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = certificate_for(key, name);
    server->tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(1, SSL_CTX_use_certificate(server->tls, certificate));
    assert_int_equal(1, SSL_CTX_use_PrivateKey(server->tls, key));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(1, PEM_write_X509(file, certificate));
    (void)fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

typedef struct tls_case {
    fake_server_t server;
    watch_t watch;
    char folder[64], root[96], url[128];
    actri_signaling_t *client;
} tls_case_t;

static void tls_open(tls_case_t *test, const char *name, bool trusted)
{
    (void)snprintf(test->folder, sizeof test->folder, "/tmp/actr-tls-XXXXXX");
    assert_non_null(mkdtemp(test->folder));
    (void)snprintf(test->root, sizeof test->root, "%s/root.pem", test->folder);
    watch_init(&test->watch);
    fake_start(&test->server);
    secure(&test->server, name, test->root);
    assert_int_equal(0, setenv("SSL_CERT_FILE", trusted ? test->root : "/dev/null", 1)); /* the system's roots */
    (void)snprintf(test->url, sizeof test->url, "wss://localhost:%u/signaling/ws", test->server.port);
    test->client = client_of(test->url, NULL, &test->watch);
}

static void tls_close(tls_case_t *test)
{
    actri_signaling_free(test->client);
    fake_stop(&test->server);
    SSL_CTX_free(test->server.tls);
    watch_clear(&test->watch);
    (void)unlink(test->root);
    (void)rmdir(test->folder);
    (void)unsetenv("SSL_CERT_FILE");
}

static void rule_10_wss_works_with_the_systems_roots(void **state)
{
    (void)state;
    tls_case_t test;
    tls_open(&test, "localhost", true);
    started(test.client);
    fake_wait(&test.server, &test.server.messages, 2);
    stopped(test.client);
    tls_close(&test);
}

static void tls_refused(const char *name, bool trusted, const char *words)
{
    tls_case_t test;
    actr_error_t error = ACTR_ERROR_INIT;
    tls_open(&test, name, trusted);
    assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actri_signaling_start(test.client, in_seconds(1), &error));
    if (strstr(error.message, words) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    assert_int_equal(0, test.server.messages);
    tls_close(&test);
}

static void rule_10_wss_refuses_a_wrong_certificate(void **state)
{
    (void)state;
    tls_refused("localhost", false, "self-signed");
    tls_refused("somebody.else", true, "hostname mismatch");
}

/* ---- logs ---- */

typedef struct lines {
    actri_mutex_t mutex;
    unsigned count, warnings;
    bool secret;
} lines_t;

static void keep_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    lines_t *lines = user;
    (void)area;
    actri_lock(&lines->mutex);
    lines->count++;
    if (level == ACTR_LOG_WARN && strstr(line, "not encrypted") != NULL) lines->warnings++;
    if (strstr(line, "secret") != NULL || strstr(line, "c2VjcmV0") != NULL) lines->secret = true;
    actri_unlock(&lines->mutex);
}

static void tokens_are_never_logged(void **state)
{
    (void)state;
    lines_t lines = {0};
    actri_mutex_init(&lines.mutex);
    const actri_env_t env = {.log = keep_line, .log_user = &lines, .log_level = ACTR_LOG_TRACE};
    fake_server_t server;
    watch_t watch;
    char url[128];
    watch_init(&watch);
    fake_start(&server);
    (void)snprintf(url, sizeof url, "ws://127.0.0.1:%u/", server.port);
    actri_signaling_t *client = client_of(url, &env, &watch);
    started(client);
    fake_wait(&server, &server.messages, 2);
    fake_kick(&server);
    watch_wait(&watch, &watch.states[ACTRI_SIGNALING_REGISTERED], 2); /* its URL held the token */
    stopped(client);
    assert_true(lines.count > 5);
    assert_int_equal(0, lines.warnings); /* loopback */
    assert_false(lines.secret);
    actri_signaling_free(client);
    fake_stop(&server);
    watch_clear(&watch);
    actri_mutex_destroy(&lines.mutex);
}

static void plain_ws_beyond_loopback_warns_once(void **state)
{
    (void)state;
    lines_t lines = {0};
    actri_mutex_init(&lines.mutex);
    const actri_env_t env = {.log = keep_line, .log_user = &lines, .log_level = ACTR_LOG_WARN};
    watch_t watch;
    watch_init(&watch);
    actri_signaling_t *client = client_of("ws://no-such-host.invalid/", &env, &watch);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(ACTR_STATUS_SIGNALING_UNAVAILABLE, actri_signaling_start(client, actri_now_ns(), NULL));
    }
    actri_signaling_free(client);
    assert_int_equal(1, lines.warnings);
    watch_clear(&watch);
    actri_mutex_destroy(&lines.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_frames_are_survived),
        cmocka_unit_test(a_server_that_does_not_read_bounds_the_queue),
        cmocka_unit_test(rule_10_wss_works_with_the_systems_roots),
        cmocka_unit_test(rule_10_wss_refuses_a_wrong_certificate),
        cmocka_unit_test(tokens_are_never_logged),
        cmocka_unit_test(plain_ws_beyond_loopback_warns_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
