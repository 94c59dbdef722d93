/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a chunk is under way while many streams run: `stream-delay PEERS STREAMS SECONDS` prints one JSON object.
 * One process takes the chunks of PEERS nodes in another, STREAMS registered streams in all, each with a chunk every
 * 50 ms: first with the node idle, then while one of its handlers sleeps all the time. Both ends read one clock.
 */
#include "port/clock.h"
#include "server/server.h"

#include <actr/actr.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERIOD_MS 50
#define SIZE 64
#define MOST_PEERS 64
#define MOST_STREAMS 4000

enum { IDLE, BUSY, PHASES };

typedef struct stamp { /* a chunk's payload */
    int64_t sent_ns;
    uint32_t phase;
} stamp_t;

/* ---- who takes ---- */

static struct {
    pthread_mutex_t mutex;
    double *micros[PHASES];
    size_t count[PHASES], capacity;
    uint64_t next[MOST_STREAMS], out_of_order;
    unsigned sleeps_ms;
    bool asleep; /* atomic */
    uint64_t taken_asleep;
} taker = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void die(const char *what, const actr_error_t *error)
{
    (void)fprintf(stderr, "stream-delay: %s: %s\n", what, error == NULL ? "" : actr_error_message(error));
    exit(1);
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    uint64_t *next = user;
    stamp_t stamp;
    if (chunk->kind == ACTR_CHUNK_END || chunk->payload.size != SIZE) return;
    memcpy(&stamp, chunk->payload.data, sizeof stamp);
    double micros = (double)(actri_now_ns() - stamp.sent_ns) / 1e3;
    pthread_mutex_lock(&taker.mutex);
    taker.out_of_order += chunk->sequence != (*next)++;
    if (taker.count[stamp.phase] < taker.capacity) taker.micros[stamp.phase][taker.count[stamp.phase]++] = micros;
    taker.taken_asleep += __atomic_load_n(&taker.asleep, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&taker.mutex);
}

static actr_status_t on_request(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)ctx;
    (void)user;
    *reply = (actr_bytes_t){NULL, 0};
    if (strcmp(request->route, "x.Sleep") != 0) return ACTR_OK;
    __atomic_store_n(&taker.asleep, true, __ATOMIC_RELAXED);
    (void)poll(NULL, 0, (int)taker.sleeps_ms);
    __atomic_store_n(&taker.asleep, false, __ATOMIC_RELAXED);
    return ACTR_OK;
}

static actr_ref_t *start_node(const char *url, const char *name, actr_system_t **system)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_config_t config = ACTR_CONFIG_INIT;
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    config.signaling_url = url;
    config.manufacturer = "acme";
    config.name = name;
    config.realm = 1001;
    workload.dispatch = on_request;
    if (actr_system_new(&config, system, &error) != ACTR_OK ||
        actr_system_attach(*system, &workload, &node, &error) != ACTR_OK ||
        actr_node_start(node, &self, &error) != ACTR_OK)
        die("start", &error);
    actr_node_release(node);
    return self;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_phase(const char *name, int phase, const char *end)
{
    size_t count = taker.count[phase];
    double *micros = taker.micros[phase];
    qsort(micros, count, sizeof *micros, compare);
    (void)printf("\"%s\": {\"chunks\": %zu, \"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f}%s", name, count,
                 count > 0 ? micros[count / 2] : 0.0, count > 0 ? micros[count * 99 / 100] : 0.0,
                 count > 0 ? micros[count - 1] : 0.0, end);
}

static int take(int to_child, pid_t child, unsigned streams)
{
    actri_server_t *server = NULL;
    actri_server_options_t options = {.listen = "127.0.0.1:0"};
    actr_error_t error = ACTR_ERROR_INIT;
    char url[128] = "", id[32];
    int status = 1;
    actr_system_t *system = NULL;
    if (actri_server_new(&options, &server, &error) != ACTR_OK) die("server", &error);
    (void)actri_server_url(server, url, sizeof url);
    actr_ref_t *self = start_node(url, "Taker", &system);
    for (unsigned i = 0; i < streams; i++) {
        (void)snprintf(id, sizeof id, "stream-%u", i);
        if (actr_ctx_register_stream(actr_ref_ctx(self), id, on_chunk, &taker.next[i], NULL, &error) != ACTR_OK)
            die("register", &error);
    }
    if (write(to_child, url, sizeof url) != (ssize_t)sizeof url) die("pipe", NULL);
    (void)waitpid(child, &status, 0);
    actr_ref_release(self); /* as a shutdown: what has arrived is delivered */
    actr_system_release(system);
    actri_server_free(server);
    (void)printf("{\"ok\": %s, \"streams\": %u, \"out_of_order\": %llu, \"taken_asleep\": %llu, ",
                 status == 0 && taker.out_of_order == 0 ? "true" : "false", streams,
                 (unsigned long long)taker.out_of_order, (unsigned long long)taker.taken_asleep);
    print_phase("idle", IDLE, ", ");
    print_phase("busy", BUSY, "}\n");
    return status == 0 ? 0 : 1;
}

