/* SPDX-License-Identifier: Apache-2.0 */
/* Two ICE agents and a network of ours between them: virtual clock, seeds, loss, delay, disorder, NAT. */
#include "check.h"

#include "port/clock.h"
#include "wire/ice_core.h"
#include "wire/stun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 512

typedef struct agent {
    actri_ice_core_t core;
    struct net *net;
    unsigned index;
    unsigned connected, disconnected;
    int64_t next_ns;
} agent_t;

typedef struct datagram {
    bool used;
    int64_t at_ns;
    unsigned to, local;
    actri_address_t from;
    uint8_t data[ACTRI_STUN_MAX];
    size_t size;
} datagram_t;

typedef struct net {
    agent_t agents[2];
    datagram_t flying[IN_FLIGHT];
    uint32_t seed;
    unsigned loss;    /* per 100 */
    int64_t delay_ns; /* at most */
    bool cut;
    bool nat; /* agent 0's packets come from an address that it does not know */
    unsigned sent;
    int64_t now_ns;
} net_t;

static uint32_t dice(net_t *net, uint32_t sides)
{
    net->seed = net->seed * 1664525u + 1013904223u;
    return (net->seed >> 8) % sides;
}

static actri_address_t address_of(unsigned agent, unsigned local)
{
    actri_address_t address;
    char ip[32];
    (void)snprintf(ip, sizeof ip, "10.0.%u.%u", agent, local + 1);
    assert_true(actri_address_parse(ip, 4000 + local, &address));
    return address;
}

static const char nat_ip[] = "203.0.113.9";

/* Whom an address reaches; -1: nobody. */
static int target(const net_t *net, const actri_address_t *to, unsigned *local)
{
    for (unsigned agent = 0; agent < 2; agent++) {
        for (unsigned i = 0; i < net->agents[agent].core.local_count; i++) {
            actri_address_t mine = address_of(agent, i), mapped;
            assert_true(actri_address_parse(nat_ip, 4000 + i, &mapped));
            *local = i;
            if (net->nat && agent == 0) {
                if (actri_address_equal(&mapped, to)) return 0;
            } else if (actri_address_equal(&mine, to)) {
                return (int)agent;
            }
        }
    }
    return -1;
}

static void send_datagram(void *user, unsigned local, const actri_address_t *to, const uint8_t *data, size_t size)
{
    agent_t *agent = user;
    net_t *net = agent->net;
    unsigned to_local = 0;
    int to_agent = target(net, to, &to_local);
    net->sent++;
    if (to_agent < 0 || net->cut || dice(net, 100) < net->loss) return;
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        datagram_t *d = &net->flying[i];
        if (d->used) continue;
        *d = (datagram_t){.used = true, .to = (unsigned)to_agent, .local = to_local, .size = size};
        d->at_ns = net->now_ns + 10000 + (int64_t)dice(net, (uint32_t)(net->delay_ns / 1000) + 1) * 1000;
        d->from = address_of(agent->index, local);
        if (net->nat && agent->index == 0) assert_true(actri_address_parse(nat_ip, 4000 + local, &d->from));
        memcpy(d->data, data, size);
        return;
    }
    fail_msg("a storm: %u datagrams in flight", IN_FLIGHT);
}

static void on_state(void *user, actri_ice_state_t state)
{
    agent_t *agent = user;
    if (state == ACTRI_ICE_CONNECTED) agent->connected++;
    if (state == ACTRI_ICE_DISCONNECTED) agent->disconnected++;
}

static net_t *new_net(uint32_t seed, unsigned locals, bool conflict)
{
    net_t *net = calloc(1, sizeof *net);
    assert_non_null(net);
    net->seed = seed;
    net->delay_ns = ACTRI_MS / 5;
    net->now_ns = ACTRI_SECOND;
    for (unsigned i = 0; i < 2; i++) {
        agent_t *agent = &net->agents[i];
        actri_ice_core_init(&agent->core, NULL, conflict || i == 0);
        agent->net = net;
        agent->index = i;
        agent->next_ns = ACTRI_NEVER;
        agent->core.send = send_datagram;
        agent->core.on_state = on_state;
        agent->core.user = agent;
        for (unsigned l = 0; l < locals; l++) {
            actri_address_t address = address_of(i, l);
            assert_int_equal(actri_ice_core_add_local(&agent->core, &address), l);
        }
    }
    return net;
}

static void tick(net_t *net, unsigned agent)
{
    net->agents[agent].next_ns = actri_ice_core_tick(&net->agents[agent].core, net->now_ns);
    assert_true(net->agents[agent].next_ns > net->now_ns); /* no busy loop */
}

static void give_credentials(net_t *net, unsigned to)
{
    const actri_ice_core_t *from = &net->agents[1 - to].core;
    actri_ice_core_set_remote(&net->agents[to].core, from->ufrag, from->pwd, net->now_ns);
    tick(net, to);
}

