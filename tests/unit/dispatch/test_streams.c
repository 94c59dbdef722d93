/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of streams alone, over random histories that replay from a seed: the executor is a stand-in whose turns
 * run when the test says, the loop and the clock are those of tests/sim.
 */
#include "check.h"
#include "dispatch/streams.h"
#include "fake_loop.h"
#include "oom.h"
#include "port/clock.h"
#include "proto/datastream.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS 4
#define PEERS 3
#define STEPS 3000

/* ---- the executor ---- */

struct actri_serial {
    actri_link_t tasks;
    actri_link_t all;
};

static actri_link_t serials;

actr_status_t actri_serial_new(actri_pool_t *pool, actri_serial_t **out, actr_error_t *error)
{
    (void)pool;
    (void)error;
    actri_serial_t *serial = calloc(1, sizeof *serial);
    assert_non_null(serial);
    actri_list_init(&serial->tasks);
    actri_list_append(&serials, &serial->all);
    *out = serial;
    return ACTR_OK;
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    (void)high;
    actri_list_append(&serial->tasks, &task->link);
}

static bool run_one(actri_serial_t *serial)
{
    actri_link_t *link = actri_list_take(&serial->tasks);
    if (link == NULL) return false;
    actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
    task->run(task);
    return true;
}

bool actri_serial_wait_idle(actri_serial_t *serial, int64_t deadline_ns)
{
    while (deadline_ns != 0 && run_one(serial)) {
    }
    return actri_list_empty(&serial->tasks);
}

void actri_serial_free(actri_serial_t *serial)
{
    if (serial == NULL) return;
    assert_true(actri_list_empty(&serial->tasks));
    actri_list_remove(&serial->all);
    free(serial);
}

bool actri_pool_needs_me(const actri_pool_t *pool)
{
    (void)pool;
    return false;
}

/* ---- the world ---- */

typedef struct peer_state {
    actri_session_t session;
    bool paused;
    unsigned pauses;
    uint64_t next[STREAMS];                  /* what it sends next to a stream */
    int64_t chunks[STREAMS], bytes[STREAMS]; /* credit, as its gate reckons */
    uint64_t sent;
} peer_state_t;

typedef struct seen { /* by one registration, of one session */
    uint64_t session, last;
    uint64_t peer;
    bool any, ended;
} seen_t;

typedef struct registration {
    bool open;
    uint64_t calls;
    seen_t seen[256];
    unsigned seen_count;
} registration_t;

static struct world {
    actri_streams_t *streams;
    rng_t rng;
    peer_state_t peers[PEERS];
    registration_t registrations[STREAMS];
    uint64_t sessions, delivered, ends, arrived;
    bool refuse_third, no_memory; /* no_memory: to show a chunk */
    unsigned given_up;
    actr_status_t last_status; /* of an end */
} world;

static const char *const names[STREAMS] = {"zero", "one", "two", "three"};

static bool allows(void *user, const actri_session_t *session)
{
    (void)user;
    return !world.refuse_third || session->peer.serial_number != 2;
}

static void pause_peer(void *user, const actri_session_t *session, bool paused)
{
    (void)user;
    for (unsigned i = 0; i < PEERS; i++) {
        peer_state_t *peer = &world.peers[i];
        if (peer->session.number != session->number) continue;
        assert_true(peer->paused != paused); /* balanced */
        peer->paused = paused;
        peer->pauses += paused;
    }
}

static void give_up(void *user, const actri_session_t *session)
{
    (void)user;
    (void)session;
    world.given_up++;
}

static void say(void *user, const actri_session_t *session, const actri_credit_t *credit)
{
    (void)user;
    assert_true(session->credit);
    assert_int_equal(credit->kind, ACTRI_CREDIT_GRANT);
    for (unsigned p = 0; p < PEERS; p++) {
        peer_state_t *peer = &world.peers[p];
        if (peer->session.number != session->number) continue;
        for (unsigned i = 0; i < STREAMS; i++) {
            if (!actri_span_equal(credit->stream_id, actri_span_text(names[i]))) continue;
            peer->chunks[i] += credit->chunks;
            peer->bytes[i] += credit->bytes;
        }
    }
}

