/* SPDX-License-Identifier: Apache-2.0 */
/* What a program may get wrong is named at once, before anything leaves; and whatever an error says, it arrives. */
#include "scene.h"

#include <actr/service.h>
#include <actr/transport.h>

#define LATIN1 "caf\xe9" /* no UTF-8: a peer could not read a message with it */

static const actr_dest_t local = {.kind = ACTR_DEST_LOCAL}, shell = {.kind = ACTR_DEST_SHELL};

static actr_status_t serve_echo(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    (void)s;
    (void)ctx;
    *reply = request->payload;
    return ACTR_OK;
}

/* Fails with the payload as its text, later. */
static actr_status_t serve_fail_later(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_reply_t *handle = NULL;
    (void)s;
    (void)reply;
    if (actr_ctx_defer(ctx, &handle, NULL) != ACTR_OK) return ACTR_STATUS_INTERNAL;
    actr_status_t status = actr_reply_fail(handle, ACTR_STATUS_DECODE, "%.*s", (int)request->payload.size,
                                           (const char *)request->payload.data);
    actr_reply_release(handle);
    return status == ACTR_OK ? ACTR_DEFERRED : status;
}

/* Releases what is not its own: its context, and that of its reply. */
static actr_status_t serve_release(scene_t *s, actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply)
{
    actr_reply_t *handle = NULL;
    (void)s;
    (void)reply;
    actr_ctx_release(ctx);
    if (actr_ctx_defer(ctx, &handle, NULL) != ACTR_OK) return ACTR_STATUS_INTERNAL;
    actr_ctx_release(actr_reply_ctx(handle));
    actr_status_t status = actr_reply_send(handle, request->payload, NULL);
    actr_reply_release(handle);
    return status == ACTR_OK ? ACTR_DEFERRED : status;
}

static const scene_route_t routes[] = {
    {"w.Echo", serve_echo}, {"w.FailLater", serve_fail_later}, {"w.Release", serve_release}, {0}};

static void open_two(fixture_t *f, scene_t *a, scene_t *b)
{
    fixture_open(f);
    scene_open(a, f, "a", routes, routes);
    scene_open(b, f, "b", routes, routes);
    a->peer = fixture_find(&a->n, "b");
}

static void close_two(fixture_t *f, scene_t *a, scene_t *b)
{
    scene_close(a);
    scene_close(b);
    fixture_close(f);
}

static actr_status_t call(scene_t *s, const actr_dest_t *dest, const char *route, const actr_call_options_t *options)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_buf_t *reply = NULL;
    actr_status_t status =
        actr_ctx_call(actr_ref_ctx(s->n.ref), dest, route, (actr_bytes_t){"x", 1}, options, &reply, &error);
    actr_buf_release(reply);
    assert_true(status == ACTR_OK || error.message[0] != '\0');
    return status;
}

/* ---- calls ---- */

static void texts_that_no_peer_can_read_do_not_leave(void **state)
{
    fixture_t f;
    scene_t a, b;
    (void)state;
    open_two(&f, &a, &b);
    const actr_metadata_t bad_key = {LATIN1, "v"}, bad_value = {"k", LATIN1};
    actr_call_options_t parent = ACTR_CALL_OPTIONS_INIT, trace = parent, key = parent, value = parent;
    parent.traceparent = LATIN1;
    trace.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    trace.tracestate = LATIN1;
    key.metadata = &bad_key;
    value.metadata = &bad_value;
    key.metadata_count = value.metadata_count = 1;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &a.peer, LATIN1, NULL));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &a.peer, "w.Echo", &parent));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &a.peer, "w.Echo", &trace));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &a.peer, "w.Echo", &key));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &a.peer, "w.Echo", &value));
    assert_status(ACTR_OK, call(&a, &a.peer, "w.Echo", NULL));
    close_two(&f, &a, &b);
}

static void what_no_call_can_have_is_named(void **state)
{
    fixture_t f;
    scene_t a, b;
    (void)state;
    open_two(&f, &a, &b);
    const actr_dest_t dests[] = {local, shell, a.peer};
    actr_call_options_t type = ACTR_CALL_OPTIONS_INIT, retry = type, list = type;
    actr_dest_t strange = a.peer;
    type.payload_type = ACTR_STREAM_RELIABLE;
    retry.retry = (actr_retry_t)44;
    list.metadata_count = 1;
    strange.kind = (actr_dest_kind_t)99;
    for (size_t i = 0; i < 3; i++) {
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &dests[i], "w.Echo", &type));
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &dests[i], "w.Echo", &retry));
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &dests[i], "w.Echo", &list));
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &dests[i], "", NULL));
        assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &dests[i], NULL, NULL));
        assert_status(ACTR_OK, call(&a, &dests[i], "w.Echo", NULL));
    }
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, call(&a, &strange, "w.Echo", NULL));
    close_two(&f, &a, &b);
}

/* An error's text is cut to what an error holds, which may be in the middle of a character. */
static void an_error_with_any_text_arrives(void **state)
{
    fixture_t f;
    scene_t a, b;
    char cut[600] = "x"; /* no text may be longer than an error's, and its characters have two bytes */
    (void)state;
    open_two(&f, &a, &b);
    const actr_dest_t dests[] = {local, shell, a.peer};
    for (size_t at = strlen("x"); at + 2 < sizeof cut; at += 2) memcpy(cut + at, "\xc3\xa9", 2);
    for (size_t i = 0; i < 6; i++) {
        actr_error_t error = ACTR_ERROR_INIT;
        assert_status(ACTR_STATUS_DECODE,
                      scene_call(&a, &dests[i / 2], "w.FailLater", cut + i % 2, 20000, NULL, &error));
        assert_status(ACTR_STATUS_DECODE,
                      scene_call(&a, &dests[i / 2], "w.FailLater", LATIN1 " is closed", 20000, NULL, &error));
        assert_non_null(strstr(error.message, "caf? is closed"));
    }
    close_two(&f, &a, &b);
}

