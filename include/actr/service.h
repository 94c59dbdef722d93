/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed services: what the code of protoc-gen-actr stands on. Programs use the generated functions; these are for them,
 * for C++, and for an actor that serves several services. Messages are protobuf-c's: a `void *` message below is a
 * pointer to a struct that begins with its ProtobufCMessage.
 */
#ifndef ACTR_SERVICE_H
#define ACTR_SERVICE_H

#include <actr/context.h>
#include <actr/stream.h>
#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ProtobufCMessageDescriptor;

/* A callback of a type that only the generated code knows. */
typedef void (*actr_any_fn)(void);

/* One method of a service. Made by protoc-gen-actr; the layout is frozen, since programs carry tables of it. */
typedef struct actr_method {
    const char *route; /* "echo.EchoService.Echo" */
    const struct ProtobufCMessageDescriptor *request;
    const struct ProtobufCMessageDescriptor *response;
    actr_payload_type_t payload_type; /* method option 50001; of a streaming method that of its chunks */
    /* Calls the handler that `handlers` holds for this method. */
    actr_status_t (*serve)(actr_ctx_t *ctx, const void *request, void *reply, const void *handlers);
    /* Calls on_response with its true type. */
    void (*answer)(actr_any_fn on_response, actr_status_t status, void *response, const actr_error_t *error,
                   void *user);
    uint32_t kind;        /* 0: one request, one reply; 1 to 3: method_stream.h */
    const void *reserved; /* NULL; of a streaming method its actr_method_adapters_t */
} actr_method_t;

/* A service. Its methods are sorted by route, as strcmp sorts. */
typedef struct actr_service {
    const char *name; /* "echo.EchoService" */
    const actr_method_t *methods;
    size_t method_count;
} actr_service_t;

/* The method of this route, or NULL. At most log2(methods) + 1 comparisons. [any-thread] */
ACTR_API const actr_method_t *actr_service_find(const actr_service_t *service, const char *route);

/*
 * Serves one request: finds the method, decodes, calls the handler, encodes. `handlers` is the service's own table.
 * ACTR_STATUS_UNKNOWN_ROUTE: no such method, or no handler for it. ACTR_STATUS_DECODE: the payload is no such message,
 * or is nested more than 100 deep. Only inside a dispatch function.
 */
ACTR_API actr_status_t actr_service_dispatch(const actr_service_t *service, const void *handlers, actr_ctx_t *ctx,
                                             const actr_request_t *request, actr_bytes_t *reply);

/* One service and its handlers, among others. */
typedef struct actr_served {
    const actr_service_t *service;
    const void *handlers;
} actr_served_t;

typedef struct actr_services {
    const actr_served_t *list;
    size_t count;
} actr_services_t;

/* An actr_dispatch_fn for several services: workload.dispatch = actr_services_dispatch, workload.user = the services.
 */
ACTR_API actr_status_t actr_services_dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply,
                                              void *services);

/*
 * As actr_ctx_call, typed. It goes by the method's payload type unless options ask for another one than
 * ACTR_RPC_RELIABLE. On ACTR_OK *response is the caller's: actr_message_free, or the message's own __free_unpacked.
 * A reply that does not decode: ACTR_STATUS_DECODE. [any-thread, not-from-callback] Blocks for at most the time limit.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_call(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                        const actr_method_t *method, const void *request,
                                                        const actr_call_options_t *options, void **response,
                                                        actr_error_t *error);

/* As actr_ctx_call_async, typed; the response is on_response's to free. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_call_async(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                              const actr_method_t *method, const void *request,
                                                              const actr_call_options_t *options,
                                                              actr_any_fn on_response, void *user, actr_error_t *error);

/* As actr_ctx_tell, typed. [any-thread, not-from-callback] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_tell(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                        const actr_method_t *method, const void *request,
                                                        const actr_call_options_t *options, actr_error_t *error);

/* As actr_ctx_tell_async, typed; on_sent's reply is always NULL, on_sent may be NULL. [any-thread] */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_method_tell_async(actr_ctx_t *ctx, const actr_dest_t *dest,
                                                              const actr_method_t *method, const void *request,
                                                              const actr_call_options_t *options, actr_reply_fn on_sent,
                                                              void *user, actr_error_t *error);

/*
 * Sends a message as one chunk of a data stream, as actr_ctx_send_chunk: stream_id, sequence, metadata and payload_type
 * are those of `chunk`, its payload and buffer are not looked at. [any-thread] Blocks as actr_ctx_send_chunk.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_message_send(actr_ctx_t *ctx, const actr_dest_t *dest, const void *message,
                                                         const actr_chunk_t *chunk, const actr_send_options_t *options,
                                                         actr_error_t *error);
/*
 * The message that a chunk is, of this type; *message is the caller's: actr_message_free. ACTR_STATUS_DECODE: it is
 * none, or is nested more than 100 deep; also for ACTR_CHUNK_END, which is none. [any-thread]
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_message_receive(const struct ProtobufCMessageDescriptor *type,
                                                            const actr_chunk_t *chunk, void **message,
                                                            actr_error_t *error);

/* Frees a response; NULL is a no-op. */
ACTR_API void actr_message_free(void *message);

#ifdef __cplusplus
}
#endif
#endif
