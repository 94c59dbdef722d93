/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming methods for `actr call`. Their messages are of types that only the contract knows, so the runtime is given
 * a type without fields: what it decodes keeps the bytes as unknown fields, and what it encodes is those again.
 */
#include "call.h"

#include "port/clock.h"
#include "port/thread.h"

#include <actr/method_stream.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const ProtobufCMessageDescriptor any_message = {.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                                       .name = "message",
                                                       .short_name = "message",
                                                       .c_name = "Message",
                                                       .package_name = "",
                                                       .sizeof_message = sizeof(ProtobufCMessage)};

typedef struct stream {
    call_t *call;
    actr_method_stream_t *handle;
    actri_mutex_t mutex; /* guards the rest, and the output */
    actri_cond_t changed;
    bool over, output_failed;
    actr_status_t status;
    actr_error_t error;
} stream_t;

/* ---- what comes ---- */

static actr_status_t print_message(const stream_t *s, actri_span_t bytes, bool *printed, actr_error_t *error)
{
    actri_text_t text = {.env = NULL};
    bool json = s->call->client.json;
    if (json) actri_text_add(&text, "{\"reply\":");
    actr_status_t status = call_add_reply(s->call, bytes, &text, error);
    if (json) actri_text_add(&text, "}");
    if (status == ACTR_OK) *printed = client_print(&s->call->client, &text) == CLIENT_OK;
    actri_free(NULL, text.data);
    return status;
}

static void on_message(actr_method_stream_t *handle, const ProtobufCMessage *message, void *user)
{
    stream_t *s = user;
    actr_error_t error = ACTR_ERROR_INIT;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    bool printed = true;
    actr_status_t status = bytes == NULL ? actri_no_memory(&error) : ACTR_OK;
    if (status == ACTR_OK) {
        (void)protobuf_c_message_pack(message, bytes);
        actri_lock(&s->mutex);
        status = print_message(s, actri_span(bytes, size), &printed, &error);
        if (!printed) s->output_failed = true;
        actri_unlock(&s->mutex);
    }
    free(bytes);
    if (status == ACTR_OK && printed) return;
    if (actr_method_stream_fail(handle, printed ? status : ACTR_STATUS_CANCELLED, "%s",
                                printed ? error.message : "the output can not be written") != ACTR_OK) {
        return; /* it had ended */
    }
}

static void adapt(actr_any_fn fn, actr_method_stream_t *handle, const void *message, void *user)
{
    ((void (*)(actr_method_stream_t *, const ProtobufCMessage *, void *))fn)(handle, message, user);
}

static void on_end(actr_method_stream_t *handle, actr_status_t status, const actr_error_t *error, void *user)
{
    (void)handle;
    stream_t *s = user;
    actri_lock(&s->mutex);
    s->over = true;
    s->status = status;
    if (error != NULL) s->error = *error;
    s->error.status = status;
    actri_cond_broadcast(&s->changed);
    actri_unlock(&s->mutex);
}

/* ---- what is sent ---- */

static actr_status_t as_message(const actri_text_t *bytes, ProtobufCMessage **out, actr_error_t *error)
{
    *out = protobuf_c_message_unpack(&any_message, NULL, bytes->size, (const uint8_t *)bytes->data);
    return *out != NULL ? ACTR_OK : actri_no_memory(error); /* the bytes are our own encoder's */
}

static actr_status_t send_line(stream_t *s, const char *line, size_t size, actr_error_t *error)
{
    call_t *call = s->call;
    ProtobufCMessage *message = NULL;
    actri_text_t bytes = {.env = NULL};
    actr_status_t status = pj_to_bytes(&call->sources.contract, call->method.request, line, size, &bytes, error);
    if (status == ACTR_OK && bytes.failed) status = actri_no_memory(error);
    if (status == ACTR_OK) status = as_message(&bytes, &message, error);
    if (status == ACTR_OK) status = actr_method_stream_send(s->handle, message, error);
    if (message != NULL) protobuf_c_message_free_unpacked(message, NULL);
    actri_free(NULL, bytes.data);
    return status;
}

