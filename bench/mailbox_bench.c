/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program behind ./dev bench mailbox.
 *   mailbox-bench mailbox|threads|sqlite|reference FOLDER PRODUCERS SIZE SECONDS
 *   mailbox-bench nats PORT PRODUCERS SIZE SECONDS
 *   mailbox-bench depth|poll FOLDER COUNT SIZE SECONDS
 * prints one number: messages a second, or nanoseconds of an empty poll.
 */
#include "mailbox_bench.h"

#include "port/clock.h"
#include "proto/idcodec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_sender(bench_run_t *run)
{
    actr_id_t id = {.serial_number = 4711, .realm = 1001};
    uint8_t bytes[ACTRI_ID_BYTES_MAX];
    (void)snprintf(id.type.manufacturer, sizeof id.type.manufacturer, "acme");
    (void)snprintf(id.type.name, sizeof id.type.name, "Bench");
    run->sender_size = actri_id_encode(&id, bytes);
    memcpy(run->sender, bytes, run->sender_size);
}

static double measure(const char *kind, const bench_run_t *run)
{
    if (strcmp(kind, "mailbox") == 0) return bench_mailbox(run, false);
    if (strcmp(kind, "threads") == 0) return bench_mailbox(run, true);
    if (strcmp(kind, "sqlite") == 0) return bench_sqlite(run);
    if (strcmp(kind, "reference") == 0) return bench_reference(run);
    if (strcmp(kind, "nats") == 0) return bench_nats(run);
    if (strcmp(kind, "depth") == 0) return bench_depth(run, run->producers);
    if (strcmp(kind, "poll") == 0) return bench_empty_poll(run, run->producers);
    return -1;
}

int main(int argc, char **argv)
{
    char path[500];
    if (argc != 6) return 2;
    (void)snprintf(path, sizeof path, "%s/bench.db", argv[2]);
    bench_run_t run = {
        .path = path,
        .port = (uint16_t)strtoul(argv[2], NULL, 10),
        .producers = (unsigned)strtoul(argv[3], NULL, 10),
        .size = strtoul(argv[4], NULL, 10),
        .duration_ns = (int64_t)(strtod(argv[5], NULL) * 1e9),
    };
    run.payload = malloc(run.size + 1);
    if (run.payload == NULL || run.producers == 0) return 2;
    for (size_t i = 0; i < run.size; i++) run.payload[i] = (uint8_t)(i * 131);
    make_sender(&run);
    double result = measure(argv[1], &run);
    free(run.payload);
    (void)printf("%.1f\n", result);
    return result < 0 ? 2 : 0;
}
