/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signaling client: a session (session.h) and its socket (socket.c) on a thread of their own, and the calls that
 * other threads make. Those only put commands into a bounded queue and wake the thread once for a batch.
 */
#include "signaling/client_state.h"

#include "port/random.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define AREA "signaling"
#define GOODBYE_NS (500 * ACTRI_MS) /* for the Close frames at the end */

typedef struct command {
    actri_link_t link;
    bool is_relay, is_question, is_check;
    bool moved;  /* of a check */
    size_t size; /* of a relay: what it counts */
    union {
        struct {
            actri_relay_t relay;
            uint8_t uuid[16];
        };
        struct {
            int64_t deadline_ns;
            void *user;
            union {
                struct {
                    actri_query_t query;
                    actri_candidates_fn done;
                };
                struct {
                    actri_question_t question;
                    actri_answers_fn answered;
                };
                actri_checked_fn checked;
            };
        };
    };
    char text[]; /* of a relay */
} command_t;

actri_session_time_t actri_client_time(void)
{
    return (actri_session_time_t){actri_now_ns(), actri_wall_ms()};
}

/* Under the mutex. */
static void wake(actri_signaling_t *client)
{
    if (client->woken || client->context == NULL) return;
    client->woken = true;
    lws_cancel_service(client->context);
}

static void give_back(actri_signaling_t *client, size_t size, bool dropped)
{
    actri_lock(&client->mutex);
    client->relays--;
    client->bytes -= size;
    if (dropped) client->relays_dropped++;
    actri_unlock(&client->mutex);
}

void actri_client_drop_frame(actri_signaling_t *client, actri_out_frame_t *frame, bool written)
{
    if (frame->is_relay) give_back(client, frame->size, !written);
    OPENSSL_cleanse(frame->bytes, LWS_PRE + frame->size); /* it held the token */
    actri_free(client->env, frame);
}

static void drop_frames(actri_signaling_t *client)
{
    for (actri_link_t *link; (link = actri_list_take(&client->frames)) != NULL;) {
        actri_client_drop_frame(client, ACTRI_CONTAINER(link, actri_out_frame_t, link), false);
    }
}

/* ---- the session's sink; signaling thread ---- */

static void forget_query(actri_signaling_t *client)
{
    if (client->query != NULL) OPENSSL_cleanse(client->query, client->query_size);
    actri_free(client->env, client->query);
    client->query = NULL;
}

static void sink_connect(void *user, const char *query)
{
    actri_signaling_t *client = user;
    forget_query(client);
    client->query_size = strlen(query);
    client->query = actri_strdup(client->env, query);
    client->connect_due = true; /* not from inside a callback of libwebsockets */
}

static void sink_disconnect(void *user, bool polite)
{
    actri_signaling_t *client = user;
    client->connect_due = false;
    client->ping_due = false;
    forget_query(client);
    drop_frames(client);
    actri_socket_abandon(client, polite);
}

static void sink_ping(void *user)
{
    actri_signaling_t *client = user;
    client->ping_due = true;
    actri_socket_want_write(client);
}

static uint8_t *sink_reserve(void *user, size_t size)
{
    actri_signaling_t *client = user;
    actri_out_frame_t *frame = actri_alloc(client->env, sizeof *frame + LWS_PRE + size);
    client->reserved = frame;
    if (frame == NULL) return NULL;
    frame->is_relay = client->sending_relay;
    frame->size = size;
    return frame->bytes + LWS_PRE;
}

static void sink_commit(void *user)
{
    actri_signaling_t *client = user;
    actri_out_frame_t *frame = client->reserved;
    client->reserved = NULL;
    if (frame->is_relay) {
        actri_lock(&client->mutex);
        client->relays++;
        client->bytes += frame->size;
        actri_unlock(&client->mutex);
    }
    actri_list_append(&client->frames, &frame->link);
    actri_socket_want_write(client);
}

static void sink_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    actri_signaling_t *client = user;
    if (state != ACTRI_SIGNALING_REGISTERED) drop_frames(client); /* a loss that the socket reported itself */
    actri_lock(&client->mutex);
    client->online = state == ACTRI_SIGNALING_REGISTERED;
    actri_unlock(&client->mutex);
    if (client->handlers.on_state != NULL) client->handlers.on_state(client->user, state, why);
}

static void sink_identity(void *user, const actri_identity_t *identity)
{
    actri_signaling_t *client = user;
    if (client->handlers.on_identity != NULL) client->handlers.on_identity(client->user, identity);
}

static void sink_relay(void *user, const actri_relay_t *relay)
{
    actri_signaling_t *client = user;
    if (client->handlers.on_relay != NULL) client->handlers.on_relay(client->user, relay);
}

