/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node: attach, start and its undoing, hooks and events. What runs where: start on the caller's thread; hooks,
 * handlers and events as turns of the serial executor; relays and identities come on the signaling thread.
 */
#include "lifecycle/node.h"

#include "dispatch/answers.h"
#include "lifecycle/supervise.h"
#include "lifecycle/timer.h"
#include "port/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 30000
#define MAX_PENDING 65536
#define MAX_PEERS 1024
#define BACKLOG_FULL 1000.0f /* lifecycle-and-rpc 16 */

/* ---- identity ---- */

const actr_id_t *actri_node_id(const actr_node_t *node)
{
    static const actr_id_t none;
    const actri_identity_entry_t *entry = __atomic_load_n(&node->identity, __ATOMIC_ACQUIRE);
    return entry == NULL ? &none : &entry->id;
}

static void on_identity(void *user, const actri_identity_t *identity)
{
    actr_node_t *node = user;
    actri_outproc_set_identity(node->outproc, &identity->id); /* each start makes a new one, also for an id of before */
    if (node->identity != NULL && actr_id_equal(&node->identity->id, &identity->id)) return; /* a renewal */
    actri_identity_entry_t *entry = actri_zalloc(&node->system->env, sizeof *entry);
    if (entry == NULL) {
        actri_error(&node->system->env, "node", "out of memory: the new identity is not shown");
        return;
    }
    entry->id = identity->id;
    entry->older = node->identity;
    __atomic_store_n(&node->identity, entry, __ATOMIC_RELEASE);
}

/* ---- events ---- */

typedef struct event {
    actri_task_t task;
    actr_node_t *node;
    actr_event_kind_t kind;
    bool has_peer;
    actr_id_t peer;
    char detail[];
} event_t;

static void run_event(actri_task_t *task)
{
    event_t *event = ACTRI_CONTAINER(task, event_t, task);
    actr_node_t *node = event->node;
    actr_event_t told = {event->kind, event->has_peer ? &event->peer : NULL, event->detail};
    node->workload.on_event(&told, node->workload.user);
    actri_free(&node->system->env, event);
}

void actri_node_event(actr_node_t *node, actr_event_kind_t kind, const actr_id_t *peer, const char *detail)
{
    if (node->workload.on_event == NULL) return;
    size_t size = strlen(detail) + 1;
    event_t *event = actri_zalloc(&node->system->env, sizeof *event + size);
    if (event == NULL) return;
    event->task.run = run_event;
    event->node = node;
    event->kind = kind;
    event->has_peer = peer != NULL;
    if (peer != NULL) event->peer = *peer;
    memcpy(event->detail, detail, size);
    actri_serial_post(node->serial, &event->task, false);
}

static void on_signaling_state(void *user, actri_signaling_state_t state, const actr_error_t *why)
{
    actr_node_t *node = user;
    if (state == ACTRI_SIGNALING_REGISTERED) {
        actri_node_event(node, ACTR_EVENT_SIGNALING_CONNECTED, NULL, "registered");
    } else if (state == ACTRI_SIGNALING_DISCONNECTED) {
        actri_node_event(node, ACTR_EVENT_SIGNALING_DISCONNECTED, NULL, actr_error_message(why));
    }
}

