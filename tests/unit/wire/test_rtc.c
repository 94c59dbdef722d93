/* SPDX-License-Identifier: Apache-2.0 */
/* Two peer connections of one process, over real sockets on the loopback. */
#include "check.h"

#include "port/clock.h"
#include "port/thread.h"
#include "wire/address.h"
#include "wire/rtc.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_NS (20 * ACTRI_SECOND)

/* The addresses of this machine are what the test says: all of 127.0.0.0/8 can be used. */
static const char *machine[8] = {"127.0.0.1"};

static bool unreadable;

int getifaddrs(struct ifaddrs **list)
{
    if (unreadable) {
        errno = EMFILE;
        return -1;
    }
    *list = NULL;
    for (int i = 7; i >= 0; i--) {
        struct {
            struct ifaddrs entry;
            struct sockaddr_storage name;
        } *one = calloc(1, sizeof *one);
        actri_address_t address;
        if (one == NULL) abort();
        if (machine[i] == NULL || !actri_address_parse(machine[i], 0, &address)) {
            free(one);
            continue;
        }
        (void)actri_address_to_socket(&address, &one->name);
        one->entry =
            (struct ifaddrs){.ifa_next = *list, .ifa_flags = IFF_UP, .ifa_addr = (struct sockaddr *)&one->name};
        *list = &one->entry;
    }
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    while (list != NULL) {
        struct ifaddrs *next = list->ifa_next;
        free(list);
        list = next;
    }
}

static void set_machine(const char *first, const char *second)
{
    memset(machine, 0, sizeof machine);
    machine[0] = first;
    machine[1] = second;
}

typedef struct side {
    struct pair *pair;
    struct side *other;
    actri_rtc_t *rtc;
    bool offerer;
    actri_rtc_state_t state;
    actr_error_t why;
    unsigned lanes;                     /* bits of open ones */
    unsigned messages, messages_at_end; /* when CLOSED was told */
    size_t bytes;
    actr_payload_type_t last_lane;
    actr_buf_t *last;
    unsigned writable;
} side_t;

typedef struct pair {
    actri_loop_t *loop;
    actri_certificate_t *certificate;
    side_t a, b; /* a offers */
    actri_mutex_t mutex;
    actri_cond_t changed;
    actr_status_t status;
    actr_error_t error;
    char *offer, *answer;
    const char *offer_edit; /* replaces the offer */
    bool forge_fingerprint; /* in the offer, on its way */
} pair_t;

typedef struct job {
    actri_task_t task;
    pair_t *pair;
    void (*run)(pair_t *pair, void *argument);
    void *argument;
    bool done;
} job_t;

static void run_job(actri_task_t *task)
{
    job_t *job = ACTRI_CONTAINER(task, job_t, task);
    job->run(job->pair, job->argument);
    actri_lock(&job->pair->mutex);
    job->done = true;
    actri_cond_broadcast(&job->pair->changed);
    actri_unlock(&job->pair->mutex);
}

/* Runs a function on the loop and waits for it. */
static void on_loop(pair_t *pair, void (*run)(pair_t *, void *), void *argument)
{
    job_t job = {.task = {.run = run_job}, .pair = pair, .run = run, .argument = argument};
    actri_loop_post(pair->loop, &job.task);
    actri_lock(&pair->mutex);
    while (!job.done) assert_true(actri_cond_wait(&pair->changed, &pair->mutex, actri_now_ns() + LIMIT_NS));
    actri_unlock(&pair->mutex);
}

static void changed(side_t *side)
{
    actri_cond_broadcast(&side->pair->changed);
    actri_unlock(&side->pair->mutex);
}

static void on_state(void *user, actri_rtc_state_t state, const actr_error_t *why)
{
    side_t *side = user;
    actri_lock(&side->pair->mutex);
    side->state = state;
    if (state == ACTRI_RTC_CLOSED) side->messages_at_end = side->messages;
    if (why != NULL) side->why = *why;
    changed(side);
}

static void on_candidate(void *user, const char *candidate)
{
    side_t *side = user;
    actr_error_t error = ACTR_ERROR_INIT;
    if (side->other->rtc == NULL) return;
    actr_status_t status = actri_rtc_add_candidate(side->other->rtc, candidate, &error);
    if (status != ACTR_OK) print_message("candidate: %s\n", error.message);
}

static void on_lane_open(void *user, actr_payload_type_t lane)
{
    side_t *side = user;
    actri_lock(&side->pair->mutex);
    side->lanes |= 1u << lane;
    changed(side);
}

static void on_message(void *user, actr_payload_type_t lane, actr_buf_t *message)
{
    side_t *side = user;
    actri_lock(&side->pair->mutex);
    actr_buf_release(side->last);
    side->last = message;
    side->last_lane = lane;
    side->messages++;
    side->bytes += actr_buf_size(message);
    changed(side);
}

