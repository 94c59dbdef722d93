/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes one side of a streaming call: the input is a script of what the other side may say on the data streams, of
 * what becomes of the call that began it, and of what the program does. The call ends once and tells it as the last,
 * what it sends is well formed, errors have words of one line, and nothing of it stays.
 *
 * A script is one byte of options and, for the callee, the id that the request named, a zero behind it; then a row of
 * steps: one byte that says what, then of CHUNK the chunk (script.h), of others one byte. What node, streams and calls
 * do for it is done here.
 */
#include "lifecycle/method_stream.h"

#include "actr.pb-c.h"
#include "lifecycle/cancel.h"
#include "port/clock.h"
#include "script.h"

enum {
    STEP_CHUNK,
    STEP_GONE,
    STEP_REPLY,
    STEP_PASS,
    STEP_CANCEL,
    STEP_TURN,
    STEP_SEND,
    STEP_END,
    STEP_FAIL,
    STEP_CLOSE,
    STEP_DEAF,
    STEPS
};
enum { CALLER = 1, FROM_SHELL = 2, KIND = 4, FAILS = 16, NO_LISTENER = 32, SENDS = 64 };

static const actr_id_t self = {.serial_number = 1, .realm = 1, .type = {"acme", "self"}},
                       other = {.serial_number = 2, .realm = 1, .type = {"acme", "other"}};

static struct {
    uint8_t bits;
    actr_stream_fn fn;
    void *fn_user;
    char id[ACTR_STREAM_ID_MAX + 1];
    actr_reply_fn on_reply;
    void *reply_user;
    actri_link_t turns;
    actri_deadline_t *deadline;
    actr_method_stream_t *stream;
    bool deaf, listens;
    unsigned ends, node_refs;
} stage;

static actr_system_t the_system;
static actr_node_t node;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- stand-ins: streams and calls ---- */

actr_status_t actr_ctx_register_stream(actr_ctx_t *ctx, const char *stream_id, actr_stream_fn fn, void *user,
                                       const actr_stream_options_t *options, actr_error_t *error)
{
    (void)ctx;
    (void)options;
    demand(stage.fn == NULL, "two registrations");
    if (!actri_utf8_valid(actri_span_text(stream_id))) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "the id is not UTF-8");
    }
    stage.fn = fn;
    stage.fn_user = user;
    (void)snprintf(stage.id, sizeof stage.id, "%s", stream_id);
    return ACTR_OK;
}

actr_status_t actr_ctx_unregister_stream(actr_ctx_t *ctx, const char *stream_id, actr_error_t *error)
{
    (void)ctx;
    demand(stage.fn == NULL || strcmp(stage.id, stream_id) == 0, "another registration");
    if (stage.fn == NULL) return actri_fail(error, ACTR_STATUS_NOT_FOUND, "no such stream");
    stage.fn = NULL;
    return ACTR_OK;
}

actr_status_t actr_ctx_send_chunk(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                  const actr_send_options_t *options, actr_error_t *error)
{
    (void)ctx;
    (void)dest;
    (void)options;
    demand(strncmp(chunk->stream_id, "actr-", 5) == 0 && strlen(chunk->stream_id) < 64, "another stream");
    demand(stage.id[0] == '\0' || strcmp(stage.id, chunk->stream_id) != 0, "it talks to itself");
    demand(actri_meta_fault(chunk->metadata, chunk->metadata_count) == NULL, "a chunk that does not decode");
    if (chunk->metadata_count > 0) {
        demand(chunk->metadata_count == 3 && chunk->payload.size == 0, "a word of another shape");
        demand_line(chunk->metadata[2].value, "a word's text");
    }
    return stage.deaf ? actri_fail(error, ACTR_STATUS_UNAVAILABLE, "as the script says") : ACTR_OK;
}

actr_status_t actr_ctx_send_chunk_async(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_chunk_t *chunk,
                                        const actr_send_options_t *options, actr_sent_fn on_sent, void *user,
                                        actr_error_t *error)
{
    (void)user;
    demand(on_sent == NULL, "somebody is told");
    return actr_ctx_send_chunk(ctx, dest, chunk, options, error);
}

