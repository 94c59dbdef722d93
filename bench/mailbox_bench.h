/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the program behind ./dev bench mailbox: each runs for a while and returns messages a second. */
#ifndef ACTR_BENCH_MAILBOX_H
#define ACTR_BENCH_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_run {
    const char *path;   /* of a database that is not there yet */
    unsigned producers; /* each has one message on its way; bare SQLite: rows a transaction */
    size_t size;        /* of a payload */
    int64_t duration_ns;
    uint8_t *payload;
    uint8_t sender[40];
    size_t sender_size;
    uint16_t port; /* of nats-server on loopback */
} bench_run_t;

double bench_mailbox(const bench_run_t *run, bool threads); /* ours; threads: one for each producer */
double bench_sqlite(const bench_run_t *run);                /* insert, commit, delete, commit */
double bench_reference(const bench_run_t *run);             /* the reference's statements */
double bench_nats(const bench_run_t *run);                  /* JetStream: publish, deliver, acknowledge */

/* Takes and acknowledges from a queue of `depth`; messages a second. */
double bench_depth(const bench_run_t *run, uint64_t depth);
/* Nanoseconds of a dequeue that finds nothing beside `leased` messages. */
double bench_empty_poll(const bench_run_t *run, uint64_t leased);

#endif