static void on_writable(void *user)
{
    side_t *side = user;
    actri_lock(&side->pair->mutex);
    side->writable++;
    changed(side);
}

static const actri_rtc_handlers_t handlers = {on_state, on_candidate, on_lane_open, on_message, on_writable};

static void make(pair_t *pair, void *argument)
{
    (void)argument;
    actri_rtc_options_t options = {.loop = pair->loop, .certificate = pair->certificate, .loopback = true};
    options.offerer = true;
    assert_ok(actri_rtc_new(&options, &handlers, &pair->a, &pair->a.rtc, &pair->error), &pair->error);
    options.offerer = false;
    assert_ok(actri_rtc_new(&options, &handlers, &pair->b, &pair->b.rtc, &pair->error), &pair->error);
}

static void connect_both(pair_t *pair, void *argument)
{
    (void)argument;
    pair->status = actri_rtc_create_offer(pair->a.rtc, &pair->offer, &pair->error);
    if (pair->status != ACTR_OK) return;
    if (pair->forge_fingerprint) {
        char *digit = strstr(pair->offer, "sha-256 ") + 8;
        *digit = *digit == '0' ? '1' : '0';
    }
    const char *offer = pair->offer_edit != NULL ? pair->offer_edit : pair->offer;
    pair->status = actri_rtc_accept_offer(pair->b.rtc, offer, &pair->answer, &pair->error);
    if (pair->status != ACTR_OK) return;
    pair->status = actri_rtc_accept_answer(pair->a.rtc, pair->answer, &pair->error);
}

static pair_t *open_pair(void)
{
    pair_t *pair = calloc(1, sizeof *pair);
    actri_mutex_init(&pair->mutex);
    actri_cond_init(&pair->changed);
    pair->a = (side_t){.pair = pair, .other = &pair->b, .offerer = true};
    pair->b = (side_t){.pair = pair, .other = &pair->a};
    assert_ok(actri_loop_acquire(&pair->loop, &pair->error), &pair->error);
    assert_ok(actri_certificate_new(NULL, &pair->certificate, &pair->error), &pair->error);
    on_loop(pair, make, NULL);
    return pair;
}

static void free_both(pair_t *pair, void *argument)
{
    (void)argument;
    actri_rtc_free(pair->a.rtc);
    actri_rtc_free(pair->b.rtc);
    pair->a.rtc = pair->b.rtc = NULL;
}

static void nothing(pair_t *pair, void *argument)
{
    (void)pair;
    (void)argument;
}

static void close_pair(pair_t *pair)
{
    on_loop(pair, free_both, NULL);
    on_loop(pair, nothing, NULL); /* the turn after the one in which they went */
    actri_loop_release(pair->loop);
    actri_certificate_free(pair->certificate);
    actr_buf_release(pair->a.last);
    actr_buf_release(pair->b.last);
    free(pair->offer);
    free(pair->answer);
    actri_cond_destroy(&pair->changed);
    actri_mutex_destroy(&pair->mutex);
    free(pair);
}

static void wait_lanes(pair_t *pair, side_t *side)
{
    actri_lock(&pair->mutex);
    while (side->lanes != 0xf) {
        if (side->state == ACTRI_RTC_CLOSED) fail_msg("closed: %s", side->why.message);
        if (!actri_cond_wait(&pair->changed, &pair->mutex, actri_now_ns() + LIMIT_NS))
            fail_msg("lanes %x", side->lanes);
    }
    actri_unlock(&pair->mutex);
}

static pair_t *connected_pair(void)
{
    pair_t *pair = open_pair();
    on_loop(pair, connect_both, NULL);
    assert_ok(pair->status, &pair->error);
    wait_lanes(pair, &pair->a);
    wait_lanes(pair, &pair->b);
    return pair;
}

typedef struct message {
    side_t *from;
    actr_payload_type_t lane;
    size_t size;
    actr_status_t status;
} message_t;

static void send_one(pair_t *pair, void *argument)
{
    message_t *message = argument;
    uint8_t *data = malloc(message->size + 1);
    for (size_t i = 0; i < message->size; i++) data[i] = (uint8_t)(i * 7 + message->size);
    message->status = actri_rtc_send(message->from->rtc, message->lane, data, message->size, &pair->error);
    free(data);
}