actr_status_t actr_ctx_call_async(actr_ctx_t *ctx, const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                  const actr_call_options_t *options, actr_reply_fn on_reply, void *user,
                                  actr_error_t *error)
{
    (void)ctx;
    (void)dest;
    (void)route;
    (void)payload;
    demand(options->metadata_count == 1 && options->metadata[0].key == actri_stream_key, "a call without a stream");
    if ((stage.bits & FAILS) != 0) return actri_fail(error, ACTR_STATUS_LIMIT_REACHED, "as the script says");
    stage.on_reply = on_reply;
    stage.reply_user = user;
    return ACTR_OK;
}

const char actri_stream_key[] = ACTRI_STREAM_KEY;

actr_call_options_t actri_call_options(const actr_call_options_t *options)
{
    return *options;
}

uint32_t actri_call_limit_ms(const actr_ctx_t *ctx, const actr_call_options_t *options)
{
    (void)ctx;
    return options->timeout_ms;
}

int64_t actri_ctx_deadline(const actr_ctx_t *ctx, uint32_t ms)
{
    (void)ctx;
    return ms * ACTRI_MS;
}

bool actri_streams_in_callback(void)
{
    return true; /* nothing may wait */
}

void actr_message_free(void *message)
{
    if (message != NULL) protobuf_c_message_free_unpacked(message, NULL);
}

/* ---- stand-ins: the node ---- */

actr_status_t actri_node_enter(actr_node_t *n, actr_error_t *error)
{
    (void)n;
    (void)error;
    return ACTR_OK;
}

void actri_node_leave(actr_node_t *n)
{
    (void)n;
}

const actr_id_t *actri_node_id(const actr_node_t *n)
{
    (void)n;
    return &self;
}

actr_node_t *actri_node_retain(actr_node_t *n)
{
    stage.node_refs++;
    return n;
}

void actr_node_release(actr_node_t *n)
{
    if (n != NULL) stage.node_refs--;
}

bool actri_pool_needs_me(const actri_pool_t *pool)
{
    (void)pool;
    return false;
}

bool actri_serial_is_current(const actri_serial_t *serial)
{
    (void)serial;
    return true;
}

actri_pool_t *actri_serial_pool(const actri_serial_t *serial)
{
    (void)serial;
    return NULL;
}

void actri_serial_post(actri_serial_t *serial, actri_task_t *task, bool high)
{
    (void)serial;
    (void)high;
    actri_list_append(&stage.turns, &task->link);
}

void actri_deadlines_add(actri_deadlines_t *set, actri_deadline_t *deadline)
{
    (void)set;
    stage.deadline = deadline;
}

void actri_deadlines_remove(actri_deadlines_t *set, actri_deadline_t *deadline)
{
    (void)set;
    demand(stage.deadline == NULL || stage.deadline == deadline, "another deadline");
    stage.deadline = NULL;
}

/* ---- the program ---- */

static void on_end(actr_method_stream_t *stream, actr_status_t status, const actr_error_t *error, void *user)
{
    (void)stream;
    demand(user == &stage && ++stage.ends == 1, "it ends twice");
    demand(status <= 0 && (status == ACTR_OK || error->status == status), "an end of another status");
    demand_line(error->message, "the text of the end");
    demand(stage.fn == NULL && stage.deadline == NULL, "it is not over yet");
}

static void on_event(actr_method_stream_t *stream, void *user)
{
    (void)stream;
    demand(user == &stage && stage.ends == 0, "an event behind the end");
}

static void on_message(void)
{
    demand(stage.ends == 0, "a message behind the end");
}

static void adapt(actr_any_fn fn, actr_method_stream_t *stream, const void *message, void *user)
{
    demand(stream == stage.stream && user == &stage && message != NULL, "a message for nobody");
    fn();
}

static const actr_method_events_t events = {sizeof events, on_event, on_event, on_end};

