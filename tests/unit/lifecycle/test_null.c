/* SPDX-License-Identifier: Apache-2.0 */
/* NULL for the object of each public function (actr.h): what ends something does nothing, what reads gives nothing,
 * what has a status says INVALID_ARGUMENT. Every function of every header is here, or among those without an object. */
#include "check.h"

#include <actr/method_stream.h>
#include <actr/service.h>
#include <actr/testing.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const actr_bytes_t NONE = {NULL, 0};
static const actr_dest_t LOCAL = {.kind = ACTR_DEST_LOCAL};
static const actr_type_t TYPE = {.manufacturer = "acme", .name = "a"};
static const actr_method_t METHOD = {.route = "a.B"};
static const actr_service_t SERVICE = {.name = "a"};
static const actr_request_t REQUEST = {.route = "a.B"};
static const actr_chunk_t CHUNK = {.struct_size = sizeof(actr_chunk_t), .stream_id = "s"};
static const actr_envelope_t ENVELOPE = {.struct_size = sizeof(actr_envelope_t), .route = "a.B"};
static const actr_dead_letter_t LETTER = {.reason = "r", .category = "c", .trace_id = "t"};
static const actr_media_sample_t SAMPLE = {.struct_size = sizeof(actr_media_sample_t)};

static actr_error_t error;
static actr_error_t *const E = &error;
static actr_buf_t *buf;
static actr_bytes_t bytes;
static actr_id_t id;
static actr_ctx_t *ctx;
static void *any;
static size_t count;
static uint64_t number;
static int64_t message_id;
static char text[600];
static union {
    actr_lane_t *lane;
    actr_cancel_t *cancel;
    actr_timer_t *timer;
    actr_reply_t *reply;
    actr_received_t *received;
    actr_file_receiver_t *receiver;
    actr_method_stream_t *stream;
    actr_mailbox_t *mailbox;
    actr_dlq_t *dlq;
    actr_inproc_t *inproc;
    actr_system_t *system;
    actr_node_t *node;
    actr_ref_t *ref;
    actr_type_t type;
    actr_uri_t uri;
    actr_old_uri_t old_uri;
} out;
static union {
    actr_message_t message;
    actr_ack_t ack;
    actr_nack_t nack;
    actr_mailbox_group_t group;
    actr_dlq_filter_t filter;
    actr_dlq_page_t page;
} in;
static union {
    size_t struct_size; /* the first member of each */
    actr_lane_stats_t lane;
    actr_mailbox_stats_t mailbox;
    actr_dlq_stats_t dlq;
    actr_stream_stats_t stream;
    actr_node_stats_t node;
    actr_inproc_stats_t inproc;
    actr_outproc_stats_t outproc;
    actr_file_stats_t file;
} stats;

static void on_reply(actr_status_t status, actr_buf_t *reply, const actr_error_t *why, void *user)
{
    (void)status;
    (void)reply;
    (void)why;
    (void)user;
    fail_msg("told of what was refused");
}

static void on_type_reply(actr_status_t status, const actr_id_t *answered, actr_buf_t *reply, const actr_error_t *why,
                          void *user)
{
    (void)answered;
    on_reply(status, reply, why, user);
}

static void on_found(actr_status_t status, const actr_id_t *ids, size_t found, const actr_error_t *why, void *user)
{
    (void)ids;
    (void)found;
    on_reply(status, NULL, why, user);
}

static void on_sent(actr_status_t status, const actr_error_t *why, void *user)
{
    on_reply(status, NULL, why, user);
}

static void on_network(actr_status_t status, const actr_network_result_t *result, const actr_error_t *why, void *user)
{
    (void)result;
    on_reply(status, NULL, why, user);
}

static void on_timer(actr_ctx_t *at, void *user)
{
    (void)at;
    (void)user;
}

static void on_chunk(actr_ctx_t *at, const actr_chunk_t *chunk, void *user)
{
    (void)at;
    (void)chunk;
    (void)user;
}

static void on_sample(actr_ctx_t *at, const actr_media_sample_t *sample, void *user)
{
    (void)at;
    (void)sample;
    (void)user;
}

static bool take(void *user, const actr_message_t *message)
{
    (void)user;
    (void)message;
    return true;
}

static bool take_letter(void *user, const actr_dead_letter_t *letter)
{
    (void)user;
    (void)letter;
    return true;
}

