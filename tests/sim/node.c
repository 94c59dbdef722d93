/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include "fake_loop.h"
#include "port/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATE_NS (200 * ACTRI_MS) /* a call may end that much after its deadline */

sim_t sim;

void sim_note(const char *format, ...)
{
    char line[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (const char *at = line; *at != '\0'; at++) sim.hash = (sim.hash ^ (uint8_t)*at) * 0x100000001b3u; /* FNV-1a */
    sim.hash ^= (uint64_t)actri_now_ns();
    if (sim.verbose) (void)printf("%9.3f %s\n", (double)actri_now_ns() / 1e9 - 1000, line);
}

/* ---- memory and log ---- */

static void *count_alloc(size_t size, void *user)
{
    long *blocks = user;
    if (sim.memory_permille > 0 && rng_below(&sim.rng, 1000) < sim.memory_permille) return NULL;
    (*blocks)++;
    return malloc(size);
}

static void *count_resize(void *block, size_t size, void *user)
{
    if (block == NULL) return count_alloc(size, user);
    if (sim.memory_permille > 0 && rng_below(&sim.rng, 1000) < sim.memory_permille) return NULL;
    return realloc(block, size);
}

static void count_release(void *block, void *user)
{
    long *blocks = user;
    (*blocks)--;
    free(block);
}

static void log_line(actr_log_level_t level, const char *area, const char *line, void *user)
{
    const sim_node_t *node = user;
    (void)level;
    (void)printf("%9.3f   [%llu] %s: %s\n", (double)actri_now_ns() / 1e9 - 1000,
                 (unsigned long long)node->id.serial_number, area, line);
}

/* ---- sessions ---- */

static sim_session_t *session_of(sim_node_t *node, uint64_t number)
{
    for (size_t i = 0; i < node->session_count; i++) {
        if (node->sessions[i].number == number) return &node->sessions[i];
    }
    return NULL;
}

static void begin_session(sim_node_t *node, const actri_session_t *session)
{
    for (size_t i = 0; i < node->session_count; i++) {
        const sim_session_t *other = &node->sessions[i];
        if (other->open && actr_id_equal(&other->peer, &session->peer)) sim_fail("two sessions to one peer");
    }
    if (node->session_count == sizeof node->sessions / sizeof node->sessions[0]) { /* forget the oldest that ended */
        size_t i = 0;
        while (node->sessions[i].open) i++;
        memmove(&node->sessions[i], &node->sessions[i + 1], (--node->session_count - i) * sizeof node->sessions[0]);
    }
    node->sessions[node->session_count++] =
        (sim_session_t){.peer = session->peer, .number = session->number, .open = true};
}

/* CONNECTING, then CONNECTED (RECOVERING, CONNECTED ...) CLOSED, or CLOSED at once; then CONNECTING may come again. */
static bool event_is_legal(actr_event_kind_t before, actr_event_kind_t event)
{
    bool idle = before == 0 || before == ACTR_EVENT_PEER_CLOSED;
    switch (event) {
    case ACTR_EVENT_PEER_CONNECTING: return idle;
    case ACTR_EVENT_PEER_CONNECTED: return before == ACTR_EVENT_PEER_CONNECTING || before == ACTR_EVENT_PEER_RECOVERING;
    case ACTR_EVENT_PEER_RECOVERING: return before == ACTR_EVENT_PEER_CONNECTED;
    case ACTR_EVENT_PEER_CLOSED: return !idle;
    default: return false;
    }
}

static void check_event(sim_node_t *node, const actr_event_t *event)
{
    uint64_t serial = event->peer->serial_number;
    actr_event_kind_t *before = &node->told[serial < FAKE_HOSTS ? serial : FAKE_HOSTS + serial % 8];
    if (!event_is_legal(*before, event->kind)) {
        sim_fail("%llu is told \"%s\" of %llu after \"%s\"", (unsigned long long)node->id.serial_number,
                 actr_event_name(event->kind), (unsigned long long)serial, actr_event_name(*before));
    }
    *before = event->kind;
}

/* Numbers go on from life to life: in the history they count from the first of this one. */
static unsigned long long label(uint64_t number)
{
    if (sim.first_session == 0) sim.first_session = number;
    return number == 0 ? 0 : number - sim.first_session + 1;
}

static void on_peer(void *user, const actri_session_t *session, const actr_event_t *told)
{
    sim_node_t *node = user;
    actr_event_kind_t event = told->kind;
    const char *detail = told->detail;
    sim_session_t *known = session_of(node, session->number);
    check_event(node, told);
    sim_note("%llu: peer %llu event %d, session %llu: %s", (unsigned long long)node->id.serial_number,
             (unsigned long long)session->peer.serial_number, (int)event, label(session->number), detail);
    if (!node->alive) sim_fail("an event after close");
    if (session->number == 0) return; /* an attempt */
    if (event == ACTR_EVENT_PEER_CONNECTED) {
        if (known == NULL)
            begin_session(node, session);
        else if (!known->open)
            sim_fail("session %llu began twice", (unsigned long long)session->number);
        return;
    }
    if (known == NULL || !known->open) sim_fail("event %d for a session that is not open", (int)event);
    if (event != ACTR_EVENT_PEER_CLOSED) return;
    known->open = false;
    for (uint32_t i = 0; i < sim.call_count; i++) {
        const sim_call_t *call = &sim.calls[i];
        bool own = call->started != NULL && call->from == node && call->started->pending.heap_index != 0;
        if (own && call->started->pending.session == session->number) sim_fail("call %u outlived its session", i);
    }
}

/* ---- requests ---- */

typedef struct answer { /* that comes later */
    actri_timer_t timer;
    sim_node_t *node;
    uint64_t serial; /* the node's: its place may have been taken meanwhile */
    actr_id_t to;
    uint64_t session;
    actr_buf_t *message;
} answer_t;

static void send_answer(actri_timer_t *timer)
{
    answer_t *answer = ACTRI_CONTAINER(timer, answer_t, timer);
    bool there = answer->node->alive && answer->node->id.serial_number == answer->serial;
    if (there)
        actri_peer_gate_reply(answer->node->gate, &answer->to, answer->session, answer->message);
    else
        actr_buf_release(answer->message);
    free(answer);
}

static actr_buf_t *encode_answer(const actri_envelope_t *request, const sim_call_t *call)
{
    static actri_envelope_t e;
    memset(&e, 0, sizeof e);
    e.route_key = request->route_key;
    e.request_id = request->request_id;
    e.timeout_ms = 30000;
    e.has_payload = true;
    e.payload = actri_span(&call->number, sizeof call->number);
    actr_buf_t *message = actri_buf_new(NULL, actri_envelope_size(&e));
    if (message == NULL) abort();
    actri_envelope_encode(&e, message->data);
    return message;
}

static void answer_request(sim_node_t *node, const actri_session_t *session, const actri_envelope_t *e,
                           const sim_call_t *call)
{
    if (call->is_tell || (!sim.calm && rng_chance(&sim.rng, (uint32_t)node->behaviour))) return;
    int64_t delay = sim.calm || rng_chance(&sim.rng, 60) ? 0 : (int64_t)rng_below(&sim.rng, 3000) * ACTRI_MS;
    answer_t *answer = calloc(1, sizeof *answer);
    if (answer == NULL) abort();
    *answer = (answer_t){.timer.fire = send_answer,
                         .node = node,
                         .serial = node->id.serial_number,
                         .to = session->peer,
                         .session = session->number,
                         .message = encode_answer(e, call)};
    if (delay == 0)
        send_answer(&answer->timer);
    else
        actri_loop_timer_set(fake_loop(), &answer->timer, actri_now_ns() + delay);
}

/* A repetition comes only of what may be repeated, and only after it was sent again. */
static void check_arrival(sim_call_t *call)
{
    if (call->started != NULL) call->repeats = call->started->repeats;
    if (++call->arrivals > call->repeats + 1) {
        sim_fail("request %u came %u times, sent again %u times", call->number, call->arrivals, call->repeats);
    }
    bool may = !call->is_tell && call->retry != ACTR_RETRY_NEVER &&
               (call->retry == ACTR_RETRY_ALWAYS || (call->lane == ACTR_RPC_RELIABLE && !fake_net.plain_peers));
    if (call->arrivals > 1 && !may)
        sim_fail("request %u came twice: retry %d, plain %d", call->number, (int)call->retry, fake_net.plain_peers);
    call->handled = 1;
}

static void on_request(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message,
                       const actri_envelope_t *e)
{
    sim_node_t *node = user;
    uint32_t number;
    sim_session_t *known = session_of(node, session->number);
    if (known == NULL || !known->open) sim_fail("a request on a session that is not open");
    if (!e->has_payload || e->payload.size < sizeof number) sim_fail("a request without its number");
    memcpy(&number, e->payload.data, sizeof number);
    if (number >= sim.call_count) sim_fail("a request that nobody made");
    sim_call_t *call = &sim.calls[number];
    sim_note("%llu: request %u on lane %d", (unsigned long long)node->id.serial_number, number, (int)lane);
    if (e->payload.size != call->size) sim_fail("request %u has %zu of %u bytes", number, e->payload.size, call->size);
    if (!actr_id_equal(&call->to, &node->id) || lane != call->lane) sim_fail("request %u went astray", number);
    if (!actr_id_equal(&call->from_id, &session->peer)) sim_fail("request %u from a wrong sender", number);
    check_arrival(call);
    if (number + 1 <= known->last_number[lane]) sim_fail("request %u was overtaken", number);
    known->last_number[lane] = number + 1;
    answer_request(node, session, e, call);
    actr_buf_release(message);
}

static void on_stream(void *user, const actri_session_t *session, actr_payload_type_t lane, actr_buf_t *message)
{
    (void)user;
    (void)session;
    (void)lane;
    actr_buf_release(message);
}

/* ---- calls ---- */

static void check_answer(const sim_call_t *call, const actri_call_t *ended)
{
    uint32_t number;
    if (ended->reply == NULL || actr_buf_size(ended->reply) != sizeof number) sim_fail("an answer of a wrong size");
    memcpy(&number, actr_buf_data(ended->reply), sizeof number);
    if (number != call->number) sim_fail("call %u got the answer of call %u", call->number, number);
    if (call->handled != 1) sim_fail("call %u was answered and handled %u times", number, call->handled);
}

static void on_end(actri_call_t *ended)
{
    sim_call_t *call = ended->user;
    if (call->ended) sim_fail("call %u ended twice", call->number);
    call->ended = true;
    call->status = ended->status;
    call->repeats = ended->repeats;
    sim_note("call %u ended: %s %s", call->number, actr_status_name(ended->status), ended->error.message);
    if (ended->status == ACTR_OK && !call->is_tell) check_answer(call, ended);
    if (ended->status != ACTR_OK && ended->reply != NULL) sim_fail("call %u failed with a reply", call->number);
    if (ended->status != ACTR_OK && ended->error.message[0] == '\0')
        sim_fail("call %u failed without a word", call->number);
    if (actri_now_ns() > call->deadline_ns + LATE_NS) sim_fail("call %u ended too late", call->number);
    ended->status == ACTR_OK ? sim.oks++ : sim.fails++;
    call->started = NULL;
    actri_call_release(ended);
}

static uint32_t random_size(void)
{
    if (rng_chance(&sim.rng, 3)) return 60000 + rng_below(&sim.rng, 5000);
    return 4 + rng_below(&sim.rng, 3000);
}

sim_call_t *sim_call(sim_node_t *from, const actr_id_t *to, bool is_tell, uint32_t timeout_ms)
{
    static uint8_t payload[65536];
    if (sim.call_count == SIM_CALLS) return NULL;
    sim_call_t *call = &sim.calls[sim.call_count];
    *call = (sim_call_t){.from = from,
                         .from_id = from->id,
                         .to = *to,
                         .number = sim.call_count,
                         .size = random_size(),
                         .is_tell = is_tell,
                         .lane = rng_chance(&sim.rng, 25) ? ACTR_RPC_SIGNAL : ACTR_RPC_RELIABLE,
                         .retry = rng_chance(&sim.rng, 70) ? ACTR_RETRY_SAFE : (actr_retry_t)rng_below(&sim.rng, 3),
                         .deadline_ns = actri_now_ns() + (int64_t)timeout_ms * ACTRI_MS};
    sim.call_count++;
    memcpy(payload, &call->number, sizeof call->number);
    actri_call_spec_t spec = {.to = to,
                              .route = "sim.Sim.Do",
                              .payload = {payload, call->size},
                              .lane = call->lane,
                              .timeout_ms = timeout_ms,
                              .deadline_ns = call->deadline_ns,
                              .is_tell = is_tell,
                              .retry = call->retry};
    actri_call_t *started = NULL;
    actr_error_t error = ACTR_ERROR_INIT;
    sim_note("%llu: call %u to %llu, %u ms%s", (unsigned long long)from->id.serial_number, call->number,
             (unsigned long long)to->serial_number, timeout_ms, is_tell ? ", a tell" : "");
    if (actri_peer_gate_start(from->gate, &spec, on_end, call, &started, &error) != ACTR_OK) {
        call->ended = true;
        call->status = error.status;
        sim_note("refused: %s", error.message);
        return NULL;
    }
    call->started = started;
    if (call->ended) sim_fail("call %u ended inside its start", call->number);
    return call;
}

size_t sim_open_calls(void)
{
    size_t open = 0;
    for (uint32_t i = 0; i < sim.call_count; i++) open += !sim.calls[i].ended;
    return open;
}

static uint32_t open_sessions(const sim_node_t *node)
{
    uint32_t open = 0;
    for (size_t i = 0; i < node->session_count; i++) open += node->sessions[i].open;
    return open;
}

void sim_check(void)
{
    for (uint32_t i = 0; i < sim.call_count; i++) {
        const sim_call_t *call = &sim.calls[i];
        if (!call->ended && actri_now_ns() > call->deadline_ns + LATE_NS) sim_fail("call %u does not end", i);
    }
    for (const sim_node_t *node = sim.nodes; node < sim.nodes + SIM_NODES; node++) {
        if (!node->alive) continue;
        uint32_t counted = actri_outproc_peer_count(actri_peer_gate_outproc(node->gate));
        if (counted != open_sessions(node)) sim_fail("%u peers, %u open sessions", counted, open_sessions(node));
    }
}

static bool has_session_to(const sim_node_t *node, const actr_id_t *peer)
{
    for (size_t i = 0; i < node->session_count; i++) {
        if (node->sessions[i].open && actr_id_equal(&node->sessions[i].peer, peer)) return true;
    }
    return false;
}

void sim_check_pairs(void)
{
    for (const sim_node_t *a = sim.nodes; a < sim.nodes + SIM_NODES; a++) {
        for (const sim_node_t *b = sim.nodes; b < sim.nodes + SIM_NODES; b++) {
            if (a == b || !a->alive || !b->alive) continue;
            if (has_session_to(a, &b->id) != has_session_to(b, &a->id)) sim_fail("a session with one end");
        }
    }
}

/* ---- nodes ---- */

static actr_status_t relay_out(void *user, const actri_relay_t *relay, actr_error_t *error)
{
    const sim_node_t *node = user;
    actri_relay_t own = *relay;
    own.source = node->id;
    return router_relay(node->client, &own, error);
}

static void relay_in(void *user, const actri_relay_t *relay)
{
    const sim_node_t *node = user;
    sim_note("%llu: relay %d from %llu: %s", (unsigned long long)node->id.serial_number, (int)relay->kind,
             (unsigned long long)relay->source.serial_number, relay->text == NULL ? "" : relay->text);
    actri_outproc_relay(actri_peer_gate_outproc(node->gate), relay);
}

sim_node_t *sim_node_start(void)
{
    static const actri_peer_gate_handlers_t handlers = {on_request, on_stream, on_peer, NULL};
    sim_node_t *node = sim.nodes;
    while (node < sim.nodes + SIM_NODES && node->alive) node++;
    if (node == sim.nodes + SIM_NODES || sim.next_serial >= FAKE_HOSTS) return NULL;
    memset(node, 0, sizeof *node);
    node->env.allocator = (actr_allocator_t){count_alloc, count_resize, count_release, &node->blocks};
    if (sim.verbose) node->env.log = log_line;
    node->env.log_user = node;
    node->env.log_level = ACTR_LOG_TRACE;
    node->certificate.host = (unsigned)sim.next_serial;
    node->id = (actr_id_t){.serial_number = sim.next_serial++, .realm = 1, .type = {"acme", "sim"}};
    node->behaviour = (int)rng_below(&sim.rng, 30);
    node->client = router_add(&node->id, relay_in, node);
    actri_coordinator_options_t coordinator = {
        .loop = fake_loop(), .env = &node->env, .certificate = &node->certificate, .max_peers = SIM_NODES * 2};
    actri_peer_gate_options_t options = {
        .coordinator = &coordinator, .relay = relay_out, .relay_user = node, .max_pending = 200};
    actr_error_t error = ACTR_ERROR_INIT;
    unsigned permille = sim.memory_permille;
    sim.memory_permille = 0;
    if (actri_peer_gate_new(&options, &handlers, node, &node->gate, &error) != ACTR_OK) sim_fail("%s", error.message);
    sim.memory_permille = permille;
    actri_outproc_set_identity(actri_peer_gate_outproc(node->gate), &node->id);
    node->alive = true;
    sim_note("node %llu starts", (unsigned long long)node->id.serial_number);
    return node;
}

static void check_all_ended(const sim_node_t *node)
{
    for (uint32_t i = 0; i < sim.call_count; i++) {
        if (sim.calls[i].from == node && !sim.calls[i].ended) sim_fail("call %u outlived its node", i);
    }
}

void sim_node_stop(sim_node_t *node, bool crash)
{
    sim_note("node %llu %s", (unsigned long long)node->id.serial_number, crash ? "dies" : "closes");
    if (crash) fake_net.dead[node->certificate.host] = true;
    router_remove(node->client);
    actri_peer_gate_close(node->gate);
    node->alive = false;
    check_all_ended(node);
    if (actri_peer_gate_pending(node->gate) != 0) sim_fail("pending calls after close");
    actri_peer_gate_free(node->gate);
    node->gate = NULL;
    if (node->blocks != 0)
        sim_fail("node %llu leaks %ld blocks", (unsigned long long)node->id.serial_number, node->blocks);
}
