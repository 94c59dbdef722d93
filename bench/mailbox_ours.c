/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our mailbox as a node uses it: group commit on the storage thread, handlers as turns of a serial executor, and the
 * producers either on one thread, as all peers of a node come in over its wire thread, or on threads of their own. A
 * producer goes on when its message was acknowledged; the last acknowledgements' commit is inside the time.
 */
#include "mailbox_bench.h"

#include "mailbox/mailbox.h"
#include "port/clock.h"
#include "port/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread with one producer, or with all of them. */
typedef struct line {
    struct bench *bench;
    actri_thread_t thread;
    unsigned producers;
    uint64_t sent;
    actri_mutex_t mutex;
    actri_cond_t wake;
    unsigned free; /* producers whose message was acknowledged */
    bool sleeping;
} line_t;

typedef struct bench {
    const bench_run_t *run;
    actri_mailbox_t *mailbox;
    actri_pool_t *pool;
    actri_serial_t *serial;
    line_t *lines;
    int64_t end;
} bench_t;

static void check(actr_status_t status, const actr_error_t *error)
{
    if (status == ACTR_OK) return;
    (void)fprintf(stderr, "mailbox-bench: %s: %s\n", actr_status_name(status), error->message);
    exit(1);
}

static void handle(actri_task_t *task)
{
    actri_mail_t *mail = ACTRI_CONTAINER(task, actri_mail_t, task);
    line_t *line = mail->user;
    actri_mailbox_done(line->bench->mailbox, mail, ACTRI_MAIL_ACK, NULL);
    actri_lock(&line->mutex);
    line->free++;
    bool wake = line->sleeping;
    line->sleeping = false;
    actri_unlock(&line->mutex);
    if (wake) actri_cond_signal(&line->wake);
}

static void deliver(void *user, actri_link_t *mails, bool high)
{
    bench_t *bench = user;
    for (actri_link_t *at = mails->next; at != mails; at = at->next) {
        actri_mail_t *mail = ACTRI_CONTAINER(at, actri_mail_t, task.link);
        mail->user = &bench->lines[mail->origin];
        mail->task.run = handle;
    }
    actri_serial_post_list(bench->serial, mails, high);
}

static void refuse(void *user, actri_mail_t *mail, const actr_error_t *why)
{
    (void)user;
    (void)mail;
    check(why->status, why);
}

/* Waits for producers that may go on; returns how many. */
static unsigned wait_for_some(line_t *line)
{
    actri_lock(&line->mutex);
    while (line->free == 0) {
        line->sleeping = true;
        (void)actri_cond_wait(&line->wake, &line->mutex, ACTRI_NEVER);
    }
    unsigned some = line->free;
    line->free = 0;
    actri_unlock(&line->mutex);
    return some;
}

static void put(line_t *line, unsigned count)
{
    const bench_run_t *run = line->bench->run;
    actri_link_t list;
    actri_list_init(&list);
    for (unsigned i = 0; i < count; i++) {
        actri_mail_t *mail = actri_mail_new(line->bench->mailbox);
        if (mail == NULL || (mail->message = actri_buf_copy(NULL, run->payload, run->size)) == NULL) exit(1);
        memcpy(mail->sender, run->sender, run->sender_size);
        mail->sender_size = (uint8_t)run->sender_size;
        mail->origin = (uint64_t)(line - line->bench->lines);
        actri_list_append(&list, &mail->task.link);
    }
    actri_mailbox_put(line->bench->mailbox, &list);
    line->sent += count;
}

static void produce(void *argument)
{
    line_t *line = argument;
    unsigned waiting = 0;
    line->free = line->producers;
    while (actri_now_ns() < line->bench->end) put(line, wait_for_some(line));
    while (waiting < line->producers) waiting += wait_for_some(line);
}

static void set_up(bench_t *bench)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actri_mailbox_options_t options = {.path = bench->run->path, .deliver = deliver, .refuse = refuse, .user = bench};
    check(actri_pool_new(NULL, 2, ACTRI_POOL_SHARED, &bench->pool, &error), &error);
    check(actri_serial_new(bench->pool, &bench->serial, &error), &error);
    check(actri_mailbox_open(&options, &bench->mailbox, &error), &error);
    check(actri_mailbox_start(bench->mailbox, &error), &error);
}

static uint64_t run_lines(bench_t *bench, unsigned count, unsigned producers)
{
    actr_error_t error = ACTR_ERROR_INIT;
    uint64_t sent = 0;
    for (unsigned i = 0; i < count; i++) {
        line_t *line = &bench->lines[i];
        line->bench = bench;
        line->producers = producers;
        actri_mutex_init(&line->mutex);
        actri_cond_init(&line->wake);
        check(actri_thread_start(&line->thread, "producer", produce, line, &error), &error);
    }
    for (unsigned i = 0; i < count; i++) {
        actri_thread_join(&bench->lines[i].thread);
        sent += bench->lines[i].sent;
    }
    return sent;
}

double bench_mailbox(const bench_run_t *run, bool threads)
{
    bench_t bench = {.run = run};
    unsigned count = threads ? run->producers : 1;
    bench.lines = calloc(count, sizeof *bench.lines);
    if (bench.lines == NULL) exit(1);
    set_up(&bench);
    int64_t started = actri_now_ns();
    bench.end = started + run->duration_ns;
    uint64_t sent = run_lines(&bench, count, threads ? 1 : run->producers);
    actri_mailbox_pause(bench.mailbox);
    (void)actri_serial_wait_idle(bench.serial, ACTRI_NEVER);
    actri_mailbox_close(bench.mailbox);
    double seconds = (double)(actri_now_ns() - started) / 1e9;
    actri_serial_free(bench.serial);
    actri_pool_free(bench.pool);
    for (unsigned i = 0; i < count; i++) {
        actri_cond_destroy(&bench.lines[i].wake);
        actri_mutex_destroy(&bench.lines[i].mutex);
    }
    free(bench.lines);
    return (double)sent / seconds;
}
