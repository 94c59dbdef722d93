/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a node: made, connected with each other, taken apart; what they tell and ask. Relays and identities
 * come on the signaling thread, requests and peers on the loop, handlers are turns of the node.
 */
#include "lifecycle/node.h"

#include "dispatch/acl.h"
#include "dispatch/answers.h"
#include "dispatch/trust.h"
#include "gate/error_code.h"
#include "lifecycle/load.h"
#include "lifecycle/supervise.h"
#include "lifecycle/timer.h"
#include "port/clock.h"
#include "proto/idcodec.h"

#include <stdio.h>
#include <string.h>

#define MAX_PENDING 65536
#define MAX_PEERS 1024

static void on_identity(void *user, const actri_identity_t *identity)
{
    actr_node_t *node = user;
    actri_outproc_set_identity(node->outproc, &identity->id); /* each start makes a new one, also for an id of before */
    uint8_t bytes[ACTRI_ID_BYTES_MAX];
    actri_mailbox_set_receiver(node->system->mailbox, bytes, actri_id_encode(&identity->id, bytes));
    if (actri_node_add_identity(node, &identity->id, NULL) == ACTR_OK) return;
    actri_error(&node->system->env, "node", "out of memory: the new identity is not shown");
}

/* ---- what the parts tell ---- */

static void on_signaling_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    actr_node_t *node = user;
    actr_event_t event = {.detail = why == NULL ? "" : actr_error_message(why),
                          .status = why == NULL ? ACTR_OK : why->status};
    switch (state) {
    case ACTRI_SIGNALING_CONNECTING: event.kind = ACTR_EVENT_SIGNALING_CONNECTING; break;
    case ACTRI_SIGNALING_REGISTERED: event.kind = ACTR_EVENT_SIGNALING_CONNECTED; break;
    case ACTRI_SIGNALING_DISCONNECTED: event.kind = ACTR_EVENT_SIGNALING_DISCONNECTED; break;
    case ACTRI_SIGNALING_STOPPED: return; /* our own doing */
    }
    actri_node_tell(node, &event);
}

static void on_credential(void *user, bool renewed)
{
    actri_node_event(user, renewed ? ACTR_EVENT_CREDENTIAL_RENEWED : ACTR_EVENT_CREDENTIAL_EXPIRING, NULL,
                     renewed ? "the server gave a new credential" : "a new credential is asked for");
}

static void on_peer(void *user, const actri_session_t *session, const actr_event_t *event)
{
    actr_node_t *node = user;
    char id[ACTR_ID_TEXT_SIZE];
    actri_info(&node->system->env, "peer", "%s: %s%s%s", actr_id_print(&session->peer, id),
               actr_event_name(event->kind), event->detail[0] == '\0' ? "" : ": ", event->detail);
    if (event->kind == ACTR_EVENT_PEER_CONNECTED) {
        actri_stream_gate_up(node->stream_gate, session);
    } else if (event->kind == ACTR_EVENT_PEER_CLOSED && session->number != 0) {
        actri_stream_gate_down(node->stream_gate, session);
        actri_streams_session_down(node->streams, session);
    }
    actri_node_tell(node, event);
}

/* ---- what the parts ask of the node ---- */

static void on_relay(void *user, const actri_relay_t *relay)
{
    actr_node_t *node = user;
    actri_outproc_relay(node->outproc, relay);
}

static actr_status_t send_relay(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    actr_node_t *node = user;
    return actri_signaling_relay(node->signaling, relay, error);
}

static void on_request(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message,
                       const actri_envelope_t *envelope)
{
    actr_node_t *node = user;
    actri_state_path_request(node->path, session, lane, message, envelope);
}

static void on_stream(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    actr_node_t *node = user;
    actri_streams_arrive(node->streams, session, lane, message);
}

static bool on_credit(void *user, const actri_session_t *session, actr_buf_t *message, bool tapped)
{
    actr_node_t *node = user;
    actri_credit_t credit;
    if (tapped) {
        actri_streams_passed_by(node->streams, session, message);
        return true;
    }
    switch (actri_credit_decode(actr_buf_data(message), actr_buf_size(message), &credit)) {
    case ACTRI_CREDIT_NONE: return false;
    case ACTRI_CREDIT_GRANT: actri_stream_gate_granted(node->stream_gate, session, &credit); break;
    case ACTRI_CREDIT_FORGET: actri_streams_sender_forgot(node->streams, session, credit.stream_id); break;
    }
    actr_buf_release(message);
    return true;
}

static void say_credit(void *user, const actri_session_t *session, const actri_credit_t *credit)
{
    actr_node_t *node = user;
    actri_stream_gate_say(node->stream_gate, session, credit);
}