static seen_t *seen_of(registration_t *r, uint64_t session)
{
    for (unsigned i = 0; i < r->seen_count; i++) {
        if (r->seen[i].session == session) return &r->seen[i];
    }
    assert_true(r->seen_count < 256);
    seen_t *seen = &r->seen[r->seen_count++];
    *seen = (seen_t){.session = session};
    return seen;
}

/* A sender that has connected again is a new one: the end of the old one has been told. */
static void check_ended_before(const registration_t *r, const actri_session_t *session)
{
    for (unsigned i = 0; i < r->seen_count; i++) {
        const seen_t *seen = &r->seen[i];
        if (seen->session < session->number && seen->peer == session->peer.serial_number) assert_true(seen->ended);
    }
}

/* In order for each sender, nothing after its end, and its end once. */
static bool deliver(const actri_stream_t *stream, const actri_stream_item_t *item)
{
    registration_t *r = actri_stream_spec(stream)->user;
    assert_true(r->open);
    assert_non_null(item->sender);
    seen_t *seen = seen_of(r, item->sender->session.number);
    seen->peer = item->sender->session.peer.serial_number;
    assert_false(seen->ended);
    if (item->buf != NULL) check_ended_before(r, &item->sender->session);
    r->calls++;
    if (item->buf != NULL && world.no_memory) return false;
    if (item->buf == NULL) {
        seen->ended = true;
        world.last_status = item->status;
        world.ends++;
        return true;
    }
    actri_datastream_t chunk;
    assert_int_equal(actri_datastream_decode(actr_buf_data(item->buf), actr_buf_size(item->buf), &chunk, NULL),
                     ACTR_OK);
    if (item->lane == ACTR_STREAM_RELIABLE) {
        if (seen->any) assert_true(chunk.sequence > seen->last);
        seen->any = true;
        seen->last = chunk.sequence;
    }
    world.delivered++;
    return true;
}

static void open_stream(unsigned i)
{
    registration_t *r = &world.registrations[i];
    actr_error_t error = ACTR_ERROR_INIT;
    actri_stream_spec_t spec = {.space = i % 2 ? ACTRI_SPACE_SHELL : ACTRI_SPACE_WORKLOAD,
                                .id = names[i],
                                .max_items = 4,
                                .max_bytes = 4000,
                                .drop_newest = i == 3,
                                .deliver = deliver,
                                .user = r};
    if (r->open) {
        assert_int_equal(actri_streams_register(world.streams, &spec, &error), ACTR_STATUS_INVALID_STATE);
        return;
    }
    r->open = true;
    r->seen_count = 0;
    assert_ok(actri_streams_register(world.streams, &spec, &error), &error);
}

static void close_stream(unsigned i)
{
    actri_stream_space_t space = i % 2 ? ACTRI_SPACE_SHELL : ACTRI_SPACE_WORKLOAD;
    actr_status_t status = actri_streams_unregister(world.streams, space, names[i], NULL);
    assert_int_equal(status, world.registrations[i].open ? ACTR_OK : ACTR_STATUS_NOT_FOUND);
    world.registrations[i].open = false; /* whoever calls from now on fails the test */
}

static actr_buf_t *encode(const char *id, uint64_t sequence, size_t size)
{
    static uint8_t data[2000];
    actri_datastream_t chunk;
    memset(&chunk, 0, sizeof chunk);
    chunk.stream_id = actri_span_text(id);
    chunk.sequence = sequence;
    chunk.payload = actri_span(data, size);
    actr_buf_t *message = actri_buf_new(NULL, actri_datastream_size(&chunk));
    assert_non_null(message);
    actri_datastream_encode(&chunk, message->data);
    return message;
}

static void send(unsigned p, unsigned i)
{
    peer_state_t *peer = &world.peers[p];
    if (peer->paused) return; /* the wire reads nothing from it */
    bool lossy = rng_chance(&world.rng, 25);
    bool held = peer->session.credit && (peer->chunks[i] <= 0 || peer->bytes[i] <= 0);
    if (held && !lossy) return; /* its gate lets none go */
    actr_buf_t *message = rng_chance(&world.rng, 3) ? actri_buf_copy(NULL, "\x0a\xff", 2)
                                                    : encode(names[i], ++peer->next[i], rng_below(&world.rng, 1500));
    if (!lossy && actr_buf_size(message) > 2) {
        peer->chunks[i]--;
        peer->bytes[i] -= (int64_t)actr_buf_size(message);
    }
    world.arrived++;
    actri_streams_arrive(world.streams, &peer->session, lossy ? ACTR_STREAM_LATENCY_FIRST : ACTR_STREAM_RELIABLE,
                         message);
}

