/* SPDX-License-Identifier: Apache-2.0 */
/* Test contexts: a user's handler runs in one as in a node, without a network. */
#include "check.h"
#include "oom.h"

#include <actr/testing.h>
#include <stdio.h>
#include <string.h>

static actr_bytes_t text(const char *words)
{
    return (actr_bytes_t){words, strlen(words)};
}

/* A handler as a user writes one: greets, asks another actor, fails, panics. */
static actr_status_t dispatch(actr_ctx_t *ctx, const actr_request_t *request, actr_bytes_t *reply, void *user)
{
    actr_dest_t peer = actr_dest_actor(user);
    actr_error_t error = ACTR_ERROR_INIT;
    if (strcmp(request->route, "t.Greet") == 0) {
        char who[ACTR_ID_TEXT_SIZE] = "the Shell";
        if (actr_ctx_caller_id(ctx) != NULL) (void)actr_id_print(actr_ctx_caller_id(ctx), who);
        char *answer = actr_ctx_printf(ctx, "%.*s %s (%s)", (int)request->payload.size,
                                       (const char *)request->payload.data, who, actr_ctx_request_id(ctx));
        *reply = (actr_bytes_t){answer, answer == NULL ? 0 : strlen(answer)};
        return ACTR_OK;
    }
    if (strcmp(request->route, "t.Ask") == 0) {
        actr_buf_t *answer = NULL;
        actr_status_t status = actr_ctx_call(ctx, &peer, "p.Question", request->payload, NULL, &answer, &error);
        if (status != ACTR_OK) return actr_ctx_fail(ctx, status, "no answer: %s", error.message);
        void *copy = actr_ctx_alloc(ctx, actr_buf_size(answer));
        if (copy != NULL) memcpy(copy, actr_buf_data(answer), actr_buf_size(answer));
        *reply = (actr_bytes_t){copy, actr_buf_size(answer)};
        actr_buf_release(answer);
        return ACTR_OK;
    }
    if (strcmp(request->route, "t.Tell") == 0) {
        return actr_ctx_tell(ctx, &peer, "p.Note", request->payload, NULL, &error);
    }
    if (strcmp(request->route, "t.Fail") == 0) return actr_ctx_fail(ctx, ACTR_STATUS_NOT_FOUND, "no %s", "such thing");
    if (strcmp(request->route, "t.Panic") == 0) return actr_ctx_panic(ctx, "impossible");
    return ACTR_STATUS_UNKNOWN_ROUTE;
}

typedef struct played {
    unsigned calls, tells;
    char said[64];
    actr_dest_t to;
    actr_status_t status;
} played_t;

static actr_status_t play(const actr_dest_t *dest, const char *route, actr_bytes_t payload, bool is_tell,
                          actr_buf_t **reply, void *user)
{
    played_t *p = user;
    p->to = *dest;
    (void)snprintf(p->said, sizeof p->said, "%s %.*s", route, (int)payload.size, (const char *)payload.data);
    if (is_tell)
        p->tells++;
    else
        p->calls++;
    if (!is_tell && p->status == ACTR_OK) *reply = actr_buf_copy(text("42"));
    return p->status;
}

static actr_id_t id_of(uint64_t serial)
{
    return (actr_id_t){.serial_number = serial, .realm = 7, .type = {"acme", "t"}};
}

static actr_ctx_t *open_ctx(const actr_id_t *caller, played_t *played)
{
    actr_test_options_t options = ACTR_TEST_OPTIONS_INIT;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *ctx = NULL;
    options.self = id_of(1);
    options.request = (actr_ctx_spec_t)ACTR_CTX_SPEC_INIT;
    options.request.caller = caller;
    options.request.request_id = "request-1";
    if (played != NULL) options.on_call = play;
    options.user = played;
    assert_ok(actr_test_ctx_new(&options, &ctx, &error), &error);
    return ctx;
}

static void expect(actr_ctx_t *ctx, actr_id_t *peer, const char *route, actr_status_t expected, const char *words)
{
    actr_error_t error = ACTR_ERROR_INIT;
    actr_bytes_t reply = {NULL, 9};
    actr_status_t status = actr_test_dispatch(ctx, dispatch, peer, route, text("hello"), &reply, &error);
    assert_status(expected, status);
    if (status < 0) {
        assert_string_equal(error.message, words);
        assert_int_equal(reply.size, 0);
    } else {
        assert_int_equal(reply.size, strlen(words));
        if (reply.size > 0) assert_memory_equal(reply.data, words, reply.size);
    }
}

