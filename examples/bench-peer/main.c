/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-peer: the C twin of the Rust peer in tests/interop/reference, so that each can play either part.
 *
 *   bench-peer --config Actr.toml serve
 *   bench-peer --config Actr.toml call  --target acme:EchoService --count 1000 --outstanding 32 [--size N]
 *                                       [--reply-size N] [--sleep-ms N] [--call-back] [--timeout-ms N]
 *   bench-peer --config Actr.toml tell  --target acme:EchoService --count 1000
 *   bench-peer --config Actr.toml stream --target acme:EchoService --count 1000 --size 1200
 *   bench-peer --config Actr.toml fail  --target acme:EchoService --route no.Such.Route
 *   bench-peer --config Actr.toml local --count 10000 --outstanding 8
 *
 * Each command but serve prints one JSON object and ends with status 0 when all of its checks held. ACTR_LOG=1..5 logs
 * to standard error.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_log(actr_log_level_t level, const char *area, const char *line, void *user)
{
    (void)user;
    (void)fprintf(stderr, "%d %s: %s\n", (int)level, area, line);
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: bench-peer --config FILE serve|call|tell|stream|fail|local [OPTION ...]\n");
    return 2;
}

static bool take_number(const char *name, const char *value, load_t *load)
{
    uint64_t number = strtoull(value, NULL, 10);
    if (strcmp(name, "--count") == 0)
        load->count = number;
    else if (strcmp(name, "--outstanding") == 0)
        load->outstanding = (unsigned)number;
    else if (strcmp(name, "--size") == 0)
        load->size = (size_t)number;
    else if (strcmp(name, "--reply-size") == 0)
        load->reply_size = (uint32_t)number;
    else if (strcmp(name, "--sleep-ms") == 0)
        load->sleep_ms = (uint32_t)number;
    else if (strcmp(name, "--timeout-ms") == 0)
        load->timeout_ms = (uint32_t)number;
    else
        return false;
    return true;
}

static bool parse(int argc, char **argv, const char **config, const char **command, load_t *load)
{
    actr_error_t error = ACTR_ERROR_INIT;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (argv[i][0] != '-' && *command == NULL)
            *command = argv[i];
        else if (strcmp(argv[i], "--call-back") == 0)
            load->call_back = true;
        else if (strcmp(argv[i], "--config") == 0)
            *config = value, i++;
        else if (strcmp(argv[i], "--route") == 0)
            load->route = value, i++;
        else if (strcmp(argv[i], "--target") == 0) {
            if (actr_type_parse(value, &load->target, &error) != ACTR_OK) return false;
            i++;
        } else if (take_number(argv[i], value, load))
            i++;
        else
            return false;
    }
    return *command != NULL && load->count > 0 && load->outstanding > 0;
}

static int run(actr_ref_t *self, const char *command, const load_t *load, actr_error_t *error)
{
    char id[ACTR_ID_TEXT_SIZE];
    bool ok;
    if (strcmp(command, "call") == 0)
        ok = bench_calls(self, load);
    else if (strcmp(command, "tell") == 0)
        ok = bench_tells(self, load);
    else if (strcmp(command, "stream") == 0)
        ok = bench_stream(self, load);
    else if (strcmp(command, "fail") == 0)
        ok = bench_failure(self, load);
    else if (strcmp(command, "local") == 0)
        ok = bench_local(self, load);
    else if (strcmp(command, "serve") == 0) {
        (void)printf("{\"ready\": \"%s\", \"pid\": %d}\n", actr_id_print(actr_ref_actor_id(self), id), (int)getpid());
        (void)fflush(stdout);
        ok = actr_ref_wait_for_ctrl_c_and_shutdown(self, error) == ACTR_OK;
    } else
        return usage();
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    load_t load = {.target = {"acme", "EchoService"},
                   .count = 100,
                   .outstanding = 1,
                   .size = 32,
                   .route = "bench.Bench.NoSuchMethod"};
    const char *config = "Actr.toml", *command = NULL, *level = getenv("ACTR_LOG");
    if (!parse(argc, argv, &config, &command, &load)) return usage();
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t hooks = ACTR_CONFIG_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    workload.dispatch = bench_dispatch;
    if (level != NULL) {
        hooks.log = print_log;
        hooks.log_level = (actr_log_level_t)atoi(level);
    }
    int result = 1;
    actr_status_t status = actr_system_open_with(config, &hooks, &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) result = run(self, command, &load, &error);
    if (error.status != ACTR_OK) (void)fprintf(stderr, "bench-peer: %s\n", actr_error_message(&error));
    actr_ref_release(self);
    actr_node_release(node);
    actr_system_release(system);
    return result;
}
