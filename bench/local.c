/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic within one process: `local actr|ring tell|call CALLERS OUTSTANDING COUNT` prints one JSON object. actr: the
 * Shell's threads and their own workload. ring: the limit, a bare ring of pointers under one mutex with one condition a
 * side. COUNT is for all callers together; OUTSTANDING is each caller's.
 */
#include "port/clock.h"
#include "server/server.h"

#include <actr/actr.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 32
#define MOST_CALLERS 64
#define RING 4096

typedef struct run {
    actr_ref_t *self;
    bool call;
    unsigned callers, outstanding;
    uint64_t each;    /* messages a caller */
    double *micros;   /* of the first caller, one outstanding */
    char apart[64];   /* the callers' cache line */
    uint64_t handled; /* atomic: tells that have arrived */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} run_t;

static void die(const char *what, const actr_error_t *error)
{
    (void)fprintf(stderr, "local: %s: %s\n", what, error == NULL ? "" : actr_error_message(error));
    exit(1);
}

/* ---- libactr ---- */

static actr_status_t on_request(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    run_t *run = user;
    (void)ctx;
    *reply = request->payload;
    if (!request->is_tell) return ACTR_OK;
    if (__atomic_add_fetch(&run->handled, 1, __ATOMIC_RELAXED) == run->each * run->callers) {
        pthread_mutex_lock(&run->mutex);
        pthread_cond_signal(&run->changed);
        pthread_mutex_unlock(&run->mutex);
    }
    return ACTR_OK;
}

static void tell_all(run_t *run)
{
    char data[SIZE] = "tell";
    actr_error_t error = ACTR_ERROR_INIT;
    for (uint64_t i = 0; i < run->each;) {
        actr_status_t status = actr_ref_tell(run->self, "x.Note", (actr_bytes_t){data, SIZE}, NULL, &error);
        if (status == ACTR_OK)
            i++;
        else if (status != ACTR_STATUS_LIMIT_REACHED)
            die("tell", &error);
        else
            sched_yield(); /* faster than the actor */
    }
}

static void call_all(run_t *run, double *micros)
{
    char data[SIZE] = "call";
    actr_error_t error = ACTR_ERROR_INIT;
    for (uint64_t i = 0; i < run->each; i++) {
        actr_buf_t *reply = NULL;
        int64_t begin = actri_now_ns();
        if (actr_ref_call(run->self, "x.Echo", (actr_bytes_t){data, SIZE}, NULL, &reply, &error) != ACTR_OK)
            die("call", &error);
        if (micros != NULL) micros[i] = (double)(actri_now_ns() - begin) / 1e3;
        actr_buf_release(reply);
    }
}

typedef struct loop {
    run_t *run;
    uint64_t started, ended;
} loop_t;

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user);

static void start_call(loop_t *loop)
{
    char data[SIZE] = "call";
    actr_error_t error = ACTR_ERROR_INIT;
    if (__atomic_fetch_add(&loop->started, 1, __ATOMIC_RELAXED) >= loop->run->each) return;
    if (actr_ref_call_async(loop->run->self, "x.Echo", (actr_bytes_t){data, SIZE}, NULL, on_reply, loop, &error) !=
        ACTR_OK)
        die("call", &error);
}

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    loop_t *loop = user;
    run_t *run = loop->run; /* loop is the caller's, who may go with the last answer */
    if (status != ACTR_OK) die("reply", error);
    actr_buf_release(reply);
    start_call(loop);
    if (__atomic_add_fetch(&loop->ended, 1, __ATOMIC_RELAXED) == run->each) {
        pthread_mutex_lock(&run->mutex);
        pthread_cond_broadcast(&run->changed);
        pthread_mutex_unlock(&run->mutex);
    }
}

static void call_many(run_t *run)
{
    loop_t loop = {.run = run};
    for (unsigned i = 0; i < run->outstanding; i++) start_call(&loop);
    pthread_mutex_lock(&run->mutex);
    while (__atomic_load_n(&loop.ended, __ATOMIC_RELAXED) < run->each) pthread_cond_wait(&run->changed, &run->mutex);
    pthread_mutex_unlock(&run->mutex);
}

typedef struct caller {
    run_t *run;
    unsigned index;
    pthread_t thread;
} caller_t;

static void *actr_caller(void *argument)
{
    caller_t *caller = argument;
    run_t *run = caller->run;
    if (!run->call)
        tell_all(run);
    else if (run->outstanding > 1)
        call_many(run);
    else
        call_all(run, caller->index == 0 ? run->micros : NULL);
    return NULL;
}

/* ---- the limit ---- */

typedef struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t filled, room;
    void *slots[RING];
    unsigned head, count, waits_fill, waits_room;
} ring_t;

static void ring_init(ring_t *ring)
{
    memset(ring, 0, sizeof *ring);
    pthread_mutex_init(&ring->mutex, NULL);
    pthread_cond_init(&ring->filled, NULL);
    pthread_cond_init(&ring->room, NULL);
}

