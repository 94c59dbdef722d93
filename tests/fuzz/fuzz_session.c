/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the signaling session: the input is a script of what a server and a socket may do, in any order. It must keep
 * its invariants, never open two sockets, answer each question once, and never ask for time that has passed for ever.
 *
 * A script is a row of steps: one byte that says what, one byte of argument, and for RECEIVE the length of the message
 * in two bytes, high one first, and the message.
 */
#include "port/clock.h"
#include "signaling/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_RECEIVE,
    STEP_OPEN,
    STEP_CLOSE,
    STEP_PASS,
    STEP_ALIVE,
    STEP_ASK,
    STEP_RELAY,
    STEP_BEAT,
    STEP_START,
    STEP_STOP,
    STEPS
};

typedef struct stage {
    actri_session_t *session;
    actri_session_time_t time;
    bool socket, running;
    unsigned asked, answered;
    uint8_t *reserved;
} stage_t;

static void demand(bool good, const char *what)
{
    if (good) return;
    (void)fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void on_connect(void *user, const char *query)
{
    stage_t *stage = user;
    demand(!stage->socket, "one socket at a time");
    demand(query[0] == '\0' || strncmp(query, "actor_id=", 9) == 0, "query");
    stage->socket = true;
}

static void on_disconnect(void *user, bool polite)
{
    stage_t *stage = user;
    (void)polite;
    demand(stage->socket, "a socket to forget");
    stage->socket = false;
}

static void on_ping(void *user)
{
    demand(((stage_t *)user)->socket, "a socket to ping");
}

static uint8_t *on_reserve(void *user, size_t size)
{
    stage_t *stage = user;
    demand(stage->socket, "a socket to write to");
    demand(size > 0 && size < (1u << 20), "size");
    return stage->reserved = malloc(size);
}

static void on_commit(void *user)
{
    stage_t *stage = user;
    free(stage->reserved);
    stage->reserved = NULL;
}

static void on_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    (void)user;
    demand(state <= ACTRI_SIGNALING_STOPPED, "state");
    demand(why == NULL || why->message[0] != '\0', "a reason has words");
}

static void on_identity(void *user, const actri_identity_t *identity)
{
    (void)user;
    demand(identity->id.type.name[0] != '\0' && identity->token != NULL, "identity");
}

static void on_relay(void *user, const actri_relay_t *relay)
{
    (void)user;
    demand(relay->kind >= ACTRI_RELAY_ROLE_NEGOTIATION && relay->kind <= ACTRI_RELAY_REFUSED, "kind");
    demand(relay->text == NULL || strlen(relay->text) < (1u << 20), "text");
}

static void on_load(void *user, actri_load_t *out)
{
    (void)user;
    *out = (actri_load_t){0};
}

static void on_end(void *user, actr_status_t status, const actr_error_t *error)
{
    stage_t *stage = user;
    if (status != ACTR_OK) demand(error != NULL && error->message[0] != '\0', "a failure has words");
    (void)stage;
}

static void on_candidates(void *user, actr_status_t status, const actr_id_t *ids, size_t count,
                          const actr_error_t *error)
{
    ((stage_t *)user)->answered++;
    demand(count <= 2 && (count == 0 || ids != NULL), "candidates");
    demand(status == ACTR_OK || error != NULL, "a failure has an error");
}

static const actri_session_sink_t sink = {on_connect,  on_disconnect, on_ping, on_reserve, on_commit, on_state,
                                          on_identity, on_relay,      on_load, on_end,     on_end,    NULL};

static void pass(stage_t *stage, int64_t ns)
{
    int64_t end = stage->time.now_ns + ns;
    for (unsigned i = 0; actri_session_deadline(stage->session) <= end; i++) {
        int64_t next = actri_session_deadline(stage->session);
        if (next > stage->time.now_ns) {
            stage->time.now_ns = next;
            i = 0;
        }
        demand(i < 10, "it spins");
        actri_session_tick(stage->session, stage->time);
    }
    stage->time.now_ns = end;
}

static void step(stage_t *stage, unsigned what, uint8_t argument)
{
    static const actr_type_t type = {"acme", "wanted"};
    actri_relay_t relay = {.kind = (actri_relay_kind_t)argument, .target.type = type, .text = "v=0"};
    uint8_t uuid[16] = {argument};
    switch (what) {
    case STEP_OPEN:
        if (stage->socket) actri_session_opened(stage->session, stage->time);
        break;
    case STEP_CLOSE:
        if (!stage->socket) break;
        stage->socket = false;
        actri_session_closed(stage->session, stage->time, argument < 100 ? 0 : 300u + argument, "it ended");
        break;
    case STEP_PASS: pass(stage, argument * (ACTRI_SECOND / 4)); break;
    case STEP_ALIVE: actri_session_alive(stage->session, stage->time); break;
    case STEP_ASK:
        stage->asked++;
        actri_session_candidates(stage->session, stage->time, &(actri_query_t){.type = type, .max = 2},
                                 stage->time.now_ns + argument * ACTRI_SECOND, on_candidates, stage);
        break;
    case STEP_RELAY: (void)!actri_session_relay(stage->session, stage->time, &relay, uuid, NULL); break;
    case STEP_BEAT: actri_session_beat(stage->session, stage->time); break;
    case STEP_START:
        actri_session_start(stage->session, stage->time, stage->time.now_ns + argument * ACTRI_SECOND);
        break;
    case STEP_STOP:
        actri_session_stop(stage->session, stage->time, stage->time.now_ns + argument * ACTRI_SECOND);
        break;
    default: break;
    }
}

static size_t receive(stage_t *stage, const uint8_t *data, size_t size)
{
    if (size < 2) return size;
    size_t length = (size_t)data[0] << 8 | data[1];
    if (length > size - 2) length = size - 2;
    uint8_t *copy = malloc(length + 1); /* exactly as long, so that reading past its end shows */
    if (length > 0) memcpy(copy, data + 2, length);
    actri_session_received(stage->session, stage->time, copy, length);
    free(copy);
    return length + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stage_t stage = {.time = {ACTRI_SECOND, INT64_C(1700000000000)}};
    actri_signaling_options_t options = {.type = {"acme", "fuzz"}, .realm = 7, .form = 'A'};
    if (actri_session_new(&options, &sink, &stage, 1, &stage.session, NULL) != ACTR_OK) return 0;
    actri_session_start(stage.session, stage.time, stage.time.now_ns + 60 * ACTRI_SECOND);
    for (size_t at = 0; at + 1 < size;) {
        unsigned what = data[at] % STEPS;
        at += 2;
        if (what == STEP_RECEIVE) {
            at += receive(&stage, data + at, size - at);
        } else {
            step(&stage, what, data[at - 1]);
        }
        const char *broken = actri_session_broken(stage.session);
        demand(broken == NULL, broken);
    }
    actri_session_stop(stage.session, stage.time, 0);
    pass(&stage, 0); /* it may have been leaving, with more time */
    demand(!stage.socket, "stopped without a socket");
    demand(stage.asked == stage.answered, "each question is answered once");
    actri_session_free(stage.session);
    return 0;
}