static bool allows_streams(void *user, const actri_session_t *session)
{
    actr_node_t *node = user;
    char reason[ACTRI_ACL_REASON];
    if (actri_acl_allows(&node->system->config.values, &session->peer, reason)) return true;
    if (session->number <= node->refused_session) return false; /* said before, or of no interest any more */
    node->refused_session = session->number;
    actri_warn(&node->system->env, "acl", "chunks of %s are refused: %s", session->peer.type.name, reason);
    return false;
}

static void pause_peer(void *user, const actri_session_t *session, bool paused)
{
    actr_node_t *node = user;
    actri_outproc_pause(node->outproc, session, paused);
}

static void give_up_peer(void *user, const actri_session_t *session)
{
    actr_node_t *node = user;
    actri_outproc_give_up(node->outproc, session, "out of memory: a chunk of a reliable stream is lost");
}

static actr_status_t explain(const actr_ctx_t *ctx, actr_status_t status, actr_error_t *error)
{
    if (actri_error_for_callers(status) != status) {
        return actri_fail(error, ACTR_STATUS_HANDLER_ERROR, "%s (the handler's %s, %d)",
                          ctx->failure == status ? ctx->message : "failed", actr_status_name(status), (int)status);
    }
    if (ctx->failure == status) return actri_fail(error, status, "%s", ctx->message);
    if (status == ACTR_STATUS_UNKNOWN_ROUTE) {
        return actri_fail(error, status, "Unknown route: %s", ctx->in->request.route);
    }
    return actri_fail(error, status, "%s", actr_status_str(status));
}

actr_status_t actri_run_handler(actr_ctx_t *ctx, actr_dispatch_fn dispatch, void *user, actr_bytes_t *reply,
                                actr_error_t *error)
{
    if (dispatch == NULL) return explain(ctx, ACTR_STATUS_UNKNOWN_ROUTE, error);
    const actr_ctx_t *outer = actri_ctx_enter(ctx);
    actr_status_t status = dispatch(ctx, &ctx->in->request, reply, user);
    actri_ctx_leave(outer);
    return status >= 0 ? status : explain(ctx, status, error);
}

static actr_status_t serve(void *user, const actri_incoming_t *in, actr_bytes_t *reply, actr_error_t *error)
{
    actr_node_t *node = user;
    actr_ctx_t ctx;
    actri_ctx_init(&ctx, node, in, in->request_id, in->arena, in->deadline_ns);
    actr_status_t status = actri_run_handler(&ctx, node->workload.dispatch, node->workload.user, reply, error);
    actri_node_supervise(node, status, __atomic_load_n(&in->turn->overtime, __ATOMIC_RELAXED), error);
    return status;
}

static actr_status_t serve_shell(void *user, const actri_incoming_t *in, actr_bytes_t *reply, actr_error_t *error)
{
    actr_node_t *node = user;
    actr_ctx_t ctx;
    actri_ctx_init(&ctx, node, in, in->request_id, in->arena, in->deadline_ns);
    ctx.is_shell = true;
    return actri_run_handler(&ctx, node->shell_dispatch, node->shell_user, reply, error);
}

/* ---- making ---- */

/* Signaling on the loopback means peers on this machine: their loopback candidates are wanted. */
static bool wants_loopback(const actr_config_t *config)
{
    if (config->loopback != 0) return config->loopback > 0;
    const char *host = strstr(config->signaling_url, "://");
    if (host == NULL) return false;
    host += 3;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 || strncmp(host, "[::1]", 5) == 0;
}

static bool admits(void *user, const actr_id_t *peer, const char *fingerprint)
{
    const actr_node_t *node = user;
    return actri_trust_admits(&node->system->config.values, peer, fingerprint);
}

static actr_status_t make_gate(actr_node_t *node, actr_error_t *error)
{
    static const actri_peer_gate_handlers_t events = {on_request, on_stream, on_peer, on_credit};
    actr_system_t *system = node->system;
    const actr_config_t *config = &system->config.values;
    actri_coordinator_options_t coordinator = {.loop = node->loop,
                                               .env = &system->env,
                                               .certificate = system->certificate,
                                               .loopback = wants_loopback(config),
                                               .force_relay = config->force_relay,
                                               .admits = admits,
                                               .admits_user = node,
                                               .max_peers = config->max_peers ? config->max_peers : MAX_PEERS};
    actri_peer_gate_options_t options = {.coordinator = &coordinator,
                                         .relay = send_relay,
                                         .relay_user = node,
                                         .max_pending =
                                             config->max_pending_calls ? config->max_pending_calls : MAX_PENDING};
    actr_status_t status = actri_peer_gate_new(&options, &events, node, &node->gate, error);
    if (status != ACTR_OK) return status;
    node->outproc = actri_peer_gate_outproc(node->gate);
    return actri_stream_gate_new(&system->env, node->loop, node->outproc, &node->stream_gate, error);
}