static void ring_put(ring_t *ring, void *message)
{
    pthread_mutex_lock(&ring->mutex);
    while (ring->count == RING) {
        ring->waits_room++;
        pthread_cond_wait(&ring->room, &ring->mutex);
        ring->waits_room--;
    }
    ring->slots[(ring->head + ring->count++) % RING] = message;
    bool wake = ring->waits_fill > 0;
    pthread_mutex_unlock(&ring->mutex);
    if (wake) pthread_cond_signal(&ring->filled);
}

static void *ring_take(ring_t *ring)
{
    pthread_mutex_lock(&ring->mutex);
    while (ring->count == 0) {
        ring->waits_fill++;
        pthread_cond_wait(&ring->filled, &ring->mutex);
        ring->waits_fill--;
    }
    void *message = ring->slots[ring->head];
    ring->head = (ring->head + 1) % RING;
    ring->count--;
    bool wake = ring->waits_room > 0;
    pthread_mutex_unlock(&ring->mutex);
    if (wake) pthread_cond_signal(&ring->room);
    return message;
}

static ring_t requests, replies[MOST_CALLERS];

static void *ring_caller(void *argument)
{
    caller_t *caller = argument;
    run_t *run = caller->run;
    ring_t *mine = &replies[caller->index];
    uint64_t sent = 0, window = run->call ? run->outstanding : run->each;
    for (; sent < window && sent < run->each; sent++) ring_put(&requests, caller);
    for (uint64_t i = 0; run->call && i < run->each; i++) {
        int64_t begin = actri_now_ns();
        (void)ring_take(mine);
        if (sent < run->each) ring_put(&requests, caller);
        if (caller->index == 0 && run->outstanding == 1) run->micros[i] = (double)(actri_now_ns() - begin) / 1e3;
        sent++;
    }
    return NULL;
}

static void *ring_actor(void *argument)
{
    run_t *run = argument;
    for (uint64_t i = 0; i < run->each * run->callers; i++) {
        caller_t *from = ring_take(&requests);
        if (run->call) ring_put(&replies[from->index], from);
    }
    return NULL;
}

/* ---- the run ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(run_t *run, void *(*body)(void *))
{
    static caller_t callers[MOST_CALLERS];
    uint64_t total = run->each * run->callers;
    pthread_t actor;
    int64_t begin = actri_now_ns();
    if (body == ring_caller) pthread_create(&actor, NULL, ring_actor, run);
    for (unsigned i = 0; i < run->callers; i++) {
        callers[i] = (caller_t){.run = run, .index = i};
        pthread_create(&callers[i].thread, NULL, body, &callers[i]);
    }
    for (unsigned i = 0; i < run->callers; i++) pthread_join(callers[i].thread, NULL);
    if (body == ring_caller) {
        pthread_join(actor, NULL);
    } else if (!run->call) {
        pthread_mutex_lock(&run->mutex);
        while (__atomic_load_n(&run->handled, __ATOMIC_RELAXED) < total) pthread_cond_wait(&run->changed, &run->mutex);
        pthread_mutex_unlock(&run->mutex);
    }
    double seconds = (double)(actri_now_ns() - begin) / 1e9;
    bool timed = run->call && run->outstanding == 1;
    if (timed) qsort(run->micros, (size_t)run->each, sizeof *run->micros, compare);
    (void)printf("{\"per_second\": %.0f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n", (double)total / seconds,
                 timed ? run->micros[run->each / 2] : 0.0, timed ? run->micros[run->each * 99 / 100] : 0.0);
}

static void measure_actr(run_t *run)
{
    actri_server_t *server = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    actri_server_options_t options = {.listen = "127.0.0.1:0"};
    char url[128];
    if (actri_server_new(&options, &server, &error) != ACTR_OK) die("server", &error);
    actr_config_t config = ACTR_CONFIG_INIT;
    config.signaling_url = actri_server_url(server, url, sizeof url);
    config.manufacturer = "acme";
    config.name = "Local";
    config.realm = 1001;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = on_request;
    workload.user = run;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    if (actr_system_new(&config, &system, &error) != ACTR_OK ||
        actr_system_attach(system, &workload, &node, &error) != ACTR_OK ||
        actr_node_start(node, &run->self, &error) != ACTR_OK)
        die("start", &error);
    measure(run, actr_caller);
    actr_ref_release(run->self);
    actr_node_release(node);
    actr_system_release(system);
    actri_server_free(server);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        (void)fprintf(stderr, "usage: local actr|ring tell|call CALLERS OUTSTANDING COUNT\n");
        return 2;
    }
    run_t run = {.call = strcmp(argv[2], "call") == 0,
                 .callers = (unsigned)atoi(argv[3]),
                 .outstanding = (unsigned)atoi(argv[4])};
    if (run.callers < 1 || run.callers > MOST_CALLERS || run.outstanding < 1) return 2;
    run.each = strtoull(argv[5], NULL, 10) / run.callers;
    run.micros = calloc((size_t)run.each + 1, sizeof *run.micros);
    pthread_mutex_init(&run.mutex, NULL);
    pthread_cond_init(&run.changed, NULL);
    if (strcmp(argv[1], "actr") == 0) {
        measure_actr(&run);
    } else {
        ring_init(&requests);
        for (unsigned i = 0; i < run.callers; i++) ring_init(&replies[i]);
        measure(&run, ring_caller);
    }
    free(run.micros);
    return 0;
}
