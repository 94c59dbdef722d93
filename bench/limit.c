/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit that our calls are held against: usrsctp over DTLS over one UDP socket between two processes, the same
 * libraries and the same loop as libactr, but no ICE, no actors, no envelopes: a ping-pong of 32-byte messages.
 *   limit COUNT OUTSTANDING          prints one JSON object
 *   limit stream COUNT SIZE          the same, one way, as fast as the association takes it: a bare data channel
 */
#include "port/clock.h"
#include "port/thread.h"
#include "wire/dtls.h"
#include "wire/sctp.h"
#include "wire/udp.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 32
#define MOST_SIZE 65536
#define BATCH 32

typedef struct end {
    actri_loop_t *loop;
    actri_certificate_t *certificate;
    actri_dtls_t *dtls;
    actri_sctp_t *sctp;
    actri_watch_t watch;
    int fd;
    bool client, waits;
    actri_task_t begin, turn_end;
    actri_timer_t timer;
    size_t out_count;
    actri_datagram_t out[BATCH];
    uint8_t out_bytes[BATCH][1500];
    actri_address_t peer;
    bool plain;
    uint64_t count, sent, done;
    unsigned outstanding;
    bool stream; /* one way, messages of `size` bytes; the last one is answered */
    size_t size;
    int64_t started, *sent_at;
    double *micros;
    actri_mutex_t mutex;
    actri_cond_t ended;
    bool finished;
} end_t;

static void flush(end_t *e)
{
    if (e->out_count > 0) (void)actri_udp_send(e->fd, &e->plain, &e->peer, e->out, e->out_count);
    e->out_count = 0;
}

static void wake(end_t *e)
{
    if (e->waits) return;
    e->waits = true;
    actri_loop_at_turn_end(e->loop, &e->turn_end);
}

static void on_dtls_send(void *user, const uint8_t *datagram, size_t size)
{
    end_t *e = user;
    if (e->out_count == BATCH) flush(e);
    memcpy(e->out_bytes[e->out_count], datagram, size);
    e->out[e->out_count] = (actri_datagram_t){e->out_bytes[e->out_count], size};
    e->out_count++;
    wake(e);
}

static void on_dtls_data(void *user, const uint8_t *data, size_t size)
{
    actri_sctp_input(((end_t *)user)->sctp, data, size);
}

static void on_sctp_send(void *user, const void *packet, size_t size)
{
    (void)actri_dtls_send(((end_t *)user)->dtls, packet, size);
}

static bool send_one(end_t *e, uint64_t number)
{
    static uint64_t data[MOST_SIZE / 8];
    data[0] = number;
    return actri_sctp_send(e->sctp, 1, 53, false, -1, data, e->size, NULL) == ACTR_OK;
}

static void send_stream(end_t *e)
{
    while (e->sent < e->count && send_one(e, e->sent)) e->sent++;
}

static void send_next(end_t *e)
{
    if (e->sent == e->count) return;
    e->sent_at[e->sent] = actri_now_ns();
    if (send_one(e, e->sent)) e->sent++;
}

static void on_up(void *user)
{
    end_t *e = user;
    e->started = actri_now_ns();
    if (e->client && e->stream) send_stream(e);
    for (unsigned i = 0; e->client && i < e->outstanding; i++) send_next(e);
}

static void on_message(void *user, uint16_t stream, uint32_t ppid, actr_buf_t *message)
{
    (void)stream;
    (void)ppid;
    end_t *e = user;
    uint64_t number;
    memcpy(&number, actr_buf_data(message), sizeof number);
    actr_buf_release(message);
    if (!e->client) {
        if (!e->stream || ++e->done == e->count) (void)send_one(e, number);
        return;
    }
    if (!e->stream) {
        e->micros[e->done++] = (double)(actri_now_ns() - e->sent_at[number]) / 1e3;
        send_next(e);
        if (e->done < e->count) return;
    }
    actri_lock(&e->mutex);
    e->finished = true;
    actri_cond_signal(&e->ended);
    actri_unlock(&e->mutex);
}

static void on_down(void *user, const char *why)
{
    (void)user;
    (void)fprintf(stderr, "limit: %s\n", why);
}

static void on_lost(void *user, uint16_t stream)
{
    (void)user;
    (void)stream;
    exit(1); /* out of memory */
}

static void on_reset(void *user, uint16_t stream)
{
    (void)user;
    (void)stream;
}

static void on_writable(void *user)
{
    end_t *e = user;
    if (e->client && e->stream) send_stream(e);
}

static void after(end_t *e, actri_dtls_result_t result)
{
    if (result == ACTRI_DTLS_UP && actri_sctp_connect(e->sctp, NULL) != ACTR_OK) exit(1);
    int64_t deadline = actri_dtls_deadline(e->dtls);
    if (deadline != ACTRI_NEVER) actri_loop_timer_set(e->loop, &e->timer, deadline);
}