static actr_status_t make_streams(actr_node_t *node, actr_error_t *error)
{
    actri_streams_options_t options = {.env = &node->system->env,
                                       .loop = node->loop,
                                       .allows = allows_streams,
                                       .pause = pause_peer,
                                       .give_up = give_up_peer,
                                       .say = say_credit,
                                       .user = node};
    return actri_streams_new(&options, &node->streams, error);
}

static actr_status_t make_signaling(actr_node_t *node, actr_error_t *error)
{
    static const actri_signaling_handlers_t events = {on_signaling_state, on_identity, on_relay, actri_node_load,
                                                      on_credential};
    actr_system_t *system = node->system;
    const actr_config_t *config = &system->config.values;
    actri_signaling_options_t options = {.env = &system->env,
                                         .url = config->signaling_url,
                                         .realm = config->realm,
                                         .form =
                                             config->server_form != NULL && config->server_form[0] == 'B' ? 'B' : 'A',
                                         .service_spec = system->service_spec,
                                         .service_spec_size = system->service_spec_size,
                                         .acl = system->acl,
                                         .acl_size = system->acl_size};
    (void)snprintf(options.type.manufacturer, sizeof options.type.manufacturer, "%s", config->manufacturer);
    (void)snprintf(options.type.name, sizeof options.type.name, "%s", config->name);
    actri_meter_init(&node->meter);
    return actri_signaling_new(&options, &events, node, &node->signaling, error);
}

static void on_pressure(void *user, uint64_t messages, uint64_t bytes)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%llu requests, %llu bytes", (unsigned long long)messages,
                   (unsigned long long)bytes);
    actri_node_event(user, ACTR_EVENT_MAILBOX_BACKPRESSURE, NULL, text);
}

static void on_dead(void *user, const actr_error_t *why)
{
    actr_event_t event = {.kind = ACTR_EVENT_ERROR, .status = why->status, .detail = why->message};
    actri_node_tell(user, &event);
}

static actr_status_t make_path(actr_node_t *node, actr_error_t *error)
{
    actr_system_t *system = node->system;
    actri_state_path_options_t options = {.env = &system->env,
                                          .config = &system->config.values,
                                          .serial = node->serial,
                                          .mailbox = system->mailbox,
                                          .serve = serve,
                                          .on_pressure = on_pressure,
                                          .on_dead = on_dead,
                                          .user = node,
                                          .key_of = node->keyed ? actri_node_key_of : NULL,
                                          .key_user = node};
    actr_status_t status = actri_state_path_new(&options, &node->path, error);
    if (status == ACTR_OK) actri_system_set_path(system, node->path);
    return status;
}

/* Handlers that run too long are answered for; on the loop. */
static void watch_handlers(actr_node_t *node)
{
    int64_t limit = node->system->config.values.handler_limit_ms * ACTRI_MS, now = actri_now_ns();
    unsigned found = actri_state_path_overtime(node->path, now, limit);
    if (node->shell != NULL) found += actri_state_path_overtime(node->shell, now, limit);
    if (found > 0) actri_node_event(node, ACTR_EVENT_HANDLER_OVERTIME, NULL, "a handler ran longer than its limit");
}

static actr_status_t start_watch(actr_node_t *node, actr_error_t *error)
{
    actri_timers_open(&node->timers);
    uint32_t limit = node->system->config.values.handler_limit_ms;
    if (limit == 0) return ACTR_OK;
    uint32_t period = limit / 8;
    return actri_timers_on_loop(node, period < 1 ? 1 : period > 1000 ? 1000 : period, watch_handlers, error);
}

/* The Shell's side: its handlers run one at a time, beside the workload's. */
static actr_status_t make_shell(actr_node_t *node, actr_error_t *error)
{
    if (node->shell_dispatch == NULL) return ACTR_OK;
    actr_status_t status = actri_serial_new(node->system->pool, &node->shell_serial, error);
    if (status != ACTR_OK) return status;
    actri_serial_set_owner(node->shell_serial, node);
    actri_state_path_options_t options = {.env = &node->system->env,
                                          .config = &node->system->config.values,
                                          .serial = node->shell_serial,
                                          .serve = serve_shell,
                                          .user = node};
    return actri_state_path_new(&options, &node->shell, error);
}

static uint64_t key_of(actri_task_t *task, void *user)
{
    actr_node_t *node = user;
    return actri_state_path_key(node->path, task);
}

