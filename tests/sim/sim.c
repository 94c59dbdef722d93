/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated lives of two to six nodes under a seed: a hostile minute or two (crossing starts, lost and repeated
 * relays, cut networks, dead processes, full buffers, signaling that goes away), then peace, in which every pair
 * must be able to talk again. One seed is one run, exactly: a failure is replayed with --seeds 1 --seed S.
 *
 *     actr_sim [--seeds N] [--seed S] [--twice] [--verbose]
 */
#include "fake_loop.h"
#include "node.h"
#include "port/clock.h"
#include "port/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS (75 * ACTRI_SECOND) /* more than recovery and the longest call take */

static uint64_t current_seed;

_Noreturn void sim_fail(const char *format, ...)
{
    va_list arguments;
    (void)fflush(stdout);
    (void)fprintf(stderr, "seed %" PRIu64 " failed at %.3f s: ", current_seed, (double)actri_now_ns() / 1e9 - 1000);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\nreplay: actr_sim --seeds 1 --seed %" PRIu64 " --verbose\n", current_seed);
    exit(1);
}

/* ---- what can happen ---- */

static sim_node_t *any_node(void)
{
    for (int i = 0; i < 50; i++) {
        sim_node_t *node = &sim.nodes[rng_below(&sim.rng, SIM_NODES)];
        if (node->alive) return node;
    }
    return NULL;
}

static void start_call(void)
{
    sim_node_t *from = any_node(), *to = any_node();
    if (from == NULL || to == NULL || from == to) return;
    uint32_t timeout = rng_chance(&sim.rng, 20) ? 1 + rng_below(&sim.rng, 300) : 1000 + rng_below(&sim.rng, 29000);
    unsigned count = rng_chance(&sim.rng, 10) ? 20 : 1 + rng_below(&sim.rng, 3);
    for (unsigned i = 0; i < count; i++) (void)sim_call(from, &to->id, rng_chance(&sim.rng, 25), timeout);
    if (rng_chance(&sim.rng, 30)) (void)sim_call(to, &from->id, false, timeout); /* a crossing start */
}

static void call_a_stranger(void)
{
    sim_node_t *from = any_node();
    actr_id_t stranger = {.serial_number = 1000 + rng_below(&sim.rng, 3), .realm = 1, .type = {"acme", "none"}};
    if (from != NULL) (void)sim_call(from, &stranger, false, 1000 + rng_below(&sim.rng, 29000));
}

typedef struct healing { /* ends a trouble after its time */
    actri_timer_t timer;
    unsigned a, b;
    bool is_network;
} healing_t;

static void heal(actri_timer_t *timer)
{
    healing_t *healing = ACTRI_CONTAINER(timer, healing_t, timer);
    if (healing->is_network)
        fake_net.cut[healing->a][healing->b] = false;
    else
        router.clients[healing->a].online = true;
    sim_note("healed");
    free(healing);
}

static void make_trouble(bool is_network)
{
    sim_node_t *a = any_node(), *b = any_node();
    if (a == NULL || b == NULL || a == b) return;
    healing_t *healing = calloc(1, sizeof *healing);
    if (healing == NULL) abort();
    *healing = (healing_t){.timer.fire = heal,
                           .a = is_network ? a->certificate.host : a->client,
                           .b = b->certificate.host,
                           .is_network = is_network};
    int64_t duration = (int64_t)(100 + rng_below(&sim.rng, rng_chance(&sim.rng, 50) ? 3000 : 45000)) * ACTRI_MS;
    if (is_network)
        fake_net.cut[healing->a][healing->b] = true;
    else
        router.clients[healing->a].online = false;
    sim_note("%s of %u %u is away for %.3f s", is_network ? "network" : "signaling", healing->a, healing->b,
             (double)duration / 1e9);
    actri_loop_timer_set(fake_loop(), &healing->timer, actri_now_ns() + duration);
}

static void replace_node(void)
{
    sim_node_t *node = any_node();
    if (node != NULL) sim_node_stop(node, rng_chance(&sim.rng, 60));
    (void)sim_node_start();
}

static void happen(void)
{
    uint32_t dice = rng_below(&sim.rng, 100);
    if (dice < 70)
        start_call();
    else if (dice < 74)
        call_a_stranger();
    else if (dice < 84)
        make_trouble(true);
    else if (dice < 92)
        make_trouble(false);
    else if (dice < 95)
        replace_node();
}

/* ---- a life ---- */

