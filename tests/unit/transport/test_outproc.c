/* SPDX-License-Identifier: Apache-2.0 */
/* The out-of-process transport of two nodes over fake connections, a fake server and a virtual clock (tests/sim). */
#include "check.h"
#include "fake_loop.h"
#include "fake_rtc.h"
#include "oom.h"
#include "port/clock.h"
#include "port/random.h"
#include "router.h"
#include "transport/outproc.h"

#include <stdio.h>
#include <string.h>

#define SECONDS(n) ((n)*ACTRI_SECOND)

typedef struct side {
    actri_outproc_t *outproc;
    struct actri_certificate certificate;
    actr_id_t id;
    unsigned client, ups, downs, silents, attempts, failures;
    uint64_t session;
    char got[600]; /* texts in order of arrival, joined by spaces */
    unsigned messages;
} side_t;

static side_t a, b;

static actr_status_t on_relay(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    const side_t *side = user;
    return router_relay(side->client, relay, error);
}

static void on_connecting(void *user, const actr_id_t *peer)
{
    side_t *side = user;
    assert_true(peer->serial_number != 0);
    side->attempts++;
}

static void on_failed(void *user, const actr_id_t *peer, const actr_error_t *why)
{
    side_t *side = user;
    assert_true(peer->serial_number != 0 && why->status < 0);
    side->failures++;
}

static void on_up(void *user, const actri_session_t *session, const char *description)
{
    side_t *side = user;
    (void)description;
    side->ups++;
    side->session = session->number;
}

static void on_silent(void *user, const actri_session_t *session)
{
    side_t *side = user;
    assert_true(session->number == side->session);
    side->silents++;
}

static void on_down(void *user, const actri_session_t *session, const actr_error_t *why)
{
    side_t *side = user;
    assert_true(session->number == side->session && why->status < 0);
    side->downs++;
}

static void on_message(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    side_t *side = user;
    size_t used = strlen(side->got);
    (void)session;
    (void)lane;
    side->messages++;
    (void)snprintf(side->got + used, sizeof side->got - used, "%s%.*s", used == 0 ? "" : " ",
                   (int)(actr_buf_size(message) > 20 ? 20 : actr_buf_size(message)),
                   (const char *)actr_buf_data(message));
    actr_buf_release(message);
}

static void deliver(void *user, const actri_relay_t *relay)
{
    const side_t *side = user;
    if (side->outproc != NULL) actri_outproc_relay(side->outproc, relay);
}

static void side_open(side_t *side, unsigned number, const actri_env_t *env)
{
    static const actri_outproc_handlers_t handlers = {on_relay, on_connecting, on_up,      on_silent,
                                                      on_down,  on_failed,     on_message, NULL};
    memset(side, 0, sizeof *side);
    side->id = (actr_id_t){.serial_number = number, .realm = 1, .type = {"acme", "x"}};
    side->certificate.host = number;
    side->client = router_add(&side->id, deliver, side);
    actri_coordinator_options_t options = {
        .loop = fake_loop(), .env = env, .certificate = &side->certificate, .max_peers = 3};
    actr_error_t error = ACTR_ERROR_INIT;
    if (actri_outproc_new(&options, &handlers, side, &side->outproc, &error) != ACTR_OK) return;
    actri_outproc_set_identity(side->outproc, &side->id);
}

static void side_close(side_t *side)
{
    actri_outproc_free(side->outproc);
    side->outproc = NULL;
}