static bool is_over(stream_t *s)
{
    actri_lock(&s->mutex);
    bool over = s->over;
    actri_unlock(&s->mutex);
    return over;
}

/* What messages are read from, a line each: a text, or a file that may take its time. */
typedef struct input {
    int fd; /* -1: all of it is in data */
    char *data;
    size_t size, at, room;
    bool ended;
} input_t;

/* Waits for more, unless the call is over. */
static actr_status_t fill(stream_t *s, input_t *in, actr_error_t *error)
{
    struct pollfd poll_fd = {.fd = in->fd, .events = POLLIN};
    memmove(in->data, in->data + in->at, in->size - in->at);
    in->size -= in->at;
    in->at = 0;
    if (in->size == in->room) return actri_fail(error, ACTR_STATUS_TOO_LARGE, "more than 4 MiB");
    while (poll(&poll_fd, 1, 200) <= 0) {
        if (is_over(s)) return ACTR_OK;
    }
    ssize_t got = read(in->fd, in->data + in->size, in->room - in->size);
    if (got < 0) return actri_fail(error, ACTR_STATUS_IO, "can not be read: %s", strerror(errno));
    in->ended = got == 0;
    in->size += (size_t)got;
    return ACTR_OK;
}

/* False: there are no more, the call is over, or *status says what is wrong. */
static bool next_line(stream_t *s, input_t *in, actri_span_t *line, actr_status_t *status, actr_error_t *error)
{
    const char *end;
    while ((end = memchr(in->data + in->at, '\n', in->size - in->at)) == NULL && !in->ended) {
        *status = fill(s, in, error);
        if (*status != ACTR_OK || is_over(s)) return false;
    }
    size_t size = end != NULL ? (size_t)(end - (in->data + in->at)) : in->size - in->at;
    if (end == NULL && size == 0) return false;
    *line = actri_span(in->data + in->at, size);
    in->at += size + (end != NULL ? 1 : 0);
    return true;
}

static actr_status_t send_lines(stream_t *s, input_t *in, actr_error_t *error)
{
    actri_span_t line;
    size_t number = 0;
    actr_status_t status = ACTR_OK;
    actr_error_t why = ACTR_ERROR_INIT;
    while (status == ACTR_OK && next_line(s, in, &line, &status, &why)) {
        number++;
        while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL) line.size--;
        if (line.size > 0) status = send_line(s, (const char *)line.data, line.size, &why);
    }
    return status == ACTR_OK ? ACTR_OK : actri_fail(error, status, "message %zu: %s", number, why.message);
}

static actr_status_t open_input(input_t *in, const char *given, actri_arena_t *arena, actr_error_t *error)
{
    bool is_text = given == NULL || (given[0] != '@' && strcmp(given, "-") != 0);
    *in = (input_t){.fd = -1, .ended = is_text};
    in->room = is_text ? (given == NULL ? 0 : strlen(given)) : PJ_TEXT_MAX;
    in->data = actri_arena_alloc(arena, in->room + 1);
    if (in->data == NULL) return actri_no_memory(error);
    if (is_text) {
        if (given != NULL) memcpy(in->data, given, in->room);
        in->size = in->room;
        return ACTR_OK;
    }
    in->fd = given[0] == '-' ? STDIN_FILENO : open(given + 1, O_RDONLY | O_CLOEXEC);
    if (in->fd >= 0) return ACTR_OK;
    return actri_fail(error, ACTR_STATUS_IO, "%s: can not be read: %s", given + 1, strerror(errno));
}