static actr_status_t dispatch(actr_ctx_t *at, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    (void)at;
    (void)request;
    (void)reply;
    (void)user;
    return ACTR_OK;
}

static void any_fn(void)
{
}

/* All counters are zero, and no room is written that is not there. */
static bool is_zero(void)
{
    const uint8_t *at = (const uint8_t *)&stats;
    for (size_t i = sizeof stats.struct_size; i < sizeof stats; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

/* clang-format off */
#define FUNCTIONS(X)                                                                                                   \
    X(gives, actr_buf_data, actr_buf_data(NULL) == NULL)                                                               \
    X(gives, actr_buf_size, actr_buf_size(NULL) == 0)                                                                  \
    X(gives, actr_buf_retain, actr_buf_retain(NULL) == NULL)                                                           \
    X(ends, actr_buf_release, actr_buf_release(NULL))                                                                  \
    X(refuses, actr_type_parse, actr_type_parse(NULL, &out.type, E))                                                   \
    X(gives, actr_type_print, actr_type_print(NULL, text)[0] == '\0')                                                  \
    X(refuses, actr_id_parse, actr_id_parse(NULL, &id, E))                                                             \
    X(gives, actr_id_print, actr_id_print(NULL, text)[0] == '\0')                                                      \
    X(gives, actr_id_equal, !actr_id_equal(NULL, &id) && !actr_id_equal(&id, NULL) && actr_id_equal(NULL, NULL))       \
    X(gives, actr_dest_actor, actr_dest_actor(NULL).kind == ACTR_DEST_ACTOR)                                           \
    X(ends, actr_ctx_release, actr_ctx_release(NULL))                                                                  \
    X(gives, actr_ctx_self_id, actr_ctx_self_id(NULL) == NULL)                                                         \
    X(gives, actr_ctx_caller_id, actr_ctx_caller_id(NULL) == NULL)                                                     \
    X(gives, actr_ctx_caller_assurance, actr_ctx_caller_assurance(NULL) == (actr_assurance_t)0)                        \
    X(gives, actr_ctx_request_id, actr_ctx_request_id(NULL) == NULL)                                                   \
    X(gives, actr_ctx_traceparent, actr_ctx_traceparent(NULL) == NULL)                                                 \
    X(gives, actr_ctx_tracestate, actr_ctx_tracestate(NULL) == NULL)                                                   \
    X(refuses, actr_ctx_call, actr_ctx_call(NULL, &LOCAL, "a.B", NONE, NULL, &buf, E))                                 \
    X(refuses, actr_ctx_call_buf, actr_ctx_call_buf(NULL, &LOCAL, "a.B", NULL, NULL, &buf, E))                         \
    X(refuses, actr_ctx_call_buf_async, actr_ctx_call_buf_async(NULL, &LOCAL, "a.B", NULL, NULL, on_reply, NULL, E))   \
    X(refuses, actr_ctx_tell_buf, actr_ctx_tell_buf(NULL, &LOCAL, "a.B", NULL, NULL, E))                               \
    X(refuses, actr_ctx_call_async, actr_ctx_call_async(NULL, &LOCAL, "a.B", NONE, NULL, on_reply, NULL, E))           \
    X(refuses, actr_ctx_tell, actr_ctx_tell(NULL, &LOCAL, "a.B", NONE, NULL, E))                                       \
    X(refuses, actr_ctx_tell_async, actr_ctx_tell_async(NULL, &LOCAL, "a.B", NONE, NULL, on_reply, NULL, E))           \
    X(refuses, actr_ctx_call_type, actr_ctx_call_type(NULL, &TYPE, "a.B", NONE, NULL, &id, &buf, E))                   \
    X(refuses, actr_ctx_call_type_async, actr_ctx_call_type_async(NULL, &TYPE, "a.B", NONE, NULL, on_type_reply, NULL, E)) \
    X(refuses, actr_ctx_call_raw, actr_ctx_call_raw(NULL, &LOCAL, "a.B", ACTR_RPC_RELIABLE, NONE, 0, &buf, E))         \
    X(refuses, actr_ctx_tell_raw, actr_ctx_tell_raw(NULL, &LOCAL, "a.B", ACTR_RPC_RELIABLE, NONE, E))                  \
    X(refuses, actr_cancel_new, actr_cancel_new(NULL, &out.cancel, E))                                                 \
    X(ends, actr_cancel_all, actr_cancel_all(NULL))                                                                    \
    X(gives, actr_cancel_asked, !actr_cancel_asked(NULL))                                                              \
    X(ends, actr_cancel_release, actr_cancel_release(NULL))                                                            \
    X(refuses, actr_ctx_after, actr_ctx_after(NULL, 1, on_timer, NULL, &out.timer, E))                                 \
    X(refuses, actr_ctx_every, actr_ctx_every(NULL, 1, on_timer, NULL, &out.timer, E))                                 \
    X(refuses, actr_ctx_set_timer, actr_ctx_set_timer(NULL, NULL, &out.timer, E))                                      \
    X(ends, actr_timer_cancel, actr_timer_cancel(NULL))                                                                \
    X(ends, actr_timer_release, actr_timer_release(NULL))                                                              \
    X(refuses, actr_ctx_discover, actr_ctx_discover(NULL, &TYPE, 0, &id, &count, E))                                   \
    X(refuses, actr_ctx_discover_with, actr_ctx_discover_with(NULL, &TYPE, NULL, 0, &id, &count, E))                   \
    X(refuses, actr_ctx_discover_async, actr_ctx_discover_async(NULL, &TYPE, 0, 1, on_found, NULL, E))                 \
    X(refuses, actr_ctx_defer, actr_ctx_defer(NULL, &out.reply, E))                                                    \
    X(gives, actr_reply_ctx, actr_reply_ctx(NULL) == NULL)                                                             \
    X(refuses, actr_reply_send, actr_reply_send(NULL, NONE, E))                                                        \
    X(refuses, actr_reply_send_buf, actr_reply_send_buf(NULL, NULL, E))                                                \
    X(refuses_bare, actr_reply_fail, actr_reply_fail(NULL, ACTR_STATUS_INTERNAL, "x"))                                 \
    X(ends, actr_reply_release, actr_reply_release(NULL))                                                              \
    X(gives, actr_ctx_request_buf, actr_ctx_request_buf(NULL) == NULL)                                                 \
    X(ends, actr_ctx_reply_buf, actr_ctx_reply_buf(NULL, NULL))                                                        \
    X(gives, actr_ctx_alloc, actr_ctx_alloc(NULL, 1) == NULL)                                                          \
    X(gives, actr_ctx_printf, actr_ctx_printf(NULL, "x") == NULL)                                                      \
    X(gives, actr_ctx_fail, actr_ctx_fail(NULL, ACTR_STATUS_TIMEOUT, "x") == ACTR_STATUS_TIMEOUT)                      \
    X(gives, actr_ctx_panic, actr_ctx_panic(NULL, "x") < 0)                                                            \
    X(refuses, actr_file_send, actr_file_send(NULL, &LOCAL, "s", "/dev/null", NULL, E))                                \
    X(refuses, actr_file_receive, actr_file_receive(NULL, "s", "/tmp", NULL, &out.receiver, E))                        \
    X(ends, actr_file_receiver_free, actr_file_receiver_free(NULL, NULL))                                              \
    X(zeros, actr_file_receiver_stats, actr_file_receiver_stats(NULL, &stats.file))                                    \
    X(gives, actr_lane_retain, actr_lane_retain(NULL) == NULL)                                                         \
    X(ends, actr_lane_release, actr_lane_release(NULL))                                                                \
    X(gives, actr_lane_kind, actr_lane_kind(NULL) == (actr_lane_kind_t)0)                                              \
    X(gives, actr_lane_payload_type, actr_lane_payload_type(NULL) == (actr_payload_type_t)0)                           \
    X(refuses, actr_lane_send, actr_lane_send(NULL, NULL, 0, E))                                                       \
    X(refuses, actr_lane_try_send, actr_lane_try_send(NULL, NULL, E))                                                  \
    X(refuses, actr_lane_recv, actr_lane_recv(NULL, 0, &buf, E))                                                       \
    X(refuses, actr_lane_try_recv, actr_lane_try_recv(NULL, &buf, E))                                                  \
    X(ends, actr_lane_close, actr_lane_close(NULL))                                                                    \
    X(gives, actr_lane_is_closed, actr_lane_is_closed(NULL))                                                           \
    X(zeros, actr_lane_get_stats, actr_lane_get_stats(NULL, &stats.lane))                                              \
    X(refuses, actr_sqlite_store_open, actr_sqlite_store_open(NULL, &out.mailbox, NULL, E))                            \
    X(refuses, actr_memory_store_open, actr_memory_store_open(NULL, NULL, NULL, E))                                    \
    X(refuses, actr_mailbox_enqueue, actr_mailbox_enqueue(NULL, &in.message, 1, E))                                    \
    X(refuses, actr_mailbox_dequeue, actr_mailbox_dequeue(NULL, 1, 1, take, NULL, &count, E))                          \
    X(refuses, actr_mailbox_ack, actr_mailbox_ack(NULL, &in.ack, 1, E))                                                \
    X(refuses, actr_mailbox_nack, actr_mailbox_nack(NULL, &in.nack, 1, E))                                             \
    X(refuses, actr_mailbox_extend, actr_mailbox_extend(NULL, 1, 1, E))                                                \
    X(refuses, actr_mailbox_get_stats, actr_mailbox_get_stats(NULL, &stats.mailbox, E))                                \
    X(refuses, actr_mailbox_commit, actr_mailbox_commit(NULL, NULL, &in.group, E))                                     \
    X(ends, actr_mailbox_close, actr_mailbox_close(NULL))                                                              \
    X(refuses, actr_dlq_enqueue, actr_dlq_enqueue(NULL, &LETTER, text, E))                                             \
    X(refuses, actr_dlq_query, actr_dlq_query(NULL, &in.filter, &in.page, take_letter, NULL, &count, E))               \
    X(refuses, actr_dlq_get, actr_dlq_get(NULL, "x", take_letter, NULL, E))                                            \
    X(refuses, actr_dlq_redrive, actr_dlq_redrive(NULL, "x", NULL, &message_id, E))                                    \
    X(refuses, actr_dlq_remove, actr_dlq_remove(NULL, "x", E))                                                         \
    X(refuses, actr_dlq_purge, actr_dlq_purge(NULL, &in.filter, &number, E))                                           \
    X(refuses, actr_dlq_get_stats, actr_dlq_get_stats(NULL, &stats.dlq, E))                                            \
    X(ends, actr_dlq_close, actr_dlq_close(NULL))                                                                      \
    X(refuses, actr_ctx_register_media_track, actr_ctx_register_media_track(NULL, "t", on_sample, NULL, NULL, E))      \
    X(refuses, actr_ctx_unregister_media_track, actr_ctx_unregister_media_track(NULL, "t", E))                         \
    X(refuses, actr_ctx_send_media_sample, actr_ctx_send_media_sample(NULL, &LOCAL, "t", &SAMPLE, E))                  \
    X(refuses, actr_method_open, actr_method_open(NULL, &LOCAL, &METHOD, NULL, NULL, any_fn, NULL, NULL, &out.stream, E)) \
    X(refuses, actr_method_stream_listen, actr_method_stream_listen(NULL, any_fn, NULL, NULL, E))                      \
    X(refuses, actr_method_stream_send, actr_method_stream_send(NULL, NULL, E))                                        \
    X(refuses, actr_method_stream_end, actr_method_stream_end(NULL, E))                                                \
    X(refuses_bare, actr_method_stream_fail, actr_method_stream_fail(NULL, ACTR_STATUS_INTERNAL, "x"))                 \
    X(gives, actr_method_stream_ctx, actr_method_stream_ctx(NULL) == NULL)                                             \
    X(gives, actr_method_stream_retain, actr_method_stream_retain(NULL) == NULL)                                       \
    X(ends, actr_method_stream_release, actr_method_stream_release(NULL))                                              \
    X(refuses, actr_ref_network_event, actr_ref_network_event(NULL, ACTR_NETWORK_CHANGED, on_network, NULL, E))      \
    X(gives, actr_service_find, actr_service_find(NULL, "a.B") == NULL && actr_service_find(&SERVICE, NULL) == NULL)   \
    X(refuses_bare, actr_service_dispatch, actr_service_dispatch(&SERVICE, NULL, NULL, &REQUEST, &bytes))              \
    X(refuses_bare, actr_services_dispatch, actr_services_dispatch(NULL, &REQUEST, &bytes, NULL))                      \
    X(refuses, actr_method_call, actr_method_call(NULL, &LOCAL, &METHOD, NULL, NULL, &any, E))                         \
    X(refuses, actr_method_call_async, actr_method_call_async(NULL, &LOCAL, &METHOD, NULL, NULL, any_fn, NULL, E))     \
    X(refuses, actr_method_tell, actr_method_tell(NULL, &LOCAL, &METHOD, NULL, NULL, E))                               \
    X(refuses, actr_method_tell_async, actr_method_tell_async(NULL, &LOCAL, &METHOD, NULL, NULL, on_reply, NULL, E))   \
    X(refuses, actr_message_send, actr_message_send(NULL, &LOCAL, NULL, &CHUNK, NULL, E))                              \
    X(refuses, actr_message_receive, actr_message_receive(NULL, &CHUNK, &any, E))                                      \
    X(ends, actr_message_free, actr_message_free(NULL))                                                                \
    X(gives, actr_error_message, actr_error_message(NULL)[0] == '\0')                                                  \
    X(refuses, actr_ctx_register_stream, actr_ctx_register_stream(NULL, "s", on_chunk, NULL, NULL, E))                 \
    X(refuses, actr_ctx_unregister_stream, actr_ctx_unregister_stream(NULL, "s", E))                                   \
    X(refuses, actr_ctx_send_chunk, actr_ctx_send_chunk(NULL, &LOCAL, &CHUNK, NULL, E))                                \
    X(refuses, actr_ctx_send_chunk_async, actr_ctx_send_chunk_async(NULL, &LOCAL, &CHUNK, NULL, on_sent, NULL, E))     \
    X(refuses, actr_ctx_flush_stream, actr_ctx_flush_stream(NULL, &LOCAL, "s", 0, E))                                  \
    X(zeros, actr_ref_stream_stats, actr_ref_stream_stats(NULL, &stats.stream))                                        \
    X(refuses, actr_system_open, actr_system_open(NULL, &out.system, E))                                               \
    X(refuses, actr_system_open_with, actr_system_open_with(NULL, NULL, &out.system, E))                               \
    X(refuses, actr_system_new, actr_system_new(NULL, &out.system, E))                                                 \
    X(ends, actr_system_release, actr_system_release(NULL))                                                            \
    X(gives, actr_system_fingerprint, actr_system_fingerprint(NULL) == NULL)                                           \
    X(gives, actr_system_fd, actr_system_fd(NULL) == -1)                                                               \
    X(gives, actr_system_dispatch, actr_system_dispatch(NULL, 1, 0) < 0)                                              \
    X(refuses, actr_system_attach, actr_system_attach(NULL, NULL, &out.node, E))                                       \
    X(refuses, actr_node_serve_shell, actr_node_serve_shell(NULL, dispatch, NULL, E))                                  \
    X(refuses, actr_node_start, actr_node_start(NULL, &out.ref, E))                                                    \
    X(ends, actr_node_release, actr_node_release(NULL))                                                                \
    X(gives, actr_ref_retain, actr_ref_retain(NULL) == NULL)                                                           \
    X(ends, actr_ref_release, actr_ref_release(NULL))                                                                  \
    X(gives, actr_ref_actor_id, actr_ref_actor_id(NULL) == NULL)                                                       \
    X(gives, actr_ref_ctx, actr_ref_ctx(NULL) == NULL)                                                                 \
    X(refuses, actr_ref_make_ctx, actr_ref_make_ctx(NULL, NULL, &ctx, E))                                              \
    X(refuses, actr_ref_call, actr_ref_call(NULL, "a.B", NONE, NULL, &buf, E))                                         \
    X(refuses, actr_ref_call_async, actr_ref_call_async(NULL, "a.B", NONE, NULL, on_reply, NULL, E))                   \
    X(refuses, actr_ref_tell, actr_ref_tell(NULL, "a.B", NONE, NULL, E))                                               \
    X(refuses, actr_ref_discover, actr_ref_discover(NULL, &TYPE, 0, &id, &count, E))                                   \
    X(ends, actr_ref_shutdown, actr_ref_shutdown(NULL))                                                                \
    X(gives, actr_ref_is_shutting_down, actr_ref_is_shutting_down(NULL))                                               \
    X(refuses, actr_ref_wait_for_shutdown, actr_ref_wait_for_shutdown(NULL, 0, E))                                     \
    X(refuses, actr_ref_wait_for_ctrl_c_and_shutdown, actr_ref_wait_for_ctrl_c_and_shutdown(NULL, E))                  \
    X(zeros, actr_ref_stats, actr_ref_stats(NULL, &stats.node))                                                        \
    X(refuses_bare, actr_test_dispatch, actr_test_dispatch(NULL, dispatch, NULL, "a.B", NONE, &bytes, E))              \
    X(gives, actr_inproc_retain, actr_inproc_retain(NULL) == NULL)                                                     \
    X(ends, actr_inproc_release, actr_inproc_release(NULL))                                                            \
    X(ends, actr_inproc_close, actr_inproc_close(NULL))                                                                \
    X(refuses, actr_inproc_open_channel, actr_inproc_open_channel(NULL, ACTR_RPC_RELIABLE, "c", &out.lane, E))         \
    X(gives, actr_inproc_close_channel, !actr_inproc_close_channel(NULL, ACTR_RPC_RELIABLE, "c"))                      \
    X(refuses, actr_inproc_lane, actr_inproc_lane(NULL, ACTR_RPC_RELIABLE, NULL, &out.lane, E))                        \
    X(refuses, actr_inproc_send_request, actr_inproc_send_request(NULL, ACTR_RPC_RELIABLE, NULL, &ENVELOPE, &buf, E))  \
    X(refuses, actr_inproc_send_request_async,                                                                         \
      actr_inproc_send_request_async(NULL, ACTR_RPC_RELIABLE, NULL, &ENVELOPE, on_reply, NULL, E))                     \
    X(refuses, actr_inproc_send_message, actr_inproc_send_message(NULL, ACTR_RPC_RELIABLE, NULL, &ENVELOPE, E))        \
    X(refuses, actr_inproc_recv, actr_inproc_recv(NULL, 1, &out.received, E))                                          \
    X(refuses, actr_inproc_try_recv, actr_inproc_try_recv(NULL, &out.received, E))                                     \
    X(gives, actr_received_envelope, actr_received_envelope(NULL) == NULL)                                             \
    X(gives, actr_received_type, actr_received_type(NULL) == (actr_payload_type_t)0)                                   \
    X(gives, actr_received_channel, actr_received_channel(NULL) == NULL)                                               \
    X(gives, actr_received_is_request, !actr_received_is_request(NULL))                                                \
    X(refuses, actr_received_reply, actr_received_reply(NULL, NULL, E))                                                \
    X(refuses_bare, actr_received_fail, actr_received_fail(NULL, ACTR_STATUS_INTERNAL, "x"))                           \
    X(ends, actr_received_release, actr_received_release(NULL))                                                        \
    X(refuses, actr_inproc_complete_response, actr_inproc_complete_response(NULL, "r", NULL, E))                       \
    X(refuses, actr_inproc_complete_error, actr_inproc_complete_error(NULL, "r", ACTR_STATUS_INTERNAL, "x", E))        \
    X(zeros, actr_inproc_get_stats, actr_inproc_get_stats(NULL, &stats.inproc))                                        \
    X(gives, actr_ref_outproc, actr_ref_outproc(NULL) == NULL)                                                         \
    X(refuses, actr_outproc_send, actr_outproc_send(NULL, &LOCAL, ACTR_RPC_RELIABLE, NONE, 0, E))                      \
    X(refuses, actr_outproc_send_async, actr_outproc_send_async(NULL, &LOCAL, ACTR_RPC_RELIABLE, NONE, 0, on_reply, NULL, E)) \
    X(refuses, actr_outproc_request_id, actr_outproc_request_id(NULL, text, E))                                        \
    X(refuses, actr_envelope_encode, actr_envelope_encode(NULL, &buf, E))                                              \
    X(refuses, actr_outproc_lane, actr_outproc_lane(NULL, &LOCAL, ACTR_RPC_RELIABLE, false, &out.lane, E))             \
    X(gives, actr_outproc_list_dests, (count = 1, actr_outproc_list_dests(NULL, NULL, &count), count == 0))            \
    X(gives, actr_outproc_dest_count, actr_outproc_dest_count(NULL) == 0)                                              \
    X(gives, actr_outproc_has_dest, !actr_outproc_has_dest(NULL, &LOCAL))                                              \
    X(refuses, actr_outproc_close_dest, actr_outproc_close_dest(NULL, &LOCAL, E))                                      \
    X(ends, actr_outproc_close_all, actr_outproc_close_all(NULL))                                                      \
    X(zeros, actr_outproc_get_stats, actr_outproc_get_stats(NULL, &stats.outproc))                                     \
    X(refuses, actr_uri_parse, actr_uri_parse(NULL, &out.uri, E))                                                      \
    X(refuses, actr_uri_make, actr_uri_make(1, "m", "n", "", NULL, E))                                            \
    X(gives, actr_uri_print, actr_uri_print(NULL, text, sizeof text) == 0 && text[0] == '\0')                          \
    X(refuses, actr_old_uri_parse, actr_old_uri_parse(NULL, &out.old_uri, E))                                          \
    X(gives, actr_old_uri_print, actr_old_uri_print(NULL, text, sizeof text) == 0 && text[0] == '\0')
/* clang-format on */

/* They have no object, or one that may be NULL. */
static const char *const without[] = {"actr_version_number", "actr_version",    "actr_buf_copy",
                                      "actr_dest_local",     "actr_dest_shell", "actr_message_key",
                                      "actr_status_name",    "actr_status_str", "actr_event_name",
                                      "actr_test_ctx_new",   "actr_lane_new",   "actr_inproc_new"};

#define holds(condition, expression)                                                                                   \
    if (!(condition)) fail_msg("%s", #expression)
#define refuses(expression)                                                                                            \
    holds((expression) == ACTR_STATUS_INVALID_ARGUMENT && error.status == ACTR_STATUS_INVALID_ARGUMENT &&              \
              error.message[0] != '\0',                                                                                \
          expression)
#define refuses_bare(expression) holds((expression) == ACTR_STATUS_INVALID_ARGUMENT, expression)
#define gives(expression) holds(expression, expression)
#define ends(expression) expression
#define zeros(expression)                                                                                              \
    memset(&stats, 0, sizeof stats);                                                                                   \
    memset(&stats, 1, 24);                                                                                             \
    stats.struct_size = 24;                                                                                            \
    expression;                                                                                                        \
    holds(is_zero() && stats.struct_size == 24, expression)

#define BODY(kind, name, expression)                                                                                   \
    static void with_##name(void)                                                                                      \
    {                                                                                                                  \
        kind(expression);                                                                                              \
    }
FUNCTIONS(BODY)

#define ROW(kind, name, expression) {#name, with_##name},
static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {FUNCTIONS(ROW)};

static void null_is_taken_by_each_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        error = (actr_error_t)ACTR_ERROR_INIT;
        rows[i].run();
    }
}

static bool is_known(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0) return true;
    }
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        if (strlen(without[i]) == size && memcmp(without[i], name, size) == 0) return true;
    }
    return false;
}