static int begin(void **state)
{
    (void)state;
    fake_loop_reset();
    fake_net_reset(1);
    router_reset(1);
    actri_random_seed(1);
    side_open(&a, 1, NULL);
    side_open(&b, 2, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    side_close(&a);
    side_close(&b);
    fake_loop_run(SECONDS(100));
    actri_random_seed(0);
    return fake_rtc_alive() == 0 && fake_loop_timers() == 0 ? 0 : -1;
}

typedef struct parcel {
    actri_parcel_t parcel;
    unsigned ended;
    actr_status_t status;
    uint64_t sent_on;
    int64_t when_ns;
    char message[ACTR_ERROR_MESSAGE_SIZE];
} parcel_t;

static void on_done(actri_parcel_t *parcel, actr_status_t status, uint64_t sent_on, const actr_error_t *error)
{
    parcel_t *p = ACTRI_CONTAINER(parcel, parcel_t, parcel);
    assert_int_equal(++p->ended, 1);
    assert_true((status == ACTR_OK) == (sent_on != 0) && (status == ACTR_OK) == (error == NULL));
    p->status = status;
    p->sent_on = sent_on;
    p->when_ns = actri_now_ns();
    if (error != NULL) (void)snprintf(p->message, sizeof p->message, "%s", error->message);
    actr_buf_release(parcel->message);
}

static void send_sized(parcel_t *p, side_t *from, const actr_id_t *to, uint64_t session, actr_payload_type_t lane,
                       const char *text, size_t size, int64_t wait_ns)
{
    memset(p, 0, sizeof *p);
    p->parcel.to = *to;
    p->parcel.session = session;
    p->parcel.lane = lane;
    p->parcel.deadline_ns = actri_now_ns() + wait_ns;
    p->parcel.done = on_done;
    p->parcel.message = actri_buf_new(NULL, size);
    assert_non_null(p->parcel.message);
    memset(p->parcel.message->data, 'x', size);
    memcpy(p->parcel.message->data, text, strlen(text));
    actri_outproc_send(from->outproc, &p->parcel);
    assert_int_equal(p->ended, 0); /* never from inside the call */
}

static void send_text(parcel_t *p, side_t *from, const side_t *to, actr_payload_type_t lane, const char *text)
{
    send_sized(p, from, &to->id, 0, lane, text, strlen(text), SECONDS(30));
}

static void connect_both(void)
{
    parcel_t p;
    send_text(&p, &a, &b, ACTR_RPC_RELIABLE, "first");
    fake_loop_run(SECONDS(2));
    assert_status(ACTR_OK, p.status);
    assert_string_equal(b.got, "first");
    b.got[0] = '\0';
}

static void parcels_wait_for_the_connection_and_keep_their_order(void **state)
{
    (void)state;
    parcel_t p[5];
    static const char *const words[] = {"one", "two", "three", "four", "five"};
    for (int i = 0; i < 5; i++) send_text(&p[i], &a, &b, ACTR_RPC_RELIABLE, words[i]);
    fake_loop_run(SECONDS(2));
    assert_string_equal(b.got, "one two three four five");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(p[i].ended, 1);
        assert_true(p[i].sent_on == a.session);
    }
    assert_int_equal(a.ups, 1);
    assert_int_equal(actri_outproc_peer_count(a.outproc), 1);
}

/* RPC_SIGNAL opens up to a second after RPC_RELIABLE: it must be sent then, and hold up nobody meanwhile. */
static void a_lane_that_opens_later_holds_up_no_other(void **state)
{
    (void)state;
    parcel_t signal, reliable, stream;
    fake_net.lanes_open_late = true;
    send_text(&signal, &a, &b, ACTR_RPC_SIGNAL, "signal");
    send_text(&reliable, &a, &b, ACTR_RPC_RELIABLE, "reliable");
    send_text(&stream, &a, &b, ACTR_STREAM_RELIABLE, "stream");
    while (a.ups == 0) assert_true(fake_loop_turn(ACTRI_NEVER));
    assert_int_equal(reliable.ended, 1);
    assert_int_equal(signal.ended, 0);
    fake_loop_run(SECONDS(2));
    assert_status(ACTR_OK, signal.status);
    assert_status(ACTR_OK, stream.status);
    assert_int_equal(b.messages, 3);
}

static void a_full_connection_sends_signals_first(void **state)
{
    (void)state;
    parcel_t bulk[10], signal;
    connect_both();
    fake_net.send_buffer = 2000;
    for (int i = 0; i < 10; i++) {
        char text[10];
        (void)snprintf(text, sizeof text, "bulk%d", i);
        send_sized(&bulk[i], &a, &b.id, 0, ACTR_RPC_RELIABLE, text, 1000, SECONDS(30));
    }
    send_text(&signal, &a, &b, ACTR_RPC_SIGNAL, "SIGNAL");
    fake_loop_run(SECONDS(5));
    assert_status(ACTR_OK, signal.status);
    assert_true(signal.when_ns < bulk[9].when_ns);
    assert_int_equal(b.messages, 1 + 11);
    for (int i = 1; i < 10; i++) assert_true(bulk[i - 1].when_ns <= bulk[i].when_ns);
}