static void on_peer(void *user, const actri_session_t *session, actr_event_kind_t kind, const char *detail)
{
    actr_node_t *node = user;
    char id[ACTR_ID_TEXT_SIZE];
    static const char *const words[] = {[ACTR_EVENT_PEER_CONNECTED] = "connected",
                                        [ACTR_EVENT_PEER_RECOVERING] = "recovering",
                                        [ACTR_EVENT_PEER_CLOSED] = "closed"};
    actri_info(&node->system->env, "peer", "%s %s: %s", actr_id_print(&session->peer, id), words[kind], detail);
    actri_node_event(node, kind, &session->peer, detail);
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

static void get_load(void *user, actri_load_t *out)
{
    actr_node_t *node = user;
    actri_mailbox_stats_t stats;
    actri_mailbox_stats(node->system->mailbox, &stats);
    float backlog = (float)(stats.queued + stats.in_flight) / BACKLOG_FULL;
    out->mailbox_backlog = backlog < 1.0f ? backlog : 1.0f;
    out->power_reserve = 5.0f;
    bool gone = __atomic_load_n(&node->unavailable, __ATOMIC_RELAXED) != 0;
    out->availability = gone ? 3 : backlog < 0.5f ? 0 : backlog < 0.8f ? 1 : backlog < 0.95f ? 2 : 3;
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
    actri_debug(&node->system->env, "stream", "a chunk on lane %d from %s: no stream is registered", (int)lane,
                session->peer.type.name);
    actr_buf_release(message);
}

static actr_status_t explain(const actr_ctx_t *ctx, actr_status_t status, actr_error_t *error)
{
    if (ctx->failure == status) return actri_fail(error, status, "%s", ctx->message);
    if (status == ACTR_STATUS_UNKNOWN_ROUTE) {
        return actri_fail(error, status, "Unknown route: %s", ctx->in->request.route);
    }
    return actri_fail(error, status, "%s", actr_status_str(status));
}

/* The user's handler, in its turn. */
static actr_status_t run_handler(actr_ctx_t *ctx, actr_dispatch_fn dispatch, void *user, actr_bytes_t *reply,
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
    actr_status_t status = run_handler(&ctx, node->workload.dispatch, node->workload.user, reply, error);
    actri_node_supervise(node, status, __atomic_load_n(&in->turn->overtime, __ATOMIC_RELAXED));
    return status;
}

static actr_status_t serve_shell(void *user, const actri_incoming_t *in, actr_bytes_t *reply, actr_error_t *error)
{
    actr_node_t *node = user;
    actr_ctx_t ctx;
    actri_ctx_init(&ctx, node, in, in->request_id, in->arena, in->deadline_ns);
    ctx.is_shell = true;
    return run_handler(&ctx, node->shell_dispatch, node->shell_user, reply, error);
}

/* ---- hooks ---- */

typedef struct hook_turn {
    actri_task_t task;
    actr_node_t *node;
    actri_hook_fn hook;
    const char *name;
    actr_status_t status;
    actr_error_t error;
    actri_mutex_t mutex;
    actri_cond_t ended;
    bool done;
} hook_turn_t;

static void run_hook(actri_task_t *task)
{
    hook_turn_t *turn = ACTRI_CONTAINER(task, hook_turn_t, task);
    actri_arena_t arena;
    actri_arena_init(&arena, &turn->node->system->env);
    actr_ctx_t ctx;
    actri_ctx_init(&ctx, turn->node, NULL, turn->name, &arena, ACTRI_NEVER);
    const actr_ctx_t *outer = actri_ctx_enter(&ctx);
    actr_status_t status = turn->hook(turn->node, &ctx);
    actri_ctx_leave(outer);
    if (status < 0) {
        (void)actri_fail(&turn->error, status, "%s failed: %s", turn->name,
                         ctx.failure == status ? ctx.message : actr_status_str(status));
    }
    actri_arena_clear(&arena);
    actri_lock(&turn->mutex);
    turn->status = status < 0 ? status : ACTR_OK;
    turn->done = true;
    actri_cond_signal(&turn->ended);
    actri_unlock(&turn->mutex);
}

actr_status_t actri_node_hook(actr_node_t *node, const char *name, actri_hook_fn hook, actr_error_t *error)
{
    hook_turn_t turn = {.task = {.run = run_hook}, .node = node, .hook = hook, .name = name};
    actri_mutex_init(&turn.mutex);
    actri_cond_init(&turn.ended);
    actri_serial_post(node->serial, &turn.task, false);
    actri_lock(&turn.mutex);
    while (!turn.done)
        (void)actri_cond_wait(&turn.ended, &turn.mutex, ACTRI_NEVER); /* the user's code: its own bounds */
    actri_unlock(&turn.mutex);
    actri_cond_destroy(&turn.ended);
    actri_mutex_destroy(&turn.mutex);
    if (turn.status != ACTR_OK && error != NULL) *error = turn.error;
    return turn.status;
}

static actr_status_t call_on_start(actr_node_t *node, actr_ctx_t *ctx)
{
    return node->workload.on_start == NULL ? ACTR_OK : node->workload.on_start(ctx, node->workload.user);
}

static actr_status_t call_on_ready(actr_node_t *node, actr_ctx_t *ctx)
{
    if (node->workload.on_ready != NULL) node->workload.on_ready(ctx, node->workload.user);
    return ACTR_OK;
}

/* ---- start ---- */

/* Signaling on the loopback means peers on this machine: their loopback candidates are wanted. */
static bool wants_loopback(const actr_config_t *config)
{
    if (config->loopback != 0) return config->loopback > 0;
    const char *host = strstr(config->signaling_url, "://");
    if (host == NULL) return false;
    host += 3;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 || strncmp(host, "[::1]", 5) == 0;
}

static actr_status_t make_gate(actr_node_t *node, actr_error_t *error)
{
    static const actri_peer_gate_handlers_t events = {on_request, on_stream, on_peer};
    actr_system_t *system = node->system;
    const actr_config_t *config = &system->config.values;
    actri_coordinator_options_t coordinator = {.loop = node->loop,
                                               .env = &system->env,
                                               .certificate = system->certificate,
                                               .loopback = wants_loopback(config),
                                               .force_relay = config->force_relay,
                                               .max_peers = config->max_peers ? config->max_peers : MAX_PEERS};
    actri_peer_gate_options_t options = {.coordinator = &coordinator,
                                         .relay = send_relay,
                                         .relay_user = node,
                                         .max_pending =
                                             config->max_pending_calls ? config->max_pending_calls : MAX_PENDING};
    actr_status_t status = actri_peer_gate_new(&options, &events, node, &node->gate, error);
    if (status == ACTR_OK) node->outproc = actri_peer_gate_outproc(node->gate);
    return status;
}

static actr_status_t make_signaling(actr_node_t *node, actr_error_t *error)
{
    static const actri_signaling_handlers_t events = {on_signaling_state, on_identity, on_relay, get_load};
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
    return actri_signaling_new(&options, &events, node, &node->signaling, error);
}

static actr_status_t make_path(actr_node_t *node, actr_error_t *error)
{
    actr_system_t *system = node->system;
    actri_state_path_options_t options = {.env = &system->env,
                                          .config = &system->config.values,
                                          .serial = node->serial,
                                          .mailbox = system->mailbox,
                                          .serve = serve,
                                          .user = node};
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
    actri_state_path_options_t options = {.env = &node->system->env,
                                          .config = &node->system->config.values,
                                          .serial = node->shell_serial,
                                          .serve = serve_shell,
                                          .user = node};
    return actri_state_path_new(&options, &node->shell, error);
}

static actr_status_t start_parts(actr_node_t *node, actr_error_t *error)
{
    actr_status_t status = actri_loop_acquire(&node->loop, error);
    if (status == ACTR_OK) status = actri_serial_new(node->system->pool, &node->serial, error);
    if (status == ACTR_OK) status = make_path(node, error);
    if (status == ACTR_OK) status = make_shell(node, error);
    if (status == ACTR_OK) status = start_watch(node, error);
    if (status == ACTR_OK) status = make_gate(node, error);
    if (status == ACTR_OK) status = make_signaling(node, error);
    if (status != ACTR_OK) return status;
    actri_state_path_connect(node->path, node->gate, node->loop);
    uint32_t limit_ms = node->system->config.values.connect_timeout_ms;
    int64_t deadline = actri_now_ns() + (limit_ms != 0 ? limit_ms : CONNECT_TIMEOUT_MS) * ACTRI_MS;
    status = actri_signaling_start(node->signaling, deadline, error);
    if (status == ACTR_OK) status = actri_node_hook(node, "bootstrap", call_on_start, error);
    if (status == ACTR_OK) status = actri_mailbox_start(node->system->mailbox, error);
    if (status == ACTR_OK) status = actri_node_hook(node, "ready", call_on_ready, error);
    return status;
}

actr_status_t actri_node_enter(actr_node_t *node, actr_error_t *error)
{
    actri_lock(&node->mutex);
    bool open = !node->gone && node->state != ACTRI_NODE_NEW && node->state != ACTRI_NODE_STOPPED;
    if (open) node->users++;
    actri_unlock(&node->mutex);
    return open ? ACTR_OK : actri_fail(error, ACTR_STATUS_SHUTTING_DOWN, "the node does not run");
}

void actri_node_leave(actr_node_t *node)
{
    actri_lock(&node->mutex);
    node->users--;
    if (node->users == 0 && node->gone) actri_cond_broadcast(&node->changed);
    actri_unlock(&node->mutex);
}

/* Whoever is inside leaves soon: calls to peers and discoveries have been ended, local calls have deadlines. */
static void wait_users(actr_node_t *node)
{
    actri_lock(&node->mutex);
    while (node->users > 0) (void)actri_cond_wait(&node->changed, &node->mutex, ACTRI_NEVER);
    actri_unlock(&node->mutex);
}

void actri_node_dismantle(actr_node_t *node)
{
    actr_error_t ignored = ACTR_ERROR_INIT;
    actri_lock(&node->mutex);
    node->gone = true;
    actri_unlock(&node->mutex);
    actri_timers_close(node);
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
    if (node->shell_serial != NULL) (void)actri_serial_wait_idle(node->shell_serial, ACTRI_NEVER);
    if (node->serial != NULL) (void)actri_serial_wait_idle(node->serial, ACTRI_NEVER);
    actri_system_set_path(node->system, NULL);
    actri_signaling_free(node->signaling);
    actri_peer_gate_free(node->gate);
    actri_state_path_free(node->path);
    actri_state_path_free(node->shell);
    actri_serial_free(node->shell_serial);
    actri_serial_free(node->serial);
    actri_loop_release(node->loop);
    node->signaling = NULL;
    node->gate = NULL;
    node->path = NULL;
    node->shell = NULL;
    node->shell_serial = NULL;
    node->serial = NULL;
    node->loop = NULL;
}

static actr_status_t new_ref(actr_node_t *node, actr_ref_t **out, actr_error_t *error)
{
    actr_ref_t *ref = actri_zalloc(&node->system->env, sizeof *ref);
    if (ref == NULL) return actri_no_memory(error);
    ref->refs = 1;
    ref->node = actri_node_retain(node);
    actri_ctx_init(&ref->ctx, node, NULL, "shell", NULL, ACTRI_NEVER);
    ref->ctx.is_shell = true;
    *out = ref;
    return ACTR_OK;
}

static void set_state(actr_node_t *node, actri_node_state_t state)
{
    actri_lock(&node->mutex);
    node->state = state;
    actri_cond_broadcast(&node->changed);
    actri_unlock(&node->mutex);
}

actr_status_t actr_node_start(actr_node_t *node, actr_ref_t **out, actr_error_t *error)
{
    if (node == NULL || out == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "node or ref is NULL");
    actri_lock(&node->mutex);
    bool fresh = node->state == ACTRI_NODE_NEW;
    if (fresh) node->state = ACTRI_NODE_STARTING;
    if (fresh) node->gone = false;
    actri_unlock(&node->mutex);
    if (!fresh) return actri_fail(error, ACTR_STATUS_INVALID_STATE, "the node was started already");
    actr_ref_t *ref = NULL;
    actr_status_t status = new_ref(node, &ref, error);
    if (status == ACTR_OK) status = start_parts(node, error);
    if (status != ACTR_OK) {
        actri_node_dismantle(node);
        set_state(node, ACTRI_NODE_NEW);
        if (ref != NULL) {
            actri_free(&node->system->env, ref);
            actr_node_release(node);
        }
        return status;
    }
    set_state(node, ACTRI_NODE_RUNNING);
    *out = ref;
    return ACTR_OK;
}

/* ---- life ---- */

actr_status_t actr_system_attach(actr_system_t *system, const actr_workload_t *workload, actr_node_t **out,
                                 actr_error_t *error)
{
    if (system == NULL || workload == NULL || out == NULL || workload->struct_size == 0) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "system, workload, its struct_size, or node is missing");
    }
    if (__atomic_exchange_n(&system->attached, true, __ATOMIC_ACQ_REL)) {
        return actri_fail(error, ACTR_STATUS_INVALID_STATE, "a workload is attached already, one to a system");
    }
    actr_node_t *node = actri_zalloc(&system->env, sizeof *node);
    if (node != NULL) node->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (node == NULL || node->wake_fd < 0) {
        actri_free(&system->env, node);
        __atomic_store_n(&system->attached, false, __ATOMIC_RELEASE);
        return node == NULL ? actri_no_memory(error)
                            : actri_fail(error, ACTR_STATUS_IO, "no file descriptor for the node");
    }
    node->refs = 1;
    node->system = actri_system_retain(system);
    size_t size = workload->struct_size < sizeof *workload ? workload->struct_size : sizeof *workload;
    memcpy(&node->workload, workload, size);
    actri_mutex_init(&node->mutex);
    actri_cond_init(&node->changed);
    actri_timers_init(&node->timers);
    actr_status_t status = actri_supervisor_init(&node->supervisor, &node->workload.supervision, error);
    if (status != ACTR_OK) {
        __atomic_store_n(&system->attached, false, __ATOMIC_RELEASE);
        actr_node_release(node);
        return status;
    }
    *out = node;
    return ACTR_OK;
}

actr_status_t actr_node_serve_shell(actr_node_t *node, actr_dispatch_fn dispatch, void *user, actr_error_t *error)
{
    if (node == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "node is NULL");
    actri_lock(&node->mutex);
    bool fresh = node->state == ACTRI_NODE_NEW;
    if (fresh) {
        node->shell_dispatch = dispatch;
        node->shell_user = user;
    }
    actri_unlock(&node->mutex);
    return fresh ? ACTR_OK : actri_fail(error, ACTR_STATUS_INVALID_STATE, "the node was started already");
}

actr_node_t *actri_node_retain(actr_node_t *node)
{
    (void)__atomic_add_fetch(&node->refs, 1, __ATOMIC_RELAXED);
    return node;
}

void actr_node_release(actr_node_t *node)
{
    if (node == NULL || __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    actr_system_t *system = node->system;
    while (node->identity != NULL) {
        actri_identity_entry_t *older = node->identity->older;
        actri_free(&system->env, node->identity);
        node->identity = older;
    }
    (void)close(node->wake_fd);
    actri_timers_destroy(&node->timers);
    actri_cond_destroy(&node->changed);
    actri_mutex_destroy(&node->mutex);
    actri_free(&system->env, node);
    actr_system_release(system);
}