/* The name before the first parenthesis that opens a list of parameters. */
static void check_declaration(const char *at)
{
    const char *name = strstr(at, "actr_");
    while (name != NULL && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '(') {
        name = strstr(name + 5, "actr_");
    }
    assert_non_null(name);
    size_t size = strcspn(name, "(");
    if (!is_known(name, size)) fail_msg("%.*s is not in the table", (int)size, name);
}

static unsigned check_header(const char *path)
{
    static char source[1 << 17];
    unsigned found = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(source, 1, sizeof source - 1, file);
    (void)fclose(file);
    source[size] = '\0';
    for (const char *at = source; (at = strstr(at, "\nACTR_API ")) != NULL; at++, found++) check_declaration(at);
    return found;
}

static void no_function_is_forgotten(void **state)
{
    (void)state;
    unsigned found = 0;
    DIR *folder = opendir(ACTR_INCLUDE "/actr");
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[600];
        size_t size = strlen(entry->d_name);
        if (size < 3 || strcmp(entry->d_name + size - 2, ".h") != 0) continue;
        (void)snprintf(path, sizeof path, "%s/actr/%s", ACTR_INCLUDE, entry->d_name);
        found += check_header(path);
    }
    (void)closedir(folder);
    assert_int_equal(found, sizeof rows / sizeof rows[0] + sizeof without / sizeof without[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_taken_by_each_function),
        cmocka_unit_test(no_function_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