static void sink_load(void *user, actri_load_t *out)
{
    actri_signaling_t *client = user;
    if (client->handlers.load != NULL) client->handlers.load(client->user, out);
}

static void sink_credential(void *user, bool renewed)
{
    actri_signaling_t *client = user;
    if (client->handlers.on_credential != NULL) client->handlers.on_credential(client->user, renewed);
}

static void settle(actri_signaling_t *client, actr_status_t status, const actr_error_t *error)
{
    actri_lock(&client->mutex);
    client->settled = true;
    client->start_status = status;
    if (error != NULL) client->start_error = *error;
    actri_cond_broadcast(&client->changed);
    actri_unlock(&client->mutex);
    if (status != ACTR_OK) client->finished = true;
}

static void sink_started(void *user, actr_status_t status, const actr_error_t *error)
{
    settle(user, status, error);
}

static void sink_stopped(void *user, actr_status_t status, const actr_error_t *error)
{
    actri_signaling_t *client = user;
    actri_lock(&client->mutex);
    client->stop_status = status;
    if (error != NULL) client->stop_error = *error;
    actri_unlock(&client->mutex);
    client->finished = true;
}

static const actri_session_sink_t sink = {
    .connect = sink_connect,
    .disconnect = sink_disconnect,
    .ping = sink_ping,
    .reserve = sink_reserve,
    .commit = sink_commit,
    .state = sink_state,
    .identity = sink_identity,
    .relay = sink_relay,
    .load = sink_load,
    .credential = sink_credential,
    .started = sink_started,
    .stopped = sink_stopped,
};

/* ---- the thread ---- */

static void run_command(actri_signaling_t *client, command_t *command)
{
    actri_session_time_t time = actri_client_time();
    if (command->is_relay) {
        actr_error_t error = ACTR_ERROR_INIT;
        client->sending_relay = true;
        actr_status_t status = actri_session_relay(client->session, time, &command->relay, command->uuid, &error);
        client->sending_relay = false;
        give_back(client, command->size, status != ACTR_OK);
        if (status != ACTR_OK) actri_debug(client->env, AREA, "relay dropped: %s", actr_error_message(&error));
    } else if (command->is_check) {
        actri_session_check(client->session, time, command->moved, command->checked, command->user);
    } else {
        actri_lock(&client->mutex);
        client->questions--;
        actri_unlock(&client->mutex);
        if (command->is_question)
            actri_session_ask(client->session, time, &command->question, command->deadline_ns, command->answered,
                              command->user);
        else
            actri_session_candidates(client->session, time, &command->query, command->deadline_ns, command->done,
                                     command->user);
    }
    actri_free(client->env, command);
}

static void run_commands(actri_signaling_t *client)
{
    actri_link_t taken;
    actri_list_init(&taken);
    actri_lock(&client->mutex);
    client->woken = false;
    actri_list_splice(&taken, &client->commands);
    bool beat = client->beat, stop = client->stop_asked;
    client->beat = client->stop_asked = false;
    actri_unlock(&client->mutex);
    for (actri_link_t *link; (link = actri_list_take(&taken)) != NULL;) {
        run_command(client, ACTRI_CONTAINER(link, command_t, link));
    }
    if (beat) actri_session_beat(client->session, actri_client_time());
    if (stop) actri_session_stop(client->session, actri_client_time(), client->stop_deadline_ns);
}

static void publish_counters(actri_signaling_t *client)
{
    actri_lock(&client->mutex);
    client->counters = *actri_session_counters(client->session);
    actri_unlock(&client->mutex);
}

static void turn(actri_signaling_t *client)
{
    run_commands(client);
    if (actri_session_deadline(client->session) <= actri_now_ns()) {
        actri_session_tick(client->session, actri_client_time());
    }
    if (client->connect_due) {
        client->connect_due = false;
        actri_socket_connect(client);
    }
    actri_socket_continue(client);
    publish_counters(client);
    if (!client->finished) actri_socket_service(client, actri_session_deadline(client->session));
}

/* Close frames get their moment; then all is taken down. */
static void leave(actri_signaling_t *client)
{
    int64_t until = actri_now_ns() + GOODBYE_NS;
    while (client->parting > 0 && actri_now_ns() < until) actri_socket_service(client, until);
    actri_socket_close_all(client);
    actri_lock(&client->mutex);
    client->leaving = true;
    actri_unlock(&client->mutex);
    run_commands(client); /* those that came too late end here, unsent */
    drop_frames(client);
    forget_query(client);
    publish_counters(client);
}

static void run(void *argument)
{
    actri_signaling_t *client = argument;
    if (!actri_socket_open(client)) {
        actr_error_t error;
        (void)actri_fail(&error, ACTR_STATUS_INTERNAL,
                         "libwebsockets can not be started (memory or descriptors are out)");
        settle(client, ACTR_STATUS_INTERNAL, &error);
    } else {
        actri_session_start(client->session, actri_client_time(), client->start_deadline_ns);
        while (!client->finished) turn(client);
    }
    leave(client);
    actri_lock(&client->mutex);
    client->ended = true;
    actri_cond_broadcast(&client->changed);
    actri_unlock(&client->mutex);
}