static void the_deadline_ends_a_waiting_parcel(void **state)
{
    (void)state;
    parcel_t soon, late;
    router.clients[b.client].online = false;
    send_sized(&soon, &a, &b.id, 0, ACTR_RPC_RELIABLE, "soon", 4, SECONDS(2));
    send_sized(&late, &a, &b.id, 0, ACTR_RPC_SIGNAL, "late", 4, SECONDS(20));
    fake_loop_run(SECONDS(3));
    assert_status(ACTR_STATUS_TIMEOUT, soon.status);
    assert_true(soon.when_ns <= soon.parcel.deadline_ns + 100 * ACTRI_MS);
    assert_int_equal(late.ended, 0);
    router.clients[b.client].online = true;
    fake_loop_run(SECONDS(15));
    assert_status(ACTR_OK, late.status);
    assert_string_equal(b.got, "late");
}

static void no_peer_fails_with_the_servers_words(void **state)
{
    (void)state;
    parcel_t p;
    actr_id_t nobody = {.serial_number = 9, .realm = 1, .type = {"acme", "nobody"}};
    send_sized(&p, &a, &nobody, 0, ACTR_RPC_RELIABLE, "x", 1, SECONDS(30));
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_STATUS_UNAVAILABLE, p.status);
    assert_non_null(strstr(p.message, "404"));
    fake_loop_run(SECONDS(1));
    assert_int_equal(fake_loop_timers(), 0);
}

static void too_many_peers_is_an_error(void **state)
{
    (void)state;
    parcel_t p[5];
    router.clients[a.client].online = false;
    for (uint64_t i = 0; i < 5; i++) {
        actr_id_t somebody = {.serial_number = 10 + i, .realm = 1, .type = {"acme", "y"}};
        send_sized(&p[i], &a, &somebody, 0, ACTR_RPC_RELIABLE, "x", 1, SECONDS(5));
    }
    fake_loop_run(SECONDS(1));
    for (int i = 0; i < 5; i++) assert_int_equal(p[i].ended, i >= 3);
    assert_status(ACTR_STATUS_LIMIT_REACHED, p[4].status);
    fake_loop_run(SECONDS(40));
}

static void a_full_queue_is_an_error_that_passes(void **state)
{
    (void)state;
    enum { LARGE = 60000, FIT = (16 << 20) / LARGE };
    static parcel_t p[FIT + 2];
    router.clients[b.client].online = false;
    for (int i = 0; i < FIT + 2; i++) send_sized(&p[i], &a, &b.id, 0, ACTR_RPC_RELIABLE, "x", LARGE, SECONDS(20));
    fake_loop_run(SECONDS(1));
    for (int i = 0; i < FIT; i++) assert_int_equal(p[i].ended, 0);
    assert_status(ACTR_STATUS_LIMIT_REACHED, p[FIT].status);
    assert_status(ACTR_STATUS_LIMIT_REACHED, p[FIT + 1].status);
    router.clients[b.client].online = true;
    fake_net.send_buffer = 64 << 20;
    fake_loop_run(SECONDS(15));
    for (int i = 0; i < FIT; i++) assert_status(ACTR_OK, p[i].status);
    assert_int_equal(b.messages, FIT);
}

static void a_lane_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    parcel_t p;
    send_text(&p, &a, &b, ACTR_MEDIA_RTP, "x");
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, p.status);
}

static void a_reply_goes_on_its_session_only(void **state)
{
    (void)state;
    parcel_t good, other, waiting;
    connect_both();
    send_sized(&good, &b, &a.id, b.session, ACTR_RPC_RELIABLE, "good", 4, SECONDS(30));
    send_sized(&other, &b, &a.id, b.session + 1000, ACTR_RPC_RELIABLE, "other", 5, SECONDS(30));
    fake_loop_run(SECONDS(1));
    assert_status(ACTR_OK, good.status);
    assert_status(ACTR_STATUS_UNAVAILABLE, other.status);
    fake_net.send_buffer = 0; /* the next ones wait */
    send_text(&good, &b, &a, ACTR_RPC_RELIABLE, "fills");
    send_sized(&waiting, &b, &a.id, b.session, ACTR_RPC_RELIABLE, "bound", 5, SECONDS(30));
    fake_net.cut[1][2] = true;
    fake_loop_run(SECONDS(50)); /* the session ends */
    assert_int_equal(b.downs, 1);
    assert_int_equal(waiting.ended, 1);
    assert_int_not_equal(waiting.status, ACTR_OK);
}