static void check_arrival(pair_t *pair, side_t *from, actr_payload_type_t lane, size_t size)
{
    side_t *to = from->other;
    unsigned before = to->messages;
    message_t message = {from, lane, size, ACTR_OK};
    on_loop(pair, send_one, &message);
    assert_ok(message.status, &pair->error);
    actri_lock(&pair->mutex);
    while (to->messages == before) {
        assert_true(actri_cond_wait(&pair->changed, &pair->mutex, actri_now_ns() + LIMIT_NS));
    }
    assert_int_equal(to->last_lane, lane);
    assert_int_equal(actr_buf_size(to->last), size);
    const uint8_t *data = actr_buf_data(to->last);
    for (size_t i = 0; i < size; i++) assert_int_equal(data[i], (uint8_t)(i * 7 + size));
    actri_unlock(&pair->mutex);
}

static void test_messages_on_all_lanes(void **state)
{
    (void)state;
    pair_t *pair = connected_pair();
    static const size_t sizes[] = {1, 32, 1200, 16384, 60000, 65535};
    for (unsigned lane = 0; lane < ACTRI_RTC_LANES; lane++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_arrival(pair, &pair->a, (actr_payload_type_t)lane, sizes[i]);
            check_arrival(pair, &pair->b, (actr_payload_type_t)lane, sizes[i]);
        }
    }
    close_pair(pair);
}

static void test_too_large_and_empty_are_refused(void **state)
{
    (void)state;
    pair_t *pair = connected_pair();
    message_t large = {&pair->a, ACTR_RPC_RELIABLE, 65536, ACTR_OK};
    on_loop(pair, send_one, &large);
    assert_status(ACTR_STATUS_TOO_LARGE, large.status);
    message_t empty = {&pair->a, ACTR_RPC_RELIABLE, 0, ACTR_OK};
    on_loop(pair, send_one, &empty);
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, empty.status);
    check_arrival(pair, &pair->a, ACTR_RPC_RELIABLE, 10); /* the connection lives */
    close_pair(pair);
}

static void close_a(pair_t *pair, void *argument)
{
    (void)argument;
    actri_rtc_close(pair->a.rtc);
}

static void wait_closed(pair_t *pair, side_t *side)
{
    actri_lock(&pair->mutex);
    while (side->state != ACTRI_RTC_CLOSED) {
        assert_true(actri_cond_wait(&pair->changed, &pair->mutex, actri_now_ns() + LIMIT_NS));
    }
    actri_unlock(&pair->mutex);
}

static void test_close_is_seen_by_the_peer(void **state)
{
    (void)state;
    pair_t *pair = connected_pair();
    on_loop(pair, close_a, NULL);
    wait_closed(pair, &pair->a);
    wait_closed(pair, &pair->b);
    assert_status(ACTR_STATUS_UNAVAILABLE, pair->b.why.status);
    close_pair(pair);
}

static void last_words(pair_t *pair, void *argument)
{
    (void)argument;
    for (int i = 0; i < 5; i++) {
        pair->status = actri_rtc_send(pair->a.rtc, ACTR_RPC_RELIABLE, "farewell", 8, &pair->error);
        if (pair->status != ACTR_OK) return;
    }
    actri_rtc_close(pair->a.rtc);
}

static void pause_b(pair_t *pair, void *argument)
{
    actri_rtc_pause(pair->b.rtc, *(const bool *)argument);
}

static void say_too_late(pair_t *pair, void *argument)
{
    (void)argument;
    pair->status = actri_rtc_send(pair->b.rtc, ACTR_RPC_RELIABLE, "and you", 7, &pair->error);
}

/* What came before the peer's close_notify is delivered before the end is told, in one turn or after a pause. */
static void test_last_words_are_heard(void **state)
{
    (void)state;
    for (int pauses = 0; pauses < 2; pauses++) {
        pair_t *pair = connected_pair();
        bool on = true, off = false;
        if (pauses == 1) on_loop(pair, pause_b, &on);
        on_loop(pair, last_words, NULL);
        assert_ok(pair->status, &pair->error);
        wait_closed(pair, &pair->a);
        if (pauses == 1) {
            do { /* until the close_notify has come */
                on_loop(pair, say_too_late, NULL);
            } while (pair->status == ACTR_OK);
            assert_status(ACTR_STATUS_UNAVAILABLE, pair->status);
            assert_int_equal(pair->b.state, ACTRI_RTC_CONNECTED);
            assert_int_equal(pair->b.messages, 0);
            on_loop(pair, pause_b, &off);
        }
        wait_closed(pair, &pair->b);
        assert_int_equal(pair->b.messages_at_end, 5);
        assert_int_equal(pair->b.messages, 5);
        assert_non_null(strstr(pair->b.why.message, "the peer closed"));
        close_pair(pair);
    }
}