static void give_candidates(net_t *net, unsigned to)
{
    actr_error_t error = ACTR_ERROR_INIT;
    for (unsigned i = 0; i < net->agents[1 - to].core.local_count; i++) {
        char text[160];
        actri_candidate_t candidate;
        actri_ice_core_print(&net->agents[1 - to].core, i, text, sizeof text);
        assert_ok(actri_candidate_parse(text, false, &candidate, &error), &error);
        assert_ok(actri_ice_core_add_remote(&net->agents[to].core, &candidate, &error), &error);
    }
    tick(net, to);
}

/* Lets the next thing happen that is due before a time; then it is that time. */
static void step(net_t *net, int64_t limit_ns)
{
    datagram_t *first = NULL;
    int64_t next = net->agents[0].next_ns < net->agents[1].next_ns ? net->agents[0].next_ns : net->agents[1].next_ns;
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        datagram_t *d = &net->flying[i];
        if (d->used && (first == NULL || d->at_ns < first->at_ns)) first = d;
    }
    if (first != NULL && first->at_ns <= next) {
        net->now_ns = first->at_ns > net->now_ns ? first->at_ns : net->now_ns;
        const datagram_t came = *first; /* the answer may take its place */
        first->used = false;
        agent_t *agent = &net->agents[came.to];
        assert_true(actri_ice_core_receive(&agent->core, came.local, &came.from, came.data, came.size, net->now_ns));
        tick(net, came.to);
        return;
    }
    net->now_ns = next < limit_ns ? next : limit_ns;
    for (unsigned i = 0; i < 2; i++) {
        if (net->agents[i].next_ns <= net->now_ns) tick(net, i);
    }
}

static void run_until(net_t *net, int64_t time_ns)
{
    for (unsigned steps = 0; net->now_ns < time_ns; steps++) {
        if (steps > 200000) fail_msg("too busy");
        step(net, time_ns);
    }
}

static bool both(const net_t *net)
{
    return net->agents[0].core.state == ACTRI_ICE_CONNECTED && net->agents[1].core.state == ACTRI_ICE_CONNECTED;
}

static void check_agreement(const net_t *net)
{
    const actri_ice_core_t *a = &net->agents[0].core, *b = &net->agents[1].core;
    assert_true(a->selected && b->selected);
    assert_true(a->controlling != b->controlling);
    actri_address_t at_b = address_of(1, b->selected_local);
    assert_true(actri_address_equal(&a->selected_remote.address, &at_b));
}

static void connect_net(net_t *net)
{
    give_credentials(net, 1);
    give_credentials(net, 0);
    give_candidates(net, 1);
    give_candidates(net, 0);
}

/* With any loss, delay and number of addresses: connected, on the same pair, without a storm. */
static void test_a_thousand_seeds_connect(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 1000; seed++) {
        net_t *net = new_net(seed, 1 + seed % 4, seed % 3 == 0);
        net->loss = seed % 5 * 8;
        net->delay_ns = (int64_t)(seed % 7) * 20 * ACTRI_MS + ACTRI_MS / 5;
        connect_net(net);
        run_until(net, net->now_ns + 20 * ACTRI_SECOND);
        if (!both(net)) fail_msg("seed %u does not connect", seed);
        check_agreement(net);
        unsigned locals = 1 + seed % 4;
        if (net->sent > 150 + 80 * locals * locals) fail_msg("seed %u sent %u datagrams", seed, net->sent);
        free(net);
    }
}

/* On a quiet network: few datagrams, and not a moment more than the paths take. */
static void test_host_to_host_is_at_once(void **state)
{
    (void)state;
    net_t *net = new_net(7, 1, false);
    connect_net(net);
    int64_t began = net->now_ns;
    run_until(net, began + 5 * ACTRI_MS);
    assert_true(both(net));
    assert_in_range(net->sent, 4, 12);
    free(net);
}

static void test_check_before_the_answer_is_kept(void **state)
{
    (void)state;
    net_t *net = new_net(11, 1, false);
    give_credentials(net, 1); /* the answerer knows all, the offerer nothing yet */
    give_candidates(net, 1);
    run_until(net, net->now_ns + 20 * ACTRI_MS);
    assert_false(both(net));
    give_credentials(net, 0); /* no candidate ever: the check itself has shown it */
    run_until(net, net->now_ns + ACTRI_SECOND);
    assert_true(both(net));
    check_agreement(net);
    assert_int_equal(net->agents[0].core.selected_remote.type, ACTRI_PRFLX);
    free(net);
}

static void test_through_a_nat(void **state)
{
    (void)state;
    net_t *net = new_net(13, 2, false);
    net->nat = true; /* what agent 0 tells of itself reaches nobody */
    connect_net(net);
    run_until(net, net->now_ns + 3 * ACTRI_SECOND);
    assert_true(both(net));
    check_agreement(net);
    assert_int_equal(net->agents[1].core.selected_remote.type, ACTRI_PRFLX);
    free(net);
}