static void send_one(void)
{
    Actr__ActrId request = ACTR__ACTR_ID__INIT;
    Actr__ErrorResponse response = ACTR__ERROR_RESPONSE__INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    bool caller = (stage.bits & CALLER) != 0;
    const void *message = caller ? (const void *)&request : (const void *)&response;
    actr_status_t status = actr_method_stream_send(stage.stream, message, &error);
    demand(status == ACTR_OK || error.status == status, "a send without an error");
}

static actr_status_t serve(actr_ctx_t *ctx, const void *request, void *stream, const void *handlers)
{
    (void)request;
    (void)handlers;
    actr_error_t error = ACTR_ERROR_INIT;
    stage.stream = actr_method_stream_retain(stream);
    if ((stage.bits & NO_LISTENER) == 0) {
        stage.listens = actr_method_stream_listen(stream, on_message, &events, &stage, &error) == ACTR_OK;
    }
    if ((stage.bits & SENDS) != 0) send_one();
    return (stage.bits & FAILS) == 0 ? ACTR_OK : actr_ctx_fail(ctx, ACTR_STATUS_PERMISSION_DENIED, "not today");
}

static const actr_method_adapters_t adapters = {adapt, adapt};

/* ---- the stage ---- */

static void run_turns(void)
{
    for (actri_link_t *link; (link = actri_list_take(&stage.turns)) != NULL;) {
        actri_task_t *task = ACTRI_CONTAINER(link, actri_task_t, link);
        task->run(task);
    }
}

static void reply_with(actr_status_t status)
{
    actr_reply_fn fn = stage.on_reply;
    actr_error_t error = {.status = status};
    stage.on_reply = NULL;
    if (status != ACTR_OK) (void)actri_fail(&error, status, "as the script says");
    if (fn != NULL) fn(status, NULL, status == ACTR_OK ? NULL : &error, stage.reply_user);
}

static const actr_id_t *sender_of(uint8_t who)
{
    return who % 3 == 0 ? NULL : who % 3 == 1 ? &other : &self;
}

static void give(actr_ctx_t *ctx, script_t *script)
{
    script_chunk_t chunk;
    if (script_chunk(script, &chunk) && stage.fn != NULL) {
        chunk.chunk.sender = sender_of(chunk.who);
        stage.fn(ctx, &chunk.chunk, stage.fn_user);
    }
    script_chunk_free(&chunk);
}

static void give_end(actr_ctx_t *ctx, uint8_t who)
{
    actr_chunk_t end = ACTR_CHUNK_INIT;
    end.stream_id = "stream";
    end.kind = ACTR_CHUNK_END;
    end.status = who < 128 ? ACTR_OK : ACTR_STATUS_LIMIT_REACHED;
    end.sender = sender_of(who);
    if (stage.fn != NULL) stage.fn(ctx, &end, stage.fn_user);
}

static void pass(void)
{
    actri_deadline_t *deadline = stage.deadline;
    stage.deadline = NULL;
    if (deadline != NULL) deadline->pass(deadline);
}

static void say_end(uint8_t how)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = how < 128 ? actr_method_stream_end(stage.stream, &error)
                                     : actr_method_stream_fail(stage.stream, -(how - 127), "a\x1b[2Jb%c", how);
    demand(status == ACTR_OK || how >= 128 || error.status == status, "an end without an error");
}

static void step(actr_ctx_t *ctx, actr_cancel_t *cancel, script_t *script)
{
    static const actr_status_t outcomes[] = {ACTR_OK, ACTR_STATUS_TIMEOUT, ACTR_STATUS_CANCELLED,
                                             ACTR_STATUS_UNKNOWN_ROUTE};
    switch (script_byte(script) % STEPS) {
    case STEP_CHUNK: give(ctx, script); break;
    case STEP_GONE: give_end(ctx, script_byte(script)); break;
    case STEP_REPLY: reply_with(outcomes[script_byte(script) % 4]); break;
    case STEP_PASS: pass(); break;
    case STEP_CANCEL: actr_cancel_all(cancel); break;
    case STEP_TURN: run_turns(); break;
    case STEP_SEND: send_one(); break;
    case STEP_END: say_end(script_byte(script) & 127); break;
    case STEP_FAIL: say_end(script_byte(script) | 128); break;
    case STEP_CLOSE: actri_method_streams_close(&node); break;
    case STEP_DEAF: stage.deaf = !stage.deaf; break;
    default: break;
    }
}