static void on_timer(actri_timer_t *timer)
{
    end_t *e = ACTRI_CONTAINER(timer, end_t, timer);
    if (!actri_dtls_is_up(e->dtls)) after(e, actri_dtls_on_timer(e->dtls, NULL));
}

static void on_datagram(void *user, const actri_address_t *from, const uint8_t *data, size_t size)
{
    end_t *e = user;
    (void)from;
    actri_dtls_result_t result = actri_dtls_receive(e->dtls, data, size, NULL);
    if (!actri_dtls_is_up(e->dtls) || result != ACTRI_DTLS_OK) after(e, result);
}

static void on_readable(actri_watch_t *watch)
{
    end_t *e = ACTRI_CONTAINER(watch, end_t, watch);
    (void)actri_udp_receive(e->fd, on_datagram, e);
    wake(e);
}

static void on_turn_end(actri_task_t *task)
{
    end_t *e = ACTRI_CONTAINER(task, end_t, turn_end);
    e->waits = false;
    actri_sctp_drain(e->sctp);
    flush(e);
}

static void begin(actri_task_t *task)
{
    static const actri_dtls_handlers_t dtls = {on_dtls_send, on_dtls_data};
    static const actri_sctp_handlers_t sctp = {.send = on_sctp_send,
                                               .on_up = on_up,
                                               .on_down = on_down,
                                               .on_message = on_message,
                                               .on_lost = on_lost,
                                               .on_reset = on_reset,
                                               .on_writable = on_writable};
    end_t *e = ACTRI_CONTAINER(task, end_t, begin);
    char fingerprint[96] = "";
    if (actri_dtls_new(NULL, e->certificate, &dtls, e, &e->dtls, NULL) != ACTR_OK ||
        actri_sctp_new(e->loop, NULL, &sctp, e, &e->sctp, NULL) != ACTR_OK) {
        exit(1);
    }
    e->watch = (actri_watch_t){e->fd, on_readable};
    if (actri_loop_watch(e->loop, &e->watch, NULL) != ACTR_OK) exit(1);
    (void)snprintf(fingerprint, sizeof fingerprint, "%s", actri_certificate_fingerprint(e->certificate));
    after(e, actri_dtls_start(e->dtls, e->client, fingerprint, NULL));
}

static void run(end_t *e)
{
    if (actri_loop_acquire(&e->loop, NULL) != ACTR_OK) exit(1);
    e->begin.run = begin;
    e->turn_end.run = on_turn_end;
    e->timer.fire = on_timer;
    actri_loop_post(e->loop, &e->begin);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static end_t e;
    actri_address_t address, bound[2];
    int fds[2];
    e.stream = argc == 4 && strcmp(argv[1], "stream") == 0;
    if (argc != 3 && !e.stream) return 2;
    e.count = strtoull(argv[argc - 2], NULL, 10);
    e.size = e.stream ? strtoul(argv[3], NULL, 10) : SIZE;
    e.outstanding = e.stream ? 0 : (unsigned)strtoul(argv[2], NULL, 10);
    if (e.count == 0 || e.size < sizeof(uint64_t) || e.size > MOST_SIZE) return 2;
    if (!actri_address_parse("127.0.0.1", 0, &address)) return 1;
    for (int i = 0; i < 2; i++) {
        fds[i] = actri_udp_open(&address, &bound[i]);
        if (fds[i] < 0) return 1;
    }
    if (actri_certificate_new(NULL, &e.certificate, NULL) != ACTR_OK)
        return 1; /* both ends show it: made before the fork */
    pid_t child = fork();
    e.client = child != 0;
    e.fd = fds[e.client ? 0 : 1];
    e.peer = bound[e.client ? 1 : 0];
    e.sent_at = calloc((size_t)e.count, sizeof *e.sent_at);
    e.micros = calloc((size_t)e.count, sizeof *e.micros);
    actri_mutex_init(&e.mutex);
    actri_cond_init(&e.ended);
    run(&e);
    if (!e.client) {
        for (;;) (void)poll(NULL, 0, 1000);
    }
    actri_lock(&e.mutex);
    bool in_time = true;
    while (!e.finished && in_time) in_time = actri_cond_wait(&e.ended, &e.mutex, actri_now_ns() + 60 * ACTRI_SECOND);
    actri_unlock(&e.mutex);
    double seconds = (double)(actri_now_ns() - e.started) / 1e9;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    if (e.stream) {
        (void)printf("{\"ok\": %s, \"size\": %zu, \"mb_per_second\": %.1f}\n", in_time ? "true" : "false", e.size,
                     (double)e.count * (double)e.size / 1e6 / seconds);
        return in_time ? 0 : 1;
    }
    qsort(e.micros, (size_t)e.count, sizeof *e.micros, compare);
    (void)printf("{\"ok\": %s, \"outstanding\": %u, \"calls_per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
                 in_time ? "true" : "false", e.outstanding, (double)e.count / seconds, e.micros[e.count / 2],
                 e.micros[e.count * 99 / 100]);
    return in_time ? 0 : 1;
}