/* ---- who sends ---- */

static void send_all(actr_ref_t **peers, unsigned peer_count, unsigned streams, const actr_dest_t *dest, uint64_t round,
                     uint32_t phase)
{
    actr_error_t error = ACTR_ERROR_INIT;
    char data[SIZE] = "", id[32];
    for (unsigned i = 0; i < streams; i++) {
        stamp_t stamp = {.sent_ns = actri_now_ns(), .phase = phase};
        memcpy(data, &stamp, sizeof stamp);
        (void)snprintf(id, sizeof id, "stream-%u", i);
        actr_chunk_t chunk = ACTR_CHUNK_INIT;
        chunk.stream_id = id;
        chunk.sequence = round;
        chunk.payload = (actr_bytes_t){data, SIZE};
        if (actr_ctx_send_chunk(actr_ref_ctx(peers[i % peer_count]), dest, &chunk, NULL, &error) != ACTR_OK)
            die("send", &error);
        /* spread over the period, a tenth of the streams at once */
        if (i % (streams / 10 + 1) == streams / 10) (void)poll(NULL, 0, PERIOD_MS / 10);
    }
}

static void on_slept(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    if (status != ACTR_OK) die("sleep", error);
    actr_buf_release(reply);
    __atomic_store_n((bool *)user, true, __ATOMIC_RELEASE);
}

static int give(int from_parent, unsigned peer_count, unsigned streams, unsigned seconds)
{
    static actr_system_t *systems[MOST_PEERS];
    static actr_ref_t *peers[MOST_PEERS];
    static bool slept; /* atomic */
    char url[128];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_type_t type = {.manufacturer = "acme", .name = "Taker"};
    actr_id_t taker_id;
    size_t found = 1;
    if (read(from_parent, url, sizeof url) != (ssize_t)sizeof url) return 1;
    for (unsigned i = 0; i < peer_count; i++) peers[i] = start_node(url, "Giver", &systems[i]);
    if (actr_ref_discover(peers[0], &type, 0, &taker_id, &found, &error) != ACTR_OK) die("discover", &error);
    actr_dest_t dest = actr_dest_actor(&taker_id);
    uint64_t round = 0, rounds = (uint64_t)seconds * 1000 / PERIOD_MS;
    for (uint64_t i = 0; i < rounds; i++) send_all(peers, peer_count, streams, &dest, round++, IDLE);
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    options.timeout_ms = 60000;
    if (actr_ctx_call_async(actr_ref_ctx(peers[0]), &dest, "x.Sleep", (actr_bytes_t){NULL, 0}, &options, on_slept,
                            &slept, &error) != ACTR_OK)
        die("call", &error);
    for (uint64_t i = 0; i < rounds; i++) send_all(peers, peer_count, streams, &dest, round++, BUSY);
    while (!__atomic_load_n(&slept, __ATOMIC_ACQUIRE)) (void)poll(NULL, 0, 10); /* its limit is the call's */
    for (unsigned i = 0; i < peer_count; i++) {
        actr_ref_release(peers[i]);
        actr_system_release(systems[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int ends[2];
    unsigned peers = argc == 4 ? (unsigned)atoi(argv[1]) : 0, streams = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    unsigned seconds = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
    if (peers < 1 || peers > MOST_PEERS || streams < 10 || streams > MOST_STREAMS || seconds < 1 || seconds > 20) {
        (void)fprintf(stderr, "usage: stream-delay PEERS STREAMS SECONDS\n");
        return 2;
    }
    taker.sleeps_ms = seconds * 1000 * 3 / 2; /* longer than a round takes */
    taker.capacity = (size_t)streams * seconds * 1000 / PERIOD_MS;
    for (int i = 0; i < PHASES; i++) taker.micros[i] = calloc(taker.capacity, sizeof(double));
    if (pipe(ends) != 0 || taker.micros[IDLE] == NULL || taker.micros[BUSY] == NULL) return 1;
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) return give(ends[0], peers, streams, seconds);
    return take(ends[1], child, streams);
}
