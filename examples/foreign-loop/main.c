/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node inside the program's own loop, as a game or a GUI has one: turns run between two frames, on the loop's thread,
 * and never beside it.   foreign-loop [Actr.toml]      The Actr.toml says [system.executor] affinity = "loop".
 */
#include <actr/actr.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define FRAME_MS 5

typedef struct game {
    actr_system_t *system;
    unsigned frames, handled, answered;
    bool in_frame;
} game_t;

/* No lock: it can not run while a frame is drawn. */
static actr_status_t on_request(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    game_t *game = user;
    game->handled++;
    if (game->in_frame) return actr_ctx_panic(ctx, "a turn in the middle of a frame");
    *reply = request->payload;
    return ACTR_OK;
}

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    game_t *game = user;
    if (status == ACTR_OK)
        game->answered++;
    else
        fprintf(stderr, "foreign-loop: %s\n", actr_error_message(error));
    actr_buf_release(reply);
}

/* Asks the own workload: blocking here would wait for turns that only this thread runs, so it does not block. */
static actr_status_t draw_frame(game_t *game, actr_ref_t *self, actr_error_t *error)
{
    game->in_frame = true;
    game->frames++;
    actr_status_t status =
        actr_ref_call_async(self, "game.World.Step", (actr_bytes_t){"step", 4}, NULL, on_reply, game, error);
    game->in_frame = false;
    return status;
}

static actr_status_t run(game_t *game, actr_ref_t *self, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    while (status == ACTR_OK && game->answered < 10) {
        struct pollfd fds[1] = {{.fd = actr_system_fd(game->system), .events = POLLIN}}; /* and the program's own */
        if (poll(fds, 1, FRAME_MS) > 0) {
            int turns = actr_system_dispatch(game->system, 0, 2); /* at most 2 ms of a frame's time */
            if (turns < 0) return (actr_status_t)turns;
        } else {
            status = draw_frame(game, self, error);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_node_t *node = NULL;
    actr_ref_t *self = NULL;
    game_t game = {.system = NULL};
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = on_request;
    workload.user = &game;

    actr_status_t status = actr_system_open(argc > 1 ? argv[1] : "Actr.toml", &game.system, &error);
    if (status == ACTR_OK) status = actr_system_attach(game.system, &workload, &node, &error);
    if (status == ACTR_OK) status = actr_node_start(node, &self, &error); /* runs the hooks on this thread */
    if (status == ACTR_OK) status = run(&game, self, &error);
    if (status != ACTR_OK) fprintf(stderr, "foreign-loop: %s\n", actr_error_message(&error));
    actr_ref_release(self); /* runs the last turns on this thread */
    actr_node_release(node);
    actr_system_release(game.system);
    if (status == ACTR_OK)
        printf("%u frames, %u requests handled, %u answers\n", game.frames, game.handled, game.answered);
    return status == ACTR_OK ? 0 : 1;
}
