/* SPDX-License-Identifier: Apache-2.0 */
/* A generated service while memory fails. */
#include "check.h"
#include "oom.h"

#include "harness.h"
#include "nested.actr.h"

#include <string.h>

static actr_status_t open_outer(actr_ctx_t *ctx, const Codegen__Nested__V1__Outer *request,
                                Codegen__Nested__V1__Outer__MiddlePart *reply, void *user)
{
    (void)user;
    Codegen__Nested__V1__Outer__MiddlePart__Inner *inner = actr_ctx_alloc(ctx, sizeof *inner);
    if (inner == NULL) return ACTR_OK; /* a handler that does not notice */
    codegen__nested__v1__outer__middle__part__inner__init(inner);
    inner->text = actr_ctx_printf(ctx, "%s%4000s", request->middle->inner->text, "x");
    reply->inner = inner;
    return ACTR_OK;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static harness_reply_t reply;
    codegen_nested_v1_nested_types_handlers_t handlers = {.open = open_outer};
    static const char request[] = "\x0a\x07\x0a\x05\x12\x03txt";
    OOM_EACH(oom)
    {
        bool failed = harness_dispatch_env(&oom.env, codegen_nested_v1_nested_types_dispatch, &handlers,
                                           "codegen.nested.v1.NestedTypes.Open", request, sizeof request - 1, &reply);
        assert_true(failed == (oom.failed > 0));
        if (!failed) {
            assert_status(ACTR_OK, reply.status);
            assert_true(reply.size > 4000);
            assert_memory_equal(reply.data + reply.size - 4003, "txt ", 4);
        } else {
            assert_true(reply.status == ACTR_OK || reply.status == ACTR_STATUS_NO_MEMORY); /* the arena remembers */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
