/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed services over the untyped calls: routes to methods, messages to bytes. A request and its reply live in the
 * request's arena; a response is malloc's, so that protobuf-c's own functions free it. [any-thread]
 */
#include <actr/service.h>

#include "lifecycle/method_stream.h"
#include "proto/pb_depth.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

#define SMALL_REQUEST 1024 /* packed on the stack */

static const actri_env_t *env_of(const actr_ctx_t *ctx)
{
    return ctx->node == NULL ? NULL : &ctx->node->system->env;
}

const actr_method_t *actr_service_find(const actr_service_t *service, const char *route)
{
    if (service == NULL || route == NULL) return NULL;
    size_t low = 0, high = service->method_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(route, service->methods[middle].route);
        if (order == 0) return &service->methods[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- the callee's side ---- */

static void *arena_allocate(void *ctx, size_t size)
{
    return actr_ctx_alloc(ctx, size);
}

static void arena_free(void *ctx, void *block)
{
    (void)ctx;
    (void)block;
}

static ProtobufCMessage *decode_request(actr_ctx_t *ctx, const ProtobufCMessageDescriptor *type, actr_bytes_t payload)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_free, ctx};
    if (!actri_pb_depth_ok(type, payload, ACTRI_PB_DEPTH_MAX)) return NULL;
    return protobuf_c_message_unpack(type, &allocator, payload.size, payload.data);
}

static actr_status_t encode_reply(actr_ctx_t *ctx, const ProtobufCMessage *message, actr_bytes_t *reply)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = actr_ctx_alloc(ctx, size);
    if (data == NULL) return ACTR_STATUS_NO_MEMORY;
    *reply = (actr_bytes_t){data, protobuf_c_message_pack(message, data)};
    return ACTR_OK;
}

static actr_status_t serve(const actr_method_t *method, const void *handlers, actr_ctx_t *ctx,
                           const actr_request_t *request, actr_bytes_t *reply)
{
    if (method->kind > ACTR_METHOD_BOTH_STREAM) {
        return actr_ctx_fail(ctx, ACTR_STATUS_NOT_SUPPORTED, "%s is no call", method->route);
    }
    if (method->kind == ACTR_METHOD_CLIENT_STREAM || method->kind == ACTR_METHOD_BOTH_STREAM) {
        return actri_method_stream_serve(method, handlers, ctx, request, NULL);
    }
    ProtobufCMessage *in = decode_request(ctx, method->request, request->payload);
    ProtobufCMessage *out = actr_ctx_alloc(ctx, method->response->sizeof_message);
    if (out == NULL || ctx->arena->failed) return ACTR_STATUS_NO_MEMORY;
    if (in == NULL) {
        return actr_ctx_fail(ctx, ACTR_STATUS_DECODE, "Failed to decode %s: %zu bytes for %s", method->request->name,
                             request->payload.size, method->route);
    }
    if (method->kind == ACTR_METHOD_SERVER_STREAM) {
        return actri_method_stream_serve(method, handlers, ctx, request, in);
    }
    protobuf_c_message_init(method->response, out);
    actr_status_t status = method->serve(ctx, in, out, handlers);
    return status != ACTR_OK || request->is_tell ? status : encode_reply(ctx, out, reply);
}

actr_status_t actr_service_dispatch(const actr_service_t *service, const void *handlers, actr_ctx_t *ctx,
                                    const actr_request_t *request, actr_bytes_t *reply)
{
    if (ctx == NULL || request == NULL || reply == NULL) return ACTR_STATUS_INVALID_ARGUMENT;
    const actr_method_t *method = actr_service_find(service, request->route);
    return method == NULL ? ACTR_STATUS_UNKNOWN_ROUTE : serve(method, handlers, ctx, request, reply);
}

actr_status_t actr_services_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,
                                     void *services)
{
    const actr_services_t *all = services;
    if (ctx == NULL || request == NULL || reply == NULL || all == NULL) return ACTR_STATUS_INVALID_ARGUMENT;
    for (size_t i = 0; i < all->count; i++) {
        const actr_method_t *method = actr_service_find(all->list[i].service, request->route);
        if (method != NULL) return serve(method, all->list[i].handlers, ctx, request, reply);
    }
    return ACTR_STATUS_UNKNOWN_ROUTE;
}

/* ---- the caller's side ---- */

typedef struct packed { /* a request as bytes; on the stack if it is small */
    const actri_env_t *env;
    uint8_t *data;
    actr_bytes_t bytes;
    uint8_t small[SMALL_REQUEST];
} packed_t;

static actr_status_t pack(packed_t *packed, const actr_ctx_t *ctx, const actr_method_t *method, const void *request,
                          actr_error_t *error)
{
    packed->env = NULL;
    packed->data = packed->small;
    packed->bytes = (actr_bytes_t){NULL, 0};
    if (ctx == NULL || request == NULL) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "ctx or request is NULL");
    }
    if (method == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "method is NULL");
    if (method->kind != 0) return actri_fail(error, ACTR_STATUS_NOT_SUPPORTED, "%s is no call", method->route);
    const ProtobufCMessage *message = request;
    if (message->descriptor != method->request) {
        return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "%s takes a %s that was initialised", method->route,
                          method->request->name);
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    packed->env = env_of(ctx);
    packed->data = size <= sizeof packed->small ? packed->small : actri_alloc(packed->env, size);
    if (packed->data == NULL) return actri_no_memory(error);
    packed->bytes = (actr_bytes_t){packed->data, protobuf_c_message_pack(message, packed->data)};
    return ACTR_OK;
}