static void a_handler_sees_who_asks(void **state)
{
    (void)state;
    actr_id_t caller = id_of(0x2a), peer = id_of(3), self = id_of(1);
    actr_ctx_t *ctx = open_ctx(&caller, NULL);
    caller = id_of(9); /* it was copied */
    assert_true(actr_id_equal(actr_ctx_self_id(ctx), &self));
    expect(ctx, &peer, "t.Greet", ACTR_OK, "hello 2a@7:acme+t (request-1)");
    expect(ctx, &peer, "t.Greet", ACTR_OK, "hello 2a@7:acme+t (request-1)"); /* as often as wanted */
    actr_ctx_release(ctx);
    ctx = open_ctx(NULL, NULL);
    expect(ctx, &peer, "t.Greet", ACTR_OK, "hello the Shell (request-1)");
    actr_ctx_release(ctx);
    actr_ctx_release(NULL);
}

static void failures_are_what_a_caller_gets(void **state)
{
    (void)state;
    actr_id_t peer = id_of(3);
    actr_ctx_t *ctx = open_ctx(NULL, NULL);
    expect(ctx, &peer, "t.Fail", ACTR_STATUS_NOT_FOUND, "no such thing");
    expect(ctx, &peer, "t.Panic", ACTR_STATUS_HANDLER_PANIC, "Handler panicked: impossible");
    expect(ctx, &peer, "t.None", ACTR_STATUS_UNKNOWN_ROUTE, "Unknown route: t.None");
    expect(ctx, &peer, "t.Tell", ACTR_STATUS_NOT_SUPPORTED, actr_status_str(ACTR_STATUS_NOT_SUPPORTED));
    actr_ctx_release(ctx);
}

static void a_test_plays_the_peers(void **state)
{
    (void)state;
    played_t played = {.status = ACTR_OK};
    actr_id_t peer = id_of(3);
    actr_ctx_t *ctx = open_ctx(NULL, &played);
    expect(ctx, &peer, "t.Ask", ACTR_OK, "42");
    assert_string_equal(played.said, "p.Question hello");
    assert_true(actr_id_equal(&played.to.id, &peer));
    expect(ctx, &peer, "t.Tell", ACTR_OK, "");
    assert_string_equal(played.said, "p.Note hello");
    assert_int_equal(played.calls, 1);
    assert_int_equal(played.tells, 1);
    played.status = ACTR_STATUS_TIMEOUT;
    expect(ctx, &peer, "t.Ask", ACTR_STATUS_TIMEOUT, "no answer: p.Question: the time limit passed");
    actr_ctx_release(ctx);
}

/* As the reference's test context: what would need a node is "not implemented", and nothing is sent. */
static void on_timer(actr_ctx_t *ctx, void *user)
{
    (void)ctx;
    (void)user;
}

static void on_chunk(actr_ctx_t *ctx, const actr_chunk_t *chunk, void *user)
{
    (void)ctx;
    (void)chunk;
    (void)user;
}

static void what_needs_a_node_says_so(void **state)
{
    (void)state;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_t *ctx = NULL;
    actr_type_t type = {"acme", "t"};
    actr_id_t found;
    size_t count = 1;
    actr_reply_t *reply = NULL;
    actr_dest_t local = actr_dest_local();
    assert_ok(actr_test_ctx_new(NULL, &ctx, &error), &error);
    assert_int_equal(strlen(actr_ctx_request_id(ctx)), 36);
    assert_null(actr_ctx_caller_id(ctx));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_call(ctx, &local, "r", text(""), NULL, NULL, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_tell(ctx, &local, "r", text(""), NULL, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_call_async(ctx, &local, "r", text(""), NULL, NULL, NULL, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_discover(ctx, &type, 0, &found, &count, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_after(ctx, 0, on_timer, NULL, NULL, &error));
    assert_status(ACTR_STATUS_NOT_SUPPORTED, actr_ctx_register_stream(ctx, "s", on_chunk, NULL, NULL, &error));
    assert_status(ACTR_STATUS_INVALID_STATE, actr_ctx_defer(ctx, &reply, &error));
    assert_status(ACTR_STATUS_INVALID_ARGUMENT,
                  actr_test_dispatch(NULL, dispatch, NULL, "r", text(""), &(actr_bytes_t){NULL, 0}, &error));
    actr_ctx_release(ctx);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    actr_id_t peer = id_of(3);
    OOM_EACH(oom)
    {
        actr_test_options_t options = ACTR_TEST_OPTIONS_INIT;
        actr_error_t error = ACTR_ERROR_INIT;
        actr_ctx_t *ctx = NULL;
        actr_bytes_t reply;
        options.allocator = &oom.env.allocator;
        options.request = (actr_ctx_spec_t)ACTR_CTX_SPEC_INIT;
        options.request.traceparent = "00-x";
        actr_status_t status = actr_test_ctx_new(&options, &ctx, &error);
        if (status == ACTR_OK) status = actr_test_dispatch(ctx, dispatch, &peer, "t.Greet", text("x"), &reply, &error);
        assert_true(status == ACTR_OK || status == ACTR_STATUS_NO_MEMORY);
        actr_ctx_release(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_sees_who_asks), cmocka_unit_test(failures_are_what_a_caller_gets),
        cmocka_unit_test(a_test_plays_the_peers),  cmocka_unit_test(what_needs_a_node_says_so),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
