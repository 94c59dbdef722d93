/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several actors in one process: each a system and a node of its own; none knows of the others. They talk as any actors
 * do: a message goes once around the ring, each actor adds one.   many-actors [Actr.toml]
 */
#include <actr/actr.h>
#include <stdio.h>
#include <string.h>

#define ACTORS 5

typedef struct actor {
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *self;
    actr_dest_t next; /* whom it asks; the last asks nobody */
    bool is_last;
} actor_t;

/* Adds one to what the rest of the ring says. Waits for the next actor, and holds its own turn meanwhile. */
static actr_status_t on_count(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    const actor_t *actor = user;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *answer = NULL;
    unsigned char *sum = actr_ctx_alloc(ctx, 1);
    if (sum == NULL) return ACTR_STATUS_NO_MEMORY;
    *sum = 1;
    if (!actor->is_last) {
        actr_status_t status =
            actr_ctx_call(ctx, &actor->next, request->route, request->payload, NULL, &answer, &error);
        if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "%s", actr_error_message(&error));
        if (actr_buf_size(answer) == 1) *sum = (unsigned char)(1 + *(const unsigned char *)actr_buf_data(answer));
        actr_buf_release(answer);
    }
    *reply = (actr_bytes_t){sum, 1};
    return ACTR_OK;
}

static actr_status_t start(actor_t *actor, const char *path, actr_error_t *error)
{
    actr_workload_t workload = ACTR_WORKLOAD_INIT;
    workload.dispatch = on_count;
    workload.user = actor;
    actr_status_t status = actr_system_open(path, &actor->system, error);
    if (status == ACTR_OK) status = actr_system_attach(actor->system, &workload, &actor->node, error);
    if (status == ACTR_OK) status = actr_node_start(actor->node, &actor->self, error);
    return status;
}

static actr_status_t count(actor_t *first, actr_error_t *error)
{
    actr_buf_t *reply = NULL;
    actr_status_t status =
        actr_ref_call(first->self, "count.Counter.Count", (actr_bytes_t){NULL, 0}, NULL, &reply, error);
    if (status == ACTR_OK) printf("%d actors counted\n", *(const unsigned char *)actr_buf_data(reply));
    actr_buf_release(reply);
    return status;
}

int main(int argc, char **argv)
{
    static actor_t actors[ACTORS];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = ACTR_OK;
    char id[ACTR_ID_TEXT_SIZE];
    for (int i = ACTORS - 1; i >= 0 && status == ACTR_OK; i--) { /* the last first: the others are told whom to ask */
        actors[i].is_last = i == ACTORS - 1;
        if (!actors[i].is_last) actors[i].next = actr_dest_actor(actr_ref_actor_id(actors[i + 1].self));
        status = start(&actors[i], argc > 1 ? argv[1] : "Actr.toml", &error);
        if (status == ACTR_OK) printf("%s\n", actr_id_print(actr_ref_actor_id(actors[i].self), id));
    }
    if (status == ACTR_OK) status = count(&actors[0], &error);
    if (status != ACTR_OK) fprintf(stderr, "many-actors: %s\n", actr_error_message(&error));
    for (int i = 0; i < ACTORS; i++) {
        actr_ref_release(actors[i].self);
        actr_node_release(actors[i].node);
        actr_system_release(actors[i].system);
    }
    return status == ACTR_OK ? 0 : 1;
}