static void new_session(unsigned p)
{
    peer_state_t *peer = &world.peers[p];
    memset(peer, 0, sizeof *peer);
    peer->session.number = ++world.sessions;
    peer->session.peer.serial_number = p;
    peer->session.credit = p > 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        peer->chunks[i] = ACTRI_CREDIT_CHUNKS;
        peer->bytes[i] = ACTRI_CREDIT_BYTES;
    }
}

static void lose_session(unsigned p)
{
    actri_streams_session_down(world.streams, &world.peers[p].session);
    new_session(p);
}

static void run_some(void)
{
    for (actri_link_t *at = serials.next, *next; at != &serials; at = next) {
        next = at->next;
        if (rng_chance(&world.rng, 50)) (void)run_one(ACTRI_CONTAINER(at, actri_serial_t, all));
    }
}

static void step(void)
{
    unsigned p = (unsigned)(rng_u64(&world.rng) % PEERS), i = (unsigned)(rng_u64(&world.rng) % STREAMS);
    uint64_t what = rng_u64(&world.rng) % 100;
    if (what < 70)
        send(p, i);
    else if (what < 85)
        run_some();
    else if (what < 93)
        fake_loop_run((int64_t)(rng_u64(&world.rng) % 400) * ACTRI_MS);
    else if (what < 95)
        lose_session(p);
    else if (what < 98)
        open_stream(i);
    else
        close_stream(i);
    if (what < 70 && rng_chance(&world.rng, 30)) fake_loop_end_turn();
}

static actr_status_t begin_with(const actri_env_t *env, uint64_t seed)
{
    actr_error_t error = ACTR_ERROR_INIT;
    memset(&world, 0, sizeof world);
    actri_list_init(&serials);
    fake_loop_reset();
    world.rng.state = seed;
    world.refuse_third = seed % 3 == 0;
    actri_streams_options_t options = {
        .env = env, .loop = fake_loop(), .allows = allows, .pause = pause_peer, .give_up = give_up, .say = say};
    actr_status_t status = actri_streams_new(&options, &world.streams, &error);
    assert_true(status == ACTR_OK || error.status == status);
    for (unsigned p = 0; p < PEERS; p++) new_session(p);
    return status;
}

static void begin(uint64_t seed)
{
    assert_int_equal(begin_with(NULL, seed), ACTR_OK);
}

static void drain(void)
{
    for (int i = 0; i < 50; i++) {
        fake_loop_end_turn();
        for (actri_link_t *at = serials.next; at != &serials; at = at->next) {
            (void)actri_serial_wait_idle(ACTRI_CONTAINER(at, actri_serial_t, all), ACTRI_NEVER);
        }
        fake_loop_run(100 * ACTRI_MS);
    }
}

/* Who knows credit is never paused, and has some again once all has been taken: nobody waits for ever. */
static void check_credit(void)
{
    for (unsigned p = 1; p < PEERS; p++) {
        const peer_state_t *peer = &world.peers[p];
        assert_int_equal(peer->pauses, 0);
        if (!allows(NULL, &peer->session)) continue; /* whom we refuse gets none */
        for (unsigned i = 0; i < STREAMS; i++) assert_true(peer->chunks[i] > 0 && peer->bytes[i] > 0);
    }
}

/* Everything that came is accounted for, and nobody stays paused. */
static void test_random_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        begin(seed);
        for (unsigned i = 0; i < STREAMS; i += 2) open_stream(i);
        for (int n = 0; n < STEPS; n++) step();
        drain();
        const actri_stream_counters_t *c = actri_streams_counters(world.streams);
        for (unsigned p = 0; p < PEERS; p++) assert_false(world.peers[p].paused);
        check_credit();
        if (c->received != world.arrived ||
            c->received != c->delivered + c->dropped + c->unknown + c->undecodable + c->refused) {
            fail_msg("seed %llu: %llu came, %llu are accounted for", (unsigned long long)seed,
                     (unsigned long long)c->received,
                     (unsigned long long)(c->delivered + c->dropped + c->unknown + c->undecodable + c->refused));
        }
        assert_int_equal(c->delivered, world.delivered);
        assert_int_equal(c->queued, 0);
        assert_int_equal(c->queued_bytes, 0);
        assert_true(world.delivered > 100 && world.ends > 0 && c->pauses > 0 && c->unknown > 0 && c->undecodable > 0);
        assert_true((c->refused > 0) == world.refuse_third);
        actri_streams_free(world.streams);
        assert_true(actri_list_empty(&serials));
    }
}

