/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of handlers, without node, server or network: a context that says what the test wants, and runs handlers as
 * a node would. Not part of <actr/actr.h>.
 */
#ifndef ACTR_TESTING_H
#define ACTR_TESTING_H

#include <actr/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Plays whoever the handler calls or tells. For a call, *reply is set to a buffer that becomes the context's user's, or
 * a negative status is returned.
 */
typedef actr_status_t (*actr_test_call_fn)(const actr_dest_t *dest, const char *route, actr_bytes_t payload,
                                           bool is_tell, actr_buf_t **reply, void *user);

typedef struct actr_test_options {
    size_t struct_size;
    const actr_allocator_t *allocator; /* NULL: libc's */
    actr_id_t self;
    actr_ctx_spec_t request; /* its struct_size 0: the Shell, an id that is made, no limit */
    actr_test_call_fn on_call;
    void *user; /* of on_call */
} actr_test_options_t;

#define ACTR_TEST_OPTIONS_INIT                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(actr_test_options_t)                                                                     \
    }

/*
 * Makes a test context. Who asks, memory, failures and panics work as in a handler. actr_ctx_call and actr_ctx_tell go
 * to on_call; without it, and whatever else needs a running node: ACTR_STATUS_NOT_SUPPORTED. options may be NULL. The
 * caller releases it (actr_ctx_release). [any-thread], used by one at a time.
 */
ACTR_API ACTR_MUST_CHECK actr_status_t actr_test_ctx_new(const actr_test_options_t *options, actr_ctx_t **ctx,
                                                         actr_error_t *error);

/*
 * Runs a dispatch function (a generated one, or one's own) as a node does, in this context, on this thread. *reply
 * lives as long as the context. A failure and its words are what a caller would get. payload is borrowed.
 */
ACTR_API actr_status_t actr_test_dispatch(actr_ctx_t *ctx, actr_dispatch_fn dispatch, void *user, const char *route,
                                          actr_bytes_t payload, actr_bytes_t *reply, actr_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