/* ---- what others call ---- */

static void say_once_if_plain(actri_signaling_t *client)
{
    if (client->warned || client->url.tls || actri_ws_url_is_loopback(&client->url)) return;
    client->warned = true;
    actri_warn(client->env, AREA, "ws:// to %s is not encrypted: tokens and keys can be read on the way; use wss://",
               client->url.host);
}

actr_status_t actri_signaling_new(const actri_signaling_options_t *options, const actri_signaling_handlers_t *handlers,
                                  void *user, actri_signaling_t **out, actr_error_t *error)
{
    actri_signaling_t *client = actri_zalloc(options->env, sizeof *client);
    if (client == NULL) return actri_no_memory(error);
    client->env = options->env;
    client->handlers = *handlers;
    client->user = user;
    actri_mutex_init(&client->mutex);
    actri_cond_init(&client->changed);
    actri_list_init(&client->commands);
    actri_list_init(&client->frames);
    actri_list_init(&client->links);
    actr_status_t status = actri_ws_url_parse(client->env, options->url, &client->url, error);
    if (status == ACTR_OK) {
        status = actri_session_new(options, &sink, client, actri_random_u64(), &client->session, error);
    }
    if (status != ACTR_OK) {
        actri_signaling_free(client);
        return status;
    }
    *out = client;
    return ACTR_OK;
}

/* Waits for the thread's end and joins it; several callers may. Under the mutex. */
static void reap(actri_signaling_t *client)
{
    while (client->running && !client->ended) (void)actri_cond_wait(&client->changed, &client->mutex, ACTRI_NEVER);
    if (client->running && !client->reaping) {
        client->reaping = true;
        actri_unlock(&client->mutex);
        actri_thread_join(&client->thread);
        actri_lock(&client->mutex);
        client->running = client->reaping = false;
        actri_cond_broadcast(&client->changed);
    }
    while (client->running) (void)actri_cond_wait(&client->changed, &client->mutex, ACTRI_NEVER);
}

/* Under the mutex. */
static void prepare(actri_signaling_t *client, int64_t deadline_ns)
{
    client->settled = client->ended = client->finished = client->leaving = false;
    client->online = client->woken = client->beat = client->stop_asked = false;
    client->start_deadline_ns = deadline_ns;
    client->start_status = client->stop_status = ACTR_OK;
    memset(&client->start_error, 0, sizeof client->start_error);
    memset(&client->stop_error, 0, sizeof client->stop_error);
}

actr_status_t actri_signaling_start(actri_signaling_t *client, int64_t deadline_ns, actr_error_t *error)
{
    actri_lock(&client->mutex);
    if (client->running) {
        actri_unlock(&client->mutex);
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "signaling is already started");
    }
    prepare(client, deadline_ns);
    say_once_if_plain(client);
    actr_status_t status = actri_thread_start(&client->thread, "actr-signaling", run, client, error);
    if (status == ACTR_OK) {
        client->running = true;
        while (!client->settled) (void)actri_cond_wait(&client->changed, &client->mutex, ACTRI_NEVER);
        status = client->start_status;
        if (status != ACTR_OK) {
            reap(client);
            (void)actri_fail(error, status, "%s", client->start_error.message);
            if (error != NULL) error->remote_code = client->start_error.remote_code;
        }
    }
    actri_unlock(&client->mutex);
    return status;
}

/* Under the mutex. */
static actr_status_t admit(actri_signaling_t *client, size_t size, actr_error_t *error)
{
    if (!client->online) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "the signaling server is not connected");
    }
    if (client->relays >= ACTRI_RELAYS_MAX || client->bytes + size > ACTRI_OUT_MAX) {
        client->limits_reached++;
        return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%zu relays with %zu bytes wait for the signaling server",
                          client->relays, client->bytes);
    }
    return ACTR_OK;
}

static command_t *relay_command(const actri_signaling_t *client, const actri_relay_t *relay)
{
    size_t length = relay->text == NULL ? 0 : strlen(relay->text);
    command_t *command = actri_alloc(client->env, sizeof *command + length + 1);
    if (command == NULL) return NULL;
    command->is_relay = true;
    command->size = length;
    command->relay = *relay;
    actri_random(command->uuid, sizeof command->uuid);
    if (relay->text != NULL) {
        memcpy(command->text, relay->text, length + 1);
        command->relay.text = command->text;
    }
    return command;
}