/* A full stream pauses its sender; a taker that takes resumes it, one that does not loses it after a second. */
static void test_pause_resume_and_failure(void **state)
{
    (void)state;
    begin(1);
    world.rng.state = 1;
    open_stream(0);
    peer_state_t *peer = &world.peers[0];
    for (uint64_t n = 1; n <= 4; n++) {
        assert_false(peer->paused);
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
    }
    assert_true(peer->paused); /* by the one that filled it: nothing is lost */
    fake_loop_end_turn();
    fake_loop_run(900 * ACTRI_MS);
    assert_true(peer->paused);
    drain(); /* the callback takes them */
    assert_false(peer->paused);
    assert_int_equal(world.delivered, 4);
    for (uint64_t n = 5; n <= 8; n++) {
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
    }
    fake_loop_end_turn();
    fake_loop_run(1100 * ACTRI_MS); /* nobody takes them */
    assert_false(peer->paused);
    assert_int_equal(actri_streams_counters(world.streams)->failures, 1);
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", 9, 10));
    drain();
    assert_int_equal(world.delivered, 8); /* what was queued, then the end */
    assert_int_equal(world.ends, 1);
    assert_int_equal(actri_streams_counters(world.streams)->dropped, 1);
    lose_session(0);
    drain();
    assert_int_equal(world.ends, 1);
    assert_int_equal(peer->pauses, 0); /* of the new session */
    actri_streams_free(world.streams);
}

/* One peer alone, to a stream that takes four: the first credit, then four at a time, half of that early. */
static void test_credit_is_granted_as_chunks_are_taken(void **state)
{
    (void)state;
    begin(1);
    open_stream(0);
    peer_state_t *peer = &world.peers[1];
    for (uint64_t n = 1; n <= ACTRI_CREDIT_CHUNKS; n++) {
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
    }
    peer->chunks[0] = 0; /* all used up */
    fake_loop_end_turn();
    fake_loop_run(1500 * ACTRI_MS);
    assert_int_equal(peer->chunks[0], 0); /* nobody has taken any */
    assert_false(peer->paused);
    drain();
    assert_int_equal(world.delivered, ACTRI_CREDIT_CHUNKS);
    assert_true(peer->chunks[0] >= 2 && peer->chunks[0] <= 4);
    actri_streams_sender_forgot(world.streams, &peer->session, actri_span_text("zero"));
    peer->chunks[0] = ACTRI_CREDIT_CHUNKS;
    for (uint64_t n = 100; n < 131; n++) {
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
        peer->chunks[0]--;
    }
    drain();
    assert_true(peer->chunks[0] >= 3 && peer->chunks[0] <= 4);
    close_stream(0); /* the next registration begins with the first credit: so has the sender at least that */
    assert_int_equal(peer->chunks[0], ACTRI_CREDIT_CHUNKS);
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", 200, 10));
    peer->chunks[0]--;
    fake_loop_end_turn();
    assert_int_equal(peer->chunks[0], ACTRI_CREDIT_CHUNKS); /* nobody's chunk: its credit comes back */
    actr_buf_t *tapped = encode("two", 1, 10);
    actri_streams_passed_by(world.streams, &peer->session, tapped);
    actr_buf_release(tapped);
    fake_loop_end_turn();
    assert_int_equal(peer->chunks[2], ACTRI_CREDIT_CHUNKS + 1);
    actri_streams_free(world.streams);
}