/* What never reached SCTP goes on the next connection; a reply of the old one is no reason to make one. */
static void only_what_is_free_to_go_asks_for_a_new_connection(void **state)
{
    (void)state;
    parcel_t fills, bound, unbound;
    connect_both();
    fake_net.send_buffer = 0;
    fake_net.cut[1][2] = true;
    send_text(&fills, &a, &b, ACTR_RPC_RELIABLE, "fills");
    send_sized(&bound, &a, &b.id, a.session, ACTR_RPC_RELIABLE, "bound", 5, SECONDS(300));
    uint64_t relays = 0;
    fake_loop_run(SECONDS(29)); /* restarts are offered until now */
    relays = router.relays;
    fake_loop_run(SECONDS(15));
    assert_int_equal(a.downs, 1);
    assert_int_equal(bound.ended, 1);
    assert_true(router.relays <= relays + 6); /* nobody negotiates */
    assert_int_equal(fake_rtc_alive(), 0);
    fake_net.cut[1][2] = false;
    fake_net.send_buffer = 100000;
    send_text(&unbound, &a, &b, ACTR_RPC_RELIABLE, "unbound");
    fake_loop_run(SECONDS(5));
    assert_status(ACTR_OK, unbound.status);
    assert_int_equal(a.ups, 2);
}

static void closing_fails_what_waits_and_what_comes(void **state)
{
    (void)state;
    parcel_t waiting, inbox, after;
    router.clients[b.client].online = false;
    send_text(&waiting, &a, &b, ACTR_RPC_RELIABLE, "waiting");
    fake_loop_run(SECONDS(1));
    send_text(&inbox, &a, &b, ACTR_RPC_RELIABLE, "inbox");
    actri_outproc_close(a.outproc);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, waiting.status);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, inbox.status);
    send_text(&after, &a, &b, ACTR_RPC_RELIABLE, "after");
    actri_outproc_flush(a.outproc);
    assert_status(ACTR_STATUS_SHUTTING_DOWN, after.status);
    actri_relay_t relay = {.kind = ACTRI_RELAY_OFFER, .source = b.id, .target = a.id, .text = "fake offer 1 1"};
    actri_outproc_relay(a.outproc, &relay);
    actri_outproc_close(a.outproc);
    actri_outproc_flush(a.outproc);
    assert_int_equal(a.ups + a.downs, 0);
}

/* A pending attempt ends at once, and what comes later begins a new one. */
static void an_attempt_can_be_closed(void **state)
{
    (void)state;
    parcel_t waiting, later;
    actr_error_t why = ACTR_ERROR_INIT;
    (void)actri_fail(&why, ACTR_STATUS_UNAVAILABLE, "as asked");
    router.clients[b.client].online = false;
    send_text(&waiting, &a, &b, ACTR_RPC_RELIABLE, "waiting");
    fake_loop_run(SECONDS(1));
    assert_true(actri_outproc_has_peer(a.outproc, &b.id));
    assert_true(actri_outproc_close_peer(a.outproc, &b.id, &why));
    assert_status(ACTR_STATUS_UNAVAILABLE, waiting.status);
    assert_string_equal(waiting.message, "as asked");
    assert_false(actri_outproc_has_peer(a.outproc, &b.id));
    assert_false(actri_outproc_close_peer(a.outproc, &b.id, &why));
    router.clients[b.client].online = true;
    send_text(&later, &a, &b, ACTR_RPC_RELIABLE, "later");
    fake_loop_run(SECONDS(2));
    assert_status(ACTR_OK, later.status);
    assert_string_equal(b.got, "later");
}

static void a_connection_can_be_closed_and_comes_again(void **state)
{
    (void)state;
    parcel_t more;
    actr_error_t why = ACTR_ERROR_INIT;
    actr_outproc_dest_t list[3];
    size_t count = 3;
    (void)actri_fail(&why, ACTR_STATUS_UNAVAILABLE, "as asked");
    connect_both();
    actri_outproc_list(a.outproc, list, &count);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].state, ACTR_DEST_CONNECTED);
    assert_true(actri_outproc_close_peer(a.outproc, NULL, &why)); /* all */
    fake_loop_run(SECONDS(1));
    assert_int_equal(a.downs, 1);
    assert_int_equal(b.downs, 1);
    send_text(&more, &a, &b, ACTR_RPC_RELIABLE, "more");
    fake_loop_run(SECONDS(2));
    assert_string_equal(b.got, "more");
    assert_int_equal(a.ups, 2);
}