static void test_silence_is_noticed_and_healed(void **state)
{
    (void)state;
    net_t *net = new_net(17, 1, false);
    connect_net(net);
    run_until(net, net->now_ns + 60 * ACTRI_SECOND); /* nothing but consent */
    assert_true(both(net));
    assert_int_equal(net->agents[0].connected, 1);
    assert_in_range(net->sent, 2 * 2 * 30, 2 * 2 * 50);
    net->cut = true;
    run_until(net, net->now_ns + 7 * ACTRI_SECOND);
    assert_int_equal(net->agents[0].core.state, ACTRI_ICE_DISCONNECTED);
    assert_int_equal(net->agents[1].core.state, ACTRI_ICE_DISCONNECTED);
    net->cut = false;
    run_until(net, net->now_ns + 3 * ACTRI_SECOND);
    assert_true(both(net));
    assert_int_equal(net->agents[0].disconnected, 1);
    free(net);
}

static void test_restart_finds_a_new_pair(void **state)
{
    (void)state;
    net_t *net = new_net(19, 2, false);
    char old[ACTRI_UFRAG_SIZE];
    connect_net(net);
    run_until(net, net->now_ns + ACTRI_SECOND);
    strcpy(old, net->agents[0].core.ufrag);
    actri_ice_core_restart(&net->agents[0].core);
    assert_string_not_equal(old, net->agents[0].core.ufrag);
    run_until(net, net->now_ns + 2 * ACTRI_SECOND); /* the offer is on its way: the old pair carries on */
    assert_true(both(net));
    actri_ice_core_restart(&net->agents[1].core);
    connect_net(net);
    run_until(net, net->now_ns + ACTRI_SECOND);
    assert_true(both(net));
    assert_false(net->agents[0].core.restarted);
    assert_false(net->agents[1].core.restarted);
    check_agreement(net);
    assert_int_equal(net->agents[0].disconnected, 0);
    free(net);
}

/* Whoever does not know the password can not make a pair, nor keep one alive. */
static void test_a_stranger_is_not_answered(void **state)
{
    (void)state;
    net_t *net = new_net(23, 1, false);
    uint8_t data[ACTRI_STUN_MAX];
    actri_address_t from = address_of(1, 5);
    actri_stun_t check = {
        .class = ACTRI_STUN_REQUEST, .method = 1, .has_controlling = true, .has_priority = true, .use_candidate = true};
    give_credentials(net, 0);
    (void)snprintf(check.username, sizeof check.username, "%s:abcd", net->agents[0].core.ufrag);
    size_t size = actri_stun_encode(&check, "not the password of this one..", data);
    unsigned sent = net->sent;
    assert_true(actri_ice_core_receive(&net->agents[0].core, 0, &from, data, size, net->now_ns));
    assert_int_equal(net->sent, sent);
    assert_int_equal(net->agents[0].core.remote_count, 0);
    free(net);
}

static void test_too_many_candidates_are_refused(void **state)
{
    (void)state;
    net_t *net = new_net(29, 1, false);
    actr_error_t error = ACTR_ERROR_INIT;
    actri_candidate_t candidate;
    for (unsigned i = 0; i <= 32; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "candidate:1 1 udp 2130706431 192.0.2.%u 5000 typ host", i + 1);
        assert_ok(actri_candidate_parse(text, false, &candidate, &error), &error);
        actr_status_t status = actri_ice_core_add_remote(&net->agents[0].core, &candidate, &error);
        assert_status(i < 32 ? ACTR_OK : ACTR_STATUS_LIMIT_REACHED, status);
    }
    free(net);
}

static void test_candidates_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        actr_status_t status;
    } cases[] = {
        {"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", ACTR_OK},
        {"1 1 UDP 2130706431 2001:db8::1 5000 typ srflx raddr 10.0.0.1 rport 4", ACTR_OK},
        {"candidate:1 1 tcp 2130706431 192.0.2.1 9 typ host tcptype active", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 169.254.7.7 5000 typ host", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 fe80::1 5000 typ host", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 224.0.0.1 5000 typ host", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 192.0.2.1 0 typ host", ACTR_STATUS_NOT_SUPPORTED},
        {"candidate:1 1 udp 2130706431 a1b2c3d4.local 5000 typ host", ACTR_STATUS_WIRE_PROTOCOL},
        {"candidate:1 2 udp 2130706431 192.0.2.1 5000 typ host", ACTR_STATUS_WIRE_PROTOCOL},
        {"candidate:1 1 udp 2130706431 192.0.2.1 65536 typ host", ACTR_STATUS_WIRE_PROTOCOL},
        {"candidate:1 1 udp", ACTR_STATUS_WIRE_PROTOCOL},
        {"", ACTR_STATUS_WIRE_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        actri_candidate_t candidate;
        actr_status_t status = actri_candidate_parse(cases[i].text, false, &candidate, &error);
        if (status != cases[i].status) fail_msg("\"%s\": %s", cases[i].text, actr_status_name(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_seeds_connect),        cmocka_unit_test(test_host_to_host_is_at_once),
        cmocka_unit_test(test_check_before_the_answer_is_kept), cmocka_unit_test(test_through_a_nat),
        cmocka_unit_test(test_silence_is_noticed_and_healed),   cmocka_unit_test(test_restart_finds_a_new_pair),
        cmocka_unit_test(test_a_stranger_is_not_answered),      cmocka_unit_test(test_too_many_candidates_are_refused),
        cmocka_unit_test(test_candidates_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
