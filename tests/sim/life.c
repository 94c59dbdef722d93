/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated lives of whole nodes under a seed: the real lifecycle, dispatch, mailbox, gate and transport, with their
 * real threads run one at a time (fake_thread.h), over fake signaling, fake connections and a virtual clock. Programs
 * start nodes (which may fail), call each other in every way, lose networks and servers, and shut down at any moment.
 * Checked: hooks and events are legal and one at a time, every call ends exactly once and in time, nothing is pending
 * at the end, no memory is left. One seed is one run, exactly; --twice proves it for each.
 *
 *     actr_life [--seeds N] [--seed S] [--twice] [--verbose]
 */
#include "life.h"

#include "fake_loop.h"
#include "fake_rtc.h"
#include "fake_signaling.h"
#include "fake_thread.h"
#include "port/clock.h"
#include "port/random.h"
#include "router.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

life_t life;

_Noreturn void life_fail(const char *format, ...)
{
    va_list arguments;
    (void)fflush(stdout);
    (void)fprintf(stderr, "seed %" PRIu64 " failed at %.3f s: ", life.seed, (double)actri_now_ns() / 1e9 - 1000);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\nreplay: actr_life --seeds 1 --seed %" PRIu64 " --verbose\n", life.seed);
    _Exit(1);
}

void life_note(const char *format, ...)
{
    char line[300];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int i = 0; i < size && i < (int)sizeof line - 1; i++)
        life.hash = (life.hash ^ (uint8_t)line[i]) * 1099511628211u;
    life.hash = (life.hash ^ (uint64_t)actri_now_ns()) * 1099511628211u;
    if (life.verbose) (void)printf("%9.3f  %s\n", (double)actri_now_ns() / 1e9 - 1000, line);
}

/* ---- the weather ---- */

static void choose_weather(void)
{
    rng_t *rng = &life.rng;
    router.delay_ns = (int64_t)(1 + rng_below(rng, 100)) * ACTRI_MS;
    router.drop_percent = rng_chance(rng, 30) ? rng_below(rng, 15) : 0;
    router.repeat_percent = rng_chance(rng, 30) ? rng_below(rng, 20) : 0;
    router.swallows_crossing = rng_chance(rng, 50);
    fake_net.latency_ns = (int64_t)(1 + rng_below(rng, 100)) * ACTRI_MS;
    fake_net.send_buffer = rng_chance(rng, 30) ? 70000 : 1u << 20;
    fake_net.plain_peers = rng_chance(rng, 20);
    fake_net.lanes_open_late = rng_chance(rng, 30);
    fake_server.refuse_percent = rng_chance(rng, 40) ? rng_below(rng, 30) : 0;
    fake_server.away_percent = rng_chance(rng, 40) ? rng_below(rng, 40) : 0;
    fake_server.loss_percent = rng_chance(rng, 40) ? rng_below(rng, 20) : 0;
    fake_server.new_identity_percent = rng_below(rng, 50);
    fake_server.renewal_percent = rng_below(rng, 10);
}

/* Cuts the network between two hosts for a while, again and again. */
static void run_trouble(void *argument)
{
    (void)argument;
    while (life.programs_running > 0) {
        unsigned hosts = fake_server.next_host;
        unsigned a = hosts == 0 ? 0 : 1 + rng_below(&life.rng, hosts),
                 b = hosts == 0 ? 0 : 1 + rng_below(&life.rng, hosts);
        a %= FAKE_HOSTS;
        b %= FAKE_HOSTS;
        if (rng_chance(&life.rng, 50)) fake_net.cut[a][b] = true;
        fake_sleep((int64_t)(50 + rng_below(&life.rng, 4000)) * ACTRI_MS);
        fake_net.cut[a][b] = false;
        fake_sleep((int64_t)rng_below(&life.rng, 2000) * ACTRI_MS);
    }
}

/* ---- one life ---- */

static void live(uint64_t seed, bool verbose)
{
    memset(&life, 0, sizeof life);
    life.seed = seed;
    life.verbose = verbose;
    life.rng.state = seed * 1000003 + 7;
    actri_random_seed(seed * 7919 + 3);
    fake_loop_reset();
    fake_net_reset(seed + 17);
    router_reset(seed + 29);
    fake_server_reset(seed + 31);
    choose_weather();
    fake_threads_begin(seed + 37);
    actri_thread_t threads[LIFE_PROGRAMS], trouble;
    unsigned count = 2 + rng_below(&life.rng, LIFE_PROGRAMS - 1);
    life.programs_running = count;
    for (unsigned i = 0; i < count; i++) {
        life.programs[i].number = i;
        if (actri_thread_start(&threads[i], "program", life_program, &life.programs[i], NULL) != ACTR_OK) abort();
    }
    if (actri_thread_start(&trouble, "trouble", run_trouble, NULL, NULL) != ACTR_OK) abort();
    for (unsigned i = 0; i < count; i++) actri_thread_join(&threads[i]);
    actri_thread_join(&trouble);
    fake_sleep(100 * ACTRI_SECOND); /* letters run out */
    fake_threads_end();
    life_check_end();
    if (fake_rtc_alive() != 0) life_fail("%zu connections are left", fake_rtc_alive());
    if (fake_loop_timers() != 0) life_fail("%zu timers are left", fake_loop_timers());
    if (fake_server.online != 0) life_fail("%u clients are registered for ever", fake_server.online);
    life_note("%" PRIu64 " hands, %" PRIu64 " messages", fake_thread_switches(), fake_net.messages);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text != '\0' && *end == '\0') return value;
    (void)fprintf(stderr, "actr_life: \"%s\" is no number\n", text);
    exit(2);
}

int main(int argc, char **argv)
{
    uint64_t seeds = 50, first = 1, calls = 0, oks = 0, starts = 0, hash = 0;
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
            (void)fprintf(stderr, "usage: actr_life [--seeds N] [--seed S] [--twice] [--verbose]\n");
            return 2;
        }
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        live(seed, verbose);
        uint64_t once = life.hash;
        if (twice) live(seed, false);
        if (life.hash != once) life_fail("a second run of the seed went another way");
        calls += life.call_count;
        oks += life.oks;
        starts += life.starts;
        hash = (hash ^ life.hash) * 1099511628211u;
    }
    (void)printf("ok - %" PRIu64 " lives from %" PRIu64 ": %" PRIu64 " starts, %" PRIu64 " calls, %" PRIu64
                 " answered or sent, history %016" PRIx64 "\n",
                 seeds, first, starts, calls, oks, hash);
    return 0;
}