static actr_status_t make_serial(actr_node_t *node, actr_error_t *error)
{
    actr_status_t status = ACTR_OK;
    if (node->system->config.values.affinity == ACTR_AFFINITY_THREAD) {
        status = actri_pool_new(&node->system->env, 1, ACTRI_POOL_PINNED, &node->own_pool, error);
    }
    if (status != ACTR_OK) return status;
    actri_keyed_options_t options = {.workers = node->workload.workers, .key_of = key_of, .user = node};
    status = node->keyed ? actri_serial_new_keyed(actri_node_pool(node), &options, &node->serial, error)
                         : actri_serial_new(actri_node_pool(node), &node->serial, error);
    if (status == ACTR_OK) actri_serial_set_owner(node->serial, node);
    return status;
}

static bool watches_network(const actr_config_t *config)
{
    return config->network_watch != 0 ? config->network_watch > 0 : !wants_loopback(config);
}

actr_status_t actri_node_make_parts(actr_node_t *node, actr_error_t *error)
{
    actr_status_t status = actri_loop_acquire(&node->loop, error);
    if (status == ACTR_OK) actri_deadlines_open(&node->deadlines, node->loop);
    if (status == ACTR_OK) status = make_serial(node, error);
    if (status == ACTR_OK) actri_serial_set_weight(node->serial, node->system->config.values.mailbox_high_per_normal);
    if (status == ACTR_OK) status = actri_slab_new(&node->system->env, ACTRI_ANSWER_SIZE, &node->answers, error);
    if (status == ACTR_OK) status = make_path(node, error);
    if (status == ACTR_OK) status = make_shell(node, error);
    if (status == ACTR_OK) status = start_watch(node, error);
    if (status == ACTR_OK) status = make_streams(node, error);
    if (status == ACTR_OK) status = make_gate(node, error);
    if (status == ACTR_OK) status = make_signaling(node, error);
    if (status != ACTR_OK) return status;
    actri_state_path_connect(node->path, node->gate, node->loop);
    actri_networks_open(node, watches_network(&node->system->config.values));
    return ACTR_OK;
}

/* ---- taking apart ---- */

/* Whoever is inside leaves soon: calls to peers and discoveries have been ended, local calls have deadlines. */
static void wait_users(actr_node_t *node)
{
    actri_lock(&node->mutex);
    while (__atomic_load_n(&node->door, __ATOMIC_ACQUIRE) > 0)
        (void)actri_cond_wait(&node->changed, &node->mutex, ACTRI_NEVER);
    actri_unlock(&node->mutex);
}

void actri_node_dismantle(actr_node_t *node)
{
    actr_error_t ignored = ACTR_ERROR_INIT;
    actri_lock(&node->mutex);
    node->gone = true;
    actri_node_set_door(node);
    actri_unlock(&node->mutex);
    actri_timers_close(node);
    actri_networks_close(node);
    if (node->stream_gate != NULL) actri_stream_gate_close(node->stream_gate);
    if (node->gate != NULL) {
        actri_peer_gate_close(node->gate);
        actri_outproc_flush(node->outproc); /* what the last turn of the loop had gathered is put away */
    }
    if (node->signaling != NULL) {
        (void)actri_signaling_stop(node->signaling, actri_now_ns() + 5 * ACTRI_SECOND, &ignored);
    }
    if (node->path != NULL) actri_state_path_close(node->path);
    if (node->shell != NULL) actri_state_path_close(node->shell);
    wait_users(node);
    actri_deadlines_close(&node->deadlines);
    actri_streams_free(node->streams); /* once its callbacks have returned */
    if (node->sent_serial != NULL) (void)actri_serial_wait_idle(node->sent_serial, ACTRI_NEVER);
    if (node->shell_serial != NULL) (void)actri_serial_wait_idle(node->shell_serial, ACTRI_NEVER);
    if (node->serial != NULL) (void)actri_serial_wait_idle(node->serial, ACTRI_NEVER);
    actri_system_set_path(node->system, NULL);
    actri_signaling_free(node->signaling);
    actri_stream_gate_free(node->stream_gate);
    actri_peer_gate_free(node->gate);
    actri_state_path_free(node->path);
    actri_state_path_free(node->shell);
    actri_serial_free(node->sent_serial);
    actri_serial_free(node->shell_serial);
    actri_serial_free(node->serial);
    actri_pool_free(node->own_pool);
    actri_slab_free(node->answers);
    actri_loop_release(node->loop);
    node->signaling = NULL;
    node->gate = NULL;
    node->stream_gate = NULL;
    node->streams = NULL;
    node->sent_serial = NULL;
    node->path = NULL;
    node->shell = NULL;
    node->shell_serial = NULL;
    node->serial = NULL;
    node->own_pool = NULL;
    node->answers = NULL;
    node->loop = NULL;
}