static void drop_packed(packed_t *packed)
{
    if (packed->data != packed->small) actri_free(packed->env, packed->data);
}

static actr_call_options_t options_of(const actr_method_t *method, const actr_call_options_t *given)
{
    actr_call_options_t options = actri_call_options(given);
    if (options.payload_type == ACTR_RPC_RELIABLE) options.payload_type = method->payload_type;
    return options;
}

/* Takes reply; NULL and `error` when it does not decode. */
static void *decode_response(const actr_method_t *method, actr_buf_t *reply, actr_error_t *error)
{
    actr_bytes_t bytes = {actr_buf_data(reply), actr_buf_size(reply)};
    void *message = NULL;
    if (actri_pb_depth_ok(method->response, bytes, ACTRI_PB_DEPTH_MAX)) {
        message = protobuf_c_message_unpack(method->response, NULL, bytes.size, bytes.data);
    }
    if (message == NULL) {
        (void)actri_fail(error, ACTR_STATUS_DECODE, "Failed to decode %s: the reply to %s of %zu bytes",
                         method->response->name, method->route, bytes.size);
    }
    actr_buf_release(reply);
    return message;
}

actr_status_t actr_method_call(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                               const void *request, const actr_call_options_t *options, void **response,
                               actr_error_t *error)
{
    packed_t packed;
    actr_buf_t *reply = NULL;
    if (response == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "response is NULL");
    *response = NULL;
    actr_status_t status = pack(&packed, ctx, method, request, error);
    if (status != ACTR_OK) return status;
    actr_call_options_t full = options_of(method, options);
    status = actr_ctx_call(ctx, dest, method->route, packed.bytes, &full, &reply, error);
    drop_packed(&packed);
    if (status != ACTR_OK) return status;
    *response = decode_response(method, reply, error);
    return *response == NULL ? ACTR_STATUS_DECODE : ACTR_OK;
}

typedef struct waiting { /* an asynchronous call */
    const actri_env_t *env;
    const actr_method_t *method;
    actr_any_fn on_response;
    void *user;
} waiting_t;

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *error, void *user)
{
    waiting_t waiting = *(waiting_t *)user;
    actri_free(waiting.env, user);
    actr_error_t bad = ACTR_ERROR_INIT;
    void *response = NULL;
    if (status == ACTR_OK) {
        response = decode_response(waiting.method, reply, &bad);
        if (response == NULL) {
            status = ACTR_STATUS_DECODE;
            error = &bad;
        }
    }
    waiting.method->answer(waiting.on_response, status, response, error, waiting.user);
}

actr_status_t actr_method_call_async(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                                     const void *request, const actr_call_options_t *options, actr_any_fn on_response,
                                     void *user, actr_error_t *error)
{
    packed_t packed;
    if (on_response == NULL) return actri_fail(error, ACTR_STATUS_INVALID_ARGUMENT, "on_response is NULL");
    actr_status_t status = pack(&packed, ctx, method, request, error);
    if (status != ACTR_OK) return status;
    waiting_t *waiting = actri_alloc(packed.env, sizeof *waiting);
    if (waiting == NULL) {
        status = actri_no_memory(error);
    } else {
        *waiting = (waiting_t){packed.env, method, on_response, user};
        actr_call_options_t full = options_of(method, options);
        status = actr_ctx_call_async(ctx, dest, method->route, packed.bytes, &full, on_reply, waiting, error);
        if (status != ACTR_OK) actri_free(packed.env, waiting);
    }
    drop_packed(&packed);
    return status;
}

actr_status_t actr_method_tell(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                               const void *request, const actr_call_options_t *options, actr_error_t *error)
{
    packed_t packed;
    actr_status_t status = pack(&packed, ctx, method, request, error);
    if (status != ACTR_OK) return status;
    actr_call_options_t full = options_of(method, options);
    status = actr_ctx_tell(ctx, dest, method->route, packed.bytes, &full, error);
    drop_packed(&packed);
    return status;
}

actr_status_t actr_method_tell_async(actr_ctx_t *ctx, const actr_dest_t *dest, const actr_method_t *method,
                                     const void *request, const actr_call_options_t *options, actr_reply_fn on_sent,
                                     void *user, actr_error_t *error)
{
    packed_t packed;
    actr_status_t status = pack(&packed, ctx, method, request, error);
    if (status != ACTR_OK) return status;
    actr_call_options_t full = options_of(method, options);
    status = actr_ctx_tell_async(ctx, dest, method->route, packed.bytes, &full, on_sent, user, error);
    drop_packed(&packed);
    return status;
}

void actr_message_free(void *message)
{
    if (message != NULL) protobuf_c_message_free_unpacked(message, NULL);
}