/* ---- chunks, envelopes ---- */

static void take_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    (void)user;
}

static void chunks_and_envelopes_as_well(void **state)
{
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    (void)state;
    open_two(&f, &a, &b);
    actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
    const actr_metadata_t bad = {"k", LATIN1};
    actr_chunk_t id = ACTR_CHUNK_INIT, list = id, text = id;
    actr_dest_t strange = a.peer;
    strange.kind = (actr_dest_kind_t)99;
    id.stream_id = LATIN1;
    list.stream_id = text.stream_id = "s";
    list.metadata_count = text.metadata_count = 1;
    text.metadata = &bad;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_send_chunk(ctx, &a.peer, &id, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_send_chunk(ctx, &a.peer, &list, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_send_chunk(ctx, &a.peer, &text, NULL, &error));
    text.metadata_count = 0;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_send_chunk(ctx, &strange, &text, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ctx_register_stream(ctx, LATIN1, take_chunk, NULL, NULL, &error));
    close_two(&f, &a, &b);

    actr_envelope_t envelope = ACTR_ENVELOPE_INIT;
    actr_buf_t *bytes = NULL;
    envelope.route = LATIN1;
    envelope.request_id = "123e4567-e89b-42d3-a456-426614174000";
    envelope.payload = actr_buf_copy((actr_bytes_t){"x", 1});
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_envelope_encode(&envelope, &bytes, &error));
    envelope.route = "w.Echo";
    envelope.metadata_count = 1;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_envelope_encode(&envelope, &bytes, &error));
    actr_buf_release(envelope.payload);
    assert_null(bytes);
}

/* ---- NULL ---- */

static void metadata_has_one_limit_for_all(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_metadata_t metadata[64];
    actr_error_t error = ACTR_ERROR_INIT;
    actr_call_options_t options = ACTR_CALL_OPTIONS_INIT;
    for (size_t i = 0; i < 64; i++) metadata[i] = (actr_metadata_t){"key", "value"};
    options.metadata = metadata;
    open_two(&f, &a, &b);
    const actr_dest_t *const dests[] = {&local, &shell, &a.peer};
    for (size_t i = 0; i < 3; i++) {
        actr_ctx_t *ctx = actr_ref_ctx(a.n.ref);
        options.metadata_count = 63;
        assert_status(ACTR_OK, call(&a, dests[i], "w.Echo", &options));
        options.metadata_count = 64;
        assert_status(ACTR_STATUS_LIMIT_REACHED, call(&a, dests[i], "w.Echo", &options));
        assert_status(ACTR_STATUS_LIMIT_REACHED,
                      actr_ctx_tell(ctx, dests[i], "w.Echo", (actr_bytes_t){"x", 1}, &options, &error));
        assert_non_null(strstr(error.message, "63 metadata entries are the limit"));
        assert_status(ACTR_STATUS_LIMIT_REACHED, actr_ctx_call_async(ctx, dests[i], "w.Echo", (actr_bytes_t){"x", 1},
                                                                     &options, NULL, NULL, &error));
    }
    close_two(&f, &a, &b);
}

/* The Shell's, a handler's, a reply's: they go with what they belong to. */
static void only_a_made_context_can_be_released(void **state)
{
    (void)state;
    fixture_t f;
    scene_t a, b;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *made = NULL;
    open_two(&f, &a, &b);
    for (int i = 0; i < 2; i++) {
        actr_ctx_release(actr_ref_ctx(a.n.ref));
        assert_status(ACTR_OK, call(&a, &local, "w.Release", NULL));
        assert_status(ACTR_OK, call(&a, &a.peer, "w.Release", NULL));
    }
    assert_ok(actr_ref_make_ctx(a.n.ref, NULL, &made, &error), &error);
    actr_ctx_release(made);
    close_two(&f, &a, &b);
}

static void a_handle_that_is_not_there_is_named(void **state)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t none = {NULL, 0};
    actr_type_t type = {"acme", "a"};
    actr_id_t id;
    size_t count = 1;
    (void)state;
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ref_call(NULL, "w.Echo", none, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ref_call_async(NULL, "w.Echo", none, NULL, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ref_tell(NULL, "w.Echo", none, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_ref_discover(NULL, &type, 0, &id, &count, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_outproc_close_dest(NULL, &local, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_method_call(NULL, &local, NULL, NULL, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT, actr_message_receive(NULL, NULL, NULL, &error));
    assert_null(actr_ref_ctx(NULL));
    assert_null(actr_ref_outproc(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_no_peer_can_read_do_not_leave), cmocka_unit_test(what_no_call_can_have_is_named),
        cmocka_unit_test(an_error_with_any_text_arrives),           cmocka_unit_test(chunks_and_envelopes_as_well),
        cmocka_unit_test(a_handle_that_is_not_there_is_named),      cmocka_unit_test(metadata_has_one_limit_for_all),
        cmocka_unit_test(only_a_made_context_can_be_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