actr_status_t actri_signaling_relay(actri_signaling_t *client, const actri_relay_t *relay, actr_error_t *error)
{
    switch (relay->kind) {
    case ACTRI_RELAY_ROLE_ASSIGNMENT:
    case ACTRI_RELAY_REFUSED:
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "a client sends no relay of kind %d", (int)relay->kind);
    default: break;
    }
    command_t *command = relay_command(client, relay);
    if (command == NULL) return actri_no_memory(error);
    actri_lock(&client->mutex);
    actr_status_t status = admit(client, command->size, error);
    if (status == ACTR_OK) {
        client->relays++;
        client->bytes += command->size;
        actri_list_append(&client->commands, &command->link);
        wake(client);
    }
    actri_unlock(&client->mutex);
    if (status != ACTR_OK) actri_free(client->env, command);
    return status;
}

/* Under the mutex. */
static actr_status_t admit_question(actri_signaling_t *client, actr_error_t *error)
{
    if (!client->online) {
        return actri_fail(error, ACTR_STATUS_SIGNALING_UNAVAILABLE, "the signaling server is not connected");
    }
    if (client->questions < ACTRI_QUESTIONS_MAX) return ACTR_OK;
    client->limits_reached++;
    return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "%zu requests wait for the signaling server",
                      client->questions);
}

/* Takes command. */
static actr_status_t put_question(actri_signaling_t *client, command_t *command, actr_error_t *error)
{
    actri_lock(&client->mutex);
    actr_status_t status = admit_question(client, error);
    if (status == ACTR_OK) {
        client->questions++;
        actri_list_append(&client->commands, &command->link);
        wake(client);
    }
    actri_unlock(&client->mutex);
    if (status != ACTR_OK) actri_free(client->env, command);
    return status;
}

actr_status_t actri_signaling_candidates(actri_signaling_t *client, const actri_query_t *query, int64_t deadline_ns,
                                         actri_candidates_fn done, void *user, actr_error_t *error)
{
    if (query->max == 0) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "zero candidates asked for");
    command_t *command = actri_zalloc(client->env, sizeof *command);
    if (command == NULL) return actri_no_memory(error);
    command->query = *query;
    command->deadline_ns = deadline_ns;
    command->done = done;
    command->user = user;
    return put_question(client, command, error);
}

actr_status_t actri_signaling_ask(actri_signaling_t *client, const actri_question_t *question, int64_t deadline_ns,
                                  actri_answers_fn done, void *user, actr_error_t *error)
{
    command_t *command = actri_zalloc(client->env, sizeof *command);
    if (command == NULL) return actri_no_memory(error);
    command->is_question = true;
    command->question = *question;
    command->deadline_ns = deadline_ns;
    command->answered = done;
    command->user = user;
    return put_question(client, command, error);
}

actr_status_t actri_signaling_check(actri_signaling_t *client, bool moved, actri_checked_fn done, void *user,
                                    actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    command_t *command = actri_zalloc(client->env, sizeof *command);
    if (command == NULL) return actri_no_memory(error);
    command->is_check = true;
    command->moved = moved;
    command->checked = done;
    command->user = user;
    actri_lock(&client->mutex);
    if (client->running && !client->leaving) {
        actri_list_append(&client->commands, &command->link);
        wake(client);
    } else {
        status = actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "signaling does not run");
    }
    actri_unlock(&client->mutex);
    if (status != ACTR_OK) actri_free(client->env, command);
    return status;
}

void actri_signaling_counters(actri_signaling_t *client, actri_signaling_counters_t *out)
{
    actri_lock(&client->mutex);
    *out = client->counters;
    out->limits_reached += client->limits_reached;
    out->relays_dropped += client->relays_dropped;
    actri_unlock(&client->mutex);
}

void actri_signaling_beat(actri_signaling_t *client)
{
    actri_lock(&client->mutex);
    client->beat = true;
    wake(client);
    actri_unlock(&client->mutex);
}

actr_status_t actri_signaling_stop(actri_signaling_t *client, int64_t deadline_ns, actr_error_t *error)
{
    actri_lock(&client->mutex);
    if (!client->running) {
        actri_unlock(&client->mutex);
        return ACTR_OK;
    }
    client->stop_asked = true;
    client->stop_deadline_ns = deadline_ns;
    wake(client);
    reap(client);
    actr_status_t status = client->stop_status;
    if (status != ACTR_OK) (void)actri_fail(error, status, "%s", client->stop_error.message);
    actri_unlock(&client->mutex);
    return status;
}

void actri_signaling_free(actri_signaling_t *client)
{
    if (client == NULL) return;
    (void)actri_signaling_stop(client, 0, NULL);
    actri_session_free(client->session);
    actri_ws_url_clear(client->env, &client->url);
    actri_cond_destroy(&client->changed);
    actri_mutex_destroy(&client->mutex);
    actri_free(client->env, client);
}