/* Where memory was out for a chunk, its stream ends: nothing behind it is delivered, and its connection ends. */
static void test_a_hole_ends_the_stream_and_its_connection(void **state)
{
    (void)state;
    begin(1);
    open_stream(0);
    const peer_state_t *peer = &world.peers[1];
    for (uint64_t n = 1; n <= 3; n++) {
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
    }
    fake_loop_end_turn();
    world.no_memory = true;
    (void)run_one(ACTRI_CONTAINER(serials.next, actri_serial_t, all));
    world.no_memory = false;
    drain();
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", 4, 10));
    drain();
    assert_int_equal(world.delivered, 0);
    assert_int_equal(world.ends, 1);
    assert_status(ACTR_STATUS_NO_MEMORY, world.last_status);
    assert_int_equal(world.given_up, 1);
    assert_int_equal(actri_streams_counters(world.streams)->dropped, 4);
    assert_int_equal(actri_streams_counters(world.streams)->failures, 1);
    lose_session(1);
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", 5, 10));
    drain();
    assert_int_equal(world.delivered, 1); /* of the new session */
    assert_int_equal(world.ends, 1);
    actri_streams_free(world.streams);
}

/* A lossy chunk that there was no memory for is one of those that are lost. */
static void test_a_lossy_hole_ends_nothing(void **state)
{
    (void)state;
    begin(1);
    open_stream(0);
    const peer_state_t *peer = &world.peers[1];
    world.no_memory = true;
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_LATENCY_FIRST, encode("zero", 1, 10));
    drain();
    world.no_memory = false;
    actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_LATENCY_FIRST, encode("zero", 2, 10));
    drain();
    assert_int_equal(world.delivered, 1);
    assert_int_equal(world.ends + world.given_up, 0);
    actri_streams_free(world.streams);
}

static bool register_under_sweep(void)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_stream_spec_t spec = {.space = ACTRI_SPACE_WORKLOAD,
                                .id = names[0],
                                .max_items = 100,
                                .max_bytes = 100000,
                                .deliver = deliver,
                                .user = &world.registrations[0]};
    world.registrations[0].open = true;
    actr_status_t status = actri_streams_register(world.streams, &spec, &error);
    if (status != ACTR_OK) assert_true(status == ACTR_STATUS_NO_MEMORY && error.status == status);
    return status == ACTR_OK;
}

/* Each allocation fails in turn: what is delivered has no hole, or the connection is given up. */
static void test_any_allocation_may_fail(void **state)
{
    enum { MANY = 40 };
    (void)state;
    unsigned whole = 0, given_up = 0;
    OOM_EACH(oom)
    {
        if (begin_with(&oom.env, 1) != ACTR_OK) continue;
        if (register_under_sweep()) {
            const peer_state_t *peer = &world.peers[1];
            for (uint64_t n = 0; n < MANY && world.given_up == 0; n++) {
                actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
            }
            drain();
            const seen_t *seen = seen_of(&world.registrations[0], peer->session.number);
            assert_int_equal(world.given_up + (world.delivered == MANY), 1);
            if (world.given_up == 0) assert_true(seen->last == MANY - 1 && !seen->ended);
            whole += world.delivered == MANY;
            given_up += world.given_up;
            assert_true(world.delivered == 0 || seen->last == world.delivered - 1);
            lose_session(1);
            drain();
            close_stream(0);
        }
        actri_streams_free(world.streams);
        assert_true(actri_list_empty(&serials));
    }
    assert_true(whole > 0 && given_up > 2);
}

static void post_room(actri_timer_t *timer)
{
    (void)timer;
    actri_streams_room(world.streams);
}

/* The timer of pauses fires while the news of room waits for its turn; then there is room once more. */
static void test_room_is_posted_once(void **state)
{
    (void)state;
    begin(1);
    open_stream(0);
    actri_timer_t before = {.fire = post_room}, after = {.fire = post_room};
    const peer_state_t *peer = &world.peers[0];
    int64_t at_ns = actri_now_ns() + ACTRI_SECOND; /* when the pause is over */
    actri_loop_timer_set(fake_loop(), &before, at_ns);
    for (uint64_t n = 1; n <= 4; n++) {
        actri_streams_arrive(world.streams, &peer->session, ACTR_STREAM_RELIABLE, encode("zero", n, 10));
    }
    assert_true(peer->paused);
    actri_loop_timer_set(fake_loop(), &after, at_ns);
    fake_loop_end_turn();
    fake_loop_run(2 * ACTRI_SECOND);
    drain();
    assert_false(peer->paused);
    actri_streams_free(world.streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_pause_resume_and_failure),
        cmocka_unit_test(test_credit_is_granted_as_chunks_are_taken),
        cmocka_unit_test(test_a_hole_ends_the_stream_and_its_connection),
        cmocka_unit_test(test_a_lossy_hole_ends_nothing),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_room_is_posted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