static void choose_weather(void)
{
    rng_t *rng = &sim.rng;
    router.delay_ns = (int64_t)(1 + rng_below(rng, rng_chance(rng, 30) ? 2000 : 100)) * ACTRI_MS;
    router.drop_percent = rng_chance(rng, 50) ? rng_below(rng, 20) : 0;
    router.repeat_percent = rng_chance(rng, 30) ? rng_below(rng, 30) : 0;
    router.reorder_percent = rng_chance(rng, 40) ? rng_below(rng, 50) : 0;
    router.lost_offer_percent = rng_chance(rng, 30) ? rng_below(rng, 60) : 0;
    router.swallows_crossing = rng_chance(rng, 50);
    router.refuses_dead = rng_chance(rng, 70);
    fake_net.latency_ns = (int64_t)(1 + rng_below(rng, 200)) * ACTRI_MS;
    fake_net.send_buffer = rng_chance(rng, 50) ? 70000 : 1u << 20;
    fake_net.refuse_percent = rng_chance(rng, 20) ? rng_below(rng, 20) : 0;
    sim.memory_permille = rng_chance(rng, 25) ? 1 + rng_below(rng, 40) : 0;
    fake_net.plain_peers = rng_chance(rng, 25);
    fake_net.lanes_open_late = rng_chance(rng, 40);
}

static void clear_weather(void)
{
    router.drop_percent = router.repeat_percent = router.reorder_percent = router.lost_offer_percent = 0;
    router.delay_ns = 50 * ACTRI_MS;
    fake_net.refuse_percent = 0;
    sim.memory_permille = 0;
    fake_net.send_buffer = 1u << 20;
    for (unsigned i = 0; i < ROUTER_CLIENTS; i++) router.clients[i].online = true;
    memset(fake_net.cut, 0, sizeof fake_net.cut);
    sim.calm = true;
}

/* After the settling nothing of the bad times is left, and every pair can talk, in both directions. */
static void peace(void)
{
    sim_note("peace");
    clear_weather();
    fake_loop_run(SETTLE_NS);
    sim_check();
    if (sim_open_calls() != 0) sim_fail("%zu calls did not end", sim_open_calls());
    for (int i = 0; i < SIM_NODES; i++) {
        if (sim.nodes[i].alive && actri_peer_gate_pending(sim.nodes[i].gate) != 0) sim_fail("a pending call is left");
    }
    uint32_t first = sim.call_count;
    for (int i = 0; i < SIM_NODES; i++) {
        for (int j = 0; j < SIM_NODES; j++) {
            if (i == j || !sim.nodes[i].alive || !sim.nodes[j].alive) continue;
            if (sim_call(&sim.nodes[i], &sim.nodes[j].id, false, 25000) == NULL) sim_fail("a call is refused in peace");
        }
    }
    fake_loop_run(26 * ACTRI_SECOND);
    for (uint32_t i = first; i < sim.call_count; i++) {
        if (sim.calls[i].status != ACTR_OK) sim_fail("call %u fails in peace", i);
    }
    sim_check();
    sim_check_pairs();
}

static void end_of_life(void)
{
    for (int i = 0; i < SIM_NODES; i++) {
        if (sim.nodes[i].alive) sim_node_stop(&sim.nodes[i], false);
    }
    fake_loop_run(100 * ACTRI_SECOND); /* letters and healings run out */
    if (fake_rtc_alive() != 0) sim_fail("%zu connections are left", fake_rtc_alive());
    if (fake_loop_timers() != 0) sim_fail("%zu timers are left", fake_loop_timers());
}

static void live(uint64_t seed, bool verbose)
{
    current_seed = seed;
    memset(&sim, 0, sizeof sim);
    sim.rng.state = seed * 1000003;
    sim.next_serial = 1;
    sim.verbose = verbose;
    actri_random_seed(seed * 7919 + 1);
    fake_loop_reset();
    fake_net_reset(seed + 17);
    router_reset(seed + 29);
    choose_weather();
    unsigned count = 2 + rng_below(&sim.rng, 5);
    for (unsigned i = 0; i < count; i++) (void)sim_node_start();
    int64_t until = actri_now_ns() + (int64_t)(30 + rng_below(&sim.rng, 90)) * ACTRI_SECOND;
    while (actri_now_ns() < until) {
        happen();
        fake_loop_run((int64_t)rng_below(&sim.rng, rng_chance(&sim.rng, 20) ? 5000 : 300) * ACTRI_MS);
        sim_check();
    }
    peace();
    end_of_life();
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "actr_sim: \"%s\" is no number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 50, first = 1, hash = 0, calls = 0, oks = 0, connections = 0;
    bool verbose = false, twice = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--twice") == 0)
            twice = true;
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            seeds = number(argv[++i]);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            first = number(argv[++i]);
        else {
            (void)fprintf(stderr, "usage: actr_sim [--seeds N] [--seed S] [--twice] [--verbose]\n");
            return 2;
        }
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        live(seed, verbose);
        uint64_t once = sim.hash;
        if (twice) live(seed, false);
        if (sim.hash != once) sim_fail("a second run of the seed went another way");
        hash = hash * 31 + sim.hash;
        calls += sim.call_count;
        oks += sim.oks;
        connections += fake_net.connections;
    }
    (void)printf("ok - %" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " calls, %" PRIu64 " answered or sent, %" PRIu64
                 " connection ends, history %016" PRIx64 "\n",
                 seeds, first, calls, oks, connections, hash);
    return 0;
}