static bool begin_call(const actr_method_t *method, actr_cancel_t *cancel)
{
    actr_ctx_t shell = {.node = &node, .request_id = "shell", .is_shell = true, .deadline_ns = ACTRI_NEVER};
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    Actr__ActrId request = ACTR__ACTR_ID__INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_dest_t dest = (stage.bits & FROM_SHELL) != 0 ? actr_dest_local() : actr_dest_actor(&other);
    options.timeout_ms = 1000;
    options.cancel = cancel;
    const void *first = method->kind == ACTR_METHOD_SERVER_STREAM ? &request : NULL;
    actr_status_t status =
        actr_method_open(&shell, &dest, method, first, &options, on_message, &events, &stage, &stage.stream, &error);
    demand((status == ACTR_OK) == ((stage.bits & FAILS) == 0), "it begins otherwise");
    demand(status == ACTR_OK || error.message[0] != '\0', "a failure without words");
    return status == ACTR_OK;
}

static bool begin_service(const actr_method_t *method, script_t *script)
{
    char *id = script_text(script);
    actri_arena_t arena;
    actri_arena_init(&arena, NULL);
    actri_incoming_t in = {.caller = (stage.bits & FROM_SHELL) != 0 ? NULL : &other,
                           .request_id = "request",
                           .stream = id,
                           .deadline_ns = ACTRI_SECOND,
                           .arena = &arena};
    actr_ctx_t ctx = {.node = &node, .in = &in, .request_id = "request", .arena = &arena, .deadline_ns = ACTRI_SECOND};
    actr_request_t request = {.route = method->route};
    actr_status_t status = actri_method_stream_serve(method, NULL, &ctx, &request, NULL);
    demand(status == ACTR_OK || ctx.message[0] != '\0', "a failure without words");
    actri_arena_clear(&arena);
    free(id);
    return stage.listens;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script_t script = {data, size};
    actr_ctx_t ctx = {.node = &node, .request_id = "stream", .deadline_ns = ACTRI_NEVER};
    actr_cancel_t *cancel = NULL;
    memset(&stage, 0, sizeof stage);
    actri_list_init(&stage.turns);
    node.system = &the_system;
    node.method_streams.closed = false;
    actri_mutex_init(&node.method_streams.mutex);
    actri_list_init(&node.method_streams.list);
    stage.bits = script_byte(&script);
    actr_method_t method = {.route = "a.B.C",
                            .request = &actr__actr_id__descriptor,
                            .response = &actr__error_response__descriptor,
                            .payload_type = ACTR_STREAM_RELIABLE,
                            .serve = serve,
                            .kind = 1 + stage.bits / KIND % 3u,
                            .reserved = &adapters};
    bool caller = (stage.bits & CALLER) != 0;
    demand(actr_cancel_new(&ctx, &cancel, NULL) == ACTR_OK, "no token");
    bool told = caller ? begin_call(&method, cancel) : begin_service(&method, &script);
    while (script.left > 0 && stage.stream != NULL) step(&ctx, cancel, &script);
    actri_method_streams_close(&node);
    run_turns();
    reply_with(ACTR_OK);
    demand(stage.ends == told, "it was not told that it is over");
    demand(stage.fn == NULL && actri_list_empty(&node.method_streams.list), "it is still known");
    actr_method_stream_release(stage.stream);
    actr_cancel_release(cancel);
    demand(stage.node_refs == 0, "it holds the node");
    actri_mutex_destroy(&node.method_streams.mutex);
    return 0;
}