/* The caller's part of a method whose caller streams. What ended the call meanwhile is said by its end. */
static actr_status_t send_all(stream_t *s, actr_error_t *error)
{
    input_t in;
    actr_status_t status = open_input(&in, s->call->payload, &s->call->arena, error);
    if (status == ACTR_OK) status = send_lines(s, &in, error);
    if (in.fd > STDIN_FILENO) (void)close(in.fd);
    if (status == ACTR_OK) status = actr_method_stream_end(s->handle, error);
    return status;
}

/* ---- the call ---- */

static actr_status_t open_call(stream_t *s, const actr_method_t *method, const actr_id_t *id, actr_error_t *error)
{
    call_t *call = s->call;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    actr_method_events_t events = ACTR_METHOD_EVENTS_INIT;
    actr_dest_t dest = actr_dest_actor(id);
    ProtobufCMessage *request = NULL;
    actr_status_t status = ACTR_OK;
    options.timeout_ms = client_left(&call->client);
    events.on_end = on_end;
    if (!call->method.client_streaming) status = as_message(&call->request, &request, error);
    if (status == ACTR_OK)
        status = actr_method_open(client_ctx(&call->client), &dest, method, request, &options, (actr_any_fn)on_message,
                                  &events, s, &s->handle, error);
    if (request != NULL) protobuf_c_message_free_unpacked(request, NULL);
    return status;
}

/* The end comes, if nothing else, with the time limit. */
static void wait_for_end(stream_t *s)
{
    actri_lock(&s->mutex);
    while (!s->over) (void)actri_cond_wait(&s->changed, &s->mutex, ACTRI_NEVER);
    actri_unlock(&s->mutex);
}

static int print_end(const stream_t *s, const actr_id_t *id)
{
    actri_text_t text = {.env = NULL};
    char actor[ACTR_ID_TEXT_SIZE];
    if (s->output_failed) return CLIENT_FAILED; /* and it has been said */
    if (s->status != ACTR_OK) return client_fail(&s->call->client, &s->error, s->error.remote_code != 0);
    if (!s->call->client.json) return CLIENT_OK;
    actri_text_add(&text, "{\"status\":\"ACTR_OK\",\"actor\":\"%s\"}", actr_id_print(id, actor));
    int result = client_print(&s->call->client, &text);
    actri_free(NULL, text.data);
    return result;
}

/* Opened: sends, and waits for the end; an error that is our own comes before the end that it causes. */
static int carry_out(stream_t *s, const actr_id_t *id)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_status_t status = s->call->method.client_streaming ? send_all(s, &error) : ACTR_OK;
    bool own =
        status != ACTR_OK && !is_over(s) &&
        actr_method_stream_fail(s->handle, ACTR_STATUS_CANCELLED, "the caller gives up: %s", error.message) == ACTR_OK;
    wait_for_end(s);
    return own ? client_fail(&s->call->client, &error, false) : print_end(s, id);
}

int call_stream(call_t *call, const actr_id_t *id)
{
    static const actr_method_adapters_t adapters = {.to_caller = adapt, .to_callee = adapt};
    const contract_method_t *m = &call->method;
    actr_error_t error = ACTR_ERROR_INIT;
    stream_t s = {.call = call};
    actr_method_t method = {.route = call->route,
                            .request = &any_message,
                            .response = &any_message,
                            .payload_type = m->payload_type == ACTR_STREAM_LATENCY_FIRST ? ACTR_STREAM_LATENCY_FIRST
                                                                                         : ACTR_STREAM_RELIABLE,
                            .kind = (m->client_streaming ? ACTR_METHOD_CLIENT_STREAM : 0u) |
                                    (m->server_streaming ? ACTR_METHOD_SERVER_STREAM : 0u),
                            .reserved = &adapters};
    actri_mutex_init(&s.mutex);
    actri_cond_init(&s.changed);
    int result =
        open_call(&s, &method, id, &error) == ACTR_OK ? carry_out(&s, id) : client_fail(&call->client, &error, false);
    actr_method_stream_release(s.handle);
    actri_cond_destroy(&s.changed);
    actri_mutex_destroy(&s.mutex);
    return result;
}