/* Nobody takes them: the end comes all the same. */
static void test_last_words_have_a_limit(void **state)
{
    (void)state;
    pair_t *pair = connected_pair();
    bool on = true;
    on_loop(pair, pause_b, &on);
    on_loop(pair, last_words, NULL);
    wait_closed(pair, &pair->b);
    assert_int_equal(pair->b.messages, 0);
    assert_non_null(strstr(pair->b.why.message, "the peer closed"));
    close_pair(pair);
}

static void test_wrong_fingerprint_ends_the_connection(void **state)
{
    (void)state;
    pair_t *pair = open_pair();
    pair->forge_fingerprint = true;
    on_loop(pair, connect_both, NULL);
    assert_ok(pair->status, &pair->error);
    wait_closed(pair, &pair->b);
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, pair->b.why.status);
    assert_int_equal(pair->b.lanes, 0);
    close_pair(pair);
}

static void test_offer_without_fingerprint_is_refused(void **state)
{
    (void)state;
    pair_t *pair = open_pair();
    pair->offer_edit = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP "
                       "webrtc-datachannel\r\na=mid:0\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:"
                       "0123456789012345678901\r\na=sctp-port:5000\r\n";
    on_loop(pair, connect_both, NULL);
    assert_status(ACTR_STATUS_WIRE_PROTOCOL, pair->status);
    assert_non_null(strstr(pair->error.message, "fingerprint"));
    close_pair(pair);
}

static void restart_both(pair_t *pair, void *argument)
{
    char *offer = NULL, *answer = NULL;
    (void)argument;
    pair->status = actri_rtc_create_restart_offer(pair->a.rtc, &offer, &pair->error);
    if (pair->status == ACTR_OK)
        pair->status = actri_rtc_accept_restart_offer(pair->b.rtc, offer, &answer, &pair->error);
    if (pair->status == ACTR_OK) pair->status = actri_rtc_accept_answer(pair->a.rtc, answer, &pair->error);
    free(offer);
    free(answer);
}

static void describe_both(pair_t *pair, void *argument)
{
    char(*texts)[200] = argument;
    actri_rtc_describe(pair->a.rtc, texts[0], sizeof texts[0]);
    actri_rtc_describe(pair->b.rtc, texts[1], sizeof texts[1]);
}

/* Both ends' paths go from one such address to another. */
static void wait_path(pair_t *pair, const char *from, const char *to)
{
    char texts[2][200], a[40], b[40];
    int64_t deadline = actri_now_ns() + LIMIT_NS;
    (void)snprintf(a, sizeof a, "host %s:", from);
    (void)snprintf(b, sizeof b, "-> host %s:", to);
    do {
        on_loop(pair, describe_both, texts);
        if (actri_now_ns() > deadline) fail_msg("%s; %s", texts[0], texts[1]);
    } while (strstr(texts[0], a) == NULL || strstr(texts[1], a) == NULL || strstr(texts[0], b) == NULL ||
             strstr(texts[1], b) == NULL);
}

/* known-faults 50: a restart uses what addresses there are by now, as often as they change, and nothing is lost. */
static void test_a_restart_finds_the_addresses_of_now(void **state)
{
    (void)state;
    static char names[12][20];
    pair_t *pair = connected_pair();
    wait_path(pair, "127.0.0.1", "127.0.0.1");
    for (int i = 0; i < 12; i++) { /* more often than an agent has sockets */
        (void)snprintf(names[i], sizeof names[i], "127.0.1.%d", i + 1);
        set_machine(names[i], i % 2 == 0 ? NULL : "127.0.0.9");
        on_loop(pair, restart_both, NULL);
        assert_ok(pair->status, &pair->error);
        if (i % 2 == 0) wait_path(pair, names[i], names[i]);
        check_arrival(pair, &pair->a, ACTR_RPC_RELIABLE, 1000);
        check_arrival(pair, &pair->b, ACTR_RPC_RELIABLE, 1000);
    }
    unreadable = true; /* then with those that there were */
    on_loop(pair, restart_both, NULL);
    unreadable = false;
    assert_ok(pair->status, &pair->error);
    check_arrival(pair, &pair->a, ACTR_RPC_RELIABLE, 1000);
    set_machine("127.0.0.1", NULL);
    on_loop(pair, restart_both, NULL);
    wait_path(pair, "127.0.0.1", "127.0.0.1");
    close_pair(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_on_all_lanes),
        cmocka_unit_test(test_last_words_are_heard),
        cmocka_unit_test(test_last_words_have_a_limit),
        cmocka_unit_test(test_a_restart_finds_the_addresses_of_now),
        cmocka_unit_test(test_too_large_and_empty_are_refused),
        cmocka_unit_test(test_close_is_seen_by_the_peer),
        cmocka_unit_test(test_wrong_fingerprint_ends_the_connection),
        cmocka_unit_test(test_offer_without_fingerprint_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
