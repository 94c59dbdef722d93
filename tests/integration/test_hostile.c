/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that live on, over real connections: garbage on the data channels, descriptions that can not be, floods. */
#include "fixture.h"

#include "lifecycle/node.h"
#include "unit/signaling/client_bench.h"

/* ---- garbage on the data channels ---- */

typedef struct raw {
    actri_parcel_t parcel;
    fixture_node_t *from;
    unsigned done;
} raw_t;

static void on_raw_done(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    raw_t *raw = ACTRI_CONTAINER(parcel, raw_t, parcel);
    (void)sent_on;
    (void)error;
    actr_buf_release(parcel->message);
    if (status == ACTR_OK) fixture_changed(raw->from, &raw->done);
}

/* Sends these bytes as one message on the lane, past everything that checks what we send. */
static void send_raw(fixture_node_t *from, const actr_dest_t *to, actr_payload_type_t lane, const void *data,
                     size_t size)
{
    raw_t raw = {.from = from};
    raw.parcel.to = to->id;
    raw.parcel.lane = lane;
    raw.parcel.deadline_ns = actri_now_ns() + FIXTURE_LIMIT_NS;
    raw.parcel.done = on_raw_done;
    raw.parcel.message = actri_buf_copy(NULL, data, size);
    assert_non_null(raw.parcel.message);
    actri_outproc_send(from->node->outproc, &raw.parcel);
    fixture_wait(from, &raw.done, 1);
}

static void test_garbage_on_every_lane(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    uint8_t junk[1000];
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "before", 0, &error), &error);
    for (size_t i = 0; i < sizeof junk; i++) junk[i] = (uint8_t)(i * 37 + 255); /* begins with an impossible tag */
    static const actr_payload_type_t lanes[] = {ACTR_RPC_RELIABLE, ACTR_RPC_SIGNAL, ACTR_STREAM_RELIABLE,
                                                ACTR_STREAM_LATENCY_FIRST};
    for (size_t lane = 0; lane < sizeof lanes / sizeof lanes[0]; lane++) {
        send_raw(&a, &to_b, lanes[lane], junk, sizeof junk);
        send_raw(&a, &to_b, lanes[lane], junk, 1);
    }
    send_raw(&a, &to_b, ACTR_RPC_RELIABLE, "\0\0\0\2", 4); /* a frame of the later line (levels 4) */
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "after, on the same connection", 0, &error), &error);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(b.ref, &stats);
    assert_true(stats.bad_messages >= 4); /* those of the RPC lanes, by the order of the reliable one */
    assert_int_equal(stats.peers_closed, 0);
    assert_int_equal(stats.requests_handled, 2);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* ---- descriptions and candidates that can not be ---- */

static const char NO_FINGERPRINT[] =
    "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
    "a=setup:actpass\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    "a=sctp-port:5000\r\n";

static void test_impossible_relays(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    watch_t watch;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    fixture_node(&b, &f, "b");
    watch_init(&watch);
    actri_signaling_t *evil = NULL;
    actri_signaling_options_t options = {.url = f.url, .type = {"acme", "evil"}, .realm = 1001, .form = 'A'};
    assert_ok(actri_signaling_new(&options, &watch_handlers, &watch, &evil, &error), &error);
    started(evil);
    static const struct {
        actri_relay_kind_t kind;
        const char *text;
    } relays[] = {
        {ACTRI_RELAY_OFFER, NO_FINGERPRINT},
        {ACTRI_RELAY_OFFER, "no SDP at all"},
        {ACTRI_RELAY_OFFER, ""},
        {ACTRI_RELAY_ANSWER, NO_FINGERPRINT}, /* to no offer */
        {ACTRI_RELAY_ICE_RESTART_OFFER, NO_FINGERPRINT},
        {ACTRI_RELAY_RENEGOTIATION_OFFER, "x"},
        {ACTRI_RELAY_ICE_RESTART_REQUEST, NULL},
        {ACTRI_RELAY_CANDIDATE, "candidate:1 1 udp 1 256.1.1.1 99999 typ host"},
        {ACTRI_RELAY_CANDIDATE, "candidate:"},
    };
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof relays / sizeof relays[0]; i++) {
            actri_relay_t relay = {.kind = relays[i].kind, .target = *actr_ref_actor_id(b.ref), .text = relays[i].text};
            assert_ok(actri_signaling_relay(evil, &relay, &error), &error);
        }
    }
    actr_dest_t to_b = fixture_find(&a, "b");
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "b lives on", 0, &error), &error);
    actr_node_stats_t stats = {.struct_size = sizeof stats};
    actr_ref_stats(b.ref, &stats);
    assert_int_equal(stats.peers_connected, 1);
    stopped(evil);
    actri_signaling_free(evil);
    watch_clear(&watch);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

/* ---- more than the mailbox takes ---- */

typedef struct flood {
    fixture_node_t *from;
    unsigned ended, answered, refused;
} flood_t;

static void on_flooded(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    flood_t *flood = user;
    (void)error;
    actr_buf_release(reply);
    actri_lock(&flood->from->mutex);
    if (status == ACTR_OK) flood->answered++;
    if (status == ACTR_STATUS_MAILBOX_FULL) flood->refused++;
    flood->ended++;
    actri_cond_broadcast(&flood->from->changed);
    actri_unlock(&flood->from->mutex);
}

static void test_a_flood_is_refused_by_name(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    fixture_open(&f);
    fixture_node(&a, &f, "a");
    actr_config_t small = fixture_config(&f, "b");
    small.mailbox_max_messages = 10;
    fixture_start(&b, &small);
    actr_dest_t to_b = fixture_find(&a, "b");
    flood_t flood = {.from = &a};
    actr_bytes_t payload = {"x", 1};
    assert_ok(actr_ctx_call_async(actr_ref_ctx(a.ref), &to_b, "x.Slow", payload, NULL, on_flooded, &flood, &error),
              &error);
    fixture_wait(&b, &b.slow_begun, 1); /* from here on nothing is handled */
    for (unsigned i = 0; i < 100; i++) {
        assert_ok(actr_ctx_call_async(actr_ref_ctx(a.ref), &to_b, "x.Echo", payload, NULL, on_flooded, &flood, &error),
                  &error);
    }
    fixture_wait(&a, &flood.refused, 89); /* 10 with the slow one, or 11 */
    fixture_open_gate(&b);
    fixture_wait(&a, &flood.ended, 101);
    assert_int_equal(flood.refused + flood.answered, 101);
    assert_true(flood.answered >= 10);
    fixture_wait(&b, &b.pressed, 1); /* told, once, although 89 more came */
    assert_int_equal(b.pressed, 1);
    assert_ok(fixture_call(&a, &to_b, "x.Echo", "room again", 0, &error), &error);
    fixture_stop(&a);
    fixture_stop(&b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage_on_every_lane),
        cmocka_unit_test(test_impossible_relays),
        cmocka_unit_test(test_a_flood_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
