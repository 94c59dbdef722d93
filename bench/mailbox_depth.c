/* SPDX-License-Identifier: Apache-2.0 */
/* Our mailbox as a queue that is read from its table: deep and shallow, and beside many messages that are leased. */
#include "mailbox_bench.h"

#include "port/clock.h"

#include <actr/mailbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32   /* messages of a dequeue */
#define FILL 1000  /* messages of an enqueue while filling */
#define POLLS 1000 /* between two looks at the clock */

static void check(actr_status_t status, const actr_error_t *error)
{
    if (status == ACTR_OK) return;
    (void)fprintf(stderr, "mailbox-bench: %s: %s\n", actr_status_name(status), error->message);
    exit(1);
}

static actr_mailbox_t *open_mailbox(const bench_run_t *run, uint64_t most)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_store_options_t options = ACTR_STORE_OPTIONS_INIT;
    actr_mailbox_t *mailbox = NULL;
    options.path = run->path;
    options.max_messages = most;
    options.max_bytes = (uint64_t)64 << 30;
    check(actr_sqlite_store_open(&options, &mailbox, NULL, &error), &error);
    return mailbox;
}

static void fill(actr_mailbox_t *mailbox, const bench_run_t *run, uint64_t count)
{
    static actr_message_t messages[FILL];
    while (count > 0) {
        size_t now = count < FILL ? (size_t)count : FILL;
        actr_error_t error = ACTR_ERROR_INIT;
        memset(messages, 0, sizeof messages);
        for (size_t i = 0; i < now; i++) {
            messages[i].sender = (actr_bytes_t){run->sender, run->sender_size};
            messages[i].payload = (actr_bytes_t){run->payload, run->size};
        }
        check(actr_mailbox_enqueue(mailbox, messages, now, &error), &error);
        count -= now;
    }
}

typedef struct batch {
    actr_ack_t acks[BATCH];
    size_t count;
} batch_t;

static bool take(void *user, const actr_message_t *message)
{
    batch_t *batch = user;
    batch->acks[batch->count++] = (actr_ack_t){.id = message->id};
    return true;
}

static size_t dequeue(actr_mailbox_t *mailbox, batch_t *batch, int64_t lease_ms)
{
    actr_error_t error = ACTR_ERROR_INIT;
    size_t taken = 0;
    batch->count = 0;
    check(actr_mailbox_dequeue(mailbox, BATCH, lease_ms, take, batch, &taken, &error), &error);
    return taken;
}

double bench_depth(const bench_run_t *run, uint64_t depth)
{
    actr_mailbox_t *mailbox = open_mailbox(run, 2 * depth + FILL);
    actr_error_t error = ACTR_ERROR_INIT;
    batch_t batch;
    uint64_t done = 0;
    int64_t spent = 0;
    fill(mailbox, run, depth);
    while (spent < run->duration_ns) {
        int64_t started = actri_now_ns();
        uint64_t taken = 0;
        while (taken < depth / 2 && actri_now_ns() - started < run->duration_ns) {
            taken += dequeue(mailbox, &batch, 60000);
            check(actr_mailbox_ack(mailbox, batch.acks, batch.count, &error), &error);
        }
        spent += actri_now_ns() - started;
        done += taken;
        if (spent < run->duration_ns) fill(mailbox, run, taken); /* outside the time */
    }
    actr_mailbox_close(mailbox);
    return (double)done / ((double)spent / 1e9);
}

double bench_empty_poll(const bench_run_t *run, uint64_t leased)
{
    actr_mailbox_t *mailbox = open_mailbox(run, leased + FILL);
    batch_t batch;
    uint64_t polls = 0;
    fill(mailbox, run, leased);
    while (dequeue(mailbox, &batch, 3600000) > 0) continue;
    int64_t started = actri_now_ns(), now = started;
    while ((now = actri_now_ns()) < started + run->duration_ns) {
        for (int i = 0; i < POLLS; i++) {
            if (dequeue(mailbox, &batch, 3600000) != 0) exit(1);
        }
        polls += POLLS;
    }
    actr_mailbox_close(mailbox);
    return (double)(now - started) / (double)polls;
}
