/* SPDX-License-Identifier: Apache-2.0 */
/* The context factory on a running node: a caller and a request id of one's own, and their time limit. */
#include "fixture.h"

static void a_made_context_calls_for_its_request(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t n;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_spec_t spec = ACTR_CTX_SPEC_INIT;
    actr_id_t caller = {.serial_number = 5, .realm = 6, .type = {"acme", "caller"}};
    actr_ctx_t *ctx = NULL;
    actr_buf_t *reply = NULL;
    fixture_open(&f);
    fixture_node(&n, &f, "a");
    spec.caller = &caller;
    spec.request_id = "mine";
    assert_ok(actr_ref_make_ctx(n.ref, &spec, &ctx, &error), &error);
    assert_true(actr_id_equal(actr_ctx_caller_id(ctx), &caller));
    assert_string_equal(actr_ctx_request_id(ctx), "mine");
    assert_true(actr_id_equal(actr_ctx_self_id(ctx), actr_ref_actor_id(n.ref)));
    actr_dest_t local = actr_dest_local();
    char *words = actr_ctx_printf(ctx, "of its %s", "memory");
    assert_non_null(words);
    assert_ok(actr_ctx_call(ctx, &local, "x.Echo", (actr_bytes_t){words, strlen(words)}, NULL, &reply, &error), &error);
    assert_memory_equal(actr_buf_data(reply), words, strlen(words));
    actr_buf_release(reply);
    actr_ctx_release(ctx);
    fixture_stop(&n);
    fixture_close(&f);
}

/* Its limit ends a call whose own limit is later; and it does not keep the node. */
static void its_limit_holds_and_it_may_outlive_the_node(void **state)
{
    (void)state;
    fixture_t f;
    fixture_node_t n;
    actr_error_t error = ACTR_ERROR_INIT;
    actr_ctx_spec_t spec = ACTR_CTX_SPEC_INIT;
    actr_ctx_t *ctx = NULL;
    actr_dest_t local = actr_dest_local();
    fixture_open(&f);
    fixture_node(&n, &f, "a");
    spec.timeout_ms = 30;
    assert_ok(actr_ref_make_ctx(n.ref, &spec, &ctx, &error), &error);
    int64_t begin = actri_now_ns();
    assert_status(ACTR_STATUS_TIMEOUT,
                  actr_ctx_call(ctx, &local, "x.Slow", (actr_bytes_t){"x", 1}, NULL, NULL, &error));
    assert_true(actri_now_ns() - begin < 15 * ACTRI_SECOND);
    fixture_stop(&n);
    assert_status(ACTR_STATUS_SHUTTING_DOWN,
                  actr_ctx_call(ctx, &local, "x.Echo", (actr_bytes_t){"x", 1}, NULL, NULL, &error));
    actr_ctx_release(ctx);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_context_calls_for_its_request),
        cmocka_unit_test(its_limit_holds_and_it_may_outlive_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