static void what_waits_for_room_ends_with_the_connection(void **state)
{
    (void)state;
    parcel_t bulk[6];
    actr_error_t why = ACTR_ERROR_INIT;
    unsigned ended = 0;
    (void)actri_fail(&why, ACTR_STATUS_CANCELLED, "as asked");
    connect_both();
    fake_net.send_buffer = 2000;
    for (int i = 0; i < 6; i++) send_sized(&bulk[i], &a, &b.id, 0, ACTR_STREAM_RELIABLE, "bulk", 1000, SECONDS(30));
    actri_outproc_flush(a.outproc);
    assert_int_equal(bulk[5].ended, 0); /* it waits for room */
    assert_true(actri_outproc_close_peer(a.outproc, &b.id, &why));
    for (int i = 0; i < 6; i++) ended += bulk[i].ended;
    assert_int_equal(ended, 6);
    assert_status(ACTR_STATUS_CANCELLED, bulk[5].status);
    assert_false(actri_outproc_has_peer(a.outproc, &b.id)); /* and nothing made it connect anew */
}

/* The reference copies the bytes with each attempt. */
static void what_waits_is_not_copied(void **state)
{
    (void)state;
    parcel_t p;
    router.clients[b.client].online = false;
    send_text(&p, &a, &b, ACTR_STREAM_RELIABLE, "by reference");
    const actr_buf_t *message = p.parcel.message;
    actri_outproc_totals_t totals;
    fake_loop_run(SECONDS(5)); /* several attempts */
    assert_ptr_equal(p.parcel.message, message);
    assert_int_equal(message->refs, 1);
    actri_outproc_totals(a.outproc, &totals);
    assert_int_equal(totals.queued, 1);
    assert_int_equal(totals.queued_bytes, 12);
    router.clients[b.client].online = true;
    fake_loop_run(SECONDS(5));
    assert_string_equal(b.got, "by reference");
    actri_outproc_totals(a.outproc, &totals);
    assert_int_equal(totals.queued, 0);
    assert_int_equal(totals.queued_bytes, 0);
    assert_int_equal(totals.sent, 1);
}

static void the_peer_notices_a_close(void **state)
{
    (void)state;
    connect_both();
    side_close(&a);
    fake_loop_run(SECONDS(1));
    assert_int_equal(b.downs, 1);
    assert_int_equal(actri_outproc_peer_count(b.outproc), 0);
}

static void each_failed_allocation_is_survived(void **state)
{
    OOM_EACH(oom)
    {
        static parcel_t p[4];
        (void)end(state);
        (void)begin(state);
        side_close(&a);
        router_remove(a.client);
        side_open(&a, 1, &oom.env);
        if (a.outproc != NULL) {
            actr_id_t nobody = {.serial_number = 9, .realm = 1, .type = {"acme", "nobody"}};
            parcel_t back;
            send_text(&p[0], &a, &b, ACTR_RPC_RELIABLE, "one");
            send_text(&p[1], &a, &b, ACTR_RPC_SIGNAL, "two");
            send_sized(&p[2], &a, &nobody, 0, ACTR_RPC_RELIABLE, "three", 5, SECONDS(30));
            send_text(&back, &b, &a, ACTR_RPC_RELIABLE, "back");
            fake_loop_run(SECONDS(35));
            send_text(&p[3], &a, &b, ACTR_RPC_RELIABLE, "four");
            side_close(&a);
            side_close(&b);
            for (int i = 0; i < 4; i++) assert_int_equal(p[i].ended, 1);
            assert_int_equal(back.ended, 1);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parcels_wait_for_the_connection_and_keep_their_order),
        TEST(a_lane_that_opens_later_holds_up_no_other),
        TEST(a_full_connection_sends_signals_first),
        TEST(the_deadline_ends_a_waiting_parcel),
        TEST(no_peer_fails_with_the_servers_words),
        TEST(too_many_peers_is_an_error),
        TEST(a_full_queue_is_an_error_that_passes),
        TEST(a_lane_that_does_not_exist_is_refused),
        TEST(a_reply_goes_on_its_session_only),
        TEST(only_what_is_free_to_go_asks_for_a_new_connection),
        TEST(closing_fails_what_waits_and_what_comes),
        TEST(an_attempt_can_be_closed),
        TEST(a_connection_can_be_closed_and_comes_again),
        TEST(what_waits_for_room_ends_with_the_connection),
        TEST(what_waits_is_not_copied),
        TEST(the_peer_notices_a_close),
        TEST(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
