/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node on a thread of its own: for a library that must always be used from one thread.   affinity-thread [Actr.toml]
 * The Actr.toml says [system.executor] affinity = "thread".
 */
#include <actr/actr.h>
#include <pthread.h>
#include <stdio.h>

/* Stands for such a library: it belongs to the thread that opened it. */
typedef struct canvas {
    pthread_t owner;
    unsigned strokes, strangers;
} canvas_t;

static void canvas_draw(canvas_t *canvas)
{
    canvas->strokes++;
    if (!pthread_equal(canvas->owner, pthread_self())) canvas->strangers++;
}

static actr_status_t on_start(actr_ctx_t *ctx, void *user)
{
    canvas_t *canvas = user;
    (void)ctx;
    canvas->owner = pthread_self(); /* hooks run on the node's thread as well */
    return ACTR_OK;
}

static void on_timer(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    canvas_draw(user);
}

static actr_status_t on_draw(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    canvas_t *canvas = user;
    canvas_draw(canvas);
    actr_status_t status = actr_ctx_after(ctx, 0, on_timer, canvas, NULL, NULL);
    *reply = request->payload;
    return status;
}

typedef struct caller {
    pthread_t thread;
    actr_ref_t *self;
    actr_status_t status;
} caller_t;

static void *call_ten_times(void *argument)
{
    caller_t *caller = argument;
    for (int i = 0; i < 10 && caller->status == ACTR_OK; i++)
        caller->status = actr_ref_call(caller->self, "draw.Canvas.Draw", (actr_bytes_t){"line", 4}, NULL, NULL, NULL);
    return NULL;
}

static actr_status_t call_from_two_threads(actr_ref_t *self)
{
    caller_t callers[2] = {{.self = self}, {.self = self}};
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&callers[i].thread, NULL, call_ten_times, &callers[i]) != 0) return ACTR_STATUS_INTERNAL;
    }
    for (int i = 0; i < 2; i++) (void)pthread_join(callers[i].thread, NULL);
    return callers[0].status != ACTR_OK ? callers[0].status : callers[1].status;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_system_t *system = NULL;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    canvas_t canvas = {.strokes = 0};
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = on_draw;
    workload.on_start = on_start;
    workload.user = &canvas;

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &system, &error);
    if (status == ACTR_OK) status = actr_system_attach(system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error);
    if (status == ACTR_OK) status = call_from_two_threads(self);
    actr_ref_release(self); /* the last timers have run */
    if (status == ACTR_OK) printf("%u strokes, %u of them by another thread\n", canvas.strokes, canvas.strangers);
    if (status != ACTR_OK) fprintf(stderr, "affinity-thread: %s\n", actr_error_message(&error));
    actr_node_release(node);
    actr_system_release(system);
    return status == ACTR_OK && canvas.strangers == 0 ? 0 : 1;
}
